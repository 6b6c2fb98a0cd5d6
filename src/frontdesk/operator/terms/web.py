"""Where an operator gives an organization another plan, and makes exceptions from it."""

from datetime import UTC, date, datetime, time
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import Response

from frontdesk.errors import BadInput
from frontdesk.live import SESSIONS
from frontdesk.operator.organizations.actions import NotADay
from frontdesk.operator.organizations.showing import page
from frontdesk.operator.terms import actions
from frontdesk.web import OPERATOR, ConsoleDb, Door, go, read_form

door = Door()

ONE = "/operator/organizations/{organization_id}"


class TermsForm(BaseModel):
    """What these forms send."""

    plan: str = ""
    how: str = ""
    key: str = ""
    value: str = ""
    expires: str = ""
    reason: str = ""


@door.post(ONE + "/plan", needs=OPERATOR, fresh=True)
async def give_plan(request: Request, db: ConsoleDb, organization_id: UUID) -> Response:
    """Another plan, tried on or paid elsewhere."""
    form = await read_form(request, TermsForm)
    sent = form.data or TermsForm()
    try:
        await actions.give_plan(db, organization_id, sent.plan, sent.how)
    except BadInput as error:
        form.refuse(error)
        return await page(request, db, organization_id, form, "plan")
    return _done(request, organization_id, "It has that plan now.")


@door.post(ONE + "/entitlements", needs=OPERATOR, fresh=True)
async def override(request: Request, db: ConsoleDb, organization_id: UUID) -> Response:
    """An exception from what its plan allows."""
    form = await read_form(request, TermsForm)
    sent = form.data or TermsForm()
    try:
        await actions.override(db, organization_id, sent.key, sent.value, _until(sent.expires), sent.reason)
    except BadInput as error:
        form.refuse(error)
        return await page(request, db, organization_id, form, "entitlements")
    return _done(request, organization_id, "The exception holds from now on.")


@door.post(ONE + "/entitlements/{key}/removal", needs=OPERATOR)
async def restore(request: Request, db: ConsoleDb, organization_id: UUID, key: str) -> Response:
    """What the plan says holds again."""
    await actions.restore(db, organization_id, key)
    return _done(request, organization_id, "What its plan says holds again.")


def _until(written: str) -> datetime | None:
    """The end of the chosen day, in UTC; nothing is for good. Raises NotADay."""
    try:
        return datetime.combine(date.fromisoformat(written), time(23, 59, 59), UTC) if written else None
    except ValueError:
        raise NotADay(field="expires") from None


def _done(request: Request, organization_id: UUID, notice: str) -> Response:
    response = go(request, f"/operator/organizations/{organization_id}", notice)
    response.background = BackgroundTask(request.app.state.live.changed, [organization_id], SESSIONS)
    return response
