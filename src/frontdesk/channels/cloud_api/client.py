"""The process's one HTTP client for the Graph API, which always knows whether a request may have arrived."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import NamedTuple, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, DetailedPyreqwestError
from pyreqwest.request import ConsumedRequest

from frontdesk.channels.records import Uncertain, Unreached


class Answer(NamedTuple):
    """What the server answered, whatever it was."""

    status: int
    retry_after: str | None
    body: bytes


class Session:
    """Keep-alive connections shared by all channels; every request brings its own address and token.

    `timeout`: seconds for a whole request; `connections`: requests at once; `patience`: seconds a request waits for its
    turn; `idle`: seconds an unused connection is kept, less than servers keep theirs, so that a request seldom meets a
    connection that is just being closed; `authority`: PEM of a certificate authority to trust beside the system's.
    Follows no redirect (it would carry the token along) and uses no proxy from the environment.
    """

    def __init__(
        self,
        *,
        timeout: float = 30.0,
        connections: int = 100,
        patience: float = 10.0,
        idle: float = 20.0,
        authority: bytes | None = None,
    ) -> None:
        # Turns are taken here and not in pyreqwest, which would still send a request cancelled while it waited.
        self._turns = asyncio.Semaphore(connections)
        self._patience = patience
        self._client = _client(timeout, connections, idle, authority)

    async def post(self, url: str, token: str, body: bytes) -> Answer | Unreached | Uncertain:
        """POST this JSON. Raises ValueError, before anything is sent, if url or token cannot be put into a request."""
        request = self._client.post(url).bearer_auth(token).header("Content-Type", "application/json").body_bytes(body)
        return await self._send(request.build())

    async def get(self, url: str, token: str) -> Answer | Unreached | Uncertain:
        """GET what is there. Raises ValueError as `post` does."""
        return await self._send(self._client.get(url).bearer_auth(token).build())

    async def close(self) -> None:
        """Give up the connections. A process may end right after this."""
        await self._client.close()
        # pyreqwest's thread lets go of Python a moment after it has handed over its last answer. A process that ends within
        # that moment is aborted by the interpreter (PyO3/pyo3-async-runtimes#40): one in eight, when a command asked only once.
        await asyncio.sleep(_LETTING_GO)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _send(self, ready: ConsumedRequest) -> Answer | Unreached | Uncertain:
        if not await self._turn():
            return Unreached(f"No connection was free within {self._patience:g} seconds")
        try:
            response = await ready.send()
            return Answer(response.status, response.get_header("Retry-After"), bytes(await response.bytes()))
        except BuilderError:  # an address that is no HTTP address: found out late, but before anything is sent
            raise
        except DetailedPyreqwestError as error:
            return _failure(error)
        finally:
            self._turns.release()

    async def _turn(self) -> bool:
        if not self._turns.locked():
            return await self._turns.acquire()
        try:
            async with asyncio.timeout(self._patience):
                return await self._turns.acquire()
        except TimeoutError:
            return False


_LETTING_GO = 0.1  # seconds; it takes microseconds, but a busy machine may not run that thread at once


def _failure(error: DetailedPyreqwestError) -> Unreached | Uncertain:
    """Only a failed connect surely sent nothing.

    The class of the error does not tell: pyreqwest 0.15 says ConnectError for a reset after the request was written,
    and ConnectTimeoutError for an answer that never came. The cause does, and a cause we do not know is uncertain.
    """
    causes = [cause["message"] for cause in error.details["causes"] or []]
    text = f"{error.message}: {causes[-1]}" if causes else error.message
    return Unreached(text) if "client error (Connect)" in causes else Uncertain(text)


def _client(timeout: float, connections: int, idle: float, authority: bytes | None) -> Client:
    builder = (
        ClientBuilder()
        .user_agent("Frontdesk")
        .no_proxy()
        .follow_redirects(False)
        .timeout(timedelta(seconds=timeout))
        .connect_timeout(timedelta(seconds=min(5.0, timeout / 2)))
        .pool_idle_timeout(timedelta(seconds=idle))
        .pool_max_idle_per_host(connections)
    )
    if authority is not None:
        return builder.add_root_certificate_pem(authority).build()
    try:
        return builder.build()
    except BuilderError:
        # A machine without certificate authorities can still talk to a simulator in plain HTTP. Trusting only an
        # authority whose key nobody has refuses every TLS server, as it must.
        return _client(timeout, connections, idle, _nobodys_authority())


def _nobodys_authority() -> bytes:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)
