# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting and stopping nodes. Pure functions, as in :mod:`plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Sequence

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.autoscale import (
    check_metric_policies,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import Operation, Plan

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api


def change_nodes(
    resource: str,
    group: State,
    nodes: Sequence[State],
    named: Sequence[str],
    state: str,
    read: Callable[[Api, str], Any] | None,
) -> Plan:
    """The plan that brings nodes to a state (NKS user guide, node stop and start).

    :param group: the typed node group, see :meth:`names.Names.with_stopped`.
    :param nodes: all nodes of the group, as :meth:`names.Names.instances` gives them.
    :param named: UUIDs of the nodes to change.
    :param state: started or stopped.
    :param read: reads all nodes of the group again, for (api, UUID of the cluster).
    :raises NksError: a change that the service would reject.
    """
    wants_stop = state == "stopped"
    stopped = {node["uuid"] for node in nodes if node["status"] in wire.STOPPED}
    pending = [uuid for uuid in named if (uuid in stopped) != wants_stop]
    if not pending:
        return Plan()
    if wire.autoscale_of(group).get("ca_enable") is True:
        raise NksError(
            "%s: nodes cannot be %s while the autoscaler is on. Turn it off first with nks_autoscale (enabled: false)."
            % (resource, state)
        )
    check_metric_policies(resource, group, "nodes cannot be %s" % state)
    if wants_stop and not {node["uuid"] for node in nodes} - stopped - set(pending):
        raise BadInput(
            "nodes",
            None,
            "would leave no running node in %s, which the service rejects" % resource,
            "leave at least one node out",
        )
    names = {node["uuid"]: node["name"] for node in nodes}
    before = "started" if wants_stop else "stopped"
    changed = [names.get(uuid, uuid) for uuid in pending]

    def arrived(detail: Sequence[State]) -> bool:
        now = {node["uuid"]: node["status"] for node in detail}
        # An instance that the compute service does not show is not running.
        return all((now.get(uuid, "SHUTOFF") in wire.STOPPED) == wants_stop for uuid in pending)

    return Plan(
        [
            Operation(
                "stop_nodes" if wants_stop else "start_nodes",
                resource,
                {"nodes": (dict.fromkeys(changed, before), dict.fromkeys(changed, state))},
                lambda api, ref: (api.stop_nodes if wants_stop else api.start_nodes)(
                    ref, group["uuid"], pending
                ),
                group["uuid"],
                (("nodes", lambda observed: arrived(observed["detail"])),),
                detail=read,
            )
        ]
    )
