"""The page on which an owner takes everything along."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from frontdesk import organizations
from frontdesk.access import Permission
from frontdesk.archives import actions, store
from frontdesk.database import Tenant
from frontdesk.web import Db, Door, render

door = Door()

ARCHIVE = "/dashboard/settings/archive"
BROKEN_OFF = timedelta(minutes=2)  # without a piece: nobody downloads it any more


@door.get(ARCHIVE, needs=Permission.ORGANIZATION_EXPORT)
async def archive(request: Request, db: Db) -> Response:
    """What an archive holds, and how far one is."""
    return await render(request, "archives/archive.html", **await _progress(db))


@door.get(f"{ARCHIVE}/progress", needs=Permission.ORGANIZATION_EXPORT)
async def progress(request: Request, db: Db) -> Response:
    """How far it is, asked again and again while the page is open."""
    return await render(request, "archives/_progress.html", **await _progress(db))


@door.post(ARCHIVE, needs=Permission.ORGANIZATION_EXPORT, fresh=True)
async def download(request: Request, db: Db) -> Response:
    """Everything, as a ZIP file that is written while it is sent."""
    organization = await organizations.current(db)
    archive_id, tables = await actions.begin(db)
    pieces = actions.stream(request.app.state.database, db.organization_id, db.actor, archive_id, tables, organization.name)
    name = f"{organization.slug}-{datetime.now(UTC):%Y-%m-%d}.zip"
    return StreamingResponse(pieces, media_type="application/zip", headers={"content-disposition": f'attachment; filename="{name}"'})


async def _progress(db: Tenant) -> dict[str, Any]:
    newest = await store.newest(db)
    broken = newest is not None and newest.finished_at is None and datetime.now(UTC) - newest.updated_at > BROKEN_OFF
    return {"archive": newest, "broken": broken}
