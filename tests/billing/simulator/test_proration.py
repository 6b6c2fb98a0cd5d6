"""What a change in the middle of a period costs, to the cent."""

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from frontdesk.billing.simulator.proration import Billed, changed, charge, credit, part, rounded

DAY = 86_400


def item(amount: int, *, id: str = "si_1", price: str = "price_1", quantity: int = 1, end: int = 30 * DAY) -> dict[str, Any]:
    return {"id": id, "price": {"id": price, "unit_amount": amount}, "quantity": quantity, "current_period_start": 0, "current_period_end": end}


def test_half_a_month_is_half_the_price_both_ways() -> None:
    back = credit(item(7900), Billed(7900, 0, 30 * DAY), 15 * DAY, "Professional")
    more = charge(item(19900), (0, 30 * DAY), 15 * DAY, "Business")
    assert (back.amount, more.amount) == (-3950, 9950)
    assert back.description == "Unused time on Professional after 16 Jan 1970"
    assert (more.start, more.end, more.is_credit) == (15 * DAY, 30 * DAY, False)


def test_only_what_was_billed_comes_back() -> None:
    assert credit(item(7900), Billed(3950, 0, 30 * DAY), 15 * DAY, "Half price").amount == -1975
    assert credit(item(7900), None, 15 * DAY, "In a trial").amount == 0


def test_three_seats_cost_three_times_one() -> None:
    assert charge(item(1000, quantity=3), (0, 30 * DAY), 20 * DAY, "Seat").amount == 1000
    assert charge(item(1000, quantity=3), (0, 30 * DAY), 20 * DAY, "Seat").description.startswith("Remaining time on 3 × Seat")


@given(st.integers(0, 10**9), st.integers(0, 400 * DAY), st.integers(1, 400 * DAY))
def test_a_part_is_never_more_than_the_whole_nor_below_nothing(amount: int, moment: int, end: int) -> None:
    assert 0 <= part(amount, moment, 0, end) <= amount
    assert part(amount, 0, 0, end) == amount
    assert part(amount, end, 0, end) == 0


def test_half_a_cent_goes_up() -> None:
    assert [rounded(Fraction(n, 2)) for n in (1, 3, -1)] == [1, 2, -1]


def test_what_stays_is_not_prorated() -> None:
    before, later = [item(7900), item(100, id="si_2", price="seat")], [item(19900, price="price_2"), item(100, id="si_2", price="seat")]
    left, begun = changed(before, later)
    assert ([one["price"]["id"] for one in left], [one["price"]["id"] for one in begun]) == (["price_1"], ["price_2"])
