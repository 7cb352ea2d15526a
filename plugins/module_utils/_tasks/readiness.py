# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for nodes after the operations of a task (``wait_for_nodes``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import health, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe import nodes
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.names import Names

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch
    from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import Plan
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Task


def wait_for_nodes(task: Task, plan: Plan, cluster: Watch, groups: Sequence[Watch]) -> None:
    """Wait until all nodes of some node groups are ready. This changes nothing, so it is not a part
    of the plan.

    If an operation was in progress during the task, only health that the service collected after its
    end counts: what it shows before does not include new nodes.

    :param plan: the plan that was applied.
    :param cluster: the watch of the cluster, read after the last operation.
    :param groups: watches of the node groups, read after the last operation.
    :raises WaitError: the time is over, or a resource was deleted.
    """
    known: dict[tuple[str, ...], list[str] | None] = {}

    def running(group: Watch) -> list[str] | None:
        # Nodes are stopped only by operations, so one look-up for each list of nodes is enough.
        key = (group.state["uuid"], *sorted(nodes.listed(group.state)))
        if key not in known:
            known[key] = _running(task, cluster, group)
        return known[key]

    changed = bool(plan.operations) or task.disturbed
    after = health.collected(cluster.last or {}) if changed else None
    task.waiter().wait_until_nodes_ready(cluster, groups, running, after, fresh=not changed)


def _running(task: Task, cluster: Watch, group: Watch) -> list[str] | None:
    """The names of a node group's nodes that were not stopped; None if the compute service does not
    show them, which must not end the wait.
    """
    try:
        names = Names(task.api)
        whole, _unclear = names.with_stopped(group.state, cluster.state)
        instances = {nodes.key(node["uuid"]): node for node in names.instances(whole)}
    except NksError:
        return None
    found = []
    for uuid in nodes.listed(whole):
        node = instances.get(nodes.key(uuid))
        if node is None or node["status"] not in wire.STOPPED:
            found.append(node["name"] if node else uuid)
    return found or None
