"""One customer's events, handled: ask how he stands and store it, or put them off; after the last try somebody has to look."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from psycopg import OperationalError

from frontdesk.billing import inbox, ledger
from frontdesk.billing.credit import book_purchase
from frontdesk.billing.endpoints import UNCOUNTED
from frontdesk.billing.inbox import Taken
from frontdesk.billing.lifecycle import note_confirmations
from frontdesk.billing.overage import bill_renewal
from frontdesk.billing.refunds import take_back
from frontdesk.billing.stripe_api import Money, StripeRefuses, asking, is_missing
from frontdesk.billing.syncing import BeingSynchronized, sync_customer

HOLD = 180  # seconds: whoever holds events for longer is dead, and another takes them
PAUSES = (60.0, 300.0, 1_800.0, 7_200.0, 21_600.0, 43_200.0, 86_400.0)  # seconds between tries, then somebody has to look
SOON = 3.0  # seconds: when others stored about the same customer all the time
PAID = ("checkout.session.completed", "checkout.session.async_payment_succeeded")  # a direct debit comes in days later
REFUNDED = "charge.refunded"  # by a refund or a credit note, in Stripe's dashboard or by its API
REFUND_FAILED = "refund.failed"  # the bank would not have it: the money is with whoever runs this, and the credit is good again
TO_CONFIRM = "invoice.payment_action_required"  # the one thing that no subscription shows: a bank asks whoever owns the card
log = structlog.get_logger()


async def handle_next(money: Money) -> list[UUID | None]:
    """Take what waits longest and handle it. Returns the organization it was about (None: nobody here), or nothing when nothing waits."""
    async with money.database.platform() as db:
        events = await inbox.take(db, HOLD)
    if not events:
        return []
    organization_id = events[0].organization_id
    try:
        for event in events:
            await _cry(money, event)
        if organization_id is None:
            await _settle_nobodys(money, events)
        else:
            await _handle(money, organization_id, events)
    except OperationalError:
        raise  # they are taken again when the time for which we hold them is over
    except Exception as error:  # noqa: BLE001 - whatever it is, it is about this customer alone, and is kept with his events
        await put_off(money, events, error)
    return [organization_id]


async def _handle(money: Money, organization_id: UUID, events: Sequence[Taken]) -> None:
    """How the customer stands is stored whatever becomes of the rest; an event whose own work failed is tried again."""
    failed = dict[UUID, Exception]()
    for event in events:
        try:
            await _do_its_own(money, organization_id, event)
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            failed[event.id] = error
    await sync_customer(money, organization_id, [event.id for event in events if event.id not in failed])
    for event in events:
        if event.id in failed:
            await put_off(money, [event], failed[event.id])


async def _do_its_own(money: Money, organization_id: UUID, event: Taken) -> None:
    """What an event asks for beside a look at the customer."""
    if event.type == "invoice.created" and event.object_id:
        await bill_renewal(money, organization_id, event.object_id)
    if event.type in PAID and event.object_id:
        await book_purchase(money, organization_id, event.object_id)
    if event.type == REFUNDED and event.object_id:
        await take_back(money, organization_id, event.object_id)
    if event.type == REFUND_FAILED and event.payload.get("charge"):
        await take_back(money, organization_id, str(event.payload["charge"]))
    if event.type == TO_CONFIRM and event.object_id:
        await note_confirmations(money.database, organization_id, [event.object_id])


async def put_off(money: Money, events: Sequence[Taken], error: Exception) -> None:
    """Note why, and try again later; each event by how often it was tried."""
    why = f"{type(error).__name__}: {error.__cause__ or error}"  # what Stripe itself said, where it did
    async with money.database.platform() as db:
        for event in events:
            pause = SOON if isinstance(error, BeingSynchronized) else pause_after(event.attempts)
            await inbox.postpone(db, [event.id], why, pause)
            if pause is None:
                log.error("an event of Stripe's could not be handled; it waits for a look", about=event.provider_event_id, why=why)
    log.warning("events of Stripe's were put off", events=len(events), why=why)


def pause_after(attempts: int) -> float | None:
    """How long after so many tries the next one comes; None after the last."""
    return PAUSES[attempts - 1] if attempts <= len(PAUSES) else None


async def close_next(money: Money) -> bool:
    """Delete one customer at Stripe whose organization is deleted here; what he subscribed to ends with it. False when there is none."""
    async with money.database.platform() as db:
        taken = await ledger.take_customer_to_close(db, HOLD)
    if taken is None:
        return False
    customer_id, attempts = taken
    try:
        with asking():
            await money.v1.customers.delete_async(customer_id)
    except StripeRefuses as error:
        if not is_missing(error):
            await _try_closing_again(money, customer_id, attempts, error)
            return True
    except Exception as error:  # noqa: BLE001 - as above
        await _try_closing_again(money, customer_id, attempts, error)
        return True
    async with money.database.platform() as db:
        await ledger.settle_customer_to_close(db, customer_id)
    return True


async def _try_closing_again(money: Money, customer_id: str, attempts: int, error: Exception) -> None:
    log.error("a customer of a deleted organization could not be closed at Stripe; it is tried again", customer=customer_id, error=type(error).__name__)
    async with money.database.platform() as db:
        await ledger.settle_customer_to_close(db, customer_id, f"{type(error).__name__}: {error}", pause_after(min(attempts, len(PAUSES))))


async def _settle_nobodys(money: Money, events: Sequence[Taken]) -> None:
    async with money.database.platform() as db:
        await ledger.settle_events(db, None, [event.id for event in events])


async def _cry(money: Money, event: Taken) -> None:
    """What no subscription shows, and somebody has to know."""
    if event.type == UNCOUNTED:
        with asking():
            told = (await money.v2.core.events.retrieve_async(event.provider_event_id)).to_dict()["data"]
        samples = [sample["error_message"] for kind in told["reason"]["error_types"] for sample in kind["sample_errors"]]
        log.error("Stripe could not count usage that it was told", meter=event.object_id, events=told["reason"]["error_count"], why=samples[:3])
    if event.type.startswith("charge.dispute.") and event.attempts == 1:
        log.error("a payment is disputed: look at it in Stripe's dashboard", about=event.provider_event_id, type=event.type, dispute=event.object_id)
