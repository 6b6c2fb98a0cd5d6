"""`frontdesk users`, as the operator types it, and the user that sample data brings."""

import asyncio
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from frontdesk import cli
from frontdesk.email_proofs.verification import NoSuchUser
from frontdesk.settings import Settings
from tests.conftest import Urls
from tests.email_proofs.conftest import seen
from tests.users.browser import Browser
from tests.users.factors import enrol, password_step

Owner = psycopg.AsyncConnection[Any]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, urls: Urls, settings: Settings) -> None:
    monkeypatch.chdir(settings.data_dir.parent)
    for name, value in {"DATABASE_URL": urls.app, "FRONTDESK_DATA_DIR": str(settings.data_dir), "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)


async def typed(*words: str) -> str:
    """What the command says; its refusal is raised."""
    result = await asyncio.to_thread(CliRunner().invoke, cli.commands, list(words))
    if result.exception:
        raise result.exception
    return str(result.output)


async def test_the_operator_confirms_an_email(app: FastAPI, maya: None, owner: Owner) -> None:
    assert await typed("users", "confirm", "Maya@Example.com") == "It is confirmed.\n"
    assert await typed("users", "confirm", "maya@example.com") == "It was confirmed already.\n"
    log = await seen(owner, "select actor_kind, action from public.audit_logs where action like 'user.email%'")
    assert log == [("operator", "user.email_confirmed_by_operator")]
    async with Browser(app) as browser:
        await browser.sign_in()
        assert "Confirm your email" not in (await browser.get("/account")).text


@pytest.mark.parametrize("command", ["confirm", "release"])
async def test_an_email_that_nobody_has_is_told(command: str) -> None:
    with pytest.raises(NoSuchUser, match=r"nobody@example\.com"):
        await typed("users", command, "nobody@example.com")


async def test_the_operator_releases_a_user_who_has_lost_everything(app: FastAPI, maya: None, owner: Owner) -> None:
    assert await typed("users", "release", "maya@example.com") == "There is no second factor to take away.\n"
    async with Browser(app) as browser:
        await browser.sign_in()
        await enrol(browser)
        assert "The password alone opens the account again." in await typed("users", "release", "Maya@Example.com")
        assert (await browser.get("/account")).status_code == 303
        assert await password_step(browser) == "/dashboard"
    left = await seen(owner, "select (select count(*) from private.authenticators) + (select count(*) from private.recovery_codes)")
    assert left == [(0,)]
    assert ("operator", "user.released_by_operator") in await seen(owner, "select actor_kind, action from public.audit_logs")


async def test_the_user_of_the_sample_data_has_nothing_to_confirm(owner: Owner) -> None:
    assert "Sign in at http://localhost:3002/login as demo@example.com" in await typed("demo")
    assert await seen(owner, "select email_confirmed_at is not null from auth.users") == [(True,)]
    assert await seen(owner, "select count(*) from private.mail_outbox") == [(0,)]
