"""What leaves: claim, speak, record."""

from frontdesk.outbound.ahead import Ahead
from frontdesk.outbound.road import OutboundRoad

__all__ = ["Ahead", "OutboundRoad"]
