"""The reason that an operator writes down: whoever it concerns reads it."""

from frontdesk.errors import BadInput

SHORTEST, LONGEST = 10, 500


class ReasonMissing(BadInput):
    """Write down why, in ten characters or more. The organization reads it."""


class ReasonTooLong(BadInput):
    """Say it in 500 characters."""


def reason(written: str) -> str:
    """The reason in one line. Raises ReasonMissing or ReasonTooLong."""
    said = " ".join("".join(letter if letter.isprintable() else " " for letter in written).split())
    if len(said) < SHORTEST:
        raise ReasonMissing(field="reason")
    if len(said) > LONGEST:
        raise ReasonTooLong(f"{ReasonTooLong.__doc__} This has {len(said):,}.", field="reason")
    return said
