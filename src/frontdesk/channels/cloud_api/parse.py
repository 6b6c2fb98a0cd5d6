"""Webhooks of the Cloud API: `split` cuts one into single events, `read` says what an event is.

What `split` writes and `read` reads: {"metadata", "contact", "message"} or {"metadata", "contact", "status"}; whatever
else arrives keeps Meta's own shape as {"time", "change"}, or {"entry"} or {"body"} where not even that can be found.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from frontdesk.channels.cloud_api.json_text import load
from frontdesk.channels.cloud_api.people import People
from frontdesk.channels.cloud_api.wording import as_dict, as_text, words
from frontdesk.channels.records import Event, EventKind, InboundMessage, InboundStatus, Sender

Json = dict[str, Any]


def split(body: bytes) -> list[Event]:
    """The events of one webhook, each of which can be kept and read alone; a malformed one never costs another.

    Raises Unreadable if the body is not JSON.
    """
    envelope = load(body)
    entries = envelope.get("entry") if type(envelope) is dict else None
    webhook = _Webhook(body)
    if type(entries) is not list or not entries:
        webhook.keep("", "", "other", {"body": envelope})
        return webhook.events
    for entry in entries:
        known = as_dict(entry)
        waba_id, changes = as_text(known.get("id")) or "", known.get("changes")
        if type(changes) is not list or not changes:
            webhook.keep(waba_id, "", "other", {"entry": entry})
            continue
        for change in changes:
            _split_change(webhook, waba_id, known.get("time"), change)
    return webhook.events


class _Webhook:
    """The events found so far in this body."""

    __slots__ = ("_body", "_whole", "events")

    def __init__(self, body: bytes) -> None:
        self.events: list[Event] = []
        self._body = body
        self._whole = False

    def keep(self, waba_id: str, phone_number_id: str, kind: EventKind, content: Json, party: str = "") -> None:
        try:
            payload = orjson.dumps(content).decode()
        except orjson.JSONEncodeError:  # nested deeper than can be written
            self._keep_whole(waba_id, phone_number_id)
        else:
            self.events.append(Event(waba_id, phone_number_id, kind, payload, party))

    def _keep_whole(self, waba_id: str, phone_number_id: str) -> None:
        """Keep the text of the whole webhook as it came, once."""
        if not self._whole:
            self._whole = True
            self.keep(waba_id, phone_number_id, "other", {"body": self._body.decode()})


def _split_change(webhook: _Webhook, waba_id: str, time: Any, change: Any) -> None:
    value = as_dict(as_dict(change).get("value"))
    phone_number_id = as_text(as_dict(value.get("metadata")).get("phone_number_id")) or ""
    if value and change.get("field") == "messages":
        _split_value(webhook, waba_id, phone_number_id, time, value)
        return
    echoes = value.get("message_echoes")
    alone = echoes if type(echoes) is list and len(echoes) > 1 else None
    for echo in alone or [None]:
        single = {**change, "value": {**value, "message_echoes": [echo]}} if alone else change
        webhook.keep(waba_id, phone_number_id, "other", {"time": time, "change": single})


def _split_value(webhook: _Webhook, waba_id: str, phone_number_id: str, time: Any, value: Json) -> None:
    """The parts of a value of field "messages". Nothing of it is left out: what has no better place is "other"."""
    metadata, people = value.get("metadata"), People(value.get("contacts"))
    others = [] if _PARTS.issuperset(value) else [{key: part for key, part in value.items() if key not in _PARTS}]
    found = bool(others)
    for key, kind, phone, bsuid in _KINDS:
        if (items := value.get(key)) is None:
            continue
        found, items = True, items if type(items) is list else [items]
        for item in items:
            contact = people.of(item, phone, bsuid, alone=len(items) == 1)
            if _is_whole(item, kind, contact):
                party = as_text(item.get(bsuid)) or as_text(item.get(phone)) or ""
                webhook.keep(waba_id, phone_number_id, kind, {"metadata": metadata, "contact": contact, kind: item}, party)
            else:
                others.append({"contacts": [contact] if contact else [], key: [item]})
    if strangers := people.unmatched():
        others.append({"contacts": strangers})
    for other in others if others or found else [{}]:
        change = {"field": "messages", "value": {"metadata": metadata, **other}}
        webhook.keep(waba_id, phone_number_id, "other", {"time": time, "change": change})


_PARTS = {"messaging_product", "metadata", "contacts", "messages", "statuses"}
_KINDS: tuple[tuple[str, EventKind, str, str], ...] = (
    ("messages", "message", "from", "from_user_id"),
    ("statuses", "status", "recipient_id", "recipient_user_id"),
)


def _is_whole(item: Any, kind: EventKind, contact: Json | None) -> bool:
    """Whether `read` can say what this is: it has a usable id and, if it is a message, one person who wrote it."""
    if type(item) is not dict or not 0 < len(as_text(item.get("id")) or "") <= _LONGEST_ID:
        return False
    if kind == "status":
        return bool(as_text(item.get("status")))
    # What is said in a group must not land in, or be answered from, a conversation with one person.
    if item.get("group_id"):
        return False
    bsuid = item.get("from_user_id")
    return (type(bsuid) is str and bsuid != "") or _sender(item, contact or {}) is not None


_LONGEST_ID = 512


def read(payload: str) -> InboundMessage | InboundStatus | None:
    """What this event says, or None if it is neither a message nor a status. Raises Unreadable if it is not JSON."""
    event = load(payload.encode("utf-8", "replace"))
    if type(event) is not dict:
        return None
    if type(message := event.get("message")) is dict:
        return _message(message, as_dict(event.get("contact")))
    if type(status := event.get("status")) is dict:
        return _status(status)
    return None


def _message(message: Json, contact: Json) -> InboundMessage | None:
    provider_message_id, sender = as_text(message.get("id")), _sender(message, contact)
    if not provider_message_id or sender is None:
        return None
    kind = as_text(message.get("type")) or "unknown"
    content = as_dict(message.get(kind))
    sent_at, text, emoji = moment(message.get("timestamp")), words(kind, content, message), None
    if kind == "reaction":
        emoji, reply_to = as_text(content.get("emoji")) or "", as_text(content.get("message_id"))
    elif kind in _ABOUT_ANOTHER:
        reply_to = as_text(content.get("original_message_id"))
    else:
        reply_to = as_text(context.get("id")) if type(context := message.get("context")) is dict else None
    return InboundMessage(provider_message_id, sender, sent_at, kind, text, reply_to, emoji)


_ABOUT_ANOTHER = ("edit", "revoke")


def _sender(message: Json, contact: Json) -> Sender | None:
    phone = message.get("from") or contact.get("wa_id")
    bsuid = message.get("from_user_id") or contact.get("user_id")
    if type(phone) is not str:
        phone = as_text(phone)
    if type(bsuid) is not str:
        bsuid = as_text(bsuid)
    if phone and not (phone.isascii() and phone.isdigit()):
        phone = "".join(sign for sign in phone if sign in "0123456789")
    if not phone and not bsuid:
        return None
    profile = as_dict(contact.get("profile"))
    username = as_text(profile.get("username"))
    if username and username.startswith("@"):
        username = username[1:]
    return Sender(phone or None, bsuid or None, username or None, as_text(profile.get("name")))


def _status(status: Json) -> InboundStatus | None:
    provider_message_id, state = as_text(status.get("id")), as_text(status.get("status"))
    if not provider_message_id or not state:
        return None
    errors = status.get("errors")
    code, text = failure(errors[0]) if type(errors) is list and errors else (None, None)
    message_id, at = _our_id(status.get("biz_opaque_callback_data")), moment(status.get("timestamp"))
    return InboundStatus(provider_message_id, message_id, state, at, code, text)


def moment(timestamp: Any) -> datetime:
    """WhatsApp's time (Unix seconds, as a string or a number) in UTC.

    Before 1970, after the year 9999 (less a day, so that it can be shown in any time zone) or unreadable: clamped to
    these ends, unreadable to 1970, and never to the present, so that the same event always gets the same time.
    """
    try:
        seconds = int(timestamp)
    except (TypeError, ValueError, OverflowError):
        seconds = 0
    if not 0 <= seconds <= _LATEST:
        seconds = 0 if seconds < 0 else _LATEST
    return _second(seconds)


@lru_cache(maxsize=256)  # what arrives together was said in the same few seconds
def _second(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


_LATEST = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp())


def failure(error: Any) -> tuple[int | None, str | None]:
    """Code and explanation of one of Meta's error objects, in a webhook or in an answer."""
    known = as_dict(error)
    try:
        code = int(known.get("code", ""))
    except (TypeError, ValueError, OverflowError):
        code = None
    details = as_text(as_dict(known.get("error_data")).get("details"))
    text = details or as_text(known.get("error_user_msg")) or as_text(known.get("message"))
    return code if code is not None and abs(code) < 2**31 else None, text or as_text(known.get("title"))


def _our_id(data: Any) -> UUID | None:
    if type(data) is not str or len(data) != 36:
        return None
    try:
        return UUID(data)
    except ValueError:
        return None
