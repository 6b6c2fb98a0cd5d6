"""Which messages of a batch are answered, and with what. Decided in memory; nothing here reads or writes anything."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from frontdesk.auto_replies.records import Question, Rule, Rulebook, choose
from frontdesk.auto_replies.replies import template
from frontdesk.auto_replies.shelf import House
from frontdesk.messages import AUTOMATIC, Draft, NewMessage

# Types whose words a customer chose: typed, or the title of a button or list row. The text of all others is ours
# ("Photo") or a caption, so keywords do not read it; the greeting and the fallback still answer.
READ: Final = frozenset({"text", "button", "interactive"})
NEVER_ANSWERED: Final = frozenset({"reaction", "system", "unsupported", "unknown", "errors", "ephemeral"})

# What bots say while a plan is not paid, once a day to each contact: that somebody will come, and no more.
HANDING_OVER: Final = {
    "en": "Thank you for your message. Somebody from our team will get back to you.",
    "de": "Vielen Dank für Ihre Nachricht. Jemand aus unserem Team meldet sich bei Ihnen.",
}
ONCE_A_DAY: Final = 86_400  # seconds

Asker = tuple[int, int]  # organization and contact, by their ids as numbers: hashing UUIDs is slow


class Answer(NamedTuple):
    """A draft, and the rule and the contact it comes from."""

    draft: Draft
    rule: Rule
    contact_id: UUID


def book_of(rules: Sequence[Rule], locale: str) -> Rulebook:
    """The rules as they answer now: as they say, or with one line for all of them where nothing is paid."""
    if not any(rule.held_back for rule in rules):
        return Rulebook(rules)
    words = HANDING_OVER.get(locale[:2].lower(), HANDING_OVER["en"])
    return Rulebook([replace(rules[0], trigger="fallback", match=None, keywords=(), reply=words, cooldown_seconds=ONCE_A_DAY)])


def answerable(new: Iterable[NewMessage], now: datetime) -> list[NewMessage]:
    """The messages a rule may answer: no reactions or events, nobody with the bot off or blocked, nothing too late."""
    return [
        message for message in new if not message.bot_off and message.answers_left > 0 and message.type not in NEVER_ANSWERED and message.window_ends_at > now
    ]


def decide(asking: Sequence[NewMessage], houses: Mapping[int, House], cooling: Mapping[Asker, set[UUID]], per_minute: int) -> list[Answer]:
    """Answer the messages in order.

    Several of one contact share its cooldowns and its answers a minute; only its first can be greeted. houses: by the ids of organizations as numbers.
    """
    answers: list[Answer] = []
    given: defaultdict[int, int] = defaultdict(int)
    cooling_now, heard = dict(cooling), set[Asker]()
    for message in asking:
        asker = message.organization_id.int, message.contact_id.int
        house = houses.get(asker[0])
        first = message.first_contact and asker not in heard
        heard.add(asker)
        if house is None or given[message.conversation_id.int] >= min(message.answers_left, per_minute):
            continue
        question = Question(message.text if message.type in READ else None, first_contact=first, cooling=cooling_now.get(asker, ()))
        rule = choose(house.book, question).rule
        if rule is None:
            continue
        answers.append(Answer(_draft(message, rule, house.name), rule, message.contact_id))
        given[message.conversation_id.int] += 1
        if rule.cooldown_seconds:
            cooling_now[asker] = {*cooling_now.get(asker, ()), rule.id}
    return answers


def _draft(message: NewMessage, rule: Rule, organization_name: str) -> Draft:
    return Draft(
        organization_id=message.organization_id,
        conversation_id=message.conversation_id,
        channel_id=message.channel_id,
        text=template(rule.reply).fill(message.contact_name, organization_name),
        author="bot",
        recipient=message.recipient,
        window_ends_at=message.window_ends_at,
        priority=AUTOMATIC,
        auto_reply_id=rule.id,
        free=rule.held_back is not None,
    )
