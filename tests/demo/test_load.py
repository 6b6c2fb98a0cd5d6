"""The sample shop: believable, once, and nothing counted."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from typer import Typer
from typer.testing import CliRunner

from frontdesk import audit, channels, demo
from frontdesk.analytics.store import SAMPLE_SOURCE
from frontdesk.demo.cli import demo as demo_command
from frontdesk.demo.rows import SAMPLE_SOURCE as WRITTEN_SOURCE
from frontdesk.demo.script import threads
from frontdesk.settings import Settings
from tests.world import World

NOW = datetime(2026, 11, 24, 8, 41, tzinfo=UTC)


async def load(world: World, settings: Settings, now: datetime | None = None) -> bool:
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        return await demo.load(db, settings, now)


async def test_the_shop_has_people_talks_and_rules_on_the_sandbox_number(world: World, settings: Settings) -> None:
    assert await load(world, settings)
    (counts,) = await world.see(
        "select (select count(*) from public.contacts), (select count(*) from public.messages),"
        " (select count(*) from public.conversations v join public.channels c on c.id = v.channel_id"
        "  where c.kind = 'simulator'),"
        " (select count(*) from public.auto_replies), (select count(*) from public.contacts where phone is null)"
    )
    people, said, talks, rules, nameless = counts
    assert people == talks == 40
    assert 350 <= said <= 500
    assert rules == 2 + 7  # both shops' first greetings, and the sample's
    assert nameless == 3


async def test_it_is_loaded_once(world: World, settings: Settings) -> None:
    assert await load(world, settings)
    before = await world.see("select count(*) from public.messages")
    assert not await load(world, settings)
    assert await world.see("select count(*) from public.messages") == before


async def test_nothing_is_counted_or_queued_and_the_neighbour_has_nothing(world: World, settings: Settings) -> None:
    await load(world, settings)
    assert await world.see("select 1 from public.organization_usage where used > 0") == []
    assert await world.see("select 1 from public.outbox") == []
    neighbour = await world.see("select 1 from public.messages where organization_id = %s", world.neighbour.organization_id)
    assert neighbour == []


async def test_conversations_agree_with_their_messages(world: World, settings: Settings) -> None:
    await load(world, settings)
    assert await world.see("""
        select v.id from public.conversations v
        cross join lateral (select count(*) as n, max(m.position) as last, max(m.occurred_at) as at,
          max(m.occurred_at) filter (where m.direction = 'in') as heard from public.messages m where m.conversation_id
            = v.id) as said
        where v.last_position <> said.n or said.last <> said.n or v.last_message_at <> said.at or v.last_inbound_at <>
          said.heard
          or v.last_message_at > now()
    """) == []  # fmt: skip
    states = await world.see(
        "select count(*) filter (where unread_count > 0), count(closed_at), count(assigned_to), count(bot_off_at) from public.conversations"
    )
    assert all(count >= 3 for count in states[0])


async def test_the_same_shop_says_the_same_words_at_times_before_now() -> None:
    first, again = threads(NOW), threads(NOW)
    assert first == again
    assert all(one.at < NOW for thread in first for one in thread.said)
    assert {(NOW - one.at).days for thread in first for one in thread.said} >= {0, 1, 2, 3, 4, 5}


async def test_the_audit_log_tells_of_it_and_its_chain_is_whole(world: World, settings: Settings) -> None:
    await load(world, settings)
    async with world.database.platform() as db:
        assert not (await audit.verify(db)).faults
    assert await world.see("select 1 from public.audit_logs where action = 'sample_data.loaded'") == [(1,)]


async def test_there_is_no_sample_data_without_the_simulator(world: World, settings: Settings) -> None:
    with pytest.raises(demo.NoSampleData):
        await load(world, settings.model_copy(update={"simulator": False}))


def test_the_overview_knows_sample_contacts_by_what_is_written_on_them() -> None:
    assert SAMPLE_SOURCE == WRITTEN_SOURCE


def test_the_command_makes_a_user_who_can_look_around(settings: Settings, monkeypatch: pytest.MonkeyPatch, urls: Any) -> None:
    monkeypatch.setenv("DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("FRONTDESK_DATA_DIR", str(settings.data_dir))
    commands = Typer()
    commands.command()(demo_command)
    first = CliRunner().invoke(commands, [])
    assert first.exit_code == 0, first.exception
    assert "demo@example.com, password " in first.output
    again = CliRunner().invoke(commands, ["--organization", "mill-lane-bicycles"])
    assert "had the sample data already" in again.output
    assert "exists already" in str(CliRunner().invoke(commands, []).exception)
    assert "'nowhere'" in str(CliRunner().invoke(commands, ["--organization", "nowhere"]).exception)
    with psycopg.connect(urls.owner) as connection:
        assert connection.execute("select count(*) from public.contacts").fetchone() == (40,)


async def test_the_simulator_is_told_who_of_them_wrote_and_when_on_their_own_number_only(world: World, settings: Settings) -> None:
    await load(world, settings)
    ((number,),) = await world.see("select phone_number_id from channels where kind = 'simulator'")
    written = await world.see("""
        select i.value, v.last_inbound_at from conversations v
        join contact_identities i on i.organization_id = v.organization_id and i.contact_id = v.contact_id and i.kind = 'bsuid'
    """)
    assert len(written) == 40
    async with world.database.platform() as db:
        for bsuid, wrote_at in written:
            recalled = await channels.sample_customer(db, number, bsuid)
            assert recalled is not None and recalled.at == wrote_at.timestamp() and (recalled.person.name or recalled.person.username)
            assert await channels.sample_customer(db, world.neighbour.phone_number_id, bsuid) is None
        assert await channels.sample_customer(db, number, "DE.1") is None
    await world.see("update messages set provider_message_id = 'wamid.real' where direction = 'in' returning 1")
    async with world.database.platform() as db:  # real customers write to the simulator itself: what it knows of them is right
        assert await channels.sample_customer(db, number, written[0][0]) is None
