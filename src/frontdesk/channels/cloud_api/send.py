"""Speaking on the Cloud API: build a request, make it, and say what became of it."""

import re
from typing import Any
from uuid import UUID

import orjson

from frontdesk.channels.cloud_api.client import Answer, Session
from frontdesk.channels.cloud_api.codes import Rule, rule
from frontdesk.channels.cloud_api.json_text import Unreadable, load
from frontdesk.channels.cloud_api.parse import failure
from frontdesk.channels.cloud_api.wording import as_dict, as_text
from frontdesk.channels.records import Accepted, Outcome, Refused, Uncertain

Json = dict[str, Any]


def messages_url(graph_url: str, version: str, phone_number_id: str) -> str:
    """Where this number's messages are posted."""
    return f"{graph_url.rstrip('/')}/{version}/{phone_number_id}/messages"


def text(body: str, *, phone: str | None, bsuid: str | None, message_id: UUID | None = None, reply_to: str | None = None) -> Json:
    """The request for a text of at most 4096 characters; `reply_to`: the provider's id of the message to quote."""
    request = _to(phone, bsuid, message_id) | {"type": "text", "text": {"body": body, "preview_url": False}}
    return request | {"context": {"message_id": reply_to}} if reply_to else request


def reaction(emoji: str, *, reacts_to: str, phone: str | None, bsuid: str | None, message_id: UUID | None = None) -> Json:
    """The request for a reaction; "" takes it back. `reacts_to`: the provider's id of the message reacted to."""
    content = {"message_id": reacts_to, "emoji": emoji}
    return _to(phone, bsuid, message_id) | {"type": "reaction", "reaction": content}


def read_receipt(provider_message_id: str, *, typing: bool = False) -> Json:
    """The request that marks an inbound message, and all before it, as read; `typing` shows that we are writing."""
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": provider_message_id}
    return receipt | {"typing_indicator": {"type": "text"}} if typing else receipt


def _to(phone: str | None, bsuid: str | None, message_id: UUID | None) -> Json:
    """The head of a message. A number wins over a BSUID, as it does at Meta; our id comes back in every status."""
    if not phone and not bsuid:
        raise ValueError("a message needs a phone number or a BSUID to go to")
    head: Json = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    head |= {"to": phone} if phone else {"recipient": bsuid}
    return head | {"biz_opaque_callback_data": str(message_id)} if message_id else head


async def speak(session: Session, endpoint: str, token: str, body: Json) -> Outcome:
    """Make this request once, and never again by itself.

    Never raises for what a server or the network does. If it is cancelled, the message may have been sent.
    """
    try:
        content = orjson.dumps(body)
    except orjson.JSONEncodeError:
        return Refused(0, "This message cannot be written as JSON", "fail", None)
    try:
        answer = await session.post(endpoint, token, content)
    except ValueError:  # its text could show the token
        return Refused(0, "The access token or the address of the API has characters it cannot have", "stop", None)
    return outcome(answer, body) if isinstance(answer, Answer) else answer


def outcome(answer: Answer, body: Json) -> Outcome:
    """What this answer to this request means: by Meta's error code, and only without one by the HTTP status."""
    known = _json(answer.body)
    if type(error := known.get("error")) is dict:
        return _by_code(answer, error)
    if 200 <= answer.status < 300:
        return _accepted(known, body) or Uncertain(f"HTTP {answer.status} without a message id")
    if answer.status >= 500 or answer.status == 408:
        return Uncertain(f"HTTP {answer.status} without an explanation")
    # Not Meta's form, so perhaps not Meta: nothing was sent, but it says nothing about the channel either.
    action = Rule("slow" if answer.status == 429 else "retry")
    return _refused(answer, answer.status, f"HTTP {answer.status} without an explanation", action)


def _by_code(answer: Answer, error: Json) -> Refused | Uncertain:
    code, explanation = failure(error)
    explanation = explanation or f"HTTP {answer.status}"
    known = rule(code, failure({"code": error.get("error_subcode")})[0])
    if known is None and answer.status >= 500:
        return Uncertain(explanation)
    return _refused(answer, answer.status if code is None else code, explanation, known or _by_status(answer.status))


def _by_status(status: int) -> Rule:
    return Rule("stop" if status in (401, 403) else "slow" if status == 429 else "fail")


def _refused(answer: Answer, code: int, explanation: str, what: Rule) -> Refused:
    text = re.sub(r"^\(#\d+\) ", "", explanation)[:_LONGEST_TEXT]
    asked = answer.retry_after or ""
    wait = max(what.wait or 0.0, min(float(asked), _LONGEST_WAIT)) if _SECONDS.fullmatch(asked) else what.wait
    return Refused(code, text, what.action, wait)


_LONGEST_TEXT = 500
_SECONDS = re.compile(r"[0-9]{1,9}")
_LONGEST_WAIT = 86_400.0


def _accepted(known: Json, body: Json) -> Accepted | None:
    if body.get("status") == "read":
        return Accepted(body["message_id"], None) if known.get("success") is True else None
    message_id = as_text(_first(known.get("messages")).get("id"))
    return Accepted(message_id, as_text(_first(known.get("contacts")).get("wa_id"))) if message_id else None


def _first(values: Any) -> Json:
    return as_dict(values[0]) if type(values) is list and values else {}


def _json(body: bytes) -> Json:
    try:
        return as_dict(load(body))
    except Unreadable:
        return {}
