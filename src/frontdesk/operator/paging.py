"""Lists that are paged by a cursor: the id after which a page begins, the newest first."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

PAGE = 50
NEWEST = UUID(int=(1 << 128) - 1)  # above every id there is
T = TypeVar("T")


def cursor(written: str) -> UUID | None:
    """What the address says; nonsense is the beginning."""
    try:
        return UUID(written) if written else None
    except ValueError:
        return None


def page_of(rows: Sequence[T], size: int = PAGE) -> tuple[list[T], UUID | None]:
    """A page of what was asked with one more, and where the next begins, if there is one."""
    last: Any = rows[size - 1] if len(rows) > size else None
    return list(rows[:size]), last.id if last is not None else None
