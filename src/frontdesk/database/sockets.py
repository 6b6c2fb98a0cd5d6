"""Where the embedded server's Unix socket lies: beside its data or, if that path is too long, in a private folder."""

import os
import stat
import tempfile
from pathlib import Path

from frontdesk.database.binaries import Account
from frontdesk.errors import FrontdeskError

LONGEST = 103  # bytes of a socket's path: the address holds 108 with a closing zero on Linux, 104 on macOS
SOCKET = ".s.PGSQL.5432"


class NoShortFolder(FrontdeskError):
    """The data folder's path is too long for a Unix socket, and no other folder will do. Set XDG_RUNTIME_DIR."""


def place(cluster: Path, account: Account) -> str:
    """What to give PostgreSQL as `unix_socket_directories`: "." stands for the cluster's own 0700 folder."""
    if len(os.fsencode(cluster / SOCKET)) <= LONGEST:
        return "."
    record = cluster.with_name("socket-folder")
    known = Path(record.read_text().strip()) if record.exists() else None
    if known is None or not _private(known, account):
        known = _made(account)
        record.write_text(f"{known}\n")
    return str(known)


def _private(folder: Path, account: Account) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid and stat.S_IMODE(found.st_mode) == 0o700


def _made(account: Account) -> Path:
    """A new 0700 folder with a name nobody can guess, where the path is short and the account may enter."""
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if base and len(base) < LONGEST - 40 and os.access(base, os.W_OK) and account.may_enter(Path(base)):
            folder = Path(tempfile.mkdtemp(prefix="frontdesk-", dir=base))
            if account.switch:
                os.chown(folder, account.uid, account.gid)
            return folder
    raise NoShortFolder
