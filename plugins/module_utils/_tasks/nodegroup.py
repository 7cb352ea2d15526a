# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_nodegroup: creates, changes and deletes node groups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

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
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import UNKNOWN
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import (
    changes,
    fixed,
    operations,
    plan,
    upgrade,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import (
    Job,
    Options,
    Result,
    Task,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.groups import (
    check_worker_group,
    find_group,
    no_group,
    note_stopped,
    read_autoscale,
    stopped_nodes,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.references import References
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.replacing import (
    read_capacity,
    read_history,
)

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._apply.run import Runner
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State
    from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch
    from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import Plan


@dataclass
class Spare:
    """The node group with the name of the temporary one of a replacement, and the task history,
    which shows whether it belongs to one; see :mod:`replacement`.
    """

    watch: Watch
    history: list[State]
    #: Whether the node group that it replaces has been deleted in its favor.
    begun: bool


def run(task: Task) -> Result:
    """One task of nks_nodegroup; see the documentation of the module."""
    name, state = task.options["name"], task.options["state"]
    if state == "absent":
        return _absent(task, name)
    if task.options["immutable"] == "replace":
        from ansible_collections.nhncloud.nks.plugins.module_utils._plan import replacement

        replacement.check_request(task.options)
    cluster = task.require_or_predict_cluster()
    if cluster is None:
        return _predicted(task, task.options["cluster"])
    task.require_created(cluster)
    group, spare = find_groups(task, cluster)
    if group is None:
        if wire.is_uuid(name):
            raise no_group(task, cluster, "name", name)
        if spare is not None and spare.begun:
            return _create(task, cluster, spare)
        if task.check_mode and not any(
            task.options.get(row.option) for row in rows.NODEGROUP.values() if row.required
        ):
            # The options that a creation needs are not set, so an earlier task may create it.
            task.predict_or_raise(name, no_group(task, cluster, "name", name))
            return {"nodegroup": {}, "plan": operations.Plan()}
        return _create(task, cluster)
    if spare is None or not spare.begun:
        task.require_created(group)
    return _reconcile(task, cluster, group, spare)


def find_groups(task: Task, cluster: Watch) -> tuple[Watch | None, Spare | None]:
    """The node group and, if it may be replaced, the temporary one; None for one that does not
    exist. Both are idle.

    :raises PlanOutdated: one was busy.
    """
    name = task.options["name"]
    if task.options["immutable"] != "replace":
        group = find_group(task, cluster, name, "name")
        if group is not None:
            task.wait_until_idle(group, again=True)
        return group, None
    from ansible_collections.nhncloud.nks.plugins.module_utils._plan import replacement

    find = partial(find_group, task, cluster)
    replacement_name = task.options.get("replacement_name")
    if wire.is_uuid(name):
        group = find(name, "name")
        if group is None:
            return None, None
        name = group.state["name"]
        replacement.check_names(name, replacement_name)
        found = find(replacement.temporary_name(name, replacement_name), "replacement_name")
    else:
        temporary = replacement.temporary_name(name, replacement_name)
        both = [partial(find, name, "name"), partial(find, temporary, "replacement_name")]
        with task.reading(both) as answers:
            group, found = [answer.result() for answer in answers]
    for watch in (group, found):
        if watch is not None:
            task.wait_until_idle(watch, again=True)
    if found is None:
        return group, None
    history = read_history(task, cluster)
    return group, Spare(found, history, replacement.was_begun(history, found.state, name))


def _predicted(task: Task, cluster: str) -> Result:
    """The result of check mode for a node group of a cluster that does not exist yet: with the
    options that it needs, it would be created.

    :param cluster: the cluster's name.
    """
    given = task.specified(rows.NODEGROUP)
    check_worker_group("name", given["name"])
    complete = any(given.get(row.option) for row in rows.NODEGROUP.values() if row.required)
    if given["name"] == wire.DEFAULT_GROUP or not (complete or wire.is_uuid(given["name"])):
        # It is created together with the cluster, or by an earlier task.
        return {"nodegroup": {}, "plan": operations.Plan()}
    # The network of the cluster is not known, so its subnets are not looked up.
    groups = given.pop("extra_security_groups", None)
    references = References(task)
    desired = references.resolve(given, rows.NODEGROUP)
    if groups is not None:
        desired["extra_security_groups"] = [
            dict(item, security_groups=references.security_groups(item)) for item in groups
        ]
    references.check_group(desired, None)
    name = desired.pop("name")
    todo = plan.plan(
        ClusterSpec(cluster, nodegroups=(NodegroupSpec(name, options=desired),)),
        Observed({"name": cluster}),
    )
    task.apply(todo)
    return {"nodegroup": {}, "plan": todo}


def _absent(task: Task, name: str) -> Result:
    unchanged: Result = {"nodegroup": {}, "plan": operations.Plan()}
    cluster = task.read_cluster(task.options["cluster"])
    if cluster is None:
        task.verify_endpoint()
        return unchanged
    if cluster.state["status"] != "DELETE_IN_PROGRESS":
        group = find_group(task, cluster, name, "name")
        if group is None:
            return unchanged
        if group.state["status"] == "DELETE_IN_PROGRESS":
            # It is being deleted already: there is nothing to send, the task only waits.
            task.require_approved(unchanged["plan"])
            if task.options["wait"] and task.wait_until_idle(group) is not None:
                raise task.failure(group)
            return unchanged
    if task.wait_until_idle(cluster) is None:
        return unchanged
    group = find_group(task, cluster, name)
    if group is None or task.wait_until_idle(group) is None:
        return unchanged
    before = group.state
    if before.get("name") == wire.DEFAULT_GROUP:
        # Magnum rejects this, and NKS does not document it; checked before any request, it fails in
        # check mode too.
        raise BadInput(
            "name",
            name,
            "is the default node group and can only be deleted together with the cluster",
            "delete the cluster with nks_cluster",
        )
    todo = plan.plan(
        ClusterSpec(cluster.state["name"], nodegroups=(NodegroupSpec(before["name"], ABSENT),)),
        Observed(cluster.state, {before["name"]: ObservedNodegroup(before)}),
    )
    task.apply(todo, cluster, [group])
    return {"nodegroup": wire.masked(before), "plan": todo}


def desired_creation(
    task: Task, cluster: Watch, spare: Spare | None = None
) -> tuple[Options, Observed]:
    """The options that create a node group, with UUIDs for names, and what was looked up.

    :param cluster: the watch of the cluster.
    :param spare: the temporary node group, if an interrupted replacement has left it.
    :raises NksError: the look-ups show that the service would reject the options.
    """
    references = References(task, cluster.state)
    desired = references.resolve(task.specified(rows.NODEGROUP), rows.NODEGROUP)
    name = desired.pop("name")
    above = _predicted_upgrade(task, cluster, desired.get("kubernetes_version"))
    autoscale = {}
    if spare is not None:
        spare.watch.state["labels"] = spare.watch.state.get("labels") or {}
        autoscale = read_autoscale(task, cluster, spare.watch, True)
    references.check_group(
        _with_size(desired, None if spare is None else spare.watch.state),
        (above.get("labels") or {}).get("kube_tag"),
    )
    observed = _observed(cluster.state, name, None, autoscale, spare, names=references.names)
    return desired, observed


def _create(task: Task, cluster: Watch, spare: Spare | None = None) -> Result:
    """Create the node group.

    :param spare: the temporary node group, if an interrupted replacement has left it.
    """
    desired, observed = desired_creation(task, cluster, spare)
    name = task.options["name"]
    todo = _plan(task, cluster, name, desired, observed)
    runner, state = task.apply(todo, cluster, touched(todo, spare))
    if runner is not None and state is None and not task.options["wait"]:
        # The task does not wait: the result has what the service shows already, or what is known
        # for certain.
        watch = runner.groups[runner.created[name]]
        state = task.wait_until_shown(watch)
        if state is None:
            runner.require_no_rival(name, watch)
            state = {"uuid": watch.group, "name": name, "cluster_id": cluster.cluster}
    elif runner is not None:
        state = state or _read_created(runner, name)
        if task.options["wait_for_nodes"]:
            state = _wait_for_nodes(task, todo, cluster, runner.groups[runner.created[name]])
    return {"nodegroup": wire.masked(state or {}), "plan": todo}


def _read_created(runner: Runner, name: str) -> State:
    """The node group that the task has created, after operations on other ones.

    :raises NksError: it was deleted.
    """
    watch = runner.groups[runner.created[name]]
    state = watch.read()
    if state is None:
        raise NksError("%s was deleted by someone else after it was created." % watch.name)
    return state


def touched(plan_: Plan, spare: Spare | None) -> list[Watch]:
    """The watch of the temporary node group, if the plan deletes it; otherwise its status does not
    matter.
    """
    deleted = {operation.group for operation in plan_.operations if operation.name == "delete"}
    return [] if spare is None or spare.watch.group not in deleted else [spare.watch]


def _with_size(desired: Options, state: State | None) -> Options:
    """The options with the size of the boot volume that the new node group will have, which has to
    fit the image.

    :param state: the typed node group whose values are kept; None if there is none.
    """
    if state is None or desired.get("boot_volume_size") is not None:
        return desired
    size = rows.NODEGROUP["boot_volume_size"].observed(None, state)
    return desired if size is UNKNOWN else dict(desired, boot_volume_size=size)


def _predicted_upgrade(
    task: Task, cluster: Watch, version: str | None, current: str | None = None
) -> State:
    """The typed cluster; in check mode with its control plane at the desired version, if an earlier
    task may upgrade it by that one step.

    :param current: the version of the node group, if it exists; an outdated one must be upgraded
        first.
    """
    labels = cluster.state.get("labels") or {}
    at, offered = labels.get("kube_tag"), labels.get("upgradable_kube_versions")
    if (
        not task.predicts
        or at is None
        or version is None
        or version == at
        or current not in (None, at)
        or not upgrade.one_step(at, version)
    ):
        return cluster.state
    if isinstance(offered, list) and offered and version not in offered:
        return cluster.state
    task.warnings.append(
        "kubernetes_version: the control plane of %s is at %s. In check mode this is not an error, since an earlier task may upgrade it to %s: "
        "the result is a prediction." % (cluster.name, at, version)
    )
    return wire.at_version(cluster.state, version)


def observe(
    task: Task, cluster: Watch, group: Watch, spare: Spare | None = None
) -> tuple[Options, Observed]:
    """Read what the options are compared with.

    :param cluster: the watch of the cluster.
    :param group: the watch of the node group.
    :param spare: the temporary node group, if the node group may be replaced and it exists.
    :returns: (the options that are set, with UUIDs for names; the observed document, with what the
        plan of the node group needs).
    """
    given = task.specified(rows.NODEGROUP)
    # The name has identified the node group; it is not compared.
    given.pop("name")
    before = group.state
    before["labels"] = before.get("labels") or {}
    references = References(task, cluster.state)
    desired = references.resolve(given, rows.NODEGROUP)
    if is_replaced(task, group, desired):
        return desired, _observe_replacement(task, cluster, group, spare, references, desired)
    above, versions = _read_for_upgrade(task, cluster, group, desired)
    autoscale = read_autoscale(task, cluster, group, "autoscale" in given)
    note_stopped(task, cluster, group, given.get("autoscale"), autoscale)
    if not changes.autoscaled(given.get("autoscale"), autoscale):
        _resolve_nodes(task, cluster, group, references, desired)
    return desired, _observed(
        above,
        before["name"],
        before,
        autoscale,
        spare,
        versions=versions,
        names=references.names,
        flavors=references.flavors(before, desired),
    )


def is_replaced(task: Task, group: Watch, desired: Options) -> bool:
    """Whether the node group has to be replaced by one with other options.

    :param desired: the options that are set, with UUIDs for names.
    """
    return task.options["immutable"] == "replace" and (
        group.state["status"] == "CREATE_FAILED"
        or bool(fixed.differences(desired, rows.NODEGROUP, (None, group.state), {}))
    )


def _reconcile(task: Task, cluster: Watch, group: Watch, spare: Spare | None) -> Result:
    desired, observed = observe(task, cluster, group, spare)
    before = group.state
    replaced = is_replaced(task, group, desired)
    todo = _plan(task, cluster, before["name"], desired, observed)
    runner, state = task.apply(todo, cluster, [group, *touched(todo, spare)])
    if replaced and runner is not None:
        state = _read_created(runner, before["name"])
        group = runner.groups[runner.created[before["name"]]]
    elif state is None and todo.operations and not task.check_mode:
        state = group.read()
        if state is None:
            raise NksError(
                "%s was deleted by someone else while it was being changed." % group.name
            )
    if task.options["wait_for_nodes"] and not task.check_mode:
        state = _wait_for_nodes(task, todo, cluster, group)
    result = dict(state or before)
    result.pop("stopped", None)
    return {"nodegroup": wire.masked(result), "plan": todo}


def _wait_for_nodes(task: Task, todo: Plan, cluster: Watch, group: Watch) -> State:
    """Wait until the nodes are ready.

    :param todo: the plan that was applied.
    :returns: the typed node group.
    """
    # See engine for imports within functions.
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import readiness

    readiness.wait_for_nodes(task, todo, cluster, [group])
    return group.state


def _observe_replacement(
    task: Task,
    cluster: Watch,
    group: Watch,
    spare: Spare | None,
    references: References,
    desired: Options,
) -> Observed:
    """Read what the replacement of the node group needs.

    :param group: the watch of the node group.
    :param spare: the temporary node group, if it exists.
    :param desired: the desired options, with UUIDs for references.
    """
    before = group.state
    if wire.is_uuid(task.options["name"]):
        raise BadInput(
            "name",
            task.options["name"],
            "identifies the node group by its UUID, and the node group that replaces it has "
            "another one",
            "set the name %s" % before["name"],
        )
    # The last creation may have failed; then the temporary node group has the values to keep.
    unusable = before["status"] == "CREATE_FAILED" and spare is not None
    source = spare.watch if unusable and spare is not None else group
    source.state["labels"] = source.state.get("labels") or {}
    above = _predicted_upgrade(task, cluster, desired.get("kubernetes_version"))
    references.check_group(
        _with_size(desired, source.state), (above.get("labels") or {}).get("kube_tag")
    )
    return _observed(
        cluster.state,
        before["name"],
        before,
        read_autoscale(task, cluster, source, True),
        spare,
        names=references.names,
        capacity=read_capacity(task, cluster),
    )


def _read_for_upgrade(
    task: Task, cluster: Watch, group: Watch, desired: Options
) -> tuple[State, list[dict[str, Any]]]:
    """What the plan of an upgrade needs, with the names of stopped nodes as ``stopped`` of the
    group; nothing is read without one.

    :param desired: the desired options; a version that cannot be compared is removed from them,
        with a warning.
    :returns: (the typed cluster, see :func:`_predicted_upgrade`; the versions that the service
        supports).
    """
    version, current = desired.get("kubernetes_version"), group.state["labels"].get("kube_tag")
    if version in (None, current):
        return cluster.state, []
    for watch in (group, cluster):
        if not (watch.state.get("labels") or {}).get("kube_tag"):
            task.warnings.append(
                "%s does not show its Kubernetes version, so kubernetes_version was not compared."
                % watch.name
            )
            desired["kubernetes_version"] = None
            return cluster.state, []
    above = _predicted_upgrade(task, cluster, version, current)
    group.state["stopped"] = stopped_nodes(task, cluster, group)
    needed = upgrade.needs_versions(above, version, [group.state])
    return above, wire.versions(task.api.supports()) if needed else []


def _resolve_nodes(
    task: Task, cluster: Watch, group: Watch, references: References, desired: Options
) -> None:
    """Resolve ``nodes_to_remove`` if the node group is to have fewer nodes; otherwise the option
    has no effect.

    :param references: gets the names of the nodes, if they are set by name.
    :param desired: the desired options, which get the UUIDs.
    """
    refs = task.options["nodes_to_remove"]
    count, current = desired.get("node_count"), group.state.get("node_count")
    if not refs or count is None or not isinstance(current, int) or count >= current:
        return
    desired["nodes_to_remove"] = task.names.nodes(
        "nodes_to_remove", group.state, refs, cluster.state
    )
    if not all(wire.is_uuid(ref) for ref in refs):
        references.names["nodes_to_remove"] = {
            node["uuid"]: node["name"] for node in task.names.instances(group.state, cluster.state)
        }


def _observed(
    cluster: State,
    name: str,
    group: State | None,
    autoscale: Options,
    spare: Spare | None,
    **looked_up: Any,
) -> Observed:
    """The observed document for one node group.

    :param cluster: the typed cluster.
    :param name: the name of the node group.
    :param group: the typed node group; None if it does not exist.
    :param autoscale: the settings of the node group, or of the temporary one if its values are
        kept.
    :param spare: the temporary node group, if it exists.
    :param looked_up: members of :class:`documents.Observed`.
    """
    nodegroups = {name: ObservedNodegroup(group, autoscale)} if group else {}
    if spare is not None:
        state = spare.watch.state
        nodegroups[state["name"]] = ObservedNodegroup(state, autoscale)
        looked_up["history"] = spare.history
    return Observed(cluster, nodegroups, **looked_up)


def _plan(task: Task, cluster: Watch, name: str, desired: Options, observed: Observed) -> Plan:
    """The plan for one node group.

    :param name: its name.
    :param desired: its options, with UUIDs for references.
    """
    return plan.plan(
        ClusterSpec(cluster.state["name"], nodegroups=(NodegroupSpec(name, options=desired),)),
        observed,
        Policy.of(task.options),
    )


JOB = Job(
    "nks_nodegroup",
    dict(
        arguments.auth(),
        cluster={"type": "str", "required": True},
        **arguments.wait(),
        **arguments.wait_for_nodes(),
        **arguments.approval(),
        **arguments.nodegroup(),
    ),
    run,
)
