"""What arrives: kept first, told afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from frontdesk.channels import Lane

# while one part of a lane waits for the database, another has the processor
PARTS = 3


class Place(NamedTuple):
    """One part of a lane. They are parted by contact and told side by side, so a busy number is not told by one runner alone."""

    lane: Lane
    part: int


class Pack(NamedTuple):
    """Events that arrived together for one part of a lane, as they were kept: each is a line of the payload."""

    organization_id: UUID
    channel_id: UUID
    id: UUID
    part: int
    kind: str
    payload: str
    events: int


class Delivery(NamedTuple):
    """One raw event as it was kept; its id says when."""

    organization_id: UUID
    channel_id: UUID
    id: UUID
    kind: str
    payload: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A delivery whose story could not be told, and why."""

    delivery: Delivery
    error: str


@dataclass(frozen=True, slots=True)
class Told:
    """What telling a batch came to. heard: the lanes on which somebody wrote; answers: how many wait to be sent there now.

    served: how many deliveries of each channel, by its id as a number.
    """

    served: Mapping[int, int]
    messages: int
    heard: frozenset[Lane]
    answers: int
    organization_ids: frozenset[UUID]
    failures: tuple[Failure, ...]

    @property
    def deliveries(self) -> int:
        """How many deliveries there were."""
        return sum(self.served.values())
