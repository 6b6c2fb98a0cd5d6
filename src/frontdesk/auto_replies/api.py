"""Auto replies, for an organization's own programs."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from frontdesk.access import Permission
from frontdesk.api import PAGE, BadCursor, BadFields, Body, CursorText, Db, Door, Limit, Page
from frontdesk.auto_replies import actions, store
from frontdesk.auto_replies.proposals import LONGEST_COOLDOWN, LONGEST_KEYWORD, LONGEST_NAME, MOST_KEYWORDS, problems, tidy
from frontdesk.auto_replies.records import Proposal, Rule
from frontdesk.auto_replies.replies import LONGEST

door = Door("Auto replies")

READS, WRITES = Permission.AUTO_REPLIES_READ, Permission.AUTO_REPLIES_WRITE
ONE = "/auto-replies/{rule_id}"
Trigger = Literal["keyword", "first_contact", "fallback"]
Match = Literal["exact", "contains", "starts_with"]


class AutoReplyReply(BaseModel):
    """A rule. position: where it stands, 1 being asked first."""

    id: UUID
    name: str
    trigger: Trigger
    match: Match | None
    keywords: list[str]
    reply: str
    cooldown_seconds: int = Field(description="How long it must not repeat itself to one contact.")
    on: bool
    position: int
    answered_count: int
    last_answered_at: datetime | None

    @classmethod
    def of(cls, one: Rule) -> Self:
        """As it is told."""
        return cls(
            id=one.id, name=one.name, trigger=one.trigger, match=one.match, keywords=list(one.keywords), reply=one.reply,
            cooldown_seconds=one.cooldown_seconds, on=one.enabled, position=one.position, answered_count=one.answered_count,
            last_answered_at=one.last_answered_at,
        )  # fmt: skip


class NewAutoReply(Body):
    """A rule as it shall be. match and keywords: for the trigger `keyword`."""

    model_config = ConfigDict(json_schema_extra={"examples": [
        {"name": "Opening hours", "trigger": "keyword", "match": "contains", "keywords": ["open", "hours"], "reply": "We are open from nine to five."}
    ]})  # fmt: skip

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    trigger: Trigger
    match: Match | None = None
    keywords: list[str] = Field([], max_length=MOST_KEYWORDS, description=f"Each at most {LONGEST_KEYWORD} characters.")
    reply: str = Field(min_length=1, max_length=LONGEST, description="May hold {{contact.name}} and {{organization.name}}.")
    cooldown_seconds: int = Field(0, ge=0, le=LONGEST_COOLDOWN)
    on: bool = True

    def proposal(self) -> Proposal:
        """The rule as it is wished for. Raises BadFields with everything that is wrong."""
        return _checked(Proposal(self.name, self.trigger, self.match, tuple(self.keywords), self.reply, self.cooldown_seconds))


class AutoReplyChange(Body):
    """What shall be another; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reply": "We are open from nine to six."}]})

    name: str | None = Field(None, min_length=1, max_length=LONGEST_NAME)
    trigger: Trigger | None = None
    match: Match | None = None
    keywords: list[str] | None = Field(None, max_length=MOST_KEYWORDS)
    reply: str | None = Field(None, min_length=1, max_length=LONGEST)
    cooldown_seconds: int | None = Field(None, ge=0, le=LONGEST_COOLDOWN)

    def applied_to(self, rule: Rule) -> Proposal:
        """The rule with these changes. Raises BadFields."""
        words = tuple(rule.keywords if self.keywords is None else self.keywords)
        wait = rule.cooldown_seconds if self.cooldown_seconds is None else self.cooldown_seconds
        return _checked(Proposal(self.name or rule.name, self.trigger or rule.trigger, self.match or rule.match, words, self.reply or rule.reply, wait))


class Switch(Body):
    """Whether a rule answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"on": True}]})

    on: bool


@door.get("/auto-replies", needs=READS)
async def list_auto_replies(db: Db, limit: Limit = PAGE, cursor: CursorText = None) -> Page[AutoReplyReply]:
    """The rules in the order in which they are asked; fallbacks are asked last."""
    rules = await store.list_rules(db)
    if cursor is not None:
        start = next((n for n, rule in enumerate(rules, 1) if str(rule.id) == cursor), None)
        if start is None:
            raise BadCursor
        rules = rules[start:]
    data = [AutoReplyReply.of(rule) for rule in rules[:limit]]
    return Page[AutoReplyReply](data=data, next_cursor=str(data[-1].id) if len(rules) > limit else None)


@door.post("/auto-replies", needs=WRITES, also=(402,))
async def create_auto_reply(db: Db, rule: NewAutoReply) -> AutoReplyReply:
    """Add a rule below the others, within the plan's limit."""
    return AutoReplyReply.of(await actions.find(db, await actions.create(db, rule.proposal(), enabled=rule.on)))


@door.get(ONE, needs=READS)
async def show_auto_reply(db: Db, rule_id: UUID) -> AutoReplyReply:
    """One rule."""
    return AutoReplyReply.of(await actions.find(db, rule_id))


@door.patch(ONE, needs=WRITES)
async def change_auto_reply(db: Db, rule_id: UUID, change: AutoReplyChange) -> AutoReplyReply:
    """Change what a rule says."""
    return AutoReplyReply.of(await actions.revise(db, rule_id, change.applied_to))


@door.put(ONE + "/switch", needs=WRITES)
async def switch_auto_reply(db: Db, rule_id: UUID, switch: Switch) -> AutoReplyReply:
    """Let a rule answer, or not."""
    return AutoReplyReply.of(await actions.switch(db, rule_id, switch.on))


@door.delete(ONE, needs=WRITES)
async def delete_auto_reply(db: Db, rule_id: UUID) -> None:
    """Delete a rule for good."""
    await actions.delete(db, rule_id)


def _checked(proposal: Proposal) -> Proposal:
    if wrong := problems(tidy(proposal)):
        raise BadFields(wrong)
    return proposal
