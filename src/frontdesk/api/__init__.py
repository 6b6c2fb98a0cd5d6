"""The frame of the REST API: keys, permissions, limits, errors, pages, and answers that are given once."""

from frontdesk.api.bodies import Body
from frontdesk.api.credentials import PREFIX, hash_of, new_key, shown_of
from frontdesk.api.guard import Apart, Db, Door, ScopeMissing, scopes_of
from frontdesk.api.paging import PAGE, CursorText, Limit, Page, Search, Text
from frontdesk.api.problems import BadCursor, BadFields
from frontdesk.api.specification import ADDRESS, build

__all__ = [
    "ADDRESS", "PAGE", "PREFIX", "Apart", "BadCursor", "BadFields", "Body", "CursorText", "Db", "Door", "Limit", "Page", "ScopeMissing", "Search", "Text",
    "build", "hash_of", "new_key", "scopes_of", "shown_of",
]  # fmt: skip
