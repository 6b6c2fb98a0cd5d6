"""How much of what waits the next batch takes, and how long it waits for more."""

from collections.abc import Callable
from uuid import UUID

import pytest

from frontdesk.channels import Lane
from frontdesk.inbound import parts
from frontdesk.inbound.parts import DELIVERIES_AT_ONCE, LANES_AT_ONCE, LANES_SHARE, LINGER_MOST, LULL, Part
from frontdesk.inbound.records import Told

LANES = [Lane(UUID(int=1), UUID(int=n)) for n in range(1, 2 * LANES_AT_ONCE)]


def told(deliveries: int, lanes: int = 1) -> Told:
    return Told(dict.fromkeys(range(lanes), deliveries // lanes), deliveries, frozenset(), 0, frozenset(), ())


class Clock:
    """Time that passes only while somebody sleeps; meanwhile something may happen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.meanwhile = 1000.0, list[Callable[[], None]]()
        monkeypatch.setattr(parts, "monotonic", lambda: self.now)
        monkeypatch.setattr(parts.asyncio, "sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.meanwhile:
            self.meanwhile.pop()()

    async def lingered(self, part: Part, deliveries: int) -> float:
        began = self.now
        await part.linger(deliveries)
        return round(self.now - began, 6)


def test_a_batch_takes_the_lanes_that_have_waited_longest_and_leaves_the_rest() -> None:
    part = Part(0)
    part.wake(LANES)
    assert part.pick() == LANES[:LANES_AT_ONCE] == list(part.telling)
    part.wake(LANES[:1])
    assert part.pick() == [*LANES[LANES_AT_ONCE:], LANES[0]]


def test_after_a_full_batch_few_more_lanes_are_named_than_it_came_to_and_each_gets_its_share() -> None:
    part = Part(0)
    part.wake(LANES)
    part.learn(told(DELIVERIES_AT_ONCE, lanes=20))
    assert part.crowded and len(part.pick()) == 30
    assert (part.share(30), part.share(4)) == (max(LANES_SHARE, DELIVERIES_AT_ONCE // 30), DELIVERIES_AT_ONCE // 4)
    part.learn(told(5))
    assert part.crowded and len(part.pick()) == LANES_AT_ONCE


async def test_nobody_waits_for_more_after_a_quiet_batch_a_full_one_or_while_much_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, part = Clock(monkeypatch), Part(0)
    assert [await clock.lingered(part, told) for told in (0, DELIVERIES_AT_ONCE)] == [0, 0]
    part.wake(LANES)
    assert await clock.lingered(part, 500) == 0


async def test_more_is_waited_for_as_long_as_it_arrives_and_no_longer_than_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, part = Clock(monkeypatch), Part(0)
    assert await clock.lingered(part, 900) == LULL
    clock.meanwhile = [lambda: part.ring(LANES[0])] * 2
    assert await clock.lingered(part, 900) == round(3 * LULL, 6)
    clock.meanwhile = [lambda: part.ring(LANES[0])] * 100
    assert await clock.lingered(part, 900) == LINGER_MOST
    assert await clock.lingered(part, 5) == 0.003
