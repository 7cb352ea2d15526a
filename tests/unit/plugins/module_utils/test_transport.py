# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``transport``: what is repeated, what never is, what is understood of an answer, and what stays secret."""

from __future__ import annotations

import json
import ssl
import sys
import tracemalloc
import warnings
import zlib

import pytest
import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._client import answers, words
from ansible_collections.nhncloud.nks.plugins.module_utils._client import transport as room
from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import HIDDEN, Transport
from ansible_collections.nhncloud.nks.plugins.module_utils._client.words import explanation, hidden, reason, shown
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, BadReply, NksError, NoAnswer
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.stubs import FakeClock, StubServer, answer

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def running():
    server = StubServer()
    yield server
    server.stop()


@pytest.fixture
def stub(running):
    running.clear()
    return running


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def transport(clock):
    made = Transport(clock, timeout=10.0, max_retries=3)
    yield made
    made.close()


class TestRequests:
    def test_request_accepts_and_sends_json(self, stub, transport):
        stub.add(answer(202, {"uuid": "u"}))
        reply = transport.request("POST", stub.url + "/v1/clusters", "create", headers={"X-Auth-Token": "t"}, body={"node_count": 0})
        assert (reply.status, reply.data, reply.request_id) == (202, {"uuid": "u"}, "req-1")
        sent = stub.requests[0]
        assert (sent.method, sent.path, sent.body) == ("POST", "/v1/clusters", {"node_count": 0})
        assert sent.headers["accept"] == "application/json"
        assert sent.headers["content-type"] == "application/json"
        assert sent.headers["x-auth-token"] == "t"
        assert sent.headers["user-agent"] == "nhncloud.nks"

    def test_empty_response_to_write_has_no_data(self, stub, transport):
        stub.add(answer(204), answer(202, body=b" \n"))
        assert transport.request("DELETE", stub.url + "/x", "delete").data is None
        assert transport.request("POST", stub.url + "/x", "create", body={}).data is None

    def test_empty_response_to_read_is_retried_then_rejected(self, stub, transport, clock):
        stub.add(answer(200), answer(200, body=b" \n"), answer(200, {"found": 1}))
        assert transport.request("GET", stub.url + "/x", "read").data == {"found": 1}
        stub.default = answer(200)
        with pytest.raises(BadReply, match=r"^Could not read: the answer is empty \(HTTP 200, request id req-1\)\.$"):
            transport.request("GET", stub.url + "/x", "read")

    def test_one_connection_serves_many_requests(self, stub, transport, monkeypatch):
        opened = []
        original = stub.server.get_request
        monkeypatch.setattr(stub.server, "get_request", lambda: opened.append(1) or original())
        for _number in range(4):
            stub.add(answer(200, {}))
            transport.request("GET", stub.url + "/x", "read")
        assert len(opened) == 1

    def test_missing_requests_library_error_includes_remedy(self, clock, monkeypatch):
        monkeypatch.setattr(room, "requests", None)
        monkeypatch.setattr(room, "REQUESTS_ERROR", "ImportError: requests")
        with pytest.raises(NksError, match=r"pip install requests") as caught:
            Transport(clock)
        assert caught.value.values["exception"] == "ImportError: requests"


BROKEN = {
    "429": answer(429, body=b""),
    "502": answer(502, body=b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "503": answer(503, {"message": "no"}),
    "504": answer(504),
    "reset": {"reset": True},
    "closed": {"raw": b""},
    "no HTTP": {"raw": b"SSH-2.0-OpenSSH_9.6\r\n"},
    "cut off": {"raw": b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{"clusters": ['},
    "cut chunk": {"raw": b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"},
    "bad chunk": {"raw": b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"},
    "two lengths": {"raw": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"},
    "no gzip": {"raw": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"},
    "garbage": answer(200, body=b"{'uuid': <not json>"),
    "bytes": answer(200, body=b"\xff\xfe\x00"),
    "deep": answer(200, body=b"[" * 200000),
    "html": answer(200, body=b"<html>Maintenance</html>"),
}


class TestRetries:
    @pytest.mark.parametrize("fault", list(BROKEN.values()), ids=list(BROKEN))
    def test_failed_read_is_retried(self, stub, transport, clock, fault):
        stub.add(fault, fault, answer(200, {"found": 1}))
        assert transport.request("GET", stub.url + "/x", "read").data == {"found": 1}
        assert len(stub.requests) == 3
        assert len(clock.sleeps) == 2

    @pytest.mark.parametrize("fault", list(BROKEN.values()), ids=list(BROKEN))
    @pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
    def test_failed_write_is_never_retried(self, stub, transport, clock, method, fault):
        stub.add(fault)
        with pytest.raises((NoAnswer, BadReply)) as caught:
            transport.request(method, stub.url + "/x", "change cluster demo", body={})
        assert caught.value.msg.startswith("Could not change cluster demo: ")
        assert len(stub.requests) == 1
        assert clock.sleeps == []

    @pytest.mark.parametrize("fault", ["502", "503", "504", "reset", "closed", "cut off"])
    def test_write_without_response_may_have_been_applied(self, stub, transport, fault):
        stub.add(BROKEN[fault])
        with pytest.raises(NoAnswer) as caught:
            transport.request("POST", stub.url + "/x", "create", body={})
        assert caught.value.maybe_done is True

    def test_write_rejected_with_429_was_not_applied(self, stub, transport):
        stub.add(answer(429, headers={"Retry-After": "7"}))
        with pytest.raises(NoAnswer) as caught:
            transport.request("POST", stub.url + "/x", "create", body={})
        assert caught.value.maybe_done is False
        assert caught.value.retry_after == 7.0
        assert caught.value.values["status_code"] == 429

    def test_safe_write_is_retried(self, stub, transport):
        stub.add(answer(503), answer(200, {"access": {}}))
        assert transport.request("POST", stub.url + "/tokens", "get a token", body={}, safe=True).data == {"access": {}}

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 409, 500, 501])
    def test_api_error_is_not_retried(self, stub, transport, clock, status):
        stub.add(answer(status, {"errors": [{"detail": "No."}]}))
        with pytest.raises(ApiError) as caught:
            transport.request("GET", stub.url + "/x", "read cluster demo")
        assert (caught.value.status, caught.value.detail, caught.value.request_id) == (status, "No.", "req-1")
        assert len(stub.requests) == 1
        assert clock.sleeps == []

    @pytest.mark.parametrize("retries", [0, 1, 4])
    def test_max_retries_limits_attempts(self, stub, clock, retries):
        stub.default = answer(503, {"error": {"message": "Overloaded."}})
        made = Transport(clock, max_retries=retries)
        with pytest.raises(NoAnswer, match=r"HTTP 503, request id req-1\)?\. Try again later") as caught:
            made.request("GET", stub.url + "/x", "read cluster demo")
        assert len(stub.requests) == retries + 1
        assert len(clock.sleeps) == retries
        assert caught.value.values == {"status_code": 503, "request_id": "req-1", "api_error": "Overloaded."}

    @pytest.mark.parametrize("header, seconds", [("7", 7.0), ("0", 0.0), ("2.5", 2.5), ("100000", 60.0), ("-4", 0.0), ("inf", 60.0)])
    @pytest.mark.parametrize("status", [429, 503])
    def test_retry_after_is_obeyed_up_to_a_minute(self, stub, transport, clock, status, header, seconds):
        stub.add(answer(status, headers={"Retry-After": header}), answer(200, {}))
        transport.request("GET", stub.url + "/x", "read")
        assert clock.sleeps == [seconds]

    @pytest.mark.parametrize("header", ["Wed, 07 Oct 2026 03:00:10 GMT", "soon", ""])
    def test_non_numeric_retry_after_uses_default_delay(self, stub, transport, clock, header):
        stub.add(answer(429, headers={"Retry-After": header}), answer(200, {}))
        transport.request("GET", stub.url + "/x", "read")
        assert 0.25 <= clock.sleeps[0] <= 0.5

    def test_retry_delay_doubles_up_to_limit_with_jitter(self, monkeypatch):
        monkeypatch.setattr(room.random, "uniform", lambda low, high: high)
        assert [Transport.backoff(attempt) for attempt in range(1, 8)] == [0.5, 1, 2, 4, 8, 8, 8]
        monkeypatch.setattr(room.random, "uniform", lambda low, high: low)
        assert [Transport.backoff(attempt) for attempt in range(1, 8)] == [0.25, 0.5, 1, 2, 4, 4, 4]

    def test_retry_delays_differ_between_clients(self):
        assert len({Transport.backoff(3) for _number in range(20)}) > 10


class TestNoResponse:
    @pytest.fixture
    def failing(self, transport, monkeypatch):
        def make(error):
            def fail(*_args, **_options):
                raise error

            monkeypatch.setattr(transport._session, "request", fail)
            return transport

        return make

    @pytest.mark.parametrize("error, maybe_done", [(requests.exceptions.ReadTimeout("x"), True), (requests.exceptions.ConnectTimeout("x"), False)])
    def test_timeout_error_includes_option_and_seconds(self, failing, error, maybe_done):
        with pytest.raises(NoAnswer, match=r"no answer from host:8 within 10 s \(request_timeout\)") as caught:
            failing(error).request("POST", "http://host:8/x", "create", body={})
        assert caught.value.maybe_done is maybe_done

    def test_timeout_is_set_on_each_request(self, transport, monkeypatch):
        seen = []

        def note(*_args, **options):
            seen.append(options)
            raise requests.exceptions.ReadTimeout

        monkeypatch.setattr(transport._session, "request", note)
        with pytest.raises(NoAnswer):
            transport.request("GET", "https://host/x", "read")
        assert [options["timeout"] for options in seen] == [10.0] * 4
        assert all(options["allow_redirects"] is False for options in seen)

    def test_write_with_refused_connection_was_not_applied(self, stub, transport):
        gone = StubServer()
        gone.stop()
        with pytest.raises(NoAnswer, match=r"no answer from 127.0.0.1:[0-9]+ .*[Rr]efused") as caught:
            transport.request("POST", gone.url + "/x", "create", body={})
        assert caught.value.maybe_done is False

    def test_write_to_unresolvable_host_was_not_applied(self, failing):
        urllib3 = pytest.importorskip("urllib3")
        if not hasattr(urllib3.exceptions, "NameResolutionError"):
            pytest.skip("this urllib3 has no name for it")
        cause = urllib3.exceptions.NameResolutionError("nks.invalid", None, OSError("Name or service not known"))
        error = requests.exceptions.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/x", cause))
        with pytest.raises(NoAnswer) as caught:
            failing(error).request("POST", "https://nks.invalid/x", "create", body={})
        assert caught.value.maybe_done is False

    def test_tls_handshake_failure_is_retried(self, failing, clock):
        error = requests.exceptions.SSLError("[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol")
        with pytest.raises(NoAnswer, match=r"EOF occurred"):
            failing(error).request("GET", "https://host/x", "read")
        assert len(clock.sleeps) == 3

    @pytest.mark.parametrize("url", ["kr1-api", "ftp://host/x", "http://", "https://.host/x"])
    def test_invalid_url_fails_without_retry(self, transport, clock, url):
        with pytest.raises(NksError, match=r"Could not read: '.*' is not a valid URL"):
            transport.request("GET", url, "read")
        assert clock.sleeps == []

    @pytest.mark.parametrize(
        "text, told",
        [
            ("('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))", "(Connection reset by peer)"),
            ("('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))", "(Remote end closed connection without response)"),
            ("('Connection broken: IncompleteRead(14 bytes read, 86 more expected)', IncompleteRead(14 bytes read, 86 more expected))", "86 more expected)"),
            (
                "HTTPSConnectionPool(host='h', port=443): Max retries exceeded with url: /x (Caused by NameResolutionError(\"HTTPSConnection"
                "(host='h', port=443): Failed to resolve 'h' ([Errno -2] Name or service not known)\"))",
                "(Name or service not known)",
            ),
            (
                "HTTPSConnectionPool(host='h', port=443): Max retries exceeded with url: /x (Caused by ProxyError('Unable to connect to proxy', "
                "NewConnectionError('<HTTPSConnection>: Failed to establish a new connection: [Errno 111] Connection refused')))",
                "(proxy: Connection refused)",
            ),
            ("something else", "(something else)"),
        ],
    )
    def test_root_cause_is_reported_without_wrapping(self, failing, text, told):
        with pytest.raises(NoAnswer) as caught:
            failing(requests.exceptions.ConnectionError(text)).request("POST", "https://h/x", "create cluster demo", body={})
        assert caught.value.msg.startswith("Could not create cluster demo: no answer from h (")
        assert told in caught.value.msg

    def test_credentials_in_url_are_not_shown(self, failing):
        with pytest.raises(NoAnswer) as caught:
            failing(requests.exceptions.ReadTimeout()).request("POST", "https://me:hunter2@host/x", "create", body={})
        assert "hunter2" not in caught.value.msg

    @quick
    @given(junk=st.binary(max_size=200))
    @example(junk=b"HTTP/1.1 200 OK\r\nLocation: http://[\r\n\r\n")
    @example(junk=b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n")
    @example(junk=b"HTTP/1.1 99999 \r\n\r\n")
    @example(junk=b"HTTP/1.1 204 \xff\r\nX-Openstack-Request-Id: \xff\r\n\r\n")
    def test_arbitrary_bytes_from_server_cause_no_traceback(self, stub, junk):
        stub.clear()
        stub.add({"raw": junk}, {"raw": b"HTTP/1.1 200 OK\r\n" + junk})
        for _number in range(2):
            made = Transport(FakeClock(), max_retries=0)
            try:
                made.request("GET", stub.url + "/x", "read")
            except NksError as error:
                assert error.msg
            made.close()


ODD = {
    "a length that is none": {"raw": b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n{}"},
    "a length of thousands of digits": {"raw": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}"},
    "a length in words": {"raw": b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}"},
    "nested deeply": answer(200, body=b"[" * 900 + b"]" * 900),
    "objects nested deeply": answer(200, body=b'{"a":' * 900 + b"1" + b"}" * 900),
    "just too deep": answer(200, body=b"[" * 101 + b"]" * 101),
    "half a pair": answer(200, body=b'{"name": "a\\ud800"}'),
    "half a pair in a key": answer(200, body=b'{"a\\uDFFF": 1}'),
    "not a number": answer(200, body=b'{"a": NaN}'),
    "infinity": answer(200, body=b'{"a": -Infinity}'),
    "a float that is infinite": answer(200, body=b'{"a": 1e400}'),
    "a number of many digits": answer(200, body=b'{"a": ' + b"9" * 5000 + b"}"),
    "two documents": answer(200, body=b"{}{}"),
    "a mark of bytes": answer(200, body=b"\xef\xbb\xbf{}"),
}
FINE = {
    "a pair": (b'"\\ud83d\\ude00"', "\U0001f600"),
    "keys twice": (b'{"a": 1, "a": 2}', {"a": 2}),
    "deep enough": (b"[" * 100 + b"]" * 100, None),
    "brackets in texts": (b'"' + b"[{" * 200 + b'"', "[{" * 200),
    "a large number": (b"9" * 300, int("9" * 300)),
}


class TestMalformedResponses:
    @pytest.mark.parametrize("fault", list(ODD.values()), ids=list(ODD))
    def test_malformed_response_is_rejected(self, stub, transport, fault):
        stub.default = fault
        with pytest.raises(BadReply, match=r"^Could not read: the answer .*HTTP 200"):
            transport.request("GET", stub.url + "/x", "read")

    @pytest.mark.parametrize("body, data", list(FINE.values()), ids=list(FINE))
    def test_unusual_but_valid_response_is_read(self, stub, transport, body, data):
        stub.add(answer(200, body=body))
        found = transport.request("GET", stub.url + "/x", "read").data
        assert data is None or found == data

    def test_duplicate_equal_content_lengths_are_accepted(self, stub, transport):
        stub.add({"raw": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2, 2\r\n\r\n{}"})
        assert transport.request("GET", stub.url + "/x", "read").data == {}

    def test_control_characters_are_removed_from_request_id(self, stub, transport):
        stub.default = {"raw": b"HTTP/1.1 404 Not Found\r\nX-Openstack-Request-Id: req-\x1b]0;evil\x07\x9b1\r\nContent-Length: 0\r\n\r\n"}
        with pytest.raises(ApiError) as caught:
            transport.request("GET", stub.url + "/x", "read")
        assert caught.value.request_id == "req-]0;evil1"

    def test_control_characters_in_error_detail_are_escaped(self, stub, transport):
        detail = "No.\x1b[2K\x1b]0;title\x07 \u202eevil\u2066 \x9b31m\tend\r\nof it \ud55c\uae00"
        stub.default = answer(400, {"errors": [{"detail": detail}]})
        with pytest.raises(ApiError) as caught:
            transport.request("GET", stub.url + "/x", "read")
        assert caught.value.detail == "No.\\x1b[2K\\x1b]0;title\\x07 \\u202eevil\\u2066 \\x9b31m end of it \ud55c\uae00"
        assert caught.value.msg.isprintable()


class TestProxies:
    @pytest.fixture(autouse=True)
    def fresh(self, monkeypatch):
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)

    @pytest.mark.parametrize(
        "proxy, problem",
        [
            ("http://", "is not a URL"),
            ("http://proxy:port", "is not a URL"),
            ("http://[::1", "is not a URL"),
            ("http://pro xy:3128", "is not a URL"),
            ("ftp://proxy:3128", r"has an unknown scheme \(ftp\)"),
            ("http://me:hunter22@proxy:99999", "is not a URL"),
        ],
    )
    @pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
    def test_invalid_proxy_is_named_in_error(self, transport, clock, monkeypatch, variable, proxy, problem):
        monkeypatch.setenv(variable, proxy)
        with pytest.raises(NksError, match=r"^Could not read: the proxy '.*' of the environment \(%s\) %s\. Set it to a URL" % (variable, problem)) as caught:
            transport.request("GET", "https://nks.invalid/x", "read")
        assert "hunter22" not in caught.value.msg
        assert not isinstance(caught.value, NoAnswer) and clock.sleeps == []

    def test_proxy_error_names_missing_library(self, transport, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", "socks5h://proxy:1080")
        monkeypatch.setitem(sys.modules, "socks", None)
        with pytest.raises(NksError, match=r"proxy:1080' of the environment \(HTTPS_PROXY\) needs the Python library 'PySocks'"):
            transport.request("GET", "https://nks.invalid/x", "read")

    def test_unreachable_or_rejecting_proxy_is_named_in_error(self, stub, transport, monkeypatch):
        gone = StubServer()
        gone.stop()
        monkeypatch.setenv("HTTPS_PROXY", gone.url.replace("//", "//me:hunter22@"))
        with pytest.raises(NoAnswer, match=r"\(proxy: Connection refused\)") as caught:
            transport.request("POST", "https://nks.invalid/x", "create", body={})
        assert caught.value.maybe_done is False and "hunter22" not in caught.value.msg
        stub.default = answer(407)
        monkeypatch.setenv("HTTPS_PROXY", stub.url)
        with pytest.raises(NoAnswer, match=r"\(proxy: .*407") as caught:
            Transport(FakeClock(), max_retries=0).request("GET", "https://nks.invalid/x", "read")


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_read_follows_redirect_within_host(self, stub, transport, status):
        stub.add(answer(status, headers={"Location": "/v1/other?marker=b"}), answer(200, {"found": 1}))
        reply = transport.request("GET", stub.url + "/v1/clusters", "read", headers={"X-Auth-Token": "t"}, params={"marker": "a"})
        assert reply.data == {"found": 1}
        assert stub.requests[1].target == "/v1/other?marker=b"
        assert stub.requests[1].headers["x-auth-token"] == "t"

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
    def test_write_does_not_follow_redirect(self, stub, transport, method, status):
        stub.add(answer(status, headers={"Location": "/v1/other"}))
        with pytest.raises(BadReply, match=r"redirects to .*/v1/other, which is not followed") as caught:
            transport.request(method, stub.url + "/v1/clusters", "create", body={})
        assert len(stub.requests) == 1
        assert caught.value.values["request_id"] == "req-1"

    def test_the_token_is_not_sent_to_another_host(self, stub, transport):
        other = StubServer()
        stub.default = answer(302, headers={"Location": other.url + "/steal?secret=1"})
        with pytest.raises(BadReply, match=r"_endpoint, or auth_url") as caught:
            transport.request("GET", stub.url + "/x", "read", headers={"X-Auth-Token": "t"})
        other.stop()
        assert other.requests == []
        assert other.url in caught.value.msg
        assert "secret" not in caught.value.msg

    @pytest.mark.parametrize("location", ["https://127.0.0.1/x", "//other/x", "http://[", "http://ho\u2100st/"])
    def test_redirect_to_other_origin_or_invalid_url_is_not_followed(self, stub, transport, location):
        raw = b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: " + location.encode() + b"\r\n\r\n"
        stub.default = {"raw": raw}
        with pytest.raises(BadReply, match=r"redirects to"):
            transport.request("GET", stub.url + "/x", "read")

    def test_redirect_loop_ends(self, stub, transport):
        stub.default = answer(302, headers={"Location": "/x"})
        made = Transport(FakeClock(), max_retries=0)
        with pytest.raises(BadReply, match=r"redirects in a circle"):
            made.request("GET", stub.url + "/x", "read")
        assert len(stub.requests) == 4


class TestLargeResponses:
    def test_oversized_body_is_rejected(self, stub, clock, monkeypatch):
        monkeypatch.setattr(answers, "MAX_BODY", 1000)
        stub.add(answer(200, body=b'"' + b"x" * 2000 + b'"'))
        with pytest.raises(BadReply, match=r"larger than 1000 bytes"):
            Transport(clock, max_retries=0).request("GET", stub.url + "/x", "read")

    def test_body_that_decompresses_beyond_limit_is_rejected(self, stub, clock, monkeypatch):
        import gzip

        monkeypatch.setattr(answers, "MAX_BODY", 100000)
        stub.add(answer(200, body=gzip.compress(b"0" * 5000000), headers={"Content-Encoding": "gzip"}))
        with pytest.raises(BadReply, match=r"larger than"):
            Transport(clock, max_retries=0).request("GET", stub.url + "/x", "read")

    @pytest.mark.parametrize("encoding, wbits", [("gzip", 31), ("x-gzip", 31), ("GZIP", 31), ("deflate", 15)])
    def test_decompression_memory_is_limited(self, stub, transport, encoding, wbits):
        """294 bytes of gzip in gzip, or a megabyte that becomes a gigabyte: urllib3 before 2.6 unpacks all that comes of one chunk."""
        packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
        bomb = b"".join([packer.compress(b" " * 2**20) for dummy in range(80)] + [packer.flush()])
        assert len(bomb) < 100000
        stub.add(answer(200, body=bomb, headers={"Content-Encoding": encoding}))
        tracemalloc.start()
        with pytest.raises(BadReply, match=r"larger than 67108864 bytes, so it was not read to its end \(HTTP 200, request id req-1\)"):
            Transport(FakeClock(), max_retries=0).request("GET", stub.url + "/x", "read")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 3 * answers.MAX_BODY

    @pytest.mark.parametrize("encoding, wbits", [("gzip", 31), ("deflate", 15)])
    def test_compressed_response_is_read(self, stub, transport, encoding, wbits):
        packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
        body = packer.compress(b'{"found": 1}') + packer.flush()
        stub.add(answer(200, body=body, headers={"Content-Encoding": encoding}))
        assert transport.request("GET", stub.url + "/x", "read").data == {"found": 1}
        stub.default = answer(200, body=body[:-6], headers={"Content-Encoding": encoding})
        with pytest.raises(NoAnswer, match=r"was cut off"):
            transport.request("GET", stub.url + "/x", "read")

    @pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
    def test_unrequested_content_encoding_is_rejected(self, stub, transport, encoding):
        stub.default = answer(200, body=b"{}", headers={"Content-Encoding": encoding})
        with pytest.raises(BadReply, match=r"has a content encoding that was not requested \(HTTP 200, request id req-1\)"):
            transport.request("GET", stub.url + "/x", "read")
        assert {sent.headers["accept-encoding"] for sent in stub.requests} == {"gzip"}

    def test_body_within_size_limit_is_read(self, stub, transport, monkeypatch):
        monkeypatch.setattr(answers, "MAX_BODY", 1000)
        stub.add(answer(200, body=b'"' + b"x" * 998 + b'"'))
        assert len(transport.request("GET", stub.url + "/x", "read").data) == 998


#: More of an error's body than is looked at (bytes).
MUCH = 1024 * 1024

MAGNUM = {
    "errors": [{"request_id": "", "code": "client", "status": 400, "title": "Invalid flavor m9", "detail": "Invalid flavor m9.c1: unknown.", "links": []}]
}


class TestExplanations:
    @pytest.mark.parametrize(
        "body, words",
        [
            (MAGNUM, "Invalid flavor m9.c1: unknown."),
            ({"errors": [{"title": "Only a title", "detail": ""}]}, "Only a title"),
            ({"errors": [{"title": "", "detail": ""}]}, ""),
            ({"errors": [{"detail": ""}, {"detail": "The second."}]}, "The second."),
            ({"errors": [{"code": "magnum.microversion-unsupported", "title": "Version not acceptable", "max_version": "1.11"}]}, "Version not acceptable"),
            ({"error": {"code": 401, "title": "Unauthorized", "message": "Could not find user: x"}}, "Could not find user: x"),
            ({"itemNotFound": {"code": 404, "message": "Instance could not be found."}}, "Instance could not be found."),
            ({"NeutronError": {"type": "SubnetNotFound", "message": "Subnet x could not be found.", "detail": ""}}, "Subnet x could not be found."),
            ({"faultstring": "Unknown key", "faultcode": "Client", "debuginfo": None}, "Unknown key"),
            ({"header": {"isSuccessful": False, "resultCode": -1, "resultMessage": "Quota over."}}, "Quota over."),
            ("Just a text", "Just a text"),
            ([], ""),
            (None, ""),
            (5, ""),
            ({"errors": None}, ""),
            ({"errors": [[[[[[[{"detail": "too deep"}]]]]]]]}, ""),
        ],
    )
    def test_explanation_is_found_in_every_error_format(self, body, words):
        assert explanation(json.dumps(body).encode()) == words

    @pytest.mark.parametrize(
        "body, words",
        [
            (b"", ""),
            (b"Service Unavailable", "Service Unavailable"),
            (b"<html><head><title>502</title><style>a{}</style></head><body><h1>502  Bad\nGateway</h1><hr>nginx</body></html>", "502 Bad Gateway nginx"),
            (b"<HTML><script>alert(1)</script><BODY>a &amp; b</BODY>", "a & b"),
            (b"\xff\xfe", "\ufffd\ufffd"),
        ],
    )
    def test_explanation_is_extracted_from_html_and_plain_text(self, body, words):
        assert explanation(body) == words

    @pytest.mark.parametrize(
        "body",
        [
            b"<" * MUCH,
            b"<a" * (MUCH // 2),
            b"<script>" * (MUCH // 8),
            b"<head>" * (MUCH // 6) + b"</script>",
            b"<script></head>" * (MUCH // 15),
            b"<" + b"a" * MUCH,
            b"&#" + b"9" * MUCH,
            b"&#x" + b"f" * MUCH,
            b"&" * MUCH,
            b"appkey" * (MUCH // 6),
            b"appkey" + b"\\" * MUCH,
            b"appkey: " * (MUCH // 8),
            b"appkey" + b" " * MUCH,
            b"\x1b" * MUCH,
            b"\xff" * MUCH,
            b'{"detail": "' + b"x" * MUCH + b'"}',
            b'{"errors": [' + b"{}," * (MUCH // 3) + b"{}]}",
            b"[" * MUCH,
            b"9" * MUCH,
        ],
        ids=range(19),
    )
    def test_large_error_page_is_processed_in_linear_time(self, body):
        """Of a megabyte, what is quadratic would take hours."""
        assert len(explanation(body, lambda text: shown(text, ["password", "#!/bin/sh\n" + "\n".join("line %d" % number for number in range(3000))]))) <= 1000

    @pytest.mark.parametrize("text", ["[Errno " * 9999, "('" * 30000, '("' * 30000, ": A" * 30000, "(" * 65536, "x" * 65536, "(" + "0" * 65536])
    def test_the_cause_of_an_error_is_found_in_linear_time(self, text):
        assert len(reason(text)) <= 310

    def test_secret_cut_by_size_limit_is_not_partly_shown(self):
        page = b" " * (words.MAX_TEXT - 3) + b"pass-word-of-mine"
        assert explanation(page, lambda text: shown(text, ["pass-word-of-mine"])) == ""
        page = b"Not good: " + b" " * (words.MAX_TEXT * 2)
        assert explanation(page, lambda text: shown(text, ["pass-word-of-mine"])) == "Not good:"

    @pytest.mark.parametrize(
        "body, words",
        [
            (b"<head>never closed <b>Bad</b>", "never closed Bad"),
            (b"<p>1 < 2", "1 < 2"),
            (b"a<script>x</style>y</script>b<STYLE>z</STYLE>c", "a b c"),
            (b"a &#99999999999; b &#x41; &lt;", "a b A <"),
        ],
    )
    def test_html_tags_are_removed(self, body, words):
        assert explanation(body) == words

    def test_explanation_is_one_line_of_limited_length(self):
        assert explanation(json.dumps({"message": "a\n\n  b\t" + "x" * 5000}).encode()) == "a b " + "x" * 996

    @settings(max_examples=80, deadline=None)
    @given(
        st.one_of(
            st.binary(),
            st.recursive(
                st.none() | st.booleans() | st.floats() | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["errors", "detail", "title", "x"]), inner),
            ).map(lambda data: json.dumps(data).encode()),
        )
    )
    def test_arbitrary_body_yields_limited_text(self, body):
        words = explanation(body)
        assert isinstance(words, str)
        assert len(words) <= 1000

    def test_message_includes_explanation_status_and_request_id(self, stub, transport):
        stub.add(answer(400, MAGNUM, headers={"X-Openstack-Request-Id": "req-77"}))
        with pytest.raises(ApiError) as caught:
            transport.request("POST", stub.url + "/x", "create cluster demo", body={})
        assert caught.value.msg == "Could not create cluster demo: Invalid flavor m9.c1: unknown (HTTP 400, request id req-77)."
        assert caught.value.values == {"status_code": 400, "request_id": "req-77", "api_error": "Invalid flavor m9.c1: unknown."}

    def test_message_without_body_and_request_id(self, stub, transport):
        stub.add(answer(500, headers={"X-Openstack-Request-Id": ""}))
        with pytest.raises(ApiError) as caught:
            transport.request("GET", stub.url + "/x", "read cluster demo")
        assert caught.value.msg == "Could not read cluster demo: the service gave no explanation (HTTP 500)."


SCRIPT = '#!/bin/bash\n    export  API_KEY=\'it\\\'s "s3cr3t"\'\n\techo "\uc548\ub155 wachtwoord=zeer-geheim"\nno\n'
AWKWARD = ["simple", 'with"quote', "with'both\"quotes", "back\\slash", '\uc554\ud638"\ud55c\uae00', "tab\tnew\nline", SCRIPT]


def in_every_spelling(secret):
    return {
        "as it is": secret,
        "JSON": json.dumps(secret),
        "JSON in Korean": json.dumps(secret, ensure_ascii=False),
        "Python": repr(secret),
        "Python dict": repr({"a": secret, "b": "x"}),
        "Python bytes": repr(secret.encode()),
        "JSON in JSON": json.dumps(json.dumps({"a": secret})),
        "JSON in Python": repr(json.dumps({"a": secret})),
        "Python in JSON": json.dumps(repr({"a": secret})),
        "text of a dict in Python": repr(repr({"a": secret})),
        "line by line": "\n".join(">> %s <<" % line for line in secret.splitlines()),
        "lines with spaces taken off": " | ".join(line.strip() for line in secret.splitlines()),
    }


SPELLINGS = [(secret, name) for secret in AWKWARD for name in in_every_spelling(secret)]


class TestSecrets:
    @pytest.mark.parametrize("secret, spelling", SPELLINGS)
    def test_secret_is_hidden_in_every_encoding(self, transport, secret, spelling):
        text = transport.hide("Invalid input: %s." % in_every_spelling(secret)[spelling], [secret])
        assert HIDDEN in text
        for part in ("simple", "quote", "slash", "\uc554\ud638", "s3cr3t", "API_KEY", "geheim", "\\ud55c", "\\xed"):
            if part in secret or part.startswith("\\"):
                assert part not in text

    @pytest.mark.parametrize("secret, spelling", SPELLINGS)
    @pytest.mark.parametrize("shape", ["magnum", "html", "text"])
    def test_error_quoting_request_body_hides_secrets(self, stub, transport, secret, spelling, shape):
        detail = "Invalid input for field labels. Value: '%s'. Wrong type." % in_every_spelling(secret)[spelling]
        body = {"magnum": json.dumps({"errors": [{"detail": detail}]}), "html": "<html><body>%s</body></html>" % detail, "text": detail}[shape]
        for status in (400, 503):
            stub.add(answer(status, body=body.encode()))
            with pytest.raises((ApiError, NoAnswer)) as caught:
                transport.request("POST", stub.url + "/x", "create", body={"a": secret}, secrets=[secret])
            told = caught.value.msg + str(caught.value) + repr(caught.value.values)
            for part in ("simple", "quote", "slash", "\uc554\ud638", "s3cr3t", "API_KEY", "geheim"):
                if part in secret:
                    assert part not in told

    def test_secret_at_length_limit_is_hidden(self, stub, transport):
        secret = "s3cr3t" * 50
        stub.add(answer(400, {"errors": [{"detail": "x" * 900 + secret}]}))
        with pytest.raises(ApiError) as caught:
            transport.request("POST", stub.url + "/x", "create", body={}, secrets=[secret])
        assert "s3cr3t" not in caught.value.detail

    def test_account_secrets_are_hidden_in_all_errors(self, stub, transport):
        transport.keep_secret("the-token", "", None)
        stub.add(answer(400, {"message": "Token the-token is odd"}), answer(503, {"message": "the-token"}))
        with pytest.raises(ApiError) as caught:
            transport.request("GET", stub.url + "/x", "read")
        assert caught.value.detail == "Token %s is odd" % HIDDEN
        with pytest.raises(NoAnswer) as caught:
            transport.request("POST", stub.url + "/x", "create", body={})
        assert caught.value.values["api_error"] == HIDDEN

    def test_longest_secret_is_masked_first(self, transport):
        transport.keep_secret("abc", "abc-def")
        assert transport.hide("abc-def") == HIDDEN

    @quick
    @given(st.text(min_size=3), st.text(max_size=5), st.text(max_size=5))
    @example("a\ud800b", "", "")
    def test_hiding_never_fails_and_removes_every_secret(self, transport, secret, before, after):
        assert hidden(before + secret + after, [secret]).count(secret) <= HIDDEN.count(secret) + (before + HIDDEN + after).count(secret)
        assert transport.hide(before + secret + after, [secret]).isprintable()


class TestEnvironment:
    def test_a_netrc_entry_does_not_replace_the_token(self, stub, transport, tmp_path, monkeypatch):
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        stub.add(answer(200, {}))
        transport.request("GET", stub.url + "/x", "read", headers={"X-Auth-Token": "t"})
        assert "authorization" not in stub.requests[0].headers
        assert stub.requests[0].headers["x-auth-token"] == "t"

    @pytest.mark.parametrize(
        "url, warned",
        [
            ("http://api.example.com/v1", "api.example.com"),
            ("http://me:pw@10.0.0.1:9511/v1", "10.0.0.1:9511"),
            ("http://127.evil.example/v1", "127.evil.example"),
            ("http://127.0.0.1:1/v1", None),
            ("http://localhost/v1", None),
            ("http://[::1]:80/v1", None),
            ("https://api.example.com/v1", None),
        ],
    )
    def test_unencrypted_credentials_warning_is_issued_once(self, transport, url, warned):
        transport.warn_if_plain(url)
        transport.warn_if_plain(url)
        expected = ["Credentials are sent to %s without encryption; use https." % warned] if warned else []
        assert transport.warnings == expected

    def test_unencrypted_credentials_warning_on_first_request(self, transport, monkeypatch):
        def fail(*_args, **_options):
            raise requests.exceptions.ConnectTimeout

        monkeypatch.setattr(transport._session, "request", fail)
        with pytest.raises(NoAnswer):
            transport.request("GET", "http://api.example.com/v1", "read")
        assert len(transport.warnings) == 1


@pytest.fixture(scope="module")
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = StubServer(context)
    yield server
    server.stop()


class TestCertificates:
    @pytest.fixture(autouse=True)
    def fresh(self, tls):
        tls.clear()
        tls.default = answer(200, {"found": 1})

    def test_unverifiable_certificate_fails_immediately_with_remedy(self, tls, clock, monkeypatch):
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
        with pytest.raises(NksError, match=r"certificate of 127.0.0.1:\d+ could not be verified .*Set ca_cert to your CA bundle") as caught:
            Transport(clock).request("GET", tls.url + "/x", "read", headers={"X-Auth-Token": "t"})
        assert not isinstance(caught.value, NoAnswer)
        assert clock.sleeps == []
        assert tls.requests == []

    def test_configured_ca_is_trusted(self, tls, clock, certificate):
        assert Transport(clock, verify=certificate[0]).request("GET", tls.url + "/x", "read").data == {"found": 1}

    def test_disabled_verification_shows_no_warning(self, tls, clock):
        made = Transport(clock, verify=False)
        with warnings.catch_warnings(record=True) as caught:
            assert made.request("GET", tls.url + "/x", "read").data == {"found": 1}
        assert [str(warning.message) for warning in caught] == []

    @pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_options_override_ca_environment_variables(self, tls, clock, certificate, monkeypatch, variable):
        monkeypatch.setenv(variable, "/nowhere/bundle.pem")
        assert Transport(clock, verify=False).request("GET", tls.url + "/x", "read").data == {"found": 1}
        assert Transport(clock, verify=certificate[0]).request("GET", tls.url + "/x", "read").data == {"found": 1}

    def test_invalid_or_missing_ca_file_is_reported(self, tls, clock, tmp_path, monkeypatch):
        bundle = tmp_path / "ca.pem"
        bundle.write_text("nothing")
        with pytest.raises(NksError, match=r"Could not read: the CA certificates of ca_cert \('.*ca.pem'\) cannot be used \(it contains no certificates\)"):
            Transport(clock, verify=str(bundle)).request("GET", tls.url + "/x", "read")
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        for variable in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            monkeypatch.setenv(variable, str(bundle))
            with pytest.raises(NksError, match=r"the CA certificates of %s \('.*ca.pem'\) cannot be used" % variable):
                Transport(clock).request("GET", tls.url + "/x", "read")
        bundle.unlink()
        with pytest.raises(NksError, match=r"the CA certificates of REQUESTS_CA_BUNDLE \('.*ca.pem'\) cannot be used \(No such file or directory\)"):
            Transport(clock).request("GET", tls.url + "/x", "read")
        assert clock.sleeps == []

    def test_https_to_plain_http_server_is_reported(self, stub, clock):
        with pytest.raises(NksError, match=r"Could not read: no answer from 127.0.0.1"):
            Transport(clock, max_retries=0).request("GET", stub.url.replace("http:", "https:") + "/x", "read")
