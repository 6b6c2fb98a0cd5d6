"""WhatsApp's Cloud API: check who calls, read what came, say what is to be said."""

from frontdesk.channels.cloud_api.client import Session
from frontdesk.channels.cloud_api.codes import rule
from frontdesk.channels.cloud_api.json_text import Unreadable
from frontdesk.channels.cloud_api.others import about
from frontdesk.channels.cloud_api.parse import read, split
from frontdesk.channels.cloud_api.proof import number_url, prove
from frontdesk.channels.cloud_api.send import messages_url, reaction, read_receipt, speak, text
from frontdesk.channels.cloud_api.verify import answer_handshake, signed

__all__ = [
    "Session",
    "Unreadable",
    "about",
    "answer_handshake",
    "messages_url",
    "number_url",
    "prove",
    "reaction",
    "read",
    "read_receipt",
    "rule",
    "signed",
    "speak",
    "split",
    "text",
]
