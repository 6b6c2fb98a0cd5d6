"""What every kind of channel speaks of: who wrote what, how a sent message fared, and the channel itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

EventKind = Literal["message", "status", "other"]
Action = Literal["retry", "slow", "pair", "stop", "fail"]


@dataclass(frozen=True, slots=True)
class Channel:
    """One connected WhatsApp number of an organization. `rate_per_second`: messages, in and out together.

    status: connected; stopped, as the lanes out see it; read_only, as the lanes in see it: it is over the plan's limit, and bots keep silent.
    """

    organization_id: UUID
    id: UUID
    kind: str
    name: str
    phone_number_id: str
    display_number: str
    waba_id: str
    scope: str
    rate_per_second: int
    status: str


class Event(NamedTuple):
    """One event cut out of a webhook. `payload` is JSON text that can be read without the rest of the webhook.

    `party`: whose event it is, by BSUID or phone as the webhook has it; events of one party are told in order.
    """

    waba_id: str
    phone_number_id: str
    kind: EventKind
    payload: str
    party: str = ""


class Sender(NamedTuple):
    """Who wrote. `phone`: digits without +; `username`: without @. At least one of phone and bsuid is known."""

    phone: str | None
    bsuid: str | None
    username: str | None
    name: str | None


class InboundMessage(NamedTuple):
    """What a customer sent. `sent_at`: UTC, whole seconds; `reply_to`: the provider's id of the quoted message.

    `type` is "text", "reaction" or any other type of WhatsApp; `text` of the others is their caption or a placeholder
    such as "Photo". `emoji` is set for reactions only; "" says that the reaction was taken back.
    """

    provider_message_id: str
    sender: Sender
    sent_at: datetime
    type: str
    text: str | None
    reply_to: str | None
    emoji: str | None


@dataclass(frozen=True, slots=True)
class InboundStatus:
    """How a message of ours fared. `message_id` is our own id, if the provider gave it back."""

    provider_message_id: str
    message_id: UUID | None
    status: str
    at: datetime
    error_code: int | None
    error_text: str | None


class Accepted(NamedTuple):
    """The provider took the message. `wa_id` is the recipient's number as WhatsApp writes it, unless hidden."""

    provider_message_id: str
    wa_id: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider said no. `retry_after`: seconds to wait before the first new attempt, where one makes sense.

    `action`: "retry" later; "slow" down everything this number sends, then retry; "pair": this recipient gets too much,
    wait 4^X seconds before attempt X; "stop" the channel until somebody has put it right; "fail" this message.
    """

    code: int
    text: str
    action: Action
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class Unreached:
    """Surely not sent: nothing of the request left this machine, so it can be tried again."""

    text: str


@dataclass(frozen=True, slots=True)
class Uncertain:
    """May have been sent: the request went out, and no answer says what became of it."""

    text: str


Outcome = Accepted | Refused | Unreached | Uncertain
