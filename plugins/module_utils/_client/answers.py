# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers: the whole body, read up to a limit and unpacked, and its JSON.

Every function takes ``doing``, what is being done to which resource, which is the beginning of
every message.
"""

from __future__ import annotations

import re
import zlib
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadReply, NoAnswer
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

#: Far above any answer of the API (bytes); a larger one is not read to its end.
MAX_BODY = 64 * 1024 * 1024
#: A header Content-Length, perhaps sent twice (RFC 9110, 8.6).
LENGTH = re.compile(r"\s*[0-9]{1,18}\s*(,\s*[0-9]{1,18}\s*)*")
#: Content encodings that zlib can read; only the first is requested.
PACKED = ("gzip", "x-gzip", "deflate")


class About(NamedTuple):
    """An answer as messages refer to it."""

    #: Host and port that sent it.
    host: str
    #: The HTTP status.
    status: int
    #: The header X-Openstack-Request-Id, or an empty string.
    request_id: str

    def reference(self) -> str:
        """Status and request id within parentheses."""
        request_id = ", request id %s" % self.request_id if self.request_id else ""
        return "(HTTP %d%s)" % (self.status, request_id)


def about(response: Any, url: str) -> About:
    """How messages refer to a response of requests."""
    # The id is shown, so that only printable characters of it are used.
    request_id = re.sub(r"[^!-~]", "", response.headers.get("X-Openstack-Request-Id", ""))[:128]
    return About(host_of(url), response.status_code, request_id)


def host_of(url: str) -> str:
    """Host and port of a URL, without a user and password before them."""
    return urlsplit(url).netloc.rpartition("@")[2]


def bad(problem: str, doing: str, answer: About | None) -> BadReply:
    """The error for an answer that cannot be used."""
    return BadReply(
        "Could not %s: %s%s." % (doing, problem, " " + answer.reference() if answer else ""),
        status_code=answer.status if answer else None,
        request_id=answer.request_id if answer else "",
    )


def too_large(host: str, doing: str, answer: About | None = None) -> BadReply:
    """The error for an answer above the limit."""
    problem = "the answer of %s is larger than %d bytes, so it was not read to its end"
    return bad(problem % (host, MAX_BODY), doing, answer)


def body(response: Any, answer: About, doing: str) -> bytes:
    """The whole body of a response of requests, unpacked.

    :raises BadReply: it is too large, or its encoding was not requested.
    :raises NoAnswer: it is not complete.
    """
    length = response.headers.get("Content-Length")
    if length is not None and not LENGTH.fullmatch(length):
        problem = "the answer of %s has a Content-Length that is not a number"
        raise bad(problem % answer.host, doing, answer)
    chunks, size = [], 0
    # Not iter_content: it unpacks, and urllib3 before 2.6 does so without a limit on the result of
    # one chunk.
    for chunk in response.raw.stream(64 * 1024, decode_content=False):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY:
            raise too_large(answer.host, doing, answer)
    if length is not None and size < int(length.split(",")[0]) and not response.raw.chunked:
        # urllib3 before 2.0 treats the end of the connection as the end of the body.
        raise _cut_off(answer, doing)
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    return _unpacked(b"".join(chunks), encoding, answer, doing)


def _unpacked(content: bytes, encoding: str, answer: About, doing: str) -> bytes:
    if not content or encoding in ("", "identity"):
        return content
    if encoding not in PACKED:
        problem = "the answer of %s has a content encoding that was not requested"
        raise bad(problem % answer.host, doing, answer)
    try:
        # With the header of gzip or of zlib, whichever is present.
        unpacker = zlib.decompressobj(32 + zlib.MAX_WBITS)
        content = unpacker.decompress(content, MAX_BODY + 1)
    except zlib.error:
        raise bad("the answer of %s cannot be unpacked" % answer.host, doing, answer) from None
    if len(content) > MAX_BODY:
        raise too_large(answer.host, doing, answer)
    if not unpacker.eof:
        raise _cut_off(answer, doing)
    return content


def _cut_off(answer: About, doing: str) -> NoAnswer:
    return NoAnswer(
        "Could not %s: the answer of %s was cut off." % (doing, answer.host),
        status_code=answer.status,
    )


def decoded(content: bytes, answer: About, doing: str) -> Any:
    """The JSON of a body; None for an empty one.

    :raises BadReply: it is not JSON.
    """
    if not content.strip():
        return None
    try:
        return wire.parse(content.decode("utf-8"))
    except ValueError:
        raise bad("the answer is not JSON", doing, answer) from None
