"""A worker, in a process of its own, that is killed between what it fetched and what it wanted to store."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from starlette.applications import Starlette
from starlette.routing import Mount

from frontdesk.billing.stripe_api import SIMULATOR
from frontdesk.settings import Settings
from tests.billing.till import Till
from tests.channels.simulator.stage import serving
from tests.conftest import Urls

PATIENCE = 30.0  # seconds; a busy machine is slow
WAITS = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
OPEN = "select count(*) from billing_events where handled_at is null"


async def until(true: Callable[[], Awaitable[Any]]) -> None:
    """Look again and again; another process tells nobody."""
    async with asyncio.timeout(PATIENCE):
        while not await true():
            await asyncio.sleep(0.05)


@asynccontextmanager
async def working(settings: Settings, urls: Urls, port: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    """`frontdesk work` on this database, with the simulated Stripe on this port."""
    environment = os.environ | {
        "DATABASE_URL": urls.app, "FRONTDESK_DATA_DIR": str(settings.data_dir), "PORT": port, "FRONTDESK_LOG_LEVEL": "error",
    }  # fmt: skip
    command = [sys.executable, "-m", "frontdesk", "work"]
    process = subprocess.Popen(command, cwd=settings.data_dir.parent, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def test_a_worker_killed_between_fetching_and_storing_leaves_it_whole_to_the_next(till: Till, settings: Settings, urls: Urls) -> None:
    await till.buy()
    await till.stage.v1.subscriptions.update_async(await till.subscription_id(), {"cancel_at_period_end": True})
    await till.stage.quiet()

    async def see(query: str) -> Any:
        return (await till.world.see(query))[0][0]

    async with serving(Starlette(routes=[Mount(SIMULATOR, till.stage.app)])) as url:
        port = url.rpartition(":")[2]
        async with await psycopg.AsyncConnection.connect(urls.owner) as other:  # it keeps whoever wants to store waiting
            await other.execute("select from billing_accounts for update")
            async with working(settings, urls, port) as process:
                await until(lambda: till.world.see(WAITS))
                assert process.poll() is None
            await other.rollback()
        assert (await till.row())[4] is False
        assert await see(OPEN) > 0
        await till.world.owner.execute("update billing_events set next_try_at = now() where handled_at is null")  # the time for which they were held is over

        async def all_handled() -> bool:
            return bool(await see(OPEN) == 0)

        async with working(settings, urls, port):
            await until(all_handled)
    assert (await till.row())[4] is True
    assert [len(await till.log(action)) for action in ("subscription.started", "subscription.changed")] == [1, 1]
