"""Folders for embedded servers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from frontdesk.settings import Settings
from tests.database.running import open_folder, run_once, settings_of


@pytest.fixture(scope="module")
def made(pg_bin_dir: Path | None) -> Iterator[Settings]:
    """Settings of a data folder whose cluster was made and stopped once."""
    with open_folder() as folder:
        settings = settings_of(folder / "data", pg_bin_dir)
        asyncio.run(run_once(settings))
        yield settings


@pytest.fixture
def folder() -> Iterator[Path]:
    """A new folder that every user may enter; pytest's own are closed."""
    with open_folder() as folder:
        yield folder
