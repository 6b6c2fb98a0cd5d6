"""What is over a smaller limit becomes read-only and is never deleted; while nothing is paid, bots hand over in one line."""

from datetime import UTC, datetime, timedelta

import pytest

from frontdesk import secret_files, usage
from frontdesk.auto_replies import Proposal, create, move
from frontdesk.auto_replies.answers import HANDING_OVER
from frontdesk.auto_replies.store import list_rules
from frontdesk.billing.lifecycle.actions import look
from frontdesk.contacts import actions as contacts
from frontdesk.entitlements import PaymentNeeded
from frontdesk.mail import Mailer
from frontdesk.messages.inbox import actions as inbox
from frontdesk.messages.inbox.actions import ChannelIsOverTheLimit
from frontdesk.settings import Settings
from frontdesk.usage.jobs import hourly
from tests.world import World, fold_received, open_shop, text, webhook


@pytest.fixture
def mailer(settings: Settings) -> Mailer:
    return Mailer(secret_files.load(settings).vault, settings)


async def put(world: World, assignment: str) -> None:
    await world.owner.execute(f"update subscriptions set {assignment} where organization_id = %s", (world.shop.organization_id,))  # type: ignore[arg-type]


async def rule(world: World, word: str) -> None:
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await create(db, Proposal(word, "keyword", "contains", (word,), f"About {word}"))


async def answers(world: World) -> list[tuple[str, str, str | None]]:
    found = await world.see(
        "select text, status, error_text from messages where organization_id = %s and direction = 'out' order by id", world.shop.organization_id
    )
    return [tuple(row) for row in found]


async def says(world: World, *words: str) -> None:
    for word in words:
        await world.arrive(world.shop, webhook(world.shop, text(word)))


async def test_rules_beyond_the_limit_stop_answering_from_the_last_one_up_and_come_back(world: World, mailer: Mailer) -> None:
    await world.owner.execute("update auto_replies set enabled_at = null")
    for word in ("alpha", "bravo", "charlie"):
        await rule(world, word)
    await put(world, "status = 'canceled', plan_id = 'free'")
    await world.owner.execute("update subscription_plans set limits = limits || '{\"auto_replies\": 2}' where id = 'free'")
    await look(world.database, mailer)
    await says(world, "alpha", "charlie")
    assert [row[0] for row in await answers(world)] == ["About alpha"]
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        (last,) = [one for one in await list_rules(db) if one.name == "charlie"]
        await move(db, last.id, 1)
    await says(world, "charlie", "bravo")
    assert [row[0] for row in await answers(world)] == ["About alpha", "About charlie"]
    await put(world, "status = 'active', plan_id = 'starter'")
    await look(world.database, mailer)
    await says(world, "bravo")
    assert [row[0] for row in await answers(world)][-1] == "About bravo"


async def test_while_nothing_is_paid_bots_hand_over_once_a_day_and_members_send_nothing(world: World, mailer: Mailer) -> None:
    await put(world, "status = 'unpaid', past_due_since = now() - interval '30 days', provider_subscription_id = 'sub_1'")
    await look(world.database, mailer)
    await says(world, "hi", "hello?")
    assert [row[:2] for row in await answers(world)] == [(HANDING_OVER["en"], "queued")]
    await fold_received(world.owner)
    ((received, sent),) = await world.see(
        "select sum(used) filter (where metric = 'messages_received'), sum(used) filter (where metric = 'messages_sent') from organization_usage"
        " where organization_id = %s",
        world.shop.organization_id,
    )
    assert (received, sent) == (2, 1)
    ((conversation,),) = await world.see("select id from conversations where organization_id = %s", world.shop.organization_id)
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await inbox.send(db, conversation, "We are here", inbox.form_id(""))
        with pytest.raises(PaymentNeeded):
            await usage.require(db, "auto_replies")
    _, status, why = (await answers(world))[-1]
    assert status == "failed"
    assert why is not None
    assert why.startswith("Not sent: an invoice is unpaid.")
    await put(world, "status = 'active', past_due_since = null")
    await look(world.database, mailer)
    await says(world, "hi again")
    assert HANDING_OVER["en"] not in (await answers(world))[-1][0]


async def test_numbers_beyond_the_limit_can_only_be_read_until_there_is_room(world: World, mailer: Mailer) -> None:
    await rule(world, "heard")
    await says(world, "hi")
    await world.owner.execute(
        "insert into channels (organization_id, id, kind, name, phone_number_id, display_number, created_at)"
        " values (%s, gen_random_uuid(), 'cloud_api', 'Older', '4711', '+1', now() - interval '1 year')",
        (world.shop.organization_id,),
    )
    await put(world, "plan_id = 'professional'")
    await look(world.database, mailer)
    held = "select name from channels where organization_id = %s and held_back_at is not null"
    assert await world.see(held, world.shop.organization_id) == []
    await put(world, "plan_id = 'starter'")
    await look(world.database, mailer)
    assert await world.see(held, world.shop.organization_id) == [("Main number",)]
    ((conversation,),) = await world.see("select id from conversations where organization_id = %s", world.shop.organization_id)
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        with pytest.raises(ChannelIsOverTheLimit):
            await inbox.send(db, conversation, "We are here", inbox.form_id(""))
    assert len(await answers(world)) == 1
    await says(world, "still heard?", "and answered?")
    assert len(await answers(world)) == 1
    assert (await world.see("select count(*) from messages where organization_id = %s and direction = 'in'", world.shop.organization_id)) == [(3,)]
    await world.owner.execute("delete from channels where phone_number_id = '4711'")
    assert await world.see(held, world.shop.organization_id) == []


async def test_members_beyond_the_limit_look_on_and_owners_never(world: World, mailer: Mailer) -> None:
    people = [await open_shop(world.owner, f"Colleague {n}") for n in range(3)]
    for n, one in enumerate(people):
        await world.owner.execute(
            "insert into organization_members (organization_id, user_id, role, created_at) values (%s, %s, 'admin', %s)",
            (world.shop.organization_id, one.owner_id, datetime.now(UTC) - timedelta(days=10 - n)),
        )
    await put(world, "plan_id = 'professional', status = 'canceled'")
    await look(world.database, mailer)
    may = []
    for actor in (world.shop.actor, *(one.actor for one in people)):
        async with world.database.tenant(world.shop.organization_id, actor) as db:
            may.append(("messages:write" in db.permissions, "messages:read" in db.permissions))
    assert may == [(True, True), (True, True), (False, True), (False, True)]
    await world.owner.execute("delete from organization_members where organization_id = %s and user_id = %s", (world.shop.organization_id, people[0].owner_id))
    async with world.database.tenant(world.shop.organization_id, people[1].actor) as db:
        assert "messages:write" in db.permissions


async def test_contacts_beyond_the_limit_can_only_be_read_while_they_are_kept_and_answered(world: World, mailer: Mailer) -> None:
    for n, name in enumerate(("Ada", "Ben", "Cleo")):
        await world.arrive(world.shop, webhook(world.shop, text("hi", of=f"49151000000{n}", name=name)))
    names = "select k.name from contacts k join subscriptions s using (organization_id) where k.organization_id = %s and k.id >= s.contacts_from order by k.id"
    await put(world, "status = 'canceled', plan_id = 'free'")
    await world.owner.execute("update subscription_plans set limits = limits || '{\"contacts\": 3}' where id = 'free'")
    await look(world.database, mailer)
    assert await world.see(names, world.shop.organization_id) == []
    await world.owner.execute("update subscription_plans set limits = limits || '{\"contacts\": 1}' where id = 'free'")
    while await look(world.database, mailer):
        pass
    assert await world.see(names, world.shop.organization_id) == [("Ben",), ("Cleo",)]
    entries = "select details -> 'count' from audit_logs where organization_id = %s and action = 'plan.limits_applied' order by seq desc limit 1"
    assert await world.see(entries, world.shop.organization_id) == [(2,)]
    await world.arrive(world.shop, webhook(world.shop, text("hello?", of="491510000002", name="Cleo C"), text("hi", of="491510000009", name="Dan")))
    assert await world.see(names, world.shop.organization_id) == [("Ben",), ("Cleo C",), ("Dan",)]
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        found = {one.called: one for one in (await contacts.search(db))[0]}
        assert {name: one.over_limit for name, one in found.items()} == {"Ada": False, "Ben": True, "Cleo C": True, "Dan": True}
        with pytest.raises(contacts.ContactIsOverTheLimit):
            await contacts.rename(db, found["Ben"].id, "Benjamin")
        await contacts.rename(db, found["Ada"].id, "Ada L")
        await contacts.block(db, found["Dan"].id)
        assert found["Ben"].conversation_id is not None
        await inbox.send(db, found["Ben"].conversation_id, "We are here", inbox.form_id(""))
    assert (await answers(world))[-1][:2] == ("We are here", "queued")
    await world.owner.execute("delete from contacts where organization_id = %s and name = 'Ada'", (world.shop.organization_id,))
    while await look(world.database, mailer):
        pass
    assert await world.see(names, world.shop.organization_id) == [("Cleo C",), ("Dan",)]
    await put(world, "status = 'active', plan_id = 'starter'")
    while await look(world.database, mailer):
        pass
    assert await world.see(names, world.shop.organization_id) == []


async def test_who_writes_beyond_the_limit_is_marked_within_the_hour(world: World, mailer: Mailer) -> None:
    await put(world, "status = 'canceled', plan_id = 'free'")
    await world.owner.execute("update subscription_plans set limits = limits || '{\"contacts\": 1}' where id = 'free'")
    while await look(world.database, mailer):
        pass
    for n in range(2):
        await world.arrive(world.shop, webhook(world.shop, text("hi", of=f"49151000000{n}")))
    await put(world, "look_at = now() + interval '1 day'")
    await hourly(world.database)
    while await look(world.database, mailer):
        pass
    ((over,),) = await world.see("select count(*) from contacts k join subscriptions s using (organization_id) where k.id >= s.contacts_from")
    assert over == 1
