"""The road: stored and answered messages a second, and how long they take."""

import asyncio
import itertools
from collections import defaultdict

from bench import figures, plain
from bench.certificates import certificates
from bench.children import child, generate, graph_report
from bench.product import Product, running

ROUNDS = 5
MESSAGES = 12_000
CONNECTIONS = 128
PEOPLE = 20_000
CROWD = 65_000  # contacts with whom memory is measured
_runs = itertools.count(1)


def job(port: int, numbers: list[str], per_post: int, messages: int = MESSAGES, **more: float) -> dict[str, object]:
    """What the generator shall do."""
    run = next(_runs)
    return {"port": port, "numbers": numbers, "per_post": per_post, "messages": messages, "connections": CONNECTIONS if per_post == 1 else 32,
            "people": PEOPLE, "first_phone": 49_150_000_0000, "run": run, **more}  # fmt: skip


async def stored(product: Product, channels: int, per_post: int) -> float:
    """Messages a second from the first POST until nothing waits."""
    messages = MESSAGES if per_post == 1 else 3 * MESSAGES  # a second or more, or its beginning and end count for too much
    report = await generate(job(product.port, product.numbers[:channels], per_post, messages))
    return messages / (await product.drained() - report["began"])


async def inbound(rounds: int = ROUNDS) -> bool:
    """Stored messages a second against a bare endpoint and against plain inserts."""
    seen: dict[str, list[float]] = defaultdict(list)
    async with child("bench.graph") as graph, running(f"http://127.0.0.1:{graph}") as product, child("bench.bare") as bare:
        await product.furnish(1000)
        await stored(product, 10, 1)  # a first run to warm up, not counted
        for _ in range(rounds):
            report = await generate(job(bare, product.numbers[:1], 1))
            seen["L1"].append(report["posts"] / (report["ended"] - report["began"]))
            for channels, per_post in ((1, 1), (10, 1), (1000, 1), (1, 20), (10, 20), (1000, 20)):
                seen[f"{channels}x{per_post}"].append(await stored(product, channels, per_post))
            async with await product.owner() as owner:
                seen["L2"].append(await plain.rows_per_second(owner))
        await generate(job(product.port, product.numbers, 20, CROWD, people=CROWD))
        await product.drained()
        figures.show("memory", product.memory(), "MiB", floor=200, goal=120, smaller_is_better=True)
    return _show_inbound({name: figures.middle(values) for name, values in seen.items()})


def _show_inbound(mid: dict[str, float]) -> bool:
    one, two = mid["L1"], mid["L2"]
    kept = [figures.show("L1", one, "requests/s"), figures.show("L2", two, "rows/s")]
    for channels in (1, 10, 1000):
        value = mid[f"{channels}x1"]
        kept.append(figures.show(f"inbound.{channels}ch.1post/L1", value, "messages/s", limit=one, ratio=value / one, floor=0.20, goal=0.40))
        kept.append(figures.show(f"inbound.{channels}ch.1post/L2", value, "messages/s", limit=two, ratio=value / two, floor=0.08, goal=0.15))
        value = mid[f"{channels}x20"]
        kept.append(figures.show(f"inbound.{channels}ch.20post/L2", value, "messages/s", limit=two, ratio=value / two, floor=0.20, goal=0.35))
    hot, many = mid["1x1"], mid["1000x1"]
    kept.append(figures.show("inbound.1000ch/hot", many, "messages/s", limit=hot, ratio=many / hot, floor=0.8, goal=0.95))
    return all(kept)


async def answered_once(product: Product, graph: int, channels: int, scheme: str = "http") -> float:
    """Answered messages a second from the first POST until the last answer was recorded."""
    await asyncio.to_thread(graph_report, graph, "reset", scheme)
    report = await generate(job(product.port, product.numbers[:channels], 1, MESSAGES // 2))
    ended = await product.drained()
    counted = (await asyncio.to_thread(graph_report, graph, "report", scheme))["count"]
    if counted != MESSAGES // 2:
        raise RuntimeError(f"{counted} answers for {MESSAGES // 2} messages")
    return MESSAGES // 2 / (ended - report["began"])


async def answered(rounds: int = ROUNDS) -> bool:
    """Every message answered by a rule and sent; once plain, once over TLS."""
    with certificates() as (authority, certificate):
        plain_kept = await _answered(rounds, "http", "")
        return await _answered(rounds, "https", certificate, WHATSAPP_GRAPH_AUTHORITY=authority) and plain_kept


async def _answered(rounds: int, scheme: str, certificate: str, **environment: str) -> bool:
    seen: dict[str, list[float]] = defaultdict(list)
    arguments = [certificate] if certificate else []
    async with (
        child("bench.graph", *arguments) as graph,
        running(f"{scheme}://127.0.0.1:{graph}", None, **environment) as product,
        child("bench.bare") as bare,
    ):
        await product.furnish(1000)
        await product.answer_everything(True)
        await answered_once(product, graph, 10, scheme)
        for _ in range(rounds):
            report = await generate(job(bare, product.numbers[:1], 1))
            seen["L1"].append(report["posts"] / (report["ended"] - report["began"]))
            for channels in (1, 1000):
                seen[f"{channels}"].append(await answered_once(product, graph, channels, scheme))
    return _show_answered("answered" if scheme == "http" else "answered.tls", {name: figures.middle(values) for name, values in seen.items()})


def _show_answered(name: str, mid: dict[str, float]) -> bool:
    limit, hot, many = mid["L1"], mid["1"], mid["1000"]
    return all([
        figures.show(f"{name}.1ch/L1", hot, "messages/s", limit=limit, ratio=hot / limit, floor=0.12, goal=0.30),
        figures.show(f"{name}.1000ch/L1", many, "messages/s", limit=limit, ratio=many / limit),
        figures.show(f"{name}.1000ch/hot", many, "messages/s", limit=hot, ratio=many / hot, floor=0.6, goal=0.85),
    ])  # fmt: skip


async def latency() -> bool:
    """How long the 200 and the answer take, at half of what is possible and at 150 messages a second; open loop."""
    kept = []
    async with child("bench.graph") as graph, running(f"http://127.0.0.1:{graph}") as product:
        await product.furnish(100)
        await product.answer_everything(True)
        most = figures.middle([await answered_once(product, graph, 100) for _ in range(3)])
        for name, rate, floors in (("half", most / 2, (15, 8, 50, 20)), ("150", 150.0, (25, 8, 25, 8))):
            acks, replies = [], []
            for _ in range(3):
                await asyncio.to_thread(graph_report, graph, "reset")
                report = await generate(job(product.port, product.numbers, 1, int(rate * 8), rate=rate))
                await product.drained()
                first = (await asyncio.to_thread(graph_report, graph))["first"]
                acks.append(figures.percentile(report["latencies"], 0.5) * 1000)
                replies.append(figures.percentile([first[phone] - at for phone, at in report["sent_at"].items()], 0.5) * 1000)
            kept.append(
                figures.show(f"latency.{name}.ack", figures.middle(acks), "ms p50", limit=rate, floor=floors[0], goal=floors[1], smaller_is_better=True)
            )
            kept.append(
                figures.show(f"latency.{name}.reply", figures.middle(replies), "ms p50", limit=rate, floor=floors[2], goal=floors[3], smaller_is_better=True)
            )
    return all(kept)
