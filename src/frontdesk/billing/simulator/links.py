"""Addresses that callers give: those to which pages lead on, and those to which events are sent."""

from urllib.parse import urlsplit

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import StripeError


def link(params: p.Params, name: str) -> str | None:
    """An address of the web, or None if there is none. Raises StripeError for anything else that a browser might open."""
    given = p.text(params, name)
    if given is not None and not is_link(given):
        raise StripeError("invalid_request_error", "Not a valid URL", "url_invalid", name)
    return given


def target(params: p.Params) -> str:
    """The address that events are to be sent to. Raises StripeError."""
    url = str(p.required(params, "url"))
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise StripeError("invalid_request_error", "Invalid URL: An explicit scheme (such as https) must be provided.", "url_invalid", "url")
    return url


def is_link(address: str) -> bool:
    """Whether this is an address of the web, in one line."""
    return address.startswith(("http://", "https://")) and address.isprintable() and " " not in address
