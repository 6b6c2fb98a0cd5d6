"""Whose turn it is: whoever waits longest, and nobody who may not speak yet."""

import asyncio
from time import monotonic

import pytest

from frontdesk.channels import Lane
from frontdesk.database import new_id
from frontdesk.outbound.turns import Turns

A, B, C = (Lane(new_id(), new_id()) for _ in range(3))


def test_whoever_waits_longest_comes_first_and_after_a_turn_last() -> None:
    turns = Turns()
    turns.wake([A, B])
    turns.wake([C, A])  # being woken again is no second turn
    assert turns.first(2) == [A, B]
    turns.leave(A)
    turns.wake([A])
    assert turns.first(3) == [B, C, A]


def test_whoever_rests_is_not_looked_at_however_often_it_is_woken() -> None:
    turns = Turns()
    turns.wake([A, B])
    turns.rest(A, 3600)
    turns.wake([A])
    assert turns.first(3) == [B]


async def test_after_a_rest_it_queues_behind_the_others() -> None:
    turns = Turns()
    turns.wake([A, B])
    turns.rest(A, 0.02)
    turns.leave(B)
    async with asyncio.timeout(5):
        await turns.some()  # nobody has to be woken for it
    turns.wake([C])
    while A not in turns.first(3):
        await asyncio.sleep(0.001)
    assert turns.first(3) == [C, A]


async def test_it_waits_while_nothing_waits() -> None:
    turns = Turns()
    asyncio.get_running_loop().call_later(0.02, turns.wake, [A])
    began = monotonic()
    async with asyncio.timeout(5):
        await turns.some()
    assert monotonic() - began >= 0.01 and turns.first(3) == [A]
    turns.leave(A)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await turns.some()
