# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a connection: which credentials are used, and what can be checked before any
request.

Source: NHN Cloud, API endpoints; Token guide of the IaaS API.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, NamedTuple, Sequence
from urllib.parse import urlsplit

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError

DEFAULT_DOMAIN = "nhncloudservice.com"
REGION = re.compile(r"[A-Za-z]{2,}[0-9]+")
#: What an HTTP header can contain; a line break in a token is a mistake that is hard to see.
TOKEN = re.compile(r"[!-~]+")
#: Host of the identity service by the pattern of the public and government clouds; the domain
#: follows it.
IDENTITY_HOST = "api-identity-infrastructure."
#: The longest time limit of a request (seconds); a day is more than any service needs.
MAX_TIMEOUT = 86400
#: Options that identify the account. If a task sets one of them, none of them is taken from the
#: environment.
CREDENTIALS = ("username", "password", "token")
CA_REMEDY = "specify a file with CA certificates in PEM form"
#: The options of a connection, by name.
Options = Dict[str, Any]


class FromEnvironment(str):
    """The value of an option that came from an environment variable and not from the task; see
    :func:`settle`.
    """


class Service(NamedTuple):
    """One service of the cloud."""

    #: Its names in the service catalog, the best first.
    types: tuple[str, ...]
    #: Its name in the host pattern ``{region}-api-{host}-infrastructure.{domain}``.
    host: str
    #: The first part of the path.
    version: str
    #: Whether the tenant follows the version in the path.
    tenant: bool = False


#: The documented catalog has no NKS entry; if there is one, its type is that of Magnum.
SERVICES = {
    "kubernetes": Service(("container-infra", "kubernetes"), "kubernetes", "v1"),
    "compute": Service(("compute",), "instance", "v2", tenant=True),
    "network": Service(("network",), "network", "v2.0"),
    "image": Service(("image",), "image", "v2"),
    "volume": Service(("volumev2", "volumev3", "volume"), "block-storage", "v2", tenant=True),
}


def identity_url(options: Options) -> str:
    """The base URL of the identity service, which ends with /v2.0.

    :raises BadInput: auth_url has another version of the identity API.
    """
    url = options.get("auth_url")
    if not url:
        return "https://%s%s/v2.0" % (IDENTITY_HOST, options.get("domain") or DEFAULT_DOMAIN)
    url = re.sub(r"/tokens$", "", url.rstrip("/"))
    version = re.search(r"/v(\d+)(\.\d+)?(/auth)?$", url)
    if version is None:
        return url + "/v2.0"
    if version.group(1) != "2":
        raise BadInput(
            "auth_url",
            url,
            "has an unsupported version of the identity API",
            "set it to a URL that ends with /v2.0",
        )
    return url


def domain_of(options: Options) -> str | None:
    """The domain in the host names of the cloud's services; None if ``auth_url`` does not show it
    and ``domain`` is not set.

    Source: NHN Cloud, API endpoints; the hosts of all services of one cloud have one pattern and
    one domain.
    """
    if options.get("domain"):
        return str(options["domain"])
    if not options.get("auth_url"):
        return DEFAULT_DOMAIN
    host = (urlsplit(options["auth_url"]).hostname or "").rstrip(".")
    return (host[len(IDENTITY_HOST) :] or None) if host.startswith(IDENTITY_HOST) else None


def settle(options: Options) -> None:
    """Decide which credentials are used, those of the task or those of the environment; changes the
    options in place.

    Options of the task take precedence as a set: if the task sets ``username``, ``password`` or
    ``token``, none of the three is taken from the environment. A token is valid for one project, so
    one of the environment is not used for the ``tenant_id`` of a task. Endpoints, ``region`` and
    ``tenant_id`` are not credentials: each is taken from the task, and otherwise from the
    environment.

    :param options: values of the environment are marked as :class:`FromEnvironment`; all are plain
        texts afterwards.
    :raises BadInput: the task sets a project, and the token of the environment may be of another
        one.
    """
    found = {name for name, value in options.items() if isinstance(value, FromEnvironment)}
    options.update((name, str(options[name])) for name in found)
    if any(options.get(name) and name not in found for name in CREDENTIALS):
        options.update((name, None) for name in found.intersection(CREDENTIALS))
    elif (
        options.get("token")
        and options.get("tenant_id")
        and "tenant_id" not in found
        and options["tenant_id"] != os.environ.get("NHNCLOUD_TENANT_ID")
    ):
        raise BadInput(
            "tenant_id",
            options["tenant_id"],
            "is set by the task, but the token comes from the environment (NHNCLOUD_TOKEN) and is valid for one project only",
            "set token, or username and password, in the task too, omit tenant_id, or unset NHNCLOUD_TOKEN",
        )


def check(options: Options, regions: Sequence[str] | None = None) -> None:
    """Reject connection options that cannot work, before any request.

    :param regions: the inventory's list of regions, used instead of ``region``.
    :raises BadInput: with the option, the value and the remedy.
    """
    _check_credentials(options, regions)
    _check_regions(options, regions)
    for name in ["auth_url"] + [service + "_endpoint" for service in SERVICES]:
        url = options.get(name)
        if url and not is_url(url):
            raise BadInput(name, url, "is not a URL", "use the form https://host/path")
    identity_url(options)
    _check_limits(options)
    if options.get("ca_cert"):
        _check_ca(options["ca_cert"], options.get("validate_certs", True))


def _check_credentials(options: Options, regions: Sequence[str] | None) -> None:
    if options.get("token"):
        if not TOKEN.fullmatch(options["token"]):
            raise BadInput(
                "token",
                None,
                "contains a space, a line break or another character that no token has",
                "set it to the token as the identity service issued it",
            )
        return
    missing = [name for name in ("username", "password", "tenant_id") if not options.get(name)]
    if not missing:
        return
    if not regions and not options.get("region") and not options.get("kubernetes_endpoint"):
        missing.append("region")
    own = [name for name in CREDENTIALS if options.get(name)]
    unused = [
        _variable(name)
        for name in CREDENTIALS
        if not options.get(name) and os.environ.get(_variable(name))
    ]
    reason = (
        " Because %s is set, %s of the environment is not used: credentials of both are never mixed."
        % (" and ".join(own), " and ".join(unused))
        if own and unused
        else ""
    )
    raise NksError(
        "Missing credentials: set token, or username, password and tenant_id; not set: %s (environment: %s).%s"
        % (", ".join(missing), ", ".join(_variable(name) for name in missing), reason)
    )


def _variable(option: str) -> str:
    """The environment variable of an option."""
    return "NHNCLOUD_" + option.upper()


def _check_regions(options: Options, regions: Sequence[str] | None) -> None:
    for region in regions or (options.get("region"),):
        if region and not REGION.fullmatch(region):
            raise BadInput(
                "region", region, "is not the code of a region", "use one such as kr1, kr2 or kr3"
            )
        if not region and not options.get("kubernetes_endpoint"):
            raise BadInput(
                "region",
                None,
                "is required to find the NKS service",
                "set it to kr1, kr2 or kr3 (NHNCLOUD_REGION), or set kubernetes_endpoint",
            )


def _check_limits(options: Options) -> None:
    seconds = options.get("request_timeout")
    # Not a number is neither above nor below.
    if seconds is not None and not 0 < seconds <= MAX_TIMEOUT:
        raise BadInput(
            "request_timeout",
            seconds,
            "is not a time limit",
            "set it to seconds above 0, %d at most" % MAX_TIMEOUT,
        )
    if options.get("max_retries") is not None and options["max_retries"] < 0:
        raise BadInput(
            "max_retries", options["max_retries"], "is below zero", "set it to 0 for no retries"
        )


def _check_ca(path: str, verifies: bool) -> None:
    bundle = os.path.expanduser(path)
    if not os.path.exists(bundle):
        raise BadInput("ca_cert", path, "does not exist", CA_REMEDY)
    if not verifies:
        return
    # Not at the top: it imports requests (100 ms of CPU time), which an inventory from the cache
    # does not need.
    from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import unreadable

    problem = unreadable(bundle)
    if problem:
        raise BadInput("ca_cert", path, "cannot be used (%s)" % problem, CA_REMEDY)


def is_url(text: str) -> bool:
    """Whether a text is an HTTP URL with a host."""
    try:
        return bool(re.match(r"https?://[^/\s]\S*\Z", text) and urlsplit(text).hostname)
    except ValueError:
        return False
