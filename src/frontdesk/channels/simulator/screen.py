"""What the phone shows: the chat as lines, and the switches as sentences."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from frontdesk.channels.simulator.faults import Faults
from frontdesk.channels.simulator.records import Message

USUAL: dict[str, dict[str, float]] = {
    "duplicate": {},
    "reorder": {},
    "delay": {"seconds": 30},
    "drop": {"every": 10},
    "answer_429": {},
    "answer_500": {},
    "reset_after": {},
}
RARE: dict[str, dict[str, float]] = {
    "lose": {"every": 10},
    "early_statuses": {},
    "answer_502": {},
    "slow": {"seconds": 5},
    "reset_before": {},
}
"""The switches in the order of the panel, and what switching one on there means."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message on the phone. `ticks` is set for what the owner wrote, `chosen` is the owner's own reaction."""

    id: str
    mine: bool
    text: str
    at: datetime
    ticks: str
    quoted: str
    theirs: str
    chosen: str


def lines(messages: Sequence[Message], now: float | None = None) -> list[Line]:
    """The messages that the phone shows, oldest first, each with the latest reaction from either side."""
    now = time.time() if now is None else now
    shown = [message for message in messages if message.error_code is None]
    reactions = {(message.target, message.mine): message.emoji or "" for message in shown if message.type == "reaction"}
    texts = {message.wamid: message.text or "" for message in shown if message.type == "text"}
    return [_line(message, texts, reactions, now) for message in shown if message.type == "text"]


def wanted(names: Sequence[str], before: Faults) -> dict[str, object]:
    """The switches that a form asks for; those that were on stay as they are, with what is left of their count."""
    on = before.described()
    return {name: on.get(name) or usual for name, usual in {**USUAL, **RARE}.items() if name in names}


def _line(message: Message, texts: dict[str, str], reactions: dict[tuple[str | None, bool], str], now: float) -> Line:
    status = message.status(now)
    return Line(
        id=message.wamid,
        mine=message.mine,
        text=message.text or "",
        at=datetime.fromtimestamp(message.at, UTC),
        ticks=(status if status in ("delivered", "read") else "sent") if message.mine else "",
        quoted=texts.get(message.reply_to or "", ""),
        theirs=reactions.get((message.wamid, False), ""),
        chosen=reactions.get((message.wamid, True), ""),
    )
