"""Lists in pages: at most so many, and a cursor for what comes after them. Nothing is counted."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import AfterValidator, BaseModel

T = TypeVar("T")
PAGE, LONGEST_PAGE, LONGEST_SEARCH = 50, 200, 200


class Page(BaseModel, Generic[T]):
    """Part of a list. next_cursor: asks for what comes after it; null at the end."""

    data: list[T]
    next_cursor: str | None


def without_nul(text: str) -> str:
    """Refuse the one character that nothing keeps."""
    if "\x00" in text:
        raise ValueError("Leave out the character NUL.")
    return text


Text = Annotated[str, AfterValidator(without_nul)]
Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE, description="How many at most.")]
CursorText = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before; the first page has none.")]
Search = Annotated[str, Query(max_length=LONGEST_SEARCH, description="Words that must all occur."), AfterValidator(without_nul)]
