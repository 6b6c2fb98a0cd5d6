"""Started by root, PostgreSQL runs as somebody else, and no folder but its own is touched for it."""

import os
import shutil
from pathlib import Path

import pytest

from frontdesk.database import binaries, embedded
from frontdesk.database.cluster import ServerDidNotStart
from frontdesk.settings import Settings
from tests.database.running import mode, run_once, settings_of, value

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as somebody else")


async def test_root_starts_it_as_somebody_else(made: Settings) -> None:
    async with embedded.running(made) as server:
        assert server.cluster is not None
        assert server.cluster.process is not None
        assert Path(f"/proc/{server.cluster.process.pid}").stat().st_uid != 0


async def test_a_folder_that_only_root_enters_serves_and_stays_closed(folder: Path, pg_bin_dir: Path | None) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    settings = settings_of(closed / "data", pg_bin_dir)
    if pg_bin_dir is not None:  # PostgreSQL 15 looks its own folder up from the root
        with pytest.raises(ServerDidNotStart, match=f"cannot enter {closed}/data"):
            await run_once(settings)
    else:
        for _ in range(2):
            async with embedded.running(settings) as server:
                assert await value(server.owner_url, "select 1") == 1
    assert mode(closed) == 0o700
    assert closed.stat().st_uid == 0


async def test_programs_that_only_root_reaches_are_copied_once(folder: Path) -> None:
    found = binaries.find(None)
    wheel = found.folder.parent.parent
    site = folder / "closed" / "site"
    site.parent.mkdir(mode=0o700)
    shutil.copytree(found.folder.parent, site / wheel.name / found.folder.parent.name, symlinks=True)
    shutil.copytree(wheel.with_name(wheel.name + ".libs"), site / (wheel.name + ".libs"))
    settings = settings_of(folder / "data", site / wheel.name / found.folder.parent.name / "bin")
    async with embedded.running(settings) as server:
        assert await value(server.owner_url, "select 1") == 1
    copied = [path.stat().st_mtime for path in (folder / "data" / "server").iterdir()]
    await run_once(settings)
    assert [path.stat().st_mtime for path in (folder / "data" / "server").iterdir()] == copied
