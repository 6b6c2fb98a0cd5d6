"""The short way of a webhook through Uvicorn: from the last byte to the group's commit without scope, task or event.

Every message of every organization comes this way, and most of what an ASGI request costs is of no use to it. Whatever is
not the plain case (a handshake, a number that has to be looked up, a request behind another on the same line) takes the usual way.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from frontdesk.inbound.keeper import Group
from frontdesk.inbound.webhook import KEEPING_FAILED, LARGEST_BODY, NO_PAGE, SIGNATURE, TOO_LARGE, Webhook, not_kept


class WebhookProtocol(HttpToolsProtocol):
    """Uvicorn's protocol for HTTP/1.1, which hands POSTs to the webhook's path straight to it."""

    def __init__(self, webhook: Webhook, path: bytes, **uvicorns: Any) -> None:
        """One connection. `path`: where the webhook is."""
        super().__init__(**uvicorns)
        self._webhook, self._path = webhook, path
        self._post: _Post | None = None

    def on_headers_complete(self) -> None:
        """A request begins."""
        if self.url == self._path and self._is_plain():
            self._post = self.cycle = _Post(self.parser.should_keep_alive())  # type: ignore[assignment]  # it has all that Uvicorn asks of a cycle
        else:
            self._post = None
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of the body has come."""
        post = self._post
        if post is None:
            super().on_body(body)
        elif not post.response_complete:
            post.body += body
            if len(post.body) > LARGEST_BODY:
                self._answer(post, *TOO_LARGE)  # what still comes of it is let pass

    def on_message_complete(self) -> None:
        """All of the body has come."""
        post = self._post
        if post is None:
            super().on_message_complete()
        elif not post.response_complete:
            signature = next((value for name, value in self.headers if name == SIGNATURE), None)
            if group := self._webhook.keep_soon(signature, bytes(post.body)):
                group.add_done_callback(lambda group: self._kept(post, signature, group))
            else:
                self._ask(post, signature)

    def _is_plain(self) -> bool:
        before: RequestResponseCycle | None = self.cycle
        return (
            self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and (before is None or before.response_complete)
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
        )

    def _kept(self, post: "_Post", signature: bytes | None, group: Group) -> None:
        if error := group.exception():
            if not isinstance(error, KEEPING_FAILED):
                self.logger.error("a webhook could not be kept", exc_info=error)
            self._answer(post, *not_kept(error))
        elif group.result():  # somebody's channel was disconnected a moment ago; keeping anything twice changes nothing
            self._webhook.forget_routes()
            self._ask(post, signature)
        else:
            self._answer(post, 200, "")

    def _ask(self, post: "_Post", signature: bytes | None) -> None:
        """Answer what needs a closer look."""

        async def ask() -> None:
            try:
                answer = await self._webhook.answer(signature, bytes(post.body))
            except Exception as error:
                self.logger.error("a webhook could not be answered", exc_info=error)
                answer = 500, "Internal Server Error"
            self._answer(post, *answer)

        task = self.loop.create_task(ask())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _answer(self, post: "_Post", status: int, text: str) -> None:
        if post.response_complete or post.disconnected or self.transport.is_closing():
            return
        post.response_complete = True
        lines = [STATUS_LINE[status], *(b"%b: %b\r\n" % header for header in self.server_state.default_headers)]
        if text:
            lines += [b"content-type: text/plain; charset=utf-8\r\n", *(b"%b: %b\r\n" % header for header in NO_PAGE)]
        if not post.keep_alive:
            lines.append(b"connection: close\r\n")
        self.transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (b"".join(lines), len(text), text.encode()))
        if not post.keep_alive:
            self.transport.close()
        self.on_response_complete()


class _Post:
    """One POST on the short way, with what Uvicorn asks of the request it is busy with."""

    __slots__ = ("body", "disconnected", "keep_alive", "response_complete")
    message_event = asyncio.Event()  # Uvicorn sets it for whoever waits for the body; here nobody does

    def __init__(self, keep_alive: bool) -> None:
        self.body = bytearray()
        self.disconnected = self.response_complete = False
        self.keep_alive = keep_alive
