"""Ticks and reactions: what WhatsApp says of messages, in whatever order it says it."""

import itertools
from uuid import UUID

from tests.product import Shop, eventually
from tests.stories.conftest import Backstage
from tests.world import status, webhook

ORDERS = [
    *itertools.permutations(("sent", "delivered", "read", "failed")),
    *itertools.permutations(("sent", "delivered", "failed")),
    *itertools.permutations(("sent", "failed")),
]


async def test_statuses_in_every_order_end_at_the_highest(shop: Shop, backstage: Backstage) -> None:
    await shop.hears("hi")
    await backstage.stands(shop, "read")
    await shop.faults(lose=True)  # from now on only this test says what became of a message
    conversation = await shop.conversation()
    for n in range(len(ORDERS)):
        assert (await shop.writes(conversation, f"number {n}")).status_code in (200, 303)
    await backstage.stands(shop, "read", *["accepted"] * len(ORDERS))
    rows = await backstage.see("select id, text from public.messages where organization_id = %s and text like 'number %%'", shop.organization_id)
    ids: dict[str, UUID] = {said: id_ for id_, said in rows}
    for n, order in enumerate(ORDERS):
        for one in order:
            assert await backstage.whatsapp_posts(webhook(shop, status(ids[f"number {n}"], one))) == 200
    await backstage.stands(shop, "read", *(_highest(order) for order in ORDERS))


def _highest(order: tuple[str, ...]) -> str:
    return next(one for one in ("read", "delivered", "failed", "sent") if one in order)


async def test_a_message_from_the_composer_reaches_the_phone_and_its_ticks_come_back(shop: Shop, backstage: Backstage) -> None:
    await shop.hears("hi")
    await backstage.stands(shop, "read")
    conversation = await shop.conversation()
    await shop.writes(conversation, "Come in at four, <b>please</b>")
    await backstage.stands(shop, "read", "read")
    assert (await shop.phone())[-1]["text"] == "Come in at four, <b>please</b>"
    bubble = (await shop.page(conversation)).split("Come in at four, &lt;b&gt;please&lt;/b&gt;</p>")[1].split("</time>")[0]
    assert '<span class="visually-hidden">read</span>' in bubble


async def test_the_same_form_sent_twice_is_one_message_on_the_phone(shop: Shop, backstage: Backstage) -> None:
    await shop.hears("hi")
    await backstage.stands(shop, "read")
    conversation = await shop.conversation()
    page = await shop.page(conversation)
    fields = {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("csrf_token", "organization_id", "message_id")}
    for _ in range(3):
        await shop.visitor.post(f"{conversation}/messages", fields | {"text": "once"})
    await backstage.stands(shop, "read", "read")
    assert [message["text"] for message in await shop.phone()].count("once") == 1


async def test_a_reaction_from_the_phone_shows_on_its_message_and_is_not_answered(shop: Shop, backstage: Backstage) -> None:
    await shop.hears("hi")
    await backstage.stands(shop, "read")
    (greeting,) = await shop.phone()
    await shop.hears(None, reaction={"message_id": greeting["id"], "emoji": "👍"})  # type: ignore[arg-type]  # a reaction has no text
    conversation = await shop.conversation()

    async def shown() -> bool:
        return "Reaction: </span>👍" in await shop.page(conversation)

    await eventually(shown, "the reaction in the thread")
    await shop.hears(None, reaction={"message_id": greeting["id"], "emoji": ""})  # type: ignore[arg-type]

    async def gone() -> bool:
        return "👍" not in await shop.page(conversation)

    await eventually(gone, "the reaction taken back")
    assert len(await shop.phone()) == 1
