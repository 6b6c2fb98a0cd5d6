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


async def locked(db: Tenant) -> Organization:
    """The same, and nobody else changes it until this transaction ends."""
    found = await db.record(
        Organization,
        """
        select id, slug, name, timezone, locale, created_at, sample_data_loaded_at
        from public.organizations where id = %(id)s for no key update
        """,
        {"id": db.organization_id},
    )
    if found is None:
        raise NoSuchOrganization
    return found


async def change(db: Tenant, name: str, timezone: str, locale: str) -> None:
    """Write what the organization is called, and its clock and language."""
    await db.run(
        "update public.organizations set name = %(name)s, timezone = %(timezone)s, locale = %(locale)s where id = %(id)s",
        {"id": db.organization_id, "name": name, "timezone": timezone, "locale": locale},
    )
