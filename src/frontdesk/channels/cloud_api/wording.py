"""The readable line of a message: its text, its caption, or a placeholder such as "Photo"."""

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def words(kind: str, content: Json, message: Json) -> str | None:
    """What to show for a message of this type, given its content (the object under the type's own name).

    None for a reaction, which has no text, only an emoji.
    """
    if kind == "text":
        return as_text(content.get("body")) or ""
    if kind == "reaction":
        return None
    if kind == "contacts":
        return _shared_contacts(message.get("contacts"))
    reader = _READERS.get(kind)
    return reader(content) if reader else f"Unsupported message ({kind})"


def as_dict(value: Any) -> Json:
    """The value if it is an object, else an empty one: nothing from outside can be relied on."""
    return value if type(value) is dict else {}


def as_text(value: Any) -> str | None:
    """The value as text: Meta writes some ids and codes as numbers here and as strings there. None if empty."""
    if type(value) is str:
        return value or None
    return str(value) if type(value) is int or type(value) is float else None


def _shared_contacts(contacts: Any) -> str:
    people = [as_dict(contact) for contact in contacts] if type(contacts) is list else []
    names = [name for person in people if (name := as_text(as_dict(person.get("name")).get("formatted_name")))]
    return f"{'Contact' if len(people) == 1 else 'Contacts'}: {', '.join(names)}" if names else "Contact"


def _captioned(placeholder: str) -> Callable[[Json], str]:
    return lambda media: as_text(media.get("caption")) or placeholder


def _audio(audio: Json) -> str:
    return "Voice message" if audio.get("voice") is True else "Audio"


def _document(document: Json) -> str:
    filename = as_text(document.get("filename"))
    return as_text(document.get("caption")) or (f"Document: {filename}" if filename else "Document")


def _location(location: Json) -> str:
    place = [part for key in ("name", "address") if (part := as_text(location.get(key)))]
    point = [part for key in ("latitude", "longitude") if (part := as_text(location.get(key)))]
    known = place or (point if len(point) == 2 else [])
    return f"Location: {', '.join(known)}" if known else "Location"


def _interactive(interactive: Json) -> str:
    kind = as_text(interactive.get("type")) or "unknown"
    reply = as_dict(interactive.get(kind))
    if kind == "nfm_reply":
        return as_text(reply.get("body")) or "Form answered"
    return as_text(reply.get("title")) or f"Unsupported message ({kind})"


def _button(button: Json) -> str:
    return as_text(button.get("text")) or as_text(button.get("payload")) or "Button"


def _order(order: Json) -> str:
    items = order.get("product_items")
    count = len(items) if type(items) is list else 0
    line = f"Order: {count} {'product' if count == 1 else 'products'}"
    note = as_text(order.get("text"))
    return f"{line}. {note}" if note else line


def _system(system: Json) -> str:
    return as_text(system.get("body")) or "System message"


def _unsupported(unsupported: Json) -> str:
    kind = as_text(unsupported.get("type"))
    return f"Unsupported message ({kind})" if kind else "Unsupported message"


def _edit(edit: Json) -> str:
    message = as_dict(edit.get("message"))
    kind = as_text(message.get("type")) or "unknown"
    content = as_dict(message.get(kind))
    text = as_text(content.get("body")) or as_text(content.get("caption"))
    return f"Edited: {text}" if text else "Edited a message"


_READERS: dict[str, Callable[[Json], str]] = {
    "audio": _audio,
    "button": _button,
    "document": _document,
    "edit": _edit,
    "image": _captioned("Photo"),
    "interactive": _interactive,
    "location": _location,
    "order": _order,
    "request_welcome": lambda _: "Opened the chat",
    "revoke": lambda _: "Deleted a message",
    "sticker": lambda _: "Sticker",
    "system": _system,
    "unsupported": _unsupported,
    "video": _captioned("Video"),
}
