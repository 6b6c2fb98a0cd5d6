"""What is known about sealed values without opening them."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Holding:
    """What one key has sealed in one column.

    `place`: table.column; `sealed_by`: a name of FRONTDESK_SECRET_KEYS, "" for the organizations' data keys, None for what is not sealed.
    """

    place: str
    with_data_key: bool
    sealed_by: str | None
    amount: int
    samples: list[dict[str, str]] = field(repr=False)

    def waits(self, newest: str) -> bool:
        """Whether rotating seals these anew."""
        return bool(self.sealed_by) and (self.with_data_key or self.sealed_by != newest)


@dataclass(frozen=True, slots=True)
class Stale:
    """A value to seal anew. `organization`: with whose data key, if not with a key of the installation; `data_key`: that, if there is one."""

    row_id: str
    organization: UUID | None
    context: str
    sealed: str = field(repr=False)
    data_key: str | None = field(repr=False)


@dataclass(slots=True)
class Rotation:
    """How far a rotation has come."""

    renewed: int = 0
    unopened: int = 0  # were changed or moved; they stay as they are
    left: int = 0  # were being changed by others all the time
