"""What the clock says of a subscription: which notices are due, and when to look again. Reads no clock, asks nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from frontdesk.entitlements import GRACE_DAYS, READ_ONLY_DAY, Access, next_change

DAY = timedelta(days=1)
TRIAL_ENDING = 3 * DAY  # before it ends
TELL_WITHIN = 14 * DAY  # what happened longer ago is no news: an installation that was off for a month does not write of it
FRESH = timedelta(hours=1)  # what is owed for no longer is told as it was
REMINDERS = (0, 3, 7, 14)  # days after a payment was first overdue
RENEWALS = (30, 7)  # days before a year begins again
LOOK_AT_LEAST = DAY  # whatever was missed is found by then


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription as the clock sees it. amount: of each interval, in minor units; exceptions_end: when the next of them does.

    period: when the month began in which its usage is counted now. days_ahead: by how many the provider's clock is ahead of ours: in development.
    payable: whether the provider knows what to charge.
    """

    organization_id: UUID
    organization: str
    locale: str
    plan: str
    status: str
    access: Access
    billing_interval: str
    trial_ends_at: datetime | None
    current_period_end: datetime | None
    cancel_at_period_end: bool
    scheduled: bool
    past_due_since: datetime | None
    ended_at: datetime | None
    provider_subscription_id: str | None
    amount: int
    currency: str
    invoice_url: str | None
    exceptions_end: datetime | None
    period: date | None = None
    days_ahead: int = 0
    payable: bool = True

    @property
    def bought(self) -> bool:
        """Whether the payment provider knows of it."""
        return self.provider_subscription_id is not None

    def shown(self, now: datetime) -> datetime:
        """What the payment provider's clock shows, by which what was bought begins and ends."""
        return now + self.days_ahead * DAY


@dataclass(frozen=True, slots=True)
class Notice:
    """Something an organization is told once: by its kind, what it is about, and which try that is."""

    kind: str
    object: str
    attempt: int = 1
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Owed:
    """A notice whose mails nobody has written yet. waited: for how long, by the database's clock."""

    id: UUID
    kind: str
    object: str
    attempt: int
    facts: Mapping[str, Any]
    waited: timedelta


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is told about an organization's money."""

    email: str
    name: str


def notices_due(one: Subscribed, now: datetime) -> list[Notice]:
    """What the organization should have been told by now, as far as it is still news."""
    return [*_of_its_trial(one, now), *_of_what_is_overdue(one, now), *_of_its_end(one, now), *_of_its_renewal(one, now)]


def still_matters(notice: Owed, one: Subscribed, now: datetime) -> bool:
    """Whether a notice that waited for somebody who can be told is still worth a mail: two weeks long, and while things are as it says."""
    if notice.waited < FRESH or notice.waited > TELL_WITHIN:
        return notice.waited < FRESH
    match notice.kind:
        case "trial_ending" | "renewal_ahead":
            return datetime.fromisoformat(notice.facts["ends_at" if notice.kind == "trial_ending" else "renews_at"]) > (one.shown(now) if one.bought else now)
        case "trial_ended":
            return one.status == "trialing" and not one.bought
        case "payment_failed":
            return one.status == "past_due"
        case "action_required":
            return one.invoice_url is not None
        case "access_reduced":
            return one.status in ("past_due", "unpaid", "paused")
        case "usage_nearly_full" | "usage_full" | "overage_cap_reached":
            return one.period is not None and notice.object.endswith(one.period.isoformat())
    return True


def next_look(one: Subscribed, now: datetime) -> datetime:
    """When the clock next changes something, and after a day at the latest."""
    moments = [next_change(one.status, past_due_since=one.past_due_since, trial_ends_at=one.trial_ends_at, bought=one.bought, at=now), one.exceptions_end]
    ahead = one.days_ahead * DAY
    if one.trial_ends_at is not None:
        ends_at = one.trial_ends_at - (ahead if one.bought else timedelta())
        moments += [ends_at - TRIAL_ENDING, ends_at]
    if one.past_due_since is not None:
        moments += [one.past_due_since + day * DAY for day in REMINDERS]
    if one.current_period_end is not None:
        moments += [one.current_period_end - ahead - day * DAY for day in RENEWALS]
    return min([moment for moment in moments if moment is not None and moment > now] + [now + LOOK_AT_LEAST])


def _of_its_trial(one: Subscribed, now: datetime) -> Iterator[Notice]:
    ends_at, now = one.trial_ends_at, one.shown(now) if one.bought else now
    if one.status != "trialing" or ends_at is None:
        return
    facts = {"plan": one.plan, "ends_at": ends_at, "bought": one.bought, "payable": one.payable, "amount": one.amount, "currency": one.currency}
    if ends_at - TRIAL_ENDING <= now < ends_at and not one.cancel_at_period_end:
        yield Notice("trial_ending", ends_at.isoformat(), facts=facts)
    if not one.bought and ends_at <= now < ends_at + TELL_WITHIN:
        yield Notice("trial_ended", ends_at.isoformat(), facts=facts)


def _of_what_is_overdue(one: Subscribed, now: datetime) -> Iterator[Notice]:
    if one.status in ("unpaid", "paused"):  # less is possible at once, whatever the day
        since = one.past_due_since or one.current_period_end or one.trial_ends_at
        yield _reduced(one, since.isoformat() if since else one.status, READ_ONLY_DAY)
    if one.status != "past_due" or one.past_due_since is None:
        return
    since, day = one.past_due_since, max(0, (now - one.past_due_since) // DAY)
    step = max(step for step in REMINDERS if step <= day)
    if day < READ_ONLY_DAY:  # of several that were missed, the last
        limited_at, read_only_at = (one.shown(since + days * DAY) for days in (GRACE_DAYS, READ_ONLY_DAY))
        facts = {"plan": one.plan, "day": step, "limited_at": limited_at, "read_only_at": read_only_at, "url": one.invoice_url}
        yield Notice("payment_failed", since.isoformat(), step, facts)
    if day >= GRACE_DAYS:
        yield _reduced(one, since.isoformat(), READ_ONLY_DAY if day >= READ_ONLY_DAY else GRACE_DAYS)


def _reduced(one: Subscribed, object: str, day: int) -> Notice:
    access = Access.READ_ONLY if day == READ_ONLY_DAY else Access.GRACE_LIMITED
    return Notice("access_reduced", object, day, {"plan": one.plan, "access": access.value, "status": one.status, "url": one.invoice_url})


def _of_its_end(one: Subscribed, now: datetime) -> Iterator[Notice]:
    if one.status == "canceled" and one.provider_subscription_id and (one.ended_at is None or now < one.ended_at + TELL_WITHIN):
        yield Notice("canceled", one.provider_subscription_id, facts={"plan": one.plan})


def _of_its_renewal(one: Subscribed, now: datetime) -> Iterator[Notice]:
    ends_at, now = one.current_period_end, one.shown(now)
    if one.status != "active" or one.billing_interval != "year" or ends_at is None or one.cancel_at_period_end or one.scheduled:
        return
    due = [days for days in RENEWALS if ends_at - days * DAY <= now < ends_at]
    if due:
        facts = {"plan": one.plan, "renews_at": ends_at, "amount": one.amount, "currency": one.currency}
        yield Notice("renewal_ahead", ends_at.isoformat(), min(due), facts)
