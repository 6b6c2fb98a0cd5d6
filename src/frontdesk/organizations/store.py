"""The statements about organizations."""

from frontdesk.database import Tenant
from frontdesk.errors import NotFound
from frontdesk.organizations.records import Organization


class NoSuchOrganization(NotFound):
    """There is no such organization."""


async def current(db: Tenant) -> Organization:
    """The organization of this transaction."""
    found = await db.record(
        Organization,
        "select id, slug, name, timezone, locale, created_at, sample_data_loaded_at from public.organizations where id = %(id)s",
        {"id": db.organization_id},
    )
    if found is None:
        raise NoSuchOrganization
    return found
