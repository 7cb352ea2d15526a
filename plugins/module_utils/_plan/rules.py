# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service accepts, checked before anything is sent: one clear sentence instead of a 400 without a body.

Source: NKS user guide (names, node groups, autoscaler, user script, extra volumes and security groups) and NKS API guide
(Create a Cluster: rules for CIDRs). Limits that a quota can raise (10 nodes, 3 groups) are left to the service.
"""

from __future__ import annotations

import re

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows

VERSION = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+")
MAX_SCRIPT = 64 * 1024
MAX_VOLUMES = 3
MAX_VOLUME_SIZE = 2048
MAX_SECURITY_GROUPS = 8
#: Types of flavors that can become each other, and the type that keeps its flavor (NKS user guide, Change Instance Flavor).
FLAVORS_THAT_MIX = ("m2", "c2", "r2", "t2", "x1")
FIXED_FLAVOR = "u2"
GPU_FLAVOR = re.compile(r"g[0-9]+")
#: The longest waits that can be asked for (seconds); a clock cannot add whatever number to its time.
MAX_WAIT = 366 * 86400
MAX_INTERVAL = 86400
#: The smallest values of options that have no row.
LEAST = {"wait_timeout": 1, "renew_before_days": 0}


def check_options(options):
    """Every rule that needs nothing but the options themselves.

    :param options: a module's options; only those that are there and not None are looked at.
    :raises BadInput: for the first one that cannot be right.
    """
    given = {option: value for option, value in options.items() if value is not None}
    for row in (*rows.CLUSTER.values(), *rows.RECONCILE.values()):
        if row.option in given:
            _check_limits(row.option, given[row.option], row.low, row.high)
    for option, least in LEAST.items():
        if option in given:
            _check_limits(option, given[option], least)
    if given.get("wait_timeout", 1) > MAX_WAIT:
        raise BadInput(
            "wait_timeout",
            given["wait_timeout"],
            "is too large",
            "give %d (a year) or less" % MAX_WAIT,
        )
    # Not a number is neither above nor below.
    if not 0 < given.get("wait_interval", 1) <= MAX_INTERVAL:
        raise BadInput(
            "wait_interval",
            given["wait_interval"],
            "is not a time",
            "give seconds above 0, %d at most" % MAX_INTERVAL,
        )
    for option in ("name", "cluster", "nodegroup"):
        if option in given and str(given[option]).strip() in ("", ".", ".."):
            raise BadInput(
                option, given[option], "is neither a name nor a UUID", "give one of them"
            )
    if "kubernetes_version" in given and not VERSION.fullmatch(given["kubernetes_version"]):
        raise BadInput(
            "kubernetes_version",
            given["kubernetes_version"],
            "is not a version as NKS writes it",
            "write it like v1.31.4",
        )
    if given.get("user_script"):
        _check_script(given["user_script"])
    if "extra_volumes" in given:
        _check_volumes(given["extra_volumes"])
    subnets = {}
    for item in given.get("extra_security_groups", []):
        subnets.setdefault(item["subnet"], set()).update(item["security_groups"])
    for subnet, groups in subnets.items():
        if not 1 <= len(groups) <= MAX_SECURITY_GROUPS:
            raise BadInput(
                "extra_security_groups",
                subnet,
                "has %d security groups" % len(groups),
                "give 1 to %d for a subnet" % MAX_SECURITY_GROUPS,
            )
    if "autoscale" in given:
        check_autoscale(given["autoscale"], "autoscale.")
    _check_pairs(given)
    if any(
        option in given
        for option in ("pods_network_cidr", "service_cluster_ip_range", "pods_network_subnet")
    ):
        from ansible_collections.nhncloud.nks.plugins.module_utils._plan import ranges

        ranges.check_cidrs(given)
    owned = rows.owned_labels() if given.get("labels") else {}
    for label in given.get("labels", {}):
        if label in owned:
            raise BadInput(
                "labels", label, "has an option of its own", "use the option %s" % owned[label]
            )


def _check_limits(option: str, value: int, low: int | None = None, high: int | None = None) -> None:
    if low is not None and value < low:
        raise BadInput(option, value, "is too small", "give %d or more" % low)
    if high is not None and value > high:
        raise BadInput(option, value, "is too large", "give %d or less" % high)


def check_autoscale(settings, prefix=""):
    """Ranges of the autoscaler's settings (NKS user guide, Cluster Autoscaler).

    :param settings: option -> value or None, as the user gave them. What the service has is not checked: it may have taken it
        (the API guide's own example has a delay of 3 minutes), and it has to be sent back with every change.
    :param prefix: "autoscale." where the settings stand inside that option.
    :raises BadInput: out of range, or minimum over maximum.
    """
    for setting in rows.AUTOSCALE.values():
        value = settings.get(setting.option)
        if value is None or setting.low is None:
            continue
        # With the autoscaler off the service keeps zeros as the counts (observed).
        low = (
            0
            if setting.option.endswith("node_count") and not settings.get("enabled")
            else setting.low
        )
        if value < low or (setting.high is not None and value > setting.high):
            remedy = (
                "give %d or more" % low
                if setting.high is None
                else "give %d to %d" % (low, setting.high)
            )
            raise BadInput(prefix + setting.option, value, "is out of range", remedy)
    _check_bounds(settings, prefix)


def check_autoscale_change(settings, present, merged, prefix=""):
    """What can be checked only against the settings that the service has.

    :param settings: option -> value or None, as the user gave them; checked by :func:`check_autoscale` already.
    :param present: option -> the value that the service has.
    :param merged: option -> the value that will be sent.
    :param prefix: as in :func:`check_autoscale`.
    :raises BadInput: minimum over maximum, where one of both was given; or the autoscaler is to be turned on without bounds.
    """
    counts = ("min_node_count", "max_node_count")
    if any(settings.get(option) is not None for option in counts):
        _check_bounds(merged, prefix)
    if settings.get("enabled") and present.get("enabled") is not True:
        for option in counts:
            # The service keeps zeros only while the autoscaler is off (observed).
            if settings.get(option) is None and merged.get(option) == 0:
                raise BadInput(
                    prefix + option,
                    0,
                    "is the current value, which is too small when the autoscaler is on",
                    "set %s to 1 or more" % option,
                )


def _check_bounds(settings, prefix):
    low, high = settings.get("min_node_count"), settings.get("max_node_count")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        raise BadInput(
            prefix + "min_node_count",
            low,
            "is more than max_node_count (%d)" % high,
            "let the minimum be at most the maximum",
        )


def flavor_type(name):
    """The type of a flavor: m2 of m2.c4m8."""
    return str(name).partition(".")[0].lower()


def check_flavor_change(resource, before, after):
    """Whether the nodes of a group can get another flavor, as far as the types are known to the user guide.

    :param before: the name of the current flavor; None where it is not known.
    :param after: the name of the wanted one; None where it is not known.
    :raises BadInput: the service would refuse.
    """
    types = [None if name is None else flavor_type(name) for name in (before, after)]
    if FIXED_FLAVOR in types:
        problem = "the service never changes the flavor of %s nodes, nor another one to %s" % (
            FIXED_FLAVOR,
            FIXED_FLAVOR,
        )
    elif any(kind in FLAVORS_THAT_MIX for kind in types) and any(
        kind is not None and GPU_FLAVOR.fullmatch(kind) for kind in types
    ):
        problem = "the service changes flavors only among the types %s" % ", ".join(
            FLAVORS_THAT_MIX
        )
    else:
        return
    raise BadInput(
        "flavor",
        after,
        "cannot replace %s on %s: %s" % (before or "the current flavor", resource, problem),
        "leave flavor out, or create another node group",
    )


def _check_script(script):
    size = len(script.encode("utf-8", "replace"))
    if size > MAX_SCRIPT:
        raise BadInput(
            "user_script", None, "has %d bytes" % size, "keep it to %d (64 KB)" % MAX_SCRIPT
        )
    if not script.startswith("#!"):
        raise BadInput(
            "user_script",
            None,
            "does not begin with '#!'",
            "name the interpreter in its first line, as in #!/bin/bash",
        )


def _check_volumes(volumes):
    if len(volumes) > MAX_VOLUMES:
        raise BadInput(
            "extra_volumes",
            "%d volumes" % len(volumes),
            "is too many",
            "give at most %d" % MAX_VOLUMES,
        )
    for item in volumes:
        if not 1 <= item["size"] <= MAX_VOLUME_SIZE:
            raise BadInput(
                "extra_volumes.size",
                item["size"],
                "is out of range",
                "give 1 to %d (GB)" % MAX_VOLUME_SIZE,
            )
        if item.get("mount_path") and not item["mount_path"].startswith("/"):
            raise BadInput(
                "extra_volumes.mount_path",
                item["mount_path"],
                "is not an absolute path",
                "begin it with '/'",
            )


def _check_pairs(given):
    networks, subnets = given.get("additional_networks"), given.get("additional_subnets")
    if networks is not None and subnets is not None and len(networks) != len(subnets):
        raise BadInput(
            "additional_subnets",
            "%d subnets" % len(subnets),
            "does not go with %d additional_networks" % len(networks),
            "give one subnet for each network, in the same order",
        )


def require_nodes(policy, resource, node_count):
    """Reject what the service would reject when the turn of a node group comes, perhaps after other steps.

    :param policy: see :class:`documents.Policy`.
    :param node_count: the number of nodes that the group has then.
    :raises BadInput: more nodes can be unavailable than there are.
    """
    unavailable = policy.num_max_unavailable_nodes
    if unavailable is not None and isinstance(node_count, int) and unavailable > max(node_count, 1):
        most = max(node_count, 1)
        raise BadInput(
            "num_max_unavailable_nodes",
            unavailable,
            "is more than the %d nodes of %s" % (node_count, resource),
            "give %d or less" % most,
        )
