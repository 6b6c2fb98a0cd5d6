"""An event of the payment provider, as an operator sees it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Event:
    """One event. organization: None of a customer that is nobody's here. It is handled, waits, or was given up and wants a look."""

    id: UUID
    organization_id: UUID | None
    organization: str | None
    provider_event_id: str
    type: str
    object_id: str | None
    arrived_by: str
    happened_at: datetime
    received_at: datetime
    next_try_at: datetime | None
    attempts: int
    last_error: str | None
    given_up_at: datetime | None
    handled_at: datetime | None

    @property
    def state(self) -> str:
        """handled, given_up or waiting."""
        return "handled" if self.handled_at else "given_up" if self.given_up_at else "waiting"
