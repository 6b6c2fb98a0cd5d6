"""The SQL of members. They are changed by narrow functions only, which look at who acts and take turns."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

from frontdesk.database import Tenant
from frontdesk.members.records import Cursor, Member

_FIRST = UUID(int=0)


async def listed(db: Tenant, words: Sequence[str], after: Cursor | None, how_many: int, only: UUID | None = None) -> list[Member]:
    """Members in the order in which they joined. words: all must be in the name or the email; only: just this one."""
    return await db.records(
        Member,
        """
        select user_id, name, email, role, withheld, last_seen_at, created_at, conversations
        from private.list_members(%(organization_id)s, %(words)s, %(after_at)s, %(after_user)s, %(how_many)s, %(only)s)
        """,
        {
            "organization_id": db.organization_id, "words": list(words), "how_many": how_many, "only": only,
            "after_at": after.created_at if after else "-infinity", "after_user": after.user_id if after else _FIRST,
        },
    )  # fmt: skip


async def heirs(db: Tenant, beside: UUID, how_many: int) -> list[dict[str, Any]]:
    """Who could take over conversations of a member: the others who may write."""
    return await db.rows(
        """
        select l.user_id, l.name, l.email
        from private.list_members(%(organization_id)s, '{}', '-infinity', %(first)s, %(how_many)s) l
        join public.role_permissions p on p.role = l.role and p.permission = 'messages:write'
        where l.user_id <> %(beside)s order by lower(l.name), l.email
        """,
        {"organization_id": db.organization_id, "beside": beside, "how_many": how_many, "first": _FIRST},
    )


async def permissions_by_role(db: Tenant) -> dict[str, set[str]]:
    """What each role may do."""
    held: dict[str, set[str]] = {}
    for row in await db.rows("select role, permission from public.role_permissions"):
        held.setdefault(row["role"], set()).add(row["permission"])
    return held


async def change_role(db: Tenant, member_id: UUID, role: str) -> dict[str, Any]:
    """Give a member another role: the `outcome`, and the role before."""
    return await _outcome(
        db,
        "select outcome, role_before from private.change_member_role(%(organization_id)s, %(member_id)s, %(role)s)",
        {"organization_id": db.organization_id, "member_id": member_id, "role": role},
    )


async def restrict(db: Tenant, member_id: UUID, withheld: Sequence[str]) -> dict[str, Any]:
    """Withhold these permissions from a member, and no others: the `outcome`, and what was withheld before."""
    return await _outcome(
        db,
        "select outcome, withheld_before from private.restrict_member(%(organization_id)s, %(member_id)s, %(withheld)s)",
        {"organization_id": db.organization_id, "member_id": member_id, "withheld": list(withheld)},
    )


async def remove(db: Tenant, member_id: UUID, heir: UUID | None) -> dict[str, Any]:
    """Take a member out; the conversations go to the heir, or to nobody: the `outcome`, the role before, and how many `moved`."""
    return await _outcome(
        db,
        "select outcome, role_before, moved from private.remove_member(%(organization_id)s, %(member_id)s, %(heir)s)",
        {"organization_id": db.organization_id, "member_id": member_id, "heir": heir},
    )


async def hand_over(db: Tenant, heir: UUID) -> dict[str, Any]:
    """Make another member an owner, and whoever does it an admin: the `outcome`, and the heir's role before."""
    return await _outcome(
        db,
        "select outcome, role_before from private.hand_over_organization(%(organization_id)s, %(heir)s)",
        {"organization_id": db.organization_id, "heir": heir},
    )


async def _outcome(db: Tenant, query: LiteralString, params: dict[str, Any]) -> dict[str, Any]:
    row = await db.row(query, params)
    assert row is not None  # these functions always answer, or raise
    return row


async def held_back(db: Tenant) -> set[UUID]:
    """The members who are over the plan's limit: they look on."""
    rows = await db.rows(
        "select user_id from public.organization_members where organization_id = %(organization_id)s and held_back_at is not null",
        {"organization_id": db.organization_id},
    )
    return {row["user_id"] for row in rows}
