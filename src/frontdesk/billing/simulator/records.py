"""What the simulated Stripe is told at its start, and what it knows about the call that it is answering."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

KEY_PREFIX = "sk_test_simulator"
"""Every secret key that begins like this opens the simulated account; no other does."""

API_VERSION = "2026-10-28.endive"
"""The one version of Stripe's API that the simulator speaks: that of the library which it was held against."""

OWN = "we_simulatorsown"
"""The endpoint that the product was mounted with."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the simulator delivers webhooks; seconds of the real clock, whatever the simulated one says."""

    webhook_timeout: float = 10.0
    retry_first: float = 1.0
    """The wait before the first retry; it doubles up to `retry_longest`. Stripe lets hours pass; here somebody watches."""
    retry_longest: float = 15.0
    give_up_after: float = 3 * 86400.0
    """Stripe tries for three days. Source: https://docs.stripe.com/webhooks#retries"""


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Everything the simulated Stripe needs to know; the product hands it over when it mounts the simulator."""

    public_url: str = "http://127.0.0.1:3002/simulator/stripe"
    """Where browsers find its hosted pages."""
    store_path: Path | None = None
    """The SQLite file; None keeps everything in memory."""
    webhook_url: str | None = None
    """Where events go from the beginning, without anybody having made an endpoint; None sends none."""
    webhook_secret: str = ""
    """What signs those. Endpoints made through the API have secrets of their own."""
    time_passes: Callable[[int, int], Awaitable[None]] | None = None
    """Told by how many seconds the clock is about to be turned and what it shows then, each time that somebody who watches turns it."""
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class Call:
    """The call that is being answered, as far as objects show it: events name it, lists name their address."""

    method: str = "POST"
    path: str = ""
    request_id: str | None = None
    idempotency_key: str | None = None
