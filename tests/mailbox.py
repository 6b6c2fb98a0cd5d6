"""What the product wrote to somebody, read as the operator with the keys could: for stories whose way leads through a mail."""

import re
from dataclasses import dataclass
from typing import Any

import psycopg

from frontdesk import secret_files
from frontdesk.mail.actions import unseal
from frontdesk.mail.records import Letter
from frontdesk.settings import Settings


@dataclass(frozen=True)
class Received:
    """One mail whose text is still there."""

    to: str
    template: str
    locale: str
    letter: Letter

    @property
    def links(self) -> list[str]:
        """The paths that its text leads to, without the address of the installation."""
        return [path for path in re.findall(r"https?://[^/\s]+(/\S*)", self.letter.text) if path != "/"]


async def letters(owner: psycopg.AsyncConnection[Any], settings: Settings, to: str | None = None) -> list[Received]:
    """Every mail that was not sent yet, or of one address, in the order in which they were queued."""
    vault = secret_files.load(settings).vault
    rows = await owner.execute(
        "select recipient, template, locale, id, sealed from private.mail_outbox where sealed is not null and coalesce(recipient = %s::text, true) order by id",
        (to,),
    )
    return [Received(recipient, template, locale, unseal(vault, mail_id, sealed)) for recipient, template, locale, mail_id, sealed in await rows.fetchall()]
