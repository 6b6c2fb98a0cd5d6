"""At least one owner always remains: whoever tries, by whatever door, and at the same time as whom."""

import asyncio
from typing import Any

import psycopg
import pytest
from psycopg import errors

from frontdesk.access import Actor, Role
from frontdesk.members import actions
from tests.strangers import join
from tests.world import World

WAYS = {
    "demotion": "update public.organization_members set role = 'admin' where organization_id = %(organization)s and role = 'owner'",
    "removal": "delete from public.organization_members where organization_id = %(organization)s",
    "moving": "update public.organization_members set organization_id = %(elsewhere)s where organization_id = %(organization)s",
    "deletion of the user": "delete from auth.users where id = %(owner)s",
}


def ways(world: World) -> dict[str, Any]:
    return {"organization": world.shop.organization_id, "elsewhere": world.neighbour.organization_id, "owner": world.shop.owner_id}


async def owners(world: World) -> int:
    ((found,),) = await world.see("select count(*) from organization_members where organization_id = %s and role = 'owner'", world.shop.organization_id)
    return int(found)


@pytest.mark.parametrize("way", WAYS)
async def test_the_last_owner_stays_whoever_tries(world: World, way: str) -> None:
    with pytest.raises(errors.CheckViolation, match="at least one owner"):
        await world.owner.execute(WAYS[way], ways(world))  # type: ignore[arg-type]  # one of the above
    assert await owners(world) == 1


@pytest.mark.parametrize("way", ["demotion", "removal", "moving"])
async def test_the_service_role_takes_no_last_owner_away_either(world: World, way: str) -> None:
    with pytest.raises(errors.CheckViolation):
        async with world.owner.transaction():
            await world.owner.execute("set local role service_role")
            await world.owner.execute(WAYS[way], ways(world))  # type: ignore[arg-type]  # one of the above
    assert await owners(world) == 1


async def test_an_organization_goes_with_its_owners(world: World) -> None:
    await world.owner.execute("delete from organizations where id = %s", (world.shop.organization_id,))
    assert await owners(world) == 0
    await world.owner.execute("delete from auth.users where id = %s", (world.shop.owner_id,))


async def test_a_user_who_is_one_of_two_owners_can_be_deleted(world: World) -> None:
    await join(world, world.shop, "owner")
    await world.owner.execute("delete from auth.users where id = %s", (world.shop.owner_id,))
    assert await owners(world) == 1


@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
async def test_two_owners_who_go_at_once_are_not_both_let_go(world: World, urls: Any, level: str) -> None:
    second = await join(world, world.shop, "owner")
    async with await psycopg.AsyncConnection.connect(urls.owner) as one, await psycopg.AsyncConnection.connect(urls.owner) as other:
        for connection in (one, other):
            await connection.execute(f"set transaction isolation level {level}")  # type: ignore[arg-type]  # one of our three
            await connection.execute("select count(*) from organization_members")  # both have looked
        await one.execute("update organization_members set role = 'viewer' where user_id = %s", (second,))
        late = asyncio.create_task(other.execute("delete from auth.users where id = %s", (world.shop.owner_id,)))
        await waits(world, late)
        await one.commit()
        with pytest.raises((errors.CheckViolation, errors.SerializationFailure)):
            await late
    assert await owners(world) == 1


async def test_two_owners_who_demote_each_other_at_once_leave_one(world: World) -> None:
    for _ in range(10):
        second = await join(world, world.shop, "owner")
        told = await asyncio.gather(demote(world, world.shop.owner_id, second), demote(world, second, world.shop.owner_id), return_exceptions=True)
        assert [type(one) for one in told if one is not None] == [actions.RoleWasLowered], told
        assert await owners(world) == 1
        await world.owner.execute("update organization_members set role = 'owner' where user_id = %s", (world.shop.owner_id,))
        await world.owner.execute("delete from organization_members where user_id = %s", (second,))


async def test_of_many_who_demote_and_leave_at_once_one_stays(world: World) -> None:
    everybody = [world.shop.owner_id, *[await join(world, world.shop, "owner") for _ in range(5)]]

    async def leave(user_id: Any) -> None:
        async with world.database.tenant(world.shop.organization_id, Actor(kind="user", user_id=user_id)) as db:
            await actions.leave(db)

    told = await asyncio.gather(*map(leave, everybody), return_exceptions=True)
    assert sorted(type(one).__name__ for one in told) == ["LastOwner"] + ["NoneType"] * 5
    assert await owners(world) == 1


async def demote(world: World, by: Any, whom: Any) -> None:
    async with world.database.tenant(world.shop.organization_id, Actor(kind="user", user_id=by)) as db:
        await actions.change_role(db, whom, Role.MEMBER)


async def waits(world: World, task: asyncio.Task[Any]) -> None:
    """Until the task's statement waits for a lock."""
    while not task.done() and not await world.see("select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"):
        await asyncio.sleep(0.01)
