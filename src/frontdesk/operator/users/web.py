"""The pages of users: the list, one of them, and what is done about him."""

from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import Response

from frontdesk.errors import BadInput
from frontdesk.live import SESSIONS
from frontdesk.operator.paging import PAGE, cursor, page_of
from frontdesk.operator.users import actions, store
from frontdesk.operator.users.records import User
from frontdesk.web import OPERATOR, ConsoleDb, Door, Form, go, read_form, render

door = Door()

LIST = "/operator/users"
ONE = LIST + "/{user_id}"


class ReasonForm(BaseModel):
    """Why, or what proved who it is."""

    reason: str = ""


@door.get(LIST, needs=OPERATOR)
async def index(request: Request, db: ConsoleDb, q: str = "", before: str = "") -> Response:
    """Users, the newest first, or those whose email begins so."""
    words = q.replace("\x00", "").strip()[:254]
    users, older = page_of(await store.search(db, words, cursor(before), PAGE + 1))
    return await render(request, "operator/users/index.html", users=users, older=older, before=before, q=words, query=urlencode({"q": words}))


@door.get(ONE, needs=OPERATOR)
async def show(request: Request, db: ConsoleDb, user_id: UUID) -> Response:
    """One user."""
    return await _page(request, await actions.find(db, user_id))


@door.post(ONE + "/lock", needs=OPERATOR, fresh=True)
async def lock(request: Request, db: ConsoleDb, user_id: UUID) -> Response:
    """Shut him out, everywhere and at once."""
    form = await read_form(request, ReasonForm)
    try:
        ended = await actions.lock(db, user_id, str(form.value("reason")))
    except BadInput as error:
        form.refuse(error)
        return await _page(request, await actions.find(db, user_id), form, "lock")
    return await _done(request, db, user_id, f"Nothing signs this user in any more. {ended} {'session' if ended == 1 else 'sessions'} ended.")


@door.post(ONE + "/lock/removal", needs=OPERATOR, fresh=True)
async def unlock(request: Request, db: ConsoleDb, user_id: UUID) -> Response:
    """Let him sign in again."""
    await actions.unlock(db, user_id)
    return await _done(request, db, user_id, "This user may sign in again.")


@door.post(ONE + "/second-factor/removal", needs=OPERATOR, fresh=True)
async def reset_second_factor(request: Request, db: ConsoleDb, user_id: UUID) -> Response:
    """Take his second factors away, after he has proved who he is."""
    form = await read_form(request, ReasonForm)
    try:
        await actions.reset_second_factor(db, user_id, str(form.value("reason")))
    except BadInput as error:
        form.refuse(error)
        return await _page(request, await actions.find(db, user_id), form, "second-factor")
    return await _done(request, db, user_id, "The password alone opens this account again. Every device is signed out.")


async def _page(request: Request, user: User, form: Form[ReasonForm] | None = None, refused: str = "") -> Response:
    return await render(request, "operator/users/show.html", status_code=422 if refused else 200, user=user, form=form or Form(), refused=refused)


async def _done(request: Request, db: ConsoleDb, user_id: UUID, notice: str) -> Response:
    user = await actions.find(db, user_id)
    response = go(request, f"{LIST}/{user_id}", notice)
    response.background = BackgroundTask(request.app.state.live.changed, [UUID(one["id"]) for one in user.organizations], SESSIONS)
    return response
