"""The organization, for its own programs."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from frontdesk.access import Permission
from frontdesk.api import BadFields, Body, Db, Door
from frontdesk.organizations import actions, store
from frontdesk.organizations.records import Organization

door = Door("Organization")


class OrganizationReply(BaseModel):
    """An organization. slug: its name in addresses, which never changes."""

    id: UUID
    slug: str
    name: str
    timezone: str = Field(description="An IANA name, such as Europe/Berlin.")
    locale: str = Field(description="A language, perhaps with a country, such as en or pt-BR.")
    created_at: datetime

    @classmethod
    def of(cls, one: Organization) -> Self:
        """As it is told."""
        return cls(id=one.id, slug=one.slug, name=one.name, timezone=one.timezone, locale=one.locale, created_at=one.created_at)


class OrganizationChange(Body):
    """What shall be another; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Lagos Glow Salon", "timezone": "Africa/Lagos"}]})

    name: str | None = Field(None, min_length=1, max_length=200)
    timezone: str | None = Field(None, max_length=64)
    locale: str | None = Field(None, max_length=8)


@door.get("/organization", needs=Permission.ORGANIZATION_READ)
async def show_organization(db: Db) -> OrganizationReply:
    """The organization that the API key belongs to."""
    return OrganizationReply.of(await store.current(db))


@door.patch("/organization", needs=Permission.ORGANIZATION_WRITE)
async def change_organization(db: Db, change: OrganizationChange) -> OrganizationReply:
    """Change its name, its clock or its language. Days on pages are told by that clock."""
    now = await store.current(db)
    wanted = actions.Details(change.name or now.name, change.timezone or now.timezone, change.locale or now.locale)
    if wrong := actions.faults(wanted):
        raise BadFields(wrong)
    return OrganizationReply.of(await actions.change(db, wanted))
