"""Compiled rules by organization, kept until PostgreSQL says that they have changed. Nothing here reads or writes anything."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from frontdesk.auto_replies.records import Rulebook

MOST: Final = 1_000  # changes that one look hears of: after more, everything is read again


@dataclass(frozen=True, slots=True)
class House:
    """An organization as its rules see it."""

    name: str
    book: Rulebook


class Mark(NamedTuple):
    """How far a look into PostgreSQL went: all transactions before this one had ended then. Numbers of two eras are not comparable."""

    era: int
    transaction: int


class Edition(NamedTuple):
    """What was read. as_of: it contains whatever transactions before this one have changed, and perhaps more."""

    as_of: int
    house: House


class Shelf:
    """Compiled rules by organization, which is its id as a number. room: how many rules in all.

    Every look asks for all changes since the furthest look that was heard (`seen`), and so knows, together with those before, every change
    that it could see since an edition was put here. Looks of several batches are heard in any order: an edition that is older than a change
    that was heard is not kept, whenever it comes.
    """

    def __init__(self, room: int = 20_000, most: int = MOST) -> None:
        """Start empty."""
        self._room, self._used, self._most = room, 0, most
        self._books: OrderedDict[int, Edition] = OrderedDict()
        self._run, self.seen = "", Mark(0, 0)
        self._heard: dict[int, int] = {}  # the last transaction known to have changed an organization, of all since:
        self._since = 0

    def hear(self, asked: Mark, run: str, transaction: int, changed: Mapping[int, int]) -> Mark:
        """Drop what has changed since `asked`, which was `seen` when the look was asked for. Returns how far the look went, for `put`.

        run: which run of which database answered: after a crash of PostgreSQL numbers of transactions are used again. changed: the transaction
        that changed an organization last, of more than `most` organizations if nobody knows which.
        """
        if run != self._run:
            self._run, self.seen = run, Mark(self.seen.era + 1, 0)
        now = Mark(self.seen.era, transaction)
        self.seen = max(self.seen, now)
        if asked.era != now.era or len(changed) > self._most:
            self._forget()
            return now
        for organization, by in changed.items():
            self._change(organization, by)
        if len(self._heard) > self._most:
            self._since = self.seen.transaction  # whatever is not older the next looks tell again
            self._heard.clear()
        return now

    def take(self, organization: int) -> House | None:
        """What is kept, and true for the look that was heard last; None if nothing is."""
        kept = self._books.get(organization)
        if kept is None:
            return None
        self._books.move_to_end(organization)
        return kept.house

    def put(self, organization: int, as_of: Mark, house: House) -> House:
        """Keep these rules, read after the look that went so far, unless a change was heard of that they may not contain."""
        known = max(self._since - 1, self._heard.get(organization, 0))
        if as_of.era == self.seen.era and as_of.transaction > known:
            self._drop(organization)
            self._books[organization] = Edition(as_of.transaction, house)
            self._used += len(house.book.rules) + 1
            while self._used > self._room and len(self._books) > 1:
                self._drop(next(iter(self._books)))
        return house

    def _change(self, organization: int, by: int) -> None:
        self._heard[organization] = by = max(by, self._heard.get(organization, 0))
        kept = self._books.get(organization)
        if kept and kept.as_of <= by:
            self._drop(organization)

    def _forget(self) -> None:
        self._books.clear()
        self._heard.clear()
        self._used, self._since = 0, self.seen.transaction

    def _drop(self, organization: int) -> None:
        kept = self._books.pop(organization, None)
        if kept:
            self._used -= len(kept.house.book.rules) + 1
