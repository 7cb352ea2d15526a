# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong for one cluster of a fleet must not reach the others, and what the service asks of one of its threads is for all of them."""

from __future__ import annotations

import collections
import json
import threading

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import Transport
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError, NoAnswer
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.names import Names
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.pool import Pending
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import document as document_task
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.fleet import JOB
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import CLUSTER, NODEGROUP, PASSWORD, HandClock

GROUP = {option: value for option, value in NODEGROUP.items() if option != "cluster"}
ACCESS = {"action": "allow", "targets": [{"cidr_address": "203.0.113.0/24", "description": "office"}]}
NAMES = ["c%d" % number for number in range(6)]


class SharedClock(HandClock):
    """The clock of several threads: each pause moves it, one after another."""

    def __init__(self, simulator):
        super().__init__(simulator)
        self.lock = threading.RLock()

    def sleep(self, seconds):
        with self.lock:
            super().sleep(seconds)


def full(name, **more):
    return dict(CLUSTER, name=name, **dict({"nodegroups": [GROUP], "ipacl": ACCESS}, **more))


def fleet(world, documents, clock=None, **more):
    return world.run(JOB, dict({"clusters": list(documents), "parallel": 6}, **more), clock=clock or SharedClock(world.simulator))


def failure(world, documents, **more):
    with pytest.raises(NksError) as caught:
        fleet(world, documents, **more)
    return caught.value


def failed(error):
    return [entry["name"] for entry in error.values["clusters"] if entry["failed"]]


def state(world):
    """What there is, and each operation that the cloud has ever begun: a second one of anything would show."""
    found = {}
    for cluster in world.clusters:
        assert cluster.name not in found and not cluster.busy
        groups = {}
        for group in cluster.nodegroups.values():
            assert group.name not in groups
            groups[group.name] = (len(group.nodes), group.flavor_id, group.version, group.autoscaler_on)
        targets = sorted((target["cidr_address"], target.get("description")) for target in cluster.ipacl.get("targets", []))
        begun = sorted(collections.Counter((event.type, event.resource_name) for event in cluster.events).items())
        found[cluster.name] = (cluster.version, groups, cluster.ipacl["enable"], targets, begun)
    return found


def logins(world):
    return [entry["status"] for entry in world.cloud.log if entry["path"].endswith("/tokens")]


@pytest.fixture(autouse=True)
def quotas(world):
    world.set(quota_clusters=10, quota_nodes=20)


# -- requests that go wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/clusters$", "/nodegroups$", "/api_ep_ipacl$"])
@pytest.mark.parametrize(
    "rule",
    [
        {"effect": "reset_after"},
        {"effect": "reset_before"},
        {"effect": "truncate"},
        {"effect": "status", "status": 504, "processed": True, "body_type": "html"},
        {"effect": "status", "status": 503, "retry_after": 9},
        {"effect": "status", "status": 429, "retry_after": 9},
    ],
    ids=lambda rule: "-".join(map(str, rule.values())),
)
def test_lost_responses_change_nothing_in_the_result(world, path, rule):
    world.fault(method="POST", path=path, times=3, **rule)
    outcome = fleet(world, map(full, NAMES))
    assert outcome["summary"] == {"ok": 6, "changed": 6, "failed": 0, "skipped": 0}
    assert [entry["name"] for entry in outcome["clusters"]] == NAMES
    assert {len(entry["actions"]) for entry in outcome["clusters"]} == {3}
    assert {tuple(count for _what, count in begun) for *_rest, begun in state(world).values()} == {(1, 1, 1)}
    again = fleet(world, map(full, NAMES))
    assert not again["changed"] and not again.writes


def test_one_cluster_that_can_never_succeed(world):
    world.fault(effect="fail_task", task="cluster_create", cluster="c2", reason="No valid host was found", times=None)
    error = failure(world, map(full, NAMES))
    assert failed(error) == ["c2"] and error.msg.startswith("1 of 6 clusters failed. c2: ")
    assert "No valid host was found" in error.values["clusters"][2]["msg"]
    assert error.values["summary"] == {"ok": 5, "changed": 5, "failed": 1, "skipped": 0}
    begun = len(world.cloud.log)
    again = failure(world, map(full, NAMES))
    assert failed(again) == ["c2"] and "delete it" in again.values["clusters"][2]["msg"]
    assert not again.values["changed"] and not [entry for entry in world.cloud.log[begun:] if entry["method"] not in ("GET", "POST")]


class Standstill(SharedClock):
    """Time stands still until a number of threads sleep, and passes once they all do."""

    def __init__(self, simulator, count):
        super().__init__(simulator)
        self.count = count
        self.asleep = 0
        self.changed = threading.Condition(self.lock)
        self.paused = threading.Event()

    def sleep(self, seconds):
        with self.changed:
            until = self.seconds + seconds
            self.asleep += 1
            self.paused.set()
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.asleep >= self.count or self.seconds >= until, 20), "other threads do not wait"
            if self.seconds < until:
                super().sleep(until - self.seconds)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retries", [5, 0])
def test_retry_after_pauses_the_whole_fleet(world, monkeypatch, status, retries):
    """No thread sends anything as long as the service has asked one of them to wait, even if that one does not try again."""
    for name in NAMES:
        world.seed(name)
    clock = Standstill(world.simulator, len(NAMES) if retries else len(NAMES) - 1)
    world.fault(effect="status", status=status, retry_after=30, path="/clusters/c0$", times=1)
    request, send, sent = Transport.request, Transport._send, []

    def late(transport, method, url, *args, **kwargs):
        if not url.endswith(("/clusters/c0", "/tokens")):
            assert clock.paused.wait(20)
        try:
            return request(transport, method, url, *args, **kwargs)
        except NoAnswer:
            clock.paused.set()
            raise

    def noted(transport, method, url, *args):
        sent.append((clock.now(), url.rpartition("/")[2]))
        return send(transport, method, url, *args)

    monkeypatch.setattr(Transport, "request", late)
    monkeypatch.setattr(Transport, "_send", noted)
    documents = [{"name": name, "node_count": 2} for name in NAMES]
    if retries:
        assert not fleet(world, documents, clock=clock)["changed"]
    else:
        assert failed(failure(world, documents, clock=clock, max_retries=0)) == ["c0"]
    assert sorted(what for when, what in sent if when < 30) == ["c0", "tokens"]
    assert {what for when, what in sent if when >= 30} >= set(NAMES[1:])


def test_longer_pause_replaces_a_shorter_one(world):
    """While a thread waits, another one is asked to wait even longer."""
    clock = SharedClock(world.simulator)
    transport = Transport(clock)
    transport._hold.begin(10)
    clock.at(10, lambda: transport._hold.begin(25))
    transport._hold.begin(5)
    transport._hold.wait()
    assert clock.slept == [10, 25]


def test_list_that_cannot_be_read_is_not_read_again_by_each_cluster(monkeypatch):
    """All that wait for it get the one failure; otherwise each of a hundred clusters would make all attempts, one after another."""
    arrived, reads = threading.Semaphore(0), []
    wait = Pending.wait

    def noted(pending):
        arrived.release()
        wait(pending)

    class Api:
        def flavors(self):
            reads.append(1)
            for _thread in range(5):
                assert arrived.acquire(timeout=20)  # pylint: disable=consider-using-with
            raise NoAnswer("no answer")

    names, errors, begun = Names(Api()), [], threading.Barrier(6)

    def read():
        begun.wait(20)
        with pytest.raises(NoAnswer):
            names.resources("flavor")
        errors.append(1)

    monkeypatch.setattr(Pending, "wait", noted)
    threads = [threading.Thread(target=read) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(errors), len(reads)) == (6, 1)
    names.api = type("Api", (), {"flavors": lambda self: [{"id": "1", "name": "m2"}]})()
    assert [item["name"] for item in names.resources("flavor")] == ["m2"]


def test_unreadable_list_fails_only_clusters_that_need_it(world):
    world.seed("c1")
    world.fault(effect="status", status=403, path="/flavors/detail$", times=None)
    error = failure(world, [full("c0"), {"name": "c1", "node_count": 3}])
    assert failed(error) == ["c0"] and "flavors" in error.msg
    assert len(world.group(cluster="c1").nodes) == 3


# -- tokens ----------------------------------------------------------------------------------------------------------


def test_revoked_token_is_replaced_by_one_login(world):
    clock = SharedClock(world.simulator)
    clock.at(60, world.cloud.tokens.clear)
    outcome = fleet(world, map(full, NAMES), clock=clock)
    assert outcome["summary"]["changed"] == 6 and logins(world) == [200, 200]


def test_failed_login_is_retried_however_long_the_fleet_takes(world):
    """The time limit is that of one operation, and the fleet takes longer."""
    world.seed("c1")
    # The token is refused when the second cluster is read again, which is after the first one was created.
    world.fault(effect="status", status=401, path="/clusters/c1$", skip=1)
    world.fault(effect="status", status=503, path="/tokens$", skip=1, times=2)
    outcome = fleet(world, [full("c0"), {"name": "c1", "node_count": 3}], parallel=1, wait_timeout=30)
    assert outcome.clock.now() > 60
    assert outcome["summary"]["changed"] == 2 and logins(world) == [200, 503, 503, 200]


# -- one cluster only ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("calls", [1, 2], ids=["preview", "apply"])
def test_unexpected_exception_fails_only_its_cluster(world, monkeypatch, calls):
    run, seen = document_task.run, []

    def broken(task):
        if task.options["name"] == "c3":
            seen.append(1)
            if len(seen) == calls:
                raise ValueError("password %s" % PASSWORD)
        return run(task)

    monkeypatch.setattr(document_task.JOB, "run", broken)
    error = failure(world, map(full, NAMES))
    assert failed(error) == ["c3"] and sorted(cluster.name for cluster in world.clusters) == [name for name in NAMES if name != "c3"]
    assert "Unexpected error: ValueError(" in error.values["clusters"][3]["msg"]
    assert error.values["exception"].startswith("Traceback") and "\n" in error.values["exception"]
    assert PASSWORD not in json.dumps(error.values) + error.msg


def test_no_secret_in_messages_of_entries(world):
    detail = 'The request of {"password": "%s", "boot_volume_appkey": "key-of-volumes"} is invalid' % PASSWORD
    world.fault(effect="status", status=400, method="POST", path="/v1/clusters$", times=None, body={"errors": [{"detail": detail}]})
    error = failure(world, map(full, NAMES))
    assert failed(error) == NAMES
    for text in [error.msg, *(entry["msg"] for entry in error.values["clusters"])]:
        assert "is invalid" in text and PASSWORD not in text and "key-of-volumes" not in text


def test_busy_cluster_by_name_and_by_uuid_is_reported(world):
    cluster = world.seed("c0")
    world.busy(cluster, seconds=500.0)
    assert "same cluster" in failure(world, [{"name": "c0", "node_count": 3}, {"name": cluster.uuid, "node_count": 4}]).msg
    assert len(world.group(cluster="c0").nodes) == 2


def test_nodes_are_read_again_when_the_turn_of_a_cluster_comes(world):
    """They were read for the plan, before an earlier cluster took its time."""
    world.seed("c1")
    clock = SharedClock(world.simulator)

    def stop():
        world.group(cluster="c1").nodes[0].status = "SHUTOFF"

    clock.at(20, stop)
    autoscale = {"enabled": True, "min_node_count": 1, "max_node_count": 4}
    error = failure(world, [full("c0"), {"name": "c1", "autoscale": autoscale}], clock=clock, parallel=1)
    assert failed(error) == ["c1"] and "stopped" in error.msg
    assert not [entry for entry in world.cloud.log if entry["method"] == "POST" and entry["path"].endswith("/autoscale")]


# -- interruptions ---------------------------------------------------------------------------------------------------


def prepare(world):
    """Something to change, something to delete, and nothing yet of the rest."""
    world.reset(quota_clusters=10, quota_nodes=20)
    world.seed("old", nodegroups=2)
    world.seed("gone")


def wanted():
    """Five operations on one cluster, three on a new one, one on the last."""
    autoscale = {"enabled": True, "min_node_count": 1, "max_node_count": 4}
    return [
        {
            "name": "old",
            "node_count": 3,
            "kubernetes_version": "v1.32.3",
            "nodegroups": [dict(GROUP, autoscale=autoscale)],
            "purge_nodegroups": True,
            "ipacl": ACCESS,
        },
        full("new"),
        {"name": "gone", "state": "absent"},
    ]


OPERATIONS = 9


class Writes:
    """Ends with an exception at one of the writes, and for the thread of an interruption with all that comes later.

    :param number: which write it is, from 1 on.
    :param after: whether the service gets it.
    :param error: what is raised.
    """

    def __init__(self, monkeypatch, number, after, error):
        self.lock = threading.Lock()
        self.number = number
        self.count = 0
        self.over = False
        self.threads = set()
        request = Transport.request

        def counted(transport, method, url, *args, **kwargs):
            with self.lock:
                self.threads.add(threading.current_thread())
                writes = method != "GET" and not url.endswith("/tokens")
                self.count += writes
                mine = writes and self.count == self.number
                if self.over or (mine and not after):
                    self.stop(error)
            reply = request(transport, method, url, *args, **kwargs)
            if mine:
                with self.lock:
                    self.stop(error)
            return reply

        monkeypatch.setattr(Transport, "request", counted)

    def stop(self, error):
        self.over = isinstance(error, KeyboardInterrupt)
        raise error

    def join(self):
        """The process has ended."""
        for thread in self.threads - {threading.current_thread()}:
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def undisturbed(running_world):
    """The state without any fault."""
    prepare(running_world)
    outcome = fleet(running_world, wanted())
    assert len(outcome["actions"]) == OPERATIONS and len(outcome.writes) == OPERATIONS
    return state(running_world)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), NksError("No space left on device.")], ids=["interrupt", "error"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("number", range(1, OPERATIONS + 1))
def test_run_after_an_interruption_at_any_write_ends_in_the_same_state(world, undisturbed, number, parallel, after, error):
    prepare(world)
    with pytest.MonkeyPatch.context() as patch:
        writes = Writes(patch, number, after, error)
        with pytest.raises(type(error)) as caught:
            fleet(world, wanted(), parallel=parallel)
        writes.join()
    if isinstance(error, NksError):
        # The others do not notice.
        assert len(failed(caught.value)) == 1 and caught.value.values["summary"]["ok"] == 2
    done = fleet(world, wanted(), parallel=parallel)
    assert done["summary"]["failed"] == 0 and state(world) == undisturbed
    last = fleet(world, wanted(), parallel=parallel)
    assert not last["changed"] and not last.writes and state(world) == undisturbed
