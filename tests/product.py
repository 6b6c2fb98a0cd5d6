"""The real product in processes of its own, and people in front of it: over HTTP, as nobody who knows its code would be any better off."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx

from frontdesk.database import postmaster
from tests.users.browser import Browser, hidden_fields

T = TypeVar("T")
PATIENCE = 60.0  # seconds; a busy machine is slow
LENA = "+4915112345678"


class Product:
    """One data folder and one port, and the `frontdesk` processes on them, each in a group of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.data_dir = folder, folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {"PORT": str(self.port), "FRONTDESK_DATA_DIR": str(self.data_dir)} | environment
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, command: str = "serve") -> None:
        """Start one command of the product."""
        with (self.folder / f"{command}.txt").open("ab") as said:
            self.processes[command] = subprocess.Popen(
                [sys.executable, "-m", "frontdesk", command], cwd=self.folder, env=self.environment, stdout=said, stderr=said, start_new_session=True
            )

    def kill(self, command: str = "serve") -> None:
        """`kill -9` of a command and all that is in its process group."""
        process = self.processes.pop(command)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_database(self) -> None:
        """`kill -9` of every process of the embedded PostgreSQL, the first one first."""
        if first := postmaster.leftover(self.data_dir / "postgres"):
            children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
            for process in [first, *map(int, children)]:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    def end(self) -> None:
        """End everything that was started here, the embedded PostgreSQL too."""
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for command in list(self.processes):
            try:
                self.processes[command].wait(20)
                del self.processes[command]
            except subprocess.TimeoutExpired:
                self.kill(command)
        self.kill_database()

    def said(self, command: str = "serve") -> str:
        """Everything a command wrote, over all its lives."""
        return (self.folder / f"{command}.txt").read_text(errors="replace")

    def secret(self, name: str) -> str:
        """One of the secrets that the product made for itself."""
        return (self.data_dir / "secrets" / name).read_text().strip()

    def healthy(self) -> bool:
        """Whether requests are served now."""
        try:
            return bool(urllib.request.urlopen(f"{self.url}/healthz", timeout=10).status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def wait_until_healthy(self, command: str = "serve") -> None:
        """Wait until requests are served by a command that was started."""
        deadline = time.monotonic() + PATIENCE
        while not self.healthy():
            assert self.processes[command].poll() is None, self.said(command)
            assert time.monotonic() < deadline, f"not healthy after {PATIENCE:g} s; it said: {self.said(command)[-4000:]}"
            time.sleep(0.05)


@contextmanager
def installed(**environment: str) -> Iterator[Product]:
    """A product on an empty folder that every user may enter; whatever was started on it has ended afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-product-"))
    folder.chmod(0o711)
    product = Product(folder, **environment)
    try:
        yield product
    finally:
        product.end()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Visitor(Browser):
    """A browser with cookies of its own, in front of a real port."""

    def __init__(self, url: str) -> None:
        self.base = url
        self.client = httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False, verify=False, headers={"accept": "text/html"})


@dataclass
class Shop:
    """One organization: its owner's browser, its sandbox number, and the customers who write to it."""

    name: str
    email: str
    visitor: Visitor
    phone_number_id: str
    organization_id: UUID
    door: httpx.AsyncClient

    async def hears(self, text: str, of: str = LENA, name: str = "Lena", **more: Any) -> str:
        """Somebody writes to the shop's number; WhatsApp's id of the message."""
        body = {"to": self.phone_number_id, "from": of, "name": name, "text": text} | more
        answer = await self.door.post("inbound", json={key: value for key, value in body.items() if value is not None})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def phone(self, of: str = LENA) -> list[dict[str, Any]]:
        """What this shop's messages look like on somebody's phone, the newest last."""
        answer = await self.door.get("messages", params={"to": of, "from": self.phone_number_id})
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    async def faults(self, **switches: Any) -> None:
        """From now on this goes wrong on the shop's number, and nothing else."""
        answer = await self.door.put(f"faults/{self.phone_number_id}", json=switches)
        assert answer.status_code == 200, answer.text

    async def page(self, path: str = "/dashboard/inbox") -> str:
        """A page as the owner sees it."""
        answer = await self.visitor.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.text

    async def conversation(self, name: str = "Lena") -> str:
        """The path of the conversation with somebody, once it stands in the inbox."""

        async def found() -> str | None:
            rows = re.findall(r'<a class="list-group-item.*?href="(/dashboard/inbox/[0-9a-f-]{36})(.*?)</a>', await self.page(), re.DOTALL)
            return next((path for path, row in rows if name in row), None)

        return await eventually(found, f"{name} in the inbox of {self.name}")

    async def writes(self, conversation: str, text: str) -> httpx.Response:
        """The owner writes from the composer."""
        return await self.visitor.send(f"{conversation}/messages", page=conversation, text=text)


@asynccontextmanager
async def open_shop(product: Product, name: str, *, simulator: str | None = None) -> AsyncIterator[Shop]:
    """Somebody registers as anybody would. simulator: where it is, if not inside the product."""
    email = f"{re.sub('[^a-z]', '', name.lower())}.{os.urandom(4).hex()}@example.com"
    async with (
        Visitor(product.url) as visitor,
        httpx.AsyncClient(base_url=(simulator or f"{product.url}/simulator") + "/", timeout=PATIENCE, trust_env=False, verify=False) as door,
    ):
        answer = await visitor.register(name="Maya Bello", email=email, organization_name=name)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/dashboard"), answer.text
        overview = (await visitor.get("/dashboard")).text
        number = re.search(r"/simulator/phones/(\d+)", overview)
        assert number, "the overview leads to no simulated phone"
        yield Shop(name, email, visitor, number[1], UUID(hidden_fields(overview)["organization_id"]), door)


async def eventually(check: Callable[[], Awaitable[T]], what: str, seconds: float = PATIENCE) -> T:
    """Wait until something is so, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := await check()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.05)
    return found
