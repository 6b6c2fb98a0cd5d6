"""The SQL that changes a conversation by a member's hand, and what stands beside it: the contact."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from frontdesk.database import Tenant
from frontdesk.messages.inbox.records import Address

DAYS = 14


async def lock(db: Tenant, conversation_id: UUID) -> bool:
    """Let nobody else write in this conversation until the transaction ends; False when there is none."""
    found = await db.value(
        """
        select true from public.conversations
        where organization_id = %(organization_id)s and id = %(id)s for no key update
        """,
        {"organization_id": db.organization_id, "id": conversation_id},
    )
    return bool(found)


async def close(db: Tenant, conversation_id: UUID) -> None:
    """Close what is open."""
    await db.run(
        """
        update public.conversations set closed_at = now(), closed_by = %(user_id)s, updated_at = now()
        where organization_id = %(organization_id)s and id = %(id)s and closed_at is null
        """,
        _who(db, conversation_id),
    )


async def reopen(db: Tenant, conversation_id: UUID) -> None:
    """Open what is closed."""
    await db.run(
        """
        update public.conversations set closed_at = null, closed_by = null, updated_at = now()
        where organization_id = %(organization_id)s and id = %(id)s and closed_at is not null
        """,
        _who(db, conversation_id),
    )


async def assign(db: Tenant, conversation_id: UUID) -> None:
    """Give the conversation to whoever asks."""
    await db.run(
        """
        update public.conversations set assigned_to = %(user_id)s, assigned_at = now(), updated_at = now()
        where organization_id = %(organization_id)s and id = %(id)s and assigned_to is distinct from %(user_id)s
        """,
        _who(db, conversation_id),
    )


async def release(db: Tenant, conversation_id: UUID) -> None:
    """Give the conversation to nobody."""
    await db.run(
        """
        update public.conversations set assigned_to = null, assigned_at = null, updated_at = now()
        where organization_id = %(organization_id)s and id = %(id)s and assigned_to is not null
        """,
        _who(db, conversation_id),
    )


async def stop_bot(db: Tenant, conversation_id: UUID) -> None:
    """Let no rule answer here."""
    await db.run(
        """
        update public.conversations set bot_off_at = now(), bot_off_by = %(user_id)s, updated_at = now()
        where organization_id = %(organization_id)s and id = %(id)s and bot_off_at is null
        """,
        _who(db, conversation_id),
    )


async def return_to_bot(db: Tenant, conversation_id: UUID) -> None:
    """Let the rules answer here again."""
    await db.run(
        """
        update public.conversations set bot_off_at = null, bot_off_by = null, updated_at = now()
        where organization_id = %(organization_id)s and id = %(id)s and bot_off_at is not null
        """,
        _who(db, conversation_id),
    )


async def mark_read(db: Tenant, conversation_id: UUID) -> bool:
    """Say that everything in the conversation was read; False when that was known."""
    changed = await db.run(
        """
        update public.conversations set unread_count = 0
        where organization_id = %(organization_id)s and id = %(id)s and unread_count > 0
        """,
        _who(db, conversation_id),
    )
    return bool(changed)


async def about(db: Tenant, contact_id: UUID) -> dict[str, Any] | None:
    """What the panel says of a contact."""
    return await db.row(
        """
        select k.username, k.tags, k.created_at,
          (select p.phone from private.people p where p.organization_id = k.organization_id and p.id = k.id) as phone
        from public.contacts k where k.organization_id = %(organization_id)s and k.id = %(id)s
        """,
        {"organization_id": db.organization_id, "id": contact_id},
    )


async def addresses(db: Tenant, contact_id: UUID) -> list[Address]:
    """Where a contact can be reached, phone numbers first."""
    return await db.records(
        Address,
        """
        select kind, value from public.contact_identities
        where organization_id = %(organization_id)s and contact_id = %(id)s
        order by kind desc, created_at, value limit 10
        """,
        {"organization_id": db.organization_id, "id": contact_id},
    )


async def address(db: Tenant, conversation_id: UUID) -> str:
    """Where a message of this conversation goes: phone digits or a BSUID; empty when unknown. Never shown."""
    found = await db.value(
        "select private.address_of(%(organization_id)s, %(id)s)",
        {"organization_id": db.organization_id, "id": conversation_id},
    )
    return found or ""


async def per_day(db: Tenant, conversation_id: UUID, zone: str) -> Sequence[int]:
    """How many messages there were on each of the last 14 days of this time zone, oldest first."""
    rows = await db.rows(
        """
        select (now() at time zone %(zone)s)::date - (m.occurred_at at time zone %(zone)s)::date as ago,
          count(*) as said
        from public.messages m
        where m.organization_id = %(organization_id)s and m.conversation_id = %(id)s and m.type <> 'reaction'
          and m.occurred_at >= ((now() at time zone %(zone)s)::date - (%(days)s - 1)) at time zone %(zone)s
        group by ago
        """,
        {"organization_id": db.organization_id, "id": conversation_id, "zone": zone, "days": DAYS},
    )
    said = {row["ago"]: row["said"] for row in rows}
    return [said.get(ago, 0) for ago in reversed(range(DAYS))]


def _who(db: Tenant, conversation_id: UUID) -> dict[str, Any]:
    return {"organization_id": db.organization_id, "id": conversation_id, "user_id": db.actor.user_id}
