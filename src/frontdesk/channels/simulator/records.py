"""What the simulator is told at its start, and the people, messages and webhooks of its small world."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class SandboxNumber:
    """One simulated WhatsApp number of an organization."""

    phone_number_id: str
    display_number: str
    organization_name: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the simulated network is; seconds, counted from the moment a message is accepted."""

    sent_after: float = 0.05
    delivered_after: float = 0.2
    read_after: float = 0.8
    webhook_timeout: float = 10.0
    hold_for: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 2.0)
    """Waits before the first tries again; the number's other webhooks wait behind, so order is kept over a restart."""
    retry_first: float = 4.0
    """The wait after those; it doubles up to `retry_longest` while the number's other webhooks go on."""
    retry_longest: float = 15.0
    """Meta lets hours pass in the end. Here somebody watches, who has just restarted Frontdesk: nothing comes much later than that."""
    give_up_after: float = 7 * 86400.0
    """Meta drops a webhook after seven days."""


@dataclass(frozen=True, slots=True)
class Limits:
    """WhatsApp's rates for one number. Source: Meta's pages on throughput and pair rate limits."""

    per_second: float = 80.0
    pair_seconds: float = 6.0
    """One message to the same person in this many seconds."""
    pair_burst: float = 45.0
    """This many at once, borrowed from the future."""


Numbers = Callable[[Request], Awaitable[Sequence[SandboxNumber]]]
Find = Callable[[str], Awaitable[SandboxNumber | None]]
Recall = Callable[[str, str], Awaitable["Recalled | None"]]


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Everything the simulator needs to know; the product hands it over when it mounts the simulator."""

    app_secret: str
    webhook_url: str = "http://127.0.0.1:3002/webhooks/whatsapp"
    public_url: str = "http://127.0.0.1:3002/simulator"
    store_path: Path | None = None
    """The SQLite file; None keeps everything in memory."""
    numbers: Numbers | None = None
    """The numbers that this visitor may use; None lets every visitor use every number seen so far."""
    find: Find | None = None
    """The number with this id, if there is one; None takes every id as a number."""
    recall: Recall | None = None
    """Who of the product's sample data this id is, and when they last wrote to this number. The simulator never saw them write; None knows nobody."""
    window_refusal: Literal["later", "at once"] = "later"
    """Whether 131047 comes as a failed status, as it usually does, or as the answer to the send."""
    magic_recipients: bool = True
    webhooks_per_request: int = 50
    """Webhooks that wait for the same number travel together, as Meta batches them; Meta's own ceiling is 1,000."""
    pace: Pace = field(default_factory=Pace)
    limits: Limits = field(default_factory=Limits)


@dataclass(slots=True)
class Person:
    """Somebody with a phone. `bsuid` is their id with every business; `phone` is None for who hides it."""

    bsuid: str
    phone: str | None = None
    username: str | None = None
    name: str | None = None
    read_receipts: bool = True

    @property
    def address(self) -> str:
        """How the phone page names them in its address."""
        return f"+{self.phone}" if self.phone else f"@{self.username}" if self.username else self.bsuid


@dataclass(frozen=True, slots=True)
class Recalled:
    """Somebody who wrote before the simulator was there, and when that was last."""

    person: Person
    at: float


@dataclass(frozen=True, slots=True)
class Message:
    """One message on a phone, either way. `mine` means that the phone's owner wrote it."""

    wamid: str
    phone_number_id: str
    bsuid: str
    mine: bool
    type: str
    at: float
    text: str | None = None
    emoji: str | None = None
    target: str | None = None
    """The message a reaction is for."""
    reply_to: str | None = None
    opaque: str | None = None
    """`biz_opaque_callback_data`, returned in every status."""
    sent_at: float | None = None
    delivered_at: float | None = None
    read_at: float | None = None
    failed_at: float | None = None
    error_code: int | None = None

    def status(self, now: float) -> str:
        """How far this message has come by `now`."""
        steps = (
            ("failed", self.failed_at),
            ("read", self.read_at),
            ("delivered", self.delivered_at),
            ("sent", self.sent_at),
        )
        return next((word for word, at in steps if at is not None and at <= now), "accepted")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a business asked the Graph API to do: send a text, send a reaction, or mark a message as read."""

    kind: Literal["text", "reaction", "read"]
    input: str = ""
    phone: str | None = None
    bsuid: str | None = None
    text: str | None = None
    emoji: str | None = None
    target: str | None = None
    reply_to: str | None = None
    opaque: str | None = None
    typing: bool = False


@dataclass(slots=True)
class Update:
    """One webhook event on its way: `change` is an element of `entry[].changes`, as compact JSON."""

    position: int
    phone_number_id: str
    due: float
    change: str
    label: str
    wamid: str
    born: float
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """One webhook request as it went out, for the log on the phone page."""

    at: float
    label: str
    answer: str
    took: float
    body: str

    @property
    def when(self) -> datetime:
        """When it went out."""
        return datetime.fromtimestamp(self.at, UTC)

    @property
    def milliseconds(self) -> int:
        """How long the answer took."""
        return round(self.took * 1000)
