"""The doors under test, with a provider beside them."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from frontdesk.database import Database
from frontdesk.settings import Settings
from frontdesk.single_sign_on import Provider
from frontdesk.single_sign_on import web as provider_web
from tests.single_sign_on.idp import CLIENT, SECRET, Idp, idp
from tests.users.browser import doors


@pytest.fixture
async def house() -> AsyncIterator[Idp]:
    """The provider of the tests."""
    async with idp() as running:
        yield running


def trusting(settings: Settings, issuer: str) -> Settings:
    """The same installation with this provider, called Example."""
    return settings.model_copy(update={"oidc_issuer": issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET, "oidc_name": "Example"})


def doors_with(database: Database, settings: Settings, issuer: str) -> FastAPI:
    """The doors of users, and those of the sign-in through this provider."""
    chosen = trusting(settings, issuer)
    app = doors(database, chosen)
    app.state.provider = Provider(chosen)
    app.include_router(provider_web.door.router)
    return app


@pytest.fixture
async def app(database: Database, settings: Settings, house: Idp) -> AsyncIterator[FastAPI]:
    """They, on a fresh database."""
    built = doors_with(database, settings, house.issuer)
    yield built
    await built.state.provider.close()
