"""Counting tries, in PostgreSQL."""

import asyncio
from typing import Any

import psycopg
import pytest

from frontdesk.database import Database
from frontdesk.users import attempts
from frontdesk.users.attempts import Limit

LIMIT = Limit("somebody", 10, 900)


async def take(database: Database, limit: Limit = LIMIT) -> int:
    async with database.platform() as db:
        return await attempts.take(db, limit)


async def test_tries_at_the_same_time_never_overshoot(database: Database) -> None:
    waits = await asyncio.gather(*(take(database) for _ in range(32)))
    assert sum(wait == 0 for wait in waits) == 10
    assert all(0 < wait <= 900 for wait in waits if wait)


async def test_a_window_that_is_over_starts_anew(database: Database, owner: psycopg.AsyncConnection[Any]) -> None:
    for _ in range(11):
        await take(database)
    await owner.execute("update private.attempts set window_ends_at = now() - interval '1 second'")
    assert await take(database) == 0


async def test_what_is_over_is_swept_up(database: Database, owner: psycopg.AsyncConnection[Any]) -> None:
    for number in range(8):
        await take(database, Limit(f"user {number}", 10, 900))
    await owner.execute("update private.attempts set window_ends_at = now() - interval '1 second'")
    await take(database)
    assert await (await owner.execute("select count(*) from private.attempts")).fetchone() == (1,)


async def test_a_success_gives_its_try_back(database: Database) -> None:
    for _ in range(30):
        assert await take(database) == 0
        async with database.platform() as db:
            await attempts.give_back(db, LIMIT)


async def test_nobodys_email_stands_in_the_table(database: Database, owner: psycopg.AsyncConnection[Any]) -> None:
    await take(database, Limit("sign-in|maya@example.com|127.0.0.1", 10, 900))
    [(row,)] = await (await owner.execute("select encode(subject, 'escape') from private.attempts")).fetchall()
    assert "maya" not in row


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1%eth0", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("testclient", "unknown"),
        (None, "unknown"),
    ],
)
def test_one_ipv6_line_counts_as_one_address(address: str | None, network: str) -> None:
    assert attempts.network(address) == network
