"""Everything an organization has, as one file to take along."""

from frontdesk.archives.actions import begin, stream

__all__ = ["begin", "stream"]
