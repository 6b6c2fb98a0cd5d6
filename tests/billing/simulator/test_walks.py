"""Whatever one does in whatever order, no cent is lost and no month is forgotten or paid twice."""

import sqlite3
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from frontdesk.billing.simulator import invoice_calls, payment_calls, schedule_calls, shapes, shortcuts, subscription_calls
from frontdesk.billing.simulator.clock import step
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.periods import DAY
from frontdesk.billing.simulator.records import SimulatorSettings
from frontdesk.billing.simulator.store import SCHEMA
from frontdesk.billing.simulator.totals import SMALLEST, net
from frontdesk.billing.simulator.world import World

PRICES = {"price_small": (2900, "month"), "price_large": (19900, "month"), "price_year": (29000, "year")}
CARDS = ("4242424242424242", "4000000000000341", "4000002760003184", "DE62370400440532013001")
DEEDS = [
    *(("change", price, behavior, payment) for price in PRICES for behavior in ("always_invoice", "create_prorations", "none")
      for payment in ("allow_incomplete", "pending_if_incomplete")),
    *(("card", card) for card in CARDS), ("cancel",), ("resume",), ("downgrade",), ("release",), ("pay",), ("item",),
    *(("wait", days) for days in (0.02, 1, 9, 31, 400)),
]  # fmt: skip


def account() -> tuple[World, str, str]:
    """An account with a customer who has a subscription."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    db.executescript(SCHEMA)
    world = World(db, SimulatorSettings())
    for id, (amount, interval) in PRICES.items():
        world.put(shapes.make("product", id=f"prod_{id}", name=id))
        recurring = shapes.make("price.recurring", interval=interval, interval_count=1)
        fields = {"active": True, "currency": "eur", "type": "recurring", "billing_scheme": "per_unit", "recurring": recurring}
        world.put(shapes.make("price", id=id, product=f"prod_{id}", unit_amount=amount, unit_amount_decimal=str(amount), **fields))
    who = shapes.make("customer", id="cus_1", balance=0, delinquent=False, invoice_prefix="A", invoice_settings=shapes.make("customer.invoice_settings"))
    world.put(who | {"next_invoice_sequence": 1, "tax_exempt": "none"})
    shortcuts.give_card(world, {"customer": "cus_1", "number": CARDS[0], "expiry": "12/34", "cvc": "123"})
    return world, "cus_1", subscription_calls.create(world, {"customer": "cus_1", "items": [{"price": "price_small"}]})["id"]


def act(world: World, who: str, id: str, deed: tuple[Any, ...]) -> None:
    """Do it; what Stripe refuses is refused."""
    found = world.get(id)
    item = found["items"]["data"][0]
    if deed[0] == "wait":
        until = world.now() + int(deed[1] * DAY)
        while step(world, until) is not None:
            pass
    elif deed[0] == "change":
        how = {"proration_behavior": deed[2], "payment_behavior": deed[3]}
        subscription_calls.update(world, {"items": [{"id": item["id"], "price": deed[1]}], **how}, id)
    elif deed[0] == "card":
        shortcuts.give_card(world, {"customer": who, "number": deed[1], "expiry": "12/34", "cvc": "123"})
    elif deed[0] in ("cancel", "resume"):
        subscription_calls.update(world, {"cancel_at_period_end": "true" if deed[0] == "cancel" else "false"}, id)
    elif deed[0] == "downgrade":
        schedule = schedule_calls.create(world, {"from_subscription": id})
        phases = [{"items": [{"price": item["price"]["id"]}], "end_date": str(item["current_period_end"])}, {"items": [{"price": "price_small"}]}]
        schedule_calls.update(world, {"phases": phases}, schedule["id"])
    elif deed[0] == "release":
        schedule_calls.release(world, {}, found["schedule"] or "none")
    elif deed[0] == "pay":
        for bill in world.find("invoice", customer=who, status="open"):
            method = payment_calls.attach_method(world, {"customer": who}, "pm_card_visa")["id"]
            invoice_calls.pay(world, {"payment_method": method}, bill["id"])
    else:
        from frontdesk.billing.simulator import invoice_items

        invoice_items.create(world, {"customer": who, "amount": "333", "currency": "eur"})


def holds(world: World, who: str, id: str) -> None:
    """What must be true at every moment."""
    subscription, customer = world.get(id), world.get(who)
    bills = [one for one in world.find("invoice", customer=who) if one["status"] not in ("draft", "void")]
    for bill in bills:
        assert bill["total"] == sum(net(line) for line in bill["lines"]["data"]) == bill["subtotal"]
        assert bill["amount_due"] == 0 or bill["amount_due"] >= SMALLEST
        taken = sum(one["amount"] for one in world.find("charge", customer=who) if one["paid"] and _pays(world, one, bill))
        assert taken == (bill["amount_due"] if bill["status"] == "paid" else 0), "each is paid once, and in full"
    assert sum(bill["total"] for bill in bills) == sum(bill["amount_due"] for bill in bills) + customer["balance"], "no cent is lost"
    numbers = [bill["number"] for bill in world.find("invoice", customer=who) if bill["number"]]
    assert len(set(numbers)) == len(numbers)
    item = subscription["items"]["data"][0]
    assert item["current_period_start"] < item["current_period_end"]
    if subscription["status"] in ("active", "past_due", "trialing"):
        assert world.now() < item["current_period_end"] + 5, "no period is forgotten"
    if subscription["pending_update"]:
        assert world.get(subscription["latest_invoice"])["status"] in ("open", "draft")
    if subscription["status"] == "canceled":
        assert subscription["ended_at"] and subscription["schedule"] is None and subscription["pending_update"] is None


def _pays(world: World, charge: Any, bill: Any) -> bool:
    payments = world.find("invoice_payment", invoice=bill["id"])
    return charge["payment_intent"] in [one["payment"]["payment_intent"] for one in payments]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(DEEDS), max_size=14))
def test_whatever_one_does_no_cent_is_lost(deeds: list[tuple[Any, ...]]) -> None:
    world, who, id = account()
    for deed in deeds:
        world.db.execute("savepoint deed")
        try:
            act(world, who, id, deed)
        except StripeError as refused:
            if not refused.keep:
                world.db.execute("rollback to deed")
        world.db.execute("release deed")
        holds(world, who, id)
