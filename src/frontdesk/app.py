"""Builds the ASGI application: every domain's doors, the webhook before them, and in development the simulator beside them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import FastAPI
from psycopg import Error as DatabaseError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from frontdesk import api, billing, channels, erasure, messages, registration, secret_files, usage, web
from frontdesk.analytics import web as analytics_web
from frontdesk.api_keys import web as api_keys_web
from frontdesk.archives import web as archives_web
from frontdesk.audit import api as audit_api
from frontdesk.audit import web as audit_web
from frontdesk.auto_replies import api as auto_replies_api
from frontdesk.auto_replies import web as auto_replies_web
from frontdesk.bell import Bell
from frontdesk.billing import api as billing_api
from frontdesk.billing import simulator as stripe_simulator
from frontdesk.billing import web as billing_web
from frontdesk.billing.lifecycle import web as lifecycle_web
from frontdesk.billing.payment import web as payment_web
from frontdesk.channels import simulator
from frontdesk.channels import web as channels_web
from frontdesk.contacts import api as contacts_api
from frontdesk.contacts import web as contacts_web
from frontdesk.database import Database, Tenant
from frontdesk.demo import web as demo_web
from frontdesk.email_proofs import web as email_proofs_web
from frontdesk.erasure import web as erasure_web
from frontdesk.errors import Unavailable
from frontdesk.inbound import Keeper, OwnAppWebhook, Source, Webhook
from frontdesk.invitations import api as invitations_api
from frontdesk.invitations import web as invitations_web
from frontdesk.invitations.acceptance import web as acceptance_web
from frontdesk.live import Live
from frontdesk.mail import Mailer
from frontdesk.mail import web as mail_web
from frontdesk.members import api as members_api
from frontdesk.members import web as members_web
from frontdesk.messages.inbox import api as inbox_api
from frontdesk.messages.inbox import web as inbox_web
from frontdesk.operator import web as operator_web
from frontdesk.organizations import api as organizations_api
from frontdesk.organizations import web as organizations_web
from frontdesk.registration import web as registration_web
from frontdesk.secret_files import Secrets
from frontdesk.settings import BadSettings, Settings
from frontdesk.usage import api as usage_api
from frontdesk.usage import web as usage_web
from frontdesk.users import web as users_web
from frontdesk.users.account import web as account_web
from frontdesk.users.factors import web as factors_web
from frontdesk.users.passkeys import web as passkeys_web
from frontdesk.users.reauthentication import web as reauthentication_web
from frontdesk.users.second_step import web as second_step_web

WEBHOOK = "/webhooks/whatsapp"
STRIPE_WEBHOOK = "/webhooks/stripe"
SIMULATOR = "/simulator"
STRIPE_SIMULATOR = SIMULATOR + "/stripe"
ALONE = "http://127.0.0.1:3003/simulator"
DOORS = (
    organizations_web, erasure_web, archives_web,
    registration_web, users_web, second_step_web, account_web, factors_web, passkeys_web, reauthentication_web, email_proofs_web, demo_web,
    analytics_web, inbox_web, auto_replies_web, contacts_web, channels_web, members_web, invitations_web, acceptance_web, billing_web, payment_web,
    lifecycle_web, audit_web, api_keys_web, operator_web,
    usage_web,
)  # fmt: skip
API_DOORS = (organizations_api, members_api, invitations_api, contacts_api, inbox_api, auto_replies_api, usage_api, billing_api, audit_api)


def build(settings: Settings, database: Database, live: Live, bell: Bell) -> "Application":
    """The whole application. What is kept rings the bell; what changes is told live."""
    secrets = secret_files.load(settings)
    app = FastAPI(title="Frontdesk", openapi_url=None, docs_url=None, redoc_url=None, lifespan=_lifespan)
    app.state.settings, app.state.database, app.state.live, app.state.bell, app.state.secrets = settings, database, live, bell, secrets
    app.state.mailer = Mailer(secrets.vault, settings)
    app.state.load_frame = _frame
    app.state.find_visitor = registration.visitor_finder(database, settings)
    app.state.money = billing.open_money(settings, database)
    app.state.simulator = app.state.stripe_simulator = None
    app.add_api_route("/healthz", _health, methods=["GET", "HEAD"], include_in_schema=False)
    for door in DOORS:
        app.include_router(door.door.router)
    if settings.mailbox:
        app.include_router(mail_web.door.router)
    _open_provider(app, settings)
    app.mount(api.ADDRESS, api.build(app.state, [one.door for one in API_DOORS]))
    _mount_stripe(app, settings, database, secrets)
    if settings.simulated and settings.simulator_url:
        app.add_api_route(SIMULATOR + "/{path:path}", _to_simulator, include_in_schema=False)
    elif settings.simulated:
        app.state.simulator = simulator.build(_simulator_settings(settings, database, secrets), development=settings.development)
        app.state.simulator.state.find_visitor = app.state.find_visitor  # an application of its own has a state of its own
        app.mount(SIMULATOR, app.state.simulator)
    stripe_paths = [STRIPE_SIMULATOR + path for path in stripe_simulator.PROGRAM_PATHS]
    web.install(app, programs=[api.ADDRESS + "/", *(SIMULATOR + path for path in simulator.PROGRAM_PATHS), *stripe_paths])
    keeper = Keeper(database, lambda lanes: bell.ring("in", lanes))
    own_apps, stripe = OwnAppWebhook(database, keeper, secrets.vault), _stripe_webhook(settings, database, secrets)
    return Application(app, _webhook(settings, database, keeper, secrets), own_apps, stripe)


def run_simulator(settings: Settings) -> None:
    """Run the simulator alone, where FRONTDESK_SIMULATOR_URL says, until it is stopped. Raises NoSimulator."""
    secret, place = secret_files.load(settings).simulator_app_secret, urlsplit(settings.simulator_url or ALONE)
    if secret is None:
        raise channels.NoSimulator("The simulator runs in development only, and not with FRONTDESK_SIMULATOR=false.")
    alone = simulator.SimulatorSettings(
        app_secret=secret, webhook_url=settings.base_url + WEBHOOK, public_url=place.geturl(), store_path=settings.data_dir / "simulator.sqlite3"
    )
    simulator.run(alone, development=settings.development, host=place.hostname or "127.0.0.1", port=place.port or 80)


class Application:
    """The whole application. Lets webhooks past everything that only pages need."""

    def __init__(self, app: FastAPI, webhook: Webhook, own_app_webhook: OwnAppWebhook, stripe_webhook: billing.StripeWebhook) -> None:
        """Serve pages with `app`, and webhooks with the one for all, the one for organizations' own apps, or that of Stripe."""
        self.app, self.webhook, self.own_app_webhook, self.stripe_webhook = app, webhook, own_app_webhook, stripe_webhook
        self.state = app.state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["path"] == WEBHOOK:
            await self.webhook(scope, receive, send)  # type: ignore[arg-type]  # Starlette's aliases say MutableMapping, ours dict
        elif scope["type"] == "http" and scope["path"].startswith(WEBHOOK + "/"):
            await self.own_app_webhook(scope["path"].removeprefix(WEBHOOK + "/"), scope, receive, send)  # type: ignore[arg-type]  # as above
        elif scope["type"] == "http" and scope["path"] == STRIPE_WEBHOOK:
            await self.stripe_webhook(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _webhook(settings: Settings, database: Database, keeper: Keeper, secrets: Secrets) -> Webhook:
    sources = [Source(channels.CLOUD_API, (settings.whatsapp_app_secret,))] if settings.whatsapp_app_secret else []
    if secrets.simulator_app_secret:
        sources.append(Source(channels.SIMULATOR, (secrets.simulator_app_secret,)))
    return Webhook(database, keeper, sources, secrets.whatsapp_verify_token)


def _stripe_webhook(settings: Settings, database: Database, secrets: Secrets) -> billing.StripeWebhook:
    if billing.is_deaf(settings) and not settings.development:  # commands work without: one of them makes the secret
        raise BadSettings("STRIPE_SECRET_KEY needs a STRIPE_WEBHOOK_SECRET, or nothing that is paid is heard of: `frontdesk billing sync --apply` makes one")
    simulated = (secrets.simulator_stripe_secret,) if settings.stripe_simulated and secrets.simulator_stripe_secret else ()
    return billing.StripeWebhook(database, [*settings.stripe_webhook_secrets, *simulated])


def _simulator_settings(settings: Settings, database: Database, secrets: Secrets) -> simulator.SimulatorSettings:
    async def numbers(request: Request) -> list[simulator.SandboxNumber]:
        visitor = await web.find_visitor(request)
        return await of(visitor.user_id if visitor else None, None)

    async def find(phone_number_id: str) -> simulator.SandboxNumber | None:
        return next(iter(await of(None, phone_number_id)), None)

    async def of(user_id: UUID | None, phone_number_id: str | None) -> list[simulator.SandboxNumber]:
        async with database.platform() as db:
            return await channels.sandbox_numbers(db, user_id, phone_number_id)

    async def recall(phone_number_id: str, bsuid: str) -> simulator.Recalled | None:
        async with database.platform() as db:
            return await channels.sample_customer(db, phone_number_id, bsuid)

    return simulator.SimulatorSettings(
        app_secret=secrets.simulator_app_secret or "", webhook_url=settings.base_url + WEBHOOK, public_url=settings.base_url + SIMULATOR,
        store_path=settings.data_dir / "simulator.sqlite3", numbers=numbers, find=find, recall=recall,
    )  # fmt: skip


def _mount_stripe(app: FastAPI, settings: Settings, database: Database, secrets: Secrets) -> None:
    """Put the simulated Stripe beside the product, before the simulated WhatsApp, whose address its own begins with; not beside the real one."""
    if not settings.stripe_simulated:
        return
    chosen = stripe_simulator.SimulatorSettings(
        public_url=settings.home + STRIPE_SIMULATOR, store_path=settings.data_dir / "stripe.sqlite3",
        webhook_url=settings.base_url + STRIPE_WEBHOOK, webhook_secret=secrets.simulator_stripe_secret or "",
        time_passes=partial(billing.let_time_pass, database, app.state.mailer),
    )  # fmt: skip
    app.state.stripe_simulator = stripe_simulator.build(chosen, development=settings.development)
    app.state.stripe_simulator.state.find_visitor = app.state.find_visitor
    app.add_api_route(STRIPE_SIMULATOR, _to_stripe, include_in_schema=False)
    app.mount(STRIPE_SIMULATOR, app.state.stripe_simulator)


def _open_provider(app: FastAPI, settings: Settings) -> None:
    """Let users sign in through the operator's provider, if he chose one. Who did not pays nothing for what it takes to speak with it."""
    app.state.provider = None
    if not settings.provider_name:
        return
    from frontdesk.single_sign_on import Provider
    from frontdesk.single_sign_on import web as provider_web

    app.state.provider = Provider(settings)
    app.include_router(provider_web.door.router)


async def _frame(db: Tenant) -> dict[str, Any]:
    """What the frame of every page shows: the plan with its use, what is unread, and whether all of this will go."""
    return {"plan": await billing.plan_in_use(db), "unread": await messages.unread(db), "deletion": await erasure.pending(db)}


async def _to_simulator(request: Request) -> Response:
    """The phone is at the simulator that runs alone."""
    settings: Settings = request.app.state.settings
    return RedirectResponse(f"{settings.simulator_url}/{request.path_params['path']}", 307)


async def _to_stripe(request: Request) -> Response:
    """What is mounted begins behind a slash."""
    return RedirectResponse(STRIPE_SIMULATOR + "/", 307)


async def _health(request: Request) -> Response:
    """200 once requests can be served: the database answers and its schema is there."""
    try:
        rows = await request.app.state.database.call("select * from private.road_state()")
    except (DatabaseError, Unavailable):
        return PlainTextResponse("The database does not answer.", 503)
    return JSONResponse({"status": "ok", "waiting": rows[0]})


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        if app.state.simulator is not None:
            await stack.enter_async_context(simulator.running(app.state.simulator))
        if app.state.stripe_simulator is not None:
            await stack.enter_async_context(stripe_simulator.running(app.state.stripe_simulator))
        if app.state.money is not None:
            stack.push_async_callback(app.state.money.close)
        await usage.bill_by(app.state.database, app.state.settings.overage_billing)
        await billing.allow_turning(app.state.database, app.state.settings.stripe_simulated)
        if app.state.provider is not None:
            stack.push_async_callback(app.state.provider.close)
        yield
