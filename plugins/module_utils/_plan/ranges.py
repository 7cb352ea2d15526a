# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service accepts as networks of a cluster (NKS API guide, Create a Cluster: rules for
CIDRs).
"""

from __future__ import annotations

import ipaddress
from typing import Sequence, Tuple, Union

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import Options

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
#: (CIDR, what it is) of ranges that no network of a cluster may overlap.
Reserved = Tuple[Tuple[str, str], ...]

DEFAULT_PODS = "10.100.0.0/16"
DEFAULT_PODS_SUBNET = 24
DEFAULT_SERVICES = "10.254.0.0/16"
RESERVED = (
    ("169.254.0.0/16", "the link-local range"),
    ("198.18.0.0/19", "a range that NKS uses itself"),
)
#: Nodes up to this version have Docker's bridge.
LAST_WITH_BRIDGE = "v1.23.3"
BRIDGE = ("172.17.0.0/16", "the bridge network of nodes up to v1.23.3")


def check_subnets(options: Options, cidrs: Sequence[tuple[str, str]]) -> None:
    """Check the subnets of the cluster and the networks of the options against each other.

    :param cidrs: list of (option, cidr) of the subnets that were looked up.
    :raises BadInput: a subnet that NKS does not accept, or two ranges overlap.
    """
    ranges = _ranges(options)
    seen: list[tuple[str, str, Network]] = []
    for option, cidr in cidrs:
        try:
            network = ipaddress.ip_network(cidr, strict=False)
        except ValueError:
            # The service shows something else than a network here; this is not an error of the
            # user.
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
            if overlap(network, other_network):
                raise BadInput(
                    other, value, "overlaps %s (%s)" % (option, cidr), "choose another range"
                )
        for other, value, other_network in seen:
            if overlap(network, other_network):
                raise BadInput(
                    option, cidr, "overlaps %s (%s)" % (other, value), "choose another subnet"
                )
        seen.append((option, cidr, network))


def overlap(one: Network, other: Network) -> bool:
    """Whether two networks, of any IP version, have addresses in common."""
    if isinstance(one, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return one.overlaps(other)
    if isinstance(one, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return one.overlaps(other)
    return False


def _network(option: str, value: str) -> Network:
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        pass
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise BadInput(option, value, "is not a network", "use the form 10.100.0.0/16") from None
    raise BadInput(option, value, "has bits set after its prefix", "use %s" % network)


def _ranges(options: Options) -> dict[str, tuple[str, Network]]:
    """The networks of pods and services, with the service's defaults: option -> (value, network)."""
    ranges = {}
    for option, default in (
        ("pods_network_cidr", DEFAULT_PODS),
        ("service_cluster_ip_range", DEFAULT_SERVICES),
    ):
        value = options.get(option) or default
        ranges[option] = (value, _network(option, value))
    return ranges


def _reserved(options: Options) -> Reserved:
    """The ranges that no network of the cluster may overlap."""
    old = wire.version_key(options.get("kubernetes_version") or "v9.9.9") <= wire.version_key(
        LAST_WITH_BRIDGE
    )
    return RESERVED + ((BRIDGE,) if old else ())


def _check_range(
    option: str, value: str, network: Network, reserved: Reserved, larger: str, elsewhere: str
) -> None:
    """Check one range.

    :param larger: the remedy for a network that is too small.
    :param elsewhere: the remedy for an overlap.
    :raises BadInput: the network is too small, or overlaps a reserved range.
    """
    if network.prefixlen > 24 and network.version == 4:
        raise BadInput(option, value, "is too small a network", larger)
    for other, meaning in reserved:
        if overlap(network, ipaddress.ip_network(other)):
            raise BadInput(option, value, "overlaps %s, %s" % (other, meaning), elsewhere)


def check_cidrs(options: Options, creating: bool = False) -> None:
    """Check the networks of pods and services.

    :param options: option -> value.
    :param creating: whether the service's defaults apply to options that are not set. An existing
        cluster has its own values, which the options do not show, so then only the options that are
        set are checked.
    :raises BadInput: a network that NKS does not accept, or two that overlap.
    """
    ranges = _ranges(options)
    given = [option for option in ranges if options.get(option)]
    for option in given:
        value, network = ranges[option]
        if network.version != 4:
            raise BadInput(option, value, "is not an IPv4 network", "use the form 10.100.0.0/16")
        _check_range(
            option,
            value,
            network,
            _reserved(options),
            "use a prefix of /24 or shorter",
            "choose another range",
        )
    (pods_value, pods), (services_value, services) = (
        ranges["pods_network_cidr"],
        ranges["service_cluster_ip_range"],
    )
    if overlap(pods, services) and (creating or len(given) == 2):
        option, value, other = (
            ("pods_network_cidr", pods_value, "service_cluster_ip_range (%s)" % services_value)
            if "pods_network_cidr" in given
            else ("service_cluster_ip_range", services_value, "pods_network_cidr (%s)" % pods_value)
        )
        raise BadInput(option, value, "overlaps %s" % other, "choose another range")
    if creating or (
        options.get("pods_network_subnet") is not None and "pods_network_cidr" in given
    ):
        _check_pods_subnet(options, pods_value, pods)


def _check_pods_subnet(options: Options, pods_value: str, pods: Network) -> None:
    """Check that the pods' network is large enough for the pod subnets of several nodes.

    :raises BadInput: it is not.
    """
    chosen = options.get("pods_network_subnet")
    size = DEFAULT_PODS_SUBNET if chosen is None else chosen
    if size < pods.prefixlen + 2:
        raise BadInput(
            "pods_network_cidr" if chosen is None else "pods_network_subnet",
            pods_value if chosen is None else chosen,
            "does not fit: the prefix of the pod subnet of a node (/%d) must be at least 2 longer "
            "than the prefix of the pods' network (/%d)" % (size, pods.prefixlen),
            "use a larger network or a longer subnet prefix",
        )
