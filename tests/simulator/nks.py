# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The 25 operations of the NKS API guide under `/{region}/kubernetes/v1`."""

from __future__ import annotations

import dataclasses
import json
import re
import uuid as uuid_module
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request

from . import kubeconfig, rules, wireform
from .errors import ApiError, bad_request, invalid_input
from .seed import REGIONS_WITHOUT_NKS
from .state import Cloud, Cluster, NodeGroup, Project, Token

blueprint = Blueprint("nks", __name__)

MAX_MINOR = 10
TEMPLATE_UUID = "b1a57e00-0000-4000-8000-000000000001"
PAGING = ("limit", "marker", "sort_key", "sort_dir")

EVENT_TYPES = {
    "cluster_events": {
        "CLUSTER_CREATE": "Create a cluster",
        "CLUSTER_DELETE": "Delete a cluster",
        "CLUSTER_HANDOVER": "Cluster OWNER change",
        "CLUSTER_API_EP_IPACL_UPDATE": "Change IP access control",
        "CLUSTER_UPDATE_SGW": "Change service gateway",
        "CLUSTER_ROTATE_CERTIFICATE": "Renew certificate",
    },
    "nodegroup_events": {
        "NODEGROUP_CREATE": "Node group creation",
        "NODEGROUP_DELETE": "Delete a node group",
        "CLUSTER_RESIZE": "Resize the cluster",
        "NODEGROUP_UPDATE_FLAVOR": "Change instance type",
        "NODEGROUP_UPGRADE": "Upgrade a node group",
        "NODEGROUP_USERSCRIPT_UPDATE": "Change userscript",
        "NODEGROUP_SET_CLUSTER_AUTOSCALER": "Change Auto Scaler settings",
    },
}


@dataclasses.dataclass
class Call:
    """One authenticated request."""

    cloud: Cloud
    project: Project
    token: Token
    base: str
    body: Any

    def now(self) -> float:
        return self.cloud.clock.now()

    def object(self) -> dict[str, Any]:
        if not isinstance(self.body, dict):
            raise invalid_input("body", self.body, "Wrong type. Expected an object")
        return self.body


def error_body(status: int, detail: str, **extra: Any) -> dict[str, Any]:
    """Magnum's envelope: the request id inside is always empty, and the title is the detail up to its first stop."""
    error: dict[str, Any] = {
        "request_id": "",
        "code": "client" if status < 500 else "server",
        "status": status,
        "title": detail.split(".", maxsplit=1)[0],
        "detail": detail,
        "links": [],
    }
    error.update(extra)
    return {"errors": [error]}


def json_response(status: int, body: Any) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


def error_response(status: int, detail: str, *, empty: bool = False) -> Response:
    """Without `Accept: application/json` errors come back with an empty body (observed on Magnum 9.4.1)."""
    if empty or "application/json" not in request.headers.get("Accept", ""):
        return Response(b"", status=status, content_type="text/plain")
    return json_response(status, error_body(status, detail))


def unauthorized() -> Response:
    """401 comes from Keystone's middleware and has another shape than all other errors."""
    return json_response(401, {"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}})


def microversion_error(detail: str) -> Response:
    """Has no `status`, but tells the lowest and highest version (observed on Magnum 9.4.1)."""
    body = error_body(406, detail, code="magnum.microversion-unsupported", min_version="1.1", max_version=f"1.{MAX_MINOR}")
    body["errors"][0]["title"] = "Requested microversion is unsupported"
    del body["errors"][0]["status"]
    return json_response(406, body)


def requested_minor() -> int:
    """The minor version asked for; without the header the server is at 1.1."""
    header = request.headers.get("OpenStack-API-Version")
    if header is None:
        return 1
    match = re.fullmatch(r"container-infra\s+(latest|1\.(\d+))", header.strip())
    if not match:
        raise ValueError(f"Invalid service type or version in header: {header}")
    minor = MAX_MINOR if match[1] == "latest" else int(match[2])
    if not 1 <= minor <= MAX_MINOR:
        raise ValueError(f"Version {match[1]} was requested but the minor version must be up to {MAX_MINOR}")
    return minor


def _body() -> Any:
    """Bodies must say that they are JSON, and be it."""
    raw = request.get_data()
    if not raw:
        raise bad_request("A request body is needed.")
    if request.mimetype != "application/json":
        raise ApiError(415, f"Unknown mimetype: {request.mimetype}")
    try:
        return json.loads(raw)
    except ValueError:
        raise bad_request("The request body is not valid JSON.") from None


def operation(path: str, method: str, *, minor: int = 1, query: tuple[str, ...] = ()) -> Callable:
    """Registers an operation: token, microversion, query and body are dealt with in the server's own order."""

    def decorate(function: Callable[..., tuple[int, Any]]) -> Callable:
        def view(region: str, **arguments: str) -> Response:
            cloud: Cloud = current_app.config["CLOUD"]
            if (region in REGIONS_WITHOUT_NKS) or region not in cloud.regions:
                return Response("<html><body>404 Not Found</body></html>", status=404, content_type="text/html")
            token = cloud.token(request.headers.get("X-Auth-Token"))
            if token is None:
                return unauthorized()
            accept = request.headers.get("Accept", "")
            if "text/html" in accept and "json" not in accept:
                return Response(b"", status=406, content_type="text/plain")
            try:
                given = requested_minor()
            except ValueError as error:
                return microversion_error(str(error))
            if given < minor:
                return microversion_error(f"Version 1.{given} was requested but this needs 1.{minor} or newer.")
            try:
                for name in request.args:
                    if name not in query:
                        raise bad_request(f'Unknown argument: "{name}"')
                call = Call(
                    cloud,
                    cloud.projects[token.tenant_id, region],
                    token,
                    f"{request.scheme}://{request.host}/{region}/kubernetes",
                    _body() if method in ("POST", "PATCH") else None,
                )
                cloud.rotation += 1
                status, body = function(call, **arguments)
            except ApiError as error:
                return error_response(error.status, error.detail, empty=error.empty)
            if status == 204:
                return Response(b"", status=204)
            return json_response(status, body)

        blueprint.add_url_rule(f"/<region>/kubernetes/v1{path}", f"{function.__name__}", view, methods=[method], provide_automatic_options=False)
        return function

    return decorate


# -- reading


def page(call: Call, items: list[Any], key: Callable[[Any], str], path: str) -> tuple[list[Any], str | None]:
    """A full page always has `next`, so the last page may be empty (observed on Magnum 9.4.1)."""
    limit = call.cloud.settings.page_max
    if "limit" in request.args:
        try:
            wanted = int(request.args["limit"])
        except ValueError:
            wanted = 0
        if wanted <= 0:
            raise bad_request("Limit must be positive.")
        limit = min(limit, wanted)
    direction = request.args.get("sort_dir", "asc")
    if direction not in ("asc", "desc"):
        raise bad_request(f"Invalid sort direction: {direction}. Acceptable values are 'asc' or 'desc'")
    if direction == "desc":
        items = items[::-1]
    if "marker" in request.args:
        marker = rules.uuid_text(request.args["marker"], "marker")
        position = [key(item) for item in items].index(marker) if marker in [key(item) for item in items] else None
        if position is None:
            raise ApiError(404, f"Resource {marker} could not be found.")
        items = items[position + 1 :]
    items = items[:limit]
    following = None
    if items and len(items) == limit:
        following = f"{call.base}/v1/{path}?" + urlencode({"limit": limit, "marker": key(items[-1])})
    return items, following


def shown(call: Call, reference: str, *, count: bool = True) -> Cluster:
    """The cluster as reads show it: for a while not there yet, or as it was before a change."""
    cluster = rules.cluster_by_reference(call.project, reference, call.cloud.hidden)
    if cluster.missing_left > 0:
        cluster.missing_left -= 1
        raise ApiError(404, f"Cluster {reference} could not be found.")
    if cluster.stale is not None and cluster.stale_left > 0:
        stale = cluster.stale
        if count:
            cluster.stale_left -= 1
        return stale
    return cluster


def shown_group(call: Call, reference: str, group_reference: str) -> tuple[Cluster, NodeGroup]:
    cluster = shown(call, reference)
    group = rules.nodegroup_by_reference(cluster, group_reference)
    if group.missing_left > 0 or call.cloud.hidden(group):
        group.missing_left = max(0, group.missing_left - 1)
        raise ApiError(404, f"Nodegroup {group_reference} could not be found.")
    if group.role == "master":
        raise ApiError(403, "Access to this node group is restricted by NHN Cloud policy.")
    return cluster, group


@operation("/clusters", "GET", query=PAGING)
def list_clusters(call: Call) -> tuple[int, Any]:
    clusters = [cluster for cluster in call.project.clusters.values() if not call.cloud.hidden(cluster)]
    half = [cluster for cluster in clusters if re.match("(CREATE|DELETE)_IN_PROGRESS", cluster.status)]
    if half and call.project.list_400_left > 0:
        call.project.list_400_left -= 1
        raise bad_request("Invalid input for field/attribute node_count. Value: '0'. Value should be greater or equal to 1")
    clusters = [cluster.stale if cluster.stale is not None and cluster.stale_left > 0 else cluster for cluster in clusters]
    clusters, following = page(call, clusters, lambda cluster: cluster.uuid, "clusters")
    body: dict[str, Any] = {"clusters": [wireform.cluster_short(call.cloud, item, call.base) for item in clusters]}
    if following:
        body["next"] = following
    return 200, body


@operation("/clusters/<cluster_ref>", "GET")
def get_cluster(call: Call, cluster_ref: str) -> tuple[int, Any]:
    return 200, wireform.cluster_full(call.cloud, shown(call, cluster_ref), call.base)


@operation("/clusters/<cluster_ref>/events", "GET", query=PAGING)
def list_events(call: Call, cluster_ref: str) -> tuple[int, Any]:
    cluster = rules.cluster_by_uuid(call.project, cluster_ref)
    events, following = page(call, cluster.events, lambda entry: entry.uuid, f"clusters/{cluster.uuid}/events")
    body: dict[str, Any] = {"events": [wireform.event(cluster, entry) for entry in events]}
    if following:
        body["next"] = following
    return 200, body


@operation("/clusters/<cluster_ref>/events/<event_ref>", "GET")
def get_event(call: Call, cluster_ref: str, event_ref: str) -> tuple[int, Any]:
    cluster = rules.cluster_by_uuid(call.project, cluster_ref)
    rules.uuid_text(event_ref, "event")
    for entry in cluster.events:
        if entry.uuid == event_ref:
            return 200, wireform.event(cluster, entry)
    raise ApiError(404, f"Event {event_ref} could not be found.")


@operation("/clusters/<cluster_ref>/config", "GET")
def get_config(call: Call, cluster_ref: str) -> tuple[int, Any]:
    cluster = shown(call, cluster_ref)
    if cluster.api_address is None:
        raise bad_request(f"The kubeconfig of cluster {cluster.name} is not ready yet.")
    # Of the cluster itself, so that it is made once only, however stale the reads are.
    return 200, {"config": kubeconfig.text(call.project.clusters[cluster.uuid])}


@operation("/clusters/<cluster_ref>/api_ep_ipacl", "GET")
def get_ipacl(call: Call, cluster_ref: str) -> tuple[int, Any]:
    return 200, wireform.ipacl(call.cloud, shown(call, cluster_ref))


@operation("/clusters/<cluster_ref>/nodegroups", "GET", minor=9, query=PAGING + ("role",))
def list_nodegroups(call: Call, cluster_ref: str) -> tuple[int, Any]:
    cluster = shown(call, cluster_ref)
    groups = [group for group in cluster.nodegroups.values() if request.args.get("role", "worker") == group.role and not call.cloud.hidden(group)]
    groups, following = page(call, groups, lambda group: group.uuid, f"clusters/{cluster.uuid}/nodegroups")
    body: dict[str, Any] = {"nodegroups": [wireform.nodegroup_short(group) for group in groups]}
    if following:
        body["next"] = following
    return 200, body


@operation("/clusters/<cluster_ref>/nodegroups/<group_ref>", "GET", minor=9)
def get_nodegroup(call: Call, cluster_ref: str, group_ref: str) -> tuple[int, Any]:
    cluster, group = shown_group(call, cluster_ref, group_ref)
    return 200, wireform.nodegroup_full(call.cloud, cluster, group, call.base)


@operation("/clusters/<cluster_ref>/nodegroups/<group_ref>/autoscale", "GET", minor=9)
def get_autoscale(call: Call, cluster_ref: str, group_ref: str) -> tuple[int, Any]:
    return 200, wireform.autoscale(shown_group(call, cluster_ref, group_ref)[1])


@operation("/supports", "GET")
def get_supports(call: Call) -> tuple[int, Any]:
    types = {kind: dict(names) for kind, names in EVENT_TYPES.items()}
    node_actions = {call.cloud.event_name("start_node"): "Start worker node", call.cloud.event_name("stop_node"): "Stop worker node"}
    types["nodegroup_events"].update(node_actions)
    if not call.cloud.settings.cni_removed:
        types["cluster_events"]["CLUSTER_CNI_UPDATE"] = "Change CNI"
    body: dict[str, Any] = {"supported_k8s": dict(call.cloud.settings.supported_versions)}
    if call.cloud.settings.event_types_shape == "nested":
        body["supported_event_type"] = types
    else:
        body["supported_event_type"] = {**types["cluster_events"], **types["nodegroup_events"]}
    return 200, body


# -- clusters


def _group_own_labels(labels: dict[str, Any]) -> dict[str, str]:
    own = {
        **rules.autoscale_defaults(),
        "clusterautoscale": "nodegroupfeature",
        "extra_volumes": "[]",
        "extra_security_groups": "[]",
        "additional_network_id_list": "",
        "additional_subnet_id_list": "",
    }
    own.update({name: wireform.label_text(value) for name, value in labels.items()})
    own.update(rules.metric_policies(labels))
    return own


def new_nodegroup(
    cloud: Cloud, name: str, role: str, *, flavor_id: str | None, image_id: str | None, labels: dict[str, str], version: str, requested: int, now: float
) -> NodeGroup:
    return NodeGroup(
        id=cloud.next_id(),
        uuid=str(uuid_module.uuid4()),
        name=name,
        role=role,
        flavor_id=flavor_id,
        image_id=image_id,
        labels=labels,
        version=version,
        stack_id=str(uuid_module.uuid4()),
        requested=requested,
        status="CREATE_IN_PROGRESS",
        created=now,
    )


def build_cluster(cloud: Cloud, project: Project, token: Token, body: dict[str, Any], checked: dict[str, Any]) -> Cluster:
    """The cluster right after its creation has been accepted: no nodes and no API address yet."""
    now = cloud.clock.now()
    labels = checked["labels"]
    identifier = str(uuid_module.uuid4())
    own = {name: wireform.label_text(value) for name, value in labels.items() if not name.startswith(wireform.GROUP_ONLY_PREFIXES)}
    defaults = {
        **rules.cluster_defaults(),
        "additional_network_id_list": "",
        "additional_subnet_id_list": "",
        "cni_tag": "v3.31.4",
        "default_security_group": str(uuid_module.uuid5(uuid_module.UUID(identifier), "secgroup_kube_minion")),
        "k8s_args": "{}",
        "nks_registry_url": f"{identifier[:8]}-{project.region}-registry.container.nhncloud.com",
        "platform_version": "1.202608.0",
        "project_domain": "NORMAL",
        "service_user_enabled": "True",
        "station_id": "station-1",
    }
    network_labels = {name: value for name, value in checked["network_labels"].items() if name not in own}
    cluster = Cluster(
        id=cloud.next_id(),
        uuid=identifier,
        name=body["name"],
        tenant_id=project.tenant_id,
        region=project.region,
        username=token.username,
        user_id=cloud.accounts[token.username].user_id,
        keypair=body["keypair"],
        flavor_id=body["flavor_id"],
        fixed_network=body["fixed_network"],
        fixed_subnet=body["fixed_subnet"],
        create_timeout=checked["create_timeout"],
        labels={**defaults, **network_labels, **own},
        version=checked["version"],
        coe_version=checked["version"],
        created=now,
        stack_id=str(uuid_module.uuid4()),
        cluster_template_id=TEMPLATE_UUID,
        status="CREATE_IN_PROGRESS",
        certificate_from=now,
    )
    cluster.master = new_nodegroup(
        cloud, "default-master", "master", flavor_id=None, image_id=None, labels={}, version=checked["version"], requested=3, now=now
    )
    worker = new_nodegroup(
        cloud,
        "default-worker",
        "worker",
        flavor_id=body["flavor_id"],
        image_id=labels["node_image"],
        labels=_group_own_labels(labels),
        version=checked["version"],
        requested=checked["count"],
        now=now,
    )
    cluster.nodegroups[worker.uuid] = worker
    return cluster


def finish_cluster(cloud: Cloud, cluster: Cluster, now: float) -> None:
    """What the end of a creation brings: the API address and the nodes."""
    cluster.api_address = f"https://{cluster.uuid[:8]}-nks-{cluster.region}.container.nhncloud.com:6443"
    for group in cluster.nodegroups.values():
        cloud.add_nodes(cluster, group, group.requested, now)


@operation("/clusters", "POST")
def create_cluster(call: Call) -> tuple[int, Any]:
    body = call.object()
    checked = rules.create_cluster(call.cloud, call.project, call.token.username, body)
    cluster = build_cluster(call.cloud, call.project, call.token, body, checked)

    if call.cloud.begin(cluster, "cluster_create", lambda now: finish_cluster(call.cloud, cluster, now), prefix="CREATE", whole=True):
        call.project.clusters[cluster.uuid] = cluster
        cluster.missing_left = call.cloud.settings.missing_polls
        call.project.list_400_left = call.cloud.settings.list_400_polls
    return 202, {"uuid": cluster.uuid}


@operation("/clusters/<cluster_ref>", "DELETE")
def delete_cluster(call: Call, cluster_ref: str) -> tuple[int, Any]:
    """204, again 204 while deleting, then 404."""
    cluster = rules.cluster_by_reference(call.project, cluster_ref)
    if cluster.status == "DELETE_IN_PROGRESS":
        return 204, None
    if cluster.busy and not call.cloud.settings.delete_while_busy:
        call.cloud.refuse_if_blocked(cluster)

    def remove(dummy: float) -> None:
        call.project.clusters.pop(cluster.uuid, None)

    if call.cloud.begin(cluster, "cluster_delete", remove, prefix="DELETE", whole=True):
        call.project.list_400_left = call.cloud.settings.list_400_polls
    return 204, None


@operation("/clusters/<cluster_ref>/actions/resize", "POST", minor=7)
def resize(call: Call, cluster_ref: str) -> tuple[int, Any]:
    cluster = rules.cluster_by_reference(call.project, cluster_ref)
    body = call.object()
    rules.attributes(body, ("nodegroup", "node_count"), ("nodes_to_remove",))
    if not isinstance(body["nodegroup"], str):
        raise invalid_input("nodegroup", body["nodegroup"], "Wrong type. Expected a string")
    group = rules.worker_group(cluster, body["nodegroup"])
    if cluster.status.startswith("CREATE_") and cluster.status != "CREATE_COMPLETE":
        return 202, {"uuid": cluster.uuid}  # accepted and silently dropped (observed on Magnum 9.4.1)
    count, removed = rules.resize(call.cloud, group, body)
    call.cloud.refuse_if_blocked(cluster, group, "resize")
    if group.autoscaler_on or group.metric_autoscaler_on:
        raise bad_request(f"Node group {group.name} cannot be resized while its autoscaler is enabled.")

    def prepare() -> None:
        group.requested = count

    def apply(now: float) -> None:
        surplus = len(group.nodes) - count
        if surplus > 0:
            others = [node.uuid for node in group.nodes if node.uuid not in removed]
            # Without a say from the caller the victims are random (NKS API guide, Resize).
            gone = removed + call.cloud.choose(others, surplus - len(removed))
            group.nodes = [node for node in group.nodes if node.uuid not in gone]
        else:
            call.cloud.add_nodes(cluster, group, -surplus, now)
        group.labels["node_resize_complete_time"] = wireform.kst(now)

    call.cloud.begin(cluster, "resize", apply, nodegroup=group, prepare=prepare)
    return 202, {"uuid": cluster.uuid}


@operation("/clusters/<cluster_ref>/actions/cni_update", "POST")
def cni_update(call: Call, cluster_ref: str) -> tuple[int, Any]:
    if call.cloud.settings.cni_removed:
        raise ApiError(404, "The resource could not be found.")
    cluster = rules.cluster_by_reference(call.project, cluster_ref)
    labels = rules.cni_update(call.cloud, call.project, cluster, call.object())
    call.cloud.refuse_if_blocked(cluster)
    call.cloud.begin(cluster, "cni_update", lambda dummy: cluster.labels.update(labels))
    return call.cloud.settings.action_status, {"uuid": cluster.uuid}


@operation("/clusters/<cluster_ref>/api_ep_ipacl", "POST")
def set_ipacl(call: Call, cluster_ref: str) -> tuple[int, Any]:
    cluster = rules.cluster_by_reference(call.project, cluster_ref)
    wanted = rules.ipacl(call.project, cluster, call.object(), normalise=call.cloud.settings.ipacl_normalise)
    call.cloud.refuse_if_blocked(cluster)

    def apply(dummy: float) -> None:
        cluster.ipacl = wanted

    call.cloud.begin(cluster, "ipacl", apply)
    return call.cloud.settings.action_status, {"uuid": cluster.uuid}


@operation("/certificates/<cluster_ref>", "PATCH")
def renew_certificate(call: Call, cluster_ref: str) -> tuple[int, Any]:
    """The only change that a failed renewal leaves possible (NKS user guide, certificate renewal)."""
    cluster = rules.cluster_by_reference(call.project, cluster_ref)
    years = rules.certificate(cluster, call.object())
    if cluster.status != "UPDATE_FAILED":
        call.cloud.refuse_if_blocked(cluster)

    def apply(now: float) -> None:
        cluster.certificate_from, cluster.certificate_years = now, years
        cluster.certificate_generation += 1
        cluster.certificate_text = cluster.certificate_serial = None

    call.cloud.begin(cluster, "certificate", apply)
    return call.cloud.settings.action_status, {"uuid": cluster.uuid}


@operation("/clusters/<cluster_ref>/actions/update_sgw", "POST")
def update_sgw(call: Call, cluster_ref: str) -> tuple[int, Any]:
    cluster = rules.cluster_by_reference(call.project, cluster_ref)
    body = call.object()
    rules.attributes(body, ("ncr_sgw", "obs_sgw"), ())
    if not (cluster.labels.get("ncr_sgw") and cluster.labels.get("obs_sgw")):
        raise bad_request(f"Cluster {cluster.name} was created without service gateways.")
    labels = {
        field: rules.service_gateway(call.project, body[field], kind, cluster.fixed_network, field) for field, kind in (("ncr_sgw", "NCR"), ("obs_sgw", "OBS"))
    }
    call.cloud.refuse_if_blocked(cluster)
    call.cloud.begin(cluster, "update_sgw", lambda dummy: cluster.labels.update(labels))
    return call.cloud.settings.action_status, {"uuid": cluster.uuid}


# -- node groups


@operation("/clusters/<cluster_ref>/nodegroups", "POST", minor=9)
def create_nodegroup(call: Call, cluster_ref: str) -> tuple[int, Any]:
    cluster = rules.cluster_by_reference(call.project, cluster_ref)
    body = call.object()
    if cluster.api_address is None:
        raise ApiError(409, f"Cluster {cluster.name} has no api_address yet.")
    if call.cloud.settings.duplicate_group == "drop" and any(group.name == body.get("name") for group in cluster.groups_with_master()):
        return 202, {"uuid": str(uuid_module.uuid4()), "name": body["name"]}  # accepted and silently dropped (observed on Magnum)
    checked = rules.create_nodegroup(call.cloud, call.project, cluster, body)
    call.cloud.refuse_if_blocked(cluster)
    labels = {name: value for name, value in checked["labels"].items() if name != "kube_tag"}
    now = call.now()
    group = new_nodegroup(
        call.cloud,
        body["name"],
        "worker",
        flavor_id=body["flavor_id"],
        image_id=body["image_id"],
        labels={**_group_own_labels(labels), "node_image": body["image_id"]},
        version=cluster.version,
        requested=checked["count"],
        now=now,
    )

    def prepare() -> None:
        cluster.nodegroups[group.uuid] = group
        group.missing_left = call.cloud.settings.missing_polls

    call.cloud.begin(
        cluster,
        "nodegroup_create",
        lambda moment: call.cloud.add_nodes(cluster, group, group.requested, moment),
        prefix="CREATE",
        nodegroup=group,
        prepare=prepare,
    )
    full = wireform.nodegroup_full(call.cloud, cluster, group, call.base)
    full["labels"] = dict(group.labels)
    for name in ("status", "status_reason", "updated_at", "stack_id", "id"):
        full.pop(name, None)
    return 202, full


@operation("/clusters/<cluster_ref>/nodegroups/<group_ref>", "DELETE", minor=9)
def delete_nodegroup(call: Call, cluster_ref: str, group_ref: str) -> tuple[int, Any]:
    """A failed group can be deleted although it keeps its cluster in UPDATE_FAILED; a default group cannot."""
    cluster = rules.cluster_by_reference(call.project, cluster_ref)
    group = rules.nodegroup_by_reference(cluster, group_ref)
    if group.name in ("default-worker", "default-master"):
        raise bad_request("Deleting a default nodegroup is not supported.")
    if group.status == "DELETE_IN_PROGRESS":
        return 204, None
    if cluster.busy or not group.status.endswith("_FAILED"):
        call.cloud.refuse_if_blocked(cluster)
    call.cloud.begin(cluster, "nodegroup_delete", lambda dummy: cluster.nodegroups.pop(group.uuid), prefix="DELETE", nodegroup=group)
    return 204, None


def _node_action(call: Call, cluster_ref: str, group_ref: str, *, stop: bool) -> tuple[int, Any]:
    cluster = rules.cluster_by_reference(call.project, cluster_ref)
    group = rules.worker_group(cluster, group_ref)
    ids = rules.node_list(group, call.object(), stop=stop)
    call.cloud.refuse_if_blocked(cluster, group)

    def apply(now: float) -> None:
        for node in group.nodes:
            if node.uuid in ids:
                node.status = "SHUTOFF" if stop else "ACTIVE"
                call.cloud.restart([node], now)

    call.cloud.begin(cluster, "stop_node" if stop else "start_node", apply, nodegroup=group)
    return call.cloud.settings.action_status, {"uuid": group.uuid}


@operation("/clusters/<cluster_ref>/nodegroups/<group_ref>/stop_node", "POST", minor=9)
def stop_node(call: Call, cluster_ref: str, group_ref: str) -> tuple[int, Any]:
    return _node_action(call, cluster_ref, group_ref, stop=True)


@operation("/clusters/<cluster_ref>/nodegroups/<group_ref>/start_node", "POST", minor=9)
def start_node(call: Call, cluster_ref: str, group_ref: str) -> tuple[int, Any]:
    return _node_action(call, cluster_ref, group_ref, stop=False)


@operation("/clusters/<cluster_ref>/nodegroups/<group_ref>/autoscale", "POST", minor=9)
def set_autoscale(call: Call, cluster_ref: str, group_ref: str) -> tuple[int, Any]:
    cluster = rules.cluster_by_reference(call.project, cluster_ref)
    group = rules.worker_group(cluster, group_ref)
    body = call.object()
    names = (*rules.AUTOSCALE_NUMBERS, *rules.AUTOSCALE_FLAGS)
    rules.attributes(body, ("ca_enable",), names)
    given = rules.autoscale({name: value for name, value in body.items() if value is not None}, group.labels)
    if call.cloud.settings.autoscale_omitted == "keep":
        labels = {**{name: group.labels[name] for name in names}, **given}
    else:
        labels = {**rules.autoscale_defaults(), **given}
    rules.autoscale_bounds(labels)
    if rules.flag(body["ca_enable"]) and group.metric_autoscaler_on:
        raise bad_request("The cluster autoscaler and the metric-based autoscaler cannot both be enabled.")
    if rules.flag(body["ca_enable"]) and group.stopped():
        raise bad_request(f"The autoscaler cannot be enabled while nodes of {group.name} are stopped.")
    call.cloud.refuse_if_blocked(cluster, group)
    call.cloud.begin(cluster, "autoscale", lambda dummy: group.labels.update(labels), nodegroup=group)
    return call.cloud.settings.action_status, {"uuid": group.uuid}


@operation("/clusters/<cluster_ref>/nodegroups/<group_ref>/upgrade", "POST", minor=8)
def upgrade(call: Call, cluster_ref: str, group_ref: str) -> tuple[int, Any]:
    cluster = rules.cluster_by_reference(call.project, cluster_ref)
    group = rules.nodegroup_by_reference(cluster, group_ref)
    version = rules.upgrade(call.cloud, cluster, group, call.object())
    call.cloud.refuse_if_blocked(cluster, group, "upgrade")

    def apply(now: float) -> None:
        # coe_version is left behind, as a peer found it on the service: the label is what tells the version.
        group.version = version
        call.cloud.restart(group.nodes, now)
        if group is cluster.master:
            cluster.version = version

    call.cloud.begin(cluster, "upgrade", apply, nodegroup=group)
    return 202, {"uuid": group.uuid}


@operation("/clusters/<cluster_ref>/nodegroups/<group_ref>/userscript", "POST", minor=9)
def set_user_script(call: Call, cluster_ref: str, group_ref: str) -> tuple[int, Any]:
    cluster = rules.cluster_by_reference(call.project, cluster_ref)
    group = rules.worker_group(cluster, group_ref)
    body = call.object()
    rules.attributes(body, ("contents",), ())
    contents = rules.user_script(body["contents"], "contents")
    call.cloud.refuse_if_blocked(cluster, group)
    call.cloud.begin(cluster, "userscript", lambda dummy: group.labels.update(user_script_v2=contents), nodegroup=group)
    return call.cloud.settings.action_status, {"uuid": group.uuid}


@operation("/clusters/<cluster_ref>/nodegroups/<group_ref>", "PATCH", minor=9)
def change_flavor(call: Call, cluster_ref: str, group_ref: str) -> tuple[int, Any]:
    """An object with `type`; the JSON Patch array of upstream Magnum is refused."""
    cluster = rules.cluster_by_reference(call.project, cluster_ref)
    group = rules.worker_group(cluster, group_ref)
    body = call.object()
    if body.get("type") != "flavor_id":
        raise bad_request(f"Invalid type: {body.get('type')}. Only flavor_id is supported.")
    new = rules.flavor_change(call.cloud, call.project, group, body)
    call.cloud.refuse_if_blocked(cluster, group)

    def apply(now: float) -> None:
        group.flavor_id = new
        call.cloud.restart(group.nodes, now)
        for node in group.nodes:
            node.flavor_id = new

    call.cloud.begin(cluster, "flavor", apply, nodegroup=group)
    return call.cloud.settings.action_status, {"uuid": group.uuid}
