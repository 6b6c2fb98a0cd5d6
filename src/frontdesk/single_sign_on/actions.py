"""The stories of a sign-in through the provider: who is known comes in, who is new is asked, who is signed in links."""

import hashlib
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from frontdesk import email_proofs, registration, users
from frontdesk.access import Actor
from frontdesk.database import Database, Platform, new_id
from frontdesk.errors import BadInput, Conflict, NotAllowed, NotFound
from frontdesk.mail import Mailer
from frontdesk.settings import Settings
from frontdesk.single_sign_on import store
from frontdesk.single_sign_on.provider import Proof, Provider
from frontdesk.single_sign_on.records import Claims, Identity, Known, Newcomer, Visit
from frontdesk.web import Visitor

PER_ADDRESS, WINDOW_SECONDS = 60, 15 * 60  # visits begun; each may end in one sign-in
EMAIL: TypeAdapter[str] = TypeAdapter(users.Email)


class VisitLost(BadInput):
    """This sign-in was begun in another browser, used already, or begun too long ago. Try again."""


class NotGoneThrough(BadInput):
    """The sign-in was not finished at the provider. Try again, or sign in with your password."""


class NoEmail(BadInput):
    """The provider did not tell us your email, which Frontdesk needs. Let it share your email, or register with a password."""


class EmailTaken(Conflict):
    """This email has an account here already. Sign in with your password first, then link the provider on your account page."""


class AccountClosed(NotAllowed):
    """This account cannot sign in. Ask whoever runs this Frontdesk."""


class AlreadyLinked(Conflict):
    """That account at the provider is linked to somebody here already, or you have linked another one."""


class LastWayIn(Conflict):
    """This is your only way to sign in. Set a password first."""


class NoSuchIdentity(NotFound):
    """This is not linked any more."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A newcomer who is asked for his organization. `token`: what his browser shows next time."""

    token: str


async def begin(
    database: Database, provider: Provider, caller: Actor, return_path: str, session_id: UUID | None = None, *, again: bool = False
) -> tuple[str, Proof]:
    """Where to send the browser, and the proof whose half it keeps. `again`: the provider shall ask for the password though it knows him.

    session_id: of a signed-in user who wants to link. Raises TooManyAttempts or ProviderUnavailable.
    """
    limit = users.Limit(f"provider|{users.network(caller.address)}", PER_ADDRESS, WINDOW_SECONDS)
    async with database.platform() as db:
        wait = await users.take_attempt(db, limit)
    if wait:
        raise users.TooManyAttempts(wait)
    proof = Proof.make()
    address = await provider.address_for(proof, again=again)
    async with database.platform() as db:
        await store.begin_visit(db, _hash(proof.state), _hash(proof.browser), session_id, return_path)
    return address, proof


async def come_back(database: Database, state: str, browser: str | None) -> tuple[Visit, Proof]:
    """Take the visit that this browser began, for the first and only time. Raises VisitLost."""
    proof = Proof(state, browser or "")
    async with database.platform() as db:
        visit = await store.end_visit(db, _hash(proof.state), _hash(proof.browser))
    if visit is None:
        raise VisitLost
    return visit, proof


async def enter(database: Database, caller: Actor, claims: Claims) -> users.Admission | Waiting:
    """Let in whom the provider means, up to his second factor; keep whom nobody knows. Raises AccountClosed, NoEmail or EmailTaken.

    Only issuer and subject say who it is. An email that belongs to an account here opens nothing, whatever the provider says of it.
    """
    async with database.platform() as db:
        known = await store.find_identity(db, claims)
        if known is not None and known.may_sign_in:
            await store.note_identity(db, claims)
            return await users.admit(db, _as(caller, known), "openid")
        if known is None:
            return await _wait(db, claims)
        await users.record(db, known.user_id, _as(caller, known), "user.sign_in_failed", details={"by": "openid"})
    raise AccountClosed


async def find_newcomer(database: Database, token: str | None) -> Newcomer:
    """The newcomer who waits in this browser. Raises VisitLost."""
    async with database.platform() as db:
        newcomer = await store.find_newcomer(db, _hash(token or ""))
    if newcomer is None:
        raise VisitLost
    return newcomer


async def register(
    database: Database, settings: Settings, mailer: Mailer, caller: Actor, token: str | None, name: str, organization_name: str, locale: str | None
) -> str:  # fmt: skip
    """Make a user of the newcomer in this browser, and return the token of his first session. Raises VisitLost, EmailTaken or TooManyAttempts.

    An email for which the provider does not vouch is confirmed by a link, as any other.
    """
    newcomer = await find_newcomer(database, token)
    await registration.demand_turn(database, settings, caller.address)
    user = replace(caller, user_id=new_id(), name=name)
    assert user.user_id is not None
    async with database.platform() as db:
        said = await store.register_newcomer(db, _hash(token or ""), user.user_id, new_id(), name, organization_name)
        if said == "registered":
            organization_id = await users.repair_in(db, user.user_id)
            if not newcomer.email_verified:
                await email_proofs.send_verification(db, mailer, user.user_id, newcomer.email, name, locale)
            session = await users.open_session(db, user, "user.registered", {"by": "openid"})
    if said != "registered":
        raise EmailTaken if said == "taken" else VisitLost
    await registration.open_sandbox(database, settings, user, organization_id)
    return session


async def link(database: Database, user: Actor, visitor: Visitor, visit: Visit, claims: Claims) -> None:
    """Let the user sign in by this identity from now on. Raises VisitLost in another session than the one that asked, or AlreadyLinked."""
    if visit.session_id != visitor.session_id:
        raise VisitLost
    async with database.platform() as db:
        linked = await store.link_identity(db, new_id(), visitor.user_id, claims)
        if linked:
            await users.record(db, visitor.user_id, user, "user.identity_linked", details={"issuer": claims.issuer})
    if not linked:
        raise AlreadyLinked


async def unlink(database: Database, user: Actor, visitor: Visitor, identity_id: UUID) -> None:
    """Take a way to sign in away. Raises LastWayIn or NoSuchIdentity, also for a stranger's."""
    async with database.platform() as db:
        said = await store.unlink_identity(db, visitor.user_id, identity_id)
        if said == "unlinked":
            await users.record(db, visitor.user_id, user, "user.identity_unlinked")
    if said != "unlinked":
        raise LastWayIn if said == "last" else NoSuchIdentity


async def list_identities(database: Database, visitor: Visitor) -> list[Identity]:
    """By which identities the user may sign in."""
    async with database.platform() as db:
        return await store.list_identities(db, visitor.user_id)


async def _wait(db: Platform, claims: Claims) -> Waiting:
    email = _email(claims.email)
    if email is None:
        raise NoEmail
    if await store.is_email_taken(db, email):
        raise EmailTaken(f"{email} has an account here already. Sign in with your password first, then link the provider on your account page.")
    token = Proof.make().browser
    await store.keep_newcomer(db, _hash(token), replace(claims, email=email, name=_name(claims.name)))
    return Waiting(token)


def _email(said: str | None) -> str | None:
    try:
        return EMAIL.validate_python(said)
    except ValidationError:
        return None


def _name(said: str) -> str:
    return "".join(letter for letter in said if letter.isprintable())[:200]


def _as(caller: Actor, known: Known) -> Actor:
    return replace(caller, user_id=known.user_id, name=known.name)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
