"""The page of the audit log: found, read, proven and taken away."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from frontdesk.access import Permission
from frontdesk.audit import actions, exports, search, store, wordings
from frontdesk.audit.records import Question, Walk
from frontdesk.audit.sentences import Line
from frontdesk.database import Tenant
from frontdesk.web import Db, Door, SignedIn, render, typed
from frontdesk.web.times import zone_or_utc

door = Door()

PAGE = "/dashboard/audit"
SHOWN = 50
MOST_ACTORS = 300
FILTERS = ("q", "actor", "action", "target", "since", "until")
KINDS = ("user", "api_key", "operator", "system")


@door.get(PAGE, needs=Permission.AUDIT_READ)
async def index(request: Request, db: Db, before: str = "") -> Response:
    """The log: filtered and paged by its address. `before`: the entry below which the page begins."""
    return await _page(request, db, before)


@door.post(f"{PAGE}/verification", needs=Permission.AUDIT_READ)
async def verify(request: Request, db: Db) -> Response:
    """Walk the next piece of the chain. A page with scripts goes on by itself, one without has a button for it."""
    form = await typed(request)
    walk = await actions.walk(db, _number(form.get("after")), _number(form.get("walked")))
    if request.headers.get("hx-request") == "true":
        return await render(request, "audit/_proof.html", walk=walk)
    return await _page(request, db, "", walk)


@door.post(f"{PAGE}/export", needs=Permission.AUDIT_READ)
async def export(request: Request, db: Db, who: SignedIn) -> Response:
    """The entries that fit, as a file: written while it is sent."""
    form = await typed(request)
    asked = {name: str(form.get(name, ""))[:200].strip() for name in FILTERS}
    kind = "jsonl" if form.get("form") == "jsonl" else "csv"
    newest = await actions.begin_export(db, "JSON Lines" if kind == "jsonl" else "CSV", asked)
    wanted = question(asked, zone_or_utc(request.cookies.get("zone")))
    pieces = exports.stream(request.app.state.database, db.organization_id, db.actor, wanted, newest + 1, exports.KINDS[kind])
    name = f"audit-log-{who.current.slug if who.current else ''}-{datetime.now(UTC):%Y-%m-%d}.{kind}"
    return StreamingResponse(pieces, media_type=exports.MEDIA_TYPES[kind], headers={"content-disposition": f'attachment; filename="{name}"'})


async def _page(request: Request, db: Tenant, before: str, walk: Walk | None = None) -> Response:
    asked, zone = {name: request.query_params.get(name, "").replace("\x00", "").strip()[:200] for name in FILTERS}, zone_or_utc(request.cookies.get("zone"))
    page = await search.find(db, question(asked, zone), _number(before) or None, SHOWN)
    lines = [Line(entry) for entry in page.entries]
    return await render(
        request, "audit/index.html", lines=lines, days=_days(lines, zone), older=page.older, paused=page.paused, before=before, asked=asked,
        narrowed=any(asked.values()), actors=await store.doers(db, MOST_ACTORS), walk=walk, zone=zone, address=_address(asked),
        groups=[(name, title, wordings.actions_of(name)) for name, title in wordings.GROUPS.items()],
        older_address=_address(asked, before=str(page.older)) if page.older else None,
    )  # fmt: skip


def _days(lines: list[Line], zone: ZoneInfo) -> list[tuple[datetime, list[Line]]]:
    grouped = [list(day) for _, day in groupby(lines, key=lambda line: line.entry.created_at.astimezone(zone).date())]
    return [(day[0].entry.created_at, day) for day in grouped]


def question(asked: dict[str, str], zone: ZoneInfo) -> Question:
    """What the address asks for; a filter that makes no sense is none."""
    since, until = _midnight(asked["since"], zone), _midnight(asked["until"], zone, 1)
    return Question(_actor(asked["actor"]), _actions(asked["action"]), _target(asked["target"]), since, until, tuple(asked["q"].split()[:10]))


def _actor(written: str) -> tuple[str, UUID | None] | None:
    kind, _, identity = written.partition(":")
    try:
        return (kind, UUID(identity) if identity else None) if kind in KINDS else None
    except ValueError:
        return None


def _actions(written: str) -> tuple[str, ...] | None:
    if not written:
        return None
    return wordings.actions_of(written) if written in wordings.GROUPS else (written,)


def _target(written: str) -> tuple[str, str] | None:
    kind, _, identity = written.partition(":")
    return (kind, identity) if kind and identity else None


def _midnight(written: str, zone: ZoneInfo, days: int = 0) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(written) + timedelta(days), time(), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _number(written: Any) -> int:
    text = str(written or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _address(asked: dict[str, str], **more: str) -> str:
    query = urlencode({name: value for name, value in (asked | more).items() if value})
    return f"{PAGE}?{query}" if query else PAGE
