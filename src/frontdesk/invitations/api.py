"""Invitations, for an organization's own programs."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from frontdesk import mail, organizations, users
from frontdesk.access import Permission
from frontdesk.api import Body, Db, Door
from frontdesk.invitations import actions
from frontdesk.invitations.records import Invitation

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
    state: Literal["open", "expired", "orphaned"] = Field(description="`orphaned`: whoever invited may not do so any more.")


class InvitationList(BaseModel):
    """The newest invitations, 200 at most."""

    data: list[InvitationReply]


class NewInvitation(Body):
    """Whom to invite, and as what."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@example.com", "role": "member"}]})

    email: users.Email = Field(max_length=254)
    role: Role
    locale: str | None = Field(None, max_length=8, description="The language of the mail; that of the organization unless given.")


@door.get("/invitations", needs=NEEDS)
async def list_invitations(db: Db) -> InvitationList:
    """Invitations that nobody has answered or taken back, the newest first."""
    return InvitationList(data=[_reply(one) for one in await actions.pending(db)])


@door.post("/invitations", needs=NEEDS, also=(402,), verified=True)
async def create_invitation(request: Request, db: Db, invitation: NewInvitation) -> InvitationReply:
    """Invite somebody by mail, within the plan's seats.

    The email of whoever made the API key must be confirmed. 429 says as well that too many were invited within the hour.
    """
    locale = mail.best_locale(invitation.locale or (await organizations.current(db)).locale)
    invitation_id = await actions.invite(db, request.app.state.mailer, invitation.email, invitation.role, locale)
    return await _one(db, invitation_id)


@door.get("/invitations/{invitation_id}", needs=NEEDS)
async def show_invitation(db: Db, invitation_id: UUID) -> InvitationReply:
    """One invitation."""
    return await _one(db, invitation_id)


@door.delete("/invitations/{invitation_id}", needs=NEEDS)
async def revoke_invitation(db: Db, invitation_id: UUID) -> None:
    """Take an invitation back; its link opens nothing any more."""
    await actions.revoke(db, invitation_id)


async def _one(db: Db, invitation_id: UUID) -> InvitationReply:
    found = next((one for one in await actions.pending(db) if one.id == invitation_id), None)
    if found is None:
        raise actions.NoSuchInvitation
    return _reply(found)


def _reply(one: Invitation) -> InvitationReply:
    return InvitationReply.model_validate(
        {"id": one.id, "email": one.email, "role": one.role, "invited_by": one.invited_by, "sent_at": one.sent_at, "expires_at": one.expires_at,
         "state": one.state}
    )  # fmt: skip
