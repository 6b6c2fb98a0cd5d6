"""Where the provider may send us, and where it may not."""

import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from aiohttp import web

from frontdesk.outgoing import LARGEST, NotReached, Wire
from tests.single_sign_on.idp import idp

HOME = "sso.example.com"


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name lead to these addresses."""
    found = [(socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: found)


async def judged(url: str, *, plain: bool = False) -> list[str]:
    return await Wire(HOME, plain=plain)._addresses(httpx2.URL(url))


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fd00::1", "fe80::1", "::ffff:10.0.0.5"]
)
async def test_asvs_1_3_6_a_provider_sends_us_to_no_address_that_only_we_reach(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolve_to(monkeypatch, "93.184.215.14", address)
    with pytest.raises(NotReached):
        await judged("https://keys.example.net/jwks")


async def test_the_operators_own_provider_may_stand_in_his_own_network(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "10.0.0.5")
    assert await judged(f"https://{HOME}/keys") == ["10.0.0.5"]
    for never in ("169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1"):
        resolve_to(monkeypatch, never)
        with pytest.raises(NotReached):
            await judged(f"https://{HOME}/keys")


async def test_plain_http_goes_to_this_machine_only_and_in_development_only(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "10.0.0.5")
    with pytest.raises(NotReached):
        await judged(f"http://{HOME}/keys", plain=True)
    resolve_to(monkeypatch, "127.0.0.1")
    assert await judged(f"http://{HOME}/keys", plain=True) == ["127.0.0.1"]
    with pytest.raises(NotReached):
        await judged(f"http://{HOME}/keys")


async def test_what_was_judged_is_what_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere at the second look-up is looked up only once."""
    looked_up = []
    async with idp() as house:
        real = socket.getaddrinfo

        def once(host: Any, *args: Any, **more: Any) -> Any:
            looked_up.append(host)
            return real("127.0.0.1", *args, **more)

        monkeypatch.setattr(socket, "getaddrinfo", once)
        async with httpx2.AsyncClient(transport=Wire(HOME, plain=True)) as client:
            answer = await client.get(house.issuer.replace("127.0.0.1", HOME) + "/keys")
    assert answer.status_code == 200 and looked_up.count(HOME) == 1 and set(looked_up) <= {HOME, "127.0.0.1"}


@pytest.fixture
async def endless() -> AsyncIterator[str]:
    """A server that says more than anybody wants to hear, or packs what was not to be packed."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/packed":
            return web.Response(body=b"x", headers={"content-encoding": "gzip"})
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(LARGEST // 65_536 + 2):
            await response.write(b"x" * 65_536)
        return response

    application = web.Application()
    application.router.add_get("/{path}", answer)
    runner = web.AppRunner(application, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize("path", ["/long", "/packed"])
async def test_an_answer_has_its_limit(endless: str, path: str) -> None:
    async with httpx2.AsyncClient(transport=Wire("127.0.0.1", plain=True)) as client:
        with pytest.raises(NotReached):
            await client.get(endless + path)


async def test_nobody_there_is_said() -> None:
    async with httpx2.AsyncClient(transport=Wire("127.0.0.1", plain=True)) as client:
        with pytest.raises(NotReached):
            await client.get("http://127.0.0.1:1/keys")
        with pytest.raises(NotReached):
            await client.get("http://no-such-name.invalid/keys")
