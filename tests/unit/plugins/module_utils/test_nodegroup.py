# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_nodegroup as a whole, against the simulator: what is sent, what is waited for, and what the result says."""

from __future__ import annotations

import json

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, BadInput, NksError, WaitError
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import FLAVORS, NODEGROUP, TENANT, UUID, HandClock

SCRIPT = "#!/bin/bash\necho ready\n"
#: A policy of the metric-based autoscaler that is on, as the service shows it.
METRIC_POLICY = json.dumps({"enable": True, "rules": [{"metric": "GROUP_CPU_USAGE", "threshold": 70, "duration": 5}]})


def seeded(world, nodes=2, name="group-1", **more):
    """A cluster with a second node group, by whose name it is looked for afterwards."""
    world.seed(nodegroups=2, nodes=nodes, **more)
    return world.group(name)


# -- what check mode knows of the service's rules, and the user's own words --------------------------------------------


def flavor(world, name):
    return next(item["id"] for item in world.cloud.projects[TENANT, "kr1"].found.flavors if item["name"] == name)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("by", ["name", "uuid"])
@pytest.mark.parametrize("before, after", [("m2.c4m8", "u2.c4m8"), ("u2.c2m4", "u2.c4m8"), ("u2.c2m4", "m2.c4m8"), ("m2.c4m8", "g2.c8m90")])
def test_unsupported_flavor_change_is_rejected(world, before, after, by, check):
    group = seeded(world)
    group.flavor_id = flavor(world, before)
    with pytest.raises(BadInput) as caught:
        world.nks_nodegroup(check=check, name="group-1", flavor=after if by == "name" else flavor(world, after))
    assert caught.value.msg.startswith("flavor: '%s' cannot replace %s on cluster/demo/nodegroup/group-1" % (after, before))
    assert caught.value.outcome.writes == []
    # What is so already is no change.
    assert world.nks_nodegroup(check=check, name="group-1", flavor=flavor(world, before))["changed"] is False


def test_flavor_uuid_is_looked_up_only_for_a_change(world):
    group = seeded(world)
    assert world.nks_nodegroup(name="group-1", flavor=group.flavor_id).reads(".*/flavors/detail") == []
    outcome = world.nks_nodegroup(check=True, name="group-1", flavor=FLAVORS["m2.c2m4"])
    assert len([entry for entry in outcome.requests if entry["path"].endswith("/flavors/detail")]) == 1
    assert outcome["actions"][0]["changes"] == {"flavor": {"before": FLAVORS["m2.c4m8"], "after": FLAVORS["m2.c2m4"]}}
    # Without the list the service is the judge.
    world.fault(effect="status", status=403, method="GET", path="/flavors/detail")
    assert world.nks_nodegroup(name="group-1", flavor=FLAVORS["m2.c2m4"])["changed"] is True


def test_changes_are_reported_by_name(world):
    group = seeded(world, nodes=3)
    outcome = world.nks_nodegroup(name="group-1", flavor="m2.c2m4", node_count=2, nodes_to_remove=[group.nodes[1].name])
    changes = {option: pair for action in outcome["actions"] for option, pair in action["changes"].items()}
    assert changes["flavor"] == {"before": "m2.c4m8", "after": "m2.c2m4"}
    assert changes["nodes_to_remove"]["after"] == ["demo-group-1-node-1"]
    assert outcome["diff"]["before"]["cluster/demo/nodegroup/group-1"]["flavor"] == "m2.c4m8"
    with pytest.raises(NksError) as caught:
        world.nks_nodegroup(name="group-1", image="Rocky Linux 9.4 Container")
    assert "image: current 'Ubuntu Server 22.04 LTS Container', requested 'Rocky Linux 9.4 Container'" in caught.value.msg


@pytest.mark.parametrize("by", ["name", "uuid"])
@pytest.mark.parametrize(
    "given, path, words",
    [
        ({"node_count": 3}, "/actions/resize$", "Could not resize node group group-1 of cluster demo: "),
        ({"flavor": "m2.c2m4"}, "/nodegroups/[^/]*$", "Could not change the flavor of node group group-1 of cluster demo: "),
        ({"user_script": SCRIPT}, "/userscript$", "Could not change the user script of node group group-1 of cluster demo: "),
        ({"autoscale": {"enabled": True}}, "/autoscale$", "Could not set the autoscaler of node group group-1 of cluster demo: "),
        ({"state": "absent"}, "/nodegroups/[^/]*$", "Could not delete node group group-1 of cluster demo: "),
    ],
)
def test_rejected_request_is_reported_with_resource_name(world, given, path, words, by):
    """Also where the user gave UUIDs: what they are called is known by then."""
    group = seeded(world)
    refs = {"name": "group-1"} if by == "name" else {"cluster": world.cluster().uuid, "name": group.uuid}
    world.fault(effect="status", status=403, method="POST|PATCH|DELETE", path=path)
    with pytest.raises(ApiError) as caught:
        world.nks_nodegroup(**dict(given, **refs))
    assert caught.value.msg.startswith(words) and not UUID.search(caught.value.msg.partition("request id")[0])


# -- create, again, delete -------------------------------------------------------------------------------------------


def test_create_waits_for_group_and_cluster_and_returns_group(world):
    world.seed()
    outcome = world.nks_nodegroup(**NODEGROUP)
    assert outcome["changed"] and outcome.actions == ["create"] and outcome.wrote == ["POST /clusters/*/nodegroups"]
    assert outcome["actions"][0]["resource"] == "cluster/demo/nodegroup/extra"
    group = outcome["nodegroup"]
    assert (group["status"], group["node_count"], group["labels"]["boot_volume_size"]) == ("CREATE_COMPLETE", 2, 40)
    assert len(group["node_addresses"]) == 2 and world.cluster().status == "UPDATE_COMPLETE"


def test_create_is_idempotent(world):
    world.seed()
    given = dict(
        NODEGROUP,
        user_script=SCRIPT,
        additional_networks=["other-vpc"],
        additional_subnets=["demo-subnet"],
        extra_security_groups=[{"subnet": "storage-subnet", "security_groups": ["web", "db"]}],
        extra_volumes=[{"type": "General SSD", "size": 10, "mount_path": "/data"}],
        autoscale={"enabled": True, "min_node_count": 1, "max_node_count": 3},
        kubernetes_version="v1.31.4",
    )
    given["extra_security_groups"][0]["subnet"] = "a2000000-0101-4000-8000-000000000005"
    world.nks_nodegroup(**given)
    given["extra_security_groups"][0]["security_groups"].reverse()
    outcome = world.nks_nodegroup(**given)
    assert (outcome["changed"], outcome["actions"], outcome.writes, outcome["warnings"]) == (False, [], [], [])


def test_absent_waits_for_404_and_cluster(world):
    group = seeded(world)
    outcome = world.nks_nodegroup(name="group-1", state="absent")
    assert outcome["changed"] and outcome.wrote == ["DELETE /clusters/*/nodegroups/*"] and world.group("group-1") is None
    assert world.cluster().status == "UPDATE_COMPLETE"
    assert [entry["status"] for entry in outcome.requests if entry["path"].endswith(group.uuid)][-1] == 404


@pytest.mark.parametrize("given", [{}, {"cluster": "gone"}, {"name": "60000000-0000-4000-8000-00000000dead"}])
def test_absent_of_missing_group_is_not_a_change(world, given):
    world.seed()
    outcome = world.nks_nodegroup(**dict({"state": "absent"}, **given))
    assert (outcome["changed"], outcome["actions"], outcome.writes, outcome["nodegroup"]) == (False, [], [], {})


def test_absent_of_missing_group_does_not_wait_for_busy_cluster(world):
    world.busy(world.seed())
    assert world.nks_nodegroup(state="absent").clock.slept == []


def test_missing_cluster_error_lists_existing_clusters(world):
    world.seed("other")
    with pytest.raises(NksError) as caught:
        world.nks_nodegroup(**NODEGROUP)
    assert "cluster: there is no cluster 'demo'" in caught.value.msg and "other" in caught.value.msg


def test_present_with_unknown_uuid_fails(world):
    world.seed()
    with pytest.raises(NksError) as caught:
        world.nks_nodegroup(**dict(NODEGROUP, name="60000000-0000-4000-8000-00000000dead"))
    assert "default-worker" in caught.value.msg and caught.value.outcome.writes == []


def test_control_plane_group_is_rejected(world):
    world.seed()
    for given in (dict(NODEGROUP, name="default-master"), {"name": "default-master", "state": "absent"}):
        with pytest.raises(BadInput) as caught:
            world.nks_nodegroup(**given)
        assert "name: 'default-master'" in caught.value.msg and caught.value.outcome.writes == []


@pytest.mark.parametrize("check", [False, True])
def test_default_group_cannot_be_deleted(world, check):
    world.seed()
    for ref in ("default-worker", world.group().uuid):
        with pytest.raises(BadInput) as caught:
            world.nks_nodegroup(name=ref, state="absent", check=check)
        assert "name: '%s'" % ref in caught.value.msg and "nks_cluster" in caught.value.msg and caught.value.outcome.writes == []


def test_names_are_used_in_paths_only_for_lookups(world):
    seeded(world)
    for given in ({"node_count": 3, "flavor": "m2.c2m4", "user_script": SCRIPT, "autoscale": {"enabled": True}}, {"state": "absent"}):
        outcome = world.nks_nodegroup(**dict({"name": "group-1"}, **given))
        paths = [entry["path"].partition("/v1")[2] for entry in outcome.requests if "/kubernetes/" in entry["path"]]
        names = [path for path in paths if not UUID.match(path.split("/")[2]) or ("/nodegroups/" in path and not UUID.match(path.split("/")[4]))]
        assert names[0] == "/clusters/demo" and {path.split("/")[-1] for path in names[1:]} == {"group-1"}
        assert {UUID.sub("*", path) for path in names[1:]} == {"/clusters/*/nodegroups/group-1"}
        for entry in outcome.writes:
            assert "group-1" not in json.dumps(entry["body"])


# -- what others are doing -------------------------------------------------------------------------------------------


def test_present_waits_for_running_creation_without_change(world):
    world.seed()
    world.nks_nodegroup(**dict(NODEGROUP, wait=False))
    outcome = world.nks_nodegroup(**NODEGROUP)
    assert not outcome["changed"] and outcome.writes == [] and outcome["nodegroup"]["status"] == "CREATE_COMPLETE"


def test_present_recreates_group_after_running_deletion(world):
    world.seed()
    world.nks_nodegroup(**NODEGROUP)
    former = world.group("extra").uuid
    world.nks_nodegroup(state="absent", wait=False)
    outcome = world.nks_nodegroup(**NODEGROUP)
    assert outcome.actions == ["create"] and world.group("extra").uuid != former


def test_absent_waits_for_running_deletion_without_change(world):
    seeded(world)
    world.nks_nodegroup(name="group-1", state="absent", wait=False)
    outcome = world.nks_nodegroup(name="group-1", state="absent")
    assert not outcome["changed"] and outcome.writes == [] and world.group("group-1") is None


def test_absent_during_cluster_deletion_is_not_a_change(world):
    seeded(world)
    world.nks_cluster(state="absent", wait=False)
    outcome = world.nks_nodegroup(name="group-1", state="absent")
    assert not outcome["changed"] and outcome.writes == [] and world.clusters == []


def test_create_waits_for_busy_cluster(world):
    world.busy(world.seed())
    assert world.nks_nodegroup(**NODEGROUP)["changed"] and world.group("extra").status == "CREATE_COMPLETE"


@pytest.mark.parametrize("given", [NODEGROUP, {"name": "default-worker", "node_count": 3}, {"name": "default-worker", "state": "absent"}], ids=str)
def test_busy_cluster_fails_with_wait_false(world, given):
    world.busy(world.seed())
    with pytest.raises(WaitError) as caught:
        world.nks_nodegroup(**dict(given, wait=False))
    assert caught.value.outcome.clock.slept == [] and caught.value.outcome.writes == []


def test_create_with_wait_false_returns_immediately(world):
    world.seed()
    outcome = world.nks_nodegroup(**dict(NODEGROUP, wait=False))
    assert outcome["nodegroup"]["status"] == "CREATE_IN_PROGRESS" and outcome.clock.slept == []
    world.reset(missing_polls=9)
    uuid = world.seed().uuid
    outcome = world.nks_nodegroup(**dict(NODEGROUP, wait=False))
    assert outcome["nodegroup"] == {"uuid": world.group("extra").uuid, "name": "extra", "cluster_id": uuid}


def test_absent_succeeds_if_group_is_deleted_during_wait(world):
    group = seeded(world)
    cluster = world.cluster()
    clock = HandClock(world.simulator)
    world.busy(cluster, seconds=40)
    clock.at(10, lambda: cluster.nodegroups.pop(group.uuid))
    outcome = world.nks_nodegroup(name="group-1", state="absent", clock=clock)
    assert not outcome["changed"] and outcome.writes == []


# -- failed statuses -------------------------------------------------------------------------------------------------


def test_failed_creation_reports_event_and_can_be_deleted(world):
    world.seed()
    world.fault(effect="fail_task", task="nodegroup_create", reason="No valid host", contents="zone is full")
    with pytest.raises(WaitError) as caught:
        world.nks_nodegroup(**NODEGROUP)
    assert "No valid host" in caught.value.msg and caught.value.values["event"]["contents"] == "zone is full"
    with pytest.raises(WaitError) as caught:
        world.nks_nodegroup(**NODEGROUP)
    assert caught.value.values["status"] == "CREATE_FAILED" and caught.value.values["event"]["contents"] == "zone is full"
    assert "state: absent" in caught.value.msg and caught.value.outcome.writes == []
    assert world.nks_nodegroup(state="absent")["changed"] and world.group("extra") is None
    assert world.nks_nodegroup(**NODEGROUP)["changed"]


def test_failed_group_warns_without_changes_and_fails_with_changes(world):
    group = seeded(world)
    world.fail(world.cluster(), "UPDATE_FAILED", group=group)
    outcome = world.nks_nodegroup(name="group-1", node_count=2)
    assert not outcome["changed"] and [warning.split(" is in ")[0] for warning in outcome["warnings"]] == ["cluster/demo", "cluster/demo/nodegroup/group-1"]
    with pytest.raises(WaitError) as caught:
        world.nks_nodegroup(name="group-1", node_count=3)
    assert "No valid host was found" in caught.value.msg and caught.value.outcome.writes == []


def test_create_in_failed_cluster_is_rejected(world):
    world.fail(world.seed(), "UPDATE_FAILED")
    with pytest.raises(WaitError) as caught:
        world.nks_nodegroup(**NODEGROUP)
    assert "cluster/demo is in UPDATE_FAILED" in caught.value.msg and caught.value.outcome.writes == []


@pytest.mark.parametrize(
    ("task", "given"),
    [
        ("nodegroup_create", NODEGROUP),
        ("nodegroup_delete", {"name": "group-1", "state": "absent"}),
        ("resize", {"name": "group-1", "node_count": 1}),
        ("flavor", {"name": "group-1", "flavor": "m2.c2m4"}),
    ],
    ids=["create", "delete", "resize", "flavor"],
)
def test_accepted_but_dropped_request_fails(world, task, given):
    seeded(world)
    world.fault(effect="drop_task", task=task)
    with pytest.raises(WaitError) as caught:
        world.nks_nodegroup(**given)
    assert "accepted" in caught.value.msg and len(caught.value.outcome.writes) == 1 and caught.value.outcome.clock.now() <= 90


@pytest.mark.parametrize("seconds", [0, 25])
@pytest.mark.parametrize("settings", [{"missing_polls": 3}, {"stale_polls": 3}], ids=str)
def test_404_and_stale_state_after_request_are_tolerated(world, settings, seconds):
    world.seed()
    world.set(task_seconds=float(seconds), **settings)
    for given in (NODEGROUP, dict(NODEGROUP, node_count=3), {"state": "absent"}):
        assert world.nks_nodegroup(**given)["changed"]
    assert world.group("extra") is None


# -- reconciliation --------------------------------------------------------------------------------------------------


def test_all_changes_are_applied_in_order(world):
    group = seeded(world, nodes=1, version="v1.31.4")
    world.cluster().version = world.cluster().master.version = "v1.32.3"
    given = {
        "name": "group-1",
        "node_count": 3,
        "flavor": "r2.c4m32",
        "user_script": SCRIPT,
        "kubernetes_version": "v1.32.3",
        "autoscale": {"enabled": True, "min_node_count": 2, "max_node_count": 4},
        "num_buffer_nodes": 0,
    }
    outcome = world.nks_nodegroup(**given)
    assert outcome.actions == ["change_user_script", "upgrade", "change_flavor", "resize", "set_autoscale"]
    assert (len(group.nodes), group.flavor_id, group.version, group.autoscaler_on) == (3, FLAVORS["r2.c4m32"], "v1.32.3", True)
    assert [entry["body"].get("num_buffer_nodes") for entry in outcome.writes] == [None, 0, 0, None, None]
    assert world.nks_nodegroup(**given).writes == []


@pytest.mark.parametrize("key", ["uuid", "name", "address"])
def test_nodes_to_remove_by_uuid_name_or_address(world, key):
    group = seeded(world, nodes=4)
    gone = [group.nodes[2], group.nodes[0]]
    given = {"name": "group-1", "node_count": 2, "nodes_to_remove": [getattr(node, key) for node in gone]}
    told = world.nks_nodegroup(check=True, **given)
    outcome = world.nks_nodegroup(**given)
    assert outcome.writes[0]["body"]["nodes_to_remove"] == [node.uuid for node in gone] and outcome["warnings"] == []
    assert [node.uuid for node in group.nodes if node in gone] == [] and len(group.nodes) == 2
    assert told["actions"] == outcome["actions"]
    # Once they are gone their names mean nothing more.
    assert world.nks_nodegroup(**given).writes == []


def test_warning_if_too_few_nodes_to_remove_are_listed(world):
    group = seeded(world, nodes=4)
    name = group.nodes[3].name
    outcome = world.nks_nodegroup(name="group-1", node_count=1, nodes_to_remove=[name])
    assert "chooses 2" in outcome["warnings"][0] and name not in [node.name for node in group.nodes]


def test_too_many_or_unknown_nodes_to_remove_are_rejected(world):
    group = seeded(world, nodes=3)
    outside = world.group().nodes[0].name
    for names, text in (([node.name for node in group.nodes[:2]], "more than the 1 to remove"), ([outside], outside), (["10.9.9.9"], "10.9.9.9")):
        for check in (True, False):
            with pytest.raises(NksError) as caught:
                world.nks_nodegroup(check=check, name="group-1", node_count=2, nodes_to_remove=names)
            assert "nodes_to_remove" in caught.value.msg and text in caught.value.msg and caught.value.outcome.writes == []
    assert len(group.nodes) == 3


def test_nodes_to_remove_are_ignored_with_autoscaler_enabled(world):
    seeded(world, nodes=3, labels={"ca_enable": "True"})
    outcome = world.nks_nodegroup(name="group-1", node_count=2, nodes_to_remove=["long-gone"])
    assert not outcome["changed"] and outcome.writes == []


def test_node_count_respects_autoscaler_limits(world):
    group = seeded(world, nodes=3, labels={"ca_enable": "TRUE", "ca_min_node_count": "2", "ca_max_node_count": "5"})
    assert world.nks_nodegroup(name="group-1", node_count=5).writes == []
    for count in (1, 6):
        with pytest.raises(BadInput) as caught:
            world.nks_nodegroup(name="group-1", node_count=count)
        assert "2 to 5" in caught.value.msg and caught.value.outcome.writes == []
    outcome = world.nks_nodegroup(name="group-1", node_count=1, autoscale={"enabled": False}, nodes_to_remove=[node.uuid for node in group.nodes[:2]])
    assert outcome.wrote == ["POST /clusters/*/nodegroups/*/autoscale", "POST /clusters/*/actions/resize"] and len(group.nodes) == 1


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("policy", ["mba_scale_out", "mba_scale_in"])
def test_metric_based_autoscaler_blocks_resize(world, policy, check):
    """The service refuses it each time, so check mode must not promise it."""
    group = seeded(world, nodes=3, labels={policy: METRIC_POLICY})
    for count in (1, 4):
        with pytest.raises(NksError) as caught:
            world.nks_nodegroup(check=check, name="group-1", node_count=count)
        assert caught.value.msg == (
            "cluster/demo/nodegroup/group-1: node_count cannot be changed from 3 to %d while the metric-based autoscaler is on (%s). "
            "Turn it off first in the NHN Cloud console, or leave node_count out." % (count, policy)
        )
        assert caught.value.outcome.writes == []
    with pytest.raises(NksError, match="the cluster autoscaler cannot be turned on while the metric-based autoscaler is on"):
        world.nks_nodegroup(check=check, name="group-1", autoscale={"enabled": True})
    # What is so already, and everything else, goes on.
    outcome = world.nks_nodegroup(check=check, name="group-1", node_count=3, user_script="#!/bin/sh\n", autoscale={"enabled": False, "max_node_count": 4})
    assert outcome.actions == ["set_autoscale", "change_user_script"]
    group.labels[policy] = json.dumps({"enable": False})
    assert world.nks_nodegroup(check=check, name="group-1", node_count=4).actions == ["resize"]


@pytest.mark.parametrize("check", [True, False])
def test_create_with_both_autoscalers_is_rejected(world, check):
    world.seed()
    given = dict(NODEGROUP, autoscale={"enabled": True}, labels={"mba_scale_out": METRIC_POLICY})
    with pytest.raises(BadInput, match="labels: 'mba_scale_out' cannot be on together with the cluster autoscaler"):
        world.nks_nodegroup(check=check, **given)
    assert world.nks_nodegroup(check=check, **dict(given, autoscale={"enabled": False}))["changed"] is True


def test_stopped_node_blocks_enabling_autoscaler(world):
    group = seeded(world)
    group.nodes[0].status = "SHUTOFF"
    with pytest.raises(NksError) as caught:
        world.nks_nodegroup(check=True, name="group-1", autoscale={"enabled": True})
    assert group.nodes[0].name in caught.value.msg


def test_stopped_node_blocks_upgrade(world):
    group = seeded(world)
    world.cluster().version = world.cluster().master.version = "v1.32.3"
    group.nodes[1].status = "SHUTOFF"
    for listed in (True, False):
        world.set(stopped_nodes_listed=listed)
        with pytest.raises(NksError) as caught:
            world.nks_nodegroup(name="group-1", kubernetes_version="v1.32.3")
        assert group.nodes[1].name in caught.value.msg and caught.value.outcome.writes == []


def test_new_group_with_other_version_is_rejected(world):
    world.seed()
    with pytest.raises(BadInput) as caught:
        world.nks_nodegroup(**dict(NODEGROUP, kubernetes_version="v1.32.3"))
    assert "v1.31.4" in caught.value.msg and caught.value.outcome.writes == []


def test_immutable_differences_fail_or_warn(world):
    seeded(world)
    given = {"name": "group-1", "boot_volume_size": 80, "availability_zone": "kr-pub-b", "node_count": 3}
    with pytest.raises(NksError) as caught:
        world.nks_nodegroup(check=True, **given)
    for text in ("cluster/demo/nodegroup/group-1", "boot_volume_size: current 50, requested 80", "availability_zone: current 'kr-pub-a', requested 'kr-pub-b'"):
        assert text in caught.value.msg
    outcome = world.nks_nodegroup(immutable="warn", **given)
    assert outcome.actions == ["resize"] and "boot_volume_size" in outcome["warnings"][0]


@pytest.mark.parametrize(
    "given",
    [
        NODEGROUP,
        {"name": "group-1", "state": "absent"},
        {"name": "group-1", "node_count": 1, "flavor": "m2.c2m4", "user_script": SCRIPT, "autoscale": {"enabled": True, "max_node_count": 4}},
        {"name": "group-1", "node_count": 2},
    ],
    ids=["create", "absent", "change", "same"],
)
def test_check_mode_reports_same_changes_without_writes(world, given):
    seeded(world)
    told = world.nks_nodegroup(check=True, **given)
    done = world.nks_nodegroup(**given)
    assert told.writes == []
    for key in ("changed", "actions", "diff", "warnings"):
        assert told[key] == done[key]
    assert done["changed"] is (done.writes != [])


def test_results_contain_no_appkey(world):
    world.seed()
    volumes = [{"type": "General SSD", "size": 10, "key_id": "key-2", "appkey": "volume-secret"}]
    given = dict(NODEGROUP, boot_volume_key_id="key-1", boot_volume_appkey="boot-secret", extra_volumes=volumes)
    results = [world.nks_nodegroup(check=check, **given).result for check in (True, False, False)]
    with pytest.raises(NksError) as caught:
        world.nks_nodegroup(**dict(given, boot_volume_appkey="other-secret"))
    assert "boot_volume_appkey" in caught.value.msg
    results.append(world.nks_nodegroup(state="absent").result)
    assert "secret" not in json.dumps([results, caught.value.msg])
    assert [result["changed"] for result in results] == [True, True, False, True]
