# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The information modules of which no other module manages the same resource; nothing is changed."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable

from ansible_collections.nhncloud.nks.plugins.module_utils._common import query
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.names import KINDS
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import find_cluster
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Job, Result, Task
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.groups import find_group


def clusters(task: Task) -> Result:
    """One task of nks_cluster_info."""
    query.check_early(task.options)
    name = task.options["name"]
    if name is not None:
        reply = find_cluster(task.api, name)
        found = [] if reply is None else [reply]
    else:
        found = task.api.clusters()
        if task.options["details"]:
            found = _whole(task, found, "Cluster", task.api.cluster)
    return _result(task, "clusters", [wire.masked(wire.resource(item)) for item in found])


def nodegroups(task: Task) -> Result:
    """One task of nks_nodegroup_info."""
    query.check_early(task.options)
    cluster = task.require_or_predict_cluster(idle=False)
    found: list[Any] = []
    if cluster is not None and task.options["name"] is not None:
        watch = find_group(task, cluster, task.options["name"])
        found = [] if watch is None else [watch.state]
    elif cluster is not None:
        listed = task.api.nodegroups(cluster.cluster)
        read = _whole(
            task,
            listed,
            "%s: node group" % cluster.name,
            lambda uuid: task.api.nodegroup(cluster.cluster, uuid),
        )
        found = [wire.resource(item) for item in read]
    return _result(task, "nodegroups", [wire.masked(item) for item in found])


def events(task: Task) -> Result:
    """One task of nks_event_info. The service accepts only a UUID here, so a name is looked up; the
    UUID of a deleted cluster works too.
    """
    query.check_early(task.options)
    ref, uuid = task.options["cluster"], task.options["uuid"]
    if not wire.is_uuid(ref):
        cluster = task.require_or_predict_cluster(idle=False)
        ref = cluster.cluster if cluster else None
    found: list[Any] = []
    if ref is not None and uuid is None:
        found = task.api.events(ref)
    elif ref is not None:
        found = _read_if_exists(lambda: task.api.event(ref, uuid))
    return _result(task, "events", [wire.event(item) for item in found])


def versions(task: Task) -> Result:
    """One task of nks_version_info; an expression is applied to the list of versions."""
    query.check_early(task.options)
    reply = task.api.supports()
    result = _result(task, "kubernetes_versions", wire.versions(reply))
    return dict(result, event_types=wire.event_types(reply))


def resources(task: Task) -> Result:
    """One task of nks_resource_info."""
    query.check_early(task.options)
    name = task.options["name"]
    found = task.names.resources(task.options["kind"])
    if name is not None:
        found = [item for item in found if name in (item["name"], item["id"])]
    return _result(task, "resources", found)


def _result(task: Task, key: str, items: list[Any]) -> Result:
    """The result: the items, and what the expression of the option ``query`` selects from them."""
    result: Result = query.applied(task.options["query"], key, items)
    return result


def _read_if_exists(read: Callable[[], Any]) -> list[Any]:
    """What is read, in a list; an empty list if it does not exist."""
    try:
        return [read()]
    except ApiError as error:
        if error.status != 404:
            raise
        return []


def _whole(
    task: Task, listed: list[dict[str, Any]], kind: str, read: Callable[[str], Any]
) -> list[Any]:
    """Each listed item, read whole, in the order of the list. An item that has been deleted is
    omitted; one that cannot be read is omitted with a warning.

    :param kind: what an item is, at the beginning of the warning.
    :raises NksError: none of them can be read, or the token is not accepted.
    """
    found: list[Any] = []
    failures: list[NksError] = []
    readable = [item for item in listed if item.get("uuid")]
    task.warnings += [
        "%s %s is left out: the list shows no uuid for it." % (kind, item.get("name"))
        for item in listed
        if not item.get("uuid")
    ]
    with task.reading([partial(read, item["uuid"]) for item in readable]) as answers:
        for item, answer in zip(readable, answers):
            try:
                found += _read_if_exists(answer.result)
            except NksError as error:
                if error.values.get("status_code") == 401:
                    raise
                error.msg = "%s %s (%s) cannot be read. %s" % (
                    kind,
                    item.get("name"),
                    item["uuid"],
                    error.msg,
                )
                failures.append(error)
    if failures and not found:
        # An empty list would mean that none exist.
        raise failures[0]
    task.warnings += [task.transport.hide(error.msg) + " It is left out." for error in failures]
    return found


CLUSTERS = Job(
    "nks_cluster_info",
    dict(
        arguments.auth(),
        name={"type": "str"},
        details={"type": "bool", "default": True},
        **arguments.query(),
    ),
    clusters,
    reads_only=True,
)
NODEGROUPS = Job(
    "nks_nodegroup_info",
    dict(
        arguments.auth(),
        cluster={"type": "str", "required": True},
        name={"type": "str"},
        **arguments.query(),
    ),
    nodegroups,
    reads_only=True,
)
EVENTS = Job(
    "nks_event_info",
    dict(
        arguments.auth(),
        cluster={"type": "str", "required": True},
        uuid={"type": "str"},
        **arguments.query(),
    ),
    events,
    reads_only=True,
)
VERSIONS = Job(
    "nks_version_info", dict(arguments.auth(), **arguments.query()), versions, reads_only=True
)
RESOURCES = Job(
    "nks_resource_info",
    dict(
        arguments.auth(),
        kind={"type": "str", "required": True, "choices": KINDS},
        name={"type": "str"},
        **arguments.query(),
    ),
    resources,
    reads_only=True,
)
