"""The webhooks WhatsApp sends: their shapes, their exact bytes and their signature."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

from frontdesk.channels.simulator.graph_errors import status_error
from frontdesk.channels.simulator.identifiers import waba_id
from frontdesk.channels.simulator.records import Message, Person, SandboxNumber

PRICING = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "service"}


def dumps(value: object) -> str:
    """JSON as Meta writes it: compact, everything beyond ASCII escaped."""
    return json.dumps(value, separators=(",", ":"))


def envelope(phone_number_id: str, changes: Sequence[str]) -> bytes:
    """One request body out of the changes of one number."""
    entry = f'{{"id":"{waba_id(phone_number_id)}","changes":[{",".join(changes)}]}}'
    return f'{{"object":"whatsapp_business_account","entry":[{entry}]}}'.encode()


def signature(app_secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature-256` for these bytes."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()


def message_change(number: SandboxNumber, person: Person, message: Message) -> str:
    """The change that tells a business that somebody wrote or reacted."""
    inside: dict[str, Any] = {"from": person.phone} if person.phone else {}
    inside |= {"from_user_id": person.bsuid, "id": message.wamid, "timestamp": str(int(message.at))}
    inside["type"] = message.type
    if message.reply_to:
        inside["context"] = {"from": _digits(number.display_number), "id": message.reply_to}
    if message.type == "reaction":
        inside["reaction"] = {"message_id": message.target, "emoji": message.emoji}
    else:
        inside["text"] = {"body": message.text}
    return _change(number, {"contacts": [_contact(person)], "messages": [inside]})


def status_change(number: SandboxNumber, person: Person, message: Message, status: str, at: float, *, to_bsuid: bool) -> str:
    """The change that tells a business how far its message has come. Failed ones name no contact."""
    inside: dict[str, Any] = {"id": message.wamid, "status": status, "timestamp": str(int(at))}
    if person.phone and not (to_bsuid and person.username):
        inside["recipient_id"] = person.phone
    if status != "failed" or to_bsuid:
        inside["recipient_user_id"] = person.bsuid
    if message.opaque is not None:
        inside["biz_opaque_callback_data"] = message.opaque
    if status in ("sent", "delivered"):
        inside["pricing"] = PRICING
    if status == "failed":
        return _change(number, {"statuses": [inside | {"errors": [status_error(message.error_code or 131000)]}]})
    return _change(number, {"contacts": [_contact(person, username=status != "sent")], "statuses": [inside]})


def label_of(message: Message) -> str:
    """A message in a few words, for the log."""
    if message.type == "reaction":
        return f"reaction {message.emoji}" if message.emoji else "reaction taken back"
    text = " ".join((message.text or "").split())
    return f"message “{text if len(text) <= 24 else text[:23] + '…'}”"


def _change(number: SandboxNumber, value: dict[str, Any]) -> str:
    metadata = {"display_phone_number": _digits(number.display_number), "phone_number_id": number.phone_number_id}
    return dumps({"value": {"messaging_product": "whatsapp", "metadata": metadata, **value}, "field": "messages"})


def _contact(person: Person, *, username: bool = True) -> dict[str, Any]:
    name = person.name or (f"+{person.phone}" if person.phone else person.username or "WhatsApp user")
    profile = {"name": name} | ({"username": f"@{person.username}"} if person.username and username else {})
    return {"profile": profile, **({"wa_id": person.phone} if person.phone else {}), "user_id": person.bsuid}


def _digits(number: str) -> str:
    return "".join(sign for sign in number if sign.isdigit())
