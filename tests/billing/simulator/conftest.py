"""A simulated Stripe for every test that asks."""

from collections.abc import AsyncIterator

import pytest

from tests.billing.simulator.stage import Stage, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as built:
        yield built
