"""Who stands at the door, and what the door demands."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.routing import BaseRoute

from frontdesk.access import Actor, Permission
from frontdesk.database import Tenant
from frontdesk.errors import Conflict, FrontdeskError, NotAllowed
from frontdesk.web.protection import check_form, check_organization
from frontdesk.web.requests import UNSAFE, address, request_id, state
from frontdesk.web.sessions import session_token

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Membership:
    """One organization a user belongs to."""

    organization_id: UUID
    slug: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """The signed-in user of this request. `current`: the organization chosen in this session, if any."""

    user_id: UUID
    name: str
    email: str
    session_id: UUID
    csrf_token: str
    organizations: tuple[Membership, ...]
    current: Membership | None


class Free(Enum):
    """What a route may need instead of a permission."""

    PUBLIC = "anybody"
    SIGNED_IN = "a signed-in user"


PUBLIC: Final = Free.PUBLIC
SIGNED_IN: Final = Free.SIGNED_IN
Needs = Permission | Free


class SignInNeeded(FrontdeskError):
    """Sign in to go on."""

    status = 401


class NoOrganization(NotAllowed):
    """You do not belong to an organization. Ask its owner to invite you."""


class StalePage(Conflict):
    """You work in another organization now. Load this page again."""

    title = "You work in another organization now"


class RoleTooSmall(NotAllowed):
    """Your role in this organization does not allow this. Ask an owner or an admin."""


async def find_visitor(request: Request) -> Visitor | None:
    """Whoever is signed in, or None. Asked once a request."""
    held = state(request)
    if "visitor" not in held:
        token = session_token(request)
        held["visitor"] = await request.app.state.find_visitor(token) if token else None
    found: Visitor | None = held["visitor"]
    return found


MaybeVisitor = Annotated[Visitor | None, Depends(find_visitor)]


async def visitor(found: MaybeVisitor) -> Visitor:
    """The signed-in user. Raises SignInNeeded, which sends a browser to /login and back."""
    if found is None:
        raise SignInNeeded
    return found


SignedIn = Annotated[Visitor, Depends(visitor)]


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


Db = Annotated[Tenant, Depends(enter, scope="function")]
entered = asynccontextmanager(enter)
"""The same transaction around a part of a handler whose route is `apart`."""


@asynccontextmanager
async def framed(request: Request, who: Visitor) -> AsyncIterator[None]:
    """Around the rendering of a page that needs no organization, but shows its frame when there is one."""
    if who.current is None:
        yield
        return
    async with entered(request, who):
        yield


def actor(request: Request, who: Visitor | None) -> Actor:
    """Who does this and from where, for the audit log."""
    return Actor(
        kind="user",
        user_id=who.user_id if who else None,
        name=who.name if who else "",
        address=address(request),
        user_agent=(request.headers.get("user-agent") or "")[:400] or None,
        request_id=request_id(request),
    )


class Door:
    """A domain's routes. Each says what it needs; forms are checked before the handler runs."""

    def __init__(self) -> None:
        """Start without routes; `app.include_router(door.router)` opens it."""
        self.router = APIRouter(include_in_schema=False)

    def get(self, path: str, *, needs: Needs) -> Callable[[Handler], Handler]:
        """Answer GET."""
        return self._route("GET", path, needs)

    def post(self, path: str, *, needs: Needs, apart: bool = False) -> Callable[[Handler], Handler]:
        """Answer POST. `apart`: the handler asks another server, so it gets no transaction and opens its own with `entered`."""
        return self._route("POST", path, needs, apart)

    def put(self, path: str, *, needs: Needs) -> Callable[[Handler], Handler]:
        """Answer PUT."""
        return self._route("PUT", path, needs)

    def delete(self, path: str, *, needs: Needs) -> Callable[[Handler], Handler]:
        """Answer DELETE."""
        return self._route("DELETE", path, needs)

    def _route(self, method: str, path: str, needs: Needs, apart: bool = False) -> Callable[[Handler], Handler]:
        def open_door(handler: Handler) -> Handler:
            handler.__dict__.setdefault("needs", {})[method] = needs
            self.router.add_api_route(path, handler, methods=[method], response_model=None, dependencies=_demands(method, needs, apart))
            return handler

        return open_door


def needs_of(routes: Iterable[BaseRoute]) -> dict[tuple[str, str], Needs | None]:
    """What every route needs, by method and path; None where nothing was said. What is mounted is no door."""
    listed: dict[tuple[str, str], Needs | None] = {}
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            listed |= needs_of(included.routes)
        said = getattr(getattr(route, "endpoint", None), "needs", {})
        for method in getattr(route, "methods", None) or ():
            listed[method, getattr(route, "path", "")] = said.get(method)
    return listed


def _demands(method: str, needs: Needs, apart: bool) -> list[Any]:
    demands: list[Any] = [Depends(find_visitor if needs is PUBLIC else visitor)]
    if method in UNSAFE:
        demands.append(Depends(check_form))
    if method in UNSAFE and isinstance(needs, Permission):
        demands.append(Depends(check_organization))
    if isinstance(needs, Permission):
        demands.append(Depends(_holding_apart(needs) if apart else _holding(needs), scope="function"))
    return demands


def _holding(permission: Permission) -> Callable[..., Any]:
    async def check(db: Db) -> None:
        if permission not in db.permissions:
            raise RoleTooSmall

    return check


def _holding_apart(permission: Permission) -> Callable[..., Any]:
    async def check(request: Request, who: SignedIn) -> None:
        async with entered(request, who) as db:
            if permission not in db.permissions:
                raise RoleTooSmall

    return check


class _Undo(Exception):
    """The answer is a refusal: nothing of this transaction stays."""
