"""The doors under test."""

import pytest
from fastapi import FastAPI

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.users.browser import doors


@pytest.fixture
def app(database: Database, settings: Settings) -> FastAPI:
    """The doors of users and registration on a fresh database."""
    return doors(database, settings)
