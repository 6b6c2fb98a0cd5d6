"""Mail: owed as a row in the transaction of what it tells, sent by the worker afterwards, shown in a mailbox in development."""

from frontdesk.mail.actions import Mailer
from frontdesk.mail.composing import LOCALES, best_locale
from frontdesk.mail.sending import Sender

__all__ = ["LOCALES", "Mailer", "Sender", "best_locale"]
