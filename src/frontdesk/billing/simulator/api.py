"""The scripting door: the switches of everything that can go wrong, what became of webhooks, and a fresh start."""

from collections.abc import Awaitable, Callable
from functools import wraps
from json import JSONDecodeError
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from frontdesk.billing.simulator import deliveries, faults
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


async def delete_account(request: Request, account: Account) -> Response:
    """DELETE /_test/account: everything is as on the first day."""
    await account.forget()
    return Response(status_code=204)


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
