# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bad day at the cloud, for every kind of task: what gets lost, takes too long, fails, is interrupted, or is no longer trusted."""

from __future__ import annotations

import ast
import json
import pathlib
import re
import shutil
import stat
import subprocess
import sys

import pytest
import requests

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, NksError, NoAnswer, WaitError
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import autoscale, certificate, cluster, info, ipacl, node, nodegroup
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import CLUSTER, NODEGROUP, PASSWORD, TENANT, USER, HandClock

ROOT = pathlib.Path(__file__).resolve().parents[4]
DAY = 86400
SCRIPT = "#!/bin/sh\ntrue\n"
GATEWAYS = ["a5000000-0101-4000-8000-%012d" % number for number in (1, 2, 3)]


class Operation:
    """One kind of change: the task that asks for it, the request that it sends, and what the cloud calls it.

    :param job: the module.
    :param given: its options.
    :param action: what the result calls it.
    :param write: method and path of its request.
    :param event: its type in the cluster's history.
    :param labels: labels of the cluster that is there before; no cluster where None.
    """

    def __init__(self, job, given, action, write, event, labels=()):
        self.job = job
        self.given = given
        self.action = action
        self.method, self.path = write
        self.event = event
        self.labels = None if labels is None else dict(labels)

    def prepare(self, world):
        """What has to be there for it."""
        if self.labels is None:
            return
        made = world.seed(nodegroups=2, labels=self.labels)
        if self.action == "renew_certificate":
            made.certificate_years, made.certificate_from = 5, world.cloud.clock.now() + (10 - 365 * 5) * DAY
        if self.action == "start_nodes":
            world.group("group-1").nodes[0].status = "SHUTOFF"

    def run(self, world, clock=None, **given):
        """The task."""
        return world.run(self.job, dict(self.given, **given), clock=clock)

    def started(self, world):
        """How often the cloud has begun it, by its own history; a deleted cluster has none."""
        if self.action == "delete" and self.job is cluster.JOB and not world.clusters:
            return 1
        return [event.type for item in world.clusters for event in item.events].count(self.event) - (self.labels is not None and self.event == "CLUSTER_CREATE")


GROUP = {"cluster": "demo", "name": "group-1"}
NODES = {"cluster": "demo", "nodegroup": "group-1", "nodes": ["demo-group-1-node-0"]}
OPERATIONS = {
    "create": Operation(cluster.JOB, CLUSTER, "create", ("POST", r"/v1/clusters$"), "CLUSTER_CREATE", labels=None),
    "delete": Operation(cluster.JOB, {"name": "demo", "state": "absent"}, "delete", ("DELETE", r"/v1/clusters/[^/]*$"), "CLUSTER_DELETE"),
    "resize": Operation(cluster.JOB, {"name": "demo", "node_count": 4}, "resize", ("POST", "/actions/resize$"), "CLUSTER_RESIZE"),
    "upgrade": Operation(cluster.JOB, {"name": "demo", "kubernetes_version": "v1.32.3"}, "upgrade", ("POST", "/upgrade$"), "NODEGROUP_UPGRADE"),
    "gateways": Operation(
        cluster.JOB,
        {"name": "demo", "ncr_sgw": "demo-ncr-2"},
        "update_service_gateways",
        ("POST", "/actions/update_sgw$"),
        "CLUSTER_UPDATE_SGW",
        {"ncr_sgw": GATEWAYS[0], "obs_sgw": GATEWAYS[1]},
    ),
    "cni": Operation(
        cluster.JOB,
        {"name": "demo", "cni": "calico", "pods_network_cidr": "10.110.0.0/16"},
        "update_cni",
        ("POST", "/actions/cni_update$"),
        "CLUSTER_CNI_UPDATE",
        {"cni_driver": "flannel"},
    ),
    "create group": Operation(nodegroup.JOB, NODEGROUP, "create", ("POST", "/nodegroups$"), "NODEGROUP_CREATE"),
    "delete group": Operation(nodegroup.JOB, dict(GROUP, state="absent"), "delete", ("DELETE", "/nodegroups/"), "NODEGROUP_DELETE"),
    "resize group": Operation(nodegroup.JOB, dict(GROUP, node_count=1), "resize", ("POST", "/actions/resize$"), "CLUSTER_RESIZE"),
    "flavor": Operation(nodegroup.JOB, dict(GROUP, flavor="r2.c4m32"), "change_flavor", ("PATCH", "/nodegroups/"), "NODEGROUP_UPDATE_FLAVOR"),
    "script": Operation(nodegroup.JOB, dict(GROUP, user_script=SCRIPT), "change_user_script", ("POST", "/userscript$"), "NODEGROUP_USERSCRIPT_UPDATE"),
    "autoscaler": Operation(
        autoscale.JOB,
        {"cluster": "demo", "nodegroup": "group-1", "enabled": True, "min_node_count": 1, "max_node_count": 4},
        "set_autoscale",
        ("POST", "/autoscale$"),
        "NODEGROUP_SET_CLUSTER_AUTOSCALER",
    ),
    "access": Operation(
        ipacl.JOB,
        {"cluster": "demo", "action": "allow", "targets": [{"cidr_address": "203.0.113.0/24"}]},
        "set_ipacl",
        ("POST", "/api_ep_ipacl$"),
        "CLUSTER_API_EP_IPACL_UPDATE",
    ),
    "certificate": Operation(certificate.JOB, {"cluster": "demo"}, "renew_certificate", ("PATCH", "/certificates/"), "CLUSTER_ROTATE_CERTIFICATE"),
    "stop": Operation(node.JOB, dict(NODES, state="stopped"), "stop_nodes", ("POST", "/stop_node$"), "NODEGROUP_NODE_ACTION_STOP_NODE"),
    "start": Operation(node.JOB, dict(NODES, state="started"), "start_nodes", ("POST", "/start_node$"), "NODEGROUP_NODE_ACTION_START_NODE"),
}
#: These are tried in test_run.py, with other ways of losing an answer besides.
KNOWN = ("create", "delete", "resize", "upgrade", "create group", "delete group", "flavor", "script", "autoscaler")
every_operation = pytest.mark.parametrize("what", list(OPERATIONS))


def writes_to(world):
    """All requests so far that may have changed something."""
    return [entry for entry in world.cloud.log if entry["method"] != "GET" and not entry["path"].endswith("/tokens")]


def gone_on_with(world, operation, outcome):
    """A second run of a task found everything done: it sent nothing, and the cloud has begun the operation just once."""
    assert (outcome["changed"], outcome["actions"], outcome.writes) == (False, [], [])
    assert operation.started(world) == 1
    assert [item.status for item in world.clusters if not item.status.endswith("_COMPLETE")] == []
    return True


# -- lost answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "sent"),
    [
        ({"effect": "reset_after"}, 1),
        ({"effect": "truncate"}, 1),
        ({"effect": "status", "status": 502, "body_type": "html", "processed": True}, 1),
        ({"effect": "status", "status": 503, "body_type": "empty", "processed": True}, 1),
        ({"effect": "status", "status": 504, "body_type": "html", "processed": True}, 1),
        ({"effect": "reset_before"}, 2),
        ({"effect": "status", "status": 502}, 2),
        ({"effect": "status", "status": 503, "retry_after": 4}, 2),
        ({"effect": "status", "status": 504, "body_type": "empty"}, 2),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
@pytest.mark.parametrize("what", [name for name in OPERATIONS if name not in KNOWN])
def test_lost_response_causes_exactly_one_operation(world, what, rule, sent):
    operation = OPERATIONS[what]
    operation.prepare(world)
    world.fault(method=operation.method, path=operation.path, **rule)
    outcome = operation.run(world)
    assert (outcome["changed"], outcome.actions) == (True, [operation.action])
    assert len(outcome.writes) == sent and operation.started(world) == 1
    assert gone_on_with(world, operation, operation.run(world))


@every_operation
def test_lost_response_does_not_change_the_result(world, what):
    """``changed``, ``actions`` and the diff do not depend on how the answers came."""
    operation, told = OPERATIONS[what], []
    for rule in (None, {"effect": "reset_after"}, {"effect": "reset_before"}):
        world.reset()
        operation.prepare(world)
        if rule:
            world.fault(method=operation.method, path=operation.path, **rule)
        result = operation.run(world).result
        told.append(
            re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[-0-9]{10}T[^\"]*", "*", json.dumps([result[key] for key in ("changed", "actions", "diff")]))
        )
    assert told[0] == told[1] == told[2]


# -- retries inside the time limit -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [{"effect": "reset_before"}, {"effect": "status", "status": 503}, {"effect": "status", "status": 429, "retry_after": 45}],
    ids=lambda rule: str(rule.get("status", rule["effect"])),
)
@pytest.mark.parametrize("path", ["/tokens$", "/clusters/demo$", "/flavors/detail$", "/v1/clusters$"])
def test_read_is_not_retried_beyond_the_timeout(world, path, rule):
    world.fault(path=path, times=None, **rule)
    with pytest.raises(NksError) as caught:
        world.nks_cluster(**dict(CLUSTER, wait_timeout=100, max_retries=1000))
    clock = caught.value.outcome.clock
    assert 30 <= clock.now() <= 100 and writes_to(world) == []


def test_failing_list_is_not_retried_beyond_the_timeout(world):
    world.fault(effect="status", status=400, method="GET", path="/v1/clusters$", times=None)
    with pytest.raises(ApiError) as caught:
        world.nks_cluster(**dict(CLUSTER, wait_timeout=100, max_retries=1000))
    assert 80 <= caught.value.outcome.clock.now() <= 100


@pytest.mark.parametrize("what", ["create", "resize", "delete group", "certificate"])
def test_write_is_not_retried_beyond_the_timeout(world, what):
    operation = OPERATIONS[what]
    operation.prepare(world)
    world.fault(effect="status", status=503, method=operation.method, path=operation.path, times=None)
    with pytest.raises(NoAnswer) as caught:
        operation.run(world, wait_timeout=200, max_retries=1000)
    # Both the pause before the last attempt and the attempt itself are followed by a look.
    assert 150 <= caught.value.outcome.clock.now() <= 200 + 15
    assert operation.started(world) == 0


def test_verification_of_a_write_stops_at_the_timeout(world):
    world.fault(effect="reset_after", method="POST", path="/v1/clusters$")
    world.fault(effect="reset_before", method="GET", path="/v1/clusters$", skip=1, times=None)
    with pytest.raises(NoAnswer) as caught:
        world.nks_cluster(**dict(CLUSTER, wait_timeout=100, max_retries=1000))
    assert caught.value.outcome.clock.now() <= 110 and len(writes_to(world)) == 1


def test_wait_without_responses_ends_at_the_timeout(world):
    clock = HandClock(world.simulator)
    clock.at(10, lambda: world.fault(effect="status", status=503, path="/kubernetes/", times=None))
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(clock=clock, **dict(CLUSTER, wait_timeout=300, max_retries=1000))
    assert clock.now() == 300
    for text in ("Timed out after 300 s waiting for cluster/demo to be ready", "HTTP 503", "run the task again"):
        assert text in caught.value.msg


def test_each_operation_has_its_own_timeout(world):
    """Half of the limit goes by with someone else's operation, most of another with our own, and then the service hesitates."""
    world.seed()
    world.busy(world.cluster(), "ipacl", seconds=90)
    world.set(task_seconds=90.0)
    world.fault(effect="status", status=429, retry_after=40, path="/userscript$|/resize$", times=2)
    outcome = world.nks_cluster(node_count=3, user_script=SCRIPT, wait_timeout=120)
    assert outcome.actions == ["change_user_script", "resize"] and outcome.clock.now() > 240


def test_timeout_applies_without_waiting(world):
    world.seed()
    world.fault(effect="reset_before", path="/clusters/demo$", times=None)
    with pytest.raises(NoAnswer) as caught:
        world.nks_cluster(node_count=3, wait=False, wait_timeout=30, max_retries=1000)
    assert caught.value.outcome.clock.now() <= 30


def test_info_task_stops_retrying_eventually(world):
    world.fault(effect="reset_before", path="/clusters$", times=None)
    clock = HandClock(world.simulator)
    with pytest.raises(NoAnswer):
        world.run(info.CLUSTERS, {"max_retries": 10**6}, clock=clock)
    assert 1800 <= clock.now() <= 3600


def test_retry_after_is_honored_up_to_a_limit(world):
    world.seed()
    world.fault(effect="status", status=503, retry_after=21, path="/clusters/demo$")
    world.fault(effect="status", status=429, retry_after=DAY, method="POST", path="/actions/resize$")
    outcome = world.nks_cluster(node_count=3)
    assert outcome.clock.slept[:2] == [21, 60] and outcome["changed"]


# -- tokens ----------------------------------------------------------------------------------------------------------


def logins(outcome):
    return [entry["status"] for entry in outcome.requests if entry["path"].endswith("/tokens")]


def change_password(world, password):
    """What the console does: no token of the account is good any more."""
    account = world.cloud.accounts[USER]
    account.password = password
    world.cloud.tokens.clear()


@pytest.fixture
def password(world):
    """Puts the password back, which a reset leaves as it is."""
    yield
    world.cloud.accounts[USER].password = PASSWORD


def with_token(world):
    """The options of someone who has a token: without a login there is no service catalogue."""
    with world.cloud.lock:
        token = world.cloud.issue_token(TENANT, USER).id
    url = world.simulator.url + "/kr1/"
    endpoints = {
        "kubernetes": "kubernetes/v1",
        "compute": "compute/v2/" + TENANT,
        "network": "network/v2.0",
        "image": "image/v2",
        "volume": "volume/v2/" + TENANT,
    }
    return dict({name + "_endpoint": url + path for name, path in endpoints.items()}, token=token, username=None, password=None)


@pytest.mark.parametrize("what", ["create", "resize group", "delete", "access"])
def test_token_expiring_repeatedly_during_a_wait_is_renewed(world, what):
    operation = OPERATIONS[what]
    operation.prepare(world)
    world.set(token_seconds=130, task_seconds=600.0)
    outcome = operation.run(world)
    assert outcome["changed"] and len(outcome.writes) == 1
    # One login at the start and one for each token that has ended, each after just one refusal.
    assert 4 <= len(logins(outcome)) <= 6 and set(logins(outcome)) == {200}
    assert [entry["status"] for entry in outcome.requests].count(401) == len(logins(outcome)) - 1


@every_operation
def test_token_rejected_for_a_write_is_renewed(world, what):
    """401 means that nothing was done: the one write that may be sent again without a look."""
    operation = OPERATIONS[what]
    operation.prepare(world)
    world.fault(effect="status", status=401, method=operation.method, path=operation.path)
    outcome = operation.run(world)
    assert outcome["changed"] and [entry["status"] for entry in outcome.writes][0] == 401
    assert (len(outcome.writes), len(logins(outcome)), operation.started(world)) == (2, 2, 1)


def test_token_never_accepted_is_an_error_after_one_renewal(world):
    world.seed()
    world.fault(effect="status", status=401, path="/kubernetes/", times=None)
    with pytest.raises(ApiError) as caught:
        world.nks_cluster(node_count=3)
    assert len(logins(caught.value.outcome)) == 2 and "The token was not accepted" in caught.value.msg


def test_password_change_during_wait_fails_and_next_run_resumes(world, password):
    clock = HandClock(world.simulator)
    clock.at(10, lambda: change_password(world, "another-password"))
    with pytest.raises(ApiError) as caught:
        world.nks_cluster(clock=clock, **CLUSTER)
    assert "get a token for demo@example.com" in caught.value.msg and "API password" in caught.value.msg
    assert (caught.value.values["status_code"], clock.now()) == (401, 10)
    outcome = world.nks_cluster(**dict(CLUSTER, password="another-password"))
    assert gone_on_with(world, OPERATIONS["create"], outcome)


def test_cached_token_revoked_by_password_change_is_replaced(world, password, tmp_path):
    world.seed()
    given = {"token_cache": str(tmp_path / "tokens"), "node_count": 2}
    world.nks_cluster(**given)
    old = json.loads((tmp_path / "tokens").read_text())
    change_password(world, "another-password")
    outcome = world.nks_cluster(**dict(given, password="another-password"))
    assert not outcome["changed"] and logins(outcome) == [200]
    new = json.loads((tmp_path / "tokens").read_text())
    assert new.keys() == old.keys() and new != old
    # And from then on there is no login.
    assert logins(world.nks_cluster(**dict(given, password="another-password"))) == []


@pytest.mark.parametrize("seconds", [0, 130])
def test_expired_token_option_is_reported_and_a_new_token_works(world, seconds):
    world.set(token_seconds=seconds, task_seconds=600.0)
    with pytest.raises(NksError) as caught:
        world.nks_cluster(**dict(CLUSTER, **with_token(world)))
    assert "The token set with the option token (NHNCLOUD_TOKEN) was not accepted: it has expired" in caught.value.msg
    assert caught.value.values["status_code"] == 401 and logins(caught.value.outcome) == []
    assert len(writes_to(world)) == (1 if seconds else 0)
    world.set(token_seconds=43200)
    outcome = world.nks_cluster(**dict(CLUSTER, **with_token(world)))
    assert outcome["changed"] is (not seconds) and len(writes_to(world)) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe\x00", b'{"x": 1}', b"[" * 100000])
def test_damaged_token_cache_only_causes_a_login(world, tmp_path, content):
    world.seed()
    path = tmp_path / "tokens"
    path.write_bytes(content)
    path.chmod(0o600)
    outcome = world.nks_cluster(node_count=2, token_cache=str(path))
    assert logins(outcome) == [200] and outcome["warnings"] == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert logins(world.nks_cluster(node_count=2, token_cache=str(path))) == []


def test_token_cache_writable_by_others_is_not_used(world, tmp_path):
    world.seed()
    path = tmp_path / "tokens"
    world.nks_cluster(node_count=2, token_cache=str(path))
    kept = path.read_bytes()
    path.chmod(0o666)
    for dummy in range(2):
        outcome = world.nks_cluster(node_count=2, token_cache=str(path))
        assert logins(outcome) == [200] and not outcome["changed"]
        assert outcome["warnings"] == ["token_cache is not used: '%s' has mode 0666; delete it, or set its mode to 0600." % path]
    assert path.read_bytes() == kept and stat.S_IMODE(path.stat().st_mode) == 0o666


#: Tasks in a process of their own, with one entry after another.
PROCESS = """
import json, sys
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import engine
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import info
options = json.loads(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(12):
    # Another CA is another entry.
    result = engine.perform(info.CLUSTERS, dict(options, tenant_id=options["tenants"][number % 2], username=options["users"][number % 2],
                                                password=options["passwords"][number % 2], ca_cert=options["ca_certs"][number // 2 % 3],
                                                name=None, details=False, query=None))
    assert not result["warnings"], result["warnings"]
    assert [item["name"] for item in result["clusters"]] == (["demo"] if number % 2 == 0 else []), result
"""


def test_processes_can_share_a_token_cache(world, tmp_path):
    world.seed()
    path = tmp_path / "tokens"
    options = {
        "auth_url": world.simulator.auth_url,
        "region": "kr1",
        "token_cache": str(path),
        "tenants": [TENANT, "fedcba9876543210fedcba9876543210"],
        "users": [USER, "other@example.com"],
        "passwords": [PASSWORD, "other-api-password"],
    }
    collections = str(ROOT.parents[2]) if ROOT.parts[-3:] == ("ansible_collections", "nhncloud", "nks") else str(ROOT / ".cache" / "collections")
    code = "import sys; sys.path.insert(0, %r)\n%s" % (collections, PROCESS)
    running = []
    for number in range(4):
        certificates = [tmp_path / "ca" / ("%d-%d.pem" % (number, turn)) for turn in range(3)]
        for certificate_path in certificates:
            certificate_path.parent.mkdir(exist_ok=True)
            shutil.copy(requests.certs.where(), certificate_path)
        given = json.dumps(dict(options, ca_certs=[str(certificate_path) for certificate_path in certificates]))
        running.append(subprocess.Popen([sys.executable, "-c", code, given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    for process in running:
        assert process.stdout.readline() == "ready\n", process.communicate()
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    while any(process.poll() is None for process in running):
        if path.exists() and path.stat().st_size:
            # Whatever moment it is: the file is whole, and nobody else's to read.
            assert set(json.loads(path.read_text()).popitem()[1]) == {"token", "expires", "catalog"}
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for process in running:
        _out, errors = process.communicate()
        assert process.returncode == 0, errors
    # No entry is lost: each process has made six of its own.
    assert len(json.loads(path.read_text())) == 24 and sorted(tmp_path.iterdir()) == [tmp_path / "ca", path]


# -- waiting ---------------------------------------------------------------------------------------------------------


@every_operation
def test_failed_operation_is_reported_promptly_with_reason_and_event(world, what):
    operation = OPERATIONS[what]
    operation.prepare(world)
    world.fault(effect="fail_task", task=operation.event, reason="No capacity in the zone.", contents="Quota exceeded: cores (12 of 10)")
    with pytest.raises(WaitError) as caught:
        operation.run(world)
    error, values = caught.value, caught.value.values
    assert "No capacity in the zone" in error.msg and "Quota exceeded: cores (12 of 10)" in error.msg and operation.event in error.msg
    assert values["status"].endswith("_FAILED") and values["status_reason"] == "No capacity in the zone."
    assert (values["event"]["type"], values["event"]["contents"]) == (operation.event, "Quota exceeded: cores (12 of 10)")
    # The cloud takes 25 s and a poll comes every 10 s.
    assert error.outcome.clock.now() == 30 and len(error.outcome.writes) == 1


@every_operation
def test_timeout_names_the_resource_and_next_run_resumes(world, what):
    operation = OPERATIONS[what]
    operation.prepare(world)
    world.set(task_seconds=100.0)
    with pytest.raises(WaitError) as caught:
        operation.run(world, wait_timeout=45)
    resource = "cluster/demo/nodegroup/" if what in ("create group", "delete group") else "cluster/demo"
    for text in ("Timed out after 45 s waiting for " + resource, "its last status was ", "_IN_PROGRESS", "run the task again", "wait_timeout"):
        assert text in caught.value.msg
    assert caught.value.values["status"].endswith("_IN_PROGRESS") and caught.value.outcome.clock.now() == 45
    assert gone_on_with(world, operation, operation.run(world))


class Interrupted(HandClock):
    """A user who presses Ctrl-C in one of the pauses."""

    def __init__(self, world, pause):
        super().__init__(world.simulator)
        self.pause = pause

    def sleep(self, seconds):
        super().sleep(seconds)
        if len(self.slept) == self.pause:
            raise KeyboardInterrupt


@pytest.mark.parametrize("pause", [1, 3])
@every_operation
def test_interrupted_run_is_resumed(world, what, pause):
    operation = OPERATIONS[what]
    operation.prepare(world)
    world.set(task_seconds=100.0)
    with pytest.raises(KeyboardInterrupt):
        operation.run(world, clock=Interrupted(world, pause))
    assert len(writes_to(world)) == 1
    outcome = operation.run(world)
    assert gone_on_with(world, operation, outcome)
    assert outcome.clock.now() > 0


@every_operation
def test_run_interrupted_after_a_lost_response_is_resumed(world, what):
    """The answer is lost, and Ctrl-C comes in the pause before it is looked for."""
    operation = OPERATIONS[what]
    operation.prepare(world)
    world.fault(effect="reset_after", method=operation.method, path=operation.path)
    with pytest.raises(KeyboardInterrupt):
        operation.run(world, clock=Interrupted(world, 1))
    assert gone_on_with(world, operation, operation.run(world))


@pytest.mark.parametrize("pause", [1, 2, 4, 6, 8])
def test_interrupted_multi_step_update_is_resumed(world, pause):
    world.seed(nodegroups=2)
    given = {"kubernetes_version": "v1.33.4", "upgrade": "all", "node_count": 3, "user_script": SCRIPT}
    with pytest.raises(KeyboardInterrupt):
        world.nks_cluster(clock=Interrupted(world, pause), **given)
    world.nks_cluster(**given)
    # Script, count, and two versions of the control plane and both groups: each just once.
    types = [event.type for event in world.cluster().events]
    assert [types.count(name) for name in ("NODEGROUP_USERSCRIPT_UPDATE", "CLUSTER_RESIZE", "NODEGROUP_UPGRADE")] == [1, 1, 6]
    assert gone_on_with_nothing(world.nks_cluster(**given)) and len(world.group().nodes) == 3


def gone_on_with_nothing(outcome):
    return (outcome["changed"], outcome.writes) == (False, [])


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("what", [name for name in OPERATIONS if name != "create"])
def test_task_waits_for_other_operation_until_the_timeout(world, what, status):
    operation = OPERATIONS[what]
    operation.prepare(world)
    world.set(busy_status=status)
    world.busy(world.cluster(), "resize", seconds=70)
    events = len(world.cluster().events)
    outcome = operation.run(world, wait_timeout=90)
    assert outcome["changed"] and len(outcome.writes) == 1 and outcome.clock.now() >= 80 and events
    # And where it takes longer than that, it is told.
    world.reset(busy_status=status)
    operation.prepare(world)
    world.busy(world.cluster(), "resize", seconds=700)
    with pytest.raises(WaitError) as caught:
        operation.run(world, wait_timeout=90)
    assert "Timed out after 90 s waiting for cluster/demo to become idle; its last status was UPDATE_IN_PROGRESS" in caught.value.msg
    assert caught.value.outcome.writes == [] and caught.value.outcome.clock.now() == 90


# -- the table in the documentation ----------------------------------------------------------------------------------


def defined(path):
    """Names of the tests in a file: functions, classes and ``Class::method``."""
    names = set()
    for item in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(item, (ast.FunctionDef, ast.ClassDef)):
            names.add(item.name)
        if isinstance(item, ast.ClassDef):
            names.update("%s::%s" % (item.name, inner.name) for inner in item.body if isinstance(inner, ast.FunctionDef))
    return names


def test_tests_named_in_the_faults_table_exist():
    document = ROOT / "docs" / "faults.md"
    if not document.exists():
        pytest.skip("documentation is not part of what was installed")
    text = document.read_text(encoding="utf-8")
    shorts = dict(re.findall(r"^\| `([a-z_]+)` \| `(tests/[a-z_/]+\.py)` \|$", text, re.MULTILINE))
    references = re.findall(r"`([a-z_]+)::([A-Za-z_:]+)`", text)
    assert len(references) > 60 and set(shorts) == {short for short, _name in references}
    known = {short: defined(ROOT / path) for short, path in shorts.items()}
    assert ["%s::%s" % (short, name) for short, name in references if name not in known[short]] == []
    # Each row of each table of faults names one.
    rows = [line for line in text.split("## Where the tests are")[0].splitlines() if re.match(r"\| (?!Fault|---)", line)]
    assert [row for row in rows if "::" not in row] == [] and len(rows) > 40
