"""A load generator in a process of its own: signed webhooks over keep-alive connections, as fast as answers come or at a fixed rate.

Reads one JSON job from standard input, writes one JSON report to standard output. Times are CLOCK_MONOTONIC seconds, which all
processes of one machine share.
"""

import asyncio
import hashlib
import hmac
import json
import sys
import time
from typing import Any

import uvloop

SECRET = b"benchmark"


def body(job: dict[str, Any], first: int) -> bytes:
    """One webhook with `per_post` messages of different people, for one channel."""
    number = job["numbers"][(first // job["per_post"]) % len(job["numbers"])]
    entries = []
    for n in range(first, first + job["per_post"]):
        phone = str(job["first_phone"] + n % job["people"])
        said = {"from": phone, "id": f"wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQT{job['run']}{n:012d}", "timestamp": str(int(time.time())), "type": "text",
                "text": {"body": f"Hello, what is the price of number {n}? I would like to come by tomorrow afternoon if that suits you."}}  # fmt: skip
        contact = {"profile": {"name": f"Customer {phone[-5:]}"}, "wa_id": phone}
        entries.append((contact, said))
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550100000", "phone_number_id": number},
             "contacts": [c for c, _ in entries], "messages": [m for _, m in entries]}  # fmt: skip
    return json.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}, separators=(",", ":")
    ).encode()


def request(content: bytes) -> bytes:
    """The same as bytes on the wire."""
    signature = hmac.new(SECRET, content, hashlib.sha256).hexdigest().encode()
    return (b"POST /webhooks/whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Hub-Signature-256: sha256=" + signature
            + b"\r\nContent-Length: " + str(len(content)).encode() + b"\r\n\r\n" + content)  # fmt: skip


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, load: "Load") -> None:
        self.load, self.sent_at, self.index = load, 0.0, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP

    def data_received(self, data: bytes) -> None:
        self.load.answered(self, data[9:12])

    def connection_lost(self, error: Exception | None) -> None:
        self.load.lost += 1

    def send(self, index: int, due: float | None = None) -> None:
        self.index, self.sent_at = index, due or time.monotonic()
        self.transport.write(self.load.requests[index])


class Load:
    """The whole job."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job, self.lost, self.errors = job, 0, 0
        self.requests = [request(body(job, n)) for n in range(0, job["messages"], job["per_post"])]
        self.latencies: list[float] = []
        self.sent_at: dict[str, float] = {}
        self.idle: list[Connection] = []
        self.next = 0
        self.done = asyncio.Event()

    async def run(self) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        made = [await loop.create_connection(lambda: Connection(self), "127.0.0.1", self.job["port"]) for _ in range(self.job["connections"])]
        connections = [protocol for _, protocol in made]
        began = time.monotonic()
        if rate := self.job.get("rate"):
            self.idle = connections
            await self._open_loop(rate)
        else:
            for connection in connections:
                self._more(connection)
        await self.done.wait()
        return {"began": began, "ended": time.monotonic(), "posts": len(self.requests), "errors": self.errors, "lost": self.lost,
                "latencies": self.latencies, "sent_at": self.sent_at}  # fmt: skip

    async def _open_loop(self, rate: float) -> None:
        began = time.monotonic()
        for n in range(len(self.requests)):
            due = began + n / rate
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            while not self.idle:
                await asyncio.sleep(0.0005)
            self._send(self.idle.pop(), n, due)
        self.next = len(self.requests)

    def answered(self, connection: Connection, status: bytes) -> None:
        self.latencies.append(time.monotonic() - connection.sent_at)
        self.errors += status != b"200"
        if len(self.latencies) == len(self.requests):
            self.done.set()
        elif self.job.get("rate"):
            self.idle.append(connection)
        else:
            self._more(connection)

    def _more(self, connection: Connection) -> None:
        if self.next < len(self.requests):
            self.next += 1
            self._send(connection, self.next - 1, None)

    def _send(self, connection: Connection, index: int, due: float | None) -> None:
        connection.send(index, due)
        if self.job.get("rate"):
            self.sent_at[str(self.job["first_phone"] + index % self.job["people"])] = connection.sent_at


async def main() -> None:
    load = Load(json.load(sys.stdin))
    print("ready", flush=True)
    json.dump(await load.run(), sys.stdout)


if __name__ == "__main__":
    uvloop.run(main())
