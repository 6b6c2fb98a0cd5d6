"""Stripe's wire: who may call, how often the same thing, in which form, and what is answered when it cannot be done."""

import asyncio
import hashlib
import json
import secrets
import sqlite3
import time
from base64 import b64decode
from dataclasses import dataclass
from urllib.parse import parse_qsl

import structlog
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.billing.simulator import faults, routes
from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.account import Account
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.expanding import expand
from frontdesk.billing.simulator.records import API_VERSION, KEY_PREFIX, Call
from frontdesk.billing.simulator.world import World

KEYS_LAST = 86400.0
"""Seconds of the real clock that an idempotency key is remembered. Source: https://docs.stripe.com/api/idempotent_requests"""
LONGEST_KEY = 255

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status, a body, and whether it was given before."""

    status: int
    body: str
    request_id: str
    replayed: bool = False


async def serve(request: Request) -> Response:
    """One call of the API, whatever its address."""
    account: Account = request.app.state.account
    request_id = "req_" + secrets.token_urlsafe(10).replace("-", "a").replace("_", "b")
    call = Call(request.method, request.url.path.removeprefix(str(request.scope.get("root_path", ""))), request_id, request.headers.get("idempotency-key"))
    try:
        _authorize(request)
        body = await request.body()
        lost = await _trouble(account)
        answered = await account.do(lambda world: _once(world, call, request.url.query, body), call)
        if lost:
            raise StripeError("api_error", "The simulated Stripe did what you asked, and this answer was lost on its way.", status=500)
    except StripeError as error:
        answered = Answer(error.status, json.dumps({"error": error.error | {"request_log_url": f"{account.settings.public_url}/#{request_id}"}}), request_id)
    headers = {"request-id": answered.request_id, "stripe-version": API_VERSION}
    if call.idempotency_key:
        headers["idempotency-key"] = call.idempotency_key
    if answered.replayed:
        headers["idempotent-replayed"] = "true"
        headers["original-request"] = answered.request_id
    return Response(answered.body, answered.status, headers, "application/json")


def _authorize(request: Request) -> None:
    """Take `Bearer sk_test_simulator…`, or the same as the name of a Basic sign-in. Raises StripeError 401."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = b64decode(given, validate=True).decode().partition(":")[0]
        except ValueError:
            given = ""
    if not given:
        raise StripeError("invalid_request_error", "You did not provide an API key. Send it as the header 'Authorization: Bearer YOUR_SECRET_KEY'.", status=401)
    if not given.startswith(KEY_PREFIX):
        shown = given[:8] + "*" * max(0, len(given) - 12) + given[-4:] if len(given) > 16 else "*" * len(given)
        raise StripeError(
            "invalid_request_error", f"Invalid API Key provided: {shown}. The simulated Stripe takes keys that begin with {KEY_PREFIX}.", status=401
        )


async def _trouble(account: Account) -> bool:
    """What the switches do to a call before it is answered; whether its answer is to be lost. Raises StripeError."""
    struck = await account.do(lambda world: {name: faults.strike(world, name) for name in faults.OF_CALLS} if faults.on(world) else {})
    if slow := struck.get("slow"):
        await asyncio.sleep(slow.seconds)
    if struck.get("answer_429"):
        raise StripeError("invalid_request_error", "Request rate limit exceeded.", "rate_limit", status=429)
    if failing := struck.get("answer_500"):
        raise StripeError("api_error", "The simulated Stripe is out of order; it was switched so.", status=failing.status)
    return bool(struck.get("lose_answer"))


def _once(world: World, call: Call, query: str, body: bytes) -> Answer:
    """Do what is asked, or answer as before if it was asked under the same key."""
    if call.method != "POST" or call.idempotency_key is None:
        return _done(world, call, query, body)
    if len(call.idempotency_key) > LONGEST_KEY:
        raise StripeError("invalid_request_error", f"Idempotency keys have at most {LONGEST_KEY} characters.", None, "Idempotency-Key")
    digest = hashlib.sha256(query.encode() + b"\n" + body).hexdigest()
    known = world.answered(call.idempotency_key, time.time() - KEYS_LAST)
    if known is None:
        answered = _done(world, call, query, body)
        world.keep_answer(call.idempotency_key, call.path, digest, answered.status, answered.request_id, answered.body)
        return answered
    _same(known, call, digest)
    return Answer(known["status"], known["body"], known["request_id"], replayed=True)


def _same(known: sqlite3.Row, call: Call, digest: str) -> None:
    """Refuse a key that stood for something else."""
    if known["path"] != call.path:
        raise StripeError(
            "idempotency_error",
            f"Keys for idempotent requests can only be used for the same endpoint they were first used for ('{known['path']}' "
            f"instead of '{call.path}'). Try using a key other than '{call.idempotency_key}' if you meant to execute a different request.",
        )
    if known["digest"] != digest:
        raise StripeError(
            "idempotency_error",
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{call.idempotency_key}' if you meant to execute a different request.",
        )


def _done(world: World, call: Call, query: str, body: bytes) -> Answer:
    """Find who answers and let him; what he refuses for good (a declined card) is an answer like another."""
    found = routes.match(call.method, call.path)
    if found is None:
        log.warning("the simulated Stripe was asked for what it does not know", method=call.method, path=call.path)
        raise StripeError("invalid_request_error", f"Unrecognized request URL ({call.method}: {call.path}). The simulated Stripe does not know it.", status=404)
    params = _json(body) if call.method == "POST" and call.path.startswith("/v2/") else p.decode(_pairs(_form(call, query, body)))
    handler, names = found
    try:
        answered = expand(world, handler(world, params, **names), params, routes.INCLUDABLE)
    except StripeError as error:
        if not error.keep:
            raise
        return Answer(error.status, json.dumps({"error": error.error}), call.request_id or "")
    return Answer(200, json.dumps(answered), call.request_id or "")


def _form(call: Call, query: str, body: bytes) -> str:
    return query if call.method == "GET" else query + "&" + _words(body)


def _json(body: bytes) -> p.Params:
    """What the newer API is sent."""
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise StripeError("invalid_request_error", "Invalid request: the body is no object of JSON.")
    return told


def _words(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise StripeError("invalid_request_error", "Invalid request: the body is not UTF-8 text.") from None


def _pairs(form: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(form, keep_blank_values=True, errors="strict", max_num_fields=2000)
    except ValueError:
        raise StripeError("invalid_request_error", "Invalid request: the body is no form.") from None
