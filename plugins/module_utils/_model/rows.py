# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of options: one row for each option of clusters, node groups and the cluster
autoscaler.

A row says where the service has the option, of which kind it is, which operation changes it, and
what its values may be. The text below a row is the option's documentation. From the rows come the
argument specs, the range checks, the bodies of creations, comparisons and diffs, the errors about
options that cannot be changed, the secrets to mask, and (``make generate``) the documentation of
the options, the role's argument specs and the JSON schema.

Source: NKS API guide (Create a Cluster, Create a Node Group, Get a Node Group), NKS user guide
(limits), and replies observed on the public cloud, where the settings of the first node group are
on node group ``default-worker`` and not on the cluster.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import (
    BOOLEAN,
    CIDR,
    INTEGER,
    LABELS,
    SCRIPT,
    TEXT,
    UNKNOWN,
    UUID,
    UUID_LIST,
    UUID_SET,
    Kind,
    SecurityGroups,
    Settings,
    Volumes,
)

#: The documentation of an option that no operation changes.
FIXED = "Cannot be changed after creation."
FIXED_LABELS = "Cannot be changed after creation. A label is compared if NKS shows it: booleans in any case, JSON text by its content, and other texts exactly."
FIXED_WITHOUT_CNI = "Cannot be changed after creation, except together with O(cni)."


class Row:
    """One option.

    :param kind: how it is written, read and compared.
    :param cluster: its path in a cluster ("flavor_id", "labels.kube_tag"); None if clusters do not
        have it.
    :param group: its path in a node group; an option that has one is read back from the node group.
    :param aliases: the API's names for it.
    :param ref: the kind of resource that it refers to; see :meth:`names.Names.resources`.
    :param change: the operation that changes it later; None if it is fixed at creation.
    :param required: whether a creation needs it.
    :param sent: whether the creation of a node group sends it (its version follows the control
        plane's).
    :param secret: whether the value must not be shown.
    :param absent: the value that it means if the service does not show the option.
    :param low: smallest value; checked by :mod:`rules`.
    :param high: largest value; checked like ``low``.
    :param unit: unit of the value, for messages: "GB".
    :param choices: the accepted values.
    :param default: the value if the option is not set.
    :param fixed: documentation of why the option cannot be changed, if no operation changes it.
    :param added: version of the collection that added it, if that is not the first one.
    :param no_log: False for a name that Ansible would treat as a secret.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        cluster: str | None = None,
        group: str | None = None,
        aliases: Iterable[str] = (),
        ref: str | None = None,
        change: str | None = None,
        required: bool = False,
        sent: bool = True,
        secret: bool = False,
        absent: Any = UNKNOWN,
        low: int | None = None,
        high: int | None = None,
        unit: str = "",
        choices: Iterable[str] = (),
        default: Any = None,
        no_log: bool | None = None,
        fixed: str = FIXED,
        added: str = "",
    ) -> None:
        self.option = ""
        self.kind = kind
        self.cluster = cluster
        self.group = group
        self.aliases = list(aliases)
        self.ref = ref
        self.change = change
        self.required = required
        self.sent = sent
        self.secret = secret
        self.absent = absent
        self.low = low
        self.high = high
        self.unit = unit
        self.choices = list(choices)
        self.default = default
        self.fixed = fixed
        self.added = added
        self.no_log = True if secret else no_log

    def __set_name__(self, owner: type, name: str) -> None:
        self.option = name

    def argument(self, required: bool = False) -> dict[str, Any]:
        """The option's entry of an argument spec.

        :param required: whether the option is required wherever it may be set.
        """
        entry = self.kind.argument()
        if required:
            entry["required"] = True
        if self.default is not None:
            entry["default"] = self.default
        if self.choices:
            entry["choices"] = self.choices
        if self.aliases:
            entry["aliases"] = self.aliases
        if self.no_log is not None:
            entry["no_log"] = self.no_log
        return entry

    def observed(self, cluster: Any, group: Any) -> Any:
        """The value that the service has, in the option's own form; UNKNOWN if it does not show it.

        :param cluster: the typed cluster; None in the task of a node group.
        :param group: the typed node group; None if it was not read.
        """
        holder, path = (group, self.group) if self.group else (cluster, self.cluster)
        value = _at(holder, path)
        if (
            cluster is not None
            and self.group
            and self.cluster != self.group
            and _label(self.cluster)
        ):
            # The first node group keeps what it was created with under the cluster's label;
            # upstream Magnum shows the template's image as its image_id.
            label = _at(group, self.cluster)
            value = value if label in (UNKNOWN, None, "") else label
        if self.absent is not UNKNOWN and value in (UNKNOWN, None, ""):
            return self.absent if holder is not None else UNKNOWN
        if value is UNKNOWN or value is None or (value == "" and self.kind is not UUID):
            return UNKNOWN
        return self.kind.read(value)

    def elsewhere(self, cluster: Any, group: Any) -> Any:
        """The value where a creation sends it, in one of the two resources, in the option's own
        form: for an option that :meth:`observed` does not show. UNKNOWN if it is not there either.

        The service has many settings on the node group, on the cluster or on both, depending on the
        age of the cluster.
        """
        for holder in (group, cluster):
            value = _at(holder, self.cluster)
            if value not in (UNKNOWN, None, ""):
                return self.kind.read(value)
        return UNKNOWN

    def equal(self, desired: Any, observed: Any) -> bool:
        """Whether two values in the option's own form mean the same; UNKNOWN equals everything."""
        return self.kind.equal(desired, observed)

    def put(self, body: dict[str, Any], value: Any, nodegroup: bool = False) -> None:
        """Write the value into the body of a creation."""
        path = (self.group if nodegroup else self.cluster) or ""
        label = _label(path)
        if label:
            body.setdefault("labels", {})[label] = self.kind.write(value)
        else:
            body[path] = value

    def show(self, value: Any) -> Any:
        """The value for results, diffs and messages."""
        if value is UNKNOWN or value is None:
            return None
        return wire.HIDDEN if self.secret and value else self.kind.show(value)


def _label(path: str | None) -> str:
    """The label of a path "labels.X"; an empty text for another path."""
    head, _dot, label = (path or "").partition(".")
    return label if head == "labels" else ""


def _at(holder: Any, path: str | None) -> Any:
    """The value at a path of one or two parts; UNKNOWN if there is none."""
    for part in (path or "").split("."):
        if not isinstance(holder, dict) or part not in holder:
            return UNKNOWN
        holder = holder[part]
    return holder


def table(*classes: type) -> dict[str, Row]:
    """The rows of some classes by the names of their options, in the order of the documentation."""
    return {
        name: row for rows in classes for name, row in vars(rows).items() if isinstance(row, Row)
    }


def arguments(rows: Mapping[str, Row], required: bool = False) -> dict[str, dict[str, Any]]:
    """The rows as an argument spec.

    :param required: whether options that a creation needs are required in every task.
    """
    return {name: row.argument(required and row.required) for name, row in rows.items()}


class VolumeOptions:
    """One of the extra volumes (NKS user guide, Additional Block Storage)."""

    type = Row(TEXT, required=True)
    """Name of the volume type."""

    size = Row(INTEGER, required=True, low=1, high=2048, unit="GB")
    """Size in GB, 1 to 2048."""

    key_id = Row(TEXT, no_log=False)
    """ID of the symmetric key in Secure Key Manager that encrypts the volume."""

    appkey = Row(TEXT, secret=True)
    """Appkey of Secure Key Manager for the key. It is a secret and is never shown."""

    mount_path = Row(TEXT)
    """Absolute path where the volume is mounted."""


class SecurityGroupOptions:
    """The additional security groups of one subnet."""

    subnet = Row(TEXT, required=True)
    """Name or UUID of the subnet, of the cluster's network or of one of O(additional_networks), to whose ports the groups apply."""

    security_groups = Row(UUID_LIST, required=True)
    """Names or UUIDs of 1 to 8 security groups."""


class AutoscaleOptions:
    """The settings of the cluster autoscaler (NKS user guide, Cluster Autoscaler)."""

    enabled = Row(BOOLEAN, group="ca_enable", aliases=["ca_enable"], required=True)
    """Whether the cluster autoscaler is on for this node group."""

    min_node_count = Row(INTEGER, group="ca_min_node_count", aliases=["ca_min_node_count"], low=1)
    """Smallest number of nodes."""

    max_node_count = Row(INTEGER, group="ca_max_node_count", aliases=["ca_max_node_count"], low=1)
    """Largest number of nodes."""

    scale_down_enabled = Row(
        BOOLEAN, group="ca_scale_down_enable", aliases=["ca_scale_down_enable"]
    )
    """Whether the autoscaler also removes nodes."""

    scale_down_unneeded_time = Row(
        INTEGER,
        group="ca_scale_down_unneeded_time",
        aliases=["ca_scale_down_unneeded_time"],
        low=1,
        high=1440,
    )
    """Minutes that a node must have been unneeded before it is removed, 1 to 1440."""

    scale_down_utilization_threshold = Row(
        INTEGER,
        group="ca_scale_down_util_thresh",
        aliases=["ca_scale_down_util_thresh"],
        low=1,
        high=100,
    )
    """Utilization in percent, 1 to 100, below which a node counts as unneeded."""

    scale_down_delay_after_add = Row(
        INTEGER,
        group="ca_scale_down_delay_after_add",
        aliases=["ca_scale_down_delay_after_add"],
        low=10,
        high=1440,
    )
    """Minutes without removals after a node was added, 10 to 1440."""


class NodegroupOptions:
    """Options of node groups; in nks_cluster they are those of the first node group."""

    flavor = Row(
        UUID,
        cluster="flavor_id",
        group="flavor_id",
        aliases=["flavor_id"],
        ref="flavor",
        change="change_flavor",
        required=True,
    )
    """Name or UUID of the flavor of the nodes. Required to create the node group.

    On an existing node group, the flavor is changed node by node; see O(num_buffer_nodes) and O(num_max_unavailable_nodes).

    NKS allows changes only among the m2, c2, r2, t2 and x1 types. The task fails for others, also in check mode.
    """

    image = Row(
        UUID,
        cluster="labels.node_image",
        group="image_id",
        aliases=["node_image"],
        ref="image",
        required=True,
    )
    """Name or UUID of the base image. Only images made for NKS nodes are found by name. Required to create the node group."""

    availability_zone = Row(
        TEXT,
        cluster="labels.availability_zone",
        group="labels.availability_zone",
        required=True,
    )
    """Name of the availability zone of the nodes. Required to create the node group."""

    node_count = Row(INTEGER, cluster="node_count", group="node_count", change="resize", low=1)
    """Number of nodes. If it is not set, a node group is created with one node, and an existing one keeps its number of nodes.

    While the cluster autoscaler is on, any current number of nodes is accepted if O(node_count) is within the autoscaler's limits;
    otherwise the task fails. While a policy of the metric-based autoscaler is on, NKS accepts no other number, so the task fails, also in
    check mode.

    Quotas of the service limit it (10 by default).
    """

    boot_volume_type = Row(
        TEXT,
        cluster="labels.boot_volume_type",
        group="labels.boot_volume_type",
        required=True,
    )
    """Name of the type of the nodes' boot volumes. Required to create the node group."""

    boot_volume_size = Row(
        INTEGER,
        cluster="labels.boot_volume_size",
        group="labels.boot_volume_size",
        required=True,
        low=1,
        unit="GB",
    )
    """Size of the nodes' boot volumes in GB. The image has a minimum. Required to create the node group."""

    boot_volume_key_id = Row(
        TEXT,
        cluster="labels.boot_volume_key_id",
        group="labels.boot_volume_key_id",
        no_log=False,
    )
    """ID of the symmetric key in Secure Key Manager that encrypts the boot volumes."""

    boot_volume_appkey = Row(
        TEXT,
        cluster="labels.boot_volume_appkey",
        group="labels.boot_volume_appkey",
        secret=True,
        fixed="Cannot be changed after creation. It is compared if NKS shows it.",
    )
    """Appkey of Secure Key Manager for O(boot_volume_key_id). It is a secret and is never shown."""

    additional_networks = Row(
        UUID_LIST,
        cluster="labels.additional_network_id_list",
        group="labels.additional_network_id_list",
        aliases=["additional_network_id_list"],
        ref="network",
    )
    """Names or UUIDs of additional networks (VPCs) to which the nodes are attached, in this order."""

    additional_subnets = Row(
        UUID_LIST,
        cluster="labels.additional_subnet_id_list",
        group="labels.additional_subnet_id_list",
        aliases=["additional_subnet_id_list"],
        ref="subnet",
    )
    """Names or UUIDs of the subnets in O(additional_networks), one for each, in the same order."""

    extra_security_groups = Row(
        SecurityGroups(SecurityGroupOptions, table(SecurityGroupOptions)),
        cluster="labels.extra_security_groups",
        group="labels.extra_security_groups",
        fixed="Cannot be changed after creation. The order of a subnet's groups does not matter.",
    )
    """Additional security groups of the nodes."""

    extra_volumes = Row(
        Volumes(VolumeOptions, table(VolumeOptions)),
        cluster="labels.extra_volumes",
        group="labels.extra_volumes",
        fixed="Cannot be changed after creation. Their order does not matter.",
    )
    """Additional block storage of each node, at most three volumes."""

    user_script = Row(
        SCRIPT,
        cluster="labels.user_script_v2",
        group="labels.user_script_v2",
        change="change_user_script",
        # Without a script the label is empty (as in the guide's example) or missing (observed).
        absent="",
    )
    """Script that the nodes run as root when they are initialized, at most 64 KB, with C(#!) and the interpreter in its first line.
    An empty text means no script.

    On an existing node group, the script is replaced. Only nodes that are created afterwards run the new script.
    """

    kubernetes_version = Row(
        TEXT,
        cluster="labels.kube_tag",
        group="labels.kube_tag",
        aliases=["kube_tag"],
        change="upgrade",
        sent=False,
    )
    """Kubernetes version in the form that NKS uses, for example V(v1.32.3).

    A new node group always gets the version of the control plane; the task fails if another one is set.

    On an existing node group, another version is an upgrade to the version of the control plane. A node group that is several minor
    versions behind is upgraded one minor version at a time, and can also be upgraded to one of the versions in between.
    Upgrade the control plane first, with M(nhncloud.nks.nks_cluster). A node group with stopped nodes cannot be upgraded.
    """


class ClusterOptions:
    """Options that only clusters have."""

    # no_log=False: Ansible treats a name that contains "key" as a secret.
    keypair = Row(TEXT, cluster="keypair", required=True, no_log=False)
    """Name of the key pair for the nodes. A key pair belongs to one user. Required to create the cluster."""

    network = Row(
        UUID, cluster="fixed_network", aliases=["fixed_network"], ref="network", required=True
    )
    """Name or UUID of the network (VPC) of the nodes. Required to create the cluster."""

    subnet = Row(
        UUID, cluster="fixed_subnet", aliases=["fixed_subnet"], ref="subnet", required=True
    )
    """Name or UUID of the subnet of the nodes. A name is looked up in O(network). Required to create the cluster."""

    external_network = Row(
        UUID,
        cluster="labels.external_network_id",
        aliases=["external_network_id"],
        ref="external_network",
    )
    """Name or UUID of the network that is attached to the internet gateway. Required to create the cluster if O(subnet) is attached
    to an internet gateway.
    """

    external_subnets = Row(
        UUID_SET,
        cluster="labels.external_subnet_id_list",
        aliases=["external_subnet_id_list"],
        ref="external_subnet",
    )
    """Names or UUIDs of subnets of O(external_network), in any order. If it is not set or empty, a cluster is created with all of them."""

    kubernetes_version = Row(
        TEXT, cluster="labels.kube_tag", aliases=["kube_tag"], change="upgrade", required=True
    )
    """Kubernetes version in the form that NKS uses, for example V(v1.32.3). Required to create the cluster.

    On an existing cluster, another version is an upgrade, see O(upgrade). The task fails on a downgrade.
    """

    public_api_endpoint = Row(
        BOOLEAN,
        cluster="labels.master_lb_floating_ip_enabled",
        aliases=["master_lb_floating_ip_enabled"],
    )
    """Whether the Kubernetes API endpoint gets a public address, which requires O(external_network). If it is not set, a cluster is
    created without one.
    """

    strict_sg_rules = Row(BOOLEAN, cluster="labels.strict_sg_rules")
    """Whether the security groups of the nodes get only the rules that are required. If it is not set, NKS creates a cluster without
    this restriction.
    """

    service_cluster_ip_range = Row(CIDR, cluster="labels.service_cluster_ip_range")
    """Network of the Kubernetes services (ClusterIP), a prefix of /24 or shorter. If it is not set, NKS uses C(10.254.0.0/16).

    It must not overlap O(subnet), O(pods_network_cidr), 169.254.0.0/16 or 198.18.0.0/19.
    """

    pods_network_cidr = Row(CIDR, cluster="labels.pods_network_cidr", fixed=FIXED_WITHOUT_CNI)
    """Network of the pods, a prefix of /24 or shorter. If it is not set, NKS uses C(10.100.0.0/16).

    It must not overlap O(subnet), O(service_cluster_ip_range), 169.254.0.0/16 or 198.18.0.0/19.
    """

    pods_network_subnet = Row(
        INTEGER,
        cluster="labels.pods_network_subnet",
        low=20,
        high=28,
        fixed=FIXED_WITHOUT_CNI,
    )
    """Prefix length of the pod subnet of one node, 20 to 28, and at least 2 longer than the prefix of O(pods_network_cidr). If it is
    not set, NKS uses 24.
    """

    ncr_sgw = Row(
        UUID,
        cluster="labels.ncr_sgw",
        ref="service_gateway",
        change="update_service_gateways",
        # Without gateways the label is empty or missing.
        absent="",
    )
    """Name or UUID of the service gateway for NHN Container Registry (NCR), in the cluster's network.

    It is required, together with O(obs_sgw), to create a cluster in a O(subnet) that is not attached to an internet gateway.

    It can be changed for a cluster that was created with service gateways. NKS expects both gateways in each change; the one that
    you do not set keeps its current value.
    """

    obs_sgw = Row(
        UUID,
        cluster="labels.obs_sgw",
        ref="service_gateway",
        change="update_service_gateways",
        absent="",
    )
    """Name or UUID of the service gateway for Object Storage (OBS), in the cluster's network. See O(ncr_sgw)."""

    cni = Row(
        TEXT,
        cluster="labels.cni_driver",
        aliases=["cni_driver"],
        change="update_cni",
        choices=["calico", "calico-ebpf"],
    )
    """CNI of the cluster. V(calico) is Calico-VXLAN and V(calico-ebpf) is Calico-eBPF.

    On an existing cluster, the API guide offers only the change from Flannel to V(calico), with a new O(pods_network_cidr). The
    public cloud removed this operation in May 2025; there, the task fails with the error that NKS returns.
    """


class CommonOptions:
    """Options of clusters and node groups whose values have a structure of their own."""

    autoscale = Row(Settings(AutoscaleOptions, table(AutoscaleOptions)), change="set_autoscale")
    """Settings of the cluster autoscaler. Settings that you omit keep their current value; at creation NKS uses its defaults.

    While the autoscaler is on, it decides the number of nodes, and this module never resizes the group. Any current number of nodes is
    accepted if O(node_count) is within the autoscaler's limits; otherwise the task fails.
    """

    labels = Row(LABELS, fixed=FIXED_LABELS)
    """Additional labels of the API, by name, for settings that have no option. They are sent as they are; a dictionary or list becomes
    JSON text.

    The task fails on a label for which there is an option.
    """


class ReconcileOptions:
    """Options about differences, and about changes that replace one node after the other."""

    immutable = Row(TEXT, choices=["fail", "warn"], default="fail", fixed="")
    """What happens if an option differs from the current value and cannot be changed after creation.

    With V(fail) the task fails before anything is changed, also in check mode, and names the option, its current value and the desired
    value.

    With V(warn) the current value is kept and the module issues a warning.
    """

    num_buffer_nodes = Row(INTEGER, low=0, fixed="")
    """Number of nodes added during an upgrade of a node group or a change of the flavor or of the CNI. They are billed. 0 is a valid
    value.

    If it is not set, NKS uses 1.
    """

    num_max_unavailable_nodes = Row(INTEGER, low=1, fixed="")
    """Number of nodes that can be unavailable at the same time during an upgrade of a node group or a change of the flavor or of the
    CNI.

    If it is not set, NKS uses 1.
    """


class NodegroupReconcileOptions:
    """Options about differences that only node groups have."""

    immutable = Row(TEXT, choices=["fail", "warn", "replace"], default="fail", fixed="")
    """What happens if an option differs from the current value and cannot be changed after creation.

    With V(fail) the task fails before anything is changed, also in check mode, and names the option, its current value and the desired
    value.

    With V(warn) the current value is kept and the module issues a warning.

    With V(replace) the node group is replaced without losing its name. The module creates the node group O(replacement_name) with the
    desired options, deletes the old node group, creates it again under its name, and deletes the node group O(replacement_name). NKS drains
    the nodes of a node group that is deleted. Options that you omit keep the value of the old node group. If the run is interrupted, run the
    task again: it resumes. While both node groups exist, both are billed.

    V(replace) is not possible for node group V(default-worker), and not with O(wait=false).
    """

    replacement_name = Row(TEXT, fixed="", added="1.1.0")
    """With O(immutable=replace), the name of the node group that takes over the workload while the node group is replaced. It must not be the
    name of a node group that you use.

    If it is not set, the module uses the first 28 characters of the name of the node group, followed by C(-tmp).
    """


NODEGROUP = table(NodegroupOptions)
#: In nks_cluster, options of node groups apply to the first one, and the version is that of the
#: cluster.
CLUSTER = {
    **table(ClusterOptions),
    **{name: row for name, row in NODEGROUP.items() if name != "kubernetes_version"},
}
AUTOSCALE = table(AutoscaleOptions)
COMMON = table(CommonOptions)
RECONCILE = table(ReconcileOptions)
#: Node groups can be replaced, clusters cannot.
GROUP_RECONCILE = {
    **table(NodegroupReconcileOptions),
    **{name: row for name, row in RECONCILE.items() if name != "immutable"},
}

#: Labels without an option that the API guide lists for creations (Create a Node Group and Create a
#: Cluster, current version), of node groups and of clusters only. What else a resource shows is the
#: service's own.
GROUP_LABELS = (
    "user_script",
    "ca_pod_replicas",
    "mba_scale_out",
    "mba_scale_in",
    "fip_auto_bind_enable",
    "fip_bind_subnet",
    "fip_selector",
    "k8s_node_labels",
)
CLUSTER_LABELS = ("control_plane_log", "etcd_volume_size", "skm")

#: Options of modules that refer to something and have no row.
REFERENCES = ("cluster", "name", "nodegroup", "nodes", "nodes_to_remove", "uuid")


def owned_labels() -> dict[str, str]:
    """Label -> the option that it belongs to."""
    owned = {}
    for row in [*CLUSTER.values(), *NODEGROUP.values()]:
        for path in (row.cluster, row.group):
            if _label(path):
                owned[_label(path)] = row.option
    owned.update({str(row.group): "autoscale." + row.option for row in AUTOSCALE.values()})
    return owned


def normalized(options: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a task's options with one spelling for every UUID, so that comparisons, messages
    and requests have the same one.

    :param options: a module's options as Ansible validated them.
    """
    plain = dict(options)
    for option in (*REFERENCES, *(row.option for row in CLUSTER.values() if row.ref)):
        value = plain.get(option)
        if isinstance(value, list):
            plain[option] = [wire.one_spelling(item) for item in value]
        elif value is not None:
            plain[option] = wire.one_spelling(value)
    if plain.get("extra_security_groups"):
        plain["extra_security_groups"] = [
            dict(
                item,
                subnet=wire.one_spelling(item["subnet"]),
                security_groups=[wire.one_spelling(ref) for ref in item["security_groups"]],
            )
            for item in plain["extra_security_groups"]
        ]
    if plain.get("external_subnets") == []:
        # Only a cluster without external_network has no external subnets, so an empty list means
        # that the option is not set.
        plain["external_subnets"] = None
    return plain
