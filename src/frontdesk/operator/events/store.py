"""The SQL of billing events, as an operator asks. What they carry is out of reach: how things stand is always asked of the provider."""

from uuid import UUID

from frontdesk.billing import KeptEvent
from frontdesk.database import Console
from frontdesk.operator.paging import NEWEST


async def newest(db: Console, before: UUID | None, how_many: int) -> list[KeptEvent]:
    """All of them, the newest first."""
    return await db.records(
        KeptEvent,
        """
        select e.id, e.organization_id, o.name as organization, e.provider_event_id, e.type, e.object_id, e.arrived_by, e.happened_at, e.received_at,
          e.next_try_at, e.attempts, e.last_error, e.given_up_at, e.handled_at
        from public.billing_events e left join public.organizations o on o.id = e.organization_id
        where e.id < %(before)s order by e.id desc limit %(how_many)s
        """,
        {"before": before or NEWEST, "how_many": how_many},
    )


async def waiting(db: Console, before: UUID | None, how_many: int) -> list[KeptEvent]:
    """Those that wait, the newest first."""
    return await db.records(
        KeptEvent,
        """
        select e.id, e.organization_id, o.name as organization, e.provider_event_id, e.type, e.object_id, e.arrived_by, e.happened_at, e.received_at,
          e.next_try_at, e.attempts, e.last_error, e.given_up_at, e.handled_at
        from public.billing_events e left join public.organizations o on o.id = e.organization_id
        where e.next_try_at is not null and e.id < %(before)s order by e.id desc limit %(how_many)s
        """,
        {"before": before or NEWEST, "how_many": how_many},
    )


async def given_up(db: Console, before: UUID | None, how_many: int) -> list[KeptEvent]:
    """Those that want a look, the newest first."""
    return await db.records(
        KeptEvent,
        """
        select e.id, e.organization_id, o.name as organization, e.provider_event_id, e.type, e.object_id, e.arrived_by, e.happened_at, e.received_at,
          e.next_try_at, e.attempts, e.last_error, e.given_up_at, e.handled_at
        from public.billing_events e left join public.organizations o on o.id = e.organization_id
        where e.given_up_at is not null and e.id < %(before)s order by e.id desc limit %(how_many)s
        """,
        {"before": before or NEWEST, "how_many": how_many},
    )


async def replay(db: Console, event_id: UUID) -> bool:
    """Have it handled again; False when there is no such event."""
    return bool(await db.value("select private.replay_event(%(id)s)", {"id": event_id}))


async def about(db: Console, event_id: UUID) -> tuple[UUID | None, str]:
    """Whose it is, if it is anybody's here, and what it told."""
    found = await db.row("select e.organization_id, e.type from public.billing_events e where e.id = %(id)s", {"id": event_id})
    return (found["organization_id"], found["type"]) if found else (None, "")
