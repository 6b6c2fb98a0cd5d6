"""How the actions of the log read: a sentence, the group they are looked for by, and an icon.

`%(actor)s` did it; `%(name)s` is what the thing is called; `%(from)s` and `%(to)s` are of the field that changed; anything else is one of the
entry's details. The first sentence for which the entry knows every word is taken. An action that is not listed here, as one of a later
version, is told by its own words.
"""

from frontdesk.audit.deeds import DEEDS
from frontdesk.audit.records import Wording

_ = str  # marks a sentence for translation; it is looked up when it is shown


GROUPS = {
    "rights": _("Members and roles"),
    "sign_in": _("Sign-in and accounts"),
    "keys": _("API keys"),
    "channels": _("Channels"),
    "contacts": _("Contacts"),
    "conversations": _("Conversations"),
    "rules": _("Auto replies"),
    "money": _("Plan and billing"),
    "organization": _("Organization and settings"),
    "exports": _("Exports and the log"),
}

WORDINGS = {
    "user.registered": Wording("sign_in", "user-plus", (_("%(actor)s registered"),), "ok"),
    "user.signed_in": Wording("sign_in", "user", (_("%(actor)s signed in"),)),
    "user.sign_in_failed": Wording("sign_in", "lock", (_("Somebody failed to sign in as %(actor)s"),), "bad"),
    "user.signed_out": Wording("sign_in", "logout", (_("%(actor)s signed out"),)),
    "user.signed_out_everywhere": Wording(
        "sign_in", "logout", (_("%(actor)s signed out everywhere, sessions: %(sessions)s"), _("%(actor)s signed out everywhere"))
    ),
    "user.renamed": Wording("sign_in", "user", (_("%(actor)s changed a name from %(from)s to %(to)s"), _("%(actor)s took another name"))),
    "user.other_sessions_revoked": Wording(
        "sign_in", "lock", (_("%(actor)s signed out on every other device, sessions: %(sessions)s"), _("%(actor)s signed out on every other device")), "warn"
    ),
    "user.password_changed": Wording("sign_in", "key", (_("%(actor)s changed the password"),), "warn"),
    "user.reauthenticated": Wording("sign_in", "unlock", (_("%(actor)s proved again who that is"),)),
    "user.reauthentication_failed": Wording("sign_in", "lock", (_("Somebody at %(actor)s’s device failed to prove to be that person"),), "bad"),
    "user.second_factor_failed": Wording("sign_in", "lock", (_("Somebody who proved to be %(actor)s failed at the second factor"),), "bad"),
    "user.released_by_operator": Wording("sign_in", "lifebuoy", (_("%(actor)s took a member’s second factors away"),), "warn"),
    "authenticator.added": Wording("sign_in", "key", (_("%(actor)s set up an authenticator app"),), "ok"),
    "authenticator.removed": Wording("sign_in", "key", (_("%(actor)s turned the authenticator app off"),), "warn"),
    "passkey.added": Wording("sign_in", "key", (_("%(actor)s added the passkey %(name)s"), _("%(actor)s added a passkey")), "ok"),
    "passkey.renamed": Wording("sign_in", "key", (_("%(actor)s changed a passkey’s name from %(from)s to %(to)s"), _("%(actor)s renamed a passkey"))),
    "passkey.removed": Wording("sign_in", "key", (_("%(actor)s removed the passkey %(name)s"), _("%(actor)s removed a passkey")), "warn"),
    "recovery_codes.renewed": Wording("sign_in", "lifebuoy", (_("%(actor)s made new recovery codes"),), "warn"),
    "recovery_code.used": Wording("sign_in", "lifebuoy", (_("%(actor)s used a recovery code, %(left)s are left"), _("%(actor)s used a recovery code")), "warn"),
    "user.email_verified": Wording("sign_in", "mail", (_("%(actor)s confirmed an email"),), "ok"),
    "user.email_confirmed_by_operator": Wording("sign_in", "mail", (_("%(actor)s confirmed the email of a user"),), "warn"),
    "user.email_change_requested": Wording("sign_in", "mail", (_("%(actor)s asked for another email"),)),
    "user.email_changed": Wording("sign_in", "mail", (_("%(actor)s changed an email from %(from)s to %(to)s"), _("%(actor)s changed an email")), "warn"),
    "user.email_change_undone": Wording(
        "sign_in", "mail", (_("%(actor)s took an email back, from %(from)s to %(to)s"), _("%(actor)s took an email back")), "bad"
    ),
    "user.password_reset_requested": Wording("sign_in", "key", (_("Somebody asked for a new password of %(actor)s"),)),
    "user.password_reset": Wording("sign_in", "key", (_("%(actor)s set a new password by a link in a mail"),), "warn"),
    "user.identity_linked": Wording(
        "sign_in", "plug", (_("%(actor)s linked an account of %(issuer)s to sign in with"), _("%(actor)s linked an account to sign in with")), "warn"
    ),
    "user.identity_unlinked": Wording("sign_in", "plug", (_("%(actor)s unlinked an account that signed in"),), "warn"),
    "checkout.started": Wording("money", "billing", (_("%(actor)s went to pay for %(name)s"), _("%(actor)s went to pay for a plan"))),
    "credit.checkout_started": Wording("money", "billing", (_("%(actor)s went to pay for credit of %(amount)s"), _("%(actor)s went to pay for credit"))),
    "credit.bought": Wording("money", "receipt", (_("Credit of %(amount)s was bought"), _("Credit was bought")), "ok"),
    "credit.taken_back": Wording(
        "money", "receipt", (_("%(refunded)s paid for credit was paid back, and %(amount)s taken from what was left"), _("Credit was paid back")), "warn"
    ),
    "credit.given_back": Wording("money", "receipt", (_("%(amount)s of credit is back: its refund did not come about"), _("Credit is back")), "ok"),
    "portal.opened": Wording("money", "billing", (_("%(actor)s went to the payment pages"),)),
    "subscription.started": Wording("money", "billing", (_("The subscription to %(name)s began"), _("A subscription began")), "ok"),
    "subscription.changed": Wording("money", "billing", (_("The subscription to %(name)s changed"), _("The subscription changed"))),
    "subscription.ended": Wording("money", "billing", (_("The subscription ended; the plan is %(name)s now"), _("The subscription ended")), "warn"),
    "invoice.paid": Wording("money", "billing", (_("Invoice %(name)s was paid: %(amount)s"), _("An invoice was paid")), "ok"),
    "invoice.payment_failed": Wording(
        "money", "warning", (_("Invoice %(name)s could not be collected: %(amount)s"), _("An invoice could not be collected")), "bad"
    ),
    "session.revoked": Wording("sign_in", "lock", (_("%(actor)s ended a session on another device"),), "warn"),
    "member.role_changed": Wording(
        "rights", "team", (_("%(actor)s changed the role of %(name)s from %(from)s to %(to)s"), _("%(actor)s changed a member’s role")), "warn"
    ),
    "member.restrictions_changed": Wording(
        "rights", "eye-off", (_("%(actor)s changed the restrictions of %(name)s"), _("%(actor)s changed a member’s restrictions")), "warn"
    ),
    "member.removed": Wording("rights", "trash", (_("%(actor)s removed %(name)s from the team"), _("%(actor)s removed a member")), "bad"),
    "member.left": Wording("rights", "logout", (_("%(actor)s left the organization"),), "warn"),
    "organization.handed_over": Wording(
        "rights", "key", (_("%(actor)s handed the organization over to %(name)s"), _("%(actor)s handed the organization over")), "bad"
    ),
    "api_key.created": Wording("keys", "key", (_("%(actor)s made the API key %(name)s"), _("%(actor)s made an API key")), "warn"),
    "api_key.revoked": Wording("keys", "ban", (_("%(actor)s revoked the API key %(name)s"), _("%(actor)s revoked an API key")), "bad"),
    "member.invited": Wording("rights", "mail", (_("%(actor)s invited %(email)s"), _("%(actor)s invited somebody"))),
    "member.joined": Wording("rights", "user-plus", (_("%(actor)s accepted an invitation and joined"),), "ok"),
    "invitation.resent": Wording("rights", "mail", (_("%(actor)s sent the invitation of %(email)s again"), _("%(actor)s sent an invitation again"))),
    "invitation.revoked": Wording("rights", "trash", (_("%(actor)s took the invitation of %(email)s back"), _("%(actor)s took an invitation back")), "warn"),
    "channel.connected": Wording("channels", "plug", (_("%(actor)s connected the number %(number)s"), _("%(actor)s connected a number")), "ok"),
    "channel.disconnected": Wording("channels", "plug", (_("%(actor)s disconnected the number %(number)s"), _("%(actor)s disconnected a number")), "bad"),
    "channel.stopped": Wording("channels", "alert", (_("%(actor)s stopped the number %(number)s: %(reason)s"), _("%(actor)s stopped a number")), "bad"),
    "channel.token_renewed": Wording(
        "channels", "key", (_("%(actor)s put a new access token in place for %(number)s"), _("%(actor)s put a new access token in place")), "warn"
    ),
    "channel.app_secret_renewed": Wording(
        "channels", "key", (_("%(actor)s put a new app secret in place for %(number)s"), _("%(actor)s put a new app secret in place")), "warn"
    ),
    "contact.blocked": Wording("contacts", "ban", (_("%(actor)s blocked %(name)s"), _("%(actor)s blocked a contact")), "warn"),
    "contact.unblocked": Wording("contacts", "unlock", (_("%(actor)s unblocked %(name)s"), _("%(actor)s unblocked a contact"))),
    "contact.exported": Wording("exports", "download", (_("%(actor)s exported what is known of %(name)s"), _("%(actor)s exported a contact")), "warn"),
    "contact.erased": Wording("contacts", "trash", (_("%(actor)s erased a contact with %(messages)s messages"), _("%(actor)s erased a contact")), "bad"),
    "contact.renamed": Wording("contacts", "user", (_("%(actor)s changed a contact’s name from %(from)s to %(to)s"), _("%(actor)s renamed a contact"))),
    "auto_reply.created": Wording("rules", "robot", (_("%(actor)s wrote the auto reply %(name)s"), _("%(actor)s wrote an auto reply")), "ok"),
    "auto_reply.changed": Wording("rules", "robot", (_("%(actor)s changed the auto reply %(name)s"), _("%(actor)s changed an auto reply"))),
    "auto_reply.deleted": Wording("rules", "trash", (_("%(actor)s deleted the auto reply %(name)s"), _("%(actor)s deleted an auto reply")), "bad"),
    "auto_reply.switched_on": Wording("rules", "robot", (_("%(actor)s switched on the auto reply %(name)s"), _("%(actor)s switched on an auto reply"))),
    "auto_reply.switched_off": Wording(
        "rules", "robot", (_("%(actor)s switched off the auto reply %(name)s"), _("%(actor)s switched off an auto reply")), "warn"
    ),
    "auto_reply.moved": Wording(
        "rules", "robot", (_("%(actor)s moved the auto reply %(name)s from place %(from)s to %(to)s"), _("%(actor)s moved an auto reply"))
    ),
    "organization.second_factor_required": Wording("organization", "lock", (_("%(actor)s asked all members for a second factor"),), "warn"),
    "organization.second_factor_optional": Wording("organization", "unlock", (_("%(actor)s left the second factor to the members"),), "warn"),
    "organization.created": Wording("organization", "building", (_("%(actor)s founded %(name)s"), _("%(actor)s founded the organization")), "ok"),
    "organization.changed": Wording("organization", "building", (_("%(actor)s changed the name, the clock or the language of the organization"),)),
    "organization.exported": Wording("exports", "download", (_("%(actor)s took an archive of everything along"),), "warn"),
    "organization.deletion_requested": Wording(
        "organization",
        "trash",
        (_("%(actor)s asked for %(name)s to be deleted in %(days)s days"), _("%(actor)s asked for deletion")),
        "bad",
    ),
    "organization.deletion_undone": Wording(
        "organization", "history", (_("%(actor)s undid the deletion of %(name)s"), _("%(actor)s undid the deletion of the organization")), "ok"
    ),
    "sample_data.loaded": Wording(
        "organization", "flask", (_("%(actor)s loaded the sample data, %(contacts)s contacts"), _("%(actor)s loaded the sample data"))
    ),
    "usage_choice.changed": Wording("money", "billing", (_("%(actor)s changed what happens at a limit of the plan"),), "warn"),
    "usage.exported": Wording("exports", "download", (_("%(actor)s exported who used how much"),), "warn"),
    "usage.overage_billed": Wording(
        "money", "receipt", (_("%(actor)s billed %(units)s beyond the plan: %(name)s"), _("%(actor)s billed what went beyond the plan"))
    ),
    "audit.exported": Wording("exports", "download", (_("%(actor)s exported the audit log as %(form)s"), _("%(actor)s exported the audit log")), "warn"),
    "plan.limits_applied": Wording(
        "money",
        "minus",
        (_("The limits of %(name)s were applied: %(count)s changed between usable and read-only"), _("The limits of the plan were applied")),
        "warn",
    ),
    "plan.upgraded": Wording("money", "trend-up", (_("%(actor)s upgraded to %(name)s for %(amount)s"), _("%(actor)s upgraded the plan")), "ok"),
    "plan.upgrade_begun": Wording(
        "money", "clock", (_("%(actor)s asked for %(name)s; its payment has to be confirmed"), _("%(actor)s asked for a larger plan")), "warn"
    ),
    "plan.downgrade_scheduled": Wording("money", "calendar", (_("%(actor)s chose %(name)s from %(at)s on"), _("%(actor)s chose a smaller plan")), "warn"),
    "plan.kept": Wording("money", "refresh", (_("%(actor)s kept %(name)s after all"), _("%(actor)s kept the plan")), "ok"),
    "plan.canceled": Wording("money", "ban", (_("%(actor)s canceled %(name)s"), _("%(actor)s canceled the plan")), "bad"),
    "subscription.trial_ended": Wording("money", "clock", (_("The trial of %(name)s ended"), _("The trial ended")), "warn"),
    "subscription.access_reduced": Wording(
        "money", "warning", (_("%(name)s is not paid: less is possible until it is"), _("A payment is overdue: less is possible until it is paid")), "bad"
    ),
} | DEEDS

# What fields and things are called.
NAMES = {
    "access_token": _("Access token"),
    "access": _("Access"),
    "api_key": _("API key"),
    "auto_reply": _("Auto reply"),
    "cap": _("Cap, in cents a month"),
    "channel": _("Channel"),
    "contact": _("Contact"),
    "contacts": _("Contacts"),
    "cooldown_seconds": _("Seconds between two answers"),
    "email": _("Email"),
    "expires_at": _("Ends"),
    "given_name": _("Name"),
    "given_to": _("Given to"),
    "invitation": _("Invitation"),
    "keywords": _("Words"),
    "locale": _("Language"),
    "match": _("How strictly"),
    "member": _("Member"),
    "metric": _("What is counted"),
    "period": _("Period from"),
    "messages": _("Messages"),
    "name": _("Name"),
    "networks": _("Networks"),
    "number": _("Number"),
    "on": _("On"),
    "organization": _("Organization"),
    "owner": _("Owner"),
    "own_app": _("Own Meta app"),
    "place": _("Place"),
    "reason": _("Reason"),
    "sandbox": _("Sandbox"),
    "stopped_reason": _("Stopped, because"),
    "days": _("Days"),
    "form": _("Form"),
    "filters": _("Filters"),
    "phone_number_id": _("Phone number ID"),
    "prefix": _("Begins with"),
    "reply": _("Text"),
    "restrictions": _("Restrictions"),
    "role": _("Role"),
    "scopes": _("Permissions"),
    "session": _("Session"),
    "sessions": _("Sessions"),
    "timezone": _("Time zone"),
    "since": _("From"),
    "tables": _("Tables"),
    "trial_ends_at": _("End of the trial"),
    "trigger": _("What happens"),
    "units": _("Units"),
    "until": _("To"),
    "usage_metric": _("Limit"),
    "user": _("User"),
    "value": _("Value"),
}

# Values that are words of ours; everything else is shown as it is.
VALUES = {
    "owner": _("owner"),
    "admin": _("admin"),
    "member": _("member"),
    "viewer": _("viewer"),
    "contacts:export": _("no export of contacts"),
    "conversations:oversee": _("own and unassigned conversations only"),
    "phone_numbers:read": _("masked phone numbers"),
    "ai_replies": _("AI replies"),
    "api_requests": _("API calls"),
    "auto_replies": _("auto replies"),
    "media_bytes": _("bytes of media"),
    "messages_received": _("messages received"),
    "messages_sent": _("messages sent"),
    "past_due": _("payment failed"),
    "trialing": _("on trial"),
}

NOTHING, YES, NO = _("nothing"), _("yes"), _("no")
FRONTDESK, OPERATOR, SOMEBODY, API_KEY = _("Frontdesk"), _("The operator"), _("Somebody"), _("An API key")
BY_ITSELF = _("%(actor)s: %(what)s")
BY_ITSELF_TO = _("%(actor)s: %(what)s (%(name)s)")


def actions_of(group: str) -> tuple[str, ...]:
    """The actions of one group."""
    return tuple(action for action, wording in WORDINGS.items() if wording.group == group)
