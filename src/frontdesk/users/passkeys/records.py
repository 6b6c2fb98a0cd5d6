"""What a passkey is, to its user and to whoever checks a signature."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Site:
    """For whom passkeys sign. `name`: the host without its port; `origin`: as the browser writes it."""

    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey as its user sees it. `backup_eligible`: it may be copied to his other devices; `backed_up`: it has been."""

    id: UUID
    credential_id: bytes
    transports: list[str]
    backup_eligible: bool
    backed_up: bool
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that a device has just made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: list[str]
    backup_eligible: bool
    backed_up: bool


@dataclass(frozen=True, slots=True)
class KnownPasskey:
    """What a signature is checked against, and whose it is."""

    id: UUID
    user_id: UUID
    user_name: str
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that was right."""

    passkey: KnownPasskey
    new_count: int
    backed_up: bool
