# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of an existing cluster or node group, option by option. Pure functions, as in
:mod:`plan`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, List, Mapping, Tuple

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    Options,
    Policy,
    State,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import TEXT, UNKNOWN, UUID
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.autoscale import (
    Settings,
    autoscale_change,
    check_metric_policies,
    merged_autoscale,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Change,
    Operation,
    group_resource,
)

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api

#: Operations before an upgrade, operations after it, the number of nodes in between, and warnings.
GroupChanges = Tuple[List[Operation], List[Operation], Any, List[str]]

#: The first version in which the service changes the CNI (NKS user guide of 2024, Change Cluster
#: CNI).
FIRST_WITH_CNI_CHANGE = "v1.24.3"


def group_changes(
    cluster: str, group: State, desired: Options, autoscale: Settings, policy: Policy
) -> GroupChanges:
    """What has to change on one node group.

    :param cluster: the cluster's name, for messages.
    :param group: the typed node group.
    :param desired: option -> value; ``nodes_to_remove`` as UUIDs.
    :param autoscale: the autoscaler's current settings, typed.
    :raises NksError: a change that the service would reject.
    """
    resource, count = group_resource(cluster, group["name"]), group.get("node_count")
    warnings: list[str] = []
    settings = desired.get("autoscale")
    switch = (
        autoscale_change(resource, group, settings, autoscale, whole=True) if settings else None
    )
    # While the autoscaler is on, the service rejects a resize: the autoscaler is turned off before
    # and turned on after everything else.
    off = settings is not None and settings.get("enabled") is False
    resize = _resize(resource, group, desired, autoscale, warnings)
    # An upgrade and a change of the flavor need buffer nodes within the quota: nodes are removed
    # before them and added after them.
    shrink = resize is not None and isinstance(count, int) and desired["node_count"] < count
    left = desired["node_count"] if shrink else count
    flavor = _set_flavor(resource, group, desired, policy)
    if flavor is not None:
        rules.require_nodes(policy, resource, left)
    # Only nodes that are created later run a new script, so it is set before any are created.
    script = _set_user_script(resource, group, desired)
    first = [switch if off else None, script, resize if shrink else None]
    last = [flavor, None if shrink else resize, None if off else switch]
    return (
        [operation for operation in first if operation],
        [operation for operation in last if operation],
        left,
        warnings,
    )


def _set_user_script(resource: str, group: State, desired: Options) -> Operation | None:
    return _set_option(
        "change_user_script",
        resource,
        group,
        desired,
        "user_script",
        lambda api, ref: api.set_user_script(ref, group["uuid"], desired["user_script"]),
    )


def _set_flavor(resource: str, group: State, desired: Options, policy: Policy) -> Operation | None:
    return _set_option(
        "change_flavor",
        resource,
        group,
        desired,
        "flavor",
        lambda api, ref: api.set_flavor(
            ref,
            group["uuid"],
            desired["flavor"],
            policy.num_buffer_nodes,
            policy.num_max_unavailable_nodes,
        ),
    )


def _set_option(
    name: str,
    resource: str,
    group: State,
    desired: Options,
    option: str,
    send: Callable[[Api, str], Any],
) -> Operation | None:
    """The operation that sets one option of a node group; None if it has the desired value.

    :param name: the name of the operation.
    """
    row = rows.NODEGROUP[option]
    value = desired.get(option)
    if value is None:
        return None
    current = row.observed(None, group)
    if current is not UNKNOWN and row.equal(value, current):
        return None

    def holds(state: State) -> bool:
        shown = row.observed(None, state)
        return shown is not UNKNOWN and row.equal(value, shown)

    def start(state: State) -> bool:
        shown = row.observed(None, state)
        return shown is current or (
            current is not UNKNOWN and shown is not UNKNOWN and row.equal(current, shown)
        )

    changes = {option: (row.show(current), row.show(value))}
    return Operation(name, resource, changes, send, group["uuid"], ((option, holds),), start=start)


# -- number of nodes -----------------------------------------------------------------------------


def autoscaled(desired: Options | None, current: Settings) -> bool:
    """Whether the autoscaler is on and stays on, so that it decides the number of nodes.

    :param desired: settings of the autoscaler, option -> value or None; None if they are not set.
    :param current: the autoscaler's current settings.
    """
    return (
        current.get("ca_enable") is True
        and merged_autoscale(desired or {}, current).get("ca_enable") is True
    )


def _resize(
    resource: str, group: State, desired: Options, autoscale: Settings, warnings: list[str]
) -> Operation | None:
    """The resize; None if the number of nodes is right, or if the autoscaler decides it.

    :param warnings: gets a warning if the service chooses which nodes to remove.
    """
    count, current = desired.get("node_count"), group.get("node_count")
    if count is None or _accepted(resource, count, current, desired.get("autoscale"), autoscale):
        return None
    check_metric_policies(
        resource,
        group,
        "node_count cannot be changed from %s to %s" % (current, count),
        ", or leave node_count out",
    )
    changes: dict[str, Change] = {"node_count": (current, count)}
    victims = None
    if isinstance(current, int) and count < current:
        victims = desired.get("nodes_to_remove")
        if victims:
            changes["nodes_to_remove"] = (None, victims)
        warnings += _check_removal(resource, current, count, victims or [])
    return Operation(
        "resize",
        resource,
        changes,
        lambda api, ref: api.resize(ref, group["uuid"], count, victims),
        group["uuid"],
        (("node_count", lambda state: state.get("node_count") == count),),
        start=lambda state: state.get("node_count") == current,
    )


def _accepted(
    resource: str, count: int, current: Any, settings: Options | None, autoscale: Settings
) -> bool:
    """Whether the current number of nodes needs no resize.

    While the autoscaler is on it decides the number, so any current one within its limits is
    accepted.

    :raises BadInput: the desired number is outside of the limits.
    """
    merged = merged_autoscale(settings or {}, autoscale)
    if merged.get("ca_enable") is not True:
        return bool(count == current)
    low, high = merged.get("ca_min_node_count"), merged.get("ca_max_node_count")
    if (isinstance(low, int) and count < low) or (isinstance(high, int) and count > high):
        raise BadInput(
            "node_count",
            count,
            "is outside the autoscaler limits of %s (%s to %s)" % (resource, low, high),
            "choose a count within the limits, change the limits, or turn the autoscaler off",
        )
    inside = (
        not (isinstance(low, int) and isinstance(high, int) and isinstance(current, int))
        or low <= current <= high
    )
    return bool(autoscaled(settings, autoscale) or inside or count == current)


def _check_removal(resource: str, current: int, count: int, victims: list[str]) -> list[str]:
    """Warnings about the nodes that a smaller number of nodes removes.

    :param victims: UUIDs of the nodes to remove that the task lists.
    :raises BadInput: more nodes are listed than are removed.
    """
    removed = current - count
    if len(victims) > removed:
        raise BadInput(
            "nodes_to_remove",
            "%d nodes" % len(victims),
            "is more than the %d to remove" % removed,
            "list fewer nodes or lower node_count",
        )
    if len(victims) == removed:
        return []
    chosen = str(removed - len(victims)) if victims else "all"
    return [
        "%s is scaled down from %d to %d nodes, and NKS chooses %s of the nodes to remove; list "
        "the nodes in nodes_to_remove of nks_nodegroup." % (resource, current, count, chosen)
    ]


# -- cluster -------------------------------------------------------------------------------------


def service_gateways(resource: str, desired: Options, cluster: State) -> Operation | None:
    """The change of the service gateways; None if nothing differs. Both are always sent (NKS API
    guide, Change Service Gateway).

    :raises NksError: the cluster was created without gateways, which cannot be added.
    """
    table = {option: rows.CLUSTER[option] for option in ("ncr_sgw", "obs_sgw")}
    current = {option: row.observed(cluster, None) for option, row in table.items()}
    after = {option: desired.get(option) or current[option] for option in table}
    changes = {
        option: (row.show(current[option]), row.show(after[option]))
        for option, row in table.items()
        if not UUID.equal(after[option], current[option])
    }
    if not changes:
        return None
    _check_gateways(resource, changes, current, after)

    def matches(values: Mapping[str, Any], option: str, state: State) -> bool:
        return UUID.equal(values[option], table[option].observed(state, None))

    return Operation(
        "update_service_gateways",
        resource,
        changes,
        lambda api, ref: api.update_service_gateways(ref, after["ncr_sgw"], after["obs_sgw"]),
        None,
        (
            ("ncr_sgw", lambda state: matches(after, "ncr_sgw", state)),
            ("obs_sgw", lambda state: matches(after, "obs_sgw", state)),
        ),
        start=lambda state: all(matches(current, option, state) for option in table),
    )


def _check_gateways(
    resource: str,
    changes: Mapping[str, Change],
    current: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Reject a change of the service gateways that the service would reject.

    :raises NksError: the cluster has no gateways, or one would be missing.
    """
    if not any(current.values()):
        raise NksError(
            "%s: %s cannot be set: the service changes the service gateways only of clusters that "
            "were created with them. Leave the option out, or re-create the cluster."
            % (resource, " and ".join(changes))
        )
    missing = [option for option, value in after.items() if not value]
    if missing:
        raise BadInput(
            missing[0],
            None,
            "is not set on %s, and the service requires both gateways" % resource,
            "set %s too" % missing[0],
        )


def cni(resource: str, desired: Options, cluster: State, policy: Policy) -> Operation | None:
    """The change of the CNI (NKS API guide, Change Cluster CNI): from Flannel to Calico-VXLAN, with
    a new pod network. None if the cluster has the desired CNI.

    :raises NksError: a change that the operation does not offer.
    """
    row = rows.CLUSTER["cni"]
    current = row.observed(cluster, None)
    if desired.get("cni") is None or TEXT.equal(desired["cni"], current):
        return None
    _check_cni(resource, desired, cluster, current)
    changes: dict[str, Change] = {"cni": (current, desired["cni"])}
    for option in ("pods_network_cidr", "pods_network_subnet"):
        network = rows.CLUSTER[option]
        if desired.get(option) is not None:
            changes[option] = (network.show(network.observed(cluster, None)), desired[option])
    return Operation(
        "update_cni",
        resource,
        changes,
        lambda api, ref: api.update_cni(
            ref,
            desired["cni"],
            desired["pods_network_cidr"],
            desired.get("pods_network_subnet"),
            policy.num_buffer_nodes,
            policy.num_max_unavailable_nodes,
        ),
        None,
        (("cni", lambda state: bool(row.observed(state, None) == desired["cni"])),),
        start=lambda state: bool(row.observed(state, None) == current),
    )


def _check_cni(resource: str, desired: Options, cluster: State, current: Any) -> None:
    """Reject a change of the CNI that the operation does not offer.

    :param current: the current CNI.
    :raises NksError: another CNI, an older Kubernetes version, or no new pod network.
    """
    if desired["cni"] != "calico" or str(current).lower().startswith("calico"):
        raise NksError(
            "%s: cni is '%s' and cannot be changed to '%s': the service changes only flannel, and "
            "only to calico. Set cni to the current value." % (resource, current, desired["cni"])
        )
    version = (cluster.get("labels") or {}).get("kube_tag")
    if version and wire.version_key(version) < wire.version_key(FIRST_WITH_CNI_CHANGE):
        raise BadInput(
            "cni",
            desired["cni"],
            "needs Kubernetes %s or newer, and %s has %s"
            % (FIRST_WITH_CNI_CHANGE, resource, version),
            "upgrade it first",
        )
    if not desired.get("pods_network_cidr"):
        raise BadInput(
            "pods_network_cidr",
            None,
            "is needed to change the CNI of %s" % resource,
            "set it to a network that is not in use",
        )
