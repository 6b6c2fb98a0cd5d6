"""The text of a rule's answer: two placeholders, filled once, by position. Nothing of it is ever compiled or run."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

LONGEST: Final = 4096  # characters in a text message (Meta, Cloud API, "Text messages")
PLACEHOLDERS: Final = ("contact.name", "organization.name")
_PLACEHOLDER: Final = re.compile(r"\{\{([^{}]*)\}\}")
_STRAY: Final = re.compile(r"\{\{[^{}\n]{0,40}\}?|[^{}\s]{0,40}\}\}")
_AFTER_A_MISSING_NAME: Final = " \t,;:!.-–"


@dataclass(frozen=True, slots=True)
class Template:
    """A reply, cut at its placeholders: literal, name, literal, name, …, literal."""

    pieces: tuple[str, ...]

    def fill(self, contact_name: str, organization_name: str) -> str:
        """The text for one contact, at most 4,096 characters. What a value contains is never looked at again."""
        values = {
            "contact.name": " ".join(contact_name.split()),
            "organization.name": " ".join(organization_name.split()),
        }
        if len(self.pieces) == 1:
            return self.pieces[0][:LONGEST]
        said = self.pieces[0]
        for name, literal in zip(self.pieces[1::2], self.pieces[2::2], strict=True):
            said = said + values[name] + literal if values[name] else _without(said, literal)
        return said.strip()[:LONGEST].rstrip()


@lru_cache(maxsize=2048)
def template(reply: str) -> Template:
    """The reply, ready to be filled. Braces around anything we do not know stay as they are."""
    pieces, end = [], 0
    for found in _PLACEHOLDER.finditer(reply):
        if found[1].strip() in PLACEHOLDERS:
            pieces += [reply[end : found.start()], found[1].strip()]
            end = found.end()
    return Template((*pieces, reply[end:]))


def unknown_placeholder(reply: str) -> str | None:
    """The first pair of braces that would reach the customer as braces, as it was written; None if all is well."""
    for found in _PLACEHOLDER.finditer(reply):
        if found[1].strip() not in PLACEHOLDERS:
            return found[0]
    stray = _STRAY.search(_PLACEHOLDER.sub("", reply))
    return stray[0] if stray else None


def _without(said: str, literal: str) -> str:
    """A name that is not known goes with the space before it; at the start of a line with what would follow it."""
    if not said or said.endswith("\n"):
        return said + literal.lstrip(_AFTER_A_MISSING_NAME)
    return said.rstrip(" \t") + literal
