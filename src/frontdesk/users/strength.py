"""Which passwords are refused: those that attackers try first.

No rules about capitals and digits (NIST SP 800-63B, OWASP ASVS 6.2).
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from frontdesk.users.passwords import LONGEST, normal

SHORTEST = 10
LISTS = Path(__file__).parent / "data"
ROWS = (
    "1234567890", "0123456789", "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop",
)  # fmt: skip
LEET = str.maketrans("@4031!5$7", "aaoeiisst")
STEP_SHARE = 0.8  # of the steps from one character to the next, how many may follow a row of the keyboard
ADVICE = "Take a longer one, such as four words that do not belong together."


def weakness(password: str, about: Iterable[str] = ()) -> str | None:
    """What is wrong with a new password, in words for its user, or None.

    about: what others know of him, such as his name and email.
    """
    given = normal(password)
    if len(given) < SHORTEST:
        return f"Use at least {SHORTEST} characters. This has {len(given)}." if given else "Fill this in."
    if len(given) > LONGEST:
        return f"Use at most {LONGEST:,} characters. This has {len(given):,}."
    if _is_about(given, about):
        return f"This is made of your own name or address, which others know. {ADVICE}"
    if _is_common(given.casefold()):
        return f"Attackers try this password first. {ADVICE}"
    return None


def _is_about(password: str, known: Iterable[str]) -> bool:
    bare = _letters_and_digits(password)
    texts = [_letters_and_digits(part) for text in known for part in (text, text.partition("@")[0])]
    return any(len(text) >= 4 and text in (bare, _core(bare)) for text in texts)


def _is_common(password: str) -> bool:
    return password in _listed() or _is_dull(password) or _is_common_word(_unit(password))


def _is_common_word(word: str) -> bool:
    cores = {_core(word), _core(word).translate(LEET), _core(word.translate(LEET))}
    return any(core in _words() or core in _listed() for core in cores)


def _is_dull(password: str) -> bool:
    """Whether it hardly ever leaves the rows of a keyboard, or repeats a few characters."""
    steps = [password[i : i + 2] for i in range(len(password) - 1)]
    along = sum(step[0] == step[1] or step in _row_steps() for step in steps)
    return len(set(password)) < 5 or along >= STEP_SHARE * len(steps)


def _unit(password: str) -> str:
    """The part that is repeated (`monkey` of `monkeymonkey`), or the whole."""
    period = (password + password).find(password, 1)
    return password[:period]


def _core(password: str) -> str:
    """The word without the digits and signs around it: `monkey` of `monkey2024!`."""
    return re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password)


def _letters_and_digits(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


@cache
def _row_steps() -> frozenset[str]:
    lines = [line for row in ROWS for line in (row, row[::-1])]
    return frozenset(line[i : i + 2] for line in lines for i in range(len(line) - 1))


@cache
def _listed() -> frozenset[str]:
    return _read("common_passwords.txt")


@cache
def _words() -> frozenset[str]:
    return _read("common_words.txt")


def _read(name: str) -> frozenset[str]:
    lines = (LISTS / name).read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("# "))
