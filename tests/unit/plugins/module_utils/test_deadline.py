# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``deadline``: a request ends with its time limit, whatever the server or a proxy does.

The clock of these tests goes on by a second whenever it is looked at, so that a limit of some seconds is over at once.
"""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

pytest.importorskip("requests")

from ansible_collections.nhncloud.nks.plugins.module_utils._client import answers, deadline, transport
from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import Transport
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadReply, NksError, NoAnswer
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.stubs import FakeClock, StubServer, answer

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class TickingClock(FakeClock):
    """Goes on by itself."""

    def now(self):
        self.seconds += 1.0
        return self.seconds


class Endless:
    """A server that says something once and then something else again and again, until the client has gone away."""

    def __init__(self, first, again, context=None):
        self.first, self.again, self.context = first, again, context
        self.heard = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                threading.Thread(target=self.talk, args=[connection], daemon=True).start()

    def talk(self, connection):
        with contextlib.suppress(OSError), connection:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.heard.append(connection.recv(65536))
            connection.sendall(self.first)
            while self.again:
                connection.sendall(self.again)


@pytest.fixture
def endless(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    servers = []

    def make(*args, **options):
        servers.append(Endless(*args, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.listener.close()


@pytest.fixture
def transport_of():
    made = []

    def make(clock=None, **options):
        made.append(Transport(clock or TickingClock(), **dict({"timeout": 10.0, "max_retries": 0}, **options)))
        return made[-1]

    yield make
    for one in made:
        one.close()


DRIPS = {
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "status line": (b"", b"H"),
    "headers": (HEAD, b"X-A: b\r\n"),
    "one header": (HEAD + b"X-A: ", b"b"),
    "body": (HEAD + b"Content-Length: 9999999\r\n\r\n", b" "),
    "body without a length": (HEAD + b"\r\n", b" "),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "the size of a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "trailers": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n"),
}


def one_by_one(monkeypatch):
    """A socket that gives as little as there can be: what is in it comes a byte at a time."""
    monkeypatch.setattr(deadline.Guard, "recv_into", lambda self, buffer: guarded(self, memoryview(buffer)[:1]))


guarded = deadline.Guard.recv_into


@pytest.mark.parametrize("drip", list(DRIPS.values()), ids=list(DRIPS))
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_endless_response_stops_at_the_timeout(endless, transport_of, monkeypatch, drip, method):
    server = endless(*drip)
    one_by_one(monkeypatch)
    with pytest.raises((NoAnswer, BadReply)) as caught:
        transport_of().request(method, "http://%s/x" % server.address, "read", body={} if method == "POST" else None)
    # http.client itself ends what has too many headers.
    assert "within 10 s (request_timeout)" in caught.value.msg or drip[0] == HEAD
    assert isinstance(caught.value, NoAnswer) and caught.value.maybe_done is True


@pytest.mark.parametrize("drip", list(DRIPS.values()), ids=list(DRIPS))
def test_endless_response_stops_at_the_size_limit(endless, transport_of, monkeypatch, drip):
    """In a time that stands still: also a fast server must not fill the memory."""
    monkeypatch.setattr(answers, "MAX_BODY", 20000)
    monkeypatch.setattr(transport, "MAX_REST", 10000)
    server = endless(*drip)
    with pytest.raises((NoAnswer, BadReply), match=r"larger than 20000 bytes|[Gg]ot more than|LineTooLong") as caught:
        transport_of(FakeClock()).request("GET", "http://%s/x" % server.address, "read")
    assert len(caught.value.msg) < 1000


def test_timeout_applies_to_tls(endless, transport_of, certificate):
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = endless(*DRIPS["100 Continue"], context=context)
    with pytest.raises(NoAnswer, match=r"within 10 s \(request_timeout\)"):
        transport_of(verify=certificate[0]).request("GET", "https://%s/x" % server.address, "read")
    assert b"GET /x" in server.heard[0]


@pytest.mark.parametrize("drip", ["100 Continue", "status line", "headers"])
def test_timeout_applies_to_a_proxy_tunnel(endless, transport_of, monkeypatch, drip):
    proxy = endless(*DRIPS[drip])
    one_by_one(monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", "http://" + proxy.address)
    with pytest.raises(NoAnswer, match=r"within 10 s \(request_timeout\)|proxy"):
        transport_of().request("GET", "https://nks.invalid/x", "read")
    assert proxy.heard[0].startswith(b"CONNECT nks.invalid:443 ")


def test_timeout_applies_to_a_forwarding_proxy(endless, transport_of, monkeypatch):
    proxy = endless(*DRIPS["body"])
    monkeypatch.setenv("HTTP_PROXY", "http://" + proxy.address)
    with pytest.raises(NoAnswer, match=r"within 10 s \(request_timeout\)"):
        transport_of().request("GET", "http://nks.invalid/x", "read")
    assert proxy.heard[0].startswith(b"GET http://nks.invalid/x ")


def test_proxy_tunnel_works(transport_of, certificate, monkeypatch):
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server, opened = StubServer(context), []
    server.default = answer(200, {"found": 1})
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while True:
                data = source.recv(65536)
                if not data:
                    break
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection = listener.accept()[0]
                opened.append(connection.recv(65536))
                there = socket.create_connection(server.server.server_address)
                connection.sendall(b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n")
                threading.Thread(target=pump, args=[connection, there], daemon=True).start()
                threading.Thread(target=pump, args=[there, connection], daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:%d" % listener.getsockname()[1])
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    made = transport_of(FakeClock(), verify=certificate[0])
    for number in range(3):
        assert made.request("GET", "%s/%d" % (server.url, number), "read").data == {"found": 1}
    # One connection serves all of them here too.
    assert len(opened) == 1 and opened[0].startswith(b"CONNECT 127.0.0.1:")
    listener.close()
    server.stop()


def test_redirects_share_one_timeout(transport_of):
    server = StubServer()
    server.default = answer(302, headers={"Location": "/x"})
    with pytest.raises(NoAnswer, match=r"within 10 s \(request_timeout\)"):
        transport_of().request("GET", server.url + "/x", "read")
    # The clock is looked at several times for each of them.
    assert 1 <= len(server.requests) < transport.MAX_REDIRECTS + 1
    server.stop()


def test_each_attempt_has_the_full_timeout(transport_of, endless):
    server = endless(*DRIPS["body"])
    with pytest.raises(NoAnswer, match="request_timeout"):
        transport_of(max_retries=2).request("GET", "http://%s/x" % server.address, "read")
    assert len(server.heard) == 3


def test_all_addresses_of_a_host_share_one_timeout(transport_of, monkeypatch):
    """Both addresses of a host do not answer: the second one is tried in the time that is left."""
    tried = []

    def create(address, timeout, **_options):
        tried.append((address[0], timeout))
        clock.seconds += 4.0
        raise ConnectionRefusedError("refused")

    clock = FakeClock()
    monkeypatch.setattr("urllib3.util.connection.create_connection", create)
    monkeypatch.setattr("urllib3.connection.connection.create_connection", create)
    monkeypatch.setattr(deadline, "_addresses", lambda name, port: ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"])
    with pytest.raises(NoAnswer, match=r"no answer from nks.invalid within 10 s \(request_timeout\)"):
        transport_of(clock).request("GET", "https://nks.invalid/x", "read")
    assert tried == [("192.0.2.1", 10.0), ("192.0.2.2", 6.0), ("192.0.2.3", 2.0)]


def test_next_address_is_tried_after_a_failed_connection(transport_of, monkeypatch):
    server = StubServer()
    server.default = answer(200, {"found": 1})
    # Nothing listens at the first one.
    monkeypatch.setattr(deadline, "_addresses", lambda name, port: ["127.0.0.9", "127.0.0.1"])
    url = server.url.replace("127.0.0.1", "localhost")
    assert transport_of(FakeClock()).request("GET", url + "/x", "read").data == {"found": 1}
    assert server.requests[0].headers["host"].startswith("localhost:")
    server.stop()


def test_host_name_is_resolved():
    assert set(deadline._addresses("localhost", 80)) <= {"127.0.0.1", "::1"}
    with pytest.raises(OSError):
        deadline._addresses("nks.invalid", 80)


def test_each_thread_has_its_own_timeout():
    deadline.LIMIT.begin(FakeClock(), 5.0, 100)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(deadline.LIMIT.seconds()))
    thread.start()
    thread.join()
    assert seen == [None]
    assert deadline.LIMIT.seconds() == 5.0


def test_large_request_is_sent_completely(transport_of):
    server = StubServer()
    server.default = answer(200, {})
    body = {"script": "x" * 3000000}
    transport_of(FakeClock()).request("POST", server.url + "/x", "create", body=body)
    assert server.requests[0].body == body
    server.stop()


def test_body_is_read_completely_with_connection_close(transport_of):
    """``Connection: close``: http.client closes the connection as soon as it has read the headers, and the body comes later."""
    server = StubServer()
    body = b'"%s"' % (b"x" * 500000)
    server.default = {"raw": HEAD + b"Connection: close\r\n\r\n" + body}
    assert len(transport_of(FakeClock()).request("GET", server.url + "/x", "read").data) == 500000
    server.stop()


@pytest.mark.parametrize("code", [101, 102, 103])
def test_interim_response_is_an_error(transport_of, code):
    server = StubServer()
    server.default = {"raw": b"HTTP/1.1 %d Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" % code}
    for method in ("GET", "DELETE"):
        with pytest.raises(NksError):
            transport_of(FakeClock()).request(method, server.url + "/x", "read")
    server.stop()
