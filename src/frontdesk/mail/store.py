"""The SQL of mail: calls of the functions that queue, claim and settle."""

from datetime import datetime
from uuid import UUID

from frontdesk.database import Platform, Statements
from frontdesk.mail.records import Claim, Kept, Listed, Outcome, Standing


async def queue(db: Statements, mail_id: UUID, organization_id: UUID | None, recipient: str, template: str, locale: str, sealed: str, until: datetime) -> None:
    """Owe somebody a mail."""
    await db.run(
        "select private.queue_mail(%(id)s, %(organization_id)s, %(recipient)s, %(template)s, %(locale)s, %(sealed)s, %(until)s)",
        {
            "id": mail_id, "organization_id": organization_id, "recipient": recipient, "template": template,
            "locale": locale, "sealed": sealed, "until": until,
        },
    )  # fmt: skip


async def claim(db: Platform) -> Claim | None:
    """The mail that waits longest, which nobody else gets now."""
    return await db.record(Claim, "select id, recipient, sealed, attempt, created_at from private.claim_mail()")


async def give(db: Platform, claim: Claim) -> bool:
    """Say that the mail is handed over from now on. False when the claim is lost."""
    return bool(await db.value("select private.give_mail(%(id)s, %(attempt)s)", {"id": claim.id, "attempt": claim.attempt}))


async def settle(db: Platform, claim: Claim, outcome: Outcome, wait_seconds: float) -> bool:
    """Record what became of an attempt. False when the mail is in other hands meanwhile."""
    return bool(
        await db.value(
            "select private.settle_mail(%(id)s, %(attempt)s, %(fate)s, %(why)s, %(wait)s)",
            {"id": claim.id, "attempt": claim.attempt, "fate": outcome.fate, "why": outcome.why, "wait": wait_seconds},
        )
    )


async def show_all(db: Platform) -> None:
    """Lay what waits into the simulator's mailbox, for good."""
    await db.run("select private.show_mails()")


async def listed(db: Platform, most: int) -> list[Listed]:
    """The newest mails of the installation, those that want a look first."""
    return await db.records(
        Listed,
        "select id, organization, recipient, template, state, attempts, created_at, not_before, last_error, has_text from private.list_mails(%(most)s)",
        {"most": most},
    )


async def resend(db: Platform, mail_id: UUID) -> bool:
    """Let a mail be sent again. False when there is none that could be."""
    return bool(await db.value("select private.resend_mail(%(id)s)", {"id": mail_id}))


async def standing(db: Platform) -> Standing:
    """How the mail stands."""
    found = await db.record(Standing, "select waiting, oldest, uncertain, failed from private.mail_state()")
    return found or Standing(0, None, 0, 0)


async def kept(db: Platform, most: int, mail_id: UUID | None = None) -> list[Kept]:
    """The newest mails whose text is there, or one of them."""
    return await db.records(
        Kept,
        "select id, recipient, template, locale, sealed, created_at from private.mailbox(%(most)s, %(one)s)",
        {"most": most, "one": mail_id},
    )
