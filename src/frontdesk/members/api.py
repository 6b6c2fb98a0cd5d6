"""The team, for an organization's own programs."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from frontdesk.access import Permission
from frontdesk.api import PAGE, BadCursor, CursorText, Db, Door, Limit, Page, Search
from frontdesk.members import actions
from frontdesk.members.records import Cursor, Member

door = Door("Members")


class MemberReply(BaseModel):
    """A member: a user's place in the organization."""

    user_id: UUID
    name: str
    email: str
    role: Literal["owner", "admin", "member", "viewer"]
    last_seen_at: datetime | None
    created_at: datetime = Field(description="When they joined.")


@door.get("/members", needs=Permission.MEMBERS_READ)
async def list_members(db: Db, q: Search = "", limit: Limit = PAGE, cursor: CursorText = None) -> Page[MemberReply]:
    """Members by name or email, who joined first first."""
    after = Cursor.read(cursor) if cursor is not None else None
    if cursor is not None and after is None:
        raise BadCursor
    found, following = await actions.search(db, q, after=after, how_many=limit)
    return Page[MemberReply](data=[_reply(one) for one in found], next_cursor=following.written() if following else None)


@door.get("/members/{user_id}", needs=Permission.MEMBERS_READ)
async def show_member(db: Db, user_id: UUID) -> MemberReply:
    """One member, by the id of the user."""
    return _reply(await actions.find(db, user_id))


def _reply(one: Member) -> MemberReply:
    return MemberReply.model_validate(
        {"user_id": one.user_id, "name": one.name, "email": one.email, "role": one.role, "last_seen_at": one.last_seen_at, "created_at": one.created_at}
    )
