"""Signing in and out, and what a user does with his own account."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from frontdesk.access import Actor
from frontdesk.database import Database, Platform, new_id
from frontdesk.errors import BadInput, NotFound
from frontdesk.users import attempts, log, passwords, store
from frontdesk.users.attempts import Limit, TooManyAttempts
from frontdesk.users.factors import store as factors
from frontdesk.users.fields import email_key
from frontdesk.users.records import Account, Admission, NewUser, Session
from frontdesk.users.tokens import hash_of, is_token, new_token
from frontdesk.web import Membership, Visitor

SESSION_SECONDS = 14 * 24 * 3600
PENDING_SECONDS = 10 * 60
WINDOW_SECONDS = 15 * 60
PER_ACCOUNT, PER_ADDRESS = 10, 100  # failures: of one account from one address; of one address, whatever the account
# Of one account, wherever they come from: whoever has many addresses gets no further (NIST SP 800-63B, 3.2.2). Ten times as many as from one
# address, so that a single one cannot keep the user out.
PER_ACCOUNT_EVERYWHERE = 100


class WrongEmailOrPassword(BadInput):
    """The email or the password is not right."""


class NoSuchSession(NotFound):
    """This session has ended already."""


class NotYourOrganization(NotFound):
    """There is no such organization, or you are not in it."""


async def find_visitor(database: Database, token: str) -> Visitor | None:
    """The signed-in user behind a browser's token, in one look; written down as seen at most once a minute."""
    if not is_token(token):
        return None
    async with database.platform_at_once() as db:
        found = await store.find_session(db, hash_of(token))
        if found is None:
            return None
        if found.is_stale:
            await store.touch_session(db, found.session_id)
    memberships = tuple(Membership(UUID(one["organization_id"]), one["slug"], one["name"], one["role"], one["suspended"]) for one in found.organizations)
    current, until = next((one for one in memberships if one.organization_id == found.organization_id), None), None
    if found.viewing is not None:
        current, until = Membership(UUID(found.viewing["organization_id"]), found.viewing["slug"], found.viewing["name"], "viewer"), found.viewing["until"]
    return Visitor(
        found.user_id, found.name, found.email, found.session_id, found.csrf_token, memberships, current, found.is_fresh, found.email_verified,
        found.is_operator, datetime.fromisoformat(until) if until else None,
    )  # fmt: skip


async def sign_in(database: Database, caller: Actor, email: str, password: str) -> Admission:
    """Let in whoever knows the password. Raises WrongEmailOrPassword, TooManyAttempts or PasswordsBusy.

    A stranger's email and a wrong password take the same road: the same statements, one password check, the same
    answer. Tries are counted before the check, so that tries at the same time cannot overshoot, and taken back by a
    success.
    """
    key = email_key(email)
    per_account, per_address, everywhere = _limits(key, caller.address)
    async with database.platform_in_line() as db:
        wait = await attempts.take(db, per_account, per_address, everywhere)
        account = await store.find_account(db, key)
    if wait:
        raise TooManyAttempts(wait)
    checked = await passwords.check(password, account.password_hash if account else None)
    if account is None or not checked.right:
        raise WrongEmailOrPassword
    async with database.platform_in_line() as db:
        await attempts.forget(db, per_account)
        await attempts.give_back(db, per_address)
        await attempts.forget(db, everywhere)
        if not await store.hold_password(db, account):
            raise WrongEmailOrPassword  # it was changed while it was checked
        if checked.new_hash:
            await store.strengthen_password(db, account, checked.new_hash)
        return await admit(db, _as(caller, account), "password")


async def admit(db: Platform, user: Actor, by: str) -> Admission:
    """Let in a user who has just proved one factor: with a session, or to the second step where he has a second factor.

    by: what he proved, for the log: "password", "openid", …. Every way of signing in ends here, so that none goes past the second factor.
    """
    assert user.user_id is not None
    if not await factors.owes_one(db, user.user_id):
        return Admission(await open_session(db, user, "user.signed_in", {"by": by}))
    token = new_token()
    await factors.open_pending(db, user.user_id, hash_of(token), by)
    return Admission(token, is_pending=True)


async def open_session(db: Platform, user: Actor, action: str, details: dict[str, object] | None = None, *, proved: bool = False) -> str:
    """Open a session and return its token, which is kept nowhere; the log of the user's organizations says `action`.

    For a user who has just been made, and for what `admit` has seen through to its end. proved: with a second factor.
    """
    assert user.user_id is not None
    token, session_id = new_token(), new_id()
    await store.open_session(db, session_id, hash_of(token), new_token(), user)
    if proved:
        await store.note_second_factor(db, session_id)
    await log.record(db, user.user_id, user, action, session_id, details)
    return token


async def record_failure(database: Database, caller: Actor, email: str) -> None:
    """Tell the organization of the user with this email, if there is one, that signing in failed.

    Runs after the answer, whose time it must not change.
    """
    async with database.platform_in_line() as db:
        account = await store.find_account(db, email_key(email))
        if account is not None:
            await log.record(db, account.user_id, _as(caller, account), "user.sign_in_failed")


async def register(db: Platform, new: NewUser) -> tuple[UUID, UUID | None] | None:
    """Make a user, and his organization with him. Returns both ids, or None when the email is taken.

    The organization is made by a trigger that never lets a sign-up fail; what it could not do is done here, or at the
    first visit.
    """
    user_id = new_id()
    if not await store.register(db, user_id, new):
        return None
    return user_id, await store.repair(db, user_id)


async def repair(database: Database, user_id: UUID) -> UUID | None:
    """Make the organization that a user's sign-up could not make. None when it fails again, or none is due to him."""
    async with database.platform() as db:
        return await repair_in(db, user_id)


async def repair_in(db: Platform, user_id: UUID) -> UUID | None:
    """The same in the transaction that made the user: his organization, whoever made it."""
    return await store.repair(db, user_id)


async def sign_out(database: Database, user: Actor, visitor: Visitor) -> None:
    """End this session."""
    async with database.platform() as db:
        if await store.revoke_session(db, visitor.user_id, visitor.session_id):
            await log.record(db, visitor.user_id, user, "user.signed_out", visitor.session_id)


async def sign_out_everywhere(database: Database, user: Actor, visitor: Visitor) -> int:
    """End every session of the user, this one too, and return how many there were."""
    async with database.platform() as db:
        ended = await store.revoke_sessions(db, visitor.user_id)
        await log.record(db, visitor.user_id, user, "user.signed_out_everywhere", details={"sessions": ended})
    return ended


async def sign_out_others(database: Database, user: Actor, visitor: Visitor) -> int:
    """End every session of the user but this one, and return how many there were."""
    async with database.platform() as db:
        ended = await store.revoke_other_sessions(db, visitor.user_id, visitor.session_id)
        await log.record(db, visitor.user_id, user, "user.other_sessions_revoked", details={"sessions": ended})
    return ended


async def revoke_session(database: Database, user: Actor, visitor: Visitor, session_id: UUID) -> None:
    """End another of the user's sessions. Raises NoSuchSession, also for a stranger's."""
    async with database.platform() as db:
        if not await store.revoke_session(db, visitor.user_id, session_id):
            raise NoSuchSession
        await log.record(db, visitor.user_id, user, "session.revoked", session_id)


async def list_sessions(database: Database, visitor: Visitor) -> list[Session]:
    """Where the user is signed in."""
    async with database.platform() as db:
        return await store.list_sessions(db, visitor.user_id)


async def rename(database: Database, user: Actor, visitor: Visitor, name: str) -> None:
    """Call the user something else from now on."""
    async with database.platform() as db:
        await store.rename(db, visitor.user_id, name)
        await log.record(db, visitor.user_id, user, "user.renamed", details={"changed": {"name": {"from": visitor.name, "to": name}}})


async def switch_organization(database: Database, visitor: Visitor, organization_id: UUID) -> None:
    """Work in another of the user's organizations, in this browser. Raises NotYourOrganization."""
    async with database.platform() as db:
        if not await store.switch_organization(db, visitor.session_id, organization_id):
            raise NotYourOrganization


def _as(caller: Actor, account: Account) -> Actor:
    return replace(caller, user_id=account.user_id, name=account.name)


def _limits(email: str, address: str | None) -> tuple[Limit, Limit, Limit]:
    where = attempts.network(address)
    per_account = Limit(f"sign-in|{email}|{where}", PER_ACCOUNT, WINDOW_SECONDS)
    everywhere = Limit(f"sign-in everywhere|{email}", PER_ACCOUNT_EVERYWHERE, WINDOW_SECONDS)
    return per_account, Limit(f"sign-in|{where}", PER_ADDRESS, WINDOW_SECONDS), everywhere
