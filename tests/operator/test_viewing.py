"""Looking into an organization: read-only on every door, for half an hour, and under its eyes."""

import re
import zipfile
from io import BytesIO

import pytest
from psycopg import errors

from frontdesk.access import Actor
from frontdesk.database import NotAMember, new_id
from frontdesk.web import needs_of
from tests.operator.conftest import REASON, Console, send
from tests.test_strangers import FIELDS
from tests.users.browser import hidden_fields

WRITTEN = """select jsonb_agg(t) from (
  select o.name, (select count(*) from messages), (select count(*) from contacts), (select count(*) from api_keys), (select count(*) from auto_replies),
    (select count(*) from channels), (select count(*) from audit_logs), (select count(*) from organization_members),
    (select count(*) from private.sessions where revoked_at is null),
    (select string_agg(encrypted_password, '' order by id) from auth.users) from organizations o order by o.id) t"""


async def test_the_organization_reads_who_looks_why_and_until_when(console: Console) -> None:
    await console.look()
    page = (await console.operator.get("/dashboard")).text
    assert "you look into" in page and "Lagos Glow Salon" in page
    assert (await console.logged())[0] == ("operator", "operator.view_begun", REASON)
    assert REASON in (await console.customer.get("/dashboard/audit")).text
    settings = (await console.customer.get("/dashboard/settings")).text
    assert REASON in settings and "Jonas Weber" in settings
    await send(console.operator, "/operator/viewing/end")
    assert (await console.logged())[0][1] == "operator.view_ended"
    assert "Lagos Glow Salon" not in (await console.operator.get("/dashboard")).text


async def test_whoever_looks_changes_nothing_on_any_door(console: Console) -> None:
    await send(console.customer, "/dashboard/sample-data")
    await console.look()
    token = hidden_fields((await console.operator.get("/account")).text)["csrf_token"]
    before, opened = await console.see(WRITTEN), {}
    unsafe = [(method, path) for method, path in needs_of(console.built.app.routes) if method not in ("GET", "HEAD")]
    assert len(unsafe) > 60
    for method, path in unsafe:
        if path in ("/operator/viewing/end", "/logout"):
            continue
        where = re.sub(r"{(\w+)}", str(new_id()), path)
        proof = {"origin": console.operator.base, "x-csrf-token": token, "x-organization-id": str(console.shop_id)}
        answer = await console.operator.client.request(method, where, headers=proof, data=FIELDS | {"reason": REASON})
        if answer.status_code != 403 or "only looking" not in answer.text:
            opened[f"{method} {path}"] = answer.status_code
    assert opened == {}
    assert await console.see(WRITTEN) == before
    pages = [path for method, path in needs_of(console.built.app.routes) if method == "GET" and path.startswith("/dashboard") and "{" not in path]
    shown = {page: (await console.operator.get(page)).status_code for page in pages if page != "/dashboard/live"}
    assert len(shown) > 15 and {code for code in shown.values() if code >= 500} == set(), shown
    for page in ("/dashboard", "/dashboard/inbox", "/dashboard/contacts", "/dashboard/audit", "/dashboard/billing", "/dashboard/team", "/dashboard/settings"):
        assert shown[page] == 200, page
    ((thread, contact, unread),) = await console.see(
        "select id, contact_id, unread_count from conversations where organization_id = %s and unread_count > 0 limit 1", console.shop_id
    )
    for page in (f"/dashboard/inbox/{thread}", f"/dashboard/inbox/{thread}/messages", f"/dashboard/inbox/{thread}/head", f"/dashboard/contacts/{contact}"):
        assert (await console.operator.get(page)).status_code == 200, page
    assert await console.see("select unread_count from conversations where id = %s", thread) == [(unread,)]  # what an operator reads is read by nobody
    assert await console.see(WRITTEN) == before


async def test_whoever_looks_is_not_led_to_where_an_invoice_is_paid(console: Console) -> None:
    await console.owner.execute(
        "update subscriptions set status = 'past_due', past_due_since = now(), provider_subscription_id = 'sub_1', amount = 2900, currency = 'EUR'"
        " where organization_id = %s", (console.shop_id,)
    )  # fmt: skip
    await console.owner.execute(
        "insert into invoices (organization_id, id, number, status, currency, subtotal, total, amount_due, amount_paid, amount_remaining, hosted_invoice_url,"
        " issued_at, attempt_count) values (%s, 'in_1', 'FD-1', 'open', 'EUR', 2900, 2900, 2900, 0, 2900, 'https://pay.example/i', now(), 1)",
        (console.shop_id,),
    )  # fmt: skip
    assert (await console.customer.get("/dashboard/billing")).text.count("https://pay.example/i") == 2
    await console.look()
    page = (await console.operator.get("/dashboard/billing")).text
    assert "A payment has failed" in page and "FD-1" in page and "https://pay.example/i" not in page


async def test_not_even_a_statement_of_its_transaction_writes(console: Console) -> None:
    session = await console.look()
    looking = Actor("operator", console.operator_id, looks_by=session)
    async with console.database.tenant(console.shop_id, looking) as db:
        assert not [one for one in db.permissions if one.endswith((":write", ":export"))]
        with pytest.raises(errors.ReadOnlySqlTransaction):
            await db.run("update public.organizations set name = 'Mine'")
    async with console.database.tenant(console.shop_id, looking) as db:
        with pytest.raises(errors.ReadOnlySqlTransaction):
            await db.run("select private.append_audit(%(id)s, 'x.y')", {"id": console.shop_id})
    ((mine,),) = await console.see("select organization_id from organization_members where user_id = %s", console.operator_id)
    with pytest.raises(NotAMember):  # one organization, not any other, not even his own
        async with console.database.tenant(mine, looking):
            pass


@pytest.mark.parametrize(
    "over",
    [
        "update operator_views set started_at = started_at - interval '1 hour', expires_at = expires_at - interval '1 hour'",
        "update operator_views set ended_at = now()",
        "update private.operators set revoked_at = now()",
        "update private.sessions set second_factor_at = null",
        "delete from private.authenticators",
        "update private.sessions set view_id = gen_random_uuid()",
    ],
)
async def test_a_look_that_is_over_opens_nothing(console: Console, over: str) -> None:
    session = await console.look()
    await console.owner.execute(over)  # type: ignore[arg-type]  # one of the above
    with pytest.raises(NotAMember):
        async with console.database.tenant(console.shop_id, Actor("operator", console.operator_id, looks_by=session)):
            pass
    answer = await console.operator.get("/dashboard")
    assert "Lagos Glow Salon" not in answer.text and "Frontdesk Hosting" in answer.text


async def test_the_session_of_somebody_else_is_no_key_to_a_look(console: Console) -> None:
    await console.look()
    ((others,),) = await console.see("select id from private.sessions where user_id = %s", console.customer_id)
    await console.owner.execute(
        "update private.sessions s set viewing_organization = v.organization_id, view_id = v.id from operator_views v where s.id = %s", (others,)
    )
    ((neighbour,),) = await console.see("select organization_id from organization_members where user_id = %s", console.operator_id)
    for organization in (console.shop_id, neighbour):
        with pytest.raises(NotAMember):
            async with console.database.tenant(organization, Actor("operator", console.customer_id, looks_by=others)):
                pass


async def test_an_archive_is_taken_with_a_reason_and_written_in_both_logs(console: Console) -> None:
    answer = await console.act(f"{console.shop}/export", reason="short")
    assert answer.status_code == 422
    answer = await console.act(f"{console.shop}/export", reason=REASON)
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert b"Lagos Glow Salon" in archive.read("organizations.jsonl")
    assert [entry[:2] for entry in (await console.logged())[:2]] == [("operator", "organization.exported"), ("operator", "operator.export_begun")]
    assert "Lagos Glow Salon" not in (await console.operator.get("/dashboard")).text  # an archive is no look
    assert await console.see("select action from private.operator_entries order by id desc limit 1") == [("operator.export_begun",)]
