"""What happens to a subscription over time, told once: by our own clock, and by what changed at the payment provider."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from frontdesk import audit
from frontdesk.billing.lifecycle import store
from frontdesk.billing.lifecycle.records import Notice, Owed, Subscribed, next_look, notices_due, still_matters
from frontdesk.billing.records import Subscription
from frontdesk.database import Database, Tenants
from frontdesk.mail import Mailer

AT_ONCE = 50  # organizations taken together; each is a transaction of its own
RUNS = ("active", "trialing")
log = structlog.get_logger()
AUDITED = {"trial_ended": "subscription.trial_ended", "access_reduced": "subscription.access_reduced"}


async def look(database: Database, mailer: Mailer) -> int:
    """Look at the subscriptions that are due: owe what their organizations are to be told, and write its mails. Returns how many were looked at."""
    async with database.platform() as db:
        taken = await store.take(db, AT_ONCE)
    for organization_id, taken_until in taken:
        try:
            async with database.tenants([organization_id]) as db:
                await look_at(db, mailer, organization_id, taken_until, datetime.now(UTC))
        except Exception as error:  # one organization keeps none of the others waiting
            log.error("a subscription could not be looked at", organization=str(organization_id), exc_info=error)
    return len(taken)


async def look_at(db: Tenants, mailer: Mailer, organization_id: UUID, taken_until: datetime, now: datetime) -> None:
    """Tell one organization what is due, hold back what is over its limits, and note when to look again."""
    one = await store.subscribed(db, organization_id)
    if one is None:
        return
    told = [notice for notice in notices_due(one, now) if await store.owe(db, organization_id, notice)]
    await _write(db, mailer, one, now)
    held_back = await store.hold_back(db, organization_id)
    await store.look_again(db, organization_id, taken_until, next_look(one, now))
    for notice in told:
        await _audit(db, organization_id, notice)
    if held_back:
        await audit.append(
            db, "plan.limits_applied", organization_id=organization_id, target_type="subscription", details={"name": one.plan, "count": held_back}
        )


async def note_changes(db: Tenants, organization_id: UUID, before: Subscription | None, after: Subscription | None) -> None:
    """Owe what an organization is told of a change at the payment provider, in the transaction that stores it: the same change is stored once."""
    if before is None or after is None:
        return
    if before.lives and not after.lives and before.provider_subscription_id:
        await store.owe(db, organization_id, Notice("canceled", before.provider_subscription_id, facts={"plan": before.plan_name}))
    elif after.lives and after.status in RUNS and _bought(before) != _bought(after):
        about = ":".join((after.provider_subscription_id or "", after.plan_id, after.billing_interval, datetime.now(UTC).isoformat()))
        facts = {"plan": after.plan_name, "interval": after.billing_interval, "amount": after.amount or 0, "currency": after.currency or "EUR"}
        await store.owe(db, organization_id, Notice("plan_changed", about, facts=facts))


async def note_confirmations(database: Database, organization_id: UUID, invoice_ids: Sequence[str]) -> None:
    """Owe the mail that asks to confirm the payment of these invoices: once for each, however often it is told."""
    if invoice_ids:
        async with database.tenants([organization_id]) as db:
            for invoice_id in invoice_ids:
                await store.owe(db, organization_id, Notice("action_required", invoice_id))


def _bought(one: Subscription) -> tuple[str, str] | None:
    return (one.plan_id, one.billing_interval) if one.lives and one.status not in ("incomplete", "incomplete_expired") else None


async def _write(db: Tenants, mailer: Mailer, one: Subscribed, now: datetime) -> None:
    """Write the mails of what is owed: to everybody who may change the plan, in the organization's language. The pages tell it as well.

    While nobody of them has confirmed an address, what is owed waits; what is no news any more by then is dropped.
    """
    owed = await store.owed(db, one.organization_id)
    if not owed:
        return
    newest = {(notice.kind, notice.object): notice.id for notice in owed}  # of several reminders that waited, the last
    if old := [notice.id for notice in owed if newest[notice.kind, notice.object] != notice.id or not still_matters(notice, one, now)]:
        await store.drop(db, one.organization_id, old)
    told, people = [notice for notice in owed if notice.id not in old], await store.recipients(db, one.organization_id)
    if not told or not people:
        return
    for person in people:
        for notice in told:
            values = {"plan": one.plan, "url": one.invoice_url} | _facts(notice) | {"name": person.name, "organization": one.organization}
            await mailer.queue(db, f"billing/{notice.kind}", to=person.email, locale=one.locale, values=values, organization_id=one.organization_id)
    await store.note_mailed(db, one.organization_id, [notice.id for notice in told])


def _facts(notice: Owed) -> dict[str, Any]:
    """What its mail says: what is called `…_at` is a time again."""
    return {name: datetime.fromisoformat(value) if name.endswith("_at") and isinstance(value, str) else value for name, value in notice.facts.items()}


async def _audit(db: Tenants, organization_id: UUID, notice: Notice) -> None:
    action = AUDITED.get(notice.kind)
    if action:
        details: Mapping[str, Any] = {"name": notice.facts["plan"]} | {key: notice.facts[key] for key in ("access", "status") if key in notice.facts}
        await audit.append(db, action, organization_id=organization_id, target_type="subscription", details=details)
