"""The running product: somebody is invited, the mail arrives at a real mail server within moments, and its link lets that somebody in."""

import re
from typing import Any

import psycopg

from tests.conftest import Urls
from tests.mail.server import Post
from tests.product import Visitor, eventually, installed
from tests.users.browser import PASSWORD, hidden_fields

TEAM = "/dashboard/team/invitations"


async def test_an_invitation_leaves_by_itself_and_lets_somebody_in(urls: Urls, owner: psycopg.AsyncConnection[Any], post: Post) -> None:
    with installed(DATABASE_URL=urls.app, SMTP_URL=post.url, MAIL_FROM="Frontdesk <desk@example.com>") as product:
        product.start()
        product.wait_until_healthy()
        async with Visitor(product.url) as maya, Visitor(product.url) as ada:
            assert (await maya.register()).status_code == 303
            await owner.execute("update auth.users set email_confirmed_at = now()")
            assert (await maya.send(TEAM, page=TEAM, email="ada@example.org", role="member", locale="en")).status_code == 303

            async def arrived() -> Any:
                return next((mail for mail in post.taken if mail["To"] == "ada@example.org"), None)

            mail = await eventually(arrived, "the mail at the server")
            text = mail.get_body(["plain"]).get_content()
            link = re.search(rf"http://localhost:{product.port}(/invitations/\S+)", text)
            assert link, text
            fields = hidden_fields((await ada.get(link[1])).text) | {"name": "Ada", "password": PASSWORD}
            assert (await ada.post(f"{link[1]}/acceptance", fields)).status_code == 303
            assert "Ada" in (await maya.get("/dashboard/team")).text
            assert (await maya.get("/simulator/mail")).status_code == 404  # what is sent for real is not shown
    rows = await owner.execute("select state, sealed is null from private.mail_outbox where recipient = 'ada@example.org'")
    assert await rows.fetchall() == [("sent", True)]
