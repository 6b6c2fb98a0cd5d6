"""Where Stripe has to tell what happens: what its webhook endpoint should be, compared with what it is. Pure questions."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from frontdesk.billing.differences import Step
from frontdesk.billing.standings import Told
from frontdesk.billing.stripe_api import VERSION
from frontdesk.settings import Settings

PATH = "/webhooks/stripe"
MARK = {"frontdesk": "webhook"}  # by which an endpoint of our making is known
EVENTS = (
    "charge.dispute.created", "charge.refunded",
    "checkout.session.async_payment_failed", "checkout.session.async_payment_succeeded", "checkout.session.completed", "checkout.session.expired",
    "customer.deleted", "customer.updated",
    "customer.subscription.created", "customer.subscription.deleted", "customer.subscription.paused", "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired", "customer.subscription.resumed", "customer.subscription.trial_will_end", "customer.subscription.updated",
    "invoice.created", "invoice.finalized", "invoice.marked_uncollectible", "invoice.paid", "invoice.payment_action_required", "invoice.payment_failed",
    "invoice.upcoming", "refund.failed",
)  # fmt: skip
"""What we have to hear of."""
UNCOUNTED = "v1.billing.meter.error_report_triggered"
"""And where meters bill: usage that belongs to nobody, or is no number. https://docs.stripe.com/event-destinations#thin-events"""


def endpoint_steps(found: Sequence[Told], home: str | None, *, has_secret: bool) -> list[Step]:
    """What lacks until Stripe tells this installation everything. home: its public address, if it has one; has_secret: whether what signs is known."""
    if reason := unreachable(home):
        return [Step("missing", f"webhook endpoint: {reason}")]
    url = f"{home}{PATH}"
    ours = [one for one in found if one["url"] == url or (one.get("metadata") or {}).get("frontdesk") == MARK["frontdesk"]]
    fitting = [one for one in ours if one.get("api_version") == VERSION]
    others = [one for one in ours if one not in fitting[:1]]
    return [*(_leftover(one) for one in others), *_own_steps(fitting[0] if fitting else None, url, has_secret)]


def destination_steps(found: Sequence[Told], home: str | None) -> list[Step]:
    """What lacks until Stripe tells what meters could not count: that goes to no webhook endpoint. Where Stripe cannot call us, that is said already."""
    if unreachable(home):
        return []
    url = f"{home}{PATH}"
    known = next((one for one in found if one["event_payload"] == "thin" and (one.get("webhook_endpoint") or {}).get("url") == url), None)
    if known is None:
        wanted = {"name": "Frontdesk", "type": "webhook_endpoint", "event_payload": "thin", "enabled_events": [UNCOUNTED], "webhook_endpoint": {"url": url}}
        return [Step("destination", f"event destination: a new one, {url}", None, wanted | {"include": ["webhook_endpoint.signing_secret"]})]
    if UNCOUNTED not in known["enabled_events"]:
        params = {"enabled_events": [*known["enabled_events"], UNCOUNTED]}
        return [Step("destination", f"event destination: it tells not of {UNCOUNTED}", known["id"], params)]
    return [Step("destination", "event destination: it is disabled", known["id"])] if known["status"] != "enabled" else []


def is_deaf(settings: Settings) -> bool:
    """Whether plans are sold and nothing is heard of what is paid for them: no secret is known that Stripe's events are signed with."""
    return bool(settings.stripe_secret_key) and not settings.stripe_simulated and not settings.stripe_webhook_secrets


def unreachable(home: str | None) -> str | None:
    """Why Stripe cannot call this address; None where it can. Source: https://docs.stripe.com/webhooks#register-webhook"""
    if home is None:
        return "FRONTDESK_PUBLIC_URL is not set, so that Stripe cannot be told where to send events"
    place = urlsplit(home)
    if place.scheme != "https" or _is_near(place.hostname or ""):
        return f"Stripe calls public https addresses only, and FRONTDESK_PUBLIC_URL is {home}"
    return None


def _is_near(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".localhost", ".local", ".internal", ".test"))


def _own_steps(known: Told | None, url: str, has_secret: bool) -> list[Step]:
    wanted: dict[str, Any] = {"url": url, "enabled_events": list(EVENTS), "metadata": MARK}
    if known is None:
        return [Step("webhook", f"webhook endpoint: a new one, {url}", None, wanted | {"api_version": VERSION})]
    steps = [] if has_secret else [Step("missing", f"webhook endpoint: STRIPE_WEBHOOK_SECRET is not set; Stripe’s dashboard shows it at {known['id']}")]
    other = [
        *([f"it is {known['url']}, not {url}"] if known["url"] != url else []),
        *([f"it tells {told}"] if (told := _told_otherwise(known["enabled_events"])) else []),
        *([f"it is {known['status']}"] if known["status"] != "enabled" else []),
    ]
    return steps + ([Step("webhook", f"webhook endpoint: {', '.join(other)}", known["id"], wanted | {"disabled": False})] if other else [])


def _told_otherwise(events: Sequence[str]) -> str:
    lacking, beyond = [one for one in EVENTS if one not in events], [one for one in events if one not in EVENTS]
    return ", ".join([*(f"not of {one}" for one in lacking), *(f"of {one} too" for one in beyond)])


def _leftover(known: Told) -> Step:
    said = f"webhook endpoint: {known['id']} tells the same in version {known.get('api_version') or 'of the account'}"
    return Step("look", f"{said}; delete it in Stripe’s dashboard once the secret of the other one is set")
