"""The SQL of API keys. Keys are made and revoked by functions of the database, which know what the member may."""

from typing import LiteralString
from uuid import UUID

from frontdesk.api_keys.records import ApiKey, NewKey
from frontdesk.database import Tenant

_KEYS: LiteralString = """
  select k.id, k.name, k.prefix, k.scopes, k.networks, k.expires_at, k.last_used_at, k.last_used_from, k.revoked_at, k.created_at,
    private.colleague_name(k.organization_id, k.created_by) as maker_name, m.role as maker_role,
    array(select unnest(k.scopes) except select p.permission from public.role_permissions p where p.role = m.role order by 1) as lost
  from public.api_keys k
  left join public.organization_members m on m.organization_id = k.organization_id and m.user_id = k.created_by
  where k.organization_id = %(organization_id)s
"""
_SHOWN: dict[str, LiteralString] = {
    "live": " and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())",
    "ended": " and (k.revoked_at is not null or k.expires_at <= now())",
}
_FOUND: LiteralString = " and strpos(lower(k.name || ' ' || k.prefix), lower(%(q)s)) > 0"
_PAGE: LiteralString = " and (%(before)s::uuid is null or k.id < %(before)s::uuid) order by k.id desc limit %(how_many)s"
_ONE: LiteralString = " and k.id = %(id)s"


async def newest(db: Tenant, show: str, q: str, before: UUID | None, how_many: int) -> list[ApiKey]:
    """Keys, the newest first. show: one of records.SHOWN; q: part of a name or of what is shown of a key; before: where the page begins."""
    query: LiteralString = _KEYS + _SHOWN[show] + _FOUND + _PAGE
    return await db.records(ApiKey, query, {"organization_id": db.organization_id, "q": q, "before": before, "how_many": how_many})


async def find(db: Tenant, key_id: UUID) -> ApiKey | None:
    """One key."""
    query: LiteralString = _KEYS + _ONE
    return await db.record(ApiKey, query, {"organization_id": db.organization_id, "id": key_id})


async def anything(db: Tenant) -> bool:
    """Whether there ever was a key."""
    return bool(await db.value("select exists (select from public.api_keys where organization_id = %(id)s)", {"id": db.organization_id}))


async def create(db: Tenant, key_id: UUID, key_hash: bytes, prefix: str, new: NewKey) -> str:
    """Store a key for the member of this transaction; only its hash is kept. made, taken (there was a key of this id), or full."""
    outcome: str = await db.value(
        "select private.create_api_key(%(organization_id)s, %(id)s, %(hash)s, %(name)s, %(prefix)s, %(scopes)s, %(networks)s::text[]::cidr[], %(until)s)",
        {
            "organization_id": db.organization_id, "id": key_id, "hash": key_hash, "name": new.name, "prefix": prefix,
            "scopes": list(new.scopes), "networks": [str(one) for one in new.networks], "until": new.expires_at,
        },
    )  # fmt: skip
    return outcome


async def revoke(db: Tenant, key_id: UUID) -> bool:
    """Let a key open nothing any more; False when there was nothing to do."""
    return bool(await db.value("select private.revoke_api_key(%(organization_id)s, %(id)s)", {"organization_id": db.organization_id, "id": key_id}))
