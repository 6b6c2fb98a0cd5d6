"""The SQL of kept deliveries, as an operator asks. What they say is out of reach."""

from uuid import UUID

from frontdesk.database import Console
from frontdesk.operator.deliveries.records import Delivery
from frontdesk.operator.paging import NEWEST


async def failed(db: Console, kind: str, before: UUID | None, how_many: int) -> list[Delivery]:
    """Those of one kind that could not be told, the newest first."""
    return await db.records(
        Delivery,
        """
        select f.id, f.kind, f.received_at, f.error, f.attempts, f.organization_id, o.name as organization, c.name as channel
        from (
          select d.id, d.kind, d.received_at, d.error, d.attempts, d.organization_id, d.channel_id from public.failed_deliveries d
          where d.kind = %(kind)s and d.id < %(before)s order by d.id desc limit %(how_many)s) as f
        join public.organizations o on o.id = f.organization_id
        join public.channels c on c.organization_id = f.organization_id and c.id = f.channel_id
        order by f.id desc
        """,
        {"kind": kind, "before": before or NEWEST, "how_many": how_many},
    )


async def unrouted(db: Console, before: UUID | None, how_many: int) -> list[Delivery]:
    """Those that are for nobody here, or cannot be read, the newest first."""
    return await db.records(
        Delivery,
        """
        select id, kind, received_at, reason as error, 0 as attempts, null::uuid as organization_id, null as organization, phone_number_id as channel
        from private.list_unrouted(%(before)s, %(how_many)s)
        """,
        {"before": before, "how_many": how_many},
    )


async def replay(db: Console, wanted: UUID | None) -> int:
    """Put one back on the road, or all that may come through now; how many that were."""
    return int(await db.value("select private.replay_deliveries(%(wanted)s)", {"wanted": wanted}))
