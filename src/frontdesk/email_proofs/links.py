"""Links that are sent to an address: opened here, mailed in the same transaction, known afterwards by their hash only."""

from datetime import timedelta
from uuid import UUID

from frontdesk.database import Database, Platform, new_id
from frontdesk.email_proofs import store
from frontdesk.email_proofs.records import LASTS, Proof, Purpose
from frontdesk.errors import BadInput
from frontdesk.mail import Mailer
from frontdesk.users import hash_of_token, is_token, new_token


class LinkOver(BadInput):
    """This link was used already, or it is too old. Ask for a new one."""


PATHS: dict[Purpose, str] = {"verification": "/email/verification", "reset": "/forgotten-password/new", "change": "/email/change", "undo": "/email/undo"}


async def send(db: Platform, mailer: Mailer, purpose: Purpose, user_id: UUID, email: str, locale: str | None, **values: str) -> None:
    """Open a link and owe the mail that carries it."""
    token = new_token()
    await store.keep(db, new_id(), hash_of_token(token), purpose, user_id, email)
    facts = {"path": f"{PATHS[purpose]}?token={token}", "email": email, **values}
    await mailer.queue(db, f"email_proofs/{purpose}", to=email, locale=locale, values=facts, lasts=timedelta(seconds=LASTS[purpose]))


async def find(database: Database, token: str, purpose: Purpose) -> Proof:
    """What an open link is about. Raises LinkOver."""
    found = None
    if is_token(token):
        async with database.platform() as db:
            found = await store.find(db, hash_of_token(token), purpose)
    if found is None:
        raise LinkOver
    return found
