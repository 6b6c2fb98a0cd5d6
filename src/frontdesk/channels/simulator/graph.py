"""The simulated Graph API: what a business may ask of its number, in Meta's words."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from frontdesk.channels.simulator import actions
from frontdesk.channels.simulator.cut import Cut
from frontdesk.channels.simulator.graph_checks import read
from frontdesk.channels.simulator.graph_errors import GraphError, envelope
from frontdesk.channels.simulator.identifiers import access_token, new_trace_id, readable
from frontdesk.channels.simulator.records import Message, Outgoing, SandboxNumber
from frontdesk.channels.simulator.world import World
from frontdesk.errors import FrontdeskError

BAD_GATEWAY = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
LARGEST_BODY = 1 << 20
SILENT_FIELDS = {
    "certificate", "conversational_automation", "country_code", "country_dial_code", "health_status", "is_on_biz_app",
    "eligibility_for_api_business_global_search", "is_pin_enabled", "is_preverified_number", "last_onboarded_time",
    "new_certificate", "new_name_status", "quality_score", "search_visibility", "webhook_configuration",
}  # fmt: skip
"""Fields that a number has at Meta but of which the simulator knows nothing: left out of the answer, as Meta does."""
USUAL_FIELDS = (
    "id", "verified_name", "code_verification_status", "display_phone_number", "quality_rating",
    "platform_type", "throughput",
)  # fmt: skip

Door = Callable[[Request], Awaitable[Response]]


def routes() -> list[Route]:
    """Every path below /graph."""
    return [
        Route("/v{version}/{phone_number_id}/messages", _door(create_message), methods=["POST"]),
        Route("/v{version}/{phone_number_id}/messages/", _door(create_message), methods=["POST"]),
        Route("/v{version}/{phone_number_id}", _door(show_number), methods=["GET"]),
        Route("/v{version}/{phone_number_id}/", _door(show_number), methods=["GET"]),
        Route("/{path:path}", _door(show_nothing), methods=["DELETE", "GET", "POST", "PUT"]),
    ]


async def create_message(request: Request) -> Response:
    """POST /{phone_number_id}/messages: send a message, or mark one as read."""
    world: World = request.app.state.world
    number = await _allowed_number(request, world)
    outgoing = read(await _json(request))
    if outgoing.kind == "read":
        await actions.mark_read(world, number, outgoing)
        return JSONResponse({"success": True})
    failure = _trouble_before(world, number) or (_bad_gateway() if actions.breaks_the_gateway(world, outgoing) else None)
    if failure is not None:
        return failure
    message = await actions.accept(world, number, outgoing)
    return await _trouble_after(world, number) or JSONResponse(_accepted(world, message, outgoing))


async def show_number(request: Request) -> Response:
    """GET /{phone_number_id}?fields=…: what Meta knows about the number."""
    number = await _allowed_number(request, request.app.state.world)
    facts = _facts(number)
    wanted = [name.strip() for name in request.query_params.get("fields", "").split(",") if name.strip()]
    for name in wanted:
        if name not in facts and name not in SILENT_FIELDS:
            node = "node type (WhatsAppBusinessPhoneNumber)"
            raise GraphError(100, message=f"(#100) Tried accessing nonexisting field ({name}) on {node}")
    return JSONResponse({name: facts[name] for name in [*(wanted or USUAL_FIELDS), "id"] if name in facts})


async def show_nothing(request: Request) -> Response:
    """Everything the simulator does not know yet is refused by name."""
    raise GraphError(2500, message=f"Unknown path components: /{request.path_params['path']}")


def _door(inner: Door) -> Door:
    """Answer refusals in Meta's envelope, with Meta's headers."""

    @wraps(inner)
    async def outer(request: Request) -> Response:
        try:
            response = await inner(request)
        except GraphError as error:
            response = JSONResponse(envelope(error), error.status)
        except FrontdeskError as error:  # our own trouble, such as a database that is away, is Meta's to the business
            response = JSONResponse(envelope(GraphError(2, str(error))), 503)
        if not isinstance(response, Cut):
            response.headers["facebook-api-version"] = f"v{request.path_params.get('version', '26.0')}"
            response.headers["x-fb-trace-id"] = new_trace_id()
            response.headers["x-app-usage"] = '{"call_count":0,"total_cputime":0,"total_time":0}'
        return response

    return outer


async def _allowed_number(request: Request, world: World) -> SandboxNumber:
    """The number in the path, if the access token is its own."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise GraphError(190, message="An access token is required to request this resource.")
    phone_number_id = request.path_params["phone_number_id"]
    secret = world.settings.app_secret
    if not hmac.compare_digest(token.strip().encode(), access_token(secret, phone_number_id).encode()):
        if any(token.strip() == access_token(secret, known) for known in world.numbers):
            raise _no_such_object(phone_number_id)
        raise GraphError(190)
    number = await world.number(phone_number_id)
    if number is None:
        raise _no_such_object(phone_number_id)
    return number


def _no_such_object(name: str) -> GraphError:
    words = "does not exist, cannot be loaded due to missing permissions, or does not support this operation"
    return GraphError(100, message=f"Unsupported request. Object with ID '{name}' {words}.", subcode=33)


async def _json(request: Request) -> Any:
    body = await request.body()
    if len(body) > LARGEST_BODY:
        raise GraphError(100, "The request body is too large.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise GraphError(100, f"The request body must be JSON: {error}.") from None


def _trouble_before(world: World, number: SandboxNumber) -> Response | None:
    """What goes wrong before the message is accepted."""
    strike = world.faults.strike
    if strike(number.phone_number_id, "reset_before"):
        return Cut()
    if switch := strike(number.phone_number_id, "answer_429"):
        return JSONResponse(envelope(GraphError(130429)), switch.status)
    if switch := strike(number.phone_number_id, "answer_500"):
        return JSONResponse(envelope(GraphError(131000)), switch.status)
    return _bad_gateway() if strike(number.phone_number_id, "answer_502") else None


async def _trouble_after(world: World, number: SandboxNumber) -> Response | None:
    """What goes wrong once the message is accepted: the business cannot tell."""
    if switch := world.faults.strike(number.phone_number_id, "slow"):
        await asyncio.sleep(switch.seconds)
    return Cut() if world.faults.strike(number.phone_number_id, "reset_after") else None


def _bad_gateway() -> Response:
    return HTMLResponse(BAD_GATEWAY, 502)


def _accepted(world: World, message: Message, outgoing: Outgoing) -> dict[str, Any]:
    """The answer to a message that was accepted; no `wa_id` for who was addressed by a user id."""
    known = {"wa_id": outgoing.phone} if outgoing.phone else {"user_id": message.bsuid}
    contact = {"input": outgoing.input, **known}
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": message.wamid}]}


def _facts(number: SandboxNumber) -> dict[str, Any]:
    digits = "".join(sign for sign in number.display_number if sign.isdigit())
    return {
        "id": number.phone_number_id,
        "display_phone_number": readable(digits),
        "verified_name": number.organization_name,
        "quality_rating": "GREEN",
        "code_verification_status": "VERIFIED",
        "name_status": "APPROVED",
        "platform_type": "CLOUD_API",
        "status": "CONNECTED",
        "account_mode": "SANDBOX",
        "throughput": {"level": "STANDARD"},
        "whatsapp_business_manager_messaging_limit": "TIER_250",
        "is_official_business_account": False,
    }
