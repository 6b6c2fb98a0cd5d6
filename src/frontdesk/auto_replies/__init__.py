"""Rules that answer by themselves."""

from frontdesk.auto_replies.actions import NoSuchRule, answer, create, delete, edit, move, open_houses, switch
from frontdesk.auto_replies.records import Proposal, Question, Reason, Rule, Rulebook, Verdict, choose

__all__ = [
    "NoSuchRule", "Proposal", "Question", "Reason", "Rule", "Rulebook", "Verdict",
    "answer", "choose", "create", "delete", "edit", "move", "open_houses", "switch",
]  # fmt: skip
