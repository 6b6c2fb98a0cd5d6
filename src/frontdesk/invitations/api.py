"""Invitations, for an organization's own programs."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from frontdesk import mail, organizations, users
from frontdesk.access import Permission
from frontdesk.api import PAGE, BadCursor, Body, CursorText, Db, Door, Limit, Page
from frontdesk.invitations import actions, records
from frontdesk.invitations.records import Invitation, Withholdable

door = Door("Invitations")

NEEDS = Permission.MEMBERS_WRITE
Role = Literal["admin", "member", "viewer"]


class InvitationReply(BaseModel):
    """One that nobody has answered or taken back. Its link stands in the mail only."""

    id: UUID
    email: str
    role: Role
    invited_by: str | None
    sent_at: datetime
    expires_at: datetime
    withheld: list[Withholdable] = Field(description="What of their role whoever comes in may not do.")
    state: Literal["open", "expired", "orphaned"] = Field(description="`orphaned`: whoever invited may not do so any more.")


class NewInvitation(Body):
    """Whom to invite, and as what."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@example.com", "role": "member"}]})

    email: users.Email = Field(max_length=254)
    role: Role
    withheld: list[Withholdable] = Field([], max_length=3, description="What of their role they shall not do: restrictions, from the first moment on.")
    locale: str | None = Field(None, max_length=8, description="The language of the mail; that of the organization unless given.")


@door.get("/invitations", needs=NEEDS)
async def list_invitations(db: Db, limit: Limit = PAGE, cursor: CursorText = None) -> Page[InvitationReply]:
    """Invitations that nobody has answered or taken back, the newest first."""
    found = await actions.pending(db, before=_place(cursor), how_many=limit + 1)
    data = [_reply(one) for one in found[:limit]]
    return Page[InvitationReply](data=data, next_cursor=str(data[-1].id) if len(found) > limit else None)


@door.post("/invitations", needs=NEEDS, also=(402,), verified=True)
async def create_invitation(request: Request, db: Db, invitation: NewInvitation) -> InvitationReply:
    """Invite somebody by mail, within the plan's seats.

    The email of whoever made the API key must be confirmed, and the key must be allowed what the role is: viewers need `messages:read`, members
    `messages:write`; admins are invited by people only. 429 says as well that too many were invited within the hour.
    """
    locale = mail.best_locale(invitation.locale or (await organizations.current(db)).locale)
    wanted = records.NewInvitation(invitation.email, invitation.role, locale, invitation.withheld)
    invitation_id = await actions.invite(db, request.app.state.mailer, wanted)
    return _reply(await actions.find(db, invitation_id))


@door.get("/invitations/{invitation_id}", needs=NEEDS)
async def show_invitation(db: Db, invitation_id: UUID) -> InvitationReply:
    """One invitation."""
    return _reply(await actions.find(db, invitation_id))


@door.post("/invitations/{invitation_id}/resend", needs=NEEDS, also=(402,), verified=True)
async def resend_invitation(request: Request, db: Db, invitation_id: UUID) -> InvitationReply:
    """Send an invitation again, with a new link, for another seven days. The link before it opens nothing any more."""
    await actions.resend(db, request.app.state.mailer, invitation_id)
    return _reply(await actions.find(db, invitation_id))


@door.delete("/invitations/{invitation_id}", needs=NEEDS)
async def revoke_invitation(db: Db, invitation_id: UUID) -> None:
    """Take an invitation back; its link opens nothing any more."""
    await actions.revoke(db, invitation_id)


def _place(cursor: str | None) -> UUID | None:
    try:
        return UUID(cursor) if cursor is not None else None
    except ValueError:
        raise BadCursor from None


def _reply(one: Invitation) -> InvitationReply:
    return InvitationReply.model_validate(
        {"id": one.id, "email": one.email, "role": one.role, "invited_by": one.invited_by, "sent_at": one.sent_at, "expires_at": one.expires_at,
         "withheld": one.withheld, "state": one.state}
    )  # fmt: skip
