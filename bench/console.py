"""The operator's lists and the page of billing: with ten thousand organizations beside the same with a hundred."""

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import psycopg

from bench import figures
from frontdesk import app as application
from frontdesk import users
from frontdesk.bell import Bell
from frontdesk.database import Database, embedded, new_id, setup
from frontdesk.live import Live
from frontdesk.settings import Settings

FEW, MANY = 100, 10_000
ROUNDS, WARM_UP = 40, 12
CEILING = 1.5
OPERATOR = "operator@example.com"
# Each shows as many rows in the one as in the other: FITTING of them fit, however many there are.
FITTING = 60
PAGES = {
    "organizations": "/operator/organizations",
    "organizations.older": "/operator/organizations?before={middle}",
    "organizations.failing": "/operator/organizations?state=failing",
    "organizations.plan": "/operator/organizations?plan=starter",
    "organizations.suspended": "/operator/organizations?state=suspended",
    "organizations.words": "/operator/organizations?q=berl",
    "organizations.email": "/operator/organizations?q=berlin-50@example.com",
    "organization": "/operator/organizations/{middle}",
    "users": "/operator/users",
    "users.words": "/operator/users?q=berlin-",
    "events": "/operator/events",
    "deliveries": "/operator/deliveries",
    "lanes": "/operator/lanes",
    "log": "/operator/log",
    "billing": "/dashboard/billing",
}
ROWS = (
    """insert into auth.users (id, email, raw_user_meta_data, email_confirmed_at)
    select private.uuid_v7(), case when n <= %(fitting)s then 'berlin-' else 'owner-' end || n || '@example.com',
      jsonb_build_object('name', 'Owner ' || n, 'organization_name', 'Salon ' || case when n <= %(fitting)s then 'Berlin ' else '' end || n), now()
    from generate_series(1, %(many)s) as n order by md5(n::text)""",
    """update subscriptions s set status = case when o.name like 'Salon Berlin%%' then 'past_due' else 'active' end,
      plan_id = case when o.name like 'Salon Berlin%%' then 'starter' else 'professional' end, past_due_since = now()
    from organizations o where o.id = s.organization_id""",
    "update subscriptions set look_at = now() + interval '1 day'",
    "update organization_usage set used = 1234",
    "update organizations set suspended_at = now(), suspended_reason = 'a reason' where name like 'Salon Berlin%%'",
    """insert into channels (organization_id, id, kind, name, phone_number_id, display_number)
    select id, private.uuid_v7(), 'cloud_api', 'Main', row_number() over (), '+1 555' from organizations""",
    "update channels c set stopped_at = now(), stopped_reason = 'a reason' from organizations o where o.id = c.organization_id and o.suspended_at is not null",
    """insert into failed_deliveries (organization_id, channel_id, id, kind, payload, received_at, error)
    select organization_id, id, private.uuid_v7(), 'message', '{}', now(), 'KeyError' from channels""",
    """insert into billing_events (id, organization_id, provider_event_id, type, happened_at, next_try_at, handled_at)
    select private.uuid_v7(), id, slug, 'invoice.paid', now(), null, now() from organizations""",
    """insert into private.operator_entries (id, operator_name, action, organization_id, details)
    select private.uuid_v7(), 'Operator', 'organization.resumed', id, '{}' from organizations""",
)


async def console() -> bool:
    """Median milliseconds of each page, turn by turn, as a multiple of the same with few organizations."""
    async with AsyncExitStack() as stack:
        few = await stack.enter_async_context(_installation(FEW))
        many = await stack.enter_async_context(_installation(MANY))
        kept = []
        for name, path in PAGES.items():
            small, large = [], []
            for _ in range(WARM_UP + ROUNDS):
                small.append(await few.milliseconds(path))
                large.append(await many.milliseconds(path))
            limit, value = figures.middle(small[WARM_UP:]), figures.middle(large[WARM_UP:])
            kept.append(figures.show(f"console.{name}", value, "ms", limit=limit, ratio=value / limit, floor=CEILING, smaller_is_better=True))
        return all(kept)


class Installation:
    """The application with an operator's browser, in this process."""

    def __init__(self, client: httpx.AsyncClient, middle: str) -> None:
        """`middle`: an organization from the middle of the list."""
        self.client, self.middle = client, middle

    async def milliseconds(self, path: str) -> float:
        """How long a page takes, from the question to its last byte."""
        began = time.perf_counter()
        answer = await self.client.get(path.format(middle=self.middle))
        assert answer.status_code == 200, (path, answer.status_code)
        return (time.perf_counter() - began) * 1000


@asynccontextmanager
async def _installation(many: int) -> AsyncIterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="frontdesk-bench-") as folder:
        Path(folder).chmod(0o755)
        settings = Settings(_env_file=None, FRONTDESK_DATA_DIR=Path(folder) / "data")
        async with embedded.running(settings) as server, AsyncExitStack() as stack:
            await setup.prepare(server.owner_url, server.app_url)
            async with await psycopg.AsyncConnection.connect(server.owner_url, autocommit=True) as owner:
                middle, token = await _fill(owner, many)
            database = await Database.open(server.app_url)
            stack.push_async_callback(database.close)
            live = await stack.enter_async_context(Live(database.url))
            built = application.build(settings, database, live, Bell(live))
            transport = httpx.ASGITransport(built)
            client = await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://localhost:3002", cookies={"frontdesk_session": token})
            )
            yield Installation(client, middle)


async def _fill(owner: psycopg.AsyncConnection[object], many: int) -> tuple[str, str]:
    """So many organizations, made as a sign-up makes them, and an operator who owns the last; one from the middle, and the operator's token."""
    for statement in ROWS:
        await owner.execute(statement, {"many": many, "fitting": FITTING})
    user_id, token = new_id(), users.new_token()
    await owner.execute("insert into auth.users (id, email, email_confirmed_at) values (%s, %s, now())", (user_id, OPERATOR))
    await owner.execute("insert into private.operators (user_id, granted_by) values (%s, 'bench')", (user_id,))
    await owner.execute("insert into private.authenticators (user_id, secret, last_step) values (%s, repeat('s', 40), 0)", (user_id,))
    await owner.execute("select private.open_session(%s, %s, repeat('c', 40), %s, null, null)", (new_id(), users.hash_of_token(token), user_id))
    await owner.execute("update private.sessions set second_factor_at = now()")
    await owner.execute("vacuum analyze")
    rows = await owner.execute("select id from organizations order by id limit 1 offset %s", (many // 2,))
    ((middle,),) = await rows.fetchall()  # type: ignore[misc]  # one row of one column
    return str(middle), token
