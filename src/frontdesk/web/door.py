"""A domain's routes, and what each demands of whoever knocks."""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Final, TypeVar

from fastapi import APIRouter, Depends, Request
from starlette.routing import BaseRoute

from frontdesk.access import Permission
from frontdesk.errors import NotAllowed
from frontdesk.web.guard import Db, SignedIn, enter_console, entered, find_visitor, fresh_visitor, in_console, verified_visitor, visitor
from frontdesk.web.protection import check_form, check_organization
from frontdesk.web.requests import UNSAFE, state

Handler = TypeVar("Handler", bound=Callable[..., Any])


class Free(Enum):
    """What a route may need instead of a permission."""

    PUBLIC = "anybody"
    SIGNED_IN = "a signed-in user"
    OPERATOR = "whoever runs the installation"


PUBLIC: Final = Free.PUBLIC
SIGNED_IN: Final = Free.SIGNED_IN
OPERATOR: Final = Free.OPERATOR
Needs = Permission | Free


class RoleTooSmall(NotAllowed):
    """Your role in this organization does not allow this. Ask an owner or an admin."""


class OrganizationSuspended(NotAllowed):
    """This organization is suspended, so this cannot be done. What is there can be read, paid and taken along."""

    title = "This organization is suspended"


class Door:
    """A domain's routes. Each says what it needs; forms are checked before the handler runs.

    fresh: what is hard to undo also asks that the user proved himself within the last ten minutes. Say it on the page with the form as
    well, so that nobody fills in a form for nothing. verified: what reaches other people, such as an invitation, waits until the user's email is
    known to be his.
    """

    def __init__(self) -> None:
        """Start without routes; `app.include_router(door.router)` opens it."""
        self.router = APIRouter(include_in_schema=False)

    def get(self, path: str, *, needs: Needs, fresh: bool = False, verified: bool = False, apart: bool = False) -> Callable[[Handler], Handler]:
        """Answer GET. `apart`: as below."""
        return self._route("GET", path, needs, fresh, verified, apart)

    def post(self, path: str, *, needs: Needs, fresh: bool = False, verified: bool = False, apart: bool = False) -> Callable[[Handler], Handler]:
        """Answer POST. `apart`: the handler asks another server, so it gets no transaction and opens its own with `entered`."""
        return self._route("POST", path, needs, fresh, verified, apart)

    def put(self, path: str, *, needs: Needs, fresh: bool = False, verified: bool = False) -> Callable[[Handler], Handler]:
        """Answer PUT."""
        return self._route("PUT", path, needs, fresh, verified)

    def delete(self, path: str, *, needs: Needs, fresh: bool = False, verified: bool = False) -> Callable[[Handler], Handler]:
        """Answer DELETE."""
        return self._route("DELETE", path, needs, fresh, verified)

    def _route(self, method: str, path: str, needs: Needs, fresh: bool, verified: bool, apart: bool = False) -> Callable[[Handler], Handler]:
        def open_door(handler: Handler) -> Handler:
            handler.__dict__.setdefault("needs", {})[method] = needs
            handler.__dict__.setdefault("fresh", {})[method] = fresh
            demands = _demands(method, needs, apart) + [Depends(fresh_visitor)] * fresh + [Depends(verified_visitor)] * verified
            self.router.add_api_route(path, handler, methods=[method], response_model=None, dependencies=demands)
            return handler

        return open_door


def needs_of(routes: Iterable[BaseRoute]) -> dict[tuple[str, str], Needs | None]:
    """What every route needs, by method and path; None where nothing was said. What is mounted is no door."""
    return _said(routes, "needs")


def fresh_of(routes: Iterable[BaseRoute]) -> set[tuple[str, str]]:
    """The routes that ask for a proof of the last ten minutes, by method and path."""
    return {route for route, said in _said(routes, "fresh").items() if said}


def _said(routes: Iterable[BaseRoute], what: str) -> dict[tuple[str, str], Any]:
    listed: dict[tuple[str, str], Any] = {}
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            listed |= _said(included.routes, what)
        said = getattr(getattr(route, "endpoint", None), what, {})
        for method in getattr(route, "methods", None) or ():
            listed[method, getattr(route, "path", "")] = said.get(method)
    return listed


def _demands(method: str, needs: Needs, apart: bool) -> list[Any]:
    demands: list[Any] = [Depends(find_visitor if needs is PUBLIC else visitor)]
    if method in UNSAFE:
        demands.append(Depends(check_form))
    if method in UNSAFE and isinstance(needs, Permission):
        demands.append(Depends(check_organization))
    if needs is OPERATOR:
        demands.append(Depends(_operating_apart if apart else enter_console, scope="function"))
    if isinstance(needs, Permission):
        demands.append(Depends(_holding_apart(needs) if apart else _holding(needs), scope="function"))
    return demands


async def _operating_apart(request: Request, who: SignedIn) -> None:
    async with in_console(request, who):
        pass


def _holding(permission: Permission) -> Callable[..., Any]:
    async def check(request: Request, db: Db) -> None:
        if permission not in db.permissions:
            raise _refusal(request)

    return check


def _holding_apart(permission: Permission) -> Callable[..., Any]:
    async def check(request: Request, who: SignedIn) -> None:
        async with entered(request, who) as db:
            if permission not in db.permissions:
                raise _refusal(request)

    return check


def _refusal(request: Request) -> NotAllowed:
    """Why a member may not: the role says so, or for a while nobody may."""
    visitor = state(request).get("visitor")
    return OrganizationSuspended() if visitor and visitor.current and visitor.current.suspended else RoleTooSmall()
