"""Asking WhatsApp whether an access token may speak for a number."""

from typing import Literal

import structlog

from frontdesk.channels.cloud_api.client import Answer, Session
from frontdesk.channels.cloud_api.codes import rule
from frontdesk.channels.cloud_api.json_text import Unreadable, load
from frontdesk.channels.cloud_api.parse import failure
from frontdesk.channels.cloud_api.wording import as_dict

Verdict = Literal["proven", "bad token", "not its number", "no answer"]
log = structlog.get_logger()


def number_url(graph_url: str, version: str, phone_number_id: str) -> str:
    """Where WhatsApp shows this number to whoever may speak for it."""
    return f"{graph_url.rstrip('/')}/{version}/{phone_number_id}?fields=id,display_phone_number,verified_name"


async def prove(session: Session, url: str, token: str, phone_number_id: str) -> Verdict:
    """Ask once. Never raises for what a server or the network does; only WhatsApp's own words are an answer."""
    try:
        answer = await session.get(url, token)
    except ValueError:  # its text could show the token
        return "no answer"
    found: Verdict = verdict(answer, phone_number_id) if isinstance(answer, Answer) else "no answer"
    if found == "no answer":
        reason = f"HTTP {answer.status}" if isinstance(answer, Answer) else answer.text
        log.warning("WhatsApp could not be asked about a number", phone_number_id=phone_number_id, reason=reason)
    return found


def verdict(answer: Answer, phone_number_id: str) -> Verdict:
    """What this answer says. Without Meta's form it is perhaps not Meta's, and says nothing."""
    try:
        known = as_dict(load(answer.body))
    except Unreadable:
        return "no answer"
    if type(error := known.get("error")) is dict:
        return _refusal(answer.status, *(failure({"code": error.get(name)})[0] for name in ("code", "error_subcode")))
    if answer.status != 200 or "id" not in known:
        return "no answer"
    return "proven" if known["id"] == phone_number_id else "not its number"


def _refusal(status: int, code: int | None, subcode: int | None) -> Verdict:
    if code in _BAD_TOKEN or (code is None and status == 401):
        return "bad token"
    known = rule(code, subcode)
    busy = code in _BUSY or (known is not None and known.action in ("retry", "slow"))
    return "no answer" if busy or status in (408, 429) or status >= 500 else "not its number"


_BAD_TOKEN = {0, 102, 190, 460, 463, 467}
_BUSY = {17, 32, 613}  # limits of calls that are no limits of sending: of the user, of the page, of the address
