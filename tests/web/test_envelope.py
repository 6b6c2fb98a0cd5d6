"""What every answer carries, and what is too big to be one's request."""

import re

import pytest

from frontdesk.web import MEBIBYTE
from frontdesk.web.envelope import without_host
from tests.web.small import TOKEN, browser
from tests.world import World

ANSWERS = ["/open", "/none", "/broken", "/contacts", "/account"]


@pytest.mark.parametrize("path", ANSWERS)
async def test_every_answer_carries_a_strict_policy(world: World, path: str) -> None:
    async with browser(world) as owner:
        headers = (await owner.get(path)).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert re.fullmatch(r"'nonce-[\w-]{20,}'", policy["script-src"])
    assert policy["style-src"] == policy["font-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == policy["object-src"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert re.fullmatch(r"[0-9A-Z]{12}", headers["x-request-id"])


async def test_the_nonce_is_new_each_time_and_stands_on_the_page(world: World) -> None:
    async with browser(world) as owner:
        first, second = await owner.get("/account"), await owner.get("/account")
    nonces = [re.findall(r"'nonce-([^']+)'", answer.headers["content-security-policy"])[0] for answer in (first, second)]
    assert nonces[0] != nonces[1]
    assert f'<script nonce="{nonces[0]}"' in first.text


async def test_over_tls_the_browser_is_told_to_stay_there(world: World) -> None:
    async with browser(world) as plain, browser(world, base="https://desk.example") as tls:
        assert "strict-transport-security" not in (await plain.get("/open")).headers
        assert "includeSubDomains" in (await tls.get("/open")).headers["strict-transport-security"]


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [("/contacts", MEBIBYTE + 1, 413), ("/large", 2 * MEBIBYTE, 200), ("/large", 3 * MEBIBYTE + 1, 413)],
)
async def test_a_body_over_the_limit_is_refused(world: World, path: str, size: int, status: int) -> None:
    async with browser(world, token="owner" if path == "/contacts" else None) as sender:
        sender.cookies.set("visit", TOKEN, domain="desk.example")
        answer = await sender.post(path, content=b"x" * size, headers={"content-type": "text/plain", "x-csrf-token": TOKEN})
        if path == "/contacts":
            answer = await sender.post(path, content=b"x" * size, headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code == status


async def test_a_body_that_lies_about_its_length_is_stopped_on_the_way(world: World) -> None:
    async def endless() -> object:
        for _ in range(5):
            yield b"x" * MEBIBYTE

    async with browser(world, token=None) as sender:
        sender.cookies.set("visit", TOKEN, domain="desk.example")
        answer = await sender.post("/large", content=endless(), headers={"content-type": "text/plain", "x-csrf-token": TOKEN})  # type: ignore[arg-type]  # an async generator
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("location", "leads"),
    [
        ("http://evil.example/dashboard?a=b", "/dashboard?a=b"),
        ("http://evil.example//other.example/", "/other.example/"),
        ("http://evil.example/\\other.example", "/other.example"),
        ("http://evil.example.org/", "http://evil.example.org/"),
        ("https://provider.example/authorize", "https://provider.example/authorize"),
        ("/login", "/login"),
    ],
)
def test_a_redirect_does_not_repeat_the_host_that_a_request_claims(location: str, leads: str) -> None:
    scope = {"type": "http", "scheme": "http", "headers": [(b"host", b"evil.example")]}
    assert without_host(location, scope) == leads
