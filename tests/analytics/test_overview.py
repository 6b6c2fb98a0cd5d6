"""The overview's questions, over what really happened."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from frontdesk import channels, demo, organizations
from frontdesk.analytics import actions
from frontdesk.analytics.actions import Overview
from frontdesk.database import new_id
from frontdesk.settings import Settings
from tests.world import Shop, World, text, webhook

UTC_ZONE = ZoneInfo("UTC")


async def look(world: World, shop: Shop, days: int = 14) -> Overview:
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        here = await organizations.current(db)
        return await actions.overview(db, here, UTC_ZONE, datetime.now(UTC), days, simulated=True)


def done(overview: Overview) -> set[str]:
    return {step.key for step in overview.steps if step.done}


async def answer_by_hand(world: World, shop: Shop, minutes_ago: float = 0) -> None:
    (conversation_id,) = (await world.see("select id from public.conversations where organization_id = %s", shop.organization_id))[0]
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        await db.run(
            """
            insert into public.messages (organization_id, id, conversation_id, direction, author, user_id, text,
              status, position, occurred_at)
            values (%(o)s, %(id)s, %(v)s, 'out', 'member', %(u)s, 'Hello', 'sent', 99, %(at)s)
            """,
            {"o": shop.organization_id, "id": new_id(at), "v": conversation_id, "u": shop.owner_id, "at": at},
        )


async def test_an_empty_organization_is_empty_and_has_everything_before_it(world: World) -> None:
    overview = await look(world, world.shop)
    assert overview.empty
    assert done(overview) == {"number"}  # the world connects one
    assert overview.figures.bot_percent is None
    assert overview.figures.first_response_seconds is None
    assert len(overview.days) == 14
    assert [day.all for day in overview.days] == [0] * 14


async def test_a_message_is_counted_today_waits_and_its_answer_ends_that(world: World) -> None:
    await world.arrive(world.shop, webhook(world.shop, text("hi"), text("anybody there?")))
    overview = await look(world, world.shop, 30)
    assert overview.days[-1].received == 2
    assert overview.figures.unread_conversations == overview.figures.open_conversations == 1
    assert [(one.contact.name, one.last_text) for one in overview.waiting] == [("Lena", "anybody there?")]
    assert not overview.empty
    await answer_by_hand(world, world.shop)
    assert "answer" in done(await look(world, world.shop))


async def test_who_is_blocked_does_not_wait(world: World) -> None:
    await world.arrive(world.shop, webhook(world.shop, text("hi")))
    await world.owner.execute("update public.contacts set blocked_at = now()")
    assert (await look(world, world.shop)).waiting == []


async def test_the_neighbours_messages_are_not_ours(world: World) -> None:
    await world.arrive(world.neighbour, webhook(world.neighbour, text("hi")))
    overview = await look(world, world.shop)
    assert overview.empty
    assert overview.figures.messages_today == overview.figures.open_conversations == 0


async def test_reactions_are_not_counted(world: World) -> None:
    await world.arrive(world.shop, webhook(world.shop, text("hi")))
    reaction = text("", type="reaction", reaction={"message_id": "wamid.x", "emoji": "👍"})
    await world.arrive(world.shop, webhook(world.shop, reaction))
    assert (await look(world, world.shop)).days[-1].received == 1


async def test_a_first_response_is_measured_from_the_customers_first_line(world: World) -> None:
    now = datetime.now(UTC).timestamp()
    await world.arrive(world.shop, webhook(world.shop, text("hi", at=now - 300), text("hello?", at=now - 240)))
    await answer_by_hand(world, world.shop, minutes_ago=3)
    seconds = (await look(world, world.shop)).figures.first_response_seconds
    assert seconds is not None
    assert 55 <= seconds <= 125


async def test_steps_are_ticked_by_what_was_done_not_by_sample_data(world: World, settings: Settings) -> None:
    shop = world.shop
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        await demo.load(db, settings)
    overview = await look(world, shop)
    assert done(overview) == {"number"}
    assert overview.figures.bot_percent is not None
    assert overview.figures.first_response_seconds is not None
    assert len(overview.waiting) == 5
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        sandbox = await channels.sandbox_of(db)
        await db.run(
            """
            insert into public.auto_replies (organization_id, id, name, position, trigger, match, keywords, reply,
              created_by)
            values (%(o)s, %(id)s, 'Mine', 99, 'keyword', 'exact', '{x}', 'y', %(u)s)
            """,
            {"o": shop.organization_id, "id": new_id(), "u": shop.owner_id},
        )
    assert sandbox is not None
    await world.arrive(
        Shop(shop.name, shop.organization_id, shop.owner_id, sandbox.id, sandbox.phone_number_id),
        webhook(shop, text("hi")),
    )
    assert done(await look(world, shop)) == {"number", "rule", "hello"}


async def test_without_a_simulator_there_is_no_phone_to_say_hi_on(world: World) -> None:
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        here = await organizations.current(db)
        told = await actions.overview(db, here, UTC_ZONE, datetime.now(UTC), 14, simulated=False)
    assert [step.key for step in told.steps] == ["answer", "rule", "number"]
