"""Where a channel's messages are posted, and where WhatsApp posts to us."""

from frontdesk.channels.cloud_api import messages_url, number_url
from frontdesk.channels.connected import SIMULATOR
from frontdesk.channels.records import Channel
from frontdesk.settings import Settings

WEBHOOK_PATH = "/webhooks/whatsapp"


def endpoint(settings: Settings, channel: Channel) -> str:
    """The address that takes this channel's messages: Meta's, or the simulator's for a sandbox number."""
    return messages_url(_graph_url(settings, channel.kind), settings.whatsapp_graph_version, channel.phone_number_id)


def number_address(settings: Settings, phone_number_id: str) -> str:
    """The address at which Meta shows a number to who may speak for it."""
    return number_url(settings.whatsapp_graph_url, settings.whatsapp_graph_version, phone_number_id)


def webhook_url(settings: Settings, webhook_token: str | None = None) -> str:
    """The address to give to Meta, as far as the settings know it: the one for all, or that of an organization's own app."""
    return (settings.public_url or settings.base_url) + WEBHOOK_PATH + (f"/{webhook_token}" if webhook_token else "")


def _graph_url(settings: Settings, kind: str) -> str:
    if kind == SIMULATOR:
        return (settings.simulator_url or f"{settings.base_url}/simulator") + "/graph"
    return settings.whatsapp_graph_url
