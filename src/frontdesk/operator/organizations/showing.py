"""The page of one organization, for every door that shows it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from frontdesk.database import Console
from frontdesk.operator.log import store as log
from frontdesk.operator.organizations import actions, store
from frontdesk.operator.terms import store as terms
from frontdesk.web import Form, render

MEMBERS, VIEWS, ENTRIES, INVOICES = 20, 10, 10, 12


async def page(request: Request, db: Console, organization_id: UUID, form: Form[Any] | None = None, refused: str = "") -> Response:
    """The organization; with a form that was refused, and which."""
    row, now = await actions.find(db, organization_id), datetime.now(UTC)
    return await render(
        request, "operator/organizations/show.html", status_code=422 if refused else 200, one=row, state=row.state(now), now=now,
        owner=(await store.owners(db, [organization_id])).get(organization_id), members=await store.members(db, organization_id, MEMBERS),
        numbers=await store.numbers(db, organization_id), usage=await store.usage(db, organization_id),
        views=await store.views(db, organization_id, VIEWS),
        invoices=await store.invoices(db, organization_id, INVOICES), entries=await log.newest(db, None, ENTRIES, organization_id),
        plans=[one for one in await store.plans(db) if one["retired_at"] is None and one["id"] != "free"],
        prices=await terms.prices(db, organization_id) if row.bought else [], overrides=await terms.overrides(db, organization_id),
        keys=await terms.entitlement_keys(db), form=form or Form(), refused=refused,
    )  # fmt: skip
