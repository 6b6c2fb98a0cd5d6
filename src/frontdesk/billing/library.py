"""Stripe's own library, in the one place that reads it: 0.2 s of a processor and 7 MB, with the one that carries its calls.

So nobody reads this module at the top of another: an installation that sells nothing never needs it, and one that does starts without it.
"""

import logging

import httpx
import stripe
import structlog
from stripe import HTTPXClient, StripeClient

from frontdesk.billing.stripe_api import CardDeclined, StripeAway, StripeRefuses, StripeRefusesUs
from frontdesk.errors import FrontdeskError

PATIENCE = httpx.Timeout(20.0, connect=5.0)  # seconds
log = structlog.get_logger()


def carrier() -> HTTPXClient:
    """What carries calls."""
    return HTTPXClient(timeout=PATIENCE)


def client(key: str, version: str, address: str | None, http: HTTPXClient | None) -> StripeClient:
    """A client with this key, of this version of the API, at this address instead of Stripe's own."""
    for chatty in ("stripe", "httpx"):  # each would write the address of every call into the log
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return StripeClient(key, stripe_version=version, base_addresses={"api": address} if address else {}, http_client=http, max_network_retries=1)


def as_ours(error: Exception) -> FrontdeskError | None:
    """What we say where the library says this, which the log keeps; None where it is nothing of Stripe's."""
    match error:
        case stripe.CardError():
            return CardDeclined()
        case stripe.APIConnectionError() | stripe.RateLimitError():
            log.warning("Stripe does not answer", error=type(error).__name__)
            return StripeAway()
        case stripe.AuthenticationError() | stripe.PermissionError():
            log.error("Stripe does not accept our key", error=type(error).__name__, code=error.code, request=error.request_id)
            return StripeRefusesUs()
        case stripe.InvalidRequestError() | stripe.IdempotencyError():
            log.error("Stripe refused a call", code=error.code, param=getattr(error, "param", None), why=error.user_message, request=error.request_id)
            return StripeRefuses()
        case stripe.StripeError():
            log.error("Stripe failed", error=type(error).__name__, code=error.code, request=error.request_id)
            return StripeAway()
    return None


def signed(body: bytes, header: str | None, secret: str, tolerance: int) -> bool:
    """Whether Stripe signed this body with this secret within so many seconds."""
    try:
        # the library looks at the time only when it is told how old is too old
        return bool(stripe.WebhookSignature.verify_header(body, header, secret, tolerance))
    except (stripe.SignatureVerificationError, ValueError, TypeError, OverflowError):  # what it makes of a header that nobody would send
        return False
