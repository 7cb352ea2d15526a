# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of whole tasks have in common: the simulator in a thread, a clock driven by hand, and tasks by their options."""

from __future__ import annotations

import copy
import importlib.util
import pathlib
import random
import re
import sys
import threading
from datetime import datetime, timezone

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import Transport
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.pool import Pending, Pool
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import cluster as cluster_task
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import engine
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import nodegroup as nodegroup_task

TENANT = "0123456789abcdef0123456789abcdef"
USER = "demo@example.com"
PASSWORD = "demo-api-password"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

FLAVORS = {name: "f1000000-0001-4000-8000-%012d" % number for number, name in enumerate(("m2.c2m4", "m2.c4m8", "c2.c4m4", "r2.c4m32"), 1)}
EXTERNAL_SUBNETS = ["e2000000-0001-4000-8000-%012d" % number for number in range(1, 6)]

#: Options that create a cluster, by names.
CLUSTER = {
    "name": "demo",
    "keypair": "demo-key",
    "flavor": "m2.c4m8",
    "image": "Ubuntu Server 22.04 LTS Container",
    "availability_zone": "kr-pub-a",
    "node_count": 2,
    "boot_volume_type": "General SSD",
    "boot_volume_size": 50,
    "network": "demo-vpc",
    "subnet": "demo-subnet",
    "external_network": "public_network",
    "kubernetes_version": "v1.31.4",
}

#: Options that create a node group of it.
NODEGROUP = {
    "cluster": "demo",
    "name": "extra",
    "flavor": "m2.c2m4",
    "image": "Ubuntu Server 22.04 LTS Container",
    "availability_zone": "kr-pub-b",
    "node_count": 2,
    "boot_volume_type": "General HDD",
    "boot_volume_size": 40,
}


def load_simulator():
    """The simulator's package, wherever the checkout is and however the tests were started."""
    if "nks_simulator" not in sys.modules:
        folder = pathlib.Path(__file__).resolve().parents[3] / "simulator"
        spec = importlib.util.spec_from_file_location("nks_simulator", folder / "__init__.py", submodule_search_locations=[str(folder)])
        module = importlib.util.module_from_spec(spec)
        sys.modules["nks_simulator"] = module
        spec.loader.exec_module(module)
    return sys.modules["nks_simulator"]


class HandClock:
    """Stands still but for sleep(), which moves the simulator's time along.

    :ivar slept: all pauses, in order.
    """

    def __init__(self, simulator=None):
        self.simulator = simulator
        self.seconds = 0.0
        self.slept = []
        self.events = []

    def at(self, seconds, function):
        """Something that happens once so much time has passed."""
        self.events.append((seconds, function))

    def now(self):
        return self.seconds

    def utc(self):
        return datetime.fromtimestamp(self.simulator.cloud.clock.now(), timezone.utc)

    def sleep(self, seconds):
        assert seconds >= 0
        self.slept.append(seconds)
        self.seconds += seconds
        if self.simulator is not None:
            with self.simulator.cloud.lock:
                self.simulator.cloud.clock.advance(seconds)
        due = [event for event in self.events if event[0] <= self.seconds]
        self.events = [event for event in self.events if event[0] > self.seconds]
        for _seconds, function in due:
            function()


def submit_at_once(dummy_pool, call, done=lambda pending: None):
    """Pool.submit for tests in which the order of concurrent reads has to be the same each time."""
    pending = Pending(call)
    pending.run()
    done(pending)
    return pending


class Turns:
    """Several tasks at once, of which only one goes on at a time.

    Before each request a seeded generator decides which one is next, so that an order that goes wrong comes again with its seed.
    Time passes only while all of them sleep. For the same reason, reads that a task otherwise makes concurrently are made one after another.
    """

    def __init__(self, world, seed):
        self.world = world
        self.random = random.Random(seed)
        self.changed = threading.Condition()
        self.seconds = 0.0
        #: task -> when it may go on
        self.waiting = {}
        self.turn = None

    def run(self, *tasks):
        """Run functions that take a clock; what each returned, or its NksError."""
        outcomes = [None] * len(tasks)
        request, submit = Transport.request, Pool.submit

        def in_turn(transport, *args, **kwargs):
            if isinstance(transport.clock, TurnClock):
                transport.clock.sleep(0)
            return request(transport, *args, **kwargs)

        def one(number, task):
            try:
                self.begin(number)
                outcomes[number] = task(clock=TurnClock(self, number))
            except NksError as error:
                outcomes[number] = error
            finally:
                self.leave(number)

        threads = [threading.Thread(target=one, args=item, daemon=True) for item in enumerate(tasks)]
        Transport.request, Pool.submit = in_turn, submit_at_once
        try:
            for thread in threads:
                thread.start()
            with self.changed:
                assert self.changed.wait_for(lambda: len(self.waiting) == len(tasks), 30)
                self._next()
            for thread in threads:
                thread.join(60)
        finally:
            Transport.request, Pool.submit = request, submit
        assert not any(thread.is_alive() for thread in threads)
        return outcomes

    def begin(self, number):
        with self.changed:
            self.waiting[number] = 0.0
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.turn == number, 60)

    def sleep(self, number, seconds):
        with self.changed:
            self.waiting[number] = self.seconds + seconds
            self._next()
            assert self.changed.wait_for(lambda: self.turn == number, 60)

    def leave(self, number):
        with self.changed:
            self.waiting.pop(number)
            if self.waiting:
                self._next()

    def _next(self):
        ready = sorted(number for number, when in self.waiting.items() if when <= self.seconds)
        if not ready:
            passed = min(self.waiting.values()) - self.seconds
            self.seconds += passed
            with self.world.cloud.lock:
                self.world.cloud.clock.advance(passed)
            return self._next()
        self.turn = self.random.choice(ready)
        return self.changed.notify_all()


class TurnClock:
    """The clock of one of the tasks of :class:`Turns`."""

    def __init__(self, turns, number):
        self.turns = turns
        self.number = number
        self.slept = []

    def now(self):
        return self.turns.seconds

    def utc(self):
        return datetime.fromtimestamp(self.turns.world.cloud.clock.now(), timezone.utc)

    def sleep(self, seconds):
        if seconds:
            self.slept.append(seconds)
        self.turns.sleep(self.number, seconds)


class Outcome:
    """What became of a task: its result, what it told meanwhile, how long it took, and what it sent."""

    def __init__(self, result, lines, clock, requests):
        self.result = result
        self.lines = lines
        self.clock = clock
        self.requests = requests

    def __getitem__(self, key):
        return self.result[key]

    @property
    def writes(self):
        """Requests that may change something, without the login."""
        return [entry for entry in self.requests if entry["method"] != "GET" and not entry["path"].endswith("/tokens")]

    @property
    def wrote(self):
        """The writes as short texts: method and the end of the path, UUIDs left out."""
        return ["%s %s" % (entry["method"], UUID.sub("*", entry["path"].partition("/kubernetes/v1")[2])) for entry in self.writes]

    @property
    def actions(self):
        return [action["action"] for action in self.result["actions"]]

    def reads(self, pattern):
        """GETs of paths that the pattern matches wholly, behind the version."""
        return [entry for entry in self.requests if entry["method"] == "GET" and re.fullmatch(pattern, entry["path"].partition("/v1")[2])]


class World:
    """The simulator as tests see it."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.cloud = simulator.cloud
        package = load_simulator()
        self.control = sys.modules[package.__name__ + ".control"]

    def reset(self, **settings):
        """As new; tasks of the cloud take 25 s, so that a wait has to look more than once."""
        self.cloud.reset()
        self.set(**dict({"task_seconds": 25.0}, **settings))

    def set(self, **settings):
        with self.cloud.lock:
            self.cloud.settings.update(settings)

    def fault(self, **rule):
        with self.cloud.lock:
            self.cloud.faults.add(rule)

    # -- state

    @property
    def clusters(self):
        return list(self.cloud.projects[TENANT, "kr1"].clusters.values())

    def cluster(self, name="demo"):
        found = [cluster for cluster in self.clusters if cluster.name == name]
        assert len(found) == 1, "%d clusters are called %s" % (len(found), name)
        return found[0]

    def group(self, name="default-worker", cluster="demo"):
        return next((group for group in self.cluster(cluster).nodegroups.values() if group.name == name), None)

    def seed(self, name="demo", **body):
        """A ready cluster as CLUSTER describes it, without a request."""
        labels = dict({"node_image": "1a000000-0001-4000-8000-000000000001"}, **body.pop("labels", {}))
        body = dict({"name": name, "nodes": 2, "version": "v1.31.4", "labels": labels}, **body)
        with self.cloud.lock, self.simulator.app.app_context():
            self.control.seed_clusters(self.cloud, body)
            cluster = self.clusters[-1]
            # The seed takes the first flavor.
            cluster.flavor_id = FLAVORS["m2.c4m8"]
            for group in cluster.nodegroups.values():
                group.flavor_id = FLAVORS["m2.c4m8"]
        return cluster

    def busy(self, cluster, kind="resize", seconds=25.0, apply=lambda now: None, **options):
        """An operation of someone else's is under way."""
        with self.cloud.lock:
            former, self.cloud.settings.task_seconds = self.cloud.settings.task_seconds, seconds
            self.cloud.begin(cluster, kind, apply, **options)
            self.cloud.settings.task_seconds = former

    def fail(self, cluster, status, reason="No valid host was found", contents="Instance quota exceeded", kind="resize", group=None):
        """The last operation has failed, with an entry in the history."""
        with self.cloud.lock:
            event = self.cloud.add_event(cluster, group or cluster, self.cloud.event_name(kind), self.cloud.clock.now())
            event.state, event.contents = "FAIL", contents
            for thing in [cluster] + ([group] if group else []):
                thing.status, thing.status_reason = status, reason

    # -- tasks

    def options(self, job, given):
        """Options as Ansible completes them before it hands them to the engine."""
        connection = {"auth_url": self.simulator.auth_url, "tenant_id": TENANT, "username": USER, "password": PASSWORD, "region": "kr1"}
        checked = ArgumentSpecValidator(job.arguments, **job.constraints).validate(copy.deepcopy(dict(connection, **given)))
        assert not checked.error_messages, checked.error_messages
        return checked.validated_parameters

    def run(self, job, given, check=False, clock=None):
        """One task through the engine.

        :raises NksError: as the engine does; with ``outcome`` as an attribute, whose result is None.
        """
        clock, lines = clock or HandClock(self.simulator), []
        start = len(self.cloud.log)
        outcome = Outcome(None, lines, clock, None)
        try:
            outcome.result = engine.perform(job, self.options(job, given), check_mode=check, diff_mode=True, clock=clock, progress=lines.append)
        except Exception as error:
            error.outcome = outcome
            raise
        finally:
            outcome.requests = self.cloud.log[start:]
        return outcome

    def nks_cluster(self, check=False, clock=None, **given):
        return self.run(cluster_task.JOB, dict({"name": "demo"}, **given), check, clock)

    def nks_nodegroup(self, check=False, clock=None, **given):
        return self.run(nodegroup_task.JOB, dict({"cluster": "demo", "name": "extra"}, **given), check, clock)
