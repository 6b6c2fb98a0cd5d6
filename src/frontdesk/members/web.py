"""The team page, and the page of one member."""

from typing import Any, Literal
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, field_validator
from starlette.background import BackgroundTask
from starlette.responses import Response

from frontdesk import audit, invitations, usage
from frontdesk.access import WITHHOLDABLE, Permission, Role
from frontdesk.database import Tenant
from frontdesk.errors import BadInput
from frontdesk.live import SESSIONS
from frontdesk.members import actions, store
from frontdesk.members.records import COUNTED, Cursor, Member
from frontdesk.web import Db, Door, Form, ReauthenticationNeeded, SignedIn, go, read_form, render

door = Door()

TEAM = "/dashboard/team"
ONE = TEAM + "/members/{member_id}"
MOST_HEIRS = 500  # that can be chosen from


class RoleForm(BaseModel):
    """The role that a member shall have."""

    role: Role


class RestrictionsForm(BaseModel):
    """What is withheld from a member."""

    withheld: list[Permission] = []

    @field_validator("withheld", mode="before")
    @classmethod
    def one_is_a_list_too(cls, value: Any) -> Any:
        """A single box that is ticked comes as a text."""
        return [value] if isinstance(value, str) else value

    @field_validator("withheld")
    @classmethod
    def nothing_else_can_be(cls, value: list[Permission]) -> list[Permission]:
        """Only some permissions can be withheld."""
        if set(value) - set(WITHHOLDABLE):
            raise ValueError("Choose restrictions of the list.")
        return value


class RemovalForm(BaseModel):
    """What becomes of the conversations of a member who is taken out."""

    conversations: Literal["unassign", "reassign"] = "unassign"
    heir: UUID | None = None

    @field_validator("heir", mode="before")
    @classmethod
    def nothing_chosen_is_nobody(cls, value: Any) -> Any:
        """An empty choice is none."""
        return value or None


@door.get(TEAM, needs=Permission.MEMBERS_READ)
async def index(request: Request, db: Db, q: str = "", after: str = "") -> Response:
    """The members, searched and paged by the address, and what each role may do."""
    q = q.replace("\x00", "")[:200]
    page, following = await actions.search(db, q, after=Cursor.read(after))
    return await render(
        request, "members/index.html", members=page, q=q, after=after or None, following=following.written() if following else None,
        seats=await _seats(db), capped=COUNTED, permissions=await store.permissions_by_role(db),
        invitations=await invitations.pending(db), held_back=await store.held_back(db),
    )  # fmt: skip


@door.get(ONE, needs=Permission.MEMBERS_READ)
async def show(request: Request, db: Db, member_id: UUID) -> Response:
    """One member, with what whoever looks may change."""
    return await _page(request, db, await actions.find(db, member_id))


@door.post(ONE + "/role", needs=Permission.MEMBERS_WRITE)
async def change_role(request: Request, db: Db, who: SignedIn, member_id: UUID) -> Response:
    """Give a member another role. Who is an owner changes only by somebody who has just proved himself."""
    member, form = await actions.find(db, member_id), await read_form(request, RoleForm)
    if form.data is None:
        return await _page(request, db, member, role_form=form, status_code=422)
    if Role.OWNER in (member.role, form.data.role) and _may_own(db) and not who.is_fresh:
        raise ReauthenticationNeeded
    member = await actions.change_role(db, member_id, form.data.role)
    return _told(request, db, go(request, f"{TEAM}/members/{member_id}", f"{member.name} is now {_as(member.role)}."))


@door.post(ONE + "/restrictions", needs=Permission.MEMBERS_WRITE)
async def restrict(request: Request, db: Db, member_id: UUID) -> Response:
    """Withhold from a member what the role may do."""
    form = await read_form(request, RestrictionsForm)
    if form.data is None:
        return await _page(request, db, await actions.find(db, member_id), restrictions_form=form, status_code=422)
    member = await actions.restrict(db, member_id, form.data.withheld)
    said = f"{member.name} is restricted from now on." if member.withheld else f"{member.name} has no restrictions now."
    return _told(request, db, go(request, f"{TEAM}/members/{member_id}", said))


@door.post(ONE + "/removal", needs=Permission.MEMBERS_WRITE)
async def remove(request: Request, db: Db, member_id: UUID) -> Response:
    """Take a member out."""
    member, form = await actions.find(db, member_id), await read_form(request, RemovalForm)
    if form.data is not None and form.data.conversations == "reassign" and form.data.heir is None:
        form.refuse(actions.NoHeir(field="heir"))
    try:
        if form.data is not None:
            await actions.remove(db, member_id, form.data.heir if form.data.conversations == "reassign" else None)
            return _told(request, db, go(request, TEAM, f"{member.name} is no member any more."))
    except BadInput as error:
        form.refuse(error)
    return await _page(request, db, member, removal_form=form, status_code=422)


@door.get(ONE + "/ownership", needs=Permission.OWNERSHIP_WRITE, fresh=True)
async def ownership(request: Request, db: Db, member_id: UUID) -> Response:
    """What handing the organization over means."""
    member = await actions.find(db, member_id)
    if member.user_id == db.actor.user_id:
        raise actions.AlreadyYours
    return await render(request, "members/ownership.html", member=member)


@door.post(ONE + "/ownership", needs=Permission.OWNERSHIP_WRITE, fresh=True)
async def hand_over(request: Request, db: Db, member_id: UUID) -> Response:
    """Make a member an owner in one's own place."""
    heir = await actions.hand_over(db, member_id)
    return _told(request, db, go(request, f"{TEAM}/members/{member_id}", f"{heir.name} is now an owner, and you are an admin."))


@door.post(TEAM + "/departure", needs=Permission.ORGANIZATION_READ)
async def leave(request: Request, db: Db) -> Response:
    """Leave the organization."""
    await actions.leave(db)
    return _told(request, db, go(request, "/account", "You have left the organization."))


async def _page(
    request: Request, db: Tenant, member: Member, *, role_form: Form[Any] | None = None, restrictions_form: Form[Any] | None = None,
    removal_form: Form[Any] | None = None, status_code: int = 200,
) -> Response:  # fmt: skip
    return await render(
        request, "members/show.html", status_code=status_code, member=member, capped=COUNTED, itself=member.user_id == db.actor.user_id,
        changeable=_changeable(db, member), roles=_roles_to_give(db, member), withholdable=WITHHOLDABLE, mine=db.permissions,
        by_role=(await store.permissions_by_role(db))[member.role], restrictions_form=restrictions_form or Form.of({"withheld": member.withheld}),
        role_form=role_form or Form.of({"role": member.role}), removal_form=removal_form or Form.of({"conversations": "unassign"}),
        activity=await audit.activity(db, "member", member.user_id),
        heirs=await store.heirs(db, member.user_id, MOST_HEIRS) if _changeable(db, member) else [],
    )  # fmt: skip


def _may_own(db: Tenant) -> bool:
    return Permission.OWNERSHIP_WRITE in db.permissions


def _changeable(db: Tenant, member: Member) -> bool:
    """Whether whoever looks is offered to change this member; whether they may is decided when they do."""
    return Permission.MEMBERS_WRITE in db.permissions and (member.role != Role.OWNER or _may_own(db))


def _roles_to_give(db: Tenant, member: Member) -> list[Role]:
    """The roles that are offered: an owner's to owners only, and to oneself none that is higher."""
    ordered = list(Role)
    offered = ordered if _may_own(db) else ordered[1:]
    return [role for role in offered if member.user_id != db.actor.user_id or ordered.index(role) >= ordered.index(Role(member.role))]


async def _seats(db: Tenant) -> usage.Usage | None:
    return next((one for one in await usage.overview(db) if one.metric == "members"), None)


def _as(role: str) -> str:
    return {"owner": "an owner", "admin": "an admin", "member": "a member", "viewer": "a viewer"}[role]


def _told(request: Request, db: Tenant, response: Response) -> Response:
    """Let this organization's streams look whether they may go on; the database tells the same to every other process."""
    response.background = BackgroundTask(request.app.state.live.changed, [db.organization_id], SESSIONS)
    return response
