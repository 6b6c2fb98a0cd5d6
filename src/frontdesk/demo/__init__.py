"""A believable shop to look around in: contacts, conversations of several days and rules, on the sandbox number."""

from frontdesk.demo.actions import NoSampleData, load

__all__ = ["NoSampleData", "load"]
