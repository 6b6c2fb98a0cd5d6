"""The HTML door of invitations for those who invite."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, field_validator
from starlette.responses import Response

from frontdesk import mail, organizations, usage, users
from frontdesk.access import WITHHOLDABLE, Permission
from frontdesk.database import Tenant
from frontdesk.errors import FrontdeskError, LimitReached
from frontdesk.invitations import actions
from frontdesk.invitations.records import NewInvitation, Withholdable
from frontdesk.web import Db, Door, Form, go, read_form, render

door = Door()

ALL = "/dashboard/team/invitations"
ONE = ALL + "/{invitation_id}"


class InvitationForm(BaseModel):
    """Whom to invite, as what, with which restrictions, and in which language."""

    email: users.Email
    role: Literal["admin", "member", "viewer"]
    locale: str = "en"
    withheld: Annotated[list[Withholdable], BeforeValidator(lambda chosen: chosen if isinstance(chosen, list) else [chosen])] = []

    @field_validator("locale")
    @classmethod
    def spoken(cls, value: str) -> str:
        """A language that mails have, English for any other."""
        return mail.best_locale(value)


@door.get(ALL, needs=Permission.MEMBERS_WRITE)
async def index(request: Request, db: Db) -> Response:
    """The form, and the invitations that nobody has answered."""
    organization = await organizations.current(db)
    withheld = [one for one in WITHHOLDABLE if one not in db.permissions]
    return await _page(request, db, Form.of({"role": "member", "locale": mail.best_locale(organization.locale), "withheld": withheld}))


@door.post(ALL, needs=Permission.MEMBERS_WRITE, verified=True)
async def create(request: Request, db: Db) -> Response:
    """Invite somebody."""
    form = await read_form(request, InvitationForm)
    if form.data is None:
        return await _page(request, db, form, 422)
    sent = form.data
    try:
        await actions.invite(db, request.app.state.mailer, NewInvitation(sent.email, sent.role, sent.locale, sent.withheld))
    except FrontdeskError as error:
        return await _refused(request, db, form, error)
    return go(request, ALL, f"{sent.email} is invited.")


@door.post(ONE + "/resend", needs=Permission.MEMBERS_WRITE, verified=True)
async def resend(request: Request, db: Db, invitation_id: UUID) -> Response:
    """Send an invitation again, with a new link."""
    try:
        email = await actions.resend(db, request.app.state.mailer, invitation_id)
    except (LimitReached, users.TooManyAttempts) as error:
        return await _refused(request, db, Form.of({"role": "member"}), error)
    return go(request, ALL, f"A new invitation is on its way to {email}. The link before it opens nothing any more.")


@door.post(ONE + "/revocation", needs=Permission.MEMBERS_WRITE)
async def revoke(request: Request, db: Db, invitation_id: UUID) -> Response:
    """Take an invitation back."""
    email = await actions.revoke(db, invitation_id)
    return go(request, ALL, f"The invitation of {email} is taken back. Its link opens nothing any more.")


async def _refused(request: Request, db: Tenant, form: Form[Any], error: FrontdeskError) -> Response:
    form.refuse(error)
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, users.TooManyAttempts) else None
    return await _page(request, db, form, error.status, headers)


async def _page(request: Request, db: Tenant, form: Form[Any], status_code: int = 200, headers: dict[str, str] | None = None) -> Response:
    settings = request.app.state.settings
    return await render(
        request, "invitations/index.html", status_code=status_code, headers=headers, form=form, invitations=await actions.pending(db),
        seats=next((one for one in await usage.overview(db) if one.metric == "members"), None),
        withholdable=WITHHOLDABLE, mine=db.permissions, unsent=not (settings.smtp_url or settings.mailbox),
    )  # fmt: skip
