"""The sums of an invoice: discounts, tax and balance."""

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from frontdesk.billing.simulator.discounts import end_of, holds, refusal, spread
from frontdesk.billing.simulator.taxes import Tax, status_of, tax_for
from frontdesk.billing.simulator.totals import SMALLEST, Reduction, add_up, pay_from_balance

TENTH = Reduction("di_1", {"percent_off": 10, "amount_off": None, "duration": "forever"})
FIVE_EUROS = Reduction("di_2", {"percent_off": None, "amount_off": 500, "currency": "eur", "duration": "once"})
GERMAN = {"address": {"country": "DE"}, "tax_exempt": "none"}


def lines(*amounts: int) -> list[dict[str, Any]]:
    return [{"amount": amount, "discountable": amount > 0} for amount in amounts]


def test_a_tenth_off_and_then_vat() -> None:
    made, sums = add_up(lines(7900), [TENTH], Tax(Fraction(19), "standard_rated"), 0, "eur")
    assert made[0]["discount_amounts"] == [{"amount": 790, "discount": "di_1"}]
    assert (sums["subtotal"], sums["total_excluding_tax"], sums["total"], sums["amount_due"]) == (7900, 7110, 8461, 8461)
    assert sums["total_taxes"][0]["amount"] == 1351


def test_vat_that_is_in_the_price_changes_no_total() -> None:
    _, sums = add_up(lines(11900), [], Tax(Fraction(19), "standard_rated", inclusive=True), 0, "eur")
    assert (sums["total"], sums["total_excluding_tax"], sums["total_taxes"][0]["amount"]) == (11900, 10000, 1900)


def test_a_coupon_takes_no_more_than_there_is_and_leaves_credits_alone() -> None:
    made, sums = add_up(lines(300, -200), [FIVE_EUROS], None, 0, "eur")
    assert (made[0]["discount_amounts"], made[1]["discount_amounts"]) == ([{"amount": 300, "discount": "di_2"}], [])
    assert (sums["total"], sums["amount_due"], sums["ending_balance"]) == (-200, 0, -200)


def test_a_coupon_in_another_currency_takes_nothing() -> None:
    _, sums = add_up(lines(1000), [Reduction("di_3", FIVE_EUROS.coupon | {"currency": "usd"})], None, 0, "eur")
    assert sums["total"] == 1000


@given(st.integers(-(10**7), 10**7), st.integers(-(10**7), 10**7))
def test_no_cent_of_a_balance_is_lost(total: int, balance: int) -> None:
    due, ending = pay_from_balance(total, balance)
    assert due - total == balance - ending
    assert due == 0 or (due >= SMALLEST and ending == 0)
    assert ending < SMALLEST


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), max_size=8))
def test_parts_add_up_to_the_whole(whole: int, weights: list[int]) -> None:
    assert sum(spread(whole, weights)) == (whole if sum(weights) else 0)


def test_a_discount_lasts_as_long_as_its_coupon_says() -> None:
    once, always, quarter = ({"duration": "once"}, {"duration": "forever"}, {"duration": "repeating", "duration_in_months": 3})
    assert [holds({}, once, 0, used=False), holds({}, once, 0, used=True), holds({}, always, 10**10, used=True)] == [True, False, True]
    ends = end_of(quarter, 0)
    assert ends == 90 * 86_400
    assert [holds({"end": ends}, quarter, when, used=True) for when in (ends - 1, ends)] == [True, False]


def test_a_code_says_why_it_is_refused() -> None:
    code, coupon = {"active": True, "restrictions": {"minimum_amount": 5000}}, {"valid": True}

    def said(amount: int = 7900, **changed: Any) -> str | None:
        return refusal(code | changed, coupon, customer="cus_1", amount=amount, at=100, bought_before=True)

    assert said() is None
    assert said(4999) == "This code is for larger purchases."
    assert said(expires_at=100) == "This code has expired."
    assert said(max_redemptions=1, times_redeemed=1) == "This code has been used as often as it may be."
    assert said(customer="cus_2") == "This code is for another customer."
    assert said(restrictions={"first_time_transaction": True}) == "This code is for the first purchase only."
    assert refusal(code, {"valid": False}, customer=None, amount=7900, at=0, bought_before=False) == "This code is invalid."


def test_vat_follows_the_customer() -> None:
    vat_id = [{"type": "eu_vat", "value": "FR12345678901"}]
    assert status_of({"address": None}) == "requires_location_inputs"
    assert tax_for({"address": {"country": ""}}, [], []) is None
    assert tax_for(GERMAN, [], ["exclusive"]) == Tax(Fraction(19), "standard_rated")
    french = tax_for({"address": {"country": "FR"}}, vat_id, ["exclusive"])
    assert french is not None and (french.percent, french.reason) == (0, "reverse_charge")
    assert tax_for(GERMAN, vat_id, ["inclusive"]) == Tax(Fraction(19), "standard_rated", inclusive=True)
    swiss = tax_for({"address": {"country": "CH"}}, [], [])
    assert swiss is not None and swiss.reason == "not_collecting"
