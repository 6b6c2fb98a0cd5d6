"""What an organization is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Organization:
    """One tenant. `slug` names it in commands and addresses and never changes; `timezone` is an IANA name."""

    id: UUID
    slug: str
    name: str
    timezone: str
    locale: str
    created_at: datetime
    sample_data_loaded_at: datetime | None
