# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service accepts, checked before anything is sent: one clear sentence instead of a 400 without a body.

Source: NKS user guide (names, node groups, autoscaler, user script, extra volumes and security groups) and NKS API guide
(Create a Cluster: rules for CIDRs). Limits that a quota can raise (10 nodes, 3 groups) are left to the service.
"""

from __future__ import annotations

import ipaddress
import re

from ansible_collections.nhncloud.nks.plugins.module_utils import fields, names, wire
from ansible_collections.nhncloud.nks.plugins.module_utils.errors import BadInput, NksError

NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
VERSION = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+")
MAX_SCRIPT = 64 * 1024
MAX_VOLUMES = 3
MAX_VOLUME_SIZE = 2048
MAX_SECURITY_GROUPS = 8
DEFAULT_PODS = "10.100.0.0/16"
DEFAULT_PODS_SUBNET = 24
DEFAULT_SERVICES = "10.254.0.0/16"
RESERVED = (("169.254.0.0/16", "the link-local range"), ("198.18.0.0/19", "a range that NKS uses itself"))
#: Up to this version nodes have Docker's bridge.
LAST_WITH_BRIDGE = "v1.23.3"
BRIDGE = ("172.17.0.0/16", "the bridge network of nodes up to v1.23.3")


def check_name(option, name):
    """A name for something new.

    :raises BadInput: with the rule.
    """
    if names.is_uuid(name):
        raise BadInput(option, name, "has the form of a UUID, and there is nothing with it", "give a name to create something new")
    if not NAME.fullmatch(name):
        raise BadInput(option, name, "is not a name that NKS takes", "use 1 to 32 of a-z, 0-9 and '-', beginning with a letter and not ending in '-'")


def check_options(options):
    """Every rule that needs nothing but the options themselves.

    :param options: a module's options; only those that are there and not None are looked at.
    :raises BadInput: for the first one that cannot be right.
    """
    given = {option: value for option, value in options.items() if value is not None}
    for option, least in (
        ("node_count", 1),
        ("boot_volume_size", 1),
        ("num_buffer_nodes", 0),
        ("num_max_unavailable_nodes", 1),
        ("wait_timeout", 1),
        ("renew_before_days", 0),
    ):
        if option in given and given[option] < least:
            raise BadInput(option, given[option], "is too small", "give %d or more" % least)
    if given.get("wait_interval", 1) <= 0:
        raise BadInput("wait_interval", given["wait_interval"], "is not a time", "give seconds above 0")
    for option in ("name", "cluster", "nodegroup"):
        if option in given and str(given[option]).strip() in ("", ".", ".."):
            raise BadInput(option, given[option], "is neither a name nor a UUID", "give one of them")
    if "kubernetes_version" in given and not VERSION.fullmatch(given["kubernetes_version"]):
        raise BadInput("kubernetes_version", given["kubernetes_version"], "is not a version as NKS writes it", "write it like v1.31.4")
    if given.get("user_script"):
        _check_script(given["user_script"])
    if "extra_volumes" in given:
        _check_volumes(given["extra_volumes"])
    subnets = {}
    for item in given.get("extra_security_groups", []):
        subnets.setdefault(item["subnet"], set()).update(item["security_groups"])
    for subnet, groups in subnets.items():
        if not 1 <= len(groups) <= MAX_SECURITY_GROUPS:
            raise BadInput("extra_security_groups", subnet, "has %d security groups" % len(groups), "give 1 to %d for a subnet" % MAX_SECURITY_GROUPS)
    if "autoscale" in given:
        check_autoscale(given["autoscale"], "autoscale.")
    _check_pairs(given)
    _check_cidrs(given)
    owned = fields.owned_labels()
    for label in given.get("labels", {}):
        if label in owned:
            raise BadInput("labels", label, "has an option of its own", "use the option %s" % owned[label])


def check_autoscale(settings, prefix=""):
    """Ranges of the autoscaler's settings (NKS user guide, Cluster Autoscaler).

    :param settings: option -> value or None.
    :param prefix: "autoscale." where the settings stand inside that option.
    :raises BadInput: out of range, or minimum over maximum.
    """
    for setting in fields.AUTOSCALE:
        value = settings.get(setting.option)
        if value is None or setting.low is None:
            continue
        # With the autoscaler off the service keeps zeros as the counts (observed).
        low = 0 if setting.option.endswith("node_count") and not settings.get("enabled") else setting.low
        if value < low or (setting.high is not None and value > setting.high):
            remedy = "give %d or more" % low if setting.high is None else "give %d to %d" % (low, setting.high)
            raise BadInput(prefix + setting.option, value, "is out of range", remedy)
    low, high = settings.get("min_node_count"), settings.get("max_node_count")
    if low is not None and high is not None and low > high:
        raise BadInput(prefix + "min_node_count", low, "is more than max_node_count (%d)" % high, "let the minimum be at most the maximum")


def check_creation(options, table, nodegroup=False):
    """What only matters when something is created.

    :param options: the options given, by name.
    :param table: rows of :mod:`fields`.
    :raises NksError: an option is missing that the service needs.
    """
    missing = [
        field.option
        for field in table
        if field.required and options.get(field.option) in (None, "") and not (nodegroup and field.option not in _group_options())
    ]
    if missing:
        raise NksError(
            "%s '%s' is not there, and to create it these options are missing: %s."
            % ("Node group" if nodegroup else "Cluster", options.get("name"), ", ".join(missing))
        )
    check_name("name", options["name"])
    if options.get("public_api_endpoint") and not options.get("external_network"):
        raise BadInput("public_api_endpoint", True, "needs a network with an internet gateway", "set external_network too")
    if options.get("external_subnets") and not options.get("external_network"):
        raise BadInput("external_subnets", ", ".join(options["external_subnets"]), "has no network", "set external_network too")
    settings = options.get("autoscale") or {}
    if settings.get("enabled"):
        low = settings.get("min_node_count") or 1
        high = settings.get("max_node_count") or 10
        count = options.get("node_count") or 1
        if not low <= count <= high:
            raise BadInput("node_count", count, "is outside the autoscaler's %d to %d nodes" % (low, high), "choose a count between them, or other bounds")


def check_subnets(options, cidrs):
    """The rules for CIDRs against the subnets of the cluster, where a look-up told them.

    :param cidrs: list of (option, cidr).
    :raises BadInput: a subnet that NKS does not take, or two ranges overlap.
    """
    ranges = _ranges(options)
    for option, cidr in cidrs:
        try:
            network = ipaddress.ip_network(cidr, strict=False)
        except ValueError:
            # What the look-up says is not ours to judge.
            continue
        _check_range(option, cidr, network, _reserved(options), "choose a subnet with a prefix of /24 or shorter", "choose another subnet")
        for other, (value, other_network) in ranges.items():
            if network.version == other_network.version and network.overlaps(other_network):
                raise BadInput(other, value, "overlaps %s (%s)" % (option, cidr), "choose another range")


def check_disk(image, boot_volume_size):
    """The boot volume holds the image, where a look-up told its minimum.

    :raises BadInput: it does not.
    """
    least = wire.read("int", image.get("min_disk"))
    if isinstance(least, int) and boot_volume_size is not None and boot_volume_size < least:
        raise BadInput("boot_volume_size", boot_volume_size, "is too small for image %s" % image.get("name"), "give %d (GB) or more" % least)


def _group_options():
    return {field.option for field in fields.NODEGROUP if field.required}


def _check_script(script):
    size = len(script.encode("utf-8", "replace"))
    if size > MAX_SCRIPT:
        raise BadInput("user_script", None, "has %d bytes" % size, "keep it to %d (64 KB)" % MAX_SCRIPT)
    if not script.startswith("#!"):
        raise BadInput("user_script", None, "does not begin with '#!'", "name the interpreter in its first line, as in #!/bin/bash")


def _check_volumes(volumes):
    if len(volumes) > MAX_VOLUMES:
        raise BadInput("extra_volumes", "%d volumes" % len(volumes), "is too many", "give at most %d" % MAX_VOLUMES)
    for item in volumes:
        if not 1 <= item["size"] <= MAX_VOLUME_SIZE:
            raise BadInput("extra_volumes.size", item["size"], "is out of range", "give 1 to %d (GB)" % MAX_VOLUME_SIZE)
        if item.get("mount_path") and not item["mount_path"].startswith("/"):
            raise BadInput("extra_volumes.mount_path", item["mount_path"], "is not an absolute path", "begin it with '/'")


def _check_pairs(given):
    networks, subnets = given.get("additional_networks"), given.get("additional_subnets")
    if networks is not None and subnets is not None and len(networks) != len(subnets):
        raise BadInput(
            "additional_subnets",
            "%d subnets" % len(subnets),
            "does not go with %d additional_networks" % len(networks),
            "give one subnet for each network, in the same order",
        )


def _network(option, value):
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        pass
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise BadInput(option, value, "is not a network", "write it like 10.100.0.0/16") from None
    raise BadInput(option, value, "has bits set behind its prefix", "write %s" % network)


def _ranges(options):
    """The pods' and the services' networks, with the service's defaults: option -> (value, network)."""
    ranges = {}
    for option, default in (("pods_network_cidr", DEFAULT_PODS), ("service_cluster_ip_range", DEFAULT_SERVICES)):
        value = options.get(option) or default
        ranges[option] = (value, _network(option, value))
    return ranges


def _reserved(options):
    """Ranges that no network of a cluster may touch: list of (CIDR, what it is)."""
    old = wire.version_key(options.get("kubernetes_version") or "v9.9.9") <= wire.version_key(LAST_WITH_BRIDGE)
    return RESERVED + ((BRIDGE,) if old else ())


def _check_range(option, value, network, reserved, larger, elsewhere):
    """The rules for one range; the last two arguments are the remedies."""
    if network.prefixlen > 24 and network.version == 4:
        raise BadInput(option, value, "is too small a network", larger)
    for other, meaning in reserved:
        if network.overlaps(ipaddress.ip_network(other)):
            raise BadInput(option, value, "overlaps %s, %s" % (other, meaning), elsewhere)


def _check_cidrs(given):
    if not any(option in given for option in ("pods_network_cidr", "service_cluster_ip_range", "pods_network_subnet")):
        return
    ranges = _ranges(given)
    for option, (value, network) in ranges.items():
        if option not in given:
            continue
        if network.version != 4:
            raise BadInput(option, value, "is not an IPv4 network", "write it like 10.100.0.0/16")
        _check_range(option, value, network, _reserved(given), "give a prefix of /24 or shorter", "choose another range")
    (pods_value, pods), (services_value, services) = ranges["pods_network_cidr"], ranges["service_cluster_ip_range"]
    if pods.overlaps(services):
        option, value, other = (
            ("pods_network_cidr", pods_value, "service_cluster_ip_range (%s)" % services_value)
            if "pods_network_cidr" in given
            else ("service_cluster_ip_range", services_value, "pods_network_cidr (%s)" % pods_value)
        )
        raise BadInput(option, value, "overlaps %s" % other, "choose another range")
    size = given.get("pods_network_subnet", DEFAULT_PODS_SUBNET)
    option, value = ("pods_network_subnet", size) if "pods_network_subnet" in given else ("pods_network_cidr", pods_value)
    if not 20 <= size <= 28:
        raise BadInput(option, value, "is out of range", "give 20 to 28")
    if size < pods.prefixlen + 2:
        raise BadInput(
            option,
            value,
            "leaves no room: the pods' subnet (/%d) must be at least 2 longer than the prefix of the pods' network (/%d)" % (size, pods.prefixlen),
            "give a larger network or a longer subnet prefix",
        )
