"""Refusing to serve from a database that would not keep organizations apart, or that holds another version's schema."""

from typing import Any, LiteralString

import psycopg

from frontdesk.database import migrator
from frontdesk.database.setup import APP_ROLE, UnfitDatabase

Connection = psycopg.AsyncConnection[Any]

ADVICE = f"log in as {APP_ROLE} (DATABASE_URL), and give the owner as DATABASE_OWNER_URL to `frontdesk migrate`"

# Of a superuser's memberships nothing is said: he has all of them.
POWERS: LiteralString = """
    with itself as (select oid, rolsuper from pg_roles where rolname = session_user)
    select r.rolname, r.rolsuper, r.oid = i.oid from itself i join pg_roles r
      on (r.rolsuper or r.rolbypassrls) and (r.oid = i.oid or not i.rolsuper and pg_has_role(i.oid, r.oid, 'member'))
    order by 1"""

OWNED: LiteralString = """
    select count(*), min(format('%I.%I', n.nspname, c.relname))
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('public', 'private') and c.relkind in ('r', 'p')
      and pg_has_role(session_user, c.relowner, 'member')"""

# Every table of organizations needs policies, but for those in `private` that no login of ours may touch at all.
UNPROTECTED: LiteralString = """
    select format('%I.%I', n.nspname, c.relname), c.relrowsecurity
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('public', 'private') and c.relkind in ('r', 'p')
      and not (c.relrowsecurity and c.relforcerowsecurity)
      and exists (select from pg_attribute a
                  where a.attrelid = c.oid and a.attname = 'organization_id' and not a.attisdropped)
      and (n.nspname = 'public' or exists (
        select from pg_roles r
        where r.rolname in ('frontdesk_app', 'frontdesk_member', 'frontdesk_worker', 'frontdesk_operator', 'authenticated', 'anon')
          and (has_any_column_privilege(r.oid, c.oid, 'select, insert, update')
               or has_table_privilege(r.oid, c.oid, 'delete, truncate'))))
    order by 1"""


async def check(connection: Connection) -> None:
    """Refuse unless the database holds what we rely on. Raises UnfitDatabase naming every reason."""
    reasons = [*await _login(connection), *await _policies(connection), *await _schema(connection)]
    if reasons:
        listed = "".join(f"\n  - {reason}" for reason in reasons)
        raise UnfitDatabase(f"Frontdesk does not start on this database:{listed}")


async def _login(connection: Connection) -> list[str]:
    """Why this login would see through row-level security."""
    reasons = []
    login = connection.info.user.split(".")[0]  # poolers write "role.project"
    for name, superuser, itself in await (await connection.execute(POWERS)).fetchall():
        what = "a superuser" if superuser else "allowed to bypass row-level security (BYPASSRLS)"
        who = f"the login {name} is {what}" if itself else f"the login may become {name}, which is {what}"
        reasons.append(f"{who}, so organizations would not be kept apart; {ADVICE}")
    owned, example = await (await connection.execute(OWNED)).fetchone() or (0, None)
    if owned and not reasons:
        reasons.append(f"the login owns {owned} tables ({example}, …) and could take off their protection; {ADVICE}")
    if login != APP_ROLE and not reasons:
        reasons.append(f"the login {login} can do nothing here; {ADVICE}")
    return reasons


async def _policies(connection: Connection) -> list[str]:
    """Which tables of organizations are not protected."""
    return [
        f"row-level security of {table} is not {'forced' if enabled else 'enabled'}; undo what changed it, or run `frontdesk migrate`"
        for table, enabled in await (await connection.execute(UNPROTECTED)).fetchall()
    ]


async def _schema(connection: Connection) -> list[str]:
    """How the schema differs from what this version expects."""
    try:
        standings = await migrator.status(connection)
    except psycopg.errors.InsufficientPrivilege:
        return ["the login may not read the history of migrations; run `frontdesk migrate`"]
    pending = [one.version for one in standings if one.state == "pending"]
    unknown = [f"{one.version}_{one.name}" for one in standings if one.state == "unknown"]
    reasons = []
    if pending and len(pending) == len(standings):
        reasons.append("it was never prepared; set DATABASE_OWNER_URL to its owner and run `frontdesk migrate`")
    elif pending:
        reasons.append(f"{len(pending)} migrations are missing, from {pending[0]} on; run `frontdesk migrate`")
    if unknown:
        reasons.append(f"it was migrated by a newer version of Frontdesk ({', '.join(unknown)}); run that version")
    return reasons
