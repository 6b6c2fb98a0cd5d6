"""The pages of auto replies: the list with its tester, and the form of one rule."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from frontdesk import audit, usage
from frontdesk.access import Permission
from frontdesk.auto_replies import actions, store
from frontdesk.auto_replies.folding import fold
from frontdesk.auto_replies.proposals import problems, tidy
from frontdesk.auto_replies.records import Proposal, Question, Rule, Rulebook, Verdict, choose
from frontdesk.auto_replies.replies import template
from frontdesk.database import Tenant
from frontdesk.errors import BadInput, FrontdeskError, LimitReached
from frontdesk.web import Db, Door, Form, go, read_form, render, wants_fragment

door = Door()

LIST = "/dashboard/auto-replies"
SHOWN = {"all": None, "on": True, "off": False}
READS, WRITES = Permission.AUTO_REPLIES_READ, Permission.AUTO_REPLIES_WRITE


class RuleForm(BaseModel):
    """What the form of a rule sends. keywords: divided by lines or commas."""

    name: str = ""
    trigger: str = ""
    match: str = ""
    keywords: str = ""
    reply: str = ""
    cooldown_seconds: int = 0
    on: str = ""

    def proposal(self) -> Proposal:
        """The rule as it is wished for."""
        words = tuple(word.strip() for line in self.keywords.splitlines() for word in line.split(",") if word.strip())
        return tidy(Proposal(self.name, self.trigger, self.match or None, words, self.reply, self.cooldown_seconds))


class PlaceForm(BaseModel):
    """Where a rule shall stand; 1 is the top."""

    to: int


class TrialForm(BaseModel):
    """What somebody might write. who: "known" or "new"."""

    text: str = ""
    who: str = "known"


@door.get(LIST, needs=READS)
async def index(request: Request, db: Db, q: str = "", show: str = "all") -> Response:
    """The rules in the order in which they are asked, and the tester."""
    return await _index(request, db, q.replace("\x00", "")[:200], show)


@door.get(LIST + "/new", needs=WRITES)
async def blank(request: Request, db: Db, keyword: str = "") -> Response:
    """The form of a new rule, perhaps with a first word."""
    known = {"trigger": "keyword", "match": "contains", "keywords": keyword[:200], "cooldown_seconds": 0, "on": "on"}
    return await _form(request, db, None, Form.of(known))


@door.post(LIST + "/new", needs=WRITES)
async def create(request: Request, db: Db) -> Response:
    """Add a rule."""
    form = await _read_rule(request)
    try:
        if form.data is not None:
            await actions.create(db, form.data.proposal(), enabled=bool(form.data.on))
            return go(request, LIST, f"“{_short(form.data.proposal().name)}” is saved.")
    except FrontdeskError as error:
        form.refuse(error)
        return await _form(request, db, None, form, error.status)
    return await _form(request, db, None, form, 422)


@door.post(LIST + "/trial", needs=READS)
async def trial(request: Request, db: Db) -> Response:
    """Which rule would answer a text, and why. Nothing is sent."""
    form = await read_form(request, TrialForm)
    text, who = (form.data.text, form.data.who) if form.data else ("", "known")
    verdict = choose(Rulebook(await store.list_rules(db)), Question(text, first_contact=who == "new"))
    if wants_fragment(request):
        return await render(request, "auto_replies/_verdict.html", verdict=verdict if text.strip() else None, text=text)
    return await _index(request, db, verdict=verdict if text.strip() else None, tester=form)


@door.post(LIST + "/preview", needs=READS)
async def preview(request: Request, db: Db) -> Response:
    """A reply as the customer would see it, while it is being written."""
    form = await read_form(request, RuleForm)
    return await render(request, "auto_replies/_preview.html", **await _as_seen(db, form))


@door.get(LIST + "/{rule_id}", needs=READS)
async def show(request: Request, db: Db, rule_id: UUID) -> Response:
    """One rule in its form."""
    return await _form(request, db, await actions.find(db, rule_id), Form())


@door.post(LIST + "/{rule_id}", needs=WRITES)
async def edit(request: Request, db: Db, rule_id: UUID) -> Response:
    """Save a rule."""
    form = await _read_rule(request)
    rule = await actions.find(db, rule_id)
    if form.data is None:
        return await _form(request, db, rule, form, 422)
    await actions.edit(db, rule_id, form.data.proposal())
    await actions.switch(db, rule_id, bool(form.data.on))
    return go(request, LIST, f"“{_short(form.data.proposal().name)}” is saved.")


@door.post(LIST + "/{rule_id}/deletion", needs=WRITES)
async def delete(request: Request, db: Db, rule_id: UUID) -> Response:
    """Delete a rule."""
    return go(request, LIST, f"“{_short(await actions.delete(db, rule_id))}” is deleted.")


@door.post(LIST + "/{rule_id}/switch", needs=WRITES)
async def switch(request: Request, db: Db, rule_id: UUID) -> Response:
    """Switch a rule on when the form's box is ticked, and off when it is not."""
    on = bool((await request.form()).get("on"))
    rule = await actions.switch(db, rule_id, on)
    return await _changed(request, db, f"“{_short(rule.name)}” is {'on' if on else 'off'}.")


@door.delete(LIST + "/{rule_id}/switch", needs=WRITES)
async def switch_off(request: Request, db: Db, rule_id: UUID) -> Response:
    """Switch a rule off."""
    rule = await actions.switch(db, rule_id, on=False)
    return await _changed(request, db, f"“{_short(rule.name)}” is off.")


@door.post(LIST + "/{rule_id}/position", needs=WRITES)
async def move(request: Request, db: Db, rule_id: UUID) -> Response:
    """Put a rule at another place."""
    form = await read_form(request, PlaceForm)
    if form.data is None:
        raise BadInput(form.error("to"), field="to")
    await actions.move(db, rule_id, form.data.to)
    rules = await store.list_rules(db)
    name, place = next((rule.name, n) for n, rule in enumerate(rules, 1) if rule.id == rule_id)
    return await _changed(request, db, f"“{_short(name)}” is now rule {place} of {len(rules)}.")


async def _changed(request: Request, db: Tenant, news: str) -> Response:
    if not wants_fragment(request):
        return go(request, LIST, news)
    return await render(request, "auto_replies/_rules.html", news=news, **await _listed(db))


async def _index(
    request: Request,
    db: Tenant,
    q: str = "",
    show: str = "all",
    verdict: Verdict | None = None,
    tester: Form[TrialForm] | None = None,
) -> Response:
    tester = tester or Form()
    limit = next((one for one in await usage.overview(db) if one.metric == "auto_replies"), None)
    return await render(
        request,
        "auto_replies/index.html",
        news="",
        limit=limit,
        verdict=verdict,
        tester=tester,
        text=tester.value("text"),
        **await _listed(db, q, show),
    )


async def _listed(db: Tenant, q: str = "", show: str = "all") -> dict[str, Any]:
    rules, show = await store.list_rules(db), show if show in SHOWN else "all"
    shown = [(n, rule) for n, rule in enumerate(rules, 1) if SHOWN[show] in (None, rule.enabled) and _mentions(rule, q)]
    return {
        "rules": shown, "total": len(rules), "on": sum(rule.enabled for rule in rules), "q": q, "show": show,
        "asked_in_turn": sum(rule.trigger != "fallback" for rule in rules), "whole": len(shown) == len(rules),
        "addresses": {one: _address(q, one) for one in SHOWN}, "may_change": WRITES in db.permissions,
    }  # fmt: skip


async def _read_rule(request: Request) -> Form[RuleForm]:
    form = await read_form(request, RuleForm)
    if form.data is not None:
        for problem in problems(form.data.proposal()):
            form.refuse(problem)
    return form


async def _form(request: Request, db: Tenant, rule: Rule | None, form: Form[RuleForm], status_code: int = 200) -> Response:
    if rule is not None and not form.values:
        form.values = _typed_as(rule)
    ids = [one.id for one in await store.list_rules(db)]
    return await render(
        request, "auto_replies/edit.html", status_code=status_code, rule=rule, form=form, total=len(ids),
        place=ids.index(rule.id) + 1 if rule else 0, may_change=WRITES in db.permissions,
        activity=await audit.activity(db, "auto_reply", rule.id) if rule else None,
        full=status_code == LimitReached.status, verdict=None, tester=Form(), text="", **await _as_seen(db, form),
    )  # fmt: skip


async def _as_seen(db: Tenant, form: Form[RuleForm]) -> dict[str, Any]:
    reply = str(form.value("reply"))[:5000]
    words = [word for word in str(form.value("keywords")).replace("\n", ",").split(",") if word.strip()]
    asked = words[0].strip() if words and form.value("trigger") == "keyword" else "Hello"
    return {
        "asked": asked[:200],
        "seen": template(reply).fill("Amina", await store.organization_name(db)),
        "by": form.value("name"),
    }


def _typed_as(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name, "trigger": rule.trigger, "match": rule.match or "contains", "reply": rule.reply,
        "keywords": "\n".join(rule.keywords), "cooldown_seconds": rule.cooldown_seconds,
        "on": "on" if rule.enabled else "",
    }  # fmt: skip


def _mentions(rule: Rule, q: str) -> bool:
    wanted, places = fold(q), (rule.name, rule.reply, *rule.keywords)
    return any(wanted in fold(place) for place in places)


def _address(q: str, show: str) -> str:
    said: Iterable[tuple[str, str]] = [("q", q), ("show", "" if show == "all" else show)]
    query = urlencode([(name, value) for name, value in said if value])
    return f"{LIST}?{query}" if query else LIST


def _short(name: str) -> str:
    return name if len(name) <= 60 else name[:59] + "…"
