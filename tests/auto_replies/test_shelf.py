"""What is kept of the rules of organizations is what every look could see, in whatever order looks and readings are heard."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from frontdesk.auto_replies import Rule, Rulebook
from frontdesk.auto_replies.shelf import House, Mark, Shelf
from frontdesk.database import new_id

RUN = "the first run"


def house(rules: int = 1, name: str = "Shop") -> House:
    return House(name, Rulebook(Rule(new_id(), f"{n}", "fallback", None, (), "x") for n in range(rules)))


def started(transaction: int = 10, **more: int) -> tuple[Shelf, Mark]:
    """A shelf that has heard its first look."""
    shelf = Shelf(**more)
    return shelf, shelf.hear(shelf.seen, RUN, transaction, {})


def test_a_shelf_keeps_what_was_asked_last_within_its_room() -> None:
    shelf, mark = started(room=10)
    kept = shelf.put(1, mark, house(3))
    shelf.put(2, mark, house(3))
    assert shelf.take(1) is kept
    shelf.put(3, mark, house(3))
    assert [shelf.take(one) is not None for one in (1, 2, 3)] == [True, False, True]
    newer = shelf.put(1, mark, house(4))
    assert shelf.take(1) is newer
    huge = shelf.put(2, mark, house(100))
    assert shelf.take(2) is huge and shelf.take(1) is None


def test_what_has_changed_is_dropped_and_kept_again_once_read_after_the_change_had_ended() -> None:
    shelf, mark = started()
    shelf.put(1, mark, house())
    shelf.put(2, mark, house())
    mark = shelf.hear(shelf.seen, RUN, 10, {1: 12})  # 10 still runs: what is read now need not contain what 12 has done to others
    assert shelf.take(1) is None and shelf.take(2) is not None
    shelf.put(1, mark, house())
    assert shelf.take(1) is None
    shelf.put(1, shelf.hear(shelf.seen, RUN, 13, {1: 12}), house())
    shelf.hear(shelf.seen, RUN, 13, {1: 12})  # told again
    assert shelf.take(1) is not None


def test_what_was_read_before_a_change_that_somebody_else_heard_of_is_not_kept() -> None:
    shelf, early = started()
    shelf.hear(shelf.seen, RUN, 15, {1: 12})
    shelf.put(1, early, house())
    shelf.put(2, early, house())
    assert shelf.take(1) is None and shelf.take(2) is not None


def test_an_older_look_that_is_heard_late_takes_nothing_back() -> None:
    shelf, _ = started()
    asked = shelf.seen
    older = shelf.hear(asked, RUN, 13, {1: 12})
    newer = shelf.hear(asked, RUN, 20, {1: 15})
    shelf.hear(asked, RUN, 13, {1: 12})
    shelf.put(1, older, house())
    assert shelf.take(1) is None and shelf.seen == newer
    kept = shelf.put(1, newer, house())
    shelf.hear(asked, RUN, 13, {1: 12})
    assert shelf.take(1) is kept


def test_too_many_changes_are_heard_as_a_change_of_everything() -> None:
    shelf, early = started(most=2)
    shelf.put(9, early, house())
    late = shelf.hear(shelf.seen, RUN, 20, {1: 12, 2: 13, 3: 14})
    assert shelf.take(9) is None
    shelf.put(9, early, house())
    assert shelf.take(9) is None
    shelf.put(9, late, house())
    assert shelf.take(9) is not None


def test_after_a_crash_everything_is_read_again_although_numbers_have_gone_back() -> None:
    shelf, before = started(100)
    shelf.put(1, before, house())
    asked = shelf.seen
    after = shelf.hear(asked, "the second run", 90, {})
    assert shelf.take(1) is None and shelf.seen == after
    shelf.put(1, before, house())
    assert shelf.take(1) is None
    shelf.put(1, after, house())
    shelf.hear(asked, "the second run", 91, {})  # asked for what came after 100, before anybody knew
    assert shelf.take(1) is None


def test_what_is_remembered_of_changes_stays_small() -> None:
    shelf, early = started(most=100)
    for n in range(10, 1_000):
        late = shelf.hear(shelf.seen, RUN, n + 1, {n: n})
    assert len(shelf._heard) <= 100
    shelf.put(10, early, house())
    assert shelf.take(10) is None
    shelf.put(10, late, house())
    assert shelf.take(10) is not None


@dataclass
class Server:
    """PostgreSQL as far as it matters: transactions that end in any order, snapshots that see those that have, and crashes after which numbers go back."""

    chance: Random
    run: int = 1
    next_id: int = 3
    running: dict[int, int | None] = field(default_factory=dict)  # the organization that each has changed, locked until it ends
    version: dict[int, int] = field(default_factory=dict)  # how often an organization was changed
    changed: dict[int, int] = field(default_factory=dict)

    def begin(self) -> None:
        self.running[self.next_id] = None
        self.next_id += 1

    def change(self) -> None:
        organization = self.chance.randrange(4)
        idle = [one for one, has in self.running.items() if has is None]
        if idle and organization not in self.running.values():
            self.running[self.chance.choice(idle)] = organization

    def end(self) -> None:
        if self.running:
            by = self.chance.choice(list(self.running))
            organization = self.running.pop(by)
            if organization is not None and self.chance.random() < 0.8:
                self.version[organization] = self.version.get(organization, 0) + 1
                self.changed[organization] = by

    def crash(self) -> None:
        if self.chance.random() < 0.1:
            self.run, self.next_id = self.run + 1, max(self.changed.values(), default=2) + 1
            self.running.clear()

    def oldest(self) -> int:
        return min(self.running, default=self.next_id)


class Reader:
    """A batch: asks for a look, hears it, reads what is not kept, and keeps it; anything may happen between two of these."""

    def __init__(self, shelf: Shelf, server: Server) -> None:
        self.shelf, self.server, self.next = shelf, server, self.look

    next: Callable[[], None]

    def look(self) -> None:
        self.asked = self.shelf.seen
        self.next = self.answered

    def answered(self) -> None:
        changed = [(one, by) for one, by in self.server.changed.items() if by >= self.asked.transaction]
        self.answer = str(self.server.run), self.server.oldest(), dict(changed[: self.shelf._most + 1]), dict(self.server.version)
        self.next = self.hear

    def hear(self) -> None:
        run, oldest, changed, visible = self.answer
        self.mark = self.shelf.hear(self.asked, run, oldest, changed)
        kept = {one: self.shelf.take(one) for one in range(4)}
        self.missing = [one for one, found in kept.items() if found is None]
        assert all(int(found.name) >= visible.get(one, 0) for one, found in kept.items() if found), "an answer by rules that had changed"
        self.next = self.read

    def read(self) -> None:
        self.found = {one: self.server.version.get(one, 0) for one in self.missing}
        self.next = self.keep

    def keep(self) -> None:
        for one, version in self.found.items():
            self.shelf.put(one, self.mark, house(0, str(version)))
        self.next = self.look


@given(st.integers(), st.sampled_from([1, 2, 100]))
def test_no_order_of_changes_looks_and_readings_lets_a_stale_rule_answer(seed: int, most: int) -> None:
    chance = Random(seed)
    server, shelf = Server(chance), Shelf(most=most)
    readers = [Reader(shelf, server) for _ in range(3)]
    for _ in range(300):
        chance.choice([server.begin, server.change, server.end, server.crash, *(reader.next for reader in readers)])()
