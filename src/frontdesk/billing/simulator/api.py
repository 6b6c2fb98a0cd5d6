"""The scripting door: the switches of everything that can go wrong, what became of webhooks, and a fresh start."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import wraps
from json import JSONDecodeError
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from frontdesk.billing.simulator import advancing, clock, deliveries, faults, settings, shortcuts
from frontdesk.billing.simulator.account import Account
from frontdesk.errors import BadInput, FrontdeskError
from frontdesk.web.loopback import require_json, require_loopback

Door = Callable[[Request, Account], Awaitable[Response]]


def routes() -> list[Route]:
    """The paths of the scripting door."""
    return [
        Route("/_test/faults", _door(show_faults), methods=["GET"]),
        Route("/_test/faults", _door(put_faults), methods=["PUT"]),
        Route("/_test/faults", _door(delete_faults), methods=["DELETE"]),
        Route("/_test/deliveries", _door(show_deliveries), methods=["GET"]),
        Route("/_test/clock", _door(show_clock), methods=["GET"]),
        Route("/_test/advance", _door(advance_clock), methods=["POST"]),
        Route("/_test/settings", _door(show_settings), methods=["GET"]),
        Route("/_test/settings", _door(put_settings), methods=["PUT"]),
        Route("/_test/purchases", _door(create_purchase), methods=["POST"]),
        Route("/_test/cards", _door(create_card), methods=["POST"]),
        Route("/_test/account", _door(delete_account), methods=["DELETE"]),
    ]


async def show_faults(request: Request, account: Account) -> Response:
    """GET /_test/faults: the switches that are on."""
    return JSONResponse(await account.do(faults.described))


async def put_faults(request: Request, account: Account) -> Response:
    """PUT /_test/faults: these switches are on, and no others."""
    switches = faults.parse(await _json(request))
    await account.do(lambda world: faults.put(world, switches))
    return await show_faults(request, account)


async def delete_faults(request: Request, account: Account) -> Response:
    """DELETE /_test/faults: everything goes right again."""
    await account.do(lambda world: faults.put(world, {}))
    return Response(status_code=204)


async def show_deliveries(request: Request, account: Account) -> Response:
    """GET /_test/deliveries: the latest webhooks and what became of them, the newest first."""
    return JSONResponse({"waiting": await account.do(deliveries.waiting), "deliveries": await account.do(deliveries.log)})


async def show_clock(request: Request, account: Account) -> Response:
    """GET /_test/clock: what it shows, and when the next thing happens by itself."""
    return JSONResponse({"now": await account.do(lambda world: world.now()), "next": await account.do(clock.next_due)})


async def advance_clock(request: Request, account: Account) -> Response:
    """POST /_test/advance {"seconds": 3600}, or {"until": 1800000000}, or {"to": "next"}: time goes by, and what is due happens.

    With {"patient": true} webhooks are heard before the next thing happens.
    """
    wanted = await _json(request)
    until = await account.do(lambda world: settings.target(world, wanted))
    walk = await advancing.advance(account, until, patient=wanted.get("patient") is True)
    return JSONResponse({"now": walk.now, "happened": [asdict(one) for one in walk.happened]})


async def show_settings(request: Request, account: Account) -> Response:
    """GET /_test/settings: when payments are tried again, and what happens in the end."""
    return JSONResponse(await account.do(settings.described))


async def put_settings(request: Request, account: Account) -> Response:
    """PUT /_test/settings: these, and the usual ones for what is not named."""
    wanted = settings.parse(await _json(request))
    await account.do(lambda world: settings.put(world, wanted))
    return await show_settings(request, account)


async def create_purchase(request: Request, account: Account) -> Response:
    """POST /_test/purchases {"session": "cs_…", "number": "4242424242424242"}: what a customer does on the pay page, his bank included."""
    fields = {"expiry": "12/34", "cvc": "123", "country": "DE", **await _fields(request)}
    done = await account.do(lambda world: shortcuts.buy(world, fields))
    return JSONResponse({"session": done["id"], "status": done["status"], "subscription": done["subscription"]})


async def create_card(request: Request, account: Account) -> Response:
    """POST /_test/cards {"customer": "cus_…", "number": "4000000000000341"}: what a customer does on the portal to be charged by another card."""
    fields = {"expiry": "12/34", "cvc": "123", **await _fields(request)}
    return JSONResponse({"payment_method": await account.do(lambda world: shortcuts.give_card(world, fields))})


async def delete_account(request: Request, account: Account) -> Response:
    """DELETE /_test/account: everything is as on the first day."""
    await account.forget()
    return Response(status_code=204)


async def _fields(request: Request) -> dict[str, Any]:
    given = await _json(request)
    if not isinstance(given, dict):
        raise BadInput("Send a JSON object.")
    return given


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except (JSONDecodeError, UnicodeDecodeError):
        raise BadInput("Send JSON.") from None


def _door(handler: Door) -> Callable[[Request], Awaitable[Response]]:
    """Let only this machine in, with JSON; errors as JSON."""

    @wraps(handler)
    async def guarded(request: Request) -> Response:
        try:
            require_loopback(request)
            if request.method in ("POST", "PUT"):
                require_json(request)
            return await handler(request, request.app.state.account)
        except FrontdeskError as error:
            return JSONResponse({"error": str(error), "field": error.field}, error.status)

    return guarded
