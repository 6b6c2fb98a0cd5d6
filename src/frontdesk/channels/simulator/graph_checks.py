"""What Meta accepts as the body of `POST /{phone_number_id}/messages`, for the types the simulator speaks."""

from typing import Any

from frontdesk.channels.simulator.graph_errors import GraphError
from frontdesk.channels.simulator.identifiers import BSUID, plain_phone
from frontdesk.channels.simulator.records import Outgoing

COMMON = {"messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data"}
KNOWN_TYPES = (
    "audio",
    "contacts",
    "document",
    "image",
    "interactive",
    "location",
    "reaction",
    "sticker",
    "template",
    "text",
    "video",
)
LONGEST_TEXT = 4096
LONGEST_OPAQUE = 512


def read(body: object) -> Outgoing:
    """What this request asks for. Raises GraphError as Meta would word it."""
    if not isinstance(body, dict):
        raise GraphError(100, "The request body must be a JSON object.")
    if body.get("messaging_product") != "whatsapp":
        raise GraphError(100, message="(#100) The parameter messaging_product is required.")
    return _read_receipt(body) if "status" in body else _read_message(body)


def _read_receipt(body: dict[str, Any]) -> Outgoing:
    _only(body, {"messaging_product", "status", "message_id", "typing_indicator"})
    if body["status"] != "read":
        raise GraphError(100, "Param status must be one of {READ}.")
    typing = body.get("typing_indicator")
    if typing is not None and typing != {"type": "text"}:
        raise GraphError(131009, "Param typing_indicator must be {type: text}.")
    return Outgoing("read", target=_text(body, "message_id"), typing=typing is not None)


def _read_message(body: dict[str, Any]) -> Outgoing:
    kind = body.get("type", "text")
    if kind not in KNOWN_TYPES:
        words = ", ".join(KNOWN_TYPES).upper()
        raise GraphError(100, message=f'(#100) Param type must be one of {{{words}}} - got "{kind}".')
    if kind not in ("text", "reaction"):
        raise GraphError(131051, f"The simulator does not take messages of type {kind} yet.")
    _only(body, COMMON | {kind})
    if body.get("recipient_type", "individual") != "individual":
        raise GraphError(100, "Param recipient_type must be one of {INDIVIDUAL}.")
    shared: dict[str, Any] = {**_recipient(body), "reply_to": _context(body), "opaque": _opaque(body)}
    inside = _object(body, kind)
    return Outgoing("text", **_text_body(inside), **shared) if kind == "text" else Outgoing("reaction", **_reaction(inside), **shared)


def _recipient(body: dict[str, Any]) -> dict[str, str]:
    """`to` is a phone number and wins over `recipient`, which is a business-scoped user id."""
    if body.get("to") not in (None, ""):
        to = str(body["to"])
        phone = plain_phone(to)
        if phone is None:
            raise GraphError(131009, "Param to must be a valid WhatsApp phone number.")
        return {"input": to, "phone": phone}
    if body.get("recipient") not in (None, ""):
        recipient = str(body["recipient"])
        if not BSUID.fullmatch(recipient):
            raise GraphError(131009, "Param recipient must be a valid business-scoped user id.")
        return {"input": recipient, "bsuid": recipient}
    raise GraphError(131008, "Param to or recipient is required.")


def _context(body: dict[str, Any]) -> str | None:
    if "context" not in body:
        return None
    context = _object(body, "context")
    _only(context, {"message_id"}, "context")
    return _text(context, "message_id", "context")


def _opaque(body: dict[str, Any]) -> str | None:
    opaque = body.get("biz_opaque_callback_data")
    if opaque is None:
        return None
    if not isinstance(opaque, str) or len(opaque) > LONGEST_OPAQUE:
        raise GraphError(131009, f"Param biz_opaque_callback_data must be a string of at most {LONGEST_OPAQUE} characters.")
    return opaque


def _text_body(text: dict[str, Any]) -> dict[str, Any]:
    _only(text, {"body", "preview_url"}, "text")
    if not isinstance(text.get("preview_url", False), bool):
        raise GraphError(100, "Param text['preview_url'] must be a boolean.")
    written = _text(text, "body", "text")
    if len(written) > LONGEST_TEXT:
        raise GraphError(100, f"Param text['body'] must be at most {LONGEST_TEXT} characters long.")
    return {"text": written}


def _reaction(reaction: dict[str, Any]) -> dict[str, Any]:
    _only(reaction, {"message_id", "emoji"}, "reaction")
    emoji = reaction.get("emoji")
    if not isinstance(emoji, str):
        raise GraphError(131008, "Param reaction['emoji'] is required.")
    return {"target": _text(reaction, "message_id", "reaction"), "emoji": emoji}


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is None:
        raise GraphError(131008, f"Param {name} is required.")
    if not isinstance(value, dict):
        raise GraphError(100, f"Param {name} must be a JSON object.")
    return value


def _text(inside: dict[str, Any], name: str, outer: str = "") -> str:
    value = inside.get(name)
    where = f"{outer}['{name}']" if outer else name
    if value is None or value == "":
        raise GraphError(131008, f"Param {where} is required.")
    if not isinstance(value, str):
        raise GraphError(100, f"Param {where} must be a string.")
    return value


def _only(inside: dict[str, Any], known: set[str], outer: str = "message") -> None:
    for name in inside:
        if name not in known:
            raise GraphError(100, f'Unexpected key "{name}" on param "{outer}".')
