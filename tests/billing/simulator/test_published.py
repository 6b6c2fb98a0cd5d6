"""What Stripe published, what the simulator starts from, and what it answers are alike."""

import json
from pathlib import Path

import pytest

from frontdesk.billing.simulator import shapes
from tests.billing.simulator.published import NAMES, derived, differences, published_fields

FIXTURES = Path(__file__).parents[4] / "shared" / "data" / "stripe-fixtures3.json"


@pytest.mark.skipif(not FIXTURES.exists(), reason="Stripe's fixtures are not kept beside this clone")
def test_the_names_that_tests_use_are_those_of_the_fixtures() -> None:
    resources = json.loads(FIXTURES.read_text("utf-8"))["resources"]
    assert {kind: shape for kind, shape in published_fields().items() if shape != derived(resources[kind])} == {}
    assert "MIT" in json.loads(NAMES.read_text("utf-8"))["//"]


def test_new_objects_have_every_published_field() -> None:
    lacking = {
        f"{kind}.{name}"
        for kind, fields in published_fields().items() if not kind.startswith("deleted_")
        for name in fields if name not in shapes.make(kind)
    }  # fmt: skip
    assert lacking == set()


def test_what_is_unlike_stripe_is_found() -> None:
    customer = shapes.make("customer", id="cus_1", created=1, name="Ada")
    assert differences(customer) == []
    assert differences({name: value for name, value in customer.items() if name != "email"}) == ["customer has no email"]
    assert "customer.created is string, not integer" in differences(customer | {"created": "1"})
    assert "customer has an unknown nickname" in differences(customer | {"nickname": "A"})
    assert "customer.id is null" in differences(customer | {"id": None})
    listed = shapes.list_of([customer | {"email": 1}], "/v1/customers")
    assert "list.data[0].email is 1, not str" in differences(listed)
    assert differences({"object": "list", "data": [], "has_more": False}) == ["a list has no url"]


def test_no_shape_takes_a_field_that_stripe_does_not_have() -> None:
    with pytest.raises(KeyError):
        shapes.make("customer", nickname="A")
