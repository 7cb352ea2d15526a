# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting and stopping nodes. Pure functions, as in :mod:`plan`."""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.changes import (
    check_metric_policies,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import Operation, Plan


def change_nodes(resource, group, nodes, named, state, read):
    """The plan that brings nodes to a state (NKS user guide, node stop and start).

    :param group: the typed node group, see :meth:`names.Names.with_stopped`.
    :param nodes: all nodes of the group, as :meth:`names.Names.instances` gives them.
    :param named: UUIDs of those to change.
    :param state: started or stopped.
    :param read: reads all nodes of the group again, for (api, UUID of the cluster).
    :raises NksError: the service would refuse.
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
            "would leave no running node in %s, which the service refuses" % resource,
            "leave at least one node out",
        )
    names = {node["uuid"]: node["name"] for node in nodes}
    before, after = ("started", "stopped") if wants_stop else ("stopped", "started")
    changes = {
        "nodes": tuple(
            {names.get(uuid, uuid): value for uuid in pending} for value in (before, after)
        )
    }

    def arrived(detail):
        now = {node["uuid"]: node["status"] for node in detail}
        # An instance that the compute service does not show is not running.
        return all((now.get(uuid, "SHUTOFF") in wire.STOPPED) == wants_stop for uuid in pending)

    return Plan(
        [
            Operation(
                "stop_nodes" if wants_stop else "start_nodes",
                resource,
                changes,
                lambda api, ref: (api.stop_nodes if wants_stop else api.start_nodes)(
                    ref, group["uuid"], pending
                ),
                group["uuid"],
                (("nodes", lambda state: arrived(state["detail"])),),
                detail=read,
            )
        ]
    )
