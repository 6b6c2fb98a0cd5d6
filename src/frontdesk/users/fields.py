"""What people type into forms about themselves, checked: the field types that forms are made of."""

import unicodedata
from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

from frontdesk.folding import overmarked

LONGEST_NAME = 200
LONGEST_EMAIL = 254  # RFC 3696, erratum 1690
LONGEST_TYPED = 1000  # characters of a field, before they are looked at: by then it is no name and no email
# Characters that reverse or hide the text after them have no place in a name that others read.
REVERSING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def email_key(text: str) -> str:
    """The form in which an email is kept and looked up: lower case, and as it was typed when it is none."""
    if _is_untidy(text):
        return text[:LONGEST_EMAIL].strip().lower()
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return text.strip().lower()[:LONGEST_EMAIL]


def _tidy(value: Any) -> Any:
    if not isinstance(value, str) or _is_untidy(value):
        return value
    return unicodedata.normalize("NFC", value).strip()


def _is_untidy(value: str) -> bool:
    """Whether it cannot be what it should, and would take long to be tidied up."""
    return len(value) > LONGEST_TYPED or overmarked(value)


def _readable(value: str) -> str:
    if overmarked(value):
        raise PydanticCustomError("unreadable", "Take out the accents that are piled up; this must be one line of plain text")
    if "\ufffd" in value:  # what stands in place of bytes that are no text
        raise PydanticCustomError("unreadable", "A character arrived broken; take out the � and type it again")
    if any(unicodedata.category(letter) in ("Cc", "Cs") or letter in REVERSING for letter in value):
        raise PydanticCustomError("unreadable", "Take out the control characters; this must be one line of plain text")
    if all(unicodedata.category(letter)[0] in "CZM" for letter in value):
        raise PydanticCustomError("unreadable", "Fill this in")
    return value


def _deliverable(value: str) -> str:
    if _is_untidy(value):
        raise ValueError("not an email address")
    try:
        return validate_email(value, check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise ValueError("not an email address") from error


Name = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME), BeforeValidator(_tidy), AfterValidator(_readable)]
Email = Annotated[str, StringConstraints(min_length=1), BeforeValidator(_tidy), AfterValidator(_deliverable)]
