"""What members do with invitations: invite somebody, send it again, take it back."""

from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

from frontdesk import audit, organizations, usage, users
from frontdesk.database import Tenant, new_id
from frontdesk.errors import Conflict, NotAllowed, NotFound
from frontdesk.invitations import store
from frontdesk.invitations.records import LASTS, Invitation, NewInvitation
from frontdesk.mail import Mailer

MOST_SHOWN = 200


class AlreadyMember(Conflict):
    """Whoever has this email is a member already."""


class AlreadyInvited(Conflict):
    """Whoever has this email is invited already. Send that invitation again, or take it back first."""


class NoSuchInvitation(NotFound):
    """There is no such invitation. Perhaps it was accepted, or somebody has taken it back."""


class MayNotInvite(NotAllowed):
    """Your role in this organization does not allow this any more. Ask an owner or an admin."""


class MoreThanTheKey(NotAllowed):
    """An API key lets nobody in who may do more than it: viewers need the scope messages:read, members messages:write, and admins are invited by people."""


_REFUSALS = {
    "not_allowed": MayNotInvite, "member": AlreadyMember, "pending": AlreadyInvited, "missing": NoSuchInvitation, "more_than_key": MoreThanTheKey,
}  # fmt: skip


async def pending(db: Tenant, before: UUID | None = None, how_many: int = MOST_SHOWN) -> list[Invitation]:
    """What nobody has answered or taken back, the newest first, after the one of this id; nothing for who may not invite."""
    return await store.pending(db, before, how_many)


async def find(db: Tenant, invitation_id: UUID) -> Invitation:
    """One that nobody has answered or taken back. Raises NoSuchInvitation."""
    found = await store.pending(db, None, 1, only=invitation_id)
    if not found:
        raise NoSuchInvitation
    return found[0]


async def invite(db: Tenant, mailer: Mailer, wanted: NewInvitation) -> UUID:
    """Invite somebody by mail. Raises AlreadyMember, AlreadyInvited, PlanLimitReached, TooManyAttempts, MayNotInvite or MoreThanTheKey."""
    token, invitation_id, until = users.new_token(), new_id(), datetime.now(UTC) + LASTS
    outcome = await store.invite(db, invitation_id, wanted, users.hash_of_token(token), until)
    await _demand(db, outcome, "invited")
    await _send(db, mailer, invitation_id, wanted.email, wanted.role, wanted.locale, token, until)
    details: dict[str, Any] = {"email": wanted.email, "role": wanted.role, "expires_at": until.isoformat(timespec="seconds")}
    if wanted.withheld:
        details["restrictions"] = sorted(set(wanted.withheld))
    await audit.append(db, "member.invited", target_type="invitation", target_id=invitation_id, details=details)
    return invitation_id


async def resend(db: Tenant, mailer: Mailer, invitation_id: UUID) -> str:
    """Send an invitation again, with a new link, for another seven days, and return its address. The old link opens nothing any more.

    Raises NoSuchInvitation, PlanLimitReached, TooManyAttempts, MayNotInvite or MoreThanTheKey.
    """
    token, until = users.new_token(), datetime.now(UTC) + LASTS
    outcome = await store.resend(db, invitation_id, users.hash_of_token(token), until)
    await _demand(db, outcome, "resent")
    await _send(db, mailer, invitation_id, outcome["email"], outcome["role"], outcome["locale"], token, until)
    details = {"email": outcome["email"], "role": outcome["role"], "expires_at": until.isoformat(timespec="seconds")}
    await audit.append(db, "invitation.resent", target_type="invitation", target_id=invitation_id, details=details)
    return str(outcome["email"])


async def revoke(db: Tenant, invitation_id: UUID) -> str:
    """Take an invitation back and return its address. Raises NoSuchInvitation or MayNotInvite."""
    outcome = await store.revoke(db, invitation_id)
    await _demand(db, outcome, "revoked")
    details = {"email": outcome["email"], "role": outcome["role"]}
    await audit.append(db, "invitation.revoked", target_type="invitation", target_id=invitation_id, details=details)
    return str(outcome["email"])


async def _send(db: Tenant, mailer: Mailer, invitation_id: UUID, email: str, role: str, locale: str, token: str, until: datetime) -> None:
    organization = await organizations.current(db)
    inviter = (await find(db, invitation_id)).invited_by or organization.name  # a key invites in the name of whoever made it
    values = {"organization": organization.name, "inviter": inviter, "role": role, "token": token, "until": until}
    mail_id = await mailer.queue(db, "invitations/invitation", to=email, locale=locale, values=values, lasts=LASTS)
    await store.note_mail(db, invitation_id, mail_id)


async def _demand(db: Tenant, outcome: dict[str, Any], wanted: str) -> None:
    if outcome["outcome"] != wanted:
        await _refuse(db, outcome)


async def _refuse(db: Tenant, outcome: dict[str, Any]) -> NoReturn:
    if outcome["outcome"] == "too_many":
        raise users.TooManyAttempts(outcome["wait"])
    if outcome["outcome"] == "full":
        await usage.require(db, "members")
        raise usage.PlanLimitReached  # a seat has become free in this very moment
    refusal = _REFUSALS[outcome["outcome"]]
    raise refusal(field="email") if refusal in (AlreadyMember, AlreadyInvited) else refusal()
