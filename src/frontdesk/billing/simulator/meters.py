"""Meters: usage that is told to Stripe, added up there."""

from decimal import Decimal
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator import shapes, thin_events
from frontdesk.billing.simulator.errors import StripeError, invalid, missing
from frontdesk.billing.simulator.listing import PAGING, listing, page
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
OLDEST, NEWEST = 35 * 86400, 5 * 60
"""Seconds that usage may be old, and ahead of the clock. Source: https://docs.stripe.com/api/billing/meter-event/create"""
REMEMBERED = 86400
"""Seconds, at least, that an identifier counts once. Source: the same."""
EVENT = "simulated.meter_event"
FAILED = "v1.billing.meter.error_report_triggered"
WINDOW = 10
"""Seconds of usage that one report is about; here each has one of its own."""


def create(world: World, params: p.Params) -> Object:
    """POST /v1/billing/meters."""
    p.known(params, ("customer_mapping", "default_aggregation", "display_name", "event_name", "event_time_window", "value_settings"))
    name = str(p.required(params, "event_name"))
    if world.find("billing.meter", event_name=name, status="active"):
        raise invalid(f"An active meter with event name {name} already exists.", "event_name")
    aggregation = p.inner(params, "default_aggregation", ("formula",)) or {}
    mapping, value = p.inner(params, "customer_mapping") or {}, p.inner(params, "value_settings") or {}
    meter = shapes.make(
        "billing.meter", id=world.new_id("mtr_test"), created=world.now(), updated=world.now(), display_name=p.required(params, "display_name"),
        event_name=name, event_time_window=p.choice(params, "event_time_window", ("day", "hour")), status="active",
        customer_mapping={"event_payload_key": p.text(mapping, "event_payload_key", "stripe_customer_id"), "type": "by_id"},
        default_aggregation={"formula": p.choice(aggregation, "formula", ("count", "last", "sum")) or p.required(aggregation, "formula")},
        value_settings={"event_payload_key": p.text(value, "event_payload_key", "value")},
    )  # fmt: skip
    world.emit("billing.meter.created", world.put(meter))
    return meter


def retrieve(world: World, params: p.Params, meter: str) -> Object:
    """GET /v1/billing/meters/{meter}."""
    return world.get(meter, "billing.meter")


def update(world: World, params: p.Params, meter: str) -> Object:
    """POST /v1/billing/meters/{meter}: its name, and nothing else."""
    p.known(params, ("display_name",))
    return _changed(world, meter, "updated", display_name=p.text(params, "display_name") or world.get(meter, "billing.meter")["display_name"])


def deactivate(world: World, params: p.Params, meter: str) -> Object:
    """POST /v1/billing/meters/{meter}/deactivate."""
    return _changed(world, meter, "deactivated", status="inactive", status_transitions={"deactivated_at": world.now()})


def reactivate(world: World, params: p.Params, meter: str) -> Object:
    """POST /v1/billing/meters/{meter}/reactivate."""
    return _changed(world, meter, "reactivated", status="active", status_transitions={"deactivated_at": None})


def index(world: World, params: p.Params) -> Object:
    """GET /v1/billing/meters."""
    p.known(params, (*PAGING, "status"))
    return listing(world, "billing.meter", params, {"status": p.text(params, "status")})


def tell(world: World, params: p.Params) -> Object:
    """POST /v1/billing/meter_events: so much was used. An identifier counts once."""
    p.known(params, ("event_name", "identifier", "payload", "timestamp"))
    meter, payload = _meter(world, params), p.inner(params, "payload") or {}
    at = p.moment(params, "timestamp") or world.now()
    if not world.now() - OLDEST <= at <= world.now() + NEWEST:
        raise invalid("The timestamp must be within the past 35 days, and at most 5 minutes ahead.", "timestamp")
    identifier = p.text(params, "identifier", longest=100) or world.new_id("x", 32)[2:]
    known = world.find(EVENT, identifier=identifier, event_name=meter["event_name"])
    if any(one["created"] > world.now() - REMEMBERED for one in known):
        raise invalid(f"An event already exists with identifier {identifier}.", "identifier")
    event = shapes.make("billing.meter_event", created=world.now(), event_name=meter["event_name"], identifier=identifier, payload=payload, timestamp=at)
    if problem := _problem(world, meter, payload):
        _report(world, meter, *problem, identifier)
    else:
        world.put(event | {"object": EVENT, "id": world.new_id("me")})
    return event


def adjust(world: World, params: p.Params) -> Object:
    """POST /v1/billing/meter_event_adjustments: that event does not count."""
    p.known(params, ("cancel", "event_name", "type"))
    identifier = str(p.required(p.inner(params, "cancel", ("identifier",)) or {}, "identifier"))
    meter = _meter(world, params)
    known = [one for one in world.find(EVENT, identifier=identifier, event_name=meter["event_name"]) if one["created"] > world.now() - REMEMBERED]
    if not known:
        raise missing("meter event", identifier, "cancel[identifier]")
    for one in known:
        world.delete(one["id"])
    cancel = {"identifier": identifier}
    return shapes.make("billing.meter_event_adjustment", cancel=cancel, event_name=meter["event_name"], status="pending", type="cancel")


def summaries(world: World, params: p.Params, meter: str) -> Object:
    """GET /v1/billing/meters/{meter}/event_summaries: what a customer used between two moments, as one figure."""
    p.known(params, (*PAGING, "customer", "end_time", "start_time"))
    found = world.get(meter, "billing.meter")
    customer, begin, end = str(p.required(params, "customer")), p.moment(params, "start_time") or 0, p.moment(params, "end_time") or world.now()
    key, value = found["customer_mapping"]["event_payload_key"], found["value_settings"]["event_payload_key"]
    mine = [
        one for one in world.find(EVENT, event_name=found["event_name"]) if one["payload"].get(key) == customer and begin <= one["timestamp"] < end
    ]  # fmt: skip
    figures = [Decimal(one["payload"].get(value, "1")) for one in sorted(mine, key=lambda one: int(one["timestamp"]))]
    figure = {"count": Decimal(len(figures)), "last": figures[-1] if figures else Decimal(0), "sum": sum(figures, Decimal(0))}
    summary = shapes.make(
        "billing.meter_event_summary", id=world.new_id("mtrusg_test"), meter=meter, start_time=begin, end_time=end,
        aggregated_value=float(figure[found["default_aggregation"]["formula"]]),
    )  # fmt: skip
    return page(world, "billing.meter_event_summary", [summary] if figures else [], params)


def _meter(world: World, params: p.Params) -> Object:
    name = str(p.required(params, "event_name"))
    found = world.find("billing.meter", event_name=name, status="active")
    if not found:
        raise invalid(f"No active meter found for event name {name}.", "event_name")
    return found[0]


def _problem(world: World, meter: Object, payload: Object) -> tuple[str, str] | None:
    """Why this usage cannot be counted, as Stripe finds out after it has taken it: a code, and words."""
    whose, how_much = meter["customer_mapping"]["event_payload_key"], meter["value_settings"]["event_payload_key"]
    customer = str(payload.get(whose) or "")
    if not customer:
        return "meter_event_no_customer_defined", f"The payload has no {whose}."
    found = world.found(customer)
    if found is None or found.get("deleted") or found["object"] != "customer":
        return "meter_event_customer_not_found", f"No such customer: {customer}."
    try:
        is_number = p.decimal(payload, how_much) is not None
    except StripeError:
        is_number = False
    if not is_number and meter["default_aggregation"]["formula"] != "count":
        return "meter_event_invalid_value", f"The payload's {how_much} is no number."
    return None


def _report(world: World, meter: Object, code: str, message: str, identifier: str) -> None:
    """Tell that usage could not be counted. Source: https://docs.stripe.com/billing/subscriptions/usage-based/recording-usage#handle-meter-event-errors"""
    sample = {"error_message": message, "request": {"identifier": identifier}}
    about = {"id": meter["id"], "type": "billing.meter", "url": f"/v1/billing/meters/{meter['id']}"}
    thin_events.announce(world, FAILED, about, {
        "developer_message_summary": "There is 1 invalid event", "validation_start": thin_events.written(world.now() - WINDOW),
        "validation_end": thin_events.written(world.now()),
        "reason": {"error_count": 1, "error_types": [{"code": code, "error_count": 1, "sample_errors": [sample]}]},
    })  # fmt: skip


def _changed(world: World, meter: str, verb: str, **fields: Any) -> Object:
    before = world.get(meter, "billing.meter")
    after = before | fields
    if after != before:
        world.emit(f"billing.meter.{verb}", world.put(after | {"updated": world.now()}), previous=before)
        return after | {"updated": world.now()}
    return after
