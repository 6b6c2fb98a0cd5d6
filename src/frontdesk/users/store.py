"""The statements about users and sessions: each calls one narrow function, since users belong to no organization."""

from uuid import UUID

from frontdesk.access import Actor
from frontdesk.database import Platform
from frontdesk.users.records import Account, NewUser, OpenSession, Session


async def register(db: Platform, user_id: UUID, new: NewUser) -> bool:
    """Make the user, and by the trigger his organization. False when the email is taken."""
    made = await db.value(
        "select private.register_user(%(user_id)s, %(email)s, %(password_hash)s, %(name)s, %(organization_name)s)",
        {
            "user_id": user_id,
            "email": new.email,
            "password_hash": new.password_hash,
            "name": new.name,
            "organization_name": new.organization_name,
        },
    )
    return made is not None


async def repair(db: Platform, user_id: UUID) -> UUID | None:
    """The user's organization, made now if the sign-up could not make it."""
    found: UUID | None = await db.value("select private.repair_user(%(user_id)s)", {"user_id": user_id})
    return found


async def find_account(db: Platform, email: str) -> Account | None:
    """Whoever signs in with this email."""
    return await db.record(
        Account,
        "select user_id, email, name, password_hash, organization_id from private.find_account(%(email)s)",
        {"email": email},
    )


async def find_user(db: Platform, user_id: UUID) -> Account | None:
    """The user with this id, as long as he may sign in."""
    return await db.record(
        Account,
        "select user_id, email, name, password_hash, organization_id from private.find_user(%(user_id)s)",
        {"user_id": user_id},
    )


async def organizations_of(db: Platform, user_id: UUID) -> list[UUID]:
    """The organizations of a user, always in the same order."""
    rows = await db.rows("select organization_id from private.organizations_of(%(user_id)s) as of_his (organization_id)", {"user_id": user_id})
    return [row["organization_id"] for row in rows]


async def change_password(db: Platform, account: Account, new_hash: str) -> bool:
    """Give the user another password. False when somebody else did so meanwhile."""
    return bool(
        await db.value(
            "select private.change_password(%(user_id)s, %(old_hash)s, %(new_hash)s)",
            {"user_id": account.user_id, "old_hash": account.password_hash, "new_hash": new_hash},
        )
    )


async def hold_password(db: Platform, account: Account) -> bool:
    """Whether the account's password is still this one. It stays so until the end of the transaction."""
    return bool(
        await db.value("select private.hold_password(%(user_id)s, %(password_hash)s)", {"user_id": account.user_id, "password_hash": account.password_hash})
    )


async def confirm_email(db: Platform, user_id: UUID) -> bool:
    """Take the user's email for his, without a link. False when it was confirmed already."""
    return bool(await db.value("select private.confirm_email(%(user_id)s)", {"user_id": user_id}))


async def strengthen_password(db: Platform, account: Account, new_hash: str) -> None:
    """Keep a stronger hash of the same password."""
    await db.run(
        "select private.strengthen_password(%(user_id)s, %(old_hash)s, %(new_hash)s)",
        {"user_id": account.user_id, "old_hash": account.password_hash, "new_hash": new_hash},
    )


async def rename(db: Platform, user_id: UUID, name: str) -> None:
    """Call the user something else."""
    await db.run("select private.rename_user(%(user_id)s, %(name)s)", {"user_id": user_id, "name": name})


async def open_session(db: Platform, session_id: UUID, token_hash: bytes, csrf_token: str, actor: Actor) -> UUID | None:
    """Open a session for the actor, from where he is, and return the organization it starts in."""
    home: UUID | None = await db.value(
        "select private.open_session("
        "%(session_id)s, %(token_hash)s, %(csrf_token)s, %(user_id)s, %(address)s, %(user_agent)s)",
        {
            "session_id": session_id, "token_hash": token_hash, "csrf_token": csrf_token, "user_id": actor.user_id,
            "address": actor.address, "user_agent": actor.user_agent,
        },
    )  # fmt: skip
    return home


async def find_session(db: Platform, token_hash: bytes) -> OpenSession | None:
    """The live session of a token, with everything a request must know, in one statement."""
    return await db.record(
        OpenSession,
        "select session_id, user_id, email, email_verified, name, csrf_token, organization_id, organizations, is_stale, is_fresh, is_operator, viewing"
        " from private.find_session(%(token_hash)s)",
        {"token_hash": token_hash},
    )


async def note_second_factor(db: Platform, session_id: UUID) -> None:
    """Say that the session has just been proved with a second factor."""
    await db.run("select private.note_second_factor(%(session_id)s)", {"session_id": session_id})


async def touch_session(db: Platform, session_id: UUID) -> None:
    """Say that the session is in use."""
    await db.run("select private.touch_session(%(session_id)s)", {"session_id": session_id})


async def list_sessions(db: Platform, user_id: UUID) -> list[Session]:
    """The user's live sessions, the last seen first."""
    return await db.records(
        Session,
        "select id, address, user_agent, created_at, last_seen_at from private.list_sessions(%(user_id)s)",
        {"user_id": user_id},
    )


async def revoke_session(db: Platform, user_id: UUID, session_id: UUID) -> bool:
    """End one session. False when the user has no such live session."""
    return bool(await db.value("select private.revoke_session(%(user_id)s, %(session_id)s)", {"user_id": user_id, "session_id": session_id}))


async def revoke_sessions(db: Platform, user_id: UUID) -> int:
    """End all sessions of the user and say how many there were."""
    return int(await db.value("select private.revoke_sessions(%(user_id)s)", {"user_id": user_id}))


async def revoke_other_sessions(db: Platform, user_id: UUID, kept: UUID | None) -> int:
    """End all sessions of the user but this one, and say how many there were."""
    return int(await db.value("select private.revoke_other_sessions(%(user_id)s, %(kept)s)", {"user_id": user_id, "kept": kept}))


async def renew_session(db: Platform, user_id: UUID, session_id: UUID, token_hash: bytes) -> bool:
    """Give a session another token, since its user has just proved himself. False when it has ended."""
    return bool(
        await db.value(
            "select private.renew_session(%(user_id)s, %(session_id)s, %(token_hash)s)",
            {"user_id": user_id, "session_id": session_id, "token_hash": token_hash},
        )
    )


async def switch_organization(db: Platform, session_id: UUID, organization_id: UUID) -> bool:
    """Choose another organization for this session. False when the user is not in it."""
    return bool(
        await db.value(
            "select private.switch_organization(%(session_id)s, %(organization_id)s)",
            {"session_id": session_id, "organization_id": organization_id},
        )
    )
