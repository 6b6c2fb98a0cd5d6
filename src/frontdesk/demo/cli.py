"""`frontdesk demo`: an organization to look around in."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import typer

from frontdesk import channels, users
from frontdesk.access import Actor
from frontdesk.database import Database
from frontdesk.database.servers import opened
from frontdesk.demo import actions
from frontdesk.errors import Conflict, NotFound
from frontdesk.settings import Settings

EMAIL = "demo@example.com"
ORGANIZATION = "Mill Lane Bicycles"


class NoSuchOrganization(NotFound):
    """There is no organization with this slug."""


class DemoExists(Conflict):
    """The demo user demo@example.com exists already. Sign in with the password of its first day, or name an
    organization: --organization SLUG."""


@dataclass(frozen=True, slots=True)
class Place:
    """The organization to fill, and the member in whose name; password: of a user made just now."""

    organization_id: UUID
    name: str
    user_id: UUID
    password: str | None = None


def demo(
    organization: Annotated[str | None, typer.Option("--organization", help="Fill this organization (its slug) instead of making one.")] = None,
) -> None:
    """Load sample data: a shop with contacts, conversations of several days and rules. Makes a user demo@example.com
    unless told where."""
    settings = Settings.load()
    if not settings.simulated:
        raise actions.NoSampleData
    place, loaded = asyncio.run(_demo(settings, organization))
    print(f"{place.name} has the sample data now." if loaded else f"{place.name} had the sample data already.")
    if place.password:
        print(f"Sign in at {settings.home}/login as {EMAIL}, password {place.password}")


async def _demo(settings: Settings, slug: str | None) -> tuple[Place, bool]:
    async with opened(settings) as database:
        place = await (_found(database, slug) if slug else _made(database))
        actor = Actor(kind="user", user_id=place.user_id, name="frontdesk demo")
        async with database.tenant(place.organization_id, actor) as db:
            return place, await actions.load(db, settings)


async def _found(database: Database, slug: str) -> Place:
    async with database.platform() as db:
        found = await channels.organization_by_slug(db, slug)
    if found is None or found["owner_id"] is None:
        raise NoSuchOrganization(f"There is no organization with the slug {slug!r} that has an owner.", field="organization")
    return Place(found["id"], found["name"], found["owner_id"])


async def _made(database: Database) -> Place:
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    new = users.NewUser("Maya Bello", EMAIL, await users.hash_password(password), ORGANIZATION)
    async with database.platform() as db:
        made = await users.register(db, new)
        if made is not None:
            await users.confirm_email(db, made[0])  # nobody reads the mail of example.com
    if made is None:
        raise DemoExists
    user_id, organization_id = made
    if organization_id is None:
        raise NoSuchOrganization("The demo user was made, but its organization could not be. Sign in once and try again with --organization.")
    return Place(organization_id, ORGANIZATION, user_id, password)
