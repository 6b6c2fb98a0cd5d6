"""The doors under test, and who stands before them."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from tests.auto_replies.desk import Desk, doors
from tests.world import World


@pytest.fixture
def app(world: World) -> FastAPI:
    """The doors of auto replies on a fresh world."""
    return doors(world)


@pytest.fixture
async def desk(app: FastAPI, world: World) -> AsyncIterator[Desk]:
    made = Desk(app, world.shop)
    yield made
    await made.client.aclose()


@pytest.fixture
async def neighbour(app: FastAPI, world: World) -> AsyncIterator[Desk]:
    made = Desk(app, world.neighbour)
    yield made
    await made.client.aclose()
