"""Whatever WhatsApp says of a message, in whatever order and however batched: its status never goes down, and ends at the highest."""

import os
import time
from datetime import UTC, datetime
from random import Random

from frontdesk import messages
from frontdesk.messages import Status
from tests.messages.test_road import queue
from tests.world import World, text, webhook

SEED = int(os.environ.get("STATUS_SEED", time.time_ns() % 1_000_000))
SAID = ("sent", "delivered", "read", "played", "failed", "accepted", "warned of")
RANK = {"queued": 0, "unknown": 2} | messages.actions.RANKS
MANY = 150


async def test_a_status_never_goes_down_and_ends_at_the_highest(world: World) -> None:
    chance = Random(SEED)
    await world.arrive(world.shop, webhook(world.shop, text("hello")))
    ids = [one.id for one in await queue(world, world.shop, *(f"number {n}" for n in range(MANY)))]
    await world.owner.execute("update messages set status = 'unknown' where direction = 'out' and text like 'number %%5'")
    plans = {one: [chance.choice(SAID) for _ in range(chance.randint(1, 8))] for one in ids}
    todo = [(one, said) for one, all_said in plans.items() for said in all_said]
    chance.shuffle(todo)
    before = dict(await world.see("select id, status from messages where id = any(%s)", ids))
    start = dict(before)
    while todo:
        told, todo = todo[: (many := chance.randint(1, 60))], todo[many:]
        async with world.database.tenants([world.shop.organization_id]) as db:
            await messages.record_statuses(db, [Status(world.shop.organization_id, one, "wamid.x", said, datetime.now(UTC)) for one, said in told])
        after = dict(await world.see("select id, status from messages where id = any(%s)", ids))
        assert all(RANK[after[one]] >= RANK[before[one]] for one in ids), f"STATUS_SEED={SEED}"
        before = after
    wanted = {one: max([start[one], *(said for said in plans[one] if said in RANK)], key=RANK.__getitem__) for one in ids}
    assert before == wanted, f"STATUS_SEED={SEED}"
