"""What stands in the log, what is asked of it, and what a look at its chain finds. Imports nothing of ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

FROM_TO = {"from", "to"}


@dataclass(frozen=True, slots=True)
class Fault:
    """Where one organization's chain breaks. `fault` begins with changed, missing or inserted."""

    slug: str
    seq: int
    fault: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many entries were looked at, and every place where a chain breaks."""

    entries: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Break:
    """Where a member's walk along the chain stopped. kind: changed, missing, replaced, missing_end, added or unknown_end."""

    seq: int
    kind: str


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk along one organization's chain. last: the entry it has come to; ends_at: the entry with which the log must end."""

    last: int
    entries: int
    ends_at: int
    over: bool
    breaks: tuple[Break, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log: who did what to what, when, and from where."""

    seq: int
    created_at: datetime
    actor_kind: str
    actor_id: UUID | None
    actor_name: str
    action: str
    target_type: str | None
    target_id: str | None
    details: Mapping[str, Any]
    address: str | None
    user_agent: str | None
    request_id: str | None
    hash: str

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """The fields that changed, each with what it was and what it is."""
        changed = self.details.get("changed")
        found = dict(changed) if isinstance(changed, Mapping) else {}
        if self.details.keys() >= FROM_TO:  # entries of the first version
            found["value"] = self.details
        elif {"before", "after"} <= self.details.keys():
            found["value"] = {"from": self.details["before"], "to": self.details["after"]}
        return {str(name): (one.get("from"), one.get("to")) for name, one in found.items() if isinstance(one, Mapping)}

    @property
    def facts(self) -> dict[str, Any]:
        """What else the entry tells."""
        told = {"changed", "before", "after"} | (FROM_TO if self.details.keys() >= FROM_TO else set())
        return {name: value for name, value in self.details.items() if name not in told}

    @property
    def who(self) -> str:
        """The actor as the address of the page names it: `user:<id>`, or the kind alone for who has no id."""
        return f"{self.actor_kind}:{self.actor_id}" if self.actor_id else self.actor_kind

    @property
    def thing(self) -> str | None:
        """The target as the address of the page names it, or None."""
        return f"{self.target_type}:{self.target_id}" if self.target_type and self.target_id else None


@dataclass(frozen=True, slots=True)
class Doer:
    """Somebody who did something in an organization, by the name of his newest entry."""

    kind: str
    id: UUID
    name: str

    @property
    def who(self) -> str:
        """As the address of the page names it."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Question:
    """Which entries are wanted. since is in it, until is not; actions: any of them; words: all must occur somewhere in the entry."""

    actor: tuple[str, UUID | None] | None = None
    actions: tuple[str, ...] | None = None
    target: tuple[str, str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: tuple[str, ...] = ()

    @property
    def sieved(self) -> bool:
        """Whether what an index finds must be looked through, because it is more than what is wanted."""
        return bool(self.words or self.since or self.until or sum(map(bool, (self.actor, self.actions, self.target))) > 1)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first. older: where the next page begins, or None; paused: it is not known yet whether there are older ones that fit."""

    entries: list[Entry] = field(default_factory=list)
    older: int | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Wording:
    """How one action reads. tone: plain, ok, warn, bad or info."""

    group: str
    icon: str
    sentences: tuple[str, ...]
    tone: str = "plain"
