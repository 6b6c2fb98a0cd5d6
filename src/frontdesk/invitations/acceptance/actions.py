"""What whoever holds an invitation's link does with it: look at it, and come in, as a new user or as one there is."""

from dataclasses import replace
from uuid import UUID

from frontdesk import audit, users
from frontdesk.access import Actor
from frontdesk.database import Database, Platform, new_id
from frontdesk.errors import Conflict, LimitReached, NotFound
from frontdesk.invitations import store
from frontdesk.invitations.records import Answer, Held
from frontdesk.web import Visitor

PER_ADDRESS, WINDOW_SECONDS = 60, 15 * 60  # links that are none


class NoSuchLink(NotFound):
    """This link opens nothing. A newer invitation replaces the ones before it: look for the latest mail."""

    title = "This invitation does not exist"


class CannotJoin(Conflict):
    """This invitation cannot be accepted any more."""


class EmailTaken(Conflict):
    """There is an account with this email by now. Sign in to accept the invitation."""


class NoSeat(LimitReached):
    """All seats of this organization are taken. Ask whoever invited you to make room: the invitation stays as it is."""

    title = "There is no seat left"


async def find(database: Database, caller: Actor, token: str) -> Held:
    """The invitation behind a link. Raises NoSuchLink, and TooManyAttempts for whoever tries links out."""
    async with database.platform_in_line() as db:
        found = await store.find(db, users.hash_of_token(token)) if users.is_token(token) else None
        if found is not None:
            return found
        limit = users.Limit(f"invitation|{users.network(caller.address)}", PER_ADDRESS, WINDOW_SECONDS)
        wait = await users.take_attempt(db, limit)
    raise users.TooManyAttempts(wait) if wait else NoSuchLink()


async def join(database: Database, user: Actor, visitor: Visitor, token: str) -> None:
    """Come in as the user who is signed in, and work in that organization from now on. Raises NoSuchLink, CannotJoin or NoSeat."""
    async with database.platform() as db:
        answer = await store.accept(db, users.hash_of_token(token), visitor.user_id)
        organization_id = _demand(answer, "joined", "member")
        if answer.outcome == "joined":
            await _record(db, user, answer)
    await users.switch_organization(database, visitor, organization_id)


async def register(database: Database, caller: Actor, held: Held, token: str, name: str, password: str) -> str:
    """Come in as a new user, with no organization of his own, and return the token of his first session.

    Raises NoSuchLink, CannotJoin, NoSeat, EmailTaken or PasswordsBusy; then there is no user either.
    """
    if held.state != "open":
        raise CannotJoin  # before the work that a password is: nobody shall have it done by a link that is worth nothing
    if held.has_account:
        raise EmailTaken
    password_hash, token_hash, user_id = await users.hash_password(password), users.hash_of_token(token), new_id()
    async with database.platform() as db:
        if not await store.register(db, user_id, token_hash, password_hash, name):
            await _explain(db, token_hash)
        user = replace(caller, user_id=user_id, name=name)
        answer = await _accept(db, user, token)
        session = await users.open_session(db, user, "user.registered")
        await _record(db, user, answer)
    return session


async def come_in(db: Platform, user: Actor, token: str) -> None:
    """Let in a user whom this transaction has made. Raises NoSuchLink, CannotJoin or NoSeat."""
    await _record(db, user, await _accept(db, user, token))


async def _accept(db: Platform, user: Actor, token: str) -> Answer:
    assert user.user_id is not None
    answer = await store.accept(db, users.hash_of_token(token), user.user_id)
    _demand(answer, "joined")
    return answer


async def _explain(db: Platform, token_hash: bytes) -> None:
    """Why nobody was registered: the link opens nothing any more, or the email is somebody's by now."""
    found = await store.find(db, token_hash)
    if found is None:
        raise NoSuchLink
    raise EmailTaken if found.state == "open" else CannotJoin


async def _record(db: Platform, user: Actor, answer: Answer) -> None:
    assert answer.organization_id is not None
    details = {"name": user.name, "invitation": str(answer.invitation_id), "changed": {"role": {"from": None, "to": answer.role}}}
    await audit.append_as(db, answer.organization_id, user, "member.joined", target_type="member", target_id=user.user_id, details=details)


def _demand(answer: Answer, *wanted: str) -> UUID:
    if answer.outcome == "missing" or answer.organization_id is None:
        raise NoSuchLink
    if answer.outcome == "full":
        raise NoSeat
    if answer.outcome not in wanted:
        raise CannotJoin
    return answer.organization_id
