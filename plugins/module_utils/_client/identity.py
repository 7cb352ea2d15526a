# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who we are and where the services are: token, service catalogue, endpoints, token cache.

Source: NHN Cloud, Token guide of the IaaS API (POST /v2.0/tokens); NKS API guide, API Preparations.
"""

from __future__ import annotations

import os
import re
import threading
from urllib.parse import urlsplit

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    ApiError,
    BadInput,
    BadReply,
    NksError,
)

DEFAULT_DOMAIN = "nhncloudservice.com"
REGION = re.compile(r"[A-Za-z]{2,}[0-9]+")
#: What an HTTP header can carry; a line break in a token is a slip that is hard to see.
TOKEN = re.compile(r"[!-~]+")
#: Host of the identity service by the pattern of the public and government clouds; what follows is the domain.
IDENTITY_HOST = "api-identity-infrastructure."
#: The longest time limit of a request (seconds); a day is more than any service takes.
MAX_TIMEOUT = 86400
#: Options that say who we are. A task that sets one of them takes none of them from the environment.
CREDENTIALS = ("username", "password", "token")


class FromEnvironment(str):
    """The value of an option that came from an environment variable and not from the task; see :func:`settle`."""


class Service:
    """One service of the cloud.

    :param types: its names in the service catalogue, the best first.
    :param host: its name in the host pattern ``{region}-api-{host}-infrastructure.{domain}``.
    :param version: the path's first part.
    :param tenant: whether the tenant follows the version in the path.
    """

    def __init__(self, types, host, version, tenant=False):
        self.types = types
        self.host = host
        self.version = version
        self.tenant = tenant


#: The documented catalogue has no NKS entry; where there is one, its type is Magnum's.
SERVICES = {
    "kubernetes": Service(("container-infra", "kubernetes"), "kubernetes", "v1"),
    "compute": Service(("compute",), "instance", "v2", tenant=True),
    "network": Service(("network",), "network", "v2.0"),
    "image": Service(("image",), "image", "v2"),
    "volume": Service(("volumev2", "volumev3", "volume"), "block-storage", "v2", tenant=True),
}


class Identity:
    """A token and the endpoints that it is good for. One object may serve several threads.

    :param transport: see :class:`transport.Transport`.
    :param options: the connection options, checked by :func:`check`.
    """

    def __init__(self, transport, options):
        self.transport = transport
        self.options = options
        self.tenant = options.get("tenant_id") or ""
        self._lock = threading.Lock()
        self._catalog = []
        self._token = options.get("token") or ""
        self._fixed = bool(self._token)
        self._cache = None
        if options.get("token_cache") and options.get("username") and not self._fixed:
            from ansible_collections.nhncloud.nks.plugins.module_utils._client.token_cache import (
                TokenCache,
            )

            trust = options.get("validate_certs") is not False and (options.get("ca_cert") or True)
            self._cache = TokenCache(
                options["token_cache"],
                identity_url(options),
                self.tenant,
                options["username"],
                transport,
                trust,
            )
        transport.keep_secret(self._token, options.get("password"))

    def token(self):
        """The token to send; logs in where there is none yet.

        :raises NksError: the identity service refuses, or cannot be reached.
        """
        with self._lock:
            if not self._token and not self._cached():
                self._log_in()
            return self._token

    def renew(self, refused):
        """A token other than the refused one.

        :raises NksError: the token was given by the user, so there is nothing to get another one with.
        """
        with self._lock:
            if self._fixed:
                raise NksError(
                    "The token given with option token (NHNCLOUD_TOKEN) was not accepted: it has expired, or a change of "
                    "the API password has revoked it. Give a new token, or username, password and tenant_id.",
                    status_code=401,
                )
            if self._token == refused:
                self._log_in()
            return self._token

    def endpoint(self, name, region=None):
        """The base URL of a service, with version and tenant, without a slash at its end.

        Order: the option, the token's catalogue, the host pattern.

        :raises NksError: the region is not one of the catalogue's, or no region is known.
        """
        service = SERVICES[name]
        region = region or self.options.get("region")
        url = self.options.get(name + "_endpoint")
        if not url:
            url = self._from_catalog(service, name, region)
        return self._complete(url, service, name)

    # -- endpoints ---------------------------------------------------------------------------------------------------

    def _from_catalog(self, service, name, region):
        if not region:
            raise BadInput(
                "region",
                None,
                "is needed to find the %s service" % name,
                "set it to kr1, kr2 or kr3, or set %s_endpoint" % name,
            )
        if not self._fixed:
            self.token()
        offered = {}
        for kind in service.types:
            for entry in self._catalog:
                if entry["type"] == kind:
                    for endpoint in entry["endpoints"]:
                        offered.setdefault(endpoint["region"].lower(), endpoint["publicURL"])
        if region.lower() in offered:
            return offered[region.lower()]
        if offered:
            raise BadInput(
                "region",
                region,
                "is not a region of the %s service" % name,
                "use one of %s" % ", ".join(sorted(offered)),
            )
        found = {
            endpoint["region"].lower() for entry in self._catalog for endpoint in entry["endpoints"]
        }
        known = sorted(code for code in found if REGION.fullmatch(code))
        if known and region.lower() not in known:
            raise BadInput(
                "region",
                region,
                "is not a region of this cloud",
                "use one of %s" % ", ".join(known),
            )
        domain = domain_of(self.options)
        if domain is None:
            # The token of another cloud must not go to the public one.
            source = (
                "a token is used, so that the service catalog is not read"
                if self._fixed
                else "the service catalog of the token does not have it"
            )
            raise BadInput(
                "domain",
                None,
                "is needed to find the %s service, because auth_url is not the identity service of %s and %s"
                % (name, DEFAULT_DOMAIN, source),
                "set domain to the domain of this cloud, or %s_endpoint to the URL of the service"
                % name,
            )
        return "https://%s-api-%s-infrastructure.%s" % (region.lower(), service.host, domain)

    def _complete(self, url, service, name):
        """A service's URL as the user or the catalogue has it -> with version and tenant, once each."""
        url = url.rstrip("/")
        # A tenant is only one behind a version: any other last part is the gateway's own path.
        parts = re.match(r"^(.*?)(?:/(v\d[\d.]*)(?:/([^/]+))?)?$", url)
        base, version, tenant = parts.groups()
        if tenant and not (tenant == self.tenant or re.match(r"^[0-9a-f]{32}$", tenant)):
            base, version, tenant = url, None, None
        url = "%s/%s" % (base, version or service.version)
        if service.tenant:
            tenant = tenant or self.tenant
            if not tenant:
                raise BadInput(
                    "tenant_id",
                    None,
                    "is needed to use the %s service" % name,
                    "set it beside token (NHNCLOUD_TENANT_ID)",
                )
            url += "/" + tenant
        return url

    # -- token -------------------------------------------------------------------------------------------------------

    def _log_in(self):
        url = identity_url(self.options) + "/tokens"
        body = {
            "auth": {
                "tenantId": self.options["tenant_id"],
                "passwordCredentials": {
                    "username": self.options["username"],
                    "password": self.options["password"],
                },
            }
        }
        doing = "get a token for %s" % self.options["username"]
        try:
            # A token request changes nothing, so it may be repeated.
            reply = self.transport.request(
                "POST", url, doing, body=body, safe=True, secrets=[self.options["password"]]
            )
        except ApiError as error:
            if error.status in (400, 401, 403, 404):
                error.msg += " See that username, tenant_id and auth_url are right and that password is the API password (not the console's password)."
            raise
        try:
            access = reply.data["access"]
            token, expires = access["token"]["id"], access["token"].get("expires")
            catalog = _plain_catalog(access.get("serviceCatalog"))
            if not TOKEN.fullmatch(token):
                raise ValueError("token")
        except (KeyError, TypeError, ValueError, AttributeError):
            about = ", request id %s" % reply.request_id if reply.request_id else ""
            raise BadReply(
                "Could not %s: the answer of %s holds no token (HTTP %d%s). Is auth_url the identity service, ending in /v2.0?"
                % (doing, url, reply.status, about),
                status_code=reply.status,
                request_id=reply.request_id,
            ) from None
        self._use(token, catalog)
        if self._cache is not None:
            self._cache.put(token, catalog, expires)

    def _cached(self):
        """Whether the cache had a token that will do."""
        token, catalog = self._cache.get() if self._cache is not None else (None, [])
        if not token or not TOKEN.fullmatch(token):
            return False
        self._use(token, _plain_catalog(catalog))
        return True

    def _use(self, token, catalog):
        self._token = token
        self._catalog = catalog
        self.transport.keep_secret(token)


def identity_url(options):
    """The identity service's base URL, ending in /v2.0.

    :raises BadInput: auth_url names another version of the identity API.
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
            "is not the identity API that NHN Cloud documents",
            "let it end in /v2.0",
        )
    return url


def domain_of(options):
    """The domain in the names of the cloud's services; None if ``auth_url`` is of a cloud whose domain nobody has named.

    Source: NHN Cloud, API endpoints; all services of one cloud have hosts of one pattern and one domain.
    """
    if options.get("domain"):
        return options["domain"]
    if not options.get("auth_url"):
        return DEFAULT_DOMAIN
    host = (urlsplit(options["auth_url"]).hostname or "").rstrip(".")
    return (host[len(IDENTITY_HOST) :] or None) if host.startswith(IDENTITY_HOST) else None


def settle(options):
    """Decide which credentials count, those of the task or those of the environment; changes the options in place.

    Options of the task take precedence as a set: if the task sets ``username``, ``password`` or ``token``, none of the three is taken
    from the environment. A token is good for one project, so one of the environment is not used for the ``tenant_id`` of a task.
    Addresses, ``region`` and ``tenant_id`` are no credentials: each is taken from the task, and otherwise from the environment.

    :param options: values of the environment are marked as :class:`FromEnvironment`; all are plain texts afterwards.
    :raises BadInput: the task names a project, and the token of the environment may be of another one.
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
            "is set by the task, but the token comes from the environment (NHNCLOUD_TOKEN) and is good for one project only",
            "set token, or username and password, in the task too, leave out tenant_id, or unset NHNCLOUD_TOKEN",
        )


def check(options, regions=None):
    """Refuse connection options that cannot work, before any request.

    :param regions: the inventory's list of regions, used in place of ``region``.
    :raises BadInput: naming the option, the value and the remedy.
    """
    if options.get("token"):
        if not TOKEN.fullmatch(options["token"]):
            raise BadInput(
                "token",
                None,
                "holds a space, a line break or another character that no token has",
                "give it as the identity service issued it",
            )
    else:
        missing = [name for name in ("username", "password", "tenant_id") if not options.get(name)]
        if missing:
            unused = [
                name
                for name in CREDENTIALS
                if not options.get(name) and os.environ.get("NHNCLOUD_" + name.upper())
            ]
            own = [name for name in CREDENTIALS if options.get(name)]
            if not regions and not options.get("region") and not options.get("kubernetes_endpoint"):
                missing.append("region")
            raise NksError(
                "Missing credentials: set token, or username, password and tenant_id; not set: %s (environment: %s).%s"
                % (
                    ", ".join(missing),
                    ", ".join("NHNCLOUD_" + name.upper() for name in missing),
                    " Because %s is set, %s of the environment is not used: credentials of both are never mixed."
                    % (
                        " and ".join(own),
                        " and ".join("NHNCLOUD_" + name.upper() for name in unused),
                    )
                    if own and unused
                    else "",
                )
            )
    for region in regions or [options.get("region")]:
        if not region:
            if not options.get("kubernetes_endpoint"):
                raise BadInput(
                    "region",
                    None,
                    "is needed to find the NKS service",
                    "set it to kr1, kr2 or kr3 (NHNCLOUD_REGION), or set kubernetes_endpoint",
                )
        elif not REGION.fullmatch(region):
            raise BadInput(
                "region", region, "is not a region's code", "use one such as kr1, kr2 or kr3"
            )
    for name in ["auth_url"] + [service + "_endpoint" for service in SERVICES]:
        url = options.get(name)
        if url and not _is_url(url):
            raise BadInput(name, url, "is not a URL", "write it like https://host/path")
    identity_url(options)
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
            "max_retries", options["max_retries"], "is below zero", "give 0 for no retries"
        )
    if options.get("ca_cert"):
        bundle = os.path.expanduser(options["ca_cert"])
        if not os.path.exists(bundle):
            raise BadInput(
                "ca_cert",
                options["ca_cert"],
                "does not exist",
                "name a file with CA certificates in PEM form",
            )
        # Not at the top: an inventory that comes from a cache needs neither this room nor requests.
        from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import (
            unreadable,
        )

        problem = unreadable(bundle) if options.get("validate_certs", True) else None
        if problem:
            raise BadInput(
                "ca_cert",
                options["ca_cert"],
                "cannot be used (%s)" % problem,
                "name a file with CA certificates in PEM form",
            )


def _is_url(text):
    try:
        return bool(re.match(r"https?://[^/\s]\S*\Z", text) and urlsplit(text).hostname)
    except ValueError:
        return False


def _plain_catalog(catalog):
    """Only what is used of the catalogue, and only where it has the documented form."""
    plain = []
    for entry in catalog if isinstance(catalog, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("endpoints"), list):
            endpoints = [
                {"region": item["region"], "publicURL": item["publicURL"]}
                for item in entry["endpoints"]
                if isinstance(item, dict)
                and isinstance(item.get("region"), str)
                and isinstance(item.get("publicURL"), str)
                and _is_url(item["publicURL"])
            ]
            plain.append({"type": entry.get("type"), "endpoints": endpoints})
    return plain
