"""How often a page asks the database before it can begin: counted on the wire, not timed."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.desk import seated

MOST = 3  # who is signed in, the beginning of the transaction, and who may do what in this organization
WAITED_FOR = {"Query", "Sync"}  # the two messages after which nothing goes on before the answer has come


@contextmanager
def traced(database: Database) -> Iterator[list[tuple[str, str]]]:
    """What is sent to PostgreSQL over the idle connections of the pool, once the block has ended: kinds of messages, and what they say."""
    sent: list[tuple[str, str]] = []
    connections = list(database._pool._pool)
    with tempfile.NamedTemporaryFile("r") as file:
        for connection in connections:
            connection.pgconn.trace(file.fileno())
        yield sent
        for connection in connections:
            connection.pgconn.untrace()
        sent += [(parts[3], line) for line in Path(file.name).read_text().splitlines() if (parts := line.split("\t"))[1:2] == ["F"]]


def round_trips(sent: Sequence[tuple[str, str]], until: str) -> int:
    """How often an answer was waited for, up to and with the question that names `until`."""
    first = next(n for n, (_, said) in enumerate(sent) if until in said)
    following = next(n for n, (kind, _) in enumerate(sent) if n >= first and kind in WAITED_FOR)
    return sum(kind in WAITED_FOR for kind, _ in sent[: following + 1])


async def test_a_page_is_entered_in_three_round_trips(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as maya:
        with traced(database) as sent:
            answer = await maya.get("/dashboard/contacts")
    assert answer.status_code == 200
    assert round_trips(sent, "private.find_session") == 1
    assert round_trips(sent, "private.enter") <= MOST
