"""How what operators do reads in the log of an organization; see wordings.py."""

from frontdesk.audit.records import Wording

_ = str  # marks a sentence for translation; it is looked up when it is shown

DEEDS = {
    "organization.suspended": Wording(
        "organization", "ban", (_("%(actor)s suspended the organization: %(reason)s"), _("%(actor)s suspended the organization")), "bad"
    ),
    "organization.resumed": Wording("organization", "play", (_("%(actor)s let the organization go on"),), "ok"),
    "operator.view_begun": Wording(
        "exports", "search", (_("%(actor)s looked into the organization, because: %(reason)s"), _("%(actor)s looked into the organization")), "warn"
    ),
    "operator.view_ended": Wording("exports", "search", (_("%(actor)s does not look into the organization any more"),)),
    "operator.export_begun": Wording(
        "exports",
        "download",
        (_("%(actor)s took the organization’s data along, because: %(reason)s"), _("%(actor)s took the organization’s data along")),
        "bad",
    ),
    "operator.granted": Wording("rights", "key", (_("%(actor)s made %(name)s an operator"), _("%(actor)s made somebody an operator")), "warn"),
    "operator.revoked": Wording(
        "rights", "ban", (_("%(actor)s made %(name)s a user again, who was an operator"), _("%(actor)s made an operator a user again")), "warn"
    ),
    "subscription.plan_changed": Wording(
        "money", "billing", (_("%(actor)s changed the plan from %(from)s to %(to)s"), _("%(actor)s changed the plan")), "warn"
    ),
    "subscription.change_ordered": Wording(
        "money",
        "billing",
        (
            _("%(actor)s asked for a change from %(from)s to %(to)s, because: %(reason)s"),
            _("%(actor)s asked for a change from %(from)s to %(to)s"),
            _("%(actor)s asked for another plan"),
        ),
        "warn",
    ),
    "subscription.cancellation_ordered": Wording(
        "money",
        "ban",
        (
            _("%(actor)s asked for %(plan)s to end with its period, because: %(reason)s"),
            _("%(actor)s asked for %(plan)s to end with its period"),
            _("%(actor)s asked for the plan to end with its period"),
        ),
        "bad",
    ),
    "subscription.keeping_ordered": Wording(
        "money",
        "refresh",
        (
            _("%(actor)s asked for %(plan)s to go on as it is, because: %(reason)s"),
            _("%(actor)s asked for %(plan)s to go on as it is"),
            _("%(actor)s asked for the plan to go on as it is"),
        ),
        "ok",
    ),
    "entitlement.overridden": Wording(
        "money",
        "settings",
        (
            _("%(actor)s made an exception from the plan, because: %(reason)s"),
            _("%(actor)s made an exception from the plan about %(key)s"),
            _("%(actor)s made an exception from the plan"),
        ),
        "warn",
    ),
    "entitlement.restored": Wording(
        "money", "settings", (_("%(actor)s ended the exception from the plan about %(key)s"), _("%(actor)s ended an exception from the plan"))
    ),
    "list.exported": Wording(
        "exports", "download", (_("%(actor)s took the list of %(name)s along as a file"), _("%(actor)s took a list along as a file")), "warn"
    ),
    "usage.mended": Wording(
        "money",
        "refresh",
        (
            _("%(actor)s set the counter of %(metric)s from %(from)s to %(to)s, as a recount found"),
            _("%(actor)s set a counter to what a recount found"),
        ),
        "warn",
    ),
    "plan.changed": Wording("money", "billing", (_("%(actor)s changed the plan %(name)s"), _("%(actor)s changed a plan")), "warn"),
    "plan.created": Wording("money", "billing", (_("%(actor)s made the plan %(name)s"), _("%(actor)s made a plan")), "ok"),
    "subscription.trial_extended": Wording(
        "money", "calendar", (_("%(actor)s let the trial end later, on %(to)s"), _("%(actor)s let the trial end later")), "ok"
    ),
    "user.locked": Wording(
        "sign_in", "lock", (_("%(actor)s shut %(name)s out: %(reason)s"), _("%(actor)s shut %(name)s out"), _("%(actor)s shut a member out")), "bad"
    ),
    "user.unlocked": Wording("sign_in", "unlock", (_("%(actor)s let %(name)s sign in again"), _("%(actor)s let a member sign in again")), "ok"),
    "user.second_factor_reset": Wording(
        "sign_in",
        "lifebuoy",
        (
            _("%(actor)s took the second factors of %(name)s away. What proved who that is: %(reason)s"),
            _("%(actor)s took the second factors of %(name)s away"),
            _("%(actor)s took a member’s second factors away"),
        ),
        "bad",
    ),
    "billing_event.replayed": Wording(
        "money", "refresh", (_("%(actor)s had the billing event %(name)s handled again"), _("%(actor)s had a billing event handled again"))
    ),
    "deliveries.replayed": Wording("conversations", "refresh", (_("%(actor)s told kept events again: %(deliveries)s"), _("%(actor)s told kept events again"))),
}
