"""Tokens that open something: made at random, given away once, and kept as a hash only."""

import hashlib
import secrets

LENGTH = 43  # 256 random bits in base64


def new_token() -> str:
    """A token to give away."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> bytes:
    """What is kept of a token: a copy of it opens nothing."""
    return hash_of_bytes(token.encode())


def hash_of_bytes(token: bytes) -> bytes:
    """The same of a token that is no text."""
    return hashlib.sha256(token).digest()


def is_token(text: str) -> bool:
    """Whether this can be one at all."""
    return len(text) == LENGTH
