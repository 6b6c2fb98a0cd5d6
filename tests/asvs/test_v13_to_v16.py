"""ASVS 5.0, chapters 13 to 16: what an installation lets on about itself, keeps in addresses and caches, believes of proxies, and logs."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from structlog.testing import capture_logs

from frontdesk import app as application
from frontdesk.bell import Bell
from frontdesk.database import Database
from frontdesk.live import Live
from frontdesk.settings import Settings
from frontdesk.vault import Vault
from tests.asvs.test_v3_web_frontend import STREAMS, answered, filled
from tests.product import Visitor
from tests.test_strangers import House
from tests.users.browser import Browser, hidden_fields
from tests.web.running import served

SECRET_FIELD = re.compile(r'name="[^"]*(password|token|secret|code)[^"]*"')
REAL = {"env": "production", "whatsapp_app_secret": "the app's own", "whatsapp_verify_token": "what Meta was told"}


@pytest.fixture
async def production(settings: Settings, database: Database) -> AsyncIterator[Browser]:
    """The product as it runs in production, over TLS."""
    chosen = settings.model_copy(update=REAL | {"secret_keys": Vault.make_key()})
    async with Live(database.url) as live:
        async with Browser(application.build(chosen, database, live, Bell(live)), "https://desk.example") as browser:  # type: ignore[arg-type]  # it has the state
            yield browser
        await live.close()


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/metrics", "/debug", "/.env", "/.git/config", "/simulator"])
async def test_13_4_5_and_13_4_1_nothing_of_the_machine_room_is_served(production: Browser, path: str) -> None:
    assert (await production.get(path)).status_code == 404


async def test_13_4_6_no_answer_says_what_runs_here(production: Browser) -> None:
    for path in ("/login", "/nowhere", "/api/v1/contacts", "/webhooks/whatsapp"):
        headers = {name.lower() for name in (await production.get(path)).headers}
        assert not headers & {"server", "x-powered-by", "x-aspnet-version", "via"}, path


async def test_14_2_1_no_form_puts_a_secret_into_an_address(house: House) -> None:
    found = list[str]()
    async with Browser(house.built) as nobody:
        pages = [(house.shop, path) for method, path in house.routes() if method == "GET"] + [(nobody, "/login"), (nobody, "/register")]
        for browser, path in pages:
            answer = await answered(browser, "GET", filled(house, path))
            for form in re.findall(r"<form[^>]*>.*?</form>", answer.text if answer else "", re.DOTALL):
                if 'method="post"' not in form.partition(">")[0] and "hx-post" not in form.partition(">")[0] and SECRET_FIELD.search(form):
                    found.append(path)
    assert found == []


async def test_14_3_2_nothing_that_somebody_signed_in_sees_is_kept_by_a_browser(house: House) -> None:
    kept = dict[str, str]()
    for method, path in house.routes():
        if method == "GET" and not STREAMS.search(path):
            answer = await answered(house.shop, method, filled(house, path))
            if answer is not None and "no-store" not in answer.headers.get("cache-control", ""):
                kept[path] = answer.headers.get("cache-control", "")
    assert kept == {}


# As a proxy on this machine would forward it, and what is believed: the nearest address that the proxy itself has seen.
@pytest.mark.parametrize(
    ("trusted", "said", "believed"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("10.9.9.9", "203.0.113.9", "127.0.0.1"),
        ("10.9.9.9", "10.9.9.9", "127.0.0.1"),
    ],
)
async def test_15_3_4_an_address_is_believed_of_the_proxy_only(
    settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any], monkeypatch: pytest.MonkeyPatch, trusted: str, said: str, believed: str
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    async with served(settings, database) as address, Visitor(address) as visitor:
        visitor.client.headers.update({"x-forwarded-for": said})
        assert (await visitor.register()).status_code == 303
    assert await (await owner.execute("select address from private.sessions")).fetchall() == [(believed,)]
    logged = await owner.execute("select distinct address from public.audit_logs where action = 'user.registered'")
    assert await logged.fetchall() == [(believed,)]


async def test_16_3_1_who_came_in_and_who_did_not_is_logged_with_when_who_and_where(house: House) -> None:
    away = Browser(house.built, address="203.0.113.5")
    async with away:
        assert (await away.sign_in(email="maya@example.com", password="not the right one 42")).status_code == 422
        assert (await away.sign_in(email="maya@example.com")).status_code == 303
    rows = await house.owner.execute(
        "select action, actor_kind, actor_id is not null, address, request_id ~ '^[0-9A-Z]{12}$', created_at > now() - interval '1 minute'"
        " from public.audit_logs where organization_id = %s and action like 'user.sign%%' order by seq desc limit 2",
        (house.shop_id,),
    )
    assert await rows.fetchall() == [
        ("user.signed_in", "user", True, "203.0.113.5", True, True),
        ("user.sign_in_failed", "user", True, "203.0.113.5", True, True),
    ]


async def test_16_3_2_and_16_3_3_who_is_turned_away_is_logged_and_no_token_with_it(house: House) -> None:
    member_id = house.of_shop["member_id"]
    async with Browser(house.built, address="203.0.113.5") as away:
        await away.sign_in(email="maya@example.com")
        fields = hidden_fields((await away.get("/account")).text)
        await house.owner.execute("update organization_members set role = 'owner' where user_id = %s", (member_id,))
        await house.owner.execute("update organization_members m set role = 'viewer' from auth.users u where u.id = m.user_id and u.email = 'maya@example.com'")
        with capture_logs() as logs:
            contact = f"/dashboard/contacts/{house.of_shop['contact_id']}/block"
            assert (await away.post(contact, fields)).status_code == 403
            assert (await away.post(contact, fields, origin="https://evil.example")).status_code == 403
            assert (await away.client.get("/api/v1/contacts", headers={"authorization": "Bearer fd_live_" + "x" * 38})).status_code == 401
    refused = [one for one in logs if one["event"] == "refused"]
    assert [(one["status"], one["route"]) for one in refused] == [(403, "/dashboard/contacts/{contact_id}/block"), (403, None), (401, "/contacts")]
    assert (refused[0]["organization"], refused[0]["address"], bool(refused[0]["user"])) == (str(house.shop_id), "203.0.113.5", True)
    assert "xxxx" not in str(logs) and all(re.fullmatch(r"[0-9A-Z]{12}", one["request_id"]) for one in refused)


async def test_16_5_1_what_breaks_tells_a_visitor_nothing_of_how(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("a secret of the machine room at 10.0.0.1")

    monkeypatch.setattr(house.built.app.state, "find_visitor", broken)
    for accept in ("text/html", "application/json"):
        transport = httpx.ASGITransport(house.built, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=house.shop.base, headers={"accept": accept}, cookies=house.shop.client.cookies) as client:
            answer = await asyncio.wait_for(client.get("/dashboard"), 30)
        assert answer.status_code == 500
        assert not re.search(r"machine room|Traceback|RuntimeError|\.py|10\.0\.0\.1", answer.text), answer.text
        assert answer.headers["x-request-id"] in answer.text
