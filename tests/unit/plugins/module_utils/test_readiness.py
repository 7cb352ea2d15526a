# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""wait_for_nodes: tasks that end when NKS shows that the nodes are ready."""

from __future__ import annotations

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError, WaitError
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import fleet
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import CLUSTER, NODEGROUP, HandClock

#: Seconds from the end of an operation until its nodes are ready.
JOINING = 120.0


@pytest.fixture(autouse=True)
def joining(world):
    world.set(nodes_ready_seconds=JOINING)


def not_ready(world, *nodes, ready=False):
    """Somebody has broken nodes, or repaired them."""
    for node in nodes:
        node.ready = 0.0 if ready else float("inf")


def timed_out(function):
    with pytest.raises(WaitError) as caught:
        function()
    assert caught.value.msg.startswith("Timed out after ") and "wait_timeout" in caught.value.msg
    return caught.value


def seconds_after(world, event):
    """The seconds since the end of the last operation of a kind."""
    ended = [item.updated for item in world.cluster().events if item.type == event]
    return world.cloud.clock.now() - ended[-1]


# -- after operations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["current", "guide"])
def test_created_cluster(world, form):
    world.set(health_form=form)
    outcome = world.nks_cluster(**CLUSTER, wait_for_nodes=True)
    assert JOINING <= seconds_after(world, "CLUSTER_CREATE") <= JOINING + 10
    assert outcome["cluster"]["status"] == "CREATE_COMPLETE" and outcome.actions == ["create"]
    if form == "current":
        assert outcome["cluster"]["health_status_reason"]["nodegroup-stats.default-worker"] == "2:0"


def test_without_the_option_nodes_are_not_waited_for(world):
    world.nks_cluster(**CLUSTER)
    assert seconds_after(world, "CLUSTER_CREATE") < JOINING


@pytest.mark.parametrize("form", ["current", "guide"])
def test_created_node_group(world, form):
    world.set(health_form=form)
    world.seed()
    outcome = world.nks_nodegroup(**NODEGROUP, wait_for_nodes=True)
    assert JOINING <= seconds_after(world, "NODEGROUP_CREATE") <= JOINING + 10
    assert outcome["nodegroup"]["status"] == "CREATE_COMPLETE" and "stopped" not in outcome["nodegroup"]


@pytest.mark.parametrize("health_seconds", [0, 60, 300])
@pytest.mark.parametrize(
    ("given", "event"),
    [
        ({"node_count": 4}, "CLUSTER_RESIZE"),
        ({"flavor": "m2.c2m4"}, "NODEGROUP_UPDATE_FLAVOR"),
        ({"kubernetes_version": "v1.32.3"}, "NODEGROUP_UPGRADE"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_changed_node_group(world, given, event, health_seconds):
    """What the service has collected before the end of the operation shows the old nodes, all of them ready."""
    made = world.seed(nodegroups=2)
    if event == "NODEGROUP_UPGRADE":
        made.version = made.master.version = "v1.32.3"
    world.set(health_seconds=float(health_seconds))
    outcome = world.nks_nodegroup(name="group-1", wait_for_nodes=True, **given)
    assert outcome["changed"]
    assert JOINING <= seconds_after(world, event) <= JOINING + health_seconds + 10


def test_smaller_node_group_needs_newer_health_only(world):
    world.seed(nodes=3)
    world.set(health_seconds=60.0)
    world.nks_cluster(node_count=1, wait_for_nodes=True)
    assert 20 <= seconds_after(world, "CLUSTER_RESIZE") <= 70


def test_cluster_waits_for_its_default_node_group_only(world):
    world.seed(nodegroups=2)
    not_ready(world, *world.group("group-1").nodes)
    assert world.nks_cluster(node_count=3, wait_for_nodes=True)["changed"]


@pytest.mark.parametrize("changes", [True, False], ids=["upgrade", "unchanged"])
def test_upgrade_of_all_waits_for_all_node_groups(world, changes):
    world.seed(nodegroups=3)
    given = {"kubernetes_version": "v1.32.3" if changes else "v1.31.4", "upgrade": "all", "wait_for_nodes": True}
    clock = HandClock(world.simulator)
    broken = world.group("group-2").nodes
    not_ready(world, *broken)
    clock.at(600, lambda: not_ready(world, *broken, ready=True))
    if changes:
        # The upgrade replaces the broken nodes.
        broken = []
    outcome = world.nks_cluster(clock=clock, **given)
    assert outcome["changed"] is changes
    if changes:
        assert JOINING <= seconds_after(world, "NODEGROUP_UPGRADE") <= JOINING + 10
    else:
        assert 600 <= clock.now() <= 610


def test_group_with_the_autoscaler_may_change_its_size_during_the_wait(world):
    world.seed(labels={"ca_enable": "true", "ca_min_node_count": "1", "ca_max_node_count": "5"})
    group = world.group()
    not_ready(world, group.nodes[1])
    clock = HandClock(world.simulator)
    clock.at(100, group.nodes.pop)
    world.nks_cluster(clock=clock, wait_for_nodes=True)
    assert 100 <= clock.now() <= 110


# -- without operations ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["nks_cluster", "nks_nodegroup"])
def test_ready_nodes_cost_no_wait(world, module):
    world.seed(nodegroups=2)
    given = {"name": "group-1"} if module == "nks_nodegroup" else {}
    plain = getattr(world, module)(**given)
    outcome = getattr(world, module)(wait_for_nodes=True, **given)
    assert outcome.clock.slept == [] and not outcome["changed"]
    # The cluster does not show how many nodes the group has.
    assert len(outcome.requests) - len(plain.requests) == (1 if module == "nks_cluster" else 0)


@pytest.mark.parametrize("module", ["nks_cluster", "nks_nodegroup"])
def test_unready_nodes_are_waited_for_although_nothing_changes(world, module):
    world.seed(nodegroups=2)
    group = world.group("group-1" if module == "nks_nodegroup" else "default-worker")
    not_ready(world, group.nodes[0])
    clock = HandClock(world.simulator)
    clock.at(95, lambda: not_ready(world, group.nodes[0], ready=True))
    given = {"name": "group-1"} if module == "nks_nodegroup" else {}
    outcome = getattr(world, module)(clock=clock, wait_for_nodes=True, **given)
    assert (outcome["changed"], outcome["actions"], outcome.writes) == (False, [], []) and 95 <= clock.now() <= 105


def test_operation_of_others_makes_former_health_outdated(world):
    """The task only resumes waiting, as after a timeout: the nodes of that operation must be ready."""
    cluster = world.seed()
    world.set(health_seconds=60.0)
    group = world.group()
    world.busy(cluster, "flavor", apply=lambda now: world.cloud.restart(group.nodes, now), nodegroup=group)
    outcome = world.nks_cluster(wait_for_nodes=True)
    assert not outcome["changed"] and JOINING <= seconds_after(world, "NODEGROUP_UPDATE_FLAVOR") <= JOINING + 70


@pytest.mark.parametrize("listed", [True, False])
def test_stopped_nodes_do_not_count(world, listed):
    world.set(stopped_nodes_listed=listed)
    world.seed(nodes=3)
    world.group().nodes[1].status = "SHUTOFF"
    outcome = world.nks_cluster(wait_for_nodes=True)
    assert outcome.clock.slept == []
    # A node that has not joined is no stopped node.
    not_ready(world, world.group().nodes[0])
    assert "1 of 2 nodes are ready" in timed_out(lambda: world.nks_cluster(wait_for_nodes=True, wait_timeout=60)).msg


def test_stopped_nodes_are_looked_up_once(world):
    world.seed(nodes=3)
    not_ready(world, world.group().nodes[0])
    error = timed_out(lambda: world.nks_cluster(wait_for_nodes=True, wait_timeout=300))
    assert len([entry for entry in error.outcome.requests if "/servers" in entry["path"]]) == 1


def test_compute_service_that_does_not_answer_is_tolerated(world):
    world.seed(nodes=3)
    world.fault(effect="status", status=403, path="/compute/", times=None)
    group = world.group()
    not_ready(world, group.nodes[0])
    clock = HandClock(world.simulator)
    clock.at(50, lambda: not_ready(world, group.nodes[0], ready=True))
    world.nks_cluster(clock=clock, wait_for_nodes=True)
    assert 50 <= clock.now() <= 60


def test_check_mode_and_deletion_do_not_wait(world):
    world.seed(nodegroups=2)
    not_ready(world, *world.group().nodes, *world.group("group-1").nodes)
    for check in ({}, {"node_count": 3}):
        assert world.nks_cluster(check=True, wait_for_nodes=True, **check).clock.slept == []
        assert world.nks_nodegroup(name="group-1", check=True, wait_for_nodes=True, **check).clock.slept == []
    assert world.nks_nodegroup(check=True, wait_for_nodes=True, **NODEGROUP).clock.slept == []
    assert world.nks_nodegroup(name="group-1", state="absent", wait_for_nodes=True)["changed"]
    assert world.nks_cluster(state="absent", wait_for_nodes=True)["changed"]


def test_cluster_without_its_default_node_group(world):
    cluster = world.seed()
    with world.cloud.lock:
        cluster.nodegroups.clear()
    outcome = world.nks_cluster(wait_for_nodes=True)
    assert outcome["warnings"] == ["cluster/demo has no node group default-worker, so wait_for_nodes has no effect. Use it with nks_nodegroup."]


# -- fleets ----------------------------------------------------------------------------------------------------------


def run_fleet(world, *names, clock=None, **more):
    group = {option: value for option, value in NODEGROUP.items() if option != "cluster"}
    return world.run(
        fleet.JOB, dict({"clusters": [dict(CLUSTER, name=name, nodegroups=[group]) for name in names], "wait_for_nodes": True}, **more), clock=clock
    )


def test_fleet_waits_for_the_nodes_of_its_documents(world):
    outcome = run_fleet(world, "demo")
    assert outcome.actions == ["create", "create"] and JOINING <= seconds_after(world, "NODEGROUP_CREATE") <= JOINING + 10
    again = run_fleet(world, "demo")
    assert not again["changed"] and again.clock.slept == []


def test_fleet_waits_although_nothing_changes(world):
    run_fleet(world, "demo")
    group = world.group("extra")
    not_ready(world, group.nodes[0])
    clock = HandClock(world.simulator)
    clock.at(95, lambda: not_ready(world, group.nodes[0], ready=True))
    assert not run_fleet(world, "demo", clock=clock)["changed"] and 95 <= clock.now() <= 105
    not_ready(world, group.nodes[0])
    with pytest.raises(NksError, match="extra: 1 of 2 nodes are ready"):
        run_fleet(world, "demo", wait_timeout=30)


def test_fleet_with_one_new_cluster_and_no_node_groups(world):
    outcome = world.run(fleet.JOB, {"clusters": [CLUSTER], "wait_for_nodes": True})
    assert outcome.actions == ["create"] and JOINING <= seconds_after(world, "CLUSTER_CREATE") <= JOINING + 10


# -- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["nks_cluster", "nks_nodegroup"])
def test_waiting_for_nodes_without_waiting_is_rejected(world, module):
    with pytest.raises(BadInput, match="^wait_for_nodes: .*wait=false") as caught:
        getattr(world, module)(wait=False, wait_for_nodes=True)
    assert caught.value.outcome.requests == []


def test_timeout_reports_the_nodes(world):
    world.seed(nodes=3, nodegroups=2)
    not_ready(world, world.group().nodes[0])
    error = timed_out(lambda: world.nks_cluster(wait_for_nodes=True, wait_timeout=60))
    assert "default-worker: 2 of 3 nodes are ready (NOT_READY_NODE_EXIST)" in error.msg
    assert "CREATE_COMPLETE" in error.msg and "wait_for_nodes" in error.msg
    assert error.values["status"] == "CREATE_COMPLETE" and sum(error.outcome.clock.slept) == 60
    # The older form has the names of the nodes.
    world.set(health_form="guide")
    error = timed_out(lambda: world.nks_cluster(wait_for_nodes=True, wait_timeout=60))
    assert "not ready: demo-default-worker-node-0 (FALSE)." in error.msg


def test_timeout_does_not_repeat_the_operation(world):
    world.set(nodes_ready_seconds=1000.0)
    world.seed()
    error = timed_out(lambda: world.nks_cluster(node_count=3, wait_for_nodes=True, wait_timeout=300))
    assert "2 of 3 nodes are ready" in error.msg and len(error.outcome.writes) == 1
    outcome = world.nks_cluster(node_count=3, wait_for_nodes=True)
    assert outcome.writes == [] and seconds_after(world, "CLUSTER_RESIZE") >= 1000


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"health_status": None, "health_status_reason": None}, "NKS shows no health of the nodes (health_status: none)"),
        ({"health_status": "UNKNOWN", "health_status_reason": {}}, "NKS shows no health of the nodes (health_status: UNKNOWN)"),
        ({"health_status": "STALE"}, "outdated (health_status: STALE"),
        ({"health_status_reason": {"api": "NOT_OK", "nodegroup-stats.default-worker": "2:0"}}, "cannot reach the Kubernetes API (api: NOT_OK)"),
    ],
    ids=["none", "unknown", "stale", "api"],
)
def test_timeout_tells_that_the_health_is_not_known(world, fields, text):
    world.seed().overrides.update(fields)
    for given in ({}, {"node_count": 3}):
        error = timed_out(lambda given=given: world.nks_cluster(wait_for_nodes=True, wait_timeout=60, **given))
        assert text in error.msg


def test_health_that_is_never_collected_again(world):
    world.seed()
    world.nks_cluster()
    world.set(health_seconds=1e9)
    error = timed_out(lambda: world.nks_cluster(node_count=3, wait_for_nodes=True, wait_timeout=600))
    assert "NKS has not collected the health of the nodes again since the operation ended" in error.msg


def test_operation_of_others_during_the_wait_is_waited_for(world):
    cluster = world.seed()
    not_ready(world, world.group().nodes[0])
    clock = HandClock(world.simulator)

    def other():
        not_ready(world, *world.group().nodes, ready=True)
        world.busy(cluster, "ipacl", seconds=100.0)

    clock.at(30, other)
    outcome = world.nks_cluster(clock=clock, wait_for_nodes=True)
    assert 130 <= clock.now() <= 140 and outcome["cluster"]["status"] == "UPDATE_COMPLETE"


@pytest.mark.parametrize("what", ["cluster", "node group"])
def test_deletion_by_others_ends_the_wait(world, what):
    cluster = world.seed(nodegroups=2)
    group = world.group("group-1")
    not_ready(world, group.nodes[0])
    clock = HandClock(world.simulator)

    def delete():
        if what == "cluster":
            world.cloud.projects[cluster.tenant_id, "kr1"].clusters.clear()
        else:
            cluster.nodegroups.pop(group.uuid)

    clock.at(30, delete)
    with pytest.raises(NksError, match="was deleted by someone else while the task waited for its nodes") as caught:
        world.nks_nodegroup(name="group-1", clock=clock, wait_for_nodes=True)
    assert ("nodegroup/group-1" in caught.value.msg) is (what == "node group") and clock.now() <= 40


def test_failed_reads_during_the_wait_are_tolerated(world):
    world.seed()
    group = world.group()
    not_ready(world, group.nodes[0])
    clock = HandClock(world.simulator)
    clock.at(60, lambda: not_ready(world, group.nodes[0], ready=True))
    world.fault(effect="status", status=503, method="GET", path="/clusters/", skip=2, times=20)
    assert not world.nks_cluster(clock=clock, wait_for_nodes=True, max_retries=1)["changed"]


def test_progress_shows_the_numbers(world):
    world.seed()
    lines = world.nks_cluster(node_count=3, wait_for_nodes=True).lines
    waiting = [line for line in lines if "nodes are ready" in line]
    assert waiting[0].startswith("cluster/demo: UPDATE_COMPLETE") and "default-worker: 2 of 3 nodes are ready (NOT_READY_NODE_EXIST)" in waiting[0]
    assert waiting[-1].endswith("all nodes are ready") and len(waiting) <= 5
