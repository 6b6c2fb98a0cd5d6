"""The page of usage: how much of everything, by day, by number and by member, and what happens at a limit."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from frontdesk.access import Permission
from frontdesk.database import Tenant, new_id
from frontdesk.errors import BadInput, NotFound
from frontdesk.settings import Settings
from frontdesk.usage import actions, exports, figures, overage
from frontdesk.usage.charts import charts
from frontdesk.usage.records import Standing
from frontdesk.web import Db, Door, Form, SignedIn, go, read_form, render, typed

door = Door()

PAGE = "/dashboard/usage"
BACK = (PAGE, "/dashboard/billing")  # where the form of a choice stands
RANGES = (30, 90)  # days
ORDER = ("messages_sent", "messages_received", "contacts", "members", "channels", "auto_replies")  # then the others
SHOWN = 20  # channels, or members, of one page
MOST_PAGES = 10_000
CENTS = 100
AMOUNT = re.compile(r"€?\s*([0-9]{1,7})(?:[.,]([0-9]{1,2}))?", re.ASCII)


class BadCap(BadInput):
    """Write the most you want to spend beyond the plan each month as an amount such as 20 or 20.50."""


class NoSuchLimit(NotFound):
    """There is no such limit. Load the page of usage again."""


class ChoiceForm(BaseModel):
    """What the form of a choice sends. cap: in whole money, as people write it."""

    metric: str = ""
    over_limit: str = "stop"
    cap: str = ""
    back: str = PAGE


@door.get(PAGE, needs=Permission.BILLING_READ)
async def index(request: Request, db: Db) -> Response:
    """How much was used, by day, by number and by member. `days`: 30 or 90; `channels`, `members`: pages of their lists."""
    return await _page(request, db, {})


@door.post(PAGE + "/choices", needs=Permission.BILLING_WRITE)
async def choose(request: Request, db: Db) -> Response:
    """Choose what happens at a limit."""
    form = await read_form(request, ChoiceForm)
    wants = form.data
    if wants is None or wants.metric not in {one.metric for one in await actions.standing(db)}:
        raise NoSuchLimit
    try:
        cap = _cap(wants.cap) if wants.over_limit == "overage" else None
        await actions.choose(db, wants.metric, cap)
    except (BadCap, actions.NotSold) as error:
        form.refuse(error)
        return await _page(request, db, {wants.metric: form}, 422)
    said = "At this limit, Frontdesk stops." if cap is None else "Beyond this limit, it goes on up to your cap."
    return go(request, wants.back if wants.back in BACK else PAGE, said)


@door.post(PAGE + "/export", needs=Permission.BILLING_READ)
async def export(request: Request, db: Db, who: SignedIn) -> Response:
    """Every figure of these days as a file, which names members: so it is told in the log."""
    form = await typed(request)
    first, last = _days(str(form.get("days", "")))
    await actions.note_export(db, first, last)
    pieces = exports.stream(request.app.state.database, db.organization_id, db.actor, first, last)
    name = f"usage-{who.current.slug if who.current else ''}-{first:%Y-%m-%d}-{last:%Y-%m-%d}.csv"
    return StreamingResponse(pieces, media_type="text/csv; charset=utf-8", headers={"content-disposition": f'attachment; filename="{name}"'})


async def _page(request: Request, db: Tenant, forms: Mapping[str, Form[ChoiceForm]], status_code: int = 200) -> Response:
    now, (first, last) = datetime.now(UTC), _days(request.query_params.get("days", ""))
    period, standing = await actions.period(db), sorted(await actions.standing(db), key=_place)
    at = {name: min(_number(request.query_params.get(name, "")), MOST_PAGES) for name in ("channels", "members")}
    found = {
        "channels": await figures.channels(db, first, last, at["channels"] * SHOWN, SHOWN + 1),
        "members": await figures.members(db, first, last, at["members"] * SHOWN, SHOWN + 1),
    }
    return await render(
        request, "usage/index.html", status_code=status_code, period=period, now=now, shown_days=(last - first).days + 1,
        usage=[(one, period.forecast(one.used, now) if one.kind == "period" else None) for one in standing if one.used or one.allowed is not None],
        charts=charts(await figures.days(db, first, last), first, last), first=first, last=last, at=at,
        shares={name: rows[:SHOWN] for name, rows in found.items()}, more={name: len(rows) > SHOWN for name, rows in found.items()},
        choices=[(one, forms.get(one.metric)) for one in standing if one.sold], **await _credit(request, db),
    )  # fmt: skip


async def _credit(request: Request, db: Tenant) -> dict[str, Any]:
    """Where credit pays for what goes beyond: what there is of it, and what is sold."""
    settings: Settings = request.app.state.settings
    prepaid = settings.overage_billing == "prepaid"
    packs = settings.packs if prepaid and getattr(request.app.state, "money", None) is not None else ()
    return {"prepaid": prepaid, "credit": await overage.credit(db, db.organization_id) if prepaid else None, "packs": packs, "once": new_id()}


def _place(one: Standing) -> tuple[int, str]:
    return ORDER.index(one.metric) if one.metric in ORDER else len(ORDER), one.metric


def _cap(written: str) -> int:
    """Cents. Raises BadCap."""
    found = AMOUNT.fullmatch(written.strip())
    cents = int(found[1]) * CENTS + int((found[2] or "").ljust(2, "0")) if found else 0
    if not 1 <= cents <= actions.HIGHEST_CAP:
        raise BadCap(field="cap")
    return cents


def _days(written: str) -> tuple[date, date]:
    """The days that are shown, in UTC: the last is today."""
    last = datetime.now(UTC).date()
    return last - timedelta(days=(int(written) if written in {str(one) for one in RANGES} else RANGES[0]) - 1), last


def _number(written: str) -> int:
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else 0
