# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the desired and the observed document to operations, diff and errors. Pure functions: no
request, no clock.

:func:`plan` is the only source of ``changed``, of ``actions``, of the diff and of the result in
check mode.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    ABSENT,
    ClusterSpec,
    NodegroupSpec,
    Observed,
    ObservedNodegroup,
    Options,
    Policy,
    State,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import UUID
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import (
    autoscale,
    certificate,
    fixed,
    nodes,
    rules,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Operation,
    Plan,
    cluster_resource,
    deletion,
    group_resource,
)

# Imports within functions: Ansible sends a module as an archive without bytecode, so Python compiles
# each file that a task imports, at every start. A task that changes nothing needs neither creations
# nor upgrades. "make benchmark" measures each of these files; see "Imports within functions" of
# docs/benchmark.md.

#: Options whose value is read from node group default-worker.
NEEDS_GROUP = [row.option for row in rows.CLUSTER.values() if row.group] + ["autoscale", "labels"]


def plan(desired: ClusterSpec, observed: Observed, policy: Policy | None = None) -> Plan:
    """The operations that bring the observed cluster to the desired state, in order.

    The plan of what a plan has done is empty.

    :param desired: what the task manages; everything else is not changed.
    :param observed: read as far as ``desired`` needs it.
    :raises NksError: a difference that cannot be changed, or that the service would reject; no
        request has been sent.
    """
    policy = policy or Policy()
    if desired.state == ABSENT:
        return Plan([deletion(cluster_resource(desired.name))] if observed.cluster else [])
    parts = [_cluster(desired, observed, policy)] if desired.options is not None else []
    cluster = observed if not parts else _upgraded(observed, parts[0].operations)
    parts += [
        _nodegroup(desired, spec, cluster, spec.policy or policy) for spec in desired.nodegroups
    ]
    if desired.ipacl is not None:
        from ansible_collections.nhncloud.nks.plugins.module_utils._plan import ipacl

        parts.append(
            ipacl.plan_access(desired.name, desired.ipacl, observed.ipacl, observed.subnets)
        )
    if desired.certificate is not None:
        parts.append(
            certificate.renewal(
                cluster_resource(desired.name), observed.cluster or {}, desired.certificate
            )
        )
    operations = [operation for part in parts for operation in part.operations]
    return Plan(operations, [warning for part in parts for warning in part.warnings]).named(
        observed.names
    )


def _upgraded(observed: Observed, operations: list[Operation]) -> Observed:
    """The observed document with the versions that it has after the upgrades of a plan, with which
    later parts of the plan begin.

    :param operations: those of the plan's earlier parts.
    """
    versions = {
        operation.group: operation.changes["kubernetes_version"][1]
        for operation in operations
        if operation.name == "upgrade"
    }
    if not versions:
        return observed

    def after(state: State, group: str | None) -> State:
        if group not in versions:
            return state
        upgraded = wire.at_version(state, versions[group])
        # The service shows other versions for the next step then.
        upgraded["labels"].pop("upgradable_kube_versions", None)
        return upgraded

    return replace(
        observed,
        cluster=after(observed.cluster, None) if observed.cluster else None,
        nodegroups={
            name: replace(group, state=after(group.state, group.state.get("uuid")))
            for name, group in observed.nodegroups.items()
        },
    )


def _cluster(desired: ClusterSpec, observed: Observed, policy: Policy) -> Plan:
    """The part of the cluster itself and of its first node group."""
    options = desired.options or {}
    if observed.cluster is None:
        from ansible_collections.nhncloud.nks.plugins.module_utils._plan import creation

        return creation.create_cluster({"name": desired.name, **options})
    from ansible_collections.nhncloud.nks.plugins.module_utils._plan import changes

    cluster, group = observed.cluster, observed.nodegroups.get(wire.DEFAULT_GROUP)
    resource = cluster_resource(cluster["name"])
    network = (
        changes.cni(resource, options, cluster, policy) if options.get("cni") is not None else None
    )
    compared = dict(options)
    if network:
        compared.update(pods_network_cidr=None, pods_network_subnet=None)
    state = group.state if group else None
    found = fixed.differences(compared, rows.CLUSTER, (cluster, state), observed.names)
    warnings = fixed.reject(found, policy.immutable, resource)
    first: list[Operation] = []
    last: list[Operation] = []
    workers = list(observed.workers)
    if group:
        first, last, left, more = _group_changes(cluster["name"], group, options, observed, policy)
        warnings += more
        # A resize that comes first leaves fewer nodes for the upgrade.
        workers = [
            dict(item, node_count=left) if item["uuid"] == group.state["uuid"] else item
            for item in workers
        ]
    upgrades: list[Operation] = []
    if options.get("kubernetes_version") is not None:
        from ansible_collections.nhncloud.nks.plugins.module_utils._plan import upgrade

        upgrades, more = upgrade.upgrade_cluster(
            cluster, workers, options["kubernetes_version"], observed.versions, policy
        )
        warnings += more
    gateways = None
    if options.get("ncr_sgw") or options.get("obs_sgw"):
        gateways = changes.service_gateways(resource, options, cluster)
    middle = [operation for operation in (gateways, network) if operation]
    return Plan([*first, *middle, *upgrades, *last], warnings)


def _nodegroup(
    desired: ClusterSpec, spec: NodegroupSpec, observed: Observed, policy: Policy
) -> Plan:
    """The part of one node group."""
    group = observed.nodegroups.get(spec.name)
    resource = group_resource(desired.name, spec.name)
    if spec.state == ABSENT:
        return Plan([deletion(resource, group.state["uuid"])] if group else [])
    parts = []
    if spec.options is not None:
        parts.append(_create_or_change(desired, spec.options, spec.name, observed, policy))
    if spec.autoscale is not None and group:
        switch = autoscale.autoscale_change(
            resource, group.state, spec.autoscale, group.autoscale, whole=False
        )
        parts.append(Plan([switch] if switch else []))
    if spec.nodes is not None and group:
        parts.append(
            nodes.change_nodes(
                resource,
                group.state,
                group.instances,
                spec.nodes.uuids,
                spec.nodes.state,
                group.read_instances,
            )
        )
    return Plan(
        [operation for part in parts for operation in part.operations],
        [warning for part in parts for warning in part.warnings],
    )


def _create_or_change(
    desired: ClusterSpec, options: Options, name: str, observed: Observed, policy: Policy
) -> Plan:
    left = Plan()
    if policy.immutable == "replace":
        from ansible_collections.nhncloud.nks.plugins.module_utils._plan import replacement

        task = replacement.Replacement(desired, name, options, observed, policy)
        replaced = task.plan()
        if replaced is not None:
            return replaced
        left = task.plan_leftover()
    group = observed.nodegroups.get(name)
    if group is None:
        from ansible_collections.nhncloud.nks.plugins.module_utils._plan import creation

        created = creation.create_nodegroup(desired.name, {"name": name, **options})
        return Plan(created.operations, left.warnings)
    resource = group_resource(desired.name, name)
    found = fixed.differences(options, rows.NODEGROUP, (None, group.state), observed.names)
    warnings = fixed.reject(found, policy.immutable, resource)
    first, last, count, more = _group_changes(desired.name, group, options, observed, policy)
    upgrades: list[Operation] = []
    if options.get("kubernetes_version") is not None:
        from ansible_collections.nhncloud.nks.plugins.module_utils._plan import upgrade

        cluster = observed.cluster or {"name": desired.name}
        upgrades = upgrade.upgrade_group(
            cluster,
            dict(group.state, node_count=count),
            options["kubernetes_version"],
            observed.versions,
            policy,
        )
    # What a former replacement has left is deleted last: until then its nodes can be needed.
    return Plan([*first, *upgrades, *last, *left.operations], [*warnings, *more, *left.warnings])


def _group_changes(
    cluster: str, group: ObservedNodegroup, options: Options, observed: Observed, policy: Policy
) -> tuple[list[Operation], list[Operation], Any, list[str]]:
    """The changes of :func:`changes.group_changes`, if the flavor can be changed.

    :raises NksError: a change that the service would reject, for example of the flavor type.
    """
    from ansible_collections.nhncloud.nks.plugins.module_utils._plan import changes

    before, after = wire.one_spelling(str(group.state.get("flavor_id"))), options.get("flavor")
    if observed.flavors and after is not None and not UUID.equal(after, before):
        names = observed.flavors
        rules.check_flavor_change(
            group_resource(cluster, group.state["name"]), names.get(before), names.get(after)
        )
    return changes.group_changes(cluster, group.state, options, group.autoscale, policy)
