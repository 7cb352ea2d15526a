# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading node groups, for the tasks that work with them."""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import group_resource


def find_group(task, cluster, ref, option="nodegroup"):
    """The watch of a node group by name or UUID, with its state just read; None where there is none.

    :param cluster: the watch of the cluster.
    :param option: the option that holds the reference, for the message.
    """
    if ref == wire.CONTROL_PLANE:
        raise BadInput(
            option,
            ref,
            "is the control plane, which the service does not let us touch as a node group",
            "name a worker group",
        )
    name = cluster.last.get("name") or cluster.cluster
    watch = Watch(task.api, cluster.cluster, ref, group_resource(name, ref))
    state = watch.read()
    if state is None:
        return None
    # From here on by UUID.
    return Watch(
        task.api,
        cluster.cluster,
        state["uuid"],
        group_resource(name, state.get("name") or ref),
        state,
    )


def needed_group(task, cluster, ref, option="nodegroup"):
    """The node group that an option refers to, idle.

    :raises NksError: there is none.
    """
    watch = find_group(task, cluster, ref)
    if watch is None or task.idle(watch, again=True) is None:
        raise no_group(task, cluster, option, ref)
    return watch


def planned_group(task, cluster, ref):
    """As :func:`needed_group`, but in check mode None, with a warning, where an earlier task of the play may create the node group.

    :param cluster: the watch of the cluster; None where it does not exist yet either.
    """
    if cluster is None:
        # The cluster is warned of already.
        if wire.is_uuid(ref):
            raise task.names.no_cluster("cluster", task.options["cluster"])
        return None
    watch = find_group(task, cluster, ref)
    if watch is not None and task.idle(watch, again=True) is not None:
        return watch
    task.predict(ref, no_group(task, cluster, "nodegroup", ref))
    return None


def no_group(task, cluster, option, ref):
    """The error for a node group that has to be there and is not."""
    names = (
        ", ".join(str(item.get("name")) for item in task.api.nodegroups(cluster.cluster)) or "none"
    )
    return NksError(
        "%s: %s has no node group '%s'; there are: %s." % (option, cluster.name, ref, names)
    )


def default_group(task, cluster):
    """The first node group, where the service keeps the settings given with the cluster."""
    return needed_group(task, cluster, wire.DEFAULT_GROUP, "name")


def present_autoscale(task, cluster, group, wanted):
    """The autoscaler's settings, typed.

    :param wanted: whether they are to be compared: then the operation made for it is asked, which a change must merge with;
        else the labels just read tell what the truce with ``node_count`` needs.
    """
    if not wanted:
        return wire.autoscale_of(group.last)
    return wire.autoscale(task.api.autoscale(cluster.cluster, group.group))


def note_stopped(task, cluster, group, settings, present):
    """Look for stopped nodes where the autoscaler is to be turned on, for then there must be none."""
    if settings and settings.get("enabled") and present.get("ca_enable") is not True:
        group.last["stopped"] = stopped_nodes(task, cluster, group)


def worker_groups(task, cluster):
    """All worker groups, idle. The list has no labels, and so no versions: each group is read."""
    watches = []
    for item in task.api.nodegroups(cluster.cluster):
        watch = (
            find_group(task, cluster, item.get("uuid"))
            if item.get("role", "worker") == "worker"
            else None
        )
        if watch is not None and task.idle(watch, again=True) is not None:
            watch.last["labels"] = watch.last.get("labels") or {}
            watches.append(watch)
    return watches


def stopped_nodes(task, cluster, group):
    """Names of a node group's stopped instances, without those of which it is not certain.

    :param cluster: the watch of the cluster.
    :param group: the watch of the node group.
    """
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.wire import STOPPED

    whole, _unclear = task.names.with_stopped(group.last, cluster.last)
    return [node["name"] for node in task.names.instances(whole) if node["status"] in STOPPED]
