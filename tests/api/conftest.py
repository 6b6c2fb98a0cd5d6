"""A product for every test that calls its API."""

from collections.abc import AsyncIterator

import pytest

from frontdesk.settings import Settings
from tests.api.desk import Desk, opened
from tests.world import World


@pytest.fixture
async def desk(settings: Settings, world: World) -> AsyncIterator[Desk]:
    """The product with two organizations."""
    async with opened(settings, world) as ready:
        yield ready
