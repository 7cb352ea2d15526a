# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``run``: lost answers, busy resources, and others who work on the same cluster."""

from __future__ import annotations

import re
import threading

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, NksError, NoAnswer, WaitError
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import CLUSTER, FLAVORS, NODEGROUP, HandClock

SCRIPT = "#!/bin/bash\necho ready\n"

#: What becomes of an answer: the request was carried out, or it was not, or nobody knows.
LOST_AFTER = [
    {"effect": "reset_after"},
    {"effect": "truncate"},
    {"effect": "garbage"},
    {"effect": "status", "status": 504, "body_type": "html", "processed": True},
    {"effect": "status", "status": 502, "body_type": "empty", "processed": True, "retry_after": 7},
]
LOST_BEFORE = [
    {"effect": "reset_before"},
    {"effect": "status", "status": 503, "body_type": "html"},
    {"effect": "status", "status": 429, "retry_after": 5},
]
WRITES = {
    "create": ("POST", r"/v1/clusters$", "nks_cluster", CLUSTER, None),
    "create group": ("POST", r"/nodegroups$", "nks_nodegroup", NODEGROUP, "extra"),
    "resize": ("POST", r"/actions/resize$", "nks_cluster", {"node_count": 4}, "default-worker"),
    "flavor": ("PATCH", r"/nodegroups/", "nks_nodegroup", {"name": "group-1", "flavor": "m2.c2m4"}, "group-1"),
    "script": ("POST", r"/userscript$", "nks_cluster", {"user_script": SCRIPT}, "default-worker"),
    "autoscaler": ("POST", r"/autoscale$", "nks_cluster", {"autoscale": {"enabled": True}}, "default-worker"),
    "upgrade": ("POST", r"/upgrade$", "nks_cluster", {"kubernetes_version": "v1.32.3"}, None),
    "delete group": ("DELETE", r"/nodegroups/", "nks_nodegroup", {"name": "group-1", "state": "absent"}, None),
    "delete": ("DELETE", r"/v1/clusters/[^/]*$", "nks_cluster", {"state": "absent"}, None),
}


def prepared(world, what):
    """Something to change, but for a creation; and the task that changes it."""
    method, path, module, given, _group = WRITES[what]
    if what != "create":
        world.seed(nodegroups=2)
    return method, path, getattr(world, module), given


def started(world, kind):
    """How many tasks of a kind the cloud has begun, by its own history."""
    return [event.type for cluster in world.clusters for event in cluster.events].count(kind)


# -- lost answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "seconds"),
    [(rule, 25) for rule in LOST_AFTER] + [(LOST_AFTER[0], 0)],
    ids=lambda value: str(value.get("status", value["effect"])) if isinstance(value, dict) else value,
)
@pytest.mark.parametrize("what", list(WRITES))
def test_processed_request_with_lost_response_is_not_sent_again(world, what, rule, seconds):
    method, path, run, given = prepared(world, what)
    world.set(task_seconds=float(seconds))
    world.fault(method=method, path=path, **rule)
    outcome = run(**given)
    assert outcome["changed"] and [entry["faults"] for entry in outcome.writes] == [[rule["effect"]]]
    assert run(**given).writes == []
    assert len(world.clusters) == (0 if what == "delete" else 1)


@pytest.mark.parametrize("rule", LOST_BEFORE, ids=lambda rule: "%s %s" % (rule["effect"], rule.get("status", "")))
@pytest.mark.parametrize("what", list(WRITES))
def test_unprocessed_request_is_sent_again_and_performed_once(world, what, rule):
    method, path, run, given = prepared(world, what)
    world.fault(method=method, path=path, times=2, **rule)
    outcome = run(**given)
    assert outcome["changed"] and len(outcome.writes) == 3
    assert run(**given).writes == []
    assert len(world.clusters) == (0 if what == "delete" else 1)


@pytest.mark.parametrize("what", list(WRITES))
def test_state_is_checked_between_attempts_of_a_write(world, what):
    method, path, run, given = prepared(world, what)
    world.fault(effect="reset_before", method=method, path=path, times=2)
    outcome = run(**given)
    positions = [number for number, entry in enumerate(outcome.requests) if entry in outcome.writes]
    for first, second in zip(positions, positions[1:]):
        assert [entry["method"] for entry in outcome.requests[first + 1 : second]].count("GET") >= 3
        # The last thing before the request is a look, and not a pause.
        assert outcome.requests[second - 1]["method"] == "GET"


def test_cluster_with_lost_creation_response_is_found_and_awaited(world):
    world.fault(effect="reset_after", method="POST", path="/v1/clusters$")
    outcome = world.nks_cluster(**CLUSTER)
    assert outcome["cluster"]["uuid"] == world.cluster().uuid and outcome["cluster"]["status"] == "CREATE_COMPLETE"
    assert started(world, "CLUSTER_CREATE") == 1


def test_lost_creation_is_found_after_temporary_list_failures(world):
    world.set(list_400_polls=3, missing_polls=2)
    world.fault(effect="reset_after", method="POST", path="/v1/clusters$")
    assert world.nks_cluster(**CLUSTER)["changed"] and len(world.clusters) == 1


def test_lost_creation_is_not_repeated_if_it_cannot_be_verified(world):
    world.fault(effect="reset_after", method="POST", path="/v1/clusters$")
    # The first list belongs to the plan.
    world.fault(effect="status", method="GET", path="/v1/clusters$", status=400, skip=1, times=None)
    with pytest.raises(NoAnswer) as caught:
        world.nks_cluster(**CLUSTER)
    assert len(caught.value.outcome.writes) == 1 and len(world.clusters) == 1
    for text in ("Could not create cluster demo", "Could not verify", "list the clusters"):
        assert text in caught.value.msg
    # Once there is something to be seen again, it is found.
    world.cloud.faults.clear()
    assert not world.nks_cluster(**CLUSTER)["changed"]


def test_check_for_a_lost_creation_is_retried(world):
    world.fault(effect="reset_after", method="POST", path="/v1/clusters$")
    world.fault(effect="reset_before", method="GET", path="/v1/clusters$", skip=1, times=4)
    outcome = world.nks_cluster(**dict(CLUSTER, max_retries=1, wait_interval=0.5))
    assert outcome["changed"] and len(world.clusters) == 1 and len(outcome.writes) == 1


def test_unresponsive_service_is_an_error_after_limited_retries(world):
    world.seed()
    world.fault(effect="reset_before", method="POST", path="/actions/resize$", times=None)
    with pytest.raises(NoAnswer) as caught:
        world.nks_cluster(node_count=3, max_retries=2)
    assert "resize node group" in caught.value.msg and len(caught.value.outcome.writes) == 3
    assert len(world.group().nodes) == 2


def test_lost_creation_is_verified_even_without_retries(world):
    world.fault(effect="reset_after", method="POST", path="/v1/clusters$")
    assert world.nks_cluster(**dict(CLUSTER, max_retries=0))["changed"] and len(world.clusters) == 1


def test_retry_after_is_honored_before_retrying_a_write(world):
    world.seed()
    world.fault(effect="status", method="POST", path="/actions/resize$", status=429, retry_after=17)
    assert world.nks_cluster(node_count=3).clock.slept[0] == 17


def test_rejected_retry_is_tolerated_if_the_first_request_took_effect(world):
    """The first request takes effect only after it was looked for, so that the second one is refused."""
    world.seed()
    world.fault(effect="reset_before", method="POST", path="/nodegroups$")
    clock = HandClock(world.simulator)

    def late():
        begin_before(world, "POST", "/nodegroups$", lambda: world.nks_nodegroup(**dict(NODEGROUP, wait=False)))

    clock.at(6.2, late)
    outcome = world.nks_nodegroup(clock=clock, **NODEGROUP)
    assert outcome["changed"] and started(world, "NODEGROUP_CREATE") == 1
    assert 400 in [entry["status"] for entry in outcome.writes] or 409 in [entry["status"] for entry in outcome.writes]


# -- busy ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("what", ["create group", "resize", "flavor", "upgrade", "delete group", "delete"])
def test_task_waits_for_operation_started_after_the_check(world, what, status):
    method, path, run, given = prepared(world, what)
    world.set(busy_status=status)
    clock = HandClock(world.simulator)
    begin_before(world, method, path, lambda: world.busy(world.cluster(), "ipacl"))
    outcome = run(clock=clock, **given)
    assert outcome["changed"] and [entry["status"] for entry in outcome.writes][0] == status and len(outcome.writes) == 2
    assert sum(clock.slept) >= 40


def begin_before(world, method, path, function):
    """Call a function right before the first request of a kind is looked at."""
    answer, simulator = world.simulator.server.answer, world.simulator

    def watched(environ, body):
        if environ["REQUEST_METHOD"] == method and re.search(path, environ["PATH_INFO"]):
            simulator.server.answer = answer
            function()
        return answer(environ, body)

    simulator.server.answer = watched


def test_operation_finished_before_the_next_check_is_tolerated(world):
    cluster = world.seed()
    world.fault(effect="status", method="POST", path="/actions/resize$", status=400, body="Cluster demo already has an operation in progress.")

    def quick():
        cluster.updated, cluster.status = world.cloud.clock.now() + 1, "UPDATE_COMPLETE"

    begin_before(world, "POST", "/actions/resize$", quick)
    assert world.nks_cluster(node_count=3)["changed"] and len(world.group().nodes) == 3


def test_rejection_by_an_idle_cluster_is_reported_immediately(world):
    world.seed()
    world.fault(effect="status", method="POST", path="/actions/resize$", status=400, body="Node count out of bounds.")
    with pytest.raises(ApiError) as caught:
        world.nks_cluster(node_count=3)
    assert "Node count out of bounds" in caught.value.msg and "HTTP 400" in caught.value.msg
    assert caught.value.values["request_id"].startswith("req-") and len(caught.value.outcome.writes) == 1


def test_concurrent_operation_is_an_error_without_waiting(world):
    world.seed()
    begin_before(world, "POST", "/actions/resize$", lambda: world.busy(world.cluster(), "ipacl"))
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(node_count=3, wait=False)
    assert "UPDATE_IN_PROGRESS" in caught.value.msg and caught.value.outcome.clock.slept == []


def test_permanently_busy_cluster_is_eventually_an_error(world):
    world.seed()
    world.fault(effect="status", method="POST", path="/actions/resize$", status=400, body="already has an operation in progress", times=None)

    def again():
        world.busy(world.cluster(), "ipacl")
        begin_before(world, "POST", "/actions/resize$", again)

    begin_before(world, "POST", "/actions/resize$", again)
    with pytest.raises(NksError) as caught:
        world.nks_cluster(node_count=3, wait_timeout=120)
    assert caught.value.outcome.clock.now() <= 300 and "operation in progress" in caught.value.msg
    world.simulator.server.answer = world.simulator._answer


def test_task_waits_for_operation_between_two_of_its_steps(world):
    world.seed()
    begin_before(world, "POST", "/actions/resize$", lambda: world.busy(world.cluster(), "ipacl"))
    outcome = world.nks_cluster(user_script=SCRIPT, node_count=3)
    assert outcome.actions == ["change_user_script", "resize"] and len(world.group().nodes) == 3
    assert [entry["path"].rsplit("/", 1)[1] for entry in outcome.writes] == ["userscript", "resize", "resize"]


# -- others on the same cluster --------------------------------------------------------------------------------------


def other_resize(world, count):
    """Somebody resizes the first group in the console."""
    cluster, group = world.cluster(), world.group()
    world.busy(cluster, "resize", apply=lambda now: world.cloud.add_nodes(cluster, group, count - len(group.nodes), now), nodegroup=group)


def test_concurrent_change_by_others_is_not_reported_as_changed(world):
    world.seed()
    begin_before(world, "POST", "/actions/resize$", lambda: other_resize(world, 3))
    outcome = world.nks_cluster(node_count=3)
    assert (outcome["changed"], outcome["actions"]) == (False, []) and len(world.group().nodes) == 3


def test_new_plan_starts_from_the_state_left_by_others(world):
    world.seed(nodes=4)
    begin_before(world, "POST", "/actions/resize$", lambda: other_resize(world, 6))
    outcome = world.nks_cluster(node_count=3)
    assert outcome["actions"][0]["changes"]["node_count"] == {"before": 6, "after": 3} and len(world.group().nodes) == 3
    # The warning of the second plan, and not of both.
    assert len(outcome["warnings"]) == 1


def test_concurrent_upgrade_by_others_is_tolerated(world):
    cluster = world.seed()

    def upgrade():
        def apply(_now):
            cluster.version = cluster.master.version = "v1.32.3"

        world.busy(cluster, "upgrade", apply=apply, nodegroup=cluster.master)

    begin_before(world, "POST", "/upgrade$", upgrade)
    outcome = world.nks_cluster(kubernetes_version="v1.32.3")
    assert not outcome["changed"] and world.cluster().version == "v1.32.3"


def test_new_plan_reads_the_instances_again(world):
    cluster = world.seed()
    cluster.version = cluster.master.version = "v1.32.3"
    group = world.group()

    def stop():
        def apply(_now):
            group.nodes[1].status = "SHUTOFF"

        world.busy(cluster, "stop_node", apply=apply, nodegroup=group)

    begin_before(world, "POST", "/upgrade$", stop)
    with pytest.raises(NksError) as caught:
        world.nks_nodegroup(name="default-worker", kubernetes_version="v1.32.3")
    assert group.nodes[1].name in caught.value.msg and len(caught.value.outcome.writes) == 1


def test_node_count_changed_by_others_during_the_wait_is_an_error(world):
    world.seed()
    clock = HandClock(world.simulator)
    cluster, group = world.cluster(), world.group()

    def interfere():
        world.cloud.tick()
        world.cloud.add_nodes(cluster, group, 3, world.cloud.clock.now())

    clock.at(30, interfere)
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(node_count=3, clock=clock)
    assert "node_count did not change to the requested value" in caught.value.msg


class Meeting(HandClock):
    """No task's time goes on before all tasks have to wait: so none of them is done before the others have begun."""

    def __init__(self, world, barrier):
        super().__init__(world.simulator)
        self.barrier = barrier

    def sleep(self, seconds):
        if not self.slept:
            self.barrier.wait(30)
        super().sleep(seconds)


def together(world, *tasks):
    """Run tasks at once, each a (function, options); what each gave, a result or its error."""
    barrier, outcomes = threading.Barrier(len(tasks)), [None] * len(tasks)

    def run(number, function, given):
        try:
            outcomes[number] = function(clock=Meeting(world, barrier), **given)
        except NksError as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=(number,) + task) for number, task in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def result_of(outcome):
    assert not isinstance(outcome, Exception), outcome
    return outcome.result


@pytest.mark.parametrize("attempt", range(5))
def test_two_identical_concurrent_tasks_resize_once(world, attempt):
    world.seed()
    outcomes = together(world, *[(world.nks_cluster, {"node_count": 4})] * 2)
    assert sorted(result_of(outcome)["changed"] for outcome in outcomes) == [False, True]
    assert len(world.group().nodes) == 4 and started(world, "CLUSTER_RESIZE") == 1


@pytest.mark.parametrize("attempt", range(5))
def test_two_identical_concurrent_tasks_create_one_node_group(world, attempt):
    world.seed()
    outcomes = together(world, *[(world.nks_nodegroup, NODEGROUP)] * 2)
    assert sorted(result_of(outcome)["changed"] for outcome in outcomes) == [False, True]
    assert started(world, "NODEGROUP_CREATE") == 1


def test_different_concurrent_tasks_all_succeed(world):
    world.seed(nodegroups=2)
    outcomes = together(
        world,
        (world.nks_cluster, {"node_count": 4, "flavor": "m2.c2m4"}),
        (world.nks_nodegroup, {"name": "group-1", "node_count": 1, "user_script": SCRIPT}),
        (world.nks_nodegroup, NODEGROUP),
    )
    assert [result_of(outcome)["changed"] for outcome in outcomes] == [True] * 3
    assert (len(world.group().nodes), world.group().flavor_id) == (4, FLAVORS["m2.c2m4"])
    assert len(world.group("group-1").nodes) == 1 and world.group("group-1").labels["user_script_v2"] == SCRIPT
    assert len(world.group("extra").nodes) == 2


def test_two_concurrent_deletions_both_succeed(world):
    world.seed()
    outcomes = together(world, *[(world.nks_cluster, {"state": "absent"})] * 2)
    assert [result_of(outcome)["cluster"] is not None for outcome in outcomes] == [True, True] and world.clusters == []
