"""The simulated Stripe: an account of one's own behind the official library, with webhooks, and all that can go wrong."""

from frontdesk.billing.simulator.app import PROGRAM_PATHS, NotInProduction, build, running
from frontdesk.billing.simulator.records import API_VERSION, KEY_PREFIX, Pace, SimulatorSettings

__all__ = ["API_VERSION", "KEY_PREFIX", "PROGRAM_PATHS", "NotInProduction", "Pace", "SimulatorSettings", "build", "running"]
