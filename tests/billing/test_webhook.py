"""Where Stripe tells what happened: kept once, whoever else may knock."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import stripe

from frontdesk import secret_files
from frontdesk.billing import StripeWebhook
from frontdesk.billing.webhook import LARGEST_BODY, NotReadable, event_of, signed
from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.api.desk import opened
from tests.rows import Rows, insert
from tests.world import World

SECRET, OTHER = "whsec_first", "whsec_second"
SEEN = "select provider_event_id, type, provider_customer_id, object_id, organization_id, payload, handled_at, attempts from billing_events order by id"


def event(event_id: str = "evt_1", **thing: Any) -> dict[str, Any]:
    """An event as Stripe writes it, about a subscription."""
    told = {"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active"} | thing
    return {"id": event_id, "object": "event", "type": "customer.subscription.updated", "created": 1_790_000_000, "data": {"object": told}}


def signature(body: bytes, secret: str = SECRET, age: float = 0) -> str:
    return stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(time.time() - age))


@asynccontextmanager
async def door(database: Database, *secrets: str) -> AsyncIterator[Callable[..., Any]]:
    """Posts to the webhook, signed as it should be unless a signature is given."""
    webhook = StripeWebhook(database, secrets)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(webhook), base_url="http://frontdesk") as client:

        async def post(told: Any, header: str | None = None, secret: str = SECRET) -> httpx.Response:
            body = told if isinstance(told, bytes) else json.dumps(told).encode()
            return await client.post("/webhooks/stripe", content=body, headers={"stripe-signature": header or signature(body, secret)})

        yield post


async def test_an_event_is_kept_once_however_often_it_comes_and_belongs_to_its_customer(world: World) -> None:
    await insert(
        world.owner, "billing_accounts", Rows(world.shop.organization_id, *[world.shop.owner_id] * 2).of("billing_accounts") | {"provider_customer_id": "cus_1"}
    )
    async with door(world.database, SECRET) as post:
        assert [(await post(event())).status_code for _ in range(3)] == [200] * 3
    kept = {"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active"}
    assert await world.see(SEEN) == [("evt_1", "customer.subscription.updated", "cus_1", "sub_1", world.shop.organization_id, kept, None, 0)]


async def test_a_customer_that_is_nobodys_here_is_kept_all_the_same(world: World) -> None:
    async with door(world.database, SECRET) as post:
        assert (await post(event(customer="cus_of_nobody"))).status_code == 200
    assert [row[4] for row in await world.see(SEEN)] == [None]


async def test_nothing_that_opens_a_page_is_kept(world: World) -> None:
    session = {
        "id": "cs_1",
        "object": "checkout.session",
        "url": "https://checkout.stripe.com/secret",
        "client_secret": "s",
        "customer_email": "ada@example.com",
    }
    async with door(world.database, SECRET) as post:
        assert (await post(event(**session))).status_code == 200
    ((*_, payload, _, _),) = await world.see(SEEN)
    assert payload.keys() == {"id", "object", "customer", "status"}


@pytest.mark.parametrize("why", ["another secret", "another body", "too old", "no signature", "not a signature", "odd letters"])
async def test_who_is_not_stripe_is_refused_and_counted(world: World, why: str) -> None:
    body = json.dumps(event()).encode()
    header = {
        "another secret": signature(body, "whsec_guessed"), "another body": signature(b"{}"), "too old": signature(body, age=301),
        "no signature": " ", "not a signature": "t=now,v1=x", "odd letters": f"t={int(time.time())},v1=\u00e9",
    }[why]  # fmt: skip
    async with door(world.database, SECRET) as post:
        assert (await post(body, header.encode("latin-1"))).status_code == 400
    assert await world.see(SEEN) == []
    assert await world.see("select refused from private.billing_refusals") == [(1,)]


async def test_while_the_secret_is_rotated_both_count(world: World) -> None:
    async with door(world.database, SECRET, OTHER) as post:
        assert (await post(event("evt_1"))).status_code == (await post(event("evt_2"), secret=OTHER)).status_code == 200
    assert [row[0] for row in await world.see(SEEN)] == ["evt_1", "evt_2"]


@pytest.mark.parametrize("secret", ["", "  "])
async def test_without_a_secret_there_is_no_such_address(world: World, secret: str) -> None:
    body = json.dumps(event()).encode()
    async with door(world.database, secret) as post:
        assert (await post(body, signature(body, secret))).status_code == 404
    assert await world.see(SEEN) == []


@pytest.mark.parametrize("announced", [True, False])
async def test_an_event_of_two_mebibytes_is_refused_before_it_is_read(world: World, announced: bool) -> None:
    body = b" " * 2 * LARGEST_BODY

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield body[: len(body) // 32]

    webhook = StripeWebhook(world.database, [SECRET])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(webhook), base_url="http://frontdesk") as client:
        answer = await client.post("/", content=body if announced else pieces(), headers={"stripe-signature": signature(body)})
    assert answer.status_code == 413


@pytest.mark.parametrize("body", [b"hello", b"[]", b"{}", b'{"id": "evt_1", "type": "x", "created": 1, "data": {"object": []}}', b'"\xff"', b"null"])
async def test_what_is_signed_and_no_event_is_refused(world: World, body: bytes) -> None:
    with pytest.raises(NotReadable):
        event_of(body)


async def test_letters_that_no_database_keeps_are_refused(world: World) -> None:
    async with door(world.database, SECRET) as post:
        assert (await post(event(status="a\0b"))).status_code == 400


async def test_a_clock_that_is_ahead_of_stripes_by_less_than_five_minutes_hears_it_and_by_more_does_not() -> None:
    body = b"{}"
    assert signed(body, signature(body, age=290), SECRET)
    assert signed(body, signature(body, age=-290), SECRET)
    assert not signed(body, signature(body, age=310), SECRET)


async def test_only_posts_are_heard(world: World) -> None:
    webhook = StripeWebhook(world.database, [SECRET])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(webhook), base_url="http://frontdesk") as client:
        assert (await client.get("/webhooks/stripe")).status_code == 405


async def test_when_the_database_is_away_stripe_is_asked_to_send_it_again(world: World) -> None:
    async with door(world.database, SECRET) as post:
        await world.database.close()
        assert (await post(event())).status_code == 503


@pytest.mark.parametrize(
    ("changes", "status"),
    [({}, 200), ({"stripe_secret_key": "sk_test_of_an_account"}, 404), ({"stripe_secret_key": "sk_test_of_an_account", "stripe_webhook_secret": SECRET}, 400)],
)
async def test_the_assembled_product_hears_the_simulated_stripe_and_with_a_real_account_does_not(
    world: World, settings: Settings, changes: dict[str, str], status: int
) -> None:
    simulated = secret_files.load(settings).simulator_stripe_secret
    assert simulated is not None
    async with opened(settings, world, **changes) as product, httpx.AsyncClient(transport=httpx.ASGITransport(product.built), base_url="http://x") as client:
        body = json.dumps(event()).encode()
        answer = await client.post("/webhooks/stripe", content=body, headers={"stripe-signature": signature(body, simulated)})
    assert answer.status_code == status
    assert len(await world.see(SEEN)) == (status == 200)
