"""A small provider of OpenID Connect on a real port: it checks what it is sent, and lies when a test tells it to."""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "frontdesk", "s3cret of the client"
Sign = Callable[[dict[str, Any]], str]
KEYS: dict[str, Any] = {"RS256": RSAKey.generate_key(2048, {"kid": "rsa"}), "ES256": ECKey.generate_key("P-256", {"kid": "ec"})}


class Idp:
    """One provider. `person`: who sits before its sign-in; `claims`: changes what its tokens say; `sign`: makes them."""

    def __init__(self) -> None:
        self.issuer, self.person = "", {"sub": "248289761001", "email": "maya@example.com", "email_verified": True, "name": "Maya Bello"}
        self.claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda said: said
        self.sign: Sign = self.signed
        self.keys: list[Any] = list(KEYS.values())
        self.described: dict[str, Any] = {}  # what it says otherwise of itself
        self.userinfo: dict[str, Any] | None = None
        self.redeemed: dict[str, dict[str, str]] = {}  # codes, and what was asked with them
        self.asked: list[str] = []
        self.algorithm, self.down, self.slow, self.method = "RS256", False, False, "basic"

    def signed(self, claims: dict[str, Any]) -> str:
        """A token as it should be."""
        return jwt.encode({"alg": self.algorithm, "kid": KEYS[self.algorithm].kid}, claims, KEYS[self.algorithm])

    async def describe(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if self.slow:
            return await self._drip(request)
        said = {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys", "userinfo_endpoint": f"{self.issuer}/userinfo",
        }  # fmt: skip
        return web.Response(status=500) if self.down else web.json_response(said | self.described)

    async def show_keys(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        return web.json_response({"keys": [key if isinstance(key, dict) else key.as_dict(private=False) for key in self.keys]})

    async def authorize(self, request: web.Request) -> web.Response:
        """The person has signed in and agreed: back with a code."""
        asked = dict(request.query)
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256" and asked["client_id"] == CLIENT
        assert "openid" in asked["scope"].split() and len(asked["nonce"]) >= 32 and len(asked["state"]) >= 32
        code = secrets.token_urlsafe(16)
        self.redeemed[code] = asked
        return web.Response(status=302, headers={"location": f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"})

    async def token(self, request: web.Request) -> web.Response:
        """A code for a token: once, from our client, with the verifier of the challenge."""
        sent = {name: str(value) for name, value in (await request.post()).items()}
        asked = self.redeemed.pop(sent.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(sent.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != sent.get("redirect_uri") or not self._is_client(request, sent):
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.person}
        return web.json_response({"access_token": "at-1", "token_type": "Bearer", "id_token": self.sign(self.claims(claims))})

    async def tell(self, request: web.Request) -> web.Response:
        assert request.headers["authorization"] == "Bearer at-1"
        return web.json_response(self.userinfo)

    async def _drip(self, request: web.Request) -> web.StreamResponse:
        """A space every moment, until nobody listens any more."""
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b" ")
            await asyncio.sleep(0.02)
        return response

    def _is_client(self, request: web.Request, sent: Mapping[str, str]) -> bool:
        if self.method == "post":
            return (sent.get("client_id"), sent.get("client_secret")) == (CLIENT, SECRET)
        kind, _, pair = request.headers.get("authorization", "").partition(" ")
        return kind == "Basic" and base64.b64decode(pair).decode() == f"{CLIENT}:{SECRET}"


@asynccontextmanager
async def idp() -> AsyncIterator[Idp]:
    """A provider while the block runs."""
    here, application = Idp(), web.Application()
    application.router.add_get("/.well-known/openid-configuration", here.describe)
    application.router.add_get("/keys", here.show_keys)
    application.router.add_get("/authorize", here.authorize)
    application.router.add_post("/token", here.token)
    application.router.add_get("/userinfo", here.tell)
    runner = web.AppRunner(application, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        here.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield here
    finally:
        await runner.cleanup()
