"""What a script sends, read into what the simulated world understands, or refused by the name of the field."""

import time
from typing import Any

import orjson

from frontdesk.channels.simulator import people
from frontdesk.channels.simulator.actions import Note
from frontdesk.channels.simulator.people import People
from frontdesk.channels.simulator.records import Person
from frontdesk.errors import BadInput

LONGEST_TEXT = 4096
LONGEST_ID = 256
MOST_MESSAGES = 10_000
INBOUND = {"to", "from", "bsuid", "username", "name", "text", "reaction", "reply_to", "id", "timestamp"}


class BadRequestBody(BadInput):
    """Send a JSON object."""


class EmptyText(BadInput):
    """Write something: a text, or a reaction."""


class TextTooLong(BadInput):
    """A message has at most 4,096 characters."""


def object_of(body: bytes) -> dict[str, Any]:
    """The JSON object in a request. Raises BadRequestBody."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequestBody(f"This is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise BadRequestBody()
    return value


def inbound(body: dict[str, Any], known: People) -> tuple[Person, Note]:
    """Who writes what. Raises BadInput."""
    for name in body:
        if name not in INBOUND:
            raise BadInput(f"There is no such field. There are: {', '.join(sorted(INBOUND))}.", field=name)
    return _sender(body, known), _note(body)


def limit(given: str) -> int:
    """How many messages are wanted. Raises BadInput."""
    if not given.isdecimal() or not 1 <= int(given[:9]) <= MOST_MESSAGES:
        raise BadInput(f"limit must be between 1 and {MOST_MESSAGES}.", field="limit")
    return int(given[:9])


def _sender(body: dict[str, Any], known: People) -> Person:
    """Who writes: by number, by user id, or by username."""
    given = [name for name in ("from", "bsuid", "username") if body.get(name) is not None]
    if len(given) != 1:
        raise BadInput("Say who writes: from (a number), bsuid or username, one of them.", field=given[0] if given else "from")
    maker = {"from": people.of_phone, "bsuid": people.of_bsuid, "username": people.of_username}[given[0]]
    stranger = maker(_text(body, given[0]) or "", field=given[0])
    return people.named(known.get(stranger.bsuid) or stranger, _text(body, "name"))


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
