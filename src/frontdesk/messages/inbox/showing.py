"""What the inbox answers with: whole pages for browsers without scripts, fragments for the others."""

from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from starlette.background import BackgroundTask
from starlette.responses import Response

from frontdesk import channels, organizations
from frontdesk.access import Permission
from frontdesk.database import Tenant, new_id
from frontdesk.messages.inbox import lists, store, threads
from frontdesk.messages.inbox.records import LONGEST_PAGE, PAGE, Conversation, Filter
from frontdesk.organizations import Organization
from frontdesk.web import Form, go, is_htmx, render
from frontdesk.web.times import zone_or_utc

INBOX = "/dashboard/inbox"


async def whole(
    request: Request,
    db: Tenant,
    chosen: Filter,
    conversation: Conversation | None = None,
    composer: Form[Any] | None = None,
    status: int = 200,
) -> Response:
    """The whole inbox, with a conversation open or none."""
    organization = await organizations.current(db)
    around = await listed(db, chosen)
    anything = bool(around["conversations"]) or await store.anything(db)
    around |= {"conversation": None, "zone": _zone_of(request, organization)} if conversation is None else await opened(request, db, conversation, composer)
    return await render(
        request,
        "messages/index.html",
        status_code=status,
        anything=anything,
        **around,
        **({} if anything else await _beginning(request, db, organization)),
    )


async def listed(db: Tenant, chosen: Filter) -> dict[str, Any]:
    """What the list shows."""
    conversations, following = await lists.read(db, chosen)
    longer = following is not None and chosen.limit < LONGEST_PAGE
    return {
        "filter": chosen,
        "conversations": conversations,
        "more": longer,
        "older": None if longer or following is None else following.written(),
    }


async def opened(request: Request, db: Tenant, conversation: Conversation, composer: Form[Any] | None = None) -> dict[str, Any]:
    """What an open conversation shows."""
    thread, zone = await threads.read(db, conversation), await zone_of(request, db)
    return {
        "conversation": conversation,
        "messages": thread.messages,
        "earlier": thread.earlier,
        "composer": composer or empty_composer(),
        "panel": await lists.panel(db, conversation, zone),
        "zone": zone,
    }


async def _beginning(request: Request, db: Tenant, organization: Organization) -> dict[str, Any]:
    simulated = bool(getattr(request.app.state.settings, "simulated", False))
    sample_data = simulated and organization.sample_data_loaded_at is None and Permission.ORGANIZATION_WRITE in db.permissions
    return {"sandbox": await channels.sandbox_of(db) if simulated else None, "sample_data": sample_data}


async def sent(request: Request, db: Tenant, conversation: Conversation, *, page: str = "messages/_sent.html") -> Response:
    """A message is queued: the thread with it, and an empty composer."""
    lane = channels.Lane(db.organization_id, conversation.channel_id)
    if not is_htmx(request):
        return told(request, db, go(request, f"{INBOX}/{conversation.id}"), lane)
    return told(request, db, await render(request, page, **await opened(request, db, conversation)), lane)


async def refused(request: Request, db: Tenant, conversation: Conversation, form: Form[Any], status: int) -> Response:
    """The composer with what was typed and the reason why it was not sent."""
    if not is_htmx(request):
        return await whole(request, db, await lists.chosen(db, "open", "", PAGE, ""), conversation, form, status)
    headers = {"HX-Retarget": "#composer", "HX-Reswap": "outerHTML"}
    return await render(
        request,
        "messages/_composer.html",
        status_code=status,
        headers=headers,
        conversation=conversation,
        composer=form,
    )


async def acted(request: Request, db: Tenant, conversation: Conversation) -> Response:
    """Something was done to the conversation: the line above it says so."""
    if not is_htmx(request):
        return told(request, db, go(request, f"{INBOX}/{conversation.id}"))
    return told(request, db, await headed(request, db, conversation))


async def headed(request: Request, db: Tenant, conversation: Conversation) -> Response:
    """The line above a thread, and the contact beside it."""
    zone = await zone_of(request, db)
    panel = await lists.panel(db, conversation, zone)
    return await render(request, "messages/_headed.html", conversation=conversation, composer=empty_composer(), panel=panel, zone=zone)


def empty_composer() -> Form[Any]:
    """A composer to write in, with the id of what will be written."""
    return Form.of({"text": "", "message_id": str(new_id())})


async def zone_of(request: Request, db: Tenant) -> ZoneInfo:
    """The time zone that days are told by."""
    return _zone_of(request, await organizations.current(db))


def _zone_of(request: Request, organization: Organization) -> ZoneInfo:
    """The organization's clock; while nobody has set one, the reader's own."""
    return zone_or_utc(organization.timezone if organization.timezone != "UTC" else request.cookies.get("zone"))


def told(request: Request, db: Tenant, response: Response, lane: channels.Lane | None = None) -> Response:
    """Tell the open pages, and the worker of this lane, once the answer has left: it is committed by then."""
    organization_id, state = db.organization_id, request.app.state

    async def tell() -> None:
        state.live.changed([organization_id], "inbox")
        if lane is not None:
            state.bell.ring("out", [lane])

    response.background = BackgroundTask(tell)
    return response
