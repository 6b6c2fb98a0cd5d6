"""Prices never change: another amount is another version."""

from typing import Any

import psycopg
import pytest
from psycopg import errors

KEYS = "select lookup_key, version, amount, retired_at is null from plan_prices where plan_id = 'starter' and billing_interval = 'month' order by version"


async def rows(owner: psycopg.AsyncConnection[Any], query: str) -> list[tuple[Any, ...]]:
    return await (await owner.execute(query)).fetchall()  # type: ignore[arg-type]


async def test_every_plan_but_the_free_one_is_sold_each_month_and_each_year_at_the_plans_own_prices(owner: psycopg.AsyncConnection[Any]) -> None:
    found = await rows(
        owner,
        "select p.id, array_agg(c.billing_interval || ' ' || (c.amount = case c.billing_interval when 'month' then monthly_price else yearly_price end)::text"
        " order by 1) from subscription_plans p left join plan_prices c on c.plan_id = p.id group by p.id order by p.position",
    )
    assert found[0] == ("free", [None])
    assert [times for _, times in found[1:]] == [["month true", "year true"]] * 4


async def test_another_amount_is_the_next_version_and_the_plan_shows_it(owner: psycopg.AsyncConnection[Any]) -> None:
    for amount in (3_100, 3_100):
        await owner.execute("select private.set_plan_price('starter', 'month', 'EUR', %s)", (amount,))
    assert await rows(owner, KEYS) == [("starter_month_eur", 1, 2_900, False), ("starter_month_eur", 2, 3_100, True)]
    assert await rows(owner, "select monthly_price, yearly_price from subscription_plans where id = 'starter'") == [(3_100, 29_000)]


async def test_a_price_without_an_amount_is_sold_no_more(owner: psycopg.AsyncConnection[Any]) -> None:
    await owner.execute("select private.set_plan_price('starter', 'month', 'EUR', null)")
    assert await rows(owner, KEYS) == [("starter_month_eur", 1, 2_900, False)]


async def test_what_was_agreed_cannot_be_changed(owner: psycopg.AsyncConnection[Any]) -> None:
    with pytest.raises(errors.RestrictViolation, match="a price never changes"):
        await owner.execute("update plan_prices set amount = 1 where plan_id = 'starter'")


async def test_a_price_of_the_provider_is_one_of_ours(owner: psycopg.AsyncConnection[Any]) -> None:
    await owner.execute("select private.note_provider_price('starter_month_eur', 1, 'price_1')")
    await owner.execute("select private.note_provider_price('starter_year_eur', 1, 'price_1')")
    assert await rows(owner, "select lookup_key from plan_prices where provider_price_id = 'price_1'") == [("starter_year_eur",)]
