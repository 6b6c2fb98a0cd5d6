"""An organization's WhatsApp numbers, and how to speak on each."""

from frontdesk.channels.actions import (
    SANDBOX_SCOPE,
    NoSimulator,
    NoSuchChannel,
    NumberTaken,
    connect,
    disconnect,
    open_sandbox,
    renew_token,
    token_context,
)
from frontdesk.channels.addresses import endpoint, webhook_url
from frontdesk.channels.cloud_api import Session, Unreadable, about, answer_handshake, read, signed, speak, split
from frontdesk.channels.connected import CLOUD_API, SIMULATOR, ConnectedChannel, NewChannel
from frontdesk.channels.derived import derived_id
from frontdesk.channels.lanes import Lane, Lanes, Leased
from frontdesk.channels.own_apps import OwnApp, find_own_app
from frontdesk.channels.proofs import NotItsNumber, Proof, TokenRefused, WhatsAppNotAsked, prove, prove_new
from frontdesk.channels.records import (
    Accepted,
    Channel,
    Event,
    InboundMessage,
    InboundStatus,
    Outcome,
    Refused,
    Sender,
    Uncertain,
    Unreached,
)
from frontdesk.channels.simulator.identifiers import bsuid_of as simulated_bsuid
from frontdesk.channels.speaking import CannotSay, request
from frontdesk.channels.store import all_of as list_channels
from frontdesk.channels.store import note_inbound, organization_by_slug, sample_customer, sandbox_numbers, sandbox_of

__all__ = [
    "CLOUD_API",
    "SANDBOX_SCOPE",
    "SIMULATOR",
    "Accepted",
    "CannotSay",
    "Channel",
    "ConnectedChannel",
    "Event",
    "InboundMessage",
    "InboundStatus",
    "Lane",
    "Lanes",
    "Leased",
    "NewChannel",
    "NoSimulator",
    "NoSuchChannel",
    "NotItsNumber",
    "NumberTaken",
    "Outcome",
    "OwnApp",
    "Proof",
    "Refused",
    "Sender",
    "Session",
    "TokenRefused",
    "Uncertain",
    "Unreached",
    "Unreadable",
    "WhatsAppNotAsked",
    "about",
    "answer_handshake",
    "connect",
    "derived_id",
    "disconnect",
    "endpoint",
    "find_own_app",
    "list_channels",
    "note_inbound",
    "open_sandbox",
    "organization_by_slug",
    "prove",
    "prove_new",
    "read",
    "renew_token",
    "request",
    "sample_customer",
    "sandbox_numbers",
    "sandbox_of",
    "signed",
    "simulated_bsuid",
    "speak",
    "split",
    "token_context",
    "webhook_url",
]  # fmt: skip
