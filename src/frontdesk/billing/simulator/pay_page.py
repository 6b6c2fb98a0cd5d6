"""The hosted pay page: what is bought, a card, and the bank that may ask."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from frontdesk.billing.simulator import buying, methods, pay_screen, paying
from frontdesk.billing.simulator.account import Account
from frontdesk.billing.simulator.surroundings import address, here, leave, note
from frontdesk.errors import BadInput
from frontdesk.web import Form, check_form, pages, render, typed

Object = dict[str, Any]


def routes() -> list[Route]:
    """The paths of the pay page."""
    page = "/pay/{session}"
    return [
        Route(page, show, methods=["GET"]),
        Route(page, pay, methods=["POST"]),
        Route(f"{page}/code", change_code, methods=["POST"]),
        Route(f"{page}/bank", ask, methods=["GET"]),
        Route(f"{page}/bank", answer, methods=["POST"]),
    ]


async def show(request: Request) -> Response:
    """GET /pay/{session}: the page; whoever has paid already is led back to the product."""
    shown = await _account(request).do(lambda world: pay_screen.view(world, _id(request)))
    if shown["session"]["status"] == "complete":
        return await leave(request, "paid", _success(shown["session"]))
    if shown["session"]["status"] == "expired":
        return await note(request, "expired", shown["session"]["cancel_url"])
    customer = shown["customer"] or {}
    known = {"email": shown["session"]["customer_email"] or customer.get("email") or "", "name": customer.get("name") or "", "country": shown["country"]}
    return await _page(request, shown, Form.of(known))


async def pay(request: Request) -> Response:
    """POST /pay/{session}: pay, or hear what is wrong beside the field at fault."""
    await check_form(request)
    fields = await typed(request)
    form: Form[Any] = Form.of(fields)
    try:
        session = await _account(request).do(lambda world: paying.submit(world, _id(request), fields))
    except BadInput as error:
        form.refuse(error)
        return await _again(request, form)
    except paying.CheckoutIsOver:
        return _on(request)  # paid in another tab
    return _on(request) if session else RedirectResponse(f"{here(request)}/pay/{_id(request)}/bank", 303)


async def change_code(request: Request) -> Response:
    """POST /pay/{session}/code: redeem a promotion code, or take it away."""
    await check_form(request)
    fields = await typed(request)
    try:
        await _account(request).do(lambda world: paying.use_code(world, _id(request), str(fields.get("code", ""))))
    except BadInput as error:
        form: Form[Any] = Form.of(fields)
        form.refuse(error)
        return await _again(request, form)
    return _on(request)


async def ask(request: Request) -> Response:
    """GET /pay/{session}/bank: the bank wants to hear it from the customer."""

    def look(world: Any) -> Object:
        session = paying.unfinished_checkout(world, _id(request))
        waits = world.private(session["id"]).get("waits")
        if not waits:
            raise paying.CheckoutIsOver("The bank asks nothing here. Go back to the checkout.")
        discount = paying.discount_of(world, session)
        quoted = buying.quote(world, session, [discount] if discount else buying.discounts_for(world, session), waits["country"])
        return {"amount": quoted["amount_due"], "currency": quoted["currency"], "method": methods.said(world.get(waits["method"]))}

    shown = await _account(request).do(look)
    return await render(request, "billing/simulator/bank.html", action=f"{here(request)}/pay/{_id(request)}/bank", **shown, **address(request))


async def answer(request: Request) -> Response:
    """POST /pay/{session}/bank: yes or no."""
    await check_form(request)
    agrees = (await typed(request)).get("answer") == "yes"
    try:
        await _account(request).do(lambda world: paying.answer_bank(world, _id(request), agrees=agrees))
    except BadInput as error:
        form: Form[Any] = Form.of({})
        form.refuse(error)
        return await _again(request, form)
    except paying.CheckoutIsOver:
        return _on(request)
    return _on(request)


def _on(request: Request) -> Response:
    """Back to the page itself, which knows what comes next."""
    return RedirectResponse(f"{here(request)}/pay/{_id(request)}", 303)


async def _again(request: Request, form: Form[Any]) -> Response:
    """The page once more, with what was typed and what is wrong with it."""
    shown = await _account(request).do(lambda world: pay_screen.view(world, _id(request)))
    if shown["session"]["status"] != "open":
        return await note(request, "expired", shown["session"]["cancel_url"])
    known = {"email": (shown["customer"] or {}).get("email") or "", "country": shown["country"]}
    form.values = known | {name: value for name, value in form.values.items() if name not in ("csrf_token", "cvc")}
    return await _page(request, shown, form, 422)


async def _page(request: Request, shown: Object, form: Form[Any], status: int = 200) -> Response:
    places = pay_screen.countries(pages().locale)
    return await render(request, "billing/simulator/pay.html", status_code=status, form=form, countries=places, **shown, **address(request))


def _success(session: Object) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _account(request: Request) -> Account:
    account: Account = request.app.state.account
    return account


def _id(request: Request) -> str:
    return str(request.path_params["session"])
