"""The one way in which what is paid at Stripe becomes what is so here: ask how the customer stands, then store all of it in one transaction.

No payload of an event is ever believed, and nothing is stored that is older than what is: whoever fetches notes first how often this customer was
stored, and stores only if that is still so. Everything that is stored was therefore fetched after everything that was stored before it.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from frontdesk import audit, usage
from frontdesk.billing import ledger
from frontdesk.billing.lifecycle import note_changes
from frontdesk.billing.records import ENDED, Subscription
from frontdesk.billing.standings import Running, Standing, read
from frontdesk.billing.stripe_api import Money, StripeRefuses, asking, is_missing
from frontdesk.database import Tenants
from frontdesk.errors import Unavailable

TRIES = 6  # of storing, while others store about the same customer
INVOICES = 50  # of the newest: older ones change no more
PAUSE = 0.1  # seconds, and a little more with every try
NOT_YET = ("incomplete", "incomplete_expired")  # nothing was ever paid
log = structlog.get_logger()


class BeingSynchronized(Unavailable):
    """What was paid is being fetched from Stripe at this moment. Load the page again."""


class UnknownPrice(Exception):
    """A subscription has a price that is of no plan here."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What came of it: the subscription before and after, each None where there is no row."""

    before: Subscription | None
    after: Subscription | None


async def sync_customer(money: Money, organization_id: UUID, event_ids: Sequence[UUID] = ()) -> Synced:
    """Fetch how the organization's customer stands and store it, with these events as handled. Safe at any time, any number of times, by anybody at once.

    Raises StripeAway and its kin, BeingSynchronized where others were faster again and again, and UnknownPrice.
    """
    for tried in range(TRIES):
        async with money.database.tenants([organization_id]) as db:
            customer_id, version = await ledger.version_of(db, organization_id)
            if customer_id is None:
                await ledger.settle_events(db, organization_id, event_ids)
                return Synced(None, None)
        standing = await fetch(money, customer_id)
        async with money.database.tenants([organization_id]) as db:
            if await ledger.take_turn(db, organization_id, customer_id, version):
                synced = await _store(db, organization_id, standing)
                await ledger.settle_events(db, organization_id, event_ids)
                return synced
        await asyncio.sleep(PAUSE * (tried + random.random()))
    raise BeingSynchronized


async def fetch(money: Money, customer_id: str) -> Standing:
    """How a customer stands at Stripe. One who was deleted there is gone; one whom this account never had raises StripeRefuses.

    Where the simulated Stripe forgot everything he is gone too; a wrong key of a real account must end nobody's subscription.
    """
    told = await _customer(money, customer_id)
    if told.get("deleted"):
        return read(told, [], [])
    with asking():
        subscriptions = await money.v1.subscriptions.list_async(
            {"customer": customer_id, "status": "all", "limit": 100, "expand": ["data.schedule", "data.default_payment_method"]}
        )
        invoices = await money.v1.invoices.list_async({"customer": customer_id, "limit": INVOICES})
    return read(told, [one.to_dict() for one in subscriptions.data], [one.to_dict() for one in invoices.data])


async def _customer(money: Money, customer_id: str) -> dict[str, Any]:
    try:
        with asking():
            customer = await money.v1.customers.retrieve_async(customer_id, {"expand": ["tax_ids", "invoice_settings.default_payment_method"]})
    except StripeRefuses as error:
        if is_missing(error):
            if money.settings.stripe_simulated:
                return {"id": customer_id, "deleted": True}
            raise
        with asking():  # of one who was deleted there is nothing to expand
            customer = await money.v1.customers.retrieve_async(customer_id)
        if not customer.to_dict().get("deleted"):
            raise
    return customer.to_dict()


async def _store(db: Tenants, organization_id: UUID, standing: Standing) -> Synced:
    """Everything of the customer, with what the log has to say about it."""
    before = await ledger.subscription_of(db, organization_id)
    await ledger.store_account(db, organization_id, standing)
    if standing.others:
        log.error("a customer has more than one subscription that runs", customer=standing.customer_id, others=standing.others)
    if before is not None and standing.gone and before.lives:
        await ledger.end_subscription(db, organization_id)
    elif before is not None and standing.running is not None and not _is_still_trying(before, standing.running):
        await _store_running(db, organization_id, standing.running)
    invoices = await ledger.store_invoices(db, organization_id, standing.invoices)
    after = await ledger.subscription_of(db, organization_id)
    await _note(db, organization_id, before, after, invoices)
    return Synced(before, after)


def _is_still_trying(before: Subscription, running: Running) -> bool:
    """Whether a trial of ours goes on: a first payment that has not succeeded takes nothing away."""
    tries = before.status == "trialing" and not before.trial_over(datetime.now(UTC))
    return tries and before.provider_subscription_id is None and running.status in NOT_YET


async def _store_running(db: Tenants, organization_id: UUID, running: Running) -> None:
    if not running.known:
        log.error("Stripe knows a state that we do not", subscription=running.id, taken_for=running.status)
    plan = await ledger.plan_of(db, running.provider_price_id, running.lookup_key, running.product_id)
    following = running.scheduled and await ledger.plan_of(db, running.scheduled.provider_price_id, None, None)
    if plan is None:
        raise UnknownPrice(f"The price {running.provider_price_id} of subscription {running.id} is of no plan here. Give it to one, or move the subscription.")
    has_plan = running.status not in (*NOT_YET, *ENDED)
    await ledger.store_subscription(db, organization_id, running, plan[0] if has_plan else "free", following or None)
    if has_plan:
        await usage.anchor(db, organization_id, running.anchor)


async def _note(db: Tenants, organization_id: UUID, before: Subscription | None, after: Subscription | None, invoices: Sequence[Mapping[str, Any]]) -> None:
    """Owe the organization what it is told, and tell the log, last of all."""
    await note_changes(db, organization_id, before, after)
    for one in invoices:
        action = _of_invoice(one)
        if action:
            details = {"name": one["number"] or one["id"], "amount": _money(one["amount_paid"] or one["amount_due"], one["currency"])}
            await audit.append(db, action, organization_id=organization_id, target_type="invoice", target_id=one["id"], details=details)
    if before is None or after is None:
        return
    changed = changes(before, after)
    if changed:
        action = (
            "subscription.started" if after.lives and not before.lives else "subscription.ended" if before.lives and not after.lives else "subscription.changed"
        )
        await audit.append(
            db, action, organization_id=organization_id, target_type="subscription", target_id=after.provider_subscription_id,
            details={"name": after.plan_name, "changed": changed},
        )  # fmt: skip


def changes(before: Subscription, after: Subscription) -> dict[str, dict[str, str | None]]:
    """What is otherwise now, as the log says it: {field: {from, to}}."""
    pairs = {
        "plan": (before.plan_name, after.plan_name),
        "status": (before.status, after.status),
        "billing_interval": (before.billing_interval, after.billing_interval),
        "price": (_price(before), _price(after)),
        "cancel_at": (_day(before.cancel_at), _day(after.cancel_at)),
        "scheduled_plan": (before.scheduled_plan_id, after.scheduled_plan_id),
        "scheduled_interval": (before.scheduled_interval, after.scheduled_interval),
    }
    return {field: {"from": old, "to": new} for field, (old, new) in pairs.items() if old != new}


def _of_invoice(one: Mapping[str, Any]) -> str | None:
    if one["status"] == "paid" and one["status_before"] != "paid" and one["amount_paid"]:
        return "invoice.paid"
    if one["status"] == "open" and one["attempt_count"] > one["attempts_before"]:
        return "invoice.payment_failed"
    return None


def _price(one: Subscription) -> str | None:
    return _money(one.amount, one.currency or "") if one.amount is not None else None


def _money(amount: int, currency: str) -> str:
    return f"{amount / 100:.2f} {currency}"


def _day(at: Any) -> str | None:
    return at.date().isoformat() if at else None
