# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_autoscale and nks_autoscale_info: the cluster autoscaler of a node group."""

from __future__ import annotations

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
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Job
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.groups import (
    find_group,
    no_group,
    note_stopped,
    planned_group,
    present_autoscale,
)


def run(task):
    """One task of nks_autoscale: read, merge, write the full set."""
    settings = {setting.option: task.options[setting.option] for setting in rows.AUTOSCALE.values()}
    rules.check_autoscale(settings)
    cluster = task.planned_cluster()
    group = planned_group(task, cluster, task.options["nodegroup"])
    if group is None:
        return _predicted(
            task, cluster.last["name"] if cluster else task.options["cluster"], settings
        )
    present = present_autoscale(task, cluster, group, True)
    note_stopped(task, cluster, group, settings, present)
    todo = _plan(cluster.last["name"], group.last, settings, present)
    task.carry_out(todo, cluster, [group])
    if todo.operations and not task.check_mode:
        present = present_autoscale(task, cluster, group, True)
    return {"autoscale": present, "plan": todo}


def _predicted(task, cluster, settings):
    """What check mode knows of a node group that does not exist yet: it is created with the autoscaler off.

    :param cluster: the cluster's name.
    """
    name = task.options["nodegroup"]
    return {
        "autoscale": {},
        "plan": _plan(cluster, {"uuid": name, "name": name}, settings, {"ca_enable": False}),
    }


def _plan(cluster, group, settings, present):
    """The plan for the autoscaler of one node group.

    :param cluster: the cluster's name.
    :param group: the typed node group.
    """
    name = group["name"]
    desired = ClusterSpec(cluster, nodegroups=(NodegroupSpec(name, autoscale=settings),))
    return plan.plan(
        desired, Observed({"name": cluster}, {name: ObservedNodegroup(group, present)})
    )


def info(task):
    """One task of nks_autoscale_info."""
    query.check_early(task.options)
    ref = task.options["nodegroup"]
    cluster = task.planned_cluster(idle=False)
    group = find_group(task, cluster, ref) if cluster else planned_group(task, cluster, ref)
    if cluster and group is None:
        task.predict(ref, no_group(task, cluster, "nodegroup", ref))
    settings = wire.autoscale(task.api.autoscale(cluster.cluster, group.group)) if group else {}
    return query.applied(task.options["query"], "autoscale", settings)


def _target():
    return {
        "cluster": {"type": "str", "required": True},
        "nodegroup": {"type": "str", "default": wire.DEFAULT_GROUP},
    }


JOB = Job(
    "nks_autoscale",
    dict(arguments.auth(), **_target(), **arguments.wait(), **rows.arguments(rows.AUTOSCALE, True)),
    run,
)
INFO = Job(
    "nks_autoscale_info",
    dict(arguments.auth(), **_target(), **arguments.query()),
    info,
    reads_only=True,
)
