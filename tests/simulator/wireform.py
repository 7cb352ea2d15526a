# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State to the service's own JSON: strings for everything in labels, lists in changing order, odd extra keys.

Sources: examples of the NKS API guide, and replies seen on the real service in October 2026.
"""

from __future__ import annotations

import datetime
import json
from typing import Any

from .state import Cloud, Cluster, Event, Node, NodeGroup, version_key

_KST = datetime.timezone(datetime.timedelta(hours=9))

# Shown on the default-worker node group and not on the cluster (seen on the service).
GROUP_ONLY_PREFIXES = ("ca_", "boot_volume_", "extra_", "mba_", "user_script", "node_list")


def utc(moment: float | None) -> str | None:
    if moment is None:
        return None
    return datetime.datetime.fromtimestamp(int(moment), datetime.timezone.utc).isoformat()


def kst(moment: float) -> str:
    """Korean time without a zone, as `node_resize_complete_time` has it."""
    return datetime.datetime.fromtimestamp(int(moment), _KST).strftime("%Y-%m-%dT%H:%M:%S")


def rotated(items: list[Any], by: int) -> list[Any]:
    if not items:
        return []
    by %= len(items)
    return items[by:] + items[:by]


def label_text(value: Any) -> str:
    """Every label is a string on reading; booleans keep the case they were sent in."""
    if isinstance(value, (list, dict)):
        return json.dumps(value)
    return str(value)


def upgradable(cloud: Cloud, version: str) -> list[str]:
    """Versions one minor above (NKS user guide, cluster upgrade: exactly the next minor version)."""
    major, minor, dummy = version_key(version)
    return [other for other in cloud.settings.supported_versions if version_key(other)[:2] == (major, minor + 1)]


def _links(base: str, path: str) -> list[dict[str, str]]:
    return [{"href": f"{base}/v1/{path}", "rel": "self"}, {"href": f"{base}/{path}", "rel": "bookmark"}]


def _shuffle_labels(cloud: Cloud, labels: dict[str, str]) -> dict[str, str]:
    if labels.get("external_subnet_id_list"):
        subnets = labels["external_subnet_id_list"].split(":")
        labels["external_subnet_id_list"] = ":".join(rotated(subnets, cloud.rotation))
    if labels.get("extra_volumes"):
        # No order is documented.
        labels["extra_volumes"] = json.dumps(rotated(json.loads(labels["extra_volumes"]), cloud.rotation))
    return labels


def cluster_labels(cloud: Cloud, cluster: Cluster) -> dict[str, str]:
    versions = upgradable(cloud, cluster.version)
    labels = dict(cluster.labels)
    labels.update(
        {
            "kube_tag": cluster.version,
            "kube_version_status": "NEED_K8S_UPGRADE" if versions else "LATEST",
            "upgradable_kube_versions": json.dumps(versions),
            "upgradable_platform_version": "",
            "api_ep_ipacl_enable": "true" if cluster.ipacl["enable"] else "false",
            "term_of_validity": str(cluster.certificate_years),
            "certificate_expiry": utc(cluster.certificate_expiry()),
        }
    )
    labels.update(cluster.overrides.get("labels", {}))
    return _shuffle_labels(cloud, labels)


def cluster_short(cloud: Cloud, cluster: Cluster, base: str) -> dict[str, Any]:
    """One entry of the cluster list: no addresses, no fixed_*, no dates; its link names another UUID (as the guide's
    example does), so it must not be followed."""
    body = {
        "uuid": cluster.uuid,
        "name": cluster.name,
        "cluster_template_id": cluster.cluster_template_id,
        "create_timeout": cluster.create_timeout,
        "docker_volume_size": None,
        "flavor_id": cluster.flavor_id,
        "health_status": health_status(cloud, cluster),
        "health_status_reason": health(cloud, cluster),
        "keypair": cluster.keypair,
        "labels": cluster_labels(cloud, cluster),
        "links": _links(base, f"clusters/{cluster.stack_id}"),
        "master_count": 3,
        "node_count": sum(len(group.nodes) if group.nodes else group.requested for group in cluster.nodegroups.values()),
        "stack_id": cluster.stack_id,
        "status": cluster.status,
        "status_reason": cluster.status_reason,
    }
    body.update({key: value for key, value in cluster.overrides.items() if key in body and key != "labels"})
    return body


def health(cloud: Cloud, cluster: Cluster) -> dict[str, str]:
    """What the service has last collected of Kubernetes; between two collections it shows the same."""
    if not cluster.api_address:
        return {}
    now = cloud.clock.now()
    if cluster.health is None or now - cluster.health[0] >= cloud.settings.health_seconds:
        cluster.health = now, _collect(cloud, cluster, now)
    return dict(cluster.health[1])


def health_status(cloud: Cloud, cluster: Cluster) -> str | None:
    """The age of the data (seen on the service), or a health as the older guide has it."""
    reason = health(cloud, cluster)
    if not reason:
        return None
    if cloud.settings.health_form == "current":
        return "FRESH"
    return "HEALTHY" if all(value in ("True", "ok") for value in reason.values()) else "UNHEALTHY"


def _collect(cloud: Cloud, cluster: Cluster, now: float) -> dict[str, str]:
    """Stopping a node removes it from Kubernetes (NKS user guide, node stop and start), so it counts neither way."""
    groups = {group.name: [node for node in group.nodes if node.status != "SHUTOFF"] for group in cluster.nodegroups.values()}
    if cloud.settings.health_form == "guide":
        return {**{f"{node.name}.Ready": str(node.ready <= now) for nodes in groups.values() for node in nodes}, "api": "ok"}
    every = [node for nodes in groups.values() for node in nodes]
    reason = {"timestamp": kst(now), "api": "OK", "cluster.api_status": "NORMAL", "cluster.node_status": _node_status(every, now)}
    for name, nodes in groups.items():
        ready = sum(node.ready <= now for node in nodes)
        reason[f"nodegroup.node_status.{name}"] = _node_status(nodes, now)
        reason[f"nodegroup-stats.{name}"] = f"{ready}:{len(nodes) - ready}"
    return reason


def _node_status(nodes: list[Node], now: float) -> str:
    ready = [node for node in nodes if node.ready <= now]
    if len(ready) == len(nodes):
        return "NORMAL"
    return "NOT_READY_NODE_EXIST" if ready else "ALL_NODES_NOT_READY"


def cluster_full(cloud: Cloud, cluster: Cluster, base: str) -> dict[str, Any]:
    body = cluster_short(cloud, cluster, base)
    addresses = [address for group in cluster.nodegroups.values() for address in _addresses(cloud, group)]
    body.update(
        {
            "links": _links(base, f"clusters/{cluster.uuid}"),
            "api_address": cluster.api_address,
            "coe_version": cluster.coe_version,
            "container_version": "1.12.6",
            "created_at": utc(cluster.created),
            "updated_at": utc(cluster.updated),
            "discovery_url": None,
            "faults": {group.name: group.status_reason for group in cluster.groups_with_master() if group.status.endswith("_FAILED")},
            "fixed_network": cluster.fixed_network,
            "fixed_subnet": cluster.fixed_subnet,
            "floating_ip_enabled": False,
            "master_addresses": [],
            "master_flavor_id": None,
            "node_addresses": rotated(addresses, cloud.rotation),
            "project_id": cluster.tenant_id,
            "user_id": cluster.user_id,
        }
    )
    body.update({key: value for key, value in cluster.overrides.items() if key != "labels"})
    return body


def _addresses(cloud: Cloud, group: NodeGroup) -> list[str]:
    return [node.address for node in _listed(cloud, group)]


def _listed(cloud: Cloud, group: NodeGroup) -> list[Any]:
    if cloud.settings.stopped_nodes_listed:
        return list(group.nodes)
    return [node for node in group.nodes if node.status != "SHUTOFF"]


def nodegroup_short(group: NodeGroup) -> dict[str, Any]:
    """One entry of the node group list. `is_default` is false for default-worker, and the minimum and maximum are
    not the autoscaler's (both seen on the service)."""
    body = {
        "uuid": group.uuid,
        "name": group.name,
        "flavor_id": group.flavor_id,
        "image_id": group.image_id,
        "is_default": False,
        "max_node_count": None,
        "min_node_count": 1,
        "node_count": len(group.nodes) if group.nodes else group.requested,
        "role": group.role,
        "stack_id": group.stack_id,
        "status": group.status,
    }
    body.update({key: value for key, value in group.overrides.items() if key in body})
    return body


def nodegroup_labels(cloud: Cloud, cluster: Cluster, group: NodeGroup) -> dict[str, str]:
    behind = version_key(group.version) < version_key(cluster.version)
    labels = {
        name: value
        for name, value in cluster.labels.items()
        if name not in ("default_security_group", "service_user_enabled", "station_id", "nks_registry_url", "k8s_args", "ncr_sgw", "obs_sgw")
    }
    labels.update(group.labels)
    labels.update(
        {
            "kube_tag": group.version,
            "kube_version_status": "NEED_K8S_UPGRADE" if behind else "LATEST",
            "upgradable_kube_versions": json.dumps(
                [version for version in upgradable(cloud, group.version) if version_key(version) <= version_key(cluster.version)]
            ),
            "node_list": ":".join(rotated([node.uuid for node in _listed(cloud, group)][::-1], cloud.rotation)),
            "requested_node_count": str(group.requested),
            "restore_status_on_failure": "",
            "server_group_meta": f"k8s_{cluster.uuid}_{group.uuid}",
        }
    )
    if not cloud.settings.echo_appkeys:
        labels.pop("boot_volume_appkey", None)
        labels["extra_volumes"] = json.dumps(
            [{name: value for name, value in volume.items() if name != "volume_appkey"} for volume in json.loads(labels["extra_volumes"])]
        )
    return _shuffle_labels(cloud, labels)


def nodegroup_full(cloud: Cloud, cluster: Cluster, group: NodeGroup, base: str) -> dict[str, Any]:
    body = nodegroup_short(group)
    path = f"clusters/{cluster.uuid}/nodegroups/{group.uuid}"
    body.update(
        {
            "id": group.id,
            "cluster_id": cluster.uuid,
            "created_at": utc(group.created),
            "updated_at": utc(group.updated),
            "docker_volume_size": None,
            "labels": nodegroup_labels(cloud, cluster, group),
            "links": _links(base, path),
            "node_addresses": rotated(_addresses(cloud, group), cloud.rotation),
            "project_id": cluster.tenant_id,
            "status_reason": group.status_reason,
            "version": None,
        }
    )
    body.update({key: value for key, value in group.overrides.items() if key != "labels"})
    return body


def autoscale(group: NodeGroup) -> dict[str, Any]:
    """View Autoscaler Configuration: booleans and numbers here, whatever the labels say."""
    labels = group.labels
    body: dict[str, Any] = {"clusterautoscale": "nodegroupfeature"}
    for name in ("ca_enable", "ca_scale_down_enable"):
        body[name] = labels[name].lower() == "true"
    for name in (
        "ca_max_node_count",
        "ca_min_node_count",
        "ca_scale_down_unneeded_time",
        "ca_scale_down_util_thresh",
        "ca_scale_down_delay_after_add",
        "ca_pod_replicas",
    ):
        body[name] = int(labels[name])
    return body


def ipacl(cloud: Cloud, cluster: Cluster) -> dict[str, Any]:
    if not cluster.ipacl["enable"]:
        return {"cluster_uuid": cluster.uuid, "enable": "false"}
    return {
        "cluster_uuid": cluster.uuid,
        "enable": "true",
        "action": cluster.ipacl["action"],
        "ipacl_targets": rotated(cluster.ipacl["targets"], cloud.rotation),
    }


def event(cluster: Cluster, entry: Event) -> dict[str, Any]:
    return {
        "id": entry.id,
        "uuid": entry.uuid,
        "project_id": cluster.tenant_id,
        "cluster_uuid": cluster.uuid,
        "cluster_name": cluster.name,
        "resource_uuid": entry.resource_uuid,
        "resource_name": entry.resource_name,
        "resource_type": entry.resource_type,
        "type": entry.type,
        "state": entry.state,
        "contents": entry.contents,
        "created_at": utc(entry.created),
        "updated_at": utc(entry.updated),
    }
