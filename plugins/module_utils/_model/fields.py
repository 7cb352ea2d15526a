# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of options: what each is called on the wire, where it is read back, how it is compared, how it is changed.

One row per option, used for the argument spec, the body of a creation, the comparison and the texts of refusals.
Source: NKS API guide (Create a Cluster, Create a Node Group, Get a Node Group) and replies observed on the public cloud,
where the settings of the first node group stand in node group ``default-worker`` and not on the cluster.
"""

from __future__ import annotations

import ipaddress
import json

from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

#: The service does not show the value, so there is nothing to compare with.
UNKNOWN = object()
#: The first node group; never called default by the service (``is_default`` is false for it).
DEFAULT_GROUP = "default-worker"

ARGUMENT_TYPES = {
    "text": {"type": "str"},
    "uuid": {"type": "str"},
    "cidr": {"type": "str"},
    "script": {"type": "str"},
    "int": {"type": "int"},
    "bool": {"type": "bool"},
    "uuid_list": {"type": "list", "elements": "str"},
    "uuid_set": {"type": "list", "elements": "str"},
}


class Field:
    """One option.

    :param option: its name.
    :param kind: how it is written, read and compared; a key of ARGUMENT_TYPES, "volumes" or "security_groups".
    :param cluster: its path in a cluster ("flavor_id", "labels.kube_tag"); None where clusters don't have it.
    :param group: its path in a node group; a field that has one is read back from the node group.
    :param ref: the kind of resource that it refers to; see :meth:`names.Names.resources`.
    :param change: the action that changes it later; None for what is fixed at creation.
    :param required: whether a creation needs it.
    :param sent: whether a node group's creation sends it (its version follows the control plane's).
    :param secret: whether the value must not be shown.
    :param spec: further keys of the argument spec.
    """

    def __init__(self, option, kind, cluster=None, group=None, aliases=(), ref=None, change=None, required=False, sent=True, secret=False, **spec):
        self.option = option
        self.kind = kind
        self.cluster = cluster
        self.group = group
        self.aliases = list(aliases)
        self.ref = ref
        self.change = change
        self.required = required
        self.sent = sent
        self.secret = secret
        self.spec = spec

    def argument(self):
        """The option's entry of the argument spec."""
        entry = dict(ARGUMENT_TYPES.get(self.kind, {}), **self.spec)
        if self.aliases:
            entry["aliases"] = self.aliases
        if self.secret:
            entry["no_log"] = True
        return entry

    def present(self, cluster, group):
        """The present value in the option's own form, or UNKNOWN.

        :param cluster: the typed cluster, or None for a node group's task.
        :param group: the typed node group; None where it was not read.
        """
        holder, path = (group, self.group) if self.group else (cluster, self.cluster)
        value = _get(holder, path)
        if cluster is not None and self.group and self.cluster != self.group and self.cluster.startswith("labels."):
            # The first node group keeps what it was created with under the cluster's label; upstream Magnum shows the
            # template's image as its image_id.
            label = _get(group, self.cluster)
            value = value if label in (UNKNOWN, None, "") else label
        if self.kind == "script" and value in (UNKNOWN, None, ""):
            # Without a script the label is empty (as in the guide's example) or not there (observed).
            return "" if holder is not None else UNKNOWN
        if self.change == "update_service_gateways" and value in (UNKNOWN, None):
            # Without gateways the label is empty or not there.
            return "" if holder is not None else UNKNOWN
        if value is None or (value == "" and self.kind != "uuid"):
            return UNKNOWN
        return value if value is UNKNOWN else from_wire(self.kind, value)

    def put(self, body, value, nodegroup=False):
        """Write the value into the body of a creation."""
        path = self.group if nodegroup else self.cluster
        head, _dot, label = path.partition(".")
        if label:
            body.setdefault("labels", {})[label] = to_label(self.kind, value)
        else:
            body[head] = value

    def show(self, value):
        """The value as it may stand in a diff."""
        if value is UNKNOWN or value is None:
            return None
        if self.kind in ("uuid", "uuid_list", "uuid_set"):
            value = [wire.one_spelling(item) for item in value] if isinstance(value, list) else wire.one_spelling(value)
        if self.kind in ("uuid_set", "volumes"):
            # In one order, whatever order the service lists them in: check mode and the real run tell the same.
            value = sorted(value, key=str if self.kind == "uuid_set" else _volume_order)
        elif self.kind == "security_groups":
            value = [dict(item, security_groups=sorted(item["security_groups"], key=str)) for item in value]
        return wire.HIDDEN if self.secret and value else wire.masked(value)


def _group(name):
    return "labels." + name


#: Rows that node groups have; in nks_cluster they are those of the first node group.
NODEGROUP = [
    Field("flavor", "uuid", "flavor_id", "flavor_id", ["flavor_id"], ref="flavor", change="change_flavor", required=True),
    Field("image", "uuid", "labels.node_image", "image_id", ["node_image"], ref="image", required=True),
    Field("availability_zone", "text", "labels.availability_zone", "labels.availability_zone", required=True),
    Field("node_count", "int", "node_count", "node_count", change="resize"),
    Field("boot_volume_type", "text", "labels.boot_volume_type", "labels.boot_volume_type", required=True),
    Field("boot_volume_size", "int", "labels.boot_volume_size", "labels.boot_volume_size", required=True),
    Field("boot_volume_key_id", "text", "labels.boot_volume_key_id", "labels.boot_volume_key_id", no_log=False),
    Field("boot_volume_appkey", "text", "labels.boot_volume_appkey", "labels.boot_volume_appkey", secret=True),
    Field(
        "additional_networks",
        "uuid_list",
        "labels.additional_network_id_list",
        "labels.additional_network_id_list",
        ["additional_network_id_list"],
        ref="network",
    ),
    Field(
        "additional_subnets",
        "uuid_list",
        "labels.additional_subnet_id_list",
        "labels.additional_subnet_id_list",
        ["additional_subnet_id_list"],
        ref="subnet",
    ),
    Field(
        "extra_security_groups",
        "security_groups",
        "labels.extra_security_groups",
        "labels.extra_security_groups",
        type="list",
        elements="dict",
        options={
            "subnet": {"type": "str", "required": True},
            "security_groups": {"type": "list", "elements": "str", "required": True},
        },
    ),
    Field(
        "extra_volumes",
        "volumes",
        "labels.extra_volumes",
        "labels.extra_volumes",
        type="list",
        elements="dict",
        options={
            "type": {"type": "str", "required": True},
            "size": {"type": "int", "required": True},
            "key_id": {"type": "str", "no_log": False},
            "appkey": {"type": "str", "no_log": True},
            "mount_path": {"type": "str"},
        },
    ),
    Field("user_script", "script", "labels.user_script_v2", "labels.user_script_v2", change="change_user_script"),
    Field("kubernetes_version", "text", "labels.kube_tag", "labels.kube_tag", ["kube_tag"], change="upgrade", sent=False),
]

#: Rows that only clusters have.
CLUSTER_ONLY = [
    # no_log=False: for Ansible a name with "key" in it is a secret unless told otherwise.
    Field("keypair", "text", "keypair", required=True, no_log=False),
    Field("network", "uuid", "fixed_network", aliases=["fixed_network"], ref="network", required=True),
    Field("subnet", "uuid", "fixed_subnet", aliases=["fixed_subnet"], ref="subnet", required=True),
    Field("external_network", "uuid", "labels.external_network_id", aliases=["external_network_id"], ref="external_network"),
    Field("external_subnets", "uuid_set", "labels.external_subnet_id_list", aliases=["external_subnet_id_list"], ref="external_subnet"),
    Field("kubernetes_version", "text", "labels.kube_tag", aliases=["kube_tag"], change="upgrade", required=True),
    Field("public_api_endpoint", "bool", "labels.master_lb_floating_ip_enabled", aliases=["master_lb_floating_ip_enabled"]),
    Field("strict_sg_rules", "bool", "labels.strict_sg_rules"),
    Field("service_cluster_ip_range", "cidr", "labels.service_cluster_ip_range"),
    Field("pods_network_cidr", "cidr", "labels.pods_network_cidr"),
    Field("pods_network_subnet", "int", "labels.pods_network_subnet"),
    Field("ncr_sgw", "uuid", "labels.ncr_sgw", ref="service_gateway", change="update_service_gateways"),
    Field("obs_sgw", "uuid", "labels.obs_sgw", ref="service_gateway", change="update_service_gateways"),
    Field("cni", "text", "labels.cni_driver", aliases=["cni_driver"], change="update_cni", choices=["calico", "calico-ebpf"]),
]

CLUSTER = CLUSTER_ONLY + [field for field in NODEGROUP if field.option != "kubernetes_version"]


class Setting:
    """One setting of the autoscaler.

    :param option: the option's name.
    :param label: the API's name.
    :param low: smallest value that the service takes (NKS user guide, Cluster Autoscaler).
    :param high: largest one; None where a quota decides.
    """

    def __init__(self, option, label, kind, low=None, high=None):
        self.option = option
        self.label = label
        self.kind = kind
        self.low = low
        self.high = high


AUTOSCALE = [
    Setting("enabled", "ca_enable", "bool"),
    Setting("min_node_count", "ca_min_node_count", "int", 1),
    Setting("max_node_count", "ca_max_node_count", "int", 1),
    Setting("scale_down_enabled", "ca_scale_down_enable", "bool"),
    Setting("scale_down_unneeded_time", "ca_scale_down_unneeded_time", "int", 1, 1440),
    Setting("scale_down_utilization_threshold", "ca_scale_down_util_thresh", "int", 1, 100),
    Setting("scale_down_delay_after_add", "ca_scale_down_delay_after_add", "int", 10, 1440),
]


def autoscale_arguments():
    """The autoscaler's settings as an argument spec."""
    return {
        setting.option: dict(type=setting.kind, aliases=[setting.label], **({"required": True} if setting.option == "enabled" else {})) for setting in AUTOSCALE
    }


def arguments(table):
    """The rows as an argument spec."""
    return {field.option: field.argument() for field in table}


def further_labels(given):
    """The user's own labels as they are sent: objects and lists as JSON text, the rest as given."""
    return {name: wire.write_any(value) for name, value in given.items()}


def owned_labels():
    """Label -> the option that stands for it."""
    owned = {}
    for field in CLUSTER + NODEGROUP:
        for path in (field.cluster, field.group):
            if path and path.startswith("labels."):
                owned[path[len("labels.") :]] = field.option
    owned.update({setting.label: "autoscale." + setting.option for setting in AUTOSCALE})
    return owned


#: Options of modules that refer to something and are no rows of the table.
REFERENCES = ("cluster", "name", "nodegroup", "nodes", "nodes_to_remove", "uuid")


def normalized(options):
    """A copy of a task's options with one spelling for every UUID, so that comparisons, messages and requests have the same one.

    :param options: a module's options as Ansible validated them.
    """
    references = REFERENCES + tuple(field.option for field in CLUSTER if field.ref)
    plain = dict(options)
    for option in references:
        value = plain.get(option)
        if isinstance(value, list):
            plain[option] = [wire.one_spelling(item) for item in value]
        elif value is not None:
            plain[option] = wire.one_spelling(value)
    if plain.get("extra_security_groups"):
        plain["extra_security_groups"] = [
            dict(item, subnet=wire.one_spelling(item["subnet"]), security_groups=[wire.one_spelling(ref) for ref in item["security_groups"]])
            for item in plain["extra_security_groups"]
        ]
    if plain.get("external_subnets") == []:
        # A cluster without any is one without external_network, so an empty list can only mean that the option is left out.
        plain["external_subnets"] = None
    return plain


def equal(kind, wanted, present):
    """Whether two values in the option's form mean the same; UNKNOWN equals everything."""
    if present is UNKNOWN:
        return True
    if kind == "volumes":
        return _same_volumes(wanted, present)
    return _comparable(kind, wanted) == _comparable(kind, present)


def equal_labels(wanted, present):
    """Whether a label of the user's own means what the service shows: booleans in any case, JSON by its content, other texts exactly."""
    return _meaning(wanted) == _meaning(present)


def from_wire(kind, value):
    """A typed label or field in the option's form."""
    if kind == "volumes":
        return [_volume(item) for item in value if isinstance(item, dict)] if isinstance(value, list) else UNKNOWN
    if kind == "security_groups":
        if not isinstance(value, list):
            return UNKNOWN
        return [
            {"subnet": item.get("target_subnet"), "security_groups": wire.read_list(item.get("security_group_ids"), ",")}
            for item in value
            if isinstance(item, dict)
        ]
    if kind in ("uuid_list", "uuid_set"):
        return wire.read_list(value, ":")
    return value


def to_label(kind, value):
    """An option's value as a label of a creation. Volumes and security groups are real lists there."""
    if kind == "volumes":
        return [{"volume_" + key: item[key] for key in ("type", "size", "key_id", "appkey", "mount_path") if item.get(key) is not None} for item in value]
    if kind == "security_groups":
        return [{"target_subnet": item["subnet"], "security_group_ids": ",".join(item["security_groups"])} for item in value]
    return wire.write({"bool": "bool", "uuid_list": "colon_list", "uuid_set": "colon_list"}.get(kind), value)


def _comparable(kind, value):
    """A form in which equal values are equal."""
    if kind == "cidr":
        try:
            return str(ipaddress.ip_network(str(value), strict=False))
        except ValueError:
            return value
    if kind == "uuid":
        return _reference(value)
    if kind == "uuid_list":
        return [_reference(item) for item in value]
    if kind == "uuid_set":
        return {_reference(item) for item in value}
    if kind == "security_groups":
        groups = {}
        for item in value:
            groups.setdefault(_reference(item["subnet"]), set()).update(_reference(group) for group in item["security_groups"])
        return groups
    if kind == "text":
        return str(value)
    return value


def _volume_order(volume):
    return str(volume.get("mount_path") or ""), str(volume.get("type")), str(volume.get("size"))


def _reference(value):
    return wire.one_spelling(str(value)).lower()


def _volume(item):
    """A volume of the wire as the option has it, without what is empty."""
    plain = {key[len("volume_") :]: value for key, value in item.items() if key.startswith("volume_")}
    plain["size"] = wire.read("int", plain.get("size"))
    return {key: value for key, value in plain.items() if value not in (None, "")}


def _same_volumes(wanted, present):
    """Whether the volumes can be paired so that each pair is the same; they are a set, which the service may show in another order.

    At most three of them can be wanted, so to try all pairings costs nothing.
    """
    if len(wanted) != len(present):
        return False
    if not wanted:
        return True
    return any(_same_volume(wanted[0], other) and _same_volumes(wanted[1:], present[:place] + present[place + 1 :]) for place, other in enumerate(present))


def _same_volume(wanted, present):
    """What the user gave, where the service shows it; a mount path that the service chose is no difference."""
    return all(value is None or key not in present or present[key] == value for key, value in wanted.items())


def _meaning(value):
    """A label in a form in which equal ones are equal.

    The service shows booleans in any case, and JSON text with other blanks and in another order than it was sent in (observed).
    """
    if isinstance(value, str):
        if value.strip().lower() in ("true", "false"):
            return value.strip().lower()
        if value.strip()[:1] not in ("{", "["):
            # Numbers too: "1.10" is not "1.1".
            return value
        try:
            return _meaning(json.loads(value))
        except (ValueError, RecursionError):
            return value
    if isinstance(value, dict):
        return {str(key): _meaning(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_meaning(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, (int, float)) else value


def _get(holder, path):
    """The value at a path of one or two parts, UNKNOWN where there is none."""
    for part in path.split("."):
        if not isinstance(holder, dict) or part not in holder:
            return UNKNOWN
        holder = holder[part]
    return holder
