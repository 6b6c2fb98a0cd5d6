"""The SQL of invitations: they are changed by narrow functions only, which look at who acts and take turns."""

from datetime import datetime
from typing import Any
from uuid import UUID

from frontdesk.database import Platform, Tenant
from frontdesk.invitations.records import Answer, Held, Invitation, NewInvitation

MOST = 100_000  # that one organization can have open at a time: it invites sixty an hour, and each lasts a week until somebody takes it back


async def pending(db: Tenant, before: UUID | None, how_many: int, only: UUID | None = None) -> list[Invitation]:
    """What nobody has answered or taken back, the newest first; nothing for who may not invite. only: just this one."""
    return await db.records(
        Invitation,
        """
        select id, email, role, invited_by, sent_at, expires_at, state, mail_state, withheld from private.list_invitations(%(organization_id)s, %(most)s)
        where (%(before)s::uuid is null or id < %(before)s) and (%(only)s::uuid is null or id = %(only)s)
        order by id desc limit %(how_many)s
        """,
        {"organization_id": db.organization_id, "most": MOST, "before": before, "only": only, "how_many": how_many},
    )


async def invite(db: Tenant, invitation_id: UUID, wanted: NewInvitation, token_hash: bytes, until: datetime) -> dict[str, Any]:
    """Invite somebody: the `outcome`, and the seconds to `wait` where that was too often."""
    return _answered(
        await db.row(
            """
            select outcome, wait
            from private.invite_member(%(organization_id)s, %(id)s, %(email)s, %(role)s, %(hash)s, %(locale)s, %(until)s, %(withheld)s)
            """,
            {
                "organization_id": db.organization_id, "id": invitation_id, "email": wanted.email, "role": wanted.role,
                "hash": token_hash, "locale": wanted.locale, "until": until, "withheld": list(wanted.withheld),
            },
        ),
    )  # fmt: skip


async def resend(db: Tenant, invitation_id: UUID, token_hash: bytes, until: datetime) -> dict[str, Any]:
    """Give an invitation a new token and new days: the `outcome`, and to whom it goes as what."""
    return _answered(
        await db.row(
            "select outcome, wait, email, role, locale from private.resend_invitation(%(organization_id)s, %(id)s, %(hash)s, %(until)s)",
            {"organization_id": db.organization_id, "id": invitation_id, "hash": token_hash, "until": until},
        ),
    )


async def revoke(db: Tenant, invitation_id: UUID) -> dict[str, Any]:
    """Take an invitation back: the `outcome`, and whose it was."""
    return _answered(
        await db.row(
            "select outcome, email, role from private.revoke_invitation(%(organization_id)s, %(id)s)",
            {"organization_id": db.organization_id, "id": invitation_id},
        ),
    )


async def note_mail(db: Tenant, invitation_id: UUID, mail_id: UUID) -> None:
    """Say which mail tells of an invitation."""
    await db.run(
        "select private.note_invitation_mail(%(organization_id)s, %(id)s, %(mail_id)s)",
        {"organization_id": db.organization_id, "id": invitation_id, "mail_id": mail_id},
    )


async def find(db: Platform, token_hash: bytes) -> Held | None:
    """The invitation behind a link."""
    return await db.record(
        Held,
        """
        select organization_id, id, organization_name, email, role, invited_by, expires_at, state, has_account, accepted_by
        from private.find_invitation(%(hash)s)
        """,
        {"hash": token_hash},
    )


async def register(db: Platform, user_id: UUID, token_hash: bytes, password_hash: str, name: str) -> bool:
    """Make the user whom a link invited. False when the email is taken, or the link opens nothing."""
    made = await db.value(
        "select private.register_invited_user(%(id)s, %(hash)s, %(password_hash)s, %(name)s)",
        {"id": user_id, "hash": token_hash, "password_hash": password_hash, "name": name},
    )
    return made is not None


async def accept(db: Platform, token_hash: bytes, user_id: UUID) -> Answer:
    """Let a user in by a link, once."""
    answer = await db.record(
        Answer,
        "select outcome, organization_id, invitation_id, role, invited_by from private.accept_invitation(%(hash)s, %(user_id)s)",
        {"hash": token_hash, "user_id": user_id},
    )
    assert answer is not None  # it always answers
    return answer


def _answered(row: dict[str, Any] | None) -> dict[str, Any]:
    assert row is not None  # these functions always answer, or raise
    return row
