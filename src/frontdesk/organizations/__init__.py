"""The tenants themselves."""

from frontdesk.organizations.actions import Details, change
from frontdesk.organizations.records import Organization
from frontdesk.organizations.store import NoSuchOrganization, current

__all__ = ["Details", "NoSuchOrganization", "Organization", "change", "current"]
