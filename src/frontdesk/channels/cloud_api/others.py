"""What an event is about that is neither a message of a customer nor a status: for the operator's eyes, and without what anybody said."""

from typing import Any

from frontdesk.channels.cloud_api.json_text import Unreadable, load
from frontdesk.channels.cloud_api.parse import failure
from frontdesk.channels.cloud_api.wording import as_dict, as_text

Json = dict[str, Any]
LONGEST = 300


def about(payload: str) -> str:
    """A few words about an event that `read` does not understand, for example "account_update" or "a message in a group"."""
    try:
        event = as_dict(load(payload.encode("utf-8", "replace")))
    except Unreadable:
        return "an unreadable event"
    change = as_dict(event.get("change"))
    field, value = as_text(change.get("field")), as_dict(change.get("value"))
    if field == "messages":
        return ", ".join(_part(key, part) for key, part in value.items() if key not in _HEAD)[:LONGEST] or "nothing"
    return (field or ", ".join(key for key in event if key != "time") or "nothing")[:LONGEST]


_HEAD = ("messaging_product", "metadata", "contacts")


def _part(key: str, part: Any) -> str:
    first = part[0] if type(part) is list and part else part
    if key == "errors":
        code, text = failure(first)
        return f"error {code}: {text}"
    if key == "messages":
        return "a message in a group" if as_dict(first).get("group_id") else "a message without an id or a sender"
    return "a status without an id or a state" if key == "statuses" else key
