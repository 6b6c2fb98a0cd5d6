"""A changed place in the team holds at once: for open pages, and for streams that are open."""

import asyncio
import time
from typing import Any

import psycopg

from frontdesk.settings import Settings
from tests.messages.inbox.conftest import Shop, served


def fresh() -> str:
    """A page that is newer than everything that has happened."""
    return str(time.time() + 60)


async def test_the_stream_of_who_is_removed_ends_and_tells_nothing_of_what_comes_after(salon: Shop) -> None:
    maya = await salon.colleague("member", "Maya")
    async with maya.listening(since=fresh()) as hers, salon.boss.listening(since=fresh()) as his:
        assert (await salon.boss.post(f"/dashboard/team/members/{maya.user_id}/removal")).status_code == 303
        removed = time.monotonic()
        arrived = await salon.customer_writes()
        await salon.boss.write(arrived.conversation_id, "After she left")
        await asyncio.wait_for(hers.ended.wait(), 1)
        assert time.monotonic() - removed < 1
        assert "inbox" in await his.hears(2) and "inbox" not in hers.heard
    await maya.client.aclose()


async def test_whoever_removes_a_member_past_every_page_ends_the_stream_in_every_process(salon: Shop, settings: Settings, urls: Any) -> None:
    maya = await salon.colleague("member", "Maya")
    async with (
        served(settings.model_copy(update={"simulator": False}), salon.database, urls.app) as other,
        await psycopg.AsyncConnection.connect(urls.owner) as service,
    ):
        maya.client.base_url = other.url  # type: ignore[assignment]  # httpx takes a text, its type says URL
        async with maya.listening(since=fresh()) as hers:
            await service.execute("set role service_role")
            await service.execute("delete from organization_members where user_id = %s", (maya.user_id,))
            assert not hers.ended.is_set()
            await service.commit()
            await asyncio.wait_for(hers.ended.wait(), 1)
            assert hers.heard == []
    await maya.client.aclose()


async def test_who_leaves_hears_nothing_more(salon: Shop) -> None:
    maya = await salon.colleague("viewer", "Maya")
    async with maya.listening(since=fresh()) as hers:
        assert (await maya.post("/dashboard/team/departure")).status_code == 303
        await asyncio.wait_for(hers.ended.wait(), 1)
        assert hers.heard == []
    assert (await maya.get("/dashboard/live")).status_code in (403, 404)
    await maya.client.aclose()


async def test_a_lowered_role_keeps_its_stream_is_told_to_look_and_writes_nothing_from_the_old_page(salon: Shop) -> None:
    maya, arrived = await salon.colleague("member", "Maya"), await salon.customer_writes()
    page = f"/dashboard/inbox/{arrived.conversation_id}"
    assert "Take it" in (await maya.get(page)).text
    async with maya.listening(since=fresh()) as hers:
        await salon.boss.post(f"/dashboard/team/members/{maya.user_id}/role", role="viewer")
        assert await hers.hears(1, within=1) == ["changed"]
        for act in ("messages", "closure", "assignment", "bot/removal"):
            refused = await maya.post(f"{page}/{act}", htmx=True, text="Still me?")
            assert refused.status_code == 403 and refused.headers["hx-retarget"] == "#toasts"
            assert "Your role in this organization does not allow this. Ask an owner or an admin." in refused.text
        assert not hers.ended.is_set()
        assert "Take it" not in (await maya.get(page)).text
    assert [row["text"] for row in await salon.stored(arrived.conversation_id)] == ["hi"]
    await maya.client.aclose()


async def test_being_seen_is_written_at_most_once_a_minute_and_wakes_nobody(salon: Shop) -> None:
    async def seen() -> Any:
        return await (
            await salon.owner.execute("select last_seen_at, updated_at from organization_members where user_id = %s", (salon.boss.user_id,))
        ).fetchone()

    async def visit_after(interval: str) -> Any:
        await salon.owner.execute("update private.sessions set last_seen_at = last_seen_at - %s::interval", (interval,))
        await salon.boss.get("/dashboard/inbox")
        return await seen()

    at_sign_in = await seen()
    assert at_sign_in[0] is not None
    async with salon.boss.listening(since=fresh()) as ear:
        assert await visit_after("2 minutes") == at_sign_in  # the session was idle, but the member was seen less than a minute ago
        await salon.owner.execute("update organization_members set last_seen_at = now() - interval '61 seconds'")
        later = await visit_after("2 minutes")
        assert later[0] > at_sign_in[0] and later[1] == at_sign_in[1]
        assert ear.heard == [] and not ear.ended.is_set()
