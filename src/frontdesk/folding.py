"""Text as people compare it: without case, accents or the accidents of white space."""

import unicodedata


def fold(text: str) -> str:
    """Lower case by Unicode's case folding, without combining marks, white space collapsed: "  Grüße " and "grusse" are one.

    Compatibility forms are unfolded too (NFKD), so full-width letters and ligatures match their plain ones. Idempotent.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join("".join(c for c in folded if not unicodedata.combining(c)).split())
