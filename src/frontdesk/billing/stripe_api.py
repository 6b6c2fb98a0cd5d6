"""How we speak with Stripe: one client, one version, patience that ends, and its failures as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from frontdesk.access import Actor
from frontdesk.database import Database
from frontdesk.errors import Conflict, FrontdeskError, Unavailable
from frontdesk.settings import SIMULATED_STRIPE, Settings

if TYPE_CHECKING:
    from stripe import HTTPXClient, StripeClient, V1Services, V2Services

VERSION = "2026-10-28.endive"
"""The version of Stripe's API that this code was written for: in every call, and on the webhook endpoint. Change both together."""
SIMULATOR = "/simulator/stripe"  # where the product mounts the simulated one


class NothingForSale(Unavailable):
    """Plans cannot be bought here: this Frontdesk has no Stripe account. Ask whoever runs it."""

    title = "Nothing can be bought here"


class StripeAway(Unavailable):
    """Stripe does not answer at the moment. Should your step have reached it all the same, Billing shows so soon. Try again in a minute."""

    title = "Stripe does not answer"


class StripeRefusesUs(Unavailable):
    """Stripe does not accept this Frontdesk’s key, so that nothing can be bought or changed. Whoever runs it has to look at STRIPE_SECRET_KEY."""

    title = "Stripe does not let us in"


class StripeRefuses(Conflict):
    """Stripe refused this step as things stand. Load the page again and look at what is shown; nothing was changed."""

    title = "Stripe refused this"


class CardDeclined(Conflict):
    """The card was declined. Choose another card under Billing and try again."""

    title = "The card was declined"


@dataclass(frozen=True, slots=True)
class Place:
    """For which organization something is bought or changed, and by whom. email: of whoever does it, for the first invoice.

    reason: why, where somebody does it who is no member.
    """

    organization_id: UUID
    actor: Actor
    email: str | None = None
    reason: str | None = None


class Line:
    """The line to Stripe, opened when something is first said: until then nobody waits for its library, nor holds it in memory."""

    def __init__(self, key: str, address: str | None, http: "HTTPXClient | None" = None) -> None:
        """`address`: where Stripe is, if not at its own. http: what carries the calls, if not what is usual; whoever made it closes it."""
        self._key, self._address, self._http = key, address, http
        self._client: StripeClient | None = None
        self._own: HTTPXClient | None = None

    @property
    def client(self) -> "StripeClient":
        """Stripe's own client."""
        if self._client is None:
            from frontdesk.billing import library  # 0.2 s and 7 MB

            self._own = None if self._http else library.carrier()
            self._client = library.client(self._key, VERSION, self._address, self._http or self._own)
        return self._client

    async def close(self) -> None:
        """Hang up."""
        if self._own is not None:
            await self._own.close_async()  # type: ignore[no-untyped-call]  # the library's


@dataclass(frozen=True, slots=True)
class Money:
    """What everything that is paid is handled with. home: the address of this installation, to which Stripe's pages lead back."""

    database: Database
    settings: Settings
    line: Line
    home: str

    @property
    def v1(self) -> "V1Services":
        """Stripe's services."""
        return self.line.client.v1

    @property
    def v2(self) -> "V2Services":
        """Those of its newer API."""
        return self.line.client.v2

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


def open_money(settings: Settings, database: Database) -> Money | None:
    """What money is handled with, or None where there is no Stripe account. Made once for each process."""
    if not settings.stripe_secret_key and not settings.stripe_simulated:
        return None
    address = settings.base_url + SIMULATOR if settings.stripe_simulated else None
    return money_with(settings, database, settings.stripe_secret_key or SIMULATED_STRIPE, address)


def money_with(settings: Settings, database: Database, key: str, address: str | None) -> Money:
    """The same with this key, at this address instead of Stripe's own."""
    return Money(database, settings, Line(key, address), settings.home)


@contextmanager
def asking() -> Iterator[None]:
    """Around every call of Stripe. Raises StripeAway, StripeRefusesUs, StripeRefuses or CardDeclined, each with what Stripe said as its cause."""
    try:
        yield
    except FrontdeskError:
        raise
    except Exception as error:  # what is Stripe's is said in our words, all else is raised as it is
        from frontdesk.billing import library  # it is read by now: something was said

        if ours := library.as_ours(error):
            raise ours from error
        raise


def is_missing(error: StripeRefuses) -> bool:
    """Whether Stripe refused because there is no such thing."""
    return getattr(error.__cause__, "code", None) == "resource_missing"
