"""Customers, through the official library."""

import pytest
import stripe

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
