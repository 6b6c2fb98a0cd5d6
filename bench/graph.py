"""A Graph API that accepts everything, in a process of its own: as little work per request as Python allows.

`python -m bench.graph PORT [CERTIFICATE]`. GET /report answers how many messages came and when each recipient's first did.
"""

import asyncio
import json
import ssl
import sys
import time

import httptools
import uvloop


class Counted:
    """What was received."""

    def __init__(self) -> None:
        self.count = 0
        self.first: dict[str, float] = {}


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, counted: Counted) -> None:
        self.counted = counted
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""
        self.url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.url = url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        body, self.body = self.body, b""
        if self.url == b"/report":
            answer = json.dumps({"count": self.counted.count, "first": self.counted.first}).encode()
        elif self.url == b"/reset":
            self.counted.count, self.counted.first, answer = 0, {}, b"{}"
        else:
            self.counted.count += 1
            at = body.index(b'"to":"') + 6
            to = body[at : body.index(b'"', at)].decode()
            self.counted.first.setdefault(to, time.monotonic())
            answer = b'{"messaging_product":"whatsapp","messages":[{"id":"wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJC%d"}]}' % self.counted.count
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)


async def main(port: int, certificate: str | None) -> None:
    counted, context = Counted(), None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(counted), "127.0.0.1", port, ssl=context, backlog=1024)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
