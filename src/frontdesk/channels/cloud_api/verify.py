"""Who calls the webhook: Meta's signature, and the handshake that sets the webhook up."""

import hmac
from collections.abc import Mapping, Sequence


def signed(body: bytes, header: str | None, secrets: Sequence[str]) -> bool:
    """Whether one of these app secrets signed exactly these bytes (`X-Hub-Signature-256: sha256=<hex>`).

    Takes the same time whichever secret fits; an empty secret never does.
    """
    given = (header or "").encode("utf-8", "replace")
    fits = False
    for secret in secrets:
        expected = b"sha256=" + hmac.digest(secret.encode(), body, "sha256").hex().encode()
        fits |= hmac.compare_digest(expected, given) and bool(secret)
    return fits


def answer_handshake(query: Mapping[str, str], verify_token: str | None) -> str | None:
    """The challenge to give back as plain text, or None for a caller who does not know the verify token."""
    given = query.get("hub.verify_token", "").encode("utf-8", "replace")
    expected = (verify_token or "").encode()
    if not expected or query.get("hub.mode") != "subscribe" or not hmac.compare_digest(expected, given):
        return None
    return query.get("hub.challenge")
