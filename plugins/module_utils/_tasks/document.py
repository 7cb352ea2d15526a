# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One document: a cluster with its node groups and its access control, observed and planned as a
whole.

The document is a dictionary: the options of nks_cluster, and ``nodegroups``, ``ipacl`` and
``purge_nodegroups``. nks_fleet runs one such task for each of its clusters.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Callable, Iterable, Iterator, Mapping

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    BadInput,
    NksError,
    PlanOutdated,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    ABSENT,
    PRESENT,
    AccessSpec,
    ClusterSpec,
    NodegroupSpec,
    Observed,
    ObservedNodegroup,
    Policy,
    State,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import plan, replacement, rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Plan,
    cluster_resource,
    group_resource,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import (
    cluster,
    ipacl,
    nodegroup,
    references,
)
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
)

#: Node groups that NKS creates with the cluster; they are never reported as unmanaged.
DEFAULT_GROUPS = (wire.DEFAULT_GROUP, wire.CONTROL_PLANE)
#: What a result has if there is nothing to show.
EMPTY: Result = {"cluster": {}, "nodegroups": [], "ipacl": {}, "unmanaged": []}
#: What the entry of the default node group keeps; its other options are those of the cluster.
OWN_OF_DEFAULT_GROUP = ("name", "state", "kubernetes_version", *rows.GROUP_RECONCILE)


def checked(document: Options) -> Options:
    """A document in the form that :func:`run` needs: every UUID in one spelling, and the options of
    the default node group as those of the cluster.

    :param document: as Ansible validated it.
    :raises NksError: an option has a value that the service would reject.
    """
    whole = rows.normalized(document)
    rules.check_options(whole)
    if whole.get("ipacl") is not None:
        ipacl.check(whole["ipacl"])
    groups = [rows.normalized(group) for group in whole.get("nodegroups") or []]
    names: list[str] = []
    for group in groups:
        rules.check_options(group)
        check_worker_group("nodegroups.name", group["name"])
        if group["name"] in names:
            raise BadInput(
                "nodegroups", group["name"], "is listed twice", "list each node group once"
            )
        names.append(group["name"])
        if group.get("immutable") == "replace" and not wire.is_uuid(group["name"]):
            replacement.check_names(group["name"], group.get("replacement_name"))
        if group["name"] == wire.DEFAULT_GROUP:
            _fold_default_group(whole, group)
    whole["nodegroups"] = groups if whole.get("nodegroups") is not None else None
    return whole


def _fold_default_group(document: dict[str, Any], group: dict[str, Any]) -> None:
    """Move the options of the default node group to the cluster, which creates that group.

    :raises BadInput: it is to be deleted, or the cluster has another value of an option.
    """
    if group.get("state") == ABSENT:
        raise BadInput(
            "nodegroups.name",
            group["name"],
            "is the default node group and can only be deleted together with the cluster",
            "remove state: absent from it",
        )
    for option, value in list(group.items()):
        if option in OWN_OF_DEFAULT_GROUP or value is None:
            continue
        if document.get(option) not in (None, value):
            raise BadInput(
                "nodegroups.%s" % option,
                "of %s" % group["name"],
                "differs from %s of the cluster, which is the same option" % option,
                "set it once",
            )
        document[option] = group.pop(option)


def needed_lists(document: Options) -> Iterator[references.Needed]:
    """The lists in which the references of a document are looked up; see
    :func:`references.needed_lists`.
    """
    if document["state"] == PRESENT:
        yield from references.needed_lists(document, rows.CLUSTER)
        for group in document["nodegroups"] or []:
            if group["state"] == PRESENT:
                yield from references.needed_lists(group, rows.NODEGROUP)


def run(task: Task) -> Result:
    """One document from options to result; ``plan`` has the operations of all its parts."""
    name = task.options["name"]
    if task.options["state"] == ABSENT:
        return {**EMPTY, **cluster.run(task)}
    watch = cluster.find(task, name)
    return _create(task) if watch is None else _reconcile(task, watch)


# -- a cluster that does not exist ----------------------------------------------------------------


def _create(task: Task) -> Result:
    """Create the cluster; the rest is planned again once it exists."""
    desired, observed = cluster.desired_creation(task)
    above = {
        "name": desired["name"],
        "fixed_network": desired.get("network"),
        "fixed_subnet": desired.get("subnet"),
        "labels": {"kube_tag": desired.get("kubernetes_version")},
    }
    watch = Watch(task.api, "", None, cluster_resource(desired["name"]), above)
    specs, parts = [], [observed]
    for part in _groups(task):
        if part.options["state"] == ABSENT or part.options["name"] == wire.DEFAULT_GROUP:
            continue
        options, found = nodegroup.desired_creation(part, watch)
        specs.append(NodegroupSpec(part.options["name"], options=options))
        # The cluster does not exist.
        parts.append(replace(found, cluster=None))
    access = None
    if _access_of(task) is not None and not _is_off(task):
        access, found = ipacl.desired_creation(_access(task), above)
        parts.append(found)
    todo = plan.plan(
        ClusterSpec(desired["name"], options=desired, nodegroups=tuple(specs), ipacl=access),
        Observed.merged(parts),
        Policy.of(task.options),
    )
    more = len(todo.operations) > 1
    runner, state = task.apply(
        Plan(todo.operations[:1] if not task.check_mode else todo.operations, todo.warnings),
        waits=True if more else None,
        whole=todo,
    )
    if runner is not None and more:
        raise PlanOutdated(NksError("%s has just been created." % watch.name), runner.done)
    if runner is not None and state is None:
        state = cluster.shown_creation(task, runner, desired["name"])
    elif runner is not None and task.options.get("wait_for_nodes"):
        state = cluster.wait_for_nodes(task, todo, runner.cluster, [])
    return {**EMPTY, "cluster": wire.masked(state or {}), "plan": todo}


# -- an existing cluster ---------------------------------------------------------------------------


class Part:
    """What one part of the document desires, and what was observed for it.

    :ivar task: the task with the options of the part; it has the part's warnings.
    """

    def __init__(self, task: Task, observed: Observed) -> None:
        self.task = task
        self.observed = observed
        self.options: Options | None = None
        self.spec: NodegroupSpec | None = None
        self.access: AccessSpec | None = None
        self.watches: list[Watch] = []
        #: The temporary node group, if the node group may be replaced and it exists.
        self.spare: nodegroup.Spare | None = None


def _reconcile(task: Task, watch: Watch) -> Result:
    above = _after_upgrade(task, watch)
    calls: list[Callable[[], Part]] = [partial(_observe_cluster, task.part({}), watch)]
    calls += [partial(_observe_group, part, above) for part in _groups(task)]
    if _access_of(task) is not None:
        calls.append(partial(_observe_access, _access(task), watch))
    calls.append(partial(_list_groups, task, watch))
    with task.reading(calls) as answers:
        *parts, listed = [answer.result() for answer in answers]
    for part in parts:
        task.warnings += part.task.warnings
    specs = [part.spec for part in parts if part.spec is not None]
    spares = {part.spare.watch.group for part in parts if part.spare is not None}
    unmanaged = [group for group in _unmanaged(task, listed.watches) if group.group not in spares]
    observed = Observed.merged([part.observed for part in parts])
    watches = [item for part in parts for item in part.watches if item.last is not None]
    left = [{"resource": group.name, "name": group.state["name"]} for group in unmanaged]
    if task.options.get("purge_nodegroups") and task.options.get("nodegroups") is not None:
        for group in unmanaged:
            task.wait_until_idle(group, again=True)
            specs.append(NodegroupSpec(group.state["name"], ABSENT))
            observed.nodegroups[group.state["name"]] = ObservedNodegroup(group.state)
        watches += unmanaged
        left = []
    desired = ClusterSpec(
        watch.state["name"],
        options=parts[0].options,
        nodegroups=tuple(specs),
        ipacl=next((part.access for part in parts if part.access is not None), None),
    )
    todo = plan.plan(desired, observed, Policy.of(task.options))
    for part in parts:
        watches += nodegroup.touched(todo, part.spare)
    task.apply(todo, watch, {item.state["uuid"]: item for item in watches}.values())
    if task.options.get("wait_for_nodes") and not task.check_mode:
        _wait_for_nodes(task, todo, watch, parts)
    done = bool(todo.operations) and not task.check_mode
    result = _result(task, watch, parts, done)
    return dict(result, unmanaged=left, plan=todo)


def _after_upgrade(task: Task, watch: Watch) -> Watch:
    """The cluster as its node groups find it: with the version to which the document upgrades it."""
    version, labels = task.options.get("kubernetes_version"), watch.state.get("labels") or {}
    if version in (None, labels.get("kube_tag")) or task.options.get("upgrade") == "never":
        return watch
    state = wire.at_version(watch.state, version)
    return Watch(task.api, watch.cluster, None, watch.name, state)


def _observe_cluster(task: Task, watch: Watch) -> Part:
    options, observed, watches = cluster.observe(task, watch)
    part = Part(task, observed)
    part.options, part.watches = options, watches
    return part


def _observe_group(task: Task, above: Watch) -> Part:
    """Read one node group of the document, and what its plan needs.

    :param above: the cluster, see :func:`_after_upgrade`.
    """
    name, state = task.options["name"], task.options["state"]
    part = Part(task, Observed())
    if state == PRESENT:
        if task.options["immutable"] == "replace":
            replacement.check_request(task.options)
        group, part.spare = nodegroup.find_groups(task, above)
    else:
        group = find_group(task, above, name, "nodegroups.name")
        if group is not None and task.wait_until_idle(group, again=True) is None:
            group = None
    if group is not None:
        part.watches.append(group)
    policy = Policy.of(task.options)
    if state == ABSENT:
        if group is not None:
            part.observed = Observed(
                nodegroups={group.state["name"]: ObservedNodegroup(group.state)}
            )
            part.spec = NodegroupSpec(group.state["name"], ABSENT)
    elif group is None:
        if wire.is_uuid(name):
            raise no_group(task, above, "nodegroups.name", name)
        spare = part.spare if part.spare is not None and part.spare.begun else None
        options, found = nodegroup.desired_creation(task, above, spare)
        part.observed = replace(found, cluster=None)
        part.spec = NodegroupSpec(name, options=options, policy=policy)
    else:
        if part.spare is None or not part.spare.begun:
            task.require_created(group)
        options, found = nodegroup.observe(task, above, group, part.spare)
        part.observed = replace(found, cluster=None)
        part.spec = NodegroupSpec(group.state["name"], options=options, policy=policy)
    return part


def _observe_access(task: Task, watch: Watch) -> Part:
    access, observed = ipacl.observe(task, watch)
    part = Part(task, observed)
    part.access = access
    return part


def _list_groups(task: Task, watch: Watch) -> Part:
    """The node groups that exist, as ``watches``; the list does not show their labels."""
    part = Part(task, Observed())
    name = watch.state["name"]
    for item in task.api.nodegroups(watch.cluster):
        if (
            item.get("uuid")
            and item.get("name")
            and not str(item.get("status")).startswith("DELETE_")
        ):
            state = wire.identified(item, "list the node groups of %s" % watch.name)
            part.watches.append(
                Watch(
                    task.api,
                    watch.cluster,
                    state["uuid"],
                    group_resource(name, state["name"]),
                    state,
                )
            )
    return part


def _unmanaged(task: Task, listed: Iterable[Watch]) -> list[Watch]:
    """The node groups that the document does not name."""
    named = {group["name"] for group in task.options.get("nodegroups") or []}
    return [
        group
        for group in listed
        if group.state["name"] not in named
        and group.state["uuid"] not in named
        and group.state["name"] not in DEFAULT_GROUPS
        and group.state.get("role", "worker") == "worker"
    ]


def _wait_for_nodes(task: Task, todo: Plan, watch: Watch, parts: Iterable[Part]) -> None:
    """Wait until the nodes of the default node group and of those in the document are ready; after
    an upgrade of all node groups, those of all.

    :param todo: the plan that was applied.
    """
    # See engine for imports within functions.
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import readiness

    parts = list(parts)
    known = {item.state["name"]: item for part in parts for item in part.watches if item.last}
    wanted = [part.spec.name for part in parts if part.spec and part.spec.state == PRESENT]
    if task.options.get("upgrade") == "all":
        wanted += [item.state["name"] for item in parts[0].watches if item.last]
    found = [
        known.get(name) or find_group(task, watch, name)
        for name in dict.fromkeys([wire.DEFAULT_GROUP, *wanted])
    ]
    readiness.wait_for_nodes(task, todo, watch, [group for group in found if group is not None])


def _result(task: Task, watch: Watch, parts: Iterable[Part], changed: bool) -> Result:
    """The cluster, the node groups of the document and the access control, read again if anything
    changed.
    """
    wanted = [part.spec.name for part in parts if part.spec and part.spec.state == PRESENT]
    groups = {group.state["name"]: group for part in parts for group in part.watches if group.last}
    access = next((part.observed.ipacl for part in parts if part.access is not None), None)
    if changed:
        for name in wanted:
            # By name: a node group that was created or replaced has another UUID.
            resource = group_resource(watch.state["name"], name)
            groups[name] = Watch(task.api, watch.cluster, name, resource)
        calls: list[Callable[[], Any]] = [watch.read]
        calls += [groups[name].read for name in wanted]
        if access is not None:
            calls.append(lambda: wire.ipacl(task.api.ipacl(watch.cluster)))
        with task.reading(calls) as answers:
            found = [answer.result() for answer in answers]
        if found[0] is None:
            raise NksError(
                "%s was deleted by someone else while it was being changed." % watch.name
            )
        access = found[-1] if access is not None else None
    states: list[State] = [dict(groups[name].last or {}) for name in wanted if name in groups]
    for state in states:
        state.pop("stopped", None)
    return {
        "cluster": wire.masked(watch.state),
        "nodegroups": [wire.masked(state) for state in states if state],
        "ipacl": access or {},
    }


# -- the parts of a document as tasks --------------------------------------------------------------


def _groups(task: Task) -> list[Task]:
    """One task for each node group of the document."""
    plain = dict.fromkeys((*rows.CLUSTER, *rows.COMMON, *rows.GROUP_RECONCILE))
    return [task.part({**plain, **group}) for group in task.options.get("nodegroups") or []]


def _access_of(task: Task) -> Mapping[str, Any] | None:
    access: Mapping[str, Any] | None = task.options.get("ipacl")
    return access


def _access(task: Task) -> Task:
    """The task of the access control."""
    return task.part(dict(_access_of(task) or {}))


def _is_off(task: Task) -> bool:
    """Whether the document turns the access control off, with which a cluster is created anyway."""
    return (_access_of(task) or {}).get("state") == ABSENT


JOB = Job("nks_fleet", {}, run)
