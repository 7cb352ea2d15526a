# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_nodegroup: create, reconcile, delete."""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    ABSENT,
    ClusterSpec,
    NodegroupSpec,
    Observed,
    ObservedNodegroup,
    Policy,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import (
    changes,
    operations,
    plan,
    upgrade,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Job
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.groups import (
    find_group,
    no_group,
    note_stopped,
    present_autoscale,
    stopped_nodes,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.references import References


def run(task):
    """One task of nks_nodegroup; see the documentation of the module."""
    name, state = task.options["name"], task.options["state"]
    if state == "absent":
        return _absent(task, name)
    cluster = task.planned_cluster()
    if cluster is None:
        return _predicted(task, task.options["cluster"])
    task.usable(cluster)
    group = find_group(task, cluster, name, "name")
    if group is None or task.idle(group, again=True) is None:
        if wire.is_uuid(name):
            raise no_group(task, cluster, "name", name)
        if task.check_mode and not any(
            task.options.get(row.option) for row in rows.NODEGROUP.values() if row.required
        ):
            # Nothing is there to create it with, so an earlier task may do it.
            task.predict(name, no_group(task, cluster, "name", name))
            return {"nodegroup": {}, "plan": operations.Plan()}
        return _create(task, cluster)
    task.usable(group)
    return _reconcile(task, cluster, group)


def _predicted(task, cluster):
    """What check mode knows of a node group of a cluster that does not exist yet: with the options that it needs, it would be created.

    :param cluster: the cluster's name.
    """
    given = task.given(rows.NODEGROUP)
    if given["name"] == wire.CONTROL_PLANE:
        raise BadInput(
            "name",
            given["name"],
            "is the control plane, which the service does not let us touch as a node group",
            "name a worker group",
        )
    complete = any(given.get(row.option) for row in rows.NODEGROUP.values() if row.required)
    if given["name"] == wire.DEFAULT_GROUP or not (complete or wire.is_uuid(given["name"])):
        # It is created with the cluster, or by an earlier task.
        return {"nodegroup": {}, "plan": operations.Plan()}
    # Which network the cluster will have is not known, so its subnets are not looked for.
    groups = given.pop("extra_security_groups", None)
    references = References(task)
    wanted = references.resolve(given, rows.NODEGROUP)
    if groups is not None:
        wanted["extra_security_groups"] = [
            dict(item, security_groups=references.security_groups(item)) for item in groups
        ]
    references.complete_group(wanted, None)
    todo = _plan({"name": cluster}, NodegroupSpec(wanted["name"], options=wanted), None)
    task.carry_out(todo)
    return {"nodegroup": {}, "plan": todo}


def _absent(task, name):
    gone = {"nodegroup": {}, "plan": operations.Plan()}
    cluster = task.cluster(task.options["cluster"])
    if cluster is None:
        task.gone()
        return gone
    if cluster.last["status"] != "DELETE_IN_PROGRESS":
        group = find_group(task, cluster, name, "name")
        if group is None:
            return gone
        if group.last["status"] == "DELETE_IN_PROGRESS":
            # Someone is deleting it already: nothing to send, only to wait for.
            if task.options["wait"] and task.idle(group) is not None:
                raise task.failure(group)
            return gone
    if task.idle(cluster) is None:
        return gone
    group = find_group(task, cluster, name)
    if group is None or task.idle(group) is None:
        return gone
    if group.last.get("name") == wire.DEFAULT_GROUP:
        # Refused by Magnum, and whether NKS would take it nobody says: known beforehand, it is told in check mode too.
        raise BadInput(
            "name",
            name,
            "is the first node group, which only goes with its cluster",
            "delete the cluster with nks_cluster",
        )
    spec = NodegroupSpec(group.last["name"], ABSENT)
    todo = _plan(cluster.last, spec, group.last)
    before = group.last
    task.carry_out(todo, cluster, [group])
    return {"nodegroup": wire.masked(before), "plan": todo}


def _create(task, cluster):
    references = References(task, cluster.last)
    wanted = references.resolve(task.given(rows.NODEGROUP), rows.NODEGROUP)
    references.complete_group(
        wanted,
        (_upgraded(task, cluster, wanted.get("kubernetes_version")).get("labels") or {}).get(
            "kube_tag"
        ),
    )
    todo = _plan(
        cluster.last, NodegroupSpec(wanted["name"], options=wanted), None, names=references.names
    )
    runner, state = task.carry_out(todo, cluster)
    if state is None and not task.check_mode:
        # Not waited for: what the service shows already, or what is known for certain.
        watch = next(iter(runner.groups.values()))
        state = task.shown(watch)
        if state is None:
            runner.require_no_rival(wanted["name"], watch)
            state = {"uuid": watch.group, "name": wanted["name"], "cluster_id": cluster.cluster}
    return {"nodegroup": wire.masked(state or {}), "plan": todo}


def _upgraded(task, cluster, version, present=None):
    """The typed cluster; in check mode with its control plane at the wanted version, if an earlier task of the play may upgrade it by that one step.

    :param cluster: the watch of the cluster.
    :param present: the version of the node group; one that is behind has to come first.
    """
    from ansible_collections.nhncloud.nks.plugins.module_utils._plan import upgrade

    labels = cluster.last.get("labels") or {}
    at, offered = labels.get("kube_tag"), labels.get("upgradable_kube_versions")
    if (
        not task.check_mode
        or at is None
        or version in (None, at)
        or present not in (None, at)
        or not upgrade.one_step(at, version)
    ):
        return cluster.last
    if isinstance(offered, list) and offered and version not in offered:
        return cluster.last
    task.warnings.append(
        "kubernetes_version: the control plane of %s is at %s. In check mode this is not an error, since an earlier task may upgrade it to %s: "
        "the result is a prediction." % (cluster.name, at, version)
    )
    return dict(cluster.last, labels=dict(labels, kube_tag=version))


def _reconcile(task, cluster, group):
    options = task.options
    given = task.given(rows.NODEGROUP)
    # The name only led here; it is not compared.
    given.pop("name")
    references = References(task, cluster.last)
    wanted = references.resolve(given, rows.NODEGROUP)
    group.last["labels"] = group.last.get("labels") or {}
    versions = []
    version, present = wanted.get("kubernetes_version"), group.last["labels"].get("kube_tag")
    unknown = next(
        (
            watch.name
            for watch in (group, cluster)
            if not (watch.last.get("labels") or {}).get("kube_tag")
        ),
        None,
    )
    if version not in (None, present) and unknown:
        task.warnings.append(
            "%s does not show its Kubernetes version, so kubernetes_version was not compared."
            % unknown
        )
        version = wanted["kubernetes_version"] = None
    above = _upgraded(task, cluster, version, present)
    if version not in (None, present):
        group.last["stopped"] = stopped_nodes(task, cluster, group)
        if upgrade.needs_versions(above, version, [group.last]):
            versions = wire.versions(task.api.supports())
    autoscale = present_autoscale(task, cluster, group, "autoscale" in given)
    note_stopped(task, cluster, group, given.get("autoscale"), autoscale)
    count, there = wanted.get("node_count"), group.last.get("node_count")
    fewer = count is not None and isinstance(there, int) and count < there
    if (
        options["nodes_to_remove"]
        and fewer
        and not changes.autoscaled(given.get("autoscale"), autoscale)
    ):
        wanted["nodes_to_remove"] = task.names.nodes(
            "nodes_to_remove", group.last, options["nodes_to_remove"], cluster.last
        )
        if not all(wire.is_uuid(ref) for ref in options["nodes_to_remove"]):
            references.names["nodes_to_remove"] = {
                node["uuid"]: node["name"]
                for node in task.names.instances(group.last, cluster.last)
            }
    spec = NodegroupSpec(group.last["name"], options=wanted)
    looked_up = {
        "versions": versions,
        "names": references.names,
        "flavors": references.flavors(group.last, wanted),
    }
    todo = _plan(above, spec, group.last, autoscale, Policy.of(options), **looked_up)
    before = group.last
    _runner, state = task.carry_out(todo, cluster, [group])
    if state is None and todo.operations and not task.check_mode:
        state = group.read()
        if state is None:
            raise NksError(
                "%s was deleted by someone else while it was being changed." % group.name
            )
    result = dict(state or before)
    result.pop("stopped", None)
    return {"nodegroup": wire.masked(result), "plan": todo}


def _plan(cluster, spec, group, autoscale=None, policy=None, **looked_up):
    """The plan for one node group.

    :param cluster: the typed cluster.
    :param spec: see :class:`documents.NodegroupSpec`.
    :param group: the typed node group; None if it does not exist.
    :param looked_up: members of :class:`documents.Observed`.
    """
    nodegroups = {spec.name: ObservedNodegroup(group, autoscale or {})} if group else {}
    return plan.plan(
        ClusterSpec(cluster["name"], nodegroups=(spec,)),
        Observed(cluster, nodegroups, **looked_up),
        policy,
    )


JOB = Job(
    "nks_nodegroup",
    dict(
        arguments.auth(),
        cluster={"type": "str", "required": True},
        name={"type": "str", "required": True},
        nodes_to_remove={"type": "list", "elements": "str"},
        **arguments.state("present", "absent"),
        **arguments.wait(),
        **arguments.reconciled(),
        **arguments.creation(rows.NODEGROUP),
    ),
    run,
)
