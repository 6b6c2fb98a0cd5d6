"""Meta's errors: which code says what, with which HTTP status."""

from typing import Any

from frontdesk.channels.simulator.identifiers import new_trace_id

ERRORS: dict[int, tuple[int, str, str]] = {
    0: (401, "OAuthException", "AuthException"),
    1: (500, "OAuthException", "An unknown error occurred"),
    2: (503, "OAuthException", "Service temporarily unavailable"),
    100: (400, "OAuthException", "Invalid parameter"),
    190: (401, "OAuthException", "Invalid OAuth access token - Cannot parse access token"),
    2500: (400, "OAuthException", "Unknown path components"),
    130429: (429, "OAuthException", "Rate limit hit"),
    130472: (400, "OAuthException", "User's number is part of an experiment"),
    131000: (500, "OAuthException", "Something went wrong"),
    131008: (400, "OAuthException", "Required parameter is missing"),
    131009: (400, "OAuthException", "Parameter value is not valid"),
    131021: (400, "OAuthException", "Recipient cannot be sender"),
    131026: (400, "OAuthException", "Message undeliverable"),
    131047: (400, "OAuthException", "Re-engagement message"),
    131049: (400, "OAuthException", "This message was not delivered to maintain healthy ecosystem engagement."),
    131050: (400, "OAuthException", "User has stopped receiving marketing messages from you on WhatsApp"),
    131051: (400, "OAuthException", "Unsupported message type"),
    131056: (429, "OAuthException", "(Business Account, Consumer Account) pair rate limit hit"),
}
"""Code: HTTP status, type, title. Where Meta's pages and what people measure differ, branch on the code."""

DETAILS: dict[int, str] = {
    130429: "Message failed to send because there were too many messages sent from this phone number in a short period of time",
    130472: "Failed to send message because this user's phone number is part of an experiment",
    131026: "Message Undeliverable.",
    131047: "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
    131049: "This message was not delivered to maintain healthy ecosystem engagement.",
    131050: "User has stopped receiving marketing messages from you on WhatsApp",
    131056: "Message failed to send because there were too many messages sent from this phone number to the same phone number in a short period of time",
}

REFERENCE = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"


class GraphError(Exception):
    """The Graph API refuses; rendered in Meta's envelope."""

    def __init__(self, code: int, details: str = "", *, message: str = "", subcode: int | None = None) -> None:
        """Refuse with Meta's `code`; `message` replaces the code's title."""
        self.code = code
        self.status, self.type, self.title = ERRORS[code]
        self.details = details or DETAILS.get(code, "")
        self.message = message or (self.title if code in (0, 190, 2500) else f"(#{code}) {self.title}")
        self.subcode = subcode
        super().__init__(self.message)


def envelope(error: GraphError) -> dict[str, Any]:
    """The body of a refusal."""
    inside: dict[str, Any] = {"message": error.message, "type": error.type, "code": error.code}
    if error.details:
        inside["error_data"] = {"messaging_product": "whatsapp", "details": error.details}
    if error.subcode is not None:
        inside["error_subcode"] = error.subcode
    return {"error": inside | {"fbtrace_id": new_trace_id()}}


def status_error(code: int) -> dict[str, Any]:
    """The element of `errors` in a failed status."""
    _, _, title = ERRORS[code]
    details = DETAILS.get(code, title)
    return {"code": code, "title": title, "message": title, "error_data": {"details": details}, "href": REFERENCE}
