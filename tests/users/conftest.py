"""The doors under test."""

from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.users.browser import Browser, doors


@pytest.fixture
def app(database: Database, settings: Settings) -> FastAPI:
    """The doors of users and registration on a fresh database."""
    return doors(database, settings)


@pytest.fixture
async def maya(app: FastAPI) -> None:
    """Maya has registered, at home."""
    async with Browser(app) as browser:
        await browser.register()


@pytest.fixture
async def maya_signed_out(maya: None, owner: psycopg.AsyncConnection[Any]) -> None:
    """Maya has registered, and the session of that is gone."""
    await owner.execute("delete from private.sessions")


@pytest.fixture
async def maya_and_olga(app: FastAPI, maya: None, owner: psycopg.AsyncConnection[Any]) -> None:
    """Olga has registered too and knows nothing of Maya; neither is signed in."""
    async with Browser(app) as browser:
        await browser.register(email="olga@example.com", name="Olga", organization_name="Moretti Calzature")
    await owner.execute("delete from private.sessions")
