"""The folder that holds what Frontdesk keeps on this machine: whether it may be written, and who works on it."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frontdesk.errors import FrontdeskError


class DataFolderInUse(FrontdeskError):
    """Another Frontdesk works on this data folder."""


class DataFolderUnusable(FrontdeskError):
    """The data folder cannot be written."""


def usable(data_dir: Path) -> Path:
    """The folder's full path; it is made, closed to others, if it is not there. Raises DataFolderUnusable."""
    try:
        # PostgreSQL is somebody else when we are root, and has to pass through.
        data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        with (data_dir / "lock").open("a"), tempfile.TemporaryFile(dir=data_dir):  # a folder may be closed though its lock is not
            return data_dir.resolve()
    except OSError as error:
        raise DataFolderUnusable(
            f"The data folder {data_dir.absolute()} cannot be written: {error.strerror}. Set FRONTDESK_DATA_DIR to a folder that you may write."
        ) from None


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold a usable folder. The kernel lets go of it when this process ends, however it ends."""
    with (data_dir / "lock").open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = lock.read().strip()
            raise DataFolderInUse(
                f"The data folder {data_dir} is in use by another Frontdesk{f' (process {holder})' if holder else ''}."
                " Stop that one, or set FRONTDESK_DATA_DIR to another folder."
            ) from None
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def holder_lives(data_dir: Path) -> bool:
    """Whether the process that took the folder last is there still, and not only something that it left behind."""
    holder = (data_dir / "lock").read_text().strip()
    if not holder.isdigit():
        return False
    try:
        os.kill(int(holder), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def in_use(data_dir: Path) -> bool:
    """Whether somebody holds this usable folder now."""
    with (data_dir / "lock").open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
