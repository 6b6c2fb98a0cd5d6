"""What an API key looks like, and what is kept of it."""

import hashlib
import re
import secrets
import string
import zlib

LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
PREFIX = "fd_live_"
CHANCE, CHECK, SHOWN = 32, 6, 6  # letters: 190 bits of chance, a checksum that finds misreadings, and how many of them are shown
_KEY = re.compile(f"{PREFIX}[0-9A-Za-z]{{{CHANCE + CHECK}}}")


def new_key() -> str:
    """A key that nobody can guess: `fd_live_`, 32 letters of chance and a checksum."""
    body = PREFIX + "".join(secrets.choice(LETTERS) for _ in range(CHANCE))
    return body + _checksum(body)


def shown_of(key: str) -> str:
    """The beginning of a key, by which people tell theirs apart."""
    return key[: len(PREFIX) + SHOWN]


def hash_of(written: str) -> bytes | None:
    """What is looked up for a key; None for what cannot be one, such as half of one."""
    if not _KEY.fullmatch(written) or written[-CHECK:] != _checksum(written[:-CHECK]):
        return None
    return hashlib.sha256(written.encode()).digest()


def _checksum(body: str) -> str:
    number, letters = zlib.crc32(body.encode()), ""
    for _ in range(CHECK):
        number, rest = divmod(number, len(LETTERS))
        letters = LETTERS[rest] + letters
    return letters
