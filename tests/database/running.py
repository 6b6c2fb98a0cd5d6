"""What tests of the embedded server do again and again."""

import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from frontdesk.database import embedded
from frontdesk.settings import Settings


@contextmanager
def open_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fd-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def settings_of(data_dir: Path, pg_bin_dir: Path | None) -> Settings:
    return Settings(_env_file=None, FRONTDESK_DATA_DIR=data_dir, PG_BIN_DIR=pg_bin_dir)


async def run_once(settings: Settings) -> None:
    async with embedded.running(settings):
        pass


async def value(url: str, query: str) -> Any:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        return (await (await connection.execute(query)).fetchone() or [None])[0]


async def run(url: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(statement)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
