"""A request that is repeated is answered again, and not done again; whatever happens in between."""

import asyncio

from tests.api.desk import Desk

RULE = {"name": "Hours", "trigger": "fallback", "reply": "From nine to five."}


async def sent(desk: Desk) -> int:
    ((n,),) = await desk.rows("select count(*) from messages where organization_id = %s and author = 'member'", desk.shop.organization_id)
    return int(n)


async def test_the_same_request_gets_the_same_answer_and_is_done_once(desk: Desk) -> None:
    path = f"/conversations/{await desk.conversation()}/messages"
    async with await desk.program() as program:
        first = await program.post(path, {"text": "once"}, "order-7")
        again = await program.post(path, {"text": "once"}, "order-7")
        assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
        assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert await sent(desk) == 1


async def test_the_same_key_for_something_else_is_refused(desk: Desk) -> None:
    path = f"/conversations/{await desk.conversation()}/messages"
    async with await desk.program() as program:
        await program.post(path, {"text": "once"}, "order-7")
        for other, body in ((path, {"text": "twice"}), ("/auto-replies", RULE)):
            refused = await program.post(other, body, "order-7")
            assert (refused.status_code, refused.json()["errors"][0]["path"], refused.json()["errors"][0]["source"]) == (422, "Idempotency-Key", "header")
    assert await sent(desk) == 1


async def test_without_a_usable_key_nothing_is_done(desk: Desk) -> None:
    async with await desk.program() as program:
        for headers in {}, {"idempotency-key": ""}, {"idempotency-key": "x" * 256}, {"idempotency-key": "two words"}:
            refused = await program.client.post("/auto-replies", json=RULE, headers=headers)
            assert (refused.status_code, refused.json()["errors"][0]["source"]) == (422, "header")
    assert len(await desk.rows("select from auto_replies where organization_id = %s", desk.shop.organization_id)) == 1


async def test_keys_of_other_programs_are_other_keys(desk: Desk) -> None:
    async with await desk.program() as one, await desk.program() as other, await desk.program(shop=desk.world.neighbour) as neighbour:
        ids = {(await program.post("/auto-replies", RULE, "same")).json()["id"] for program in (one, other, neighbour)}
    assert len(ids) == 3


async def test_of_many_at_the_same_time_one_is_done_and_all_get_its_answer(desk: Desk) -> None:
    path = f"/conversations/{await desk.conversation()}/messages"
    async with await desk.program() as program:
        answers = await asyncio.gather(*(program.post(path, {"text": "once"}, "order-7") for _ in range(6)))
        assert {(one.status_code, one.content) for one in answers} == {(201, answers[0].content)}
        assert sorted(one.headers.get("idempotency-replayed", "") for one in answers) == ["", *["true"] * 5]
    assert await sent(desk) == 1


async def test_what_was_refused_was_not_done_and_may_be_tried_again(desk: Desk) -> None:
    path = f"/conversations/{await desk.conversation()}/messages"
    async with await desk.program() as program:
        await desk.rows("update contacts set blocked_at = now() where organization_id = %s returning id", desk.shop.organization_id)
        assert (await program.post(path, {"text": "now"}, "order-7")).status_code == 409
        await desk.rows("update contacts set blocked_at = null where organization_id = %s returning id", desk.shop.organization_id)
        assert (await program.post(path, {"text": "now"}, "order-7")).status_code == 201
    assert await sent(desk) == 1


async def test_when_the_answer_cannot_be_kept_nothing_was_done(desk: Desk) -> None:
    path = f"/conversations/{await desk.conversation()}/messages"
    await desk.world.owner.execute("create function public.fall() returns trigger language plpgsql as $$ begin raise 'the plug is pulled'; end $$")
    await desk.world.owner.execute("create trigger falls before update on public.api_answers for each row execute function public.fall()")
    async with await desk.program() as program:
        assert (await program.post(path, {"text": "once"}, "order-7")).status_code == 500
        assert (await sent(desk), await desk.rows("select from api_answers")) == (0, [])
        await desk.world.owner.execute("drop trigger falls on public.api_answers")
        assert (await program.post(path, {"text": "once"}, "order-7")).status_code == 201
    assert await sent(desk) == 1


async def test_a_connection_that_dies_in_the_middle_leaves_nothing_behind(desk: Desk) -> None:
    path = f"/conversations/{await desk.conversation()}/messages"
    kill = "create function public.fall() returns trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$"
    await desk.world.owner.execute(kill + "")
    await desk.world.owner.execute("alter function public.fall() security definer")
    await desk.world.owner.execute("create trigger falls before update on public.api_answers for each row execute function public.fall()")
    async with await desk.program() as program:
        assert (await program.post(path, {"text": "once"}, "order-7")).status_code == 503
        await desk.world.owner.execute("drop trigger falls on public.api_answers")
        assert await sent(desk) == 0
        assert (await program.post(path, {"text": "once"}, "order-7")).status_code == 201
    assert await sent(desk) == 1


async def test_answers_are_forgotten_after_a_day(desk: Desk) -> None:
    async with await desk.program() as program:
        first = (await program.post("/auto-replies", RULE, "same")).json()["id"]
        await desk.rows("update api_answers set created_at = now() - interval '24 hours 1 second' returning 1")
        assert (await program.post("/auto-replies", RULE, "same")).json()["id"] != first
        await desk.rows("update api_answers set created_at = now() - interval '24 hours 1 second' returning 1")
        await desk.world.database.call("select private.forget_api_answers()")
    assert await desk.rows("select from api_answers") == []
