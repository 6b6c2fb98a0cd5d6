"""Cutting a migration file into its statements, as `psql` and the Supabase CLI do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<line>--[^\n]*)
  | (?P<block>/\*)
  | (?P<escaped>[eE]'(?:[^'\\]|''|\\.)*')
  | (?P<text>'(?:[^']|'')*')
  | (?P<name>"(?:[^"]|"")*")
  | (?P<broken>[eE]?'|")
  | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>\d[\w.$]*)
  | (?P<opening>[(\[])
  | (?P<closing>[)\]])
  | (?P<semicolon>;)
  | (?P<other>\S)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")


class Unfinished(ValueError):
    """A quote, a comment or a block is opened and never closed."""


@dataclass(slots=True)
class _Depth:
    """How deep in parentheses and in `begin atomic … end` bodies we stand; a semicolon in there ends nothing."""

    words: int = 0
    first: str = ""
    last: str = ""
    parentheses: int = 0
    bodies: int = 0

    def read(self, kind: str, token: str) -> None:
        word = token.lower() if kind == "word" else ""
        self.words += kind not in ("line", "block")
        self.first = self.first or word
        if kind == "opening":
            self.parentheses += 1
        elif kind == "closing":
            self.parentheses = max(0, self.parentheses - 1)
        elif self.first == "create" and ((self.last, word) == ("begin", "atomic") or (self.bodies and word == "case")):
            self.bodies += 1
        elif self.bodies and word == "end":
            self.bodies -= 1
        self.last = word or self.last


def split(sql: str) -> list[str]:
    """The statements in order, each with its comments and without its semicolon. Raises Unfinished."""
    statements, start, depth = [], 0, _Depth()
    for kind, token, begin, end in _tokens(sql):
        if kind == "semicolon" and depth.parentheses == 0 and depth.bodies == 0:
            if depth.words:
                statements.append(sql[start:begin].strip())
            start, depth = end, _Depth()
        else:
            depth.read(kind, token)
    if depth.words:
        statements.append(sql[start:].strip())
    return statements


def first_line(statement: str) -> str:
    """The first line that is not a comment, to name a statement in a message."""
    begins = (begin for kind, _, begin, _ in _tokens(statement) if kind not in ("line", "block"))
    return statement[next(begins, 0) :].splitlines()[0].strip()


def first_word(statement: str) -> str:
    """The command, in lower case."""
    return next((token.lower() for kind, token, _, _ in _tokens(statement) if kind == "word"), "")


def _tokens(sql: str) -> Iterator[tuple[str, str, int, int]]:
    """Each token's kind, text, begin and end."""
    at = 0
    while found := _TOKEN.search(sql, at):
        kind, begin, at = str(found.lastgroup), found.start(), found.end()
        if kind == "block":
            at = _end_of_comment(sql, begin)
        elif kind == "dollar":
            closing = sql.find(found[0], at)
            at = closing + len(found[0]) if closing >= 0 else _unfinished(sql, begin)
        elif kind == "broken":
            _unfinished(sql, begin)
        yield kind, sql[begin:at], begin, at


def _end_of_comment(sql: str, begin: int) -> int:
    """Behind the comment that starts here; comments nest."""
    depth, at = 0, begin
    while edge := _BLOCK_EDGE.search(sql, at):
        depth, at = depth + (1 if edge[0] == "/*" else -1), edge.end()
        if depth == 0:
            return at
    return _unfinished(sql, begin)


def _unfinished(sql: str, begin: int) -> int:
    opened = sql[begin:].splitlines()[0][:60]
    raise Unfinished(f"line {sql.count(chr(10), 0, begin) + 1}: what is opened here is never closed: {opened}")
