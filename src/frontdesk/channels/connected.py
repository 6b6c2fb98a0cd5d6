"""A connected number as its organization sees it. Imports nothing of ours."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

CLOUD_API, SIMULATOR = "cloud_api", "simulator"

State = Literal["stopped", "troubled", "waiting", "working"]


@dataclass(frozen=True, slots=True)
class ConnectedChannel:
    """One number of an organization with how it fares."""

    id: UUID
    kind: str
    name: str
    phone_number_id: str
    display_number: str
    waba_id: str
    rate_per_second: int
    stopped_at: datetime | None
    stopped_reason: str | None
    last_error: str | None
    last_error_at: datetime | None
    last_inbound_at: datetime | None
    created_at: datetime
    held_back_at: datetime | None = None  # since when it is over the plan's limit: it can only be read

    @property
    def sandbox(self) -> bool:
        """Whether it lives in the simulator."""
        return self.kind == SIMULATOR

    @property
    def state(self) -> State:
        """In one word: stopped, in trouble since it last worked, waiting for a first message, or working."""
        if self.stopped_at:
            return "stopped"
        if self.last_error_at and (self.last_inbound_at is None or self.last_error_at > self.last_inbound_at):
            return "troubled"
        return "working" if self.last_inbound_at else "waiting"


@dataclass(frozen=True, slots=True)
class NewChannel:
    """A number to connect, as somebody typed it."""

    name: str
    phone_number_id: str
    waba_id: str
    display_number: str
    access_token: str = field(repr=False)
    own_app_secret: str = field(default="", repr=False)  # of the organization's own Meta app; empty: the app of this installation
