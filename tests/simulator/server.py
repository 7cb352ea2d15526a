# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP: one loopback port with keep-alive, the request log, latency and the faults in transit."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
import socket
import struct
import threading
import time
import traceback
import uuid as uuid_module
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from . import seed
from .app import create_app
from .state import Clock, Cloud, Settings

SECRET_HEADERS = ("x-auth-token", "authorization", "cookie")


class _Dropped(Exception):
    """The connection is to end without (the rest of) an answer."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


class Reply:
    """A whole answer, held back so that a fault can still change it."""

    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.sent = len(body)

    @property
    def code(self) -> int:
        return int(self.status.split(" ", 1)[0])


class Handler(WSGIRequestHandler):
    """Werkzeug's own `run_wsgi` closes every connection and reads ahead, which keep-alive does not survive; this one
    reads the request's body, answers with a length, in one packet, and goes on."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        server = cast("Server", self.server)
        if self.headers.get("Expect", "").lower().strip() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ = self.make_environ()
        length = environ.get("CONTENT_LENGTH")
        if environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read()
        else:
            body = self.rfile.read(int(length)) if length and length.isdigit() else b""
        try:
            reply = server.answer(environ, body)
            self._send(reply)
            if reply.sent < len(reply.body):
                raise _Dropped(reset=False)
        except _Dropped as dropped:
            self._drop(reset=dropped.reset)
        except OSError:
            self.close_connection = True

    def _drop(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            # Closing with no time to linger sends a reset instead of an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _send(self, reply: Reply) -> None:
        code, dummy, text = reply.status.partition(" ")
        self.send_response(int(code), text)
        for name, value in reply.headers:
            self.send_header(name, value)
        if int(code) not in (204, 304):
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: reply.sent])
        self.wfile.flush()

    def version_string(self) -> str:
        return "nks-simulator"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # pylint: disable=redefined-builtin
        """Nothing on the console: there is the request log."""


class Server(ThreadedWSGIServer):
    """Remembers its connections, so that stopping ends those that are kept alive as well."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, answer: Callable[[dict[str, Any], bytes], Reply]) -> None:
        self.answer = answer
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(host, port, lambda environ, start_response: [], handler=Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        linger = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) if request.fileno() >= 0 else b""
        if linger and struct.unpack("ii", linger) == (1, 0):
            self.close_request(request)  # a shutdown before it would be an orderly end
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away in the middle; that is no news."""

    def end_connections(self) -> None:
        with self._open_lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Simulator:
    """The simulator on a port of its own. In tests:

    with Simulator(task_seconds=0) as sim:
        requests.post(sim.auth_url + "/tokens", ...)
        assert sim.request_log[-1]["status"] == 200
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
        regions: tuple[str, ...] = seed.DEFAULT_REGIONS,
        password: str = seed.DEMO_PASSWORD,
        log_file: str | None = None,
        on_stop: Callable[[], None] | None = None,
        **settings: Any,
    ) -> None:
        first = Settings()
        first.update(settings)
        self.cloud = Cloud(settings=first, clock=clock, regions=tuple(regions), password=password)
        self.password = password
        self._log_path = log_file
        self._log_stream: Any = None
        self._sequence = 0
        self._thread: threading.Thread | None = None
        self.stopping = threading.Event()
        self._on_stop = on_stop
        self.app = create_app(self.cloud, self.ask_to_stop, host)
        self.server = Server(host, port, self._answer)
        self.host, self.port = host, self.server.socket.getsockname()[1]

    # -- what tests use

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def auth_url(self) -> str:
        return f"{self.url}/identity/v2.0"

    @property
    def state(self) -> Cloud:
        return self.cloud

    @property
    def request_log(self) -> list[dict[str, Any]]:
        return self.cloud.log

    @property
    def environment(self) -> dict[str, str]:
        """What a user of the collection exports."""
        return {
            "NHNCLOUD_AUTH_URL": self.auth_url,
            "NHNCLOUD_TENANT_ID": seed.DEMO_TENANT,
            "NHNCLOUD_USERNAME": seed.DEMO_USER,
            "NHNCLOUD_PASSWORD": self.password,
            "NHNCLOUD_REGION": self.cloud.regions[0],
        }

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(self, *dummy: Any) -> None:
        self.stop()

    def start(self) -> None:
        if self._log_path:
            self._log_stream = open(self._log_path, "a", encoding="utf-8")  # noqa: SIM115  # pylint: disable=consider-using-with
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        if self._thread is not None:
            self.server.shutdown()
            self._thread.join()
            self._thread = None
        self.server.end_connections()
        self.server.server_close()
        with self.cloud.lock:
            if self._log_stream is not None:
                self._log_stream.close()
                self._log_stream = None

    def ask_to_stop(self) -> None:
        """From a request: the answer must still go out, so another thread does the stopping."""
        self.stopping.set()
        if self._on_stop is not None:
            self._on_stop()

    # -- one request

    def _answer(self, environ: dict[str, Any], body: bytes) -> Reply:
        started = time.time()
        path, query = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"), environ["QUERY_STRING"]
        if path.startswith("/_sim"):
            return self._application(environ, body)
        method = environ["REQUEST_METHOD"]
        text = body.decode("utf-8", "replace")
        with self.cloud.lock:
            found = self.cloud.faults.request_rules(method, path, unquote(query), text)
            entry = self._log_entry(environ, path, query, text, started)
            self.cloud.log.append(entry)
            latency = self.cloud.settings.latency
        for rule in found:
            if rule["effect"] == "delay":
                time.sleep(rule["seconds"])
        if latency:
            time.sleep(latency)
        rule = next((rule for rule in found if rule["effect"] != "delay"), None)
        try:
            reply = self._with_fault(rule, environ, body) if rule else self._application(environ, body)
            entry["status"] = reply.code
            return reply
        finally:
            entry["faults"] = [rule["effect"] for rule in found]
            entry["seconds"] = round(time.time() - started, 6)
            with self.cloud.lock:
                if self._log_stream is not None:
                    self._log_stream.write(json.dumps(entry) + "\n")
                    self._log_stream.flush()

    def _application(self, environ: dict[str, Any], body: bytes) -> Reply:
        """Runs the Flask application under the one lock and adds what every answer has."""
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        caught: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable:
            caught[:] = [status, headers]
            return lambda data: None

        with self.cloud.lock:
            try:
                self.cloud.tick()
                result = self.app(environ, start_response)
                data = b"".join(result)
                if hasattr(result, "close"):
                    result.close()
            except Exception:  # pylint: disable=broad-exception-caught
                # A mistake in the simulator must not look like a fault in transit.
                traceback.print_exc()
                caught[:] = ["500 Simulator Error", [("Content-Type", "text/plain"), ("X-Simulator-Error", "true")]]
                data = traceback.format_exc().encode("utf-8")
        headers = [(name, value) for name, value in caught[1] if name.lower() != "content-length"]
        if not environ["PATH_INFO"].startswith("/_sim"):
            headers.append(("x-openstack-request-id", f"req-{uuid_module.uuid4()}"))
            if "/kubernetes/" in environ["PATH_INFO"]:
                # The reply may name the service otherwise than the request must (observed on Magnum 9.4.1).
                headers.append(("OpenStack-API-Version", "container 1.10"))
                headers.append(("Vary", "OpenStack-API-Version"))
        return Reply(caught[0], headers, data)

    def _with_fault(self, rule: dict[str, Any], environ: dict[str, Any], body: bytes) -> Reply:
        effect = rule["effect"]
        if effect == "reset_before":
            raise _Dropped(reset=True)
        if effect == "redirect":
            return Reply(f"{rule.get('status', 302)} Found", [("Location", rule["url"])], b"")
        if effect == "status":
            if rule.get("processed"):
                self._application(copy.copy(environ), body)
            return self._status_reply(rule)
        reply = self._application(environ, body)
        if effect == "reset_after":
            raise _Dropped(reset=True)
        if effect == "truncate":
            reply.sent = len(reply.body) // 2
        elif effect == "garbage":
            reply.body = rule.get("body", '{"clusters": [{"uuid": \x00 <not json>').encode("utf-8")
            reply.sent = len(reply.body)
        return reply

    @staticmethod
    def _status_reply(rule: dict[str, Any]) -> Reply:
        kind = rule.get("body_type", "magnum" if "body" not in rule else "json")
        given = rule.get("body")
        status = rule["status"]
        if kind == "empty":
            content, data = "text/plain", ""
        elif kind == "html":
            content, data = "text/html", given or f"<html><body><h1>{status} Bad Gateway</h1></body></html>"
        elif kind == "text":
            content, data = "text/plain", str(given or "Service Unavailable")
        elif kind == "json":
            content, data = "application/json", given if isinstance(given, str) else json.dumps(given)
        else:
            detail = str(given or "Injected failure.")
            content = "application/json"
            data = json.dumps(
                {
                    "errors": [
                        {
                            "request_id": "",
                            "code": "client" if status < 500 else "server",
                            "status": status,
                            "title": detail.split(".", maxsplit=1)[0],
                            "detail": detail,
                            "links": [],
                        }
                    ]
                }
            )
        headers = [("Content-Type", content), ("x-openstack-request-id", f"req-{uuid_module.uuid4()}")]
        if "retry_after" in rule:
            headers.append(("Retry-After", str(rule["retry_after"])))
        headers.extend((name, str(value)) for name, value in rule.get("headers", {}).items())
        return Reply(f"{status} Injected", headers, data.encode("utf-8"))

    # -- the log

    def _log_entry(self, environ: dict[str, Any], path: str, query: str, body: str, started: float) -> dict[str, Any]:
        headers = {}
        for key, value in environ.items():
            if key.startswith("HTTP_"):
                headers[key[5:].replace("_", "-").lower()] = value
        if environ.get("CONTENT_TYPE"):
            headers["content-type"] = environ["CONTENT_TYPE"]
        for name in SECRET_HEADERS:
            if name in headers:
                # Enough to see whether two requests used one token, and no more.
                headers[name] = "sha256:" + hashlib.sha256(headers[name].encode()).hexdigest()[:12]
        parsed: Any = body or None
        with contextlib.suppress(ValueError):
            parsed = json.loads(body)
        if path.endswith("/tokens") and isinstance(parsed, dict):
            with contextlib.suppress(KeyError, TypeError):
                parsed["auth"]["passwordCredentials"]["password"] = "set"
        self._sequence += 1
        return {
            "seq": self._sequence,
            "time": started,
            "method": environ["REQUEST_METHOD"],
            "path": path,
            "query": [list(pair) for pair in parse_qsl(query, keep_blank_values=True)],
            "headers": headers,
            "body": parsed,
            "status": None,
        }
