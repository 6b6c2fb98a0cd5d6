"""The API of subscription schedules: what becomes of a subscription at the end of its period."""

from typing import Any

from frontdesk.billing.simulator import items, schedules, standing
from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.periods import after, plus_duration
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
PHASE = (
    "billing_cycle_anchor",
    "currency",
    "description",
    "discounts",
    "duration",
    "end_date",
    "items",
    "iterations",
    "metadata",
    "proration_behavior",
    "start_date",
)


def create(world: World, params: p.Params) -> Object:
    """POST /v1/subscription_schedules: of a subscription that is there. Others are not simulated."""
    p.known(params, ("from_subscription", "metadata", "end_behavior", "customer", "phases", "start_date", "default_settings", "billing_mode"))
    if not params.get("from_subscription"):
        raise invalid("The simulated Stripe makes schedules of subscriptions that are there: give `from_subscription`.", "from_subscription")
    for name in ("phases", "start_date", "end_behavior", "default_settings", "customer"):
        if params.get(name):
            raise invalid(f"You cannot set `{name}` if `from_subscription` is set.", name)
    subscription = world.get(str(params["from_subscription"]), "subscription", "from_subscription")
    if subscription["status"] in (*standing.OVER, "incomplete"):
        message = f"You cannot migrate a subscription that is {subscription['status']} to a subscription schedule."
        raise StripeError("invalid_request_error", message, None, "from_subscription")
    if subscription["schedule"]:
        message = f"You cannot migrate a subscription that is already attached to a schedule: {subscription['schedule']}"
        raise StripeError("invalid_request_error", message, None, "from_subscription")
    if subscription["cancel_at"] is not None:
        raise StripeError(
            "invalid_request_error", "The simulated Stripe makes no schedule of a subscription that will be cancelled.", None, "from_subscription"
        )
    schedule = schedules.from_subscription(world, subscription)
    return world.put(schedule | {"metadata": p.metadata(params)})


def retrieve(world: World, params: p.Params, schedule: str) -> Object:
    """GET /v1/subscription_schedules/{schedule}."""
    return world.get(schedule, "subscription_schedule", "schedule")


def index(world: World, params: p.Params) -> Object:
    """GET /v1/subscription_schedules."""
    p.known(params, (*PAGING, "created", "customer", "scheduled", "canceled_at", "completed_at", "released_at"))
    return listing(world, "subscription_schedule", params, {"customer": p.text(params, "customer")})


def update(world: World, params: p.Params, schedule: str) -> Object:
    """POST /v1/subscription_schedules/{schedule}: new phases, of which the first is the one that runs."""
    p.known(params, ("default_settings", "end_behavior", "metadata", "phases", "proration_behavior"))
    before, found = _active(world, schedule), _active(world, schedule)
    subscription = world.get(found["subscription"])
    if "metadata" in params:
        found["metadata"] = p.metadata(params, found["metadata"])
    found["end_behavior"] = p.choice(params, "end_behavior", ("cancel", "release"), found["end_behavior"])
    given = p.several(params, "phases")
    if given:
        found["phases"] = _phases(world, given, found, subscription)
        found["current_phase"] = {name: found["phases"][0][name] for name in ("start_date", "end_date")}
    world.put(found)
    world.emit("subscription_schedule.updated", found, previous=before)
    return found


def release(world: World, params: p.Params, schedule: str) -> Object:
    """POST /v1/subscription_schedules/{schedule}/release: the subscription goes on as it is."""
    p.known(params, ("preserve_cancel_date",))
    found = _active(world, schedule)
    subscription = world.get(found["subscription"])
    standing.release_schedule(world, subscription, "released")
    standing.change(world, subscription, schedule=None)
    return world.get(schedule)


def cancel(world: World, params: p.Params, schedule: str) -> Object:
    """POST /v1/subscription_schedules/{schedule}/cancel: the subscription ends at once, too."""
    p.known(params, ("invoice_now", "prorate"))
    found = _active(world, schedule)
    standing.cancel(world, world.get(found["subscription"]), reason="cancellation_requested")
    return world.get(schedule)


def _active(world: World, schedule: str) -> Object:
    found = world.get(schedule, "subscription_schedule", "schedule")
    if found["status"] != "active":
        message = f"You cannot change a subscription schedule that is currently in the `{found['status']}` status."
        raise StripeError("invalid_request_error", message)
    return found


def _phases(world: World, given: list[Any], schedule: Object, subscription: Object) -> list[Object]:
    """The phases one after another. The first ends with the period: in the middle of one the simulated Stripe changes none."""
    made: list[Object] = []
    start = int(schedule["current_phase"]["start_date"])
    for place, one in enumerate(given):
        where = f"phases[{place}]"
        if not isinstance(one, dict):
            raise invalid("Invalid object", where)
        p.known(one, PHASE, where)
        own = _items(world, one, where)
        begins = p.moment(one, "start_date") if one.get("start_date") != "now" else world.now()
        if begins not in (None, start):
            raise invalid("Phases follow one another without gaps; the first begins where the current one does.", f"{where}[start_date]")
        end = _end(world, one, start, own, where)
        if place == 0 and end != items.period_of(subscription)[1]:
            raise invalid("In the simulated Stripe the first phase ends with the current period.", f"{where}[end_date]")
        behavior = p.choice(one, "proration_behavior", ("always_invoice", "create_prorations", "none"), "create_prorations")
        made.append(schedules.phase(subscription["currency"], own, start, end, metadata=p.metadata(one), proration_behavior=behavior))
        start = end
    return made


def _items(world: World, one: p.Params, where: str) -> list[Object]:
    given = p.several(one, "items")
    if not given:
        raise StripeError("invalid_request_error", f"Missing required param: {where}[items].", "parameter_missing", f"{where}[items]")
    made = []
    for place, item in enumerate(given):
        p.known(item, ("price", "quantity", "metadata"), f"{where}[items][{place}]")
        price = items.recurring_price(world, str(p.required(item, "price")), f"{where}[items][{place}][price]")
        made.append(schedules.phase_item(price, p.integer(item, "quantity", 1, least=0)))
    return made


def _end(world: World, one: p.Params, start: int, own: list[Object], where: str) -> int:
    """The end of a phase: as given, or after so much time, or after so many periods; else after one."""
    span = p.inner(one, "duration", ("interval", "interval_count"))
    end = p.moment(one, "end_date")
    if span is not None:
        p.choice(span, "interval", ("day", "week", "month", "year"))
        end = plus_duration(start, {"interval": span["interval"], "interval_count": p.integer(span, "interval_count", 1, least=1) or 1})
    if end is None:
        recurring = world.get(own[0]["price"])["recurring"]
        end = after(start, recurring, p.integer(one, "iterations", 1, least=1) or 1)
    if end <= start:
        raise invalid("A phase must end after it begins.", f"{where}[end_date]")
    return end
