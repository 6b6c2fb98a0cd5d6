"""Changing the plan, cancelling it and keeping it: each with what it means shown before."""

from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, StringConstraints
from starlette.responses import Response

from frontdesk import billing, usage
from frontdesk.access import Permission
from frontdesk.billing.lifecycle import changes
from frontdesk.billing.lifecycle.moves import Move, over
from frontdesk.billing.lifecycle.previews import AmountChanged, Change, NoChange, NothingBought, PayFirst, PaymentDeclined, preview
from frontdesk.billing.lifecycle.turns import BeingChanged
from frontdesk.billing.payment.web import PAGE, money_of, place_of
from frontdesk.errors import Conflict
from frontdesk.web import Db, Door, SignedIn, entered, go, leave, read_form, render

door = Door()
CHANGE = f"{PAGE}/change"
CANCELLATION = f"{PAGE}/cancellation"
FREE = "free"

LookupKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{1,80}$")]


class ChangeForm(BaseModel):
    """What was shown: the price, what is charged at once in minor units, and up to which second was counted."""

    price: LookupKey
    amount: int = 0
    proration_date: int = 0


@door.get(CHANGE, needs=Permission.BILLING_WRITE, apart=True)
async def show(request: Request, who: SignedIn, price: str = "") -> Response:
    """What choosing this price means, and exactly what it costs now. `price`: its lookup key."""
    try:
        return await _page(request, who, await preview(money_of(request), await place_of(request, who), price))
    except (NothingBought, NoChange, PayFirst, billing.NotForSale) as error:
        return go(request, PAGE, str(error), "bad")


@door.post(CHANGE, needs=Permission.BILLING_WRITE, apart=True)
async def create(request: Request, who: SignedIn) -> Response:
    """Change the plan: at once for the amount that was shown, or when the period ends."""
    form = await read_form(request, ChangeForm)
    if form.data is None:
        return go(request, PAGE, "Choose a plan first.", "bad")
    money, at, sent = money_of(request), await place_of(request, who), form.data
    try:
        change = await preview(money, at, sent.price)
        done = await changes.carry_out(money, at, change, sent.proration_date, sent.amount)
    except (AmountChanged, BeingChanged) as error:
        return await _page(request, who, await preview(money, at, sent.price), error)
    except (NothingBought, NoChange, PayFirst, PaymentDeclined, billing.NotForSale) as error:
        return go(request, PAGE, str(error), "bad")
    if change.move is Move.DOWNGRADE:
        return go(request, PAGE, f"You change to {done.plan.name} on {done.at:%d %B %Y}. Until then nothing is less.", "info")
    if done.pay_at:
        return await leave(request, done.pay_at)
    return go(request, PAGE, f"You are on {done.plan.name} now.")


@door.get(CANCELLATION, needs=Permission.BILLING_WRITE)
async def show_cancellation(request: Request, db: Db) -> Response:
    """What cancelling means."""
    subscription = await billing.current(db)
    if subscription is None or not subscription.lives:
        return go(request, PAGE, str(NothingBought()), "bad")
    used = {one.metric: one.used for one in await usage.overview(db)}
    free = await billing.plan(db, FREE)
    return await render(request, "billing/cancellation.html", subscription=subscription, over=over(free, used) if free else ())


@door.post(CANCELLATION, needs=Permission.BILLING_WRITE, apart=True)
async def cancel(request: Request, who: SignedIn) -> Response:
    """Let the plan end with its period."""
    try:
        ends_at = await changes.cancel(money_of(request), await place_of(request, who))
    except (NothingBought, BeingChanged) as error:
        return go(request, PAGE, str(error), "bad")
    return go(
        request, PAGE, f"Cancelled. Everything works until {ends_at:%d %B %Y}." if ends_at else "Your subscription has ended. Nothing more is charged.", "info"
    )


@door.post(f"{PAGE}/keeping", needs=Permission.BILLING_WRITE, apart=True)
async def keep(request: Request, who: SignedIn) -> Response:
    """Take a cancellation back, or a change that was to come."""
    try:
        await changes.keep(money_of(request), await place_of(request, who))
    except (NothingBought, BeingChanged) as error:
        return go(request, PAGE, str(error), "bad")
    return go(request, PAGE, "Your plan goes on as it is.")


async def _page(request: Request, who: SignedIn, change: Change, error: Conflict | None = None) -> Response:
    async with entered(request, who) as db:
        used = {one.metric: one.used for one in await usage.overview(db)}
        beyond = over(change.plan, used) if change.move is Move.DOWNGRADE else ()
        return await render(request, "billing/change.html", status_code=error.status if error else 200, change=change, over=beyond, error=error)
