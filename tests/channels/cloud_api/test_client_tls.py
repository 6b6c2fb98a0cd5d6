"""The HTTP client and certificates: only a server that somebody we trust vouches for gets a request."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from frontdesk.channels.cloud_api import Session
from frontdesk.channels.cloud_api.client import Answer
from frontdesk.channels.records import Unreached
from tests.authority import Authority
from tests.channels.cloud_api.servers import BODY, Call, Script, Serve, answers, post


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    yield Authority.new()


async def test_tls_with_an_authority_that_we_trust(serve: Serve, authority: Authority, tmp_path: Path) -> None:
    server = await serve(answers, authority.server_side("localhost", tmp_path))
    async with Session(authority=authority.pem) as session:
        for _ in range(20):
            assert isinstance(await session.post(server.url, "TOKEN", BODY), Answer)
    assert (len(server.calls), server.accepted) == (20, 1)


async def test_a_certificate_that_nobody_vouches_for_gets_nothing(serve: Serve, authority: Authority, tmp_path: Path) -> None:
    server = await serve(answers, authority.server_side("localhost", tmp_path))
    assert isinstance(await post(server.url), Unreached)
    assert server.calls == []


async def test_a_certificate_of_another_host_gets_nothing(serve: Serve, authority: Authority, tmp_path: Path) -> None:
    server = await serve(answers, authority.server_side("graph.example", tmp_path))
    assert isinstance(await post(server.url, authority=authority.pem), Unreached)
    assert server.calls == []


async def speak_plainly(call: Call) -> None:
    await call.reader.read(10)
    await call.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def hang_in_handshake(call: Call) -> None:
    await call.hang()


async def reset_in_handshake(call: Call) -> None:
    await call.reader.read(10)
    call.reset()


@pytest.mark.parametrize("script", [speak_plainly, hang_in_handshake, reset_in_handshake], ids=lambda script: script.__name__)
async def test_a_tls_handshake_that_fails_surely_sent_nothing(script: Script, serve: Serve) -> None:
    server = await serve(script)
    assert isinstance(await post(server.url.replace("http:", "https:")), Unreached)


async def test_a_machine_without_authorities_speaks_plain_http_and_trusts_nobody(
    serve: Serve, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    plain, secret = await serve(answers), await serve(answers, authority.server_side("localhost", tmp_path))
    async with Session() as session:
        assert isinstance(await session.post(plain.url, "TOKEN", BODY), Answer)
        assert isinstance(await session.post(secret.url, "TOKEN", BODY), Unreached)
    assert secret.calls == []
