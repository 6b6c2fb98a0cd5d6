"""Who may change whose place, in PostgreSQL itself, whatever a page offers."""

from typing import Any
from uuid import UUID

import pytest

from frontdesk.access import Actor, Role
from frontdesk.database import NotAMember, new_id
from frontdesk.members import actions
from tests.strangers import join
from tests.world import World

ALL = ("owner", "admin", "member", "viewer")
# Who may give whom which role: an owner everything; an admin what is no owner's, in both directions.
MAY = {("owner", had, gets) for had in ALL for gets in ALL} | {("admin", had, gets) for had in ALL[1:] for gets in ALL[1:]}


async def as_member(world: World, user_id: UUID, act: Any, *params: Any) -> Any:
    """What this member's transaction makes of a verb."""
    async with world.database.tenant(world.shop.organization_id, Actor(kind="user", user_id=user_id, name="Whoever")) as db:
        return await act(db, *params)


async def role_of(world: World, user_id: UUID) -> str | None:
    rows = await world.see("select role from organization_members where organization_id = %s and user_id = %s", world.shop.organization_id, user_id)
    return rows[0][0] if rows else None


async def entries(world: World) -> list[tuple[Any, ...]]:
    return await world.see(
        "select action, target_id, details from audit_logs where organization_id = %s and action <> 'organization.created' order by seq",
        world.shop.organization_id,
    )


@pytest.mark.parametrize("acting", ALL)
async def test_who_may_give_whom_which_role(world: World, acting: str) -> None:
    wrong = []
    actor = await join(world, world.shop, acting)
    for had in ALL:
        for gets in ALL:
            other = await join(world, world.shop, had)
            try:
                await as_member(world, actor, actions.change_role, other, Role(gets))
            except (actions.OwnersOnly, actions.RoleWasLowered) as refusal:
                assert refusal.status == 403
            now = await role_of(world, other)
            wrong += [(acting, had, gets, now)] if (now == gets) != ((acting, had, gets) in MAY or had == gets) else []
    assert wrong == []


@pytest.mark.parametrize("acting", ALL)
async def test_who_may_remove_whom(world: World, acting: str) -> None:
    actor = await join(world, world.shop, acting)
    gone = []
    for had in ALL:
        other = await join(world, world.shop, had)
        try:
            await as_member(world, actor, actions.remove, other)
            gone.append(had)
        except (actions.OwnersOnly, actions.RoleWasLowered):
            assert await role_of(world, other) == had
    assert gone == {"owner": list(ALL), "admin": list(ALL[1:])}.get(acting, [])


async def test_nobody_raises_himself_but_everybody_who_may_change_roles_may_lower_his_own(world: World) -> None:
    admin = await join(world, world.shop, "admin")
    with pytest.raises(actions.NobodyRaisesHimself):
        await as_member(world, admin, actions.change_role, admin, Role.OWNER)
    await as_member(world, admin, actions.change_role, admin, Role.VIEWER)
    with pytest.raises(actions.RoleWasLowered):
        await as_member(world, admin, actions.change_role, admin, Role.ADMIN)
    assert await role_of(world, admin) == "viewer"


async def test_the_last_owner_neither_steps_down_nor_leaves(world: World) -> None:
    with pytest.raises(actions.LastOwner):
        await as_member(world, world.shop.owner_id, actions.change_role, world.shop.owner_id, Role.ADMIN)
    with pytest.raises(actions.LastOwner):
        await as_member(world, world.shop.owner_id, actions.leave)
    second = await join(world, world.shop, "owner")
    await as_member(world, world.shop.owner_id, actions.leave)
    assert await role_of(world, world.shop.owner_id) is None
    with pytest.raises(actions.LastOwner):
        await as_member(world, second, actions.leave)


async def test_everybody_else_may_leave(world: World) -> None:
    for role in ALL[1:]:
        someone = await join(world, world.shop, role)
        await as_member(world, someone, actions.leave)
        with pytest.raises(NotAMember):
            await as_member(world, someone, actions.leave)
    assert [one[0] for one in await entries(world)] == ["member.left"] * 3


async def test_the_organization_is_handed_over_by_an_owner_only(world: World) -> None:
    heir, admin = await join(world, world.shop, "viewer"), await join(world, world.shop, "admin")
    for refused, of, to in ((actions.RoleWasLowered, admin, heir), (actions.AlreadyYours, world.shop.owner_id, world.shop.owner_id),
                            (actions.NoSuchMember, world.shop.owner_id, world.neighbour.owner_id)):  # fmt: skip
        with pytest.raises(refused):
            await as_member(world, of, actions.hand_over, to)
    await as_member(world, world.shop.owner_id, actions.hand_over, heir)
    assert (await role_of(world, heir), await role_of(world, world.shop.owner_id)) == ("owner", "admin")
    ((action, target, details),) = await entries(world)
    assert (action, target) == ("organization.handed_over", str(heir))
    assert details["role"] == "viewer" and details["changed"]["owner"]["from"] == "Whoever"


async def test_what_was_changed_stands_in_the_log_and_what_was_not_does_not(world: World) -> None:
    other = await join(world, world.shop, "member")
    await as_member(world, world.shop.owner_id, actions.change_role, other, Role.ADMIN)
    await as_member(world, world.shop.owner_id, actions.change_role, other, Role.ADMIN)
    await as_member(world, world.shop.owner_id, actions.remove, other)
    changed, removed = await entries(world)
    assert changed[:2] == ("member.role_changed", str(other)) and changed[2]["changed"] == {"role": {"from": "member", "to": "admin"}}
    assert removed[:2] == ("member.removed", str(other)) and removed[2]["role"] == "admin" and removed[2]["given_to"] is None


async def conversation(world: World, assigned_to: UUID) -> UUID:
    contact, found = new_id(), new_id()
    await world.owner.execute("insert into contacts (organization_id, id) values (%s, %s)", (world.shop.organization_id, contact))
    await world.owner.execute(
        "insert into conversations (organization_id, id, channel_id, contact_id, last_message_at, assigned_to, assigned_at)"
        " values (%s, %s, %s, %s, now(), %s, now())",
        (world.shop.organization_id, found, world.shop.channel_id, contact, assigned_to),
    )
    return found


async def test_conversations_of_who_is_removed_go_to_a_colleague_or_to_everybody(world: World) -> None:
    leaver, heir, viewer = [await join(world, world.shop, role) for role in ("member", "member", "viewer")]
    first, kept = await conversation(world, leaver), await conversation(world, heir)
    for nobody in (viewer, leaver, world.neighbour.owner_id, new_id()):
        with pytest.raises(actions.NoHeir):
            await as_member(world, world.shop.owner_id, actions.remove, leaver, nobody)
    await as_member(world, world.shop.owner_id, actions.remove, leaver, heir)
    assert await world.see("select assigned_to from conversations where id = any (%s) order by id", [first, kept]) == [(heir,), (heir,)]
    await as_member(world, world.shop.owner_id, actions.remove, heir)
    assert await world.see("select assigned_to, assigned_at from conversations where id = any (%s)", [first, kept]) == [(None, None)] * 2
    assert [(entry[2]["conversations"], entry[2]["given_to"] is None) for entry in await entries(world)] == [(1, False), (2, True)]


async def test_who_is_removed_frees_a_seat(world: World) -> None:
    async def room(db: Any) -> bool:
        return bool(await db.value("select private.check_usage_limit(%(id)s, 'members')", {"id": db.organization_id}))

    others = [await join(world, world.shop, "member") for _ in range(2)]  # with the owner, the three of the plan Starter
    assert not await as_member(world, world.shop.owner_id, room)
    await as_member(world, world.shop.owner_id, actions.remove, others[0])
    assert await as_member(world, world.shop.owner_id, room)
