"""How often somebody may try to sign in, through the front door."""

import asyncio
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from frontdesk.users import actions, attempts, passwords
from tests.users.browser import AWAY, HOME, WRONG, Browser

pytestmark = pytest.mark.usefixtures("maya")
Owner = psycopg.AsyncConnection[Any]


async def test_the_eleventh_failure_has_to_wait_even_with_the_right_password_but_not_from_elsewhere(app: FastAPI, owner: Owner) -> None:
    async with Browser(app) as browser:
        assert [(await browser.sign_in(password=WRONG)).status_code for _ in range(10)] == [422] * 10
        answer = await browser.sign_in()
        assert answer.status_code == 429 and "Too many tries. Try again in 15 minutes." in answer.text
        assert 800 < int(answer.headers["retry-after"]) <= 900
    async with Browser(app, "https://desk.example", AWAY) as elsewhere:
        assert (await elsewhere.sign_in()).status_code == 303
    async with Browser(app) as browser:
        assert (await browser.sign_in()).status_code == 429
        await owner.execute("update private.attempts set window_ends_at = now() - interval '1 second'")
        assert (await browser.sign_in()).status_code == 303


async def test_the_limit_speaks_the_same_of_emails_that_do_not_exist(app: FastAPI) -> None:
    async with Browser(app) as browser:
        codes = [(await browser.sign_in("olga@example.com", WRONG)).status_code for _ in range(11)]
    assert codes == [422] * 10 + [429]


async def test_whoever_has_many_addresses_gets_no_further_with_one_account(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PER_ACCOUNT_EVERYWHERE", 3)
    codes = []
    for number in range(4):
        async with Browser(app, "https://desk.example", f"198.51.100.{number}") as browser:
            codes.append((await browser.sign_in(password=WRONG)).status_code)
    assert codes == [422] * 3 + [429]
    async with Browser(app, "https://desk.example", "198.51.100.9") as browser:
        assert (await browser.sign_in("olga@example.com", WRONG)).status_code == 422


async def test_one_address_may_fail_a_hundred_times_whatever_the_account(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PER_ADDRESS", 5)
    async with Browser(app) as browser:
        codes = [(await browser.sign_in(f"user{number}@example.com", WRONG)).status_code for number in range(6)]
        assert codes == [422] * 5 + [429]


async def test_only_failures_count(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PER_ADDRESS", 3)
    for _ in range(12):
        async with Browser(app) as browser:
            assert (await browser.sign_in()).status_code == 303


async def test_guesses_at_the_same_time_do_not_slip_through(app: FastAPI) -> None:
    async def guess() -> int:
        async with Browser(app) as browser:
            return (await browser.sign_in(password=WRONG)).status_code

    codes = await asyncio.gather(*(guess() for _ in range(16)))
    assert sorted(codes) == [422] * 10 + [429] * 6


async def test_when_too_many_sign_in_at_once_the_last_are_asked_to_come_back(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_workshop", passwords.Workshop(at_once=1, waiting=0))

    async def one() -> int:
        async with Browser(app) as browser:
            return (await browser.sign_in()).status_code

    codes = await asyncio.gather(*(one() for _ in range(4)))
    assert set(codes) == {303, 429}


def test_the_limits_are_those_promised() -> None:
    per_account, per_address, everywhere = actions._limits("maya@example.com", HOME)
    assert [(one.allowed, one.seconds) for one in (per_account, per_address, everywhere)] == [(10, 900), (100, 900), (100, 900)]
    assert per_account.key != attempts.Limit("sign-in|maya@example.com|203.0.113.5", 10, 900).key
