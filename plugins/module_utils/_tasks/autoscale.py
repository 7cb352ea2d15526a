# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_autoscale and nks_autoscale_info: the cluster autoscaler of a node group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.nhncloud.nks.plugins.module_utils._common import query
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    ClusterSpec,
    NodegroupSpec,
    Observed,
    ObservedNodegroup,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import plan, rules
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import (
    Job,
    Options,
    Result,
    Task,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.groups import (
    find_group,
    no_group,
    note_stopped,
    read_autoscale,
    require_or_predict_group,
)

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State
    from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import Plan


def run(task: Task) -> Result:
    """One task of nks_autoscale: reads all settings, merges the desired ones, and writes all of
    them.
    """
    settings = {setting.option: task.options[setting.option] for setting in rows.AUTOSCALE.values()}
    rules.check_autoscale(settings)
    cluster = task.require_or_predict_cluster()
    group = require_or_predict_group(task, cluster, task.options["nodegroup"])
    if cluster is None or group is None:
        return _predicted(
            task, cluster.state["name"] if cluster else task.options["cluster"], settings
        )
    current = read_autoscale(task, cluster, group, True)
    note_stopped(task, cluster, group, settings, current)
    todo = _plan(cluster.state["name"], group.state, settings, current)
    task.apply(todo, cluster, [group])
    if todo.operations and not task.check_mode:
        current = read_autoscale(task, cluster, group, True)
    return {"autoscale": current, "plan": todo}


def _predicted(task: Task, cluster: str, settings: Options) -> Result:
    """The result of check mode for a node group that does not exist yet: it is created with the
    autoscaler off.

    :param cluster: the cluster's name.
    """
    name = task.options["nodegroup"]
    return {
        "autoscale": {},
        "plan": _plan(cluster, {"uuid": name, "name": name}, settings, {"ca_enable": False}),
    }


def _plan(cluster: str, group: State, settings: Options, current: Options) -> Plan:
    """The plan for the autoscaler of one node group.

    :param cluster: the cluster's name.
    :param group: the typed node group.
    """
    name = group["name"]
    desired = ClusterSpec(cluster, nodegroups=(NodegroupSpec(name, autoscale=settings),))
    return plan.plan(
        desired, Observed({"name": cluster}, {name: ObservedNodegroup(group, current)})
    )


def info(task: Task) -> Result:
    """One task of nks_autoscale_info."""
    query.check_early(task.options)
    ref = task.options["nodegroup"]
    cluster = task.require_or_predict_cluster(idle=False)
    group = (
        find_group(task, cluster, ref) if cluster else require_or_predict_group(task, cluster, ref)
    )
    if cluster and group is None:
        task.predict_or_raise(ref, no_group(task, cluster, "nodegroup", ref))
    settings = read_autoscale(task, cluster, group, True) if cluster and group else {}
    result: Result = query.applied(task.options["query"], "autoscale", settings)
    return result


def _target() -> dict[str, dict[str, Any]]:
    return {
        "cluster": {"type": "str", "required": True},
        "nodegroup": {"type": "str", "default": wire.DEFAULT_GROUP},
    }


JOB = Job(
    "nks_autoscale",
    dict(
        arguments.auth(),
        **_target(),
        **arguments.wait(),
        **arguments.approval(),
        **rows.arguments(rows.AUTOSCALE, True),
    ),
    run,
)
INFO = Job(
    "nks_autoscale_info",
    dict(arguments.auth(), **_target(), **arguments.query()),
    info,
    reads_only=True,
)
