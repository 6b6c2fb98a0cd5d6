"""The dashboard's pages of one signed-in user, as a browser sees them."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from frontdesk import billing, erasure
from frontdesk.access import Actor
from frontdesk.analytics import web as analytics_web
from frontdesk.archives import web as archives_web
from frontdesk.audit import web as audit_web
from frontdesk.billing import web as billing_web
from frontdesk.channels import web as channels_web
from frontdesk.contacts import web as contacts_web
from frontdesk.database import Database, Tenant
from frontdesk.demo import web as demo_web
from frontdesk.erasure import web as erasure_web
from frontdesk.messages.inbox import web as inbox_web
from frontdesk.organizations import web as organizations_web
from frontdesk.settings import Settings
from frontdesk.usage import web as usage_web
from tests.users.browser import Browser, doors

DOORS = (analytics_web, demo_web, contacts_web, channels_web, billing_web, audit_web, organizations_web, erasure_web, archives_web, inbox_web, usage_web)


class Bulletin:
    """Where pages say that something changed; these tests only look at the pages."""

    def changed(self, organization_ids: Iterable[UUID], topic: str = "inbox") -> None:
        """Nobody listens."""


class Desk(Browser):
    """A browser whose user is signed in as the owner of a new organization."""

    organization_id: UUID
    user_id: UUID
    database: Database

    @property
    def actor(self) -> Actor:
        """The user as the doors see him."""
        return Actor(kind="user", user_id=self.user_id, name="Maya Bello")

    @asynccontextmanager
    async def tenant(self) -> AsyncIterator[Tenant]:
        """The organization behind the doors."""
        async with self.database.tenant(self.organization_id, self.actor) as db:
            yield db

    async def press(self, path: str, page: str, **fields: str) -> httpx.Response:
        """Open a page, send one of its forms, and go where the answer sends."""
        answer = await self.send(path, page=page, **fields)
        return await self.get(answer.headers["location"]) if answer.status_code == 303 else answer


@asynccontextmanager
async def seated(database: Database, settings: Settings, **fields: str) -> AsyncIterator[Desk]:
    """Somebody who has just registered, at the overview. fields: of the registration."""
    async with Desk(_app(database, settings)) as desk:
        answer = await desk.register(**fields)
        assert answer.status_code == 303, answer.text
        async with database.platform() as db:
            found: dict[str, Any] | None = await db.row(
                "select user_id, organization_id from private.find_account(%(email)s)",
                {"email": fields.get("email", "maya@example.com")},
            )
        assert found is not None
        desk.database, desk.user_id, desk.organization_id = database, found["user_id"], found["organization_id"]
        yield desk


def _app(database: Database, settings: Settings) -> FastAPI:
    app = doors(database, settings)
    app.state.live, app.state.load_frame = Bulletin(), _frame
    for door in DOORS:
        app.include_router(door.door.router)
    return app


async def _frame(db: Tenant) -> dict[str, Any]:
    return {"plan": await billing.plan_in_use(db), "unread": 0, "deletion": await erasure.pending(db)}
