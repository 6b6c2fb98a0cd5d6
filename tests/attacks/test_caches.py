"""The same id in two organizations, which compound keys allow: nothing that is kept, counted or told may go by the id alone."""

import asyncio
from contextlib import suppress
from typing import Any

from frontdesk import api_keys
from frontdesk.api_keys import NewKey
from frontdesk.database import new_id
from frontdesk.settings import Settings
from tests import world as world_
from tests.api.desk import EVERYTHING, Desk, opened
from tests.attacks.street import Street
from tests.test_strangers import SECRET
from tests.world import Shop, World


async def twin_keys(desk: Desk) -> tuple[str, str]:
    """A key of the shop, and one of the neighbour with the very same id: whoever makes a key says which id it gets."""
    key_id, made = new_id(), []
    for shop in (desk.shop, desk.world.neighbour):
        async with desk.world.database.tenant(shop.organization_id, shop.actor) as db:
            made.append(await api_keys.create(db, key_id, NewKey("Web shop", EVERYTHING)))
    return made[0], made[1]


async def test_calls_of_a_key_with_a_neighbours_id_take_nothing_from_the_neighbours_minute(settings: Settings, world: World) -> None:
    async with opened(settings, world, api_calls_per_minute=3) as desk:
        mine, theirs = await twin_keys(desk)
        async with desk.with_key(mine) as program, desk.with_key(theirs) as thief:
            assert [(await thief.get("/organization")).status_code for _ in range(4)] == [200, 200, 200, 429]
            answer = await program.get("/organization")
            assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (200, "2")


async def test_an_answer_that_was_kept_for_a_key_is_not_given_to_the_key_of_a_neighbour_with_its_id(desk: Desk) -> None:
    mine, theirs = await twin_keys(desk)
    body = {"name": SECRET, "trigger": "fallback", "reply": "x"}
    async with desk.with_key(mine) as program, desk.with_key(theirs) as thief:
        made = await program.post("/auto-replies", body, "one-and-the-same")
        other = await thief.post("/auto-replies", body, "one-and-the-same")
        assert "idempotency-replayed" not in other.headers and other.json()["id"] != made.json()["id"]
        assert (await program.post("/auto-replies", body, "one-and-the-same")).json() == made.json()


async def test_revoking_a_key_does_not_revoke_the_neighbours_of_the_same_id(desk: Desk) -> None:
    mine, theirs = await twin_keys(desk)
    ((key_id,),) = await desk.rows("select distinct id from api_keys")
    neighbour = desk.world.neighbour
    async with desk.world.database.tenant(neighbour.organization_id, neighbour.actor) as db:
        await api_keys.revoke(db, key_id)
    async with desk.with_key(mine) as program, desk.with_key(theirs) as thief:
        assert (await thief.get("/organization")).status_code == 401
        assert (await program.get("/organization")).status_code == 200


async def rule(world: World, shop: Shop, rule_id: Any, reply: str, cooldown: int = 0) -> None:
    await world.owner.execute(
        "insert into auto_replies (organization_id, id, name, position, trigger, match, keywords, reply, cooldown_seconds, enabled_at)"
        " values (%s, %s, 'R', 1, 'keyword', 'contains', '{price}', %s, %s, now())",
        (shop.organization_id, rule_id, reply, cooldown),
    )


async def answered(world: World, shop: Shop, words: str) -> list[str]:
    """What the shop's price rule has said, after these words of a new message too."""
    await world.arrive(shop, world_.webhook(shop, world_.text(words)))
    rows = await world.see("select text from messages where organization_id = %s and text like 'Ours%%' order by position", shop.organization_id)
    return [text for (text,) in rows]


async def test_two_rules_of_one_id_answer_each_in_its_own_words_and_rest_each_for_itself(world: World) -> None:
    rule_id = new_id()
    await rule(world, world.shop, rule_id, "Ours is 20", cooldown=3600)
    await rule(world, world.neighbour, rule_id, "Ours is 19", cooldown=3600)
    for shop in (world.shop, world.neighbour):
        await world.arrive(shop, world_.webhook(shop, world_.text("hello")))  # whoever is new is greeted first
    assert await answered(world, world.neighbour, "price?") == ["Ours is 19"]
    assert await answered(world, world.shop, "price?") == ["Ours is 20"]
    assert await answered(world, world.neighbour, "price again?") == ["Ours is 19"]
    counted = await world.see("select organization_id, answered_count from auto_replies where id = %s", rule_id)
    assert dict(counted) == {world.shop.organization_id: 1, world.neighbour.organization_id: 1}


async def test_a_status_for_a_message_of_the_neighbours_id_moves_the_message_of_ones_own_number_only(world: World) -> None:
    message_id = new_id()
    for shop in (world.shop, world.neighbour):
        await world.arrive(shop, world_.webhook(shop, world_.text("hello")))
        await world.owner.execute(
            "insert into messages (organization_id, id, conversation_id, direction, author, text, status, position, occurred_at)"
            " select organization_id, %s, id, 'out', 'member', 'hi', 'queued', 99, now() from conversations where organization_id = %s",
            (message_id, shop.organization_id),
        )
    await world.arrive(world.neighbour, world_.webhook(world.neighbour, world_.status(message_id, "read")))
    told = await world.see("select organization_id, status from messages where id = %s", message_id)
    assert dict(told) == {world.shop.organization_id: "queued", world.neighbour.organization_id: "read"}


async def test_pages_about_things_of_one_id_show_each_owner_ones_own(street: Street) -> None:
    """Olga's contact, conversation, rule and number get the ids of Maya's: straight into the database, which is more than she can do."""
    of, mine = street.of_maya, "Olgas Own"
    contact_id, conversation_id, rule_id, channel_id = (of[word] for word in ("contact_id", "conversation_id", "rule_id", "channel_id"))
    org = street.olgas_id
    await street.owner.execute("insert into contacts (organization_id, id, name, phone) values (%s, %s, %s, '491700000001')", (org, contact_id, mine))
    await street.owner.execute(
        "select private.connect_channel(%s, %s, 'cloud_api', %s, '1065999', '+2 777', '1', '1', 'sealed', null)", (org, channel_id, mine)
    )
    await street.owner.execute(
        "insert into conversations (organization_id, id, channel_id, contact_id, last_position, last_message_at, last_text, last_author)"
        " values (%s, %s, %s, %s, 1, now(), %s, 'contact')", (org, conversation_id, channel_id, contact_id, mine),
    )  # fmt: skip
    await street.owner.execute(
        "insert into auto_replies (organization_id, id, name, position, trigger, reply) values (%s, %s, %s, 99, 'fallback', 'x')", (org, rule_id, mine)
    )
    pages = [f"contacts/{contact_id}", f"inbox/{conversation_id}", f"inbox/{conversation_id}/messages", f"inbox/{conversation_id}/head", "inbox", "contacts",
             "auto-replies", "channels", "audit"]  # fmt: skip
    for page in (*pages, *reversed(pages)):  # by turns, so that whatever was kept for one is there when the other asks
        theirs, hers = await street.olga.get(f"/dashboard/{page}"), await street.maya.get(f"/dashboard/{page}")
        assert (theirs.status_code, hers.status_code) == (200, 200), page
        assert SECRET not in theirs.text and mine not in hers.text, page
    before = await street.state()
    for path, fields in (
        (f"contacts/{contact_id}/name", {"given_name": "Renamed"}), (f"contacts/{contact_id}/block", {}), (f"inbox/{conversation_id}/closure", {}),
        (f"inbox/{conversation_id}/assignment", {}), (f"auto-replies/{rule_id}/deletion", {}),
    ):  # fmt: skip
        assert (await street.send(street.olga, f"/dashboard/{path}", fields)).status_code == 303, path
    assert await street.state() == before


async def test_the_log_of_a_thing_shows_nothing_of_the_neighbours_thing_of_its_id(street: Street) -> None:
    contact_id = street.of_maya["contact_id"]
    await street.owner.execute("insert into contacts (organization_id, id, name) values (%s, %s, 'Twin')", (street.olgas_id, contact_id))
    assert (await street.send(street.maya, f"/dashboard/contacts/{contact_id}/name", {"given_name": "Only-Mayas-Words"})).status_code == 303
    for page in (f"/dashboard/contacts/{contact_id}", f"/dashboard/audit?target={contact_id}", f"/dashboard/audit?q={contact_id}"):
        assert "Only-Mayas-Words" not in (await street.olga.get(page)).text, page
    taken = await street.send(street.olga, "/dashboard/audit/export", {"format": "jsonl", "target": contact_id})
    assert taken.status_code == 200 and "Only-Mayas-Words" not in taken.text


async def test_no_page_of_somebody_signed_in_is_kept_for_the_next_who_asks(street: Street) -> None:
    """A cache in front of us goes by the address: a page that looks like a file must not be kept either."""
    for path in (
        "/dashboard",
        "/dashboard/contacts",
        "/dashboard/contacts/x.css",
        "/dashboard/contacts.css",
        "/account/style.css",
        "/dashboard/inbox/a.js",
        "/account",
    ):
        answer = await street.maya.get(path)
        assert "no-store" in answer.headers.get("cache-control", ""), (path, answer.status_code)
        assert answer.status_code == 200 or "Maya" not in answer.text or "no-store" in answer.headers["cache-control"]


async def test_what_changes_at_a_neighbour_is_told_to_no_listener_here(street: Street) -> None:
    live = street.built.state.live
    hers, theirs = live.listen(street.shop_id), live.listen(street.olgas_id)
    await street.send(street.maya, f"/dashboard/contacts/{street.of_maya['contact_id']}/name", {"given_name": "News"})
    assert await asyncio.wait_for(anext(hers), 5)
    with suppress(TimeoutError):
        assert not await asyncio.wait_for(anext(theirs), 0.3)
