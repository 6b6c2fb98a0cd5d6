"""How a customer stands, out of what Stripe says."""

from datetime import date

import pytest

from frontdesk.billing.standings import UNKNOWN, moment, read
from tests.billing.told import DAY, NOW, customer, invoice, price, subscription

ENDS = NOW + 30 * DAY


def test_a_customer_who_bought_nothing_has_nothing_that_runs() -> None:
    standing = read(customer(currency=None), [], [])
    assert (standing.running, standing.card, standing.currency, standing.vat_id, standing.gone) == (None, None, None, None, False)


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        (["canceled", "active", "incomplete"], "active"),
        (["incomplete_expired", "past_due", "canceled"], "past_due"),
        (["canceled", "incomplete"], "incomplete"),
        (["unpaid", "trialing"], "trialing"),
        (["incomplete_expired", "canceled"], "canceled"),
    ],
)
def test_of_several_subscriptions_the_one_counts_that_gives_most(others: list[str], chosen: str) -> None:
    standing = read(customer(), [subscription(f"sub_{status}", status) for status in others], [])
    assert standing.running is not None
    assert standing.running.status == chosen


def test_of_two_that_give_the_same_the_newer_counts_and_the_other_is_told() -> None:
    standing = read(customer(), [subscription("sub_old"), subscription("sub_new", created=NOW + 1)], [])
    assert standing.running is not None
    assert (standing.running.id, standing.others) == ("sub_new", ("sub_old",))


def test_a_state_that_we_do_not_know_is_taken_for_one_that_takes_nothing_away_at_once() -> None:
    running = read(customer(), [subscription(status="napping")], []).running
    assert running is not None
    assert (running.status, running.known) == (UNKNOWN, False)


@pytest.mark.parametrize(
    ("said", "ends", "at_period_end"),
    [
        ({"cancel_at_period_end": True}, ENDS, True),
        ({"cancel_at": ENDS}, ENDS, True),  # how flexible billing says the same
        ({"cancel_at": NOW + DAY}, NOW + DAY, False),
        ({}, None, False),
    ],
)
def test_it_is_known_when_it_will_end(said: dict[str, object], ends: int | None, at_period_end: bool) -> None:
    running = read(customer(), [subscription(**said)], []).running
    assert running is not None
    assert running.cancel_at == (moment(ends) if ends else None)
    assert running.cancel_at_period_end is at_period_end


def test_what_follows_at_the_periods_end_is_known_and_what_goes_on_is_no_change() -> None:
    def phases(following: str, status: str = "active") -> dict[str, object]:
        one = {"items": [{"price": "price_starter"}], "start_date": NOW, "end_date": ENDS}
        two = {"items": [{"price": following}], "start_date": ENDS, "end_date": ENDS + 30 * DAY}
        return {"id": "sub_sched_1", "status": status, "phases": [one, two]}

    running = read(customer(), [subscription(schedule=phases("price_free"))], []).running
    assert running is not None
    assert running.scheduled is not None
    assert (running.scheduled.provider_price_id, running.scheduled.at, running.schedule_id) == ("price_free", moment(ENDS), "sub_sched_1")
    for schedule in (phases("price_starter"), phases("price_free", "released")):
        unchanged = read(customer(), [subscription(schedule=schedule)], []).running
        assert unchanged is not None
        assert unchanged.scheduled is None


def test_amounts_are_of_an_interval_and_money_has_large_letters() -> None:
    running = read(customer(currency=None), [subscription(price=price(recurring={"interval": "year"}, unit_amount=29000))], []).running
    assert running is not None
    assert (running.amount, running.currency, running.billing_interval) == (29000, "EUR", "year")


def test_the_card_is_that_of_the_subscription_before_that_of_the_customer() -> None:
    def card(last4: str) -> dict[str, object]:
        return {"card": {"brand": "visa", "last4": last4, "exp_month": 4, "exp_year": 2031}}

    told = customer(invoice_settings={"default_payment_method": card("4242")}, tax_ids={"data": [{"value": "DE123456789"}]})
    standing = read(told, [subscription()], [])
    assert standing.card is not None
    assert (standing.card.last4, standing.card.expires_on, standing.vat_id) == ("4242", date(2031, 4, 1), "DE123456789")
    own = read(told, [subscription(default_payment_method=card("1881"))], []).card
    assert own is not None
    assert own.last4 == "1881"


def test_an_invoice_was_issued_when_it_was_finalized_and_belongs_to_its_subscription() -> None:
    (row,) = read(customer(), [], [invoice()]).invoices
    assert (row["issued_at"], row["paid_at"]) == (moment(NOW + 1).isoformat(), moment(NOW + 2).isoformat())
    assert (row["currency"], row["provider_subscription_id"], row["number"]) == ("EUR", "sub_1", "F-0001")
    (draft,) = read(customer(), [], [invoice(status="draft", status_transitions={}, parent=None, number=None)]).invoices
    assert (draft["issued_at"], draft["provider_subscription_id"]) == (moment(NOW).isoformat(), None)


def test_who_was_deleted_there_is_gone() -> None:
    assert read({"id": "cus_1", "deleted": True}, [], []).gone
