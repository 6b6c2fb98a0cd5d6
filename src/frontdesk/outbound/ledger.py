"""What became of claims, recorded a batch at a time."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from uuid import UUID

import structlog
from psycopg import InterfaceError, InternalError, OperationalError

from frontdesk.database import Database
from frontdesk.errors import Unavailable
from frontdesk.outbound import store
from frontdesk.outbound.records import Result

RECORD_EVERY = 0.025
RECORD_AT_ONCE = 500
WORTH_A_RECORD = 100  # so many results are recorded without waiting for more
RETRY_SECONDS = 0.5
PASSING = (OperationalError, InterfaceError, InternalError, Unavailable)  # the database is away, or not itself; it will be back
log = structlog.get_logger()


class Ledger:
    """The results that are not recorded yet."""

    def __init__(self, database: Database, worker: UUID, recorded: Callable[[Iterable[UUID]], None]) -> None:
        """`recorded` hears of the organizations whose messages moved."""
        self._database, self._worker, self._recorded = database, worker, recorded
        self._results: list[Result] = []
        self._enough, self._finished = asyncio.Event(), asyncio.Event()

    def __len__(self) -> int:
        """How many results wait to be recorded."""
        return len(self._results)

    def add(self, result: Result) -> None:
        """Record this soon."""
        self._results.append(result)
        if len(self._results) >= WORTH_A_RECORD:
            self._enough.set()

    def finish(self) -> None:
        """Nothing more will be added."""
        self._finished.set()

    async def run(self) -> None:
        """Record results until everything is spoken and recorded; a database that is away is waited for."""
        while self._results or not self._finished.is_set():
            await self._gather()
            results = self._results[:RECORD_AT_ONCE]
            try:
                if results:
                    await self._record(results)
            except PASSING as error:
                log.warning("results of sending wait for the database", waiting=len(self._results), error=str(error) or type(error).__name__)
                if self._finished.is_set():
                    return  # their claims stay; a status or the clock settles them
                await asyncio.sleep(RETRY_SECONDS)
                continue
            del self._results[: len(results)]

    async def _gather(self) -> None:
        """Wait a moment, unless there are enough results already."""
        if len(self._results) < WORTH_A_RECORD:
            self._enough.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(RECORD_EVERY):
                    await self._enough.wait()

    async def _record(self, results: Sequence[Result]) -> None:
        """Record these; what breaks a batch is isolated by halving, and its claim is left to a status or the clock."""
        organization_ids = list({result.claim.organization_id for result in results})
        try:
            async with self._database.tenants(organization_ids) as db:
                await store.record(db, results, self._worker)
            self._recorded(organization_ids)
        except PASSING:
            raise
        except Exception as error:  # one result that cannot be recorded must not keep back the others
            if len(results) == 1:
                log.error("what became of a message could not be recorded", message=str(results[0].claim.id), exc_info=error)
                return
            middle = len(results) // 2
            await self._record(results[:middle])
            await self._record(results[middle:])
