# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of the service in our messages: the explanation in an error, the reason for a missing
answer, and no secret in either.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any, Callable, Iterable, Iterator
from urllib.parse import quote

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import visible
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

HIDDEN = wire.HIDDEN
#: Where the text of an error has its cause: after a system error number, in quotation marks, after
#: a colon.
REASONS = (
    r"\[Errno [^\]]*\] ([^()'\":]{5,})()",
    r"\([0-9]*,? ?(?:'([^']{5,})'|\"([^\"]{5,})\")",
    r": ([A-Z][^()'\":]{5,})()",
)
#: Only this much of a text is used (characters): what a person reads is at its beginning.
MAX_TEXT = 256 * 1024
#: The text of an error contains what the server sent; its cause is at its end (characters).
MAX_REASON = 4000
#: The characters that are the same in every spelling of a secret.
CORE = re.compile(r"[A-Za-z0-9]+")


def shown(text: str, secrets: Iterable[str] = ()) -> str:
    """A text for a failure, a warning or a progress message.

    The order matters: a text whose control characters are escaped first can disguise a secret.

    :param secrets: texts that must not be in it.
    """
    return visible(wire.masked(hidden(text, secrets)))


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without secrets in any spelling in which a service may quote them; at most about
    :data:`MAX_TEXT` characters.
    """
    # The last secret may have been cut, and its remainder would not be found.
    unsure = (
        max((len(spelling) for secret in secrets for spelling in _spellings(secret)), default=0)
        if len(text) > MAX_TEXT
        else 0
    )
    text = text[:MAX_TEXT]
    for secret in sorted(secrets, key=len, reverse=True):
        for part in _parts(secret):
            # A quick check first: a script has thousands of lines, each with a dozen spellings.
            if max(CORE.findall(part), key=len, default="") in text:
                for spelling in _spellings(part):
                    text = text.replace(spelling, HIDDEN)
    return text[: max(0, len(text) - unsure)]


def explanation(content: bytes, hide: Callable[[str], str] = str) -> str:
    """The explanation in the body of an error, whatever its shape; at most 1,000 characters.

    :param hide: removes secrets from a text.

    Shapes: Magnum's list of errors, Keystone's error object, and what Nova, Neutron, Glance and
    gateways answer (observed on Magnum 9.4.1; NHN Cloud IaaS guides).
    """
    text = content[:MAX_TEXT].decode("utf-8", "replace")
    try:
        found = _words(wire.parse(text))
    except ValueError:
        found = _page(text)
    if len(content) > MAX_TEXT:
        # Longer than the limit of ``hidden``, so that it omits what may be a part of a secret.
        found += " " * MAX_TEXT
    return " ".join(hide(found).split())[:1000]


def _page(text: str) -> str:
    """The text of an HTML page of a gateway, or a plain text, in one pass: without tags, head,
    styles and scripts.
    """
    # Texts at even indexes, tags between them. A tag ends before the next one begins, so that
    # nothing is read twice.
    parts = re.split(r"<([^<>]*)>", text)
    names = [(re.match(r"/?[A-Za-z]*", tag) or [""])[0].lower() for tag in parts[1::2]]
    last = {name: number for number, name in enumerate(names)}
    kept = [parts[0]]
    inside: str | None = None
    for number, name in enumerate(names):
        if (
            inside is None
            and name in ("head", "script", "style")
            and last.get("/" + name, -1) > number
        ):
            inside = "/" + name
        elif name == inside:
            inside = None
        if inside is None:
            kept.append(parts[2 * number + 2])
    # A number with thousands of digits is not a character, and Python rejects it.
    return html.unescape(re.sub(r"&#[xX]?[0-9a-fA-F]{9,};?", " ", " ".join(kept)))


def _words(data: Any, depth: int = 0) -> str:
    """The most specific text in a decoded error body."""
    if isinstance(data, str):
        return data
    if depth > 4:
        return ""
    if isinstance(data, list):
        return next((words for words in (_words(item, depth + 1) for item in data) if words), "")
    if isinstance(data, dict):
        for key in ("detail", "message", "faultstring", "resultMessage", "title", "reason"):
            text = data.get(key)
            if isinstance(text, str) and text:
                return text
        return _words([data[key] for key in data if isinstance(data[key], (dict, list))], depth + 1)
    return ""


def reason(text: str) -> str:
    """The innermost cause of a chain of urllib3's errors.

    :param text: of the error, without secrets.
    """
    proxy, end = "ProxyError" in text, text[-MAX_REASON:]
    for pattern in REASONS:
        found = ["".join(groups) for groups in re.findall(pattern, end)]
        if found:
            return ("proxy: " if proxy else "") + found[-1].strip()[:300]
    return text[:300]


def spellings(secret: str) -> Iterator[str]:
    """A secret as it is, and as JSON or Python quotes it, once or twice; a text with several lines
    also line by line.
    """
    for part in _parts(secret):
        yield from _spellings(part)


def _parts(secret: str) -> Iterable[str]:
    """The secret, and each of its lines that is not too short to be one."""
    return dict.fromkeys(
        [secret] + [line.strip() for line in secret.splitlines() if len(line.strip()) > 5]
    )


def _spellings(text: str) -> Iterator[str]:
    quoted = _quoted(text)
    for spelling in dict.fromkeys(
        [text] + quoted + [again for once in quoted for again in _quoted(once)]
    ):
        if spelling:
            yield spelling


def _quoted(text: str) -> list[str]:
    """The text within the quotation marks of JSON (two forms) and of Python (str, bytes), and as
    part of a URL.
    """
    return [
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        repr(text.encode("utf-8", "replace"))[2:-1],
        # As Python writes a text that contains both kinds of quotation marks.
        repr(text + "'\"")[1:-4],
        quote(text, safe="", errors="replace"),
        quote(text, errors="replace"),
    ]
