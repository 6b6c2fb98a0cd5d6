"""schemathesis tries the whole document against a running product: nothing breaks, and nothing answers what is not described."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.running import confirm, ids_of, make_key
from tests.product import Product, installed, open_shop

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance", "response_schema_conformance",
    "negative_data_rejection", "missing_required_header", "unsupported_method", "allow_header_conformance", "ignored_auth",
)  # fmt: skip
SEED, EXAMPLES = "20240114", "25"  # of every kind, for every operation


@pytest.fixture
async def product() -> AsyncIterator[Product]:
    """A product that a key may call as often as it likes."""
    with installed(FRONTDESK_API_CALLS_PER_MINUTE="10000000", FRONTDESK_API_FAILURES_PER_MINUTE="10000000") as running:
        running.start()
        running.wait_until_healthy()
        yield running


async def test_nothing_breaks_and_nothing_answers_what_is_not_described(product: Product, tmp_path: Path) -> None:
    async with open_shop(product, "Lagos Glow Salon") as shop:
        await shop.hears("hello")
        await shop.conversation()
        confirm(product, shop)
        key = await make_key(shop)
        ids = await ids_of(shop, key)
    # deleting comes first, and would leave nothing to be read or changed: what is deleted is found by itself, in the phase that follows links
    (tmp_path / "schemathesis.toml").write_text(
        "[checks.missing_required_header]\nexpected-statuses = [422]\n"
        + "[parameters]\n"
        + "".join(f'"path.{name}" = "{value}"\n' for name, value in ids.items() if name != "rule_id")
    )
    tried = subprocess.run(
        [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(tmp_path / "schemathesis.toml"), "run", f"{product.url}/api/v1/openapi.json",
         "--checks", ",".join(CHECKS), "--seed", SEED, "--max-examples", EXAMPLES, "--header", f"Authorization: Bearer {key}", "--no-color",
         "--suppress-health-check", "all", "--generation-database", "none"],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert tried.returncode == 0, tried.stdout[-8000:] + tried.stderr[-2000:]
    print(tried.stdout)
    assert "request failed" not in product.said()
