"""ASVS 5.0, chapter 3: cookies, headers and where a request came from, asked of every route there is."""

import asyncio
import re
from contextlib import suppress
from typing import Any

import httpx
import pytest

from frontdesk.database import new_id
from tests.test_strangers import House, ask
from tests.users.browser import Browser, hidden_fields

TLS = "https://desk.example"
# What no page of ours ever answers: routes that stream, and do not end.
STREAMS = re.compile(r"/events$|/dashboard/live$|/export|\.(csv|jsonl)$")
POLICY = {
    "default-src": "'none'", "object-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'",
}  # fmt: skip
ODD = [
    ("GET", "/nowhere"), ("GET", "/static/nothing.css"), ("GET", "/static/../app.py"), ("PUT", "/login"), ("POST", "/login"), ("POST", "/nowhere"),
    ("GET", "/healthz"), ("GET", "/api/v1/nowhere"), ("GET", "/api/v1/contacts"), ("POST", "/api/v1/messages"), ("GET", "/simulator/nowhere"),
    ("GET", "/webhooks/whatsapp"), ("POST", "/webhooks/whatsapp"), ("PUT", "/webhooks/whatsapp"),
    ("GET", "/webhooks/whatsapp/nobodys"), ("GET", "/webhooks/nowhere"),
]  # fmt: skip


def filled(house: House, path: str) -> str:
    """The path with the shop's things in it, and ids of nobody for what a shop does not have."""
    return re.sub(r"{(\w+)}", lambda word: house.of_shop.get(word[1], str(new_id())), path)


async def answered(browser: Browser, method: str, path: str) -> httpx.Response | None:
    """The answer, or None for a stream."""
    asking = asyncio.create_task(browser.client.request(method, path, follow_redirects=False))
    done, _ = await asyncio.wait([asking], timeout=1.0 if STREAMS.search(path) else 30)
    if done:
        return asking.result()
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    return None


def wrong(headers: httpx.Headers) -> list[str]:
    """Which of the headers that every answer must carry are missing or weak."""
    policy = dict(part.strip().partition(" ")[::2] for part in headers.get("content-security-policy", "").split(";"))
    found = [name for name, value in POLICY.items() if policy.get(name) != value]
    found += ["unsafe-" + word for word in ("inline", "eval", "hashes") if f"unsafe-{word}" in str(policy)]
    found += ["nosniff"] if headers.get("x-content-type-options") != "nosniff" else []
    found += ["referrer"] if headers.get("referrer-policy") not in ("same-origin", "no-referrer", "strict-origin") else []
    return found


async def everywhere(house: House, browser: Browser) -> dict[str, httpx.Response]:
    """Every route with a path of the shop's, asked plainly, and what is no route at all."""
    answers = {}
    for method, path in [*house.routes(), *ODD]:
        answer = await answered(browser, method, filled(house, path))
        if answer is not None:
            answers[f"{method} {path}"] = answer
    return answers


async def test_3_4_3_and_3_4_6_and_3_4_4_and_3_4_5_every_answer_carries_the_policy(house: House) -> None:
    faults = {}
    async with Browser(house.built) as nobody:
        for browser in (house.shop, nobody):
            for route, answer in (await everywhere(house, browser)).items():
                if found := wrong(answer.headers):
                    faults[f"{route} {answer.status_code}"] = found
    assert faults == {}


async def test_3_4_1_over_tls_every_answer_to_a_browser_says_to_stay_there_for_a_year(house: House) -> None:
    async with Browser(house.built, TLS) as visitor:
        answers = await everywhere(house, visitor)
    loose = {
        route: told for route, answer in answers.items() if "/webhooks/" not in route  # programs of Meta's, which know https only
        if not (told := re.match(r"max-age=(\d+); includeSubDomains", answer.headers.get("strict-transport-security", ""))) or int(told[1]) < 31_536_000
    }  # fmt: skip
    assert len(answers) > 60 and loose == {}


async def test_3_3_1_to_3_3_4_every_cookie_is_bound_to_this_host_and_out_of_reach_of_scripts(house: House) -> None:
    set_cookies = list[str]()

    async def hear(answer: httpx.Response) -> None:
        set_cookies.extend(answer.headers.get_list("set-cookie"))

    async with Browser(house.built, TLS) as visitor:
        visitor.client.event_hooks = {"response": [hear]}
        assert (await visitor.register(email="tls@example.com", organization_name="Over TLS")).status_code == 303
        await visitor.send("/account/name", page="/account", name="Maya")
        await visitor.get("/account")
        assert (await visitor.send("/logout", page="/account")).status_code == 303
        assert (await visitor.sign_in(email="tls@example.com")).status_code == 303
        await visitor.get("/login/provider")
    names = {cookie.partition("=")[0] for cookie in set_cookies}
    assert len(names) >= 3, names  # the session's, a stranger's form, what is said once
    for cookie in set_cookies:
        parts = [part.strip().lower() for part in cookie.split(";")]
        assert cookie.startswith("__Host-"), cookie
        assert {"secure", "httponly", "path=/"} <= set(parts) and not any(part.startswith("domain") for part in parts), cookie
        assert "samesite=lax" in parts or "samesite=strict" in parts, cookie


def unsafe(house: House) -> list[tuple[str, str]]:
    return [(method, path) for method, path in [*house.routes(), ("POST", "/login"), ("POST", "/register")] if method != "GET"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3002.evil.example", "http://localhost:3003"])
async def test_3_5_1_what_another_site_starts_changes_nothing_wherever_it_is_sent(house: House, origin: str) -> None:
    before, let_in = await house.state(), {}
    fields = hidden_fields((await house.shop.get("/account")).text)
    for method, path in unsafe(house):
        answer = await house.shop.client.request(method, filled(house, path), data=fields, headers={"origin": origin})
        if answer.status_code != 403:
            let_in[f"{method} {path}"] = answer.status_code
    assert len(unsafe(house)) > 30 and let_in == {}
    assert await house.state() == before


async def test_3_5_1_without_the_token_of_its_session_no_form_changes_anything(house: House) -> None:
    before, let_in = await house.state(), {}
    fields = hidden_fields((await house.neighbour.get("/account")).text)  # another's token is as good as none
    for method, path in unsafe(house):
        if path.startswith("/simulator"):
            continue  # stands for a phone outside: tests/channels/simulator say who may
        for data in ({}, {"csrf_token": fields["csrf_token"]}):
            answer = await house.shop.client.request(
                method, filled(house, path), data=data, headers={"origin": house.shop.base}
            )  # fmt: skip
            if answer.status_code != 403:
                let_in[f"{method} {path}"] = answer.status_code
    assert let_in == {}
    assert await house.state() == before


async def test_3_5_3_asking_changes_nothing(house: House) -> None:
    changed: dict[str, Any] = {}
    before = await house.state()
    for method, path in house.routes():
        if method == "GET" and not STREAMS.search(path):
            await answered(house.shop, method, filled(house, path))
            now = await house.state()
            if now != before:
                changed[path] = [table for table in now if now[table] != before[table]]
                before = now
    assert changed == {}


async def test_3_5_3_what_changes_something_does_not_answer_to_get(house: House) -> None:
    gettable = {path for method, path in house.routes() if method == "GET"}
    found = {}
    for method, path in unsafe(house):
        if method != "GET" and path not in gettable | {"/login", "/register"}:
            answer = await ask(house.shop, "GET", filled(house, path))
            if answer.status_code not in (404, 405):
                found[path] = answer.status_code
    assert found == {}
