"""Looking for what is wrong: in the database, in the settings, with the keys, and on the disk; and mending a counter."""

import shutil
from datetime import date
from uuid import UUID

from frontdesk import billing, sealing
from frontdesk.database import Console, Database
from frontdesk.errors import FrontdeskError, NotFound
from frontdesk.operator.incidents import store
from frontdesk.operator.incidents.records import Incident
from frontdesk.operator.log import store as log
from frontdesk.operator.organizations import actions as organizations
from frontdesk.settings import Settings
from frontdesk.vault import Vault

ENOUGH_SPACE = 1 << 30


class NoSuchDrift(NotFound):
    """Nothing is noted about this counter: somebody has mended it, or the night found that it is right."""


async def look_around(database: Database, settings: Settings, vault: Vault) -> list[Incident]:
    """What is wrong around the database: settings, the disk, keys, and what is sold. Nothing when all is well. Asks the payment provider."""
    sells, said = await billing.condition(settings, database)
    return [*_installed(settings), *await _keys(database, vault), *([] if sells else [Incident("selling", 1, None, said)])]


async def counted(db: Console) -> list[Incident]:
    """What is wrong in it: each kind with how much of it there is."""
    return [one for one in await store.counted(db) if one.how_many]


async def mend(db: Console, organization_id: UUID, metric: str, period_start: date) -> bool:
    """Set a counter to what it counts; False when it agrees by now. The organization reads both numbers. Raises NoSuchDrift."""
    done = await store.mend(db, organization_id, metric, period_start)
    if done["outcome"] == "nothing":
        raise NoSuchDrift
    if done["outcome"] == "agrees":
        return False
    organization = await organizations.find(db, organization_id)
    changed = {metric: {"from": done["counted"], "to": done["recounted"]}}
    details = {"name": organization.name, "metric": metric, "period": period_start.isoformat(), "changed": changed}
    await log.record(db, "usage.mended", organization_id=organization_id, target_type="usage_metric", target_id=metric, details=details)
    return True


def _installed(settings: Settings) -> list[Incident]:
    found = []
    if not (settings.simulated or (settings.whatsapp_app_secret and settings.whatsapp_verify_token)):
        found.append(Incident("whatsapp", 1, None))
    if not settings.development and not settings.smtp_url:
        found.append(Incident("smtp", 1, None))
    if settings.data_dir.exists() and (free := shutil.disk_usage(settings.data_dir).free) < ENOUGH_SPACE:
        found.append(Incident("disk", 1, None, f"{free // (1 << 20):,} MiB"))
    return found


async def _keys(database: Database, vault: Vault) -> list[Incident]:
    """Whether every key is there that a stored secret needs: without it tokens of numbers cannot be read."""
    try:
        await sealing.require_keys(database, vault)
    except FrontdeskError as error:
        return [Incident("keys", 1, None, str(error))]
    return []
