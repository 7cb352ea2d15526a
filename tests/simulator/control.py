# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API under `/_sim/`: what a test needs to see or to do behind the client's back. See README.md."""

from __future__ import annotations

import ipaddress
import json
import math
import re
from typing import Any

from flask import Blueprint, Response, current_app, request

from . import kubeconfig, nks, seed
from .errors import ApiError
from .state import Cloud, Cluster, NodeGroup, Token

blueprint = Blueprint("control", __name__, url_prefix="/_sim")

STATUS = re.compile(r"(CREATE|UPDATE|DELETE)_(IN_PROGRESS|COMPLETE|FAILED)")
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]+)?")


class ControlError(Exception):
    """A wrong request to the control API."""


def _is_own(host: str) -> bool:
    """Whether a Host header names this machine in a form that no stranger's DNS can make: an address, localhost, or the --host of the start."""
    found = HOST.fullmatch(host)
    if not found:
        return False
    name = found.group(1).strip("[]").lower()
    if name in ("localhost", current_app.config["HOST"].lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@blueprint.before_request
def _refuse_web_pages() -> Response | None:
    """A page that a browser on this machine shows can send requests to a loopback port.

    A browser names the page in Origin with every request that can change something, and in Sec-Fetch-Site that the page is another one's;
    a page whose own name suddenly leads here (DNS rebinding) is the same origin, but then that name is in Host.
    """
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    if not _is_own(host):
        return _json({"error": f"the control API is not reached by the name {host!r}: use an IP address, localhost or the name given with --host"}, 403)
    if origin not in (None, f"http://{host}") or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return _json({"error": f"the control API takes no requests of web pages (Origin: {origin})"}, 403)
    return None


def _cloud() -> Cloud:
    return current_app.config["CLOUD"]


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


def _given() -> Any:
    raw = request.get_data()
    if not raw:
        return {}
    try:
        return json.loads(raw)
    except ValueError as error:
        raise ControlError(f"not JSON: {error}") from None


def _object(allowed: set[str]) -> dict[str, Any]:
    body = _given()
    if not isinstance(body, dict):
        raise ControlError("expected an object")
    unknown = set(body) - allowed
    if unknown:
        raise ControlError(f"unknown keys: {sorted(unknown)}")
    return body


@blueprint.errorhandler(ControlError)
@blueprint.errorhandler(ValueError)
@blueprint.errorhandler(re.error)
def _refused(error: Exception) -> Response:
    return _json({"error": str(error)}, 400)


@blueprint.get("/")
def info() -> Response:
    cloud = _cloud()
    return _json({"regions": list(cloud.regions), "requests": len(cloud.log), "now": cloud.clock.now()})


@blueprint.get("/log")
def read_log() -> Response:
    since = int(request.args.get("since", "0"))
    return _json({"requests": [entry for entry in _cloud().log if entry["seq"] > since]})


@blueprint.delete("/log")
def clear_log() -> Response:
    _cloud().log.clear()
    return _json({})


@blueprint.post("/reset")
def reset() -> Response:
    _cloud().reset()
    return _json({})


@blueprint.get("/settings")
def read_settings() -> Response:
    return _json(_cloud().settings.as_dict())


@blueprint.post("/settings")
def change_settings() -> Response:
    body = _given()
    if not isinstance(body, dict):
        raise ControlError("expected an object")
    _cloud().settings.update(body)
    return _json(_cloud().settings.as_dict())


@blueprint.get("/faults")
def read_faults() -> Response:
    return _json({"faults": _cloud().faults.as_list()})


@blueprint.post("/faults")
def add_faults() -> Response:
    body = _given()
    rules = body if isinstance(body, list) else [body]
    return _json({"faults": [_cloud().faults.add(rule) for rule in rules]})


@blueprint.delete("/faults")
def clear_faults() -> Response:
    _cloud().faults.clear()
    return _json({})


@blueprint.post("/clock")
def advance_clock() -> Response:
    body = _object({"advance"})
    _cloud().clock.advance(float(body["advance"]) if "advance" in body else 0.0)
    _cloud().tick()
    return _json({"now": _cloud().clock.now()})


@blueprint.post("/password")
def change_password() -> Response:
    """A changed API password makes all tokens of the account invalid at once, and can't be the present one
    (NHN Cloud guide, token issuance)."""
    cloud = _cloud()
    body = _object({"password", "username"})
    account = cloud.accounts.get(body.get("username", seed.DEMO_USER))
    if account is None or not isinstance(body.get("password"), str):
        raise ControlError("needs a known username and a password")
    if body["password"] == account.password:
        raise ControlError("the password cannot be set to its current value")
    account.password = body["password"]
    for token_id in [token.id for token in cloud.tokens.values() if token.username == account.username]:
        del cloud.tokens[token_id]
    return _json({})


@blueprint.post("/expire-tokens")
def expire_tokens() -> Response:
    count = len(_cloud().tokens)
    _cloud().tokens.clear()
    return _json({"expired": count})


def _group_state(group: NodeGroup) -> dict[str, Any]:
    return {
        "uuid": group.uuid,
        "name": group.name,
        "role": group.role,
        "status": group.status,
        "flavor_id": group.flavor_id,
        "image_id": group.image_id,
        "version": group.version,
        "node_count": len(group.nodes),
        "requested": group.requested,
        "labels": group.labels,
        "nodes": [{"uuid": node.uuid, "name": node.name, "address": node.address, "status": node.status} for node in group.nodes],
    }


def _cluster_state(cluster: Cluster) -> dict[str, Any]:
    return {
        "uuid": cluster.uuid,
        "name": cluster.name,
        "tenant_id": cluster.tenant_id,
        "region": cluster.region,
        "status": cluster.status,
        "status_reason": cluster.status_reason,
        "version": cluster.version,
        "keypair": cluster.keypair,
        "labels": cluster.labels,
        "ipacl": cluster.ipacl,
        "task": cluster.task.kind if cluster.task else None,
        "certificate": {"generation": cluster.certificate_generation, "serial": cluster.certificate_serial, "years": cluster.certificate_years},
        "nodegroups": {group.name: _group_state(group) for group in cluster.groups_with_master()},
        "events": [{"type": event.type, "state": event.state, "contents": event.contents, "resource_name": event.resource_name} for event in cluster.events],
    }


@blueprint.get("/state")
def read_state() -> Response:
    cloud = _cloud()
    return _json(
        {
            "now": cloud.clock.now(),
            "tokens": len(cloud.tokens),
            "clusters": [_cluster_state(cluster) for cluster in cloud.all_clusters()],
        }
    )


def _project_arguments(body: dict[str, Any]) -> tuple[str, str]:
    return body.get("tenant_id", seed.DEMO_TENANT), body.get("region", _cloud().regions[0])


@blueprint.get("/ids")
def read_ids() -> Response:
    """Every seeded name with its UUIDs, of one tenant and region."""
    cloud = _cloud()
    key = _project_arguments(request.args.to_dict())
    if key not in cloud.projects:
        raise ControlError("no such tenant or region")
    found = cloud.projects[key].found
    result: dict[str, Any] = {"zones": found.zones, "accounts": {name: account.keypairs for name, account in cloud.accounts.items()}}
    for kind in ("vpcs", "subnets", "flavors", "images", "volume_types", "security_groups", "service_gateways"):
        names: dict[str, list[str]] = {}
        for item in getattr(found, kind):
            names.setdefault(item["name"], []).append(item["id"])
        result[kind] = names
    return _json(result)


def _status(value: Any) -> str:
    if not isinstance(value, str) or not STATUS.fullmatch(value):
        raise ControlError(f"not a status: {value!r}")
    return value


def _set_labels(labels: dict[str, str], changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        if value is None:
            labels.pop(name, None)
        else:
            labels[name] = str(value)


def _change_group(cluster: Cluster, name: str, changes: dict[str, Any]) -> None:
    unknown = set(changes) - {"status", "status_reason", "fields", "labels", "node_count", "flavor_id", "image_id", "version", "delete"}
    if unknown:
        raise ControlError(f"unknown keys of a node group: {sorted(unknown)}")
    try:
        group = next(item for item in cluster.groups_with_master() if name in (item.name, item.uuid))
    except StopIteration:
        raise ControlError(f"no node group {name}") from None
    if "status" in changes:
        group.status = _status(changes["status"])
    for key in ("status_reason", "flavor_id", "image_id", "version"):
        if key in changes:
            setattr(group, key, changes[key])
    group.overrides.update(changes.get("fields", {}))
    _set_labels(group.labels, changes.get("labels", {}))
    if "node_count" in changes:
        cloud, count = _cloud(), changes["node_count"]
        cloud.add_nodes(cluster, group, max(0, count - len(group.nodes)), cloud.clock.now())
        del group.nodes[count:]
        group.requested = count
    if changes.get("delete"):
        cluster.nodegroups.pop(group.uuid, None)


@blueprint.post("/clusters/<reference>")
def change_cluster(reference: str) -> Response:
    """Changes a cluster behind the client's back; a status given here also ends the task under way."""
    cloud = _cloud()
    body = _object(
        {
            "tenant_id",
            "region",
            "status",
            "status_reason",
            "fields",
            "labels",
            "version",
            "nodegroups",
            "nodes",
            "delete",
            "certificate_from",
            "certificate_years",
            "keypair",
        }
    )
    found = [
        cluster
        for cluster in cloud.all_clusters()
        if reference in (cluster.uuid, cluster.name)
        and body.get("tenant_id", cluster.tenant_id) == cluster.tenant_id
        and body.get("region", cluster.region) == cluster.region
    ]
    if len(found) != 1:
        raise ControlError(f"{len(found)} clusters are called {reference}")
    cluster = found[0]
    if "status" in body:
        cluster.status = _status(body["status"])
        cluster.task = None
        if not cluster.busy:
            for group in cluster.groups_with_master():
                if group.status.endswith("_IN_PROGRESS"):
                    group.status = cluster.status
    for key in ("status_reason", "version", "certificate_from", "certificate_years", "keypair"):
        if key in body:
            setattr(cluster, key, body[key])
    if "version" in body:
        cluster.master.version = body["version"]
    if "certificate_from" in body or "certificate_years" in body:
        cluster.certificate_text = None
    cluster.overrides.update(body.get("fields", {}))
    _set_labels(cluster.labels, body.get("labels", {}))
    for name, changes in body.get("nodegroups", {}).items():
        _change_group(cluster, name, changes)
    for name, changes in body.get("nodes", {}).items():
        nodes = [node for group in cluster.nodegroups.values() for node in group.nodes if name in (node.uuid, node.name, node.address)]
        if len(nodes) != 1 or set(changes) - {"status", "address", "name", "ready"}:
            raise ControlError(f"{len(nodes)} nodes are called {name}, or unknown keys in {sorted(changes)}")
        for key, value in changes.items():
            setattr(nodes[0], key, (0.0 if value else math.inf) if key == "ready" else value)
    if body.get("delete"):
        cluster.task = None
        cloud.projects[cluster.tenant_id, cluster.region].clusters.pop(cluster.uuid, None)
    return _json(_cluster_state(cluster))


@blueprint.get("/clusters/<reference>/certificate")
def read_certificate(reference: str) -> Response:
    """Serial number of the client certificate that a kubeconfig must hold now in order to be of use."""
    for cluster in _cloud().all_clusters():
        if reference in (cluster.uuid, cluster.name) and cluster.api_address:
            kubeconfig.text(cluster)
            return _json({"serial": cluster.certificate_serial, "generation": cluster.certificate_generation})
    raise ControlError(f"no ready cluster {reference}")


def seed_clusters(cloud: Cloud, body: dict[str, Any]) -> list[str]:
    """Ready clusters without a request each; quotas do not apply."""
    tenant_id, region = _project_arguments(body)
    if (tenant_id, region) not in cloud.projects:
        raise ControlError("no such tenant or region")
    project = cloud.projects[tenant_id, region]
    found = project.found
    username = next(account.username for account in cloud.accounts.values() if tenant_id in account.tenants)
    token = Token("", tenant_id, username, 0, 0)
    external = next(vpc for vpc in found.vpcs if vpc["router:external"])
    now = cloud.clock.now()
    made = []
    for number in range(body.get("start", 1), body.get("start", 1) + body.get("count", 1)):
        labels = {
            "availability_zone": found.zones[0],
            "node_image": found.images[0]["id"],
            "boot_volume_type": "General SSD",
            "boot_volume_size": "50",
            "cert_manager_api": "True",
            "ca_enable": "false",
            "master_lb_floating_ip_enabled": "True",
            "external_network_id": external["id"],
            "external_subnet_id_list": ":".join(subnet["id"] for subnet in found.subnets if subnet["vpc_id"] == external["id"]),
            **body.get("labels", {}),
        }
        name = body.get("name") or f"{body.get('prefix', 'bench')}-{number}"
        request_body = {
            "name": name,
            "keypair": cloud.accounts[username].keypairs[0],
            "flavor_id": found.flavors[0]["id"],
            "fixed_network": found.subnets[0]["vpc_id"],
            "fixed_subnet": found.subnets[0]["id"],
        }
        cluster = nks.build_cluster(
            cloud,
            project,
            token,
            request_body,
            {
                "labels": labels,
                "count": body.get("nodes", 1),
                "create_timeout": 60,
                "version": body.get("version", "v1.32.3"),
                "network_labels": {"pods_network_cidr": "10.100.0.0/16", "pods_network_subnet": "24", "service_cluster_ip_range": "10.254.0.0/16"},
            },
        )
        default = next(iter(cluster.nodegroups.values()))
        for position in range(1, body.get("nodegroups", 1)):
            group = nks.new_nodegroup(
                cloud,
                f"group-{position}",
                "worker",
                flavor_id=default.flavor_id,
                image_id=default.image_id,
                labels=dict(default.labels),
                version=cluster.version,
                requested=body.get("nodes", 1),
                now=now,
            )
            cluster.nodegroups[group.uuid] = group
        project.clusters[cluster.uuid] = cluster
        nks.finish_cluster(cloud, cluster, now)
        for group in cluster.nodegroups.values():
            for node in group.nodes:
                node.ready = now
        event = cloud.add_event(cluster, cluster, cloud.event_name("cluster_create"), now)
        event.state, event.contents = "SUCCESS", None
        things: list[Cluster | NodeGroup] = [cluster, *cluster.groups_with_master()]
        for thing in things:
            thing.status, thing.status_reason, thing.updated = "CREATE_COMPLETE", "Deploy completed successfully", now
        made.append(cluster.uuid)
    return made


@blueprint.post("/seed")
def seed_many() -> Response:
    body = _object({"count", "prefix", "name", "start", "nodegroups", "nodes", "version", "labels", "tenant_id", "region"})
    for key in ("count", "start", "nodegroups", "nodes"):
        if key in body and (not isinstance(body[key], int) or isinstance(body[key], bool) or body[key] < 1):
            raise ControlError(f"{key} must be a number from 1 on")
    return _json({"uuids": seed_clusters(_cloud(), body)})


@blueprint.errorhandler(ApiError)
def _api_error(error: ApiError) -> Response:
    return _json({"error": error.detail}, 400)


@blueprint.post("/shutdown")
def shutdown() -> Response:
    current_app.config["STOP"]()
    return _json({})
