"""Answering a batch: which messages, how often, with what is remembered in PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from frontdesk import auto_replies
from frontdesk.auto_replies import Proposal, Rule, Rulebook
from frontdesk.auto_replies.answers import decide
from frontdesk.auto_replies.shelf import House
from frontdesk.database import new_id
from frontdesk.messages import NewMessage
from tests.world import Shop, World, text, webhook

GREETING = "Thanks for writing to Lagos Glow Salon. We will answer as soon as we can."
PRICES = Proposal("Prices", "keyword", "contains", ("price", "how much"), "Hello {{contact.name}}, from 10.")
FALLBACK = Proposal("Else", "fallback", None, (), "Say it in other words, please.")


async def rules(world: World, shop: Shop, *proposals: Proposal) -> list[UUID]:
    """These rules and no greeting."""
    await world.owner.execute("delete from auto_replies where organization_id = %s", (shop.organization_id,))
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        return [await auto_replies.create(db, one) for one in proposals]


async def answered(world: World, shop: Shop) -> list[str]:
    rows = await world.see(
        "select text from messages where organization_id = %s and author = 'bot' order by position",
        shop.organization_id,
    )
    return [row[0] for row in rows]


async def write(world: World, *said: str, shop: Shop | None = None, of: str = "4915112345678", name: str = "Lena", **more: Any) -> None:
    shop = shop or world.shop
    await world.arrive(shop, webhook(shop, *(text(one, of=of, name=name, **more) for one in said)))


async def counts(world: World, rule_id: UUID) -> int:
    ((count,),) = await world.see("select answered_count from auto_replies where id = %s", rule_id)
    return int(count)


async def test_the_first_message_is_greeted_and_the_second_is_not(world: World) -> None:
    await write(world, "hi", "are you there?")
    await write(world, "hello?")
    assert await answered(world, world.shop) == [GREETING]


async def test_an_answer_is_a_queued_message_of_the_rule_in_the_outbox(world: World) -> None:
    (prices,) = await rules(world, world.shop, PRICES)
    await write(world, "How much is it?")
    (message,) = await world.see("select text, status, auto_reply_id, author from messages where direction = 'out'")
    assert message == ("Hello Lena, from 10.", "queued", prices, "bot")
    assert await world.see("select priority, recipient from outbox") == [(0, "4915112345678")]
    assert await counts(world, prices) == 1
    assert await world.see("select last_answered_at is not null from auto_replies where id = %s", prices) == [(True,)]


async def test_every_organization_answers_by_its_own_rules(world: World) -> None:
    await rules(world, world.shop, PRICES)
    await world.keep(world.shop, webhook(world.shop, text("price")))
    await world.keep(world.neighbour, webhook(world.neighbour, text("price")))
    await world.tell(world.shop, world.neighbour)
    assert await answered(world, world.shop) == ["Hello Lena, from 10."]
    assert await answered(world, world.neighbour) == ["Thanks for writing to Moretti Calzature. We will answer as soon as we can."]


async def test_a_changed_rule_answers_in_its_new_form_at_once(world: World) -> None:
    (prices,) = await rules(world, world.shop, PRICES)
    await write(world, "price")
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await auto_replies.edit(db, prices, Proposal("Prices", "keyword", "contains", ("price",), "New"))
    await write(world, "price")
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await auto_replies.switch(db, prices, False)
    await write(world, "price")
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await auto_replies.switch(db, prices, True)
    await write(world, "price")
    assert await answered(world, world.shop) == ["Hello Lena, from 10.", "New", "New"]
    assert await counts(world, prices) == 3


async def test_a_new_name_of_the_organization_is_said_at_once(world: World) -> None:
    await rules(world, world.shop, Proposal("Name", "fallback", None, (), "{{organization.name}}"))
    await write(world, "a")
    await world.owner.execute("update organizations set name = 'Glow' where id = %s", (world.shop.organization_id,))
    await write(world, "b")
    assert await answered(world, world.shop) == ["Lagos Glow Salon", "Glow"]


async def test_a_cooldown_holds_for_this_contact_within_a_batch_and_after_it(world: World) -> None:
    patient, otherwise = await rules(world, world.shop, Proposal("Prices", "keyword", "contains", ("price",), "From 10.", 3600), FALLBACK)
    await write(world, "price", "price?")
    await write(world, "price!")
    await write(world, "price", of="4915100000000")
    assert sorted(await answered(world, world.shop)) == ["From 10."] * 2 + [FALLBACK.reply] * 2
    await world.owner.execute("update auto_reply_cooldowns set answered_at = answered_at - interval '1 hour'")
    await write(world, "price")
    assert sorted(await answered(world, world.shop)) == ["From 10."] * 3 + [FALLBACK.reply] * 2
    assert (await counts(world, patient), await counts(world, otherwise)) == (3, 2)
    assert await world.see("select count(*) from auto_reply_cooldowns where answered_at > now() - interval '1 minute'") == [(1,)]


async def test_two_bots_do_not_talk_for_ever(world: World) -> None:
    await rules(world, world.shop, FALLBACK)
    await write(world, *(f"beep {n}" for n in range(10)))
    await write(world, *(f"boop {n}" for n in range(10)))
    assert len(await answered(world, world.shop)) == 6
    await write(world, "somebody else", of="4915100000000")
    assert len(await answered(world, world.shop)) == 7


async def test_nobody_is_answered_when_the_bot_is_off(world: World) -> None:
    await rules(world, world.shop, FALLBACK)
    await write(world, "hi")
    await world.owner.execute("update conversations set bot_off_at = now()")
    await write(world, "hello")
    assert len(await answered(world, world.shop)) == 1


async def test_a_photo_falls_back_but_its_caption_is_not_read(world: World) -> None:
    await rules(world, world.shop, Proposal("Photo", "keyword", "contains", ("price", "photo"), "Wrong"), FALLBACK)
    photo = text(type="image", image={"id": "1", "mime_type": "image/jpeg", "caption": "price?"})
    del photo["messages"][0]["text"]
    await world.arrive(world.shop, webhook(world.shop, photo))
    assert await answered(world, world.shop) == [FALLBACK.reply]


async def test_reactions_and_statuses_are_never_answered(world: World) -> None:
    await rules(world, world.shop, FALLBACK)
    reaction = text(type="reaction", reaction={"message_id": "wamid.1", "emoji": "👍"})
    del reaction["messages"][0]["text"]
    await world.arrive(world.shop, webhook(world.shop, reaction))
    assert await answered(world, world.shop) == []


async def test_what_came_too_late_to_be_answered_freely_is_not_answered(world: World) -> None:
    await write(world, "hi", at=(datetime.now(UTC) - timedelta(hours=25)).timestamp())
    assert await answered(world, world.shop) == []


async def test_a_name_that_looks_like_a_placeholder_stays_a_name(world: World) -> None:
    await rules(world, world.shop, PRICES)
    await write(world, "price", name="{{organization.name}}")
    await write(world, "price", name="", of="4915100000000")
    assert sorted(await answered(world, world.shop))[0] == "Hello {{organization.name}}, from 10."


async def test_what_the_plan_refuses_is_neither_counted_nor_waited_for(world: World) -> None:
    (prices,) = await rules(world, world.shop, Proposal("Prices", "keyword", "contains", ("price",), "From 10.", 3600))
    await world.owner.execute("update subscription_plans set limits = limits || '{\"messages_sent\": 0}'")
    await write(world, "price")
    assert await world.see("select status from messages where direction = 'out'") == [("failed",)]
    assert await counts(world, prices) == 0
    assert await world.see("select count(*) from auto_reply_cooldowns") == [(0,)]


async def test_batches_over_the_same_organizations_at_once_count_every_answer(world: World) -> None:
    (mine_id,), (theirs_id,) = await rules(world, world.shop, FALLBACK), await rules(world, world.neighbour, FALLBACK)
    await write(world, "hi")
    await write(world, "hi", shop=world.neighbour)
    threads = {row[0]: row[1:] for row in await world.see("select organization_id, id, channel_id, contact_id from conversations")}

    def said(shop: Shop) -> NewMessage:
        conversation_id, channel_id, contact_id = threads[shop.organization_id]
        ends = datetime.now(UTC) + timedelta(hours=1)
        return NewMessage(
            shop.organization_id,
            new_id(),
            conversation_id,
            channel_id,
            contact_id,
            "text",
            "hm",
            False,
            False,
            6,
            "L",
            "49",
            ends,
        )

    async def answer(*shops: Shop) -> int:
        async with world.database.tenants([shop.organization_id for shop in shops]) as db:
            houses = await auto_replies.open_houses(db)
            return await auto_replies.answer(db, [said(shop) for shop in shops], 6, houses)

    here, there = world.shop, world.neighbour
    assert await asyncio.gather(*(answer(here, there) if n % 2 else answer(there, here) for n in range(16))) == [2] * 16
    assert (await counts(world, mine_id), await counts(world, theirs_id)) == (17, 17)


@pytest.mark.parametrize("kind", ["button", "interactive"])
def test_the_title_of_a_button_is_read_as_words(kind: str) -> None:
    prices = Rule(new_id(), "Prices", "keyword", "contains", ("price",), "From 10.")
    one = NewMessage(
        *(new_id() for _ in range(5)),
        kind,
        "See prices? price",
        False,
        False,
        6,
        "L",
        "49",
        datetime.now(UTC) + timedelta(hours=1),
    )
    (answer,) = decide([one], {one.organization_id.int: House("Shop", Rulebook([prices]))}, {}, 6)
    assert answer.rule is prices and answer.draft.text == "From 10."
