"""The scripting door: tests play customers here, and read what arrived on their phones."""

import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from frontdesk.channels.simulator import actions, faults, people
from frontdesk.channels.simulator.actions import Note
from frontdesk.channels.simulator.loopback import require_json, require_loopback
from frontdesk.channels.simulator.records import Limits, Message, Person, SandboxNumber
from frontdesk.channels.simulator.world import World
from frontdesk.errors import BadInput, FrontdeskError

LONGEST_TEXT = 4096
LONGEST_ID = 256
MOST_MESSAGES = 10_000
INBOUND = {"to", "from", "bsuid", "username", "name", "text", "reaction", "reply_to", "id", "timestamp"}

Door = Callable[[Request], Awaitable[Response]]


class BadRequestBody(BadInput):
    """Send a JSON object."""


class NoSuchNumber(BadInput):
    """There is no simulated number with this id."""


class EmptyText(BadInput):
    """Write something: a text, or a reaction."""


class TextTooLong(BadInput):
    """A message has at most 4,096 characters."""


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
    body = await _object(request)
    for name in body:
        if name not in INBOUND:
            raise BadInput(f"There is no such field. There are: {', '.join(sorted(INBOUND))}.", field=name)
    number = await _number(world, body.get("to"), "to")
    sender = _sender(world, body)
    message = await actions.write(world, number, sender, _note(body))
    return JSONResponse({"id": message.wamid, "from": sender.phone, "user_id": sender.bsuid}, 202)


async def list_messages(request: Request) -> Response:
    """GET /messages?to=+49…: what this phone received, newest last. `from` narrows it to one number."""
    world: World = request.app.state.world
    query = request.query_params
    address = query.get("to", "")
    # A plus sign in an address means a space unless it is escaped; nobody means a space here.
    person = world.people.found("+" + address[1:] if address.startswith(" ") else address, field="to")
    limit = _limit(query.get("limit", "1000"))
    found = await world.received(person.bsuid, query.get("from") or None, limit)
    wanted = (
        found if query.get("failed") in ("1", "true") else [message for message in found if message.error_code is None]
    )
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
    world.faults.put(number.phone_number_id, faults.parse(await _object(request)))
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
    wanted = _limits(world.settings.limits) | await _object(request)
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


async def _object(request: Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise BadRequestBody(f"This is not JSON: {error}.") from None
    if not isinstance(body, dict):
        raise BadRequestBody()
    return body


async def _number(world: World, phone_number_id: object, field: str) -> SandboxNumber:
    known = await world.number(phone_number_id) if isinstance(phone_number_id, str) else None
    if known is None:
        raise NoSuchNumber(field=field)
    return known


def _sender(world: World, body: dict[str, Any]) -> Person:
    """Who writes: by number, by user id, or by username."""
    given = [name for name in ("from", "bsuid", "username") if body.get(name) is not None]
    if len(given) != 1:
        raise BadInput(
            "Say who writes: from (a number), bsuid or username, one of them.", field=given[0] if given else "from"
        )
    maker = {"from": people.of_phone, "bsuid": people.of_bsuid, "username": people.of_username}[given[0]]
    stranger = maker(_text(body, given[0]) or "", field=given[0])
    return people.named(world.people.get(stranger.bsuid) or stranger, _text(body, "name"))


def _note(body: dict[str, Any]) -> Note:
    wamid, at = _text(body, "id", LONGEST_ID), _timestamp(body)
    reaction = body.get("reaction")
    if reaction is not None:
        if not isinstance(reaction, dict) or not _text(reaction, "message_id"):
            raise BadInput("A reaction needs a message_id and an emoji.", field="reaction.message_id")
        return Note(emoji=_text(reaction, "emoji", 32) or "", target=_text(reaction, "message_id"), wamid=wamid, at=at)
    text = _text(body, "text")
    if not text or not text.strip():
        raise EmptyText(field="text")
    if len(text) > LONGEST_TEXT:
        raise TextTooLong(field="text")
    return Note(text=text, reply_to=_text(body, "reply_to", LONGEST_ID), wamid=wamid, at=at)


def _text(body: dict[str, Any], name: str, longest: int | None = None) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise BadInput(f"{name} must be a text.", field=name)
    if value is not None and longest is not None and len(value) > longest:
        raise BadInput(f"{name} has at most {longest} characters.", field=name)
    return value or None


def _timestamp(body: dict[str, Any]) -> float | None:
    given = body.get("timestamp")
    if given is None:
        return None
    try:
        at = float(given)
    except (TypeError, ValueError):
        at = -1.0
    if not 0 < at <= time.time() + 86400:
        raise BadInput("timestamp must be seconds since 1970, and not in the future.", field="timestamp")
    return at


def _limit(given: str) -> int:
    if not given.isdigit() or not 1 <= int(given) <= MOST_MESSAGES:
        raise BadInput(f"limit must be between 1 and {MOST_MESSAGES}.", field="limit")
    return int(given)


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
