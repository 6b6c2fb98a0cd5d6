"""Signing in through a provider of OpenID Connect: there and back, by an identity that is linked to a user."""

from frontdesk.single_sign_on.discovery import ProviderUnavailable
from frontdesk.single_sign_on.provider import Provider

__all__ = ["Provider", "ProviderUnavailable"]
