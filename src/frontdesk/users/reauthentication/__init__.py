"""Proving once more that it is the user himself who sits in front of a session."""
