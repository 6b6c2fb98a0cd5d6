"""One metric of an organization, and the words for it."""

from dataclasses import dataclass

NEARLY = 0.8  # of a limit: from here on it is worth a look

# What a sentence calls a metric: one of it, several of it.
NOUNS = {
    "auto_replies": ("auto reply", "auto replies"),
    "campaigns": ("campaign a month", "campaigns a month"),
    "channels": ("channel", "channels"),
    "contacts": ("contact", "contacts"),
    "members": ("member", "members"),
    "messages_received": ("received message a month", "received messages a month"),
    "messages_sent": ("sent message a month", "sent messages a month"),
}


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a metric is used now.

    kind: "period" is counted by calendar month, "level" is how many there are. allowed: None is no limit.
    """

    metric: str
    kind: str
    used: int
    allowed: int | None

    @property
    def share(self) -> float:
        """How much of the limit is used: 0 to 1, or above where a smaller plan was chosen later; 0 without a limit."""
        if self.allowed is None:
            return 0.0
        return self.used / self.allowed if self.allowed else 1.0

    @property
    def nearly_full(self) -> bool:
        """Whether the limit is close or passed."""
        return self.allowed is not None and self.share >= NEARLY

    @property
    def full(self) -> bool:
        """Whether nothing more fits."""
        return self.allowed is not None and self.used >= self.allowed


def amount_of(metric: str, amount: int) -> str:
    """`1 channel`, `5,000 sent messages a month`."""
    one, several = NOUNS.get(metric, (metric, metric))
    return f"{amount:,} {one if amount == 1 else several}"
