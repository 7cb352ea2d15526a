# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_node: nodes of a group, started or stopped."""

from __future__ import annotations

import json
import sys

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import node as task

RESOURCE = "cluster/demo/nodegroup/default-worker"


@pytest.fixture(params=[True, False], ids=["listed", "dropped"])
def nodes(request, world):
    """Three nodes of a cluster; whether stopped ones stay in the group's lists is not known, so both are tried."""
    world.set(stopped_nodes_listed=request.param)
    world.seed(nodes=3)
    return world.group().nodes


def run(world, check=False, **given):
    given["nodes"] = [getattr(node, "uuid", node) for node in given["nodes"]]
    return world.run(task.JOB, dict({"cluster": "demo", "nodegroup": "default-worker", "state": "stopped"}, **given), check)


def refusal(world, check=False, **given):
    """The text with which a task fails, having written nothing."""
    with pytest.raises(NksError) as caught:
        run(world, check, **given)
    assert caught.value.outcome.writes == []
    return caught.value.msg


def sent(outcome, operation="stop_node"):
    """The UUIDs of the task's one write."""
    assert outcome.wrote == ["POST /clusters/*/nodegroups/*/%s" % operation]
    assert list(outcome.writes[0]["body"]) == ["node_list"]
    return outcome.writes[0]["body"]["node_list"].split(":")


def statuses(nodes):
    return [node.status for node in nodes]


# -- stopping and starting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reference", ["uuid", "name", "address"])
def test_stops_and_starts_nodes(world, nodes, reference):
    named = [getattr(nodes[2], reference), getattr(nodes[0], reference)]
    outcome = run(world, nodes=named)
    assert sent(outcome) == [nodes[2].uuid, nodes[0].uuid]
    assert statuses(nodes) == ["SHUTOFF", "ACTIVE", "SHUTOFF"]
    assert outcome["actions"] == [
        {
            "action": "stop_nodes",
            "resource": RESOURCE,
            "changes": {
                "nodes": {"before": {nodes[2].name: "started", nodes[0].name: "started"}, "after": {nodes[2].name: "stopped", nodes[0].name: "stopped"}}
            },
        }
    ]
    assert outcome["nodes"] == [{"uuid": node.uuid, "name": node.name, "address": node.address, "status": "SHUTOFF"} for node in (nodes[2], nodes[0])]
    # Again: nothing to do.
    again = run(world, nodes=named)
    assert (again["changed"], again["actions"], again.writes) == (False, [], [])
    assert again["nodes"] == outcome["nodes"]
    # And back.
    outcome = run(world, nodes=named, state="started")
    assert sent(outcome, "start_node") == [nodes[2].uuid, nodes[0].uuid]
    assert statuses(nodes) == ["ACTIVE"] * 3
    assert (outcome["actions"][0]["action"], outcome["actions"][0]["resource"]) == ("start_nodes", RESOURCE)
    assert [node["status"] for node in outcome["nodes"]] == ["ACTIVE", "ACTIVE"]
    assert run(world, nodes=named, state="started").writes == []


def test_mixed_node_references_are_accepted(world, nodes):
    outcome = run(world, nodes=[nodes[0].uuid.upper(), nodes[1].address])
    assert sent(outcome) == [nodes[0].uuid, nodes[1].uuid]
    outcome = run(world, nodes=[nodes[1].name, nodes[0].uuid], state="started")
    assert sent(outcome, "start_node") == [nodes[1].uuid, nodes[0].uuid]


def test_nodes_already_in_the_desired_state_are_not_sent(world, nodes):
    """The service refuses to stop what is stopped and to start what is started."""
    nodes[0].status = "SHUTOFF"
    outcome = run(world, nodes=nodes[:2])
    assert sent(outcome) == [nodes[1].uuid]
    assert list(outcome["actions"][0]["changes"]["nodes"]["before"]) == [nodes[1].name]
    assert [node["status"] for node in outcome["nodes"]] == ["SHUTOFF", "SHUTOFF"]
    assert sent(run(world, nodes=nodes[1:], state="started"), "start_node") == [nodes[1].uuid]
    assert statuses(nodes) == ["SHUTOFF", "ACTIVE", "ACTIVE"]


def test_other_groups_and_clusters_are_unchanged(world, nodes):
    world.seed("demo-2", nodes=3, nodegroups=2)
    others = [node for group in world.cluster("demo-2").nodegroups.values() for node in group.nodes]
    for node in (others[0], others[3]):
        node.status = "SHUTOFF"
    outcome = run(world, cluster="demo-2", nodegroup="group-1", nodes=[others[3]], state="started")
    assert sent(outcome, "start_node") == [others[3].uuid]
    assert statuses(others) == ["SHUTOFF"] + ["ACTIVE"] * 5 and statuses(nodes) == ["ACTIVE"] * 3
    # A stopped node of another group with almost the same name is none of this one's.
    assert "there is no node" in refusal(world, nodes=[others[0].name], state="started")
    assert "there is no node" in refusal(world, cluster="demo-2", nodegroup="group-1", nodes=[others[0]], state="started")


def test_node_names_of_older_clusters_are_accepted(world, nodes):
    """They are called otherwise."""
    nodes[1].name = "demo-default-w-3f5ovusqlqv5-node-1"
    assert sent(run(world, nodes=[nodes[1].name])) == [nodes[1].uuid]
    assert sent(run(world, nodes=[nodes[1].name], state="started"), "start_node") == [nodes[1].uuid]


def test_check_mode(world, nodes):
    nodes[0].status = "SHUTOFF"
    checked = run(world, check=True, nodes=nodes[:2])
    assert checked.writes == [] and statuses(nodes) == ["SHUTOFF", "ACTIVE", "ACTIVE"]
    assert [node["status"] for node in checked["nodes"]] == ["SHUTOFF", "ACTIVE"]
    real = run(world, nodes=nodes[:2])
    assert [checked[key] for key in ("changed", "actions", "diff")] == [real[key] for key in ("changed", "actions", "diff")]
    assert real["diff"] == {"before": {RESOURCE: {"nodes": {nodes[1].name: "started"}}}, "after": {RESOURCE: {"nodes": {nodes[1].name: "stopped"}}}}


# -- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [True, False])
def test_stopping_all_nodes_of_a_group_is_rejected(world, nodes, check):
    assert refusal(world, check, nodes=nodes).startswith("nodes: it would leave no running node")
    # Also those that are stopped already count.
    nodes[0].status = "SHUTOFF"
    assert refusal(world, check, nodes=nodes[1:]).startswith("nodes: it would leave no running node")
    assert run(world, check, nodes=nodes[:2])["changed"] is True


@pytest.mark.parametrize("value", ["True", "true"])
@pytest.mark.parametrize("check", [True, False])
def test_change_while_the_autoscaler_is_on_is_rejected(world, nodes, value, check):
    world.group().labels["ca_enable"] = value
    assert "while the autoscaler is on" in refusal(world, check, nodes=nodes[:1])
    # What is as wanted is no reason to fail.
    assert run(world, check, nodes=nodes[:1], state="started")["changed"] is False
    nodes[0].status = "SHUTOFF"
    assert "while the autoscaler is on" in refusal(world, check, nodes=nodes[:1], state="started")


@pytest.mark.parametrize("check", [True, False])
def test_stopping_with_metric_based_autoscaler_on_is_rejected(world, nodes, check):
    world.group().labels["mba_scale_in"] = json.dumps({"enable": True, "min_node_count": 1, "rules": []})
    text = refusal(world, check, nodes=nodes[:1])
    assert text == (RESOURCE + ": nodes cannot be stopped while the metric-based autoscaler is on (mba_scale_in). Turn it off first in the NHN Cloud console.")
    assert run(world, check, nodes=nodes[:1], state="started")["changed"] is False


@pytest.mark.parametrize("state", ["started", "stopped"])
def test_unknown_node_is_rejected(world, nodes, state):
    for reference in ("demo-default-worker-node-9", "10.0.99.99", "5e000000-0101-4000-8000-000000000099"):
        text = refusal(world, nodes=[nodes[0].name, reference], state=state)
        assert text.startswith("nodes: there is no node '%s' in node group default-worker; there are: " % reference)
        assert nodes[1].name in text
    # Another instance of the project is not one of the group.
    assert "there is no node 'bastion'" in refusal(world, nodes=["bastion"], state=state)


def test_node_listed_twice_is_rejected(world, nodes):
    text = refusal(world, nodes=[nodes[0].uuid, nodes[0].name])
    assert text == "nodes: node '%s' is listed twice; list each node once." % nodes[0].name


def test_empty_node_list_is_rejected(world, nodes):
    with pytest.raises(NksError, match="nodes: '\\[\\]' is empty") as caught:
        run(world, nodes=[])
    assert caught.value.outcome.requests == []


def test_unknown_cluster_or_node_group_is_rejected(world, nodes):
    assert refusal(world, nodes=nodes[:1], cluster="nowhere").startswith("cluster: there is no cluster 'nowhere'")
    assert refusal(world, nodes=nodes[:1], nodegroup="nobody").startswith("nodegroup: cluster/demo has no node group 'nobody'")
    assert refusal(world, nodes=nodes[:1], nodegroup="default-master").startswith("nodegroup: 'default-master' is the control plane")


# -- forms of the answers --------------------------------------------------------------------------------------------


def test_nodes_are_found_by_address_without_node_list(world, monkeypatch):
    """The label node_list is not documented: without it, the addresses tell who belongs to the group."""
    world.seed(nodes=3)
    nodes = world.group().nodes
    form = sys.modules["nks_simulator.wireform"]
    labels = form.nodegroup_labels
    monkeypatch.setattr(form, "nodegroup_labels", lambda *args: {name: value for name, value in labels(*args).items() if name != "node_list"})
    assert sent(run(world, nodes=[nodes[1].uuid])) == [nodes[1].uuid]
    assert sent(run(world, nodes=[nodes[1].name], state="started"), "start_node") == [nodes[1].uuid]
    assert refusal(world, nodes=nodes).startswith("nodes: it would leave no running node")


def test_uppercase_node_list_is_accepted(world, monkeypatch):
    world.seed(nodes=3)
    nodes = world.group().nodes
    nodes[0].status = "SHUTOFF"
    form = sys.modules["nks_simulator.wireform"]
    labels = form.nodegroup_labels
    monkeypatch.setattr(form, "nodegroup_labels", lambda *args: dict(labels(*args), node_list=labels(*args)["node_list"].upper()))
    assert run(world, nodes=[nodes[0].uuid]).writes == []
    assert sent(run(world, nodes=[nodes[0].uuid, nodes[1].name])) == [nodes[1].uuid]


def test_instances_are_read_from_all_pages(world, nodes):
    world.set(server_page_max=2)
    world.seed("demo-2", nodes=5)
    assert sent(run(world, nodes=[nodes[2].name])) == [nodes[2].uuid]


# -- waiting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["stopped", "started"])
def test_waits_until_the_nodes_reach_the_state(world, nodes, state):
    world.set(stale_polls=5)
    nodes[0].status = "ACTIVE" if state == "stopped" else "SHUTOFF"
    outcome = run(world, nodes=nodes[:1], state=state)
    assert [node["status"] for node in outcome["nodes"]] == ["SHUTOFF" if state == "stopped" else "ACTIVE"]
    assert world.cluster().status == "UPDATE_COMPLETE"


def test_change_dropped_by_the_service_is_an_error(world, nodes):
    world.fault(effect="drop_task", task="stop_node")
    with pytest.raises(NksError, match="did not change to the requested value"):
        run(world, nodes=nodes[:1])


def test_no_wait_returns_immediately(world, nodes):
    outcome = run(world, nodes=nodes[:1], wait=False)
    assert outcome["changed"] is True and outcome.clock.slept == [] and world.cluster().busy


# -- node groups whose nodes have equal names --------------------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["listed", "dropped"])
def twins(request, world):
    """The nodes of group "eu-web" of cluster "prod", and of group "web" of cluster "prod-eu": each name is there twice."""
    world.set(stopped_nodes_listed=request.param)
    both = []
    for cluster, group in (("prod", "eu-web"), ("prod-eu", "web")):
        world.seed(cluster, nodes=3, nodegroups=2)
        made = world.group("group-1", cluster)
        made.name = group
        for number, node in enumerate(made.nodes):
            node.name = "%s-%s-node-%d" % (cluster, group, number)
        both.append(made.nodes)
    assert [node.name for node in both[0]] == [node.name for node in both[1]]
    return both


OURS = {"cluster": "prod", "nodegroup": "eu-web"}
THEIRS = {"cluster": "prod-eu", "nodegroup": "web"}


def test_duplicate_name_selects_the_node_of_the_given_cluster(world, twins):
    for given, own, other in ((OURS, *twins), (THEIRS, *twins[::-1])):
        name = own[1].name
        assert sent(run(world, nodes=[name], **given)) == [own[1].uuid]
        assert (statuses(own), statuses(other)) == (["ACTIVE", "SHUTOFF", "ACTIVE"], ["ACTIVE"] * 3)
        # The other cluster's task sees its own node, which runs.
        assert run(world, nodes=[name], state="started", **(THEIRS if given is OURS else OURS)).writes == []
        assert sent(run(world, nodes=[name], state="started", **given), "start_node") == [own[1].uuid]


def test_stopped_node_of_another_cluster_is_not_found(world, twins):
    twins[1][0].status = "SHUTOFF"
    for reference in (twins[1][0].uuid, twins[1][0].address):
        assert "there is no node '%s' in node group eu-web" % reference in refusal(world, nodes=[reference], state="started", **OURS)
    # Nor does it count among the stopped ones.
    assert run(world, nodes=[node.uuid for node in twins[0][:2]], check=True, **OURS)["changed"]


def test_stopped_node_of_uncertain_cluster_is_rejected(world, twins):
    """Nodes number 0 of both are stopped: where the service lists them no more, nobody can tell which is whose."""
    for nodes in twins:
        nodes[0].status = "SHUTOFF"
    if world.cloud.settings.stopped_nodes_listed:
        assert sent(run(world, nodes=[twins[0][0].name], state="started", **OURS), "start_node") == [twins[0][0].uuid]
    else:
        for reference in (twins[0][0].uuid, twins[1][0].uuid, twins[0][0].name):
            text = refusal(world, nodes=[reference], state="started", **OURS)
            assert text.startswith("nodes: the stopped instance prod-eu-web-node-0 (")
            assert "2 stopped instances have that name" in text and "node group web of cluster prod-eu (" in text
        # In another network it is certain again.
        cluster = world.cluster("prod-eu")
        cluster.fixed_network = next(vpc["id"] for vpc in world.cloud.projects[cluster.tenant_id, "kr1"].found.vpcs if vpc["name"] == "other-vpc")
        assert sent(run(world, nodes=[twins[0][0].name], state="started", **OURS), "start_node") == [twins[0][0].uuid]
    assert statuses(twins[1]) == ["SHUTOFF", "ACTIVE", "ACTIVE"]


def test_stopped_node_of_another_cluster_does_not_block_an_upgrade(world, twins):
    twins[1][0].status = "SHUTOFF"
    outcome = world.nks_cluster(name="prod", kubernetes_version="v1.32.3", upgrade="all")
    assert len(outcome["actions"]) == 3 and world.group("eu-web", "prod").version == "v1.32.3"
    # Its own does.
    with pytest.raises(NksError, match="while nodes of it are stopped"):
        world.nks_cluster(name="prod-eu", kubernetes_version="v1.32.3", upgrade="all")


def test_same_address_in_two_networks_selects_the_right_node(world, monkeypatch):
    """Without node_list, an address is only looked for in the cluster's own network."""
    form = sys.modules["nks_simulator.wireform"]
    labels = form.nodegroup_labels
    monkeypatch.setattr(form, "nodegroup_labels", lambda *args: {name: value for name, value in labels(*args).items() if name != "node_list"})
    world.seed(nodes=2)
    other = world.seed("demo-2", nodes=2)
    other.fixed_network = next(vpc["id"] for vpc in world.cloud.projects[other.tenant_id, "kr1"].found.vpcs if vpc["name"] == "other-vpc")
    first, second = world.group().nodes, world.group(cluster="demo-2").nodes
    for one, two in zip(first, second):
        two.address = one.address
    assert sent(run(world, nodes=[second[0].address], cluster="demo-2")) == [second[0].uuid]
    assert sent(run(world, nodes=[first[1].address])) == [first[1].uuid]
    assert (statuses(first), statuses(second)) == (["ACTIVE", "SHUTOFF"], ["SHUTOFF", "ACTIVE"])


def test_rejection_names_the_node_group_without_uuid(world, nodes):
    world.fault(effect="status", status=403, method="POST", path="/stop_node$")
    with pytest.raises(NksError) as caught:
        run(world, cluster=world.cluster().uuid, nodegroup=world.group().uuid, nodes=nodes[:1])
    assert caught.value.msg.startswith("Could not stop nodes of node group default-worker of cluster demo: ")
