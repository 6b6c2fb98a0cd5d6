"""What is known of a user's second factors."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

FEW_CODES = 3


@dataclass(frozen=True, slots=True)
class Factors:
    """What a user has beside his password."""

    authenticator_since: datetime | None
    passkeys: int
    recovery_codes_left: int

    @property
    def any(self) -> bool:
        """Whether there is a second factor at all."""
        return self.authenticator_since is not None or self.passkeys > 0

    @property
    def few_codes(self) -> bool:
        """Whether it is time for new recovery codes."""
        return self.any and self.recovery_codes_left <= FEW_CODES


@dataclass(frozen=True, slots=True)
class Authenticator:
    """The authenticator app of a user, as it is kept. `secret`: sealed. `last_step`: the time step of the last code that was used."""

    secret: str
    last_step: int


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """Who proved one factor and owes the second. `proved_by`: what the first one was."""

    user_id: UUID
    email: str
    name: str
    proved_by: str
