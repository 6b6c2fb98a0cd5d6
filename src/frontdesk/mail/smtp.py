"""Speaking with a mail server: one connection, one mail after the other, and for each a plain word of what became of it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.policy import SMTPUTF8 as WIRE_UTF8
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit
from uuid import UUID

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPRecipientRefused, SMTPResponseException
from email_validator import EmailNotValidError, validate_email

from frontdesk.mail.records import Letter, Outcome

SECONDS = 30.0  # for each step; all of them together stay below the two minutes after which a claim counts as abandoned
DATA_SECONDS = 60.0
TRANSIENT, PERMANENT = 400, 500  # from these codes on


class MailServer:
    """Where SMTP_URL leads. Not connected before the first mail; may be closed and used again."""

    def __init__(self, url: str, sender: str) -> None:
        """url: `smtps://user:password@host`, or `smtp://…?starttls`. sender: `Name <address>`, as MAIL_FROM says."""
        parts = urlsplit(url)
        self._sender = sender
        self._client = SMTP(
            hostname=parts.hostname,
            port=parts.port,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            start_tls="starttls" in parts.query,
            timeout=SECONDS,
        )

    async def hand_over(self, message: EmailMessage, recipient: str, give: Callable[[], Awaitable[bool]]) -> Outcome | None:
        """Hand one mail over; None where `give`, which is asked before its first byte, says that the mail is in other hands.

        Nothing of a mail was given before DATA: whatever goes wrong until then, but for a refusal, may go right later.
        """
        try:
            await self._address(message, recipient)
        except UnsendableAddress as error:
            await self.close()
            return Outcome("failed", str(error))
        except SMTPRecipientRefused as error:
            await self.close()
            return _refused(error)
        except (SMTPException, OSError) as error:  # not reached, or it wants nothing of us: that says nothing about this mail
            await self.close()
            return Outcome("queued", _said(error), reached=False)
        try:
            ours = await give()
        except BaseException:
            self._client.close()
            raise
        if not ours:
            await self.close()
        return await self._give(message) if ours else None

    async def close(self) -> None:
        """Hang up; whatever the server says to that, what it took it has."""
        with suppress(SMTPException, OSError):
            if self._client.is_connected:
                await self._client.quit()
        self._client.close()

    async def _address(self, message: EmailMessage, recipient: str) -> None:
        if not self._client.is_connected:
            await self._client.connect()
        plain, wide = _envelope(recipient)
        if wide:
            await self._client.ehlo()
            if not self._client.supports_extension("smtputf8"):
                raise UnsendableAddress("The mail server cannot write to addresses outside of ASCII (it has no SMTPUTF8).")
        encoding = "utf-8" if wide else "ascii"
        await self._client.mail(parseaddr(self._sender)[1], options=["SMTPUTF8"] if wide else [])
        await self._client.rcpt(plain, encoding=encoding)

    async def _give(self, message: EmailMessage) -> Outcome:
        wide = not str(message["To"]).isascii()
        try:
            await self._client.data(message.as_bytes(policy=WIRE_UTF8 if wide else WIRE.clone(cte_type="7bit")), timeout=DATA_SECONDS)
        except SMTPDataError as error:
            await self.close()
            return _refused(error)
        except (SMTPException, OSError) as error:
            self._client.close()
            return Outcome("uncertain", f"The connection broke while the mail was handed over: {_said(error)}")
        return Outcome("sent")


class UnsendableAddress(ValueError):
    """This server cannot write to this address."""


def write(letter: Letter, mail_id: UUID, recipient: str, sender: str, at: datetime) -> EmailMessage:
    """The letter as a message. Whenever it is written it is the same one, by its Message-ID: a mail that came twice shows once."""
    name, address = parseaddr(sender)
    message = EmailMessage()
    message["From"] = _written(address, name)
    message["To"] = _written(_envelope(recipient)[0])
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail_id}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notices in return
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _written(address: str, name: str = "") -> Address:
    local, _, domain = address.rpartition("@")  # in two parts: as one, Python takes no letters outside of ASCII
    return Address(display_name=name, username=local, domain=domain)


def _envelope(recipient: str) -> tuple[str, bool]:
    """The address as it is given to the server, and whether that needs SMTPUTF8. A domain outside of ASCII has a form in it."""
    try:
        written = validate_email(recipient, check_deliverability=False, test_environment=True).ascii_email
    except EmailNotValidError as error:
        raise UnsendableAddress(str(error)) from None
    return written or recipient, written is None


def _refused(error: SMTPResponseException) -> Outcome:
    """What a refusal means (RFC 5321, 4.2.1): 5xx never, 4xx not now; an answer that is neither says nothing at all."""
    if error.code >= PERMANENT:
        return Outcome("failed", _said(error))
    return Outcome("queued" if error.code >= TRANSIENT else "uncertain", _said(error))


def _said(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__
