"""The overview: the first page behind the sign-in."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fastapi import Request
from starlette.responses import Response

from frontdesk import channels, organizations
from frontdesk.access import Permission
from frontdesk.analytics import actions
from frontdesk.organizations import Organization
from frontdesk.settings import Settings
from frontdesk.web import Db, Door, render
from frontdesk.web.times import zone_or_utc

door = Door()
RANGES = (14, 30)  # days
# what the first steps take; who may not do one is not told to
NEEDED = {"answer": Permission.MESSAGES_WRITE, "rule": Permission.AUTO_REPLIES_WRITE, "number": Permission.CHANNELS_WRITE}


@door.get("/dashboard", needs=Permission.ORGANIZATION_READ)
async def overview(request: Request, db: Db) -> Response:
    """How it goes, who waits, and what to do first."""
    settings: Settings = request.app.state.settings
    organization = await organizations.current(db)
    zone, now, days = _zone(request, organization), datetime.now(UTC), _range(request)
    told = await actions.overview(db, organization, zone, now, days, simulated=settings.simulated)
    numbers = [one for one in await channels.list_channels(db) if settings.simulated or not one.sandbox]
    return await render(
        request, "analytics/index.html", figures=told.figures, days=told.days, waiting=told.waiting,
        empty=told.empty, channels=numbers, steps=[one for one in told.steps if NEEDED.get(one.key, Permission.ORGANIZATION_READ) in db.permissions],
        sandbox=next((one for one in numbers if one.sandbox), None), shown_days=days, zone=zone, now=now,
        sample_data=told.empty and _may_load_sample(settings, organization, db),
    )  # fmt: skip


def _range(request: Request) -> int:
    asked = request.query_params.get("days", "")
    return int(asked) if asked in {str(days) for days in RANGES} else RANGES[0]


def _may_load_sample(settings: Settings, organization: Organization, db: Db) -> bool:
    allowed = settings.simulated and Permission.ORGANIZATION_WRITE in db.permissions
    return allowed and organization.sample_data_loaded_at is None


def _zone(request: Request, organization: Organization) -> ZoneInfo:
    """The organization's clock; while nobody has set one, the reader's own."""
    return zone_or_utc(organization.timezone if organization.timezone != "UTC" else request.cookies.get("zone"))
