# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changes on a cluster or a node group that is there, option by option. Pure functions, as in :mod:`plan`."""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import TEXT, UNKNOWN, UUID
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Operation,
    group_resource,
)

#: The first version in which the service changes the CNI (NKS user guide of 2024, Change Cluster CNI).
FIRST_WITH_CNI_CHANGE = "v1.24.3"


def group_changes(cluster, group, wanted, autoscale, policy):
    """What has to change on one node group.

    :param cluster: the cluster's name, for the texts.
    :param group: the typed node group.
    :param wanted: option -> value; ``nodes_to_remove`` as UUIDs.
    :param autoscale: the autoscaler's present settings, typed.
    :param policy: see :class:`documents.Policy`.
    :returns: (operations before an upgrade, operations after it, the number of nodes in between, warnings).
    :raises NksError: a change that would be refused.
    """
    resource = group_resource(cluster, group["name"])
    warnings = []
    settings = wanted.get("autoscale")
    switch = (
        autoscale_change(resource, group, settings, autoscale, whole=True) if settings else None
    )
    # While the autoscaler is on the service refuses a resize: it is turned off before and on after everything else.
    off = switch is not None and settings["enabled"] is False
    # A new script is for new nodes only, so it goes before whatever makes nodes.
    script = _set_option(
        "change_user_script",
        resource,
        group,
        wanted,
        "user_script",
        lambda api, ref: api.set_user_script(ref, group["uuid"], wanted["user_script"]),
    )
    resize = _resize(resource, group, wanted, settings, autoscale, warnings)
    # An upgrade and a flavor need buffer nodes, for which the quota has to have room: fewer nodes before them, more nodes after them.
    shrink = (
        resize is not None
        and isinstance(group.get("node_count"), int)
        and wanted["node_count"] < group["node_count"]
    )
    left = wanted["node_count"] if shrink else group.get("node_count")
    flavor = _set_option(
        "change_flavor",
        resource,
        group,
        wanted,
        "flavor",
        lambda api, ref: api.set_flavor(
            ref,
            group["uuid"],
            wanted["flavor"],
            policy.num_buffer_nodes,
            policy.num_max_unavailable_nodes,
        ),
    )
    if flavor is not None:
        rules.require_nodes(policy, resource, left)
    first = [
        action for action in (switch if off else None, script, resize if shrink else None) if action
    ]
    last = [
        action for action in (flavor, None if shrink else resize, None if off else switch) if action
    ]
    return first, last, left, warnings


def _set_option(name, resource, group, wanted, option, send):
    """The action that sets one option of a node group to what is wanted; None where it is already."""
    row = rows.NODEGROUP[option]
    value = wanted.get(option)
    if value is None:
        return None
    present = row.observed(None, group)
    if present is not UNKNOWN and row.equal(value, present):
        return None

    def holds(state):
        shown = row.observed(None, state)
        return shown is not UNKNOWN and row.equal(value, shown)

    def start(state):
        shown = row.observed(None, state)
        return shown is present or (
            present is not UNKNOWN and shown is not UNKNOWN and row.equal(present, shown)
        )

    changes = {option: (row.show(present), row.show(value))}
    return Operation(name, resource, changes, send, group["uuid"], ((option, holds),), start=start)


def _resize(resource, group, wanted, settings, autoscale, warnings):
    """The resize, or the truce with the autoscaler: while it is on, it decides the count and a resize is never sent."""
    count = wanted.get("node_count")
    present = group.get("node_count")
    if count is None:
        return None
    merged = merged_autoscale(settings or {}, autoscale)
    if merged.get("ca_enable") is True:
        low, high = merged.get("ca_min_node_count"), merged.get("ca_max_node_count")
        if (isinstance(low, int) and count < low) or (isinstance(high, int) and count > high):
            raise BadInput(
                "node_count",
                count,
                "is outside the %s to %s nodes that the autoscaler of %s keeps"
                % (low, high, resource),
                "choose a count between them, other bounds, or turn the autoscaler off",
            )
        inside = (
            not (isinstance(low, int) and isinstance(high, int) and isinstance(present, int))
            or low <= present <= high
        )
        if autoscaled(settings, autoscale) or inside:
            return None
    if count == present:
        return None
    check_metric_policies(
        resource,
        group,
        "node_count cannot be changed from %s to %s" % (present, count),
        ", or leave node_count out",
    )
    changes = {"node_count": (present, count)}
    victims = None
    if isinstance(present, int) and count < present:
        victims = wanted.get("nodes_to_remove")
        if victims and len(victims) > present - count:
            raise BadInput(
                "nodes_to_remove",
                "%d nodes" % len(victims),
                "is more than the %d to go" % (present - count),
                "name fewer nodes or lower node_count",
            )
        if victims:
            changes["nodes_to_remove"] = (None, victims)
        if len(victims or ()) < present - count:
            warnings.append(
                "%s goes from %d to %d nodes, and the service picks %s of the nodes to remove; name them with nodes_to_remove of nks_nodegroup."
                % (
                    resource,
                    present,
                    count,
                    "all" if not victims else str(present - count - len(victims)),
                )
            )
    return Operation(
        "resize",
        resource,
        changes,
        lambda api, ref: api.resize(ref, group["uuid"], count, victims),
        group["uuid"],
        (("node_count", lambda state: state.get("node_count") == count),),
        start=lambda state: state.get("node_count") == present,
    )


# -- autoscaler ------------------------------------------------------------------------------------------------------


def merged_autoscale(settings, present):
    """The full set to send: what is given, else the present value (NKS API guide, Change Autoscaler Configuration).

    :param settings: option -> value or None.
    :param present: the API's names -> typed values.
    """
    # What is neither a number nor a boolean could not be read, and is not sent back.
    merged = {
        label: value
        for label, value in present.items()
        if label in wire.AUTOSCALE and isinstance(value, int)
    }
    for setting in rows.AUTOSCALE.values():
        if settings.get(setting.option) is not None:
            merged[setting.group] = settings[setting.option]
    return merged


def check_metric_policies(resource, group, refused, otherwise=""):
    """Refuse what the service refuses while the metric-based autoscaler is on (NKS user guide, Metric-based Autoscaler).

    :param group: the typed node group.
    :param refused: what cannot be done, as the part of a sentence.
    :param otherwise: what else the user can do about it, as the part of a sentence.
    :raises NksError: one of its policies is on.
    """
    policies = wire.metric_policies(group)
    if policies:
        raise NksError(
            "%s: %s while the metric-based autoscaler is on (%s). Turn it off first in the NHN Cloud console%s."
            % (resource, refused, ", ".join(policies), otherwise)
        )


def autoscaled(settings, present):
    """Whether the autoscaler is on and stays on, so that the count is none of ours.

    :param settings: option -> value, or None where they are not given.
    :param present: the API's names -> typed values.
    """
    return (
        present.get("ca_enable") is True
        and merged_autoscale(settings or {}, present).get("ca_enable") is True
    )


def autoscale_change(resource, group, settings, present, whole):
    """The change of the autoscaler, None where there is none.

    :param group: the typed node group; ``stopped`` has the names of its stopped nodes where it is to be turned on.
    :param whole: whether ``changes`` has one entry ``autoscale`` (as the option of that name) or one per setting.
    :raises NksError: the merged settings contradict each other, or nodes are stopped (NKS user guide, node stop).
    """
    differing = {}
    for setting in rows.AUTOSCALE.values():
        value = settings.get(setting.option)
        if value is not None and present.get(setting.group) != value:
            differing[setting.option] = (present.get(setting.group), value)
    if not differing:
        return None
    if settings.get("enabled") and present.get("ca_enable") is not True:
        check_metric_policies(resource, group, "the cluster autoscaler cannot be turned on")
    if settings.get("enabled") and group.get("stopped"):
        raise NksError(
            "%s: the autoscaler cannot be turned on while nodes are stopped (%s). Start them first with nks_node."
            % (resource, ", ".join(group["stopped"]))
        )
    group_uuid = group["uuid"]
    merged = merged_autoscale(settings, present)
    rules.check_autoscale_change(
        settings,
        {setting.option: present.get(setting.group) for setting in rows.AUTOSCALE.values()},
        {setting.option: merged.get(setting.group) for setting in rows.AUTOSCALE.values()},
        "autoscale." if whole else "",
    )
    changes = differing
    if whole:
        changes = {
            "autoscale": tuple(
                {option: pair[side] for option, pair in differing.items()} for side in (0, 1)
            )
        }
    wanted = {
        setting.group: settings[setting.option]
        for setting in rows.AUTOSCALE.values()
        if settings.get(setting.option) is not None
    }
    outcome = (
        (
            "autoscale",
            lambda state: all(
                state["detail"].get(label) == value for label, value in wanted.items()
            ),
        ),
    )
    return Operation(
        "set_autoscale",
        resource,
        changes,
        lambda api, ref: api.set_autoscale(ref, group_uuid, merged),
        group_uuid,
        outcome,
        detail=lambda api, ref: wire.autoscale(api.autoscale(ref, group_uuid)),
        # All of them are sent back, so a change of any other one would be undone.
        start=lambda state: all(
            state["detail"].get(setting.group) == present.get(setting.group)
            for setting in rows.AUTOSCALE.values()
        ),
    )


# -- day two of a cluster --------------------------------------------------------------------------------------------


def service_gateways(resource, wanted, cluster):
    """Both gateways are always sent (NKS API guide, Change Service Gateway).

    :raises NksError: the cluster was made without gateways, which cannot be added.
    """
    table = {option: rows.CLUSTER[option] for option in ("ncr_sgw", "obs_sgw")}
    present = {row.option: row.observed(cluster, None) for row in table.values()}
    after = {row.option: wanted.get(row.option) or present[row.option] for row in table.values()}
    changes = {
        row.option: (row.show(present[row.option]), row.show(after[row.option]))
        for row in table.values()
        if not UUID.equal(after[row.option], present[row.option])
    }
    if not changes:
        return None
    if not any(present.values()):
        raise NksError(
            "%s: %s cannot be set: the service changes the service gateways only of clusters that were created with them. "
            "Leave the option out, or create the cluster anew." % (resource, " and ".join(changes))
        )
    absent = [option for option, value in after.items() if not value]
    if absent:
        raise BadInput(
            absent[0],
            None,
            "is not set on %s, and the service wants both gateways" % resource,
            "give %s too" % absent[0],
        )
    return Operation(
        "update_service_gateways",
        resource,
        changes,
        lambda api, ref: api.update_service_gateways(ref, after["ncr_sgw"], after["obs_sgw"]),
        None,
        tuple(
            (
                row.option,
                lambda state, row=row: UUID.equal(after[row.option], row.observed(state, None)),
            )
            for row in table.values()
        ),
        start=lambda state: all(
            UUID.equal(present[row.option], row.observed(state, None)) for row in table.values()
        ),
    )


def cni(resource, wanted, cluster, policy):
    """The change of the CNI (NKS API guide, Change Cluster CNI): from Flannel to Calico-VXLAN, with a new pod network.

    :raises NksError: a change that the operation does not offer.
    """
    row = rows.CLUSTER["cni"]
    present = row.observed(cluster, None)
    if wanted.get("cni") is None or TEXT.equal(wanted["cni"], present):
        return None
    if wanted["cni"] != "calico" or str(present).lower().startswith("calico"):
        raise NksError(
            "%s: cni is '%s' and cannot become '%s': the service changes only flannel, and only to calico. Set cni to the present value."
            % (resource, present, wanted["cni"])
        )
    version = (cluster.get("labels") or {}).get("kube_tag")
    if version and wire.version_key(version) < wire.version_key(FIRST_WITH_CNI_CHANGE):
        raise BadInput(
            "cni",
            wanted["cni"],
            "needs Kubernetes %s or newer, and %s has %s"
            % (FIRST_WITH_CNI_CHANGE, resource, version),
            "upgrade it first",
        )
    if not wanted.get("pods_network_cidr"):
        raise BadInput(
            "pods_network_cidr",
            None,
            "is needed to change the CNI of %s" % resource,
            "give a network that is not in use yet",
        )
    changes = {"cni": (present, wanted["cni"])}
    for option in ("pods_network_cidr", "pods_network_subnet"):
        network = rows.CLUSTER[option]
        if wanted.get(option) is not None:
            changes[option] = (network.show(network.observed(cluster, None)), wanted[option])
    return Operation(
        "update_cni",
        resource,
        changes,
        lambda api, ref: api.update_cni(
            ref,
            wanted["cni"],
            wanted["pods_network_cidr"],
            wanted.get("pods_network_subnet"),
            policy.num_buffer_nodes,
            policy.num_max_unavailable_nodes,
        ),
        None,
        (("cni", lambda state: row.observed(state, None) == wanted["cni"]),),
        start=lambda state: row.observed(state, None) == present,
    )
