"""The customer portal: the card, invoices, tax ids, cancelling and resuming. Whoever has the address is the customer."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from frontdesk.billing.simulator import methods, portal_deeds, portal_screen
from frontdesk.billing.simulator.account import Account
from frontdesk.billing.simulator.buyers import TAX_ID_KINDS
from frontdesk.billing.simulator.pay_screen import countries
from frontdesk.billing.simulator.surroundings import address, here, leave, note
from frontdesk.billing.simulator.typed_cards import SHOWN
from frontdesk.billing.simulator.world import World
from frontdesk.errors import BadInput, NotFound
from frontdesk.web import Form, check_form, pages, render, typed

Object = dict[str, Any]
Deed = Callable[[World, str, Object], Any]


def routes() -> list[Route]:
    """The paths of the portal."""
    page = "/portal/{secret}"
    return [
        Route(page, show, methods=["GET"]),
        Route(f"{page}/card", show_card, methods=["GET"]),
        Route(f"{page}/card", give_card, methods=["POST"]),
        Route(f"{page}/card/bank", ask, methods=["GET"]),
        Route(f"{page}/card/bank", answer, methods=["POST"]),
        Route(f"{page}/cards/{{id}}/choice", _done(lambda world, secret, at: portal_deeds.choose_card(world, secret, at["id"])), methods=["POST"]),
        Route(f"{page}/cards/{{id}}/removal", _done(lambda world, secret, at: portal_deeds.remove_card(world, secret, at["id"])), methods=["POST"]),
        Route(f"{page}/subscriptions/{{id}}/cancellation", show_cancellation, methods=["GET"]),
        Route(f"{page}/subscriptions/{{id}}/cancellation", _done(lambda world, secret, at: portal_deeds.cancel(world, secret, at["id"], at)), methods=["POST"]),
        Route(f"{page}/subscriptions/{{id}}/resumption", _done(lambda world, secret, at: portal_deeds.resume(world, secret, at["id"])), methods=["POST"]),
        Route(f"{page}/details", _done(portal_deeds.change_details), methods=["POST"]),
        Route(f"{page}/tax_ids", _done(portal_deeds.add_tax_id), methods=["POST"]),
        Route(f"{page}/tax_ids/{{id}}/removal", _done(lambda world, secret, at: portal_deeds.remove_tax_id(world, secret, at["id"])), methods=["POST"]),
    ]


async def show(request: Request) -> Response:
    """GET /portal/{secret}: everything; a session that is for one thing begins there."""
    try:
        shown = await _account(request).do(lambda world: portal_screen.view(world, _secret(request)))
    except portal_screen.LinkHasExpired:
        return await note(request, "gone", None, 404)
    flow = shown["session"]["flow"]
    if flow and "home" not in request.query_params:
        place = "card" if flow["type"] == "payment_method_update" else f"subscriptions/{(flow['subscription_cancel'] or {}).get('subscription')}/cancellation"
        return RedirectResponse(f"{here(request)}/portal/{_secret(request)}/{place}", 303)
    return await _page(request, Form.of({}), shown)


async def show_card(request: Request, form: Form[Any] | None = None) -> Response:
    """GET /portal/{secret}/card: give another card."""
    shown = await _account(request).do(lambda world: portal_screen.view(world, _secret(request)))
    wrong = form is not None
    return await render(
        request, "billing/simulator/card.html", status_code=422 if wrong else 200, form=form or Form.of({}), cards=SHOWN, **_own(request), **shown
    )


async def give_card(request: Request) -> Response:
    """POST /portal/{secret}/card: keep it and charge it, once the bank agrees."""
    await check_form(request)
    fields = await typed(request)
    try:
        kept = await _account(request).do(lambda world: portal_deeds.give_card(world, _secret(request), fields))
    except BadInput as error:
        return await _card_again(request, fields, error)
    return await _after(request) if kept else RedirectResponse(f"{here(request)}/portal/{_secret(request)}/card/bank", 303)


async def ask(request: Request) -> Response:
    """GET /portal/{secret}/card/bank: the bank wants to hear it from the customer."""

    def look(world: World) -> str:
        portal_screen.session_of(world, _secret(request))
        waits = world.private(portal_deeds.WAITS + _secret(request))
        if not waits:
            raise NotFound("The bank asks nothing here.")
        return methods.said(world.get(world.get(waits["intent"])["payment_method"]))

    said = await _account(request).do(look)
    action = f"{here(request)}/portal/{_secret(request)}/card/bank"
    return await render(request, "billing/simulator/bank.html", action=action, amount=None, currency="eur", method=said, **address(request))


async def answer(request: Request) -> Response:
    """POST /portal/{secret}/card/bank: yes or no."""
    await check_form(request)
    agrees = (await typed(request)).get("answer") == "yes"
    try:
        await _account(request).do(lambda world: portal_deeds.answer_bank(world, _secret(request), agrees=agrees))
    except BadInput as error:
        return await _card_again(request, {}, error)
    return await _after(request)


async def show_cancellation(request: Request) -> Response:
    """GET /portal/{secret}/subscriptions/{id}/cancellation: is it meant, and why."""
    shown = await _account(request).do(lambda world: portal_screen.view(world, _secret(request)))
    one = next((one for one in shown["subscriptions"] if one["id"] == request.path_params["id"]), None)
    if one is None or not shown["features"]["subscription_cancel"]["enabled"]:
        raise NotFound("There is nothing to cancel here.")
    return await render(request, "billing/simulator/cancellation.html", one=one, reasons=portal_deeds.REASONS, **_own(request), **shown)


def _done(deed: Deed) -> Callable[[Request], Any]:
    """A form that does something and shows the portal again, with what is wrong if something is."""

    async def door(request: Request) -> Response:
        await check_form(request)
        fields = await typed(request)
        try:
            await _account(request).do(lambda world: deed(world, _secret(request), fields | request.path_params))
        except BadInput as error:
            form: Form[Any] = Form.of(fields)
            form.refuse(error)
            return await _page(request, form, await _account(request).do(lambda world: portal_screen.view(world, _secret(request))), 422)
        return await _after(request)

    return door


async def _after(request: Request) -> Response:
    """Where the product said that one goes when it is done, else the portal."""
    session = await _account(request).do(lambda world: portal_screen.session_of(world, _secret(request)))
    after = (session["flow"] or {}).get("after_completion") or {}
    if after.get("redirect"):
        return await leave(request, "done", after["redirect"]["return_url"])
    if after.get("type") == "hosted_confirmation":
        return await note(request, "saved", session["return_url"])
    return RedirectResponse(f"{here(request)}/portal/{_secret(request)}?home=1", 303)


async def _card_again(request: Request, fields: Object, error: BadInput) -> Response:
    form: Form[Any] = Form.of({name: value for name, value in fields.items() if name in ("number", "expiry", "name")})
    form.refuse(error)
    return await show_card(request, form)


async def _page(request: Request, form: Form[Any], shown: Object, status: int = 200) -> Response:
    customer = shown["customer"]
    known = {"name": customer["name"], "email": customer["email"], "country": shown["country"], **(customer["address"] or {})}
    form.values = {name: value for name, value in known.items() if value} | form.values
    more: Object = {"countries": countries(pages().locale), "kinds": list(TAX_ID_KINDS.items())}
    return await render(request, "billing/simulator/portal.html", status_code=status, form=form, **more, **_own(request), **shown)


def _own(request: Request) -> Object:
    return {"place": f"{here(request)}/portal/{_secret(request)}", **address(request)}


def _account(request: Request) -> Account:
    account: Account = request.app.state.account
    return account


def _secret(request: Request) -> str:
    return str(request.path_params["secret"])
