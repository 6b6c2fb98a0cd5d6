"""Writing the audit log, reading it, and proving that nobody rewrote it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from frontdesk.access import SYSTEM, Actor, Permission
from frontdesk.audit import search, store
from frontdesk.audit.anchors import Anchor, Reader, UnreadableAnchor, judged
from frontdesk.audit.records import Break, Question, Verdict, Walk
from frontdesk.audit.sentences import Line
from frontdesk.database import Platform, Tenant, Tenants
from frontdesk.errors import NotFound

PIECE = 10_000  # entries that are walked at once: about a third of a second
RECENT = 5  # entries on the page of the thing itself


class NoSuchOrganization(NotFound):
    """There is no such organization."""


async def append(
    db: Tenant | Tenants, action: str, *, organization_id: UUID | None = None, target_type: str | None = None,
    target_id: UUID | str | None = None, details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Record what this transaction did, by the member it belongs to or by Frontdesk itself.

    action: `noun.verb_in_the_past`. organization_id: needed for background work only.
    Call it last: the chain's end stays locked until commit.
    """
    organization = organization_id or (db.organization_id if isinstance(db, Tenant) else None)
    if organization is None:
        raise ValueError("background work must name the organization")
    actor = db.actor if isinstance(db, Tenant) else SYSTEM
    await store.append(db, organization, actor, action, _target(target_type, target_id), details or {})


async def append_as(
    db: Platform | Tenants, organization_id: UUID, actor: Actor, action: str, *, target_type: str | None = None,
    target_id: UUID | str | None = None, details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Record in an organization's log what somebody did outside of it, such as signing in, or what was begun in his name."""
    await store.append(db, organization_id, actor, action, _target(target_type, target_id), details or {})


async def verify(db: Platform, slug: str | None = None) -> Verdict:
    """Recompute every hash of one organization's chain, or of all, and name what is changed, missing or inserted.

    slug: the organization's. Raises NoSuchOrganization.
    """
    organization_id = await store.organization_named(db, slug) if slug else None
    if slug and organization_id is None:
        raise NoSuchOrganization(f"There is no organization {slug!r}.")
    return Verdict(await store.size(db, organization_id), tuple(await store.faults(db, organization_id)))


async def walk(db: Tenant, after: int = 0, walked: int = 0) -> Walk:
    """Recompute the next piece of this organization's own chain: `over` when it ends or breaks there.

    after: the entry at which the piece before ended. walked: how many entries that were. A log may be as long as it likes: each piece is
    a short transaction.
    """
    piece = await store.walk(db, max(0, after), PIECE)
    breaks = tuple(Break(one["seq"], one["kind"]) for one in piece["faults"])
    return Walk(piece["last"], walked + piece["entries"], piece["ends_at"], bool(breaks) or piece["entries"] < PIECE, breaks)


async def activity(db: Tenant, target_type: str, target_id: UUID | str) -> list[Line] | None:
    """The last that was done to one thing, for the page of that thing; None for a member who may not read the log."""
    lines = await activity_of(db, target_type, [target_id])
    return None if lines is None else lines[str(target_id)]


async def activity_of(db: Tenant, target_type: str, target_ids: Iterable[UUID | str]) -> dict[str, list[Line]] | None:
    """The last that was done to each of these things, by their ids; None for a member who may not read the log."""
    if Permission.AUDIT_READ not in db.permissions:
        return None
    lines: dict[str, list[Line]] = {str(one): [] for one in target_ids}
    for entry in await search.recent(db, target_type, list(lines), RECENT):
        lines[str(entry.target_id)].append(Line(entry))
    return lines


async def begin_export(db: Tenant, form: str, asked: Mapping[str, str]) -> int:
    """Write down that the log is taken away, as what, and by which filters. Returns the newest entry before that: the export begins there."""
    newest = (await search.find(db, Question(), how_many=1)).entries
    details = {"form": form, "filters": {name: value for name, value in asked.items() if value}}
    await append(db, "audit.exported", target_type="organization", target_id=db.organization_id, details=details)
    return newest[0].seq if newest else 0


async def ends(db: Platform) -> list[Anchor]:
    """Where every log ends now."""
    now = datetime.now(UTC)
    return [Anchor(row["organization_id"], row["slug"], row["seq"], bytes(row["hash"]), now) for row in await store.ends(db)]


async def deleted(db: Platform) -> list[str]:
    """The organizations that were deleted, each with its day."""
    return [f"{slug} was deleted on {day:%Y-%m-%d}" for slug, day in (await store.deleted(db)).values()]


async def compare(db: Platform, reader: Reader, lines: Iterable[str], slug: str | None = None) -> list[str]:
    """Where logs are not what they were when these anchors were written, and which lines are no anchors. slug: of this organization only.

    Logs that went with an organization whose owner had it deleted are not missed; `deleted` lists those.
    """
    anchors, told = [], []
    for number, line in enumerate(lines, 1):
        try:
            anchors += [reader.read(line)] if line.strip() else []
        except UnreadableAnchor as error:
            told.append(f"line {number} of the anchors: {error}")
    wanted = sorted((one for one in set(anchors) if slug in (None, one.slug)), key=lambda one: (one.organization_id, one.seq, one.time))
    gone = await store.deleted(db)
    wanted = [one for one in wanted if one.organization_id not in gone]
    found: dict[Anchor, bytes | None] = {}
    for start in range(0, len(wanted), PIECE):
        part = wanted[start : start + PIECE]
        found |= dict(zip(part, await store.hashes(db, [(one.organization_id, one.seq) for one in part]), strict=True))
    return told + list(judged(wanted, found))


def _target(kind: str | None, identity: UUID | str | None) -> tuple[str | None, str | None]:
    return kind, None if identity is None else str(identity)
