"""What arrives twice happened once; what arrives at two organizations happened to each alone."""

import json

import pytest

from tests.product import LENA, Shop, eventually
from tests.stories.conftest import Backstage
from tests.world import text, webhook


async def test_a_webhook_that_whatsapp_repeats_is_one_message_one_answer_and_counts_once(shop: Shop, backstage: Backstage) -> None:
    await shop.faults(duplicate=True)
    await shop.hears("hi")
    await backstage.stands(shop, "read")
    await shop.hears("and another thing")
    await shop.conversation("Lena")
    assert await backstage.stored(shop, 2) == ["hi", "and another thing"]
    assert len(await shop.phone()) == 1
    assert (await backstage.used(shop, "messages_received"), await backstage.used(shop, "messages_sent")) == (2, 1)


async def test_the_same_signed_body_twenty_times_is_one_message(shop: Shop, backstage: Backstage) -> None:
    await shop.hears("hi")
    await backstage.stands(shop, "read")
    body = webhook(shop, text("twenty times", of=LENA.removeprefix("+")))
    assert {await backstage.whatsapp_posts(body) for _ in range(20)} == {200}
    assert await backstage.whatsapp_posts(webhook(shop, text("the last", of=LENA.removeprefix("+")))) == 200
    assert await backstage.stored(shop, 3) == ["hi", "twenty times", "the last"]
    assert len(await shop.phone()) == 1
    assert await backstage.used(shop, "messages_received") == 3


async def test_the_same_first_message_twenty_times_is_answered_once(shop: Shop, backstage: Backstage) -> None:
    body = webhook(shop, text("hi", of="4915199988877", name="Ada"))
    assert {await backstage.whatsapp_posts(body) for _ in range(20)} == {200}
    await backstage.stands(shop, "failed")  # the simulator never met Ada, so for WhatsApp there is no window
    assert await backstage.stored(shop, 1) == ["hi"]
    assert (await backstage.used(shop, "messages_received"), await backstage.used(shop, "messages_sent")) == (1, 1)


async def test_a_body_that_was_changed_on_its_way_is_refused(shop: Shop, backstage: Backstage) -> None:
    answer = await shop.visitor.client.post("/webhooks/whatsapp", content=webhook(shop, text("hi")), headers={"x-hub-signature-256": "sha256=" + "0" * 64})
    assert answer.status_code == 401
    await shop.hears("mine")
    assert await backstage.stored(shop, 1) == ["mine"]


async def test_two_organizations_with_the_same_customer_answer_once_each_and_nothing_crosses(shop: Shop, neighbour: Shop, backstage: Backstage) -> None:
    await shop.hears("hi, have you got time today?")
    await neighbour.hears("hi, have you got size 38?")
    for here, there in ((shop, neighbour), (neighbour, shop)):
        await backstage.stands(here, "read")
        (answer,) = await here.phone()
        assert answer["text"] == f"Thanks for writing to {here.name}. We will answer as soon as we can."
        thread = await here.page(await here.conversation("Lena"))
        inbox, contacts, overview = await here.page(), await here.page("/dashboard/contacts"), await here.page("/dashboard")
        foreign = "size 38" if here is shop else "time today"
        for page in (thread, inbox, contacts, overview):
            assert there.name not in page and foreign not in page and there.phone_number_id not in page
        assert await backstage.used(here, "messages_received") == 1


@pytest.mark.parametrize("twisted", ["entry", "metadata"])
async def test_a_number_that_nobody_has_reaches_nobody(shop: Shop, backstage: Backstage, twisted: str) -> None:
    body = json.loads(webhook(shop, text("hi")))
    if twisted == "entry":
        body["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "109400000000001"
    else:
        del body["entry"][0]["changes"][0]["value"]["metadata"]
    assert await backstage.whatsapp_posts(json.dumps(body).encode()) == 200
    await shop.hears("mine")
    assert await backstage.stored(shop, 1) == ["mine"]


async def test_a_customer_without_a_number_is_answered_too(shop: Shop, backstage: Backstage) -> None:
    answer = await shop.door.post("inbound", json={"to": shop.phone_number_id, "username": "@amina.okafor", "name": "Amina", "text": "hi"})
    assert answer.status_code == 202
    await backstage.stands(shop, "read")
    (reply,) = await eventually(lambda: shop.phone("@amina.okafor"), "an answer")
    assert "Thanks for writing" in reply["text"]
    assert "Amina" in await shop.page()
