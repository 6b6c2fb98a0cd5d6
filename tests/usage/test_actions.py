"""What an organization uses, and how it is told that no more fits."""

import pytest

from frontdesk import usage
from frontdesk.usage import PlanLimitReached, Usage
from frontdesk.usage.records import amount_of
from tests.world import World


async def test_an_overview_tells_what_is_used_and_allowed(world: World) -> None:
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        assert await usage.consume(db, "messages_sent", 3)
        told = {one.metric: one for one in await usage.overview(db)}
    assert (told["messages_sent"].used, told["messages_sent"].allowed) == (3, 5000)
    assert (told["channels"].used, told["channels"].allowed) == (1, 1)
    assert told["messages_received"].allowed is None


async def test_the_neighbours_use_is_their_own(world: World) -> None:
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await usage.consume(db, "messages_sent", 3)
    async with world.database.tenant(world.neighbour.organization_id, world.neighbour.actor) as db:
        assert {one.metric: one.used for one in await usage.overview(db)}["messages_sent"] == 0


async def test_what_does_not_fit_is_not_counted(world: World) -> None:
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        assert not await usage.check(db, "messages_sent", 5001)
        assert not await usage.consume(db, "messages_sent", 5001)
        assert await usage.consume(db, "messages_sent", 5000)


async def test_a_refusal_names_the_plan_and_its_limit(world: World) -> None:
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        with pytest.raises(PlanLimitReached, match="The plan Starter allows 1 channel\\.") as refusal:
            await usage.require(db, "channels")
    assert refusal.value.status == 402


async def test_a_plan_without_a_limit_refuses_nothing(world: World) -> None:
    await world.see("update public.subscriptions set plan_id = 'enterprise' returning 1")
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await usage.require(db, "channels")
        assert {one.metric: one.allowed for one in await usage.overview(db)}["channels"] is None


@pytest.mark.parametrize(
    ("used", "allowed", "nearly", "full"),
    [
        (0, 10, False, False), (8, 10, True, False), (10, 10, True, True), (11, 10, True, True),
        (9, None, False, False), (0, 0, True, True),
    ],
)  # fmt: skip
def test_a_limit_is_near_from_four_fifths_on(used: int, allowed: int | None, nearly: bool, full: bool) -> None:
    one = Usage("contacts", "level", used, allowed)
    assert (one.nearly_full, one.full) == (nearly, full)


def test_amounts_read_as_people_say_them() -> None:
    assert amount_of("channels", 1) == "1 channel"
    assert amount_of("messages_sent", 5000) == "5,000 sent messages a month"
