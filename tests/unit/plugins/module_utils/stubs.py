# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of several rooms stand on: a clock that never waits, and an HTTP server that answers what it is told to."""

from __future__ import annotations

import json
import socket
import struct
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

START = datetime(2026, 10, 7, 3, 0, 0, tzinfo=timezone.utc)


class FakeClock:
    """A clock that stands still but for its sleeps, which take no time and are remembered."""

    def __init__(self):
        self.seconds = 0.0
        self.sleeps = []

    def now(self):
        return self.seconds

    def utc(self):
        return START + timedelta(seconds=self.seconds)

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.seconds += seconds


class Request:
    """One request as it came over the wire."""

    def __init__(self, method, target, headers, body):
        self.method = method
        self.target = target
        self.path = urlsplit(target).path
        self.query = parse_qsl(urlsplit(target).query, keep_blank_values=True)
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.raw = body

    @property
    def body(self):
        return json.loads(self.raw) if self.raw else None


class Handler(BaseHTTPRequestHandler):
    """Takes the next answer of the server's list."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self):
        stub = self.server.stub
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with stub.lock:
            stub.requests.append(Request(self.command, self.path, self.headers, body))
            found = stub.answers.pop(0) if stub.answers else stub.default
        if callable(found):
            found = found(stub.requests[-1])
        if "reset" in found:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        if "raw" in found:
            self.wfile.write(found["raw"])
            self.wfile.flush()
            self.close_connection = True
            return
        self.send_response(found["status"])
        for name, value in found["headers"].items():
            self.send_header(name, value)
        if found["status"] != 204:
            self.send_header("Content-Length", str(len(found["body"])))
        self.end_headers()
        self.wfile.write(found["body"])
        self.wfile.flush()

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        pass

    def shutdown_request(self, request):
        # Without a shutdown first, so that a connection set to linger for no time is reset.
        self.close_request(request)


def answer(status=200, data=None, body=None, headers=None):
    """An answer of the stub server; ``data`` is sent as JSON."""
    if body is None:
        body = b"" if data is None else json.dumps(data).encode()
    return {"status": status, "body": body, "headers": dict({"X-Openstack-Request-Id": "req-1"}, **(headers or {}))}


class StubServer:
    """An HTTP server on loopback with a list of answers and a list of the requests that it got."""

    def __init__(self, context=None):
        self.requests = []
        self.answers = []
        self.default = answer(500, body=b"the stub has no answer left")
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.stub = self
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = "%s://127.0.0.1:%d" % ("https" if context else "http", self.server.server_address[1])
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def add(self, *answers):
        self.answers += answers

    def clear(self):
        self.requests.clear()
        self.answers.clear()
        self.default = answer(500, body=b"the stub has no answer left")

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
