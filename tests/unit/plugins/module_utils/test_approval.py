# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Approved plans: the digest of a plan, and tasks that apply only the plan that was approved."""

from __future__ import annotations

import hashlib
import json

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._entry.jobs import JOBS
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import creation, operations
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import digest
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import autoscale, cluster, fleet, ipacl, kubeconfig
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import CLUSTER, NODEGROUP, PASSWORD, TENANT, USER, HandClock
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.test_faults import DAY, OPERATIONS, SCRIPT, every_operation
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.test_run import begin_before, other_resize
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.values import VALUES

#: SHA-256 of "[]".
EMPTY = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
OTHER = "0123456789abcdef" * 4
RECONCILING = sorted(name for name, job in JOBS.items() if not job.reads_only)
#: What a creation needs; the other options of the test values are added to it.
REQUIRED = {
    "name": "demo",
    **{
        name: VALUES[name].value
        for name in ("keypair", "network", "subnet", "flavor", "image", "availability_zone", "boot_volume_type", "boot_volume_size", "kubernetes_version")
    },
}
SECRETS = {"boot_volume_appkey"}


@pytest.fixture(autouse=True)
def plain_answers(world):
    """Takes away what begin_before() has put before the simulator, where a test did not come to it."""
    answer = world.simulator.server.answer
    yield
    world.simulator.server.answer = answer


def shown_digest(actions):
    """The digest as documented, without the code under test."""
    return hashlib.sha256(json.dumps(actions, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def rejected(function):
    """The error of a task whose plan was not approved."""
    with pytest.raises(NksError, match=r"^expect_plan: ") as caught:
        function()
    error = caught.value
    assert error.values["plan_digest"] == shown_digest(error.values["actions"])
    assert error.values["plan_digest"] in error.msg
    assert "check mode" in error.msg and "plan_digest" in error.msg and "\n" not in error.msg
    return error


def accepted(requests):
    """Writes that the service accepted."""
    return [entry for entry in requests if entry["method"] != "GET" and not entry["path"].endswith("/tokens") and entry["status"] < 300]


# -- the digest ------------------------------------------------------------------------------------------------------


def resize(**changes):
    return {"action": "resize", "resource": "cluster/demo/nodegroup/default-worker", "changes": changes}


def test_digest_of_an_empty_plan():
    assert digest([]) == EMPTY


def test_digest_depends_on_the_actions_and_their_order_only():
    one, other = resize(node_count={"before": 2, "after": 3}), resize(user_script={"before": None, "after": "#!/bin/sh\n한글"})
    assert digest([one, other]) == shown_digest([one, other]) != digest([other, one])
    turned = {key: one[key] for key in sorted(one, reverse=True)}
    assert digest([turned]) == digest([one])
    different = [resize(node_count={"before": 2, "after": 4}), resize(node_count={"before": 1, "after": 3}), resize(node_count={"before": 2, "after": "3"})]
    different += [dict(one, action="create"), dict(one, resource="cluster/demo"), resize(node_counts={"before": 2, "after": 3})]
    assert len({digest([item]) for item in [one, *different]}) == 7


def created(**more):
    return operations.digest(creation.create_cluster({**REQUIRED, **more}).report())


@pytest.mark.parametrize("option", [name for name in VALUES if VALUES[name].other is not None])
def test_digest_differs_if_an_option_has_another_value(option):
    needed = {"external_network": VALUES["external_network"].value} if option == "public_api_endpoint" else {}
    first, second = (created(**{**needed, option: value}) for value in (VALUES[option].value, VALUES[option].other))
    assert (first == second) is (option in SECRETS)
    assert first != created(**needed) or option in REQUIRED


def test_digest_does_not_depend_on_secrets():
    volumes = [[{"type": "General SSD", "size": 10, "appkey": key}] for key in ("first-secret", "second-secret")]
    assert created(extra_volumes=volumes[0]) == created(extra_volumes=volumes[1])
    labels = [{"control_plane_log": json.dumps({"enable": True, "lncs_appkey": key})} for key in ("first-secret", "second-secret")]
    assert created(labels=labels[0]) == created(labels=labels[1])


# -- the modules -----------------------------------------------------------------------------------------------------


@every_operation
def test_check_mode_and_normal_run_have_the_same_digest(world, what):
    operation = OPERATIONS[what]
    operation.prepare(world)
    preview = world.run(operation.job, operation.given, check=True)
    assert preview["plan_digest"] == shown_digest(preview["actions"]) != EMPTY
    # Not even the time is a part of it.
    world.cloud.clock.advance(DAY)
    outcome = operation.run(world, expect_plan=preview["plan_digest"].upper())
    assert (outcome["changed"], outcome.actions) == (True, [operation.action])
    assert outcome["plan_digest"] == preview["plan_digest"] and outcome["actions"] == preview["actions"]
    again = operation.run(world, expect_plan=EMPTY)
    assert (again["changed"], again["plan_digest"]) == (False, EMPTY)


@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
@every_operation
def test_another_plan_is_rejected_before_the_first_write(world, what, check):
    operation = OPERATIONS[what]
    operation.prepare(world)
    preview = world.run(operation.job, operation.given, check=True)
    error = rejected(lambda: world.run(operation.job, dict(operation.given, expect_plan=OTHER), check=check))
    assert error.outcome.writes == [] and operation.started(world) == (1 if what == "delete" and not world.clusters else 0)
    assert error.values["actions"] == preview["actions"] and error.values["plan_digest"] == preview["plan_digest"]
    assert OTHER in error.msg and "no changes were made" in error.msg


@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
@every_operation
def test_approved_plan_with_nothing_left_to_do_is_rejected(world, what, check):
    operation = OPERATIONS[what]
    operation.prepare(world)
    approved = operation.run(world)["plan_digest"]
    error = rejected(lambda: world.run(operation.job, dict(operation.given, expect_plan=approved), check=check))
    assert error.outcome.writes == [] and error.values["actions"] == [] and error.values["plan_digest"] == EMPTY
    assert "nothing is left to do" in error.msg and approved in error.msg


@pytest.mark.parametrize("value", ["", " ", "0" * 63, "0" * 65, "g" * 64, "sha256:" + OTHER, OTHER + "\n"])
@pytest.mark.parametrize("module", RECONCILING)
def test_malformed_digest_is_rejected_before_any_request(world, module, value):
    required = {name: "demo" for name, entry in JOBS[module].arguments.items() if entry.get("required")}
    required.update({name: value for name, value in {"nodes": ["a"], "state": "started", "enabled": True, "clusters": []}.items() if name in required})
    with pytest.raises(NksError) as caught:
        world.run(JOBS[module], dict(required, expect_plan=value))
    assert caught.value.msg.startswith("expect_plan: ") and "64 hexadecimal digits" in caught.value.msg
    assert caught.value.outcome.requests == []


def test_every_reconciling_module_is_tried():
    tried = {operation.job.name for operation in OPERATIONS.values()} | {"nks_kubeconfig", "nks_fleet"}
    assert tried == set(RECONCILING) == {name for name in RECONCILING if "expect_plan" in JOBS[name].arguments}


@pytest.mark.parametrize("effect", ["reset_after", "reset_before"])
@every_operation
def test_lost_answer_does_not_change_the_plan(world, what, effect):
    operation = OPERATIONS[what]
    operation.prepare(world)
    approved = world.run(operation.job, operation.given, check=True)["plan_digest"]
    world.fault(effect=effect, method=operation.method, path=operation.path)
    outcome = operation.run(world, expect_plan=approved)
    assert outcome["changed"] and operation.started(world) == 1


def test_resource_that_is_being_deleted_is_not_waited_for(world):
    world.seed(nodegroups=2)
    world.busy(world.cluster(), "nodegroup_delete", prefix="DELETE", nodegroup=world.group("group-1"))
    error = rejected(lambda: world.nks_nodegroup(name="group-1", state="absent", expect_plan=OTHER))
    assert error.outcome.clock.slept == []
    world.cloud.clock.advance(30)
    world.cloud.tick()
    world.busy(world.cluster(), "cluster_delete", prefix="DELETE", whole=True)
    assert rejected(lambda: world.nks_cluster(state="absent", expect_plan=OTHER)).outcome.clock.slept == []


def test_predicted_plan_can_be_approved(world):
    """Before the cluster exists, check mode predicts; the real plan is the same if the prediction was right."""
    given = {"cluster": "demo", "action": "allow", "targets": [{"cidr_address": "203.0.113.0/24"}]}
    preview = world.run(ipacl.JOB, given, check=True)
    assert world.run(ipacl.JOB, dict(given, expect_plan=preview["plan_digest"]), check=True)["changed"]
    rejected(lambda: world.run(ipacl.JOB, dict(given, expect_plan=OTHER), check=True))
    world.seed()
    assert world.run(ipacl.JOB, dict(given, expect_plan=preview["plan_digest"]))["changed"]


def test_failed_resource_is_reported_first(world):
    world.fail(world.seed(), "UPDATE_FAILED")
    with pytest.raises(NksError, match="UPDATE_FAILED"):
        world.nks_cluster(node_count=3, expect_plan=OTHER)


def test_warnings_of_the_plan_are_in_the_failure(world):
    world.seed(nodes=3)
    error = rejected(lambda: world.nks_cluster(node_count=1, expect_plan=OTHER))
    assert "NKS chooses" in error.values["warnings"][0]


# -- plans that are made again ---------------------------------------------------------------------------------------

TWO_STEPS = {"user_script": SCRIPT, "node_count": 3}


def approve(world, **given):
    return world.nks_cluster(check=True, **given)["plan_digest"]


@pytest.mark.parametrize("path", ["/userscript$", "/actions/resize$"])
def test_operation_of_others_in_between_leaves_the_plan_approved(world, path):
    """The plan is made again, and its rest together with what is done is the one that was approved."""
    world.seed()
    approved = approve(world, **TWO_STEPS)
    begin_before(world, "POST", path, lambda: world.busy(world.cluster(), "ipacl"))
    outcome = world.nks_cluster(**TWO_STEPS, expect_plan=approved)
    assert outcome.actions == ["change_user_script", "resize"] and outcome["plan_digest"] == approved
    assert len(accepted(outcome.requests)) == 2


def test_step_done_by_others_is_another_plan(world):
    world.seed()
    approved = approve(world, **TWO_STEPS)
    begin_before(world, "POST", "/actions/resize$", lambda: other_resize(world, 3))
    error = rejected(lambda: world.nks_cluster(**TWO_STEPS, expect_plan=approved))
    assert len(accepted(error.outcome.requests)) == 1
    assert [item["action"] for item in error.values["actions"]] == ["change_user_script"]
    assert "the state changed during the task" in error.msg and "of these actions, only the first one was performed" in error.msg
    # What was done stays done, and nothing of it is left.
    assert not world.nks_cluster(**TWO_STEPS)["changed"]


def test_step_that_others_made_different_is_another_plan(world):
    world.seed()
    approved = approve(world, **TWO_STEPS)
    begin_before(world, "POST", "/actions/resize$", lambda: other_resize(world, 5))
    error = rejected(lambda: world.nks_cluster(**TWO_STEPS, expect_plan=approved))
    assert error.values["actions"][1]["changes"]["node_count"] == {"before": 5, "after": 3}
    assert len(world.group().nodes) == 5 and len(accepted(error.outcome.requests)) == 1


def test_only_step_done_by_others_is_another_plan(world):
    world.seed()
    approved = approve(world, node_count=3)
    begin_before(world, "POST", "/actions/resize$", lambda: other_resize(world, 3))
    error = rejected(lambda: world.nks_cluster(node_count=3, expect_plan=approved))
    assert error.values["actions"] == [] and accepted(error.outcome.requests) == []
    assert "nothing is left to do" in error.msg


def test_group_created_by_others_is_not_changed(world):
    world.seed()
    approved = world.nks_nodegroup(check=True, **NODEGROUP)["plan_digest"]
    begin_before(world, "POST", "/nodegroups$", lambda: world.nks_nodegroup(**dict(NODEGROUP, node_count=1)))
    error = rejected(lambda: world.nks_nodegroup(**NODEGROUP, expect_plan=approved))
    assert [item["action"] for item in error.values["actions"]] == ["resize"] and len(world.group("extra").nodes) == 1


def test_upgrade_of_several_steps(world):
    world.seed(nodegroups=2)
    given = {"kubernetes_version": "v1.33.4", "upgrade": "all"}
    approved = approve(world, **given)
    clock = HandClock(world.simulator)
    begin_before(world, "POST", "/upgrade$", lambda: clock.at(60, world.cloud.tick))
    outcome = world.nks_cluster(clock=clock, expect_plan=approved, **given)
    assert outcome.actions == ["upgrade"] * 6 and outcome["plan_digest"] == approved


# -- kubeconfigs -----------------------------------------------------------------------------------------------------


def files(folder):
    """Everything in a directory, with its content."""
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("merge", [True, False], ids=["merge", "whole"])
def test_kubeconfig_is_written_only_as_approved(world, tmp_path, state, merge):
    pytest.importorskip("cryptography")
    world.seed()
    given = {"cluster": "demo", "dest": str(tmp_path / "config"), "merge": merge}
    if state == "absent":
        world.run(kubeconfig.JOB, given)
        given["state"] = "absent"
    before = files(tmp_path)
    preview = world.run(kubeconfig.JOB, given, check=True)
    assert preview["plan_digest"] == shown_digest(preview["actions"]) != EMPTY
    for check in (True, False):
        error = rejected(lambda check=check: world.run(kubeconfig.JOB, dict(given, expect_plan=OTHER), check=check))
        assert error.values["actions"] == preview["actions"] and files(tmp_path) == before
    outcome = world.run(kubeconfig.JOB, dict(given, expect_plan=preview["plan_digest"]))
    assert outcome["changed"] and outcome["plan_digest"] == preview["plan_digest"]
    error = rejected(lambda: world.run(kubeconfig.JOB, dict(given, expect_plan=preview["plan_digest"])))
    assert "nothing is left to do" in error.msg


def test_kubeconfig_changed_before_the_lock_is_not_written(world, tmp_path, monkeypatch):
    pytest.importorskip("cryptography")
    world.seed()
    path = tmp_path / "config"
    given = {"cluster": "demo", "dest": str(path), "merge": True}
    approved = world.run(kubeconfig.JOB, given, check=True)["plan_digest"]
    locked = kubeconfig.locks.locked

    def late(*args, **kwargs):
        path.write_text("apiVersion: v1\nkind: Config\nusers:\n- name: demo\n  user: {token: of-another}\n", encoding="utf-8")
        return locked(*args, **kwargs)

    monkeypatch.setattr(kubeconfig.locks, "locked", late)
    rejected(lambda: world.run(kubeconfig.JOB, dict(given, expect_plan=approved)))
    assert "of-another" in path.read_text(encoding="utf-8") and list(files(tmp_path)) == ["config"]


def test_file_is_not_even_locked_for_another_plan(world, tmp_path, monkeypatch):
    world.seed()
    monkeypatch.setattr(kubeconfig.locks, "locked", lambda *_args: pytest.fail("locked"))
    monkeypatch.setattr(kubeconfig.files, "clean", lambda _path: pytest.fail("cleaned"))
    rejected(lambda: world.run(kubeconfig.JOB, {"cluster": "demo", "dest": str(tmp_path / "config"), "expect_plan": OTHER}))


def test_kubeconfig_without_a_file_has_an_empty_plan(world):
    world.seed()
    given = {"cluster": "demo", "return_content": True}
    assert world.run(kubeconfig.JOB, dict(given, expect_plan=EMPTY))["plan_digest"] == EMPTY
    rejected(lambda: world.run(kubeconfig.JOB, dict(given, expect_plan=OTHER)))


# -- both entry points -----------------------------------------------------------------------------------------------


def test_entry_points_agree_and_hide_secrets_before_the_digest(world, monkeypatch):
    """The password is a part of the script, so the result hides it, and the digest is that of what the result shows."""
    # Not at the top: the entry points need a controller, and the other tests do not.
    entry_points = pytest.importorskip("ansible_collections.nhncloud.nks.tests.unit.plugins.entry_points", reason="it runs on the controller")
    world.seed()
    connection = {"auth_url": world.simulator.auth_url, "tenant_id": TENANT, "username": USER, "password": PASSWORD, "region": "kr1"}
    options = dict(connection, name="demo", user_script="#!/bin/sh\necho %s\n" % PASSWORD)
    results = [run(cluster.JOB, options, monkeypatch, check=True) for run in (entry_points.as_module, entry_points.in_process)]
    for result in results:
        assert "********" in json.dumps(result["actions"]) and PASSWORD not in json.dumps(result)
        assert result["plan_digest"] == shown_digest(result["actions"])
    assert results[0]["plan_digest"] == results[1]["plan_digest"]
    for run in (entry_points.as_module, entry_points.in_process):
        failed = run(cluster.JOB, dict(options, expect_plan=OTHER), monkeypatch)
        assert failed["failed"] and failed["plan_digest"] == results[0]["plan_digest"] and failed["actions"] == results[0]["actions"]
        assert run(cluster.JOB, dict(options, expect_plan=failed["plan_digest"]), monkeypatch, check=True)["changed"]


def test_autoscale_settings_that_are_left_out_are_not_in_the_digest(world):
    world.seed()
    given = {"cluster": "demo", "enabled": True, "max_node_count": 4}
    preview = world.run(autoscale.JOB, given, check=True)
    assert preview["plan_digest"] == shown_digest(preview["actions"])
    assert world.run(autoscale.JOB, dict(given, expect_plan=preview["plan_digest"]))["changed"]


def test_creation_by_names_is_the_same_plan_in_any_order_of_the_service(world):
    """The service lists external subnets in another order each time."""
    digests = {world.nks_cluster(check=True, **CLUSTER)["plan_digest"] for _number in range(6)}
    assert len(digests) == 1


# -- fleets ----------------------------------------------------------------------------------------------------------


def documents(*names):
    """Documents of clusters with a node group and access control."""
    group = {option: value for option, value in NODEGROUP.items() if option != "cluster"}
    access = {"action": "allow", "targets": [{"cidr_address": "203.0.113.0/24"}]}
    return [dict(CLUSTER, name=name, nodegroups=[group], ipacl=access) for name in names]


def run_fleet(world, *names, check=False, **more):
    return world.run(fleet.JOB, dict({"clusters": documents(*names)}, **more), check=check)


def test_fleet_that_creates_clusters_as_approved(world):
    preview = run_fleet(world, "one", "two", check=True)
    assert preview["plan_digest"] == shown_digest(preview["actions"]) and len(preview["actions"]) == 6
    outcome = run_fleet(world, "one", "two", expect_plan=preview["plan_digest"])
    assert outcome["plan_digest"] == preview["plan_digest"] and outcome["summary"]["changed"] == 2
    assert "nothing is left to do" in rejected(lambda: run_fleet(world, "one", "two", expect_plan=preview["plan_digest"])).msg


@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
def test_another_plan_of_a_fleet_is_rejected_before_the_first_write(world, check):
    world.seed("one")
    preview = run_fleet(world, "one", "two", check=True)
    error = rejected(lambda: run_fleet(world, "one", "two", check=check, expect_plan=OTHER))
    assert error.outcome.writes == [] and error.values["actions"] == preview["actions"]


def test_cluster_of_a_fleet_that_is_busy_is_planned_before_anything_is_written(world):
    made = world.seed("one")
    approved = run_fleet(world, "one", "two", check=True)["plan_digest"]
    world.busy(made, "ipacl")
    outcome = run_fleet(world, "one", "two", expect_plan=approved)
    assert outcome["plan_digest"] == approved
    first = outcome.requests.index(outcome.writes[0])
    assert made.status == "UPDATE_COMPLETE" and first > 5


def test_cluster_of_a_fleet_that_others_change_is_not_changed(world):
    for name in ("one", "two"):
        world.seed(name)
    approved = run_fleet(world, "one", "two", check=True, parallel=1)["plan_digest"]

    def change():
        world.run(ipacl.JOB, {"cluster": "two", "action": "deny", "targets": [{"cidr_address": "198.51.100.0/24"}]})

    begin_before(world, "POST", "/nodegroups$", change)
    with pytest.raises(NksError, match="expect_plan") as caught:
        run_fleet(world, "one", "two", parallel=1, expect_plan=approved)
    error = caught.value
    assert [entry["failed"] for entry in error.values["clusters"]] == [False, True]
    assert "plan_digest" not in error.values and [item["resource"] for item in error.values["actions"]] == ["cluster/one/nodegroup/extra", "cluster/one"]
    assert world.group("extra", "two") is None
