"""The provider of OpenID Connect that the operator has chosen: where to send a browser, and whom it comes back as."""

import asyncio
import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from frontdesk.outgoing import SECONDS, Wire
from frontdesk.settings import Settings
from frontdesk.single_sign_on.discovery import Directory, ProviderUnavailable
from frontdesk.single_sign_on.records import Claims
from frontdesk.single_sign_on.tokens import NotVouchedFor, verified

log = structlog.get_logger()
CALLBACK = "/login/provider/callback"
SCOPE = "openid email profile"
WHOLE_SECONDS = 10.0  # for a request and its answer, however slowly it drips


@dataclass(frozen=True, slots=True)
class Proof:
    """What ties a visit together. `state` travels with it, `browser` stays in a cookie; the rest follows from both and is kept nowhere."""

    state: str
    browser: str

    @classmethod
    def make(cls) -> Self:
        """One for a new visit."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32))

    @property
    def verifier(self) -> str:
        """What shows that who redeems the code asked for it (RFC 7636)."""
        return self._derived("code verifier")

    @property
    def nonce(self) -> str:
        """What the ID token must repeat."""
        return self._derived("nonce")

    def _derived(self, purpose: str) -> str:
        return urlsafe_b64encode(hashlib.sha256(f"{purpose}|{self.browser}|{self.state}".encode()).digest()).decode().rstrip("=")


class Provider:
    """Speaks the authorization code flow with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 9700)."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is asked before the first visit."""
        self.issuer, self.name = settings.oidc_issuer or "", settings.provider_name
        self._client_id = settings.oidc_client_id or ""
        self._client = AsyncOAuth2Client(
            self._client_id, settings.oidc_client_secret, scope=SCOPE, code_challenge_method="S256",
            redirect_uri=settings.home + CALLBACK,
            transport=Wire(httpx2.URL(self.issuer).host, plain=settings.development), timeout=SECONDS, follow_redirects=False, trust_env=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "Frontdesk"},
        )  # fmt: skip
        self._directory = Directory(self.issuer, self._fetch, plain=settings.development)

    async def close(self) -> None:
        """Give up the connections."""
        await self._client.aclose()

    async def check(self) -> None:
        """Ask the provider for its description. Raises ProviderUnavailable, which says why."""
        await self._directory.addresses()

    async def address_for(self, proof: Proof, *, again: bool = False) -> str:
        """Where to send the browser. `again`: the provider shall ask for the password though it knows who sits there. Raises ProviderUnavailable."""
        addresses = await self._directory.addresses()
        more = {"prompt": "login"} if again else {}
        address, _ = self._client.create_authorization_url(
            addresses.authorization, state=proof.state, nonce=proof.nonce, code_verifier=proof.verifier, response_type="code", **more
        )
        return str(address)

    async def claims_of(self, code: str, proof: Proof, said_issuer: str | None) -> Claims:
        """Whom the provider vouches for with this code. Raises NotVouchedFor or ProviderUnavailable.

        said_issuer: the parameter `iss` of the answer, by which a provider tells that it is no other (RFC 9207).
        """
        addresses = await self._directory.addresses()
        if said_issuer != self.issuer and (said_issuer is not None or addresses.says_issuer):
            raise NotVouchedFor
        tokens = await self._redeem(addresses.token, code, proof, "client_secret_post" if addresses.secret_in_body else "client_secret_basic")
        access = tokens.get("access_token")
        claims = await verified(
            tokens.get("id_token"), self._directory, issuer=self.issuer, client_id=self._client_id, nonce=proof.nonce,
            access_token=access if isinstance(access, str) else None, now=int(time.time()),
        )  # fmt: skip
        if not claims.get("email") and addresses.userinfo and isinstance(access, str):
            claims = dict(claims) | await self._told_besides(addresses.userinfo, access, claims["sub"])
        return _as_claims(self.issuer, claims)

    async def _redeem(self, address: str, code: str, proof: Proof, method: str) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                token = await self._client.fetch_token(
                    address, code=code, code_verifier=proof.verifier, grant_type="authorization_code", redirect_uri=self._client.redirect_uri,
                    auth=self._client.client_auth(method),
                )  # fmt: skip
        except OAuthError as error:
            log.warning("sign-in provider refused a code", error=str(error.error))
            raise NotVouchedFor from error
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError) as error:
            why = f"{type(error).__name__}: {error}"
            log.warning("sign-in provider not reached", error=why)
            raise ProviderUnavailable(why) from error
        return dict(token)

    async def _told_besides(self, address: str, access_token: str, subject: str) -> dict[str, Any]:
        """Email and name of the same subject, from a provider that keeps its ID tokens short."""
        try:
            said = await self._fetch(address, {"Authorization": f"Bearer {access_token}"})
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError) as error:
            raise ProviderUnavailable from error
        if said.get("sub") != subject:
            raise NotVouchedFor
        return {name: said[name] for name in ("email", "email_verified", "name") if name in said}

    async def _fetch(self, address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        async with asyncio.timeout(WHOLE_SECONDS):
            answer = await self._client.request("GET", address, withhold_token=True, headers={"Accept": "application/json"} | dict(headers or {}))
        if answer.status_code != 200:
            raise ValueError(f"{address} answers {answer.status_code}")
        said = answer.json()
        if not isinstance(said, dict):
            raise ValueError(f"{address} answers no JSON object")
        return said


def _as_claims(issuer: str, said: Mapping[str, Any]) -> Claims:
    email, name = said.get("email"), said.get("name") or said.get("preferred_username")
    return Claims(
        issuer,
        said["sub"],
        email if isinstance(email, str) and email else None,
        said.get("email_verified") in (True, "true"),
        name if isinstance(name, str) else "",
    )
