"""Rings when something waits on a lane: at once for the roads of this process, by one notice for those of others."""

from collections.abc import Callable, Iterable
from typing import Any

from frontdesk.live import Live

Answer = Callable[[Iterable[Any]], None]


class Bell:
    """Directions are "in" and "out"."""

    def __init__(self, live: Live) -> None:
        """Nobody answers yet."""
        self._live = live
        self._here: dict[str, Answer] = {}

    def answer(self, direction: str, answer: Answer) -> None:
        """From now on this road answers in this process, and is told of the lanes."""
        self._here[direction] = answer

    def ring(self, direction: str, lanes: Iterable[Any]) -> None:
        """Something waits on these lanes."""
        if here := self._here.get(direction):
            here(lanes)
        else:
            self._live.wake(direction)
