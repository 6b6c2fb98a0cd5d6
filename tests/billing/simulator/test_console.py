"""The page of the simulated account, and everything that is hosted, in a real browser."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from frontdesk.web import Membership, Visitor
from tests.billing.simulator.hosted import AXE, CARD, browsing, hosted, send
from tests.billing.simulator.market import customer, fresh, now, stock, subscribe, types
from tests.billing.simulator.stage import Stage
from tests.billing.simulator.test_portal import portal

AXE_RUNS = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(one => one.id + ': ' + one.nodes[0].html))"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with hosted() as built:
        yield built


async def test_a_month_goes_by_on_the_page(stage: Stage) -> None:
    made, before = await subscribe(stage, "professional"), await now(stage)
    page = (await stage.http.get("")).text
    assert "Lagos Glow Salon" in page and "Notice of a renewal" in page and "Professional" in page
    assert (await send(stage, "", {"step": "month"}, "clock")).status_code == 303
    assert (await fresh(stage, made)).latest_invoice.billing_reason == "subscription_cycle"
    assert (await fresh(stage, made)).latest_invoice.status == "paid"
    assert await now(stage) - before > 27 * 86_400
    assert (await send(stage, "", {"step": "next"}, "clock")).status_code == 303
    assert (await send(stage, "", {"step": "back"}, "clock")).status_code == 422
    assert (await stage.http.post("clock", data={"step": "day"})).status_code == 403


async def test_switches_and_settings_are_changed_on_the_page(stage: Stage) -> None:
    await send(stage, "", {"duplicate": "on", "slow": "on"}, "switches")
    assert (await stage.http.get("_test/faults")).json() == {"duplicate": {"count": None, "every": 1}, "slow": {"count": None, "seconds": 5}}
    await send(stage, "", {}, "switches")
    assert (await stage.http.get("_test/faults")).json() == {}
    plan = {"retry_days": "1, 5", "after_retries": "unpaid", "upcoming_days": "30"}
    assert (await send(stage, "", plan, "settings")).status_code == 303
    assert (await stage.http.get("_test/settings")).json() == {"retry_days": [1, 5], "after_retries": "unpaid", "upcoming_days": 30}
    for wrong in ({"retry_days": "x"}, {"retry_days": "5, 1"}, {"upcoming_days": ""}, {"after_retries": "hope"}):
        assert (await send(stage, "", plan | wrong, "settings")).status_code == 422


async def test_a_customer_gets_another_card_and_his_money_back(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    place = f"customers/{made.customer}"
    assert "•••• 4242" in (await stage.http.get(place)).text
    await send(stage, place, {"number": "4000000000000341"}, f"{place}/card")
    await send(stage, "", {"step": "month"}, "clock")
    assert (await fresh(stage, made)).status == "past_due"
    paid = next(one for one in (await stage.v1.charges.list_async({"customer": made.customer})).data if one.paid)
    assert (await send(stage, place, {}, f"charges/{paid.id}/dispute")).status_code == 303
    assert (await send(stage, place, {}, f"charges/{paid.id}/refund")).status_code == 422
    await stage.quiet()
    assert "charge.dispute.created" in types(stage)
    assert (await stage.http.get("customers/cus_nobody")).status_code == 404


async def test_members_see_their_own_customers_alone(stage: Stage) -> None:
    own, foreign = uuid4(), uuid4()
    made = await stage.v1.customers.create_async({"name": "Our own salon", "metadata": {"organization_id": str(own)}})
    other = await stage.v1.customers.create_async({"name": "Somebody else", "metadata": {"organization_id": str(foreign)}, "payment_method": "pm_card_visa"})
    await stock(stage)
    method = (await stage.v1.payment_methods.list_async({"customer": other.id})).data[0].id
    await stage.v1.subscriptions.create_async({"customer": other.id, "items": [{"price": "price_starter"}], "default_payment_method": method})
    charge = (await stage.v1.charges.list_async({"customer": other.id})).data[0]

    async def find_visitor(token: str) -> Any:
        salon = Membership(own, "salon", "Our own salon", "viewer")
        return Visitor(uuid4(), "Maya", "maya@example.com", uuid4(), "token", (salon,), None, is_operator=token == "operator") if token != "nobody" else None

    stage.app.state.find_visitor = find_visitor
    assert (await stage.http.get("")).headers["location"].startswith("/login"), "a stranger signs in first"
    for path in ("clock", "settings", "switches", f"customers/{other.id}/card", f"charges/{charge.id}/refund"):
        assert (await stage.http.post(path)).headers["location"].startswith("/login")
    stage.http.cookies.set("frontdesk_session", "maya")
    page = (await stage.http.get("")).text
    assert "Our own salon" in page and "Somebody else" not in page and "Notice of a renewal" not in page
    assert (await stage.http.get(f"customers/{made.id}")).status_code == 200
    assert (await stage.http.get(f"customers/{other.id}")).status_code == 404
    for path in (f"customers/{other.id}/card", f"charges/{charge.id}/refund", f"charges/{charge.id}/dispute"):
        assert (await stage.http.post(path, data={"csrf_token": "token", "number": "4242424242424242"})).status_code == 404
    stage.http.cookies.set("frontdesk_session", "operator")
    assert "Somebody else" in (await stage.http.get("")).text


async def looked_at(page: Page) -> None:
    """Nothing beyond the right edge, nothing that axe complains about."""
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    await page.evaluate(AXE.read_text())
    assert await page.evaluate(AXE_RUNS) == [], page.url


@pytest.mark.browser
async def test_pages_on_a_phone(stage: Stage, chromium: str) -> None:
    made = await subscribe(stage, "professional")
    bought = {"mode": "subscription", "line_items": [{"price": "price_business", "quantity": 1}], "success_url": stage.url + "/", "cancel_url": stage.url + "/"}
    session = await stage.v1.checkout.sessions.create_async(bought | {"customer": await customer(stage, None), "allow_promotion_codes": True})
    url = await portal(stage, made.customer)
    async with browsing(chromium, viewport={"width": 390, "height": 844}, color_scheme="dark", bypass_csp=True) as page:
        await page.goto(session.url)
        await page.get_by_label("Card number").fill("4000 0000 0000 0002")
        await page.get_by_label("Expires").fill(CARD["expiry"])
        await page.get_by_label("CVC").fill(CARD["cvc"])
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Your card was declined.")).to_be_visible()
        await expect(page.get_by_label("Card number")).to_be_focused()
        await looked_at(page)
        await page.get_by_label("Card number").fill("4000 0025 0000 3155")
        await page.get_by_label("CVC").fill(CARD["cvc"])
        await page.get_by_role("button", name="Subscribe and pay").click()
        await expect(page.get_by_role("heading", name="Your bank asks")).to_be_visible()
        await page.get_by_role("button", name="Yes, confirm").click()
        await expect(page.get_by_role("heading", name="The clock")).to_be_visible()
        for place in ("", f"customers/{made.customer}"):
            await page.goto(f"{stage.url}/{place}")
            await looked_at(page)
        for place in ("", f"/subscriptions/{made.id}/cancellation"):
            await page.goto(url + place)
            await looked_at(page)
        await page.goto((await fresh(stage, made)).latest_invoice.hosted_invoice_url)
        await looked_at(page)
        async with page.expect_download() as download:
            await page.get_by_role("link", name="PDF").click()
        assert (await download.value).suggested_filename.endswith("-0001.pdf")
