"""The pages of auto replies, with and without scripts, for every role."""

import html
import re

import pytest

from tests.auto_replies.desk import LIST, Desk, add
from tests.roles import becomes
from tests.world import World

SCRIPTED = {"hx-request": "true"}
PRICES = {
    "name": "Prices",
    "trigger": "keyword",
    "match": "contains",
    "keywords": "price, cost\nhow much",
    "reply": "From 10.",
    "on": "on",
}


async def become(world: World, role: str) -> None:
    await becomes(world.owner, role, world.shop.owner_id)


async def test_the_list_tells_each_rule_as_a_sentence(world: World, desk: Desk) -> None:
    await add(world, "Prices", keywords=("price", "how much"), reply="From <b>10</b>", cooldown_seconds=3600)
    page = " ".join(re.sub(r"<[^>]+>", "", await desk.get()).split())
    assert "When a message contains price or how much, answer “From &lt;b&gt;10&lt;/b&gt;”, at most once an hour." in page
    assert "When somebody writes for the first time, answer “Thanks for writing to {{organization.name}}." in page
    assert "2 of 2 are on" in page


async def test_an_empty_list_says_what_to_do(world: World, desk: Desk) -> None:
    await world.owner.execute("delete from auto_replies")
    assert "Write the first rule" in await desk.get()


async def test_a_rule_is_written_and_shown(desk: Desk) -> None:
    assert "Any of these words" in await desk.get(LIST + "/new")
    answer = await desk.post(LIST + "/new", **PRICES)
    assert (answer.status_code, answer.headers["location"]) == (303, LIST)
    assert await desk.names() == ["First greeting", "Prices"]


async def test_what_is_wrong_stands_beside_every_field_and_what_was_typed_stays(world: World, desk: Desk) -> None:
    answer = await desk.post(LIST + "/new", **PRICES | {"name": " ", "keywords": " , \n", "reply": "Hi {{contact.phone}}"})
    page = html.unescape(answer.text)
    assert answer.status_code == 422
    assert "Give the rule a name." in page and "Give at least one word" in page
    assert "“{{contact.phone}}” cannot be filled in. Only {{contact.name}} and {{organization.name}} can." in page
    assert page.count('aria-invalid="true"') == 3 and "Hi {{contact.phone}}</textarea>" in page
    assert await desk.names() == ["First greeting"]


async def test_a_reply_of_4097_characters_is_refused_by_the_field(desk: Desk) -> None:
    answer = await desk.post(LIST + "/new", **PRICES | {"reply": "x" * 4097})
    assert answer.status_code == 422 and "at most 4,096 characters. This has 4,097." in answer.text


async def test_a_full_plan_says_so_and_keeps_what_was_typed(world: World, desk: Desk) -> None:
    await add(world, *(f"Rule {n}" for n in range(9)))
    assert "All rules of your plan are used." in await desk.get()
    answer = await desk.post(LIST + "/new", **PRICES)
    assert answer.status_code == 402 and "allows 10 auto replies" in answer.text and "From 10." in answer.text


async def test_a_rule_is_edited_and_switched_by_its_form(world: World, desk: Desk) -> None:
    (rule_id,) = await add(world, "Prices", cooldown_seconds=7200)
    page = await desk.get(f"{LIST}/{rule_id}")
    assert "Rule 2 of 2" in page and '<option value="7200" selected>Once in 2 h</option>' in page
    changed = {**PRICES, "name": "Costs", "keywords": "cost", "cooldown_seconds": "86400"}
    del changed["on"]
    assert (await desk.post(f"{LIST}/{rule_id}", **changed)).status_code == 303
    rows = await world.see("select name, keywords, cooldown_seconds, enabled_at from auto_replies where id = %s", rule_id)
    assert rows == [("Costs", ["cost"], 86400, None)]


async def test_a_rule_is_moved_switched_and_deleted_without_scripts(world: World, desk: Desk) -> None:
    first, second = await add(world, "A", "B")
    assert (await desk.post(f"{LIST}/{second}/position", to="1")).headers["location"] == LIST
    assert await desk.names() == ["B", "First greeting", "A"]
    assert (await desk.post(f"{LIST}/{first}/switch")).status_code == 303
    assert "2 of 3 are on" in await desk.get()
    assert (await desk.post(f"{LIST}/{first}/switch", on="on")).status_code == 303
    assert (await desk.post(f"{LIST}/{first}/deletion")).status_code == 303
    assert await desk.names() == ["B", "First greeting"]


async def test_with_scripts_only_the_list_comes_back_and_says_what_changed(world: World, desk: Desk) -> None:
    (rule_id,) = await add(world, "A")
    moved = await desk.post(f"{LIST}/{rule_id}/position", SCRIPTED, to="1")
    assert moved.status_code == 200 and "<html" not in moved.text and "“A” is now rule 1 of 2." in moved.text
    off = await desk.client.delete(
        f"{LIST}/{rule_id}/switch",
        headers=SCRIPTED | {"x-csrf-token": "token", "x-organization-id": str(world.shop.organization_id)},
    )
    assert "“A” is off." in off.text and "rule-off" in off.text


async def test_a_place_that_is_no_number_is_refused(world: World, desk: Desk) -> None:
    (rule_id,) = await add(world, "A")
    assert (await desk.post(f"{LIST}/{rule_id}/position", to="top")).status_code == 422


@pytest.mark.parametrize("headers", [{}, SCRIPTED])
async def test_the_tester_says_which_rule_answers_and_why(world: World, desk: Desk, headers: dict[str, str]) -> None:
    await add(world, "Booking", keywords=("book", "slot", "appointment"))
    await add(world, "Prices", "Later", keywords=("how much",))
    answer = await desk.post(LIST + "/trial", headers, text="Hi, HOW MUCH is it?", who="known")
    page = html.unescape(answer.text)
    assert ("<html" in page) is not bool(headers)
    assert "Rule 3, Prices, answers" in page and "because the message contains “how much”." in " ".join(page.split())
    assert "1 <bdi>First greeting</bdi>: this contact has written before." in page
    assert "2 <bdi>Booking</bdi>: none of its 3 words is in the message." in page
    assert "4 <bdi>Later</bdi>: not asked, because rule 3 answers." in page
    assert await world.see("select count(*) from messages") == [(0,)]


async def test_the_tester_knows_somebody_new(desk: Desk) -> None:
    assert "Rule 1, First greeting, answers" in (await desk.post(LIST + "/trial", SCRIPTED, text="hi", who="new")).text
    assert "No rule answers" in (await desk.post(LIST + "/trial", SCRIPTED, text="hi", who="known")).text
    assert "Write something first" in (await desk.post(LIST + "/trial", SCRIPTED, text=" ")).text


async def test_the_preview_fills_names_in_and_escapes_the_rest(desk: Desk) -> None:
    seen = await desk.post(
        LIST + "/preview",
        SCRIPTED,
        reply="Hi {{contact.name}} <b>{{organization.name}}</b> {{7*7}}",
        keywords="price",
        trigger="keyword",
    )
    assert "Hi Amina &lt;b&gt;Lagos Glow Salon&lt;/b&gt; {{7*7}}" in seen.text and "price" in seen.text


async def test_the_list_is_searched_without_accents_and_filtered(world: World, desk: Desk) -> None:
    await add(world, "Größen", "Preise")
    assert "Größen" in await desk.get(LIST + "?q=GROSSEN") and "Preise" not in await desk.get(LIST + "?q=GROSSEN")
    assert "No rule fits" in await desk.get(LIST + "?q=nothing")
    assert "No rule fits" in await desk.get(LIST + "?show=off")
    assert 'name="to"' not in await desk.get(LIST + "?q=Preise")


async def test_who_may_only_read_sees_rules_and_tries_them_but_changes_nothing(world: World, desk: Desk) -> None:
    (rule_id,) = await add(world, "Prices")
    await become(world, "viewer")
    page = await desk.get()
    assert "Prices" in page and "New rule" not in page and 'name="to"' not in page and 'role="switch"' not in page
    assert '<fieldset class="stack" disabled' in await desk.get(f"{LIST}/{rule_id}")
    assert (await desk.post(LIST + "/trial", text="price")).status_code == 200
    assert (await desk.client.get(LIST + "/new")).status_code == 403
    for path in (
        LIST + "/new",
        f"{LIST}/{rule_id}",
        f"{LIST}/{rule_id}/deletion",
        f"{LIST}/{rule_id}/switch",
        f"{LIST}/{rule_id}/position",
    ):
        assert (await desk.post(path, **PRICES, to="1")).status_code == 403
    assert await desk.names() == ["First greeting", "Prices"]


async def test_a_neighbours_rule_is_not_there(world: World, desk: Desk, neighbour: Desk) -> None:
    (rule_id,) = await add(world, "Prices")
    assert (await neighbour.client.get(f"{LIST}/{rule_id}")).status_code == 404
    for path in (
        f"{LIST}/{rule_id}",
        f"{LIST}/{rule_id}/deletion",
        f"{LIST}/{rule_id}/switch",
        f"{LIST}/{rule_id}/position",
    ):
        assert (await neighbour.post(path, **PRICES, to="1")).status_code == 404
    assert await neighbour.names() == ["First greeting"]
    assert await desk.names() == ["First greeting", "Prices"]
