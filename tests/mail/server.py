"""A real mail server (aiosmtpd) that takes mail, or does what a test tells it."""

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

TAKEN = "250 OK"


@dataclass
class Post:
    """What arrived, and how the server answers: `on_rcpt` and `on_data` are its answers in turn, the last one for ever."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    on_rcpt: list[str] = field(default_factory=lambda: [TAKEN])
    on_data: list[str] = field(default_factory=lambda: [TAKEN])
    hold_rcpt: asyncio.Event | None = None  # waits for it before it answers
    hold_data: asyncio.Event | None = None  # has the mail, and waits for it before it answers
    break_in_data: bool = False
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    logins: list[LoginPassword] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        self.asked.set()
        if self.hold_rcpt:
            await self.hold_rcpt.wait()
        answer = self.on_rcpt.pop(0) if len(self.on_rcpt) > 1 else self.on_rcpt[0]
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.on_data.pop(0) if len(self.on_data) > 1 else self.on_data[0]
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.taken.append(email.message_from_bytes(envelope.content, policy=email.policy.default))  # type: ignore[arg-type]  # its policy makes EmailMessages
            self.recipients += envelope.rcpt_tos
            self.secure.append(session.ssl is not None)
        self.asked.set()
        if self.break_in_data:
            assert server.transport is not None
            server.transport.abort()
        if self.hold_data:
            await self.hold_data.wait()
        return answer

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(data)
        return AuthResult(success=data.password == b"s3cret/with:signs", handled=False)


@asynccontextmanager
async def listening(post: Post, context: ssl.SSLContext | None = None, *, starttls: bool = False, port: int = 0, **options: Any) -> AsyncIterator[Post]:
    """The server on a port of this machine. context: speaks TLS from the start, or after STARTTLS."""
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(post, loop=loop, enable_SMTPUTF8=True, tls_context=context if starttls else None, require_starttls=starttls, **options)

    factory: Callable[[], SMTP] = protocol
    server = await loop.create_server(factory, "127.0.0.1", port, ssl=None if starttls else context)
    post.port = server.sockets[0].getsockname()[1]
    try:
        yield post
    finally:
        server.close()
