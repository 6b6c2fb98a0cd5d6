"""The page of the simulated account: its clock, its customers, and the switches of everything that can go wrong."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from frontdesk.billing.simulator import advancing, console_screen, faults, settings, shortcuts
from frontdesk.billing.simulator.account import Account
from frontdesk.billing.simulator.surroundings import address, here
from frontdesk.billing.simulator.world import World
from frontdesk.errors import BadInput
from frontdesk.web import Form, SignInNeeded, check_form, find_visitor, render, typed

Object = dict[str, Any]


def routes() -> list[Route]:
    """The paths of the account's page."""
    return [
        Route("/", show, methods=["GET"]),
        Route("/clock", advance, methods=["POST"]),
        Route("/settings", change_settings, methods=["POST"]),
        Route("/switches", change_switches, methods=["POST"]),
        Route("/customers/{id}", show_customer, methods=["GET"]),
        Route("/customers/{id}/card", change_card, methods=["POST"]),
        Route("/charges/{id}/refund", give_back, methods=["POST"]),
        Route("/charges/{id}/dispute", dispute, methods=["POST"]),
    ]


async def show(request: Request) -> Response:
    """GET /: the account, with the customers of the visitor's own organizations."""
    return await _page(request, await _owners(request), None)


async def advance(request: Request) -> Response:
    """POST /clock: time goes by, and what is due happens."""
    await _owners(request)
    await check_form(request)
    step = str((await typed(request)).get("step", ""))
    account = _account(request)
    until = await account.do(lambda world: console_screen.target(world, step))
    await advancing.advance(account, until, patient=True)
    return RedirectResponse(f"{here(request)}/", 303)


async def change_settings(request: Request) -> Response:
    """POST /settings: when payments are tried again, and what happens in the end."""
    owners = await _owners(request)
    await check_form(request)
    fields = await typed(request)
    try:
        wanted = console_screen.plan_of(fields)
    except BadInput as error:
        form: Form[Any] = Form.of({name: value for name, value in fields.items() if name != "csrf_token"})
        form.refuse(error)
        return await _page(request, owners, form)
    await _account(request).do(lambda world: settings.put(world, wanted))
    return RedirectResponse(f"{here(request)}/", 303)


async def change_switches(request: Request) -> Response:
    """POST /switches: what is ticked is on, and everything else is off. What was on already stays as strong as it was."""
    await _owners(request)
    await check_form(request)
    fields = await typed(request)

    def put(world: World) -> None:
        before = faults.on(world)
        faults.put(
            world, {name: before.get(name) or switch for name, switch in faults.parse({name: True for name in faults.OPTIONS if name in fields}).items()}
        )

    await _account(request).do(put)
    return RedirectResponse(f"{here(request)}/", 303)


async def show_customer(request: Request) -> Response:
    """GET /customers/{id}."""
    owners = await _owners(request)
    shown = await _account(request).do(lambda world: console_screen.person(world, _id(request), owners))
    return await render(request, "billing/simulator/person.html", **shown, **address(request))


async def change_card(request: Request) -> Response:
    """POST /customers/{id}/card: the customer is charged by this one from now on, without being asked."""
    owners = await _owners(request)
    await check_form(request)
    number = str((await typed(request)).get("number", ""))

    def give(world: World) -> None:
        customer = console_screen.customer_of(world, _id(request), owners)
        shortcuts.give_card(world, {"customer": customer["id"], "number": number, "expiry": "12/34", "cvc": "123"})

    await _account(request).do(give)
    return RedirectResponse(f"{here(request)}/customers/{_id(request)}", 303)


async def give_back(request: Request) -> Response:
    """POST /charges/{id}/refund."""
    return await _take_back(request, disputed=False)


async def dispute(request: Request) -> Response:
    """POST /charges/{id}/dispute: the customer's bank takes the money back."""
    return await _take_back(request, disputed=True)


async def _take_back(request: Request, *, disputed: bool) -> Response:
    owners = await _owners(request)
    await check_form(request)

    def act(world: World) -> str:
        console_screen.take_back(world, _id(request), owners, disputed=disputed)
        return str(world.get(_id(request))["customer"])

    customer = await _account(request).do(act)
    return RedirectResponse(f"{here(request)}/customers/{customer}", 303)


async def _owners(request: Request) -> set[str] | None:
    """The organizations whose customers this visitor may see; None, which is all, for operators and where the simulator runs by itself.

    Raises SignInNeeded.
    """
    if not hasattr(request.app.state, "find_visitor"):
        return None
    visitor = await find_visitor(request)
    if visitor is None:
        raise SignInNeeded
    return None if visitor.is_operator else {str(one.organization_id) for one in visitor.organizations}


async def _page(request: Request, owners: set[str] | None, form: Form[Any] | None) -> Response:
    shown = await _account(request).do(lambda world: console_screen.view(world, owners))
    status = 422 if form else 200
    return await render(request, "billing/simulator/console.html", status_code=status, form=form or Form.of(shown["plan"]), **shown, **address(request))


def _account(request: Request) -> Account:
    account: Account = request.app.state.account
    return account


def _id(request: Request) -> str:
    return str(request.path_params["id"])
