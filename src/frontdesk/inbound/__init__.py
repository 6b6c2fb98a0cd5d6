"""What arrives: keep it, then tell its story."""

from frontdesk.inbound.actions import tell
from frontdesk.inbound.keeper import Keeper
from frontdesk.inbound.own_app import OwnAppWebhook
from frontdesk.inbound.protocol import WebhookProtocol
from frontdesk.inbound.records import Place, Told
from frontdesk.inbound.road import InboundRoad
from frontdesk.inbound.webhook import Source, Webhook

__all__ = ["InboundRoad", "Keeper", "OwnAppWebhook", "Place", "Source", "Told", "Webhook", "WebhookProtocol", "tell"]
