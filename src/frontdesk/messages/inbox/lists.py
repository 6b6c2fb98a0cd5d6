"""Putting a list together: what is listed, what comes after it, and the panel beside a thread."""

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from frontdesk.contacts import patterns
from frontdesk.database import Tenant
from frontdesk.messages.inbox import changes, store
from frontdesk.messages.inbox.records import LONGEST_PAGE, PAGE, SHOWN, Conversation, Cursor, Filter, Listed, Panel

LONGEST_SEARCH = 200  # characters


async def chosen(db: Tenant, show: str, q: str, limit: int, after: str) -> Filter:
    """The filter of an address; what makes no sense there is left out."""
    return Filter(
        show=show if show in SHOWN else "open",
        q=q.replace("\x00", "").strip()[:LONGEST_SEARCH],
        limit=min(max(limit, PAGE), LONGEST_PAGE),
        after=Cursor.read(after),
        counts=await store.counts(db),
    )


async def read(db: Tenant, chosen: Filter) -> tuple[Sequence[Listed], Cursor | None]:
    """The conversations of a filter, and where the next page begins."""
    found = await store.newest(db, chosen.show, patterns(chosen.q), chosen.after, chosen.limit + 1)
    listed = found[: chosen.limit]
    names = await store.names(db, list({one.assigned_to for one in listed if one.assigned_to}))
    following = Cursor(listed[-1].last_message_at, listed[-1].id) if len(found) > chosen.limit else None
    return [replace(one, assigned_name=names.get(one.assigned_to)) if one.assigned_to else one for one in listed], following


async def panel(db: Tenant, conversation: Conversation, zone: ZoneInfo) -> Panel:
    """What stands beside a thread."""
    about = await changes.about(db, conversation.contact_id) or {}
    return Panel(
        phone=about.get("phone"),
        username=about.get("username"),
        tags=about.get("tags") or [],
        first_seen_at=about["created_at"],
        messages=conversation.last_position,
        addresses=await changes.addresses(db, conversation.contact_id),
        per_day=await changes.per_day(db, conversation.id, zone.key),
    )
