"""Starting the measured and the measuring processes, and stopping exactly those."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench.product import free_port


@asynccontextmanager
async def child(module: str, *arguments: str) -> AsyncIterator[int]:
    """A module of the benchmark that listens on the port we give it."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", module, str(port), *arguments], stdout=subprocess.DEVNULL)
    try:
        for _ in range(400):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()


async def generate(job: dict[str, Any]) -> dict[str, Any]:
    """Run a load job in a process of its own and return its report."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.generator", stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 27)
    assert process.stdin and process.stdout
    process.stdin.write(json.dumps(job).encode())
    process.stdin.close()
    assert await process.stdout.readline() == b"ready\n"
    report: dict[str, Any] = json.loads(await process.stdout.read())
    await process.wait()
    if report["errors"] or report["lost"]:
        raise RuntimeError(f"{report['errors']} of {report['posts']} requests were not answered with 200, {report['lost']} connections broke")
    return report


def graph_report(port: int, what: str = "report", scheme: str = "http") -> dict[str, Any]:
    """What the fake Graph API counted."""
    import ssl

    context = ssl._create_unverified_context() if scheme == "https" else None
    with urllib.request.urlopen(f"{scheme}://127.0.0.1:{port}/{what}", timeout=30, context=context) as answer:
        report: dict[str, Any] = json.load(answer)
        return report
