"""Hashing and checking passwords, away from the event loop and only a few at a time."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from frontdesk.errors import TooManyRequests
from frontdesk.folding import overmarked

T = TypeVar("T")
LONGEST = 1000  # characters of a password
AT_ONCE = 2  # each takes 19 MiB and a core for some 40 ms
WAITING = 250  # some five seconds of work: two hundred at once get in; whoever comes later is better told than kept
# Argon2id as OWASP's Password Storage Cheat Sheet recommends it: 19 MiB, two passes, one lane.
HASHER = PasswordHash((Argon2Hasher(memory_cost=19_456, time_cost=2, parallelism=1),))
# The hash of a random text nobody kept, made with the same parameters: what a stranger's password is checked against.
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$U6Z2khwsv4AxhBlLqt6CgA$GrfJjoDtp1CdxwzJWV4RX2clkd81z9Jz4sC13DzYC90"


class PasswordsBusy(TooManyRequests):
    """Many people are signing in at this moment. Try again in a few seconds."""


@dataclass(frozen=True, slots=True)
class Check:
    """Whether the password was right, and a stronger hash to keep when the old one is weaker than today's."""

    right: bool
    new_hash: str | None = None


class Workshop:
    """The threads that hash; `waiting` more may stand in line."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        """Nothing is started until the first password comes."""
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="password")
        self._room, self._inside = at_once + waiting, 0

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do the work in a thread. Raises PasswordsBusy at once when the line is full."""
        if self._inside >= self._room:
            raise PasswordsBusy
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._inside -= 1


_workshop = Workshop()


async def in_the_workshop(work: Callable[..., T], *arguments: Any) -> T:
    """Do other slow hashing in the same few threads. Raises PasswordsBusy."""
    return await _workshop.run(work, *arguments)


async def hashed(password: str) -> str:
    """The hash to keep. Raises PasswordsBusy."""
    return await _workshop.run(HASHER.hash, normal(password))


async def check(password: str, password_hash: str | None) -> Check:
    """Whether the password fits. Without a hash the same work is done in vain, so that time tells nothing.

    Raises PasswordsBusy.
    """
    return await _workshop.run(_check, normal(password), password_hash)


def normal(password: str) -> str:
    """One form for what keyboards write in several (NIST SP 800-63B, section 3.1.1.2).

    What nobody's password can be stays as it is: to bring it into that form may take minutes. (No four characters become less than one.)
    """
    return password if len(password) > 4 * LONGEST or overmarked(password) else unicodedata.normalize("NFKC", password)


def _check(password: str, password_hash: str | None) -> Check:
    try:
        right, new_hash = HASHER.verify_and_update(password, password_hash or NOBODY)
    except UnknownHashError:  # a hash of another kind, such as Supabase's bcrypt
        HASHER.verify(password, NOBODY)
        return Check(right=False)
    known = right and password_hash is not None
    return Check(known, new_hash if known else None)
