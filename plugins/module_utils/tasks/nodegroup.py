# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_nodegroup: create, reconcile, delete."""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils import actions, arguments, changes, fields, plan, upgrade, wire
from ansible_collections.nhncloud.nks.plugins.module_utils.engine import Job
from ansible_collections.nhncloud.nks.plugins.module_utils.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils.tasks.groups import find_group, no_group, note_stopped, present_autoscale, stopped_nodes
from ansible_collections.nhncloud.nks.plugins.module_utils.tasks.references import References


def run(task):
    """One task of nks_nodegroup; see the documentation of the module."""
    name, state = task.options["name"], task.options["state"]
    if state == "absent":
        return _absent(task, name)
    cluster = task.needed_cluster()
    task.usable(cluster)
    group = find_group(task, cluster, name, "name")
    if group is None or task.idle(group) is None:
        if wire.is_uuid(name):
            raise no_group(task, cluster, "name", name)
        return _create(task, cluster)
    task.usable(group)
    return _reconcile(task, cluster, group)


def _absent(task, name):
    gone = {"nodegroup": {}, "plan": actions.Plan()}
    cluster = task.cluster(task.options["cluster"])
    if cluster is None:
        task.gone()
        return gone
    if cluster.last["status"] != "DELETE_IN_PROGRESS":
        group = find_group(task, cluster, name, "name")
        if group is None:
            return gone
        if group.last["status"] == "DELETE_IN_PROGRESS":
            # Someone is deleting it already: nothing to send, only to wait for.
            if task.options["wait"] and task.idle(group) is not None:
                raise task.failure(group)
            return gone
    if task.idle(cluster) is None:
        return gone
    group = find_group(task, cluster, name)
    if group is None or task.idle(group) is None:
        return gone
    if group.last.get("name") == fields.DEFAULT_GROUP:
        # Refused by Magnum, and whether NKS would take it nobody says: known beforehand, it is told in check mode too.
        raise BadInput("name", name, "is the first node group, which only goes with its cluster", "delete the cluster with nks_cluster")
    todo = plan.delete(group.name, "delete_nodegroup", group.group)
    before = group.last
    task.carry_out(todo, cluster, [group])
    return {"nodegroup": wire.masked(before), "plan": todo}


def _create(task, cluster):
    from ansible_collections.nhncloud.nks.plugins.module_utils import creation

    references = References(task, cluster.last)
    wanted = references.resolve(task.given(fields.NODEGROUP), fields.NODEGROUP)
    references.complete_group(wanted, (cluster.last.get("labels") or {}).get("kube_tag"))
    todo = creation.create_nodegroup(cluster.last["name"], wanted).named(references.names)
    runner, state = task.carry_out(todo, cluster)
    if state is None and not task.check_mode:
        # Not waited for: what the service shows already, or what is known for certain.
        watch = next(iter(runner.groups.values()))
        state = task.shown(watch) or {"uuid": watch.group, "name": wanted["name"], "cluster_id": cluster.cluster}
    return {"nodegroup": wire.masked(state or {}), "plan": todo}


def _reconcile(task, cluster, group):
    options = task.options
    given = task.given(fields.NODEGROUP)
    # The name only led here; it is not compared.
    given.pop("name")
    references = References(task, cluster.last)
    wanted = references.resolve(given, fields.NODEGROUP)
    group.last["labels"] = group.last.get("labels") or {}
    versions = []
    if wanted.get("kubernetes_version") not in (None, group.last["labels"].get("kube_tag")):
        group.last["stopped"] = stopped_nodes(task, cluster, group)
        if upgrade.needs_versions(cluster.last, wanted["kubernetes_version"], [group.last]):
            versions = wire.versions(task.api.supports())
    autoscale = present_autoscale(task, cluster, group, "autoscale" in given)
    note_stopped(task, cluster, group, given.get("autoscale"), autoscale)
    count, present = wanted.get("node_count"), group.last.get("node_count")
    fewer = count is not None and isinstance(present, int) and count < present
    if options["nodes_to_remove"] and fewer and not changes.autoscaled(given.get("autoscale"), autoscale):
        wanted["nodes_to_remove"] = task.names.nodes("nodes_to_remove", group.last, options["nodes_to_remove"])
        if not all(wire.is_uuid(ref) for ref in options["nodes_to_remove"]):
            references.names["nodes_to_remove"] = {node["uuid"]: node["name"] for node in task.names.instances(group.last)}
    todo = plan.nodegroup_changes(
        cluster.last,
        group.last,
        wanted,
        {
            "immutable": options["immutable"],
            "versions": versions,
            "names": references.names,
            "flavors": references.flavors(group.last, wanted),
            "autoscale": autoscale,
            "knobs": actions.Knobs(options["num_buffer_nodes"], options["num_max_unavailable_nodes"]),
        },
    )
    before = group.last
    _runner, state = task.carry_out(todo, cluster, [group])
    if state is None and todo.actions and not task.check_mode:
        state = group.read()
        if state is None:
            raise NksError("%s was deleted by someone else while it was being changed." % group.name)
    result = dict(state or before)
    result.pop("stopped", None)
    return {"nodegroup": wire.masked(result), "plan": todo}


JOB = Job(
    "nks_nodegroup",
    dict(
        arguments.auth(),
        cluster={"type": "str", "required": True},
        name={"type": "str", "required": True},
        nodes_to_remove={"type": "list", "elements": "str"},
        **arguments.state("present", "absent"),
        **arguments.wait(),
        **arguments.reconciled(),
        **arguments.creation(fields.NODEGROUP),
    ),
    run,
)
