"""Who acts, and what a role may do."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Permission(StrEnum):
    """What may be done to what: `resource:action`. Which role holds which stands in the table role_permissions."""

    API_KEYS_READ = "api_keys:read"
    API_KEYS_WRITE = "api_keys:write"
    AUDIT_READ = "audit:read"
    AUTO_REPLIES_READ = "auto_replies:read"
    AUTO_REPLIES_WRITE = "auto_replies:write"
    BILLING_READ = "billing:read"
    BILLING_WRITE = "billing:write"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_WRITE = "campaigns:write"
    CHANNELS_READ = "channels:read"
    CHANNELS_WRITE = "channels:write"
    CONTACTS_EXPORT = "contacts:export"
    CONTACTS_READ = "contacts:read"
    CONTACTS_WRITE = "contacts:write"
    CONVERSATIONS_OVERSEE = "conversations:oversee"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    MESSAGES_READ = "messages:read"
    MESSAGES_WRITE = "messages:write"
    ORGANIZATION_EXPORT = "organization:export"
    ORGANIZATION_READ = "organization:read"
    ORGANIZATION_WRITE = "organization:write"
    OWNERSHIP_WRITE = "ownership:write"
    PHONE_NUMBERS_READ = "phone_numbers:read"


class Role(StrEnum):
    """A member's place in one organization."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


# What may be withheld from a member whose role holds it: restrictions.
WITHHOLDABLE = (Permission.CONVERSATIONS_OVERSEE, Permission.PHONE_NUMBERS_READ, Permission.CONTACTS_EXPORT)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from where; what an audit entry records.

    kind: "user" for a signed-in human, "api_key" for a program, "system" for the product itself, "operator" for who runs the
    installation. A program is no user: what it makes has nobody's name on it, and the log names its key. looks_by: the session of an
    operator who looks into the organization, and changes nothing there.
    """

    kind: str
    user_id: UUID | None = None
    name: str = ""
    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    key_id: UUID | None = None
    looks_by: UUID | None = None


SYSTEM = Actor(kind="system", name="Frontdesk")
