"""The dashboard's frame: pages, forms, the guard at every door, and what every answer is wrapped in."""

from collections.abc import Mapping, Sequence

from fastapi import FastAPI

from frontdesk.web.assets import serve_static, static
from frontdesk.web.door import OPERATOR, PUBLIC, SIGNED_IN, Door, fresh_of, needs_of
from frontdesk.web.envelope import MEBIBYTE, BodyLimit, RequestId, SecurityHeaders
from frontdesk.web.failures import Failure, install_failures, refuse_foreign_origin, tell
from frontdesk.web.flash import Flash, go, say
from frontdesk.web.forms import Form, form_token, read_form, typed
from frontdesk.web.guard import (
    ConsoleDb,
    Db,
    EmailNotVerified,
    FreshlySignedIn,
    MaybeVisitor,
    Membership,
    NoOrganization,
    ReauthenticationNeeded,
    SignedIn,
    SignInNeeded,
    Visitor,
    actor,
    entered,
    find_visitor,
    framed,
    in_console,
)
from frontdesk.web.pages import Pages, leave, pages, render
from frontdesk.web.protection import FormExpired, OriginCheck, WrongOrganization, check_form
from frontdesk.web.requests import address, is_htmx, local_path, request_id, wants_fragment
from frontdesk.web.sessions import demand_security, end_pending, end_session, pending_token, session_token, start_pending, start_session

__all__ = [
    "MEBIBYTE",
    "OPERATOR",
    "PUBLIC",
    "SIGNED_IN",
    "BodyLimit",
    "ConsoleDb",
    "Db",
    "Door",
    "EmailNotVerified",
    "Failure",
    "Flash",
    "Form",
    "FormExpired",
    "FreshlySignedIn",
    "MaybeVisitor",
    "Membership",
    "NoOrganization",
    "OriginCheck",
    "Pages",
    "ReauthenticationNeeded",
    "RequestId",
    "SecurityHeaders",
    "SignInNeeded",
    "SignedIn",
    "Visitor",
    "WrongOrganization",
    "actor",
    "address",
    "check_form",
    "demand_security",
    "end_pending",
    "end_session",
    "entered",
    "find_visitor",
    "form_token",
    "framed",
    "fresh_of",
    "go",
    "in_console",
    "install",
    "is_htmx",
    "leave",
    "local_path",
    "needs_of",
    "pages",
    "pending_token",
    "read_form",
    "render",
    "request_id",
    "say",
    "serve_static",
    "session_token",
    "start_pending",
    "start_session",
    "static",
    "tell",
    "typed",
    "wants_fragment",
]


def install(app: FastAPI, *, programs: Sequence[str] = (), body_limits: Mapping[str, int] | None = None) -> None:
    """Put the frame around the application.

    programs: path prefixes that programs call, where no Origin is demanded. body_limits: bytes by path prefix; forms
    have 1 MiB. The application's state must hold `database`, `settings`, `find_visitor` (token -> Visitor or None) and
    `load_frame` (Tenant -> dict).
    """
    app.mount("/static", serve_static, name="static")
    install_failures(app)
    app.add_middleware(OriginCheck, exempt=tuple(programs), refuse=refuse_foreign_origin)
    app.add_middleware(BodyLimit, limits=dict(body_limits or {}))
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestId)
