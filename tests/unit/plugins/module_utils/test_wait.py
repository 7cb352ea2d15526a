# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``wait``: what ends a wait, what does not, and what is told meanwhile."""

from __future__ import annotations

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._apply import failures, progress, settle, wait
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, BadReply, NoAnswer, WaitError
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import Operation
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import HandClock

BUSY, READY, FAILED = "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_FAILED"


def cluster(status=READY, updated="t0", **fields):
    return dict({"uuid": "c", "name": "demo", "status": status, "updated_at": updated, "labels": {}}, **fields)


class Script:
    """An API that answers the given replies in turn, the last one for ever; None is 404."""

    def __init__(self, *replies, groups=(), events=()):
        self.replies = {"cluster": list(replies), "nodegroup": list(groups)}
        self.history = events
        self.asked = 0
        self.events_asked = 0

    def _next(self, kind):
        self.asked += 1
        replies = self.replies[kind]
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply is None:
            raise ApiError("read", 404, "", "")
        if isinstance(reply, Exception):
            raise reply
        return reply

    def cluster(self, _uuid):
        return self._next("cluster")

    def nodegroup(self, _uuid, _group):
        return self._next("nodegroup")

    def events(self, _uuid, safe=None):
        self.events_asked += 1
        if isinstance(self.history, Exception):
            raise self.history
        return list(self.history)


class Scene:
    """A waiter, the watch of a cluster (or group) that answers a script, and what was told."""

    def __init__(self, *replies, interval=10.0, timeout=3600, **more):
        self.api = Script(*replies, **more)
        self.clock = HandClock()
        self.lines = []
        self.waiter = wait.Waiter(self.clock, interval, timeout, self.lines.append)
        self.watch = Watch(self.api, "c", None, "cluster/demo")
        self.group = Watch(self.api, "c", "g", "cluster/demo/nodegroup/extra")


def resize(count=3):
    return Operation("resize", "cluster/demo", {}, outcome=(("node_count", lambda state: state.get("node_count") == count),))


# -- idle ------------------------------------------------------------------------------------------------------------


def test_an_idle_resource_that_was_just_read_costs_no_request():
    scene = Scene(cluster())
    state = cluster()
    assert scene.waiter.wait_until_idle(scene.watch, state) is state
    assert scene.api.asked == 0 and scene.clock.slept == []


def test_a_busy_resource_is_asked_again_only_after_the_interval():
    scene = Scene(cluster(BUSY), cluster(BUSY), cluster(READY), interval=7)
    assert scene.waiter.wait_until_idle(scene.watch, cluster(BUSY))["status"] == READY
    assert scene.clock.slept == [7, 7, 7] and scene.api.asked == 3


def test_waiting_for_idle_ends_with_none_when_the_resource_is_gone():
    scene = Scene(cluster("DELETE_IN_PROGRESS"), None)
    assert scene.waiter.wait_until_idle(scene.watch, cluster("DELETE_IN_PROGRESS")) is None


@pytest.mark.parametrize(
    "trouble",
    [NoAnswer("no answer"), BadReply("not JSON"), ApiError("read", 500, "", ""), {"strange": "answer"}],
    ids=["no answer", "garbage", "500", "no status"],
)
def test_a_bad_moment_does_not_end_a_wait(trouble):
    scene = Scene(cluster(BUSY), trouble, trouble, cluster(READY))
    assert scene.waiter.wait_until_idle(scene.watch)["status"] == READY


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_ends_a_wait_at_once(status):
    scene = Scene(cluster(BUSY), ApiError("read cluster demo", status, "no", ""), cluster(READY))
    with pytest.raises(ApiError):
        scene.waiter.wait_until_idle(scene.watch)
    assert scene.api.asked == 2


def test_trouble_that_lasts_is_told_when_the_time_is_over():
    scene = Scene(NoAnswer("No route to host."), timeout=60)
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_idle(scene.watch)
    assert "No route to host." in caught.value.msg


def test_a_time_out_tells_what_was_waited_for_the_last_status_and_that_a_rerun_goes_on():
    scene = Scene(cluster(BUSY), timeout=95)
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_idle(scene.watch)
    message = caught.value.msg
    for text in ("95 s", "cluster/demo", "to become idle", BUSY, "run the task again", "wait_timeout"):
        assert text in message
    assert caught.value.values["status"] == BUSY
    # The last pause is cut so that the limit is kept to.
    assert scene.clock.now() == 95 and scene.clock.slept[-1] == 5


# -- progress --------------------------------------------------------------------------------------------------------


def test_progress_is_told_at_each_change_and_each_minute():
    scene = Scene(*([cluster("CREATE_IN_PROGRESS")] * 14 + [cluster(BUSY)] * 2 + [cluster(READY)]))
    scene.waiter.wait_until_idle(scene.watch)
    assert scene.lines == [
        "cluster/demo: CREATE_IN_PROGRESS, 0 s",
        "cluster/demo: CREATE_IN_PROGRESS, 1 min 0 s",
        "cluster/demo: CREATE_IN_PROGRESS, 2 min 0 s",
        "cluster/demo: UPDATE_IN_PROGRESS, 2 min 20 s",
        "cluster/demo: UPDATE_COMPLETE, 2 min 40 s",
    ]
    # The history is asked only for a line that is told, and once for each.
    assert scene.api.events_asked == 4


def test_silence_costs_no_request():
    scene = Scene(*([cluster("CREATE_IN_PROGRESS")] * 14 + [cluster(READY)]))
    wait.Waiter(scene.clock).wait_until_idle(scene.watch)
    assert scene.api.events_asked == 0


def test_progress_tells_the_event_that_is_running():
    history = [
        {"id": 1, "type": "CLUSTER_CREATE", "state": "SUCCESS", "contents": "done", "resource_uuid": "c", "created_at": "1"},
        {"id": 3, "type": "NODEGROUP_UPGRADE", "state": "IN_PROGRESS", "contents": ' 1 of 3\n nodes {"appkey": "hush"}' + "x" * 200, "resource_uuid": "g"},
        {"id": 2, "type": "CLUSTER_RESIZE", "state": "IN_PROGRESS", "contents": None, "resource_uuid": "c"},
    ]
    scene = Scene(cluster(BUSY), cluster(READY), groups=[cluster(BUSY, uuid="g"), cluster(READY, uuid="g")], events=history)
    scene.waiter.wait_until_idle(scene.watch)
    scene.waiter.wait_until_idle(scene.group)
    first, dummy_end, second, dummy_end_too = scene.lines
    assert first.startswith("cluster/demo: UPDATE_IN_PROGRESS, 0 s, NODEGROUP_UPGRADE: 1 of 3 nodes {")
    assert second.startswith("cluster/demo/nodegroup/extra: UPDATE_IN_PROGRESS, 0 s, NODEGROUP_UPGRADE: 1 of 3 nodes {")
    assert "hush" not in first and len(first) < 200 and "\n" not in first


def test_a_history_that_cannot_be_read_costs_no_line():
    scene = Scene(cluster(BUSY), cluster(READY), events=ApiError("list", 500, "", ""))
    scene.waiter.wait_until_idle(scene.watch)
    assert scene.lines == ["cluster/demo: UPDATE_IN_PROGRESS, 0 s", "cluster/demo: UPDATE_COMPLETE, 10 s"]


def test_a_poll_without_an_answer_asks_for_no_event():
    scene = Scene(cluster(BUSY), NoAnswer("no answer"), cluster(READY))
    scene.waiter.wait_until_idle(scene.watch)
    assert scene.api.events_asked == 1


def test_while_only_the_cluster_is_busy_it_is_the_cluster_that_is_told_of():
    scene = Scene(cluster(BUSY), cluster(READY), groups=[cluster(READY, "t1", node_count=3)])
    scene.waiter.wait_until_done(resize(3), scene.group, cluster(READY, node_count=2), scene.watch, cluster(READY))
    assert scene.lines == ["cluster/demo: UPDATE_IN_PROGRESS, 10 s", "cluster/demo/nodegroup/extra: UPDATE_COMPLETE, 20 s"]


def test_progress_counts_the_nodes_where_the_service_tells():
    group = cluster(BUSY, node_count="1", labels={"requested_node_count": "3"})
    scene = Scene(cluster(), groups=[group, cluster(READY)])
    scene.waiter.wait_until_idle(scene.group)
    assert scene.lines == ["cluster/demo/nodegroup/extra: UPDATE_IN_PROGRESS, 0 s, 1 of 3 nodes", "cluster/demo/nodegroup/extra: UPDATE_COMPLETE, 10 s"]


@pytest.mark.parametrize(
    "state, told",
    [
        ({"node_count": 3, "node_addresses": ["10.0.0.1"]}, "1 of 3 nodes"),
        ({"node_count": 3, "node_addresses": []}, "0 of 3 nodes"),
        ({"node_count": 1, "node_addresses": ["10.0.0.1"]}, ""),
        ({"node_count": 3}, ""),
        # The server counts a new node at once (observed on Magnum); its address comes when it is there.
        ({"node_count": 3, "node_addresses": ["10.0.0.1"], "labels": {"requested_node_count": 3}}, "1 of 3 nodes"),
        ({"node_count": 3, "node_addresses": ["a", "b", "c"], "labels": {"requested_node_count": 1}}, "3 nodes, 1 requested"),
        ({"node_count": None, "labels": {"requested_node_count": 1}}, ""),
        (None, ""),
    ],
    ids=str,
)
def test_nodes_are_counted_where_both_numbers_are_known(state, told):
    assert progress.nodes(state) == told


# -- gone ------------------------------------------------------------------------------------------------------------


def test_gone_means_404_and_no_status():
    scene = Scene(cluster("DELETE_IN_PROGRESS"), cluster("DELETE_COMPLETE"), None)
    scene.waiter.wait_until_deleted(scene.watch, cluster())
    assert scene.api.asked == 3


def test_no_poll_right_after_the_request():
    scene = Scene(None)
    scene.waiter.wait_until_deleted(scene.watch, cluster())
    assert scene.clock.slept == [10]


def test_a_failed_deletion_fails_with_its_reason():
    scene = Scene(cluster("DELETE_IN_PROGRESS"), cluster("DELETE_FAILED", status_reason="Volume is in use"))
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_deleted(scene.watch, cluster())
    assert "DELETE_FAILED" in caught.value.msg and "Volume is in use" in caught.value.msg


def test_deleting_what_has_failed_before_is_not_taken_for_a_failed_deletion():
    failed = cluster("CREATE_FAILED")
    scene = Scene(failed, failed, cluster("DELETE_IN_PROGRESS"), None)
    scene.waiter.wait_until_deleted(scene.watch, failed)


def test_a_deletion_that_never_shows_is_an_error_within_a_bound():
    scene = Scene(cluster())
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_deleted(scene.watch, cluster())
    assert "accepted" in caught.value.msg and "did not change to the requested value" in caught.value.msg
    assert scene.clock.now() <= 60


# -- there -----------------------------------------------------------------------------------------------------------


def test_404_right_after_a_creation_is_tolerated():
    scene = Scene(None, None, cluster("CREATE_IN_PROGRESS"), cluster("CREATE_COMPLETE"))
    assert scene.waiter.wait_until_ready(scene.watch)["status"] == "CREATE_COMPLETE"


def test_what_never_appears_is_an_error_within_a_bound():
    scene = Scene(None)
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_ready(scene.watch)
    assert "did not appear although NKS accepted it" in caught.value.msg
    assert scene.clock.now() <= wait.MISSING_SECONDS + 10


def test_what_vanishes_while_it_is_made_was_deleted_by_someone_else():
    scene = Scene(cluster("CREATE_IN_PROGRESS"), None)
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_ready(scene.watch)
    assert "deleted by someone else" in caught.value.msg and scene.clock.now() == 20


def test_an_unknown_status_is_not_taken_for_ready():
    scene = Scene(cluster("SOMETHING_NEW"), cluster("CREATE_COMPLETE"))
    assert scene.waiter.wait_until_ready(scene.watch)["status"] == "CREATE_COMPLETE"


@pytest.mark.parametrize("replies", [[None, None, cluster()], [cluster()]])
def test_something_known_to_be_there_is_waited_for_until_it_is_shown(replies):
    scene = Scene(*replies)
    assert scene.waiter.wait_until_shown(scene.watch)["uuid"] == "c"


def test_what_is_never_shown_is_gone():
    scene = Scene(None)
    assert scene.waiter.wait_until_shown(scene.watch) is None
    assert scene.clock.now() <= wait.MISSING_SECONDS + 10


# -- done ------------------------------------------------------------------------------------------------------------


def before():
    return cluster(READY, "t0", node_count=2)


def test_done_when_busy_was_seen_and_the_value_is_there():
    scene = Scene(cluster(BUSY, "t0", node_count=2), cluster(READY, "t1", node_count=3))
    assert scene.waiter.wait_until_done(resize(), scene.watch, before())["node_count"] == 3


def test_a_change_too_quick_to_be_seen_at_work_is_done_at_the_first_look():
    scene = Scene(cluster(READY, "t1", node_count=3))
    scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert scene.api.asked == 1


def test_the_state_from_before_the_request_is_tolerated():
    scene = Scene(before(), before(), before(), cluster(BUSY), cluster(READY, "t1", node_count=3))
    assert scene.waiter.wait_until_done(resize(), scene.watch, before())["node_count"] == 3


def test_a_change_of_which_nothing_ever_shows_was_dropped():
    scene = Scene(before())
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert "accepted 'resize' but node_count did not change to the requested value" in caught.value.msg
    assert settle.SETTLE_SECONDS <= scene.clock.now() <= 60


def test_a_short_interval_gives_the_service_its_seconds_all_the_same():
    scene = Scene(before(), interval=0.5)
    with pytest.raises(WaitError):
        scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert scene.clock.now() >= settle.SETTLE_SECONDS


def test_a_node_groups_change_has_as_many_polls_to_show_as_a_clusters():
    scene = Scene(cluster(), groups=[before(), before(), before(), before(), cluster(READY, "t1", node_count=3)])
    scene.waiter.wait_until_done(resize(), scene.group, before(), scene.watch, cluster())
    assert scene.clock.now() == 50


def test_a_change_that_ran_and_left_the_value_as_it_was_is_an_error():
    scene = Scene(cluster(BUSY), cluster(READY, "t1", node_count=2))
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert "node_count did not change" in caught.value.msg


@pytest.mark.parametrize("stale", [0, 1, 3])
def test_after_the_work_the_value_may_come_one_poll_late_however_long_the_old_state_was_shown(stale):
    late = [cluster(READY, "t1", node_count=2), cluster(READY, "t1", node_count=3)]
    scene = Scene(*([before()] * stale + [cluster(BUSY)] + late))
    assert scene.waiter.wait_until_done(resize(), scene.watch, before())["node_count"] == 3


def test_a_value_without_any_other_trace_must_be_seen_more_than_once():
    same = cluster(READY, "t0", node_count=3)
    scene = Scene(same)
    scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert scene.api.asked == settle.QUIET_POLLS


def test_a_failed_change_fails_at_once():
    scene = Scene(cluster(BUSY), cluster(FAILED, "t1", status_reason="No capacity"), cluster(READY, node_count=3))
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert caught.value.values["status"] == FAILED and caught.value.values["status_reason"] == "No capacity"


def test_the_end_of_a_groups_change_is_waited_for_on_its_cluster_too():
    done = cluster(READY, "t1", node_count=3)
    scene = Scene(cluster(BUSY), cluster(BUSY), cluster(READY, "t1"), groups=[done])
    scene.waiter.wait_until_done(resize(), scene.group, before(), scene.watch, cluster())
    assert scene.clock.now() == 30


def test_a_failure_that_only_the_cluster_shows_is_a_failure_of_the_groups_change():
    scene = Scene(cluster(FAILED, "t1", status_reason="No capacity"), groups=[before()])
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_done(resize(), scene.group, before(), scene.watch, cluster())
    assert "cluster/demo is in UPDATE_FAILED: No capacity" in caught.value.msg


def test_a_resource_deleted_in_the_middle_of_its_change_is_an_error():
    scene = Scene(cluster(BUSY), None)
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert "deleted by someone else" in caught.value.msg


# -- why it failed ---------------------------------------------------------------------------------------------------


def event(number, state="FAIL", resource="c", contents=None, at="2026-10-07T08:00:00+00:00"):
    return {"id": number, "state": state, "resource_uuid": resource, "type": "T%d" % number, "contents": contents, "created_at": at}


def test_a_cluster_tells_of_the_last_failure_of_all_its_history():
    events = [event(1, contents="old"), event(2, resource="g", contents="new", at="2026-10-07T09:00:00+00:00"), event(3, state="SUCCESS")]
    scene = Scene(cluster(), events=events)
    error = failures.failure(scene.watch, cluster(FAILED, status_reason="Failed."))
    assert error.values["event"]["id"] == 2
    assert "new" in error.msg and "old" not in error.msg


def test_events_of_one_second_go_by_their_number_and_not_by_its_digits():
    scene = Scene(cluster(), events=[event(10, contents="ten"), event(9, contents="nine")])
    assert failures.failure(scene.watch, cluster(FAILED)).values["event"]["id"] == 10


def test_a_node_group_tells_of_its_own_failure_if_there_is_one():
    events = [event(1, resource="g", contents="mine"), event(2, resource="other", contents="not mine")]
    scene = Scene(cluster(), events=events)
    assert "mine" in failures.failure(scene.group, cluster(FAILED, uuid="g")).msg
    assert failures.failure(scene.group, cluster(FAILED, uuid="h")).values["event"]["id"] == 2


@pytest.mark.parametrize("history", [(), ApiError("list the events", 500, "", ""), NoAnswer("no answer")], ids=["none", "500", "no answer"])
def test_a_failure_is_told_even_if_its_history_is_not(history):
    scene = Scene(cluster(), events=history)
    error = failures.failure(scene.watch, cluster(FAILED, status_reason="No capacity"))
    assert error.msg == "cluster/demo is in UPDATE_FAILED: No capacity. Choose another flavor or availability zone, or try again later."
    assert "event" not in error.values


@pytest.mark.parametrize(
    ("reason", "faults", "contents", "text"),
    [
        ("No luck", {"default-worker": "No luck"}, "No luck.", "No luck. Last failed event: T1."),
        ("No luck", {}, None, "No luck. Last failed event: T1."),
        ("default-worker failed", {"default-worker": "no luck"}, "step 3", "default-worker failed (no luck). Last failed event: T1 (step 3)."),
        (None, {}, "step 3", "no reason given. Last failed event: T1 (step 3)."),
        ("Task failed: no luck", {"a": "no luck", "b": "no luck"}, "No luck", "Task failed: no luck. Last failed event: T1."),
        (
            "Instance quota exceeded",
            {},
            None,
            "Instance quota exceeded. Last failed event: T1. Ask for a larger quota in the console, or remove what is not needed.",
        ),
    ],
    ids=str,
)
def test_each_fact_of_a_failure_is_told_once(reason, faults, contents, text):
    scene = Scene(cluster(), events=[event(1, contents=contents)])
    assert failures.failure(scene.watch, cluster(FAILED, status_reason=reason, faults=faults)).msg == "cluster/demo is in UPDATE_FAILED: " + text


def test_without_a_reason_the_message_says_so():
    assert "no reason given" in failures.failure(Scene(cluster()).watch, cluster(FAILED)).msg
