# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what the replacement of a node group needs; :mod:`replacement` plans it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import Capacity

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Task


def read_history(task: Task, cluster: Watch) -> list[dict[str, Any]]:
    """The task history of a cluster, typed."""
    return [wire.event(event) for event in task.api.events(cluster.cluster)]


def read_capacity(task: Task, cluster: Watch) -> Capacity:
    """What limits a new node group of a cluster: its other node groups and the free addresses of
    the subnets.
    """
    counts = {
        str(item.get("name")): item["node_count"]
        for item in map(wire.resource, task.api.nodegroups(cluster.cluster))
        if item.get("role", "worker") == "worker" and isinstance(item.get("node_count"), int)
    }
    try:
        subnets = [wire.resource(subnet) for subnet in task.api.vpc_subnets()]
    except NksError:
        # Without the right to list subnets, the service itself checks the addresses.
        subnets = []
    addresses = {
        wire.one_spelling(subnet.get("id")): subnet["available_ip_count"]
        for subnet in subnets
        if isinstance(subnet.get("available_ip_count"), int)
    }
    return Capacity(counts, addresses)
