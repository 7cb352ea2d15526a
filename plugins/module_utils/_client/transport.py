# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP: one connection pool, time-outs, retries of what is safe to repeat, and answers that can be trusted in form."""

from __future__ import annotations

import json
import os
import random
import re
import traceback
import warnings
from urllib.parse import urljoin, urlsplit

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, BadReply, NksError, NoAnswer

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
MAX_REDIRECTS = 3
#: Errors before anything was sent, by their names in urllib3 and its messages.
UNSENT = ("NewConnectionError", "NameResolutionError", "Failed to establish", "CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER")
HIDDEN = "********"
LOOPBACK = re.compile(r"localhost|::1|127\.[0-9.]+")


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
    :param timeout: seconds for one request.
    :param max_retries: how often a safe request is repeated.
    :param verify: True, False or the path of a CA bundle.
    :param pool_size: connections kept open to one host.
    :raises NksError: where `requests` is not installed.
    """

    def __init__(self, clock, timeout=30.0, max_retries=5, verify=True, pool_size=1, user_agent="nhncloud.nks"):
        if requests is None:
            raise NksError(
                "The Python library 'requests' is needed where this task runs (pip install requests).",
                exception=REQUESTS_ERROR,
            )
        self.clock = clock
        self.timeout = timeout
        self.max_retries = max_retries
        # The CA bundle of the environment counts where the user's options name none, as requests has it.
        self._verify = (os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True) if verify is True else verify
        self._proxies = {}
        self._deadline = None
        self.warnings = []
        self._secrets = set()
        self._session = requests.Session()
        adapter = HTTPAdapter(pool_connections=8, pool_maxsize=pool_size)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        # Magnum answers an error without a body, or 406, where JSON is not asked for by name.
        self._session.headers.update({"Accept": "application/json", "User-Agent": user_agent})
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
        """The text without any secret known to us, in the spellings in which a service may quote it."""
        for secret in sorted(self._secrets.union(secrets), key=len, reverse=True):
            for spelling in _words().spellings(secret):
                text = text.replace(spelling, HIDDEN)
        return text

    def warn_if_plain(self, url):
        """Warn once where a credential is about to cross a network in clear text."""
        parts = urlsplit(url)
        if parts.scheme == "http" and not LOOPBACK.fullmatch(parts.hostname or ""):
            warning = "Credentials are sent to %s without encryption; use https." % _host(url)
            if warning not in self.warnings:
                self.warnings.append(warning)

    def request(self, method, url, doing, headers=None, params=None, body=None, safe=None, secrets=()):
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
        if attempt > self.max_retries or (self._deadline is not None and self.clock.now() + seconds > self._deadline):
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
        for _hop in range(MAX_REDIRECTS + 1):
            response, content = self._send(method, url, doing, headers, params, body)
            request_id = response.headers.get("X-Openstack-Request-Id", "")
            status = response.status_code
            if status not in (301, 302, 303, 307, 308):
                break
            target = _joined(url, response.headers.get("Location", ""))
            # The token goes to nobody but the host that it was meant for, and a write is never repeated by redirection.
            if method != "GET" or urlsplit(target)[:2] != origin:
                raise BadReply(
                    "Could not %s: the service redirects to %s, which is not followed. Set the service's address "
                    "with the option that ends in _endpoint, or auth_url." % (doing, self.hide(target.split("?")[0]) or "no usable address"),
                    status_code=status,
                    request_id=request_id,
                )
            url, params = target, None
        else:
            raise BadReply("Could not %s: the service redirects in a circle." % doing, status_code=status, request_id=request_id)
        if status in TRANSIENT:
            raise NoAnswer(
                "Could not %s: the service answered HTTP %d%s. Try again later." % (doing, status, _reference(request_id)),
                # A gateway that is overloaded (429) has not passed the request on.
                maybe_done=status != 429,
                retry_after=_retry_after(response.headers.get("Retry-After")),
                status_code=status,
                request_id=request_id,
                api_error=self._explained(content, secrets),
            )
        if status >= 400:
            raise ApiError(doing, status, self._explained(content, secrets), request_id)
        if method == "GET" and not content.strip():
            raise BadReply(
                "Could not %s: the answer is empty (HTTP %d%s)." % (doing, status, _reference(request_id)), status_code=status, request_id=request_id
            )
        return Reply(status, self._decode(content, doing, status, request_id), response.headers, request_id)

    def _send(self, method, url, doing, headers, params, body):
        """Status line, headers and the whole body, or NoAnswer."""
        try:
            response = self._session.request(
                method,
                url,
                headers=headers,
                params=params,
                json=body,
                timeout=self.timeout,
                verify=self._verify,
                proxies=self._proxies_for(url),
                allow_redirects=False,
                stream=True,
            )
            with response:
                chunks, size = [], 0
                for chunk in response.iter_content(1024 * 1024):
                    chunks.append(chunk)
                    size += len(chunk)
                    if size > MAX_BODY:
                        request_id = response.headers.get("X-Openstack-Request-Id", "")
                        raise BadReply(
                            "Could not %s: the answer of %s is larger than %d bytes, so it was not read to its end (HTTP %d%s)."
                            % (doing, _host(url), MAX_BODY, response.status_code, _reference(request_id)),
                            status_code=response.status_code,
                            request_id=request_id,
                        )
                length = response.headers.get("Content-Length", "")
                if length.isdigit() and size < int(length) and "Content-Encoding" not in response.headers:
                    # urllib3 before 2.0 takes the end of the connection for the end of the body.
                    raise NoAnswer("Could not %s: the answer of %s was cut off." % (doing, _host(url)), status_code=response.status_code)
                return response, b"".join(chunks)
        except (
            requests.exceptions.InvalidURL,
            requests.exceptions.MissingSchema,
            requests.exceptions.InvalidSchema,
            # Older releases of requests let this one through.
            urllib3.exceptions.LocationValueError,
        ):
            raise NksError("Could not %s: '%s' is not a URL that can be used." % (doing, self.hide(url))) from None
        except requests.exceptions.Timeout as error:
            raise NoAnswer(
                "Could not %s: no answer from %s within %g s (request_timeout)." % (doing, _host(url), self.timeout),
                maybe_done=not isinstance(error, requests.exceptions.ConnectTimeout),
            ) from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise NksError(
                    "Could not %s: the certificate of %s could not be verified (%s). Name your CA with ca_cert."
                    % (doing, _host(url), self.hide(_words().reason(error)))
                ) from None
            raise NoAnswer(
                "Could not %s: no answer from %s (%s)." % (doing, _host(url), self.hide(_words().reason(error))),
                maybe_done=not any(name in repr(error) for name in UNSENT),
            ) from None
        except OSError as error:
            # requests lets a missing CA bundle through as a plain OSError.
            raise NksError("Could not %s: %s" % (doing, self.hide(str(error)))) from None

    def _proxies_for(self, url):
        """The environment's proxies for a host."""
        origin = urlsplit(url)[:2]
        if origin not in self._proxies:
            self._proxies[origin] = requests.utils.get_environ_proxies(url)
        return self._proxies[origin]

    def _explained(self, content, secrets):
        """The explanation without secrets: hidden before it is cut and its spaces are joined, which would disguise them."""
        return _words().explanation(content, lambda text: self.hide(text, secrets))

    def _decode(self, content, doing, status, request_id):
        """Decoded JSON; None for an empty body."""
        if not content.strip():
            return None
        try:
            return json.loads(content.decode("utf-8"))
        except (ValueError, RecursionError):
            raise BadReply(
                "Could not %s: the answer is not JSON (HTTP %d%s)." % (doing, status, _reference(request_id)),
                status_code=status,
                request_id=request_id,
            ) from None


def _words():
    """The room that reads errors; most tasks meet none and need not load it."""
    from ansible_collections.nhncloud.nks.plugins.module_utils._client import words

    return words


def _no_redirect(_response):
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
