"""What is neither a message of a customer nor a status of ours is not thrown away unseen."""

import json
import time
from typing import Any

import pytest

from frontdesk.channels import about
from frontdesk.database import new_id
from frontdesk.inbound import actions
from tests.world import Shop, World, text, webhook

GROUP = {"group_id": "g.1", "from": "4915100000001", "id": "wamid.g", "timestamp": "1700000000", "type": "text", "text": {"body": "in a group"}}
TROUBLE = {"errors": [{"code": 131042, "title": "Business eligibility payment issue"}]}


def lonely(shop: Shop, number: int) -> bytes:
    """A webhook of something that has no story."""
    return webhook(shop, {"errors": [{"code": number, "title": "x"}]})


async def test_a_message_of_a_group_and_an_error_of_the_number_are_still_somewhere(world: World) -> None:
    group = {"group_id": "g.1", "from": "4915100000001", "id": "wamid.g", "timestamp": str(int(time.time())), "type": "text", "text": {"body": "in a group"}}
    trouble = {"errors": [{"code": 131042, "title": "Business eligibility payment issue"}]}
    await world.arrive(world.shop, webhook(world.shop, {"messages": [group]}, trouble))
    places = ("select payload::text from messages", "select payload from failed_deliveries",
              "select convert_from(body, 'UTF8') from private.unrouted_deliveries",
              "select last_error from channels where last_error is not null")  # fmt: skip
    kept = " ".join([str(row[0]) for place in places for row in await world.see(place)])
    assert "in a group" in kept and "131042" in kept


async def test_what_has_no_story_is_no_failure_and_says_what_it_is_without_what_was_said(world: World) -> None:
    told = await world.arrive(world.shop, webhook(world.shop, {"messages": [GROUP]}, TROUBLE, text("a real one")))
    assert (told.messages, told.failures) == (1, ())
    rows = await world.see("select kind, error from failed_deliveries order by id")
    assert [kind for kind, _ in rows] == ["other", "other"]
    assert "a message in a group" in rows[0][1] and "in a group" not in rows[0][1].replace("a message in a group", "")
    assert "error 131042: Business eligibility payment issue" in rows[1][1]
    assert (await world.database.call("select failed from private.road_state()"))[0]["failed"] == 0


async def test_it_is_replayed_only_by_name_and_listed_after_the_failures(world: World) -> None:
    await world.owner.execute("insert into failed_deliveries (organization_id, channel_id, id, kind, payload, received_at, error)"
                              " values (%s, %s, %s, 'message', '{}', now(), 'CheckViolation')", (*world.shop.lane, new_id()))  # fmt: skip
    await world.arrive(world.shop, lonely(world.shop, 1))
    listed = await world.database.call("select * from private.list_failed_deliveries(10)")
    assert [row["kind"] for row in listed] == ["message", "other"]
    replay = "select private.replay_failed_deliveries(%(id)s) as n"
    assert [await world.database.call(replay, {"id": one}) for one in (None, listed[1]["id"])] == [[{"n": 1}], [{"n": 1}]]
    assert await world.see("select count(*) from failed_deliveries") == [(0,)]


async def test_only_the_newest_of_a_number_stay_and_every_failure_does(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "OTHERS_KEPT", 3)
    await world.owner.execute("insert into failed_deliveries (organization_id, channel_id, id, kind, payload, received_at, error)"
                              " values (%s, %s, %s, 'message', '{}', now(), 'CheckViolation')", (*world.shop.lane, new_id()))  # fmt: skip
    await world.arrive(world.neighbour, lonely(world.neighbour, 1))
    for number in range(2, 7):
        await world.arrive(world.shop, lonely(world.shop, number))
    kept = "select error from failed_deliveries where organization_id = %s order by id"
    here = [row[0] for row in await world.see(kept, world.shop.organization_id)]
    assert here[0] == "CheckViolation" and [error.split("error ")[1] for error in here[1:]] == ["4: x", "5: x", "6: x"]
    assert len(await world.see(kept, world.neighbour.organization_id)) == 1


async def test_after_thirty_days_it_is_forgotten_wherever_it_lies(world: World) -> None:
    await world.arrive(world.shop, lonely(world.shop, 1), lonely(world.shop, 2))
    for kind in ("other", "other", "message"):
        await world.owner.execute("select private.keep_unrouted(%s, 'cloud_api', %s, '', '{}', 'x')", (new_id(), kind))
    old = "set received_at = now() - interval '31 days' where id = any (select id from"
    await world.owner.execute(f"update failed_deliveries {old} failed_deliveries limit 1)")
    await world.owner.execute(f"update private.unrouted_deliveries {old} private.unrouted_deliveries order by kind = 'other' limit 2)")
    await world.database.call("select private.forget_others()")
    assert await world.see("select count(*) from failed_deliveries") == [(1,)]
    assert await world.see("select kind from private.unrouted_deliveries order by kind") == [("message",), ("other",)]


@pytest.mark.parametrize(("event", "said"), [
    ({"time": 1, "change": {"field": "account_update", "value": {"event": "x"}}}, "account_update"),
    ({"change": {"field": "messages", "value": {"metadata": {}, "system_notice": {}}}}, "system_notice"),
    ({"change": {"field": "messages", "value": {"statuses": [{}], "messages": [7]}}},
     "a status without an id or a state, a message without an id or a sender"),
    ({"change": {"field": "messages", "value": {"errors": "?"}}}, "error None: None"),
    ({"entry": 5}, "entry"),
    ({"change": 5}, "change"),
    ([], "nothing"),
])  # fmt: skip
def test_what_it_is_about(event: Any, said: str) -> None:
    assert about(json.dumps(event)) == said


def test_what_cannot_be_read_is_about_nothing_we_know() -> None:
    assert about("{broken") == "an unreadable event"
