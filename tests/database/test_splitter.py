"""A migration file falls apart into the statements that PostgreSQL would see, whatever they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.database.splitter import Unfinished, first_line, first_word, split

WHOLE = {
    "a semicolon in quotes": "select 'a;b', ';'",
    "a doubled quote": "select 'it''s; fine'",
    "a backslash escape": r"select e'it\'s; fine', E'\\'",
    "a backslash before a plain quote's end": r"select 'C:\', 1",
    "a quoted name": 'create table "odd;""name" (id int)',
    "dollar quotes": "create function f() returns int language plpgsql as $$ begin return 1; end; $$",
    "named dollar quotes around others": "do $body$ begin execute $$ select 1; $$; end; $body$",
    "a dollar sign inside a name": ["select a$b$c", " select 1"][0],
    "a line comment": "select 1 -- not; the end\n, 2",
    "a block comment": "select /* ; */ 1",
    "nested block comments": "select /* a /* ; */ ; */ 1",
    "a quote inside a comment": "select 1 -- it's\n, 2",
    "parentheses": "create rule r as on insert to t do also (insert into a values (1); insert into b values (2))",
    "an atomic body": "create function f() returns int begin atomic select 1; select case when true then 2 end; end",
    "a type before a string": "select date '2024-01-01', date'2024-01-01;'",
    "an array": "select array[';', ';'][1]",
}


@pytest.mark.parametrize("statement", WHOLE.values(), ids=WHOLE.keys())
def test_what_stands_inside_does_not_cut_a_statement(statement: str) -> None:
    assert split(f"{statement};\nselect 'next';") == [statement, "select 'next'"]


def test_the_last_statement_needs_no_semicolon() -> None:
    assert split("select 1; select 2") == ["select 1", "select 2"]


def test_comments_and_empty_statements_are_no_statements() -> None:
    assert split("-- nothing\n;; /* here */ ;\n") == []


def test_a_comment_stays_with_the_statement_below_it() -> None:
    assert split("select 1;\n-- why\nselect 2;") == ["select 1", "-- why\nselect 2"]


def test_a_transaction_block_is_not_taken_for_a_body() -> None:
    assert split("begin; select 1; end;") == ["begin", "select 1", "end"]


@pytest.mark.parametrize("sql", ["select 'open", 'select "open', "do $$ open", "do $a$ open $b$", "/* /* open */", "select e'open\\'"])
def test_what_is_never_closed_is_refused_with_its_line(sql: str) -> None:
    with pytest.raises(Unfinished, match="line 3"):
        split(f"select 1;\n\n{sql}")


def test_a_statement_is_named_by_its_first_line_and_word() -> None:
    statement = "-- a reason\n/* another */\n  Create table t (\n id int)"
    assert first_line(statement) == "Create table t ("
    assert first_word(statement) == "create"


PIECES = st.sampled_from(["select 1", "'a;b'", "$$;$$", "$x$ ; $x$", "-- ;\n", "/* ; */", '"a;b"', "(", ")", "e'\\';'", "a"])


@given(st.lists(st.lists(PIECES, min_size=1, max_size=6).map(lambda pieces: "select " + " ".join(pieces)), max_size=5))
def test_every_statement_comes_back_in_order(statements: list[str]) -> None:
    closed = [one + ")" * (one.count("(")) for one in statements]
    assert split(" ;\n".join(closed)) == [one.strip() for one in closed]
