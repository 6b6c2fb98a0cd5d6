"""The whole application on a port of its own, with its simulated Stripe: what strangers and neighbours try at its doors to money."""

import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import stripe

from frontdesk import secret_files
from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.product import free_port
from tests.users.browser import PASSWORD, hidden_fields
from tests.web.running import served

EVENT = json.dumps({"id": "evt_1", "type": "customer.deleted", "created": 1_790_000_000, "data": {"object": {"id": "cus_1", "object": "customer"}}}).encode()


@dataclass
class Visitor:
    """Somebody with a browser."""

    http: httpx.AsyncClient

    async def send(self, path: str, page: str, **fields: str) -> httpx.Response:
        """Open a page and send a form of it."""
        return await self.http.post(path, data=hidden_fields((await self.http.get(page)).text) | fields)

    async def register(self, organization: str, email: str) -> None:
        """As anybody would."""
        answer = await self.send("/register", "/register", name="Maya Bello", email=email, organization_name=organization, password=PASSWORD)
        assert answer.status_code == 303, answer.text

    async def begin(self, price: str = "starter_month_eur") -> str:
        """Begin a checkout; its id."""
        answer = await self.send("/dashboard/billing/checkout", "/dashboard/billing", price=price)
        found = re.search(r"/pay/(cs_test_\w+)", answer.text)
        assert found is not None, answer.text
        return found[1]


@pytest.fixture
async def address(settings: Settings, database: Database) -> AsyncIterator[str]:
    port = free_port()
    async with served(settings.model_copy(update={"port": port}), database, port) as address:
        yield address


async def test_a_checkout_of_the_neighbours_opens_nothing_here(address: str) -> None:
    async with httpx.AsyncClient(base_url=address, headers={"origin": address}) as one, httpx.AsyncClient(base_url=address, headers={"origin": address}) as two:
        shop, neighbour = Visitor(one), Visitor(two)
        await shop.register("Lagos Glow Salon", "maya@example.com")
        await neighbour.register("Moretti Calzature", "elena@example.com")
        theirs = await neighbour.begin()
        path = "/dashboard/billing/checkout?session_id="
        assert (await one.get(path + theirs)).status_code == 404  # before there is one of the shop's own
        own = await shop.begin()
        for strange in (theirs, "cs_test_unknown", "..%2Fcustomers", "cs_" + "x" * 400):
            answer = await one.get(path + strange)
            assert (answer.status_code, "no such checkout" in answer.text) == (404, True), strange
        assert (await one.get(path + own)).headers["location"].startswith("/dashboard/billing")
        assert (await httpx.AsyncClient(base_url=address).get(path + own)).headers["location"].startswith("/login")


async def test_only_stripe_is_heard_at_its_webhook(address: str, settings: Settings, owner: Any) -> None:
    def signed(secret: str, body: bytes = EVENT, age: int = 0) -> str:
        return stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(time.time()) - age)

    large = b" " * (2 << 20)
    secret = secret_files.load(settings).simulator_stripe_secret or ""
    async with httpx.AsyncClient(base_url=address) as http:
        for header, body, expected in (
            (signed(secret, large), large, 413), ("", EVENT, 400), (signed(""), EVENT, 400), (signed("whsec_"), EVENT, 400),
            (signed(secret, age=301), EVENT, 400), (signed(secret, b"{}"), EVENT, 400), (signed(secret), EVENT, 200), (signed(secret), EVENT, 200),
        ):  # fmt: skip
            answer = await http.post("/webhooks/stripe", content=body, headers={"stripe-signature": header})
            assert answer.status_code == expected, (header, answer.text)
    cursor = await owner.execute("select provider_event_id, organization_id from billing_events")
    assert await cursor.fetchall() == [("evt_1", None)]


async def test_credit_is_bought_through_the_page_of_usage(settings: Settings, database: Database, owner: Any) -> None:
    port = free_port()
    own = settings.model_copy(update={"port": port, "overage_billing": "prepaid", "credit_packs": "2500,500"})
    async with served(own, database, port) as address, httpx.AsyncClient(base_url=address, headers={"origin": address}) as http:
        visitor, page, door = Visitor(http), "/dashboard/usage", "/dashboard/billing/credit"
        await visitor.register("Lagos Glow Salon", "maya@example.com")
        shown = (await http.get(page)).text
        assert all(words in shown for words in ("€0<", "€5<", "€25<", 'value="2500"')), shown
        for pack, status in (("7", 422), ("many", 422), ("-500", 422)):
            answer = await visitor.send(door, page, pack=pack)
            assert (answer.status_code, "Choose one of the sizes" in answer.text) == (status, True), pack
        found = re.search(r"/pay/(cs_test_\w+)", (await visitor.send(door, page, pack="500")).text)
        assert found is not None
        for strange in ("cs_test_unknown", "..%2Fcustomers"):
            assert (await http.get(f"{door}?session_id={strange}")).status_code == 404
        assert (await http.get(f"{door}?session_id={found[1]}")).headers["location"] == page + "#credit"
        paid = await http.post("/simulator/stripe/_test/purchases", json={"session": found[1], "number": "4242424242424242"})
        assert paid.status_code < 300, paid.text
        for _ in range(2):
            assert (await http.get(f"{door}?session_id={found[1]}")).status_code == 303
        assert "€5</strong>" in (await http.get(page)).text
        await owner.execute("update subscriptions set plan_id = 'free'")
        refused = await http.post(door, data=hidden_fields(shown) | {"pack": "500"})
        assert "has no price for more" in (await http.get(refused.headers["location"])).text
