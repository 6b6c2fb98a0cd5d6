"""Running Frontdesk: web server, worker and, unless DATABASE_URL names another, PostgreSQL."""

import asyncio
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager, nullcontext
from functools import partial

import structlog
import uvicorn
import uvloop

from frontdesk import app, sealing, secret_files, worker
from frontdesk.bell import Bell
from frontdesk.database import Database
from frontdesk.database.servers import serving
from frontdesk.endings import StreamsThatEnd
from frontdesk.errors import FrontdeskError
from frontdesk.inbound import WebhookProtocol
from frontdesk.live import Live
from frontdesk.settings import Settings
from frontdesk.worker_process import WorkerProcess

GRACE_SECONDS = 5  # for requests that are being answered when we are asked to stop


class CannotListen(FrontdeskError):
    """The port cannot be used."""


def run(settings: Settings, *, web: bool = True, work: bool = True) -> None:
    """Serve until SIGTERM or SIGINT. Raises a FrontdeskError, with what to do about it, when it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    log_plainly()
    _settle_memory()
    beside = WorkerProcess.fork(settings) if web and work else None
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_Run(settings, web, work, beside).story())
        except asyncio.CancelledError:
            print("Frontdesk was stopped before it was ready.", flush=True)


def log_plainly() -> None:
    """Log where an exception came from, but not the values it met on the way: an access token may be among them."""
    *before, _ = structlog.get_config()["processors"]
    structlog.configure(processors=[*before, structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback)])


class _Run:
    """One run of the product and how far it has come."""

    def __init__(self, settings: Settings, web: bool, work: bool, beside: WorkerProcess | None) -> None:
        self.settings, self.web, self.work, self.beside = settings, web, work, beside
        self.stop = asyncio.Event()
        self.serving = False

    async def story(self) -> None:
        """Take the port, start the database, serve, and put all of it down again in reverse."""
        self._listen_to_signals()
        async with AsyncExitStack() as stack:
            if self.beside:
                stack.push_async_callback(self.beside.finish)
            port = stack.enter_context(listening(self.settings)) if self.web else None
            server = await stack.enter_async_context(serving(self.settings))
            vault = secret_files.load(self.settings).vault
            database = await Database.open(server.app_url, max_size=self.settings.database_connections, name=sealing.badge(vault))
            stack.push_async_callback(database.close)
            await sealing.require_keys(database, vault)
            self.serving = True
            live = await stack.enter_async_context(Live(server.app_url))
            async with asyncio.TaskGroup() as background:
                watches = [background.create_task(server.keep())]
                if self.beside:
                    stack.push_async_callback(self.beside.finish)  # while the database is there
                    watches.append(background.create_task(self.beside.lead(server.app_url)))
                await self._serve(database, live, port)
                for watch in watches:
                    watch.cancel()

    def _listen_to_signals(self) -> None:
        loop, story = asyncio.get_running_loop(), asyncio.current_task()

        def asked(sign: signal.Signals) -> None:
            again = self.stop.is_set()
            self.stop.set()
            # While serving, everything sees `stop` and finishes. Make passes a SIGTERM on that we had already,
            # so only a second Ctrl-C is impatience.
            if story is not None and (sign == signal.SIGINT if again else not self.serving):
                story.cancel()

        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, asked, sign)

    async def _serve(self, database: Database, live: Live, port: socket.socket | None) -> None:
        bell = Bell(live)
        if self.beside:
            bell.answer("in", self.beside.ring_in)
            bell.answer("out", self.beside.ring_out)
        async with asyncio.TaskGroup() as parts:
            if self.work and not self.beside:
                parts.create_task(worker.run(self.settings, database, live, bell, self.stop))
            if port is None:
                print("Frontdesk is working.", flush=True)
            else:
                parts.create_task(self._answer(app.build(self.settings, database, live, bell), port))
            gc.freeze()

    async def _answer(self, application: app.Application, port: socket.socket) -> None:
        """Answer requests until we are to stop."""
        config = uvicorn.Config(
            StreamsThatEnd(application, self.stop),
            http=partial(WebhookProtocol, application.webhook, app.WEBHOOK.encode()),  # type: ignore[arg-type]  # makes protocols as a class does
            timeout_keep_alive=65,  # longer than our own client keeps an idle connection, so that it never meets one just being closed
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        server = _Server(config, self.settings.home)
        answering = asyncio.create_task(server.serve(sockets=[port]))
        stopping = asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait([answering, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            server.should_exit = True
            await answering


def _settle_memory() -> None:
    """What was loaded stays: no garbage collector need look at it while messages pour in, nor move what two processes can share."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


class _Server(uvicorn.Server):
    """Uvicorn without signal handlers of its own, which says when it is ready."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # theirs is a generator's
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(f"Frontdesk is ready: {self._address}", flush=True)


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """The port of these settings, taken before anything else is started. Raises CannotListen."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        family, kind, protocol, _, address = found
        with socket.socket(family, kind, protocol) as port:
            port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            port.bind(address)
            port.listen(2048)
            opened = port.dup()
    except OSError as error:
        raise CannotListen(_why(error, settings)) from None
    with opened:
        yield opened


def _why(error: OSError, settings: Settings) -> str:
    if error.errno == errno.EADDRINUSE:
        other = settings.port + 1 if settings.port < 65535 else 3002
        return f"Port {settings.port} is in use by another program. Stop that, or choose another: PORT={other}"
    if error.errno == errno.EACCES:
        return f"Port {settings.port} is reserved for root. Choose a PORT above 1023."
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"HOST={settings.host} is no address of this machine. Use 127.0.0.1, or 0.0.0.0 for all of them."
    return f"Cannot listen on {settings.host}:{settings.port} (HOST and PORT): {error.strerror}."
