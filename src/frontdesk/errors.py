"""Errors that a user may see: the docstring is the message, the class carries the HTTP status."""


class FrontdeskError(Exception):
    """Something went wrong."""

    status = 500
    title: str | None = None  # the headline of its page, where the one of its status says too little

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        """Take the class's docstring as the message unless a more exact one is given; `field` names the input at fault."""
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.field = field


class NotSignedIn(FrontdeskError):
    """Nobody knows who asks."""

    status = 401


class BadInput(FrontdeskError):
    """Something in the form is not right."""

    status = 422


class LimitReached(FrontdeskError):
    """Your plan's limit is reached."""

    status = 402


class NotAllowed(FrontdeskError):
    """Your role does not allow this."""

    status = 403


class NotFound(FrontdeskError):
    """There is nothing here."""

    status = 404


class Conflict(FrontdeskError):
    """Somebody changed this at the same time. Load the page again."""

    status = 409


class TooManyRequests(FrontdeskError):
    """Too many tries. Wait a little and try again."""

    status = 429


class Unavailable(FrontdeskError):
    """Frontdesk cannot do this at the moment. Try again in a minute."""

    status = 503
