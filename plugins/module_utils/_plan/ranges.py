# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service accepts as networks of a cluster (NKS API guide, Create a Cluster: rules for CIDRs)."""

from __future__ import annotations

import ipaddress

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

DEFAULT_PODS = "10.100.0.0/16"
DEFAULT_PODS_SUBNET = 24
DEFAULT_SERVICES = "10.254.0.0/16"
RESERVED = (
    ("169.254.0.0/16", "the link-local range"),
    ("198.18.0.0/19", "a range that NKS uses itself"),
)
#: Up to this version nodes have Docker's bridge.
LAST_WITH_BRIDGE = "v1.23.3"
BRIDGE = ("172.17.0.0/16", "the bridge network of nodes up to v1.23.3")


def check_subnets(options, cidrs):
    """The rules for CIDRs against the subnets of the cluster, where a look-up told them.

    :param cidrs: list of (option, cidr).
    :raises BadInput: a subnet that NKS does not take, or two ranges overlap.
    """
    ranges = _ranges(options)
    seen = []
    for option, cidr in cidrs:
        try:
            network = ipaddress.ip_network(cidr, strict=False)
        except ValueError:
            # What the look-up says is not ours to judge.
            continue
        _check_range(
            option,
            cidr,
            network,
            _reserved(options),
            "choose a subnet with a prefix of /24 or shorter",
            "choose another subnet",
        )
        for other, (value, other_network) in ranges.items():
            if network.version == other_network.version and network.overlaps(other_network):
                raise BadInput(
                    other, value, "overlaps %s (%s)" % (option, cidr), "choose another range"
                )
        for other, value, other_network in seen:
            if network.version == other_network.version and network.overlaps(other_network):
                raise BadInput(
                    option, cidr, "overlaps %s (%s)" % (other, value), "choose another subnet"
                )
        seen.append((option, cidr, network))


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
    for option, default in (
        ("pods_network_cidr", DEFAULT_PODS),
        ("service_cluster_ip_range", DEFAULT_SERVICES),
    ):
        value = options.get(option) or default
        ranges[option] = (value, _network(option, value))
    return ranges


def _reserved(options):
    """Ranges that no network of a cluster may touch: list of (CIDR, what it is)."""
    old = wire.version_key(options.get("kubernetes_version") or "v9.9.9") <= wire.version_key(
        LAST_WITH_BRIDGE
    )
    return RESERVED + ((BRIDGE,) if old else ())


def _check_range(option, value, network, reserved, larger, elsewhere):
    """The rules for one range; the last two arguments are the remedies."""
    if network.prefixlen > 24 and network.version == 4:
        raise BadInput(option, value, "is too small a network", larger)
    for other, meaning in reserved:
        if network.overlaps(ipaddress.ip_network(other)):
            raise BadInput(option, value, "overlaps %s, %s" % (other, meaning), elsewhere)


def check_cidrs(options, creating=False):
    """The rules for the pods' and the services' networks.

    :param options: option -> value.
    :param creating: whether the service's defaults stand for what is not given. A cluster that is there has values of its own,
        which the options do not show, so only what was given is checked.
    :raises BadInput: one cannot be right.
    """
    ranges = _ranges(options)
    given = [option for option in ranges if options.get(option)]
    for option in given:
        value, network = ranges[option]
        if network.version != 4:
            raise BadInput(option, value, "is not an IPv4 network", "write it like 10.100.0.0/16")
        _check_range(
            option,
            value,
            network,
            _reserved(options),
            "give a prefix of /24 or shorter",
            "choose another range",
        )
    (pods_value, pods), (services_value, services) = (
        ranges["pods_network_cidr"],
        ranges["service_cluster_ip_range"],
    )
    if pods.overlaps(services) and (creating or len(given) == 2):
        option, value, other = (
            ("pods_network_cidr", pods_value, "service_cluster_ip_range (%s)" % services_value)
            if "pods_network_cidr" in given
            else ("service_cluster_ip_range", services_value, "pods_network_cidr (%s)" % pods_value)
        )
        raise BadInput(option, value, "overlaps %s" % other, "choose another range")
    chosen = options.get("pods_network_subnet")
    size = DEFAULT_PODS_SUBNET if chosen is None else chosen
    option, value = (
        ("pods_network_cidr", pods_value) if chosen is None else ("pods_network_subnet", size)
    )
    if not 20 <= size <= 28:
        raise BadInput(option, value, "is out of range", "give 20 to 28")
    if size < pods.prefixlen + 2 and (
        creating or (chosen is not None and "pods_network_cidr" in given)
    ):
        raise BadInput(
            option,
            value,
            "leaves no room: the pods' subnet (/%d) must be at least 2 longer than the prefix of the pods' network (/%d)"
            % (size, pods.prefixlen),
            "give a larger network or a longer subnet prefix",
        )
