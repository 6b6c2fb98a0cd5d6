"""The doors to PostgreSQL: one transaction each, and no ghost of the one before."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest

from frontdesk.database import new_id, new_ids
from tests.world import World


async def test_a_server_that_hung_up_is_noticed_before_the_next_transaction(world: World) -> None:
    async with world.database.platform() as db:
        await db.value("select 1")
    await world.owner.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'frontdesk_app' and datname = current_database()")
    async with world.database.platform() as db:
        assert await db.value("select current_user") == "frontdesk_app"


async def test_after_a_restart_of_the_server_nobody_waits_for_one_dead_connection_after_the_other(world: World) -> None:
    await asyncio.gather(*[world.database.call("select pg_sleep(0.2)") for _ in range(4)])
    await world.owner.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'frontdesk_app' and datname = current_database()")
    async with asyncio.timeout(5):  # a wait that doubles with each of them would be 15 seconds
        assert await world.database.call("select 1 as one") == [{"one": 1}]


async def test_strangers_in_line_leave_connections_for_everybody_else(world: World) -> None:
    held = asyncio.Event()

    async def stranger() -> None:
        async with world.database.platform_in_line() as db:
            await db.value("select 1")
            await held.wait()

    crowd = [asyncio.create_task(stranger()) for _ in range(50)]
    async with asyncio.timeout(5):
        for _ in range(3):
            assert await world.database.call("select pg_sleep(0.05)::text as slept") == [{"slept": ""}]
    ((inside,),) = await world.see("select count(*) from pg_stat_activity where usename = 'frontdesk_app' and state = 'idle in transaction'")
    assert 1 <= inside <= 3
    held.set()
    await asyncio.gather(*crowd)
    async with asyncio.timeout(5), world.database.platform_in_line() as db:
        assert await db.value("select 1") == 1


async def test_what_raises_leaves_nothing(world: World) -> None:
    with pytest.raises(RuntimeError):
        async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
            await db.run(
                "insert into public.contacts (organization_id, id, name) values (%(o)s, %(id)s, 'x')", {"o": world.shop.organization_id, "id": new_id()}
            )
            raise RuntimeError("on purpose")
    assert await world.see("select count(*) from contacts") == [(0,)]


@pytest.mark.parametrize("make", [lambda many: [new_id() for _ in range(many)], new_ids])
async def test_every_id_is_higher_than_the_one_before(make: Callable[[int], list[UUID]]) -> None:
    made = make(20_000)
    assert made == sorted(made) and len(set(made)) == len(made)
    assert all(one.version == 7 for one in made[:100])
