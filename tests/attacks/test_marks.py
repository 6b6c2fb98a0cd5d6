"""Accents piled up by the thousand: to put them in order takes time by the square of their number, during which nobody else would be served."""

import time

import pytest

from frontdesk import folding
from frontdesk.auto_replies import folding as of_rules
from frontdesk.users.fields import email_key
from frontdesk.users.passwords import normal
from frontdesk.users.strength import weakness
from tests.attacks.street import Street
from tests.users.browser import PASSWORD, Browser

PILES = ["a" + "\u0301" * 20_000 + "\u0327" * 20_000, "\u0f73" * 20_000, "\u0344\u0327" * 20_000, "\ufdfa" * 10_000]
SOON = 3.0  # seconds; in order they would be after ten times as many


@pytest.mark.parametrize("pile", PILES, ids=["marks", "hidden marks", "both", "long forms"])
@pytest.mark.parametrize("reads", [folding.fold, of_rules.fold, email_key, normal, weakness])
def test_no_pile_takes_long(reads: object, pile: str) -> None:
    began = time.perf_counter()
    assert callable(reads)
    reads(pile)
    assert time.perf_counter() - began < SOON


@pytest.mark.parametrize("text", ["Ngũgĩ wa Thiong'o", "שָׁלוֹם", "नमस्ते", "Việt Nam", "é" * 500, "ཀྲཱི"])
def test_what_people_write_is_no_pile(text: str) -> None:
    assert not folding.overmarked(text) and folding.tamed(text) == text


def test_a_pile_is_found_by_the_letters_under_it() -> None:
    assert folding.fold("Z" + "\u0301" * 31 + "algo") == of_rules.fold("Z" + "\u0301" * 31 + "algo") == "zalgo"


@pytest.mark.parametrize("path", ["/login", "/register", "/forgotten-password"])
async def test_no_door_of_strangers_is_held_up(street: Street, path: str) -> None:
    fields = {"email": "maya@example.com", "password": PASSWORD, "name": "Eve", "organization_name": "Eve's"}
    for field in fields:
        async with Browser(street.built) as eve:
            began = time.perf_counter()
            answer = await eve.send(path, page=path, **(fields | {field: PILES[0]}))
            assert time.perf_counter() - began < SOON and answer.status_code in (200, 303, 409, 422, 429), (field, answer.status_code)
