"""The audit log, for an organization's own programs."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from frontdesk.access import Permission
from frontdesk.api import PAGE, BadCursor, CursorText, Db, Door, Limit, Page, Search, Text
from frontdesk.audit import search
from frontdesk.audit.records import Entry, Question

door = Door("Audit log")

Kind = Literal["user", "api_key", "operator", "system"]
LONGEST = 200  # characters of a filter
MOST_WORDS = 10


def written_out(moment: object) -> object:
    """Refuse numbers, which pydantic would take for seconds, and years that no log knows."""
    if isinstance(moment, str) and not _MOMENT.match(moment):
        raise ValueError("Write a time with its zone, such as 2026-01-31T12:00:00Z.")
    return moment


_MOMENT = re.compile(r"(19[7-9]|2\d\d)\d-\d\d-\d\d[Tt ]\d\d:\d\d")
Moment = Annotated[AwareDatetime | None, BeforeValidator(written_out), Query(description="A time with its zone, such as 2026-01-31T12:00:00Z.")]
Named = Annotated[Text | None, Query(max_length=LONGEST)]


class Actor(BaseModel):
    """Who did it. id: of the user or the API key; null for Frontdesk itself."""

    kind: Kind
    id: UUID | None
    name: str


class Target(BaseModel):
    """What it was done to."""

    type: str | None
    id: str | None


class EntryReply(BaseModel):
    """One entry: who did what to what, when, and from where. details: what changed, as {"changed": {field: {"from": …, "to": …}}}, and other facts."""

    seq: int = Field(description="Its number in the organization's log.")
    created_at: datetime
    actor: Actor
    action: str
    target: Target
    details: dict[str, Any]
    address: str | None
    user_agent: str | None
    request_id: str | None

    @classmethod
    def of(cls, one: Entry) -> Self:
        """As it is told."""
        return cls.model_validate(
            {"seq": one.seq, "created_at": one.created_at, "actor": {"kind": one.actor_kind, "id": one.actor_id, "name": one.actor_name},
             "action": one.action, "target": {"type": one.target_type, "id": one.target_id}, "details": dict(one.details), "address": one.address,
             "user_agent": one.user_agent, "request_id": one.request_id}
        )  # fmt: skip


@door.get("/audit-log", needs=Permission.AUDIT_READ)
async def list_audit_log(
    db: Db, q: Search = "", actor_kind: Kind | None = None, actor_id: UUID | None = None, action: Named = None, target_type: Named = None,
    target_id: Named = None, since: Moment = None, until: Moment = None, limit: Limit = PAGE, cursor: CursorText = None,
) -> Page[EntryReply]:  # fmt: skip
    """What was done, the newest first; entries before `until`, from `since` on.

    `actor_id` needs `actor_kind`, and `target_id` needs `target_type`. With filters a page may hold fewer entries than asked for, even none: go on
    until `next_cursor` is null.
    """
    actor, target = (actor_kind, actor_id) if actor_kind else None, (target_type, target_id) if target_type and target_id else None
    actions = (action,) if action is not None else None
    question = Question(actor, actions, target, _utc(since), _utc(until), tuple(q.split()[:MOST_WORDS]))
    found = await search.find(db, question, _before(cursor), limit)
    return Page[EntryReply](data=[EntryReply.of(one) for one in found.entries], next_cursor=None if found.older is None else str(found.older))


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19 and int(cursor)):
        raise BadCursor
    return int(cursor)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
