"""What is kept beside a subscription, whoever writes it, and what is said of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from frontdesk import billing, entitlements, usage
from frontdesk.api_keys import actions as api_keys
from frontdesk.api_keys.records import NewKey
from frontdesk.database import new_id
from frontdesk.entitlements import Access, NotInPlan, access_at
from frontdesk.entitlements.records import REFUSED, STEPS
from tests.world import World


async def kept(world: World) -> tuple[str, dict[str, Any], dict[str, Any]]:
    ((access, limits, features),) = await world.see("select access, limits, features from subscriptions where organization_id = %s", world.shop.organization_id)
    return access, limits, features


async def put(world: World, **columns: Any) -> None:
    for name, value in columns.items():
        await world.owner.execute(f"update subscriptions set {name} = %s where organization_id = %s", (value, world.shop.organization_id))  # type: ignore[arg-type]


async def test_postgresql_has_the_same_table(world: World) -> None:
    now = datetime.now(UTC)
    facts = [
        (status, None if day is None else now - timedelta(days=day), now + timedelta(days=trial), bought)
        for status in [*STEPS, "unheard_of"] for day in (None, -1, 0, 7, 8, 21, 22, 60) for trial in (-1, 0, 1) for bought in (True, False)
    ]  # fmt: skip
    told = await world.see(
        "select private.access_of(s, d, t, b, %s) from unnest(%s::text[], %s::timestamptz[], %s::timestamptz[], %s::boolean[]) as f (s, d, t, b)",
        now, *(list(column) for column in zip(*facts, strict=True)),
    )  # fmt: skip
    expected = [access_at(status, past_due_since=since, trial_ends_at=trial, bought=bought, at=now).value for status, since, trial, bought in facts]
    assert [row[0] for row in told] == expected


async def test_postgresql_refuses_the_same_metrics(world: World) -> None:
    metrics = [row[0] for row in await world.see("select metric from usage_metrics")]
    for access in Access:
        told = {row[0] for row in await world.see("select m from unnest(%s::text[]) m where not private.access_allows(%s, m)", metrics, access.value)}
        assert told == REFUSED[access] & set(metrics), access


async def test_a_trial_has_its_plan_but_no_campaigns_until_a_card_is_known(world: World) -> None:
    access, limits, features = await kept(world)
    assert (access, limits["messages_sent"], features["campaigns"]) == ("full", 5000, False)
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        with pytest.raises(NotInPlan, match="card"):
            await entitlements.require(db, "campaigns")
        await entitlements.require(db, "api")
    await put(world, provider_subscription_id="sub_1")
    assert (await kept(world))[2]["campaigns"] is True


async def test_who_ends_has_the_limits_of_the_plan_free_and_who_comes_back_his_own(world: World) -> None:
    await put(world, status="canceled")
    assert (await kept(world))[:2] == ("free", (await world.see("select limits from subscription_plans where id = 'free'"))[0][0])
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        with pytest.raises(usage.PlanLimitReached, match="The plan Free allows 2 members"):
            await usage.require(db, "members", 5)
    await put(world, status="active")
    assert (await kept(world))[1]["messages_sent"] == 5000


async def test_an_exception_holds_until_it_ends_and_is_taken_back(world: World) -> None:
    add = "insert into entitlement_overrides (organization_id, key, value, reason, expires_at) values (%s, %s, %s::jsonb, 'agreed', %s)"
    of = world.shop.organization_id
    await world.owner.execute(add, (of, "messages_sent", "9000", None))
    await world.owner.execute(add, (of, "contacts", "null", None))
    await world.owner.execute(add, (of, "campaigns", "true", datetime.now(UTC) + timedelta(days=1)))
    await world.owner.execute(add, (of, "api", "false", datetime.now(UTC) - timedelta(days=1)))
    _, limits, features = await kept(world)
    assert (limits["messages_sent"], limits["contacts"], features) == (9000, None, {"campaigns": True, "api": True})
    await world.owner.execute("delete from entitlement_overrides where organization_id = %s", (of,))
    assert (await kept(world))[1]["messages_sent"] == 5000


async def test_a_plan_that_changes_changes_for_those_who_have_it(world: World) -> None:
    await world.owner.execute("update subscription_plans set limits = limits || '{\"channels\": 7}' where id = 'starter'")
    assert (await kept(world))[1]["channels"] == 7


async def test_nothing_is_told_of_somebody_elses_plan(world: World) -> None:
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        assert await entitlements.allowance(db, world.neighbour.organization_id, "contacts") is None


async def test_programs_are_part_of_what_is_bought(world: World) -> None:
    await put(world, status="canceled")
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        with pytest.raises(NotInPlan, match="API keys are not part of the plan Free"):
            await api_keys.create(db, new_id(), NewKey("till", ("contacts:read",), (), None))


async def test_the_frame_of_every_page_shows_what_holds(world: World) -> None:
    await put(world, trial_ends_at=datetime.now(UTC) - timedelta(days=1))
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        shown = await billing.plan_in_use(db)
    assert shown is not None
    assert (shown.name, shown.limit, shown.trial_ends_at) == ("Free", 100, None)
