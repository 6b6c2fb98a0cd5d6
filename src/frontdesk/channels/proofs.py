"""The proof that a customer speaks for the number he connects: his access token opens it at WhatsApp.

One Meta app receives for all organizations. Whoever could connect a number without this would get another's messages.
"""

from dataclasses import dataclass, field

from frontdesk.channels import cloud_api
from frontdesk.channels.addresses import number_address
from frontdesk.channels.cloud_api import Session
from frontdesk.channels.connected import NewChannel
from frontdesk.channels.input import access_token, checked
from frontdesk.errors import BadInput, Unavailable
from frontdesk.settings import Settings

PATIENCE = 10.0  # seconds; somebody waits at a form


class TokenRefused(BadInput):
    """WhatsApp does not accept this access token: it is wrong, has expired or was withdrawn. Make a new one in Meta's business settings, System users."""


class NotItsNumber(BadInput):
    """This token may not speak for this number. Compare the phone number ID with Meta's, and give the token's system user that WhatsApp account."""


class WhatsAppNotAsked(Unavailable):
    """WhatsApp could not be asked whether this token may speak for this number. Nothing was connected or changed: try again in a minute."""


@dataclass(frozen=True, slots=True)
class Proof:
    """WhatsApp has said that this token may speak for this number. Only the functions below make one."""

    phone_number_id: str
    access_token: str = field(repr=False)


async def prove_new(settings: Settings, wanted: NewChannel) -> Proof:
    """The proof for a number to connect. Raises BadInput naming the field, or WhatsAppNotAsked. No transaction may be open."""
    new = checked(wanted)
    return await prove(settings, new.phone_number_id, new.access_token)


async def prove(settings: Settings, phone_number_id: str, typed_token: str) -> Proof:
    """The proof for a number and a token. Raises as `prove_new` does, the same whether or not the number exists."""
    token, authority = access_token(typed_token), settings.whatsapp_graph_authority
    async with Session(timeout=PATIENCE, connections=1, authority=authority.read_bytes() if authority else None) as session:
        verdict = await cloud_api.prove(session, number_address(settings, phone_number_id), token, phone_number_id)
    if verdict == "bad token":
        raise TokenRefused(field="access_token")
    if verdict == "not its number":
        raise NotItsNumber(field="phone_number_id")
    if verdict != "proven":
        raise WhatsAppNotAsked
    return Proof(phone_number_id, token)
