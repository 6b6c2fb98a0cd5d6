"""Static files: one style sheet and one script, bundled once; every address carries the hash of its content."""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers, QueryParams
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
SCRIPTS = ("vendor/htmx.min.js", "vendor/hx-csp.min.js", "vendor/hx-sse.min.js")
SERVED = ("favicon.svg", "icons.svg", "theme.js", "vendor/inter-latin.woff2", "vendor/inter-latin-ext.woff2")
FOREVER = "public, max-age=31536000, immutable"
COMPRESSIBLE = ("text/", "image/svg+xml", "application/javascript")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served. `zipped`: the same gzip-compressed, where that is worth it."""

    body: bytes
    zipped: bytes | None
    media_type: str
    version: str


def static(name: str) -> str:
    """The address of a static file, for templates: `/static/app.css?v=5f0c…`."""
    return f"/static/{name}?v={_assets()[name].version}"


async def serve_static(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application to mount under /static."""
    name = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix("/static").lstrip("/")
    asset = _assets().get(name)
    response = _answer(asset, scope) if asset else PlainTextResponse("Not found", status_code=404)
    await response(scope, receive, send)


def _answer(asset: Asset, scope: Scope) -> Response:
    headers, tag = Headers(scope=scope), f'"{asset.version}"'
    current = QueryParams(scope.get("query_string", b"")).get("v") == asset.version
    said = {"cache-control": FOREVER if current else "no-cache", "etag": tag, "vary": "accept-encoding"}
    if tag in headers.get("if-none-match", ""):
        return Response(status_code=304, headers=said)
    if asset.zipped and "gzip" in headers.get("accept-encoding", ""):
        return Response(asset.zipped, media_type=asset.media_type, headers=said | {"content-encoding": "gzip"})
    return Response(asset.body, media_type=asset.media_type, headers=said)


@cache
def _assets() -> dict[str, Asset]:
    assets = {name: _asset(name, (STATIC / name).read_bytes()) for name in SERVED}
    assets["app.js"] = _asset("app.js", _script())
    assets["app.css"] = _asset("app.css", _sheet(assets))
    return assets


def _asset(name: str, body: bytes) -> Asset:
    media_type = mimetypes.guess_type(name)[0] or {".woff2": "font/woff2"}.get(Path(name).suffix, "application/octet-stream")
    zipped = gzip.compress(body, 9, mtime=0) if media_type.startswith(COMPRESSIBLE) else None
    return Asset(body, zipped, media_type, hashlib.sha256(body).hexdigest()[:16])


def _script() -> bytes:
    files = [STATIC / name for name in SCRIPTS] + sorted((STATIC / "scripts").glob("*.js"))
    return b";\n".join(file.read_bytes() for file in files)


def _sheet(assets: dict[str, Asset]) -> bytes:
    sheet = "\n".join(_layers())
    return re.sub(r'url\("\.\./([^"]+)"\)', lambda found: f'url("/static/{found[1]}?v={assets[found[1]].version}")', sheet).encode()


def _layers() -> Iterator[str]:
    yield (STATIC / "app.css").read_text()
    tabler = (STATIC / "vendor/tabler.min.css").read_text().removeprefix('@charset "UTF-8";')
    yield f"@layer tabler{{{re.sub(r'/[*]# sourceMappingURL=.*?[*]/', '', tabler)}}}"
    for file in sorted((STATIC / "styles").glob("*.css")):
        yield file.read_text()
