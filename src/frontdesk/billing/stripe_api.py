"""How we speak with Stripe: one client, one version, patience that ends, and its failures as ours."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import httpx
import stripe
import structlog
from stripe import HTTPXClient, StripeClient, V1Services

from frontdesk.access import Actor
from frontdesk.database import Database
from frontdesk.errors import Conflict, Unavailable
from frontdesk.settings import SIMULATED_STRIPE, Settings

VERSION = "2026-10-28.endive"
"""The version of Stripe's API that this code was written for: in every call, and on the webhook endpoint. Change both together."""
SIMULATOR = "/simulator/stripe"  # where the product mounts the simulated one
PATIENCE = httpx.Timeout(20.0, connect=5.0)  # seconds
log = structlog.get_logger()


class NothingForSale(Unavailable):
    """Plans cannot be bought here: this Frontdesk has no Stripe account. Ask whoever runs it."""

    title = "Nothing can be bought here"


class StripeAway(Unavailable):
    """Stripe does not answer at the moment. Should your step have reached it all the same, Billing shows so soon. Try again in a minute."""

    title = "Stripe does not answer"


class StripeRefusesUs(Unavailable):
    """Stripe does not accept this Frontdesk’s key, so that nothing can be bought or changed. Whoever runs it has to look at STRIPE_SECRET_KEY."""

    title = "Stripe does not let us in"


class StripeRefuses(Conflict):
    """Stripe refused this step as things stand. Load the page again and look at what is shown; nothing was changed."""

    title = "Stripe refused this"


@dataclass(frozen=True, slots=True)
class Place:
    """For which organization something is bought or changed, and by whom. email: of whoever does it, for the first invoice.

    reason: why, where somebody does it who is no member.
    """

    organization_id: UUID
    actor: Actor
    email: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """What everything that is paid is handled with. home: the address of this installation, to which Stripe's pages lead back."""

    database: Database
    stripe: StripeClient
    settings: Settings
    http: HTTPXClient
    home: str

    @property
    def v1(self) -> V1Services:
        """Stripe's services."""
        return self.stripe.v1

    async def close(self) -> None:
        """Hang up."""
        await self.http.close_async()  # type: ignore[no-untyped-call]  # the library's


def open_money(settings: Settings, database: Database) -> Money | None:
    """What money is handled with, or None where there is no Stripe account. Made once for each process."""
    if not settings.stripe_secret_key and not settings.stripe_simulated:
        return None
    address = settings.base_url + SIMULATOR if settings.stripe_simulated else None
    return money_with(settings, database, settings.stripe_secret_key or SIMULATED_STRIPE, address)


def money_with(settings: Settings, database: Database, key: str, address: str | None) -> Money:
    """The same with this key, at this address instead of Stripe's own."""
    for chatty in ("stripe", "httpx"):  # each would write the address of every call into the log
        logging.getLogger(chatty).setLevel(logging.WARNING)
    http = HTTPXClient(timeout=PATIENCE)
    client = StripeClient(key, stripe_version=VERSION, base_addresses={"api": address} if address else {}, http_client=http, max_network_retries=1)
    return Money(database, client, settings, http, settings.home)


@contextmanager
def asking() -> Iterator[None]:
    """Around every call of Stripe. Raises StripeAway, StripeRefusesUs or StripeRefuses; a card that is declined stays Stripe's own CardError."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        log.warning("Stripe does not answer", error=type(error).__name__)
        raise StripeAway from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        log.error("Stripe does not accept our key", error=type(error).__name__, code=error.code, request=error.request_id)
        raise StripeRefusesUs from error
    except (stripe.InvalidRequestError, stripe.IdempotencyError) as error:
        log.error("Stripe refused a call", code=error.code, param=getattr(error, "param", None), why=error.user_message, request=error.request_id)
        raise StripeRefuses from error
    except stripe.CardError:
        raise
    except stripe.StripeError as error:
        log.error("Stripe failed", error=type(error).__name__, code=error.code, request=error.request_id)
        raise StripeAway from error


def is_missing(error: StripeRefuses) -> bool:
    """Whether Stripe refused because there is no such thing."""
    return isinstance(error.__cause__, stripe.InvalidRequestError) and error.__cause__.code == "resource_missing"
