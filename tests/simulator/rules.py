# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service refuses. Every rule names its source; all of them raise ApiError and change nothing."""

from __future__ import annotations

import ipaddress
import json
import re
import uuid as uuid_module
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .errors import ApiError, bad_request, invalid_input
from .state import Cloud, Cluster, NodeGroup, Project, version_key
from .wireform import upgradable

NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
SCRIPT_LIMIT = 64 * 1024

CLUSTER_REQUIRED = ("keypair", "name", "cluster_template_id", "node_count", "labels", "flavor_id", "fixed_network", "fixed_subnet")
CLUSTER_OPTIONAL = (
    "create_timeout",
    "docker_volume_size",
    "discovery_url",
    "master_count",
    "master_flavor_id",
    "floating_ip_enabled",
    "master_lb_enabled",
    "merge_labels",
    "addons",
)
CLUSTER_LABELS_REQUIRED = (
    "availability_zone",
    "node_image",
    "boot_volume_type",
    "boot_volume_size",
    "cert_manager_api",
    "ca_enable",
    "kube_tag",
    "master_lb_floating_ip_enabled",
)
GROUP_REQUIRED = ("name", "flavor_id", "image_id", "labels")
GROUP_OPTIONAL = ("node_count", "role", "min_node_count", "max_node_count", "docker_volume_size", "merge_labels")
GROUP_LABELS_REQUIRED = ("availability_zone", "boot_volume_type", "boot_volume_size", "ca_enable")

# NKS user guide, cluster autoscaler settings: name -> (lowest, highest, default)
AUTOSCALE_NUMBERS = {
    "ca_min_node_count": (1, 10, 1),
    "ca_max_node_count": (1, 10, 10),
    "ca_scale_down_util_thresh": (1, 100, 50),
    "ca_scale_down_unneeded_time": (1, 1440, 10),
    "ca_scale_down_delay_after_add": (10, 1440, 10),
    "ca_pod_replicas": (1, 10, 1),
}
AUTOSCALE_FLAGS = {"ca_enable": "false", "ca_scale_down_enable": "true"}

# Metric-based autoscaler, what the service shows where it was never set (seen on the service). A policy is a label with JSON text.
METRIC_POLICIES: dict[str, dict[str, Any]] = {
    "mba_scale_out": {"enable": False, "max_node_count": 10, "rules_operator": "OR", "delay": 10, "adjustment_count": 1, "rules": []},
    "mba_scale_in": {"enable": False, "min_node_count": 1, "rules_operator": "OR", "delay": 10, "adjustment_count": 1, "rules": []},
}

FAMILIES_THAT_MIX = {"m2", "c2", "r2", "t2", "x1"}


# -- plain values


def is_flag(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false"))


def flag(value: Any) -> bool:
    return value if isinstance(value, bool) else value.lower() == "true"


def whole_number(value: Any, field: str, *, text_too: bool = True) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if text_too and isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value):
        return int(value)
    raise invalid_input(field, value, "Wrong type. Expected an integer")


def in_range(value: int, lowest: int, highest: int, field: str) -> int:
    if not lowest <= value <= highest:
        raise bad_request(f"Invalid value for {field}: {value}. It must be from {lowest} to {highest}.")
    return value


def uuid_text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not UUID.fullmatch(value):
        raise invalid_input(field, value, "Expected a uuid")
    return value


def attributes(body: dict[str, Any], required: Iterable[str], optional: Iterable[str]) -> None:
    """Unknown attributes are refused by Magnum's typed bodies; so are required ones that are missing or null."""
    required = tuple(required)
    for name in body:
        if name not in required and name not in optional:
            raise invalid_input(name, body[name], "Unknown attribute")
    for name in required:
        if body.get(name) is None:
            raise bad_request(f"Invalid input for field/attribute {name}. Mandatory field missing.")


def name(value: Any, field: str = "name") -> str:
    """NKS user guide, cluster names: up to 32 lower-case letters, digits and hyphens, not shaped like a UUID."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise invalid_input(field, value, "Value should be 1 to 32 of a-z, 0-9 and '-', begin with a letter and end with a letter or digit")
    if re.fullmatch(r"[0-9a-f]{32}", value.replace("-", "")):
        raise invalid_input(field, value, "A name must not look like a uuid")
    return value


def label_types(labels: Any, body: dict[str, Any]) -> dict[str, Any]:
    """Label values are plain; only the documented extra_* labels are arrays. The refusal quotes the whole body, as
    Magnum 9.4.1 does."""
    if not isinstance(labels, dict):
        raise invalid_input("labels", body, "Wrong type. Expected an object")
    for key, value in labels.items():
        if key in ("extra_security_groups", "extra_volumes"):
            if not isinstance(value, list):
                raise invalid_input(f"labels.{key}", body, "Wrong type. Expected an array")
        elif not isinstance(value, (str, int, float, bool)):
            raise invalid_input(f"labels.{key}", body, "Wrong type. Expected a string")
    return labels


def labels_present(labels: dict[str, Any], required: Iterable[str]) -> None:
    for key in required:
        if labels.get(key) in (None, ""):
            raise bad_request(f"Invalid input for field/attribute labels.{key}. Mandatory field missing.")


def text_label(labels: dict[str, Any], key: str) -> str:
    value = labels.get(key, "")
    if not isinstance(value, str):
        raise invalid_input(f"labels.{key}", value, "Wrong type. Expected a string")
    return value


def flag_label(labels: dict[str, Any], key: str) -> bool:
    value = labels.get(key, False)
    flag_value(value, f"labels.{key}")
    return flag(value)


def flag_value(value: Any, field: str) -> None:
    if not is_flag(value):
        raise bad_request(f'Invalid value for {field}. It must be "True" or "False".')


def number(lowest: int, highest: int) -> Callable[[Any, str], Any]:
    return lambda value, field: in_range(whole_number(value, field), lowest, highest, field)


def cidr(value: Any, field: str) -> ipaddress.IPv4Network:
    try:
        if not isinstance(value, str) or "/" not in value:
            raise ValueError
        return ipaddress.IPv4Network(value)
    except ValueError:
        raise bad_request(f"Invalid CIDR for {field}: {value}.") from None


def cni(value: Any, dummy_field: str) -> None:
    if value not in ("calico", "calico-ebpf"):
        raise bad_request(f"Invalid CNI: {value}.")


class Label(NamedTuple):
    """What the service does with one label of a cluster."""

    #: Raises ApiError for a value that the service does not accept; takes the value and the name of the field.
    check: Callable[[Any, str], Any]
    #: What the service shows if a creation does not send the label.
    default: str


#: The labels of clusters that have a default, in one place: NKS API guide, Create a Cluster. What depends on more than the label
#: itself is checked in create_cluster().
CLUSTER_LABELS = {
    "cni_driver": Label(cni, "calico"),
    "pods_network_cidr": Label(cidr, "10.100.0.0/16"),
    "pods_network_subnet": Label(number(20, 28), "24"),
    "service_cluster_ip_range": Label(cidr, "10.254.0.0/16"),
    "strict_sg_rules": Label(flag_value, "False"),
}


def cluster_defaults() -> dict[str, str]:
    """The labels that a cluster shows although its creation did not send them."""
    return {key: label.default for key, label in CLUSTER_LABELS.items()}


# -- references to other services' resources


def _by_id(items: list[dict[str, Any]], wanted: Any, field: str, what: str) -> dict[str, Any]:
    wanted = uuid_text(wanted, field)
    found = next((item for item in items if item["id"] == wanted), None)
    if found is None:
        raise bad_request(f"Unable to find {what} {wanted}.")
    return found


def flavor(project: Project, wanted: Any, field: str = "flavor_id") -> dict[str, Any]:
    return _by_id(project.found.flavors, wanted, field, "flavor")


def image(project: Project, wanted: Any, field: str) -> dict[str, Any]:
    found = _by_id(project.found.images, wanted, field, "image")
    if found["nhncloud_product"] != "container":
        raise bad_request(f"Image {wanted} cannot be used for NKS nodes.")
    return found


def image_fits(chosen_image: dict[str, Any], chosen_flavor: dict[str, Any]) -> None:
    """An image is marked for nodes of CPU flavors or of GPU flavors (NKS API guide, images)."""
    kind = "gpu" if re.match("g[0-9]", chosen_flavor["name"]) else "cpu"
    if chosen_image[f"nhncloud_allow_nks_{kind}_flavor"] != "true":
        raise bad_request(f"Image {chosen_image['id']} cannot be used with flavor {chosen_flavor['id']}.")


def network(project: Project, wanted: Any, field: str) -> dict[str, Any]:
    return _by_id(project.found.vpcs, wanted, field, "network")


def subnet(project: Project, wanted: Any, vpc: dict[str, Any], field: str) -> dict[str, Any]:
    found = _by_id(project.found.subnets, wanted, field, "subnet")
    if found["vpc_id"] != vpc["id"]:
        raise bad_request(f"Subnet {wanted} does not belong to network {vpc['id']}.")
    return found


def keypair(cloud: Cloud, username: str, wanted: Any) -> str:
    """A key pair is found by its name among the caller's own; an unknown one is 404 (Magnum 9.4.1)."""
    if not isinstance(wanted, str):
        raise invalid_input("keypair", wanted, "Wrong type. Expected a string")
    if wanted not in cloud.accounts[username].keypairs:
        raise ApiError(404, f"Unable to find keypair {wanted}.")
    return wanted


def service_gateway(project: Project, wanted: Any, kind: str, vpc_id: str, field: str) -> str:
    """Must be of its type and in the cluster's VPC (NKS API guide, Create a Cluster)."""
    found = _by_id(project.found.service_gateways, wanted, field, "service gateway")
    endpoint = next(item for item in project.found.service_endpoints if item["id"] == found["service_endpoint_id"])
    if endpoint["name"] != kind:
        raise bad_request(f"Service gateway {wanted} is not of {kind} type.")
    if found["network_id"] != vpc_id:
        raise bad_request(f"Service gateway {wanted} is not in network {vpc_id}.")
    return wanted


# -- addresses


def networks_apart(cidrs: dict[str, ipaddress.IPv4Network], version: str) -> None:
    """NKS API guide, Create a Cluster, rules for fixed_subnet, pods_network_cidr and service_cluster_ip_range."""
    reserved = {"link-local": "169.254.0.0/16", "NKS internal": "198.18.0.0/19"}
    if version_key(version) <= (1, 23, 3):
        reserved["bridge"] = "172.17.0.0/16"
    seen: list[tuple[str, ipaddress.IPv4Network]] = [(key, ipaddress.IPv4Network(net)) for key, net in reserved.items()]
    for field, net in cidrs.items():
        if net.prefixlen > 24:
            raise bad_request(f"{field} {net} is too small. The prefix must be 24 or shorter.")
        for other, taken in seen:
            if net.overlaps(taken):
                raise bad_request(f"{field} {net} overlaps with {other} {taken}.")
        seen.append((field, net))


def pod_subnet_size(value: Any, pods: ipaddress.IPv4Network, field: str) -> int:
    size = in_range(whole_number(value, field), 20, 28, field)
    if size < pods.prefixlen + 2:
        raise bad_request(f"{field} {size} must be at least 2 greater than the prefix of {pods}.")
    return size


# -- parts shared by cluster and node group creation


def autoscale(values: dict[str, Any], present: dict[str, str] | None = None) -> dict[str, str]:
    """Ranges of the NKS user guide. With the autoscaler off a minimum and maximum of 0 is taken (seen on the
    service). A creation with the autoscaler off takes the API guide's own example with a delay below the range, and a change
    takes back what the service has; `present` has the labels of a node group that is there."""
    result: dict[str, str] = {}
    for key in AUTOSCALE_FLAGS:
        if key in values:
            if not is_flag(values[key]):
                raise invalid_input(key, values[key], "Wrong type. Expected a boolean")
            result[key] = str(values[key])
    enabled = flag(values["ca_enable"])
    for key, (lowest, highest, dummy) in AUTOSCALE_NUMBERS.items():
        if key not in values:
            continue
        number = whole_number(values[key], key)
        zero_bound = key in ("ca_min_node_count", "ca_max_node_count") and number == 0
        if present is None:
            checked = enabled
        else:
            checked = enabled if zero_bound else present.get(key) != str(number)
        if checked:
            in_range(number, lowest, highest, key)
        elif number < 0:
            raise bad_request(f"Invalid value for {key}: {number}.")
        result[key] = str(number)
    return result


def autoscale_bounds(labels: dict[str, str]) -> None:
    lowest, highest = int(labels["ca_min_node_count"]), int(labels["ca_max_node_count"])
    if lowest > highest:
        raise bad_request(f"ca_min_node_count {lowest} is greater than ca_max_node_count {highest}.")


def autoscale_defaults() -> dict[str, str]:
    defaults = dict(AUTOSCALE_FLAGS)
    defaults.update({key: str(default) for key, (dummy, dummy2, default) in AUTOSCALE_NUMBERS.items()})
    return defaults


def metric_policies(labels: dict[str, Any]) -> dict[str, str]:
    """Both policies of the metric-based autoscaler as a creation leaves them: JSON text, with the defaults filled in."""
    result: dict[str, str] = {}
    for key, defaults in METRIC_POLICIES.items():
        try:
            given = json.loads(text_label(labels, key) or "{}")
        except ValueError:
            given = None
        if not isinstance(given, dict) or set(given) - set(defaults) or not isinstance(given.get("enable", False), bool):
            raise bad_request(f"Invalid value for labels.{key}.")
        if given.get("enable") and not given.get("rules"):
            raise bad_request(f"labels.{key} needs a rule to be enabled.")
        result[key] = json.dumps({**defaults, **given})
    return result


def one_autoscaler(labels: dict[str, Any]) -> None:
    """NKS user guide: the two kinds of autoscalers exclude each other."""
    metric = any(json.loads(labels[key])["enable"] for key in METRIC_POLICIES)
    if metric and str(labels.get("ca_enable")).lower() == "true":
        raise bad_request("The cluster autoscaler and the metric-based autoscaler cannot both be enabled.")


def user_script(value: Any, field: str) -> str:
    """NKS user guide, user script: at most 64 KB, and the first line begins with `#!`."""
    if not isinstance(value, str):
        raise invalid_input(field, value, "Wrong type. Expected a string")
    if len(value.encode("utf-8")) > SCRIPT_LIMIT:
        raise bad_request("The user script is too long. At most 64 KB are allowed.")
    if value and not value.startswith("#!"):
        raise bad_request("The user script must begin with #!.")
    return value


def _encryption(holder: dict[str, Any], key: str, appkey: str) -> None:
    if bool(holder.get(key)) != bool(holder.get(appkey)):
        raise bad_request(f"{key} and {appkey} must be given together.")


def boot_volume(project: Project, labels: dict[str, Any], chosen_image: dict[str, Any]) -> None:
    volume_type(project, labels["boot_volume_type"], "labels.boot_volume_type")
    size = in_range(whole_number(labels["boot_volume_size"], "labels.boot_volume_size"), 1, 2048, "labels.boot_volume_size")
    if size < chosen_image["min_disk"]:
        raise bad_request(f"Boot volume of {size} GB is smaller than the image's minimum disk size of {chosen_image['min_disk']} GB.")
    _encryption(labels, "boot_volume_key_id", "boot_volume_appkey")


def volume_type(project: Project, wanted: Any, field: str) -> None:
    """By name, not by UUID (NKS API guide's examples)."""
    if wanted not in [item["name"] for item in project.found.volume_types]:
        raise bad_request(f"Invalid volume type for {field}: {wanted}.")


def zone(project: Project, wanted: Any) -> None:
    if wanted not in project.found.zones:
        raise bad_request(f"Invalid availability zone: {wanted}.")


def additional_networks(project: Project, labels: dict[str, Any]) -> list[dict[str, Any]]:
    """Two lists of equal length in the same order, separated by colons."""
    networks = text_label(labels, "additional_network_id_list")
    subnets = text_label(labels, "additional_subnet_id_list")
    if not networks and not subnets:
        return []
    network_ids, subnet_ids = networks.split(":"), subnets.split(":")
    if len(network_ids) != len(subnet_ids):
        raise bad_request("additional_network_id_list and additional_subnet_id_list differ in length.")
    return [
        subnet(project, subnet_id, network(project, network_id, "labels.additional_network_id_list"), "labels.additional_subnet_id_list")
        for network_id, subnet_id in zip(network_ids, subnet_ids)
    ]


def extra_security_groups(project: Project, entries: list[Any], subnets: set[str]) -> None:
    """At most 8 groups per subnet, for the primary subnet or an additional one (NKS user guide)."""
    per_subnet: dict[str, int] = {}
    for entry in entries:
        if not isinstance(entry, dict) or set(entry) != {"target_subnet", "security_group_ids"}:
            raise invalid_input("labels.extra_security_groups", entry, "Expected target_subnet and security_group_ids")
        target = uuid_text(entry["target_subnet"], "labels.extra_security_groups.target_subnet")
        if target not in subnets:
            raise bad_request(f"Subnet {target} is not a subnet of the node group.")
        if not isinstance(entry["security_group_ids"], str):
            raise invalid_input("labels.extra_security_groups.security_group_ids", entry["security_group_ids"], "Wrong type. Expected a string")
        ids = entry["security_group_ids"].split(",")
        for group_id in ids:
            _by_id(project.found.security_groups, group_id, "labels.extra_security_groups.security_group_ids", "security group")
        per_subnet[target] = per_subnet.get(target, 0) + len(ids)
        if per_subnet[target] > 8:
            raise bad_request(f"Too many security groups for subnet {target}. At most 8 are allowed.")


def extra_volumes(project: Project, entries: list[Any]) -> None:
    """At most 3 volumes of 1 to 2048 GB (NKS user guide)."""
    if len(entries) > 3:
        raise bad_request("Too many extra volumes. At most 3 are allowed.")
    known = {"volume_type", "volume_size", "volume_key_id", "volume_appkey", "volume_mount_path"}
    for entry in entries:
        if not isinstance(entry, dict) or set(entry) - known:
            raise invalid_input("labels.extra_volumes", entry, "Unknown attribute")
        if "volume_type" not in entry or "volume_size" not in entry:
            raise bad_request("Every extra volume needs volume_type and volume_size.")
        volume_type(project, entry["volume_type"], "labels.extra_volumes.volume_type")
        in_range(whole_number(entry["volume_size"], "labels.extra_volumes.volume_size", text_too=False), 1, 2048, "labels.extra_volumes.volume_size")
        for key in ("volume_key_id", "volume_appkey", "volume_mount_path"):
            if key in entry and not isinstance(entry[key], str):
                raise invalid_input(f"labels.extra_volumes.{key}", entry[key], "Wrong type. Expected a string")
        _encryption(entry, "volume_key_id", "volume_appkey")


def group_labels(project: Project, labels: dict[str, Any], chosen_image: dict[str, Any], primary_subnet: str) -> None:
    """Everything in labels that belongs to one node group."""
    zone(project, labels["availability_zone"])
    boot_volume(project, labels, chosen_image)
    for key in ("user_script", "user_script_v2"):
        if key in labels:
            user_script(labels[key], f"labels.{key}")
    additional = additional_networks(project, labels)
    extra_security_groups(project, labels.get("extra_security_groups", []), {primary_subnet} | {found["id"] for found in additional})
    extra_volumes(project, labels.get("extra_volumes", []))
    autoscale_bounds({**autoscale_defaults(), **autoscale(labels)})
    one_autoscaler({**labels, **metric_policies(labels)})


def node_quota(cloud: Cloud, count: int) -> None:
    if count < 1:
        raise bad_request(f"Invalid value for node_count: {count}. It must be at least 1.")
    if count > cloud.settings.quota_nodes:
        raise ApiError(403, f"Resource limit exceeded. A node group may have {cloud.settings.quota_nodes} nodes.")


# -- whole requests


def _external(project: Project, labels: dict[str, Any], primary: dict[str, Any]) -> bool:
    """Both external_* labels where the subnet has an internet gateway: without them the service answered 400 with no
    body. The subnet's own routing table counts, not the VPC's first one."""
    network_id = text_label(labels, "external_network_id")
    subnet_ids = text_label(labels, "external_subnet_id_list")
    if primary["routingtable"]["gateway_id"] and not (network_id and subnet_ids):
        raise ApiError(400, "", empty=True)
    if bool(network_id) != bool(subnet_ids):
        raise bad_request("external_network_id and external_subnet_id_list must be given together.")
    if network_id:
        external = network(project, network_id, "labels.external_network_id")
        if not external["router:external"]:
            raise bad_request(f"Network {network_id} is not attached to the internet gateway.")
        listed = subnet_ids.split(":")
        for subnet_id in listed:
            subnet(project, subnet_id, external, "labels.external_subnet_id_list")
        if len(set(listed)) != len(listed):
            raise bad_request("external_subnet_id_list names a subnet twice.")
    return bool(network_id)


def create_cluster(cloud: Cloud, project: Project, username: str, body: dict[str, Any]) -> dict[str, Any]:
    """NKS API guide, Create a Cluster. Returns what was looked up and the filled-in network labels."""
    attributes(body, CLUSTER_REQUIRED, CLUSTER_OPTIONAL)
    labels = label_types(body["labels"], body)
    name(body["name"])
    if body["cluster_template_id"] != "iaas_console":
        raise bad_request(f"Unable to find cluster template {body['cluster_template_id']}.")
    labels_present(labels, CLUSTER_LABELS_REQUIRED)
    if labels["cert_manager_api"] != "True":
        raise bad_request('cert_manager_api must be "True".')
    count = whole_number(body["node_count"], "node_count")
    create_timeout = body.get("create_timeout")
    create_timeout = 60 if create_timeout is None else whole_number(create_timeout, "create_timeout")
    keypair(cloud, username, body["keypair"])
    chosen_image = image(project, labels["node_image"], "labels.node_image")
    image_fits(chosen_image, flavor(project, body["flavor_id"]))
    vpc = network(project, body["fixed_network"], "fixed_network")
    if vpc["router:external"]:
        raise bad_request(f"Network {vpc['id']} cannot be used for a cluster.")
    primary = subnet(project, body["fixed_subnet"], vpc, "fixed_subnet")
    version = text_label(labels, "kube_tag")
    if cloud.settings.supported_versions.get(version) is not True:
        raise bad_request(f"Received invalid tag for {version}.")
    group_labels(project, labels, chosen_image, primary["id"])
    has_external = _external(project, labels, primary)
    if flag_label(labels, "master_lb_floating_ip_enabled") and not has_external:
        raise bad_request("master_lb_floating_ip_enabled needs external_network_id and external_subnet_id_list.")
    values = {**cluster_defaults(), **labels}
    for key, label in CLUSTER_LABELS.items():
        label.check(values[key], f"labels.{key}")
    for kind in ("ncr", "obs"):
        if labels.get(f"{kind}_sgw"):
            service_gateway(project, labels[f"{kind}_sgw"], kind.upper(), vpc["id"], f"labels.{kind}_sgw")
        elif not primary["routingtable"]["gateway_id"]:
            raise bad_request("A subnet without an internet gateway needs both ncr_sgw and obs_sgw.")
    pods = cidr(values["pods_network_cidr"], "pods_network_cidr")
    services = cidr(values["service_cluster_ip_range"], "service_cluster_ip_range")
    nets = {"fixed_subnet": ipaddress.IPv4Network(primary["cidr"]), "pods_network_cidr": pods, "service_cluster_ip_range": services}
    for position, found in enumerate(additional_networks(project, labels)):
        nets[f"additional_subnet_id_list[{position}]"] = ipaddress.IPv4Network(found["cidr"])
    networks_apart(nets, version)
    size = pod_subnet_size(values["pods_network_subnet"], pods, "pods_network_subnet")
    node_quota(cloud, count)
    if len(project.clusters) >= cloud.settings.quota_clusters:
        raise ApiError(403, f"Resource limit exceeded. You have reached the quota of {cloud.settings.quota_clusters} clusters for this project.")
    return {
        "labels": labels,
        "count": count,
        "version": version,
        "create_timeout": create_timeout,
        "network_labels": {"pods_network_cidr": str(pods), "pods_network_subnet": str(size), "service_cluster_ip_range": str(services)},
    }


def create_nodegroup(cloud: Cloud, project: Project, cluster: Cluster, body: dict[str, Any]) -> dict[str, Any]:
    """NKS API guide, Create a Node Group."""
    attributes(body, GROUP_REQUIRED, GROUP_OPTIONAL)
    labels = label_types(body["labels"], body)
    name(body["name"])
    if body.get("role", "worker") != "worker":
        raise bad_request("Creating master nodegroups is currently not supported.")
    labels_present(labels, GROUP_LABELS_REQUIRED)
    count = whole_number(body.get("node_count", 1), "node_count")
    chosen_image = image(project, body["image_id"], "image_id")
    image_fits(chosen_image, flavor(project, body["flavor_id"]))
    group_labels(project, labels, chosen_image, cluster.fixed_subnet)
    if any(group.name == body["name"] for group in cluster.groups_with_master()):
        raise ApiError(409, f"A node group with name {body['name']} already exists in the cluster {cluster.name}.")
    node_quota(cloud, count)
    if len(cluster.nodegroups) >= cloud.settings.quota_nodegroups:
        raise ApiError(403, f"Resource limit exceeded. You have reached the quota of {cloud.settings.quota_nodegroups} worker node groups for this cluster.")
    return {"labels": labels, "count": count}


def resize(cloud: Cloud, group: NodeGroup, body: dict[str, Any]) -> tuple[int, list[str]]:
    """NKS API guide, Resize. Out of range is 400 here, not the quota's 403 (Magnum 9.4.1)."""
    count = in_range(whole_number(body["node_count"], "node_count", text_too=False), 1, cloud.settings.quota_nodes, "node_count")
    removed = body.get("nodes_to_remove")
    removed = [] if removed is None else removed
    if not isinstance(removed, list):
        raise invalid_input("nodes_to_remove", removed, "Wrong type. Expected an array")
    for node_id in removed:
        uuid_text(node_id, "nodes_to_remove")
        if node_id not in [node.uuid for node in group.nodes]:
            raise bad_request(f"Node {node_id} is not in node group {group.name}.")
    if len(set(removed)) != len(removed):
        raise bad_request("nodes_to_remove names a node twice.")
    if len(removed) > max(0, len(group.nodes) - count):
        raise bad_request("nodes_to_remove has more nodes than are to be removed.")
    return count, removed


def rolling(cloud: Cloud, group: NodeGroup, body: dict[str, Any]) -> None:
    """Buffer and unavailable nodes of an upgrade or a flavor change; of no meaning for the control plane."""
    buffers, unavailable = body.get("num_buffer_nodes"), body.get("num_max_unavailable_nodes")
    if group.role == "master":
        return
    current = len(group.nodes)
    if buffers is not None:
        in_range(whole_number(buffers, "num_buffer_nodes", text_too=False), 0, cloud.settings.quota_nodes - current, "num_buffer_nodes")
    if unavailable is not None:
        in_range(whole_number(unavailable, "num_max_unavailable_nodes", text_too=False), 1, current, "num_max_unavailable_nodes")


def upgrade(cloud: Cloud, cluster: Cluster, group: NodeGroup, body: dict[str, Any]) -> str:
    """NKS user guide, cluster upgrade: control plane first, one minor version at a time, no way back."""
    attributes(body, ("version",), ("num_buffer_nodes", "num_max_unavailable_nodes"))
    version = body["version"]
    if not isinstance(version, str) or version not in cloud.settings.supported_versions:
        raise bad_request(f"Received invalid tag for {version}.")
    if version not in upgradable(cloud, group.version):
        raise bad_request(f"Node group {group.name} can be upgraded from {group.version} to the next minor version only, not to {version}.")
    if group.role == "master":
        behind = [other.name for other in cluster.nodegroups.values() if other.version != cluster.version]
        if behind:
            raise bad_request(f"All node groups must have the control plane's version. Behind: {', '.join(behind)}")
    elif version_key(version) > version_key(cluster.version):
        raise bad_request("The control plane must be upgraded first.")
    if group.stopped():
        raise bad_request(f"Node group {group.name} has stopped nodes.")
    rolling(cloud, group, body)
    return version


def flavor_change(cloud: Cloud, project: Project, group: NodeGroup, body: dict[str, Any]) -> str:
    """NKS user guide, flavor change: m2, c2, r2, t2 and x1 among themselves, u2 never."""
    attributes(body, ("type", "flavor_id"), ("num_buffer_nodes", "num_max_unavailable_nodes"))
    new = flavor(project, body["flavor_id"])
    old = flavor(project, group.flavor_id)
    if new["id"] == old["id"]:
        raise bad_request(f"Node group {group.name} already has flavor {new['id']}.")
    families = [item["name"].split(".", maxsplit=1)[0] for item in (old, new)]
    if families[0] == "u2" or not (set(families) <= FAMILIES_THAT_MIX or families[0] == families[1]):
        raise bad_request(f"The flavor cannot be changed from {old['name']} to {new['name']}.")
    if group.stopped():
        raise bad_request(f"Node group {group.name} has stopped nodes.")
    rolling(cloud, group, body)
    return new["id"]


def node_list(group: NodeGroup, body: dict[str, Any], *, stop: bool) -> list[str]:
    """NKS user guide, node stop and start: only started nodes stop, only stopped ones start, never all of a group."""
    attributes(body, ("node_list",), ())
    if not isinstance(body["node_list"], str):
        raise invalid_input("node_list", body["node_list"], "Wrong type. Expected a string")
    ids = [uuid_text(item, "node_list") for item in body["node_list"].split(":")]
    if len(set(ids)) != len(ids):
        raise bad_request("node_list names a node twice.")
    nodes = {node.uuid: node for node in group.nodes}
    for node_id in ids:
        if node_id not in nodes:
            raise bad_request(f"Node {node_id} is not in node group {group.name}.")
        stopped = nodes[node_id].status == "SHUTOFF"
        if stopped == stop:
            raise bad_request(f"Node {node_id} is already {'stopped' if stop else 'started'}.")
    if group.autoscaler_on or group.metric_autoscaler_on:
        raise bad_request(f"The autoscaler of node group {group.name} is enabled.")
    if stop and len(ids) + len(group.stopped()) >= len(group.nodes):
        raise bad_request("All nodes of a node group cannot be stopped.")
    return ids


def ipacl(project: Project, cluster: Cluster, body: dict[str, Any], *, normalise: bool) -> dict[str, Any]:
    """NKS API guide, Enforce IP Access Control, with the user guide's rules on the cluster's own subnet."""
    attributes(body, ("enable",), ("action", "ipacl_targets"))
    if not isinstance(body["enable"], str) or body["enable"].lower() not in ("true", "false"):
        raise invalid_input("enable", body["enable"], "Expected 'true' or 'false'")
    if body["enable"].lower() == "false":
        return {"enable": False}
    if body.get("action") not in ("ALLOW", "DENY"):
        raise bad_request("Invalid action. It must be ALLOW or DENY.")
    targets = body.get("ipacl_targets")
    if not isinstance(targets, list):
        raise invalid_input("ipacl_targets", targets, "Wrong type. Expected an array")
    if not 1 <= len(targets) <= 100:
        raise bad_request("ipacl_targets must have 1 to 100 entries.")
    own = ipaddress.ip_network(project.subnet(cluster.fixed_subnet)["cidr"])
    kept, nets = [], []
    for target in targets:
        if not isinstance(target, dict) or set(target) - {"cidr_address", "description"}:
            raise invalid_input("ipacl_targets", target, "Unknown attribute")
        if not isinstance(target.get("cidr_address"), str) or not isinstance(target.get("description", ""), str):
            raise invalid_input("ipacl_targets.cidr_address", target, "Wrong type. Expected a string")
        try:
            net = ipaddress.IPv4Network(target["cidr_address"], strict=False)
        except ValueError:
            raise bad_request(f"Invalid address: {target['cidr_address']}.") from None
        if body["action"] == "DENY" and net.overlaps(own):
            raise bad_request(f"Target {net} overlaps with the cluster's subnet {own}.")
        nets.append(net)
        kept.append({**target, "cidr_address": str(net)} if normalise else dict(target))
    if body["action"] == "ALLOW" and own not in nets:
        kept.append({"cidr_address": str(own), "description": "default subnet"})
    return {"enable": True, "action": body["action"], "targets": kept}


def certificate(cluster: Cluster, body: dict[str, Any]) -> int:
    """NKS API guide, Renew Cluster Certificate; Kubernetes 1.24 or newer with Calico-VXLAN only."""
    attributes(body, ("term_of_validity",), ())
    years = in_range(whole_number(body["term_of_validity"], "term_of_validity", text_too=False), 1, 5, "term_of_validity")
    if version_key(cluster.version) < (1, 24, 0) or cluster.labels["cni_driver"] != "calico":
        raise bad_request("Certificates can be renewed with Kubernetes 1.24 or newer and Calico-VXLAN only.")
    return years


def cni_update(cloud: Cloud, project: Project, cluster: Cluster, body: dict[str, Any]) -> dict[str, str]:
    """NKS API guide, Change Cluster CNI; the user guide of 2024 allowed Flannel to Calico-VXLAN only."""
    attributes(body, ("cni", "pod_cidr"), ("pod_subnet", "num_buffer_nodes", "num_max_unavailable_nodes"))
    if body["cni"] != "calico":
        raise bad_request(f"Invalid CNI: {body['cni']}.")
    if cluster.labels["cni_driver"] != "flannel":
        raise bad_request(f"The CNI cannot be changed from {cluster.labels['cni_driver']}.")
    if version_key(cluster.version) < (1, 24, 3):
        raise bad_request("The CNI can be changed with Kubernetes 1.24.3 or newer only.")
    if any(group.version != cluster.version for group in cluster.nodegroups.values()):
        raise bad_request("All node groups must have the control plane's version.")
    pods = cidr(body["pod_cidr"], "pod_cidr")
    nets = {
        "service_cluster_ip_range": ipaddress.IPv4Network(cluster.labels["service_cluster_ip_range"]),
        "pods_network_cidr": ipaddress.IPv4Network(cluster.labels["pods_network_cidr"]),
        "fixed_subnet": ipaddress.IPv4Network(project.subnet(cluster.fixed_subnet)["cidr"]),
    }
    for group in cluster.nodegroups.values():
        for subnet_id in filter(None, group.labels.get("additional_subnet_id_list", "").split(":")):
            nets[f"subnet {subnet_id}"] = ipaddress.IPv4Network(project.subnet(subnet_id)["cidr"])
        rolling(cloud, group, body)
    networks_apart({**nets, "pod_cidr": pods}, cluster.version)
    size = pod_subnet_size(body.get("pod_subnet", 24), pods, "pod_subnet")
    return {"cni_driver": "calico", "pods_network_cidr": str(pods), "pods_network_subnet": str(size)}


def cluster_by_reference(project: Project, reference: str, hidden: Callable[[Cluster], bool] = lambda dummy: False) -> Cluster:
    """By UUID or name; a name held twice is 409 (Magnum 9.4.1)."""
    found = [cluster for cluster in project.find_clusters(reference) if not hidden(cluster)]
    if len(found) > 1:
        raise ApiError(409, "Multiple clusters exist with same name. Please use the cluster uuid instead.")
    if not found:
        raise ApiError(404, f"Cluster {reference} could not be found.")
    return found[0]


def cluster_by_uuid(project: Project, reference: str) -> Cluster:
    """The events paths take the UUID only."""
    try:
        wanted = str(uuid_module.UUID(reference))
    except ValueError:
        raise bad_request(f"Expected a uuid but received {reference}.") from None
    if wanted not in project.clusters:
        raise ApiError(404, f"Cluster {reference} could not be found.")
    return project.clusters[wanted]


def nodegroup_by_reference(cluster: Cluster, reference: str) -> NodeGroup:
    for group in cluster.groups_with_master():
        if reference in (group.uuid, group.name):
            return group
    raise ApiError(404, f"Nodegroup {reference} could not be found.")


def worker_group(cluster: Cluster, reference: str) -> NodeGroup:
    group = nodegroup_by_reference(cluster, reference)
    if group.role == "master":
        raise bad_request(f"This is not supported for node group {group.name}.")
    return group
