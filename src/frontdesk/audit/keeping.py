"""Where anchors are kept: at the end of a file, or behind an address that takes them."""

import os
from pathlib import Path

import httpx2

from frontdesk.errors import BadInput, Unavailable
from frontdesk.outgoing import SECONDS, Wire
from frontdesk.settings import Settings


class NotKept(Unavailable):
    """The anchors could not be kept there."""


class NoPlace(BadInput):
    """Anchors go to a file or to an address that begins with https://."""


async def keep(settings: Settings, place: str, lines: bytes) -> None:
    """Keep the lines in a file or behind an https address. Raises NotKept or NoPlace."""
    if "://" in place:
        await _post(settings, place, lines)
    else:
        _append(Path(place), lines)


def _append(path: Path, lines: bytes) -> None:
    """Add to the file in one write that is on disk when this returns; what a crash left half written stays a line of its own."""
    try:
        with path.open("ab+") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                lines = lines if file.read(1) == b"\n" else b"\n" + lines
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise NotKept(f"{path} could not be written: {error.strerror}.") from None


async def _post(settings: Settings, place: str, lines: bytes) -> None:
    try:
        url = httpx2.URL(place)
        if url.scheme != "https" and not settings.development:
            raise NoPlace
        wire = Wire(url.host, plain=settings.development)
        async with httpx2.AsyncClient(transport=wire, timeout=SECONDS, follow_redirects=False, trust_env=False) as client:
            response = await client.post(url, content=lines, headers={"content-type": "application/jsonl", "accept-encoding": "identity"})
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NotKept(f"{place} did not take the anchors: {error}.") from None
    if not response.is_success:
        raise NotKept(f"{place} did not take the anchors: it answered {response.status_code}.")
