"""Where an operator sees what another plan costs an organization that bought one, changes it, lets it end, and keeps it after all."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import Response

from frontdesk import billing
from frontdesk.billing import AmountChanged, BeingChanged, Change, Done, Money, Move, Place
from frontdesk.database import Console
from frontdesk.errors import BadInput, Conflict
from frontdesk.live import SESSIONS
from frontdesk.operator.organizations import actions as organizations
from frontdesk.operator.organizations.showing import page
from frontdesk.operator.purchases import actions
from frontdesk.web import OPERATOR, Door, Form, SignedIn, go, in_console, read_form, render

door = Door()

PURCHASE = "/operator/organizations/{organization_id}/purchase"


class PurchaseForm(BaseModel):
    """What was shown: the price, what is charged at once in minor units, and up to which second was counted; and why."""

    price: str = ""
    amount: int = 0
    proration_date: int = 0
    reason: str = ""


@door.get(PURCHASE, needs=OPERATOR, apart=True)
async def show(request: Request, who: SignedIn, organization_id: UUID, price: str = "") -> Response:
    """What this price would do and cost. `price`: its lookup key."""
    async with in_console(request, who) as db:
        await organizations.find(db, organization_id)
        by = db.actor
    try:
        change = await billing.preview_change(_money(request), Place(organization_id, by), price)
    except billing.CHANGE_REFUSED as error:
        return go(request, _home(organization_id), str(error), "bad")
    return await _page(request, who, organization_id, change, Form())


@door.post(PURCHASE, needs=OPERATOR, fresh=True, apart=True)
async def change(request: Request, who: SignedIn, organization_id: UUID) -> Response:
    """Change it, for the amount that was shown; that it was asked for stands in the organization's log together with the reason."""
    form = await read_form(request, PurchaseForm)
    sent, money, home = form.data or PurchaseForm(), _money(request), _home(organization_id)
    async with in_console(request, who) as db:
        await organizations.find(db, organization_id)
        by = db.actor
    try:
        shown = await billing.preview_change(money, Place(organization_id, by), sent.price)
        at = actions.place(organization_id, by, sent.reason)
        async with in_console(request, who) as db:
            await actions.order(db, at, shown)
        done = await billing.change_plan(money, at, shown, sent.proration_date, sent.amount)
    except BadInput as error:
        form.refuse(error)
        return await _page(request, who, organization_id, shown, form)
    except (AmountChanged, BeingChanged) as error:
        return await _page(request, who, organization_id, await billing.preview_change(money, Place(organization_id, by), sent.price), form, error)
    except billing.CHANGE_REFUSED as error:
        return go(request, home, str(error), "bad")
    response = go(request, home, _told(done, shown.move), "info" if done.pay_at else "ok")
    response.background = BackgroundTask(request.app.state.live.changed, [organization_id], SESSIONS)
    return response


@door.post(PURCHASE + "/cancellation", needs=OPERATOR, fresh=True, apart=True)
async def cancel(request: Request, who: SignedIn, organization_id: UUID) -> Response:
    """Let what it bought end with its period; what is not paid ends at once."""

    async def end(at: Place, plan: str) -> str:
        ends_at = await billing.cancel_plan(_money(request), at)
        if ends_at:  # what has ended at once is told as every end is
            async with in_console(request, who) as db:
                await actions.tell(db, at, plan, ends_at)
        return f"It ends on {ends_at:%d %B %Y}. Until then nothing is less." if ends_at else "It has ended. Nothing more is charged."

    return await _order(request, who, organization_id, actions.order_end, end, "cancellation")


@door.post(PURCHASE + "/keeping", needs=OPERATOR, fresh=True, apart=True)
async def keep(request: Request, who: SignedIn, organization_id: UUID) -> Response:
    """Let it go on as it is: what was to end does not, and what was to follow neither."""

    async def go_on(at: Place, plan: str) -> str:
        await billing.keep_plan(_money(request), at)
        async with in_console(request, who) as db:
            await actions.tell(db, at, plan, None)
        return "It goes on as it is."

    return await _order(request, who, organization_id, actions.order_keeping, go_on, "keeping")


async def _order(
    request: Request,
    who: SignedIn,
    organization_id: UUID,
    note: Callable[[Console, Place], Awaitable[str]],
    do: Callable[[Place, str], Awaitable[str]],
    form_id: str,
) -> Response:
    """Have something done to what it bought, with a reason, which is written down before the provider is asked."""
    form = await read_form(request, PurchaseForm)
    try:
        async with in_console(request, who) as db:
            at = actions.place(organization_id, db.actor, (form.data or PurchaseForm()).reason)
            plan = await note(db, at)
        said = await do(at, plan)
    except BadInput as error:
        form.refuse(error)
        async with in_console(request, who) as db:
            return await page(request, db, organization_id, form, form_id)
    except (actions.NothingToCancel, actions.NothingToKeep, BeingChanged, *billing.CHANGE_REFUSED) as error:
        return go(request, _home(organization_id), str(error), "bad")
    response = go(request, _home(organization_id), said)
    response.background = BackgroundTask(request.app.state.live.changed, [organization_id], SESSIONS)
    return response


def _told(done: Done, move: Move) -> str:
    if done.pay_at:
        return f"Its owners have to confirm the payment: until then it stays as it is. The invoice for {done.plan.name} waits on their page Billing."
    return f"It changes to {done.plan.name} on {done.at:%d %B %Y}." if move is Move.DOWNGRADE else f"It is on {done.plan.name} now."


async def _page(request: Request, who: SignedIn, organization_id: UUID, change: Change, form: Form[Any], error: Conflict | None = None) -> Response:
    async with in_console(request, who) as db:
        one = await organizations.find(db, organization_id)
        status_code = error.status if error else 422 if form.errors else 200
        return await render(request, "operator/purchases/show.html", status_code=status_code, one=one, change=change, form=form, error=error)


def _home(organization_id: UUID) -> str:
    return f"/operator/organizations/{organization_id}"


def _money(request: Request) -> Money:
    money: Money | None = request.app.state.money
    if money is None:
        raise billing.NothingForSale
    return money
