# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issues tokens: `POST /identity/v2.0/tokens` (NHN Cloud guide, token issuance; Keystone v2.0)."""

from __future__ import annotations

import datetime
import json
import uuid as uuid_module
from typing import Any

from flask import Blueprint, Response, current_app, request

from .seed import REGIONS_WITHOUT_NKS
from .state import Cloud

blueprint = Blueprint("identity", __name__)


def _error(status: int, title: str, message: str) -> Response:
    return Response(json.dumps({"error": {"code": status, "title": title, "message": message}}), status=status, content_type="application/json")


def _catalogue(cloud: Cloud, base: str, tenant_id: str) -> list[dict[str, Any]]:
    """Region names are upper-case; network and image URLs end before the version (NHN Cloud guide, token issuance)."""
    services: list[tuple[str, str, str]] = [
        ("compute", "nova", f"compute/v2/{tenant_id}"),
        ("volumev2", "cinderv2", f"volume/v2/{tenant_id}"),
        ("network", "neutron", "network"),
        ("image", "glance", "image"),
        ("key-manager", "barbican", "key-manager"),
    ]
    kubernetes = cloud.settings.catalogue_kubernetes
    if kubernetes:
        services.append((kubernetes, "magnum", f"kubernetes{cloud.settings.catalogue_suffix}"))
    catalogue = [
        {"type": "identity", "name": "keystone", "endpoints_links": [], "endpoints": [_endpoint(region, f"{base}/identity/v2.0") for region in cloud.regions]}
    ]
    for kind, name, path in services:
        regions = [region for region in cloud.regions if not (kind == kubernetes and region in REGIONS_WITHOUT_NKS)]
        catalogue.append({"type": kind, "name": name, "endpoints_links": [], "endpoints": [_endpoint(region, f"{base}/{region}/{path}") for region in regions]})
    return [service for service in catalogue if service["type"] not in cloud.settings.catalogue_omit]


def _endpoint(region: str, url: str) -> dict[str, str]:
    return {"region": region.upper(), "publicURL": url, "id": uuid_module.uuid5(uuid_module.NAMESPACE_URL, f"{region} {url.split('://')[1]}").hex}


def _iso(seconds: float, *, micro: bool) -> str:
    """`expires` is UTC with a Z, `issued_at` has microseconds and no zone: two forms in one reply."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f" if micro else "%Y-%m-%dT%H:%M:%SZ")


@blueprint.post("/identity/v2.0/tokens")
def issue() -> Response:
    cloud: Cloud = current_app.config["CLOUD"]
    try:
        auth = json.loads(request.get_data())["auth"]
        tenant_id, credentials = auth["tenantId"], auth["passwordCredentials"]
        username, password = credentials["username"], credentials["password"]
    except (ValueError, KeyError, TypeError):
        return _error(
            400, "Bad Request", "Expecting to find auth with tenantId and passwordCredentials in request body. The server could not comply with the request."
        )
    account = cloud.accounts.get(username) if isinstance(username, str) else None
    if account is None:
        return _error(401, "Unauthorized", f"Could not find user: {username}")
    if account.password != password or tenant_id not in account.tenants:
        return _error(401, "Unauthorized", "The request you have made requires authentication.")
    token = cloud.issue_token(tenant_id, username)
    base = f"{request.scheme}://{request.host}"
    body = {
        "access": {
            "token": {
                "id": token.id,
                "expires": _iso(token.expires, micro=False),
                "issued_at": _iso(token.issued, micro=True),
                "tenant": {
                    "id": tenant_id,
                    "name": f"project-{tenant_id[:8]}",
                    "groupId": f"group-{tenant_id[:8]}",
                    "description": "",
                    "enabled": True,
                    "project_domain": "NORMAL",
                },
            },
            "serviceCatalog": _catalogue(cloud, base, tenant_id),
            "user": {
                "id": account.user_id,
                "username": username,
                "name": username,
                "roles": [{"name": "project_admin"}],
                "roles_links": [],
            },
            "metadata": {"roles": ["project_admin"], "is_admin": 0},
        },
    }
    return Response(json.dumps(body), content_type="application/json")
