"""An organization that has canceled is parted from: told, ordered, told again; and kept, where it buys again or an owner wants it."""

from typing import Any

import psycopg
import pytest

from frontdesk import secret_files
from frontdesk.billing.lifecycle.actions import look
from frontdesk.database import Database
from frontdesk.erasure import actions, canceled
from frontdesk.mail import Mailer
from frontdesk.settings import Settings
from tests.desk import Desk
from tests.mailbox import letters

Owner = psycopg.AsyncConnection[Any]
AFTER = 90


async def ended(owner: Owner, desk: Desk, days: int, more: str = "status = 'canceled', provider_subscription_id = 'sub_1'") -> None:
    await owner.execute(
        f"update subscriptions set {more}, ended_at = now() - make_interval(days => %s) where organization_id = %s",  # type: ignore[arg-type]  # literals below
        (days, desk.organization_id),
    )


async def later(owner: Owner, days: int) -> None:
    """So many days go by."""
    for column, table in (
        ("ended_at", "subscriptions"),
        ("created_at", "billing_notices"),
        ("requested_at = requested_at - make_interval(days => %(d)s), due_at", "organization_deletions"),
    ):
        await owner.execute(f"update {table} set {column} = {column.split()[-1]} - make_interval(days => %(d)s)", {"d": days})  # type: ignore[arg-type]  # the above
    await owner.execute("delete from private.chores")


async def deletions(owner: Owner) -> list[Any]:
    return await (await owner.execute("select organization_id, requested_by from organization_deletions")).fetchall()


async def steps(database: Database, desk: Desk) -> list[str | None]:
    """Two looks in a row: the second finds nothing to do."""
    return [await canceled.step(database, desk.organization_id, AFTER) for _ in range(2)]


async def test_it_is_told_ordered_told_again_and_gone(desk: Desk, neighbour: Desk, owner: Owner, database: Database, settings: Settings) -> None:
    await owner.execute("update auth.users set email_confirmed_at = now()")
    await ended(owner, desk, AFTER - 8)
    assert await steps(database, desk) == [None, None]
    await later(owner, 1)
    assert await steps(database, desk) == ["told", None]
    mailer = Mailer(secret_files.load(settings).vault, settings)
    await look(database, mailer)
    await later(owner, 6)
    assert await steps(database, desk) == [None, None]
    await later(owner, 1)
    assert await steps(database, desk) == ["ordered", None]
    assert await deletions(owner) == [(desk.organization_id, None)]
    assert "Until then an owner can undo it" in (await desk.get("/dashboard")).text
    await later(owner, 6)
    assert await steps(database, desk) == ["reminded", None]
    await look(database, mailer)
    told = [one for one in await letters(owner, settings, "maya@example.com") if one.template == "billing/deletion_ahead"]
    assert len(told) == 2 and told[0].links == ["/dashboard/settings/archive"]
    logged = await owner.execute(
        "select actor_kind, action from audit_logs where action like 'organization.deletion%%' and organization_id = %s", (desk.organization_id,)
    )
    assert await logged.fetchall() == [("system", "organization.deletion_requested")]
    await later(owner, 1)
    while await actions.sweep(database):
        pass
    assert await (await owner.execute("select id from organizations")).fetchall() == [(neighbour.organization_id,)]


async def test_what_ended_long_ago_is_told_two_weeks_before_all_the_same(desk: Desk, owner: Owner, database: Database) -> None:
    await ended(owner, desk, 900)
    assert await steps(database, desk) == ["told", None]
    await canceled.part(database, AFTER)
    assert await deletions(owner) == []
    await later(owner, 7)
    await canceled.part(database, AFTER)
    assert await deletions(owner) == [(desk.organization_id, None)]


async def test_whoever_undoes_it_or_buys_again_is_kept(desk: Desk, owner: Owner, database: Database) -> None:
    await ended(owner, desk, 900)
    await steps(database, desk)
    await later(owner, 7)
    assert await steps(database, desk) == ["ordered", None]
    await desk.press("/dashboard/settings/deletion/undoing", "/dashboard/settings/deletion")
    await later(owner, 30)
    assert await steps(database, desk) == [None, None]
    await ended(owner, desk, 900, "provider_subscription_id = 'sub_2'")  # bought and canceled a second time
    assert await steps(database, desk) == ["told", None]
    await later(owner, 7)
    assert await steps(database, desk) == ["ordered", None]
    await owner.execute("update subscriptions set status = 'active', provider_subscription_id = 'sub_3', ended_at = null")
    assert await steps(database, desk) == ["kept", None]
    assert await deletions(owner) == []


async def test_without_the_setting_nothing_is_ordered_and_what_was_is_taken_back(desk: Desk, owner: Owner, database: Database) -> None:
    await ended(owner, desk, 900)
    await canceled.part(database, None)
    assert await (await owner.execute("select count(*) from billing_notices where kind = 'deletion_ahead'")).fetchone() == (0,)
    await steps(database, desk)
    await later(owner, 7)
    await steps(database, desk)
    await canceled.part(database, None)
    assert await deletions(owner) == []
    await owner.execute("insert into organization_deletions (organization_id, requested_by) values (%s, null)", (desk.organization_id,))
    await later(owner, 1)
    await canceled.part(database, None)
    assert len(await deletions(owner)) == 1  # somebody's who is gone: not the clock's


@pytest.mark.parametrize(
    "state",
    [
        "status = 'active', provider_subscription_id = 'sub_1'",
        "status = 'canceled', provider_subscription_id = null",
        "status = 'past_due', provider_subscription_id = 'sub_1'",
    ],
)
async def test_only_what_was_bought_and_has_ended_is_meant(desk: Desk, owner: Owner, database: Database, state: str) -> None:
    await ended(owner, desk, 900, state)
    assert await steps(database, desk) == [None, None]
    await canceled.part(database, AFTER)
    assert await deletions(owner) == []
