"""The page of plans, prices and usage."""

from collections.abc import Mapping
from datetime import UTC, datetime

from fastapi import Request
from starlette.responses import Response

from frontdesk import billing, usage
from frontdesk.access import Permission
from frontdesk.billing.records import LIMITED, Offer, OperatorContact, Period, Plan
from frontdesk.settings import Settings
from frontdesk.usage import Usage
from frontdesk.web import Db, Door, render

door = Door()
INTERVALS = ("month", "year")
COUNTED = ("messages_sent", "messages_received", "contacts", "members", "channels", "auto_replies")


@door.get("/dashboard/billing", needs=Permission.BILLING_READ)
async def index(request: Request, db: Db, pay: str = "month") -> Response:
    """The plans with their prices, what the organization has, and how much of it is used. `pay`: month or year."""
    settings: Settings = request.app.state.settings
    now, period = datetime.now(UTC), Period.of(datetime.now(UTC))
    used = {one.metric: one for one in await usage.overview(db)}
    subscription = await billing.current(db)
    return await render(
        request, "billing/index.html", offers=[_offer(plan, used) for plan in await billing.plans(db)],
        subscription=subscription,
        trial_over=subscription is not None and subscription.trial_over(now), period=period,
        pay=pay if pay in INTERVALS else INTERVALS[0],
        usage=[(used[metric], _forecast(used[metric], period, now)) for metric in COUNTED if metric in used],
        operator=OperatorContact.read(settings.operator_contact), now=now,
    )  # fmt: skip


def _offer(plan: Plan, used: Mapping[str, Usage]) -> Offer:
    limits = [(metric, plan.limit(metric)) for metric in LIMITED]
    return Offer(
        plan,
        frozenset(metric for metric, limit in limits if limit is not None and metric in used and used[metric].used > limit),
    )


def _forecast(one: Usage, period: Period, now: datetime) -> int | None:
    return period.forecast(one.used, now) if one.kind == "period" else None
