"""A queue is empty or full, and a connection keeps the plan it made for the one."""

from frontdesk.database import new_id
from frontdesk.outbound import store
from frontdesk.outbound.records import Claim, Result
from tests.watching import watched
from tests.world import World

THOUSANDS = 5_000


async def test_what_was_planned_while_nothing_waited_reads_no_more_than_it_takes_when_thousands_do(world: World) -> None:
    await world.owner.execute("vacuum analyze outbox")
    lane, worker = world.shop.lane, new_id()
    nothing = Claim(lane.organization_id, new_id(), lane.channel_id, "49", "{}", None, 1)
    async with watched(world.database.tenants([lane.organization_id]), "generic") as (db, seen):
        assert await store.claim(db, {lane: 20}, 20, worker) == []
        await store.record(db, [Result(nothing, "accepted", "wamid.1")], worker)
        await world.owner.execute(
            "insert into outbox (organization_id, id, channel_id, recipient, content, not_before, claimed_at, claimed_by)"
            " select %s, gen_random_uuid(), %s, '49', '{}', '2026-01-01', case when n %% 2 = 0 then now() end, case when n %% 2 = 0 then gen_random_uuid() end"
            " from generate_series(1, %s) n",
            (*lane, THOUSANDS),
        )
        seen.clear()
        claims = await store.claim(db, {lane: 20}, 20, worker)
        await store.record(db, [Result(claim, "again" if n % 2 else "accepted", f"wamid.{n}", wait=9.0) for n, claim in enumerate(claims)], worker)
        left = await db.rows("select attempts, claimed_by, not_before > now() as later from outbox where id = any(%(ids)s)", {"ids": [c.id for c in claims]})
    assert [fault for one in seen for fault in one.faults(200)] == []
    assert len(claims) == 20 and left == [{"attempts": 1, "claimed_by": None, "later": True}] * 10
