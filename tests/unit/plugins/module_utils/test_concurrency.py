# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Others on the same cluster: two tasks at once, and changes behind our back. A right result or a clear error, never a wrong ``changed``."""

from __future__ import annotations

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import CLUSTER, FLAVORS, NODEGROUP, HandClock, Turns
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.test_faults import OPERATIONS, SCRIPT, every_operation
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.test_run import begin_before, together


@pytest.fixture(autouse=True)
def plain_answers(world):
    """Takes away what begin_before() has put before the simulator, where a test did not come to it."""
    answer = world.simulator.server.answer
    yield
    world.simulator.server.answer = answer


def attempt(function):
    """(outcome, None) or (None, error) of a task; anything but a clear error fails the test."""
    try:
        return function(), None
    except NksError as error:
        assert error.msg and "\n" not in error.msg and "Traceback" not in error.msg
        return None, error


def accepted(requests):
    """Writes that the service took."""
    return [
        entry
        for entry in requests
        if entry["method"] != "GET" and not entry["path"].endswith("/tokens") and entry["status"] is not None and entry["status"] < 300
    ]


# -- two tasks at once -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [name for name in OPERATIONS if name not in ("create", "delete", "delete group")])
def test_two_identical_concurrent_tasks_run_and_report_once(world, what):
    operation = OPERATIONS[what]
    operation.prepare(world)
    outcomes = together(world, *[(lambda clock: operation.run(world, clock=clock), {})] * 2)
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert sorted(outcome["changed"] for outcome in outcomes) == [False, True]
    assert operation.started(world) == 1


@every_operation
def test_identical_task_just_before_the_request_is_detected(world, what):
    """The other one has looked, planned and sent its request between our look and our request."""
    operation = OPERATIONS[what]
    operation.prepare(world)
    others = []

    def other():
        others.append(operation.run(world, wait=False))
        # So that it is the earlier one.
        world.cloud.clock.advance(1)

    begin_before(world, operation.method, operation.path, other)
    outcome, error = attempt(lambda: operation.run(world))
    assert [other["changed"] for other in others] == [True]
    if what == "create":
        # The service makes both, so it has to be told which is which.
        assert len(world.clusters) == 2
        for made in world.clusters:
            assert made.uuid in error.msg
        assert "someone else has created a cluster of this name" in error.msg
        return
    assert error is None and operation.started(world) == 1
    # A deletion is nobody's in particular: both have asked for it.
    assert outcome["changed"] is (operation.action == "delete" and bool(accepted([entry for entry in outcome.requests if entry not in others[0].requests])))


def made_at_once(world, order, run, **given):
    """(the outcomes of two equal creations, their errors)"""
    outcomes = Turns(world, order).run(*[lambda clock: run(clock=clock, **given)] * 2)
    return [outcome for outcome in outcomes if not isinstance(outcome, NksError)], [outcome for outcome in outcomes if isinstance(outcome, NksError)]


@pytest.mark.parametrize("settings", [{}, {"missing_polls": 2}, {"shown_after": 3.0}, {"shown_after": 15.0}, {"list_400_polls": 4}], ids=str)
@pytest.mark.parametrize("order", range(8))
def test_earlier_of_two_identical_cluster_creations_continues(world, order, settings):
    world.set(**settings)
    done, errors = made_at_once(world, order, world.nks_cluster, **CLUSTER)
    first = min(world.clusters, key=lambda cluster: (int(cluster.created), cluster.uuid))
    if len(world.clusters) == 1:
        # The look of one of them came late enough to find the other's.
        assert errors == [] and sorted(outcome["changed"] for outcome in done) == [False, True]
        return
    assert len(world.clusters) == 2 and [outcome["cluster"]["uuid"] for outcome in done] == [first.uuid]
    assert "someone else has created a cluster of this name" in errors[0].msg
    later = next(cluster for cluster in world.clusters if cluster is not first)
    assert first.uuid in errors[0].msg and "name: %s" % later.uuid in errors[0].msg
    # From now on the name means nothing, so the one that goes on says so.
    assert later.uuid in " ".join(done[0]["warnings"])


def test_duplicate_cluster_shown_late_is_detected_when_ready(world):
    """Both look before anything can be seen, and again while only ours is shown."""
    clock = HandClock(world.simulator)

    def other():
        made = world.seed()
        made.created = world.cloud.clock.now() - 3600

    clock.at(12, other)
    _outcome, error = attempt(lambda: world.nks_cluster(clock=clock, **CLUSTER))
    assert all(cluster.uuid in error.msg for cluster in world.clusters) and clock.now() >= 20


@pytest.mark.parametrize("earlier", [True, False])
def test_duplicate_cluster_is_detected_without_waiting(world, earlier):
    def other():
        made = world.seed()
        made.created = world.cloud.clock.now() + (-60 if earlier else 60)

    begin_before(world, "POST", "/v1/clusters$", other)
    outcome, error = attempt(lambda: world.nks_cluster(**dict(CLUSTER, wait=False)))
    assert world.clusters[0].uuid in (error.msg if earlier else " ".join(outcome["warnings"]))


def test_lost_response_with_duplicate_cluster_name_is_an_error(world):
    """Which one is whose cannot be known any more."""
    world.fault(effect="reset_after", method="POST", path="/v1/clusters$")
    begin_before(world, "POST", "/v1/clusters$", world.seed)
    _outcome, error = attempt(lambda: world.nks_cluster(**CLUSTER))
    assert "it is not known whether" in error.msg and all(cluster.uuid in error.msg for cluster in world.clusters)


def test_cluster_being_deleted_is_not_a_duplicate(world):
    def other():
        world.busy(world.seed(), "cluster_delete", seconds=900.0, prefix="DELETE", whole=True)

    begin_before(world, "POST", "/v1/clusters$", other)
    outcome = world.nks_cluster(**CLUSTER)
    assert outcome["changed"] and outcome["warnings"] == []


@pytest.mark.parametrize(
    "settings", [{}, {"busy_status": 409}, {"missing_polls": 2}, {"shown_after": 3.0}, {"duplicate_group": "drop", "shown_after": 3.0}], ids=str
)
@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("order", range(5))
def test_one_of_two_identical_node_group_creations_finds_the_other(world, order, wait, settings):
    world.seed()
    world.set(**settings)
    world.cloud.clock.advance(60)
    done, errors = made_at_once(world, order, world.nks_nodegroup, **dict(NODEGROUP, wait=wait))
    assert history(world) == ["NODEGROUP_CREATE"]
    assert [outcome["changed"] for outcome in done].count(True) == 1
    if wait:
        assert len(done) == 2 and {outcome["nodegroup"]["uuid"] for outcome in done} == {world.group("extra").uuid}
        return
    # Without waiting, the second one fails as a second run would.
    assert all("is in CREATE_IN_PROGRESS" in error.msg or "is in UPDATE_IN_PROGRESS" in error.msg for error in errors)


def test_second_of_two_different_node_group_creations_resizes_it(world):
    world.seed()
    tasks = [lambda clock, count=count: world.nks_nodegroup(clock=clock, **dict(NODEGROUP, node_count=count)) for count in (1, 2)]
    outcomes = in_turns(world, 3, *tasks)
    assert sorted(outcome.actions[0] for outcome in outcomes) == ["create", "resize"]


# -- two tasks of many steps, in many orders --------------------------------------------------------------------------


def in_turns(world, order, *tasks):
    """The outcomes of some tasks at once; none may fail."""
    outcomes = Turns(world, order).run(*tasks)
    assert [outcome.msg for outcome in outcomes if isinstance(outcome, NksError)] == []
    return outcomes


def summary(outcomes):
    """What the results say was done, whoever did it: (action, resource, changes), sorted."""
    return sorted(str((item["action"], item["resource"], item["changes"])) for outcome in outcomes for item in outcome["actions"])


def history(world):
    """What the cloud has begun, by its own history."""
    return [event.type for cluster in world.clusters for event in cluster.events if event.type != "CLUSTER_CREATE"]


# In the last four, the other task performs the next step before this one has read the result of its own.
@pytest.mark.parametrize("order", [*range(25), 71, 90, 138, 217])
def test_two_identical_upgrades_perform_each_step_once(world, order):
    world.seed(version="v1.30.3", nodegroups=2)
    given = {"kubernetes_version": "v1.32.3", "upgrade": "all"}
    planned = summary([world.nks_cluster(check=True, **given)])
    outcomes = in_turns(world, order, *[lambda clock: world.nks_cluster(clock=clock, **given)] * 2)
    assert summary(outcomes) == planned and len(history(world)) == 6
    assert all(outcome["changed"] is bool(outcome["actions"]) for outcome in outcomes)
    assert {group.version for group in world.cluster().groups_with_master()} == {"v1.32.3"}
    assert world.nks_cluster(**given).writes == []


@pytest.mark.parametrize("seconds", [3.0, 25.0])
@pytest.mark.parametrize("order", range(15))
def test_two_identical_multi_step_tasks_replace_nodes_once(world, order, seconds):
    world.seed(nodegroups=2)
    world.set(task_seconds=seconds)
    autoscale = {"enabled": True, "min_node_count": 3, "max_node_count": 4}
    given = {"name": "group-1", "user_script": SCRIPT, "flavor": "r2.c4m32", "node_count": 4, "autoscale": autoscale}
    planned = summary([world.nks_nodegroup(check=True, **given)])
    outcomes = in_turns(world, order, *[lambda clock: world.nks_nodegroup(clock=clock, **given)] * 2)
    assert summary(outcomes) == planned and len(history(world)) == len(set(history(world))) == 4
    assert world.nks_nodegroup(**given).writes == []


@pytest.mark.parametrize("order", range(10))
def test_two_different_multi_step_tasks_both_succeed(world, order):
    world.seed(nodegroups=2)
    tasks = [
        lambda clock: world.nks_nodegroup(clock=clock, name="group-1", user_script=SCRIPT, flavor="r2.c4m32"),
        lambda clock: world.nks_nodegroup(clock=clock, name="group-1", user_script=SCRIPT, node_count=4, autoscale={"enabled": False, "max_node_count": 5}),
    ]
    outcomes = in_turns(world, order, *tasks)
    assert sorted(history(world)) == sorted(set(history(world))) and len(summary(outcomes)) == len(history(world)) == 4
    group = world.group("group-1")
    assert (len(group.nodes), group.flavor_id, group.labels["ca_max_node_count"]) == (4, FLAVORS["r2.c4m32"], "5")


@pytest.mark.parametrize("which", ["another group", "the same group"])
def test_step_already_done_by_others_is_not_sent(world, which):
    """Nothing is under way any more when its turn comes: only a look can show it."""
    cluster = world.seed(nodegroups=2)
    clock = HandClock(world.simulator)

    def in_the_console():
        # The first step of ours ends at 25 s; it is seen at 30 s.
        with world.cloud.lock:
            world.cloud.tick()
            if which == "another group":
                world.group("group-1").version = "v1.32.3"
            else:
                world.group().flavor_id = FLAVORS["r2.c4m32"]
            cluster.updated = world.cloud.clock.now()

    clock.at(28, in_the_console)
    if which == "another group":
        outcome = world.nks_cluster(kubernetes_version="v1.32.3", upgrade="all", clock=clock)
        assert [item["resource"] for item in outcome["actions"]] == ["cluster/demo", "cluster/demo/nodegroup/default-worker"]
    else:
        outcome = world.nks_cluster(user_script=SCRIPT, flavor="r2.c4m32", clock=clock)
        assert outcome.actions == ["change_user_script"]
    assert outcome["changed"] and len(outcome.writes) == len(outcome["actions"]) == len(history(world))
    assert outcome["diff"]["after"].keys() == {item["resource"] for item in outcome["actions"]}


def test_later_step_keeps_changes_made_by_others(world):
    world.seed()
    clock = HandClock(world.simulator)

    def in_the_console():
        with world.cloud.lock:
            world.cloud.tick()
            world.group().labels["ca_scale_down_unneeded_time"] = "99"

    clock.at(28, in_the_console)
    outcome = world.nks_cluster(user_script=SCRIPT, autoscale={"enabled": True}, clock=clock)
    assert outcome.actions == ["change_user_script", "set_autoscale"]
    # The full set is sent, and must not undo it.
    assert world.group().labels["ca_scale_down_unneeded_time"] == "99" and world.group().autoscaler_on


def test_cluster_failure_between_two_steps_is_reported(world):
    cluster = world.seed()
    clock = HandClock(world.simulator)

    def in_the_console():
        with world.cloud.lock:
            world.cloud.tick()
        world.busy(cluster, "ipacl", seconds=5.0)
        cluster.task.failure = {"reason": "No luck"}

    clock.at(28, in_the_console)
    _outcome, error = attempt(lambda: world.nks_cluster(user_script=SCRIPT, flavor="r2.c4m32", clock=clock))
    assert "No luck" in error.msg and len(accepted(error.outcome.requests)) == 1


@pytest.mark.parametrize("what", ["node group", "cluster"])
def test_wait_while_reading_the_state_restarts_the_read(world, what):
    """The cluster was read before somebody's operation on a node group, and what is known of it is out of date after that."""
    cluster = world.seed(nodegroups=2, version="v1.31.4")

    def apply(_now):
        cluster.version = cluster.master.version = "v1.32.3"

    begin_before(world, "GET", "/nodegroups", lambda: world.busy(cluster, "upgrade", apply=apply, nodegroup=world.group("group-1")))
    if what == "node group":
        outcome = world.nks_nodegroup(name="group-1", kubernetes_version="v1.32.3")
        assert [item["changes"]["kubernetes_version"]["before"] for item in outcome["actions"]] == ["v1.31.4"]
    else:
        outcome = world.nks_cluster(kubernetes_version="v1.32.3", upgrade="all")
        assert [item["resource"] for item in outcome["actions"]] == ["cluster/demo/nodegroup/default-worker", "cluster/demo/nodegroup/group-1"]


def test_failing_list_after_a_creation_is_tolerated(world):
    # The first list belongs to the plan.
    world.fault(effect="status", status=500, method="GET", path="/v1/clusters$", skip=1, times=None)
    outcome = world.nks_cluster(**CLUSTER)
    assert outcome["changed"] and outcome["cluster"]["status"] == "CREATE_COMPLETE"


# -- changes behind our back -----------------------------------------------------------------------------------------


def resize(world, group):
    made = world.group(group)

    def apply(now):
        world.cloud.add_nodes(world.cluster(), made, 1, now)
        made.requested = len(made.nodes)

    return made, apply


def flavor(world, group):
    made = world.group(group)

    def apply(_now):
        made.flavor_id = FLAVORS["c2.c4m4"]

    return made, apply


def remove(world, group):
    made = world.group(group)
    return made, lambda _now: world.cluster().nodegroups.pop(made.uuid, None)


#: What somebody does in the console: (kind of task, function that gives the node group and what becomes of it).
CHANGES = {
    "resize": ("resize", resize),
    "flavor": ("flavor", flavor),
    "delete group": ("nodegroup_delete", remove),
    "access": ("ipacl", lambda world, group: (None, lambda _now: None)),
}
changing = [name for name in OPERATIONS if name not in ("create", "delete")]


@pytest.mark.parametrize("change", list(CHANGES))
@pytest.mark.parametrize("what", changing)
def test_console_change_just_before_the_request_is_handled(world, what, change):
    operation = OPERATIONS[what]
    operation.prepare(world)
    kind, function = CHANGES[change]
    group, apply = function(world, "group-1")
    begin_before(world, operation.method, operation.path, lambda: world.busy(world.cluster(), kind, apply=apply, nodegroup=group))
    outcome, error = attempt(lambda: operation.run(world))
    if error is not None:
        # Only what has gone can be in the way.
        assert change == "delete group" and "node group 'group-1'" in error.msg.lower() and accepted(error.outcome.requests) == []
        return
    assert outcome["changed"] is bool(accepted(outcome.requests)) and len(accepted(outcome.requests)) == len(outcome["actions"])
    # What the result says is so: the same task finds nothing to do.
    again = operation.run(world)
    assert (again["changed"], again.writes) == (False, [])


@pytest.mark.parametrize("seconds", [10, 30])
@pytest.mark.parametrize("change", ["resize", "flavor", "delete group"])
@pytest.mark.parametrize("what", changing)
def test_change_by_others_during_the_wait_is_handled(world, what, change, seconds):
    """At 10 s our operation is under way, at 30 s it has just ended and was not looked at yet."""
    operation = OPERATIONS[what]
    operation.prepare(world)
    _kind, function = CHANGES[change]
    _group, apply = function(world, "group-1")
    clock = HandClock(world.simulator)

    def interfere():
        with world.cloud.lock:
            world.cloud.tick()
            apply(world.cloud.clock.now())

    clock.at(seconds, interfere)
    outcome, error = attempt(lambda: operation.run(world, clock=clock))
    if error is not None:
        gone = change == "delete group" and ("deleted by someone else" in error.msg or "node group 'group-1'" in error.msg)
        assert gone or "did not change to the requested value" in error.msg
        return
    assert outcome["changed"] is True and len(accepted(outcome.requests)) == 1


@pytest.mark.parametrize("seconds", [10, 30])
@pytest.mark.parametrize("what", [name for name in OPERATIONS if name != "delete"])
def test_cluster_deletion_by_others_during_the_wait_is_reported(world, what, seconds):
    operation = OPERATIONS[what]
    operation.prepare(world)
    clock = HandClock(world.simulator)
    clock.at(seconds, lambda: [project.clusters.clear() for project in world.cloud.projects.values()])
    outcome, error = attempt(lambda: operation.run(world, clock=clock))
    if operation.action == "delete":
        assert error is None and outcome["changed"] is True
        return
    assert error is not None and "demo" in error.msg
    assert "deleted by someone else" in error.msg or "HTTP 404" in error.msg or "did not appear" in error.msg


@pytest.mark.parametrize("what", [name for name in OPERATIONS if name != "create"])
def test_cluster_deletion_just_before_the_request_is_reported(world, what):
    operation = OPERATIONS[what]
    operation.prepare(world)
    begin_before(world, operation.method, operation.path, lambda: [project.clusters.clear() for project in world.cloud.projects.values()])
    _outcome, error = attempt(lambda: operation.run(world))
    if operation.action == "delete":
        # Gone is gone, whoever did it.
        assert error is None
        return
    assert error is not None and error.values["status_code"] == 404 and accepted(error.outcome.requests) == []


@pytest.mark.parametrize("what", changing)
def test_cluster_failure_just_before_the_request_is_reported(world, what):
    """Somebody else's operation has failed meanwhile: that is told, and nothing more is tried."""
    operation = OPERATIONS[what]
    operation.prepare(world)
    begin_before(world, operation.method, operation.path, lambda: world.fail(world.cluster(), "UPDATE_FAILED"))
    outcome, error = attempt(lambda: operation.run(world))
    if what == "certificate":
        # The one change that the service takes then.
        assert outcome["changed"]
        return
    assert error is not None and "UPDATE_FAILED" in error.msg
    assert accepted(error.outcome.requests) == []
