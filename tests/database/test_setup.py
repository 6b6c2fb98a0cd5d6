"""A database is let in or refused with one clear sentence, and never with a password in it."""

import psycopg
import pytest

from frontdesk.database import setup
from frontdesk.database.setup import CannotConnect, UnfitDatabase
from tests.conftest import Urls


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "DATABASE_URL is not the address of a PostgreSQL database"),
        ("postgresql://me:se%cret@localhost/x", "a % in it must be written %25"),
        ("postgresql://me:secret@127.0.0.1:1/x", "nothing answers there"),
        ("postgresql://me:secret@/x?host=/nowhere", "nothing answers there"),
        ("postgresql://me:secret@nowhere.invalid/x", "no host of this name"),
        ("postgresql://me:secret@localhost:599999/x", "write a number from 1 to 65535"),
        ("postgresql://me:secret@localhost/x?connect_timeout=soon", "connect_timeout must be a whole number of seconds"),
        ("mysql://me:secret@localhost/x", "write postgresql://user:password@host:5432/database"),
    ],
)
async def test_a_wrong_address_gets_one_sentence(url: str, sentence: str) -> None:
    with pytest.raises(CannotConnect) as refusal:
        await setup.connect(url)
    assert sentence in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


async def test_a_wrong_password_is_called_so(urls: Urls) -> None:
    with pytest.raises(CannotConnect, match="the user or the password is wrong") as refusal:
        await setup.connect(urls.app.replace("app-secret", "guess"))
    assert "guess" not in str(refusal.value)
    assert "run `frontdesk migrate` first" in str(refusal.value)


async def test_a_database_that_does_not_exist_is_called_so(urls: Urls) -> None:
    missing = urls.app.replace("@/test_", "@/missing_")
    with pytest.raises(CannotConnect, match="there is no such database"):
        await setup.connect(missing)


async def test_an_encoding_that_cannot_hold_every_language_is_refused(cluster: str) -> None:
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute("create database western encoding 'LATIN1' locale 'C' template template0")
        try:
            with pytest.raises(UnfitDatabase, match="has the encoding LATIN1; make a database with"):
                await setup.connect(cluster.replace("@/postgres?", "@/western?"))
        finally:
            connection.execute("drop database western")


async def test_the_application_logs_in_with_the_password_of_its_address(urls: Urls) -> None:
    changed = urls.app.replace("app-secret", "n%C3%BCw%20s%3Acret")
    try:
        await setup.prepare(urls.owner, changed)
        async with await setup.connect(changed) as connection:
            assert connection.info.user == "frontdesk_app"
        with pytest.raises(CannotConnect):
            await setup.connect(urls.app)
    finally:
        await setup.prepare(urls.owner, urls.app)


async def test_the_server_keeps_only_a_verifier_of_the_password(urls: Urls, owner: psycopg.AsyncConnection) -> None:
    row = await (await owner.execute("select rolpassword from pg_authid where rolname = 'frontdesk_app'")).fetchone()
    assert row is not None
    assert row[0].startswith("SCRAM-SHA-256$")


async def test_an_address_with_another_login_is_refused_before_anything_is_changed() -> None:
    with pytest.raises(UnfitDatabase, match="logs in as somebody, but Frontdesk works as frontdesk_app"):
        await setup.prepare("postgresql://owner@nowhere.invalid/x", "postgresql://somebody:x@/x")


async def test_an_owner_who_may_not_change_the_login_is_refused(urls: Urls, owner: psycopg.AsyncConnection) -> None:
    await owner.execute("create role weak login password 'weak'")
    try:
        await owner.execute("grant usage on schema supabase_migrations to weak")
        async with await setup.connect(urls.owner.replace("postgres:secret@", "weak:weak@")) as weak:
            with pytest.raises(UnfitDatabase, match="The owner may not change frontdesk_app"):
                await setup.admit(weak, urls.app)
    finally:
        await owner.execute("drop owned by weak")
        await owner.execute("drop role weak")
