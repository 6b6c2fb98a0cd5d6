"""Two shops with their sample data, each behind the browser of its owner."""

from collections.abc import AsyncIterator

import pytest

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.desk import Desk, seated


@pytest.fixture
async def desk(database: Database, settings: Settings) -> AsyncIterator[Desk]:
    """Maya Bello, owner of the Lagos Glow Salon with its sample data."""
    async with seated(database, settings) as desk:
        await desk.press("/dashboard/sample-data", "/dashboard")
        yield desk


@pytest.fixture
async def neighbour(desk: Desk, database: Database, settings: Settings) -> AsyncIterator[Desk]:
    """Olga, owner of Moretti with the same sample data."""
    async with seated(database, settings, email="olga@example.com", name="Olga", organization_name="Moretti") as desk:
        await desk.press("/dashboard/sample-data", "/dashboard")
        yield desk
