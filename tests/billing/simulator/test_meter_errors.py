"""Usage that a meter cannot count is taken all the same, and told of by a thin event."""

import json
from typing import Any

import pytest
import stripe

from tests.billing.simulator.market import customer
from tests.billing.simulator.stage import SECRET, Stage


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"stripe_customer_id": "cus_nobody", "value": "3"}, "meter_event_customer_not_found"),
        ({"value": "3"}, "meter_event_no_customer_defined"),
        ({"value": "three"}, "meter_event_invalid_value"),
        ({"value": ""}, "meter_event_invalid_value"),
    ],
)
async def test_it_is_told_what_was_wrong_and_nothing_is_counted(stage: Stage, payload: dict[str, str], code: str) -> None:
    who = await customer(stage)
    meter = await stage.v1.billing.meters.create_async({"display_name": "Sent", "event_name": "sent", "default_aggregation": {"formula": "sum"}})
    if code == "meter_event_invalid_value":
        payload = payload | {"stripe_customer_id": who}
    await stage.v1.billing.meter_events.create_async({"event_name": "sent", "identifier": "hour-1", "payload": payload})
    await stage.quiet()
    body, headers = stage.ear.bodies[-1], stage.ear.headers[-1]
    assert sorted(json.loads(body)) == ["context", "created", "id", "livemode", "object", "reason", "related_object", "type"]
    told: Any = stage.client.parse_event_notification(body, headers["stripe-signature"], SECRET)
    assert isinstance(told, stripe.events.V1BillingMeterErrorReportTriggeredEventNotification)
    assert (await told.fetch_related_object_async()).id == meter.id
    event = await told.fetch_event_async()
    (kind,) = event.data.reason.error_types
    assert (event.data.reason.error_count, kind.code, kind.sample_errors[0].request.identifier) == (1, code, "hour-1")
    asked = {"customer": who, "start_time": 0, "end_time": 2_000_000_000}
    assert (await stage.v1.billing.meters.event_summaries.list_async(meter.id, asked)).data == []


async def test_endpoints_of_the_older_api_are_not_told(stage: Stage) -> None:
    (own,) = (await stage.v1.webhook_endpoints.list_async()).data
    made = await stage.v1.webhook_endpoints.create_async({"url": own.url, "enabled_events": ["*"]})
    await stage.v1.billing.meters.create_async({"display_name": "Sent", "event_name": "sent", "default_aggregation": {"formula": "sum"}})
    await stage.v1.billing.meter_events.create_async({"event_name": "sent", "payload": {"stripe_customer_id": "cus_nobody", "value": "1"}})
    await stage.quiet()
    sent = await stage.account.do(lambda world: world.db.execute("select endpoint from deliveries where event like 'evt_test_%'").fetchall())
    assert [row["endpoint"] for row in sent] == [own.id] != [made.id]
    with pytest.raises(stripe.StripeError):
        await stage.client.v2.core.events.retrieve_async("evt_test_unknown")


async def test_an_event_destination_is_told_signed_with_its_own_secret(stage: Stage) -> None:
    (own,) = (await stage.v1.webhook_endpoints.list_async()).data
    destinations = stage.client.v2.core.event_destinations
    order: Any = {
        "name": "Meters", "type": "webhook_endpoint", "event_payload": "thin", "enabled_events": ["v1.billing.meter.error_report_triggered"],
        "webhook_endpoint": {"url": own.url}, "include": ["webhook_endpoint.signing_secret", "webhook_endpoint.url"],
    }  # fmt: skip
    made = await destinations.create_async(order)
    assert (made.status, made.webhook_endpoint.url) == ("enabled", own.url)
    assert (await destinations.retrieve_async(made.id, {"include": ["webhook_endpoint.url"]})).webhook_endpoint.signing_secret is None
    await stage.v1.billing.meters.create_async({"display_name": "Sent", "event_name": "sent", "default_aggregation": {"formula": "sum"}})
    await stage.v1.billing.meter_events.create_async({"event_name": "sent", "payload": {"stripe_customer_id": "cus_nobody", "value": "1"}})
    await stage.quiet()
    signed = [
        secret
        for body, headers in zip(stage.ear.bodies[-2:], stage.ear.headers[-2:], strict=True) for secret in (SECRET, made.webhook_endpoint.signing_secret)
        if _fits(stage, body, headers["stripe-signature"], secret)
    ]  # fmt: skip
    assert sorted(signed) == sorted([SECRET, made.webhook_endpoint.signing_secret])
    await destinations.delete_async(made.id)
    assert (await destinations.list_async()).data == []
    with pytest.raises(stripe.StripeError):
        await destinations.create_async(order | {"event_payload": "snapshot"})


def _fits(stage: Stage, body: bytes, header: str, secret: str) -> bool:
    try:
        stage.client.parse_event_notification(body, header, secret)
    except stripe.SignatureVerificationError:
        return False
    return True
