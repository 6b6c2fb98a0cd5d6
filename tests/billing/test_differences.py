"""What is otherwise at Stripe than here, and what puts it right."""

from typing import Any

import pytest

from frontdesk.billing.differences import Found, differences, fits, portal
from frontdesk.billing.records import Plan, Price
from tests.billing.told import price

HOME, CODE = "https://frontdesk.example.com", "txcd_10103001"
STARTER = Plan("starter", "Starter", "For one number.", "EUR", 2900, 29000, {})
FREE = Plan("free", "Free", "", "EUR", 0, 0, {})
MONTH = Price("starter_month_eur", 1, "starter", "month", "EUR", 2900, "price_starter")
PRODUCT = {"id": "frontdesk_starter", "name": "Starter", "description": "For one number.", "active": True, "tax_code": CODE}
PORTAL = {"id": "bpc_1", "is_default": False} | portal(HOME)


def steps(found: Found, plans: Any = (STARTER, FREE), prices: Any = (MONTH,)) -> list[tuple[str, str | None]]:
    return [(step.kind, step.id) for step in differences(plans, prices, found, HOME, CODE)]


def found(product: Any = PRODUCT, prices: Any = (), configuration: Any = PORTAL) -> Found:
    return Found({product["id"]: product} if product else {}, list(prices), configuration)


def test_where_all_is_well_there_is_nothing_to_do() -> None:
    assert steps(found(prices=[price()])) == []


def test_an_account_that_knows_nothing_is_told_everything_but_what_is_not_for_sale() -> None:
    assert steps(found(product=None, configuration=None)) == [("product", None), ("price", None), ("portal", None)]


def test_a_new_amount_is_a_new_price_and_the_old_one_is_sold_no_more() -> None:
    assert steps(found(prices=[price(unit_amount=2500)])) == [("price", "price_starter"), ("archive", "price_starter")]


def test_what_was_renamed_in_the_dashboard_is_reported_and_put_right() -> None:
    (step,) = differences([STARTER], [MONTH], found(product=PRODUCT | {"name": "Cheap"}, prices=[price()]), HOME, CODE)
    assert (step.kind, step.params, step.said) == ("product", {"name": "Starter"}, "Starter: name is 'Cheap', not 'Starter'")


def test_a_plan_that_is_sold_no_more_is_not_offered_there_either() -> None:
    assert steps(found(prices=[price()]), prices=()) == [("product", "frontdesk_starter"), ("archive", "price_starter")]


def test_a_price_of_somebody_elses_making_is_left_to_a_human() -> None:
    assert steps(found(prices=[price(), price("price_by_hand", None, metadata={})])) == [("look", "price_by_hand")]


def test_the_name_that_stripe_gives_to_a_price_is_noted() -> None:
    assert steps(found(prices=[price("price_elsewhere")])) == [("note", "price_elsewhere")]


def test_a_portal_that_would_let_plans_be_changed_is_put_right() -> None:
    other = PORTAL | {"features": PORTAL["features"] | {"subscription_update": {"enabled": True}}}
    assert steps(found(prices=[price()], configuration=other)) == [("portal", "bpc_1")]


@pytest.mark.parametrize(
    "other",
    [
        {"unit_amount": 2901}, {"currency": "usd"}, {"recurring": {"interval": "year"}}, {"recurring": {"interval": "month", "interval_count": 3}},
        {"recurring": None}, {"product": "frontdesk_business"}, {"active": False}, {"tax_behavior": "inclusive"}, {"unit_amount": None},
    ],
)  # fmt: skip
def test_a_price_fits_only_if_it_would_charge_exactly_what_we_show(other: dict[str, Any]) -> None:
    assert fits(MONTH, price())
    assert not fits(MONTH, price() | other)
