"""Plans, the subscription, invoices, and the ways to pay, for an organization's own programs."""

import re
from datetime import UTC, datetime
from typing import Literal, Self

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from frontdesk import usage
from frontdesk.access import Permission
from frontdesk.api import PAGE, Apart, BadCursor, Body, CursorText, Db, Door, Limit, Page, ScopeMissing
from frontdesk.billing import store
from frontdesk.billing.checkout import start_checkout
from frontdesk.billing.portal import portal_link
from frontdesk.billing.records import Invoice, Plan, Price, Subscription
from frontdesk.billing.stripe_api import Money, NothingForSale, Place
from frontdesk.settings import Settings

door = Door("Billing")
Interval = Literal["month", "year"]


class PriceReply(BaseModel):
    """What a plan costs each month or year."""

    price: str = Field(description="How it is named when it is bought, such as `professional_month_eur`.")
    billing_interval: Interval
    amount: int = Field(description="In the smallest unit of the currency, without VAT.")
    currency: str


class PlanReply(BaseModel):
    """One plan that can be bought."""

    id: str
    name: str
    description: str
    limits: dict[str, int | None] = Field(description="What it allows of each metric; null, or a metric that is missing, is no limit.")
    features: dict[str, bool]
    prices: list[PriceReply]

    @classmethod
    def of(cls, plan: Plan, prices: list[Price]) -> Self:
        """As it is told."""
        own = [
            PriceReply(price=one.lookup_key, billing_interval=_interval(one.billing_interval), amount=one.amount, currency=one.currency)
            for one in prices if one.plan_id == plan.id
        ]  # fmt: skip
        return cls(id=plan.id, name=plan.name, description=plan.description, limits=plan.limits, features=plan.features, prices=own)


class PlanList(BaseModel):
    """Every plan that can be bought."""

    data: list[PlanReply]


class CreditReply(BaseModel):
    """What was paid ahead for going beyond the plan. Amounts in the smallest unit of the currency."""

    model_config = ConfigDict(from_attributes=True)

    currency: str
    balance: int = Field(description="What was bought, less what was taken from it at the end of months, or back by refunds.")
    owed: int = Field(description="What went beyond the plan and is not taken from it yet.")
    left: int = Field(description="What more may go beyond the plan.")


class SubscriptionReply(BaseModel):
    """What the organization has, tries or had."""

    model_config = ConfigDict(from_attributes=True)

    plan_id: str
    plan_name: str
    status: str = Field(description="`trialing`, `active`, `past_due`, `unpaid`, `paused`, `incomplete`, `incomplete_expired` or `canceled`.")
    billing_interval: Interval
    amount: int | None = Field(description="What is paid each month or year, in the smallest unit of the currency; null before anything was bought.")
    currency: str | None
    trial_ends_at: datetime | None
    current_period_start: datetime | None
    current_period_end: datetime | None
    cancel_at: datetime | None = Field(description="When it ends, if it was cancelled.")
    past_due_since: datetime | None
    scheduled_plan_id: str | None = Field(description="The plan that follows at the period's end.")
    scheduled_at: datetime | None
    credit: CreditReply | None = Field(None, description="What was paid ahead; null where what goes beyond the plan is billed afterwards.")


class InvoiceReply(BaseModel):
    """One invoice. Amounts in the smallest unit of the currency."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    number: str | None
    status: Literal["draft", "open", "paid", "uncollectible", "void"]
    currency: str
    subtotal: int
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    issued_at: datetime
    due_at: datetime | None
    paid_at: datetime | None
    period_start: datetime | None
    period_end: datetime | None
    hosted_invoice_url: str | None = Field(description="Stripe's page of the invoice, where it can be paid.")
    invoice_pdf: str | None


class NewCheckout(Body):
    """What to buy."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"price": "professional_month_eur"}]})

    price: str = Field(pattern=r"^[a-z][a-z0-9_-]{1,80}$", description="One of the prices that `/plans` names.")


class LinkReply(BaseModel):
    """An address at Stripe that opens what belongs to this organization: for one person, now, and to be kept nowhere."""

    url: str


@door.get("/plans", needs=Permission.ORGANIZATION_READ)
async def list_plans(db: Db) -> PlanList:
    """The plans that can be bought, the smallest first."""
    prices = await store.prices(db)
    return PlanList(data=[PlanReply.of(plan, prices) for plan in await store.plans(db)])


@door.get("/subscription", needs=Permission.BILLING_READ)
async def show_subscription(request: Request, db: Db) -> SubscriptionReply | None:
    """What the organization has, tries or had; null where whoever runs this Frontdesk has taken it away. It needs `organization:read` as well."""
    if Permission.ORGANIZATION_READ.value not in db.permissions:  # else it would seem that there is none
        raise ScopeMissing.of(Permission.ORGANIZATION_READ)
    found: Subscription | None = await store.current(db)
    if found is None:
        return None
    settings: Settings = request.app.state.settings
    credit = await usage.credit(db, db.organization_id) if settings.overage_billing == "prepaid" else None
    return SubscriptionReply.model_validate(found).model_copy(update={"credit": credit and CreditReply.model_validate(credit)})


@door.get("/invoices", needs=Permission.BILLING_READ)
async def list_invoices(db: Db, limit: Limit = PAGE, cursor: CursorText = None) -> Page[InvoiceReply]:
    """The invoices, the newest first."""
    found = await store.invoices(db, _place(cursor), limit + 1)
    data = [InvoiceReply.model_validate(one) for one in found[:limit]]
    return Page[InvoiceReply](data=data, next_cursor=_cursor(found[limit - 1]) if len(found) > limit else None)


@door.post("/billing/checkout-links", needs=Permission.BILLING_WRITE, apart=True)
async def create_checkout_link(request: Request, caller: Apart, checkout: NewCheckout) -> LinkReply:
    """A link to Stripe's page where a plan is paid. Asked for again, it is the same one as long as that page is open.

    409: there is a subscription already, whose plan is changed in the dashboard; or another checkout was begun at the same moment.
    """
    return LinkReply(url=await start_checkout(_money(request), Place(caller.organization_id, caller.actor), checkout.price))


@door.post("/billing/portal-links", needs=Permission.BILLING_WRITE, apart=True)
async def create_portal_link(request: Request, caller: Apart) -> LinkReply:
    """A link to Stripe's pages for the card, the address, the VAT id and the invoices. 409: nothing was bought yet."""
    return LinkReply(url=await portal_link(_money(request), Place(caller.organization_id, caller.actor)))


def _money(request: Request) -> Money:
    money: Money | None = request.app.state.money
    if money is None:
        raise NothingForSale
    return money


def _interval(written: str) -> Interval:
    return "year" if written == "year" else "month"


def _cursor(last: Invoice) -> str:
    return f"{int(last.issued_at.timestamp())}-{last.id}"  # Stripe's times are whole seconds


def _place(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    found = re.fullmatch(r"(\d{1,11})-(\w{1,255})", cursor, re.ASCII)
    if found is None:
        raise BadCursor
    return datetime.fromtimestamp(int(found[1]), UTC), found[2]
