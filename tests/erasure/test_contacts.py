"""A contact is given out as a file, and erased: what was said and by whom is gone, that it was said stays counted."""

import json
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from frontdesk import contacts as people
from frontdesk.database import Database, new_id
from frontdesk.erasure import contacts
from frontdesk.errors import NotAllowed
from frontdesk.settings import Settings
from tests.desk import Desk, seated
from tests.roles import becomes

Owner = psycopg.AsyncConnection[Any]
SAID = "Zebulon says hello"


@pytest.fixture
async def contact(desk: Desk, owner: Owner) -> UUID:
    """Somebody who said something."""
    rows = await owner.execute(
        "select v.contact_id, v.id from conversations v join messages m on m.conversation_id = v.id group by 1, 2 having count(*) > 3 limit 1"
    )
    ((contact_id, conversation_id),) = await rows.fetchall()
    await owner.execute("update messages set text = %s where conversation_id = %s and text <> ''", (SAID, conversation_id))
    await owner.execute("update conversations set last_text = %s where id = %s", (SAID, conversation_id))
    await owner.execute(
        "update contacts set name = 'Zebulon', given_name = 'Zeb', username = 'zeb', note = 'Zebulon likes tea', search_text = 'zebulon',"
        " attributes = '{\"dog\": \"Zebulon\"}', tags = '{zebulon}' where id = %s", (contact_id,)
    )  # fmt: skip
    return UUID(str(contact_id))


async def press(desk: Desk, contact: UUID, what: str) -> Any:
    return await desk.send(f"/dashboard/contacts/{contact}/{what}", page=f"/dashboard/contacts/{contact}")


async def test_what_is_known_of_a_contact_is_one_file_of_json(desk: Desk, contact: UUID, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "PIECE", 2)
    answer = await press(desk, contact, "export")
    assert answer.headers["content-disposition"] == f'attachment; filename="contact-{contact}.json"'
    told = json.loads(answer.content)
    assert told["contact"]["name"] == "Zebulon" and told["addresses"] and told["conversations"]
    ((many,),) = await (await owner.execute(
        "select count(*) from messages m join conversations v on v.id = m.conversation_id where v.contact_id = %s", (contact,))).fetchall()  # fmt: skip
    assert len(told["messages"]) == len({one["id"] for one in told["messages"]}) == many
    assert "exported what is known of" in (await desk.get("/dashboard/audit")).text


async def test_who_may_not_export_any_more_gets_no_further(
    desk: Desk, contact: UUID, database: Database, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contacts, "PIECE", 2)
    async with desk.tenant() as db:
        known = await contacts.begin_export(db, contact)
    pieces = contacts.stream(database, desk.organization_id, desk.actor, known)
    assert await anext(pieces) and SAID in (await anext(pieces)).decode()
    await becomes(owner, "member", desk.user_id)
    with pytest.raises(NotAllowed):
        await anext(pieces)


async def test_a_contact_who_never_wrote_is_a_file_too(desk: Desk, owner: Owner) -> None:
    silent = new_id()
    await owner.execute("insert into contacts (organization_id, id, name) values (%s, %s, 'Nobody')", (desk.organization_id, silent))
    assert json.loads((await press(desk, silent, "export")).content)["messages"] == []


async def test_after_erasure_nothing_of_it_is_left_and_counts_stay(desk: Desk, contact: UUID, owner: Owner) -> None:
    ((phone,),) = await (await owner.execute("select value from contact_identities where contact_id = %s limit 1", (contact,))).fetchall()
    ((channel,),) = await (await owner.execute("select id from channels limit 1")).fetchall()
    await owner.execute(
        "insert into failed_deliveries (organization_id, channel_id, id, kind, payload, received_at, error)"
        " values (%s, %s, %s, 'message', %s, now(), 'x')", (desk.organization_id, channel, new_id(), json.dumps({"from": phone}))
    )  # fmt: skip
    before = await counts(owner)
    page = await desk.get((await press(desk, contact, "erasure")).headers["location"])
    assert "The contact is erased." in page.text
    assert await counts(owner) == before
    for table in ("contacts", "contact_identities", "conversations", "messages", "outbox", "failed_deliveries"):
        left = await (await owner.execute(f"select t::text from {table} t where t::text ilike '%%zebulon%%' or strpos(t::text, %s) > 0", (phone,))).fetchall()  # type: ignore[arg-type]  # one of the above
        assert left == [], table
    async with desk.tenant() as db:
        details = await db.value("select details from public.audit_logs order by seq desc limit 1")
    assert details.keys() == {"messages"}


async def test_a_long_conversation_is_emptied_piece_by_piece(
    desk: Desk, contact: UUID, database: Database, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contacts, "EMPTIED", 2)
    said = "select count(*) filter (where text <> ''), count(*) from messages m join conversations v on v.id = m.conversation_id where v.contact_id = %s"
    ((before, many),) = await (await owner.execute(said, (contact,))).fetchall()
    assert "The contact is erased." in (await desk.get((await press(desk, contact, "erasure")).headers["location"])).text
    ((left, _),) = await (await owner.execute(said, (contact,))).fetchall()
    assert before - 2 <= left < before
    pieces = 0
    while await contacts.sweep(database):
        pieces += 1
    assert (await (await owner.execute(said, (contact,))).fetchall(), pieces) == ([(0, many)], (many - 2) // 2 + 1)
    ((others,),) = await (await owner.execute("select count(*) from messages where text <> ''")).fetchall()
    assert others > 300 and not await contacts.sweep(database)


async def test_what_programs_were_answered_about_the_contact_is_gone_as_well(desk: Desk, contact: UUID, owner: Owner) -> None:
    ((conversation,),) = await (await owner.execute("select id from conversations where contact_id = %s", (contact,))).fetchall()
    await owner.execute(
        "with k as (insert into api_keys (organization_id, id, name, prefix, scopes) values (%s, gen_random_uuid(), 'x', 'fd_live_000000', '{messages:write}')"
        " returning organization_id, id) insert into api_answers (organization_id, api_key_id, idempotency_key, request_hash, status, body)"
        " select organization_id, id, body, sha256('x'), 201, body from k, unnest(%s::text[]) as body",
        (desk.organization_id, [json.dumps({"conversation_id": str(conversation), "text": SAID}), "another"]),
    )
    await press(desk, contact, "erasure")
    assert await (await owner.execute("select body from api_answers")).fetchall() == [("another",)]


async def counts(owner: Owner) -> list[Any]:
    rows = await owner.execute("select conversation_id, direction, author, type, count(*) from messages group by 1, 2, 3, 4 order by 1, 2, 3, 4")
    return await rows.fetchall()


async def test_what_waits_is_not_sent_and_what_is_being_sent_settles_by_itself(desk: Desk, contact: UUID, owner: Owner) -> None:
    ((conversation, channel),) = await (await owner.execute("select id, channel_id from conversations where contact_id = %s", (contact,))).fetchall()
    waiting, spoken = new_id(), new_id()
    for message, claimed in ((waiting, None), (spoken, "now()")):
        await owner.execute(
            "insert into messages (organization_id, id, conversation_id, direction, author, status, position, occurred_at, text)"
            " values (%s, %s, %s, 'out', 'member', 'queued', 99, now(), 'x')", (desk.organization_id, message, conversation)
        )  # fmt: skip
        await owner.execute(
            "insert into outbox (organization_id, id, channel_id, recipient, content, claimed_at) values (%s, %s, %s, '49', '{}', %s)",
            (desk.organization_id, message, channel, claimed),
        )
    await press(desk, contact, "erasure")
    assert await (await owner.execute("select id from outbox")).fetchall() == [(spoken,)]
    found = dict(await (await owner.execute("select id, status from messages where id = any (%s)", ([waiting, spoken],))).fetchall())
    assert found == {waiting: "failed", spoken: "queued"}


async def test_who_may_not_does_not(desk: Desk, contact: UUID, owner: Owner) -> None:
    await owner.execute("update organization_members set withheld = '{contacts:export,conversations:oversee}' where role <> 'owner'")
    await becomes(owner, "admin", desk.user_id)
    await owner.execute("update organization_members set withheld = '{contacts:export,conversations:oversee}' where user_id = %s", (desk.user_id,))
    assert (await press(desk, contact, "export")).status_code == 403
    assert (await press(desk, contact, "erasure")).status_code == 403
    await owner.execute("update organization_members set withheld = '{}' where user_id = %s", (desk.user_id,))
    assert (await press(desk, contact, "export")).status_code == 200
    await becomes(owner, "member", desk.user_id)
    assert (await press(desk, contact, "export")).status_code == 403
    assert (await press(desk, contact, "erasure")).status_code == 403
    async with desk.tenant() as db:
        with pytest.raises(errors.InsufficientPrivilege):
            await db.run("select private.erase_contact(%(o)s, %(c)s)", {"o": desk.organization_id, "c": contact})


async def test_a_neighbours_contact_is_not_there(desk: Desk, contact: UUID, database: Database, settings: Settings, owner: Owner) -> None:
    async with seated(database, settings, email="olga@example.com", name="Olga", organization_name="Moretti") as olga:
        for what in ("export", "erasure"):
            answer = await olga.send(f"/dashboard/contacts/{contact}/{what}", page="/dashboard")
            assert answer.status_code == 404
        async with olga.tenant() as db:
            with pytest.raises(people.NoSuchContact):
                await contacts.erase(db, contact)
    assert await (await owner.execute("select name from contacts where id = %s", (contact,))).fetchone() == ("Zebulon",)
