"""Builds the simulator: an application of its own, to be mounted by the product or run alone."""

import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from frontdesk.channels.simulator import api, graph, web
from frontdesk.channels.simulator.records import SimulatorSettings
from frontdesk.channels.simulator.world import World
from frontdesk.web import BodyLimit, RequestId, SecurityHeaders, serve_static
from frontdesk.web.failures import install_failures

PROGRAM_PATHS = ("/graph/", "/inbound", "/messages", "/faults/", "/limits/")
"""Where programs call, not browsers: no Origin header, no form token. They check their callers themselves."""


class NotInProduction(RuntimeError):
    """The simulator pretends to be WhatsApp and lets anybody on this machine be any customer: for development only."""


def build(settings: SimulatorSettings, *, development: bool) -> FastAPI:
    """The simulator's application. Its world lives between the ends of `running(app)`. Raises NotInProduction."""
    if not development:
        raise NotInProduction(NotInProduction.__doc__)
    routes = [Mount("/graph", routes=graph.routes()), *api.routes(), *web.routes()]
    app = FastAPI(openapi_url=None, routes=routes, lifespan=running)
    app.state.world = World(settings)
    install_failures(app)
    return app


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    """Open the simulated world and close it again. What is mounted gets no lifespan of its own: enter this one."""
    world: World = app.state.world
    await world.open()
    try:
        yield
    finally:
        await world.close()


def alone(settings: SimulatorSettings, *, development: bool) -> FastAPI:
    """The simulator with the frame it otherwise finds around it, at the path that its public address says."""
    simulator = build(settings, development=development)
    path = urlsplit(settings.public_url).path.rstrip("/")

    async def go_there(request: Request) -> Response:
        return RedirectResponse(f"{path}/")

    def lifespan(app: FastAPI) -> AbstractAsyncContextManager[None]:
        return running(simulator)

    way = [Route("/", go_there)] if path else []
    mounts = [Mount("/static", serve_static, name="static"), Mount(path, simulator)]
    app = FastAPI(openapi_url=None, routes=[*way, *mounts], lifespan=lifespan)
    app.state.world = simulator.state.world
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestId)
    return app


def run(settings: SimulatorSettings, *, development: bool, host: str = "127.0.0.1", port: int = 3003) -> None:
    """Run the simulator alone until it is stopped. Raises NotInProduction."""
    app = alone(settings, development=development)
    _Server(uvicorn.Config(app, host=host, port=port, log_level="warning", proxy_headers=False)).run()


class _Server(uvicorn.Server):
    """Ends the streams of open phone pages first, which would otherwise keep it from stopping."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.world.news.close()  # type: ignore[union-attr]  # it is the application given above
        await super().shutdown(sockets)
