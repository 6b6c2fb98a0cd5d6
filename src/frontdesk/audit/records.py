"""What a look at the audit chains finds."""

from dataclasses import dataclass


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
