"""Time that goes by: with the real clock, and as fast as somebody turns it."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import structlog

from frontdesk.billing.simulator import clock
from frontdesk.billing.simulator.account import Account
from frontdesk.billing.simulator.clock import Step

PULSE = 5.0
"""Real seconds between two looks at what is due."""
DRAFT = "draft becomes an invoice"
HEARING, WORKING = 3.0, 2.0
"""Real seconds that webhooks get to be answered after each step, and that whoever adds to drafts gets for the hour that they last."""

log = structlog.get_logger()


@dataclass(slots=True)
class Walk:
    """Where the clock came to, and what happened on the way."""

    now: int
    happened: list[Step] = field(default_factory=list)


async def advance(account: Account, until: int, *, patient: bool = False, waits: bool | None = None) -> Walk:
    """Turn the clock on to this moment. Each thing that is due is a transaction of its own; patient: the product hears of one before the next.

    waits: whether drafts wait for answers; unless it is said, they do where the product gets time to give them.
    """
    async with account.turning if patient else contextlib.nullcontext():
        return await _walk(account, until, patient=patient, waits=patient if waits is None else waits)


async def _walk(account: Account, until: int, *, patient: bool, waits: bool) -> Walk:
    walk = Walk(until)
    while len(walk.happened) < clock.MOST_STEPS:
        if patient:
            await _give_time(account, until, walk)
            await _tell(account, until)
        one = await account.do(lambda world: clock.step(world, until, waits=waits))
        if one is None:
            break
        walk.happened.append(one)
    if patient and walk.happened:
        await account.courier.quiet(HEARING)
    walk.now = await account.do(lambda world: world.now())
    return walk


async def _give_time(account: Account, until: int, walk: Walk) -> None:
    """Let webhooks arrive before the next thing happens, and what adds to a draft do so."""
    coming = await account.do(lambda world: clock.coming(world, until, waits=True))
    if coming is None or not walk.happened:
        return
    await account.courier.quiet(HEARING)
    if coming.what == DRAFT and walk.happened[-1].what != DRAFT:
        await asyncio.sleep(WORKING)


async def _tell(account: Account, until: int) -> None:
    """Whoever counts days by a clock of his own is told how far this one is turned."""
    if account.settings.time_passes is None:
        return
    seconds, shows = await account.do(lambda world: clock.leap(world, until, waits=True))
    if seconds:
        await account.settings.time_passes(seconds, shows)


class Pulse:
    """Does what falls due as the real time goes by."""

    def __init__(self, account: Account) -> None:
        """Look after this account."""
        self._account = account
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._beat())

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(PULSE)
            try:
                await advance(self._account, 0, waits=True)
            except Exception:  # whatever it is, the next beat tries again
                log.exception("the simulated Stripe could not do what was due")
