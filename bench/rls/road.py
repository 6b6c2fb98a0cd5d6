"""Inbound with policies against a worker role that bypasses them."""

import asyncio

from bench import figures
from bench.children import child, generate
from bench.product import Product, running
from bench.road import job, stored

ROUNDS = 3


async def inbound(rounds: int = ROUNDS) -> bool:
    """Turn by turn on the same server."""
    seen: dict[str, list[float]] = {"on": [], "off": []}
    async with child("bench.graph") as graph, running(f"http://127.0.0.1:{graph}") as product:
        await product.furnish(1000)
        await stored(product, 1000, 1)
        for _ in range(rounds):
            for state in ("on", "off"):
                await _bypass(product, state == "off")
                seen[state].append(await stored(product, 1000, 1))
    on, off = figures.middle(seen["on"]), figures.middle(seen["off"])
    return figures.show("rls.inbound.1000ch", on, "messages/s", limit=off, ratio=on / off, floor=0.85, goal=0.95)


async def _bypass(product: Product, on: bool) -> None:
    async with await product.owner() as owner:
        await owner.execute("alter role frontdesk_worker bypassrls" if on else "alter role frontdesk_worker nobypassrls")
        await owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'frontdesk_app'")
    await asyncio.sleep(2)  # the pool reconnects
    await generate(job(product.port, product.numbers[:50], 1, 500))
    await product.drained()
