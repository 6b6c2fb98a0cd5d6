"""What a proposed rule must keep to, with an error per field that says what to do."""

from collections.abc import Iterator

from frontdesk.auto_replies.folding import fold
from frontdesk.auto_replies.records import Proposal
from frontdesk.auto_replies.replies import LONGEST, PLACEHOLDERS, template, unknown_placeholder
from frontdesk.errors import BadInput

LONGEST_NAME = 200
LONGEST_KEYWORD = 200
MOST_KEYWORDS = 50
LONGEST_COOLDOWN = 31_536_000  # a year
TRIGGERS = ("keyword", "first_contact", "fallback")
MATCHES = ("contains", "exact", "starts_with")


class NameMissing(BadInput):
    """Give the rule a name."""


class NameTooLong(BadInput):
    """The name is too long."""


class UnknownTrigger(BadInput):
    """Choose what happens."""


class UnknownMatch(BadInput):
    """Choose how strictly the words must fit."""


class EmptyKeyword(BadInput):
    """Give at least one word, and leave none empty."""


class KeywordTooLong(BadInput):
    """A word is too long."""


class TooManyKeywords(BadInput):
    """There are too many words."""


class EmptyReply(BadInput):
    """Write what the contact is answered."""


class ReplyTooLong(BadInput):
    """The answer is too long."""


class UnknownPlaceholder(BadInput):
    """The answer contains braces that cannot be filled in."""


class BadCooldown(BadInput):
    """Choose how long the rule waits before it answers the same contact again."""


def tidy(proposal: Proposal) -> Proposal:
    """The proposal as it would be stored: spaces around things gone, a keyword once, only keyword rules have any."""
    by_words = proposal.trigger == "keyword"
    words = {fold(word) or word: word for word in reversed([_line(word) for word in proposal.keywords])}
    return Proposal(
        name=_line(proposal.name),
        trigger=proposal.trigger,
        match=proposal.match if by_words else None,
        keywords=tuple(reversed(words.values())) if by_words else (),
        reply=proposal.reply.replace("\x00", "").strip(),
        cooldown_seconds=proposal.cooldown_seconds,
    )


def problems(proposal: Proposal) -> list[BadInput]:
    """Everything that is wrong with a tidy proposal, at most one for each field."""
    return [*_name(proposal.name), *_trigger(proposal), *_reply(proposal.reply), *_cooldown(proposal.cooldown_seconds)]


def _line(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())


def _name(name: str) -> Iterator[BadInput]:
    if not name:
        yield NameMissing(field="name")
    elif len(name) > LONGEST_NAME:
        yield NameTooLong(f"Use at most {LONGEST_NAME} characters. This has {len(name):,}.", field="name")


def _trigger(proposal: Proposal) -> Iterator[BadInput]:
    if proposal.trigger not in TRIGGERS:
        yield UnknownTrigger(field="trigger")
    elif proposal.trigger == "keyword":
        if proposal.match not in MATCHES:
            yield UnknownMatch(field="match")
        yield from _keywords(proposal.keywords)


def _keywords(words: tuple[str, ...]) -> Iterator[BadInput]:
    if not words or not all(fold(word) for word in words):
        yield EmptyKeyword(field="keywords")
    elif len(words) > MOST_KEYWORDS:
        yield TooManyKeywords(f"Use at most {MOST_KEYWORDS} words. These are {len(words):,}.", field="keywords")
    elif longest := max((word for word in words if len(word) > LONGEST_KEYWORD), key=len, default=""):
        yield KeywordTooLong(
            f"Use at most {LONGEST_KEYWORD} characters a word. “{longest[:30]}…” has {len(longest):,}.",
            field="keywords",
        )


def _reply(reply: str) -> Iterator[BadInput]:
    if not reply:
        yield EmptyReply(field="reply")
    elif len(reply) > LONGEST:
        yield ReplyTooLong(f"WhatsApp carries at most {LONGEST:,} characters. This has {len(reply):,}.", field="reply")
    elif unknown := unknown_placeholder(reply):
        known = " and ".join(f"{{{{{name}}}}}" for name in PLACEHOLDERS)
        yield UnknownPlaceholder(f"“{unknown}” cannot be filled in. Only {known} can.", field="reply")
    elif not template(reply).fill("", "x"):
        yield EmptyReply("A contact without a name would get an empty message. Add some words.", field="reply")


def _cooldown(seconds: int) -> Iterator[BadInput]:
    if not 0 <= seconds <= LONGEST_COOLDOWN:
        yield BadCooldown(field="cooldown_seconds")
