"""Questions over what happened; reads only."""

from frontdesk.analytics.records import DayCount, Figures, Step, Waiting

__all__ = ["DayCount", "Figures", "Step", "Waiting"]
