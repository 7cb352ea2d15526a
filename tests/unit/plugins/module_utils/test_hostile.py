# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that no service should give, to every request of every module and of the inventory plugin: never a traceback.

Any exception but the collection's own fails these tests by itself.
"""

from __future__ import annotations

import contextlib
import gc
import json
import re

import pytest

pytest.importorskip("hypothesis")
pytest.importorskip("cryptography")

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._client import answers
from ansible_collections.nhncloud.nks.plugins.module_utils._client import words as words_room
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadReply, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import autoscale, certificate, cluster, info, ipacl, kubeconfig, node, nodegroup
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import CLUSTER, NODEGROUP, HandClock

try:
    from ansible.errors import AnsibleParserError
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import inventory_loader
except ImportError:
    # A Python for managed hosts only, on which there are no inventories.
    inventory_loader = None

generated = settings(
    max_examples=20, deadline=None, derandomize=True, database=None, phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck)
)

GROUP = {"cluster": "demo", "nodegroup": "group-1"}
#: Each module, with what makes it read as much as it ever does.
TASKS = {
    "create": (cluster.JOB, dict(CLUSTER, name="new", extra_security_groups=[{"subnet": "demo-subnet", "security_groups": ["web"]}])),
    "cluster": (cluster.JOB, dict(CLUSTER, node_count=3, autoscale={"enabled": False}, user_script="#!/bin/sh\n", flavor="m2.c2m4")),
    "upgrade": (cluster.JOB, {"name": "demo", "kubernetes_version": "v1.33.4", "upgrade": "all"}),
    "delete": (cluster.JOB, {"name": "demo", "state": "absent"}),
    "create group": (nodegroup.JOB, NODEGROUP),
    "nodegroup": (
        nodegroup.JOB,
        {
            "cluster": "demo",
            "name": "group-1",
            "node_count": 1,
            "nodes_to_remove": ["demo-group-1-node-0"],
            "autoscale": {"enabled": False},
            "labels": {"a": "b"},
        },
    ),
    "delete group": (nodegroup.JOB, {"cluster": "demo", "name": "group-1", "state": "absent"}),
    "autoscale": (autoscale.JOB, dict(GROUP, enabled=True, min_node_count=1, max_node_count=4)),
    "ipacl": (ipacl.JOB, {"cluster": "demo", "action": "allow", "targets": [{"cidr_address": "203.0.113.0/24"}], "keep": ["203.0.113.9"]}),
    "certificate": (certificate.JOB, {"cluster": "demo", "force": True}),
    "node": (node.JOB, dict(GROUP, nodes=["demo-group-1-node-0"], state="stopped")),
    "kubeconfig": (kubeconfig.JOB, {"cluster": "demo", "return_content": True}),
    "cluster_info": (info.CLUSTERS, {"query": "[].{name: name, status: status}"}),
    "cluster_info by name": (info.CLUSTERS, {"name": "demo"}),
    "nodegroup_info": (info.NODEGROUPS, {"cluster": "demo"}),
    "autoscale_info": (autoscale.INFO, GROUP),
    "ipacl_info": (ipacl.INFO, {"cluster": "demo"}),
    "event_info": (info.EVENTS, {"cluster": "demo"}),
    "version_info": (info.VERSIONS, {}),
    # The kinds whose lists are put together in ways of their own.
    **{"resource_info of %s" % kind: (info.RESOURCES, {"kind": kind}) for kind in ("availability_zone", "image", "instance", "keypair", "network", "subnet")},
}
#: Answers in place of the genuine one.
BODIES = [
    b"not json",
    b"",
    b"   ",
    b"<html><body>Welcome to the portal</body></html>",
    b"[]",
    b"{}",
    b"null",
    b"7",
    b'"text"',
    b"[{}]",
    b"[[[[",
    b"[" * 100000,
    b"\xff\xfe{",
    b'{"uuid": 1}',
    b'{"clusters": {}, "nodegroups": 1, "config": [], "uuid": {}, "status": []}',
    b'{"clusters": [1], "nodegroups": [null], "config": "hello", "uuid": "x", "status": "WEIRD"}',
]
every_task = pytest.mark.parametrize("name", list(TASKS))
every_task_of_clusters = pytest.mark.parametrize("name", [name for name, (job, _given) in TASKS.items() if job not in (info.RESOURCES, info.VERSIONS)])


@contextlib.contextmanager
def answering(world, change):
    """The simulator's answers, changed.

    :param change: function of (method, path, body), which gives another body.
    """
    usual = world.simulator.server.answer

    def changed(environ, body):
        reply = usual(environ, body)
        if reply.code < 300 and not environ["PATH_INFO"].startswith("/_sim"):
            reply.body = change(environ["REQUEST_METHOD"], environ["PATH_INFO"], reply.body)
            reply.sent = len(reply.body)
        return reply

    world.simulator.server.answer = changed
    try:
        yield
    finally:
        world.simulator.server.answer = usual


def swapped(body, pattern, method="", used=None):
    """A function for :func:`answering` that puts a body in place of the genuine ones.

    :param pattern: of the paths, compiled.
    :param method: any where empty.
    :param used: list that tells for which paths it was done.
    """

    def change(asked, path, genuine):
        if asked != (method or asked) or not pattern.fullmatch(path):
            return genuine
        if used is not None:
            used.append(path)
        return body

    return change


def prepared(world):
    world.reset(task_seconds=15.0)
    world.seed(nodegroups=2)


def attempt(world, name, check):
    """One task; its error, None where it went well."""
    job, given_options = TASKS[name]
    limits = {"max_retries": 1}
    if not job.reads_only:
        limits.update(wait_timeout=60, wait_interval=10)
    try:
        result = world.run(job, dict(given_options, **limits), check, HandClock(world.simulator)).result
    except NksError as error:
        assert error.msg.strip() and "Traceback" not in error.msg and len(error.msg) < 20000, error.msg
        json.dumps(error.values)
        return error
    # What an entry point does with it.
    json.dumps(result)
    return None


def requests_of(world, name):
    """The genuine run's answers that have a body: list of (method, path without what is new each time)."""
    prepared(world)
    start = len(world.cloud.log)
    assert attempt(world, name, False) is None
    found = [(entry["method"], entry["path"]) for entry in world.cloud.log[start:] if entry["method"] == "GET" or entry["path"].endswith("/tokens")]
    # All modules log in in the same way.
    found = [entry for entry in found if entry[0] == "GET" or name == "cluster"]
    return list(dict.fromkeys((method, re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "*", path)) for method, path in found))


# -- whole answers ---------------------------------------------------------------------------------------------------


@every_task
def test_invalid_responses_never_cause_a_traceback(world, name):
    """Each read of each module in turn, answered by each kind of junk. The error names the request that the junk came for."""
    for place, (method, path) in enumerate(requests_of(world, name)):
        pattern = re.compile(re.escape(path).replace(r"\*", "[^/]+"))
        for number, body in enumerate(BODIES):
            prepared(world)
            used = []
            with answering(world, swapped(body, pattern, method, used)):
                error = attempt(world, name, bool((place + number) % 2))
            if error is not None and isinstance(error, BadReply):
                assert error.values.get("request_id", "").startswith("req-"), (path, body, error.msg)
                assert error.values["request_id"] in error.msg
            # The events that a wait reads are for its lines of progress alone.
            if used and not path.endswith("/events") and (method == "POST" or body in (BODIES[0], BODIES[3], b"[[[[")):
                assert error is not None, (path, body)


def test_huge_response_is_not_read_completely(world, monkeypatch):
    monkeypatch.setattr(answers, "MAX_BODY", 50000)
    for name in TASKS:
        prepared(world)
        with answering(world, lambda method, path, genuine: b'"%s"' % (b"x" * 60000) if method == "GET" else genuine):
            error = attempt(world, name, False)
        assert isinstance(error, BadReply) and "larger than 50000 bytes" in error.msg, name
        assert error.values["request_id"].startswith("req-") and error.values["request_id"] in error.msg


@pytest.mark.parametrize("status", ["", "SOMETHING_NEW", "UPDATE_PAUSED", "create_complete", "_IN_PROGRESS", "ROLLBACK_FAILED"])
@pytest.mark.parametrize("what", ["cluster", "group"])
@every_task_of_clusters
def test_unknown_status_causes_no_traceback(world, name, status, what):
    prepared(world)
    things = [world.cluster()] if what == "cluster" else list(world.cluster().nodegroups.values())
    for thing in things:
        thing.overrides["status"] = status
    attempt(world, name, False)


def test_unknown_status_does_not_count_as_created(world):
    def renamed(method, path, body):
        return body.replace(b"CREATE_COMPLETE", b"CREATE_SOMEHOW") if method == "GET" else body

    with answering(world, renamed), pytest.raises(NksError) as caught:
        world.nks_cluster(**dict(CLUSTER, wait_timeout=60))
    assert "its last status was CREATE_SOMEHOW" in caught.value.msg


@pytest.mark.parametrize(
    "config",
    [
        None,
        7,
        [],
        {},
        "",
        "hello",
        "- 1",
        "{",
        "a: &a [*a]",
        "a: !!python/object:os.system {}",
        "clusters: []\ncontexts: []\nusers: []",
        "clusters: [{}]\ncontexts: [{}]\nusers: [{}]",
        "clusters: [{name: a, cluster: 1}]\ncontexts: [{name: a, context: []}]\nusers: [{name: a, user: x}]",
        "clusters: [{name: a, cluster: {server: 1}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\nusers: [{name: a, user: {}}]\ncurrent-context: a",
        "\x00",
        "\ud800",
        "<html></html>",
        "&a [" + "[" * 5000,
    ],
    ids=range(18),
)
def test_invalid_kubeconfig_is_rejected(world, tmp_path, config):
    prepared(world)
    dest = tmp_path / "config"

    body = json.dumps({"config": config}).encode()
    for options in ({"return_content": True}, {"dest": str(dest)}, {"dest": str(dest), "merge": True}):
        with answering(world, swapped(body, re.compile(".*/config"))), pytest.raises(NksError) as caught:
            world.run(kubeconfig.JOB, dict({"cluster": "demo"}, **options))
        # Half a surrogate pair is no text at all, so that the answer is not used.
        assert "cluster/demo" in caught.value.msg or (config == "\ud800" and "kubeconfig of cluster" in caught.value.msg)
        assert "\n" not in caught.value.msg
        assert caught.value.values["request_id"].startswith("req-") and caught.value.values["request_id"] in caught.value.msg
    assert not dest.exists()


# -- parts of answers ------------------------------------------------------------------------------------------------

DROPPED = object()
JUNK = [
    DROPPED,
    None,
    0,
    -1,
    7.5,
    10**400,
    float("inf"),
    float("nan"),
    True,
    "",
    "junk",
    "\ud800",
    "\x00\n\x1b[31m",
    "{{ 1 }}",
    "[",
    "9" * 5000,
    [],
    {},
    [None],
    [7],
    [[]],
    ["a", {}],
    {"a": None},
    {"name": [], "uuid": {}, "id": 7, "status": {}},
]


def nodes_of(tree, path=()):
    """Paths of all values in decoded JSON, the outermost first."""
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from nodes_of(value, path + (key,))


def mutated(tree, choice, junk):
    """The tree with one of its values replaced or dropped."""
    paths = list(nodes_of(tree))
    path = paths[choice % len(paths)]
    if not path:
        return {} if junk is DROPPED else junk
    place = tree
    for key in path[:-1]:
        place = place[key]
    if junk is DROPPED:
        del place[path[-1]]
    else:
        place[path[-1]] = junk
    return tree


#: Which answers of a kind are changed (one in so many), which of its values, and into what.
changes = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2000), st.sampled_from(JUNK)), min_size=1, max_size=4)


def spoiler(spoils):
    """A function for :func:`answering` that spoils genuine answers."""
    seen = [0]

    def change(method, path, body):
        seen[0] += 1
        if not body:
            return body
        tree = json.loads(body)
        for every, choice, junk in spoils:
            if seen[0] % every == 0:
                tree = mutated(tree, choice, junk)
        return json.dumps(tree).encode()

    return change


@pytest.fixture
def no_collection():
    """No garbage collection while a deeply nested answer is read: it would run finalizers at the limit of recursion, where they fail."""
    gc.disable()
    yield
    gc.enable()


@every_task
@pytest.mark.usefixtures("no_collection")
def test_mutated_responses_never_cause_a_traceback(running_world, name):
    @generated
    @given(changes, st.booleans())
    def check_one(spoils, check):
        prepared(running_world)
        with answering(running_world, spoiler(spoils)):
            attempt(running_world, name, check)

    check_one()


def fields(world):
    """Every field of a genuine cluster and node group, and every label: the name, and whether it is a label."""
    prepared(world)
    whole = [world.run(info.CLUSTERS, {"name": "demo"})["clusters"][0], world.run(info.NODEGROUPS, {"cluster": "demo", "name": "group-1"})["nodegroups"][0]]
    return sorted({(key, False) for item in whole for key in item} | {(key, True) for item in whole for key in item["labels"]})


def replacing(key, is_label, junk):
    """A function for :func:`answering` that replaces or drops one field or label of what is about one cluster."""

    def change(method, path, body):
        if method != "GET" or not re.search("/kubernetes/v1/clusters/", path):
            return body
        tree = json.loads(body)
        place = tree.get("labels") if is_label else tree
        if isinstance(place, dict) and key in place:
            if junk is DROPPED:
                del place[key]
            else:
                place[key] = junk
        return json.dumps(tree).encode()

    return change


@pytest.mark.parametrize("junk", [DROPPED, None, 7, "junk", [], {"a": []}, [None]], ids=["dropped", "none", "number", "text", "list", "object", "items"])
def test_invalid_fields_and_labels_cause_no_traceback(world, junk):
    """One after the other, in every answer; the reconciling tasks read most of them."""
    for number, (key, is_label) in enumerate(fields(world)):
        prepared(world)
        with answering(world, replacing(key, is_label, junk)):
            attempt(world, ("cluster", "nodegroup", "upgrade")[number % 3], True)
            attempt(world, ("nodegroup", "upgrade", "cluster")[number % 3], True)


# -- the room wire ---------------------------------------------------------------------------------------------------

texts = st.text(max_size=12) | st.sampled_from(["True", "[1]", "{", "a:b", "v1.30.1", "-1", "9" * 5000, '{"appkey": "x"}', "\ud800"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
known = st.sampled_from(
    sorted(set(wire.LABELS) | set(wire.FIELDS) | {"labels", "node_addresses", "uuid", "status", "name", "status_reason", "boot_volume_appkey"})
)
objects = st.dictionaries(known | texts, anything, max_size=6)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(objects, objects)
def test_wire_reads_anything(reply, labels):
    """What cannot be read as its type stays as it came, and what was read once is read the same again."""
    for item in (reply, dict(reply, labels=labels)):
        typed = wire.resource(item)
        assert json.dumps(wire.resource(typed)) == json.dumps(typed)
        json.dumps(wire.masked(typed))
        for function in (wire.autoscale, wire.autoscale_of, wire.ipacl, wire.event, wire.versions, wire.event_types):
            json.dumps(function(dict(item, labels=labels) if function is wire.autoscale_of else item))
        try:
            wire.identified(item, "read it")
        except BadReply as error:
            assert error.msg == "Could not read it: the answer has no uuid or no status."


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode()))
def test_any_error_body_is_shown_as_one_short_line(content):
    words = words_room.explanation(content)
    assert isinstance(words, str) and len(words) <= 1000 and "\n" not in words


# -- the inventory ---------------------------------------------------------------------------------------------------


@pytest.fixture
def source(running_world, tmp_path, monkeypatch):
    """A function that reads the inventory of the simulator; gives its warnings and hosts, or the error."""
    if inventory_loader is None:
        pytest.skip("inventories are read on controllers only")
    for name, value in running_world.simulator.environment.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "demo.nks.yml"

    class Display:
        def __init__(self):
            self.warnings = []

        def warning(self, msg):
            self.warnings.append(msg)

        def vvv(self, msg):
            pass

    def read(options=""):
        path.write_text("plugin: nhncloud.nks.nks\nmax_retries: 0\nresolve_nodes: true\n" + options, encoding="utf-8")
        plugin = inventory_loader.get("nhncloud.nks.nks")
        plugin.display = Display()
        inventory = InventoryData()
        inventory.current_source = str(path)
        try:
            plugin.parse(inventory, DataLoader(), str(path), cache=False)
        except AnsibleParserError as error:
            return str(error), plugin.display.warnings, {}
        inventory.reconcile_inventory()
        return None, plugin.display.warnings, inventory.hosts

    return read


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_invalid_response_to_inventory_is_a_warning_or_error(world, source, body):
    prepared(world)
    world.seed(name="other")
    assert [len(part or ()) for part in source()] == [0, 0, 6]
    for path, fatal in (("/tokens", True), ("/v1/clusters", True), ("/servers/detail", True), ("/nodegroups", False), ("/nodegroups/[^/]+", False)):
        # Of one cluster only, where it is about one.
        pattern = re.compile(".*" + ("" if fatal else world.cluster().uuid) + path)
        with answering(world, swapped(body, pattern)):
            error, warnings, hosts = source()
            strict, _warnings, _hosts = source("strict_clusters: true\n")
        if fatal:
            assert error and strict
        else:
            # The other cluster is there all the same. The last body could be that of a group without nodes.
            assert error is None and len(hosts) == 2 and all("demo" in warning for warning in warnings)
            assert bool(warnings) == bool(strict) == (body != BODIES[-1] or path == "/nodegroups")


@pytest.mark.usefixtures("no_collection")
def test_mutated_responses_cause_no_inventory_traceback(running_world, source):
    @generated
    @given(changes, st.sampled_from(["", "hostname: name\n", "strict_clusters: true\n", "cluster_query: \"[?status=='CREATE_COMPLETE']\"\n"]))
    def check_one(spoils, options):
        prepared(running_world)
        with answering(running_world, spoiler(spoils)):
            error, _warnings, hosts = source(options)
        assert error is None or error.strip()
        for host in hosts.values():
            json.dumps(host.vars, default=str)

    check_one()
