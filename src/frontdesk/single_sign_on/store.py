"""The statements about identities and visits to the provider: each calls one narrow function, since they belong to no organization."""

from uuid import UUID

from frontdesk.database import Platform
from frontdesk.single_sign_on.records import Claims, Identity, Known, Newcomer, Visit


async def begin_visit(db: Platform, state_hash: bytes, browser_hash: bytes, session_id: UUID | None) -> None:
    """Remember that this browser is on its way."""
    await db.run(
        "select private.begin_provider_visit(%(state)s, %(browser)s, %(session_id)s)",
        {"state": state_hash, "browser": browser_hash, "session_id": session_id},
    )


async def end_visit(db: Platform, state_hash: bytes, browser_hash: bytes) -> Visit | None:
    """The visit that this browser comes back from; the second time there is none."""
    return await db.record(
        Visit,
        "select session_id from private.end_provider_visit(%(state)s, %(browser)s)",
        {"state": state_hash, "browser": browser_hash},
    )


async def find_identity(db: Platform, claims: Claims) -> Known | None:
    """The user whom the provider means."""
    return await db.record(
        Known,
        "select user_id, name, organization_id, may_sign_in from private.find_identity(%(issuer)s, %(subject)s)",
        {"issuer": claims.issuer, "subject": claims.subject},
    )


async def note_identity(db: Platform, claims: Claims) -> None:
    """Write down that an identity was used, and under which email."""
    await db.run(
        "select private.note_identity(%(issuer)s, %(subject)s, %(email)s)",
        {"issuer": claims.issuer, "subject": claims.subject, "email": claims.email},
    )


async def is_email_taken(db: Platform, email: str) -> bool:
    """Whether somebody here has this email."""
    return bool(await db.value("select private.is_email_taken(%(email)s)", {"email": email}))


async def keep_newcomer(db: Platform, browser_hash: bytes, claims: Claims) -> None:
    """Keep a newcomer until he has named his organization."""
    await db.run(
        "select private.keep_newcomer(%(browser)s, %(issuer)s, %(subject)s, %(email)s, %(verified)s, %(name)s)",
        {
            "browser": browser_hash, "issuer": claims.issuer, "subject": claims.subject, "email": claims.email,
            "verified": claims.email_verified, "name": claims.name,
        },
    )  # fmt: skip


async def find_newcomer(db: Platform, browser_hash: bytes) -> Newcomer | None:
    """The newcomer of this browser, if he has not waited too long."""
    return await db.record(Newcomer, "select issuer, email, email_verified, name from private.find_newcomer(%(browser)s)", {"browser": browser_hash})


async def register_newcomer(db: Platform, browser_hash: bytes, user_id: UUID, identity_id: UUID, name: str, organization_name: str | None) -> str:
    """Make a user of the newcomer, without an organization of his own if it has no name. Says `registered`, or why not: `gone`, `known` or `taken`."""
    said = await db.value(
        "select private.register_newcomer(%(browser)s, %(user_id)s, %(identity_id)s, %(name)s, %(organization_name)s)",
        {"browser": browser_hash, "user_id": user_id, "identity_id": identity_id, "name": name, "organization_name": organization_name},
    )
    return str(said)


async def list_identities(db: Platform, user_id: UUID) -> list[Identity]:
    """The user's identities, the oldest first."""
    return await db.records(Identity, "select id, issuer, email, linked_at, used_at from private.list_identities(%(user_id)s)", {"user_id": user_id})


async def link_identity(db: Platform, identity_id: UUID, user_id: UUID, claims: Claims) -> bool:
    """Give the user this identity. False when it is somebody's, or he has one of this provider."""
    linked = await db.value(
        "select private.link_identity(%(id)s, %(user_id)s, %(issuer)s, %(subject)s, %(email)s)",
        {"id": identity_id, "user_id": user_id, "issuer": claims.issuer, "subject": claims.subject, "email": claims.email},
    )
    return bool(linked)


async def unlink_identity(db: Platform, user_id: UUID, identity_id: UUID) -> str:
    """Take the identity away. Says `unlinked`, or why not: `last` or `missing`."""
    return str(await db.value("select private.unlink_identity(%(user_id)s, %(id)s)", {"user_id": user_id, "id": identity_id}))
