"""Links that prove an email, as the domain knows them."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Purpose = Literal["verification", "reset", "change", "undo"]
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
LASTS: dict[Purpose, int] = {"verification": 3 * DAY, "reset": HOUR, "change": DAY, "undo": 7 * DAY}  # seconds


@dataclass(frozen=True, slots=True)
class Proof:
    """What an open link is about. `email`: the address it was sent to; `current_email`: the one of its user."""

    user_id: UUID
    name: str
    email: str
    current_email: str


@dataclass(frozen=True, slots=True)
class Change:
    """What became of another email: `changed`, `taken` when somebody has it by now, or `gone` when the link is none any more."""

    outcome: str
    user_id: UUID
    old_email: str
    new_email: str
    was_verified: bool
