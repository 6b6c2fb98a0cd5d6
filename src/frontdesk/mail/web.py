"""The HTML door of mail: the simulator's mailbox, in development without a mail server. Whoever sits at this machine reads everybody's."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from frontdesk.mail import actions, store
from frontdesk.mail.records import Kept, Letter
from frontdesk.vault import CannotOpen, Vault
from frontdesk.web import PUBLIC, Door, render
from frontdesk.web.envelope import wrapping
from frontdesk.web.loopback import require_loopback

door = Door()
MOST = 100
# The HTML part is shown as a mail program shows it: with its own styles, without scripts, pictures from elsewhere or forms, in a frame of its own.
PART_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'self'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)
UNREADABLE = Letter("(sealed with a key that is gone)", "", "")


@door.get("/simulator/mail", needs=PUBLIC)
async def index(request: Request) -> Response:
    """The mails that would have been sent, the newest first."""
    require_loopback(request)
    async with request.app.state.database.platform() as db:
        kept = await store.kept(db, MOST)
    mails = [{"mail": one, "letter": _opened(request, one)} for one in kept]
    return await render(request, "mail/index.html", mails=mails, most=MOST)


@door.get("/simulator/mail/{mail_id}", needs=PUBLIC)
async def show(request: Request, mail_id: UUID) -> Response:
    """One mail, as HTML and as text."""
    mail, letter = await _mail(request, mail_id)
    policy = wrapping(request.scope)["Content-Security-Policy"] + "; frame-src 'self'"
    context: dict[str, Any] = {"mail": mail, "letter": letter, "pieces": list(_pieces(letter.text))}
    return await render(request, "mail/show.html", headers={"Content-Security-Policy": policy}, **context)


@door.get("/simulator/mail/{mail_id}/html", needs=PUBLIC)
async def show_part(request: Request, mail_id: UUID) -> Response:
    """The HTML part alone, for the frame in the page; its links open in the whole window."""
    _, letter = await _mail(request, mail_id)
    return HTMLResponse(letter.html.replace("<head>", '<head><base target="_top">', 1), headers={"Content-Security-Policy": PART_POLICY})


async def _mail(request: Request, mail_id: UUID) -> tuple[Kept, Letter]:
    require_loopback(request)
    async with request.app.state.database.platform() as db:
        return await actions.open_kept(db, _vault(request), mail_id)


def _opened(request: Request, mail: Kept) -> Letter:
    try:
        return actions.unseal(_vault(request), mail.id, mail.sealed)
    except CannotOpen:
        return UNREADABLE


def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.secrets.vault
    return vault


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, and whether each is an address to click on."""
    for number, piece in enumerate(re.split(r"(https?://[^\s<>]+)", text)):
        yield piece, number % 2 == 1
