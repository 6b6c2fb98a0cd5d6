"""What an organization is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Look:
    """An operator looked into the organization, and why. purpose: "view", or "export" when he took an archive along."""

    operator_name: str
    purpose: str
    reason: str
    started_at: datetime
    goes_on: bool


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
