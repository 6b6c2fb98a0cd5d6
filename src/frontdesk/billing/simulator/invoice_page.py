"""The hosted page of an invoice: what it is for, its PDF, and a way to pay it; and the page of the bank that asks about a payment."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from frontdesk.billing.simulator import charging, collecting, invoice_screen, invoicing, methods, setting_up, typed_cards
from frontdesk.billing.simulator.account import Account
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.links import is_link
from frontdesk.billing.simulator.surroundings import address, here, leave
from frontdesk.billing.simulator.typed_cards import SHOWN
from frontdesk.billing.simulator.world import World
from frontdesk.errors import BadInput, Conflict, NotFound
from frontdesk.web import Form, check_form, render, typed

Object = dict[str, Any]


def routes() -> list[Route]:
    """The paths of invoices and of the bank."""
    return [
        Route("/invoice/{id}", show, methods=["GET"]),
        Route("/invoice/{id}/payment", pay, methods=["POST"]),
        Route("/invoice/{id}/pdf", download, methods=["GET"]),
        Route("/bank/{id}", ask, methods=["GET"]),
        Route("/bank/{id}", answer, methods=["POST"]),
    ]


async def show(request: Request) -> Response:
    """GET /invoice/{id}."""
    return await _page(request, Form.of({}))


async def pay(request: Request) -> Response:
    """POST /invoice/{id}/payment: with the usual card, or with another that is kept from then on."""
    await check_form(request)
    fields = await typed(request)
    try:
        asked = await _account(request).do(lambda world: _paid(world, _id(request), fields))
    except BadInput as error:
        return await _again(request, fields, error)
    if asked is not None:
        return RedirectResponse(f"{here(request)}/bank/{asked}", 303)
    refused = await _account(request).do(lambda world: _refusal(world, _id(request)))
    if refused is None:
        return RedirectResponse(f"{here(request)}/invoice/{_id(request)}", 303)
    return await _again(request, fields, refused)


async def download(request: Request) -> Response:
    """GET /invoice/{id}/pdf."""
    name, content = await _account(request).do(lambda world: invoice_screen.pdf(world, _id(request)))
    return Response(content, media_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'})


async def ask(request: Request) -> Response:
    """GET /bank/{id}: the bank wants to hear of this payment from the customer."""

    def look(world: World) -> Object:
        intent = _asking(world, _id(request))
        return {"amount": intent.get("amount"), "currency": intent.get("currency"), "method": methods.said(world.get(intent["payment_method"]))}

    shown = await _account(request).do(look)
    return await render(request, "billing/simulator/bank.html", action=f"{here(request)}/bank/{_id(request)}", **shown, **address(request))


async def answer(request: Request) -> Response:
    """POST /bank/{id}: yes or no; then the invoice again, or back to whoever wanted to keep a card."""
    await check_form(request)
    agrees = (await typed(request)).get("answer") == "yes"

    def act(world: World) -> str | None:
        intent = _asking(world, _id(request))
        if intent["object"] == "setup_intent":
            return _set_up(world, intent, agrees)
        if agrees:
            methods.set_up(world, intent["payment_method"])
            intent = charging.attempt(world, intent, intent["payment_method"], authenticated=True)
        else:
            intent = charging.fail_authentication(world, intent)
        return f"{here(request)}/invoice/{collecting.follow(world, intent)}"

    back = await _account(request).do(act)
    return await leave(request, "done", back) if back is None or is_link(back) else RedirectResponse(back, 303)


def _paid(world: World, id: str, fields: Mapping[str, Any]) -> str | None:
    """Try to pay; the intent whose bank asks, if one does. A try that fails is one, and stays. Raises BadInput for what is no card."""
    invoice = invoice_screen.invoice_of(world, id)
    if invoice["status"] not in ("open", "uncollectible"):
        raise Conflict("This invoice is not open any more.")
    method = None
    if fields.get("with") != "usual":
        made, _ = typed_cards.method_of(world, fields)
        try:
            method = methods.attach(world, made, invoice["customer"])["id"]
        except StripeError as error:
            raise typed_cards.beside_the_field(error) from None
    invoice = collecting.collect(world, invoice, method)
    if method is not None and invoice["status"] == "paid":
        methods.make_default(world, invoice["customer"], method)
    intent = invoicing.intent_of(world, invoice)
    return str(intent["id"]) if intent is not None and intent["status"] == "requires_action" else None


def _refusal(world: World, id: str) -> BadInput | None:
    """Why an invoice is still not paid, after a try."""
    invoice = invoice_screen.invoice_of(world, id)
    if invoice["status"] == "paid" or collecting.is_processing(world, invoice):
        return None
    return typed_cards.beside_the_field(collecting.refusal_of(world, invoice))


def _set_up(world: World, intent: Object, agrees: bool) -> str | None:
    """What the customer said about later payments; the address that whoever asked him gave, if one was."""
    back = intent["next_action"]["redirect_to_url"]["return_url"]
    if agrees:
        setting_up.attempt(world, intent, intent["payment_method"], authenticated=True)
    else:
        setting_up.fail(world, intent, "authentication_required")
    return None if back is None else str(back)


def _asking(world: World, id: str) -> Object:
    intent = world.found(id)
    if intent is None or intent["object"] not in ("payment_intent", "setup_intent") or intent["status"] != "requires_action":
        raise NotFound("The bank asks nothing here.")
    return intent


async def _again(request: Request, fields: Mapping[str, Any], error: BadInput) -> Response:
    form: Form[Any] = Form.of({name: value for name, value in fields.items() if name in ("number", "expiry", "name")})
    form.refuse(error)
    return await _page(request, form, 422)


async def _page(request: Request, form: Form[Any], status: int = 200) -> Response:
    shown = await _account(request).do(lambda world: invoice_screen.view(world, _id(request)))
    return await render(request, "billing/simulator/invoice.html", status_code=status, form=form, cards=SHOWN, **shown, **address(request))


def _account(request: Request) -> Account:
    account: Account = request.app.state.account
    return account


def _id(request: Request) -> str:
    return str(request.path_params["id"])
