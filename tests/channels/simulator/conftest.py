"""A simulator for every test that asks."""

from collections.abc import AsyncIterator

import pytest

from tests.channels.simulator.stage import Stage, Stages, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as built:
        yield built


@pytest.fixture
def stages() -> Stages:
    """Build a stage with other settings: `async with stages(window_refusal="at once") as stage`."""
    return staged
