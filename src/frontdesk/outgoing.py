"""The way out to a server that the operator names: over TLS, to addresses that may be asked, with limits on time and size."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator

import httpx2

SECONDS = 5.0  # for each step of a request
LARGEST = 1024 * 1024  # bytes of an answer
LOCAL = ipaddress.ip_network("169.254.0.0/16")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotReached(httpx2.TransportError):
    """The server may not be asked there, was not reached, or said too much."""


class Wire(httpx2.AsyncBaseTransport):
    """Looks an address up once, judges it, and connects to just what was judged: a name that changes its mind leads nowhere else.

    The server that the operator names may stand in his own network. Any other host that it names in turn must be a public one:
    somebody out there sends nobody to what only this machine reaches. `plain`: whether http to this very machine will do.
    """

    def __init__(self, home: str, *, plain: bool) -> None:
        """`home`: the host that the operator names."""
        self._home, self._plain = home, plain
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises NotReached or another TransportError."""
        host, failure = request.url.host, NotReached("no address")
        for address in await self._addresses(request.url):
            try:
                response = await self._inner.handle_async_request(_sent_to(address, host, request))
            except httpx2.ConnectError as error:
                failure = NotReached(str(error))
                continue
            if response.headers.get("content-encoding", "identity") != "identity":
                await response.aclose()
                raise NotReached("the answer is compressed though nobody asked for that")
            return httpx2.Response(response.status_code, headers=response.headers, stream=_Limited(response))
        raise failure

    async def aclose(self) -> None:
        """Give up the connections."""
        await self._inner.aclose()

    async def _addresses(self, url: httpx2.URL) -> list[str]:
        try:
            async with asyncio.timeout(SECONDS):
                found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port or (443 if url.scheme == "https" else 80), type=socket.SOCK_STREAM)
        except (OSError, TimeoutError) as error:
            raise NotReached(f"{url.host} has no address") from error
        known = [ipaddress.ip_address(one[4][0]) for one in found]
        if not known or not all(self._allowed(url, one) for one in known):
            raise NotReached(f"{url.scheme}://{url.host} may not be asked")
        return [str(one) for one in known]

    def _allowed(self, url: httpx2.URL, address: Address) -> bool:
        real = getattr(address, "ipv4_mapped", None) or address
        if url.scheme != "https" and not (url.scheme == "http" and self._plain and real.is_loopback):
            return False
        if real.is_link_local or real.is_multicast or real.is_unspecified:  # link-local: where clouds keep their secrets
            return False
        return bool(url.host == self._home or real.is_global)


class _Limited(httpx2.AsyncByteStream):
    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for part in self._response.aiter_raw():
            seen += len(part)
            if seen > LARGEST:
                raise NotReached(f"the answer has more than {LARGEST:,} bytes")
            yield part

    async def aclose(self) -> None:
        await self._response.aclose()


def _sent_to(address: str, host: str, request: httpx2.Request) -> httpx2.Request:
    """The same request to an address; the header Host and the certificate's name stay the host's."""
    extensions = dict(request.extensions) | {"sni_hostname": host}
    return httpx2.Request(request.method, request.url.copy_with(host=address), headers=request.headers, stream=request.stream, extensions=extensions)
