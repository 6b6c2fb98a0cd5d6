"""API keys: how an organization's own programs come in."""

from frontdesk.api_keys.actions import NoSuchKey, create, revoke
from frontdesk.api_keys.records import ApiKey, NewKey

__all__ = ["ApiKey", "NewKey", "NoSuchKey", "create", "revoke"]
