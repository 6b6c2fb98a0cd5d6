"""Speaking: one claim, one request, one result; never a second request for what may have been sent."""

from datetime import UTC, datetime

import orjson
import structlog

from frontdesk.channels import Accepted, CannotSay, Leased, Outcome, Refused, Session, Uncertain, Unreached, request, speak
from frontdesk.outbound.pacing import Pace, backoff
from frontdesk.outbound.records import Claim, Result

MOST_ATTEMPTS = 8
WINDOW_CLOSED = "Not sent: the 24 hours after the contact's last message are over. WhatsApp now only takes an approved template."
MAY_HAVE_BEEN_SENT = "It is not known whether this message was sent: handing it over went wrong ({error}). Look at the phone before you send it again."
log = structlog.get_logger()


async def deliver(session: Session, endpoint: str, token: str, leased: Leased, pace: Pace, claim: Claim) -> Result | None:
    """Send a claimed message. None: it may or may not have been sent; the claim stays until a status or the clock settles it.

    Never raises: what goes wrong before the request fails the message, what goes wrong from then on leaves it unknown.
    """
    if claim.window_ends_at is not None and claim.window_ends_at < datetime.now(UTC):
        return Result(claim, "failed", error_text=WINDOW_CLOSED)
    if wait := pace.pair_wait(claim.recipient):
        return Result(claim, "again", wait=wait, counts=False)
    try:
        body = request(leased.channel, orjson.loads(claim.content), claim.recipient, claim.id)
    except Exception as error:  # it will not go any better next time
        log.error("a message cannot be put into its channel's form", message=str(claim.id), exc_info=error)
        return Result(claim, "failed", error_text=f"Not sent: this number cannot say it ({_why(error)}).")
    try:
        return _result(claim, await speak(session, endpoint, token, body), pace)
    except Exception as error:  # nobody knows how far it came
        log.error("handing a message over went wrong", message=str(claim.id), exc_info=error)
        return Result(claim, "unknown", error_text=MAY_HAVE_BEEN_SENT.format(error=type(error).__name__))


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, CannotSay) else type(error).__name__


def _result(claim: Claim, outcome: Outcome, pace: Pace) -> Result | None:
    match outcome:
        case Accepted(provider_message_id=provider_id):
            return Result(claim, "accepted", provider_message_id=provider_id)
        case Uncertain():
            return None
        case Unreached(text=text):
            return _again(claim, None, text, backoff(claim.attempts))
        case Refused(code=code, text=text, action="fail"):
            return Result(claim, "failed", error_code=code, error_text=text)
        case Refused(code=code, text=text, action="stop"):
            return Result(claim, "again", error_code=code, error_text=text, counts=False)
        case Refused(code=code, text=text, action="pair"):
            return _again(claim, code, text, float(4 ** min(claim.attempts, 6)))
        case Refused(code=code, text=text, action=action, retry_after=after):
            wait = after or backoff(claim.attempts)
            if action == "slow":
                pace.rest(wait)
            return _again(claim, code, text, wait)


def _again(claim: Claim, code: int | None, text: str, wait: float) -> Result:
    if claim.attempts >= MOST_ATTEMPTS:
        return Result(claim, "failed", error_code=code, error_text=f"Given up after {claim.attempts} tries. {text}")
    return Result(claim, "again", error_code=code, error_text=text, wait=wait)
