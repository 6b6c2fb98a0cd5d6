"""Something that wants a look."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Incident:
    """what: its kind; how_many: of it, 1 for what is there or not; since: when the oldest began; detail: what else is known."""

    what: str
    how_many: int
    since: datetime | None
    detail: str = ""
