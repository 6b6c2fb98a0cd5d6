"""`python -m bench [NAME …]`: run all benchmarks, or those named. Ends with 1 when a figure is below its floor."""

import asyncio
import platform
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from bench import console, road, storage
from bench.rls import rls
from bench.usage import usage

BENCHMARKS: dict[str, Callable[[], Awaitable[bool]]] = {
    "inbound": road.inbound,
    "answered": road.answered,
    "latency": road.latency,
    "console": console.console,
    "rls": rls,
    "usage": usage,
    "growth": storage.growth,
    "start": storage.start,
}


def main() -> None:
    """Run them one after another."""
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        raise SystemExit(f"There is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}.")
    print(f"# {platform.platform()}, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}", flush=True)
    kept = [asyncio.run(BENCHMARKS[name]()) for name in names]
    raise SystemExit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
