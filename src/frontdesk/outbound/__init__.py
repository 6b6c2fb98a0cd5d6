"""What leaves: claim, speak, record."""

from frontdesk.outbound.road import OutboundRoad

__all__ = ["OutboundRoad"]
