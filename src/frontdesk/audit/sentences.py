"""Entries of the log in plain words. What comes from people is set apart from the sentence and cannot become a part of the page."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from frontdesk.audit.records import Entry, Wording
from frontdesk.audit.wordings import API_KEY, BY_ITSELF, BY_ITSELF_TO, FRONTDESK, NAMES, NO, NOTHING, OPERATOR, SOMEBODY, VALUES, WORDINGS, YES

Translate = Callable[..., str]  # gettext as templates have it: puts in the words, escaped
LONGEST_IN_SENTENCE, LONGEST_IN_LIST = 80, 400  # characters
_PLACE = re.compile(r"%\((\w+)\)s")
_UNKNOWN = Wording("", "history", ())


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as a page shows it, in the page's language."""

    entry: Entry

    @property
    def wording(self) -> Wording:
        """Its icon and tone."""
        return wording(self.entry)

    @pass_context
    def sentence(self, context: Context) -> str:
        """Who did what to what."""
        return sentence(self.entry, _translator(context))

    @pass_context
    def changes(self, context: Context) -> list[tuple[str, str, str]]:
        """The fields that changed: what each is called, what it was, what it is."""
        words = _translator(context)
        return [(label(name, words), value(before, words), value(after, words)) for name, (before, after) in self.entry.changes.items()]

    @pass_context
    def facts(self, context: Context) -> list[tuple[str, str]]:
        """What else the entry tells."""
        words = _translator(context)
        return [(label(name, words), value(one, words)) for name, one in self.entry.facts.items()]

    @pass_context
    def target(self, context: Context) -> str:
        """The kind of thing it was done to."""
        return label(self.entry.target_type or "", _translator(context))


def wording(entry: Entry) -> Wording:
    """How the entry's action reads; an action that this version does not know has no sentence of its own."""
    return WORDINGS.get(entry.action, _UNKNOWN)


def sentence(entry: Entry, translate: Translate) -> str:
    """Who did what to what."""
    text, words = _told(entry, translate)
    return translate(text, **{name: _apart(words[name], name == "actor") for name in _PLACE.findall(text)})


def plain_sentence(entry: Entry) -> str:
    """The same as text, for files; in the words of this file."""
    text, words = _told(entry, lambda said: said)
    return text % words


def _told(entry: Entry, translate: Translate) -> tuple[str, dict[str, str]]:
    words = _words(entry, translate) | {"what": said_by_itself(entry.action)}
    known = (one for one in wording(entry).sentences if set(_PLACE.findall(one)) <= words.keys())
    return next(known, BY_ITSELF_TO if "name" in words else BY_ITSELF), words


def actor(entry: Entry, translate: Translate) -> str:
    """Who did it, in words."""
    return called(entry.actor_kind, entry.actor_name, translate)


def called(kind: str, name: str, translate: Translate) -> str:
    """An actor in words. A member or key whose name is not known has its kind for one."""
    if kind == "system":
        return str(translate(FRONTDESK))
    if kind == "operator":
        return str(translate(OPERATOR))
    return name.strip() or str(translate(API_KEY if kind == "api_key" else SOMEBODY))


def said_by_itself(action: str) -> str:
    """`gift_card.redeemed` is `gift card redeemed`."""
    return action.replace("_", " ").replace(".", " ")


def label(name: str, translate: Translate) -> str:
    """What a field or a kind of thing is called."""
    return str(translate(NAMES[name])) if name in NAMES else said_by_itself(name).capitalize()


def value(of: Any, translate: Translate, longest: int = LONGEST_IN_LIST) -> str:
    """A value of the entry in words, cut where it is too long to read."""
    match of:
        case None | "":
            return str(translate(NOTHING))
        case bool():
            return str(translate(YES if of else NO))
        case list():
            return _cut(", ".join(value(one, translate, longest) for one in of) or str(translate(NOTHING)), longest)
        case Mapping():
            return _cut(json.dumps(of, ensure_ascii=False), longest)
        case _:
            return str(translate(VALUES[of])) if of in VALUES else _cut(str(of), longest)


def _translator(context: Context) -> Translate:
    return cast(Translate, partial(context.call, context.resolve("gettext")))


def _words(entry: Entry, translate: Translate) -> dict[str, str]:
    words = {name: value(one, translate, LONGEST_IN_SENTENCE) for name, one in entry.facts.items() if one not in (None, "") and not isinstance(one, Mapping)}
    if len(entry.changes) == 1:
        ((before, after),) = entry.changes.values()
        words |= {"from": value(before, translate, LONGEST_IN_SENTENCE), "to": value(after, translate, LONGEST_IN_SENTENCE)}
    return words | {"actor": _cut(actor(entry, translate), LONGEST_IN_SENTENCE)}


def _apart(text: str, strong: bool) -> Markup:
    return Markup('<bdi class="fw-medium">{}</bdi>' if strong else "<bdi>{}</bdi>").format(text)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
