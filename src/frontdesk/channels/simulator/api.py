"""The scripting door: tests play customers here, and read what arrived on their phones."""

import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from frontdesk.channels.simulator import actions, faults, reading
from frontdesk.channels.simulator.records import Limits, Message, Person, SandboxNumber
from frontdesk.channels.simulator.world import World
from frontdesk.errors import BadInput, FrontdeskError
from frontdesk.web.loopback import require_json, require_loopback

Door = Callable[[Request], Awaitable[Response]]


class NoSuchNumber(BadInput):
    """There is no simulated number with this id."""


def routes() -> list[Route]:
    """The paths of the scripting door."""
    return [
        Route("/inbound", _door(create_inbound), methods=["POST"]),
        Route("/messages", _door(list_messages), methods=["GET"]),
        Route("/messages", _door(delete_messages), methods=["DELETE"]),
        Route("/faults/{phone_number_id}", _door(show_faults), methods=["GET"]),
        Route("/faults/{phone_number_id}", _door(put_faults), methods=["PUT"]),
        Route("/faults/{phone_number_id}", _door(delete_faults), methods=["DELETE"]),
        Route("/limits/{phone_number_id}", _door(show_limits), methods=["GET"]),
        Route("/limits/{phone_number_id}", _door(put_limits), methods=["PUT"]),
        Route("/limits/{phone_number_id}", _door(delete_limits), methods=["DELETE"]),
    ]


async def create_inbound(request: Request) -> Response:
    """POST /inbound: somebody writes to a number."""
    world: World = request.app.state.world
    body = reading.object_of(await request.body())
    sender, note = reading.inbound(body, world.people)
    number = await _number(world, body.get("to"), "to")
    message = await actions.write(world, number, sender, note)
    return JSONResponse({"id": message.wamid, "from": sender.phone, "user_id": sender.bsuid}, 202)


async def list_messages(request: Request) -> Response:
    """GET /messages?to=+49…: what this phone received, newest last. `from` narrows it to one number."""
    world: World = request.app.state.world
    query = request.query_params
    address = query.get("to", "")
    # A plus sign in an address means a space unless it is escaped; nobody means a space here.
    person = world.people.found("+" + address[1:] if address.startswith(" ") else address, field="to")
    limit = reading.limit(query.get("limit", "1000"))
    found = await world.received(person.bsuid, query.get("from") or None, limit)
    wanted = found if query.get("failed") in ("1", "true") else [message for message in found if message.error_code is None]
    return JSONResponse([_shown(message, person) for message in wanted])


async def delete_messages(request: Request) -> Response:
    """DELETE /messages: empty every phone and switch every fault off."""
    await request.app.state.world.forget()
    return Response(status_code=204)


async def show_faults(request: Request) -> Response:
    """GET /faults/{phone_number_id}: the switches that are on."""
    world: World = request.app.state.world
    number = await _number(world, request.path_params["phone_number_id"], "phone_number_id")
    return JSONResponse(world.faults.of(number.phone_number_id).described())


async def put_faults(request: Request) -> Response:
    """PUT /faults/{phone_number_id}: these switches are on, and no others."""
    world: World = request.app.state.world
    number = await _number(world, request.path_params["phone_number_id"], "phone_number_id")
    world.faults.put(number.phone_number_id, faults.parse(reading.object_of(await request.body())))
    return JSONResponse(world.faults.of(number.phone_number_id).described())


async def delete_faults(request: Request) -> Response:
    """DELETE /faults/{phone_number_id}: everything goes right again."""
    world: World = request.app.state.world
    number = await _number(world, request.path_params["phone_number_id"], "phone_number_id")
    world.faults.put(number.phone_number_id, faults.Faults())
    return Response(status_code=204)


async def show_limits(request: Request) -> Response:
    """GET /limits/{phone_number_id}: how fast this number may send."""
    world: World = request.app.state.world
    number = await _number(world, request.path_params["phone_number_id"], "phone_number_id")
    return JSONResponse(_limits(world.rates.of(number.phone_number_id)))


async def put_limits(request: Request) -> Response:
    """PUT /limits/{phone_number_id}: rates of this number's own."""
    world: World = request.app.state.world
    number = await _number(world, request.path_params["phone_number_id"], "phone_number_id")
    wanted = _limits(world.settings.limits) | reading.object_of(await request.body())
    for name, value in wanted.items():
        if name not in _limits(world.settings.limits):
            raise BadInput("There is no such limit.", field=name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1_000_000:
            raise BadInput("A limit is a number above 0.", field=name)
    world.rates.change(number.phone_number_id, Limits(**wanted))
    return JSONResponse(wanted)


async def delete_limits(request: Request) -> Response:
    """DELETE /limits/{phone_number_id}: the usual rates again."""
    world: World = request.app.state.world
    number = await _number(world, request.path_params["phone_number_id"], "phone_number_id")
    world.rates.change(number.phone_number_id, None)
    return Response(status_code=204)


def _door(inner: Door) -> Door:
    """Let only this machine in, and name the field that is wrong."""

    @wraps(inner)
    async def outer(request: Request) -> Response:
        try:
            require_loopback(request)
            if request.method in ("POST", "PUT"):
                require_json(request)
            return await inner(request)
        except FrontdeskError as error:
            return JSONResponse({"error": {"field": error.field, "message": str(error)}}, error.status)

    return outer


async def _number(world: World, phone_number_id: object, field: str) -> SandboxNumber:
    known = await world.number(phone_number_id) if isinstance(phone_number_id, str) else None
    if known is None:
        raise NoSuchNumber(field=field)
    return known


def _shown(message: Message, person: Person) -> dict[str, Any]:
    reaction = {"emoji": message.emoji, "message_id": message.target} if message.type == "reaction" else {}
    return {
        "id": message.wamid,
        "from": message.phone_number_id,
        "to": person.address,
        "type": message.type,
        "text": message.text,
        **reaction,
        "reply_to": message.reply_to,
        "biz_opaque_callback_data": message.opaque,
        "status": message.status(time.time()),
        "error_code": message.error_code,
        "at": message.at,
    }


def _limits(limits: Limits) -> dict[str, Any]:
    return {name: getattr(limits, name) for name in ("per_second", "pair_seconds", "pair_burst")}
