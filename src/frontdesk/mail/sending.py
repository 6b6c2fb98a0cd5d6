"""Sends what is owed: claim, speak, record; one mail at a time, so that a crash leaves one claim at most."""

import asyncio
from contextlib import suppress

import structlog
from psycopg import Error as DatabaseError

from frontdesk.database import Database
from frontdesk.errors import Unavailable
from frontdesk.mail import store
from frontdesk.mail.actions import unseal
from frontdesk.mail.records import Claim, Outcome, pause_before
from frontdesk.mail.smtp import MailServer, UnsendableAddress, write
from frontdesk.settings import Settings
from frontdesk.vault import CannotOpen, Vault

POLL_SECONDS = 5.0  # a mail that is queued wakes us; this is for those whose time comes later
PAUSES = (0.1, 0.5, 2.0, 5.0, 10.0, 20.0, None)  # seconds between tries to record an outcome while the database is away
log = structlog.get_logger()


class Sender:
    """The task of a worker that sends. Several may run, in several processes: no mail is claimed twice at a time.

    A claim is committed before the mail server is spoken to, and once more before the first byte of the mail: killed before that, it is sent
    by the next; killed after it, nobody knows, and it is `uncertain`: `frontdesk mail` shows it, and sends it again when told to.
    """

    def __init__(self, database: Database, vault: Vault, settings: Settings) -> None:
        """Without SMTP_URL nothing is sent: in development it is shown in the simulator's mailbox, in production it waits."""
        self._database, self._vault = database, vault
        self._shows = settings.mailbox
        self._from = settings.mail_from or ""
        self._server = MailServer(settings.smtp_url, self._from) if settings.smtp_url else None
        self._look = asyncio.Event()

    def look(self) -> None:
        """Something waits."""
        self._look.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until told to stop; finish the mail that is begun."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._look.clear()
                if not await self._turn():
                    await self._rest(stopping)
        finally:
            stopping.cancel()
            if self._server:
                await self._server.close()

    async def _turn(self) -> bool:
        """One mail, if there is one. Whether to go on at once."""
        try:
            if self._server:
                return await self.send_one()
            if self._shows:
                async with self._database.platform() as db:
                    await store.show_all(db)
        except (DatabaseError, Unavailable) as error:
            log.error("mail waits for the database", error=str(error) or type(error).__name__)
        return False

    async def send_one(self) -> bool:
        """Send the mail that waits longest. False when none waits, or the server was not reached: then there is no hurry."""
        async with self._database.platform() as db:
            claim = await store.claim(db)
        if claim is None:
            if self._server:
                await self._server.close()
            return False
        outcome = await self._speak(claim)
        if outcome is not None:
            await self._record(claim, outcome)
        return outcome is None or outcome.reached

    async def _speak(self, claim: Claim) -> Outcome | None:
        assert self._server is not None
        try:
            letter = unseal(self._vault, claim.id, claim.sealed)
            message = write(letter, claim.id, claim.recipient, self._from, claim.created_at)
        except CannotOpen:
            return Outcome("failed", "It cannot be opened: its key is gone from FRONTDESK_SECRET_KEYS.")
        except UnsendableAddress as error:
            return Outcome("failed", str(error))

        async def give() -> bool:
            async with self._database.platform() as db:
                return await store.give(db, claim)

        return await self._server.hand_over(message, claim.recipient, give)

    async def _record(self, claim: Claim, outcome: Outcome) -> None:
        """Record the outcome, also when the database is away for a while: forgotten, a mail that arrived would count as uncertain."""
        if outcome.fate != "sent":
            log.warning("a mail was not sent", mail=str(claim.id), fate=outcome.fate, why=outcome.why)
        for seconds in PAUSES:
            try:
                async with self._database.platform() as db:
                    await store.settle(db, claim, outcome, pause_before(claim.attempt))
                return
            except (DatabaseError, Unavailable):
                if seconds is None:
                    raise
                await asyncio.sleep(seconds)

    async def _rest(self, stopping: "asyncio.Task[bool]") -> None:
        looking = asyncio.create_task(self._look.wait())
        with suppress(TimeoutError):
            await asyncio.wait([looking, stopping], timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        looking.cancel()
