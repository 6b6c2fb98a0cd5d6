"""Members who change their role past every page. An organization keeps an owner, so somebody else becomes one first."""

from typing import Any
from uuid import UUID

import psycopg

from frontdesk.database import new_id


async def becomes(owner: psycopg.AsyncConnection[Any], role: str, user_id: UUID | None = None) -> None:
    """This user, or everybody, has another role in all organizations from now on."""
    other = await another_owner(owner, user_id)
    await owner.execute(
        "update public.organization_members set role = %s where user_id <> %s and (%s::uuid is null or user_id = %s)", (role, other, user_id, user_id)
    )


async def leaves(owner: psycopg.AsyncConnection[Any], user_id: UUID | None = None) -> None:
    """This user, or everybody, is in no organization any more."""
    other = await another_owner(owner, user_id)
    await owner.execute("delete from public.organization_members where user_id <> %s and (%s::uuid is null or user_id = %s)", (other, user_id, user_id))


async def another_owner(owner: psycopg.AsyncConnection[Any], user_id: UUID | None = None) -> UUID:
    """Somebody new, an owner of every organization, or of those of this user."""
    other = new_id()
    await owner.execute(
        'insert into auth.users (id, email, raw_user_meta_data) values (%s, %s, \'{"joins_by_invitation": "true"}\')', (other, f"{other}@example.com")
    )
    await owner.execute(
        "insert into public.organization_members (organization_id, user_id, role)"
        " select distinct organization_id, %s::uuid, 'owner' from public.organization_members where %s::uuid is null or user_id = %s",
        (other, user_id, user_id),
    )
    return other
