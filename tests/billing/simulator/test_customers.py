"""Customers, through the official library."""

import pytest
import stripe

from tests.billing.simulator.market import subscribe
from tests.billing.simulator.stage import Stage


async def test_a_customer_is_created_changed_listed_and_deleted(stage: Stage) -> None:
    made = await stage.v1.customers.create_async({"email": "ada@example.com", "name": "Ada", "metadata": {"organization": "1"}})
    assert made.id.startswith("cus_") and made.email == "ada@example.com" and made.metadata["organization"] == "1" and made.livemode is False

    changed = await stage.v1.customers.update_async(made.id, {"name": "Ada L.", "address": {"country": "DE", "city": "Köln"}, "metadata": {"vip": "yes"}})
    assert changed.name == "Ada L." and changed.address.city == "Köln" and changed.metadata.to_dict() == {"organization": "1", "vip": "yes"}

    assert [one.id for one in (await stage.v1.customers.list_async({"email": "ada@example.com"})).data] == [made.id]
    assert (await stage.v1.customers.list_async({"email": "nobody@example.com"})).data == []

    assert (await stage.v1.customers.delete_async(made.id)).deleted is True
    assert (await stage.v1.customers.retrieve_async(made.id)).deleted is True
    assert (await stage.v1.customers.list_async({})).data == []
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stage.v1.customers.update_async(made.id, {"name": "Nobody"})
    assert refused.value.code == "resource_missing" and refused.value.http_status == 404


async def test_what_changes_is_told_with_what_was_before(stage: Stage) -> None:
    made = await stage.v1.customers.create_async({"name": "Ada"})
    await stage.v1.customers.update_async(made.id, {"name": "Ada L."})
    await stage.v1.customers.update_async(made.id, {"name": "Ada L."})
    await stage.v1.customers.delete_async(made.id)
    await stage.quiet()
    told = stage.events()
    assert [event.type for event in told] == ["customer.created", "customer.updated", "customer.deleted"]
    assert told[1].data.previous_attributes.to_dict() == {"name": "Ada"}
    assert told[1].data.object.name == "Ada L."


async def test_a_customer_can_begin_with_a_card_that_pays(stage: Stage) -> None:
    first = {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa", "footer": "Thank you"}}
    made = await stage.v1.customers.create_async({"name": "Ada", **first, "expand": ["invoice_settings.default_payment_method"]})
    assert made.invoice_settings.default_payment_method.card.last4 == "4242" and made.invoice_settings.footer == "Thank you"
    with pytest.raises(stripe.CardError):
        await stage.v1.customers.create_async({"name": "Bob", "payment_method": "pm_card_visa_chargeDeclined"})
    assert [one.name for one in (await stage.v1.customers.list_async()).data] == ["Ada"]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"email": "two@@signs and a space"}, "email"), ({"name": "x" * 257}, "name"), ({"tax_exempt": "perhaps"}, "tax_exempt"),
        ({"invoice_prefix": "no"}, "invoice_prefix"), ({"metadata": {"x" * 41: "1"}}, f"metadata[{'x' * 40}]"), ({"metadata": {"a": "y" * 501}}, "metadata[a]"),
        ({"invoice_settings": {"default_payment_method": "pm_none"}}, "invoice_settings[default_payment_method]"),
        ({"address": {"moon": "1"}}, "address[moon]"), ({"balance": "1.5"}, "balance"), ({"name": {"first": "Ada"}}, "name"),
    ],
)  # fmt: skip
async def test_a_customer_who_cannot_be_is_refused_by_field(stage: Stage, wrong: dict[str, object], param: str) -> None:
    made = await stage.v1.customers.create_async({"name": "Ada"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stage.v1.customers.update_async(made.id, wrong)
    assert refused.value.param == param


async def test_names_of_all_the_world_come_back_as_they_went(stage: Stage) -> None:
    for name in ("שלום וברכה", "中文 🎉 & = % +", "x" * 256, 'a"b\\c[0]=d'):
        made = await stage.v1.customers.create_async({"name": name, "metadata": {"note": name}})
        assert (made.name, made.metadata["note"]) == (name, name)


async def test_who_is_deleted_buys_no_more(stage: Stage) -> None:
    bought = await subscribe(stage, "professional")
    shown = await stage.v1.customers.retrieve_async(bought.customer, {"expand": ["subscriptions.data.latest_invoice"]})
    assert [one.latest_invoice.status for one in shown.subscriptions.data] == ["paid"]
    await stage.v1.customers.delete_async(bought.customer)
    assert (await stage.v1.subscriptions.retrieve_async(bought.id)).status == "canceled"
    assert (await stage.v1.payment_methods.list_async({"customer": bought.customer})).data == []
    await stage.quiet()
    assert [event.type for event in stage.events()][-2:] == ["customer.subscription.deleted", "customer.deleted"]
