"""The simulator: a WhatsApp of one's own, with its Graph API, its webhooks, a phone, and all that can go wrong."""

from frontdesk.channels.simulator.app import PROGRAM_PATHS, NotInProduction, build, run, running
from frontdesk.channels.simulator.identifiers import access_token, waba_id
from frontdesk.channels.simulator.records import Limits, Pace, Person, Recalled, SandboxNumber, SimulatorSettings

__all__ = [
    "PROGRAM_PATHS",
    "Limits",
    "NotInProduction",
    "Pace",
    "Person",
    "Recalled",
    "SandboxNumber",
    "SimulatorSettings",
    "access_token",
    "build",
    "run",
    "running",
    "waba_id",
]
