"""How fast a number may speak: in all, and to one recipient."""

import random
from time import monotonic

# WhatsApp's pair rate: one message in six seconds to one recipient, 45 at once borrowed from the future
PAIR_SECONDS = 6.0
PAIR_BURST = 45

# at most what is sent in this time is claimed ahead: what is claimed and unspoken at a crash is uncertain
CLAIM_AHEAD_SECONDS = 0.1


class Pace:
    """The token bucket of one number. rate: messages per second; holds at most a tenth of a second's worth, at least one."""

    def __init__(self, rate: float) -> None:
        """Start with a full bucket."""
        self.rate = rate
        self._tokens = self._size
        self._at = monotonic()
        self._resting_until = 0.0
        self._pairs: dict[str, tuple[float, float]] = {}

    @property
    def _size(self) -> float:
        return max(1.0, self.rate * CLAIM_AHEAD_SECONDS)

    def room(self) -> int:
        """How many messages may be claimed now."""
        now = monotonic()
        self._tokens = min(self._size, self._tokens + (now - self._at) * self.rate)
        self._at = now
        return 0 if now < self._resting_until else int(self._tokens)

    def take(self, many: int) -> None:
        """So many were claimed."""
        self._tokens -= many

    def wait(self) -> float:
        """Seconds until there is room for one."""
        now = monotonic()
        return max(self._resting_until - now, (1.0 - self._tokens) / self.rate - (now - self._at), 0.0)

    def rest(self, seconds: float) -> None:
        """WhatsApp asked this number to slow down."""
        self._resting_until = max(self._resting_until, monotonic() + seconds)

    def pair_wait(self, recipient: str) -> float:
        """Seconds this recipient must be left alone, 0 if a message may go now; that message is counted."""
        now = monotonic()
        debt, at = self._pairs.get(recipient, (0.0, now))
        debt = max(0.0, debt - (now - at) / PAIR_SECONDS)
        if debt > PAIR_BURST - 1:
            self._pairs[recipient] = (debt, now)
            return (debt - PAIR_BURST + 1) * PAIR_SECONDS
        self._pairs[recipient] = (debt + 1, now)
        if len(self._pairs) > 20_000:
            self._pairs = {r: (d, t) for r, (d, t) in self._pairs.items() if d - (now - t) / PAIR_SECONDS > 0}
        return 0.0


def backoff(attempts: int, longest: float = 300.0) -> float:
    """Seconds before the next try: 1, 2, 4, … with a quarter of jitter."""
    return float(min(longest, 2 ** min(attempts - 1, 16)) * random.uniform(0.75, 1.25))
