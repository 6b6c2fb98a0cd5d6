"""Events on their way: signed, retried, and with everything that can go wrong on the way."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.billing.simulator.stage import SECRET, Stage, staged
from tests.channels.simulator.stage import Ear, serving


async def customer(stage: Stage, name: str = "Ada") -> Any:
    return await stage.v1.customers.create_async({"name": name})


async def switch(stage: Stage, switches: dict[str, Any]) -> None:
    answer = await stage.http.put("/_test/faults", json=switches)
    assert answer.status_code == 200, answer.text


def names(stage: Stage) -> list[str]:
    return [json.loads(body)["data"]["object"]["name"] for body in stage.ear.bodies]


async def test_events_arrive_in_order_signed_as_stripe_signs(stage: Stage) -> None:
    for name in "abc":
        await customer(stage, name)
    await stage.quiet()
    assert names(stage) == ["a", "b", "c"]
    event = stage.events()[0]
    assert (event.api_version, event.pending_webhooks, event.livemode) == ("2026-10-28.endive", 1, False)
    assert stage.ear.headers[0]["user-agent"].startswith("Stripe/1.0")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(stage.ear.bodies[0], stage.ear.headers[1]["stripe-signature"], SECRET)


async def test_what_was_not_taken_comes_again_and_is_pending_until_then(stage: Stage) -> None:
    stage.ear.answers, stage.ear.slow = [500, 302, 404], 0.1
    await customer(stage)
    failing = (await stage.v1.events.list_async({"delivery_success": False})).data
    await stage.quiet()
    assert len(stage.ear.bodies) == 4 and len({json.loads(body)["id"] for body in stage.ear.bodies}) == 1
    assert [one.type for one in failing] == ["customer.created"]
    (event,) = (await stage.v1.events.list_async({"delivery_success": True})).data
    assert event.pending_webhooks == 0
    told = (await stage.http.get("/_test/deliveries")).json()
    assert told["waiting"] == 0 and told["deliveries"][0]["tries"] == 4 and told["deliveries"][0]["answer"] == "200"


async def test_who_is_slow_or_away_gets_it_later(stage: Stage) -> None:
    stage.ear.slow = 0.7  # longer than the stage's patience
    await customer(stage)
    while not stage.ear.bodies:
        await asyncio.sleep(0.01)
    stage.ear.slow = 0.0
    await stage.quiet()
    assert len(stage.ear.bodies) >= 2


async def test_duplicates_come_twice_under_one_id(stage: Stage) -> None:
    await switch(stage, {"duplicate": {"every": 2}})
    for name in "abcd":
        await customer(stage, name)
    await stage.quiet()
    assert names(stage) == ["a", "b", "b", "c", "d", "d"]


async def test_every_second_is_overtaken(stage: Stage) -> None:
    await switch(stage, {"reorder": {"seconds": 0.3}})
    for name in "ab":
        await customer(stage, name)
    await stage.quiet()
    assert names(stage) == ["b", "a"]


async def test_what_is_dropped_never_comes_and_stays_listed(stage: Stage) -> None:
    await switch(stage, {"drop": {"count": 2}})
    for name in "abc":
        await customer(stage, name)
    await stage.quiet()
    assert names(stage) == ["c"]
    assert [one.data.object.name for one in (await stage.v1.events.list_async({"delivery_success": False})).data] == ["b", "a"]


async def test_what_is_delayed_comes_later(stage: Stage) -> None:
    await switch(stage, {"delay": {"seconds": 0.2, "count": 1}})
    for name in "ab":
        await customer(stage, name)
    await stage.quiet()
    assert names(stage) == ["b", "a"]


@pytest.mark.parametrize("fault", ["wrong_secret", "stale_timestamp"])
async def test_a_spoiled_signature_is_one_that_the_library_refuses(stage: Stage, fault: str) -> None:
    await switch(stage, {fault: {"count": 1}})
    stage.ear.answers = [400]  # what the product says to it
    await customer(stage)
    await stage.quiet()
    spoiled, right = [headers["stripe-signature"] for headers in stage.ear.headers]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(stage.ear.bodies[0], spoiled, SECRET)
    assert stripe.Webhook.construct_event(stage.ear.bodies[1], right, SECRET).type == "customer.created"


async def test_endpoints_have_secrets_of_their_own_and_hear_what_they_asked_for(stage: Stage) -> None:
    async with serving(other := Ear()) as url:
        made = await stage.v1.webhook_endpoints.create_async({"url": url, "enabled_events": ["customer.updated"]})
        ada = await customer(stage)
        await stage.v1.customers.update_async(ada.id, {"name": "Ada L."})
        await stage.quiet()
        ((body, headers),) = zip(other.bodies, other.headers, strict=True)
        assert stripe.Webhook.construct_event(body, headers["stripe-signature"], made.secret).type == "customer.updated"
        assert not hasattr(await stage.v1.webhook_endpoints.retrieve_async(made.id), "secret")
        await stage.v1.webhook_endpoints.update_async(made.id, {"disabled": True})
        await stage.v1.customers.update_async(ada.id, {"name": "Ada"})
        await stage.v1.webhook_endpoints.delete_async(made.id)
        await stage.quiet()
        assert len(other.bodies) == 1 and len(stage.ear.bodies) == 3


@pytest.mark.parametrize("wrong", [{"url": "example.com"}, {"enabled_events": ["everything"]}, {"enabled_events": []}, {"api_version": "2019-01-01"}])
async def test_an_endpoint_that_cannot_be_is_refused(stage: Stage, wrong: dict[str, Any]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.webhook_endpoints.create_async({"url": "https://example.com/hook", "enabled_events": ["*"]} | wrong)


async def test_events_are_listed_by_type(stage: Stage) -> None:
    ada = await customer(stage)
    await stage.v1.customers.update_async(ada.id, {"name": "Ada L."})
    await stage.v1.products.create_async({"name": "Tea"})
    asked: dict[str, dict[str, Any]] = {"product.created": {"type": "product.*"}, "customer.updated": {"types": ["customer.updated", "invoice.paid"]}}
    for type, params in asked.items():
        (event,) = (await stage.v1.events.list_async(params)).data
        assert event.type == type and (await stage.v1.events.retrieve_async(event.id)).data.object.id == event.data.object.id
    await stage.account.do(lambda world: world.advance(31 * 86400))
    assert (await stage.v1.events.list_async()).data == []


async def test_calls_fail_as_they_are_told_to(stage: Stage) -> None:
    await switch(stage, {"answer_500": {"status": 503, "count": 1}, "answer_429": {"count": 1}})
    with pytest.raises(stripe.RateLimitError):
        await customer(stage)
    await switch(stage, {"answer_500": {"status": 503, "count": 1}})
    with pytest.raises(stripe.APIError) as refused:
        await customer(stage)
    assert refused.value.http_status == 503
    assert (await stage.v1.customers.list_async()).data == []


async def test_an_answer_that_was_lost_is_found_again_under_its_key(stage: Stage) -> None:
    await switch(stage, {"lose_answer": {"count": 1}})
    with pytest.raises(stripe.APIError):
        await stage.v1.customers.create_async({"name": "Ada"}, {"idempotency_key": "cus:1"})
    again = await stage.v1.customers.create_async({"name": "Ada"}, {"idempotency_key": "cus:1"})
    assert [one.id for one in (await stage.v1.customers.list_async()).data] == [again.id]


@pytest.mark.parametrize(
    "wrong", [[], {"everything": True}, {"delay": {"hours": 1}}, {"delay": {"seconds": -1}}, {"drop": {"count": 0}}, {"answer_500": {"status": 200}}]
)
async def test_a_switch_that_is_none_is_refused_by_name(stage: Stage, wrong: Any) -> None:
    assert (await stage.http.put("/_test/faults", json=wrong)).status_code == 422
    assert (await stage.http.get("/_test/faults")).json() == {}


async def test_the_scripting_door_opens_to_this_machine_only(stage: Stage) -> None:
    for headers in ({"x-forwarded-for": "203.0.113.1"}, {"host": "evil.example"}):
        assert (await stage.http.get("/_test/faults", headers=headers)).status_code == 403
    assert (await stage.http.put("/_test/faults", content=b"{}", headers={"content-type": "text/plain"})).status_code == 415


async def test_everything_outlives_the_process(tmp_path: Path) -> None:
    path, ear = tmp_path / "stripe.sqlite3", Ear(answers=[500] * 1000)
    async with staged(path, ear=ear) as stage:
        ada = await stage.v1.customers.create_async({"name": "Ada"}, {"idempotency_key": "cus:1"})
        await stage.account.do(lambda world: world.advance(86400))
        await switch(stage, {"duplicate": True})
        ahead = await stage.account.do(lambda world: world.now())
    async with staged(path) as stage:
        assert (await stage.v1.customers.create_async({"name": "Ada"}, {"idempotency_key": "cus:1"})).id == ada.id
        assert await stage.account.do(lambda world: world.now()) >= ahead
        await stage.quiet()
        assert [event.type for event in stage.events()] == ["customer.created"] * 2
        assert (await stage.http.delete("/_test/account")).status_code == 204
        assert (await stage.v1.customers.list_async()).data == [] and (await stage.http.get("/_test/faults")).json() == {}
    assert path.stat().st_mode & 0o077 == 0


async def test_what_a_killed_process_had_in_hand_goes_out_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "stripe.sqlite3"
    async with staged(path, ear=Ear(slow=30.0)) as stage:
        await customer(stage)
        while not await stage.account.do(lambda world: world.db.execute("select 1 from deliveries where held_until > 0").fetchone()):
            await asyncio.sleep(0.01)
    async with staged(path) as stage:
        await stage.quiet()
        assert names(stage) == ["Ada"]


async def test_old_events_are_forgotten_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "stripe.sqlite3"
    async with staged(path) as stage:
        await customer(stage, "old")
        await stage.account.do(lambda world: world.advance(31 * 86400))
        await customer(stage, "new")
        await stage.quiet()
    async with staged(path) as stage:
        assert len(await stage.account.do(lambda world: world.find("event"))) == 1
        assert [one.name for one in (await stage.v1.customers.list_async()).data] == ["new", "old"]
