"""What arrives: kept first, told afterwards."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from frontdesk.channels import Lane


@dataclass(frozen=True, slots=True)
class Delivery:
    """One raw event as it was kept."""

    organization_id: UUID
    channel_id: UUID
    id: UUID
    kind: str
    payload: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """A delivery whose story could not be told, and why."""

    delivery: Delivery
    error: str


@dataclass(frozen=True, slots=True)
class Told:
    """What telling a batch came to. answered: the lanes on which answers wait to be sent now."""

    deliveries: int
    messages: int
    answered: frozenset[Lane]
    organization_ids: frozenset[UUID]
    failures: tuple[Failure, ...]
