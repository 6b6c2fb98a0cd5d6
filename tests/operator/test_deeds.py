"""What an operator does about organizations, users and deliveries; and each deed is written in his log and in that of whom it concerns."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from frontdesk import secret_files
from frontdesk.access import Permission
from frontdesk.billing.lifecycle.actions import look
from frontdesk.database import new_id
from frontdesk.mail import Mailer
from frontdesk.settings import Settings
from tests.mailbox import letters
from tests.operator.conftest import REASON, Console, send
from tests.world import World, text, webhook


async def deeds(console: Console) -> list[str]:
    """What the operators' log says, the newest first; the newest of the shop's log says the same."""
    return [row[0] for row in await console.see("select action from private.operator_entries order by id desc")]


async def test_a_user_is_shut_out_at_once_and_let_in_again(console: Console) -> None:
    maya = f"/operator/users/{console.customer_id}"
    assert (await console.act(f"{maya}/lock", reason="x")).status_code == 422
    assert (await console.act(f"{maya}/lock", reason=REASON)).headers["location"] == maya
    assert (await console.customer.get("/dashboard")).headers["location"].startswith("/login")
    assert (await deeds(console))[0] == "user.locked" and (await console.logged())[0] == ("operator", "user.locked", REASON)
    assert (await console.act(f"{maya}/lock", reason=REASON)).status_code == 409
    await console.owner.execute("update private.sessions set revoked_at = null")  # even a session that was missed opens nothing
    assert (await console.customer.get("/dashboard")).headers["location"].startswith("/login")
    await console.act(f"{maya}/lock/removal")
    assert (await console.customer.get("/dashboard")).status_code == 200
    assert (await console.logged())[0][:2] == ("operator", "user.unlocked")
    assert (await console.act(f"{maya}/lock/removal")).status_code == 409


async def test_second_factors_are_taken_away_after_a_proof_that_is_written_down(console: Console) -> None:
    maya = f"/operator/users/{console.customer_id}"
    assert (await console.act(f"{maya}/second-factor/removal", reason=REASON)).status_code == 409
    await console.has_factor(console.customer_id)
    proof = "called back on the number of the contract"
    await console.act(f"{maya}/second-factor/removal", reason=proof)
    assert await console.see("select count(*) from private.authenticators where user_id = %s", console.customer_id) == [(0,)]
    assert (await console.logged())[0] == ("operator", "user.second_factor_reset", proof)
    assert (await console.customer.get("/dashboard")).headers["location"].startswith("/login")


async def test_a_trial_ends_later_and_only_later(console: Console) -> None:
    until = datetime.now(UTC) + timedelta(days=40)
    for wrong in ("", "yesterday", "2020-01-01", f"{datetime.now(UTC) + timedelta(days=500):%Y-%m-%d}"):
        assert (await console.act(f"{console.shop}/trial", until=wrong)).status_code == 422, wrong
    await console.act(f"{console.shop}/trial", until=f"{until:%Y-%m-%d}")
    ((ends, status),) = await console.see("select trial_ends_at, status from subscriptions where organization_id = %s", console.shop_id)
    assert (ends.date(), status) == (until.date(), "trialing")
    assert (await console.logged())[0][:2] == ("operator", "subscription.trial_extended")
    assert (await console.act(f"{console.shop}/trial", until=f"{until - timedelta(days=3):%Y-%m-%d}")).status_code == 409


async def test_a_deletion_is_ordered_by_its_name_and_undone_by_an_owner_or_the_operator(console: Console) -> None:
    assert (await console.act(f"{console.shop}/deletion", confirmation="moretti", reason=REASON)).status_code == 422
    await console.act(f"{console.shop}/deletion", confirmation="lagos-glow-salon", reason=REASON)
    assert (await console.act(f"{console.shop}/deletion", confirmation="lagos-glow-salon", reason=REASON)).status_code == 409
    assert "will be deleted" in (await console.customer.get("/dashboard")).text
    page = (await console.operator.get("/operator/organizations?state=leaving")).text
    assert "Lagos Glow Salon" in page and "Deleted in 7 days" in page
    await console.act(f"{console.shop}/deletion/removal")
    assert "will be deleted" not in (await console.customer.get("/dashboard")).text
    assert [entry[1] for entry in (await console.logged())[:2]] == ["organization.deletion_undone", "organization.deletion_requested"]


async def test_members_of_a_suspended_organization_read_and_change_nothing(console: Console) -> None:
    await console.act(f"{console.shop}/suspension", reason=REASON)
    for page in ("/dashboard/inbox", "/dashboard/contacts", "/dashboard/billing", "/dashboard/settings/archive"):
        assert (await console.customer.get(page)).status_code == 200, page
    answer = await send(console.customer, "/dashboard/settings", name="Mine", timezone="UTC", locale="en")
    assert answer.status_code == 403 and "suspended" in answer.text
    assert (await console.act(f"{console.shop}/suspension", reason=REASON)).status_code == 409
    assert (await console.act(f"/operator/organizations/{new_id()}/suspension", reason=REASON)).status_code == 404


async def test_a_kept_delivery_is_told_again_without_its_text_being_shown(console: Console) -> None:
    await console.owner.execute(
        "select private.connect_channel(%s, %s, 'cloud_api', 'Main', '106540352242922', '+1 555', '1', '1', 'x', null)", (console.shop_id, new_id())
    )
    delivery = new_id()
    await console.owner.execute(
        "insert into failed_deliveries (organization_id, channel_id, id, kind, payload, received_at, error)"
        " select organization_id, id, %s, 'message', 'Zebulon', now(), 'KeyError' from channels where organization_id = %s limit 1",
        (delivery, console.shop_id),
    )
    page = await console.operator.get("/operator/deliveries")
    assert "KeyError" in page.text and "Zebulon" not in page.text
    assert (await console.act(f"/operator/deliveries/{new_id()}/replay")).status_code == 409
    assert (await console.act(f"/operator/deliveries/{delivery}/replay", show="status")).headers["location"] == "/operator/deliveries?show=status"
    assert await console.see("select id from inbound_deliveries") == [(delivery,)]
    assert (await deeds(console))[0] == "deliveries.replayed"
    assert (await console.act("/operator/deliveries/replay")).status_code == 303


async def test_a_billing_event_is_handled_again(console: Console) -> None:
    event = new_id()
    await console.owner.execute(
        "insert into billing_events (id, organization_id, provider_event_id, type, happened_at, next_try_at, given_up_at, last_error)"
        " values (%s, %s, 'evt_1', 'invoice.paid', now(), null, now(), 'nobody knew')", (event, console.shop_id),
    )  # fmt: skip
    assert "nobody knew" in (await console.operator.get("/operator/events?show=given_up")).text
    assert "nobody knew" not in (await console.operator.get("/operator/events?show=waiting")).text
    for show, back in (("given_up", "/operator/events?show=given_up"), ("//evil", "/operator/events")):  # back to the list that he looked at
        assert (await console.act(f"/operator/events/{event}/replay", show=show)).headers["location"] == back
    assert await console.see("select given_up_at, next_try_at <= now() from billing_events") == [(None, True)]
    assert (await console.logged())[0][:2] == ("operator", "billing_event.replayed")
    assert (await console.act(f"/operator/events/{new_id()}/replay")).status_code == 404


async def suspended(world: World, why: str | None) -> None:
    """As private.suspend_organization does, and back, in an operator's transaction."""
    session = new_id()
    await world.owner.execute("insert into private.operators (user_id, granted_by) values (%s, 'a test') on conflict do nothing", (world.neighbour.owner_id,))
    await world.owner.execute(
        "insert into private.authenticators (user_id, secret, last_step) values (%s, repeat('s', 40), 0) on conflict do nothing", (world.neighbour.owner_id,)
    )
    await world.owner.execute(
        "select private.open_session(%s, sha256(%s), repeat('c', 40), %s, null, null)", (session, session.bytes, world.neighbour.owner_id)
    )
    await world.owner.execute("update private.sessions set second_factor_at = now()")
    async with world.database.console(session, world.neighbour.actor) as db:
        done = "select private.suspend_organization(%(id)s, %(why)s)" if why else "select private.resume_organization(%(id)s)"
        assert await db.value(done, {"id": world.shop.organization_id, "why": why})


async def test_what_customers_write_to_a_suspended_organization_is_stored_and_nothing_leaves(world: World) -> None:
    await suspended(world, REASON)
    assert (await world.arrive(world.shop, webhook(world.shop, text("hello?")))).messages == 1
    assert await world.see("select count(*) from messages where organization_id = %s and direction = 'in'", world.shop.organization_id) == [(1,)]
    assert await world.see("select * from private.waiting_outbound('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000', 10)") == []
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        assert Permission.MESSAGES_READ in db.permissions and Permission.MESSAGES_WRITE not in db.permissions
        assert Permission.ORGANIZATION_EXPORT in db.permissions
    assert await world.see("select access from subscriptions where organization_id = %s", world.shop.organization_id) == [("read_only",)]
    await suspended(world, None)
    assert await world.see("select count(*) from outbox") == [(0,)]  # what the bot would have said is not said now
    assert await world.see("select access from subscriptions where organization_id = %s", world.shop.organization_id) == [("full",)]
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        assert Permission.MESSAGES_WRITE in db.permissions
    assert await world.see("select count(*) from channels where stopped_at is not null") == [(0,)]


@pytest.mark.parametrize("of", ["frontdesk_app", "frontdesk_member"])
async def test_the_deeds_are_no_functions_of_the_application(world: World, of: str) -> None:
    rows: list[Any] = await world.see(
        "select p.proname from pg_proc p where p.proname in ('suspend_organization', 'resume_organization', 'lock_user', 'unlock_user', 'reset_second_factor',"
        " 'begin_view', 'give_plan', 'override_entitlement', 'change_plan', 'order_deletion', 'replay_deliveries', 'extend_trial',"
        " 'mend_usage', 'usage_for_operators', 'drifts_for_operators', 'tell_of_order')"
        " and has_function_privilege(%s, p.oid, 'execute')",
        of,
    )
    assert rows == []


async def test_an_organization_is_told_by_mail_what_was_decided_about_it_and_who_looked_once_each(console: Console, settings: Settings) -> None:
    await console.owner.execute("update auth.users set email_confirmed_at = now()")
    mailer = Mailer(secret_files.load(settings).vault, settings)
    why = "Three complaints this week & <none> answered"
    await console.act(f"{console.shop}/suspension", reason=why)
    await console.act(f"{console.shop}/suspension", reason=why)  # it is suspended: nothing happens, and nothing is told
    await look(console.database, mailer)
    await console.act(f"{console.shop}/suspension/removal")
    await console.look()
    for _ in range(2):
        await look(console.database, mailer)
    told = [one for one in await letters(console.owner, settings, "maya@example.com") if one.template.startswith("billing/organization_")]
    assert [one.template for one in told] == ["billing/organization_suspended", "billing/organization_resumed", "billing/organization_viewed"]
    assert why in told[0].letter.text and REASON in told[2].letter.text
    assert "&amp; &lt;none&gt;" in str(told[0].letter.html)
    await console.act("/operator/viewing/end")
    await console.act(f"{console.shop}/suspension", reason=why)  # a second time is told again
    await look(console.database, mailer)
    assert len(await letters(console.owner, settings, "maya@example.com")) == len(told) + 1
