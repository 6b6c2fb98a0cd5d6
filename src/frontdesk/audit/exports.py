"""The log as a file: CSV for spreadsheets, JSON Lines for programs. Written piece by piece, so that its length does not matter."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID

import orjson

from frontdesk.access import Actor, Permission
from frontdesk.audit import search
from frontdesk.audit.records import Entry, Page, Question
from frontdesk.audit.sentences import plain_sentence
from frontdesk.database import Database
from frontdesk.errors import NotAllowed

PIECE = 1_000  # entries
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
COLUMNS = (
    "entry", "time", "what", "actor_kind", "actor_id", "actor", "action", "target_type", "target_id", "address", "user_agent", "request", "details", "hash",
)  # fmt: skip
# A spreadsheet takes a cell that begins like this for a formula (OWASP: CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Writer = Callable[[Sequence[Entry], bool], bytes]


async def stream(database: Database, organization_id: UUID, actor: Actor, question: Question, before: int, write: Writer) -> AsyncIterator[bytes]:
    """Everything that fits below the entry named, newest first.

    Each piece is a transaction of its own, in the member's name: none stays open while a slow reader reads, and who is removed meanwhile, or may
    not read the log any more, gets no further. What is written never changes, so the pieces fit together.
    """
    first, place = True, before
    while first or place:
        async with database.tenant(organization_id, actor) as db:
            if Permission.AUDIT_READ not in db.permissions:
                raise NotAllowed
            page = await search.find(db, question, place, PIECE) if place > 1 else Page()
        yield await asyncio.to_thread(write, page.entries, first)  # others are served meanwhile
        first, place = False, page.older or 0


def as_csv(entries: Sequence[Entry], first: bool) -> bytes:
    """Rows, below their heads where the file begins. The mark of order there tells Excel that this is UTF-8."""
    file = io.StringIO()
    rows = csv.writer(file)
    if first:
        rows.writerow(COLUMNS)
    rows.writerows([harmless(cell) for cell in _cells(entry)] for entry in entries)
    return (("\ufeff" if first else "") + file.getvalue()).encode()


def as_json_lines(entries: Sequence[Entry], first: bool) -> bytes:
    """One object in each line. The first piece has no head."""
    return b"".join(orjson.dumps(_object(entry), option=orjson.OPT_APPEND_NEWLINE) for entry in entries)


def harmless(cell: str) -> str:
    """The cell, which no spreadsheet runs as a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _cells(entry: Entry) -> list[str]:
    return [
        str(entry.seq), entry.created_at.isoformat(), plain_sentence(entry), entry.actor_kind, str(entry.actor_id or ""), entry.actor_name, entry.action,
        entry.target_type or "", entry.target_id or "", entry.address or "", entry.user_agent or "", entry.request_id or "",
        orjson.dumps(entry.details).decode() if entry.details else "", entry.hash,
    ]  # fmt: skip


def _object(entry: Entry) -> dict[str, object]:
    return {
        "entry": entry.seq, "time": entry.created_at, "what": plain_sentence(entry),
        "actor": {"kind": entry.actor_kind, "id": entry.actor_id, "name": entry.actor_name}, "action": entry.action,
        "target": {"type": entry.target_type, "id": entry.target_id} if entry.target_type else None, "address": entry.address,
        "user_agent": entry.user_agent, "request": entry.request_id, "details": entry.details, "hash": entry.hash,
    }  # fmt: skip


KINDS: dict[str, Writer] = {"csv": as_csv, "jsonl": as_json_lines}
