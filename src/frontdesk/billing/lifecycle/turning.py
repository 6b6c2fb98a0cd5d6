"""Our own clock beside the one of the simulated Stripe: whoever turns that one on sees days of grace, trials and usage months go by as well."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from frontdesk.billing import inbox
from frontdesk.billing.lifecycle import actions
from frontdesk.billing.lifecycle.records import TELL_WITHIN, TRIAL_ENDING
from frontdesk.database import Database
from frontdesk.mail import Mailer

HEARD_WITHIN, LOOK_EVERY = 3.0, 0.1  # seconds that the worker gets to store what was told; and between two looks


async def allow_turning(database: Database, allowed: bool) -> None:
    """Say when a process starts whether the provider's clock can be turned here. Where it cannot, everything goes by the real one."""
    await database.call("select private.allow_turning(%(allowed)s)", {"allowed": allowed})


async def let_time_pass(database: Database, mailer: Mailer, seconds: int, shows: int) -> None:
    """Let so many seconds pass here too, once all events that are kept were handled; afterwards Stripe's clock `shows` this second since 1970.

    It stops where a trial is told of, and lets its organization be told. In development only: PostgreSQL refuses it elsewhere.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(HEARD_WITHIN):
            while await _something_waits(database):  # noqa: ASYNC110 - another process handles it, and says nothing when it has
                await asyncio.sleep(LOOK_EVERY)
    rows, passed = await database.call("select ends_at from private.running_trials() as t (ends_at)"), 0
    for stop in stops([row["ends_at"] for row in rows], datetime.now(UTC), seconds):
        moment = datetime.fromtimestamp(shows - seconds + stop, UTC)
        await database.call("select private.let_time_pass(%(seconds)s, %(shows)s)", {"seconds": stop - passed, "shows": moment})
        passed = stop
        while await actions.look(database, mailer):
            pass


def stops(trials: Sequence[datetime], now: datetime, seconds: int) -> list[int]:
    """After how many of these seconds to stop, so that none of the trials that end at these times goes past what its organization is told of it."""
    until, found = now + timedelta(seconds=seconds), [seconds]
    for begins, ends in sorted((span for trial in trials for span in _spans(trial)), reverse=True):
        if now < begins <= until and not any(begins <= now + timedelta(seconds=stop) < ends for stop in found):
            found.append(min(seconds, int((begins - now).total_seconds()) + 1))
    return sorted(set(found))


def _spans(trial: datetime) -> Iterator[tuple[datetime, datetime]]:
    """When its end ahead is told, and when its end."""
    yield trial - TRIAL_ENDING, trial
    yield trial, trial + TELL_WITHIN


async def _something_waits(database: Database) -> bool:
    async with database.platform() as db:
        return (await inbox.state(db)).waiting > 0
