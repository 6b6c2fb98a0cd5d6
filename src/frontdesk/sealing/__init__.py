"""The secrets of organizations, each sealed with its organization's data key; and the keys of the installation."""

from frontdesk.sealing.actions import SecretsLocked, badge, data_key, require_keys

__all__ = ["SecretsLocked", "badge", "data_key", "require_keys"]
