"""Refusals in Stripe's own words."""

from typing import Any, Literal

Kind = Literal["api_error", "card_error", "idempotency_error", "invalid_request_error"]


class StripeError(Exception):
    """The call is refused, and what it did is taken back, unless `keep` says that it stays done (a declined card, for one)."""

    def __init__(
        self, type: Kind, message: str, code: str | None = None, param: str | None = None, status: int = 400, *, keep: bool = False, **more: Any
    ) -> None:  # fmt: skip
        """Refuse with this. more: further fields of the error, such as `decline_code` or `payment_intent`."""
        super().__init__(message)
        self.status = status
        self.keep = keep
        told = {"code": code, "message": message, "param": param, "type": type, **more}
        self.error = {name: value for name, value in told.items() if value is not None}


def missing(kind: str, id: str, param: str = "id", status: int = 400) -> StripeError:
    """There is no such object."""
    return StripeError("invalid_request_error", f"No such {kind.replace('_', ' ')}: '{id}'", "resource_missing", param, status)


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    """A parameter cannot be taken as it is."""
    return StripeError("invalid_request_error", message, code, param)
