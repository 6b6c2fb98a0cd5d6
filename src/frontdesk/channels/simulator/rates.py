"""WhatsApp's two rates: so many messages a second from one number, and so many to one person."""

from dataclasses import dataclass

from frontdesk.channels.simulator.graph_errors import GraphError
from frontdesk.channels.simulator.records import Limits

MANY_PAIRS = 100_000


@dataclass(slots=True)
class Bucket:
    """A token bucket: `size` at once, `per_second` after that."""

    size: float
    per_second: float
    level: float
    at: float

    def has(self, now: float) -> bool:
        """Whether one more fits at `now` (seconds of a clock that only rises)."""
        self.level = min(self.size, self.level + (now - self.at) * self.per_second)
        self.at = now
        return self.level >= 1


class Rates:
    """The buckets of every number and of every pair of number and person."""

    def __init__(self, usual: Limits) -> None:
        """Start with every bucket full; `usual` holds for numbers without limits of their own."""
        self.usual = usual
        self.own: dict[str, Limits] = {}
        self._numbers: dict[str, Bucket] = {}
        self._pairs: dict[tuple[str, str], Bucket] = {}

    def of(self, phone_number_id: str) -> Limits:
        """The limits of this number."""
        return self.own.get(phone_number_id, self.usual)

    def change(self, phone_number_id: str, limits: Limits | None) -> None:
        """Give this number limits of its own, or the usual ones again, and full buckets."""
        self.own.pop(phone_number_id, None)
        if limits:
            self.own[phone_number_id] = limits
        self._numbers.pop(phone_number_id, None)
        for pair in [pair for pair in self._pairs if pair[0] == phone_number_id]:
            del self._pairs[pair]

    def take(self, phone_number_id: str, person: str, now: float) -> None:
        """Count one message. Raises GraphError 130429 or 131056 if it comes too soon; then nothing is counted."""
        limits = self.of(phone_number_id)
        number = self._numbers.get(phone_number_id)
        if number is None:
            size = max(1.0, limits.per_second)
            number = self._numbers[phone_number_id] = Bucket(size, limits.per_second, size, now)
        pair = self._pairs.get((phone_number_id, person))
        if pair is None:
            pair = self._pairs[phone_number_id, person] = Bucket(limits.pair_burst, 1 / limits.pair_seconds, limits.pair_burst, now)
        if not number.has(now):
            raise GraphError(130429)
        if not pair.has(now):
            raise GraphError(131056)
        number.level -= 1
        pair.level -= 1
        if len(self._pairs) > MANY_PAIRS:
            self._forget_full(now)

    def _forget_full(self, now: float) -> None:
        for key in [key for key, bucket in self._pairs.items() if bucket.has(now) and bucket.level >= bucket.size]:
            del self._pairs[key]
