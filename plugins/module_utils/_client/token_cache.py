# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens kept between tasks in a file: a JSON object, one entry for each identity URL, tenant, user
and setting for verifying certificates.

Anything unexpected in the file is ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._local.private import Private

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import Transport

#: A token that expires within this time is not used: clocks differ, and a request takes time.
EXPIRY_MARGIN = timedelta(minutes=2)


class TokenCache:
    """The entry of one account in the file.

    :param path: the file; created with mode 0600. One that others can read or write is not used,
        see :class:`private.Private`.
    :param url: the identity service.
    :param tenant: the tenant's id.
    :param user: the name of the user.
    :param transport: has the clock, and the list of warnings.
    :param trust: how certificates are verified: True, False or the path of a CA bundle. Endpoints
        that were read without verification must not be used by tasks that verify.
    """

    def __init__(
        self,
        path: str,
        url: str,
        tenant: str,
        user: str,
        transport: Transport,
        trust: bool | str = True,
    ) -> None:
        self.file = Private(os.path.expanduser(path))
        trust = os.path.abspath(os.path.expanduser(trust)) if isinstance(trust, str) else str(trust)
        self.key = hashlib.sha256(
            "\n".join([url, tenant, user, trust]).encode("utf-8", "replace")
        ).hexdigest()
        self.transport = transport

    def get(self) -> tuple[Any, Any]:
        """(token, service catalog) as the file has them; (None, []) if there is none that is still
        valid for a while.
        """
        try:
            entry = _entries(self.file.read()).get(self.key)
        except NksError as error:
            self._warn("token_cache is not used: ", error)
            return None, []
        if (
            entry is None
            or not self._lasts(entry, EXPIRY_MARGIN)
            or not isinstance(entry.get("token"), str)
            or "catalog" not in entry
        ):
            return None, []
        return entry["token"], entry["catalog"]

    def put(self, token: str, catalog: list[Any], expires: Any) -> None:
        """Keep a token, and delete expired ones. A failure is a warning.

        :param expires: the time of expiry as the identity service writes it.
        """

        def changed(current: bytes) -> str:
            content = {
                key: entry
                for key, entry in _entries(current).items()
                if self._lasts(entry, timedelta())
            }
            content[self.key] = {"token": token, "expires": expires, "catalog": catalog}
            return json.dumps(content)

        try:
            self.file.change(changed, self.transport.clock)
        except NksError as error:
            self._warn("The token was not kept in token_cache: ", error)

    def _warn(self, doing: str, error: NksError) -> None:
        """One warning for the file, however often it is read."""
        about = re.sub(r"^dest: ", "", error.msg)
        if not any(warning.endswith(about) for warning in self.transport.warnings):
            self.transport.warnings.append(doing + about)

    def _lasts(self, entry: Any, margin: timedelta) -> bool:
        try:
            return parse_time(entry["expires"]) > self.transport.clock.utc() + margin
        except (KeyError, TypeError, ValueError, AttributeError):
            return False


def _entries(content: bytes | None) -> dict[str, Any]:
    """The entries in the contents of the file (None if it does not exist)."""
    try:
        entries = json.loads((content or b"{}").decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return entries if isinstance(entries, dict) else {}


def parse_time(text: str) -> datetime:
    """A time of the identity service, in UTC: ``expires`` ends in Z, ``issued_at`` has no zone.

    :raises ValueError: the text is not a time.
    """
    moment = datetime.fromisoformat(re.sub(r"Z$", "+00:00", text))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
