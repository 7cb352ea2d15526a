# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of others in our messages: what an error's body says, why there was no answer, and every spelling of a secret in them."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import quote

#: Where the cause of an error stands in its text: behind a number of the system, in quotation marks, behind a colon.
REASONS = (r"\[Errno [^\]]*\] ([^()'\":]{5,})()", r"\([0-9]*,? ?(?:'([^']{5,})'|\"([^\"]{5,})\")", r": ([A-Z][^()'\":]{5,})()")


def explanation(content, hide=str):
    """The service's own words from the body of an error, whatever its shape; at most 1,000 characters.

    :param hide: takes secrets out of the words.

    Shapes: Magnum's list of errors, Keystone's error object, and what Nova, Neutron, Glance and gateways answer
    (observed on Magnum 9.4.1; NHN Cloud IaaS guides).
    """
    text = content.decode("utf-8", "replace")
    try:
        found = _words(json.loads(text))
    except (ValueError, RecursionError):
        # HTML of a gateway: its title or its text.
        text = re.sub(r"(?is)<(script|style|head)\b.*?</\1>", " ", text)
        found = html.unescape(re.sub(r"<[^>]*>", " ", text))
    return " ".join(hide(found).split())[:1000]


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


def reason(error):
    """The innermost cause of a chain of urllib3's errors: what a person wants to read."""
    text = str(error)
    for pattern in REASONS:
        found = ["".join(groups) for groups in re.findall(pattern, text)]
        if found:
            return ("proxy: " if "ProxyError" in text else "") + found[-1].strip()
    return text[:300]


def spellings(secret):
    """A secret as it is, and as JSON or Python would quote it, once or twice; a text of many lines also line by line."""
    texts = [secret] + [line.strip() for line in secret.splitlines() if len(line.strip()) > 5]
    for text in dict.fromkeys(texts):
        quoted = _quoted(text)
        for spelling in dict.fromkeys([text] + quoted + [again for once in quoted for again in _quoted(once)]):
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
