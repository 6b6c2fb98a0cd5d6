"""The people of an organization, as the team page shows them. Imports nothing of ours."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

COUNTED = 100  # open conversations of a member, at most
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Member:
    """A user's place in one organization.

    withheld: what the role may do and this member not. conversations: the open ones assigned to this member, counted up to 100.
    """

    user_id: UUID
    name: str
    email: str
    role: str
    withheld: list[str]
    last_seen_at: datetime | None
    created_at: datetime
    conversations: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the list: who joined first comes first."""

    created_at: datetime
    user_id: UUID

    def written(self) -> str:
        """As it stands in an address: microseconds and the id."""
        return f"{(self.created_at - _EPOCH) // timedelta(microseconds=1)}.{self.user_id}"

    @classmethod
    def read(cls, written: str) -> Self | None:
        """The place, or None for what is none."""
        joined, _, id_text = written.partition(".")
        try:
            return cls(_EPOCH + timedelta(microseconds=int(joined)), UUID(id_text))
        except (ValueError, OverflowError):
            return None
