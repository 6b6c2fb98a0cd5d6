"""The pages of API keys."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, StringConstraints
from starlette.responses import Response

from frontdesk import api
from frontdesk.access import Permission
from frontdesk.api_keys import actions, store
from frontdesk.api_keys.records import SHOWN, NewKey
from frontdesk.database import Tenant, new_id
from frontdesk.errors import BadInput, FrontdeskError
from frontdesk.web import Db, Door, Form, go, read_form, render

door = Door()

LIST = "/dashboard/api-keys"
PAGE = 50  # keys
READS, WRITES = Permission.API_KEYS_READ, Permission.API_KEYS_WRITE
Lifetime = Literal["30", "90", "365", "never"]  # days


class KeyForm(BaseModel):
    """What the form of a new key sends. key_id: made with the form, so that sending it twice makes one key."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100), BeforeValidator(lambda name: " ".join(str(name).split()))]
    scopes: Annotated[list[str], BeforeValidator(lambda scopes: scopes if isinstance(scopes, list) else [scopes])] = []
    expires: Lifetime = "90"
    networks: str = ""
    key_id: UUID


@door.get(LIST, needs=READS)
async def index(request: Request, db: Db, show: str = "live", q: str = "", before: str = "") -> Response:
    """The keys, the newest first, searched by name or by how they begin. `before`: where the page begins."""
    show, place, q = show if show in SHOWN else "live", _uuid(before), q.replace("\x00", "").strip()[:100]
    if q.startswith(api.PREFIX):
        q = api.shown_of(q)  # whoever pastes a whole key finds it, and the page does not repeat it
    keys = await store.newest(db, show, q, place, PAGE + 1)
    return await render(
        request, "api_keys/index.html", keys=keys[:PAGE], show=show, q=q, before=place, older=keys[PAGE - 1].id if len(keys) > PAGE else None,
        anything=bool(keys) or await store.anything(db),
    )  # fmt: skip


@door.get(f"{LIST}/new", needs=WRITES, fresh=True)
async def new(request: Request, db: Db) -> Response:
    """The form of a new key."""
    return await _form(request, db, Form.of({"expires": "90"}))


@door.post(f"{LIST}/new", needs=WRITES, fresh=True)
async def create(request: Request, db: Db) -> Response:
    """Make a key and show it, this once."""
    form, status_code = await read_form(request, KeyForm), 422
    if form.data is not None:
        try:
            wanted = _wanted(form.data, _offered(request, db))
            key = await actions.create(db, form.data.key_id, wanted)
            return await render(request, "api_keys/created.html", key=key, key_name=wanted.name, reference=_reference())
        except FrontdeskError as error:
            form.refuse(error)
            status_code = error.status
    return await _form(request, db, form, status_code)


@door.post(LIST + "/{key_id}/revocation", needs=WRITES, fresh=True)
async def revoke(request: Request, db: Db, key_id: UUID) -> Response:
    """Stop a key at once and for good."""
    key = await actions.revoke(db, key_id)
    return go(request, LIST, f"“{key.name}” opens nothing any more.")


class NothingAllowed(BadInput):
    """Tick at least one thing that the key may do."""


def _wanted(data: KeyForm, offered: list[str]) -> NewKey:
    scopes = tuple(one for one in offered if one in data.scopes)
    if len(scopes) < len(set(data.scopes)):
        raise actions.MoreThanYou(field="scopes")
    if not scopes:
        raise NothingAllowed(field="scopes")
    until = None if data.expires == "never" else datetime.now(UTC) + timedelta(days=int(data.expires))
    return NewKey(data.name, scopes, actions.networks_of(data.networks), until)


def _offered(request: Request, db: Tenant) -> list[str]:
    """What a key can make use of and the member may do himself."""
    return [one.value for one in request.app.state.api_scopes if one in db.permissions]


async def _form(request: Request, db: Tenant, form: Form[Any], status_code: int = 200) -> Response:
    form.values["key_id"] = str(new_id()) if status_code == 200 else form.value("key_id") or str(new_id())
    return await render(request, "api_keys/new.html", status_code=status_code, form=form, offered=_offered(request, db), reference=_reference())


def _reference() -> str:
    return f"{api.ADDRESS}/reference"


def _uuid(written: str) -> UUID | None:
    try:
        return UUID(written) if written else None
    except ValueError:
        return None
