"""A line to Stripe that can be cut at any step of a way."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import stripe

from frontdesk.billing import Money, StripeAway
from frontdesk.billing.stripe_api import Line
from tests.billing.simulator.stage import KEY

MOST = 40  # calls that any way makes


class Wire(stripe.HTTPXClient):
    """The line to Stripe: cut after so many calls, before the next one leaves, or before its answer comes."""

    left, loses_answers = MOST, False

    async def request_async(self, *args: Any, **kwargs: Any) -> Any:
        if self.left <= 0 and not self.loses_answers:
            raise stripe.APIConnectionError("the line is cut", should_retry=False)
        answer = await super().request_async(*args, **kwargs)
        self.left -= 1
        if self.left < 0:
            raise stripe.APIConnectionError("the answer was lost", should_retry=False)
        return answer


async def cut_everywhere(wire: Wire, way: Callable[[], Awaitable[Any]]) -> Any:
    """Go this way with the line cut after no call, after one, after two, until it is long enough; what came of it in the end."""
    for calls in range(MOST):
        wire.left = calls
        try:
            found = await way()
        except StripeAway:
            continue
        assert calls
        wire.left = MOST
        return found
    raise AssertionError("this way has no end")


@asynccontextmanager
async def wiring(money: Money, url: str, loses_answers: bool) -> AsyncIterator[tuple[Money, Wire]]:
    """The same way to Stripe over a line that can be cut."""
    wire = Wire()  # type: ignore[no-untyped-call]  # the library's
    wire.loses_answers = loses_answers
    yield replace(money, line=Line(KEY, url, wire)), wire
    await wire.close_async()  # type: ignore[no-untyped-call]  # the library's
