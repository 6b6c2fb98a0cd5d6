"""The SQL of sealed values: all of it functions of PostgreSQL, since no login of ours reads the tables in which they stand."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from frontdesk.database import Database, Platform, Tenant, Tenants, batch
from frontdesk.sealing.records import Holding, Stale


async def data_key(db: Tenant | Tenants | Platform, organization_id: UUID, offered: str) -> str:
    """The wrapped data key of an organization: the offered one, if it had none."""
    wrapped: str = await db.value("select private.data_key(%(organization_id)s, %(offered)s)", {"organization_id": organization_id, "offered": offered})
    return wrapped


async def holdings(database: Database) -> list[Holding]:
    """Which key has sealed how many values of which column."""
    return [Holding(**row) for row in await database.call("select place, with_data_key, sealed_by, amount, samples from private.sealed_by()")]


async def stale(database: Database, place: str, newest: str, after: str, at_most: int) -> list[Stale]:
    """The next values of a column to seal anew, in the order of their rows."""
    rows = await database.call(
        "select row_id, organization, context, sealed, data_key from private.stale_values(%(place)s, %(newest)s, %(after)s, %(at_most)s)",
        {"place": place, "newest": newest, "after": after, "at_most": at_most},
    )
    return [Stale(**row) for row in rows]


async def replace(database: Database, place: str, changes: Sequence[dict[str, Any]]) -> int:
    """Put values that were sealed anew in place of the old ones, all or none; how many still stood as they were read."""
    rows = await database.call("select private.replace_sealed(%(place)s, %(changes)s) as replaced", {"place": place, "changes": batch(changes)})
    replaced: int = rows[0]["replaced"]
    return replaced


async def abandon(database: Database, key: str) -> int:
    """Forget what a key has sealed, and the data keys it has wrapped; how many values that were."""
    rows = await database.call("select private.abandon_sealed(%(key)s) as abandoned", {"key": key})
    abandoned: int = rows[0]["abandoned"]
    return abandoned


async def keys_in_use(database: Database) -> list[str]:
    """What the running processes call their connections, which says the keys that each knows."""
    rows = await database.call(
        """
        select distinct a.application_name from pg_catalog.pg_stat_activity a
        where a.datname = pg_catalog.current_database() and a.usename = session_user
        """
    )
    return [row["application_name"] for row in rows]
