"""Which rule answers, and why the others do not."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.auto_replies import Question, Rule, Rulebook, choose
from frontdesk.auto_replies.records import Match, Trigger
from frontdesk.database import new_id

WORDS = ["hi", "price", "how much", "größe", "👍", "价格", "c++", "السعر", "?", "HI", "i"]


def rule(name: str, *keywords: str, match: Match = "contains", trigger: Trigger = "keyword", at: int = 1, on: bool = True) -> Rule:
    by_words = trigger == "keyword"
    return Rule(new_id(), name, trigger, match if by_words else None, keywords, "Hello", enabled=on, position=at)


def answering(rules: list[Rule], text: str | None, first: bool = False, cooling: set[UUID] | None = None) -> str | None:
    chosen = choose(Rulebook(rules), Question(text, first_contact=first, cooling=cooling or ())).rule
    return chosen.name if chosen else None


@pytest.mark.parametrize(
    ("match", "keyword", "text", "answers"),
    [
        ("contains", "price", "What PRICE is it?", True),
        ("contains", "price", "priceless", False),
        ("contains", "Grösse", "welche größe?", True),
        ("contains", "Groesse", "welche größe?", False),
        ("contains", "GROSSE", "welche Größe?", True),
        ("contains", "how  much", "How much?", True),
        ("exact", "price", "  Price?! ", True),
        ("exact", "price", "the price", False),
        ("exact", "👍", "👍🏿", True),
        ("starts_with", "book", "Book me in", True),
        ("starts_with", "book", "¡Book!", True),
        ("starts_with", "book", "bookings", False),
        ("starts_with", "book", "a book", False),
        ("starts_with", "(ok", "(ok) fine", True),
    ],
)
def test_how_strictly_words_must_fit(match: Match, keyword: str, text: str, answers: bool) -> None:
    assert answering([rule("it", keyword, match=match)], text) == ("it" if answers else None)


def test_any_of_several_words_will_do() -> None:
    assert answering([rule("prices", "price", "how much", "cost")], "what does it cost") == "prices"


def test_the_first_that_fits_in_order_of_position_answers() -> None:
    assert answering([rule("second", "hi", at=2), rule("first", "hi", at=1), rule("third", "hi", at=3)], "hi") == "first"


def test_a_rule_that_is_off_is_never_asked() -> None:
    assert answering([rule("off", "hi", on=False), rule("on", "hi", at=2)], "hi") == "on"


def test_a_rule_that_answered_this_contact_lately_is_passed_over() -> None:
    eager, patient = rule("eager", "hi"), rule("patient", "hi", at=2)
    assert answering([eager, patient], "hi", cooling={eager.id}) == "patient"
    assert answering([eager], "hi", cooling={eager.id}) is None


def test_a_greeting_is_for_the_first_message_only() -> None:
    greeting = rule("greeting", trigger="first_contact")
    assert answering([greeting], "hi", first=True) == "greeting"
    assert answering([greeting], "hi") is None


def test_a_fallback_waits_for_all_others_wherever_it_stands() -> None:
    rules = [rule("otherwise", trigger="fallback", at=1), rule("prices", "price", at=9)]
    assert answering(rules, "price") == "prices"
    assert answering(rules, "hm") == "otherwise"


def test_what_has_no_words_is_greeted_and_falls_back_but_meets_no_keyword() -> None:
    rules = [
        rule("photo", "Photo"),
        rule("greeting", trigger="first_contact", at=2),
        rule("otherwise", trigger="fallback", at=3),
    ]
    assert answering(rules, None, first=True) == "greeting"
    assert answering(rules, None) == "otherwise"
    assert answering(rules[:1], None) is None


def test_every_rule_gets_its_reason() -> None:
    rules = [
        rule("Booking", "book", "slot", "appointment", at=1),
        rule("Start", "go", match="starts_with", at=2),
        rule("Off", "price", on=False, at=3),
        rule("New", trigger="first_contact", at=4),
        rule("Prices", "how much", at=5),
        rule("Later", "much", at=6),
        rule("Else", trigger="fallback", at=7),
    ]
    verdict = choose(Rulebook(rules), Question("Hi, how much?"))
    assert [(one.number, one.outcome, one.text) for one in verdict.reasons] == [
        (1, "passes", "none of its 3 words is in the message"),
        (2, "passes", "the message does not start with “go”"),
        (3, "unasked", "switched off"),
        (4, "passes", "this contact has written before"),
        (5, "answers", "contains “how much”"),
        (6, "unasked", "not asked, because rule 5 answers"),
        (7, "unasked", "not asked, because rule 5 answers"),
    ]


def test_a_rule_that_waits_says_so() -> None:
    eager = rule("eager", "hi")
    (reason,) = choose(Rulebook([eager]), Question("hi", cooling={eager.id})).reasons
    assert reason.text == "contains “hi”, but it has answered this contact too recently"


RULES = st.lists(
    st.builds(
        lambda words, match, trigger, at, on: rule("r", *words, match=match, trigger=trigger, at=at, on=on),
        st.lists(st.sampled_from(WORDS) | st.text(min_size=1, max_size=5), min_size=1, max_size=3),
        st.sampled_from(["exact", "contains", "starts_with"]),
        st.sampled_from(["keyword"] * 4 + ["first_contact", "fallback"]),
        st.integers(1, 5),
        st.booleans(),
    ),
    max_size=8,
)
TEXTS = st.none() | st.text(max_size=40) | st.lists(st.sampled_from([*WORDS, "!", "xx"]), max_size=5).map(" ".join)


@given(RULES, TEXTS, st.booleans(), st.data())
def test_the_tester_says_what_the_engine_does(rules: list[Rule], text: str | None, first: bool, data: st.DataObject) -> None:
    book = Rulebook(rules)
    cooling = data.draw(st.sets(st.sampled_from([one.id for one in rules]))) if rules else set()
    question = Question(text, first_contact=first, cooling=cooling)
    verdict, asked_one_by_one = (
        choose(book, question),
        next((at for at in range(len(rules)) if book.fits(at, question)), None),
    )
    assert verdict.at == asked_one_by_one == choose(Rulebook(reversed(rules)), question).at
    assert len(verdict.reasons) == len(rules) and all(one.text for one in verdict.reasons)
    assert [one.rule for one in verdict.reasons if one.outcome == "answers"] == ([verdict.rule] if verdict.rule else [])


@given(RULES, TEXTS, st.booleans())
def test_rules_that_are_off_do_not_change_what_the_engine_answers(rules: list[Rule], text: str | None, first: bool) -> None:
    """The engine loads only what is on; the tester sees all."""
    question = Question(text, first_contact=first)
    assert choose(Rulebook(rules), question).rule == choose(Rulebook(one for one in rules if one.enabled), question).rule
