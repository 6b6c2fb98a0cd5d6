"""The stories of a sign-in through the provider: who is known comes in, who is new is asked, who is signed in links."""

import hashlib
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from frontdesk import email_proofs, invitations, registration, users
from frontdesk.access import Actor
from frontdesk.database import Database, Platform, new_id
from frontdesk.errors import BadInput, Conflict, FrontdeskError, NotAllowed, NotFound
from frontdesk.mail import Mailer
from frontdesk.settings import Settings
from frontdesk.single_sign_on import store
from frontdesk.single_sign_on.provider import Proof, Provider
from frontdesk.single_sign_on.records import Claims, Identity, Known, Newcomer, Visit
from frontdesk.web import Visitor

PER_ADDRESS, WINDOW_SECONDS = 600, 15 * 60  # visits begun: a whole company may sit behind one address
INVITATION = "/invitations/"
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


class NotInvited(NotAllowed):
    """This invitation is for somebody else."""

    def __init__(self, known: str, invited: str, page: str) -> None:
        """The email that the provider says, the invited one, and the page of the invitation."""
        super().__init__(f"The provider knows you as {known}, and this invitation is for {invited}. Join with a password instead.")
        self.page = page


@dataclass(frozen=True, slots=True)
class Waiting:
    """A newcomer who is asked for his organization. `token`: what his browser shows next time."""

    token: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What a newcomer says of himself: his name, and that of his organization, or by which invitation he joins one."""

    name: str
    organization_name: str | None
    invitation: str | None = None


async def begin(database: Database, provider: Provider, caller: Actor, session_id: UUID | None = None, *, again: bool = False) -> tuple[str, Proof]:
    """Where to send the browser, and the proof whose half it keeps. `again`: the provider shall ask for the password though it knows him.

    session_id: of a signed-in user who wants to link. Raises TooManyAttempts or ProviderUnavailable.
    """
    limit = users.Limit(f"provider|{users.network(caller.address)}", PER_ADDRESS, WINDOW_SECONDS)
    async with database.platform_in_line() as db:
        wait = await users.take_attempt(db, limit)
    if wait:
        raise users.TooManyAttempts(wait)
    proof = Proof.make()
    address = await provider.address_for(proof, again=again)
    async with database.platform() as db:
        await store.begin_visit(db, _hash(proof.state), _hash(proof.browser), session_id)
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


async def invitation_of(database: Database, caller: Actor, newcomer: Newcomer, wanted: str) -> tuple[str, invitations.Held] | None:
    """The invitation to whose page the newcomer wanted to come back, and its token; None when he came from elsewhere, or it is open no more.

    Raises NotInvited when it is for another email than the one that the provider says.
    """
    token = wanted.removeprefix(INVITATION)
    if token == wanted or not users.is_token(token):
        return None
    try:
        held = await invitations.find(database, caller, token)
    except FrontdeskError:
        return None
    if held.state == "open" and held.email.lower() != newcomer.email:
        raise NotInvited(newcomer.email, held.email, wanted)
    return (token, held) if held.state == "open" else None


async def register(database: Database, settings: Settings, mailer: Mailer, caller: Actor, token: str | None, answers: Answers, locale: str | None) -> str:
    """Make a user of the newcomer in this browser, and return the token of his first session.

    An email for which the provider does not vouch is confirmed by a link, as any other. Raises VisitLost, EmailTaken, TooManyAttempts, and what
    speaks against an invitation; then nobody is made.
    """
    newcomer = await find_newcomer(database, token)
    await registration.demand_turn(database, settings, caller.address)
    user_id, organization_id = new_id(), None
    user = replace(caller, user_id=user_id, name=answers.name)
    async with database.platform() as db:
        said = await store.register_newcomer(db, _hash(token or ""), user_id, new_id(), answers.name, answers.organization_name)
        if said != "registered":
            raise EmailTaken(_taken(newcomer.email)) if said == "taken" else VisitLost()
        if answers.invitation is None:
            organization_id = await users.repair_in(db, user_id)
            if not newcomer.email_verified:
                await email_proofs.send_verification(db, mailer, user_id, newcomer.email, answers.name, locale)
        else:
            await invitations.come_in(db, user, answers.invitation)
        session = await users.open_session(db, user, "user.registered", {"by": "openid"})
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
        raise EmailTaken(_taken(email))
    token = Proof.make().browser
    await store.keep_newcomer(db, _hash(token), replace(claims, email=email, name=_name(claims.name)))
    return Waiting(token)


def _taken(email: str) -> str:
    return f"{email} has an account here already. Sign in with your password first, then link the provider on your account page."


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
