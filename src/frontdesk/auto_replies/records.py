"""Rules that answer by themselves, and which of them answers a question. Nothing here reads or writes anything."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from frontdesk.auto_replies.folding import contains, fold, runs, starts_with, trim

Trigger = Literal["keyword", "first_contact", "fallback"]
Match = Literal["exact", "contains", "starts_with"]
LONGEST_QUESTION = 4096  # characters read of a message: more WhatsApp does not carry
NOBODY: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule as somebody wants it to be.

    cooldown_seconds: how long it must not repeat itself to one contact; 0 for no such wait.
    """

    name: str
    trigger: str
    match: str | None
    keywords: tuple[str, ...]
    reply: str
    cooldown_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One auto reply as it is stored."""

    id: UUID
    name: str
    trigger: Trigger
    match: Match | None
    keywords: Collection[str]
    reply: str
    cooldown_seconds: int = 0
    enabled: bool = True
    position: int = 0
    answered_count: int = 0
    last_answered_at: datetime | None = None
    held_back: Literal["over_limit", "read_only"] | None = None  # it does not answer as it says: over the plan's limit; or unpaid, and it hands over


class Question:
    """What a contact asks. `text` is None where there are no words to read, as in a photo or a voice message."""

    __slots__ = ("cooling", "first_contact", "folded", "runs", "trimmed")

    def __init__(self, text: str | None, *, first_contact: bool = False, cooling: Collection[UUID] = NOBODY) -> None:
        """`cooling`: the rules that answered this contact too recently to do so again."""
        self.folded = fold(text[:LONGEST_QUESTION]) if text else ""
        self.trimmed, self.runs = trim(self.folded), set(runs(self.folded))
        self.first_contact, self.cooling = first_contact, cooling


class Keyword(NamedTuple):
    """A keyword as written, and as it is compared."""

    written: str
    folded: str


class Rulebook:
    """The rules of one organization, compiled: asked from top to bottom, fallbacks always last."""

    __slots__ = ("_always", "_by_run", "cools_down", "keywords", "rules")

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Compile; a rule that is switched off keeps its number and is never asked."""
        self.rules = tuple(sorted(rules, key=lambda rule: (rule.trigger == "fallback", rule.position, rule.id)))
        self.keywords = tuple(_compiled(rule) for rule in self.rules)
        self.cools_down = any(rule.cooldown_seconds for rule in self.rules)
        self._by_run: dict[str, list[int]] = {}
        self._always: list[int] = []
        self._index()

    def candidates(self, question: Question) -> list[int]:
        """The rules worth asking, in order: all that can fit are among them."""
        found = set(self._always)
        for run in self._by_run.keys() & question.runs:
            found.update(self._by_run[run])
        return sorted(found)

    def fits(self, at: int, question: Question) -> bool:
        """Whether this rule, asked, would answer."""
        rule = self.rules[at]
        return rule.enabled and rule.id not in question.cooling and self.applies(at, question)

    def applies(self, at: int, question: Question) -> bool:
        """Whether the trigger of this rule is given, whatever its switch and its cooldown say."""
        match self.rules[at].trigger:
            case "keyword":
                return self.found(at, question) is not None
            case "first_contact":
                return question.first_contact
            case _:
                return True

    def found(self, at: int, question: Question) -> str | None:
        """The first keyword of this rule that the question meets, as it was written."""
        kind = self.rules[at].match
        for word in self.keywords[at]:
            if _meets(kind, question, word.folded):
                return word.written
        return None

    def _index(self) -> None:
        asked = [(at, rule, [runs(word.folded) for word in self.keywords[at]]) for at, rule in enumerate(self.rules) if rule.enabled]
        common = Counter(run for _, _, words in asked for known in words for run in known)
        for at, rule, words in asked:
            if rule.trigger != "keyword" or not all(words):
                self._always.append(at)
            for known in filter(None, words):
                rarest = min(known, key=lambda run: (common[run], -len(run)))
                self._by_run.setdefault(rarest, []).append(at)


class Reason(NamedTuple):
    """Why a rule answers, is passed over or was not asked. outcome: "answers", "passes" or "unasked"."""

    rule: Rule
    number: int
    outcome: Literal["answers", "passes", "unasked"]
    text: str


class Verdict(NamedTuple):
    """Which rule answers a question."""

    book: Rulebook
    question: Question
    at: int | None

    @property
    def rule(self) -> Rule | None:
        """The rule that answers, if any."""
        return None if self.at is None else self.book.rules[self.at]

    @property
    def reasons(self) -> list[Reason]:
        """One for each rule, in the order in which they are asked."""
        return list(_reasons(self))


def choose(rules: Rulebook, question: Question) -> Verdict:
    """The first rule that fits. The engine and the tester both ask here, so the tester never lies."""
    for at in rules.candidates(question):
        if rules.fits(at, question):
            return Verdict(rules, question, at)
    return Verdict(rules, question, None)


def _compiled(rule: Rule) -> tuple[Keyword, ...]:
    words = (Keyword(word, trim(fold(word))) for word in rule.keywords) if rule.trigger == "keyword" else ()
    return tuple(word for word in words if word.folded)


def _meets(kind: Match | None, question: Question, wanted: str) -> bool:
    if not question.folded:
        return False
    if kind == "exact":
        return question.trimmed == wanted
    if kind == "starts_with":
        return starts_with(question.trimmed, wanted) or starts_with(question.folded, wanted)
    return contains(question.folded, wanted)


def _reasons(verdict: Verdict) -> Iterator[Reason]:
    book, question, at = verdict
    for here, rule in enumerate(book.rules):
        if not rule.enabled:
            yield Reason(rule, here + 1, "unasked", "switched off")
        elif at is not None and here > at:
            yield Reason(rule, here + 1, "unasked", f"not asked, because rule {at + 1} answers")
        elif here == at:
            yield Reason(rule, here + 1, "answers", _why_it_applies(book, here, question))
        else:
            yield Reason(rule, here + 1, "passes", _why_not(book, here, question))


def _why_it_applies(book: Rulebook, at: int, question: Question) -> str:
    rule, word = book.rules[at], book.found(at, question)
    match rule.trigger, rule.match:
        case "keyword", "exact":
            return f"is “{word}” and nothing else"
        case "keyword", "starts_with":
            return f"starts with “{word}”"
        case "keyword", _:
            return f"contains “{word}”"
        case "first_contact", _:
            return "this contact writes for the first time"
        case _:
            return "no other rule answers"


def _why_not(book: Rulebook, at: int, question: Question) -> str:
    rule = book.rules[at]
    if book.applies(at, question):
        return f"{_why_it_applies(book, at, question)}, but it has answered this contact too recently"
    if rule.trigger == "first_contact":
        return "this contact has written before"
    if not question.folded:
        return "there are no words to read"
    return _missing(rule)


def _missing(rule: Rule) -> str:
    words = list(rule.keywords)
    one = f"“{words[0]}”" if len(words) == 1 else ""
    if rule.match == "exact":
        return f"the message is not exactly {one}" if one else f"the message is none of its {len(words)} texts"
    if rule.match == "starts_with":
        return f"the message does not start with {one}" if one else f"the message starts with none of its {len(words)} words"
    return f"{one} is not in the message" if one else f"none of its {len(words)} words is in the message"
