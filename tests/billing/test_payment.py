"""The ways to the payment pages and back, as browsers and programs go them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from frontdesk.billing.payment import web as payment_web
from frontdesk.settings import Settings
from tests.api.desk import opened as api_opened
from tests.billing.till import PROFESSIONAL, STARTER, Till
from tests.desk import Desk, seated

PAGE = "/dashboard/billing"
CHECKOUT = f"{PAGE}/checkout"


@pytest.fixture
async def desk(till: Till, settings: Settings) -> AsyncIterator[Desk]:
    async with selling(till, settings) as desk:
        yield desk


@asynccontextmanager
async def selling(till: Till, settings: Settings) -> AsyncIterator[Desk]:
    async with seated(till.world.database, settings) as desk:
        desk.app.state.money = till.money
        desk.app.include_router(payment_web.door.router)
        yield desk


def session_of(address: str) -> str:
    return address.rsplit("/", 1)[1]


async def test_choosing_a_plan_leads_to_the_payment_page_without_a_redirect_that_browsers_would_not_follow(desk: Desk, till: Till) -> None:
    answer = await desk.send(CHECKOUT, page=PAGE, price=PROFESSIONAL)
    assert answer.status_code == 200
    address = re.fullmatch(r"0; url=(\S+)", answer.headers["refresh"])
    assert address is not None
    assert f'href="{address[1]}"' in answer.text
    assert (answer.headers["cache-control"], "location" in answer.headers) == ("no-store", False)
    session_id = session_of(address[1])
    await till.pay(session_id)
    back = await desk.get(f"{CHECKOUT}?session_id={session_id}")
    assert (back.status_code, back.headers["location"]) == (303, PAGE)
    assert "Thank you. You are on Professional now." in (await desk.get(PAGE)).text


async def test_a_script_is_told_where_to_go(desk: Desk) -> None:
    hidden = re.findall(r'<meta name="csrf-token" content="([^"]+)"', (await desk.get(PAGE)).text)
    headers = {"hx-request": "true", "x-csrf-token": hidden[0], "x-organization-id": str(desk.organization_id)}
    answer = await desk.post(CHECKOUT, {"price": STARTER}, **headers)
    assert (answer.status_code, answer.headers.get("hx-redirect", "").startswith("http")) == (204, True)


async def test_no_address_of_a_payment_page_is_kept_or_logged(desk: Desk, till: Till, capfd: pytest.CaptureFixture[str]) -> None:
    answer = await desk.send(CHECKOUT, page=PAGE, price=PROFESSIONAL)
    address = answer.headers["refresh"].removeprefix("0; url=")
    dump = ""
    for (table,) in await till.world.see(
        "select oid::regclass::text from pg_class where relkind = 'r' and relnamespace::regnamespace::text in ('public', 'private')"
    ):
        ((rows,),) = await till.world.see(f"select string_agg(t::text, ' ') from {table} t")
        dump += rows or ""
    assert session_of(address) in dump  # its id, by which it is found again
    assert address not in dump
    assert address.rsplit("/", 1)[0] not in dump
    assert address not in "".join(capfd.readouterr())


async def test_who_has_a_subscription_is_led_to_changing_it(desk: Desk, till: Till) -> None:
    answer = await desk.send(CHECKOUT, page=PAGE, price=PROFESSIONAL)
    await till.pay(session_of(answer.headers["refresh"]))
    again = await desk.press(CHECKOUT, PAGE, price=STARTER)
    assert "There is a subscription already" in again.text


async def test_without_a_choice_nothing_begins(desk: Desk) -> None:
    for price in ("", "'; drop table", "STARTER", "x" * 400):
        assert (await desk.send(CHECKOUT, page=PAGE, price=price)).status_code == 422
    assert (await desk.send(CHECKOUT, page=PAGE, price="platinum_month_eur")).status_code == 409


async def test_the_way_back_without_a_checkout_leads_to_the_plans(desk: Desk) -> None:
    assert (await desk.get(CHECKOUT)).headers["location"] == PAGE
    assert (await desk.get(f"{CHECKOUT}?session_id=cs_test_of_somebody_else")).status_code == 404


async def test_when_stripe_is_away_on_the_way_back_nobody_is_worried(desk: Desk, till: Till) -> None:
    answer = await desk.send(CHECKOUT, page=PAGE, price=PROFESSIONAL)
    session_id = session_of(answer.headers["refresh"])
    await till.pay(session_id)
    await till.chaos(answer_500={"status": 503})
    back = await desk.get(f"{CHECKOUT}?session_id={session_id}")
    assert back.headers["location"] == PAGE
    assert "is being confirmed" in (await desk.get(PAGE)).text
    assert (await desk.send(CHECKOUT, page=PAGE, price=PROFESSIONAL)).status_code == 503
    await till.chaos()
    await till.hear()
    assert "Professional" in (await desk.get(PAGE)).text


async def test_where_nothing_is_sold_that_is_said(desk: Desk) -> None:
    desk.app.state.money = None
    answer = await desk.send(CHECKOUT, page="/dashboard/contacts", price=PROFESSIONAL)
    assert (answer.status_code, "Nothing can be bought here" in answer.text) == (503, True)


async def test_programs_see_plans_subscription_and_invoices_and_get_a_link_once(till: Till, settings: Settings) -> None:
    async with api_opened(settings, till.world) as product:
        await product.built.app.state.money.close()
        product.built.app.state.money = till.money
        async with await product.program() as program:
            plans = (await program.get("/plans")).json()["data"]
            assert [one["id"] for one in plans] == ["starter", "professional", "business", "enterprise"]
            assert plans[1]["prices"][0] == {"price": PROFESSIONAL, "billing_interval": "month", "amount": 9_900, "currency": "EUR"}
            assert (await program.get("/subscription")).json()["status"] == "trialing"
            async with await product.program("billing:read") as narrow:
                refused = await narrow.get("/subscription")
                assert (refused.status_code, "organization:read" in refused.json()["detail"]) == (403, True)
            assert (await program.post("/billing/portal-links", {})).status_code == 409
            link = (await program.post("/billing/checkout-links", {"price": PROFESSIONAL})).json()["url"]
            assert (await program.post("/billing/checkout-links", {"price": PROFESSIONAL})).json()["url"] == link
            assert await till.world.see("select from api_answers") == []
            await till.pay(session_of(link))
            await till.days(70)
            await till.hear()
            has = (await program.get("/subscription")).json()
            assert (has["plan_id"], has["status"], has["amount"], has["currency"]) == ("professional", "active", 9_900, "EUR")
            first = (await program.get("/invoices", limit=1)).json()
            second = (await program.get("/invoices", limit=1, cursor=first["next_cursor"])).json()
            assert first["data"][0]["issued_at"] > second["data"][0]["issued_at"]
            assert {one["status"] for one in first["data"] + second["data"]} == {"paid"}
            for cursor in ("x", "1-", "99999999999-in_1", "1 in_1"):
                assert (await program.get("/invoices", cursor=cursor)).status_code in (200, 422)
            assert (await program.post("/billing/checkout-links", {"price": STARTER})).status_code == 409
        async with await product.program("billing:read") as reader:
            assert (await reader.post("/billing/checkout-links", {"price": STARTER})).status_code == 403
        async with await product.program(shop=till.world.neighbour) as neighbour:
            assert (await neighbour.get("/invoices")).json()["data"] == []
    entries = await till.world.see("select actor_kind, actor_name from audit_logs where action = 'checkout.started'")
    assert entries == [("api_key", "Web shop")]
