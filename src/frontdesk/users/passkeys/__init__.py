"""Passkeys: keys of the user's devices, which sign for this site only and after they have seen their user."""
