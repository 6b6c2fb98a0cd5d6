"""Builds the simulated Stripe: an application of its own, to be mounted by the product."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route

from frontdesk.billing.simulator import api, console_page, invoice_page, pay_page, portal_page, wire
from frontdesk.billing.simulator.account import Account
from frontdesk.billing.simulator.advancing import Pulse
from frontdesk.billing.simulator.records import SimulatorSettings
from frontdesk.web.failures import install_failures

PROGRAM_PATHS = ("/v1/", "/v2/", "/_test/")
"""Where programs call, not browsers: no Origin header, no form token. They check their callers themselves."""


class NotInProduction(RuntimeError):
    """This pretends to be Stripe, and takes every card that says so: for development only."""


def build(settings: SimulatorSettings, *, development: bool) -> FastAPI:
    """The application. Its account lives between the ends of `running(app)`. Raises NotInProduction."""
    if not development:
        raise NotInProduction(NotInProduction.__doc__)
    methods = ["DELETE", "GET", "PATCH", "POST", "PUT"]
    doors = [*api.routes(), *pay_page.routes(), *portal_page.routes(), *invoice_page.routes(), *console_page.routes()]
    routes: list[BaseRoute] = [*(Route(f"/{version}/{{path:path}}", wire.serve, methods=methods) for version in ("v1", "v2")), *doors]
    app = FastAPI(openapi_url=None, routes=routes, lifespan=running)
    app.state.account = Account(settings)
    install_failures(app)
    return app


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    """Open the account and close it again. What is mounted gets no lifespan of its own: enter this one."""
    account: Account = app.state.account
    await account.open()
    pulse = Pulse(account)
    pulse.open()
    try:
        yield
    finally:
        await pulse.close()
        await account.close()
