"""The shops of the inbox's tests, with their teams in front of the product over HTTP."""

from tests.messages.inbox.conftest import bakery, salon, shops, site

__all__ = ["bakery", "salon", "shops", "site"]
