# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP: one connection pool, time-outs, retries of what is safe to repeat, and answers that can be trusted in form."""

from __future__ import annotations

import os
import random
import re
import traceback
import warnings
import zlib
from urllib.parse import urljoin, urlsplit

from ansible_collections.nhncloud.nks.plugins.module_utils._client.deadline import LIMIT, bound
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    ApiError,
    BadReply,
    NksError,
    NoAnswer,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter

    REQUESTS_ERROR = None
except ImportError:
    requests = None
    HTTPAdapter = object
    REQUESTS_ERROR = traceback.format_exc()

#: Gateways answer these for a while and then recover; a read is simply asked again.
TRANSIENT = (429, 502, 503, 504)
#: Longest time that a Retry-After of the service is obeyed, in seconds.
MAX_RETRY_AFTER = 60.0
#: Longest pause between two attempts, in seconds.
MAX_BACKOFF = 8.0
#: No answer of the API comes near this size (bytes); a larger one is not read to its end.
MAX_BODY = 64 * 1024 * 1024
#: What may come besides the body: headers, and the framing of a body in many chunks (bytes).
MAX_REST = 16 * 1024 * 1024
MAX_REDIRECTS = 3
#: Errors before anything was sent, by their names in urllib3 and its messages.
UNSENT = (
    "NewConnectionError",
    "NameResolutionError",
    "Failed to establish",
    "CERTIFICATE_VERIFY_FAILED",
    "WRONG_VERSION_NUMBER",
)
HIDDEN = "********"
LOOPBACK = re.compile(r"localhost|::1|127\.[0-9.]+")
#: A header Content-Length, perhaps sent twice (RFC 9110, 8.6).
LENGTH = re.compile(r"\s*[0-9]{1,18}\s*(,\s*[0-9]{1,18}\s*)*")
#: Packed answers that zlib can read; only the first is asked for.
PACKED = ("gzip", "x-gzip", "deflate")
PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


class Adapter(HTTPAdapter):
    """An adapter of requests whose connections end with the limit of the request, with a proxy too."""

    def init_poolmanager(self, *args, **options):
        """As requests has it."""
        super().init_poolmanager(*args, **options)
        bound(self.poolmanager)

    def proxy_manager_for(self, proxy, **options):
        """As requests has it."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **options)
        return manager if known else bound(manager)


class Reply:
    """One answer in trusted form: status (int), data (decoded JSON or None), headers, request_id (str)."""

    def __init__(self, status, data, headers, request_id):
        self.status = status
        self.data = data
        self.headers = headers
        self.request_id = request_id


class Transport:
    """One `requests` session and the rules for using it.

    :param clock: see :mod:`clock`.
    :param timeout: seconds for one request, whatever belongs to it: connection, redirections, the whole answer.
    :param max_retries: how often a safe request is repeated.
    :param verify: True, False or the path of a CA bundle.
    :param pool_size: connections kept open to one host.
    :raises NksError: where `requests` is not installed.
    """

    def __init__(
        self,
        clock,
        timeout=30.0,
        max_retries=5,
        verify=True,
        pool_size=1,
        user_agent="nhncloud.nks",
    ):
        if requests is None:
            raise NksError(
                "The Python library 'requests' is needed where this task runs (pip install requests).",
                exception=REQUESTS_ERROR,
            )
        self.clock = clock
        self.timeout = timeout
        self.max_retries = max_retries
        # The CA bundle of the environment counts where the user's options name none, as requests has it.
        self._bundle = next(
            (
                name
                for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
                if verify is True and os.environ.get(name)
            ),
            None,
        )
        self._verify = os.environ[self._bundle] if self._bundle else verify
        self._proxies = {}
        self._deadline = None
        self.warnings = []
        self._secrets = set()
        self._session = requests.Session()
        adapter = Adapter(pool_connections=8, pool_maxsize=pool_size)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        # Magnum answers an error without a body, or 406, where JSON is not asked for by name.
        # Only what zlib unpacks is taken, so that the size of what comes of it is bounded in every release of urllib3.
        self._session.headers.update(
            {"Accept": "application/json", "Accept-Encoding": PACKED[0], "User-Agent": user_agent}
        )
        # What the environment says is read once (proxies, the CA bundle) and not anew for each request; a .netrc entry, which
        # would replace our token by basic authentication, not at all.
        self._session.trust_env = False
        # Otherwise requests looks where a redirection leads even if it is not to follow it, and stumbles over a broken address.
        self._session.get_redirect_target = _no_redirect
        if verify is False:
            # The user has said so; a line on stderr for it would only be in the way.
            warnings.filterwarnings("ignore", category=urllib3.exceptions.InsecureRequestWarning)

    def close(self):
        """Give the connections back."""
        self._session.close()

    def keep_secret(self, *values):
        """Remember texts that must not stand in any message."""
        self._secrets.update(str(value) for value in values if value)

    def hide(self, text, secrets=()):
        """A text as it may be shown: without any secret known to us, in whatever spelling, without appkeys, and without control characters."""
        return _words().shown(text, self._secrets.union(secrets))

    def warn_if_plain(self, url):
        """Warn once where a credential is about to cross a network in clear text."""
        parts = urlsplit(url)
        if parts.scheme == "http" and not LOOPBACK.fullmatch(parts.hostname or ""):
            warning = "Credentials are sent to %s without encryption; use https." % _host(url)
            if warning not in self.warnings:
                self.warnings.append(warning)

    def request(
        self, method, url, doing, headers=None, params=None, body=None, safe=None, secrets=()
    ):
        """Send one request and return its answer.

        :param doing: what is being done to which resource; opens every message.
        :param body: sent as JSON.
        :param safe: whether it may be repeated without looking; by default, reads may.
        :param secrets: texts of the body that must not come back in a message.
        :raises ApiError: the service refused.
        :raises NoAnswer: no answer that says what happened to the request.
        :raises BadReply: an answer that is not JSON where JSON was due.
        """
        if safe is None:
            safe = method == "GET"
        attempt = 0
        while True:
            try:
                return self._once(method, url, doing, headers, params, body, secrets)
            except (NoAnswer, BadReply) as error:
                attempt += 1
                if not safe or not self.pause(attempt, error):
                    raise

    def limit(self, seconds):
        """From now on, and for so many seconds, requests may be repeated: the time limit of one operation."""
        self._deadline = self.clock.now() + seconds

    def pause(self, attempt, error=None):
        """Wait before a request is repeated, unless max_retries or the time limit comes first.

        :param attempt: how many attempts have failed.
        :param error: the last failure, which may tell how long to wait.
        :returns: whether to repeat it.
        """
        seconds = getattr(error, "retry_after", None)
        if seconds is None:
            seconds = self.backoff(attempt)
        if attempt > self.max_retries or (
            self._deadline is not None and self.clock.now() + seconds > self._deadline
        ):
            return False
        self.clock.sleep(seconds)
        return True

    @staticmethod
    def backoff(attempt):
        """Seconds before the given attempt (1, 2 …): doubling, capped, and spread so that clients don't move in step."""
        return min(MAX_BACKOFF, 0.5 * 2 ** min(attempt - 1, 10)) * random.uniform(0.5, 1.0)  # nosec: not for cryptography

    def _once(self, method, url, doing, headers, params, body, secrets):
        self.warn_if_plain(url)
        origin = urlsplit(url)[:2]
        LIMIT.begin(self.clock, self.timeout, MAX_BODY + MAX_REST)
        for _hop in range(MAX_REDIRECTS + 1):
            response, content = self._send(method, url, doing, headers, params, body)
            request_id = _request_id(response)
            status = response.status_code
            if status not in (301, 302, 303, 307, 308):
                break
            target = _joined(url, response.headers.get("Location", ""))
            # The token goes to nobody but the host that it was meant for, and a write is never repeated by redirection.
            if method != "GET" or urlsplit(target)[:2] != origin:
                raise BadReply(
                    "Could not %s: the service redirects to %s, which is not followed. Set the service's address "
                    "with the option that ends in _endpoint, or auth_url."
                    % (doing, self.hide(target.split("?")[0]) or "no usable address"),
                    status_code=status,
                    request_id=request_id,
                )
            url, params = target, None
        else:
            raise BadReply(
                "Could not %s: the service redirects in a circle." % doing,
                status_code=status,
                request_id=request_id,
            )
        if status in TRANSIENT:
            raise NoAnswer(
                "Could not %s: the service answered HTTP %d%s. Try again later."
                % (doing, status, _reference(request_id)),
                # A gateway that is overloaded (429) has not passed the request on.
                maybe_done=status != 429,
                retry_after=_retry_after(response.headers.get("Retry-After")),
                status_code=status,
                request_id=request_id,
                api_error=self._explained(content, secrets),
            )
        if status < 200:
            # http.client takes any of them but 100 for the answer itself.
            raise NoAnswer(
                "Could not %s: the service answered HTTP %d, which is no answer to a request."
                % (doing, status),
                status_code=status,
            )
        if status >= 400:
            raise ApiError(doing, status, self._explained(content, secrets), request_id)
        if method == "GET" and not content.strip():
            raise BadReply(
                "Could not %s: the answer is empty (HTTP %d%s)."
                % (doing, status, _reference(request_id)),
                status_code=status,
                request_id=request_id,
            )
        return Reply(
            status, self._decode(content, doing, status, request_id), response.headers, request_id
        )

    def _send(self, method, url, doing, headers, params, body):
        """Status line, headers and the whole body, unpacked, or NoAnswer."""
        proxies = self._proxies_for(url, doing)
        try:
            response = self._session.request(
                method,
                url,
                headers=headers,
                params=params,
                json=body,
                timeout=LIMIT.seconds(),
                verify=self._verify,
                proxies=proxies,
                allow_redirects=False,
                stream=True,
            )
            with response:
                return response, self._body(response, url, doing)
        except (
            requests.exceptions.InvalidURL,
            requests.exceptions.MissingSchema,
            requests.exceptions.InvalidSchema,
            # Older releases of requests let this one through.
            urllib3.exceptions.LocationValueError,
        ):
            raise NksError(
                "Could not %s: '%s' is not a URL that can be used." % (doing, self.hide(url))
            ) from None
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
        ) as error:
            raise self._failure(error, url, doing) from None

    def _failure(self, error, url, doing):
        """What an exception of requests, urllib3 or the socket means."""
        if LIMIT.left < 0:
            return self._too_large(url, doing)
        if LIMIT.over() or isinstance(
            error, (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError)
        ):
            return NoAnswer(
                "Could not %s: no answer from %s within %g s (request_timeout)."
                % (doing, _host(url), self.timeout),
                maybe_done=not isinstance(error, requests.exceptions.ConnectTimeout),
            )
        problem = unreadable(self._verify) if isinstance(self._verify, str) else None
        if problem:
            return NksError(
                "Could not %s: the CA certificates of %s ('%s') cannot be used (%s). Name a file with CA certificates in PEM form."
                % (doing, self._bundle or "ca_cert", self._verify, problem)
            )
        cause = _words().reason(self.hide(str(error)))
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return NksError(
                "Could not %s: the certificate of %s could not be verified (%s). Name your CA with ca_cert."
                % (doing, _host(url), cause)
            )
        if not isinstance(
            error, (requests.exceptions.RequestException, urllib3.exceptions.HTTPError)
        ):
            # requests lets some of its own mistakes through as a plain OSError.
            return NksError("Could not %s: %s" % (doing, self.hide(str(error))))
        return NoAnswer(
            "Could not %s: no answer from %s (%s)." % (doing, _host(url), cause),
            maybe_done=not any(name in repr(error) for name in UNSENT),
        )

    def _body(self, response, url, doing):
        """The whole body, unpacked.

        :raises BadReply: it is too large, or packed in a way that nobody asked for.
        :raises NoAnswer: it is not whole.
        """
        length, about = (
            response.headers.get("Content-Length"),
            (_request_id(response), response.status_code),
        )
        if length is not None and not LENGTH.fullmatch(length):
            raise _bad(
                "the answer of %s has a Content-Length that is not a number" % _host(url),
                doing,
                *about,
            )
        chunks, size = [], 0
        # Not iter_content: it unpacks, and urllib3 before 2.6 does so without a bound on what comes of one chunk.
        for chunk in response.raw.stream(64 * 1024, decode_content=False):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_BODY:
                raise self._too_large(url, doing, *about)
        content = b"".join(chunks)
        if length is not None and size < int(length.split(",")[0]) and not response.raw.chunked:
            # urllib3 before 2.0 takes the end of the connection for the end of the body.
            raise NoAnswer(
                "Could not %s: the answer of %s was cut off." % (doing, _host(url)),
                status_code=response.status_code,
            )
        form = response.headers.get("Content-Encoding", "").strip().lower()
        if not content or form in ("", "identity"):
            return content
        if form not in PACKED:
            raise _bad(
                "the answer of %s is packed in a way that was not asked for" % _host(url),
                doing,
                *about,
            )
        try:
            # With the header of gzip or of zlib, whichever there is.
            unpacker = zlib.decompressobj(32 + zlib.MAX_WBITS)
            content = unpacker.decompress(content, MAX_BODY + 1)
        except zlib.error:
            raise _bad("the answer of %s cannot be unpacked" % _host(url), doing, *about) from None
        if len(content) > MAX_BODY:
            raise self._too_large(url, doing, *about)
        if not unpacker.eof:
            raise NoAnswer(
                "Could not %s: the answer of %s was cut off." % (doing, _host(url)),
                status_code=response.status_code,
            )
        return content

    @staticmethod
    def _too_large(url, doing, request_id="", status=None):
        return _bad(
            "the answer of %s is larger than %d bytes, so it was not read to its end"
            % (_host(url), MAX_BODY),
            doing,
            request_id,
            status,
        )

    def _proxies_for(self, url, doing):
        """The environment's proxies for a host.

        :raises NksError: the one that would be used cannot be.
        """
        origin = urlsplit(url)[:2]
        if origin not in self._proxies:
            proxies = requests.utils.get_environ_proxies(url)
            chosen = requests.utils.select_proxy(url, proxies)
            if chosen:
                self._check_proxy(chosen, doing)
            self._proxies[origin] = proxies
        return self._proxies[origin]

    def _check_proxy(self, proxy, doing):
        """Refuse a proxy that requests would call a bad URL of the service, or whose library is missing."""
        problem = parts = None
        try:
            # requests has it the same way.
            parts = urlsplit(proxy if "://" in proxy else "http://" + proxy)
            # Reading the port tells whether it is a number.
            if parts.port == 0 or not parts.hostname or re.search(r"\s", proxy):
                problem = "is not a URL"
            elif parts.scheme.lower() not in PROXIES:
                problem = "is of a kind that is not known (%s)" % parts.scheme
            elif parts.scheme.lower().startswith("socks"):
                import socks  # noqa: F401  # pylint: disable=unused-import
        except ValueError:
            problem = "is not a URL"
        except ImportError:
            problem = (
                "needs the Python library 'PySocks' where this task runs (pip install PySocks)"
            )
        if parts is not None and len(parts.password or "") > 3:
            self.keep_secret(parts.password)
        if problem:
            names = [
                name
                for name in os.environ
                if name.lower() in ("http_proxy", "https_proxy", "all_proxy")
                and os.environ[name] == proxy
            ]
            shown = proxy.rpartition("@")[2]
            raise NksError(
                "Could not %s: the proxy '%s' of the environment (%s) %s. Set it to a URL such as http://host:port, or name the host in NO_PROXY."
                % (doing, shown, ", ".join(sorted(names)) or "HTTPS_PROXY", problem)
            )

    def _explained(self, content, secrets):
        """The explanation without secrets: hidden before it is cut and its spaces are joined, which would disguise them."""
        return _words().explanation(content, lambda text: self.hide(text, secrets))

    def _decode(self, content, doing, status, request_id):
        """Decoded JSON; None for an empty body."""
        if not content.strip():
            return None
        try:
            return wire.parse(content.decode("utf-8"))
        except ValueError:
            raise BadReply(
                "Could not %s: the answer is not JSON (HTTP %d%s)."
                % (doing, status, _reference(request_id)),
                status_code=status,
                request_id=request_id,
            ) from None


def _words():
    """The room that reads errors; most tasks meet none and need not load it."""
    from ansible_collections.nhncloud.nks.plugins.module_utils._client import words

    return words


def _no_redirect(_response):
    return None


def _request_id(response):
    """The id of a request, which is shown: nothing that is not one."""
    return re.sub(r"[^!-~]", "", response.headers.get("X-Openstack-Request-Id", ""))[:128]


def _bad(problem, doing, request_id="", status=None):
    about = "" if status is None else " (HTTP %d%s)" % (status, _reference(request_id))
    return BadReply(
        "Could not %s: %s%s." % (doing, problem, about), status_code=status, request_id=request_id
    )


def unreadable(bundle):
    """Why a file (or directory) of CA certificates cannot be used; None where it can be."""
    import ssl

    try:
        if not os.path.isdir(bundle):
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=bundle)
    except ssl.SSLError:
        return "it holds no certificates"
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None


def _host(url):
    """Host and port of a URL, without the user and password that may stand before them."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _joined(url, location):
    """Where a redirection leads; an empty text where that is no address."""
    try:
        target = urljoin(url, location)
        return target if urlsplit(target).netloc else ""
    except ValueError:
        return ""


def _reference(request_id):
    return ", request id %s" % request_id if request_id else ""


def _retry_after(value):
    """Seconds to wait, from a Retry-After header in seconds; None for anything else (RFC 9110, 10.2.3)."""
    try:
        return min(MAX_RETRY_AFTER, max(0.0, float(value)))
    except (TypeError, ValueError):
        return None
