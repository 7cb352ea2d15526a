# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an observed cluster to its document: the inverse of :mod:`plan`. Pure functions, as there.

Planned against the cluster that it came from, a document is no change. Applied after the cluster
was deleted, it creates a cluster with the same document. So an option is left out if its value
cannot be had with the option, or cannot be created again; each of these is an :class:`Omission`.
Not set, and therefore in neither of them, are empty texts and lists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, Mapping

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    AccessSpec,
    Observed,
    ObservedNodegroup,
    Options,
    State,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import UNKNOWN
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import creation, ipacl, rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    cluster_resource,
    group_resource,
)

Document = Dict[str, Any]
#: A reference as the document has it, from the kind of the resource, its UUID and, for subnets,
#: where a name is looked up; see :meth:`names.Names.name_of`.
Refer = Callable[..., str]

NEVER_SHOWN = "It is a secret, which is never shown."
NOT_SHOWN = "NKS does not show it."
NOT_SAFE = "The current value contains something that looks like a secret, so it is not shown."
NO_DEFAULT_GROUP = "The cluster has no node group %s." % wire.DEFAULT_GROUP

#: Options that every cluster or node group has a value for, although a creation does not need them.
DEFAULTED = {
    "cni",
    "node_count",
    "pods_network_cidr",
    "pods_network_subnet",
    "public_api_endpoint",
    "service_cluster_ip_range",
    "strict_sg_rules",
}
#: The autoscaler's settings if they were never set (NKS user guide, Cluster Autoscaler).
AUTOSCALE_DEFAULTS = {
    "min_node_count": creation.DEFAULT_MIN_NODES,
    "max_node_count": creation.DEFAULT_MAX_NODES,
    "scale_down_enabled": True,
    "scale_down_unneeded_time": 10,
    "scale_down_utilization_threshold": 50,
    "scale_down_delay_after_add": 10,
}

#: Values of labels that mean the same as no label, besides empty ones.
NOTHING = {"ca_pod_replicas": 1, "fip_auto_bind_enable": False}
#: Labels that the service fills in (API guide, and replies seen on the public cloud).
FILLED_IN = {
    "api_ep_ipacl_enable",
    "ca_image",
    "cert_manager_api",
    "certificate_expiry",
    "clusterautoscale",
    "cni_tag",
    "default_security_group",
    "flavor_type",
    "hypervisor_type",
    "kube_version_status",
    "login_username",
    "nks_registry_url",
    "node_list",
    "node_resize_complete_time",
    "os_arch",
    "os_distro",
    "os_type",
    "os_version",
    "platform_version",
    "project_domain",
    "requested_node_count",
    "restore_status_on_failure",
    "server_group_meta",
    "service_user_enabled",
    "station_id",
    "term_of_validity",
    "upgradable_kube_versions",
    "upgradable_platform_version",
}


@dataclass(frozen=True)
class Omission:
    """Something of a cluster that its document does not have."""

    #: "cluster/NAME" or "cluster/NAME/nodegroup/NAME".
    resource: str
    #: The option, or the path of a suboption ("extra_volumes.appkey").
    option: str
    #: One sentence.
    reason: str


@dataclass(frozen=True)
class Exported:
    """The document of a cluster, without its name and its region, and what the document lacks."""

    document: Document
    omitted: list[Omission]


@dataclass
class _Part:
    """The options of one resource while they are collected."""

    resource: str
    #: Whether a text contains a secret of the connection.
    is_secret: Callable[[str], bool]
    options: Document = field(default_factory=dict)
    omitted: list[Omission] = field(default_factory=list)

    def omit(self, option: str, reason: str) -> None:
        """Note that the document lacks an option; only its first reason is kept."""
        if all(item.option != option for item in self.omitted):
            self.omitted.append(Omission(self.resource, option, reason))

    def drop(self, option: str, reason: str) -> None:
        """Remove an option, or a setting of the autoscaler, that was collected already."""
        name, _dot, inner = option.partition(".")
        if name == "autoscale" and self.options[name].pop(inner, None) is not None:
            self.omit(option, reason)
            return
        del self.options[name]
        self.omit(name, reason)

    def shows(self, value: Any) -> bool:
        """Whether a result shows the value as it is; otherwise the document would have asterisks
        instead of a part of it.
        """
        return bool(wire.masked(value) == value) and not any(map(self.is_secret, _texts(value)))


def export(observed: Observed, refer: Refer, is_secret: Callable[[str], bool]) -> Exported:
    """The document of a cluster.

    :param observed: the cluster, all its worker groups with the settings of their autoscalers, and
        its access control (None if it could not be read).
    :param refer: see :data:`Refer`.
    :param is_secret: whether a text contains a secret of the connection, so that it would be masked
        in the result.
    """
    cluster = observed.cluster or {}
    first = observed.nodegroups.get(wire.DEFAULT_GROUP)
    part = _Part(cluster_resource(cluster["name"]), is_secret)
    _collect(part, rows.CLUSTER, cluster, first)
    network = wire.one_spelling(cluster.get("fixed_network"))
    document = _named(part.options, network, refer)
    omitted = part.omitted + (_outdated(cluster, first) if first else [])
    document["nodegroups"] = []
    for name in sorted(observed.nodegroups):
        if name != wire.DEFAULT_GROUP:
            group = observed.nodegroups[name]
            part = _Part(group_resource(cluster["name"], name), is_secret)
            _collect(part, rows.NODEGROUP, None, group, cluster)
            # A name in the form of a UUID would be taken for one.
            reference = group.state["uuid"] if wire.is_uuid(name) else name
            document["nodegroups"].append(
                {"name": reference, **_named(part.options, network, refer)}
            )
            omitted += part.omitted + _outdated(cluster, group)
    part = _Part(cluster_resource(cluster["name"]), is_secret)
    access = _access(observed, part)
    if access is not None:
        document["ipacl"] = access
    return Exported(document, omitted + part.omitted)


def _texts(value: Any) -> Iterable[str]:
    """All texts in a value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


# -- options of a cluster or a node group ----------------------------------------------------------


def _collect(
    part: _Part,
    table: Mapping[str, rows.Row],
    cluster: State | None,
    group: ObservedNodegroup | None,
    parent: State | None = None,
) -> None:
    """Collect the options of a cluster or a node group, with UUIDs for references.

    :param cluster: the typed cluster; None for a node group.
    :param group: the node group; for a cluster the first one.
    :param parent: the typed cluster of a node group.
    """
    state = group.state if group else None
    for row in table.values():
        if row.group and state is None:
            # The plan reads these options from the first node group.
            if row.required:
                part.omit(row.option, NO_DEFAULT_GROUP)
        elif row.option != "kubernetes_version" or cluster is not None:
            # A new node group always gets the version of the control plane.
            _collect_row(part, row, cluster, state)
    if group is not None:
        _collect_autoscale(part, group)
        _collect_labels(part, cluster, group.state, parent)
    _accept(part)
    pair = [option for option in ("additional_networks", "additional_subnets") if option in table]
    if len([option for option in pair if option in part.options]) == 1:
        for option in pair:
            if option in part.options:
                part.drop(option, "It is of no use without the other option for these networks.")
    if "boot_volume_key_id" in part.options:
        part.omit("boot_volume_appkey", NEVER_SHOWN)


def _collect_row(part: _Part, row: rows.Row, cluster: State | None, group: State | None) -> None:
    """Collect one option."""
    found = row.observed(cluster, group)
    if found is UNKNOWN and not row.change:
        # What the plan cannot compare may have any value. For the others, the plan would change
        # the option if the document had a value.
        found = row.elsewhere(cluster, group)
    if found is UNKNOWN or found in ("", []):
        if row.required or row.option in DEFAULTED:
            part.omit(row.option, NOT_SHOWN)
        return
    if row.secret:
        part.omit(row.option, NEVER_SHOWN)
        return
    value = row.kind.export(found)
    if value is UNKNOWN or (row.choices and value not in row.choices):
        part.omit(row.option, _not_accepted(part, found))
    elif not part.shows(value):
        part.omit(row.option, NOT_SAFE)
    else:
        part.options[row.option] = value
    if row.option == "extra_volumes" and value is not UNKNOWN:
        if any(item.get("key_id") or item.get("appkey") for item in found):
            part.omit("extra_volumes.appkey", NEVER_SHOWN)


def _not_accepted(part: _Part, value: Any) -> str:
    """The reason for a value that an option cannot have."""
    text = str(value) if isinstance(value, (str, int, float)) else ""
    if not text or len(text) > 60 or not part.shows(text):
        return "The option does not accept the current value."
    return "The option does not accept the current value, which is '%s'." % text


def _collect_autoscale(part: _Part, group: ObservedNodegroup) -> None:
    """Collect the settings of the cluster autoscaler; while it is on, it decides ``node_count``."""
    current = group.autoscale
    settings: Document = {}
    missing: list[str] = []
    for row in rows.AUTOSCALE.values():
        value = row.kind.export(current.get(str(row.group)))
        if value is UNKNOWN:
            missing.append("autoscale.%s" % row.option)
        elif row.option == "enabled" or settings.get("enabled") or _is_chosen(row.option, value):
            settings[row.option] = value
    if "enabled" in settings:
        part.options["autoscale"] = settings
        for option in missing if settings["enabled"] else ():
            part.omit(option, NOT_SHOWN)
    else:
        part.omit("autoscale", NOT_SHOWN)
        # Then the plan takes them from the labels.
        current = wire.autoscale_of(group.state)
    if current.get("ca_enable") is True and "node_count" in part.options:
        _limit_count(part, current.get("ca_min_node_count"), current.get("ca_max_node_count"))


def _is_chosen(option: str, value: Any) -> bool:
    """Whether a setting of an autoscaler that is off says anything: it is neither the default, nor
    the number of nodes 0 by which the console says that there is none (observed).
    """
    no_count = option.endswith("node_count") and value == 0
    return bool(value != AUTOSCALE_DEFAULTS[option]) and not no_count


def _limit_count(part: _Part, low: Any, high: Any) -> None:
    """Move ``node_count`` into the limits of the autoscaler, because the plan rejects any other, and
    accepts each of these.
    """
    count = part.options["node_count"]
    if isinstance(high, int):
        count = min(count, high)
    if isinstance(low, int):
        count = max(count, low)
    part.options["node_count"] = count
    if isinstance(high, int) and count > high:
        part.drop("node_count", "No number is within the limits of the autoscaler.")


def _accept(part: _Part) -> None:
    """Remove the options whose values the rules reject: the service has accepted them once, or has
    set them itself.
    """
    while True:
        try:
            rules.check_options(part.options)
            return
        except BadInput as error:
            part.drop(error.option, _rejected(error))


# -- labels ----------------------------------------------------------------------------------------


def _collect_labels(part: _Part, cluster: State | None, group: State, parent: State | None) -> None:
    """Collect the labels that are settings and have no option.

    Labels that nobody documents may be settings or not: they are noted. Node groups show many
    labels of their cluster too.

    :param cluster: the typed cluster; None for a node group.
    :param parent: the typed cluster of a node group.
    """
    found = {**(cluster or {}).get("labels", {}), **group["labels"]}
    inherited = (parent or {}).get("labels", {})
    owned = rows.owned_labels()
    labels: Document = {}
    for label in sorted(found):
        value, name = found[label], "labels.%s" % label
        if label in owned or label in FILLED_IN or _is_nothing(label, value):
            continue
        if label in rows.GROUP_LABELS or (label in rows.CLUSTER_LABELS and cluster is not None):
            if part.shows(value) and not wire.appkeys(value):
                labels[label] = _written(value)
            else:
                part.omit(name, NOT_SAFE)
        elif label not in rows.CLUSTER_LABELS and (
            label not in inherited or inherited[label] != value
        ):
            part.omit(name, "It is not known whether this label is a setting.")
    if labels:
        part.options["labels"] = labels


def _is_nothing(label: str, value: Any) -> bool:
    """Whether a label means the same as if it were not there."""
    if value in (None, "", [], {}) or (label in NOTHING and value == NOTHING[label]):
        return True
    if isinstance(value, dict) and label in ("control_plane_log", "mba_scale_in", "mba_scale_out"):
        # Policies that were never turned on are shown too (observed), without rules.
        return value.get("enable") is not True and not value.get("rules")
    return False


def _written(value: Any) -> Any:
    """A label as a text, which all labels are, or as an object for JSON text."""
    if isinstance(value, (dict, list)):
        return value
    return wire.write("bool" if isinstance(value, bool) else "str", value)


# -- versions, references, access control ----------------------------------------------------------


def _outdated(cluster: State, group: ObservedNodegroup) -> list[Omission]:
    """The note about a node group that does not have the version of the control plane."""
    version, control_plane = (
        (state.get("labels") or {}).get("kube_tag") for state in (group.state, cluster)
    )
    if version in (None, "", control_plane) or not control_plane:
        return []
    return [
        Omission(
            group_resource(cluster["name"], group.state["name"]),
            "kubernetes_version",
            "The node group is at %s and the control plane at %s, which is what a new node group "
            "gets." % (version, control_plane),
        )
    ]


def _named(options: Options, network: str | None, refer: Refer) -> Document:
    """The options with the references as the document has them.

    :param network: UUID of the cluster's network.
    """
    named = dict(options)
    for option in ("flavor", "image", "network", "external_network", "ncr_sgw", "obs_sgw"):
        if option in options:
            named[option] = refer(rows.CLUSTER[option].ref, options[option])
    if "subnet" in options:
        named["subnet"] = refer("subnet", options["subnet"], network)
    if "external_network" in options and "external_subnets" in options:
        named["external_subnets"] = sorted(
            refer("external_subnet", uuid, options["external_network"])
            for uuid in options["external_subnets"]
        )
    networks = options.get("additional_networks", [])
    if networks:
        named["additional_networks"] = [refer("network", uuid) for uuid in networks]
        named["additional_subnets"] = [
            refer("subnet", uuid, scope)
            for uuid, scope in zip(options["additional_subnets"], networks)
        ]
    if "extra_security_groups" in options:
        among = [uuid for uuid in [network, *networks] if uuid]
        scope = among[0] if len(among) == 1 else None
        named["extra_security_groups"] = [
            {
                "subnet": refer("subnet", item["subnet"], scope, among),
                "security_groups": sorted(
                    refer("security_group", uuid) for uuid in item["security_groups"]
                ),
            }
            for item in options["extra_security_groups"]
        ]
    return named


def _access(observed: Observed, part: _Part) -> Document | None:
    """The option ``ipacl`` of the document; None if the access control is not known."""
    if observed.ipacl is None:
        part.omit("ipacl", NOT_SHOWN)
        return None
    if not observed.ipacl["enable"]:
        return {"state": "absent"}
    control = ipacl.Control.observed(observed.ipacl, observed.subnets)
    if control.action not in ("ALLOW", "DENY"):
        part.omit("ipacl", _not_accepted(part, control.action))
        return None
    document: Document = {"state": "present", "action": control.action.lower()}
    targets = control.sent()
    try:
        spec = AccessSpec(action=document["action"], targets=targets)
        ipacl.plan_access("", spec, observed.ipacl, observed.subnets)
    except BadInput as error:
        # The plan keeps the list if it is not set.
        part.omit("ipacl.targets", _rejected(error))
        return document
    for target in targets:
        if not part.shows(target):
            # The plan keeps a description that is not set.
            target.pop("description", None)
            part.omit("ipacl.targets.description", NOT_SAFE)
    return dict(document, targets=targets)


def _rejected(error: BadInput) -> str:
    """The reason for a value that the rules reject."""
    return "The option does not accept the current value, because it %s." % error.problem
