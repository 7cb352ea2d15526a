# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading node groups, for the tasks that work with them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Mapping

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import group_resource

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Task


def find_group(task: Task, cluster: Watch, ref: str, option: str = "nodegroup") -> Watch | None:
    """Read a node group by name or UUID; None if it does not exist.

    :param cluster: the watch of the cluster.
    :param option: the option that holds the reference, for the message.
    """
    check_worker_group(option, ref)
    name = cluster.state.get("name") or cluster.cluster
    watch = Watch(task.api, cluster.cluster, ref, group_resource(name, ref))
    state = watch.read()
    if state is None:
        return None
    # All later requests use the UUID.
    return Watch(
        task.api,
        cluster.cluster,
        state["uuid"],
        group_resource(name, state.get("name") or ref),
        state,
    )


def check_worker_group(option: str, ref: str) -> None:
    """Reject the control plane, which is a node group of the service but not one that users can
    manage.

    :param option: the option that holds the reference.
    :raises BadInput: the reference is the control plane.
    """
    if ref == wire.CONTROL_PLANE:
        raise BadInput(
            option,
            ref,
            "is the control plane, which NKS does not manage as a node group",
            "specify a worker node group",
        )


def require_group(task: Task, cluster: Watch, ref: str, option: str = "nodegroup") -> Watch:
    """The node group that an option refers to, once it is idle.

    :raises NksError: it does not exist.
    :raises PlanOutdated: it was busy.
    """
    watch = find_group(task, cluster, ref)
    if watch is None or task.wait_until_idle(watch, again=True) is None:
        raise no_group(task, cluster, option, ref)
    return watch


def require_or_predict_group(task: Task, cluster: Watch | None, ref: str) -> Watch | None:
    """As :func:`require_group`, but in check mode None, with a warning, if an earlier task of the
    play may create the node group.

    :param cluster: the watch of the cluster; None if it does not exist yet either.
    """
    if cluster is None:
        # There is a warning about the cluster already.
        if wire.is_uuid(ref):
            raise task.names.no_cluster("cluster", task.options["cluster"])
        return None
    watch = find_group(task, cluster, ref)
    if watch is not None and task.wait_until_idle(watch, again=True) is not None:
        return watch
    task.predict_or_raise(ref, no_group(task, cluster, "nodegroup", ref))
    return None


def no_group(task: Task, cluster: Watch, option: str, ref: str) -> NksError:
    """The error for a node group that does not exist, but must."""
    names = (
        ", ".join(str(item.get("name")) for item in task.api.nodegroups(cluster.cluster)) or "none"
    )
    return NksError(
        "%s: %s has no node group '%s'; there are: %s." % (option, cluster.name, ref, names)
    )


def default_group(task: Task, cluster: Watch) -> Watch:
    """The first node group, which has the settings that are set with the cluster."""
    return require_group(task, cluster, wire.DEFAULT_GROUP, "name")


def read_autoscale(task: Task, cluster: Watch, group: Watch, complete: bool) -> dict[str, Any]:
    """The autoscaler's settings, typed.

    :param complete: whether the task compares them: then they are read with their own operation,
        because a change has to merge with all of them. Otherwise the labels of the node group show
        what the rules for ``node_count`` need.
    """
    settings: dict[str, Any] = (
        wire.autoscale(task.api.autoscale(cluster.cluster, group.state["uuid"]))
        if complete
        else wire.autoscale_of(group.state)
    )
    return settings


def note_stopped(
    task: Task,
    cluster: Watch,
    group: Watch,
    settings: Mapping[str, Any] | None,
    current: Mapping[str, Any],
) -> None:
    """Look for stopped nodes if the autoscaler is to be turned on, because NKS rejects that while
    nodes are stopped.

    :param settings: the desired settings, option -> value; None if they are not set.
    :param current: the current settings by the API's names.
    """
    if settings and settings.get("enabled") and current.get("ca_enable") is not True:
        group.state["stopped"] = stopped_nodes(task, cluster, group)


def worker_groups(task: Task, cluster: Watch) -> list[Watch]:
    """All worker groups, once they are idle. The list does not show labels, and so no versions:
    each group is read.
    """
    workers = [
        item["uuid"]
        for item in task.api.nodegroups(cluster.cluster)
        if item.get("uuid") and item.get("role", "worker") == "worker"
    ]
    with task.reading([partial(find_group, task, cluster, uuid) for uuid in workers]) as answers:
        found = [answer.result() for answer in answers]
    watches = []
    for watch in found:
        if watch is not None and task.wait_until_idle(watch, again=True) is not None:
            watch.state["labels"] = watch.state.get("labels") or {}
            watches.append(watch)
    return watches


def stopped_nodes(task: Task, cluster: Watch, group: Watch) -> list[str]:
    """Names of a node group's stopped instances, without those that are not certain to be its
    nodes.

    :param cluster: the watch of the cluster.
    :param group: the watch of the node group.
    """
    whole, _unclear = task.names.with_stopped(group.state, cluster.state)
    return [node["name"] for node in task.names.instances(whole) if node["status"] in wire.STOPPED]
