"""What a restricted member sees and does through every door of the product: pages, search, streams, PostgreSQL itself, Supabase."""

import re
import time
from typing import Any

import httpx
import pytest
from psycopg import errors

from frontdesk.access import Actor, Permission
from frontdesk.messages import NewMessage
from frontdesk.web import needs_of
from tests.messages.inbox.browser import Browser
from tests.messages.inbox.conftest import Shop

OWN, MASKED, NO_EXPORT = Permission.CONVERSATIONS_OVERSEE, Permission.PHONE_NUMBERS_READ, Permission.CONTACTS_EXPORT
PHONE = "2348035550142"
WRITTEN = "+234 803 555 0142"


async def restrict(salon: Shop, member: Browser, *withheld: Permission, by: Browser | None = None) -> httpx.Response:
    """Somebody ticks these boxes on the member's page."""
    fields: Any = {"withheld": list(withheld)}
    return await (by or salon.boss).post(f"/dashboard/team/members/{member.user_id}/restrictions", **fields)


async def three(salon: Shop, mine: Browser, theirs: Browser) -> list[NewMessage]:
    """A conversation of hers, one of a colleague's and one of nobody's."""
    arrived = [await salon.customer_writes(f"I am {who}", who=who, phone=phone) for who, phone in
               (("Hers", "4915100000001"), ("Colleagues", "4915100000002"), ("Nobodys", "4915100000003"))]  # fmt: skip
    for member, one in ((mine, arrived[0]), (theirs, arrived[1])):
        assert (await member.post(f"/dashboard/inbox/{one.conversation_id}/assignment")).status_code == 303
    return arrived


async def test_a_member_sees_own_and_unassigned_conversations_only(salon: Shop) -> None:
    maya, tunde = await salon.colleague("member", "Maya"), await salon.colleague("member", "Tunde")
    hers, theirs, free = await three(salon, maya, tunde)
    assert (await restrict(salon, maya, OWN)).status_code == 303
    for page in ("/dashboard", "/dashboard/inbox", "/dashboard/inbox/list?q=I+am", "/dashboard/contacts", "/dashboard/contacts?q=4915100", "/dashboard"):
        shown = (await maya.get(page)).text
        assert "Colleagues" not in shown and str(theirs.conversation_id) not in shown, page
        assert page == "/dashboard" or ("Hers" in shown and "Nobodys" in shown), page
    assert "Nothing fits" in (await maya.get("/dashboard/inbox", q="colleagues")).text
    assert "2<b" in (await maya.get("/dashboard/inbox/unread", htmx=True)).text
    for path in (
        f"inbox/{theirs.conversation_id}",
        f"inbox/{theirs.conversation_id}/messages",
        f"inbox/{theirs.conversation_id}/head",
        f"contacts/{theirs.contact_id}",
    ):
        assert (await maya.get(f"/dashboard/{path}")).status_code == 404, path
        assert (await tunde.get(f"/dashboard/{path}")).status_code == 200, path
    for act in ("messages", "reading", "closure", "closure/removal", "assignment", "assignment/removal", "bot", "bot/removal"):
        assert (await maya.post(f"/dashboard/inbox/{theirs.conversation_id}/{act}", text="Hello")).status_code == 404, act
    for act in ("name", "block", "unblock"):
        assert (await maya.post(f"/dashboard/contacts/{theirs.contact_id}/{act}", given_name="Mine")).status_code == 404, act
    assert (await salon.conversation(theirs.conversation_id))["assigned_to"] == tunde.user_id
    assert (await maya.write(hers.conversation_id, "Hello")).status_code == 303
    assert (await maya.post(f"/dashboard/inbox/{free.conversation_id}/assignment")).status_code == 303


async def test_the_wall_stands_in_postgresql_whatever_a_statement_asks(salon: Shop) -> None:
    maya, tunde = await salon.colleague("admin", "Maya"), await salon.colleague("member", "Tunde")
    _, theirs, _ = await three(salon, maya, tunde)
    await tunde.write(theirs.conversation_id, "From Tunde")
    await restrict(salon, maya, OWN, MASKED)
    async with salon.database.tenant(salon.id, Actor(kind="user", user_id=maya.user_id)) as db:
        for table, seen in (("conversations", 2), ("messages", 2), ("contacts", 2), ("contact_identities", 0)):
            assert len(await db.rows(f"select 1 from public.{table}")) == seen, table  # type: ignore[arg-type]  # one of the above
        for change in (
            "update public.messages set text = 'x' where conversation_id = %(id)s",
            "delete from public.messages where conversation_id = %(id)s",
            "update public.conversations set assigned_to = null where id = %(id)s",
            "delete from public.conversations where id = %(id)s",
        ):
            assert await db.run(change, {"id": theirs.conversation_id}) == 0  # type: ignore[arg-type]  # one of the above
        assert await db.value("select private.address_of(%(o)s, %(id)s)", {"o": salon.id, "id": theirs.conversation_id}) is None
        for hidden in (
            "phone from public.contacts",
            "* from public.contacts",
            "payload from public.messages",
            "recipient from public.outbox",
            "content from public.outbox",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                async with db._connection.transaction():
                    await db.rows(f"select {hidden}")  # type: ignore[arg-type]  # one of the above
        with pytest.raises(errors.InsufficientPrivilege):
            async with db._connection.transaction():
                await db.run(
                    "insert into public.messages (organization_id, id, conversation_id, direction, author, status, position, occurred_at)"
                    " values (%(o)s, gen_random_uuid(), %(id)s, 'out', 'member', 'queued', 99, now())", {"o": salon.id, "id": theirs.conversation_id}
                )  # fmt: skip


async def test_a_masked_member_finds_no_number_on_any_page_and_by_no_search(salon: Shop) -> None:
    maya = await salon.colleague("admin", "Maya")
    named, nameless = await salon.customer_writes(phone=PHONE), await salon.customer_writes(who="", phone="4915112345678")
    await salon.owner.execute(
        "insert into contact_identities (organization_id, kind, value, contact_id) select organization_id, 'phone', phone, id from contacts"
    )
    contact = f"/dashboard/contacts/{named.contact_id}"
    assert WRITTEN in (await maya.get(contact)).text and "Amina" in (await maya.get("/dashboard/contacts", q=PHONE)).text
    await maya.post(f"/dashboard/contacts/{nameless.contact_id}/block")
    assert "4915112345678" in (await maya.get("/dashboard/contacts")).text  # a toast says who is blocked, once
    await restrict(salon, maya, MASKED)
    known = {"conversation_id": named.conversation_id, "contact_id": named.contact_id, "member_id": maya.user_id, "message_id": named.id}
    pages = [path for (method, path), needed in needs_of(salon.site.routes).items() if method == "GET" and isinstance(needed, Permission)]
    assert len(pages) > 15
    for page in [page for page in pages if page != "/dashboard/live"]:
        for ids in (known, known | {"conversation_id": nameless.conversation_id, "contact_id": nameless.contact_id}):
            path = page.format_map(ids) if set(re.findall(r"{(\w+)}", page)) <= ids.keys() else ""
            shown = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\s", "", (await maya.get(path)).text) if path else ""
            assert not [digits for digits in (PHONE, "8035550142", "50142", "4915112345678", "15112345678") if digits in shown], path
    assert "+23 ••• ••42" in (await maya.get(contact)).text and "+23 ••• ••42" in (await maya.get(f"/dashboard/inbox/{named.conversation_id}")).text
    assert "+49 ••• ••78" in (await maya.get("/dashboard/inbox")).text  # who has no name is called by the number
    for digits in (PHONE, WRITTEN, "+" + PHONE, PHONE[:6], PHONE[-4:], "0142", "803 555"):
        found = await maya.get("/dashboard/contacts", q=digits)
        assert found.status_code == 200 and "Amina" not in found.text
        assert f"/dashboard/inbox/{named.conversation_id}" not in (await maya.get("/dashboard/inbox/list", q=digits)).text
    assert "Amina" in (await maya.get("/dashboard/contacts", q="amina")).text


async def test_a_masked_member_answers_all_the_same_and_renames_without_losing_the_number(salon: Shop) -> None:
    maya, arrived = await salon.colleague("member", "Maya"), await salon.customer_writes(phone=PHONE)
    await restrict(salon, maya, MASKED)
    await maya.write(arrived.conversation_id, "At four?")
    await maya.post(f"/dashboard/contacts/{arrived.contact_id}/name", given_name="Amina O.")
    rows = await (
        await salon.owner.execute("select o.recipient, c.phone, c.search_text from outbox o, contacts c where o.organization_id = c.organization_id")
    ).fetchall()
    assert rows == [(PHONE, PHONE, "amina o. amina okafor")]
    assert "Amina O." in (await salon.boss.get("/dashboard/contacts", q="803 555")).text


async def test_what_is_withheld_is_no_permission_and_an_admin_may_not_export_then(salon: Shop) -> None:
    held = {}
    for role in ("admin", "member"):
        someone = await salon.colleague(role, role.title())
        for withheld in ((), (NO_EXPORT,)):
            await restrict(salon, someone, *withheld)
            async with salon.database.tenant(salon.id, Actor(kind="user", user_id=someone.user_id)) as db:
                held[role, withheld] = NO_EXPORT in db.permissions
    assert held == {("admin", ()): True, ("admin", (NO_EXPORT,)): False, ("member", ()): False, ("member", (NO_EXPORT,)): False}


async def test_a_restricted_client_of_supabase_reads_neither_conversations_nor_contacts(salon: Shop) -> None:
    maya = await salon.colleague("admin", "Maya")
    await salon.customer_writes()

    async def seen() -> dict[str, int]:
        found = {}
        async with salon.owner.transaction():
            await salon.owner.execute("select set_config('request.jwt.claims', %s, true)", (f'{{"sub": "{maya.user_id}"}}',))
            await salon.owner.execute("set local role authenticated")
            for table in ("contacts", "contact_identities", "conversations", "messages", "outbox", "audit_logs", "auto_replies", "organization_members"):
                found[table] = (await salon.owner.execute(f"select 1 from public.{table}")).rowcount  # type: ignore[arg-type]  # one of the above
            await salon.owner.execute("reset role")
        return found

    before = await seen()
    assert before["contacts"] and before["conversations"] and before["messages"] and before["audit_logs"]
    for withheld in (OWN, MASKED, NO_EXPORT):
        await restrict(salon, maya, withheld)
        after = await seen()
        assert after["auto_replies"] and after["organization_members"]
        assert [table for table in list(after)[:6] if after[table]] == []


async def test_a_restriction_holds_at_once_in_open_pages(salon: Shop) -> None:
    maya, tunde = await salon.colleague("member", "Maya"), await salon.colleague("member", "Tunde")
    await three(salon, maya, tunde)
    assert "Colleagues" in (await maya.get("/dashboard/inbox/list", htmx=True)).text
    async with maya.listening(since=str(time.time() + 60)) as ear:
        await restrict(salon, maya, OWN)
        assert await ear.hears(1, within=1) == ["changed"]
        assert "Colleagues" not in (await maya.get("/dashboard/inbox/list", htmx=True)).text
        assert not ear.ended.is_set()


async def test_who_restricts_whom_and_what_the_log_says(salon: Shop) -> None:
    maya, tunde = await salon.colleague("admin", "Maya"), await salon.colleague("member", "Tunde")
    page = f"/dashboard/team/members/{tunde.user_id}"
    assert "Phone numbers are masked" in (await maya.get(page)).text
    await restrict(salon, tunde, MASKED, by=maya)
    assert "restricted" in (await salon.boss.get("/dashboard/team")).text
    await restrict(salon, maya, MASKED)
    refusals = {
        "Nobody changes their own restrictions": await restrict(salon, maya, by=maya),
        "You cannot lift a restriction that you have yourself": await restrict(salon, tunde, by=maya),
        "Your role in this organization does not allow this": await restrict(salon, maya, by=tunde),
        "An owner has no restrictions": await restrict(salon, salon.boss, MASKED),
        "Choose restrictions of the list": await restrict(salon, tunde, Permission.MESSAGES_READ),
    }
    assert {words: answer.status_code for words, answer in refusals.items() if words not in answer.text} == {}
    assert [answer.status_code for answer in refusals.values()] == [403, 403, 403, 409, 422]
    await restrict(salon, tunde, MASKED, OWN, by=maya)
    log = (await salon.boss.get("/dashboard/audit")).text
    assert "changed the restrictions of" in log and "masked phone numbers" in log


async def test_an_owner_is_free_and_nobody_lets_in_who_may_more(salon: Shop) -> None:
    maya, tunde = await salon.colleague("admin", "Maya"), await salon.colleague("member", "Tunde")
    await restrict(salon, maya, MASKED, OWN)
    await salon.owner.execute("delete from organization_members where user_id = %s", (tunde.user_id,))
    insert = "insert into organization_members (organization_id, user_id, role, invited_by, withheld) values (%s, %s, 'admin', %s, %s)"
    await salon.owner.execute(insert, (salon.id, tunde.user_id, maya.user_id, ["contacts:export"]))
    for user, withheld in (
        (tunde, ["contacts:export", "conversations:oversee", "phone_numbers:read"]),
        (maya, ["conversations:oversee", "phone_numbers:read"]),
    ):
        row = await (await salon.owner.execute("select withheld from organization_members where user_id = %s", (user.user_id,))).fetchone()
        assert row == (withheld,)
    await salon.boss.post(f"/dashboard/team/members/{maya.user_id}/role", role="owner")
    row = await (await salon.owner.execute("select withheld from organization_members where user_id = %s", (maya.user_id,))).fetchone()
    assert row == ([],)
    with pytest.raises(errors.CheckViolation):
        await salon.owner.execute("update organization_members set withheld = %s where user_id = %s", (["phone_numbers:read"], maya.user_id))
