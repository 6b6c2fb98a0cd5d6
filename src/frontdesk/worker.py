"""The worker: drives the lanes, and looks after what the clock demands."""

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import LiteralString
from uuid import UUID

import structlog
from psycopg import Error as DatabaseError

from frontdesk import billing, channels, erasure, secret_files, usage
from frontdesk.bell import Bell
from frontdesk.channels import Lanes, Leased, Session
from frontdesk.database import Database, new_id
from frontdesk.errors import Unavailable
from frontdesk.inbound import InboundRoad, Told
from frontdesk.live import Live
from frontdesk.mail import Mailer, Sender
from frontdesk.outbound import OutboundRoad
from frontdesk.settings import Settings

DAY, HOUR, SECOND = 86_400.0, 3_600.0, 1.0
# Only one worker at a time works on an embedded database: after a crash it takes up its own leases at once.
ALONE = UUID(int=1)
# What the clock demands: how often, in seconds, and the function that does it.
CLOCK: tuple[tuple[float, LiteralString], ...] = (
    (DAY, "select private.make_message_partitions()"),
    (DAY, "select private.forget_others()"),
    (DAY, "select private.forget_mails()"),
    (DAY, "select private.forget_billing_events()"),
    (HOUR, "select private.forget_api_answers()"),
    (SECOND, "select private.notice_growth()"),
    (5 * SECOND, "select private.fold_received()"),  # readers add what is not folded, so only the cost says how often
)
log = structlog.get_logger()


async def run(settings: Settings, database: Database, live: Live, bell: Bell, stop: asyncio.Event) -> None:
    """Work until told to stop; finish what is begun, then give the lanes back."""
    worker = new_id() if settings.database_url else ALONE
    authority = settings.whatsapp_graph_authority.read_bytes() if settings.whatsapp_graph_authority else None
    async with AsyncExitStack() as open_things:
        session = await open_things.enter_async_context(Session(authority=authority))
        outbound = _outbound(settings, database, live, session, worker)
        inbound = _inbound(settings, database, live, outbound, worker)
        bell.answer("in", inbound.wake)
        bell.answer("out", outbound.wake)
        sender = Sender(database, secret_files.load(settings).vault, settings)
        await usage.bill_by(database, settings.overage_billing)
        books = await _bookkeeper(settings, database, live, open_things)
        looks = {"in": inbound.look, "out": outbound.look, "mail": sender.look, "billing": books.look if books else _nobody}
        live.on_wake(lambda direction: looks[direction]())
        async with asyncio.TaskGroup() as group:
            group.create_task(inbound.run(stop))
            group.create_task(outbound.run(stop))
            group.create_task(sender.run(stop))
            if books:
                group.create_task(books.run(stop))
            group.create_task(erasure.delete_what_is_due(database, settings.delete_canceled_after_days, stop))
            group.create_task(usage.keep_books(database, stop))
            group.create_task(billing.keep_time(database, Mailer(secret_files.load(settings).vault, settings), stop))
            for seconds, what in CLOCK:
                group.create_task(_every(seconds, what, database, stop))
        with suppress(DatabaseError, Unavailable):  # a lease that is not given back runs out by itself, and what is not folded waits for the next worker
            await database.call("select private.release_lanes(%(worker)s)", {"worker": worker})
            await database.call("select private.fold_received()")


async def _bookkeeper(settings: Settings, database: Database, live: Live, open_things: AsyncExitStack) -> billing.Bookkeeper | None:
    money = billing.open_money(settings, database)
    if money is None:
        return None
    open_things.push_async_callback(money.close)
    return billing.Bookkeeper(money, lambda organization_id: live.changed([organization_id], "billing"))


def _nobody() -> None:
    """Nothing is sold here."""


def _inbound(settings: Settings, database: Database, live: Live, outbound: OutboundRoad, worker: UUID) -> InboundRoad:
    def told(what: Told) -> None:
        if what.answers:
            outbound.wake(what.heard)
        if what.organization_ids:
            live.changed(what.organization_ids, "inbox")
        for failure in what.failures:
            log.error("a delivery could not be told and is kept", delivery=str(failure.delivery.id), error=failure.error)

    return InboundRoad(database, Lanes(database, worker, "in"), told, settings.automatic_answers_per_minute, outbound.ahead)


def _outbound(settings: Settings, database: Database, live: Live, session: Session, worker: UUID) -> OutboundRoad:
    vault = secret_files.load(settings).vault

    def voice(leased: Leased) -> tuple[str, str]:
        channel = leased.channel
        key = vault.of(channel.organization_id, leased.data_key)
        token = key.open(leased.sealed_token or "", context=channels.token_context(channel.organization_id, channel.id))
        return channels.endpoint(settings, channel), token

    return OutboundRoad(database, Lanes(database, worker, "out"), session, worker, voice, lambda ids: live.changed(ids, "inbox"))


async def _every(seconds: float, what: LiteralString, database: Database, stop: asyncio.Event) -> None:
    """Call what the clock demands; every worker does, and each of these functions may be called as often as one likes."""
    while not stop.is_set():
        try:
            await database.call(what)
        except (DatabaseError, Unavailable) as error:
            log.error("the clock's work was not done", what=what, error=str(error) or type(error).__name__)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
