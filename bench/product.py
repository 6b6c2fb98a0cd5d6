"""The product as it ships, started on an empty data folder, with organizations and numbers in it."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from frontdesk import secret_files
from frontdesk.channels import token_context
from frontdesk.database import embedded, new_id
from frontdesk.settings import Settings


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Product:
    """A running `frontdesk serve`."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    started: float
    owner_url: str = ""
    numbers: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return Settings(_env_file=None, FRONTDESK_DATA_DIR=self.folder)  # type: ignore[call-arg]  # pydantic-settings' own argument

    def waiting(self) -> dict[str, int]:
        """What is kept and not told, queued and not sent."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=30) as answer:
            found: dict[str, int] = json.load(answer)["waiting"]
            return found

    def memory(self) -> int:
        """MiB of the application's processes, without PostgreSQL; what they share counts once (Pss)."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ours = [pid for pid in children if "postgres" not in Path(f"/proc/{pid}/comm").read_text()]
        return sum(_proportional(pid) for pid in [str(self.process.pid), *ours]) // 1024

    async def drained(self, seconds: float = 120) -> float:
        """When nothing waits any more (CLOCK_MONOTONIC)."""
        until = time.monotonic() + seconds
        while True:
            state = await asyncio.to_thread(self.waiting)
            if not state["deliveries"] and not state["outbox"] and not state["claimed"]:
                return time.monotonic()
            if time.monotonic() > until:
                raise TimeoutError(f"still waiting: {state}")
            await asyncio.sleep(0.05)

    async def owner(self) -> psycopg.AsyncConnection[Any]:
        """A connection of the database's owner."""
        if not self.owner_url:
            async with embedded.reached(self.settings) as server:
                self.owner_url = server.owner_url
        return await psycopg.AsyncConnection.connect(self.owner_url, autocommit=True)

    async def furnish(self, organizations: int, channels_each: int = 1) -> None:
        """Make organizations on the largest plan, each with numbers, and no rule switched on."""
        vault = secret_files.load(self.settings).vault
        async with await self.owner() as owner:
            await owner.execute("update subscription_plans set limits = '{}'")
            for n in range(organizations):
                user = new_id()
                await owner.execute(
                    "insert into auth.users (id, email, raw_user_meta_data) values (%s, %s, jsonb_build_object('organization_name', %s::text))",
                    (user, f"{user}@example.com", f"Shop {n}"),
                )
                row = await (await owner.execute("select organization_id from organization_members where user_id = %s", (user,))).fetchone()
                for _ in range(channels_each):
                    await self._connect(owner, vault, row[0])  # type: ignore[index]  # the trigger made it
            await owner.execute("update channels set rate_per_second = 100000")
            await owner.execute("update auto_replies set enabled_at = null")
            while (await (await owner.execute("select count(*) from subscriptions where look_at <= now()")).fetchone() or [0])[0]:
                await asyncio.sleep(0.2)  # a new organization's subscription is looked at once, which is none of what is measured
            await owner.execute("vacuum analyze")

    async def _connect(self, owner: psycopg.AsyncConnection[Any], vault: Any, organization: Any) -> None:
        channel, number = new_id(), str(106540352000000 + len(self.numbers))
        kept = await (await owner.execute("select private.data_key(%s, %s)", (organization, vault.make_data_key(organization)))).fetchone()
        sealed = vault.data_key(organization, kept[0] if kept else "").seal("EAAbenchmark", context=token_context(organization, channel))
        await owner.execute(
            "select private.connect_channel(%s, %s, 'cloud_api', 'Main', %s, '+15550100000', '1', '1', %s, null)", (organization, channel, number, sealed)
        )
        self.numbers.append(number)

    async def answer_everything(self, on: bool) -> None:
        """Switch a rule on in every organization that answers every message."""
        async with await self.owner() as owner:
            await owner.execute("delete from auto_replies where name = 'benchmark'")
            if on:
                await owner.execute(
                    "insert into auto_replies (organization_id, id, name, position, trigger, match, keywords, reply, enabled_at)"
                    " select id, gen_random_uuid(), 'benchmark', 0, 'keyword', 'contains', array['price'],"
                    " 'Thank you {{contact.name}}. Our prices are on the list that we send along.', now() from organizations"
                )


def _proportional(pid: str) -> int:
    """KiB of one process."""
    return int(next(line for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if line.startswith("Pss:")).split()[1])


@asynccontextmanager
async def running(graph_url: str, folder: Path | None = None, **environment: str) -> AsyncIterator[Product]:
    """`frontdesk serve` in a process group of its own, ended and removed at the end of the block."""
    box = Path(folder or tempfile.mkdtemp(prefix="frontdesk-bench-"))
    box.chmod(0o755)
    port = free_port()
    settings = {"PORT": str(port), "FRONTDESK_DATA_DIR": str(box / "data"), "WHATSAPP_APP_SECRET": "benchmark", "WHATSAPP_GRAPH_URL": graph_url,
                "FRONTDESK_AUTOMATIC_ANSWERS_PER_MINUTE": "1000000", **environment}  # fmt: skip
    installed = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # nobody's product is compiled at every start
    started = time.monotonic()
    with (box / "log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "frontdesk", "serve"], env=installed | settings, stdout=log, stderr=log, start_new_session=True)
    product = Product(box / "data", port, process, started)
    try:
        await _healthy(product, box / "log")
        yield product
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
        if folder is None:
            shutil.rmtree(box, ignore_errors=True)


async def _healthy(product: Product, log: Path) -> None:
    while True:
        try:
            await asyncio.to_thread(product.waiting)
        except OSError:
            if product.process.poll() is not None or time.monotonic() - product.started > 60:
                raise RuntimeError(log.read_text()[-4000:]) from None
            await asyncio.sleep(0.02)
        else:
            return
