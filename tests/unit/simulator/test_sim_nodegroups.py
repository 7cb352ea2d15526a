# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node groups and nodes against the API guide and the user guide's rules."""

from __future__ import annotations

import json

import pytest

NOWHERE = "99999999-9999-4999-8999-999999999999"
GROUP = "/clusters/demo/nodegroups/default-worker"


def test_list_get_create_delete(api, refused):
    api.ready_cluster()
    listed = api.get("/clusters/demo/nodegroups").json()["nodegroups"]
    assert [(group["name"], group["is_default"], group["min_node_count"], group["max_node_count"]) for group in listed] == [("default-worker", False, 1, None)]
    assert "labels" not in listed[0]
    reply = api.post("/clusters/demo/nodegroups", api.group_body(labels={"user_script_v2": "#!/bin/sh\n"}))
    assert reply.status_code == 202
    made = reply.json()
    assert (made["name"], made["role"], made["node_count"]) == ("added", "worker", 1)
    assert made["labels"]["ca_max_node_count"] == "10"
    assert api.group(name="added")["status"] == "CREATE_IN_PROGRESS"
    assert api.cluster()["status"] == "UPDATE_IN_PROGRESS"
    api.pass_time()
    found = api.group(name=made["uuid"])
    assert (found["status"], found["node_count"], len(found["node_addresses"])) == ("CREATE_COMPLETE", 1, 1)
    assert found["labels"]["user_script_v2"] == "#!/bin/sh\n"
    assert found["labels"]["kube_tag"] == "v1.31.4"
    assert found["labels"]["availability_zone"] == "kr-pub-b"
    assert api.cluster()["status"] == "UPDATE_COMPLETE"
    assert api.cluster()["node_count"] == 3
    assert api.call("DELETE", "/clusters/demo/nodegroups/added").status_code == 204
    assert api.group(name="added")["status"] == "DELETE_IN_PROGRESS"
    assert api.call("DELETE", "/clusters/demo/nodegroups/added").status_code == 204
    api.pass_time()
    refused(api.get("/clusters/demo/nodegroups/added"), 404)
    refused(api.call("DELETE", "/clusters/demo/nodegroups/added"), 404)
    events = api.get(f"/clusters/{found['cluster_id']}/events").json()["events"]
    assert [event["type"] for event in events] == ["CLUSTER_CREATE", "NODEGROUP_CREATE", "NODEGROUP_DELETE"]
    assert events[1]["resource_type"] == "nodegroup"


def test_control_plane_group_is_hidden(api, refused):
    api.ready_cluster()
    refused(api.get("/clusters/demo/nodegroups/default-master"), 403, "policy")
    refused(api.get("/clusters/demo/nodegroups/nothing"), 404)
    refused(api.get("/clusters/nothing/nodegroups"), 404)


def test_default_groups_cannot_be_deleted(api, refused):
    api.ready_cluster()
    refused(api.call("DELETE", GROUP), 400, "default")
    refused(api.call("DELETE", "/clusters/demo/nodegroups/default-master"), 400, "default")


@pytest.mark.parametrize("field", ["name", "flavor_id", "image_id", "labels", "availability_zone", "boot_volume_type", "boot_volume_size", "ca_enable"])
def test_missing_required_field_is_rejected(api, refused, field):
    api.ready_cluster()
    refused(api.post("/clusters/demo/nodegroups", api.group_body(without=[field])), 400, field)


@pytest.mark.parametrize(
    "fields, status, word",
    [
        ({"name": "Group"}, 400, "name"),
        ({"name": "default-worker"}, 409, "already exists"),
        ({"name": "default-master"}, 409, "already exists"),
        ({"role": "master"}, 400, "master"),
        ({"flavor_id": "m2.c2m4"}, 400, "uuid"),
        ({"image_id": NOWHERE}, 400, "image"),
        ({"node_count": 11}, 403, "Resource limit"),
        ({"node_count": 0}, 400, "node_count"),
        ({"keypair": "demo-key"}, 400, "Unknown"),
        ({"labels": {"availability_zone": "kr-pub-a", "boot_volume_type": "General HDD", "boot_volume_size": "19", "ca_enable": "false"}}, 400, "minimum disk"),
    ],
)
def test_invalid_node_group_is_rejected(api, refused, fields, status, word):
    api.ready_cluster()
    refused(api.post("/clusters/demo/nodegroups", {**api.group_body(), **fields}), status, word)


def test_quota(api, refused):
    api.ready_cluster()
    api.ready_group(name="two")
    api.ready_group(name="three")
    refused(api.post("/clusters/demo/nodegroups", api.group_body("four")), 403, "Resource limit")


def test_failed_group_blocks_creation_until_deleted(api, refused):
    api.ready_cluster()
    api.control("faults", {"effect": "fail_task", "task": "nodegroup_create"})
    api.post("/clusters/demo/nodegroups", api.group_body())
    api.pass_time()
    assert api.group(name="added")["status"] == "CREATE_FAILED"
    assert api.cluster()["status"] == "UPDATE_FAILED"
    refused(api.post("/clusters/demo/nodegroups", api.group_body("more")), 400, "UPDATE_FAILED")
    assert api.call("DELETE", "/clusters/demo/nodegroups/added").status_code == 204
    api.pass_time()
    assert api.cluster()["status"] == "UPDATE_COMPLETE"


def resize(api, **body):
    return api.post("/clusters/demo/actions/resize", {"nodegroup": "default-worker", **body})


def test_resize(api):
    uuid_ = api.ready_cluster()["uuid"]
    reply = resize(api, node_count=4)
    assert (reply.status_code, reply.json()) == (202, {"uuid": uuid_})
    group = api.group()
    assert (group["status"], group["node_count"]) == ("UPDATE_IN_PROGRESS", 2)
    assert group["labels"]["requested_node_count"] == "4"
    api.pass_time()
    group = api.group()
    assert (group["status"], group["node_count"], len(group["node_addresses"])) == ("UPDATE_COMPLETE", 4, 4)
    gone = group["labels"]["node_list"].split(":")[1]
    resize(api, node_count=2, nodes_to_remove=[gone])
    api.pass_time()
    left = api.node_ids()
    assert len(left) == 2
    assert gone not in left


@pytest.mark.parametrize(
    "body, word",
    [
        ({"node_count": 0}, "node_count"),
        ({"node_count": 11}, "node_count"),
        ({"node_count": "3"}, "integer"),
        ({}, "node_count"),
        ({"node_count": 1, "nodegroup": "default-master"}, "default-master"),
        ({"node_count": 1, "nodegroup": None}, "nodegroup"),
        ({"node_count": 1, "nodes_to_remove": [NOWHERE]}, "not in node group"),
        ({"node_count": 1, "nodes_to_remove": ["demo-default-worker-node-0"]}, "uuid"),
        ({"node_count": 1, "nodes_to_remove": NOWHERE}, "array"),
        ({"node_count": 1, "min_node_count": 1}, "Unknown"),
    ],
)
def test_invalid_resize_is_rejected(api, refused, body, word):
    api.ready_cluster()
    refused(resize(api, **body), 400, word)


def test_resize_rejects_excess_or_duplicate_nodes_to_remove(api, refused):
    api.ready_cluster()
    nodes = api.node_ids()
    refused(resize(api, node_count=1, nodes_to_remove=nodes), 400, "more nodes")
    refused(resize(api, node_count=3, nodes_to_remove=nodes[:1]), 400, "more nodes")
    refused(resize(api, node_count=1, nodes_to_remove=[nodes[0], nodes[0]]), 400, "twice")
    refused(api.post("/clusters/demo/actions/resize", {"nodegroup": "nothing", "node_count": 1}), 404)


def test_resize_is_rejected_with_autoscaler_enabled(api, refused):
    api.ready_cluster()
    api.post(f"{GROUP}/autoscale", {"ca_enable": True})
    api.pass_time()
    refused(resize(api, node_count=3), 400, "autoscaler")


def test_metric_based_autoscaler(api, refused):
    """Its policies are always shown whole; while one is on there is no resize, no other autoscaler, and no node is stopped."""
    policy = {"enable": True, "rules": [{"metric": "GROUP_CPU_USAGE", "threshold": 70, "duration": 5}]}
    api.ready_cluster(body=api.cluster_body(labels={"mba_scale_out": json.dumps(policy)}))
    labels = api.group()["labels"]
    assert json.loads(labels["mba_scale_out"]) == {"max_node_count": 10, "rules_operator": "OR", "delay": 10, "adjustment_count": 1, **policy}
    assert json.loads(labels["mba_scale_in"])["min_node_count"] == 1
    assert '"enable": false' in labels["mba_scale_in"]
    refused(resize(api, node_count=3), 400, "autoscaler")
    refused(api.post(f"{GROUP}/autoscale", {"ca_enable": True}), 400, "metric-based")
    assert api.post(f"{GROUP}/autoscale", {"ca_enable": False}).status_code == 202
    api.pass_time()
    for operation in ("stop_node", "start_node"):
        refused(api.post(f"{GROUP}/{operation}", {"node_list": api.node_ids()[0]}), 400)
    both = {"mba_scale_out": json.dumps(policy), "ca_enable": "true"}
    refused(api.post("/clusters", {**api.cluster_body(labels=both), "name": "other"}), 400, "metric-based")
    for odd in ("nonsense", "[]", '{"enable": "yes"}', '{"enable": true}', '{"name": 1}'):
        refused(api.post("/clusters", {**api.cluster_body(labels={"mba_scale_in": odd}), "name": "other"}), 400, "mba_scale_in")


def test_dropped_and_failed_tasks(api):
    api.ready_cluster()
    api.control("faults", [{"effect": "drop_task", "task": "resize"}, {"effect": "fail_task", "task": "resize"}])
    assert resize(api, node_count=3).status_code == 202
    assert api.cluster()["status"] == "CREATE_COMPLETE"
    assert resize(api, node_count=3).status_code == 202
    api.pass_time()
    assert (api.cluster()["status"], api.group()["status"]) == ("UPDATE_FAILED", "UPDATE_FAILED")
    assert api.group()["node_count"] == 2


def test_stop_and_start(api, refused):
    api.ready_cluster()
    uuid_, nodes = api.group()["uuid"], api.node_ids()
    reply = api.post(f"{GROUP}/stop_node", {"node_list": nodes[0]})
    assert reply.json() == {"uuid": uuid_}
    api.pass_time()
    servers = api.lookup(f"compute/v2/{api.tenant}/servers/detail", params={"name": "^demo-default-worker-"}).json()
    assert {server["id"]: server["status"] for server in servers["servers"]} == {nodes[0]: "SHUTOFF", nodes[1]: "ACTIVE"}
    refused(api.post(f"{GROUP}/stop_node", {"node_list": nodes[0]}), 400, "already stopped")
    refused(api.post(f"{GROUP}/stop_node", {"node_list": nodes[1]}), 400, "All nodes")
    refused(api.post(f"{GROUP}/start_node", {"node_list": nodes[1]}), 400, "already started")
    refused(api.post(f"{GROUP}/autoscale", {"ca_enable": True}), 400, "stopped")
    flavor = {"type": "flavor_id", "flavor_id": api.ids["flavors"]["m2.c2m4"][0]}
    refused(api.call("PATCH", GROUP, flavor), 400, "stopped")
    assert len(api.node_ids()) == 2
    api.control("settings", {"stopped_nodes_listed": False})
    assert api.node_ids() == [nodes[1]]
    api.post(f"{GROUP}/start_node", {"node_list": nodes[0]})
    api.pass_time()
    assert len(api.node_ids()) == 2
    uuid_ = api.cluster()["uuid"]
    events = api.get(f"/clusters/{uuid_}/events").json()["events"]
    assert [event["type"] for event in events[1:]] == ["NODEGROUP_NODE_ACTION_STOP_NODE", "NODEGROUP_NODE_ACTION_START_NODE"]


def test_invalid_stop_is_rejected(api, refused):
    api.ready_cluster()
    nodes = api.node_ids()
    path = f"{GROUP}/stop_node"
    refused(api.post(path, {"node_list": ":".join(nodes)}), 400, "All nodes")
    refused(api.post(path, {"node_list": f"{nodes[0]}:{nodes[0]}"}), 400, "twice")
    refused(api.post(path, {"node_list": [nodes[0]]}), 400, "string")
    refused(api.post(path, {"node_list": NOWHERE}), 400, "not in node group")
    refused(api.post(path, {"node_list": "demo-default-worker-node-0"}), 400, "uuid")
    refused(api.post(path, {}), 400, "node_list")
    refused(api.post("/clusters/demo/nodegroups/default-master/stop_node", {"node_list": nodes[0]}), 400)
    api.post(f"{GROUP}/autoscale", {"ca_enable": True})
    api.pass_time()
    refused(api.post(path, {"node_list": nodes[0]}), 400, "autoscaler")


def test_event_names_from_older_guide(api):
    api.control("settings", {"event_names": "guide"})
    uuid_ = api.ready_cluster()["uuid"]
    api.post(f"{GROUP}/stop_node", {"node_list": api.node_ids()[0]})
    events = api.get(f"/clusters/{uuid_}/events").json()["events"]
    assert events[-1]["type"] == "NODEGROUP_NODE_ACTION_NODE_STOP"


def test_autoscale(api):
    api.ready_cluster()
    found = api.get(f"{GROUP}/autoscale").json()
    assert (found["ca_enable"], found["ca_max_node_count"]) == (False, 10)
    reply = api.post(
        f"{GROUP}/autoscale",
        {"ca_enable": True, "ca_max_node_count": 8, "ca_min_node_count": "2", "ca_scale_down_delay_after_add": 30, "ca_scale_down_enable": "False"},
    )
    assert reply.json() == {"uuid": api.group()["uuid"]}
    api.pass_time()
    found = api.get(f"{GROUP}/autoscale").json()
    assert found["ca_enable"] is True
    assert found["ca_scale_down_enable"] is False
    assert (found["ca_min_node_count"], found["ca_max_node_count"]) == (2, 8)
    assert api.group()["labels"]["ca_enable"] == "True"
    api.post(f"{GROUP}/autoscale", {"ca_enable": True})
    api.pass_time()
    assert api.get(f"{GROUP}/autoscale").json()["ca_max_node_count"] == 10
    api.control("settings", {"autoscale_omitted": "keep"})
    api.post(f"{GROUP}/autoscale", {"ca_enable": True, "ca_max_node_count": 7})
    api.pass_time()
    api.post(f"{GROUP}/autoscale", {"ca_enable": False})
    api.pass_time()
    found = api.get(f"{GROUP}/autoscale").json()
    assert (found["ca_enable"], found["ca_max_node_count"]) == (False, 7)


def test_autoscale_accepts_unchanged_out_of_range_value(api, refused):
    """A creation with the autoscaler off takes a delay below the range, and so does a change that repeats it."""
    api.ready_cluster(body=api.cluster_body(labels={"ca_scale_down_delay_after_add": "3"}))
    refused(api.post(f"{GROUP}/autoscale", {"ca_enable": False, "ca_scale_down_delay_after_add": 4}), 400, "delay")
    assert api.post(f"{GROUP}/autoscale", {"ca_enable": True, "ca_scale_down_delay_after_add": 3}).status_code == 202
    api.pass_time()
    found = api.get(f"{GROUP}/autoscale").json()
    assert (found["ca_enable"], found["ca_scale_down_delay_after_add"]) == (True, 3)


@pytest.mark.parametrize(
    "body, word",
    [
        ({}, "ca_enable"),
        ({"ca_enable": "yes"}, "ca_enable"),
        ({"ca_enable": True, "ca_min_node_count": 0}, "ca_min_node_count"),
        ({"ca_enable": True, "ca_max_node_count": 11}, "ca_max_node_count"),
        ({"ca_enable": True, "ca_min_node_count": 5, "ca_max_node_count": 4}, "greater"),
        ({"ca_enable": False, "ca_scale_down_delay_after_add": 9}, "delay"),
        ({"ca_enable": False, "ca_scale_down_unneeded_time": 0}, "unneeded"),
        ({"ca_enable": False, "ca_scale_down_util_thresh": 101}, "thresh"),
        ({"ca_enable": True, "ca_scale_down_util_thresh": 0.5}, "integer"),
        ({"ca_enable": True, "min_node_count": 1}, "Unknown"),
    ],
)
def test_invalid_autoscale_is_rejected(api, refused, body, word):
    api.ready_cluster()
    refused(api.post(f"{GROUP}/autoscale", body), 400, word)


def upgrade(api, group, version, **body):
    return api.post(f"/clusters/demo/nodegroups/{group}/upgrade", {"version": version, **body})


def test_upgrade(api, refused):
    api.ready_cluster()
    refused(upgrade(api, "default-worker", "v1.32.3"), 400, "first")
    refused(upgrade(api, "default-master", "v1.33.4"), 400, "next minor")
    refused(upgrade(api, "default-master", "v1.31.4"), 400, "next minor")
    refused(upgrade(api, "default-master", "v1.30.3"), 400, "next minor")
    refused(upgrade(api, "default-master", "v1.99.0"), 400, "tag")
    refused(upgrade(api, "default-master", None), 400, "version")
    assert upgrade(api, "default-master", "v1.32.3").status_code == 202
    api.pass_time()
    assert api.cluster()["labels"]["kube_tag"] == "v1.32.3"
    behind = api.group()["labels"]
    assert behind["kube_tag"] == "v1.31.4"
    assert json.loads(behind["upgradable_kube_versions"]) == ["v1.32.3"]
    assert behind["kube_version_status"] == "NEED_K8S_UPGRADE"
    refused(upgrade(api, "default-master", "v1.33.4"), 400, "All node groups")
    reply = upgrade(api, "default-worker", "v1.32.3", num_buffer_nodes=0, num_max_unavailable_nodes=2)
    assert (reply.status_code, reply.json()) == (202, {"uuid": api.group()["uuid"]})
    api.pass_time()
    assert api.group()["labels"]["kube_tag"] == "v1.32.3"
    assert api.group()["labels"]["kube_version_status"] == "LATEST"
    assert upgrade(api, "default-master", "v1.33.4").status_code == 202


def test_upgrade_rejects_invalid_limits_and_stopped_nodes(api, refused):
    api.ready_cluster()
    upgrade(api, "default-master", "v1.32.3")
    api.pass_time()
    for body in (
        {"num_buffer_nodes": 9},
        {"num_buffer_nodes": -1},
        {"num_max_unavailable_nodes": 0},
        {"num_max_unavailable_nodes": 3},
        {"num_buffer_nodes": "1"},
    ):
        refused(upgrade(api, "default-worker", "v1.32.3", **body), 400, next(iter(body)))
    api.post(f"{GROUP}/stop_node", {"node_list": api.node_ids()[0]})
    api.pass_time()
    refused(upgrade(api, "default-worker", "v1.32.3"), 400, "stopped")


def test_new_group_uses_control_plane_version(api):
    api.ready_cluster()
    upgrade(api, "default-master", "v1.32.3")
    api.pass_time()
    assert api.ready_group()["labels"]["kube_tag"] == "v1.32.3"


def test_user_script(api, refused):
    api.ready_cluster()
    path = f"{GROUP}/userscript"
    refused(api.post(path, {}), 400, "contents")
    refused(api.post(path, {"contents": "user script contents here..."}), 400, "#!")
    refused(api.post(path, {"contents": "#!" + "x" * 65535}), 400, "too long")
    refused(api.post("/clusters/demo/nodegroups/default-master/userscript", {"contents": "#!x"}), 400)
    assert api.post(path, {"contents": "#!/bin/sh\ndate\n"}).json() == {"uuid": api.group()["uuid"]}
    api.pass_time()
    assert api.group()["labels"]["user_script_v2"] == "#!/bin/sh\ndate\n"


def change_flavor(api, name, **body):
    return api.call("PATCH", GROUP, {"type": "flavor_id", "flavor_id": api.ids["flavors"][name][0], **body})


def test_flavor(api, refused):
    api.ready_cluster()
    refused(change_flavor(api, "u2.c2m4"), 400, "cannot be changed")
    refused(change_flavor(api, "m2.c4m8"), 400, "already")
    refused(change_flavor(api, "r2.c4m32", num_buffer_nodes=9), 400, "num_buffer_nodes")
    refused(change_flavor(api, "r2.c4m32", num_max_unavailable_nodes=3), 400, "num_max_unavailable_nodes")
    refused(change_flavor(api, "r2.c4m32", type="metric"), 400, "type")
    refused(api.call("PATCH", GROUP, [{"op": "replace", "path": "/flavor_id", "value": "x"}]), 400, "object")
    refused(api.call("PATCH", GROUP, {"type": "flavor_id"}), 400, "flavor_id")
    assert change_flavor(api, "r2.c4m32", num_buffer_nodes=0).json() == {"uuid": api.group()["uuid"]}
    api.pass_time()
    assert api.group()["flavor_id"] == api.ids["flavors"]["r2.c4m32"][0]


def test_u2_flavor_cannot_be_changed(api, refused):
    api.ready_cluster(body=api.cluster_body(flavor_id=api.ids["flavors"]["u2.c2m4"][0]))
    refused(change_flavor(api, "m2.c4m8"), 400, "cannot be changed")
    refused(change_flavor(api, "u2.c4m8"), 400, "cannot be changed")


def test_node_list_and_addresses_are_in_different_orders(api):
    api.ready_cluster(body=api.cluster_body(node_count=3))
    group = api.group()
    servers = api.lookup(f"compute/v2/{api.tenant}/servers/detail").json()["servers"]
    address = {server["id"]: server["addresses"]["demo-vpc"][0]["addr"] for server in servers if server["name"].startswith("demo-")}
    by_list = [address[node] for node in group["labels"]["node_list"].split(":")]
    assert set(by_list) == set(group["node_addresses"])
    assert by_list != group["node_addresses"]


# -- health


def health(api, name="default-worker"):
    """What the cluster shows of a node group's nodes: the word and the numbers."""
    reason = api.cluster()["health_status_reason"]
    return reason[f"nodegroup.node_status.{name}"], reason[f"nodegroup-stats.{name}"]


def test_nodes_become_ready_some_time_after_a_task(api):
    api.control("settings", {"nodes_ready_seconds": 60.0})
    api.ready_cluster()
    assert api.cluster()["health_status"] == "FRESH"
    assert health(api) == ("ALL_NODES_NOT_READY", "0:2")
    api.pass_time(60)
    assert health(api) == ("NORMAL", "2:0")
    resize(api, node_count=3)
    api.pass_time()
    assert health(api) == ("NOT_READY_NODE_EXIST", "2:1")
    assert api.cluster()["health_status_reason"]["cluster.node_status"] == "NOT_READY_NODE_EXIST"
    api.pass_time(60)
    assert health(api) == ("NORMAL", "3:0")


def test_health_is_collected_at_intervals(api):
    api.ready_cluster()
    api.control("settings", {"health_seconds": 300.0})
    before = api.cluster()["health_status_reason"]
    resize(api, node_count=3)
    api.pass_time()
    assert api.cluster()["health_status_reason"] == before
    api.pass_time(300)
    after = api.cluster()["health_status_reason"]
    assert after["timestamp"] > before["timestamp"] and after["nodegroup-stats.default-worker"] == "3:0"


def test_stopped_and_broken_nodes(api):
    api.ready_cluster()
    first, second = api.group()["node_addresses"]
    api.control("clusters/demo", {"nodes": {first: {"ready": False}}})
    assert health(api) == ("NOT_READY_NODE_EXIST", "1:1")
    api.control("clusters/demo", {"nodes": {first: {"status": "SHUTOFF"}}})
    assert health(api) == ("NORMAL", "1:0")
    api.control("clusters/demo", {"nodes": {first: {"status": "ACTIVE", "ready": True}, second: {"ready": True}}})
    assert health(api) == ("NORMAL", "2:0")


def test_health_as_in_the_older_guide(api):
    api.control("settings", {"health_form": "guide"})
    api.ready_cluster()
    assert api.cluster()["health_status"] == "HEALTHY"
    names = ["demo-default-worker-node-0", "demo-default-worker-node-1"]
    assert api.cluster()["health_status_reason"] == {"api": "ok", **{f"{name}.Ready": "True" for name in names}}
    api.control("clusters/demo", {"nodes": {names[1]: {"ready": False}}})
    assert api.cluster()["health_status"] == "UNHEALTHY"
    assert api.cluster()["health_status_reason"][names[1] + ".Ready"] == "False"
