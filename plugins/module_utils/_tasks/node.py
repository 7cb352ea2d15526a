# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_node: starts and stops nodes of a node group."""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    ClusterSpec,
    NodegroupSpec,
    NodesSpec,
    Observed,
    ObservedNodegroup,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.names import Names
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import plan
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Operation,
    Plan,
    group_resource,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import (
    Job,
    Options,
    Result,
    Task,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.groups import (
    require_or_predict_group,
)


def run(task: Task) -> Result:
    """One task of nks_node: changes only the nodes that are not in the desired state already."""
    options = task.options
    if not options["nodes"]:
        raise BadInput("nodes", "[]", "is empty", "list the nodes by UUID, name or address")
    cluster = task.require_or_predict_cluster()
    if cluster is not None:
        task.require_created(cluster)
    group = require_or_predict_group(task, cluster, options["nodegroup"])
    if cluster is None or group is None:
        return _predicted(options, cluster.state["name"] if cluster else options["cluster"])
    task.require_created(group)
    whole, unclear = task.names.with_stopped(group.state, cluster.state)
    nodes = task.names.instances(whole)
    named = task.names.nodes("nodes", whole, options["nodes"], unclear=unclear)
    name = group.state["name"]
    desired = ClusterSpec(
        cluster.state["name"],
        nodegroups=(NodegroupSpec(name, nodes=NodesSpec(tuple(named), options["state"])),),
    )
    observed = ObservedNodegroup(
        whole, instances=nodes, read_instances=lambda api, _ref: Names(api).instances(whole)
    )
    todo = plan.plan(desired, Observed(cluster.state, {name: observed}))
    task.apply(todo, cluster, [group])
    if todo.operations and not task.check_mode:
        nodes = Names(task.api).instances(whole)
    shown = {
        node["uuid"]: {key: node[key] for key in ("uuid", "name", "address", "status")}
        for node in nodes
    }
    return {"nodes": [shown[uuid] for uuid in named if uuid in shown], "plan": todo}


def _predicted(options: Options, cluster: str) -> Result:
    """The result of check mode for a node group that does not exist yet: its nodes are created
    running.

    :param cluster: the cluster's name.
    :raises NksError: a node is set by its UUID, which is not known before it exists.
    """
    known = [ref for ref in options["nodes"] if wire.is_uuid(ref)]
    if known:
        raise BadInput(
            "nodes",
            known[0],
            "is not a node of node group %s, which does not exist yet" % options["nodegroup"],
            "list its nodes by name",
        )
    if options["state"] == "started":
        return {"nodes": [], "plan": Plan()}
    names = options["nodes"]
    changes = {"nodes": (dict.fromkeys(names, "started"), dict.fromkeys(names, "stopped"))}
    return {
        "nodes": [],
        "plan": Plan(
            [Operation("stop_nodes", group_resource(cluster, options["nodegroup"]), changes)]
        ),
    }


JOB = Job(
    "nks_node",
    dict(
        arguments.auth(),
        cluster={"type": "str", "required": True},
        nodegroup={"type": "str", "required": True},
        nodes={"type": "list", "elements": "str", "required": True},
        state={"type": "str", "choices": ["started", "stopped"], "required": True},
        **arguments.wait(),
        **arguments.approval(),
    ),
    run,
)
