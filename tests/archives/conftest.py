"""Shops that have something to lose."""

from tests.furnished import desk, neighbour

__all__ = ["desk", "neighbour"]
