"""Who stands at the door, and how he enters his organization."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from frontdesk.access import Actor
from frontdesk.database import Console, SecondFactorNeeded, Tenant
from frontdesk.errors import Conflict, FrontdeskError, NotAllowed
from frontdesk.web.requests import UNSAFE, address, request_id, state
from frontdesk.web.sessions import session_token


@dataclass(frozen=True, slots=True)
class Membership:
    """One organization a user belongs to. suspended: why, if it is."""

    organization_id: UUID
    slug: str
    name: str
    role: str
    suspended: str | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """The signed-in user of this request.

    current: the organization chosen in this session, if any. is_fresh: he proved himself within the last ten minutes.
    email_verified: his email is known to be his. is_operator: he runs the installation. looks_until: he does not belong to the current
    organization, but looks into it until then, and changes nothing anywhere meanwhile.
    """

    user_id: UUID
    name: str
    email: str
    session_id: UUID
    csrf_token: str
    organizations: tuple[Membership, ...]
    current: Membership | None
    is_fresh: bool = False
    email_verified: bool = False
    is_operator: bool = False
    looks_until: datetime | None = None


class SignInNeeded(FrontdeskError):
    """Sign in to go on."""

    status = 401


class ReauthenticationNeeded(FrontdeskError):
    """This needs a proof that it is you, no older than ten minutes. Nothing was saved."""

    status = 401
    title = "Confirm that it is you"


class EmailNotVerified(NotAllowed):
    """This waits until your email is confirmed: follow the link that was sent to you, or let it be sent again."""

    title = "Confirm your email first"


class OnlyLooking(NotAllowed):
    """You look into another organization, and can change nothing until you end that. Nothing was saved."""

    title = "You are only looking"


class NoOrganization(NotAllowed):
    """You do not belong to an organization. Ask its owner to invite you."""


class StalePage(Conflict):
    """You work in another organization now. Load this page again."""

    title = "You work in another organization now"


# What whoever looks into an organization may still send: the end of that.
LOOK_ENDS = ("/operator/viewing/end", "/logout")


async def find_visitor(request: Request) -> Visitor | None:
    """Whoever is signed in, or None. Asked once a request. Raises OnlyLooking where an operator who looks into an organization would change anything."""
    held = state(request)
    if "visitor" not in held:
        token = session_token(request)
        held["visitor"] = await request.app.state.find_visitor(token) if token else None
    found: Visitor | None = held["visitor"]
    if found is not None and found.looks_until and request.method in UNSAFE and request.url.path not in LOOK_ENDS:
        raise OnlyLooking
    return found


MaybeVisitor = Annotated[Visitor | None, Depends(find_visitor)]


async def visitor(found: MaybeVisitor) -> Visitor:
    """The signed-in user. Raises SignInNeeded, which sends a browser to /login and back."""
    if found is None:
        raise SignInNeeded
    return found


SignedIn = Annotated[Visitor, Depends(visitor)]


async def fresh_visitor(who: SignedIn) -> Visitor:
    """The signed-in user, who proved himself a moment ago. Raises ReauthenticationNeeded, which lets a browser prove it and come back."""
    if not who.is_fresh:
        raise ReauthenticationNeeded
    return who


FreshlySignedIn = Annotated[Visitor, Depends(fresh_visitor)]


async def verified_visitor(who: SignedIn) -> Visitor:
    """The signed-in user, whose email is known to be his. Raises EmailNotVerified."""
    if not who.email_verified:
        raise EmailNotVerified
    return who


async def enter(request: Request, who: SignedIn) -> AsyncIterator[Tenant]:
    """The request's one transaction, as this user in the current organization; committed before the answer leaves.

    It is undone when the handler raises, or when it renders a page with an error status.
    """
    if who.current is None:
        raise NoOrganization
    if request.headers.get("x-organization-id", here := str(who.current.organization_id)) != here:
        raise StalePage  # a piece of one organization must not land on a page of another
    held = state(request)
    try:
        async with request.app.state.database.tenant(who.current.organization_id, actor(request, who)) as db:
            held["tenant"] = db
            yield db
            if held.get("undo"):
                raise _Undo
    except _Undo:
        pass
    finally:
        held.pop("tenant", None)


async def enter_console(request: Request, who: SignedIn) -> AsyncIterator[Console]:
    """The request's one transaction, as this operator; committed before the answer leaves, undone as `enter` does."""
    held = state(request)
    try:
        async with request.app.state.database.console(who.session_id, actor(request, who)) as db:
            held["console"] = db
            yield db
            if held.get("undo"):
                raise _Undo
    except _Undo:
        pass
    finally:
        held.pop("console", None)


ConsoleDb = Annotated[Console, Depends(enter_console, scope="function")]
Db = Annotated[Tenant, Depends(enter, scope="function")]
in_console = asynccontextmanager(enter_console)
entered = asynccontextmanager(enter)
"""The same transaction around a part of a handler whose route is `apart`."""


@asynccontextmanager
async def framed(request: Request, who: Visitor) -> AsyncIterator[None]:
    """Around the rendering of a page that needs no organization, but shows its frame when there is one and it may be entered."""
    async with AsyncExitStack() as stack:
        if who.current is not None:
            try:
                await stack.enter_async_context(entered(request, who))
            except SecondFactorNeeded:
                state(request)["locked"] = True
        yield


def actor(request: Request, who: Visitor | None) -> Actor:
    """Who does this and from where, for the audit log."""
    return Actor(
        kind="user",
        user_id=who.user_id if who else None,
        name=who.name if who else "",
        looks_by=who.session_id if who and who.looks_until else None,
        address=address(request),
        user_agent=(request.headers.get("user-agent") or "")[:400] or None,
        request_id=request_id(request),
    )


class _Undo(Exception):
    """The answer is a refusal: nothing of this transaction stays."""
