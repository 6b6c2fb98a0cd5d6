"""Live updates: pages are told *that* something changed, and fetch what they show."""

from frontdesk.live.hub import ANYTHING, SESSIONS, Listener, Live, TooManyStreams
from frontdesk.live.stream import EventStream, Stream

__all__ = ["ANYTHING", "SESSIONS", "EventStream", "Listener", "Live", "Stream", "TooManyStreams"]
