"""Going to pay, coming back, and looking after cards and invoices: the pages themselves are Stripe's."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from frontdesk.access import Permission
from frontdesk.billing import (
    CHECKOUT_RETURN,
    AlreadySubscribed,
    BeingSynchronized,
    Money,
    NothingForSale,
    Place,
    StripeAway,
    finish_checkout,
    portal_link,
    start_checkout,
)
from frontdesk.billing.credit import CREDIT_PAGE, NoCreditSold, NoSuchPack, NothingToSpendOn, finish_purchase, start_purchase
from frontdesk.billing.credit import RETURN as CREDIT_RETURN
from frontdesk.errors import BadInput
from frontdesk.web import Door, SignedIn, actor, entered, go, leave, read_form

door = Door()
PAGE = "/dashboard/billing"
COMING = "Thank you. What you paid is being confirmed; this page shows it within a minute."
CREDIT_COMING = "Once your payment is confirmed, the credit is here. With a direct debit that takes some days."


class CheckoutForm(BaseModel):
    """What is bought: the lookup key of a price, such as professional_month_eur."""

    price: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{1,80}$")]


class CreditForm(BaseModel):
    """How much credit is bought. once: what the page gave the form, so that sent twice it opens one checkout."""

    pack: Annotated[int, Field(ge=1, le=100_000_000)]
    once: UUID


class PortalForm(BaseModel):
    """What to begin with."""

    flow: Literal["", "payment_method_update"] = ""


class ChooseAPlan(BadInput):
    """Choose a plan first."""


def money_of(request: Request) -> Money:
    """What money is handled with. Raises NothingForSale where there is no Stripe account."""
    money: Money | None = request.app.state.money
    if money is None:
        raise NothingForSale
    return money


async def place_of(request: Request, who: SignedIn) -> Place:
    """For which organization this is, and who does it; his place in it is looked up anew."""
    async with entered(request, who) as db:
        return Place(db.organization_id, actor(request, who), who.email)


@door.post(f"{PAGE}/checkout", needs=Permission.BILLING_WRITE, apart=True)
async def create_checkout(request: Request, who: SignedIn) -> Response:
    """Lead to Stripe's page where the chosen plan is paid."""
    form = await read_form(request, CheckoutForm)
    if form.data is None:
        raise ChooseAPlan(field="price")
    try:
        return await leave(request, await start_checkout(money_of(request), await place_of(request, who), form.data.price))
    except AlreadySubscribed as error:
        return go(request, PAGE, str(error), "bad")


@door.get(CHECKOUT_RETURN, needs=Permission.BILLING_READ, apart=True)
async def finish(request: Request, who: SignedIn, session_id: str = "") -> Response:
    """Where Stripe's page leads back to: what was paid is looked up now, should its event not have come yet."""
    if not session_id:
        return go(request, PAGE)
    try:
        synced = await finish_checkout(money_of(request), await place_of(request, who), session_id)
    except (StripeAway, BeingSynchronized):
        return go(request, PAGE, COMING)
    if synced.after is None or not synced.after.lives:
        return go(request, PAGE, "Nothing was paid yet. Choose a plan whenever you like.", "info")
    return go(request, PAGE, f"Thank you. You are on {synced.after.plan_name} now." if synced.after.status in ("active", "trialing") else COMING)


@door.post(CREDIT_RETURN, needs=Permission.BILLING_WRITE, apart=True)
async def create_credit_checkout(request: Request, who: SignedIn) -> Response:
    """Lead to Stripe's page where credit is paid."""
    form = await read_form(request, CreditForm)
    if form.data is None:
        raise NoSuchPack(field="pack")
    try:
        return await leave(request, await start_purchase(money_of(request), await place_of(request, who), form.data.pack, str(form.data.once)))
    except (NoCreditSold, NothingToSpendOn) as error:
        return go(request, CREDIT_PAGE, str(error), "bad")


@door.get(CREDIT_RETURN, needs=Permission.BILLING_READ, apart=True)
async def finish_credit(request: Request, who: SignedIn, session_id: str = "") -> Response:
    """Where Stripe's page leads back to: the credit is booked now, should its event not have come yet."""
    if not session_id:
        return go(request, CREDIT_PAGE)
    try:
        paid = await finish_purchase(money_of(request), await place_of(request, who), session_id)
    except StripeAway:
        return go(request, CREDIT_PAGE, CREDIT_COMING)
    return go(request, CREDIT_PAGE, "Thank you. Your credit is here." if paid else CREDIT_COMING)


@door.post(f"{PAGE}/portal", needs=Permission.BILLING_WRITE, apart=True)
async def create_portal(request: Request, who: SignedIn) -> Response:
    """Lead to Stripe's pages for the card, the address, the VAT id and the invoices."""
    form = await read_form(request, PortalForm)
    flow: Literal["payment_method_update"] | None = "payment_method_update" if form.data is not None and form.data.flow else None
    return await leave(request, await portal_link(money_of(request), await place_of(request, who), flow=flow))
