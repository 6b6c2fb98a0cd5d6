"""Usage as a file: a row for each day, metric, number and author. Written piece by piece, so that its length does not matter."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from frontdesk.access import Actor, Permission
from frontdesk.audit import harmless
from frontdesk.database import Database
from frontdesk.errors import NotAllowed
from frontdesk.usage import figures

PIECE = timedelta(days=7)
COLUMNS = ("day", "metric", "channel_id", "channel", "author", "member_id", "member", "amount")
NOBODY = UUID(int=0)


async def stream(database: Database, organization_id: UUID, actor: Actor, first: date, last: date) -> AsyncIterator[bytes]:
    """Everything of these days. Each piece is a transaction in the member's name: who is removed meanwhile gets no further."""
    yield ("\ufeff" + _written([COLUMNS])).encode()  # the mark of order tells Excel that this is UTF-8
    while first <= last:
        until = min(first + PIECE - timedelta(days=1), last)
        async with database.tenant(organization_id, actor) as db:
            if Permission.BILLING_READ not in db.permissions:
                raise NotAllowed
            rows = await figures.rows(db, first, until)
        yield _written([_cells(row) for row in rows]).encode()
        first = until + timedelta(days=1)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    channel, member = _known(row["channel_id"]), _known(row["user_id"])
    return (
        row["day"].isoformat(), row["metric"], channel, harmless(row["channel"] or ""), "" if row["author"] == "nobody" else row["author"],
        member, harmless(row["member"] or ""), str(row["amount"]),
    )  # fmt: skip


def _known(identity: UUID) -> str:
    return "" if identity == NOBODY else str(identity)


def _written(rows: list[tuple[str, ...]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()
