# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP: one connection pool, time limits, retries of what is safe to repeat, and answers of a
verified form.
"""

from __future__ import annotations

import copy
import os
import random
import re
import ssl
import threading
import traceback
import warnings
from typing import Any, Iterable, Mapping
from urllib.parse import urljoin, urlsplit

from ansible_collections.nhncloud.nks.plugins.module_utils._client import answers, proxies, words
from ansible_collections.nhncloud.nks.plugins.module_utils._client.deadline import LIMIT, bound
from ansible_collections.nhncloud.nks.plugins.module_utils._common.clock import Clock
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    ApiError,
    BadReply,
    NksError,
    NoAnswer,
)

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter

    REQUESTS_ERROR = None
except ImportError:
    # What mypy reports here depends on whether the installed release of requests has types.
    requests = None  # type: ignore[assignment,unused-ignore]
    HTTPAdapter = object  # type: ignore[assignment,misc,unused-ignore]
    REQUESTS_ERROR = traceback.format_exc()

#: Gateways answer these for a while and then recover; a read is repeated.
TRANSIENT = (429, 502, 503, 504)
#: Longest wait for a Retry-After of the service, in seconds.
MAX_RETRY_AFTER = 60.0
#: Longest pause between two attempts, in seconds.
MAX_BACKOFF = 8.0
#: Limit for everything but the body: headers, and the framing of a body in many chunks (bytes).
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


# Some releases of requests have no types.
class Adapter(HTTPAdapter):  # type: ignore[misc,unused-ignore]
    """An adapter of requests whose connections end with the limit of the request, with a proxy too."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """As in requests."""
        super().init_poolmanager(*args, **options)
        bound(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """As in requests."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **options)
        return manager if known else bound(manager)


class Hold:
    """The pause that the service has asked for (Retry-After): it means all threads, not only the
    one that got the answer.

    :param clock: see :mod:`clock`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until = float("-inf")

    def begin(self, seconds: float) -> None:
        """Let no thread send a request for this number of seconds."""
        with self._lock:
            self._until = max(self._until, self._clock.now() + seconds)

    def wait(self) -> None:
        """Block until the pause is over, also if it gets longer in the meantime."""
        while (seconds := self._until - self._clock.now()) > 0:
            self._clock.sleep(seconds)


class Reply:
    """One answer of a verified form.

    :param data: the decoded JSON; None for an empty body.
    :param request_id: the header X-Openstack-Request-Id, or an empty string.
    """

    def __init__(self, status: int, data: Any, headers: Mapping[str, str], request_id: str) -> None:
        self.status = status
        self.data = data
        self.headers = headers
        self.request_id = request_id


class Transport:
    """One `requests` session and the rules for using it.

    :param timeout: seconds for one request with all its parts: connection, redirections, the whole
        answer.
    :param max_retries: how often a safe request is repeated.
    :param verify: True, False or the path of a CA bundle.
    :param pool_size: connections kept open to one host.
    :raises NksError: `requests` is not installed.
    """

    def __init__(
        self,
        clock: Clock,
        timeout: float = 30.0,
        max_retries: int = 5,
        verify: bool | str = True,
        pool_size: int = 1,
        user_agent: str = "nhncloud.nks",
    ) -> None:
        if requests is None:
            raise NksError(
                "The Python library 'requests' is needed where this task runs (pip install requests).",
                exception=REQUESTS_ERROR,
            )
        self.clock = clock
        self.timeout = timeout
        self.max_retries = max_retries
        # The CA bundle of the environment is used if the user's options set none, as in requests.
        self._bundle = next(
            (
                name
                for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
                if verify is True and os.environ.get(name)
            ),
            None,
        )
        self._verify: bool | str = os.environ[self._bundle] if self._bundle else verify
        #: (Scheme, host and port) -> the proxies that requests gets.
        self._proxies: dict[tuple[str, ...], Any] = {}
        self._deadline: float | None = None
        self._hold = Hold(clock)
        self.warnings: list[str] = []
        self._secrets: set[str] = set()
        self._session = requests.Session()
        adapter = Adapter(pool_connections=8, pool_maxsize=pool_size)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        # Magnum answers an error without a body, or 406, if JSON is not requested by name. Only
        # encodings that zlib unpacks are requested, so that the result is bounded with every
        # release of urllib3.
        self._session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Encoding": answers.PACKED[0],
                "User-Agent": user_agent,
            }
        )
        # Proxies and the CA bundle of the environment are read once, not for each request. A .netrc
        # entry is not used at all: it would replace our token by basic authentication.
        self._session.trust_env = False
        # Otherwise requests parses the target of a redirection even if it must not follow it, and
        # fails if that is invalid.
        self._session.get_redirect_target = _no_redirect  # type: ignore[assignment,method-assign,unused-ignore]
        if verify is False:
            # The user has requested this, so that a line on stderr is not needed.
            warnings.filterwarnings("ignore", category=urllib3.exceptions.InsecureRequestWarning)

    def fork(self) -> Transport:
        """The same connections, secrets and warnings with a time limit of its own, for one of
        several tasks at a time.
        """
        return copy.copy(self)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def keep_secret(self, *values: Any) -> None:
        """Remember texts that must not appear in any message."""
        self._secrets.update(str(value) for value in values if value)

    def hide(self, text: str, secrets: Iterable[str] = ()) -> str:
        """The text without known secrets in any spelling, without appkeys, and without control
        characters.
        """
        return words.shown(text, self._secrets.union(secrets))

    def warn_if_plain(self, url: str) -> None:
        """Warn once if a credential is about to be sent over a network in clear text."""
        parts = urlsplit(url)
        if parts.scheme == "http" and not LOOPBACK.fullmatch(parts.hostname or ""):
            warning = "Credentials are sent to %s without encryption; use https." % answers.host_of(
                url
            )
            if warning not in self.warnings:
                self.warnings.append(warning)

    def request(
        self,
        method: str,
        url: str,
        doing: str,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        safe: bool | None = None,
        secrets: Iterable[str] = (),
    ) -> Reply:
        """Send one request and return its answer.

        :param doing: what is being done to which resource; the beginning of every message.
        :param body: sent as JSON.
        :param safe: whether it may be repeated without reading the state; by default, reads may.
        :param secrets: texts of the body that must not appear in a message.
        :raises ApiError: the service rejected the request.
        :raises NoAnswer: it is unknown whether the service performed the request.
        :raises BadReply: the answer is not what was expected, for example not JSON.
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

    def limit(self, seconds: float) -> None:
        """Start the time limit of one operation: requests are repeated only for this number of
        seconds.
        """
        self._deadline = self.clock.now() + seconds

    def pause(self, attempt: int, error: NksError | None = None) -> bool:
        """Block before a request is repeated, unless max_retries or the time limit is reached.

        :param attempt: how many attempts have failed.
        :param error: the last failure, which may have the time to wait.
        :returns: whether to repeat it.
        """
        asked: float | None = getattr(error, "retry_after", None)
        seconds = self.backoff(attempt) if asked is None else asked
        if attempt > self.max_retries or (
            self._deadline is not None and self.clock.now() + seconds > self._deadline
        ):
            return False
        self.clock.sleep(seconds)
        return True

    @staticmethod
    def backoff(attempt: int) -> float:
        """Seconds before an attempt (1, 2 …): doubling, limited, and random, so that clients do not
        retry in step.
        """
        longest = min(MAX_BACKOFF, 0.5 * float(2 ** min(attempt - 1, 10)))
        return longest * random.uniform(0.5, 1.0)  # nosec: not for cryptography

    def _once(
        self,
        method: str,
        url: str,
        doing: str,
        headers: Mapping[str, str] | None,
        params: Mapping[str, Any] | None,
        body: Any,
        secrets: Iterable[str],
    ) -> Reply:
        """One attempt: the answer, or the error that it means."""
        self.warn_if_plain(url)
        self._hold.wait()
        LIMIT.begin(self.clock, self.timeout, answers.MAX_BODY + MAX_REST)
        response, content, answer = self._followed(method, url, doing, headers, params, body)
        status = answer.status
        if status in TRANSIENT:
            asked = _retry_after(response.headers.get("Retry-After"))
            if asked is not None:
                self._hold.begin(asked)
            raise NoAnswer(
                "Could not %s: the service answered HTTP %d%s. Try again later."
                % (doing, status, _reference(answer.request_id)),
                # A gateway that is overloaded (429) has not passed the request on.
                maybe_done=status != 429,
                retry_after=asked,
                status_code=status,
                request_id=answer.request_id,
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
            raise ApiError(doing, status, self._explained(content, secrets), answer.request_id)
        if method == "GET" and not content.strip():
            raise answers.bad("the answer is empty", doing, answer)
        data = answers.decoded(content, answer, doing)
        return Reply(status, data, response.headers, answer.request_id)

    def _followed(
        self,
        method: str,
        url: str,
        doing: str,
        headers: Mapping[str, str] | None,
        params: Mapping[str, Any] | None,
        body: Any,
    ) -> tuple[Any, bytes, answers.About]:
        """The response of requests, its body, and what it is about, after redirections within the
        same host.

        :raises BadReply: a redirection that must not be followed, or too many.
        """
        origin = urlsplit(url)[:2]
        for _hop in range(MAX_REDIRECTS + 1):
            response, content = self._send(method, url, doing, headers, params, body)
            answer = answers.about(response, url)
            if answer.status not in (301, 302, 303, 307, 308):
                return response, content, answer
            target = _joined(url, response.headers.get("Location", ""))
            # The token is sent only to the host that it is for, and a redirection never repeats a
            # write.
            if method != "GET" or urlsplit(target)[:2] != origin:
                raise BadReply(
                    "Could not %s: the service redirects to %s, which is not followed. Set the service's address "
                    "with the option that ends in _endpoint, or auth_url."
                    % (doing, self.hide(target.split("?")[0]) or "no usable address"),
                    status_code=answer.status,
                    request_id=answer.request_id,
                )
            url, params = target, None
        raise BadReply(
            "Could not %s: the service redirects in a circle." % doing,
            status_code=answer.status,
            request_id=answer.request_id,
        )

    def _send(
        self,
        method: str,
        url: str,
        doing: str,
        headers: Mapping[str, str] | None,
        params: Mapping[str, Any] | None,
        body: Any,
    ) -> tuple[Any, bytes]:
        """The response of requests and its whole body, unpacked.

        :raises NoAnswer: there is none, or not all of it.
        """
        proxies_of_host = self._proxies_for(url, doing)
        try:
            response = self._session.request(
                method,
                url,
                headers=headers,
                params=params,
                json=body,
                timeout=LIMIT.seconds(),
                verify=self._verify,
                proxies=proxies_of_host,
                allow_redirects=False,
                stream=True,
            )
            with response:
                return response, answers.body(response, answers.about(response, url), doing)
        except (
            requests.exceptions.InvalidURL,
            requests.exceptions.MissingSchema,
            requests.exceptions.InvalidSchema,
            # Older releases of requests let this one through.
            urllib3.exceptions.LocationValueError,
        ):
            raise NksError(
                "Could not %s: '%s' is not a valid URL." % (doing, self.hide(url))
            ) from None
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
        ) as error:
            raise self._failure(error, url, doing) from None

    def _failure(self, error: Exception, url: str, doing: str) -> NksError:
        """Our error for an exception of requests, urllib3 or the socket."""
        host = answers.host_of(url)
        if LIMIT.left < 0:
            return answers.too_large(host, doing)
        if LIMIT.over() or isinstance(
            error, (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError)
        ):
            return NoAnswer(
                "Could not %s: no answer from %s within %g s (request_timeout)."
                % (doing, host, self.timeout),
                maybe_done=not isinstance(error, requests.exceptions.ConnectTimeout),
            )
        problem = unreadable(self._verify) if isinstance(self._verify, str) else None
        if problem:
            return NksError(
                "Could not %s: the CA certificates of %s ('%s') cannot be used (%s). Specify a file with CA certificates in PEM form."
                % (doing, self._bundle or "ca_cert", self._verify, problem)
            )
        cause = words.reason(self.hide(str(error)))
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return NksError(
                "Could not %s: the certificate of %s could not be verified (%s). Set ca_cert to your CA bundle."
                % (doing, host, cause)
            )
        if not isinstance(
            error, (requests.exceptions.RequestException, urllib3.exceptions.HTTPError)
        ):
            # requests raises a plain OSError for some of its own errors.
            return NksError("Could not %s: %s" % (doing, self.hide(str(error))))
        return NoAnswer(
            "Could not %s: no answer from %s (%s)." % (doing, host, cause),
            maybe_done=not any(name in repr(error) for name in UNSENT),
        )

    def _proxies_for(self, url: str, doing: str) -> Any:
        """The proxies of the environment for a host.

        :raises NksError: the proxy for it cannot be used.
        """
        origin = urlsplit(url)[:2]
        if origin not in self._proxies:
            found = requests.utils.get_environ_proxies(url)
            chosen = requests.utils.select_proxy(url, found)
            if chosen:
                proxies.check(chosen, doing, self.keep_secret)
            self._proxies[origin] = found
        return self._proxies[origin]

    def _explained(self, content: bytes, secrets: Iterable[str]) -> str:
        """The explanation without secrets, which are removed first: cutting it and joining spaces
        would disguise them.
        """
        return words.explanation(content, lambda text: self.hide(text, secrets))


def _no_redirect(_response: Any) -> None:
    return None


def unreadable(bundle: str) -> str | None:
    """Why a file (or directory) of CA certificates cannot be used; None if it can be."""
    try:
        if not os.path.isdir(bundle):
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=bundle)
    except ssl.SSLError:
        return "it contains no certificates"
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None


def _reference(request_id: str) -> str:
    return ", request id %s" % request_id if request_id else ""


def _joined(url: str, location: str) -> str:
    """The target of a redirection; an empty string if that is not an address."""
    try:
        target = urljoin(url, location)
        return target if urlsplit(target).netloc else ""
    except ValueError:
        return ""


def _retry_after(value: Any) -> float | None:
    """Seconds to wait, from a Retry-After header in seconds; None for anything else (RFC 9110,
    10.2.3).
    """
    try:
        return min(MAX_RETRY_AFTER, max(0.0, float(value)))
    except (TypeError, ValueError):
        return None
