"""What makes good when webhooks were not heard: hourly the events that were not taken, nightly everybody who has something running."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from frontdesk.billing import inbox, ledger, syncing
from frontdesk.billing.stripe_api import Money, asking
from frontdesk.billing.webhook import read
from frontdesk.errors import FrontdeskError

BACK = timedelta(days=14)  # Stripe keeps events for thirty days and tries for three. https://docs.stripe.com/api/events
PIECE = 100
AGAIN = 300.0  # seconds, after a try that failed
MISSED, EVERYBODY = "missed_billing_events", "all_billing_accounts"
MOST = 5_000  # events in one go; an hour later the rest
log = structlog.get_logger()


async def ask_for_missed(money: Money, every: float) -> bool:
    """Once in so many seconds: keep the events that Stripe could not deliver. False when it is not time yet."""
    if not await _is_time(money, MISSED, every):
        return False
    try:
        new = await keep_missed(money)
    except FrontdeskError:
        async with money.database.platform() as db:
            await ledger.repeat_chore(db, MISSED, every, AGAIN)
        raise
    if new:
        log.warning("events of Stripe's had not been delivered", events=new)
    return True


async def keep_missed(money: Money, since: datetime | None = None) -> int:
    """Keep the events that Stripe could not deliver since then (two weeks ago); how many are new here."""
    new = seen = 0
    earliest = int((since or datetime.now(UTC) - BACK).timestamp())
    with asking():
        page = await money.v1.events.list_async({"delivery_success": False, "created": {"gte": earliest}, "limit": PIECE})
        async for event in page.auto_paging_iter():
            new += await inbox.keep(money.database, read(event.to_dict()), "reconciler")
            seen += 1
            if seen >= MOST:
                break
    return new


async def look_at_everybody(money: Money, every: float, stop: asyncio.Event) -> bool:
    """Once in so many seconds: synchronize everybody who has something running. False when it is not time yet."""
    if not await _is_time(money, EVERYBODY, every):
        return False
    looked, failed = await sync_everybody(money, stop)
    log.info("every customer was looked at", customers=looked, failed=failed)
    return True


async def sync_everybody(money: Money, stop: asyncio.Event) -> tuple[int, int]:
    """Synchronize everybody who has something running; how many were looked at, and how many of them could not be."""
    after, looked, failed = UUID(int=0), 0, 0
    while not stop.is_set():
        async with money.database.platform() as db:
            piece = await inbox.live_customers(db, after, PIECE)
        for organization_id in piece:
            if stop.is_set():
                break
            looked += 1
            try:
                await syncing.sync_customer(money, organization_id)
            except (FrontdeskError, syncing.UnknownPrice) as error:
                failed += 1
                log.error("a customer could not be synchronized", organization=str(organization_id), error=str(error))
        if len(piece) < PIECE:
            break
        after = piece[-1]
    return looked, failed


async def _is_time(money: Money, chore: str, every: float) -> bool:
    async with money.database.platform() as db:
        return await ledger.claim_chore(db, chore, every)
