"""Who calls, and what the door demands: a key that opens, calls that are left, and the permission.

A call is one transaction in the name of its key, committed before the answer leaves. Cookies are not looked at.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import BaseRoute

from frontdesk.access import Actor, Permission
from frontdesk.api import once, rates
from frontdesk.api.credentials import hash_of
from frontdesk.database import Tenant, UnknownKey
from frontdesk.errors import NotAllowed
from frontdesk.web.requests import request_id, state

Handler = TypeVar("Handler", bound=Callable[..., Any])
Handle = Callable[[Request], Awaitable[Response]]
COMMON = (401, 403, 405, 422, 429, 500, 503)
ID_NOTE = "A text of your own, new for every request that is to be done; sent again within 24 hours, the request is answered as before and not done again."
IdempotencyKey = Annotated[str, Header(alias=once.HEADER, min_length=1, max_length=once.LONGEST, pattern="^[!-~]+$", description=ID_NOTE)]


class ScopeMissing(NotAllowed):
    """This API key may not do this."""

    @classmethod
    def of(cls, needs: Permission) -> "ScopeMissing":
        """The one that names what is missing."""
        return cls(f"This needs the permission {needs.value}, which this API key, or whoever made it, does not have.")


class KeySuspended(NotAllowed):
    """The organization of this API key is suspended: until it goes on, its keys only read. Its owners know why."""


class EmailUnconfirmed(NotAllowed):
    """Whoever made this API key has not confirmed their email yet. Until then nothing is sent to other people."""


def current(request: Request) -> Tenant:
    """The call's one transaction."""
    db: Tenant = state(request)["tenant"]
    return db


Db = Annotated[Tenant, Depends(current)]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls a route that is `apart`: it holds no transaction."""

    organization_id: UUID
    actor: Actor


def caller(request: Request) -> Caller:
    """Who calls."""
    found: Caller = state(request)["caller"]
    return found


Apart = Annotated[Caller, Depends(caller)]


def once_only(key: IdempotencyKey) -> None:
    """Demand the header; what it is for is done around the handler."""


class GuardedRoute(APIRoute):
    """A route whose handler runs as the key of its call, or not at all."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Put the guard around what FastAPI makes of the handler."""
        handle, said = super().get_route_handler(), self.endpoint.__dict__

        async def guarded(request: Request) -> Response:
            return await answer(request, said["needs"][request.method], handle, said["verified"], said["apart"])

        return guarded


async def answer(request: Request, needs: Permission, handle: Handle, verified: bool = False, apart: bool = False) -> Response:
    """Let the call in, do it, and commit. Raises UnknownKey or TooManyCalls before anything is read of what was sent, and ScopeMissing or KeySuspended.

    verified: whether the email of whoever made the key must be his. Raises EmailUnconfirmed. apart: the handler asks another server, so that it
    gets no transaction, and its answer is kept nowhere.
    """
    key_hash = _key_hash(request)
    await rates.admit(request, key_hash)
    if key_hash is None:
        raise UnknownKey
    await request.body()  # now, so that no transaction waits for a caller who sends slowly
    async with request.app.state.database.tenant_of_key(key_hash, _caller(request)) as db:
        if needs not in db.permissions:
            raise await _refusal(db, needs)
        if verified and not await db.value("select private.acting_user_is_verified()"):
            raise EmailUnconfirmed
        state(request)["caller"] = Caller(db.organization_id, db.actor)
        if not apart:
            return await _within(request, db, handle)
    return await handle(request)


async def _refusal(db: Tenant, needs: Permission) -> NotAllowed:
    """What a key is told that may not do this: for a while nobody may, or it never could."""
    if not needs.value.endswith(":read") and await db.value("select private.acting_organization_is_suspended()"):
        return KeySuspended()
    return ScopeMissing.of(needs)


async def _within(request: Request, db: Tenant, handle: Handle) -> Response:
    state(request)["tenant"] = db
    return await (once.answer_once(request, db, handle) if request.method == "POST" else handle(request))


def _key_hash(request: Request) -> bytes | None:
    scheme, _, written = request.headers.get("authorization", "").partition(" ")
    return hash_of(written.strip()) if scheme.lower() == "bearer" else None


def _caller(request: Request) -> Actor:
    agent = (request.headers.get("user-agent") or "")[:400] or None
    return Actor(kind="api_key", address=rates.caller_address(request), user_agent=agent, request_id=request_id(request))


class Door:
    """A domain's part of the API. Each route says what it needs, and which answers it has beside those that all have."""

    def __init__(self, name: str) -> None:
        """`name`: the section of the reference it stands in."""
        self.router = APIRouter(route_class=GuardedRoute, tags=[name])

    def get(self, path: str, *, needs: Permission, also: Sequence[int] = ()) -> Callable[[Handler], Handler]:
        """Answer GET."""
        return self._route("GET", path, needs, 200, also)

    def post(self, path: str, *, needs: Permission, also: Sequence[int] = (), verified: bool = False, apart: bool = False) -> Callable[[Handler], Handler]:
        """Answer POST, which makes something: once for each Idempotency-Key. verified: what reaches other people waits for a confirmed email.

        apart: the handler asks another server; it sees to it by itself that it does nothing twice.
        """
        return self._route("POST", path, needs, 201, (400, 409, 413, *also), verified, apart)

    def put(self, path: str, *, needs: Permission, also: Sequence[int] = ()) -> Callable[[Handler], Handler]:
        """Answer PUT."""
        return self._route("PUT", path, needs, 200, (400, 413, *also))

    def patch(self, path: str, *, needs: Permission, also: Sequence[int] = ()) -> Callable[[Handler], Handler]:
        """Answer PATCH."""
        return self._route("PATCH", path, needs, 200, (400, 413, *also))

    def delete(self, path: str, *, needs: Permission, also: Sequence[int] = ()) -> Callable[[Handler], Handler]:
        """Answer DELETE, with nothing more to say."""
        return self._route("DELETE", path, needs, 204, also)

    def _route(
        self, method: str, path: str, needs: Permission, status: int, also: Sequence[int], verified: bool = False, apart: bool = False
    ) -> Callable[[Handler], Handler]:
        answers = sorted({*COMMON, *also, *((404,) if "{" in path else ())})

        def open_door(handler: Handler) -> Handler:
            handler.__dict__.setdefault("needs", {})[method] = needs
            handler.__dict__["verified"], handler.__dict__["apart"] = verified, apart
            self.router.add_api_route(
                path, handler, methods=[method], status_code=status, response_description="Done.",
                summary=handler.__name__.replace("_", " ").capitalize(), operation_id=handler.__name__,
                dependencies=[Depends(once_only)] if method == "POST" else [],
                responses={code: {"description": str(code)} for code in answers},
                openapi_extra={"x-permission": needs.value},
            )  # fmt: skip
            return handler

        return open_door


def scopes_of(routes: Iterable[BaseRoute]) -> list[Permission]:
    """The permissions that an API key can make use of, in the order of the alphabet."""
    found: set[Permission] = set()
    for route in routes:
        included = getattr(route, "original_router", None)
        found |= set(scopes_of(included.routes)) if included is not None else set(getattr(getattr(route, "endpoint", None), "needs", {}).values())
    return sorted(found)
