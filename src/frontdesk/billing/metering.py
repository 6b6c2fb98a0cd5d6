"""The meters at Stripe that add up what went beyond plans: what they should be, compared with what they are. Pure questions."""

from collections.abc import Iterable, Sequence
from typing import Any

from frontdesk.billing.differences import Step
from frontdesk.billing.records import Plan
from frontdesk.billing.standings import Told

NAMES = {
    "ai_replies": "AI replies", "api_requests": "API calls", "campaigns": "campaigns", "media_bytes": "bytes of media", "messages_sent": "messages sent",
}  # fmt: skip
CUSTOMER, VALUE = "stripe_customer_id", "value"  # what an event's payload calls whose it is, and how much


def event_name(metric: str) -> str:
    """What usage of a metric is called at Stripe."""
    return f"frontdesk_{metric}"


def sold_beyond(plans: Iterable[Plan]) -> list[str]:
    """The metrics of which some plan sells more than it includes."""
    return sorted({metric for plan in plans for metric, price in plan.overage.items() if price > 0})


def meter_steps(metrics: Sequence[str], found: Sequence[Told]) -> list[Step]:
    """What lacks until each of these metrics has a meter that adds up. A meter never changes but for its name."""
    return [step for metric in metrics if (step := _step(metric, [one for one in found if one["event_name"] == event_name(metric)]))]


def _step(metric: str, known: Sequence[Told]) -> Step | None:
    name, active = event_name(metric), next((one for one in known if one["status"] == "active"), None)
    if active is not None:
        return None if _fits(active) else Step("look", f"meter {name}: {active['id']} counts otherwise; deactivate it in Stripe’s dashboard, a new one is made")
    asleep = next((one for one in known if _fits(one)), None)
    if asleep is not None:
        return Step("meter", f"meter {name}: {asleep['id']} is switched off", asleep["id"])
    wanted: dict[str, Any] = {
        "display_name": f"Frontdesk: {NAMES.get(metric, metric)} beyond the plan", "event_name": name, "default_aggregation": {"formula": "sum"},
        "customer_mapping": {"type": "by_id", "event_payload_key": CUSTOMER}, "value_settings": {"event_payload_key": VALUE},
    }  # fmt: skip
    return Step("meter", f"meter {name}: a new one", None, wanted)


def _fits(known: Told) -> bool:
    """Whether it adds up what we send."""
    mapping, value = known.get("customer_mapping") or {}, known.get("value_settings") or {}
    keys = (mapping.get("type"), mapping.get("event_payload_key"), value.get("event_payload_key"))
    return (known.get("default_aggregation") or {}).get("formula") == "sum" and keys == ("by_id", CUSTOMER, VALUE)
