"""Writing, ordering and switching rules; two tabs at once."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from frontdesk import auto_replies
from frontdesk.auto_replies import NoSuchRule, Proposal, store
from frontdesk.database import new_id
from frontdesk.errors import BadInput, LimitReached
from tests.world import Shop, World


def proposal(name: str = "Prices", **more: Any) -> Proposal:
    wished: dict[str, Any] = {
        "trigger": "keyword",
        "match": "contains",
        "keywords": ("price",),
        "reply": "Hello {{contact.name}}",
    }
    return Proposal(name=name, **wished | more)


FALLBACK: dict[str, Any] = {"trigger": "fallback", "match": None, "keywords": ()}


async def create(world: World, shop: Shop, *proposals: Proposal) -> list[UUID]:
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        return [await auto_replies.create(db, one) for one in proposals]


async def names(world: World, shop: Shop) -> list[str]:
    rows = await world.see("select name, position from auto_replies where organization_id = %s order by position", shop.organization_id)
    assert [position for _, position in rows] == list(range(1, len(rows) + 1))
    return [name for name, _ in rows]


async def audit(world: World, shop: Shop) -> list[str]:
    rows = await world.see(
        "select action from audit_logs where organization_id = %s and target_type = 'auto_reply' order by seq",
        shop.organization_id,
    )
    return [row[0] for row in rows]


async def test_a_new_rule_stands_below_the_others_and_above_the_fallback(world: World) -> None:
    await create(world, world.shop, proposal("Else", **FALLBACK), proposal("Prices"), proposal("Hours"))
    assert await names(world, world.shop) == ["First greeting", "Prices", "Hours", "Else"]
    assert await names(world, world.neighbour) == ["First greeting"]


async def test_a_rule_is_stored_tidy(world: World) -> None:
    wished = proposal("  Our \n prices ", keywords=(" price ", "PRICE", "Price list"), reply=" Hello \n")
    (rule_id,) = await create(world, world.shop, wished)
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        rule = await store.find(db, rule_id)
    assert rule is not None
    assert (rule.name, rule.keywords, rule.reply) == ("Our prices", ["price", "Price list"], "Hello")
    assert rule.enabled and rule.answered_count == 0


async def test_the_plan_limits_how_many_rules_there_are(world: World) -> None:
    await create(world, world.shop, *(proposal(f"Rule {n}") for n in range(9)))
    with pytest.raises(LimitReached, match="10 auto replies"):
        await create(world, world.shop, proposal("One too many"))
    assert len(await names(world, world.shop)) == 10


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"name": " "}, "name", "Give the rule a name"),
        ({"name": "x" * 201}, "name", "at most 200 characters. This has 201"),
        ({"trigger": "telepathy"}, "trigger", "Choose what happens"),
        ({"match": "roughly"}, "match", "Choose how strictly"),
        ({"keywords": ()}, "keywords", "at least one word"),
        ({"keywords": ("price", " ")}, "keywords", "leave none empty"),
        ({"keywords": ("\u0301",)}, "keywords", "at least one word"),
        ({"keywords": tuple(f"word {n}" for n in range(51))}, "keywords", "at most 50 words. These are 51"),
        ({"keywords": ("x" * 201,)}, "keywords", "has 201"),
        ({"reply": " "}, "reply", "Write what the contact is answered"),
        ({"reply": "x" * 4097}, "reply", "at most 4,096 characters. This has 4,097"),
        ({"reply": "Hi {{contact.phone}}"}, "reply", "“{{contact.phone}}” cannot be filled in"),
        ({"reply": "{{contact.name}}"}, "reply", "would get an empty message"),
        ({"cooldown_seconds": -1}, "cooldown_seconds", "how long"),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field(world: World, wrong: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as raised:
        await create(world, world.shop, proposal(**{"name": "Prices"} | wrong))
    assert raised.value.field == field
    assert await names(world, world.shop) == ["First greeting"]


async def test_an_edit_says_what_changed(world: World) -> None:
    (rule_id,) = await create(world, world.shop, proposal())
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await auto_replies.edit(db, rule_id, proposal(reply="New"))
        await auto_replies.edit(db, rule_id, proposal(reply="New"))
    assert await audit(world, world.shop) == ["auto_reply.created", "auto_reply.changed"]
    ((details,),) = await world.see("select details from audit_logs where action = 'auto_reply.changed'")
    assert details == {"name": "Prices", "changed": {"reply": {"from": "Hello {{contact.name}}", "to": "New"}}}


async def test_a_rule_that_becomes_a_fallback_goes_to_the_end(world: World) -> None:
    first, _ = await create(world, world.shop, proposal("A"), proposal("B"))
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await auto_replies.edit(db, first, proposal("A", **FALLBACK))
    assert await names(world, world.shop) == ["First greeting", "B", "A"]


async def test_switching_is_noted_once(world: World) -> None:
    (rule_id,) = await create(world, world.shop, proposal())
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        assert not (await auto_replies.switch(db, rule_id, False)).enabled
        assert not (await auto_replies.switch(db, rule_id, False)).enabled
        assert (await auto_replies.switch(db, rule_id, True)).enabled
    assert await audit(world, world.shop) == ["auto_reply.created", "auto_reply.switched_off", "auto_reply.switched_on"]


@pytest.mark.parametrize(
    ("to", "order"),
    [
        (1, ["C", "First greeting", "A", "B", "Else"]),
        (2, ["First greeting", "C", "A", "B", "Else"]),
        (4, ["First greeting", "A", "B", "C", "Else"]),
        (99, ["First greeting", "A", "B", "C", "Else"]),
        (-5, ["C", "First greeting", "A", "B", "Else"]),
    ],
)
async def test_a_rule_moves_to_a_place(world: World, to: int, order: list[str]) -> None:
    *_, last = await create(world, world.shop, proposal("Else", **FALLBACK), *(proposal(name) for name in "ABC"))
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await auto_replies.move(db, last, to)
    assert await names(world, world.shop) == order


async def test_two_tabs_that_move_add_and_delete_at_once_leave_one_order(world: World) -> None:
    rules = await create(world, world.shop, *(proposal(name) for name in "ABCDEF"))

    async def move(rule_id: UUID, to: int) -> None:
        async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
            await auto_replies.move(db, rule_id, to)

    async def delete(rule_id: UUID) -> None:
        async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
            await auto_replies.delete(db, rule_id)

    await asyncio.gather(
        *(move(rule_id, 5 - n) for n, rule_id in enumerate(rules[:4])),
        delete(rules[4]),
        delete(rules[5]),
        create(world, world.shop, proposal("G")),
    )
    assert sorted(await names(world, world.shop)) == ["A", "B", "C", "D", "First greeting", "G"]


async def test_deleting_frees_the_place_and_is_noted_by_name(world: World) -> None:
    first, _ = await create(world, world.shop, proposal("A"), proposal("B"))
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        assert await auto_replies.delete(db, first) == "A"
    assert await names(world, world.shop) == ["First greeting", "B"]
    ((details,),) = await world.see("select details from audit_logs where action = 'auto_reply.deleted'")
    assert details == {"name": "A"}


async def test_a_neighbours_rule_does_not_exist(world: World) -> None:
    (theirs,) = await create(world, world.neighbour, proposal("Theirs"))
    for rule_id in (theirs, new_id()):
        for act in (
            auto_replies.delete,
            lambda db, one: auto_replies.move(db, one, 1),
            lambda db, one: auto_replies.switch(db, one, False),
            lambda db, one: auto_replies.edit(db, one, proposal()),
        ):
            with pytest.raises(NoSuchRule):
                async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
                    await act(db, rule_id)
    assert await names(world, world.neighbour) == ["First greeting", "Theirs"]
