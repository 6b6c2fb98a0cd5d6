"""Which organizations a list shows: each way to ask has a statement of its own, which an index answers however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from frontdesk.database import Console
from frontdesk.operator.organizations.records import STATUSES
from frontdesk.operator.paging import NEWEST


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. words: a name, short name, email or number; state: one of STATES; plan: its id."""

    words: str = ""
    state: str = "all"
    plan: str = ""
    before: UUID | None = None


async def chosen(db: Console, wanted: Wanted, how_many: int) -> list[UUID]:
    """The ids of those that fit, the newest first."""
    asked = {"before": wanted.before or NEWEST, "how_many": how_many, "plan": wanted.plan}
    if wanted.words:
        return await _ids(db, asked | {"words": wanted.words, "statuses": list(STATUSES.get(wanted.state, ())), "state": wanted.state}, "words")
    if wanted.state in STATUSES:
        found = [await _ids(db, asked | {"status": status}, "status") for status in STATUSES[wanted.state]]
        return sorted((one for some in found for one in some), reverse=True)[:how_many]
    if wanted.state in ("suspended", "leaving"):
        return await _ids(db, asked, wanted.state)
    return await _ids(db, asked, "plan" if wanted.plan else "all")


async def _ids(db: Console, asked: dict[str, object], how: str) -> list[UUID]:
    return [row["id"] for row in await _QUESTIONS[how](db, asked)]


async def _all(db: Console, asked: dict[str, object]) -> Sequence[dict[str, UUID]]:
    return await db.rows("select o.id from public.organizations o where o.id < %(before)s order by o.id desc limit %(how_many)s", asked)


async def _of_plan(db: Console, asked: dict[str, object]) -> Sequence[dict[str, UUID]]:
    return await db.rows(
        """
        select s.organization_id as id from public.subscriptions s
        where s.plan_id = %(plan)s and s.organization_id < %(before)s order by s.organization_id desc limit %(how_many)s
        """,
        asked,
    )


async def _of_status(db: Console, asked: dict[str, object]) -> Sequence[dict[str, UUID]]:
    return await db.rows(
        """
        select s.organization_id as id from public.subscriptions s
        where s.status = %(status)s and s.organization_id < %(before)s and (%(plan)s = '' or s.plan_id = %(plan)s)
        order by s.organization_id desc limit %(how_many)s
        """,
        asked,
    )


async def _suspended(db: Console, asked: dict[str, object]) -> Sequence[dict[str, UUID]]:
    return await db.rows(
        """
        select o.id from public.organizations o where o.suspended_at is not null and o.id < %(before)s
          and (%(plan)s = '' or exists (select from public.subscriptions s where s.organization_id = o.id and s.plan_id = %(plan)s))
        order by o.id desc limit %(how_many)s
        """,
        asked,
    )


async def _leaving(db: Console, asked: dict[str, object]) -> Sequence[dict[str, UUID]]:
    return await db.rows(
        """
        select d.organization_id as id from public.organization_deletions d where d.organization_id < %(before)s
          and (%(plan)s = '' or exists (select from public.subscriptions s where s.organization_id = d.organization_id and s.plan_id = %(plan)s))
        order by d.organization_id desc limit %(how_many)s
        """,
        asked,
    )


async def _by_words(db: Console, asked: dict[str, object]) -> Sequence[dict[str, UUID]]:
    return await db.rows(
        """
        with found as materialized (select id from private.find_organizations(%(words)s) as id)
        select o.id from found f join public.organizations o on o.id = f.id left join public.subscriptions s on s.organization_id = o.id
        where o.id < %(before)s and (%(plan)s = '' or s.plan_id = %(plan)s)
          and (cardinality(%(statuses)s::text[]) = 0 or s.status = any (%(statuses)s::text[]))
          and (%(state)s <> 'suspended' or o.suspended_at is not null)
          and (%(state)s <> 'leaving' or exists (select from public.organization_deletions d where d.organization_id = o.id))
        order by o.id desc limit %(how_many)s
        """,
        asked,
    )


_QUESTIONS = {"all": _all, "plan": _of_plan, "status": _of_status, "suspended": _suspended, "leaving": _leaving, "words": _by_words}
