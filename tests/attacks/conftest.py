"""Where the tries are made: the assembled product with a shop, and a paying neighbour who wants in."""

from tests.api.conftest import desk
from tests.attacks.street import street
from tests.messages.inbox.conftest import bakery, salon, shops, site

__all__ = ["bakery", "desk", "salon", "shops", "site", "street"]
