"""The tenants themselves."""

from frontdesk.organizations.records import Organization
from frontdesk.organizations.store import NoSuchOrganization, current

__all__ = ["NoSuchOrganization", "Organization", "current"]
