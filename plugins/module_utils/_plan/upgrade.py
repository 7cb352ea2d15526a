# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The upgrade path of a cluster, or of a node group, to a Kubernetes version. Pure functions, as in
:mod:`plan`.
"""

from __future__ import annotations

from typing import AbstractSet, Any, Iterable, Mapping, Sequence, Tuple

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import Policy, State
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Operation,
    cluster_resource,
    group_resource,
)

#: {version, available}, as :func:`wire.versions` returns them.
Versions = Sequence[Mapping[str, Any]]
Minor = Tuple[int, int]


def minor(version: Any) -> Minor:
    """(1, 31) of v1.31.4; zeros for a text that is not a version."""
    major, second = (wire.version_key(version)[0] + (0, 0))[:2]
    return major, second


def needs_versions(cluster: State, target: str, groups: Iterable[State]) -> bool:
    """Whether the list of versions that NKS supports is needed to plan the steps.

    :param cluster: the typed cluster.
    :param groups: the typed worker groups that are to be upgraded.
    """
    at = _at(cluster)
    if at is None:
        return False
    return at != target or any(
        minor(_at(group)) < _previous(minor(at)) for group in groups if _at(group)
    )


def upgrade_cluster(
    cluster: State, groups: Sequence[State], target: str, versions: Versions, policy: Policy
) -> tuple[list[Operation], list[str]]:
    """The upgrade path of a cluster to a version: control plane, then each worker group, then the
    next minor version.

    Rules: NKS user guide, Kubernetes Version Upgrade (control plane first; all worker groups on its
    version before its next step; exactly one minor at a time; no downgrade; no stopped nodes). A
    version that is not available for new clusters can still be a step, so only what these rules
    exclude is rejected.

    :param cluster: the typed cluster.
    :param groups: the typed worker groups, each with ``stopped``, the names of its stopped nodes;
        read only where needed.
    :param target: the desired version.
    :param versions: only read if :func:`needs_versions`.
    :param policy: its ``upgrade`` is control_plane, all or never.
    :returns: (operations, warnings).
    :raises NksError: a step is not possible; no operation has been performed.
    """
    resource, at = cluster_resource(cluster["name"]), _at(cluster)
    if at is None:
        return [], [
            "%s does not show its Kubernetes version, so kubernetes_version was not compared."
            % resource
        ]
    warnings = _silent(cluster["name"], groups) if policy.upgrade == "all" else []
    groups = [group for group in groups if _at(group) is not None]
    outdated = [group for group in groups if _newer(at, _at(group))]
    if at == target and (policy.upgrade != "all" or not outdated):
        return [], warnings
    if policy.upgrade == "never":
        return [], [
            "%s: kubernetes_version: current %s, requested %s; not upgraded because upgrade is set "
            "to 'never'." % (resource, at, target)
        ]
    # While groups are outdated the service may not offer the cluster its next step; a version that
    # it offers is valid in any case.
    path = (
        []
        if at == target
        else _steps(resource, at, target, versions, _upgradable(cluster), bool(outdated))
    )
    if policy.upgrade == "control_plane":
        _check_single_step(resource, at, target, path, outdated)
        groups = []
    operations = []
    versions_of = {group["uuid"]: _at(group) for group in groups}
    for version in [at, *path]:
        if version != at:
            operations.append(_upgrade_control_plane(resource, at, version))
            at = version
        for group in groups:
            before = versions_of[group["uuid"]]
            if before and _newer(at, before):
                operations += _upgrade_group(cluster["name"], group, before, at, versions, policy)
                versions_of[group["uuid"]] = at
    return operations, warnings


def _silent(cluster: str, groups: Iterable[State]) -> list[str]:
    """The warning about node groups whose version is not known.

    :param cluster: the cluster's name.
    """
    names = [group_resource(cluster, group["name"]) for group in groups if _at(group) is None]
    if not names:
        return []
    return ["%s does not show its Kubernetes version, so it is not upgraded." % ", ".join(names)]


def _check_single_step(
    resource: str, at: str, target: str, path: Sequence[str], outdated: Sequence[State]
) -> None:
    """Check that an upgrade of only the control plane reaches the version.

    :param path: the versions of the upgrade path.
    :param outdated: the node groups that are not at the version of the control plane.
    :raises NksError: there is more than one step, or node groups are outdated.
    """
    if len(path) > 1:
        raise NksError(
            "%s: the upgrade from %s to %s has %d steps (%s), and upgrade: control_plane performs "
            "one. Set upgrade to all, or kubernetes_version to %s first."
            % (resource, at, target, len(path), ", ".join(path), path[0])
        )
    if outdated:
        raise NksError(
            "%s: the control plane is at %s, and node groups must be upgraded to the control plane "
            "version first: %s. Set upgrade to all, or upgrade them with nks_nodegroup."
            % (resource, at, _versions_of(outdated))
        )


def upgrade_group(
    cluster: State, group: State, target: str, versions: Versions, policy: Policy
) -> list[Operation]:
    """The upgrade of one worker group, at most to the control plane's version.

    :param versions: as in :func:`upgrade_cluster`.
    :raises NksError: the control plane has another version, or nodes are stopped.
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
            "upgrade the control plane first with nks_cluster, or set %s" % control_plane,
        )
    return _upgrade_group(cluster["name"], group, at, target, versions, policy)


def _at(resource: State) -> str | None:
    """The version of a cluster's control plane or of a node group; None if the service does not
    show it.
    """
    version = (resource.get("labels") or {}).get("kube_tag")
    return version if isinstance(version, str) else None


def _upgradable(resource: State) -> set[str] | None:
    """The versions to which the service offers to upgrade a cluster or node group; None if it does
    not show them.
    """
    offered = (resource.get("labels") or {}).get("upgradable_kube_versions")
    return {str(version) for version in offered} if isinstance(offered, list) else None


def _steps(
    resource: str,
    at: str,
    target: str,
    versions: Versions,
    offered: AbstractSet[str] | None,
    outdated: bool,
) -> list[str]:
    """The versions of the upgrade path, the target last.

    :param offered: the versions that the service offers for the first step; None if it does not
        show them.
    :param outdated: whether node groups are outdated; the service may offer more once they are
        upgraded.
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
            "is not a version that NKS supports",
            "choose one of %s" % (_listed(available) or "nks_version_info"),
        )
    path: list[str] = []
    here = at
    while here != target:
        # The cluster shows the versions of its next step; those of later steps are in the list of
        # versions.
        next_ones = offered if offered is not None and not outdated and not path else known
        choice = {
            version
            for version in next_ones
            if minor(here) <= minor(version) <= _next(minor(here)) and _newer(version, here)
        }
        step = _toward(here, target, choice, available)
        if step is None:
            raise BadInput(
                "kubernetes_version",
                target,
                "cannot be reached from %s: the service offers no step from %s toward it"
                % (at, here),
                "choose one of %s" % _listed(choice)
                if choice
                else "list the versions with nks_version_info",
            )
        path.append(step)
        here = step
    return path


def _toward(
    here: str, target: str, choice: AbstractSet[str], available: AbstractSet[str]
) -> str | None:
    """The next step to a version; None if there is none.

    :param choice: the possible versions of the next step.
    :param available: the versions that are available for new clusters; they are preferred for
        intermediate steps.
    """
    if minor(target) in (minor(here), _next(minor(here))):
        return target if target in choice else None
    passed = [version for version in choice if minor(version) == _next(minor(here))]
    return max(
        passed, key=lambda version: (version in available, wire.version_key(version)), default=None
    )


def one_step(before: str, after: str) -> bool:
    """Whether the service upgrades a control plane from one version to the other in one step: to a
    newer patch, or to the next minor version.
    """
    return _newer(after, before) and minor(after) in (minor(before), _next(minor(before)))


def _next(pair: Minor) -> Minor:
    return pair[0], pair[1] + 1


def _previous(pair: Minor) -> Minor:
    return pair[0], pair[1] - 1


def _newer(version: str | None, other: str | None) -> bool:
    return wire.version_key(version) > wire.version_key(other)


def _has_reached(state: State, version: str) -> bool:
    """Whether a cluster or node group has a version, or a newer one: another client may perform the
    next step before the task reads the result of its own, and there are no downgrades.
    """
    return _at(state) == version or _newer(_at(state), version)


def _listed(versions: Iterable[str]) -> str:
    return ", ".join(sorted(versions, key=wire.version_key))


def _versions_of(groups: Iterable[State]) -> str:
    return ", ".join("%s (%s)" % (group["name"], _at(group)) for group in groups)


def _upgrade_control_plane(resource: str, before: str, after: str) -> Operation:
    return Operation(
        "upgrade",
        resource,
        {"kubernetes_version": (before, after)},
        lambda api, ref: api.upgrade(ref, wire.CONTROL_PLANE, after),
        None,
        (("kubernetes_version", lambda state: _has_reached(state, after)),),
        start=lambda state: _at(state) == before,
    )


def _upgrade_group(
    cluster: str, group: State, before: str, after: str, versions: Versions, policy: Policy
) -> list[Operation]:
    """The steps of one worker group to a version that the control plane has: one minor version at a
    time.

    :param cluster: the cluster's name.
    :raises NksError: a step is not possible.
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
    operations: list[Operation] = []
    here = before
    while here != after:
        # What the node group shows as its next step takes precedence.
        step = _toward(here, after, offered, available) or _toward(here, after, known, available)
        if step is None:
            raise BadInput(
                "kubernetes_version",
                after,
                "cannot be reached from %s, which %s has: the service lists no version in between"
                % (before, resource),
                "upgrade the node group step by step with nks_nodegroup",
            )
        operations.append(_upgrade_step(resource, group, here, step, policy))
        here = step
    return operations


def _upgrade_step(
    resource: str, group: State, before: str, after: str, policy: Policy
) -> Operation:
    return Operation(
        "upgrade",
        resource,
        {"kubernetes_version": (before, after)},
        lambda api, ref: api.upgrade(
            ref, group["uuid"], after, policy.num_buffer_nodes, policy.num_max_unavailable_nodes
        ),
        group["uuid"],
        (("kubernetes_version", lambda state: _has_reached(state, after)),),
        start=lambda state: _at(state) == before,
    )
