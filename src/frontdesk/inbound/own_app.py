"""The webhook of an organization's own Meta app: an address for each channel, opened by that app's secret, for that channel's number only."""

from time import monotonic

from frontdesk.channels import Event, OwnApp, Unreadable, find_own_app, signed, split
from frontdesk.database import Database
from frontdesk.inbound.keeper import Keeper
from frontdesk.inbound.webhook import (
    KEEPING_FAILED,
    NOT_SIGNED,
    TOO_LARGE,
    WRONG_METHOD,
    Receive,
    Scope,
    Send,
    TooLarge,
    keep_unrouted,
    not_kept,
    read_body,
    respond,
    shake_hands,
    signature_of,
)
from frontdesk.vault import Vault

REMEMBER_SECONDS = 5.0  # so long an app that was disconnected, or whose secret was renewed, may be taken for what it was
MOST_REMEMBERED = 10_000
NOBODY = 404, "There is no webhook here."
NOBODYS_SECRET = "for nobody, so that finding nobody takes as long as finding somebody"
SOURCE = "own_app"  # no kind of channel: what is kept aside from here is never put on anybody's lane


class OwnAppWebhook:
    """`GET` answers the handshake of that app; `POST` keeps what came for that number and answers 200 only then."""

    def __init__(self, database: Database, keeper: Keeper, vault: Vault) -> None:
        """Remember no app yet."""
        self._database, self._keeper, self._vault = database, keeper, vault
        self._remembered: dict[str, tuple[OwnApp, float]] = {}

    async def __call__(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request to the address with this token."""
        try:
            answer = await self._answer(token, scope, receive)
        except TooLarge:
            answer = TOO_LARGE
        except KEEPING_FAILED as error:
            answer = not_kept(error)
        await respond(send, *answer)

    async def _answer(self, token: str, scope: Scope, receive: Receive) -> tuple[int, str]:
        if scope["method"] == "GET":
            app = await self._find(token)
            return shake_hands(scope, app.verify_token) if app else NOBODY
        if scope["method"] != "POST":
            return WRONG_METHOD
        body, signature = await read_body(scope, receive), (signature_of(scope) or b"").decode("latin-1")
        if await self._keep_as_remembered(token, signature, body):
            return 200, ""
        return await self._keep_as_found(token, signature, body)

    async def _keep_as_remembered(self, token: str, signature: str, body: bytes) -> bool:
        """Keep the plain case without asking who it is. What is remembered says yes only: whatever else has to be looked up."""
        app, until = self._remembered.get(token, (None, 0.0))
        if app is None or until < monotonic() or not signed(body, signature, (app.app_secret,)):
            return False
        try:
            own, foreign = _parted(app, body)
        except Unreadable:
            return False
        return not foreign and await self._keep(app, own)

    async def _keep_as_found(self, token: str, signature: str, body: bytes) -> tuple[int, str]:
        app = await self._find(token)
        fits = signed(body, signature, (app.app_secret if app else NOBODYS_SECRET,))
        if app is None:
            return NOBODY
        if not fits:
            return NOT_SIGNED
        try:
            own, foreign = _parted(app, body)
        except Unreadable as error:
            await keep_unrouted(self._database, SOURCE, None, "", body, f"not readable, at the webhook of channel {app.lane.channel_id}: {error}")
            return 200, ""
        if not await self._keep(app, own):
            self._remembered.pop(token, None)  # disconnected in this moment
            return NOBODY
        for event in foreign:
            reason = f"not for the number of channel {app.lane.channel_id}, to whose webhook it came"
            await keep_unrouted(self._database, SOURCE, event.kind, event.phone_number_id, event.payload.encode(), reason)
        return 200, ""

    async def _keep(self, app: OwnApp, events: list[Event]) -> bool:
        """Whether these events are on disk now; not if the channel is gone."""
        return not await self._keeper.keep([(app.lane, event) for event in events])

    async def _find(self, token: str) -> OwnApp | None:
        """Ask the database, and remember what it says for a moment."""
        app = await find_own_app(self._database, self._vault, token)
        if app is None:
            self._remembered.pop(token, None)
            return None
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[token] = app, monotonic() + REMEMBER_SECONDS
        return app


def _parted(app: OwnApp, body: bytes) -> tuple[list[Event], list[Event]]:
    """The events for the app's own number, and all others. Raises Unreadable."""
    own, foreign = list[Event](), list[Event]()
    for event in split(body):
        (own if event.phone_number_id == app.phone_number_id else foreign).append(event)
    return own, foreign
