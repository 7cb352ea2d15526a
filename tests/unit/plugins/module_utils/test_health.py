# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``health_status_reason`` says about nodes, in each form that is known, and what says nothing."""

from __future__ import annotations

import json

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._model import health

#: As observed on the public cloud.
CURRENT = {
    "timestamp": "2026-10-07T17:05:51",
    "api": "OK",
    "cluster.api_status": "NORMAL",
    "cluster.node_status": "NORMAL",
    "nodegroup.node_status.default-worker": "NORMAL",
    "nodegroup-stats.default-worker": "2:0",
    "nodegroup.node_status.extra": "NORMAL",
    "nodegroup-stats.extra": "3:0",
}
#: As in the API guide of 2024.
BY_NAME = {"demo-extra-node-0.Ready": "True", "demo-extra-node-1.Ready": "True", "demo-default-w-x-node-0.Ready": "True", "api": "ok"}


def cluster(reason, status="FRESH", **fields):
    return dict({"uuid": "c", "name": "demo", "node_count": 5, "health_status": status, "health_status_reason": reason}, **fields)


def group(name="extra", count=3):
    return {"uuid": "g", "name": name, "node_count": count}


def nested(reason):
    """The same with dots as nesting."""
    tree = {}
    for name, value in reason.items():
        holder = tree
        *path, last = name.split(".")
        for part in path:
            holder = holder.setdefault(part, {})
        holder[last] = value
    return tree


@pytest.mark.parametrize("form", [lambda reason: reason, nested, json.dumps, lambda reason: json.dumps(nested(reason))], ids=["flat", "nested", "text", "both"])
def test_every_form_of_the_names_is_read(form):
    found = cluster(form(CURRENT))
    assert health.unusable(found) == "" and health.unready(found, group()) == ""
    assert health.collected(found) == CURRENT["timestamp"]
    worse = cluster(form({**CURRENT, "nodegroup-stats.extra": "2:1", "nodegroup.node_status.extra": "NOT_READY_NODE_EXIST"}))
    assert health.unready(worse, group()) == "node group extra: 2 of 3 nodes are ready (NOT_READY_NODE_EXIST)"
    assert health.unready(worse, group("default-worker", 2)) == ""


@pytest.mark.parametrize(
    ("numbers", "word", "count", "text"),
    [
        ("3:0", "NORMAL", 3, ""),
        ("3:0", None, 3, ""),
        (None, "NORMAL", 3, ""),
        # Nodes that are being removed.
        ("4:0", "NORMAL", 3, ""),
        # The numbers are from before a resize.
        ("2:0", "NORMAL", 3, "node group extra: 2 of 3 nodes are ready"),
        ("0:0", "NORMAL", 3, "node group extra: 0 of 3 nodes are ready"),
        ("0:3", "ALL_NODES_NOT_READY", 3, "node group extra: 0 of 3 nodes are ready (ALL_NODES_NOT_READY)"),
        ("2:2", "NOT_READY_NODE_EXIST", 3, "node group extra: 2 of 4 nodes are ready (NOT_READY_NODE_EXIST)"),
        ("3:1", "NORMAL", 3, "node group extra: 3 of 4 nodes are ready"),
        ("3:0", "STALED_DATA", 3, "node group extra: 3 of 3 nodes are ready (STALED_DATA)"),
        ("3:0", "A_NEW_WORD", 3, "node group extra: 3 of 3 nodes are ready (A_NEW_WORD)"),
        (None, "NOT_READY_NODE_EXIST", 3, "node group extra: NOT_READY_NODE_EXIST"),
        (None, None, 3, "node group extra: not shown yet"),
        ("many", None, 3, "node group extra: not shown yet"),
        ("1:0:0", None, 3, "node group extra: not shown yet"),
        (" 3 : 0 ", " normal ", 3, ""),
        ("1:0", "NORMAL", None, ""),
        ("0:0", "NORMAL", None, "node group extra: 0 of 1 nodes are ready"),
    ],
)
def test_node_group(numbers, word, count, text):
    reason = {**CURRENT, "nodegroup-stats.extra": numbers, "nodegroup.node_status.extra": word}
    found = cluster({name: value for name, value in reason.items() if value is not None})
    assert health.unusable(found) == "" and health.unready(found, group(count=count)) == text


def test_stopped_nodes_do_not_count():
    found = cluster({**CURRENT, "nodegroup-stats.extra": "2:0"})
    assert health.unready(found, group()) == "node group extra: 2 of 3 nodes are ready"
    assert health.unready(found, group(), ["a", "b"]) == ""
    assert health.unready(found, group(), ["a", "b", "c"]) == "node group extra: 2 of 3 nodes are ready"
    # The service may not count stopped nodes as nodes of the group.
    assert health.unready(found, group(count=3), ["a", "b", "c", "d"]) == "node group extra: 2 of 3 nodes are ready"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (None, None),
        (None, {}),
        ("FRESH", {}),
        ("FRESH", ""),
        ("UNKNOWN", CURRENT),
        ("unknown", {}),
        ("FRESH", {"api": "OK"}),
        ("FRESH", "not JSON"),
        ("FRESH", []),
    ],
    ids=str,
)
def test_no_health_at_all(status, reason):
    assert health.unusable(cluster(reason, status)) == "NKS shows no health of the nodes (health_status: %s)" % (status or "none")


@pytest.mark.parametrize(
    ("status", "api_status"),
    [("STALE", "NORMAL"), ("ROTTEN", "NORMAL"), ("FRESH", "STALED_DATA"), ("FRESH", "ROTTEN_DATA")],
)
def test_outdated_health(status, api_status):
    text = health.unusable(cluster({**CURRENT, "cluster.api_status": api_status}, status))
    assert text == "the health that NKS shows is outdated (health_status: %s, collected 2026-10-07T17:05:51)" % status


@pytest.mark.parametrize(
    ("values", "text"),
    [({"api": "NOT_OK"}, "api: NOT_OK"), ({"cluster.api_status": "K8S_API_NOT_WORKING"}, "cluster.api_status: K8S_API_NOT_WORKING")],
)
def test_kubernetes_api_that_does_not_work(values, text):
    assert health.unusable(cluster({**CURRENT, **values})) == "NKS cannot reach the Kubernetes API (%s)" % text


def test_health_from_before_the_end_of_an_operation():
    before = health.collected(cluster(CURRENT))
    assert "since the operation ended" in health.unusable(cluster(CURRENT), before)
    assert health.unusable(cluster({**CURRENT, "timestamp": "2026-10-07T17:06:51"}), before) == ""
    # A form without a time, and none before.
    assert health.collected(cluster(BY_NAME)) is None
    assert health.unusable(cluster(BY_NAME), None) == ""
    assert health.unusable(cluster(CURRENT), None) == ""


@pytest.mark.parametrize("status", ["HEALTHY", "UNHEALTHY", None])
def test_form_with_one_value_for_each_node(status):
    names = ["demo-extra-node-0", "demo-extra-node-1"]
    found = cluster(BY_NAME, status, node_count=3)
    assert health.unusable(found) == "" and health.unready(found, group(count=2), names) == ""
    # Without the names of the group's nodes, all nodes have to be ready.
    assert health.unready(found, group(count=2)) == ""
    assert health.unready(dict(found, node_count=4), group(count=2)) == "all node groups: 3 of 4 nodes are ready"
    worse = cluster({**BY_NAME, "demo-extra-node-1.Ready": "False"}, status, node_count=3)
    assert health.unready(worse, group(count=2), names) == "node group extra: 1 of 2 nodes are ready; not ready: demo-extra-node-1 (FALSE)"
    assert health.unready(worse, group("default-worker", 1), ["demo-default-w-x-node-0"]) == ""
    assert "all node groups: 2 of 3 nodes are ready; not ready: demo-extra-node-1" in health.unready(worse, group(count=2))
    missing = health.unready(found, group(count=3), [*names, "demo-extra-node-2"])
    assert missing == "node group extra: 2 of 3 nodes are ready; not ready: demo-extra-node-2 (not shown)"


def test_many_nodes_are_not_all_named():
    names = ["demo-extra-node-%02d" % number for number in range(15)]
    text = health.unready(cluster({name + ".Ready": "Unknown" for name in names}), group(count=15), names)
    assert "0 of 15" in text and "demo-extra-node-09 (UNKNOWN), and 5 more" in text and "node-10" not in text
