"""The SQL of what goes for good."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from frontdesk.database import Console, Platform, Tenant, Tenants
from frontdesk.erasure.records import Deletion, Piece


async def pending(db: Tenant) -> Deletion | None:
    """The deletion that waits for its day, if one does."""
    return await db.record(
        Deletion,
        """
        select d.requested_at, d.due_at, coalesce(private.colleague_name(d.organization_id, d.requested_by), '') as requested_by
        from public.organization_deletions d where d.organization_id = %(organization_id)s
        """,
        {"organization_id": db.organization_id},
    )


async def request(db: Tenant) -> bool:
    """Ask for the deletion in seven days; False if it was asked for before."""
    added = await db.run(
        """
        insert into public.organization_deletions (organization_id, requested_by) values (%(organization_id)s, %(user_id)s)
        on conflict (organization_id) do nothing
        """,
        {"organization_id": db.organization_id, "user_id": db.actor.user_id},
    )
    return added == 1


async def undo(db: Tenant) -> bool:
    """Take it back, unless it has begun; False if there is nothing to take back."""
    removed = await db.run(
        "delete from public.organization_deletions where organization_id = %(organization_id)s and begun_at is null",
        {"organization_id": db.organization_id},
    )
    return removed == 1


async def order(db: Console, organization_id: UUID) -> bool:
    """Ask for the deletion in an operator's name; False if it was asked for before."""
    return bool(await db.value("select private.order_deletion(%(id)s)", {"id": organization_id}))


async def revoke(db: Console, organization_id: UUID) -> bool:
    """Take it back in an operator's name, unless it has begun."""
    return bool(await db.value("select private.revoke_deletion(%(id)s)", {"id": organization_id}))


async def begin(db: Platform) -> list[dict[str, Any]]:
    """Begin the deletions that are due; the organizations."""
    return await db.rows("select id, slug from private.begin_deletions()")


async def next_deletion(db: Platform) -> UUID | None:
    """The organization of which a piece is deleted next; None when nothing is to be deleted now."""
    found: UUID | None = await db.value("select private.next_deletion()")
    return found


async def delete_a_piece(db: Platform, organization_id: UUID, how_many: int) -> Piece | None:
    """Delete so many rows of an organization whose deletion has begun; None when another worker is at it."""
    return await db.record(
        Piece,
        "select id, slug, of_table, gone from private.delete_a_piece(%(how_many)s, %(organization_id)s)",
        {"how_many": how_many, "organization_id": organization_id},
    )


async def put_off(db: Platform, organization_id: UUID) -> None:
    """Let the others go first for a while."""
    await db.run("select private.put_deletion_off(%(organization_id)s)", {"organization_id": organization_id})


async def claim_chore(db: Platform, chore: str, seconds: float) -> bool:
    """Whether it is time for this again, and nobody else does it."""
    return bool(await db.value("select private.claim_chore(%(chore)s, %(seconds)s)", {"chore": chore, "seconds": seconds}))


async def canceled(db: Platform, after_days: int | None) -> list[UUID]:
    """Organizations that have canceled, as far as something may be due about them."""
    return [row["id"] for row in await db.rows("select id from private.canceled_organizations(%(days)s::integer) as found (id)", {"days": after_days})]


async def part_from_canceled(db: Tenants, organization_id: UUID, after_days: int | None) -> str | None:
    """Do what the clock says about one of them."""
    done: str | None = await db.value("select private.part_from_canceled(%(id)s, %(days)s::integer)", {"id": organization_id, "days": after_days})
    return done


async def name_of(db: Tenants, organization_id: UUID) -> str:
    """What it is called."""
    return str(await db.value("select name from public.organizations where id = %(id)s", {"id": organization_id}))


async def addresses(db: Tenant, contact_id: UUID) -> list[dict[str, Any]]:
    """Where a contact can be reached, as far as this member sees it."""
    return await db.rows(
        """
        select kind, scope, value, created_at from public.contact_identities
        where organization_id = %(organization_id)s and contact_id = %(contact_id)s order by created_at, kind, value
        """,
        {"organization_id": db.organization_id, "contact_id": contact_id},
    )


async def conversations(db: Tenant, contact_id: UUID) -> list[dict[str, Any]]:
    """A contact's conversations: at most one on each number."""
    return await db.rows(
        """
        select v.id, c.name as channel, c.display_number, v.created_at, v.last_message_at, v.closed_at
        from public.conversations v join public.channels c on c.organization_id = v.organization_id and c.id = v.channel_id
        where v.organization_id = %(organization_id)s and v.contact_id = %(contact_id)s order by v.id
        """,
        {"organization_id": db.organization_id, "contact_id": contact_id},
    )


async def messages(db: Tenant, conversation_id: UUID, after: Mapping[str, Any] | None, how_many: int) -> list[dict[str, Any]]:
    """The next messages of a conversation, newest first."""
    place = {"occurred_at": after["occurred_at"], "position": after["position"]} if after else {"occurred_at": "infinity", "position": 0}
    return await db.rows(
        """
        select m.conversation_id, m.id, m.direction, m.author, m.type, m.text, m.emoji, m.status, m.occurred_at, m.position
        from public.messages m
        where m.organization_id = %(organization_id)s and m.conversation_id = %(conversation_id)s
          and (m.occurred_at, m.position) < (%(occurred_at)s::timestamptz, %(position)s)
        order by m.occurred_at desc, m.position desc limit %(how_many)s
        """,
        {"organization_id": db.organization_id, "conversation_id": conversation_id, "how_many": how_many} | place,
    )


async def erase(db: Tenant, contact_id: UUID, at_once: int) -> int | None:
    """Empty everything of a contact, of each conversation so many messages at once; how many messages there are, or None if there is no such contact."""
    messages: int | None = await db.value(
        "select private.erase_contact(%(organization_id)s, %(contact_id)s, %(at_once)s)",
        {"organization_id": db.organization_id, "contact_id": contact_id, "at_once": at_once},
    )
    return messages


async def erase_a_piece(db: Platform, how_many: int) -> bool:
    """Empty so many messages of one conversation of an erased contact; False when there is none."""
    return bool(await db.value("select private.erase_a_piece(%(how_many)s)", {"how_many": how_many}))
