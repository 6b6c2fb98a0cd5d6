"""Carries events to endpoints: signed, one after the other for each, tried again until they are taken."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

import structlog
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError, RequestTimeoutError

from frontdesk.billing.simulator import deliveries
from frontdesk.billing.simulator.deliveries import Parcel
from frontdesk.billing.simulator.records import Pace
from frontdesk.billing.simulator.world import World

Do = Callable[[Callable[[World], Any]], Awaitable[Any]]
BREATH = 1.0
"""Seconds to wait after the store itself failed."""

log = structlog.get_logger()


class Courier:
    """One task that looks for what is due; several processes on one file share the work."""

    def __init__(self, pace: Pace, do: Do) -> None:
        """Reach the account through `do`."""
        self._pace = pace
        self._do = do
        self._wake = asyncio.Event()
        self._quiet = asyncio.Event()
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Start, with what was left before."""
        builder = ClientBuilder().no_proxy().follow_redirects(False).user_agent("Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        self._client = builder.timeout(timedelta(seconds=self._pace.webhook_timeout)).build()
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop at once; what is not settled stays in the store."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._client is not None:
            await self._client.close()
            self._client = None

    def wake(self) -> None:
        """Look now: there may be something new."""
        self._quiet.clear()
        self._wake.set()

    async def quiet(self, seconds: float) -> bool:
        """Wait until every event was taken or given up, at most so long; whether that came to pass."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), seconds)
        return self._quiet.is_set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                parcels, following = await self._do(lambda world: deliveries.claim(world, self._pace))
                await self._carry(parcels)
            except Exception:  # whatever it is, later webhooks are still carried
                log.exception("webhooks of the simulated Stripe could not be looked at")
                await asyncio.sleep(BREATH)
                continue
            if parcels:
                continue
            if following is None and not self._wake.is_set():
                self._quiet.set()
            await _until(self._wake, None if following is None else max(0.0, following - time.time()))

    async def _carry(self, parcels: Sequence[Parcel]) -> None:
        """Each endpoint gets its own in order; endpoints do not wait for each other."""
        by_endpoint = groupby(sorted(parcels, key=lambda parcel: parcel.endpoint), key=lambda parcel: parcel.endpoint)
        await asyncio.gather(*(self._one_after_the_other(list(own)) for _, own in by_endpoint))

    async def _one_after_the_other(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            answer = await self._post(parcel)
            if parcel.again and answer.startswith("2"):
                await self._post(parcel)
            await self._do(lambda world, parcel=parcel, answer=answer: deliveries.settle(world, parcel, answer, self._pace))  # type: ignore[misc]  # bound early

    async def _post(self, parcel: Parcel) -> str:
        assert self._client is not None
        request = self._client.post(parcel.url).header("content-type", "application/json; charset=utf-8")
        try:
            return str((await request.header("stripe-signature", parcel.signature).body_bytes(parcel.body).build().send()).status)
        except RequestTimeoutError:
            return "no answer in time"
        except PyreqwestError:
            return "not reached"


async def _until(wake: asyncio.Event, seconds: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(wake.wait(), seconds)
