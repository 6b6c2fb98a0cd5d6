"""Between processes: one connection that listens, one that notifies, both renewed whenever they break."""

import asyncio
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import psycopg
import structlog
from psycopg.types.json import Jsonb

from frontdesk.database import uuid_of

CHANGED, WAKE = "frontdesk_changed", "frontdesk_wake"
SPACING = 0.1  # seconds between two notices: what is said meanwhile goes with the next
LONGEST = 7_500  # bytes of a payload; PostgreSQL takes less than 8,000
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds before a broken connection is tried again
CHECK = 20.0  # seconds of silence after which the connection is asked whether it lives
LAST_WORDS = 1.0  # seconds that closing waits for what is still to be sent

log = structlog.get_logger()
Said = dict[str, set[UUID]]


class Wire:
    """Carries topics and wake-up calls.

    A payload is `origin id,id,… topic`; what this process said itself it does not hear again.
    """

    def __init__(
        self,
        url: str,
        on_topic: Callable[[list[UUID], str], None],
        on_wake: Callable[[str], None],
        on_gap: Callable[[], None],
        on_loss: Callable[[], None],
    ) -> None:
        """on_gap: we listen again, and something may have been missed. on_loss: we do not listen any more."""
        self.listening = asyncio.Event()
        self._url, self._on_topic, self._on_wake, self._on_gap, self._on_loss = url, on_topic, on_wake, on_gap, on_loss
        self._origin = uuid4().hex
        self._said: Said = {}
        self._woken: set[str] = set()
        self._due = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._speaker: psycopg.AsyncConnection[Any] | None = None

    def open(self) -> None:
        """Start both tasks."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._listen(), name="live listens"),
                asyncio.create_task(self._speak(), name="live speaks"),
            ]

    async def close(self) -> None:
        """Say what is left, and hang up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            with suppress(psycopg.Error, OSError, TimeoutError):
                async with asyncio.timeout(LAST_WORDS):
                    await self._flush()
        self._tasks = []
        await self._hang_up()

    def tell(self, topic: str, organization_ids: Iterable[UUID]) -> None:
        """Tell the other processes, soon."""
        self._said.setdefault(topic, set()).update(organization_ids)
        self._due.set()

    def wake(self, direction: str) -> None:
        """Wake the workers of the other processes, soon."""
        self._woken.add(direction)
        self._due.set()

    async def _speak(self) -> None:
        pause = FIRST_PAUSE
        while True:
            await self._due.wait()
            await asyncio.sleep(0)  # what is said in the same breath goes together
            try:
                await self._flush()
                pause = FIRST_PAUSE
                await asyncio.sleep(SPACING)
            except (psycopg.Error, OSError) as error:
                log.warning("live updates cannot be sent", error=str(error) or type(error).__name__)
                await self._hang_up()
                await asyncio.sleep(_scattered(pause))
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _flush(self) -> None:
        self._due.clear()
        said, woken, self._said, self._woken = self._said, self._woken, {}, set()
        if not said and not woken:
            return
        try:
            if self._speaker is None:
                self._speaker = await self._connect()
            await self._speaker.execute(
                "select pg_notify(n.channel, n.payload) from jsonb_to_recordset(%(notices)s) as n (channel text, payload text)",
                {"notices": Jsonb(self._notices(said, woken))},
            )
        except BaseException:
            for topic, ids in said.items():
                self.tell(topic, ids)
            self._woken |= woken
            self._due.set()
            raise

    def _notices(self, said: Said, woken: set[str]) -> list[dict[str, str]]:
        wakes = [{"channel": WAKE, "payload": f"{self._origin} {direction}"} for direction in sorted(woken)]
        changes = [payload for topic, ids in said.items() for payload in self._payloads(topic, sorted(one.hex for one in ids))]
        return wakes + [{"channel": CHANGED, "payload": payload} for payload in changes]

    def _payloads(self, topic: str, ids: list[str]) -> list[str]:
        most = (LONGEST - len(self._origin) - len(topic.encode())) // 33
        chunks = [ids[start : start + most] for start in range(0, len(ids), most)]
        return [f"{self._origin} {','.join(chunk)} {topic}" for chunk in chunks]

    async def _listen(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute(f"listen {CHANGED}")
                    await connection.execute(f"listen {WAKE}")
                    self.listening.set()
                    self._on_gap()
                    pause = FIRST_PAUSE
                    await self._hear(connection)
            except (psycopg.Error, OSError) as error:
                log.warning("live updates of other processes are not heard", error=str(error) or type(error).__name__)
            finally:
                self.listening.clear()
                self._on_loss()
            await asyncio.sleep(_scattered(pause))
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _hear(self, connection: psycopg.AsyncConnection[Any]) -> None:
        while True:
            async for notice in connection.notifies(timeout=CHECK):
                self._read(notice.channel, notice.payload)
            await connection.execute("select 1")

    def _read(self, channel: str, payload: str) -> None:
        origin, _, rest = payload.partition(" ")
        if origin == self._origin:
            return
        if channel == WAKE:
            self._on_wake(rest)
            return
        ids, _, topic = rest.partition(" ")
        try:
            self._on_topic([uuid_of(int(one, 16)) for one in ids.split(",")], topic)
        except ValueError:
            log.warning("a notice cannot be read", payload=payload[:80])

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            connect_timeout=5,
            application_name="frontdesk live",
            keepalives=1,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )

    async def _hang_up(self) -> None:
        speaker, self._speaker = self._speaker, None
        if speaker is not None:
            with suppress(psycopg.Error, OSError):
                await speaker.close()


def _scattered(seconds: float) -> float:
    """About so many: processes shall not all come back at once."""
    return seconds * random.uniform(0.7, 1.3)
