"""Recovery codes: ten, shown once, each good for one sign-in.

A code has fifty random bits, too few for a fast hash (ASVS 6.5.2). All codes of a set share their salt, so that looking one up costs one slow hash.
"""

import secrets
from dataclasses import dataclass

from argon2.low_level import Type, hash_secret_raw

from frontdesk.users.passwords import in_the_workshop

HOW_MANY, LETTERS_EACH = 10, 10
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32: nothing that is read as something else
MISREAD = str.maketrans("oil", "011")


@dataclass(frozen=True, slots=True)
class CodeSet:
    """Codes to show, and what is kept of them."""

    codes: list[str]
    salt: bytes
    hashes: list[bytes]


def new_codes() -> list[str]:
    """Ten codes as they are written: `7k3vq-m2x9d`."""
    return [_written("".join(secrets.choice(LETTERS) for _ in range(LETTERS_EACH))) for _ in range(HOW_MANY)]


def new_salt() -> bytes:
    """A salt for one set."""
    return secrets.token_bytes(16)


async def first_set(codes_left: int) -> CodeSet:
    """Ten codes for a user who has none left, else none. Raises PasswordsBusy."""
    codes, salt = [] if codes_left else new_codes(), new_salt()
    return CodeSet(codes, salt, await hashes_of(codes, salt) if codes else [])


async def hashes_of(codes: list[str], salt: bytes) -> list[bytes]:
    """What is kept of codes, as slowly as of a password. Raises PasswordsBusy."""
    return await in_the_workshop(_hashes, [normal(code) for code in codes], salt)


def normal(code: str) -> str:
    """A code as it is hashed: without what one types between the letters, and with those that are easily misread."""
    return "".join(letter for letter in code.lower().translate(MISREAD) if letter in LETTERS)[: 2 * LETTERS_EACH]


def _written(code: str) -> str:
    return f"{code[:5]}-{code[5:]}"


def _hashes(codes: list[str], salt: bytes) -> list[bytes]:
    return [hash_secret_raw(code.encode(), salt, time_cost=2, memory_cost=19_456, parallelism=1, hash_len=32, type=Type.ID) for code in codes]
