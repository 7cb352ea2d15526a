# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_cluster: creates, changes and deletes clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Sequence

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
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments, groups
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import (
    Job,
    Options,
    Result,
    Task,
)

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._apply.run import Runner
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State


def run(task: Task) -> Result:
    """One task of nks_cluster; see the documentation of the module."""
    name = task.options["name"]
    if task.options["state"] == "absent":
        return _absent(task, task.read_cluster(name))
    watch = find(task, name)
    return _create(task) if watch is None else _reconcile(task, watch)


def find(task: Task, name: str) -> Watch | None:
    """The cluster to compare with the options, once it is idle; None if it has to be created.

    :param name: its name or UUID.
    :raises NksError: no cluster has this UUID, or the creation of the cluster failed.
    """
    watch = task.read_cluster(name)
    if watch is not None and task.wait_until_idle(watch) is None:
        watch = None
    if watch is None and not wire.is_uuid(name):
        watch = _find_listed(task, name)
        if watch is not None and task.wait_until_idle(watch) is None:
            watch = None
    if watch is not None:
        task.require_created(watch)
    elif wire.is_uuid(name):
        raise task.names.no_cluster("name", name)
    return watch


def _find_listed(task: Task, name: str) -> Watch | None:
    """A cluster that is in the list although the look-up by name does not find it yet, once that
    shows it.

    This prevents a second cluster of the name, which would be billed.
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


def _absent(task: Task, watch: Watch | None) -> Result:
    unchanged: Result = {"cluster": {}, "plan": operations.Plan()}
    if watch is None:
        task.verify_endpoint()
        return unchanged
    if watch.state["status"] == "DELETE_IN_PROGRESS":
        # It is being deleted already: there is nothing to send, the task only waits.
        task.require_approved(unchanged["plan"])
        if task.options["wait"] and task.wait_until_idle(watch) is not None:
            raise task.failure(watch)
        return unchanged
    if task.wait_until_idle(watch) is None:
        return unchanged
    before = watch.state
    todo = plan.plan(ClusterSpec(before["name"], ABSENT), Observed(before))
    task.apply(todo, watch)
    return {"cluster": wire.masked(before), "plan": todo}


def desired_creation(task: Task) -> tuple[Options, Observed]:
    """The options that create a cluster, with UUIDs for names and complete, and what was looked up.

    :raises NksError: the look-ups show that the service would reject the options.
    """
    # See engine for imports within functions.
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.references import References

    references = References(task)
    desired = references.resolve(task.specified(rows.CLUSTER), rows.CLUSTER)
    references.complete(desired)
    return desired, Observed(names=references.names)


def _create(task: Task) -> Result:
    desired, observed = desired_creation(task)
    name = desired["name"]
    todo = plan.plan(ClusterSpec(name, options=desired), observed)
    runner, state = task.apply(todo)
    if state is None and runner is not None:
        state = shown_creation(task, runner, name)
    elif runner is not None and task.options["wait_for_nodes"]:
        state = wait_for_nodes(task, todo, runner.cluster, [])
    return {"cluster": wire.masked(state or {}), "plan": todo}


def shown_creation(task: Task, runner: Runner, name: str) -> State:
    """What the service shows already of a cluster whose creation the task does not wait for, or
    what is known for certain.
    """
    state = task.wait_until_shown(runner.cluster) or {"uuid": runner.cluster.cluster, "name": name}
    runner.require_only_cluster(name, last=True)
    return state


def observe(task: Task, watch: Watch) -> tuple[Options, Observed, list[Watch]]:
    """Read what the options are compared with.

    :param watch: the watch of the cluster.
    :returns: (the options that are set, with UUIDs for names; the observed document; the watches of
        the node groups that were read).
    """
    cluster = watch.state
    given = task.specified(rows.CLUSTER)
    # The name has identified the cluster; it is not compared.
    given.pop("name")
    group, autoscale = _read_default_group(task, watch, given)
    desired, names, flavors = _resolve(task, cluster, given, group)
    workers, versions = _read_for_upgrade(task, watch, desired.get("kubernetes_version"))
    observed = Observed(
        cluster,
        {wire.DEFAULT_GROUP: ObservedNodegroup(group.state, autoscale)} if group else {},
        [worker.state for worker in workers],
        versions,
        names=names,
        flavors=flavors,
    )
    watches = {item.state["uuid"]: item for item in workers + ([group] if group else [])}
    return desired, observed, list(watches.values())


def _reconcile(task: Task, watch: Watch) -> Result:
    options, cluster = task.options, watch.state
    desired, observed, watches = observe(task, watch)
    todo = plan.plan(ClusterSpec(cluster["name"], options=desired), observed, Policy.of(options))
    task.apply(todo, watch, watches)
    if todo.operations and not task.check_mode:
        # Every wait ends with a read of the cluster.
        current = watch.last if options["wait"] else watch.read()
        if current is None:
            raise NksError(
                "%s was deleted by someone else while it was being changed." % watch.name
            )
        cluster = current
    if options["wait_for_nodes"] and not task.check_mode:
        default = [item for item in watches if item.state["name"] == wire.DEFAULT_GROUP]
        cluster = wait_for_nodes(
            task, todo, watch, watches if options["upgrade"] == "all" else default
        )
    return {"cluster": wire.masked(cluster), "plan": todo}


def wait_for_nodes(
    task: Task, todo: operations.Plan, watch: Watch, nodegroups: Sequence[Watch]
) -> State:
    """Wait until the nodes are ready.

    :param todo: the plan that was applied.
    :param nodegroups: the node groups whose nodes have to be ready, as far as they were read; none
        for the default node group.
    :returns: the typed cluster.
    """
    # See engine for imports within functions.
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import readiness

    if not nodegroups:
        group = groups.find_group(task, watch, wire.DEFAULT_GROUP)
        if group is None:
            task.warnings.append(
                "%s has no node group %s, so wait_for_nodes has no effect. Use it with nks_nodegroup."
                % (watch.name, wire.DEFAULT_GROUP)
            )
            return watch.state
        nodegroups = [group]
    readiness.wait_for_nodes(task, todo, watch, nodegroups)
    return watch.state


def _read_default_group(
    task: Task, watch: Watch, given: Options
) -> tuple[Watch | None, dict[str, Any]]:
    """The first node group and its autoscaler's settings, if an option is set whose value it has;
    otherwise None and nothing.
    """
    if not any(option in given for option in plan.NEEDS_GROUP):
        return None, {}
    group = groups.default_group(task, watch)
    autoscale = groups.read_autoscale(task, watch, group, "autoscale" in given)
    groups.note_stopped(task, watch, group, given.get("autoscale"), autoscale)
    return group, autoscale


def _resolve(
    task: Task, cluster: State, given: Options, group: Watch | None
) -> tuple[Options, Mapping[str, Mapping[str, str]], Mapping[str, str]]:
    """The options with UUIDs for names, the names (see :class:`references.References`), and the
    flavors if the flavor is changed.

    :param group: the first node group, or None.
    """
    if not any(
        given.get(row.option)
        for row in rows.CLUSTER.values()
        if row.ref or isinstance(row.kind, SecurityGroups)
    ):
        return dict(given), {}, {}
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.references import References

    references = References(task, cluster)
    desired = references.resolve(given, rows.CLUSTER)
    return desired, references.names, references.flavors(group.last if group else None, desired)


def _read_for_upgrade(
    task: Task, watch: Watch, target: str | None
) -> tuple[list[Watch], list[dict[str, Any]]]:
    """What the plan of an upgrade needs; nothing is read if no upgrade is possible.

    :param target: the desired version, or None.
    :returns: (the worker groups, the versions that the service supports).
    """
    mode, here = task.options["upgrade"], (watch.state.get("labels") or {}).get("kube_tag")
    if (
        target is None
        or here is None
        or mode == "never"
        or (mode == "control_plane" and target == here)
    ):
        return [], []
    from ansible_collections.nhncloud.nks.plugins.module_utils._plan import upgrade

    workers = groups.worker_groups(task, watch)
    if mode == "all" and any(item.state["labels"].get("kube_tag") != target for item in workers):
        for worker in workers:
            worker.state["stopped"] = groups.stopped_nodes(task, watch, worker)
    needed = upgrade.needs_versions(
        watch.state, target, [worker.state for worker in workers] if mode == "all" else []
    )
    return workers, wire.versions(task.api.supports()) if needed else []


JOB = Job(
    "nks_cluster",
    dict(
        arguments.auth(),
        **arguments.wait(),
        **arguments.wait_for_nodes(),
        **arguments.approval(),
        **arguments.cluster(),
    ),
    run,
)
