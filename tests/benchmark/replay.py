# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that answers as the simulator has answered before, after a given time, and takes next to none itself.

What is measured is then the client, and not how fast a simulator written in Python is. The first request for a path is passed on to
the simulator; its answer is kept, with the simulator's own address in it replaced by this server's.

    with Replay("http://127.0.0.1:8999", latency=0.05) as replay: ...
"""

from __future__ import annotations

import asyncio
import http.client
import re
import threading
from urllib.parse import urlsplit

#: Headers that belong to one connection or one body.
OWN = ("connection", "content-length", "date", "keep-alive", "server", "transfer-encoding")


class _Connection(asyncio.Protocol):
    """One client's connection; requests on it are answered in their order."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.received = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.received += data
        while True:
            head, end, rest = self.received.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            size = int(length.group(1)) if length else 0
            if not end or len(rest) < size:
                return
            body, self.received = rest[:size], rest[size:]
            asyncio.get_running_loop().call_later(self.replay.latency, self._answer, head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if self.transport and not self.transport.is_closing():
            self.transport.write(self.replay.answer(head, body))


class Replay:
    """The server, in a thread of its own; a context manager.

    :param upstream: the simulator's URL.
    :param latency: seconds that each answer takes.
    :ivar url: where it listens.
    :ivar requests: how many requests there were.
    """

    def __init__(self, upstream: str, latency: float = 0.0) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.latency = latency
        self.url = ""
        self.requests = 0
        self._kept: dict[bytes, bytes] = {}
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Replay:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.url = "http://127.0.0.1:%d" % self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *args: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=1000)

    def answer(self, head: bytes, body: bytes) -> bytes:
        """The whole answer to a request, from memory where it was asked before."""
        self.requests += 1
        line = head.partition(b"\r\n")[0]
        if line not in self._kept:
            self._kept[line] = self._fetch(head, body)
        return self._kept[line]

    def _fetch(self, head: bytes, body: bytes) -> bytes:
        """The simulator's answer, as it is sent from now on."""
        line, *headers = head.decode("latin-1").split("\r\n")
        method, path = line.split()[:2]
        connection = http.client.HTTPConnection(self.upstream, timeout=60)
        connection.request(method, path, body or None, {name: value for name, value in (header.split(": ", 1) for header in headers) if name != "Host"})
        reply = connection.getresponse()
        content = reply.read().replace(self.upstream.encode(), urlsplit(self.url).netloc.encode())
        kept = ["%s: %s" % item for item in reply.getheaders() if item[0].lower() not in OWN]
        connection.close()
        return "\r\n".join(["HTTP/1.1 %d %s" % (reply.status, reply.reason), *kept, "Content-Length: %d" % len(content), "", ""]).encode("latin-1") + content
