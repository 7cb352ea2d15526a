# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies of the environment: one that cannot work is reported as such, not as a bad URL of the
service.
"""

from __future__ import annotations

import os
import re
from typing import Callable
from urllib.parse import urlsplit

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError

SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


def check(proxy: str, doing: str, keep_secret: Callable[[str], None]) -> None:
    """Reject a proxy that requests would report as a bad URL of the service, or whose library is
    missing.

    :param doing: what is being done to which resource.
    :param keep_secret: gets the password of the proxy, which must not appear in a message.
    :raises NksError: with the environment variable and the remedy.
    """
    problem = None
    try:
        # As requests does it.
        parts = urlsplit(proxy if "://" in proxy else "http://" + proxy)
    except ValueError:
        problem = "is not a URL"
    else:
        if len(parts.password or "") > 3:
            keep_secret(parts.password or "")
        try:
            # Reading the port raises a ValueError if it is not a number.
            if parts.port == 0 or not parts.hostname or re.search(r"\s", proxy):
                problem = "is not a URL"
            elif parts.scheme.lower() not in SCHEMES:
                problem = "has an unknown scheme (%s)" % parts.scheme
            elif parts.scheme.lower().startswith("socks"):
                # Not at the top: only a SOCKS proxy needs PySocks, which requests does not install.
                import socks  # noqa: F401  # pylint: disable=unused-import
        except ValueError:
            problem = "is not a URL"
        except ImportError:
            problem = (
                "needs the Python library 'PySocks' where this task runs (pip install PySocks)"
            )
    if problem:
        names = sorted(
            name
            for name in os.environ
            if name.lower() in ("http_proxy", "https_proxy", "all_proxy")
            and os.environ[name] == proxy
        )
        raise NksError(
            "Could not %s: the proxy '%s' of the environment (%s) %s. Set it to a URL such as http://host:port, or name the host in NO_PROXY."
            % (doing, proxy.rpartition("@")[2], ", ".join(names) or "HTTPS_PROXY", problem)
        )
