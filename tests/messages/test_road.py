"""Messages on the road: stored once, raised by their statuses, queued within the plan."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk import messages
from frontdesk.database import new_id
from frontdesk.messages import Draft, Status
from tests.world import Shop, World, fold_received, status, text, webhook

RANKS = {"accepted": 3, "sent": 4, "failed": 5, "delivered": 6, "read": 7}


async def queue(world: World, shop: Shop, *texts: str) -> list[messages.Queued]:
    """Answer the shop's only conversation."""
    conversation = (await world.see("select id from conversations where organization_id = %s", shop.organization_id))[0][0]
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        drafts = [
            Draft(shop.organization_id, conversation, shop.channel_id, t, "member", "4915112345678", datetime.now(UTC) + timedelta(hours=1), 1) for t in texts
        ]
        return await messages.queue(db, drafts)


async def test_the_same_message_arriving_twenty_times_is_stored_and_counted_once(world: World) -> None:
    body = webhook(world.shop, text("hi", message_id="wamid.once"))
    for _ in range(10):
        await world.arrive(world.shop, body, body)
    assert await world.see("select count(*) from messages where direction = 'in'") == [(1,)]
    assert await world.see("select unread_count, last_text from conversations") == [
        (1, "Thanks for writing to Lagos Glow Salon. We will answer as soon as we can.")
    ]
    await fold_received(world.owner)
    assert await world.see("select used from organization_usage where organization_id = %s and metric = 'messages_received'", world.shop.organization_id) == [
        (1,)
    ]


async def test_two_organizations_with_the_same_customer_share_nothing(world: World) -> None:
    await world.keep(world.shop, webhook(world.shop, text("for the salon", message_id="wamid.same")))
    await world.keep(world.neighbour, webhook(world.neighbour, text("for the shoes", message_id="wamid.same")))
    told = await world.tell(world.shop, world.neighbour)
    assert told.messages == 2
    rows = await world.see("select organization_id, text from messages where direction = 'in' order by text")
    assert rows == [(world.shop.organization_id, "for the salon"), (world.neighbour.organization_id, "for the shoes")]
    assert await world.see("select count(distinct organization_id), count(*) from contacts") == [(2, 2)]


async def test_messages_of_one_second_stay_in_the_order_of_their_arrival(world: World) -> None:
    said = [text(f"line {n}", at=1_700_000_000) for n in range(30)]
    await world.arrive(world.shop, webhook(world.shop, *said))
    rows = await world.see("select text from messages where direction = 'in' order by occurred_at, position")
    assert [row[0] for row in rows] == [f"line {n}" for n in range(30)]


async def test_a_reaction_is_kept_but_is_not_something_to_read(world: World) -> None:
    await world.arrive(world.shop, webhook(world.shop, text("hello", message_id="wamid.1")))
    reaction = text(type="reaction", reaction={"message_id": "wamid.1", "emoji": "👍"})
    del reaction["messages"][0]["text"]
    told = await world.arrive(world.shop, webhook(world.shop, reaction))
    assert told.messages == 1 and not told.answers
    assert await world.see("select unread_count from conversations") == [(1,)]
    assert await world.see("select emoji, reply_to from messages where type = 'reaction'") == [("👍", "wamid.1")]


async def test_a_message_reopens_a_closed_conversation(world: World) -> None:
    await world.arrive(world.shop, webhook(world.shop, text("hello")))
    await world.owner.execute("update conversations set closed_at = now()")
    await world.arrive(world.shop, webhook(world.shop, text("again")))
    assert await world.see("select closed_at from conversations") == [(None,)]


async def test_over_the_plan_a_message_is_refused_with_its_reason_and_inbound_is_still_stored(world: World) -> None:
    await world.arrive(world.shop, webhook(world.shop, text("hello")))
    await world.owner.execute(
        "update organization_usage set used = 4999 where organization_id = %s and metric = 'messages_sent'", (world.shop.organization_id,)
    )
    first, second = await queue(world, world.shop, "fits", "does not fit")
    assert first.refused is None
    assert second.refused == messages.actions.OVER_THE_LIMIT
    assert await world.see("select status, error_text from messages where id = %s", second.id) == [("failed", messages.actions.OVER_THE_LIMIT)]
    assert await world.see("select count(*) from outbox where id = %s", second.id) == [(0,)]
    told = await world.arrive(world.shop, webhook(world.shop, text("still there?")))
    assert told.messages == 1


async def test_statuses_raise_a_message_whatever_their_order(world: World) -> None:
    await world.arrive(world.shop, webhook(world.shop, text("hello")))
    (queued,) = await queue(world, world.shop, "an answer")
    for kind in ("read", "sent", "delivered", "failed", "sent"):
        await world.arrive(world.shop, webhook(world.shop, status(queued.id, kind)))
        assert await world.see("select status from messages where id = %s", queued.id) == [("read",)]
    assert await world.see("select sent_at is not null, delivered_at is not null, provider_message_id from messages where id = %s", queued.id) == [
        (True, True, f"wamid.{queued.id.hex}")
    ]


async def test_a_status_that_names_a_neighbours_message_changes_nothing(world: World) -> None:
    await world.arrive(world.shop, webhook(world.shop, text("hello")))
    (queued,) = await queue(world, world.shop, "an answer")
    await world.arrive(world.neighbour, webhook(world.neighbour, status(queued.id, "read")))
    assert await world.see("select status from messages where id = %s", queued.id) == [("queued",)]


async def test_a_failed_status_brings_its_reason(world: World) -> None:
    await world.arrive(world.shop, webhook(world.shop, text("hello")))
    (queued,) = await queue(world, world.shop, "an answer")
    errors = [{"code": 131047, "title": "Re-engagement message", "error_data": {"details": "More than 24 hours have passed"}}]
    await world.arrive(world.shop, webhook(world.shop, status(queued.id, "failed", errors=errors)))
    ((state, code, said),) = await world.see("select status, error_code, error_text from messages where id = %s", queued.id)
    assert (state, code) == ("failed", 131047) and "24 hours" in said


@given(st.permutations(["accepted", "sent", "failed", "delivered", "read"]), st.integers(1, 5))
def test_of_statuses_told_together_the_highest_counts(order: list[str], many: int) -> None:
    told = [Status(UUID(int=1), UUID(int=2), "wamid.x", kind, datetime.now(UTC)) for kind in order[:many]]
    kept = messages.actions.highest(told)
    assert [row["status"] for row in kept] == [max(order[:many], key=RANKS.__getitem__)]


async def test_the_rank_of_a_status_is_the_same_in_python_and_sql(world: World) -> None:
    for kind, rank in messages.actions.RANKS.items():
        assert await world.see("select private.status_rank(%s)", kind) == [(rank,)]


async def test_a_draft_for_somebody_elses_conversation_goes_nowhere(world: World) -> None:
    await world.arrive(world.neighbour, webhook(world.neighbour, text("hello")))
    ((conversation,),) = await world.see("select id from conversations")
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        draft = Draft(world.shop.organization_id, conversation, world.shop.channel_id, "x", "member", "49", None, 1, id=new_id())
        await messages.queue(db, [draft])
    assert await world.see("select count(*) from messages where text = 'x'") == [(0,)]
    assert await world.see("select count(*) from outbox where id = %s", draft.id) == [(0,)]


@pytest.mark.parametrize("gone", ["messages", "conversations", "contacts", "channels"])
async def test_what_is_deleted_is_not_sent_any_more(world: World, gone: str) -> None:
    for shop in (world.shop, world.neighbour):
        await world.arrive(shop, webhook(shop, text("hi")))
    before = await world.see("select organization_id from outbox order by organization_id = %s", world.shop.organization_id)
    assert before == [(world.neighbour.organization_id,), (world.shop.organization_id,)]
    await world.owner.execute(f"delete from {gone} where organization_id = %s", (world.shop.organization_id,))
    assert await world.see("select organization_id from outbox") == [(world.neighbour.organization_id,)]
