"""A till for every test that asks."""

from collections.abc import AsyncIterator

import pytest

from frontdesk.settings import Settings
from tests.billing.till import Till, opened
from tests.world import World


@pytest.fixture
async def till(world: World, settings: Settings) -> AsyncIterator[Till]:
    async with opened(world, settings) as built:
        yield built
