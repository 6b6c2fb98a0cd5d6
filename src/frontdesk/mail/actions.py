"""The verbs of mail: owe somebody one, and look at what is owed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from frontdesk.database import Platform, Statements, Tenant, new_id
from frontdesk.errors import NotFound
from frontdesk.mail import store
from frontdesk.mail.composing import best_locale, compose
from frontdesk.mail.records import Kept, Letter
from frontdesk.settings import Settings
from frontdesk.vault import Vault

TWO_DAYS = timedelta(days=2)


class NoSuchMail(NotFound):
    """There is no mail with this id whose text is still here. `frontdesk mail` lists them."""


class Mailer:
    """Writes letters and puts them into the outbox. Made once, with the installation's keys and its address."""

    def __init__(self, vault: Vault, settings: Settings) -> None:
        """Links in letters lead to FRONTDESK_PUBLIC_URL, else to where this process listens."""
        self._vault, self._base_url = vault, settings.home

    async def queue(
        self, db: Statements, template: str, *, to: str, locale: str | None, values: Mapping[str, Any],
        organization_id: UUID | None = None, lasts: timedelta = TWO_DAYS,
    ) -> UUID:  # fmt: skip
        """Owe `to` a letter, in the transaction of what it tells; the worker sends it once that is committed. Returns its id.

        template: `domain/name` of two files in the domain's folder `mails`, `name.txt` and `name.html`. locale: a language, as an
        Accept-Language header or as an organization's setting says it; English where we do not have it. lasts: how long it is worth trying.
        organization_id: whose business it is; a member's transaction names its own.
        """
        if organization_id is None and isinstance(db, Tenant):
            organization_id = db.organization_id
        mail_id, language = new_id(), best_locale(locale)
        letter = compose(template, values, language, self._base_url)
        await store.queue(db, mail_id, organization_id, to, template, language, seal(self._vault, mail_id, letter), datetime.now(UTC) + lasts)
        return mail_id


def seal(vault: Vault, mail_id: UUID, letter: Letter) -> str:
    """The letter as it is kept: a link in it may let somebody in."""
    return vault.seal(orjson.dumps([letter.subject, letter.text, letter.html]).decode(), context=_context(mail_id))


def unseal(vault: Vault, mail_id: UUID, sealed: str) -> Letter:
    """What `seal` made. Raises CannotOpen."""
    subject, text, html = orjson.loads(vault.open(sealed, context=_context(mail_id)))
    return Letter(subject, text, html)


async def open_kept(db: Platform, vault: Vault, mail_id: UUID) -> tuple[Kept, Letter]:
    """One mail of the mailbox and what it says. Raises NoSuchMail."""
    found = await store.kept(db, 1, mail_id)
    if not found:
        raise NoSuchMail("This mail is not here any more.")
    return found[0], unseal(vault, mail_id, found[0].sealed)


async def resend(db: Platform, mail_id: UUID) -> None:
    """Let a mail that is uncertain, or failed, be sent again. Raises NoSuchMail."""
    if not await store.resend(db, mail_id):
        raise NoSuchMail


def _context(mail_id: UUID) -> str:
    return f"mail|{mail_id}"
