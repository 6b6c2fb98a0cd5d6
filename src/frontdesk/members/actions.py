"""What members do with members: give roles, take somebody out, leave, hand the organization over."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from frontdesk import audit
from frontdesk.access import Permission, Role
from frontdesk.database import Tenant
from frontdesk.errors import BadInput, Conflict, NotAllowed, NotFound
from frontdesk.members import store
from frontdesk.members.records import Cursor, Member

MOST_WORDS = 10  # of a search


class NoSuchMember(NotFound):
    """There is no such member. Perhaps somebody has removed them."""


class RoleWasLowered(NotAllowed):
    """Your role in this organization does not allow this any more. Ask an owner or an admin."""


class OwnersOnly(NotAllowed):
    """Only an owner can make somebody an owner, change an owner or remove one."""


class NobodyRaisesHimself(NotAllowed):
    """Nobody can raise their own role. Ask somebody who has that role."""


class LastOwner(Conflict):
    """An organization needs an owner. Make somebody else an owner first."""

    title = "The last owner stays"


class NoHeir(BadInput):
    """Choose somebody of the team who may answer customers."""


class OwnersAreFree(Conflict):
    """An owner has no restrictions. Give another role first."""


class NotByHimself(NotAllowed):
    """Nobody changes their own restrictions. Ask an owner or another admin."""


class NotHisToGive(NotAllowed):
    """You cannot lift a restriction that you have yourself."""


class OthersConversations(NotAllowed):
    """You see your own conversations only, and this member has some. Ask somebody who sees all of them."""


class AlreadyYours(BadInput):
    """The organization is yours already. Choose somebody else."""


_REFUSALS = {
    "missing": NoSuchMember, "not_allowed": RoleWasLowered, "owners_only": OwnersOnly, "raises_himself": NobodyRaisesHimself, "last_owner": LastOwner,
    "to_himself": AlreadyYours, "an_owner": OwnersAreFree, "himself": NotByHimself, "not_his": NotHisToGive,
    "not_seen": OthersConversations,
}  # fmt: skip


async def search(db: Tenant, text: str = "", *, after: Cursor | None = None, how_many: int = 50) -> tuple[list[Member], Cursor | None]:
    """Members by name or email, who joined first first, and where the next page begins."""
    found = await store.listed(db, text.split()[:MOST_WORDS], after, how_many + 1)
    page = found[:how_many]
    return page, Cursor(page[-1].created_at, page[-1].user_id) if len(found) > how_many else None


async def find(db: Tenant, member_id: UUID) -> Member:
    """One member. Raises NoSuchMember, also for another organization's."""
    found = await store.listed(db, [], None, 1, only=member_id)
    if not found:
        raise NoSuchMember
    return found[0]


async def change_role(db: Tenant, member_id: UUID, role: Role) -> Member:
    """Give a member another role, from this moment on.

    Raises NoSuchMember, OwnersOnly, NobodyRaisesHimself, LastOwner or RoleWasLowered.
    """
    outcome = await store.change_role(db, member_id, role)
    _demand(outcome, "changed", "unchanged")
    member = await find(db, member_id)
    if outcome["outcome"] == "changed":
        changed = {"role": {"from": outcome["role_before"], "to": member.role}}
        await audit.append(db, "member.role_changed", target_type="member", target_id=member_id, details={"name": member.name, "changed": changed})
    return member


async def restrict(db: Tenant, member_id: UUID, withheld: Collection[Permission]) -> Member:
    """Withhold these permissions of the role from a member, and no others, from this moment on.

    Raises NoSuchMember, OwnersAreFree, NotByHimself, NotHisToGive or RoleWasLowered.
    """
    outcome = await store.restrict(db, member_id, sorted(withheld))
    _demand(outcome, "changed", "unchanged")
    member = await find(db, member_id)
    if outcome["outcome"] == "changed":
        changed = {"restrictions": {"from": outcome["withheld_before"], "to": member.withheld}}
        await audit.append(db, "member.restrictions_changed", target_type="member", target_id=member_id, details={"name": member.name, "changed": changed})
    return member


async def remove(db: Tenant, member_id: UUID, heir_id: UUID | None = None) -> Member:
    """Take a member out of the organization, from this moment on; conversations go to the heir, or back to everybody.

    Raises NoSuchMember, OwnersOnly, LastOwner, NoHeir, OthersConversations or RoleWasLowered.
    """
    member = await find(db, member_id)
    heir = await _heir(db, heir_id)
    outcome = await store.remove(db, member_id, heir_id)
    if outcome["outcome"] == "no_heir":
        raise NoHeir(field="heir")
    _demand(outcome, "removed")
    details = {"name": member.name, "role": outcome["role_before"], "conversations": outcome["moved"], "given_to": heir.name if heir else None}
    action = "member.left" if member_id == db.actor.user_id else "member.removed"
    await audit.append(db, action, target_type="member", target_id=member_id, details=details)
    return member


async def leave(db: Tenant) -> Member:
    """Leave the organization; the conversations go back to everybody. Raises LastOwner."""
    if db.actor.user_id is None:
        raise NoSuchMember
    return await remove(db, db.actor.user_id)


async def hand_over(db: Tenant, heir_id: UUID) -> Member:
    """Make another member an owner, and become an admin. Raises NoSuchMember, AlreadyYours or RoleWasLowered."""
    outcome = await store.hand_over(db, heir_id)
    _demand(outcome, "handed_over")
    heir = await find(db, heir_id)
    details = {"name": heir.name, "role": outcome["role_before"], "changed": {"owner": {"from": db.actor.name, "to": heir.name}}}
    await audit.append(db, "organization.handed_over", target_type="member", target_id=heir_id, details=details)
    return heir


async def _heir(db: Tenant, heir_id: UUID | None) -> Member | None:
    found = await store.listed(db, [], None, 1, only=heir_id) if heir_id else []
    if heir_id and not found:
        raise NoHeir(field="heir")
    return found[0] if found else None


def _demand(outcome: dict[str, Any], *wanted: str) -> None:
    if outcome["outcome"] not in wanted:
        raise _REFUSALS[outcome["outcome"]]
