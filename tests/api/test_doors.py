"""What programs can do: the same as people in the inbox, by the same rules."""

from datetime import timedelta

from frontdesk.access import Actor
from frontdesk.messages.inbox import actions as inbox
from frontdesk.messages.inbox import threads
from tests.api.desk import Desk
from tests.strangers import join


async def test_the_organization_is_read_and_changed(desk: Desk) -> None:
    async with await desk.program() as program:
        before = await program.get("/organization")
        assert (before.status_code, before.json()["name"], before.json()["timezone"]) == (200, "Lagos Glow Salon", "UTC")
        after = await program.client.patch("/organization", json={"timezone": "Africa/Lagos", "name": "  Glow\tHouse "})
        assert (after.status_code, after.json()["name"], after.json()["timezone"]) == (200, "Glow House", "Africa/Lagos")
        wrong = await program.client.patch("/organization", json={"timezone": "Mars/Base", "locale": "x"})
        assert wrong.status_code == 422
        assert {fault["path"] for fault in wrong.json()["errors"]} == {"timezone", "locale"}
    ((name, changed),) = await desk.rows("select actor_kind, details -> 'changed' from audit_logs where action = 'organization.changed'")
    assert (name, changed["name"]) == ("api_key", {"from": "Lagos Glow Salon", "to": "Glow House"})


async def test_members_are_listed_and_read(desk: Desk) -> None:
    async with await desk.program() as program:
        (one,) = (await program.get("/members")).json()["data"]
        assert (one["user_id"], one["role"]) == (str(desk.shop.owner_id), "owner")
        assert (await program.get(f"/members/{one['user_id']}")).json() == one
        assert (await program.get("/members", q="nobody")).json()["data"] == []


async def test_contacts_are_listed_searched_and_read(desk: Desk) -> None:
    await desk.conversation()
    async with await desk.program() as program:
        (one,) = (await program.get("/contacts", q="lena")).json()["data"]
        assert (one["name"], one["phone"]) == ("Lena", "4915112345678")
        assert (await program.get("/contacts", q="nobody")).json() == {"data": [], "next_cursor": None}
        whole = (await program.get(f"/contacts/{one['id']}")).json()
        assert whole["conversation_ids"] == [one["conversation_id"]]
        assert whole["addresses"] == [{"kind": "phone", "value": "4915112345678"}]


async def test_a_text_is_sent_as_from_the_inbox(desk: Desk) -> None:
    conversation = await desk.conversation()
    async with await desk.program() as program:
        sent = await program.post(f"/conversations/{conversation}/messages", {"text": " Your order is ready. "})
        assert (sent.status_code, sent.json()["text"], sent.json()["status"], sent.json()["author"]) == (201, "Your order is ready.", "queued", "member")
        assert (await program.get(f"/conversations/{conversation}/messages/{sent.json()['id']}")).json() == sent.json()
        newest = (await program.get(f"/conversations/{conversation}/messages")).json()["data"]
        assert [one["author"] for one in newest] == ["member", "bot", "contact"]
    assert await desk.rows("select content ->> 'text' from outbox where organization_id = %s and priority = 1", desk.shop.organization_id) == [
        ("Your order is ready.",)
    ]


async def test_the_thread_says_which_program_wrote(desk: Desk) -> None:
    conversation = await desk.conversation()
    key_id, key = await desk.make_key(name="Web shop")
    async with desk.with_key(key) as program:
        sent = (await program.post(f"/conversations/{conversation}/messages", {"text": "Your order is ready."})).json()
        assert (sent["user_id"], sent["api_key_id"]) == (None, str(key_id))
    viewer = await join(desk.world, desk.shop, "viewer")
    await desk.rows("update api_keys set revoked_at = now() where id = %s returning 1", key_id)
    for user_id in (desk.shop.owner_id, viewer):
        async with desk.world.database.tenant(desk.shop.organization_id, Actor(kind="user", user_id=user_id)) as db:
            thread = await threads.read(db, await inbox.find(db, conversation))
            assert [one.written_by for one in thread.messages] == ["", "First greeting", "Web shop"]


async def test_what_the_inbox_refuses_the_api_refuses(desk: Desk) -> None:
    conversation = await desk.conversation()
    path = f"/conversations/{conversation}/messages"
    async with await desk.program() as program:
        assert (await program.post(path, {"text": "   "})).status_code == 422
        too_long = await program.post(path, {"text": "x" * 4097})
        assert (too_long.status_code, too_long.json()["errors"][0]["path"]) == (422, "text")
        await desk.rows("update contacts set blocked_at = now() where organization_id = %s returning id", desk.shop.organization_id)
        assert "blocked" in (await program.post(path, {"text": "hi"})).json()["detail"]
        await desk.rows("update contacts set blocked_at = null where organization_id = %s returning id", desk.shop.organization_id)
        await desk.rows("update conversations set last_inbound_at = now() - %s::interval where id = %s returning id", timedelta(hours=25), conversation)
        closed = await program.post(path, {"text": "hi"})
        assert (closed.status_code, "24 hours" in closed.json()["detail"]) == (409, True)
    assert await desk.rows("select from outbox where organization_id = %s and priority = 1", desk.shop.organization_id) == []


async def test_over_the_plans_limit_a_message_is_kept_as_failed(desk: Desk) -> None:
    conversation = await desk.conversation()
    await desk.rows(
        "update organization_usage set used = 5000 where organization_id = %s and metric = 'messages_sent' returning used", desk.shop.organization_id
    )
    async with await desk.program() as program:
        sent = await program.post(f"/conversations/{conversation}/messages", {"text": "one more"})
        assert (sent.status_code, sent.json()["status"]) == (201, "failed")
        assert "plan" in sent.json()["error"]


async def test_conversations_are_listed_by_what_is_to_be_done(desk: Desk) -> None:
    conversation = await desk.conversation()
    async with await desk.program() as program:
        for show, expected in (("open", 1), ("unread", 1), ("unassigned", 1), ("closed", 0)):
            assert len((await program.get("/conversations", show=show)).json()["data"]) == expected, show
        one = (await program.get(f"/conversations/{conversation}")).json()
        assert (one["unread_count"], one["contact_name"], one["bot_on"]) == (1, "Lena", True)
        assert (await program.get("/conversations", show="mine")).status_code == 422


async def test_rules_are_made_changed_switched_and_deleted(desk: Desk) -> None:
    rule = {"name": "Hours", "trigger": "keyword", "match": "contains", "keywords": ["open"], "reply": "From nine to five."}
    async with await desk.program() as program:
        made = await program.post("/auto-replies", rule)
        assert (made.status_code, made.json()["on"]) == (201, True)
        path = f"/auto-replies/{made.json()['id']}"
        changed = await program.client.patch(path, json={"reply": "From nine to six."})
        assert (changed.json()["reply"], changed.json()["keywords"]) == ("From nine to six.", ["open"])
        assert (await program.client.put(f"{path}/switch", json={"on": False})).json()["on"] is False
        assert len((await program.get("/auto-replies")).json()["data"]) == 2
        assert (await program.client.delete(path)).status_code == 204
        assert (await program.get(path)).status_code == 404
        wrong = await program.post("/auto-replies", rule | {"match": None, "reply": "{{secret}}"})
        assert {fault["path"] for fault in wrong.json()["errors"]} == {"match", "reply"}
    actions = await desk.rows("select action from audit_logs where actor_kind = 'api_key' order by seq")
    assert [row[0] for row in actions] == ["auto_reply.created", "auto_reply.changed", "auto_reply.switched_off", "auto_reply.deleted"]


async def test_over_the_plans_limit_no_rule_is_made(desk: Desk) -> None:
    async with await desk.program() as program:
        for n in range(9):
            assert (await program.post("/auto-replies", {"name": f"{n}", "trigger": "fallback", "reply": "x"})).status_code == 201
        refused = await program.post("/auto-replies", {"name": "ten", "trigger": "fallback", "reply": "x"})
        assert (refused.status_code, "10 auto replies" in refused.json()["detail"]) == (402, True)


async def test_usage_is_told_with_what_the_plan_allows(desk: Desk) -> None:
    async with await desk.program() as program:
        told = {one["metric"]: one for one in (await program.get("/usage")).json()["data"]}
        days = (await program.get("/usage/days")).json()["data"]
        assert (await program.get("/usage/days?until=0")).status_code == 422  # no seconds since 1970
        refused = await program.get("/usage/days?since=2026-02-01&until=2026-01-01")
    assert told["channels"] == {
        "metric": "channels", "kind": "level", "unit": "channel", "used": 1, "allowed": 1, "over_limit": "stop", "cap": None, "over": 0,
    }  # fmt: skip
    assert (days, refused.status_code) == ([], 422)


async def test_pages_follow_one_another_and_miss_nothing(desk: Desk) -> None:
    conversation = await desk.conversation()
    async with await desk.program() as program:
        for n in range(7):
            await program.post(f"/conversations/{conversation}/messages", {"text": f"{n}"})
        for path, expected in ((f"/conversations/{conversation}/messages", 9), ("/auto-replies", 1), ("/conversations", 1), ("/contacts", 1), ("/members", 1)):
            seen, cursor = [], ""
            while cursor is not None:
                page = (await program.get(path, limit=3, **({"cursor": cursor} if cursor else {}))).json()
                seen += [one.get("id", one.get("user_id")) for one in page["data"]]
                cursor = page["next_cursor"]
            assert len(seen) == len(set(seen)) == expected, path
            bad = await program.get(path, cursor="nonsense")
            assert (bad.status_code, bad.json()["errors"][0]["path"], bad.json()["errors"][0]["source"]) == (422, "cursor", "query")


async def test_the_log_is_read_by_filters_and_pages(desk: Desk) -> None:
    key_id, key = await desk.make_key()
    async with desk.with_key(key) as program:
        for n in range(5):
            await program.client.patch("/organization", json={"name": f"Name {n}"})
        mine = {"actor_kind": "api_key", "actor_id": str(key_id)}
        first = (await program.get("/audit-log", limit=3, **mine)).json()
        rest = (await program.get("/audit-log", limit=3, cursor=first["next_cursor"], **mine)).json()
        assert [one["details"]["changed"]["name"]["to"] for one in first["data"] + rest["data"]] == [f"Name {n}" for n in (4, 3, 2, 1, 0)]
        assert (rest["next_cursor"], first["data"][0]["actor"]) == (None, {"kind": "api_key", "id": str(key_id), "name": "Web shop"})
        assert [one["action"] for one in (await program.get("/audit-log", action="api_key.created")).json()["data"]] == ["api_key.created"]
        assert (await program.get("/audit-log", until="2020-01-01T00:00:00+01:00")).json()["data"] == []
        for bad in ({"since": "yesterday"}, {"since": "2026-01-01T00:00:00"}, {"cursor": "-1"}, {"actor_kind": "nobody"}, {"action": "\0"}):
            assert (await program.get("/audit-log", **bad)).status_code == 422, bad
