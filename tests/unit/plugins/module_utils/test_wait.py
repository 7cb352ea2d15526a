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


def test_idle_resource_just_read_needs_no_request():
    scene = Scene(cluster())
    state = cluster()
    assert scene.waiter.wait_until_idle(scene.watch, state) is state
    assert scene.api.asked == 0 and scene.clock.slept == []


def test_busy_resource_is_polled_at_interval():
    scene = Scene(cluster(BUSY), cluster(BUSY), cluster(READY), interval=7)
    assert scene.waiter.wait_until_idle(scene.watch, cluster(BUSY))["status"] == READY
    assert scene.clock.slept == [7, 7, 7] and scene.api.asked == 3


def test_wait_until_idle_returns_none_if_resource_is_deleted():
    scene = Scene(cluster("DELETE_IN_PROGRESS"), None)
    assert scene.waiter.wait_until_idle(scene.watch, cluster("DELETE_IN_PROGRESS")) is None


@pytest.mark.parametrize(
    "trouble",
    [NoAnswer("no answer"), BadReply("not JSON"), ApiError("read", 500, "", ""), {"strange": "answer"}],
    ids=["no answer", "garbage", "500", "no status"],
)
def test_temporary_read_errors_do_not_end_wait(trouble):
    scene = Scene(cluster(BUSY), trouble, trouble, cluster(READY))
    assert scene.waiter.wait_until_idle(scene.watch)["status"] == READY


@pytest.mark.parametrize("status", [401, 403])
def test_unauthorized_or_forbidden_read_ends_wait(status):
    scene = Scene(cluster(BUSY), ApiError("read cluster demo", status, "no", ""), cluster(READY))
    with pytest.raises(ApiError):
        scene.waiter.wait_until_idle(scene.watch)
    assert scene.api.asked == 2


def test_timeout_reports_persistent_read_error():
    scene = Scene(NoAnswer("No route to host."), timeout=60)
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_idle(scene.watch)
    assert "No route to host." in caught.value.msg


def test_timeout_reports_status_and_how_to_resume():
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


def test_progress_is_reported_on_change_and_every_minute():
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


def test_events_are_not_requested_without_progress_output():
    scene = Scene(*([cluster("CREATE_IN_PROGRESS")] * 14 + [cluster(READY)]))
    wait.Waiter(scene.clock).wait_until_idle(scene.watch)
    assert scene.api.events_asked == 0


def test_progress_shows_running_event():
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


def test_progress_is_shown_when_events_are_unreadable():
    scene = Scene(cluster(BUSY), cluster(READY), events=ApiError("list", 500, "", ""))
    scene.waiter.wait_until_idle(scene.watch)
    assert scene.lines == ["cluster/demo: UPDATE_IN_PROGRESS, 0 s", "cluster/demo: UPDATE_COMPLETE, 10 s"]


def test_failed_poll_does_not_request_events():
    scene = Scene(cluster(BUSY), NoAnswer("no answer"), cluster(READY))
    scene.waiter.wait_until_idle(scene.watch)
    assert scene.api.events_asked == 1


def test_progress_shows_cluster_while_only_cluster_is_busy():
    scene = Scene(cluster(BUSY), cluster(READY), groups=[cluster(READY, "t1", node_count=3)])
    scene.waiter.wait_until_done(resize(3), scene.group, cluster(READY, node_count=2), scene.watch, cluster(READY))
    assert scene.lines == ["cluster/demo: UPDATE_IN_PROGRESS, 10 s", "cluster/demo/nodegroup/extra: UPDATE_COMPLETE, 20 s"]


def test_progress_shows_node_counts():
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
def test_node_progress_text(state, told):
    assert progress.nodes(state) == told


# -- gone ------------------------------------------------------------------------------------------------------------


def test_only_404_counts_as_deleted():
    scene = Scene(cluster("DELETE_IN_PROGRESS"), cluster("DELETE_COMPLETE"), None)
    scene.waiter.wait_until_deleted(scene.watch, cluster())
    assert scene.api.asked == 3


def test_first_poll_waits_for_interval():
    scene = Scene(None)
    scene.waiter.wait_until_deleted(scene.watch, cluster())
    assert scene.clock.slept == [10]


def test_failed_deletion_reports_reason():
    scene = Scene(cluster("DELETE_IN_PROGRESS"), cluster("DELETE_FAILED", status_reason="Volume is in use"))
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_deleted(scene.watch, cluster())
    assert "DELETE_FAILED" in caught.value.msg and "Volume is in use" in caught.value.msg


def test_earlier_failure_is_not_a_failed_deletion():
    failed = cluster("CREATE_FAILED")
    scene = Scene(failed, failed, cluster("DELETE_IN_PROGRESS"), None)
    scene.waiter.wait_until_deleted(scene.watch, failed)


def test_dropped_deletion_fails_within_time_limit():
    scene = Scene(cluster())
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_deleted(scene.watch, cluster())
    assert "accepted" in caught.value.msg and "did not change to the requested value" in caught.value.msg
    assert scene.clock.now() <= 60


# -- there -----------------------------------------------------------------------------------------------------------


def test_404_right_after_creation_is_tolerated():
    scene = Scene(None, None, cluster("CREATE_IN_PROGRESS"), cluster("CREATE_COMPLETE"))
    assert scene.waiter.wait_until_ready(scene.watch)["status"] == "CREATE_COMPLETE"


def test_resource_that_never_appears_fails_within_time_limit():
    scene = Scene(None)
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_ready(scene.watch)
    assert "did not appear although NKS accepted it" in caught.value.msg
    assert scene.clock.now() <= wait.MISSING_SECONDS + 10


def test_resource_deleted_during_creation_is_reported():
    scene = Scene(cluster("CREATE_IN_PROGRESS"), None)
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_ready(scene.watch)
    assert "deleted by someone else" in caught.value.msg and scene.clock.now() == 20


def test_unknown_status_is_not_ready():
    scene = Scene(cluster("SOMETHING_NEW"), cluster("CREATE_COMPLETE"))
    assert scene.waiter.wait_until_ready(scene.watch)["status"] == "CREATE_COMPLETE"


@pytest.mark.parametrize("replies", [[None, None, cluster()], [cluster()]])
def test_wait_until_shown_returns_existing_resource(replies):
    scene = Scene(*replies)
    assert scene.waiter.wait_until_shown(scene.watch)["uuid"] == "c"


def test_wait_until_shown_returns_none_if_never_shown():
    scene = Scene(None)
    assert scene.waiter.wait_until_shown(scene.watch) is None
    assert scene.clock.now() <= wait.MISSING_SECONDS + 10


# -- done ------------------------------------------------------------------------------------------------------------


def before():
    return cluster(READY, "t0", node_count=2)


def test_change_is_done_after_busy_status_and_new_value():
    scene = Scene(cluster(BUSY, "t0", node_count=2), cluster(READY, "t1", node_count=3))
    assert scene.waiter.wait_until_done(resize(), scene.watch, before())["node_count"] == 3


def test_quick_change_is_done_at_first_poll():
    scene = Scene(cluster(READY, "t1", node_count=3))
    scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert scene.api.asked == 1


def test_stale_state_after_request_is_tolerated():
    scene = Scene(before(), before(), before(), cluster(BUSY), cluster(READY, "t1", node_count=3))
    assert scene.waiter.wait_until_done(resize(), scene.watch, before())["node_count"] == 3


def test_dropped_change_fails_within_time_limit():
    scene = Scene(before())
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert "accepted 'resize' but node_count did not change to the requested value" in caught.value.msg
    assert settle.SETTLE_SECONDS <= scene.clock.now() <= 60


def test_short_interval_keeps_minimum_settle_time():
    scene = Scene(before(), interval=0.5)
    with pytest.raises(WaitError):
        scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert scene.clock.now() >= settle.SETTLE_SECONDS


def test_node_group_change_tolerates_stale_polls():
    scene = Scene(cluster(), groups=[before(), before(), before(), before(), cluster(READY, "t1", node_count=3)])
    scene.waiter.wait_until_done(resize(), scene.group, before(), scene.watch, cluster())
    assert scene.clock.now() == 50


def test_completed_change_without_new_value_fails():
    scene = Scene(cluster(BUSY), cluster(READY, "t1", node_count=2))
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert "node_count did not change" in caught.value.msg


@pytest.mark.parametrize("stale", [0, 1, 3])
def test_new_value_may_appear_one_poll_after_completion(stale):
    late = [cluster(READY, "t1", node_count=2), cluster(READY, "t1", node_count=3)]
    scene = Scene(*([before()] * stale + [cluster(BUSY)] + late))
    assert scene.waiter.wait_until_done(resize(), scene.watch, before())["node_count"] == 3


def test_new_value_without_other_evidence_needs_several_polls():
    same = cluster(READY, "t0", node_count=3)
    scene = Scene(same)
    scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert scene.api.asked == settle.QUIET_POLLS


def test_failed_change_fails_immediately():
    scene = Scene(cluster(BUSY), cluster(FAILED, "t1", status_reason="No capacity"), cluster(READY, node_count=3))
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert caught.value.values["status"] == FAILED and caught.value.values["status_reason"] == "No capacity"


def test_node_group_change_also_waits_for_cluster():
    done = cluster(READY, "t1", node_count=3)
    scene = Scene(cluster(BUSY), cluster(BUSY), cluster(READY, "t1"), groups=[done])
    scene.waiter.wait_until_done(resize(), scene.group, before(), scene.watch, cluster())
    assert scene.clock.now() == 30


def test_cluster_failure_fails_node_group_change():
    scene = Scene(cluster(FAILED, "t1", status_reason="No capacity"), groups=[before()])
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_done(resize(), scene.group, before(), scene.watch, cluster())
    assert "cluster/demo is in UPDATE_FAILED: No capacity" in caught.value.msg


def test_resource_deleted_during_change_is_reported():
    scene = Scene(cluster(BUSY), None)
    with pytest.raises(WaitError) as caught:
        scene.waiter.wait_until_done(resize(), scene.watch, before())
    assert "deleted by someone else" in caught.value.msg


# -- why it failed ---------------------------------------------------------------------------------------------------


def event(number, state="FAIL", resource="c", contents=None, at="2026-10-07T08:00:00+00:00"):
    return {"id": number, "state": state, "resource_uuid": resource, "type": "T%d" % number, "contents": contents, "created_at": at}


def test_cluster_failure_reports_last_failed_event():
    events = [event(1, contents="old"), event(2, resource="g", contents="new", at="2026-10-07T09:00:00+00:00"), event(3, state="SUCCESS")]
    scene = Scene(cluster(), events=events)
    error = failures.failure(scene.watch, cluster(FAILED, status_reason="Failed."))
    assert error.values["event"]["id"] == 2
    assert "new" in error.msg and "old" not in error.msg


def test_simultaneous_events_are_ordered_by_numeric_id():
    scene = Scene(cluster(), events=[event(10, contents="ten"), event(9, contents="nine")])
    assert failures.failure(scene.watch, cluster(FAILED)).values["event"]["id"] == 10


def test_node_group_failure_prefers_its_own_event():
    events = [event(1, resource="g", contents="mine"), event(2, resource="other", contents="not mine")]
    scene = Scene(cluster(), events=events)
    assert "mine" in failures.failure(scene.group, cluster(FAILED, uuid="g")).msg
    assert failures.failure(scene.group, cluster(FAILED, uuid="h")).values["event"]["id"] == 2


@pytest.mark.parametrize("history", [(), ApiError("list the events", 500, "", ""), NoAnswer("no answer")], ids=["none", "500", "no answer"])
def test_failure_is_reported_without_events(history):
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
def test_each_failure_detail_is_reported_once(reason, faults, contents, text):
    scene = Scene(cluster(), events=[event(1, contents=contents)])
    assert failures.failure(scene.watch, cluster(FAILED, status_reason=reason, faults=faults)).msg == "cluster/demo is in UPDATE_FAILED: " + text


def test_missing_failure_reason_is_reported():
    assert "no reason given" in failures.failure(Scene(cluster()).watch, cluster(FAILED)).msg
