"""A running product with a shop whose programs have keys: made on the pages, as anybody would."""

import re
import subprocess
import sys
from collections.abc import Sequence
from uuid import UUID

from tests.product import Product, Shop

KEY = re.compile(r"fd_live_[0-9A-Za-z]{38}")


def confirm(product: Product, shop: Shop) -> None:
    """Take the email of the shop's owner for confirmed, by the operator's command."""
    subprocess.run([sys.executable, "-m", "frontdesk", "users", "confirm", shop.email], cwd=product.folder, env=product.environment, check=True)


async def make_key(shop: Shop, scopes: Sequence[str] = (), networks: str = "") -> str:
    """A new key of the shop's owner; without scopes, one that may do everything that is offered."""
    form = "/dashboard/api-keys/new"
    offered = re.findall(r'name="scopes" value="([a-z_:]+)"', await shop.page(form))
    made = await shop.visitor.send(form, page=form, name="Program", scopes=list(scopes) or offered, networks=networks, expires="90")  # type: ignore[arg-type]  # a list is sent field by field
    found = KEY.search(made.text)
    assert found, made.text
    return found[0]


async def ids_of(shop: Shop, key: str) -> dict[str, UUID]:
    """What the shop's things are called in paths: the first of each."""
    bearer, found = {"authorization": f"Bearer {key}"}, {}
    for name, path in (("contact_id", "contacts"), ("conversation_id", "conversations"), ("rule_id", "auto-replies")):
        found[name] = UUID((await shop.visitor.client.get(f"/api/v1/{path}", headers=bearer)).json()["data"][0]["id"])
    messages = await shop.visitor.client.get(f"/api/v1/conversations/{found['conversation_id']}/messages", headers=bearer)
    members = await shop.visitor.client.get("/api/v1/members", headers=bearer)
    found["user_id"] = UUID(members.json()["data"][0]["user_id"])
    return found | {"message_id": UUID(messages.json()["data"][0]["id"])}
