"""A restricted member of the shop, who wants to read what was withheld: by search, links, keys, the log, his own rights over the team."""

import re

import httpx
import pytest

from frontdesk import api_keys
from frontdesk.access import Actor
from frontdesk.api_keys import NewKey
from frontdesk.database import new_id
from tests.members.test_restrictions import MASKED, NO_EXPORT, OWN, PHONE, restrict, three
from tests.messages.inbox.browser import Browser
from tests.messages.inbox.conftest import Shop

DIGITS = (PHONE, "8035550142", "5550142", "0142", "555")
SCOPES = ("audit:read", "contacts:read", "messages:read", "messages:write", "members:read", "members:write")


async def key_of(salon: Shop, member: Browser, scopes: tuple[str, ...] = SCOPES) -> httpx.AsyncClient:
    """A program of this member's."""
    async with salon.database.tenant(salon.id, Actor(kind="user", user_id=member.user_id, name="Maya")) as db:
        key = await api_keys.create(db, new_id(), NewKey("Web shop", scopes))
    return httpx.AsyncClient(base_url=f"{salon.site.url}/api/v1/", headers={"authorization": f"Bearer {key}"}, timeout=20)


async def everything(program: httpx.AsyncClient, *more: str) -> str:
    """All that the API says to a program, in one text, without ids and times."""
    paths = ("contacts?limit=200", "conversations?limit=200", "members", "audit-log?limit=200", "invitations", *more)
    said = "".join([(await program.get(path)).text for path in paths])
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d\d:\d\d:\d\d[.\d]*|request_id\":\"\w+", "", said)


async def test_a_key_made_before_the_restriction_sees_no_more_than_its_maker_since(salon: Shop) -> None:
    maya, tunde = await salon.colleague("admin", "Maya"), await salon.colleague("member", "Tunde")
    hers, theirs, _ = await three(salon, maya, tunde)
    program = await key_of(salon, maya)
    assert "Colleagues" in await everything(program) and "4915100000002" in await everything(program)
    await restrict(salon, maya, OWN, MASKED)
    said = await everything(program, f"conversations/{hers.conversation_id}/messages", f"contacts/{hers.contact_id}")
    assert "Hers" in said and "Colleagues" not in said and not re.search(r"49151000000\d\d|15100000", said)
    for path in (f"conversations/{theirs.conversation_id}", f"conversations/{theirs.conversation_id}/messages", f"contacts/{theirs.contact_id}",
                 f"conversations/{theirs.conversation_id}/messages/{theirs.id}"):  # fmt: skip
        assert (await program.get(path)).status_code == 404, path
    sent = await program.post(f"conversations/{theirs.conversation_id}/messages", json={"text": "Hello"}, headers={"idempotency-key": "one"})
    assert sent.status_code == 404
    await program.aclose()


async def test_an_answer_kept_before_the_restriction_is_not_read_out_after_it(salon: Shop) -> None:
    maya, tunde = await salon.colleague("admin", "Maya"), await salon.colleague("member", "Tunde")
    _, theirs, _ = await three(salon, maya, tunde)
    program, path = await key_of(salon, maya), f"conversations/{theirs.conversation_id}/messages"
    first = await program.post(path, json={"text": "Secret words"}, headers={"idempotency-key": "one"})
    assert first.status_code == 201
    await salon.boss.post(f"/dashboard/team/members/{maya.user_id}/role", role="viewer")
    again = await program.post(path, json={"text": "Secret words"}, headers={"idempotency-key": "one"})
    assert again.status_code == 403 and "Secret words" not in again.text
    await program.aclose()


async def test_no_search_of_the_api_is_an_oracle_for_digits(salon: Shop) -> None:
    maya = await salon.colleague("admin", "Maya")
    await salon.customer_writes(phone=PHONE)
    await salon.owner.execute("update contacts set search_text = lower(name)")
    program = await key_of(salon, maya)
    assert [len((await program.get("contacts", params={"q": digits})).json()["data"]) for digits in DIGITS] == [1] * 5
    await restrict(salon, maya, MASKED)
    for digits in (*DIGITS, "%0142", "_0142", "+234", "23 0142", "3 ••• 0142"):
        for path in ("contacts", "conversations"):
            assert (await program.get(path, params={"q": digits})).json()["data"] == [], (path, digits)
    for path, query in (
        ("contacts", {"cursor": f"-.{PHONE}"}),
        ("contacts", {"phone": PHONE}),
        ("contacts", {"sort": "phone"}),
        ("contacts", {"limit": PHONE}),
    ):
        answer = await program.get(path, params=query)
        assert answer.status_code in (200, 422) and PHONE not in answer.text.replace(f'"{PHONE}"', "", 1), path
    await program.aclose()


async def test_a_masked_member_reads_no_number_in_the_log_nor_in_what_is_told_of_things(salon: Shop) -> None:
    maya = await salon.colleague("admin", "Maya")
    nameless = await salon.customer_writes(who="", phone=PHONE)
    for act in ("block", "unblock"):
        await salon.boss.post(f"/dashboard/contacts/{nameless.contact_id}/{act}")
    for act in ("assignment", "closure", "closure/removal", "bot", "bot/removal"):
        await salon.boss.post(f"/dashboard/inbox/{nameless.conversation_id}/{act}")
    await restrict(salon, maya, MASKED)
    pages = ("audit", "audit?q=blocked", f"audit?q={PHONE}", "inbox", "", "team",
             f"contacts/{nameless.contact_id}", f"inbox/{nameless.conversation_id}", f"inbox/{nameless.conversation_id}/head", "contacts")  # fmt: skip
    for page in pages:
        shown = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\s", "", (await maya.get(f"/dashboard/{page}")).text)
        shown = shown.replace(f'value="{PHONE}"', "").replace(f"q={PHONE}", "")  # what she asked for herself
        assert not [one for one in (PHONE, "8035550142", "tel:+", f"wa.me/{PHONE}") if one in shown], page
    for kind in ("csv", "jsonl"):
        taken = await maya.post("/dashboard/audit/export", format=kind)
        assert taken.status_code == 200 and "contact.blocked" in taken.text and PHONE not in taken.text


async def test_links_and_attributes_of_pages_hold_no_number_either(salon: Shop) -> None:
    maya, arrived = await salon.colleague("member", "Maya"), await salon.customer_writes(phone=PHONE)
    await restrict(salon, maya, MASKED)
    for page in (f"contacts/{arrived.contact_id}", f"inbox/{arrived.conversation_id}", "contacts", "inbox"):
        shown = (await maya.get(f"/dashboard/{page}")).text
        written = re.findall(r'(?:href|src|action|title|alt|data-[\w-]+|value|content|aria-label|hx-[\w-]+)="([^"]*)"', shown)
        assert not [one for one in written if "5550142" in re.sub(r"\D", "", re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", one))], page


async def test_a_quote_of_a_message_that_is_not_his_to_see_shows_nothing_of_it(salon: Shop) -> None:
    maya, tunde = await salon.colleague("member", "Maya"), await salon.colleague("member", "Tunde")
    hers, theirs, _ = await three(salon, maya, tunde)
    await salon.owner.execute("update messages set provider_message_id = 'wamid.hidden', text = 'Hidden words' where id = %s", (theirs.id,))
    await salon.customer_writes("As you said", who="Hers", phone="4915100000001", reply_to="wamid.hidden")
    await restrict(salon, maya, OWN)
    for page in ("", "/messages"):
        shown = (await maya.get(f"/dashboard/inbox/{hers.conversation_id}{page}")).text
        assert "As you said" in shown and "Hidden words" not in shown and "Colleagues" not in shown


async def test_a_message_under_the_id_of_one_that_is_not_his_to_see_does_no_harm_and_tells_nothing(salon: Shop) -> None:
    maya, tunde = await salon.colleague("member", "Maya"), await salon.colleague("member", "Tunde")
    hers, theirs, _ = await three(salon, maya, tunde)
    message_id = new_id()
    assert (await tunde.write(theirs.conversation_id, "Mine first", message_id=message_id)).status_code == 303
    await restrict(salon, maya, OWN)
    answer = await maya.write(hers.conversation_id, "Under your id", message_id=message_id)
    assert answer.status_code < 500 and "Mine first" not in answer.text
    rows = await (await salon.owner.execute("select text from messages where id = %s", (message_id,))).fetchall()
    assert rows == [("Mine first",)]


async def test_counts_of_the_overview_and_the_sidebar_count_what_he_may_see(salon: Shop) -> None:
    maya, tunde = await salon.colleague("member", "Maya"), await salon.colleague("member", "Tunde")
    await three(salon, maya, tunde)
    for number in range(5):
        more = await salon.customer_writes(f"More {number}", who=f"Client {number}", phone=f"491520000000{number}")
        await tunde.post(f"/dashboard/inbox/{more.conversation_id}/assignment")
    await restrict(salon, maya, OWN)
    assert "2<b" in (await maya.get("/dashboard/inbox/unread", htmx=True)).text
    page = (await maya.get("/dashboard")).text
    assert "Client" not in page and "More " not in page
    figures = re.findall(r">\s*(\d+)\s*<", page)
    assert "8" not in figures, "eight conversations there are, of which six are not for her to count"


async def test_an_admin_who_sees_his_own_only_does_not_inherit_what_he_may_not_see(salon: Shop) -> None:
    maya, tunde = await salon.colleague("admin", "Maya"), await salon.colleague("member", "Tunde")
    _, theirs, _ = await three(salon, maya, tunde)
    await restrict(salon, maya, OWN)
    await maya.post(f"/dashboard/team/members/{tunde.user_id}/removal", conversations="reassign", heir=str(maya.user_id))
    assert (await maya.get(f"/dashboard/inbox/{theirs.conversation_id}")).status_code == 404
    refused = await maya.post(f"/dashboard/team/members/{tunde.user_id}/removal", conversations="unassign")
    assert refused.status_code == 403 and "You see your own conversations only" in refused.text
    assert (await maya.get(f"/dashboard/inbox/{theirs.conversation_id}")).status_code == 404
    await tunde.post(f"/dashboard/inbox/{theirs.conversation_id}/assignment/removal")
    assert (await maya.post(f"/dashboard/team/members/{tunde.user_id}/removal", conversations="unassign")).status_code == 303


async def test_restricted_admins_lift_nothing_by_the_roles_they_give(salon: Shop) -> None:
    maya, tunde = await salon.colleague("admin", "Maya"), await salon.colleague("member", "Tunde")
    await restrict(salon, maya, OWN, MASKED)
    await restrict(salon, tunde, MASKED)
    for role in ("admin", "viewer", "member"):
        await maya.post(f"/dashboard/team/members/{tunde.user_id}/role", role=role)
    for role in ("owner", "viewer", "admin"):
        await maya.post(f"/dashboard/team/members/{maya.user_id}/role", role=role)
    rows = await (await salon.owner.execute("select user_id, withheld from organization_members where role <> 'owner'")).fetchall()
    assert dict(rows)[maya.user_id] == ["conversations:oversee", "phone_numbers:read"] and dict(rows)[tunde.user_id] == ["phone_numbers:read"]


@pytest.mark.parametrize("by", ["page", "key"])
async def test_whom_a_restricted_admin_invites_is_as_restricted_whatever_way_he_comes(salon: Shop, by: str) -> None:
    maya, guest = await salon.colleague("admin", "Maya"), await salon.colleague("member", "Guest")
    await salon.owner.execute("update auth.users set email_confirmed_at = now()")
    await salon.owner.execute("delete from organization_members where user_id = %s", (guest.user_id,))
    program = await key_of(salon, maya)
    await restrict(salon, maya, OWN, MASKED, NO_EXPORT)
    if by == "page":
        assert (await maya.post("/dashboard/team/invitations", email="guest@example.com", role="admin", locale="en")).status_code == 303
    else:
        sent = await program.post("invitations", json={"email": "guest@example.com", "role": "member"}, headers={"idempotency-key": "one"})
        assert sent.status_code == 201, sent.text
    await program.aclose()
    await salon.owner.execute("update organization_invitations set token_hash = sha256('link'::bytea)")
    rows = await (await salon.owner.execute("select outcome from private.accept_invitation(sha256('link'::bytea), %s)", (guest.user_id,))).fetchall()
    assert rows == [("joined",)]
    rows = await (await salon.owner.execute("select withheld from organization_members where user_id = %s", (guest.user_id,))).fetchall()
    assert rows == [(["contacts:export", "conversations:oversee", "phone_numbers:read"],)]


async def test_a_colleague_who_is_let_go_takes_no_restriction_with_the_invitation_of_another(salon: Shop) -> None:
    """Restricted after he invited: what counts is what he may when his guest comes in."""
    maya, guest = await salon.colleague("admin", "Maya"), await salon.colleague("member", "Guest")
    await salon.owner.execute("update auth.users set email_confirmed_at = now()")
    await salon.owner.execute("delete from organization_members where user_id = %s", (guest.user_id,))
    assert (await maya.post("/dashboard/team/invitations", email="guest@example.com", role="admin", locale="en")).status_code == 303
    await restrict(salon, maya, MASKED)
    await salon.owner.execute("update organization_invitations set token_hash = sha256('link'::bytea)")
    await salon.owner.execute("select private.accept_invitation(sha256('link'::bytea), %s)", (guest.user_id,))
    rows = await (await salon.owner.execute("select withheld from organization_members where user_id = %s", (guest.user_id,))).fetchall()
    assert rows == [(["phone_numbers:read"],)]


async def test_a_restricted_admin_gets_no_archive_and_his_key_no_contact_of_others(salon: Shop) -> None:
    maya = await salon.colleague("admin", "Maya")
    await restrict(salon, maya, OWN, MASKED, NO_EXPORT)
    for path in ("/dashboard/settings/archive", "/dashboard/settings/archive/progress"):
        assert (await maya.get(path)).status_code == 403
    assert (await maya.post("/dashboard/settings/archive")).status_code == 403
