# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens kept between tasks in a file: a JSON object, one entry for each identity URL, tenant, user and way to verify certificates.

Anything unexpected in the file is as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from datetime import datetime, timedelta, timezone

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._local.private import Private

#: A token this close to its end is renewed beforehand: clocks differ, and a request takes its time.
EXPIRY_MARGIN = timedelta(minutes=2)


class TokenCache:
    """One account's entry of the file.

    :param path: the file; made with mode 0600. One that others can read or write is not used, see :class:`private.Private`.
    :param url: the identity service.
    :param tenant: the tenant's id.
    :param user: who logs in.
    :param transport: its clock tells what has expired, and its warnings what could not be kept.
    :param trust: how the services' certificates are verified: True, False or the path of a CA bundle. Whoever trusts
        less must not hand on addresses to those who trust more.
    """

    def __init__(self, path, url, tenant, user, transport, trust=True):
        self.file = Private(os.path.expanduser(path))
        trust = os.path.abspath(os.path.expanduser(trust)) if isinstance(trust, str) else str(trust)
        self.key = hashlib.sha256(
            "\n".join([url, tenant, user, trust]).encode("utf-8", "replace")
        ).hexdigest()
        self.transport = transport

    def get(self):
        """(token, service catalogue), or (None, []) where there is none that lasts a while."""
        try:
            entry = _entries(self.file.read()).get(self.key)
        except NksError as error:
            self._warn("token_cache is not used: ", error)
            return None, []
        if (
            not self._lasts(entry, EXPIRY_MARGIN)
            or not isinstance(entry.get("token"), str)
            or "catalog" not in entry
        ):
            return None, []
        return entry["token"], entry["catalog"]

    def put(self, token, catalog, expires):
        """Keep a token; what has expired goes. A failure is a warning.

        :param expires: when it ends, as the identity service writes it.
        """

        def changed(present):
            content = {
                key: entry
                for key, entry in _entries(present).items()
                if self._lasts(entry, timedelta())
            }
            content[self.key] = {"token": token, "expires": expires, "catalog": catalog}
            return json.dumps(content)

        try:
            self.file.change(changed, self.transport.clock)
        except NksError as error:
            self._warn("The token was not kept in token_cache: ", error)

    def _warn(self, doing, error):
        """One warning for the file, however often it is looked at."""
        about = re.sub(r"^dest: ", "", error.msg)
        if not any(warning.endswith(about) for warning in self.transport.warnings):
            self.transport.warnings.append(doing + about)

    def _lasts(self, entry, margin):
        try:
            return parse_time(entry["expires"]) > self.transport.clock.utc() + margin
        except (KeyError, TypeError, ValueError, AttributeError):
            return False


def _entries(content):
    """The entries in the file's contents (bytes, or None where there is no file)."""
    try:
        content = json.loads((content or b"{}").decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def parse_time(text):
    """A time of the identity service as a datetime in UTC: ``expires`` ends in Z, ``issued_at`` has no zone.

    :raises ValueError: the text is no time.
    """
    moment = datetime.fromisoformat(re.sub(r"Z$", "+00:00", text))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
