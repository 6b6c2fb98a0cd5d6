"""The webhook endpoint at Stripe as it should be, and what is said where it is not."""

from typing import Any

import pytest

from frontdesk.billing import catalogue
from frontdesk.billing.cli import _show_secrets
from frontdesk.billing.condition import of_catalogue
from frontdesk.billing.endpoints import EVENTS, UNCOUNTED, destination_steps, endpoint_steps, is_deaf
from frontdesk.billing.stripe_api import VERSION
from frontdesk.settings import Settings
from tests.billing.till import opened
from tests.world import World

HOME = "https://frontdesk.example.com"
ENDPOINT = {"id": "we_1", "url": f"{HOME}/webhooks/stripe", "enabled_events": list(EVENTS), "status": "enabled", "api_version": VERSION, "metadata": {}}


def said(*found: dict[str, Any], home: str | None = HOME, has_secret: bool = True) -> list[tuple[str, str | None, str]]:
    return [(step.kind, step.id, step.said) for step in endpoint_steps(found, home, has_secret=has_secret)]


def test_an_endpoint_that_hears_everything_in_our_version_is_left_alone() -> None:
    assert said(ENDPOINT, ENDPOINT | {"id": "we_2", "url": "https://elsewhere.example.com/stripe"}) == []


def test_where_there_is_none_one_is_made_with_our_events_and_version() -> None:
    (step,) = endpoint_steps([], HOME, has_secret=False)
    assert (step.kind, step.id) == ("webhook", None)
    assert (step.params["url"], step.params["api_version"], step.params["enabled_events"]) == (ENDPOINT["url"], VERSION, list(EVENTS))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"enabled_events": list(EVENTS[1:])}, f"it tells not of {EVENTS[0]}"),
        ({"enabled_events": [*EVENTS, "payout.paid"]}, "it tells of payout.paid too"),
        ({"status": "disabled"}, "it is disabled"),
        ({"url": "https://old.example.com", "metadata": {"frontdesk": "webhook"}}, f"it is https://old.example.com, not {ENDPOINT['url']}"),
    ],
)  # fmt: skip
def test_what_was_changed_there_is_told_and_put_right(other: dict[str, Any], words: str) -> None:
    assert said(ENDPOINT | other) == [("webhook", "we_1", f"webhook endpoint: {words}")]


@pytest.mark.parametrize("version", [None, "2024-06-20"])
def test_one_that_speaks_another_version_is_followed_by_a_new_one_and_left_to_a_human(version: str | None) -> None:
    old = ENDPOINT | {"api_version": version}
    assert [kind for kind, _, _ in said(old)] == ["look", "webhook"]
    ((kind, _, words),) = said(old, ENDPOINT | {"id": "we_2"})
    assert (kind, "we_1" in words, "delete it" in words) == ("look", True, True)


@pytest.mark.parametrize("home", [None, "http://frontdesk.example.com", "https://localhost:3002", "https://10.0.0.7", "https://[::1]", "https://desk.internal"])
def test_what_stripe_cannot_call_is_said_and_is_no_failure(home: str | None) -> None:
    ((kind, _, words),) = said(home=home)
    assert (kind, "FRONTDESK_PUBLIC_URL" in words) == ("missing", True)


def test_a_secret_that_nobody_noted_is_asked_for() -> None:
    ((kind, _, words),) = said(ENDPOINT, has_secret=False)
    assert (kind, "STRIPE_WEBHOOK_SECRET" in words, "we_1" in words) == ("missing", True, True)


@pytest.mark.parametrize(
    ("key", "secret", "deaf"), [(None, None, False), ("sk_test_simulator", None, False), ("sk_test_1", "whsec_1", False), ("sk_test_1", None, True)]
)
def test_who_sells_with_a_real_key_and_knows_no_secret_hears_nothing(settings: Settings, key: str | None, secret: str | None, deaf: bool) -> None:
    assert is_deaf(settings.model_copy(update={"stripe_secret_key": key, "stripe_webhook_secret": secret})) is deaf


async def test_it_is_made_last_of_all_and_its_secret_told_once(world: World, settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    real = {"stripe_secret_key": "sk_test_of_an_account", "public_url": HOME}
    async with opened(world, settings.model_copy(update=real)) as till:
        steps = await catalogue.compare(till.money)
        assert [step.kind for step in steps[-2:]] == ["portal", "webhook"]
        (secret,) = await catalogue.apply(till.money, steps)
        assert secret not in "".join(capfd.readouterr())  # no log tells it
        assert [step.kind for step in await catalogue.compare(till.money)] == ["missing"]
        assert await of_catalogue(till.money) == (True, "Stripe sells what is shown here")
        (made,) = [one for one in (await till.stage.v1.webhook_endpoints.list_async()).data if one.url.startswith(HOME)]
        assert (made.api_version, made.enabled_events) == (VERSION, list(EVENTS))
        await till.stage.v1.webhook_endpoints.update_async(made.id, {"disabled": True, "enabled_events": ["invoice.paid"]})
        assert await catalogue.apply(till.money, await catalogue.compare(till.money)) == []  # put right, and no second one
        assert [step.kind for step in await catalogue.compare(till.money)] == ["missing"]


def test_whoever_ran_the_command_reads_it_with_where_it_belongs(capsys: pytest.CaptureFixture[str]) -> None:
    _show_secrets(["whsec_1"], rotated=False)
    assert ["whsec_1" in (told := capsys.readouterr().out), "STRIPE_WEBHOOK_SECRET (it is shown this once)" in told] == [True, True]
    _show_secrets(["whsec_2", "whsec_3"], rotated=True)
    told = capsys.readouterr().out
    assert ["whsec_2,whsec_3" in told, "in front of what is there, parted by a comma" in told] == [True, True]


def test_what_meters_could_not_count_is_told_to_a_destination_of_its_own() -> None:
    known = {"id": "ed_1", "event_payload": "thin", "enabled_events": [UNCOUNTED], "status": "enabled", "webhook_endpoint": {"url": ENDPOINT["url"]}}

    def steps(*found: dict[str, Any], home: str | None = HOME) -> list[tuple[str | None, str]]:
        return [(step.id, step.said) for step in destination_steps(found, home)]

    assert steps(known) == steps(home=None) == []
    assert steps() == steps(known | {"event_payload": "snapshot"}) == [(None, f"event destination: a new one, {ENDPOINT['url']}")]
    assert steps(known | {"enabled_events": ["v1.billing.meter.no_meter_found"]}) == [("ed_1", f"event destination: it tells not of {UNCOUNTED}")]
    assert steps(known | {"status": "disabled"}) == [("ed_1", "event destination: it is disabled")]


async def test_where_meters_bill_both_are_made_and_both_secrets_told(world: World, settings: Settings) -> None:
    real = {"stripe_secret_key": "sk_test_of_an_account", "public_url": HOME, "overage_billing": "meters"}
    async with opened(world, settings.model_copy(update=real)) as till:
        steps = await catalogue.compare(till.money)
        assert [step.kind for step in steps[-4:]] == ["portal", "meter", "destination", "webhook"]
        assert len(set(await catalogue.apply(till.money, steps))) == 2
        assert [step.kind for step in await catalogue.compare(till.money)] == ["missing"]
        destinations = till.stage.client.v2.core.event_destinations
        (made,) = (await destinations.list_async()).data
        await destinations.update_async(made.id, {"enabled_events": ["v1.billing.meter.no_meter_found"]})
        await destinations.disable_async(made.id)
        for _ in range(2):  # one thing after the other
            assert await catalogue.apply(till.money, await catalogue.compare(till.money)) == []
        assert [step.kind for step in await catalogue.compare(till.money)] == ["missing"]
