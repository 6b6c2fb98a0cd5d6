"""The simulated Stripe inside the product: where it is, and where it is not."""

from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from frontdesk import app as application
from frontdesk.billing.simulator import running
from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.billing.simulator.stage import KEY
from tests.channels.simulator.stage import serving


def built(folder: Path, database: Database | None = None, **more: str) -> Any:
    settings = Settings(_env_file=None, FRONTDESK_DATA_DIR=folder, **more)
    return application.build(settings, cast(Database, database), cast(Any, None), cast(Any, None))


async def test_programs_reach_it_without_an_origin_and_events_go_to_the_product(tmp_path: Path, database: Database) -> None:
    product = built(tmp_path, database, PORT="3999")
    async with running(product.state.stripe_simulator):
        account = product.state.stripe_simulator.state.account
        assert account.settings.webhook_url == "http://127.0.0.1:3999/webhooks/stripe"
        assert account.settings.webhook_secret == f"whsec_{(tmp_path / 'secrets' / 'simulator_stripe_secret').read_text().strip()}"
        async with serving(product) as url, httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {KEY}"}) as http:
            made = await http.post("/simulator/stripe/v1/customers", data={"name": "Ada"})
            assert made.status_code == 200 and made.json()["name"] == "Ada", made.text
            assert (await http.get(f"/simulator/stripe/v1/customers/{made.json()['id']}")).json()["id"] == made.json()["id"]
            assert (await http.post("/simulator/stripe/v1/customers", content=b"x" * (2 << 20))).status_code == 413
    assert (tmp_path / "stripe.sqlite3").exists()


@pytest.mark.parametrize("settings", [{"FRONTDESK_SIMULATOR": "false"}, {"STRIPE_SECRET_KEY": "sk_test_51Hx", "STRIPE_WEBHOOK_SECRET": "whsec_x"}])
def test_it_is_not_there_where_it_is_not_wanted(tmp_path: Path, settings: dict[str, str]) -> None:
    product = built(tmp_path, **settings)
    assert product.state.stripe_simulator is None
    assert "/simulator/stripe" not in {getattr(route, "path", "") for route in product.app.routes}
