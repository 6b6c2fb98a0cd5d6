"""A ZIP file that is sent while it is written: it never stands anywhere as a whole."""

import asyncio
from datetime import datetime
from types import TracebackType
from typing import IO, Any, Self, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo


class Sink:
    """Takes what the ZIP writes, until it is sent. It has no places to go back to, so the ZIP tells the sizes behind each file."""

    def __init__(self) -> None:
        """Start empty."""
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        """Keep this."""
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing waits anywhere else."""

    def take(self) -> bytes:
        """What was written since the last time."""
        taken, self._parts = b"".join(self._parts), []
        return taken


class Zip:
    """One ZIP file of text files; packing happens beside whatever else is served."""

    def __init__(self, at: datetime) -> None:
        """`at`: what its files say when they were made."""
        self._sink, self._at = Sink(), at.timetuple()[:6]
        self._zip = ZipFile(cast(Any, self._sink), "w", ZIP_DEFLATED)
        self._file: IO[bytes] | None = None

    def begin(self, name: str) -> None:
        """Go on with a further file."""
        self.end()
        about = ZipInfo(name, self._at)
        about.compress_type = ZIP_DEFLATED
        self._file = self._zip.open(about, "w", force_zip64=True)

    async def write(self, text: str) -> bytes:
        """Add to the file; what may be sent now."""
        assert self._file is not None, "no file was begun"
        await asyncio.to_thread(self._file.write, text.encode())
        return self._sink.take()

    def end(self) -> None:
        """This file is whole."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def close(self) -> bytes:
        """All of it is whole; the rest of it."""
        self.end()
        self._zip.close()
        return self._sink.take()

    def __enter__(self) -> Self:
        """As `with` wants it."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let go, also of one that was broken off."""
        self.close()
