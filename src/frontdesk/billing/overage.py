"""What organizations used beyond their limits, billed as the installation chose: on their invoices at Stripe, by its meters, or from credit."""

from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

import structlog

from frontdesk import usage
from frontdesk.billing import ledger
from frontdesk.billing.metering import CUSTOMER, NAMES, VALUE, event_name
from frontdesk.billing.stripe_api import CardDeclined, Money, StripeRefuses, asking
from frontdesk.usage import Charge, Debtor, NotEnoughCredit, Prepaid, UsageBiller

MARK = "frontdesk_overage"  # what an item's metadata say of the charge it is for
RENEWAL = "subscription_cycle"
log = structlog.get_logger()


class InvoiceItems:
    """Makes an item of an invoice for each charge."""

    name = "invoice_items"

    def __init__(self, money: Money, *, own_invoice: bool = False) -> None:
        """`money`: the way to Stripe. own_invoice: whether no invoice is to come that would take the item along."""
        self._money, self._own_invoice = money, own_invoice

    async def bill(self, debtor: Debtor, charge: Charge) -> str:
        """Make the item, or find the one that was made. Raises StripeAway and its kin."""
        mark = f"{debtor.organization_id}:{charge.key}"
        item = await self._made(debtor, mark) if charge.attempts else None
        if item is None:
            with asking():
                made = await self._money.v1.invoice_items.create_async(
                    _item(debtor, charge, mark), {"idempotency_key": f"ovg:{mark}:{debtor.invoice or 'next'}"}
                )
            item = made.to_dict()
        if self._own_invoice and not item.get("invoice"):
            await self._invoice(debtor, mark)
        return str(item["id"])

    async def _made(self, debtor: Debtor, mark: str) -> dict[str, Any] | None:
        with asking():
            page = await self._money.v1.invoice_items.list_async({"customer": debtor.customer or "", "limit": 100})
            async for one in page.auto_paging_iter():
                told = one.to_dict()
                if (told.get("metadata") or {}).get(MARK) == mark:
                    return told
        return None

    async def _invoice(self, debtor: Debtor, mark: str) -> None:
        with asking():
            await self._money.v1.invoices.create_async(
                {"customer": debtor.customer or "", "auto_advance": True, "pending_invoice_items_behavior": "include"},
                {"idempotency_key": f"ovg-invoice:{mark}"},
            )


def _item(debtor: Debtor, charge: Charge, mark: str) -> Any:
    name, days = NAMES.get(charge.metric, charge.metric), f"{charge.period_start:%d %b %Y} to {charge.period_end:%d %b %Y}"
    params: dict[str, Any] = {
        "customer": debtor.customer, "currency": charge.currency.lower(), "amount": charge.amount, "metadata": {MARK: mark},
        "description": f"{charge.units:,} {name} beyond the plan, {days}",
        "period": {"start": _second(charge.period_start), "end": _second(charge.period_end)},
    }  # fmt: skip
    return params | ({"invoice": debtor.invoice} if debtor.invoice else {})


class Meters:
    """Tells Stripe's meters how much it was, for prices that are billed by use there. event: `frontdesk_` and the metric."""

    name = "meters"

    def __init__(self, money: Money) -> None:
        """`money`: the way to Stripe."""
        self._money = money

    async def bill(self, debtor: Debtor, charge: Charge) -> str:
        """Send it; Stripe takes one identifier once. Raises StripeAway and its kin."""
        identifier = f"{debtor.organization_id}:{charge.key}"
        with asking():
            await self._money.v1.billing.meter_events.create_async(
                {
                    "event_name": event_name(charge.metric), "identifier": identifier,
                    "payload": {CUSTOMER: debtor.customer or "", VALUE: str(charge.units)},
                },
                {"idempotency_key": f"meter:{identifier}"},
            )  # fmt: skip
        return identifier


def biller_of(money: Money, *, own_invoice: bool = False) -> UsageBiller:
    """Whoever turns what went over into money in this installation."""
    match money.settings.overage_billing:
        case "meters":
            return Meters(money)
        case "prepaid":
            return Prepaid(money.database)
        case "invoice_items":
            return InvoiceItems(money, own_invoice=own_invoice)


async def bill_renewal(money: Money, organization_id: UUID, invoice_id: str) -> list[Charge]:
    """Put what is to be billed on the invoice of a renewal while it is a draft; one that is not is left to the next. Raises StripeAway and its kin."""
    with asking():
        invoice = (await money.v1.invoices.retrieve_async(invoice_id)).to_dict()
    if invoice.get("billing_reason") != RENEWAL:
        return []
    return await _bill(money, organization_id, invoice_id if invoice.get("status") == "draft" else None)


async def bill_what_is_due(money: Money) -> bool:
    """Bill what no renewal has taken along, and return whether there was anything.

    It waits for the next invoice of a month; for a yearly plan, or one that has ended, there is an invoice of its own. Raises StripeAway.
    """
    billed = 0
    for organization_id in await usage.overage_due(money.database):
        try:
            billed += len(await _bill(money, organization_id, None))
        except NotEnoughCredit:
            log.warning("what went beyond the plan waits for credit", organization=str(organization_id))
        except (StripeRefuses, CardDeclined) as error:  # about this customer alone: the others are billed all the same
            log.error("what went beyond the plan could not be billed", organization=str(organization_id), error=str(error))
    return billed > 0


async def _bill(money: Money, organization_id: UUID, invoice_id: str | None) -> list[Charge]:
    async with money.database.tenants([organization_id]) as db:
        customer_id, _ = await ledger.version_of(db, organization_id)
        subscription = await ledger.subscription_of(db, organization_id)
    if customer_id is None:
        return []
    monthly = subscription is not None and subscription.lives and subscription.billing_interval == "month"
    return await usage.bill_overage(
        money.database, biller_of(money, own_invoice=invoice_id is None and not monthly), Debtor(organization_id, customer_id, invoice_id)
    )


def _second(day: Any) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())
