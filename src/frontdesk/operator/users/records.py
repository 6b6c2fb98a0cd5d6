"""A user as an operator sees him."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class User:
    """A user, with his organizations (id, name, role) and how he can sign in."""

    id: UUID
    name: str
    email: str
    created_at: datetime
    confirmed: bool
    locked: bool
    has_factor: bool
    is_operator: bool
    last_seen_at: datetime | None
    organizations: list[dict[str, Any]]
