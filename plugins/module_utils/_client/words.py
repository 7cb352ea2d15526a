# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of others in our messages: what an error's body says, why there was no answer, and every spelling of a secret in them."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import quote

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import visible
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

HIDDEN = wire.HIDDEN
#: Where the cause of an error stands in its text: behind a number of the system, in quotation marks, behind a colon.
REASONS = (
    r"\[Errno [^\]]*\] ([^()'\":]{5,})()",
    r"\([0-9]*,? ?(?:'([^']{5,})'|\"([^\"]{5,})\")",
    r": ([A-Z][^()'\":]{5,})()",
)
#: No more of a text is looked at than this (characters): what a person reads stands at its beginning.
MAX_TEXT = 256 * 1024
#: An error's text holds what the server sent, and its cause stands at its end.
MAX_REASON = 4000
#: What every spelling of a secret leaves as it is.
CORE = re.compile(r"[A-Za-z0-9]+")


def shown(text, secrets=()):
    """A text as it may be shown in a failure, a warning or a line of progress. The order matters: what is cleaned first hides a secret.

    :param secrets: texts that must not be in it.
    """
    return visible(wire.masked(hidden(text, secrets)))


def hidden(text, secrets):
    """The text without secrets, in the spellings in which a service may quote them; at most about :data:`MAX_TEXT` characters of it."""
    # The last secret may have been cut, and what is left of it would not be found.
    unsure = (
        max((len(spelling) for secret in secrets for spelling in _spellings(secret)), default=0)
        if len(text) > MAX_TEXT
        else 0
    )
    text = text[:MAX_TEXT]
    for secret in sorted(secrets, key=len, reverse=True):
        for part in _parts(secret):
            # A script has thousands of lines, each with a dozen spellings.
            if max(CORE.findall(part), key=len, default="") in text:
                for spelling in _spellings(part):
                    text = text.replace(spelling, HIDDEN)
    return text[: max(0, len(text) - unsure)]


def explanation(content, hide=str):
    """The service's own words from the body of an error, whatever its shape; at most 1,000 characters.

    :param hide: takes secrets out of the words.

    Shapes: Magnum's list of errors, Keystone's error object, and what Nova, Neutron, Glance and gateways answer
    (observed on Magnum 9.4.1; NHN Cloud IaaS guides).
    """
    text = content[:MAX_TEXT].decode("utf-8", "replace")
    try:
        found = _words(wire.parse(text))
    except ValueError:
        found = _page(text)
    if len(content) > MAX_TEXT:
        # Longer than the limit of what is shown, so that it leaves out what may be a part of a secret.
        found += " " * MAX_TEXT
    return " ".join(hide(found).split())[:1000]


def _page(text):
    """The text of an HTML page of a gateway, or a plain text, in one pass: without tags, and without what stands in its head, styles and scripts."""
    # Texts at even places, tags between them. A tag ends before the next one begins, so that nothing is looked at twice.
    parts = re.split(r"<([^<>]*)>", text)
    names = [re.match(r"/?[A-Za-z]*", tag).group().lower() for tag in parts[1::2]]
    last = {name: number for number, name in enumerate(names)}
    kept, inside = [parts[0]], None
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
    # A number of thousands of digits is no character, and Python refuses to read it.
    return html.unescape(re.sub(r"&#[xX]?[0-9a-fA-F]{9,};?", " ", " ".join(kept)))


def _words(data, depth=0):
    """The most telling text in a decoded error body."""
    if isinstance(data, str):
        return data
    if depth > 4:
        return ""
    if isinstance(data, list):
        return next((words for words in (_words(item, depth + 1) for item in data) if words), "")
    if isinstance(data, dict):
        for key in ("detail", "message", "faultstring", "resultMessage", "title", "reason"):
            if isinstance(data.get(key), str) and data[key]:
                return data[key]
        return _words([data[key] for key in data if isinstance(data[key], (dict, list))], depth + 1)
    return ""


def reason(text):
    """The innermost cause of a chain of urllib3's errors: what a person wants to read.

    :param text: of the error, without secrets.
    """
    proxy, end = "ProxyError" in text, text[-MAX_REASON:]
    for pattern in REASONS:
        found = ["".join(groups) for groups in re.findall(pattern, end)]
        if found:
            return ("proxy: " if proxy else "") + found[-1].strip()[:300]
    return text[:300]


def spellings(secret):
    """A secret as it is, and as JSON or Python would quote it, once or twice; a text of many lines also line by line."""
    for part in _parts(secret):
        yield from _spellings(part)


def _parts(secret):
    return dict.fromkeys(
        [secret] + [line.strip() for line in secret.splitlines() if len(line.strip()) > 5]
    )


def _spellings(text):
    quoted = _quoted(text)
    for spelling in dict.fromkeys(
        [text] + quoted + [again for once in quoted for again in _quoted(once)]
    ):
        if spelling:
            yield spelling


def _quoted(text):
    """The text between the quotation marks of JSON (two ways) and of Python (a text, bytes), and as part of a URL."""
    return [
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        repr(text.encode("utf-8", "replace"))[2:-1],
        # As Python writes a text with both kinds of quotation marks.
        repr(text + "'\"")[1:-4],
        quote(text, safe="", errors="replace"),
        quote(text, errors="replace"),
    ]
