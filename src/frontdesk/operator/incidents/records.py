"""What wants a look."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Incident:
    """what: its kind; how_many: of it, 1 for what is there or not; since: when the oldest began; detail: what else is known."""

    what: str
    how_many: int
    since: datetime | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Drift:
    """A counter that differs from what it counts. counted: what it says; recounted: what there is; period_start: of the period that it counts."""

    organization_id: UUID
    organization: str
    metric: str
    description: str
    period_start: date
    counted: int
    recounted: int
    found_at: datetime
