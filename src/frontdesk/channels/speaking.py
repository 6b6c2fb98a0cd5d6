"""Saying something on a channel, whatever its kind: the neutral content of the outbox becomes the channel's own request."""

from typing import Any
from uuid import UUID

from frontdesk.channels import cloud_api
from frontdesk.channels.records import Channel


class CannotSay(ValueError):
    """This kind of channel cannot say this kind of content."""


def request(channel: Channel, content: dict[str, Any], recipient: str, message_id: UUID) -> dict[str, Any]:
    """The request that says this content to a recipient (phone digits or a BSUID). Raises CannotSay.

    The simulator speaks the Cloud API's language, so both kinds share one form.
    """
    if channel.kind not in ("cloud_api", "simulator") or content.get("type") != "text":
        raise CannotSay(f"{channel.kind} cannot say {content.get('type')}")
    phone, bsuid = (recipient, None) if recipient.isdigit() else (None, recipient)
    return cloud_api.text(content["text"], phone=phone, bsuid=bsuid, message_id=message_id, reply_to=content.get("reply_to"))
