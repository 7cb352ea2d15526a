# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The account and its services: token, service catalog, endpoints.

Source: NHN Cloud, Token guide of the IaaS API (POST /v2.0/tokens); NKS API guide, API Preparations.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, Dict, List

from ansible_collections.nhncloud.nks.plugins.module_utils._client.connection import (
    DEFAULT_DOMAIN,
    REGION,
    SERVICES,
    TOKEN,
    Options,
    Service,
    domain_of,
    identity_url,
    is_url,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    ApiError,
    BadInput,
    BadReply,
    NksError,
)

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._client.token_cache import TokenCache
    from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import Transport

#: The service catalog of a token, reduced to what is used: type, endpoints with region and
#: publicURL.
Catalog = List[Dict[str, Any]]


class Identity:
    """A token and the endpoints for it. Several threads can use one object.

    :param options: the options of the connection, checked by :func:`connection.check`.
    """

    def __init__(self, transport: Transport, options: Options) -> None:
        self.transport = transport
        self.options = options
        self.tenant: str = options.get("tenant_id") or ""
        self._lock = threading.Lock()
        self._catalog: Catalog = []
        self._token: str = options.get("token") or ""
        self._fixed = bool(self._token)
        self._cache: TokenCache | None = None
        if options.get("token_cache") and options.get("username") and not self._fixed:
            # Not at the top: only tasks with this option need it and its imports (20 ms of CPU
            # time).
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

    def token(self) -> str:
        """The token to send; logs in if there is none yet.

        :raises NksError: the identity service rejects the credentials, or cannot be reached.
        """
        with self._lock:
            if not self._token and not self._cached():
                self._log_in()
            return self._token

    def renew(self, refused: str) -> str:
        """A token other than the rejected one; logs in if there is none yet.

        :raises NksError: the user has set a token, not the credentials to get another one.
        """
        with self._lock:
            if self._fixed:
                raise NksError(
                    "The token set with the option token (NHNCLOUD_TOKEN) was not accepted: it has expired, or a change of "
                    "the API password has revoked it. Set a new token, or username, password and tenant_id.",
                    status_code=401,
                )
            if self._token == refused:
                self._log_in()
            return self._token

    def endpoint(self, name: str, region: str | None = None) -> str:
        """The base URL of a service, with version and tenant, without a slash at its end.

        Order: the option, the catalog of the token, the host pattern.

        :raises NksError: the catalog does not have the region, or no region is known.
        """
        service = SERVICES[name]
        region = region or self.options.get("region")
        url = self.options.get(name + "_endpoint")
        if not url:
            url = self._from_catalog(service, name, region)
        return self._complete(url, service, name)

    # -- endpoints ---------------------------------------------------------------------------------------------------

    def _from_catalog(self, service: Service, name: str, region: str | None) -> str:
        """The URL of a service by the token's catalog, or by the host pattern if the catalog does
        not have the service.
        """
        if not region:
            raise BadInput(
                "region",
                None,
                "is required to find the %s service" % name,
                "set it to kr1, kr2 or kr3, or set %s_endpoint" % name,
            )
        if not self._fixed:
            self.token()
        offered: dict[str, str] = {}
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
        return "https://%s-api-%s-infrastructure.%s" % (
            region.lower(),
            service.host,
            self._domain(name),
        )

    def _domain(self, name: str) -> str:
        """The domain for the host pattern.

        :raises BadInput: the domain of this cloud is not known.
        """
        domain = domain_of(self.options)
        if domain is None:
            # The token of another cloud must not be sent to the public one.
            source = (
                "a token is used, so that the service catalog is not read"
                if self._fixed
                else "the service catalog of the token does not have it"
            )
            raise BadInput(
                "domain",
                None,
                "is required to find the %s service, because auth_url is not the identity service of %s and %s"
                % (name, DEFAULT_DOMAIN, source),
                "set domain to the domain of this cloud, or %s_endpoint to the URL of the service"
                % name,
            )
        return domain

    def _complete(self, url: str, service: Service, name: str) -> str:
        """The URL of a service, as the user or the catalog has it, with version and tenant exactly
        once.
        """
        url = url.rstrip("/")
        # Only a part after a version is a tenant: any other last part belongs to the path of a
        # gateway.
        parts = re.match(r"^(.*?)(?:/(v\d[\d.]*)(?:/([^/]+))?)?$", url)
        base, version, tenant = parts.groups() if parts else (url, None, None)
        if tenant and not (tenant == self.tenant or re.match(r"^[0-9a-f]{32}$", tenant)):
            base, version, tenant = url, None, None
        url = "%s/%s" % (base, version or service.version)
        if service.tenant:
            tenant = tenant or self.tenant
            if not tenant:
                raise BadInput(
                    "tenant_id",
                    None,
                    "is required to use the %s service" % name,
                    "set it in addition to token (NHNCLOUD_TENANT_ID)",
                )
            url += "/" + tenant
        return url

    # -- token -------------------------------------------------------------------------------------------------------

    def _log_in(self) -> None:
        """Get a token from the identity service, and keep it in the cache.

        :raises NksError: the identity service rejects the credentials, or its answer has no token.
        """
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
                error.msg += " Check username, tenant_id and auth_url. Use the API password, not the console password."
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
                "Could not %s: the answer of %s has no token (HTTP %d%s). Check that auth_url is the identity service and ends with /v2.0."
                % (doing, url, reply.status, about),
                status_code=reply.status,
                request_id=reply.request_id,
            ) from None
        self._use(token, catalog)
        if self._cache is not None:
            self._cache.put(token, catalog, expires)

    def _cached(self) -> bool:
        """Use the token in the cache; False if there is no valid one."""
        token, catalog = self._cache.get() if self._cache is not None else (None, [])
        if not token or not TOKEN.fullmatch(token):
            return False
        self._use(token, _plain_catalog(catalog))
        return True

    def _use(self, token: str, catalog: Catalog) -> None:
        self._token = token
        self._catalog = catalog
        self.transport.keep_secret(token)


def _plain_catalog(catalog: Any) -> Catalog:
    """The parts of the catalog that are used, if they have the documented form."""
    plain: Catalog = []
    for entry in catalog if isinstance(catalog, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("endpoints"), list):
            endpoints = [
                {"region": item["region"], "publicURL": item["publicURL"]}
                for item in entry["endpoints"]
                if isinstance(item, dict)
                and isinstance(item.get("region"), str)
                and isinstance(item.get("publicURL"), str)
                and is_url(item["publicURL"])
            ]
            plain.append({"type": entry.get("type"), "endpoints": endpoints})
    return plain
