"""What goes. Imports nothing of ours."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Deletion:
    """The deletion of an organization that an owner has asked for; it begins when it is due, and until then an owner can undo it."""

    requested_at: datetime
    due_at: datetime
    requested_by: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a deletion that is done: so many rows of one table; the table organizations comes last."""

    id: UUID
    slug: str
    of_table: str
    gone: int
