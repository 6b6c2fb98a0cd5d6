"""How much memory the embedded PostgreSQL may keep pages in."""

import os
from contextlib import suppress
from pathlib import Path

MIB = 1024 * 1024
# a quarter is the usual advice for a machine that does nothing else; here the application and whatever else the machine is for have their share
SHARE, LEAST, MOST = 8, 128, 1024  # MiB
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))  # of a container: cgroup version 2, version 1


def shared_buffers() -> str:
    """The value of `shared_buffers` for this machine: pages that do not fit are read and written again and again."""
    return f"{max(LEAST, min(MOST, memory() // SHARE // MIB))}MB"


def memory(limits: tuple[Path, ...] = LIMITS) -> int:
    """Bytes of memory that the machine has, or the container we run in may use."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in limits:
        with suppress(OSError, ValueError):  # there is no such limit, or it says "max"
            found.append(int(path.read_text()))
    return min(found)
