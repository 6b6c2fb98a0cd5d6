"""The user's own page: what he is called, where he is signed in, and his password."""
