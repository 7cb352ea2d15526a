# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of a cluster, or of a node group, to a Kubernetes version. Pure functions, as in :mod:`plan`."""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Operation,
    cluster_resource,
    group_resource,
)


def minor(version):
    """(1, 31) of v1.31.4; zeros for what is no version."""
    return (wire.version_key(version)[0] + (0, 0))[:2]


def needs_versions(cluster, target, groups):
    """Whether the list of versions that NKS has is needed to plan the steps.

    :param cluster: the typed cluster.
    :param groups: the typed worker groups that are to be upgraded.
    """
    at = _at(cluster)
    if at is None:
        return False
    return at != target or any(
        minor(_at(group)) < _previous(minor(at)) for group in groups if _at(group)
    )


def upgrade_cluster(cluster, groups, target, versions, policy):
    """The way of a cluster to a version: control plane, then each worker group, then the next minor version.

    Rules: NKS user guide, Kubernetes Version Upgrade (control plane first; all worker groups on its version before its
    next step; exactly one minor at a time; no downgrade; no stopped nodes). A version with which no new cluster can be created can
    still be passed through, so only what these rules exclude is refused.

    :param cluster: the typed cluster.
    :param groups: the typed worker groups, each with ``stopped``, the names of its stopped nodes; read only where needed.
    :param target: the wanted version.
    :param versions: list of {version, available} as :func:`wire.versions` gives it; see :func:`needs_versions`.
    :param policy: its ``upgrade`` is control_plane, all or never.
    :returns: (actions, warnings).
    :raises NksError: before the first step, if any step cannot be taken.
    """
    name, mode = cluster["name"], policy.upgrade
    resource = cluster_resource(name)
    at = _at(cluster)
    if at is None:
        return [], [
            "%s does not show its Kubernetes version, so kubernetes_version was not compared."
            % resource
        ]
    silent = [group_resource(name, group["name"]) for group in groups if _at(group) is None]
    warnings = (
        ["%s does not show its Kubernetes version, so it is not upgraded." % ", ".join(silent)]
        if silent and mode == "all"
        else []
    )
    groups = [group for group in groups if _at(group) is not None]
    behind = [group for group in groups if _newer(at, _at(group))]
    if at == target and (mode != "all" or not behind):
        return [], warnings
    if mode == "never":
        return [], [
            "%s: kubernetes_version is %s, wanted %s; not upgraded, for upgrade is never."
            % (resource, at, target)
        ]
    # While groups are behind the cluster cannot know its next step; what it offers is a version all the same.
    way = (
        []
        if at == target
        else _steps(resource, at, target, versions, _upgradable(cluster), bool(behind))
    )
    if mode == "control_plane":
        if len(way) > 1:
            raise NksError(
                "%s: from %s to %s there are %d minor versions to go (%s), and upgrade: control_plane takes one. "
                "Set upgrade to all, or kubernetes_version to %s first."
                % (resource, at, target, len(way), ", ".join(way), way[0])
            )
        if behind:
            raise NksError(
                "%s: the control plane is at %s, and before its next step every node group must be too; behind are %s. "
                "Set upgrade to all, or upgrade them with nks_nodegroup."
                % (resource, at, _versions_of(behind))
            )
    actions = []
    standing = {group["uuid"]: _at(group) for group in groups}
    for version in [None] + way:
        if version is not None:
            actions.append(_upgrade_control_plane(resource, at, version))
            at = version
        if mode == "all":
            for group in groups:
                if _newer(at, standing[group["uuid"]]):
                    actions += _upgrade_group(
                        name, group, standing[group["uuid"]], at, versions, policy
                    )
                    standing[group["uuid"]] = at
    return actions, warnings


def upgrade_group(cluster, group, target, versions, policy):
    """The upgrade of one worker group, at most to the control plane's version.

    :param versions: as :func:`upgrade_cluster`.
    :raises NksError: the control plane is elsewhere, or nodes are stopped.
    """
    resource = group_resource(cluster["name"], group["name"])
    at, control_plane = _at(group), _at(cluster)
    if at == target or at is None:
        return []
    if _newer(at, target):
        raise BadInput(
            "kubernetes_version",
            target,
            "is below %s, which %s has" % (at, resource),
            "a downgrade is not possible",
        )
    known = {item["version"] for item in versions} | (_upgradable(group) or set())
    if target != control_plane and (
        target not in known or (control_plane and _newer(target, control_plane))
    ):
        raise BadInput(
            "kubernetes_version",
            target,
            "is not the version of the control plane (%s)" % control_plane,
            "upgrade the control plane first with nks_cluster, or give %s" % control_plane,
        )
    return _upgrade_group(cluster["name"], group, at, target, versions, policy)


def _at(resource):
    """The version of a cluster's control plane or of a node group; None where the service does not show it."""
    version = (resource.get("labels") or {}).get("kube_tag")
    return version if isinstance(version, str) else None


def _upgradable(resource):
    """The versions to which the service offers to upgrade a cluster or node group; None where it does not say."""
    offered = (resource.get("labels") or {}).get("upgradable_kube_versions")
    return {str(version) for version in offered} if isinstance(offered, list) else None


def _steps(resource, at, target, versions, offered, behind):
    """The versions to pass through, the target last.

    :param offered: the versions that the service offers for the first step; None where it does not say.
    :param behind: whether node groups are behind, so that more may be offered once they are not.
    """
    if _newer(at, target):
        raise BadInput(
            "kubernetes_version",
            target,
            "is below %s, which %s has" % (at, resource),
            "a downgrade is not possible",
        )
    known = {item["version"] for item in versions} | (offered or set())
    available = {item["version"] for item in versions if item["available"]} | (offered or set())
    if target not in known:
        raise BadInput(
            "kubernetes_version",
            target,
            "is not a version that NKS has",
            "choose one of %s" % (_listed(available) or "nks_version_info"),
        )
    way, here = [], at
    while here != target:
        # The cluster itself says where its next step may lead; for later steps only the list of versions can tell.
        choice = offered if offered is not None and not behind and not way else known
        choice = {
            version
            for version in choice
            if minor(here) <= minor(version) <= _next(minor(here)) and _newer(version, here)
        }
        step = _towards(here, target, choice, available)
        if step is None:
            raise BadInput(
                "kubernetes_version",
                target,
                "cannot be reached from %s: the service offers no step from %s towards it"
                % (at, here),
                "choose one of %s" % _listed(choice)
                if choice
                else "ask nks_version_info what there is",
            )
        way.append(step)
        here = step
    return way


def _towards(here, target, choice, available):
    """The next step to a version, None where there is none.

    :param choice: the versions that may come next.
    :param available: the versions with which new clusters can be created; of a version that is only passed through one of them is preferred.
    """
    if minor(target) in (minor(here), _next(minor(here))):
        return target if target in choice else None
    passed = [version for version in choice if minor(version) == _next(minor(here))]
    return max(
        passed, key=lambda version: (version in available, wire.version_key(version)), default=None
    )


def one_step(before, after):
    """Whether the service upgrades a control plane from one version to the other at once: to a newer patch, or to the next minor version."""
    return _newer(after, before) and minor(after) in (minor(before), _next(minor(before)))


def _next(pair):
    return pair[0], pair[1] + 1


def _previous(pair):
    return pair[0], pair[1] - 1


def _newer(version, other):
    return wire.version_key(version) > wire.version_key(other)


def _listed(versions):
    return ", ".join(sorted(versions, key=wire.version_key))


def _versions_of(groups):
    return ", ".join("%s (%s)" % (group["name"], _at(group)) for group in groups)


def _upgrade_control_plane(resource, before, after):
    return Operation(
        "upgrade",
        resource,
        {"kubernetes_version": (before, after)},
        lambda api, ref: api.upgrade(ref, wire.CONTROL_PLANE, after),
        None,
        (("kubernetes_version", lambda state: _at(state) == after),),
        start=lambda state: _at(state) == before,
    )


def _upgrade_group(cluster, group, before, after, versions, policy):
    """The steps of one worker group to a version that the control plane has reached: one minor version at a time.

    :raises NksError: a step cannot be taken.
    """
    resource = group_resource(cluster, group["name"])
    rules.require_nodes(policy, resource, group.get("node_count"))
    if group.get("stopped"):
        raise NksError(
            "%s cannot be upgraded while nodes of it are stopped (%s). Start them first with nks_node."
            % (resource, ", ".join(group["stopped"]))
        )
    offered = _upgradable(group) or set()
    known = {item["version"] for item in versions} | offered | {after}
    available = {item["version"] for item in versions if item["available"]} | offered
    actions, here = [], before
    while here != after:
        # The node group itself says best where its next step may lead.
        step = _towards(here, after, offered, available) or _towards(here, after, known, available)
        if step is None:
            raise BadInput(
                "kubernetes_version",
                after,
                "cannot be reached from %s, which %s has: the service lists no version in between"
                % (before, resource),
                "upgrade the node group step by step with nks_nodegroup",
            )
        actions.append(_upgrade_step(resource, group, here, step, policy))
        here = step
    return actions


def _upgrade_step(resource, group, before, after, policy):
    return Operation(
        "upgrade",
        resource,
        {"kubernetes_version": (before, after)},
        lambda api, ref: api.upgrade(
            ref, group["uuid"], after, policy.num_buffer_nodes, policy.num_max_unavailable_nodes
        ),
        group["uuid"],
        (("kubernetes_version", lambda state: _at(state) == after),),
        start=lambda state: _at(state) == before,
    )
