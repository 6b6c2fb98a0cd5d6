"""Writing a list as a file: that it is taken along stands in the operators' log before the first row leaves."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from frontdesk.access import Actor
from frontdesk.audit import harmless
from frontdesk.database import Console, Database
from frontdesk.errors import NotFound
from frontdesk.operator.exports.pieces import CUTS
from frontdesk.operator.exports.records import COLUMNS, Wish, cell
from frontdesk.operator.log import store as log

CALLED = {"events": "billing events", "revenue": "revenue by month"}  # where the word of the address says too little


class NoSuchList(NotFound):
    """There is no such list."""


async def note(db: Console, wish: Wish) -> None:
    """Write down which list is taken along, and what was asked of it. Raises NoSuchList."""
    if wish.what not in COLUMNS:
        raise NoSuchList
    details = {"name": CALLED.get(wish.what, wish.what)} | {f"only_{name}": value for name, value in wish.asked.items()}
    await log.record(db, "list.exported", target_type="list", target_id=wish.what, details=details)


async def stream(database: Database, session_id: UUID, by: Actor, wish: Wish) -> AsyncIterator[bytes]:
    """The file. Each piece is a transaction of this operator's: whoever is none any more gets no further."""
    yield ("\ufeff" + _written([COLUMNS[wish.what]])).encode()  # the mark of order tells Excel that this is UTF-8
    place: Any = None
    while True:
        async with database.console(session_id, by) as db:
            rows, place = await CUTS[wish.what](db, wish.asked, place)
        yield _written([[harmless(one) if isinstance(one, str) else cell(one) for one in row] for row in rows]).encode()
        if place is None:
            return


def _written(rows: Sequence[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()
