# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_cluster: create, reconcile, delete."""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    ABSENT,
    ClusterSpec,
    Observed,
    ObservedNodegroup,
    Policy,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import SecurityGroups
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import operations, plan
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Job


def run(task):
    """One task of nks_cluster; see the documentation of the module."""
    name = task.options["name"]
    watch = task.cluster(name)
    if task.options["state"] == "absent":
        return _absent(task, watch)
    if watch is not None and task.idle(watch) is None:
        watch = None
    if watch is None and not wire.is_uuid(name):
        watch = _listed(task, name)
        if watch is not None and task.idle(watch) is None:
            watch = None
    if watch is None:
        if wire.is_uuid(name):
            raise task.names.no_cluster("name", name)
        return _create(task)
    task.usable(watch)
    return _reconcile(task, watch)


def _listed(task, name):
    """The watch of a cluster that the list has and the look-up by name has not, which may be a moment behind.

    A second cluster of the name would be an expensive mistake.
    """
    for item in task.api.clusters():
        if (
            item.get("name") == name
            and item.get("uuid")
            and not str(item.get("status")).startswith("DELETE_")
        ):
            watch = Watch(task.api, item["uuid"], None, operations.cluster_resource(name))
            if task.waiter().wait_until_shown(watch) is not None:
                return watch
    return None


def _absent(task, watch):
    gone = {"cluster": {}, "plan": operations.Plan()}
    if watch is None:
        task.gone()
        return gone
    if watch.last["status"] == "DELETE_IN_PROGRESS":
        # Someone is deleting it already: nothing to send, only to wait for.
        if task.options["wait"] and task.idle(watch) is not None:
            raise task.failure(watch)
        return gone
    if task.idle(watch) is None:
        return gone
    todo = plan.plan(ClusterSpec(watch.last["name"], ABSENT), Observed(watch.last))
    before = watch.last
    task.carry_out(todo, watch)
    return {"cluster": wire.masked(before), "plan": todo}


def _create(task):
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.references import References

    references = References(task)
    wanted = references.resolve(task.given(rows.CLUSTER), rows.CLUSTER)
    references.complete(wanted)
    todo = plan.plan(ClusterSpec(wanted["name"], options=wanted), Observed(names=references.names))
    runner, state = task.carry_out(todo)
    if state is None and runner is not None:
        # Not waited for: what the service shows already, or what is known for certain.
        state = task.shown(runner.cluster) or {
            "uuid": runner.cluster.cluster,
            "name": wanted["name"],
        }
        runner.require_only_cluster(wanted["name"], last=True)
    return {"cluster": wire.masked(state or {}), "plan": todo}


def _reconcile(task, watch):
    options, cluster = task.options, watch.last
    given = task.given(rows.CLUSTER)
    # The name only led here; it is not compared.
    given.pop("name")
    group, autoscale = _default_group(task, watch, given)
    wanted, names, flavors = _resolved(task, cluster, given, group)
    groups, versions = _for_upgrade(task, watch, wanted.get("kubernetes_version"))
    nodegroups = {wire.DEFAULT_GROUP: ObservedNodegroup(group.last, autoscale)} if group else {}
    workers = [item.last for item in groups]
    observed = Observed(cluster, nodegroups, workers, versions, names=names, flavors=flavors)
    todo = plan.plan(ClusterSpec(cluster["name"], options=wanted), observed, Policy.of(options))
    watches = {item.last["uuid"]: item for item in groups + ([group] if group else [])}
    task.carry_out(todo, watch, watches.values())
    if todo.operations and not task.check_mode:
        # A wait ends with a look at the cluster, whatever it was for.
        cluster = watch.last if options["wait"] else watch.read()
        if cluster is None:
            raise NksError(
                "%s was deleted by someone else while it was being changed." % watch.name
            )
    return {"cluster": wire.masked(cluster), "plan": todo}


def _default_group(task, watch, given):
    """The watch of the first node group and its autoscaler's settings, where an option is kept there; else None and nothing."""
    if not any(option in given for option in plan.NEEDS_GROUP):
        return None, {}
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import groups

    group = groups.default_group(task, watch)
    autoscale = groups.present_autoscale(task, watch, group, "autoscale" in given)
    groups.note_stopped(task, watch, group, given.get("autoscale"), autoscale)
    return group, autoscale


def _resolved(task, cluster, given, group):
    """The options with UUIDs for names, the names (see :class:`tasks.references.References`), and the flavors where theirs is changed.

    :param group: the watch of the first node group, or None.
    """
    if not any(
        given.get(row.option)
        for row in rows.CLUSTER.values()
        if row.ref or isinstance(row.kind, SecurityGroups)
    ):
        return dict(given), {}, {}
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.references import References

    references = References(task, cluster)
    wanted = references.resolve(given, rows.CLUSTER)
    return wanted, references.names, references.flavors(group.last if group else None, wanted)


def _for_upgrade(task, watch, target):
    """What an upgrade has to know, read only as far as there may be one.

    :param target: the wanted version, or None.
    :returns: (watches of the worker groups, list of versions).
    """
    mode, here = task.options["upgrade"], (watch.last.get("labels") or {}).get("kube_tag")
    if (
        target is None
        or here is None
        or mode == "never"
        or (mode == "control_plane" and target == here)
    ):
        return [], []
    from ansible_collections.nhncloud.nks.plugins.module_utils._plan import upgrade
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.groups import (
        stopped_nodes,
        worker_groups,
    )

    groups = worker_groups(task, watch)
    if mode == "all" and any(group.last["labels"].get("kube_tag") != target for group in groups):
        for group in groups:
            group.last["stopped"] = stopped_nodes(task, watch, group)
    wanted = upgrade.needs_versions(
        watch.last, target, [group.last for group in groups] if mode == "all" else []
    )
    return groups, wire.versions(task.api.supports()) if wanted else []


JOB = Job(
    "nks_cluster",
    dict(
        arguments.auth(),
        name={"type": "str", "required": True},
        upgrade={
            "type": "str",
            "choices": ["control_plane", "all", "never"],
            "default": "control_plane",
        },
        **arguments.state("present", "absent"),
        **arguments.wait(),
        **arguments.reconciled(),
        **arguments.creation(rows.CLUSTER),
    ),
    run,
)
