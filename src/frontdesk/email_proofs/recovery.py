"""A forgotten password: a link to the user's own address lets him set another one, and nothing else."""

from dataclasses import replace
from uuid import UUID

from frontdesk import users
from frontdesk.access import Actor
from frontdesk.database import Database
from frontdesk.email_proofs import links, store
from frontdesk.errors import BadInput
from frontdesk.mail import Mailer

PER_EMAIL, PER_ADDRESS, WINDOW_SECONDS = 3, 20, 3600


class WeakPassword(BadInput):
    """This password is among the first that somebody would try."""


async def take_turn(database: Database, caller: Actor, email: str) -> None:
    """Count one request, for an email that somebody has just as for one that nobody has. Raises TooManyAttempts."""
    key = users.email_key(email)
    per_email = users.Limit(f"reset|{key}", PER_EMAIL, WINDOW_SECONDS)
    per_address = users.Limit(f"reset|{users.network(caller.address)}", PER_ADDRESS, WINDOW_SECONDS)
    async with database.platform_in_line() as db:
        wait = await users.take_attempt(db, per_email, per_address)
    if wait:
        raise users.TooManyAttempts(wait)


async def send(database: Database, mailer: Mailer, caller: Actor, email: str, locale: str | None) -> None:
    """Owe the user with this email, if there is one, the link to another password.

    Runs after the answer, whose time it must not change.
    """
    async with database.platform_in_line() as db:
        account = await users.find_account(db, users.email_key(email))
        if account is None:
            return
        await links.send(db, mailer, "reset", account.user_id, account.email, locale, name=account.name)
        user = replace(caller, user_id=account.user_id, name=account.name)
        await users.record(db, account.user_id, user, "user.password_reset_requested")


async def reset(database: Database, mailer: Mailer, caller: Actor, token: str, password: str, locale: str | None) -> list[UUID]:
    """Set another password. Every session ends, every other link closes, and signing in asks for the second factor as always.
    Returns the organizations in which he was signed in.

    Raises LinkOver, WeakPassword or PasswordsBusy.
    """
    proof = await links.find(database, token, "reset")
    why = users.weakness(password, about=(proof.name, proof.email))
    if why:
        raise WeakPassword(why, field="password")
    password_hash = await users.hash_password(password)
    async with database.platform() as db:
        user_id = await store.reset_password(db, users.hash_of_token(token), password_hash)
        if user_id is not None:
            await mailer.queue(db, "users/password_changed", to=proof.email, locale=locale, values={"name": proof.name})
            await users.record(db, user_id, replace(caller, user_id=user_id, name=proof.name), "user.password_reset")
            places = await users.organizations_of(db, user_id)
    if user_id is None:
        raise links.LinkOver
    return places
