"""The page of the plan: how things stand, what is used, what there is to choose, and what was paid."""

from collections.abc import Mapping
from datetime import UTC, datetime

from fastapi import Request
from starlette.responses import Response

from frontdesk import billing, entitlements, usage
from frontdesk.access import Permission
from frontdesk.billing.lifecycle.moves import Offer, offer
from frontdesk.billing.lifecycle.states import grace_ends, state_of, to_pay, upcoming, with_beyond
from frontdesk.billing.records import OperatorContact, Plan, Price, Subscription
from frontdesk.database import Tenant
from frontdesk.settings import Settings
from frontdesk.usage import Period, Usage
from frontdesk.web import Db, Door, render

door = Door()
INTERVALS = ("month", "year")
COUNTED = ("messages_sent", "messages_received", "contacts", "members", "channels", "auto_replies")
INVOICES = 24


@door.get("/dashboard/billing", needs=Permission.BILLING_READ)
async def index(request: Request, db: Db, pay: str = "") -> Response:
    """The plans with their prices, what the organization has, how much of it is used, and what was paid. `pay`: month or year."""
    settings: Settings = request.app.state.settings
    prepaid = settings.overage_billing == "prepaid"
    now, period = datetime.now(UTC), await usage.period(db)
    used = {one.metric: one for one in await usage.standing(db)}
    subscription, has = await billing.current(db), await entitlements.current(db)
    prices, invoices, account = await billing.prices(db), await billing.invoices(db, how_many=INVOICES), await billing.account(db)
    chosen = pay if pay in INTERVALS else subscription.billing_interval if subscription is not None and subscription.lives else INTERVALS[0]
    offers = await _offers(db, prices, subscription, used, chosen, account.currency if account else None)
    renewal, apart = with_beyond(upcoming(subscription, prices), subscription, [] if prepaid else await usage.owed(db))
    credit = await usage.credit(db, db.organization_id) if prepaid else None
    return await render(
        request, "billing/index.html", subscription=subscription, has=has, state=state_of(subscription, has, now), account=account, pay=chosen,
        offers=offers, names_of_plans={one.plan.id: one.plan.name for one in offers}, invoices=invoices,
        upcoming=renewal, apart=apart, open_invoice=to_pay(invoices), grace=grace_ends(subscription), period=period, now=now, credit=credit,
        usage=[(used[metric], _forecast(used[metric], period, now)) for metric in COUNTED if metric in used],
        choices=[one for one in used.values() if one.sold], stopping=list(used.values()),
        operator=OperatorContact.read(settings.operator_contact), sells=getattr(request.app.state, "money", None) is not None,
        simulated=settings.stripe_simulated, prepaid=prepaid, meters=settings.overage_billing == "meters",
    )  # fmt: skip


async def _offers(
    db: Tenant, prices: list[Price], subscription: Subscription | None, used: Mapping[str, Usage], interval: str, currency: str | None
) -> list[Offer]:
    """Every plan that is sold, in the currency that the organization pays in, else in the plan's own."""
    plans = await billing.plans(db)
    counts, by_id = {metric: one.used for metric, one in used.items()}, {plan.id: plan for plan in plans}
    return [offer(plan, _price_of(plan, prices, interval, currency), subscription, by_id, counts) for plan in plans]


def _price_of(plan: Plan, prices: list[Price], interval: str, currency: str | None) -> Price | None:
    wanted = (plan.id, interval, currency or plan.currency)
    return next((price for price in prices if (price.plan_id, price.billing_interval, price.currency) == wanted), None)


def _forecast(one: Usage, period: Period, now: datetime) -> int | None:
    return period.forecast(one.used, now) if one.kind == "period" else None
