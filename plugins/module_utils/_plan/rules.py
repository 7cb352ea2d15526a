# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the service, checked before any request: one clear message instead of a 400 without
a body.

Ranges of options that have a row are in :mod:`rows`; this file has the other rules.

Source: NKS user guide (names, node groups, autoscaler, user script, extra volumes and security
groups) and NKS API guide (Create a Cluster: rules for CIDRs). Limits that a quota can raise (10
nodes, 3 groups) are left to the service.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, Sequence

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import Options, Policy
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import Items, Settings
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import ranges

VERSION = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+")
#: A digest of a plan; see :func:`operations.digest`.
DIGEST = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)
MAX_SCRIPT = 64 * 1024
MAX_VOLUMES = 3
MAX_SECURITY_GROUPS = 8
#: Types of flavors that can be changed to each other, and the type whose flavor is fixed (NKS user
#: guide, Change Instance Flavor).
FLAVORS_THAT_MIX = ("m2", "c2", "r2", "t2", "x1")
FIXED_FLAVOR = "u2"
GPU_FLAVOR = re.compile(r"g[0-9]+")
#: The longest waits that can be set, in seconds; a clock cannot add arbitrary numbers to its time.
MAX_WAIT = 366 * 86400
MAX_INTERVAL = 86400
#: The smallest values of options that have no row.
LEAST = {"wait_timeout": 1, "renew_before_days": 0}


def check_options(options: Options) -> None:
    """Check every rule that needs only the options themselves.

    :param options: a module's options; those that are missing or None are not checked.
    :raises BadInput: for the first option that the service would reject.
    """
    given = {option: value for option, value in options.items() if value is not None}
    for table in (rows.NODEGROUP, rows.CLUSTER, rows.RECONCILE):
        check_ranges(given, table)
    _check_times(given)
    if "expect_plan" in given and not DIGEST.fullmatch(given["expect_plan"]):
        raise BadInput(
            "expect_plan",
            given["expect_plan"],
            "is not the digest of a plan (64 hexadecimal digits)",
            "set it to plan_digest of the result in check mode, or leave it out",
        )
    for option in ("name", "cluster", "nodegroup"):
        if option in given and str(given[option]).strip() in ("", ".", ".."):
            raise BadInput(
                option, given[option], "is neither a name nor a UUID", "use a name or a UUID"
            )
    if "kubernetes_version" in given and not VERSION.fullmatch(given["kubernetes_version"]):
        raise BadInput(
            "kubernetes_version",
            given["kubernetes_version"],
            "is not a version in the form that NKS uses",
            "use the form v1.31.4",
        )
    if given.get("user_script"):
        _check_script(given["user_script"])
    _check_volumes(given.get("extra_volumes", []))
    _check_security_groups(given.get("extra_security_groups", []))
    if "autoscale" in given:
        check_autoscale(given["autoscale"], "autoscale.")
    check_pairs(given)
    if any(
        option in given
        for option in ("pods_network_cidr", "service_cluster_ip_range", "pods_network_subnet")
    ):
        ranges.check_cidrs(given)
    _check_labels(given.get("labels", {}))


def check_ranges(options: Options, table: Mapping[str, rows.Row], prefix: str = "") -> None:
    """Check options against the ranges in their rows, also those inside of lists and dictionaries.

    :param options: option -> value or None.
    :param prefix: the option that contains these, with a dot: "extra_volumes.".
    :raises BadInput: out of range.
    """
    for option, row in table.items():
        value = options.get(option)
        if value is None:
            continue
        if isinstance(row.kind, Items):
            for item in value:
                check_ranges(item, row.kind.rows, "%s%s." % (prefix, option))
        elif isinstance(row.kind, Settings):
            check_ranges(value, row.kind.rows, "%s%s." % (prefix, option))
        else:
            _check_range(prefix + option, value, row.low, row.high, row.unit)


def _check_range(
    option: str, value: Any, low: int | None, high: int | None, unit: str = ""
) -> None:
    """Check one number.

    :param unit: the unit of the limits, for the message.
    :raises BadInput: out of range.
    """
    if (low is None or value >= low) and (high is None or value <= high):
        return
    unit = " " + unit if unit else ""
    if high is None:
        raise BadInput(option, value, "is too small", "use %s%s or more" % (low, unit))
    if low is None:
        raise BadInput(option, value, "is too large", "use %s%s or less" % (high, unit))
    raise BadInput(option, value, "is out of range", "use %s to %s%s" % (low, high, unit))


def _check_times(given: Options) -> None:
    """Check the options about waiting and the days before a renewal, which have no row.

    :raises BadInput: out of range, or the task would have to wait for nodes without waiting.
    """
    if given.get("wait_for_nodes") and given.get("wait") is False:
        raise BadInput(
            "wait_for_nodes",
            True,
            "cannot be combined with wait=false",
            "set wait to true, or wait_for_nodes to false",
        )
    _check_range("renew_before_days", given.get("renew_before_days", 0), 0, None)
    timeout, interval = given.get("wait_timeout", 1), given.get("wait_interval", 1)
    _check_range("wait_timeout", timeout, 1, None)
    if timeout > MAX_WAIT:
        raise BadInput(
            "wait_timeout", timeout, "is too large", "use %d (a year) or less" % MAX_WAIT
        )
    # NaN is neither above nor below.
    if not 0 < interval <= MAX_INTERVAL:
        raise BadInput(
            "wait_interval",
            interval,
            "is out of range",
            "use a number of seconds above 0, at most %d" % MAX_INTERVAL,
        )


def check_autoscale(settings: Options, prefix: str = "") -> None:
    """Check the ranges of the autoscaler's settings (NKS user guide, Cluster Autoscaler).

    :param settings: option -> value or None, as the user set them. The current settings are not
        checked: the service may have accepted them (the API guide's own example has a delay of 3
        minutes), and they have to be sent back with every change.
    :param prefix: "autoscale." if the settings are part of that option.
    :raises BadInput: out of range, or minimum over maximum.
    """
    for option, row in rows.AUTOSCALE.items():
        value, low = settings.get(option), row.low
        if option.endswith("node_count") and not settings.get("enabled"):
            # While the autoscaler is off, the service keeps zeros as the counts (observed).
            low = 0
        if value is not None:
            _check_range(prefix + option, value, low, row.high, row.unit)
    _check_bounds(settings, prefix)


def check_autoscale_change(
    desired: Options, current: Options, merged: Options, prefix: str = ""
) -> None:
    """Check the rules that depend on the current settings.

    :param desired: option -> value or None, as the user set them; checked by
        :func:`check_autoscale` already.
    :param current: option -> current value.
    :param merged: option -> the value that will be sent.
    :param prefix: as in :func:`check_autoscale`.
    :raises BadInput: minimum over maximum, if one of both is set; or the autoscaler is to be turned
        on without limits.
    """
    counts = ("min_node_count", "max_node_count")
    if any(desired.get(option) is not None for option in counts):
        _check_bounds(merged, prefix)
    if desired.get("enabled") and current.get("enabled") is not True:
        for option in counts:
            # The service keeps zeros only while the autoscaler is off (observed).
            if desired.get(option) is None and merged.get(option) == 0:
                raise BadInput(
                    prefix + option,
                    0,
                    "is the current value, which is too small when the autoscaler is on",
                    "set %s to 1 or more" % option,
                )


def _check_bounds(settings: Options, prefix: str) -> None:
    low, high = settings.get("min_node_count"), settings.get("max_node_count")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        raise BadInput(
            prefix + "min_node_count",
            low,
            "is more than max_node_count (%d)" % high,
            "set a minimum that is not above the maximum",
        )


def flavor_type(name: Any) -> str:
    """The type of a flavor: m2 of m2.c4m8."""
    return str(name).partition(".")[0].lower()


def check_flavor_change(resource: str, before: str | None, after: str | None) -> None:
    """Check that the flavor of a node group can be changed, for the types that the user guide
    describes.

    :param before: the name of the current flavor; None if it is not known.
    :param after: the name of the desired flavor; None if it is not known.
    :raises BadInput: the service would reject the change.
    """
    types = [None if name is None else flavor_type(name) for name in (before, after)]
    if FIXED_FLAVOR in types:
        problem = "the service changes neither the flavor of %s nodes nor another flavor to %s" % (
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


def _check_labels(labels: Mapping[str, Any]) -> None:
    """Check that no label is set for which there is an option.

    :raises BadInput: one is set.
    """
    owned = rows.owned_labels() if labels else {}
    for label in labels:
        if label in owned:
            raise BadInput(
                "labels", label, "has an option of its own", "use the option %s" % owned[label]
            )


def _check_script(script: str) -> None:
    size = len(script.encode("utf-8", "replace"))
    if size > MAX_SCRIPT:
        raise BadInput(
            "user_script", None, "has %d bytes" % size, "use at most %d (64 KB)" % MAX_SCRIPT
        )
    if not script.startswith("#!"):
        raise BadInput(
            "user_script",
            None,
            "does not begin with '#!'",
            "set the interpreter in its first line, for example #!/bin/bash",
        )


def _check_volumes(volumes: Sequence[Options]) -> None:
    if len(volumes) > MAX_VOLUMES:
        raise BadInput(
            "extra_volumes",
            "%d volumes" % len(volumes),
            "is too many",
            "use at most %d" % MAX_VOLUMES,
        )
    for item in volumes:
        if item.get("mount_path") and not item["mount_path"].startswith("/"):
            raise BadInput(
                "extra_volumes.mount_path",
                item["mount_path"],
                "is not an absolute path",
                "begin it with '/'",
            )


def _check_security_groups(items: Sequence[Options]) -> None:
    subnets: dict[str, set[str]] = {}
    for item in items:
        subnets.setdefault(item["subnet"], set()).update(item["security_groups"])
    for subnet, groups in subnets.items():
        if not 1 <= len(groups) <= MAX_SECURITY_GROUPS:
            raise BadInput(
                "extra_security_groups",
                subnet,
                "has %d security groups" % len(groups),
                "set 1 to %d for a subnet" % MAX_SECURITY_GROUPS,
            )


def check_pairs(given: Options) -> None:
    """Check that there is one additional subnet for each additional network.

    :raises BadInput: their numbers differ.
    """
    networks, subnets = given.get("additional_networks"), given.get("additional_subnets")
    if networks is not None and subnets is not None and len(networks) != len(subnets):
        raise BadInput(
            "additional_subnets",
            "%d subnets" % len(subnets),
            "does not match %d additional_networks" % len(networks),
            "set one subnet for each network, in the same order",
        )


def require_nodes(policy: Policy, resource: str, node_count: Any) -> None:
    """Check that a node group has enough nodes for an operation that replaces them.

    :param node_count: the number of nodes that the group has when the operation starts, perhaps
        after other operations.
    :raises BadInput: more nodes can be unavailable than there are.
    """
    unavailable = policy.num_max_unavailable_nodes
    if unavailable is not None and isinstance(node_count, int) and unavailable > max(node_count, 1):
        most = max(node_count, 1)
        raise BadInput(
            "num_max_unavailable_nodes",
            unavailable,
            "is more than the %d nodes of %s" % (node_count, resource),
            "use %d or less" % most,
        )
