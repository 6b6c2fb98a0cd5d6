"""Everything that is paid with, assembled: our webhook before a simulated Stripe, the official library between, and somebody with a card."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from frontdesk.billing import Money, Place, StripeWebhook, start_checkout
from frontdesk.billing.handling import handle_next
from frontdesk.billing.simulator import buying, cards, faults, methods
from frontdesk.billing.simulator.clock import step
from frontdesk.billing.stripe_api import money_with
from frontdesk.settings import Settings
from tests.billing.simulator.stage import KEY, SECRET, Stage, staged
from tests.world import Shop, World

GOOD, DECLINED, FAILS_LATER = "4242424242424242", "4000000000000002", "4000000000000341"
STARTER, PROFESSIONAL, YEARLY = "starter_month_eur", "professional_month_eur", "starter_year_eur"
ROW = (
    "select status, plan_id, billing_interval, amount, cancel_at_period_end, provider_subscription_id is not null, past_due_since is not null"
    " from subscriptions where organization_id = %s"
)


class Gate:
    """Our webhook, or nobody: `shut` is the time in which it is not heard."""

    def __init__(self, webhook: StripeWebhook) -> None:
        self.webhook, self.shut, self.bodies = webhook, False, list[bytes]()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not self.shut:
            return await self.webhook(scope, receive, send)
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@dataclass
class Till:
    """The shop's way to pay, and what comes of it."""

    world: World
    money: Money
    stage: Stage
    gate: Gate
    paid: list[str] = field(default_factory=list)

    def at(self, shop: Shop | None = None, email: str | None = "maya@example.com") -> Place:
        shop = shop or self.world.shop
        return Place(shop.organization_id, shop.actor, email)

    async def go(self, lookup_key: str = STARTER, shop: Shop | None = None) -> str:
        """Begin a checkout; the session's id, which its address ends with."""
        return (await start_checkout(self.money, self.at(shop), lookup_key)).rsplit("/", 1)[1]

    async def pay(self, session_id: str, number: str = GOOD) -> None:
        """Fill in the pay page."""

        def work(world: Any) -> None:
            method = methods.make(world, cards.typed(number))
            buying.pay(world, world.get(session_id), buying.Buyer(email="maya@example.com", name="Maya Bello", country="DE", method=method))

        await self.do(work)

    async def buy(self, lookup_key: str = STARTER, shop: Shop | None = None, number: str = GOOD) -> str:
        """Begin, pay, and let everything be heard and handled."""
        session_id = await self.go(lookup_key, shop)
        await self.pay(session_id, number)
        await self.hear()
        return session_id

    async def hear(self) -> int:
        """Let every event arrive, and handle what did; how many customers that was about."""
        await self.stage.quiet()
        handled = 0
        while await handle_next(self.money):
            handled += 1
        return handled

    async def days(self, days: float) -> None:
        """Turn Stripe's clock on, hearing nothing meanwhile."""
        until = int(await self.do(lambda world: world.now()) + days * 86_400)
        while await self.do(lambda world: step(world, until)) is not None:
            pass

    async def chaos(self, **switches: Any) -> None:
        """Let webhooks go wrong."""
        await self.do(lambda world: faults.put(world, faults.parse(switches)))

    async def do(self, work: Callable[[Any], Any]) -> Any:
        """Something at Stripe that no program may do."""
        return await self.stage.account.do(work)

    async def row(self, shop: Shop | None = None) -> tuple[Any, ...]:
        """What the subscription is here: state, plan, interval, amount, whether it ends, whether Stripe has it, whether it is owed for."""
        ((*found,),) = await self.world.see(ROW, (shop or self.world.shop).organization_id)
        return tuple(found)

    async def subscription_id(self, shop: Shop | None = None) -> str:
        """Stripe's id of it."""
        ((found,),) = await self.world.see(
            "select provider_subscription_id from subscriptions where organization_id = %s", (shop or self.world.shop).organization_id
        )
        return str(found)

    async def log(self, action: str, shop: Shop | None = None) -> list[dict[str, Any]]:
        """The details of these entries in the shop's log."""
        found = await self.world.see(
            "select details from audit_logs where organization_id = %s and action = %s order by seq", (shop or self.world.shop).organization_id, action
        )
        return [row[0] for row in found]


@asynccontextmanager
async def opened(world: World, settings: Settings, path: Any = None) -> AsyncIterator[Till]:
    """A till of its own for this test."""
    gate = Gate(StripeWebhook(world.database, [SECRET]))
    async with staged(path, ear=gate) as stage:  # type: ignore[arg-type]  # whoever hears
        money = money_with(settings, world.database, KEY, stage.url)
        try:
            yield Till(world, money, stage, gate)
        finally:
            await money.close()
