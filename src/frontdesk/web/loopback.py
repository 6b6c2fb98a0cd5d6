"""Lets only this machine in: for the door that needs no sign-in."""

import ipaddress

from starlette.requests import Request

from frontdesk.errors import BadInput, NotAllowed

NAMES = ("localhost", "127.0.0.1", "[::1]")
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


class NotFromHere(NotAllowed):
    """Only Frontdesk's own machine may use this address."""


class NotJson(BadInput):
    """Send JSON, with the content type application/json."""

    status = 415


def require_loopback(request: Request) -> None:
    """Refuse whoever is elsewhere: by the connection's own address, never by what a header claims.

    The host name must be a loopback one too, so that no website can reach this door under a name of its own that it
    points at this machine (DNS rebinding). Raises NotFromHere.
    """
    if request.client is None or not _is_loopback(request.client.host):
        raise NotFromHere()
    if any(name in request.headers for name in FORWARDED):
        raise NotFromHere("This address cannot be used through a proxy.")
    if not _is_own_name(request.headers.get("host", "")):
        raise NotFromHere("Use the name localhost or the address 127.0.0.1.", field="host")


def require_json(request: Request) -> None:
    """Refuse bodies that a website could send without asking (forms, plain text). Raises NotJson."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise NotJson(field="content-type")


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _is_own_name(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    return name.lower() in NAMES
