# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute, network, image and block storage services, as far as names are looked up in them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request

from .nks import unauthorized
from .state import Cloud, Project, Token

blueprint = Blueprint("lookups", __name__)

SERVER_PAGE = 100


class Refused(Exception):
    """A refusal in the form of the service that was asked."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def _error(service: str, status: int, message: str) -> Response:
    body: Any
    if service in ("compute", "volume"):
        body = {"itemNotFound" if status == 404 else "badRequest": {"code": status, "message": message}}
    elif service == "network":
        body = {"NeutronError": {"type": "NotFound" if status == 404 else "BadRequest", "message": message, "detail": ""}}
    else:
        return Response(f"<html><head><title>{status}</title></head><body>{message}</body></html>", status=status, content_type="text/html")
    return Response(json.dumps(body), status=status, content_type="application/json")


def lookup(service: str, path: str) -> Callable:
    """Registers a GET of one service; compute and block storage have the tenant in their paths."""
    prefix = {
        "compute": "/<region>/compute/v2/<tenant>",
        "volume": "/<region>/volume/v2/<tenant>",
        "network": "/<region>/network/v2.0",
        "image": "/<region>/image/v2",
    }[service]

    def decorate(function: Callable[..., Any]) -> Callable:
        def view(region: str, tenant: str | None = None, **arguments: str) -> Response:
            cloud: Cloud = current_app.config["CLOUD"]
            token = cloud.token(request.headers.get("X-Auth-Token"))
            if token is None:
                return unauthorized()
            if region not in cloud.regions:
                return _error("none", 404, "Not Found")
            if tenant is not None and tenant != token.tenant_id:
                return _error(service, 400, "Malformed request url")
            try:
                body = function(cloud, cloud.projects[token.tenant_id, region], token, **arguments)
            except Refused as error:
                return _error(service, error.status, error.message)
            return Response(json.dumps(body), content_type="application/json")

        blueprint.add_url_rule(prefix + path, f"{service}_{function.__name__}", view, methods=["GET"], provide_automatic_options=False)
        return function

    return decorate


def _equal(have: Any, wanted: str) -> bool:
    if isinstance(have, bool):
        return str(have).lower() == wanted.lower()
    if isinstance(have, list):
        return wanted in [str(item) for item in have]
    return str(have) == wanted


def filtered(items: list[dict[str, Any]], *, ignore: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Query parameters are filters by equality; one given twice means either value, as in OpenStack's network API."""
    skip = ("fields", "sort_key", "sort_dir", "limit", "marker") + ignore
    for name, values in request.args.lists():
        if name not in skip:
            items = [item for item in items if any(_equal(item.get(name), value) for value in values)]
    fields = request.args.getlist("fields")
    if fields:
        items = [{name: item[name] for name in fields if name in item} for item in items]
    return items


def _limit(default: int, highest: int) -> int:
    text = request.args.get("limit", str(default))
    if not re.fullmatch(r"\d+", text):
        raise Refused(400, f"Invalid limit: {text}")
    return min(int(text) or highest, highest)


def _after_marker(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    marker = request.args.get("marker")
    if marker is None:
        return items
    for position, item in enumerate(items):
        if item["id"] == marker:
            return items[position + 1 :]
    raise Refused(400, f"marker [{marker}] not found")


# -- network


def _subnets_of(project: Project, vpc_id: str) -> list[str]:
    return [subnet["id"] for subnet in project.found.subnets if subnet["vpc_id"] == vpc_id]


@lookup("network", "/networks")
def networks(cloud: Cloud, project: Project, dummy: Token) -> Any:
    """The OpenStack-style list; subnets come in another order at each read (seen on the service)."""
    cloud.rotation += 1
    found = []
    for vpc in project.found.vpcs:
        subnets = _subnets_of(project, vpc["id"])
        turn = cloud.rotation % max(1, len(subnets))
        found.append(
            {
                "id": vpc["id"],
                "name": vpc["name"],
                "status": "ACTIVE",
                "admin_state_up": True,
                "mtu": 0,
                "subnets": subnets[turn:] + subnets[:turn],
                "router:external": vpc["router:external"],
                "shared": vpc["shared"],
                "tenant_id": vpc["tenant_id"],
                "port_security_enabled": True,
            }
        )
    return {"networks": filtered(found)}


@lookup("network", "/vpcs")
def vpcs(dummy: Cloud, project: Project, dummy2: Token) -> Any:
    return {"vpcs": filtered(project.found.vpcs)}


@lookup("network", "/vpcs/<vpc_id>")
def vpc_detail(dummy: Cloud, project: Project, dummy2: Token, vpc_id: str) -> Any:
    vpc = project.vpc(vpc_id)
    if vpc is None:
        raise Refused(404, f"Vpc {vpc_id} could not be found.")
    return {
        "vpc": {
            **vpc,
            "subnets": [subnet for subnet in project.found.subnets if subnet["vpc_id"] == vpc_id],
            "routingtables": [table for table in project.found.routingtables if table["vpc_id"] == vpc_id],
        }
    }


@lookup("network", "/vpcsubnets")
def vpcsubnets(dummy: Cloud, project: Project, dummy2: Token) -> Any:
    return {"vpcsubnets": filtered(project.found.subnets)}


@lookup("network", "/vpcsubnets/<subnet_id>")
def vpcsubnet_detail(dummy: Cloud, project: Project, dummy2: Token, subnet_id: str) -> Any:
    subnet = project.subnet(subnet_id)
    if subnet is None:
        raise Refused(404, f"Subnet {subnet_id} could not be found.")
    return {"vpcsubnet": subnet}


@lookup("network", "/subnets")
def subnets(dummy: Cloud, project: Project, dummy2: Token) -> Any:
    return {
        "subnets": filtered(
            [
                {
                    "id": subnet["id"],
                    "name": subnet["name"],
                    "cidr": subnet["cidr"],
                    "network_id": subnet["vpc_id"],
                    "gateway_ip": subnet["gateway"],
                    "ip_version": 4,
                    "enable_dhcp": True,
                    "tenant_id": subnet["tenant_id"],
                }
                for subnet in project.found.subnets
            ]
        )
    }


@lookup("network", "/routingtables")
def routingtables(dummy: Cloud, project: Project, dummy2: Token) -> Any:
    """The gateway is told with `detail=true` only (VPC guide, routing tables)."""
    detailed = request.args.get("detail", "").lower() == "true"
    brief = ("id", "name", "default_table", "tenant_id", "state", "distributed")
    tables = [table if detailed else {name: table[name] for name in brief} for table in project.found.routingtables]
    return {"routingtables": filtered(tables, ignore=("detail",))}


@lookup("network", "/routingtables/<table_id>")
def routingtable_detail(dummy: Cloud, project: Project, dummy2: Token, table_id: str) -> Any:
    for table in project.found.routingtables:
        if table["id"] == table_id:
            return {"routingtable": table}
    raise Refused(404, f"Routingtable {table_id} could not be found.")


@lookup("network", "/ports")
def ports(dummy: Cloud, project: Project, dummy2: Token) -> Any:
    wanted = [value.split("=", 1)[1] for value in request.args.getlist("fixed_ips") if value.startswith("ip_address=")]
    found = [
        {
            "id": f"90{server['id'][2:]}",
            "device_id": server["id"],
            "device_owner": f"compute:{server['zone']}",
            "network_id": server["vpc_id"],
            "fixed_ips": [{"ip_address": server["address"], "subnet_id": server["subnet_id"]}],
            "status": "ACTIVE",
            "tenant_id": project.tenant_id,
        }
        for server in all_servers(project)
    ]
    if wanted:
        found = [port for port in found if port["fixed_ips"][0]["ip_address"] in wanted]
    return {"ports": filtered(found, ignore=("fixed_ips",))}


@lookup("network", "/security-groups")
def security_groups(dummy: Cloud, project: Project, dummy2: Token) -> Any:
    """The groups that NKS made for its clusters are among them."""
    made = [
        {
            "id": cluster.labels["default_security_group"],
            "description": "",
            "tenant_id": project.tenant_id,
            "name": f"{cluster.name}-{cluster.uuid[:8]}-secgroup_kube_minion",
            "security_group_rules": [],
        }
        for cluster in project.clusters.values()
        if cluster.api_address
    ]
    return {"security_groups": filtered(project.found.security_groups + made)}


@lookup("network", "/gateways/servicegateways")
def servicegateways(dummy: Cloud, project: Project, dummy2: Token) -> Any:
    return {"servicegateways": filtered(project.found.service_gateways)}


@lookup("network", "/gateways/serviceendpoints")
def serviceendpoints(dummy: Cloud, project: Project, dummy2: Token) -> Any:
    return {"serviceendpoints": filtered(project.found.service_endpoints)}


@lookup("network", "/gateways/serviceendpoints/")
def serviceendpoints_with_slash(cloud: Cloud, project: Project, token: Token) -> Any:
    """The documented form."""
    return serviceendpoints(cloud, project, token)


# -- compute


def all_servers(project: Project) -> list[dict[str, Any]]:
    """Instances by time: what was there before, then every node of every cluster."""
    found = list(project.found.servers)
    for cluster in project.clusters.values():
        for group in cluster.nodegroups.values():
            found.extend(
                {
                    "id": node.uuid,
                    "name": node.name,
                    "status": node.status,
                    "address": node.address,
                    "subnet_id": cluster.fixed_subnet,
                    "vpc_id": cluster.fixed_network,
                    "flavor_id": node.flavor_id,
                    "image_id": node.image_id,
                    "key_name": cluster.keypair,
                    "zone": node.zone,
                    "metadata": {"nks_cluster": cluster.uuid},
                }
                for node in group.nodes
            )
    return found


def _server(project: Project, server: dict[str, Any]) -> dict[str, Any]:
    vpc = project.vpc(server["vpc_id"])
    return {
        "id": server["id"],
        "name": server["name"],
        "status": server["status"],
        "tenant_id": project.tenant_id,
        "addresses": {vpc["name"]: [{"addr": server["address"], "version": 4, "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01"}]},
        "flavor": {"id": server["flavor_id"], "links": []},
        "image": {"id": server["image_id"], "links": []},
        "key_name": server["key_name"],
        "metadata": server["metadata"],
        "OS-EXT-AZ:availability_zone": server["zone"],
        "OS-EXT-STS:vm_state": "stopped" if server["status"] == "SHUTOFF" else "active",
        "links": [],
    }


def _servers(cloud: Cloud, project: Project, *, detailed: bool) -> Any:
    """`name` is a regular expression that may match anywhere; 100 at a time unless told, 1000 at most."""
    found = all_servers(project)
    if "name" in request.args:
        try:
            pattern = re.compile(request.args["name"])
        except re.error:
            raise Refused(400, "Invalid regular expression in name") from None
        found = [server for server in found if pattern.search(server["name"])]
    for query, key in (("status", "status"), ("flavor", "flavor_id"), ("image", "image_id")):
        if query in request.args:
            found = [server for server in found if server[key] == request.args[query]]
    limit = _limit(SERVER_PAGE, cloud.settings.server_page_max)
    found = _after_marker(found)
    more, found = len(found) > limit, found[:limit]
    body: dict[str, Any] = {
        "servers": [_server(project, server) if detailed else {"id": server["id"], "name": server["name"], "links": []} for server in found]
    }
    if more:
        following = {**request.args.to_dict(), "limit": limit, "marker": found[-1]["id"]}
        body["servers_links"] = [{"rel": "next", "href": f"{request.base_url}?{urlencode(following)}"}]
    return body


@lookup("compute", "/servers")
def servers(cloud: Cloud, project: Project, dummy: Token) -> Any:
    return _servers(cloud, project, detailed=False)


@lookup("compute", "/servers/detail")
def servers_detail(cloud: Cloud, project: Project, dummy: Token) -> Any:
    return _servers(cloud, project, detailed=True)


@lookup("compute", "/servers/<server_id>")
def server_detail(dummy: Cloud, project: Project, dummy2: Token, server_id: str) -> Any:
    for server in all_servers(project):
        if server["id"] == server_id:
            return {"server": _server(project, server)}
    raise Refused(404, f"Instance {server_id} could not be found.")


@lookup("compute", "/os-availability-zone")
def availability_zones(dummy: Cloud, project: Project, dummy2: Token) -> Any:
    return {"availabilityZoneInfo": [{"zoneName": zone, "zoneState": {"available": True}, "hosts": None} for zone in project.found.zones]}


def _keypair(name: str) -> dict[str, Any]:
    return {"name": name, "public_key": f"ssh-rsa AAAAB3NzaC1yc2E {name}", "fingerprint": "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"}


@lookup("compute", "/os-keypairs")
def keypairs(cloud: Cloud, dummy: Project, token: Token) -> Any:
    """Per user, not per project (Compute guide, List Key Pairs)."""
    return {"keypairs": [{"keypair": _keypair(name)} for name in cloud.accounts[token.username].keypairs]}


@lookup("compute", "/os-keypairs/<name>")
def keypair_detail(cloud: Cloud, dummy: Project, token: Token, name: str) -> Any:
    if name not in cloud.accounts[token.username].keypairs:
        raise Refused(404, f"Keypair {name} not found for user {cloud.accounts[token.username].user_id}")
    return {"keypair": _keypair(name)}


def _flavors(project: Project) -> list[dict[str, Any]]:
    """There is no filter by name: only minDisk and minRam (Compute guide, List Flavors)."""
    found = project.found.flavors
    for query, key in (("minDisk", "disk"), ("minRam", "ram")):
        if query in request.args:
            if not request.args[query].isdigit():
                raise Refused(400, f"Invalid {query}")
            found = [flavor for flavor in found if flavor[key] >= int(request.args[query])]
    return found


@lookup("compute", "/flavors")
def flavors(dummy: Cloud, project: Project, dummy2: Token) -> Any:
    return {"flavors": [{"id": flavor["id"], "name": flavor["name"], "links": []} for flavor in _flavors(project)]}


@lookup("compute", "/flavors/detail")
def flavors_detail(dummy: Cloud, project: Project, dummy2: Token) -> Any:
    return {"flavors": _flavors(project)}


@lookup("compute", "/flavors/<flavor_id>")
def flavor_detail(dummy: Cloud, project: Project, dummy2: Token, flavor_id: str) -> Any:
    for flavor in project.found.flavors:
        if flavor["id"] == flavor_id:
            return {"flavor": flavor}
    raise Refused(404, f"Flavor {flavor_id} could not be found.")


# -- image


@lookup("image", "/images")
def images(cloud: Cloud, project: Project, dummy: Token) -> Any:
    """Both product filters of the older and newer guide; `next` is a path without a host, as image services have it."""
    limit = _limit(SERVER_PAGE, cloud.settings.image_page_max)
    found = _after_marker(filtered(project.found.images))[:limit]
    query = {name: value for name, value in request.args.items() if name != "marker"}
    body: dict[str, Any] = {"images": found, "schema": "/v2/schemas/images", "first": "/v2/images" + (f"?{urlencode(query)}" if query else "")}
    if found and len(found) == limit:
        body["next"] = "/v2/images?" + urlencode({**query, "limit": limit, "marker": found[-1]["id"]})
    return body


@lookup("image", "/images/<image_id>")
def image_detail(dummy: Cloud, project: Project, dummy2: Token, image_id: str) -> Any:
    for image in project.found.images:
        if image["id"] == image_id:
            return image
    raise Refused(404, f"No image found with ID {image_id}")


# -- block storage


@lookup("volume", "/types")
def volume_types(dummy: Cloud, project: Project, dummy2: Token) -> Any:
    return {"volume_types": project.found.volume_types}
