"""The story of a sign-up: a stranger becomes a user with an organization, and in development with a sandbox number."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

import structlog
from psycopg import Error as DatabaseError

from frontdesk import channels, email_proofs, users
from frontdesk.access import Actor
from frontdesk.database import Database
from frontdesk.errors import Conflict, FrontdeskError
from frontdesk.mail import Mailer
from frontdesk.registration.forms import RegistrationForm
from frontdesk.settings import Settings
from frontdesk.web import Visitor

log = structlog.get_logger()
PER_ADDRESS, WINDOW_SECONDS = 20, 3600


class EmailTaken(Conflict):
    """This email is already registered. Sign in instead."""


async def register(database: Database, settings: Settings, mailer: Mailer, caller: Actor, form: RegistrationForm, locale: str | None) -> str:
    """Make a user and what belongs to him, owe him the mail that confirms his email, and return the token of his first session.

    Raises EmailTaken, TooManyAttempts or PasswordsBusy. That an email is taken is said openly. To hide it, the answer
    would have to be the same for everybody and the rest happen by mail, which a Frontdesk without a mail server cannot
    do, and whoever has forgotten that he registered would be left in the dark. What it tells a stranger is kept small
    by the limit per address.
    """
    await demand_turn(database, settings, caller.address)
    password_hash = await users.hash_password(form.password)
    new = users.NewUser(form.name, form.email, password_hash, form.organization_name)
    async with database.platform_in_line() as db:
        made = await users.register(db, new)
        if made is None:
            raise EmailTaken(field="email")
        user_id, organization_id = made
        user = replace(caller, user_id=user_id, name=form.name)
        await email_proofs.send_verification(db, mailer, user_id, form.email, form.name, locale)
        token = await users.open_session(db, user, "user.registered")
    await open_sandbox(database, settings, user, organization_id)
    return token


def visitor_finder(database: Database, settings: Settings) -> Callable[[str], Awaitable[Visitor | None]]:
    """What looks up the signed-in user of a request, and makes at his first visit what his sign-up could not make."""

    async def find(token: str) -> Visitor | None:
        visitor = await users.find_visitor(database, token)
        if visitor is None or visitor.organizations:
            return visitor
        organization_id = await users.repair(database, visitor.user_id)
        if organization_id is None:
            return visitor
        await open_sandbox(database, settings, Actor("user", visitor.user_id, visitor.name), organization_id)
        return await users.find_visitor(database, token)

    return find


async def demand_turn(database: Database, settings: Settings, address: str | None) -> None:
    """Count one registration from this address. Raises TooManyAttempts."""
    network = users.network(address)
    if settings.development and network in ("127.0.0.1", "::/64"):
        return  # a developer, or a test, on his own machine
    async with database.platform_in_line() as db:
        wait = await users.take_attempt(db, users.Limit(f"register|{network}", PER_ADDRESS, WINDOW_SECONDS))
    if wait:
        raise users.TooManyAttempts(wait)


async def open_sandbox(database: Database, settings: Settings, user: Actor, organization_id: UUID | None) -> None:
    """A number to try everything with. A sign-up goes through without it; the log says why."""
    if organization_id is None or not settings.simulated:
        return
    try:
        async with database.tenant(organization_id, user) as db:
            await channels.open_sandbox(db, settings)
    except (FrontdeskError, DatabaseError) as error:
        log.error("no sandbox number was opened", organization_id=str(organization_id), exc_info=error)
