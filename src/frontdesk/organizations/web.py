"""The settings of an organization."""

from typing import Any
from zoneinfo import available_timezones

from babel import Locale
from fastapi import Request
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import Response

from frontdesk.access import Permission
from frontdesk.database import Tenant
from frontdesk.live import SESSIONS
from frontdesk.organizations import actions, store
from frontdesk.web import Db, Door, Form, go, read_form, render

door = Door()

SETTINGS = "/dashboard/settings"
LOOKS = 10
LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "id", "it", "ja", "nl", "pl", "pt", "pt-BR", "ru", "sw", "tr", "uk", "zh")


class SettingsForm(BaseModel):
    """What the form of the settings sends. What is wrong with it, the domain says."""

    name: str = ""
    timezone: str = ""
    locale: str = ""


@door.get(SETTINGS, needs=Permission.ORGANIZATION_READ)
async def settings(request: Request, db: Db) -> Response:
    """What the organization is called, its clock and its language, and the way to what only owners do."""
    now = await store.current(db)
    return await _page(request, db, Form.of({"name": now.name, "timezone": now.timezone, "locale": now.locale}))


@door.post(SETTINGS, needs=Permission.ORGANIZATION_WRITE)
async def change_settings(request: Request, db: Db) -> Response:
    """Save them."""
    form = await read_form(request, SettingsForm)
    if form.data is not None:
        wanted = actions.Details(form.data.name, form.data.timezone, form.data.locale)
        for fault in actions.faults(wanted):
            form.refuse(fault)
        if form.data is not None:
            await actions.change(db, wanted)
            return go(request, SETTINGS, "The settings are saved.")
    return await _page(request, db, form, 422)


@door.post(SETTINGS + "/second-factor", needs=Permission.ORGANIZATION_WRITE, fresh=True)
async def require_second_factor(request: Request, db: Db) -> Response:
    """Ask every member for a second factor. Open pages of members without one stop at once."""
    await actions.require_second_factor(db)
    response = go(request, SETTINGS, "Every member needs a second factor now.")
    response.background = BackgroundTask(request.app.state.live.changed, [db.organization_id], SESSIONS)
    return response


@door.post(SETTINGS + "/second-factor/removal", needs=Permission.ORGANIZATION_WRITE, fresh=True)
async def leave_second_factor_open(request: Request, db: Db) -> Response:
    """Leave it to the members again."""
    await actions.leave_second_factor_open(db)
    return go(request, SETTINGS, "A second factor is up to each member again.")


async def _page(request: Request, db: Tenant, form: Form[Any], status_code: int = 200) -> Response:
    organization = await store.current(db)
    return await render(
        request, "organizations/settings.html", status_code=status_code, form=form, organization=organization,
        zones=[(name, name.replace("_", " ")) for name in sorted(available_timezones() | {organization.timezone})],
        languages=[(code, _called(code)) for code in sorted({*LANGUAGES, organization.locale})],
        required_at=await store.second_factor_required_at(db), without=await store.members_without_second_factor(db),
        looks=await store.looked_into(db, LOOKS),
    )  # fmt: skip


def _called(code: str) -> str:
    try:
        return str(Locale.parse(code.replace("-", "_")).get_display_name("en") or code)
    except ValueError:
        return code
