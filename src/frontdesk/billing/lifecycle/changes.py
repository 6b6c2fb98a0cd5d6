"""Changing what was bought: an upgrade at once for an amount that was shown, a downgrade when the period ends, cancelling and resuming.

Nothing here believes the page: what it showed is asked of Stripe again, and what is so afterwards is fetched, as after every event.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from frontdesk import audit
from frontdesk.billing import catalogue
from frontdesk.billing.lifecycle.moves import OPEN, Move
from frontdesk.billing.lifecycle.previews import AmountChanged, Change, PaymentDeclined, bought, preview, second_within, told_of, wanted
from frontdesk.billing.lifecycle.turns import Hold, turn
from frontdesk.billing.records import ENDED, Plan
from frontdesk.billing.standings import Told
from frontdesk.billing.stripe_api import CardDeclined, Money, Place, asking
from frontdesk.billing.syncing import sync_customer

SHOWN_FOR = 900  # seconds that a shown amount stays good


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it. pay_at: Stripe's page, where a payment has to be confirmed or made before it holds; a secret of whoever asked."""

    plan: Plan
    at: datetime
    pay_at: str | None = None


async def upgrade(money: Money, at: Place, lookup_key: str, proration_date: int, amount: int) -> Done:
    """Change at once, for the amount that was shown as of that second. Raises AmountChanged, BeingChanged, PaymentDeclined, and whatever `preview` does."""
    async with turn(money, at) as hold:
        now, _, _, _ = await wanted(money, at, lookup_key)
        before, item = await told_of(money, now)
        if not 0 <= second_within(item) - proration_date <= SHOWN_FOR:
            raise AmountChanged
        change = await preview(money, at, lookup_key, proration_date)
        if change.move is not Move.UPGRADE or change.amount != amount:
            raise AmountChanged
        await _stop_what_was_planned(money, before)
        updated = await _charge(money, at, change, item["id"], hold)
        waits = updated.get("pending_update") is not None
        amount_paid = {"amount": _written(change.amount, change.price.currency)}
        await _note(money, at, "plan.upgrade_begun" if waits else "plan.upgraded", change.plan, amount_paid)
        await sync_customer(money, at.organization_id)
    return Done(change.plan, change.effective_at, (updated.get("latest_invoice") or {}).get("hosted_invoice_url") if waits else None)


async def _charge(money: Money, at: Place, change: Change, item_id: str, hold: Hold) -> Told:
    """The subscription after the step that is paid for."""
    price_id = await catalogue.sold(money, change.price.lookup_key)
    params: Any = {
        "items": [{"id": item_id, "price": price_id}], "proration_behavior": "always_invoice", "proration_date": change.proration_date,
        "payment_behavior": "pending_if_incomplete", "expand": ["latest_invoice"],
    }  # fmt: skip
    await hold()
    try:
        with asking():
            key = f"upgrade:{at.organization_id}:{change.price.lookup_key}:{change.proration_date}"
            return (await money.v1.subscriptions.update_async(change.now.provider_subscription_id or "", params, {"idempotency_key": key})).to_dict()
    except CardDeclined as error:
        raise PaymentDeclined from error


async def downgrade(money: Money, at: Place, lookup_key: str) -> Done:
    """Change when the period ends, by a schedule; until then nothing is less. Raises AmountChanged, BeingChanged, and whatever `preview` does."""
    async with turn(money, at):
        change = await preview(money, at, lookup_key)
        if change.move is not Move.DOWNGRADE:
            raise AmountChanged
        price_id = await catalogue.sold(money, lookup_key)
        told, _ = await told_of(money, change.now)
        await _resume(money, told)
        await _schedule(money, told, price_id, change.price.billing_interval)
        await _note(money, at, "plan.downgrade_scheduled", change.plan, {"at": change.effective_at.date().isoformat()})
        await sync_customer(money, at.organization_id)
    return Done(change.plan, change.effective_at)


async def _schedule(money: Money, told: Told, price_id: str, interval: str) -> None:
    """Let this price follow what runs, in place of whatever was to follow."""
    with asking():
        if planned := told.get("schedule"):
            schedule = await money.v1.subscription_schedules.retrieve_async(_id(planned))
        else:
            schedule = await money.v1.subscription_schedules.create_async({"from_subscription": told["id"]})
        running = schedule.to_dict()["phases"][0]
        own = [{"price": _id(one["price"]), "quantity": one.get("quantity") or 1} for one in running["items"]]
        following = {
            "items": [{"price": price_id, "quantity": 1}], "duration": {"interval": interval, "interval_count": 1}, "proration_behavior": "none",
        }  # fmt: skip
        phases: Any = [{"items": own, "start_date": running["start_date"], "end_date": running["end_date"], "proration_behavior": "none"}, following]
        await money.v1.subscription_schedules.update_async(schedule.id, {"end_behavior": "release", "proration_behavior": "none", "phases": phases})


async def carry_out(money: Money, at: Place, change: Change, proration_date: int, amount: int) -> Done:
    """Do what was looked at, for the amount that was shown; proration_date: 0 where a downgrade was. Raises whatever `upgrade` and `downgrade` do."""
    if change.move is not Move.DOWNGRADE:
        return await upgrade(money, at, change.price.lookup_key, proration_date, amount)
    if proration_date:  # shown was an upgrade, and something dearer was bought meanwhile
        raise AmountChanged
    return await downgrade(money, at, change.price.lookup_key)


async def keep(money: Money, at: Place) -> None:
    """Stay on the plan there is: what was to follow does not, and what was cancelled goes on. Raises NothingBought, BeingChanged, StripeAway and its kin."""
    async with turn(money, at):
        now = await bought(money, at)
        told, _ = await told_of(money, now)
        await _stop_what_was_planned(money, told)
        await _note(money, at, "plan.kept", None, {"name": now.plan_name})
        await sync_customer(money, at.organization_id)


async def cancel(money: Money, at: Place) -> datetime | None:
    """End it with its period, and return when; what is not paid ends at once. Raises NothingBought, BeingChanged, StripeAway and its kin."""
    async with turn(money, at):
        now = await bought(money, at)
        told, _ = await told_of(money, now)
        await _release(money, told)
        with asking():
            if told["status"] in (*OPEN, "paused"):
                await money.v1.subscriptions.cancel_async(told["id"])
            elif told["status"] not in ENDED:  # where the answer to this very step was lost
                await money.v1.subscriptions.update_async(told["id"], {"cancel_at_period_end": True})
        await _note(money, at, "plan.canceled", None, {"name": now.plan_name})
        synced = await sync_customer(money, at.organization_id)
    return synced.after.current_period_end if synced.after is not None and synced.after.lives else None


async def _stop_what_was_planned(money: Money, told: Told) -> None:
    """Of the subscription as Stripe tells it: what is noted here may be of before a step whose answer was lost."""
    await _release(money, told)
    await _resume(money, told)


async def _release(money: Money, told: Told) -> None:
    if planned := told.get("schedule"):
        with asking():
            await money.v1.subscription_schedules.release_async(_id(planned))


async def _resume(money: Money, told: Told) -> None:
    if told.get("cancel_at_period_end") or told.get("cancel_at") is not None:
        with asking():
            await money.v1.subscriptions.update_async(told["id"], {"cancel_at_period_end": False})


async def _note(money: Money, at: Place, action: str, plan: Plan | None, details: dict[str, Any]) -> None:
    named = ({"name": plan.name} if plan else {}) | ({"reason": at.reason} if at.reason else {})
    async with money.database.tenants([at.organization_id]) as db:
        await audit.append_as(db, at.organization_id, at.actor, action, target_type="subscription", details=named | details)


def _id(value: Any) -> str:
    return str(value["id"] if isinstance(value, dict) else value)


def _written(amount: int, currency: str) -> str:
    return f"{amount / 100:.2f} {currency}"
