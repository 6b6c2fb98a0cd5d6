"""What a provider says about itself: its addresses and its keys, remembered for a while."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx2
import structlog
from authlib.oidc.discovery import get_well_known_url
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from frontdesk.errors import Unavailable

log = structlog.get_logger()
REMEMBERED, LONGEST = 3600.0, 24 * 3600.0  # seconds: as a rule, and when the provider does not answer any more
AGAIN = 30.0  # seconds until a provider that does not have the wanted key is asked once more
PAUSE = 5.0  # seconds until one that failed is
THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
SHORTEST_RSA = 2048  # bits
T = TypeVar("T")
PublicKey = RSAKey | ECKey
Fetch = Callable[[str], Awaitable[dict[str, Any]]]


class ProviderUnavailable(Unavailable):
    """The sign-in provider does not answer as it should. Try again in a minute, or sign in with your password."""

    def __init__(self, why: str = "") -> None:
        """`why`: what is wrong, for the operator; whoever signs in gets the sentence above."""
        super().__init__()
        self.why = why


@dataclass(frozen=True, slots=True)
class Addresses:
    """The endpoints of a provider, and how it wants to be spoken to."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    secret_in_body: bool
    says_issuer: bool


class Directory:
    """The provider's own description. One question at a time; a failure is not repeated at once."""

    def __init__(self, issuer: str, fetch: Fetch, *, plain: bool) -> None:
        """`fetch`: reads a JSON object from an address, raising httpx2.HTTPError or ValueError. `plain`: whether http to this machine will do."""
        self._issuer, self._fetch, self._plain = issuer, fetch, plain
        self._lock, self._addresses, self._keys = asyncio.Lock(), _Remembered[Addresses](), _Remembered[list[PublicKey]]()

    async def addresses(self) -> Addresses:
        """The endpoints. Raises ProviderUnavailable."""
        async with self._lock:
            return await self._addresses.get(self._describe)

    async def key(self, kid: str | None, kind: str) -> PublicKey | None:
        """The key of this name and kind (`RSA` or `EC`), or the only one of the kind for a token that names none.

        A name nobody has heard of makes us ask anew, at most every half minute: whoever invents names cannot make us ask for ever.
        """
        address = (await self.addresses()).keys
        async with self._lock:
            for _ in range(2):
                fitting = [one for one in await self._keys.get(lambda: self._read_keys(address)) if one.key_type == kind and kid in (None, one.kid)]
                if len(fitting) == 1:
                    return fitting[0]
                if not self._keys.forget():
                    break
        return None

    async def _describe(self) -> Addresses:
        said = await self._fetch(get_well_known_url(self._issuer, external=True))
        if said.get("issuer") != self._issuer:
            raise ValueError(f"it calls itself {said.get('issuer')!r}")
        ways = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        userinfo = self._address(said, "userinfo_endpoint") if "userinfo_endpoint" in said else None
        return Addresses(
            self._address(said, "authorization_endpoint"), self._address(said, "token_endpoint"), self._address(said, "jwks_uri"), userinfo,
            secret_in_body="client_secret_basic" not in ways and "client_secret_post" in ways,
            says_issuer=said.get("authorization_response_iss_parameter_supported") is True,
        )  # fmt: skip

    def _address(self, said: Mapping[str, Any], name: str) -> str:
        value = said[name]
        url = httpx2.URL(value)
        if url.scheme != "https" and not (self._plain and url.scheme == "http" and url.host in THIS_MACHINE):
            raise ValueError(f"{name} is no https address")
        return str(value)

    async def _read_keys(self, address: str) -> list[PublicKey]:
        said = await self._fetch(address)
        return [key for one in said["keys"] if isinstance(one, dict) and one.get("use", "sig") == "sig" if (key := _public(one))]


class _Remembered(Generic[T]):
    """One answer of the provider, and when to ask again."""

    def __init__(self) -> None:
        self._value: T | None = None
        self._asked = self._answered = self._failed = self._fresh_until = float("-inf")
        self._why = ""

    async def get(self, ask: Callable[[], Awaitable[T]]) -> T:
        now = time.monotonic()
        if self._value is not None and now < self._fresh_until:
            return self._value
        if now >= self._failed + PAUSE:
            await self._ask(ask, now)
        if self._value is None or now > self._answered + LONGEST:
            raise ProviderUnavailable(self._why)
        return self._value  # after a failure: what it said before holds a little longer

    def forget(self) -> bool:
        """Ask again at the next need. False when it was asked a moment ago."""
        if time.monotonic() < self._asked + AGAIN:
            return False
        self._fresh_until = float("-inf")
        return True

    async def _ask(self, ask: Callable[[], Awaitable[T]], now: float) -> None:
        self._asked = now
        try:
            self._value = await ask()
            self._answered, self._fresh_until = now, now + REMEMBERED
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError, KeyError, TypeError) as error:
            self._failed, self._why = now, f"{type(error).__name__}: {error}"
            log.warning("sign-in provider not understood", error=self._why)


def _public(said: dict[str, Any]) -> PublicKey | None:
    """A key that may sign for the provider. Shared secrets and short keys are none."""
    if said.get("kty") not in ("RSA", "EC"):
        return None
    try:
        key = JWKRegistry.import_key({name: value for name, value in said.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "oth")})
    except (JoseError, ValueError, TypeError):
        return None
    if isinstance(key, RSAKey):
        return key if key.public_key.key_size >= SHORTEST_RSA else None
    return key if isinstance(key, ECKey) else None
