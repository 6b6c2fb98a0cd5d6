"""One change of a plan at a time in each organization, so that what was looked at is still so when it is done.

The turn is a row with a time at which it ends by itself: Stripe may take its time, and no connection to the database is held meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from frontdesk.billing import accounts
from frontdesk.billing.lifecycle.previews import AmountChanged, bought
from frontdesk.billing.stripe_api import Money, Place
from frontdesk.database import new_id
from frontdesk.errors import Conflict

HOLD = 120.0  # seconds: longer than any one call of Stripe takes; whoever is silent for so long is dead
PATIENCE, PAUSE = 15.0, 0.2  # seconds to wait for another's turn to end, and between two looks
Hold = Callable[[], Awaitable[None]]


class BeingChanged(Conflict):
    """Your plan is being changed at this moment, in another tab or by a colleague. Look at it once more in a minute; nothing was charged."""

    title = "Your plan is being changed"


@asynccontextmanager
async def turn(money: Money, at: Place) -> AsyncIterator[Hold]:
    """The organization's turn to change its plan. Call what it gives right before the step that counts: it raises AmountChanged if the turn was lost.

    Raises NothingBought, and BeingChanged where another's does not end.
    """
    await bought(money, at)
    begun_by = new_id()

    async def hold() -> None:
        async with money.database.tenants([at.organization_id]) as db:
            if not await accounts.hold_change(db, at.organization_id, begun_by, HOLD):
                raise AmountChanged

    try:
        async with asyncio.timeout(PATIENCE):
            while not await _begin(money, at, begun_by):  # noqa: ASYNC110 - another process may have it, and says nothing when it ends
                await asyncio.sleep(PAUSE)
    except TimeoutError:
        raise BeingChanged from None
    try:
        yield hold
    finally:
        async with money.database.tenants([at.organization_id]) as db:
            await accounts.end_change(db, at.organization_id, begun_by)


async def _begin(money: Money, at: Place, begun_by: UUID) -> bool:
    async with money.database.tenants([at.organization_id]) as db:
        return await accounts.begin_change(db, at.organization_id, begun_by, HOLD)
