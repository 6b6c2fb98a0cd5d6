"""Text as people compare it: without case, accents or the accidents of white space."""

import unicodedata

MOST_MARKS = 30  # in a row: more no language has (Unicode's UAX #15 calls such text stream-safe)
# Three signs that are no marks by their class, but come apart into some.
_HIDDEN_MARKS = frozenset("\u0f73\u0f75\u0f81")


def overmarked(text: str) -> bool:
    """Whether more marks follow each other than in any language. To put them in order, as normal forms do, takes time by the square of their number."""
    if text.isascii():
        return False
    run = 0
    for letter in text:
        run = run + 1 if _is_mark(letter) else 0
        if run > MOST_MARKS:
            return True
    return False


def tamed(text: str) -> str:
    """The text, without any mark if it is overmarked: so that it can be brought into a normal form in time."""
    return "".join(letter for letter in text if not _is_mark(letter)) if overmarked(text) else text


def fold(text: str) -> str:
    """Lower case by Unicode's case folding, without combining marks, white space collapsed: "  Grüße " and "grusse" are one.

    Compatibility forms are unfolded too (NFKD), so full-width letters and ligatures match their plain ones. Idempotent.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", tamed(text)).casefold())
    return " ".join("".join(c for c in folded if not unicodedata.combining(c)).split())


def _is_mark(letter: str) -> bool:
    return bool(unicodedata.combining(letter)) or letter in _HIDDEN_MARKS
