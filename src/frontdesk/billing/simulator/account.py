"""The simulated account as the doors hold it: its store, and whoever carries its webhooks."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from frontdesk.billing.simulator import deliveries, events
from frontdesk.billing.simulator.courier import Courier
from frontdesk.billing.simulator.records import Call, SimulatorSettings
from frontdesk.billing.simulator.store import Store
from frontdesk.billing.simulator.webhook_endpoints import keep_own
from frontdesk.billing.simulator.world import World

T = TypeVar("T")


class Account:
    """One Stripe account, and all of its webhooks on their way."""

    def __init__(self, settings: SimulatorSettings) -> None:
        """Prepare; `open` brings it to life."""
        self.settings = settings
        self._store = Store(settings.store_path)
        self.courier = Courier(settings.pace, self._look)
        self.turning = asyncio.Lock()
        """Held by whoever watches what comes while he turns the clock: two at once would tell others of times that are past already."""

    async def open(self) -> None:
        """Remember what was, and go on delivering what was not taken."""
        await self._store.open()
        await self.do(_begun)
        self.courier.open()

    async def close(self) -> None:
        """Stop; what is not delivered stays in the store."""
        await self.courier.close()
        await self._store.close()

    async def do(self, work: Callable[[World], T], call: Call | None = None) -> T:
        """Run `work` on the account in one transaction, in the thread of the store; then events go out."""
        try:
            return await self._store.do(lambda db: work(World(db, self.settings, call)))
        finally:
            self.courier.wake()

    async def forget(self) -> None:
        """As on the first day: no object, no switch, the real time."""
        await self.do(_emptied)
        if self.settings.time_passes is not None:
            await self.settings.time_passes(0, await self.do(lambda world: world.now()))

    async def _look(self, work: Callable[[World], T]) -> T:
        """As `do`, for the courier itself, who needs no waking."""
        return await self._store.do(lambda db: work(World(db, self.settings)))


def _begun(world: World) -> None:
    """Webhooks that a killed process had in hand go out now, and what Stripe would have forgotten is forgotten."""
    deliveries.release(world)
    events.forget_old(world)
    keep_own(world)


def _emptied(world: World) -> None:
    for statement in ("delete from objects", "delete from privates", "delete from deliveries", "delete from answers"):
        world.db.execute(statement)
    keep_own(world)
