"""The statements about organizations."""

from datetime import datetime

from frontdesk.database import Tenant
from frontdesk.errors import NotFound
from frontdesk.organizations.records import Look, Organization


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


async def require_second_factor(db: Tenant) -> str:
    """Ask every member for a second factor from now on: "done", "asked already", or "has none" of the one who asks."""
    return str(await db.value("select private.require_second_factor(%(id)s)", {"id": db.organization_id}))


async def leave_second_factor_open(db: Tenant) -> bool:
    """Ask nobody for a second factor any more. False when nobody was asked."""
    return bool(await db.value("select private.leave_second_factor_open(%(id)s)", {"id": db.organization_id}))


async def second_factor_required_at(db: Tenant) -> datetime | None:
    """Since when members are asked for a second factor."""
    since: datetime | None = await db.value("select second_factor_required_at from public.organizations where id = %(id)s", {"id": db.organization_id})
    return since


async def looked_into(db: Tenant, how_many: int) -> list[Look]:
    """Which operators looked into the organization, when and why, the newest first."""
    return await db.records(
        Look,
        """
        select operator_name, purpose, reason, started_at, ended_at is null and expires_at > now() and purpose = 'view' as goes_on
        from public.operator_views where organization_id = %(id)s order by id desc limit %(how_many)s
        """,
        {"id": db.organization_id, "how_many": how_many},
    )


async def members_without_second_factor(db: Tenant) -> int:
    """How many members have none."""
    return int(await db.value("select private.members_without_second_factor(%(id)s)", {"id": db.organization_id}))


async def change(db: Tenant, name: str, timezone: str, locale: str) -> None:
    """Write what the organization is called, and its clock and language."""
    await db.run(
        "update public.organizations set name = %(name)s, timezone = %(timezone)s, locale = %(locale)s where id = %(id)s",
        {"id": db.organization_id, "name": name, "timezone": timezone, "locale": locale},
    )
