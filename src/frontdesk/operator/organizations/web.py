"""The pages of organizations: the list, one of them, and what is done about it."""

from dataclasses import replace
from datetime import UTC, datetime, time
from datetime import date as Day
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, StringConstraints
from starlette.background import BackgroundTask
from starlette.responses import Response

from frontdesk import email_proofs
from frontdesk.errors import BadInput
from frontdesk.live import SESSIONS
from frontdesk.operator.organizations import actions, lists, making, store
from frontdesk.operator.organizations.records import STATES
from frontdesk.operator.organizations.showing import page
from frontdesk.operator.paging import PAGE, cursor, page_of
from frontdesk.users import Email, Name
from frontdesk.web import OPERATOR, ConsoleDb, Door, Form, SignedIn, actor, go, read_form, render

door = Door()

LIST = "/operator/organizations"
ONE = LIST + "/{organization_id}"


class OperationForm(BaseModel):
    """What the forms of an organization send: a reason, the short name typed by hand, a day."""

    reason: str = ""
    confirmation: str = ""
    until: str = ""


class CustomerForm(BaseModel):
    """For whom an organization is made, and what it has at first."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    owner_email: Email
    owner_name: Name
    plan: str = ""
    trial_days: int = 14


@door.get("/operator", needs=OPERATOR)
async def console(request: Request) -> Response:
    """The console begins with the organizations."""
    return go(request, LIST)


@door.get(LIST, needs=OPERATOR)
async def index(request: Request, db: ConsoleDb, q: str = "", state: str = "all", plan: str = "", before: str = "") -> Response:
    """The organizations, the newest first, by state, plan, or words."""
    words, state = " ".join(q.replace("\x00", " ").split())[:200], state if state in STATES else "all"
    plans = await store.plans(db)
    plan = plan if any(one["id"] == plan for one in plans) else ""
    ids = await lists.chosen(db, lists.Wanted(words, state, plan, cursor(before)), PAGE + 1)
    rows, older = page_of(await store.rows(db, ids))
    asked = {name: value for name, value in {"q": words, "state": state, "plan": plan}.items() if value and value != "all"}
    return await render(
        request, "operator/organizations/index.html", rows=rows, owners=await store.owners(db, [one.id for one in rows]), older=older, before=before,
        q=words, state=state, plan=plan, plans=plans, states=STATES, asked=asked, address=lambda **more: f"{LIST}?{urlencode(asked | more)}",
        now=datetime.now(UTC),
    )  # fmt: skip


@door.get(LIST + "/new", needs=OPERATOR)
async def new(request: Request, db: ConsoleDb) -> Response:
    """The form for an organization that is made for a customer."""
    return await _new_page(request, db, Form.of({"trial_days": "14"}))


@door.post(LIST + "/new", needs=OPERATOR, fresh=True)
async def make(request: Request, db: ConsoleDb, who: SignedIn) -> Response:
    """Make it. An owner who is new here is written to, and sets a password."""
    form = await read_form(request, CustomerForm)
    if form.data is None:
        return await _new_page(request, db, form, 422)
    sent = form.data
    try:
        wanted = making.Customer(sent.name, sent.owner_email, sent.owner_name, sent.plan, sent.trial_days)
        organization_id, is_new = await making.make(db, wanted)
    except BadInput as error:
        form.refuse(error)
        return await _new_page(request, db, form, 422)
    response = go(
        request, f"{LIST}/{organization_id}", "It is made. Its owner gets a link to set a password." if is_new else "It is made, for a user there is."
    )
    if is_new:
        state, by = request.app.state, replace(actor(request, who), kind="operator")
        response.background = BackgroundTask(email_proofs.send_reset, state.database, state.mailer, by, sent.owner_email, None)
    return response


@door.get(ONE, needs=OPERATOR)
async def show(request: Request, db: ConsoleDb, organization_id: UUID) -> Response:
    """One organization: what it has, how it is, who is in it, and what operators did."""
    return await page(request, db, organization_id)


@door.post(ONE + "/suspension", needs=OPERATOR, fresh=True)
async def suspend(request: Request, db: ConsoleDb, organization_id: UUID) -> Response:
    """Suspend it. Open pages of its members load themselves again."""
    form = await read_form(request, OperationForm)
    try:
        await actions.suspend(db, organization_id, str(form.value("reason")))
    except BadInput as error:
        form.refuse(error)
        return await page(request, db, organization_id, form, "suspension")
    return _done(request, organization_id, "It is suspended. What customers write is still kept.")


@door.post(ONE + "/suspension/removal", needs=OPERATOR)
async def resume(request: Request, db: ConsoleDb, organization_id: UUID) -> Response:
    """Let it go on."""
    await actions.resume(db, organization_id)
    return _done(request, organization_id, "It goes on.")


@door.post(ONE + "/trial", needs=OPERATOR)
async def extend_trial(request: Request, db: ConsoleDb, organization_id: UUID) -> Response:
    """Let its trial end later: at the end of the chosen day, in UTC."""
    form = await read_form(request, OperationForm)
    try:
        await actions.extend_trial(db, organization_id, _end_of(str(form.value("until"))))
    except BadInput as error:
        form.refuse(error)
        return await page(request, db, organization_id, form, "trial")
    return _done(request, organization_id, "The trial ends later.")


@door.post(ONE + "/deletion", needs=OPERATOR, fresh=True)
async def order_deletion(request: Request, db: ConsoleDb, organization_id: UUID) -> Response:
    """Have it deleted in seven days."""
    form = await read_form(request, OperationForm)
    try:
        await actions.order_deletion(db, organization_id, str(form.value("confirmation")), str(form.value("reason")))
    except BadInput as error:
        form.refuse(error)
        return await page(request, db, organization_id, form, "deletion")
    return _done(request, organization_id, "It will be deleted in seven days. Its members see that.")


@door.post(ONE + "/deletion/removal", needs=OPERATOR)
async def undo_deletion(request: Request, db: ConsoleDb, organization_id: UUID) -> Response:
    """Keep it after all."""
    await actions.undo_deletion(db, organization_id)
    return _done(request, organization_id, "It stays. Nothing was deleted.")


async def _new_page(request: Request, db: ConsoleDb, form: Form[Any], status_code: int = 200) -> Response:
    plans = [(one["id"], one["name"]) for one in await store.plans(db) if one["retired_at"] is None and one["id"] != "free"]
    return await render(request, "operator/organizations/new.html", status_code=status_code, form=form, plans=plans)


def _done(request: Request, organization_id: UUID, notice: str) -> Response:
    response = go(request, f"{LIST}/{organization_id}", notice)
    response.background = BackgroundTask(request.app.state.live.changed, [organization_id], SESSIONS)
    return response


def _end_of(written: str) -> datetime:
    try:
        return datetime.combine(Day.fromisoformat(written), time(23, 59, 59), UTC)
    except ValueError:
        raise actions.NotADay(field="until") from None
