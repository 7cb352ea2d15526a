# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Others on the same cluster: two tasks at once, and changes behind our back. A right result or a clear error, never a wrong ``changed``."""

from __future__ import annotations

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils.errors import NksError
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import CLUSTER, FLAVORS, HandClock
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.test_faults import OPERATIONS, every_operation
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
def test_two_equal_tasks_at_once_are_done_once_and_told_once(world, what):
    operation = OPERATIONS[what]
    operation.prepare(world)
    outcomes = together(world, *[(lambda clock: operation.run(world, clock=clock), {})] * 2)
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert sorted(outcome["changed"] for outcome in outcomes) == [False, True]
    assert operation.started(world) == 1


@every_operation
def test_an_equal_task_that_comes_right_before_our_request(world, what):
    """The other one has looked, planned and sent its request between our look and our request."""
    operation = OPERATIONS[what]
    operation.prepare(world)
    others = []
    begin_before(world, operation.method, operation.path, lambda: others.append(operation.run(world, wait=False)))
    outcome, error = attempt(lambda: operation.run(world))
    assert [other["changed"] for other in others] == [True]
    if what == "create":
        # The service makes both, so it has to be told which is which.
        assert len(world.clusters) == 2 and error.outcome.clock.slept == []
        for made in world.clusters:
            assert made.uuid in error.msg
        assert "someone else has created a cluster of this name" in error.msg
        return
    assert error is None and operation.started(world) == 1
    # A deletion is nobody's in particular: both have asked for it.
    assert outcome["changed"] is (operation.action == "delete" and bool(accepted([entry for entry in outcome.requests if entry not in others[0].requests])))


def test_a_list_that_fails_after_a_creation_is_no_reason_to_lose_it(world):
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
def test_a_change_in_the_console_right_before_our_request(world, what, change):
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
def test_a_change_behind_our_back_while_we_wait(world, what, change, seconds):
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
        assert gone or "is not as wanted" in error.msg
        return
    assert outcome["changed"] is True and len(accepted(outcome.requests)) == 1


@pytest.mark.parametrize("seconds", [10, 30])
@pytest.mark.parametrize("what", [name for name in OPERATIONS if name != "delete"])
def test_a_cluster_that_is_deleted_while_we_wait(world, what, seconds):
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
def test_a_cluster_that_is_deleted_right_before_our_request(world, what):
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
def test_a_cluster_that_fails_right_before_our_request(world, what):
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
