"""The pages of the inbox. All works as plain forms and links; scripts swap fragments and hear what changed."""

from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from frontdesk.access import Permission
from frontdesk.database import NotAMember
from frontdesk.errors import BadInput, Conflict
from frontdesk.live import EventStream, Stream
from frontdesk.messages.inbox import actions, changes, lists, showing, store, threads
from frontdesk.messages.inbox.records import PAGE
from frontdesk.web import Db, Door, NoOrganization, SignedIn, actor, is_htmx, read_form, render, session_token, wants_fragment

door = Door()

INBOX = showing.INBOX
ONE = INBOX + "/{conversation_id}"
READ, WRITE = Permission.MESSAGES_READ, Permission.MESSAGES_WRITE


class ReplyForm(BaseModel):
    """What the composer sends. message_id: made with the form, so that pressing twice sends once."""

    text: str = ""
    message_id: str = ""


@door.get(INBOX, needs=READ)
async def index(request: Request, db: Db, show: str = "open", q: str = "", limit: int = PAGE, after: str = "") -> Response:
    """The inbox with no conversation open."""
    return await showing.whole(request, db, await lists.chosen(db, show, q, limit, after))


@door.get(INBOX + "/list", needs=READ)
async def show_list(request: Request, db: Db, show: str = "open", q: str = "", limit: int = PAGE, after: str = "") -> Response:
    """The list again, searched, longer, or with what changed."""
    chosen = await lists.chosen(db, show, q, limit, after)
    return await render(request, "messages/_listed.html", **await showing.listed(db, chosen))


@door.get(INBOX + "/unread", needs=READ)
async def show_unread(request: Request, db: Db) -> Response:
    """The figure beside "Inbox" in the sidebar."""
    return await render(request, "messages/_unread.html", count=await store.unread(db))


@door.get(ONE, needs=READ)
async def show(request: Request, db: Db, conversation_id: UUID, show: str = "open", q: str = "", limit: int = PAGE, after: str = "") -> Response:
    """One conversation: the whole page, or chat and contact for a click in the list. Opening is reading."""
    read_now = WRITE in db.permissions and await changes.mark_read(db, conversation_id)
    conversation = await actions.find(db, conversation_id)
    if wants_fragment(request):
        response: Response = await render(request, "messages/_panes.html", **await showing.opened(request, db, conversation))
    else:
        response = await showing.whole(request, db, await lists.chosen(db, show, q, limit, after), conversation)
    return showing.told(request, db, response) if read_now else response


@door.get(ONE + "/messages", needs=READ)
async def show_messages(request: Request, db: Db, conversation_id: UUID, before: UUID | None = None) -> Response:
    """The thread again, from its first shown message on (`from`), or with fifty more before `before`."""
    conversation = await actions.find(db, conversation_id)
    thread = await threads.read(db, conversation, since=_uuid(request.query_params.get("from")), before=before)
    return await render(
        request,
        "messages/_log.html",
        conversation=conversation,
        messages=thread.messages,
        earlier=thread.earlier,
        zone=await showing.zone_of(request, db),
    )


@door.get(ONE + "/head", needs=READ)
async def show_head(request: Request, db: Db, conversation_id: UUID) -> Response:
    """The line above the thread and the contact beside it, with what changed."""
    return await showing.headed(request, db, await actions.find(db, conversation_id))


@door.post(ONE + "/messages", needs=WRITE)
async def create_message(request: Request, db: Db, conversation_id: UUID) -> Response:
    """Send what was written. What is refused stays in the composer, with the reason."""
    form = await read_form(request, ReplyForm)
    message_id = actions.form_id(str(form.value("message_id")))
    try:
        conversation = await actions.send(db, conversation_id, str(form.value("text")), message_id)
    except (BadInput, Conflict) as error:
        form.refuse(error)
        form.values["message_id"] = str(message_id)
        return await showing.refused(request, db, await actions.find(db, conversation_id), form, error.status)
    return await showing.sent(request, db, conversation)


@door.post(ONE + "/messages/{message_id}/resend", needs=WRITE)
async def create_resend(request: Request, db: Db, conversation_id: UUID, message_id: UUID) -> Response:
    """Send a message again that was refused, or of which nobody knows."""
    try:
        conversation = await actions.repeat(db, conversation_id, message_id)
    except (BadInput, Conflict) as error:
        form = showing.empty_composer()
        form.refuse(error)
        if is_htmx(request):
            raise  # a toast: the composer may hold something that is being typed
        return await showing.refused(request, db, await actions.find(db, conversation_id), form, error.status)
    return await showing.sent(request, db, conversation, page="messages/_log.html")


@door.post(ONE + "/reading", needs=WRITE)
async def create_reading(request: Request, db: Db, conversation_id: UUID) -> Response:
    """What arrived while the thread was before somebody's eyes is read."""
    await actions.find(db, conversation_id)
    response = Response(status_code=204)
    return showing.told(request, db, response) if await changes.mark_read(db, conversation_id) else response


@door.post(ONE + "/closure", needs=WRITE)
async def create_closure(request: Request, db: Db, conversation_id: UUID) -> Response:
    """Close the conversation."""
    return await showing.acted(request, db, await actions.close(db, conversation_id))


@door.post(ONE + "/closure/removal", needs=WRITE)
@door.delete(ONE + "/closure", needs=WRITE)
async def remove_closure(request: Request, db: Db, conversation_id: UUID) -> Response:
    """Open the conversation again."""
    return await showing.acted(request, db, await actions.reopen(db, conversation_id))


@door.post(ONE + "/assignment", needs=WRITE)
async def create_assignment(request: Request, db: Db, conversation_id: UUID) -> Response:
    """Take the conversation over."""
    return await showing.acted(request, db, await actions.assign(db, conversation_id))


@door.post(ONE + "/assignment/removal", needs=WRITE)
@door.delete(ONE + "/assignment", needs=WRITE)
async def remove_assignment(request: Request, db: Db, conversation_id: UUID) -> Response:
    """Give the conversation back to everybody."""
    return await showing.acted(request, db, await actions.release(db, conversation_id))


@door.post(ONE + "/bot", needs=WRITE)
async def create_bot(request: Request, db: Db, conversation_id: UUID) -> Response:
    """Let the bot answer here again."""
    return await showing.acted(request, db, await actions.return_to_bot(db, conversation_id))


@door.post(ONE + "/bot/removal", needs=WRITE)
@door.delete(ONE + "/bot", needs=WRITE)
async def remove_bot(request: Request, db: Db, conversation_id: UUID) -> Response:
    """Keep the bot out of this conversation."""
    return await showing.acted(request, db, await actions.stop_bot(db, conversation_id))


@door.get("/dashboard/live", needs=READ)
async def live(request: Request, who: SignedIn, since: float | None = None) -> Response:
    """The stream that says when to fetch again; holds no transaction. since: when the page was made, as a Unix time."""
    if who.current is None:
        raise NoOrganization
    hub, organization_id, token = request.app.state.live, who.current.organization_id, session_token(request)

    async def allowed() -> bool:
        """Whether this session is still open, in this organization, and may read messages."""
        visitor = await request.app.state.find_visitor(token)
        if visitor is None or visitor.current is None or visitor.current.organization_id != organization_id:
            return False
        try:
            async with request.app.state.database.tenant(organization_id, actor(request, visitor)) as db:
                return READ in db.permissions
        except NotAMember:
            return False

    listener = hub.listen(organization_id, owner=who.session_id)
    stream = Stream(hub, organization_id, listener, allowed, since, request.headers.get("last-event-id", ""))
    return EventStream(stream.events())


def _uuid(written: str | None) -> UUID | None:
    try:
        return UUID(written) if written else None
    except ValueError:
        return None
