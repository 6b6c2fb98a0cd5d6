"""What the worker does for billing: handle Stripe's events, ask for those that never came, and look at everybody once a night."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import import_module
from uuid import UUID

import structlog
from psycopg import Error as DatabaseError

from frontdesk.billing import handling, overage, reconciling
from frontdesk.billing.stripe_api import Money
from frontdesk.errors import Unavailable

AT_ONCE = 4  # customers at a time
POLL_SECONDS = 5.0  # for what is tried again; what arrives wakes us
FIRST_LOOK = 15.0  # seconds: everything else starts first
LOOK_EVERY = 60.0  # seconds: whether a chore is due
LIBRARY = "frontdesk.billing.library"  # what speaks with Stripe
HOUR, NIGHT = 3_600.0, 86_400.0  # seconds
log = structlog.get_logger()


class Bookkeeper:
    """The tasks of a worker. Several may run, in several processes: no event is in two hands, and a chore is done by one of them."""

    def __init__(self, money: Money, told: Callable[[UUID], object]) -> None:
        """`told`: called with the organization after something of it was stored."""
        self._money, self._told = money, told
        self._look = asyncio.Event()

    def look(self) -> None:
        """Something waits."""
        self._look.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; finish what is begun."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._handle(stop))
            group.create_task(self._chore(stop, lambda: reconciling.ask_for_missed(self._money, HOUR)))
            group.create_task(self._chore(stop, lambda: reconciling.look_at_everybody(self._money, NIGHT, stop)))

    async def _handle(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._look.clear()
            if not await self._safely(self._turn):
                await self._rest(stop)

    async def _turn(self) -> bool:
        """One customer's events, or one customer to close. False when nothing waits."""
        if handled := await handling.handle_next(self._money):
            for organization_id in handled:
                if organization_id is not None:
                    self._told(organization_id)
            return True
        return await handling.close_next(self._money)

    async def _chore(self, stop: asyncio.Event, work: Callable[[], Awaitable[bool]]) -> None:
        await self._pause(stop, FIRST_LOOK)
        await asyncio.to_thread(import_module, LIBRARY)  # beside what else this process does: the first call would hold that up
        while not stop.is_set():
            await self._safely(work)
            await self._safely(lambda: overage.bill_what_is_due(self._money))
            await self._pause(stop, LOOK_EVERY)

    async def _pause(self, stop: asyncio.Event, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()

    async def _safely(self, work: Callable[[], Awaitable[bool]]) -> bool:
        try:
            return await work()
        except (DatabaseError, Unavailable) as error:
            log.error("billing waits", error=str(error) or type(error).__name__)
        return False

    async def _rest(self, stop: asyncio.Event) -> None:
        tasks = [asyncio.create_task(self._look.wait()), asyncio.create_task(stop.wait())]
        await asyncio.wait(tasks, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
