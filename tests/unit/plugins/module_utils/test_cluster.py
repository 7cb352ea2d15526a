# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_cluster as a whole, against the simulator: what is sent, what is waited for, and what the result says."""

from __future__ import annotations

import json

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, BadInput, NksError, WaitError
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import CLUSTER, EXTERNAL_SUBNETS, FLAVORS, TENANT, UUID, HandClock

SCRIPT = "#!/bin/bash\necho ready\n"


# -- create, again, delete -------------------------------------------------------------------------------------------


def test_create_resolves_names_waits_and_returns_the_typed_cluster(world):
    outcome = world.nks_cluster(**CLUSTER)
    assert outcome["changed"] and outcome.actions == ["create"] and outcome.wrote == ["POST /clusters"]
    cluster = outcome["cluster"]
    assert cluster["status"] == "CREATE_COMPLETE" and cluster["uuid"] == world.cluster().uuid
    assert cluster["node_count"] == 2 and cluster["labels"]["pods_network_subnet"] == 24
    assert cluster["labels"]["master_lb_floating_ip_enabled"] is False
    assert outcome["warnings"] == []


def test_external_subnets_default_to_all_of_external_network(world):
    world.nks_cluster(**CLUSTER)
    assert sorted(world.cluster().labels["external_subnet_id_list"].split(":")) == EXTERNAL_SUBNETS


def test_external_subnets_are_reported_in_stable_order(world):
    for rotation in range(5):
        world.cloud.rotation = rotation
        changes = world.nks_cluster(check=True, **CLUSTER)["actions"][0]["changes"]
        assert changes["external_subnets"]["after"] == EXTERNAL_SUBNETS


def test_creation_is_idempotent(world):
    given = dict(CLUSTER, user_script=SCRIPT, autoscale={"enabled": False, "max_node_count": 3}, labels={"fip_auto_bind_enable": "true"})
    world.nks_cluster(**given)
    outcome = world.nks_cluster(**given)
    assert (outcome["changed"], outcome["actions"], outcome.writes, outcome["warnings"]) == (False, [], [], [])
    assert outcome["diff"] == {"before": {}, "after": {}}
    assert outcome["cluster"]["uuid"] == world.cluster().uuid


@pytest.mark.parametrize("spelling", [str.upper, lambda uuid: uuid.replace("-", ""), lambda uuid: uuid.replace("-", "").upper()])
def test_uuid_in_any_format_is_normalized(world, spelling):
    """The service looks for a UUID letter by letter."""
    found = world.cloud.projects[TENANT, "kr1"].found
    subnets = {subnet["name"]: subnet for subnet in found.subnets}
    given = dict(
        CLUSTER,
        flavor=spelling(FLAVORS["m2.c4m8"]),
        image=spelling(found.images[0]["id"]),
        network=spelling(found.vpcs[0]["id"]),
        subnet=spelling(found.subnets[0]["id"]),
        external_network=spelling(found.vpcs[-1]["id"]),
        external_subnets=[spelling(EXTERNAL_SUBNETS[0])],
        additional_networks=[spelling(found.vpcs[1]["id"])],
        additional_subnets=[spelling(subnets["storage-subnet"]["id"])],
        extra_security_groups=[{"subnet": spelling(found.subnets[0]["id"]), "security_groups": [spelling(found.security_groups[1]["id"])]}],
    )
    world.nks_cluster(**given)
    cluster = world.cluster()
    assert (cluster.flavor_id, cluster.labels["external_subnet_id_list"]) == (FLAVORS["m2.c4m8"], EXTERNAL_SUBNETS[0])
    for name in ("demo", spelling(cluster.uuid)):
        again = world.nks_cluster(**dict(given, name=name))
        assert (again["changed"], again.writes) == (False, [])
    assert world.nks_cluster(name=spelling(cluster.uuid), node_count=3)["changed"] is True


def test_empty_external_subnets_means_all_of_them(world):
    for changed in (True, False):
        assert world.nks_cluster(**dict(CLUSTER, external_subnets=[]))["changed"] is changed
    assert sorted(world.cluster().labels["external_subnet_id_list"].split(":")) == EXTERNAL_SUBNETS


def test_volume_order_and_size_type_are_not_a_change(world):
    volumes = [{"type": "General SSD", "size": "10", "mount_path": "/a"}, {"type": "General SSD", "size": 10}, {"type": "General HDD", "size": "20"}]
    world.nks_cluster(**dict(CLUSTER, extra_volumes=volumes))
    assert world.nks_cluster(**dict(CLUSTER, extra_volumes=volumes[::-1]))["changed"] is False
    labels = world.group().labels
    # As a service that shows numbers as texts has them, in an order of its own.
    labels["extra_volumes"] = json.dumps([dict(item, volume_size=str(item["volume_size"])) for item in json.loads(labels["extra_volumes"])[::-1]])
    assert world.nks_cluster(**dict(CLUSTER, extra_volumes=volumes))["changed"] is False
    with pytest.raises(NksError, match="extra_volumes: current"):
        world.nks_cluster(**dict(CLUSTER, extra_volumes=[dict(volumes[0], size=11)] + volumes[1:]))


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    "given, words",
    [
        ({"flavor": "g2.c8m90"}, "image: 'Ubuntu Server 22.04 LTS Container' is not made for nodes of flavor g2.c8m90; choose an image for GPU flavors."),
        ({"image": "Ubuntu Server 22.04 LTS GPU Container"}, "is not made for nodes of flavor m2.c4m8; choose an image for CPU flavors."),
        ({"ncr_sgw": "other-ncr", "obs_sgw": "demo-obs"}, "ncr_sgw: 'other-ncr' is not in the network of the cluster"),
        ({"external_network": None, "external_subnets": ["public_subnet_1"]}, "external_subnets: 'public_subnet_1' has no network; set external_network too."),
        ({"additional_networks": ["demo-vpc"], "additional_subnets": ["tiny-subnet"]}, "additional_subnets: '10.3.0.0/26' is too small a network"),
        ({"additional_networks": ["other-vpc"], "additional_subnets": ["demo-subnet"]}, "additional_subnets: '10.0.0.0/24' overlaps subnet (10.0.0.0/16)"),
        ({"subnet": "tiny"}, "there is no subnet 'tiny' in network demo-vpc; there are: "),
    ],
)
def test_unsuitable_resources_are_rejected_before_creation(world, given, words, check):
    with pytest.raises(NksError) as caught:
        world.nks_cluster(check=check, **dict(CLUSTER, **given))
    assert words in caught.value.msg and caught.value.outcome.writes == []


def test_gpu_image_is_accepted_with_gpu_flavor(world):
    world.nks_cluster(**dict(CLUSTER, flavor="g2.c8m90", image="Ubuntu Server 22.04 LTS GPU Container"))
    assert world.cluster().status == "CREATE_COMPLETE"


def test_creation_is_reported_with_resource_names(world):
    found = world.cloud.projects[TENANT, "kr1"].found
    given = dict(
        CLUSTER,
        image=found.images[0]["id"],
        additional_networks=["other-vpc"],
        additional_subnets=["storage-subnet"],
        extra_security_groups=[{"subnet": "storage-subnet", "security_groups": ["web", found.security_groups[2]["id"]]}],
    )
    changes = {option: pair["after"] for option, pair in world.nks_cluster(check=True, **given)["actions"][0]["changes"].items()}
    for option in ("flavor", "network", "subnet", "external_network", "additional_networks", "additional_subnets"):
        assert changes[option] == given[option], option
    # A UUID stays one, and what was not given is told as it is sent.
    assert changes["image"] == found.images[0]["id"] and changes["external_subnets"] == EXTERNAL_SUBNETS
    assert changes["extra_security_groups"] == [{"subnet": "storage-subnet", "security_groups": ["web", "db"]}]


@pytest.mark.parametrize("by", ["name", "uuid"])
@pytest.mark.parametrize(
    "given, path, words",
    [
        ({"kubernetes_version": "v1.32.3"}, "/upgrade$", "Could not upgrade the control plane of cluster demo to v1.32.3: "),
        ({"node_count": 3}, "/actions/resize$", "Could not resize node group default-worker of cluster demo: "),
        ({"state": "absent"}, "/clusters/[^/]*$", "Could not delete cluster demo: "),
    ],
)
def test_rejection_message_names_resource_without_uuid(world, given, path, words, by):
    cluster = world.seed()
    world.fault(effect="status", status=403, method="POST|PATCH|DELETE", path=path)
    with pytest.raises(ApiError) as caught:
        world.nks_cluster(**dict(given, name="demo" if by == "name" else cluster.uuid))
    assert caught.value.msg.startswith(words) and not UUID.search(caught.value.msg.partition("request id")[0])


def test_absent_waits_until_cluster_is_deleted(world):
    cluster = world.seed()
    outcome = world.nks_cluster(state="absent")
    assert outcome["changed"] and outcome.actions == ["delete"] and outcome.wrote == ["DELETE /clusters/*"]
    # The result tells what was there.
    assert world.clusters == [] and outcome["cluster"]["uuid"] == cluster.uuid
    # Asked until the answer was 404, and not only until some status.
    assert outcome.requests[-1]["status"] == 404 and outcome.requests[-1]["path"].endswith(cluster.uuid)


def test_absent_for_missing_cluster_is_not_a_change(world):
    outcome = world.nks_cluster(state="absent")
    assert (outcome["changed"], outcome["actions"], outcome.writes, outcome["cluster"]) == (False, [], [], {})


def test_paths_use_only_uuids_after_lookup(world):
    world.seed(nodegroups=2)
    for given in (dict(CLUSTER, node_count=3, flavor="m2.c2m4", user_script=SCRIPT, kubernetes_version="v1.32.3", upgrade="all"), {"state": "absent"}):
        outcome = world.nks_cluster(**given)
        paths = [entry["path"] for entry in outcome.requests if "/kubernetes/" in entry["path"]]
        assert paths[0].endswith("/clusters/demo")
        assert [path for path in paths[1:] if "/clusters/demo" in path] == []
        groups = [path.split("/nodegroups/")[1].split("/")[0] for path in paths if "/nodegroups/" in path]
        # Looked up by its name once; the control plane has no other name in its one operation.
        assert [group for group in groups if not UUID.match(group) and group != "default-master"] in (["default-worker"], [])


def test_ambiguous_cluster_name_fails_with_both_uuids(world):
    uuids = [world.seed().uuid, world.seed().uuid]
    for given in (dict(CLUSTER), {"state": "absent"}):
        with pytest.raises(NksError) as caught:
            world.nks_cluster(**given)
        assert all(uuid in caught.value.msg for uuid in uuids) and "specify the UUID" in caught.value.msg
        assert caught.value.outcome.writes == []
    outcome = world.nks_cluster(name=uuids[0], state="absent")
    assert outcome["changed"] and [cluster.uuid for cluster in world.clusters] == uuids[1:]


def test_present_with_unknown_uuid_fails(world):
    world.seed("other")
    uuid = "60000000-0000-4000-8000-00000000dead"
    with pytest.raises(NksError) as caught:
        world.nks_cluster(**dict(CLUSTER, name=uuid))
    assert uuid in caught.value.msg and "other" in caught.value.msg and caught.value.outcome.writes == []
    assert not world.nks_cluster(name=uuid, state="absent")["changed"]


def test_bad_input_fails_before_any_request(world):
    with pytest.raises(BadInput):
        world.nks_cluster(**dict(CLUSTER, user_script="echo"))
    assert world.cloud.log == []


def test_unknown_reference_fails_before_any_write(world):
    with pytest.raises(NksError) as caught:
        world.nks_cluster(**dict(CLUSTER, flavor="m9.c1m1"))
    assert "flavor" in caught.value.msg and "m9.c1m1" in caught.value.msg and "m2.c4m8" in caught.value.msg
    assert caught.value.outcome.writes == []


# -- what others are doing -------------------------------------------------------------------------------------------


def test_present_during_creation_waits_without_change(world):
    world.nks_cluster(**dict(CLUSTER, wait=False))
    outcome = world.nks_cluster(**CLUSTER)
    assert not outcome["changed"] and outcome.writes == [] and outcome["cluster"]["status"] == "CREATE_COMPLETE"
    assert sum(outcome.clock.slept) >= 20 and len(world.clusters) == 1


@pytest.mark.parametrize("missing", [1, 2, 4])
def test_new_cluster_not_returned_yet_is_not_created_twice(world, missing):
    world.nks_cluster(**dict(CLUSTER, wait=False))
    # The look by name is the first that does not see it.
    world.cluster().missing_left = 1 + missing
    outcome = world.nks_cluster(**CLUSTER)
    assert len(world.clusters) == 1 and not outcome["changed"] and outcome.writes == []


def test_present_during_deletion_waits_and_recreates_cluster(world):
    former = world.seed()
    world.nks_cluster(state="absent", wait=False)
    outcome = world.nks_cluster(**CLUSTER)
    assert outcome["changed"] and outcome.actions == ["create"] and world.cluster().uuid != former.uuid


def test_absent_during_deletion_waits_without_change(world):
    world.seed()
    world.nks_cluster(state="absent", wait=False)
    outcome = world.nks_cluster(state="absent")
    assert not outcome["changed"] and outcome.writes == [] and world.clusters == []
    assert outcome.clock.slept != []


def test_absent_fails_if_running_deletion_fails(world):
    world.seed()
    world.fault(effect="fail_task", task="cluster_delete", reason="Volume is in use")
    world.nks_cluster(state="absent", wait=False)
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(state="absent")
    assert "Volume is in use" in caught.value.msg and caught.value.values["status"] == "DELETE_FAILED"


def test_busy_cluster_is_compared_after_operation_finishes(world):
    cluster = world.seed()
    group = world.group()
    world.busy(cluster, apply=lambda now: world.cloud.add_nodes(cluster, group, 1, now), nodegroup=group)
    outcome = world.nks_cluster(**dict(CLUSTER, node_count=3))
    assert not outcome["changed"] and len(group.nodes) == 3 and outcome.writes == []


@pytest.mark.parametrize("given", [dict(CLUSTER, node_count=3), {"state": "absent"}], ids=["present", "absent"])
def test_busy_cluster_fails_without_wait(world, given):
    world.busy(world.seed())
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(**dict(given, wait=False))
    assert "UPDATE_IN_PROGRESS" in caught.value.msg and caught.value.outcome.clock.slept == [] and caught.value.outcome.writes == []


def test_create_without_wait_returns_immediately(world):
    outcome = world.nks_cluster(**dict(CLUSTER, wait=False))
    assert outcome["changed"] and outcome.clock.slept == [] and outcome["cluster"]["status"] == "CREATE_IN_PROGRESS"
    world.reset(missing_polls=9)
    outcome = world.nks_cluster(**dict(CLUSTER, wait=False))
    assert outcome["cluster"] == {"uuid": world.cluster().uuid, "name": "demo"}


def test_delete_without_wait_returns_immediately(world):
    world.seed()
    outcome = world.nks_cluster(state="absent", wait=False)
    assert outcome["changed"] and outcome.clock.slept == [] and world.cluster().status == "DELETE_IN_PROGRESS"


def test_wait_false_skips_only_wait_for_last_step(world):
    world.seed()
    outcome = world.nks_cluster(wait=False, node_count=3, user_script=SCRIPT)
    assert outcome.actions == ["change_user_script", "resize"] and len(outcome.writes) == 2
    assert world.group().labels["user_script_v2"] == SCRIPT and world.group().status == "UPDATE_IN_PROGRESS"


def test_absent_succeeds_if_cluster_disappears_during_task(world):
    cluster = world.seed()

    def vanish():
        world.cloud.projects[cluster.tenant_id, cluster.region].clusters.clear()

    world.busy(cluster, seconds=1000)
    clock = HandClock(world.simulator)
    clock.at(15, vanish)
    assert not world.nks_cluster(state="absent", clock=clock)["changed"]
    # And between the look and the request.
    world.seed()
    world.fault(effect="status", method="DELETE", path="/clusters/", status=404)
    world.nks_cluster(state="absent")


def test_404_from_wrong_endpoint_does_not_mean_deleted(world):
    world.seed()
    elsewhere = world.simulator.url + "/nowhere"
    for run in (world.nks_cluster, world.nks_nodegroup):
        with pytest.raises(ApiError) as caught:
            run(state="absent", kubernetes_endpoint=elsewhere)
        assert "HTTP 404" in caught.value.msg


def test_cluster_deleted_by_others_during_change_is_an_error(world):
    cluster = world.seed()
    clock = HandClock(world.simulator)
    clock.at(10, world.cloud.projects[cluster.tenant_id, cluster.region].clusters.clear)
    with pytest.raises(NksError) as caught:
        world.nks_cluster(node_count=3, clock=clock)
    assert "deleted by someone else" in caught.value.msg


# -- failed statuses -------------------------------------------------------------------------------------------------


def test_failed_creation_returns_reason_and_event(world):
    world.fault(effect="fail_task", task="cluster_create", reason="default-worker failed", contents="Quota exceeded: cores")
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(**CLUSTER)
    values = caught.value.values
    assert "default-worker failed" in caught.value.msg and "Quota exceeded: cores" in caught.value.msg
    assert (values["status"], values["status_reason"]) == ("CREATE_FAILED", "default-worker failed")
    assert values["event"]["contents"] == "Quota exceeded: cores" and values["event"]["type"] == "CLUSTER_CREATE"


def test_create_failed_cluster_fails_immediately_and_can_be_deleted(world):
    world.fail(world.seed(), "CREATE_FAILED", kind="cluster_create")
    for check in (True, False):
        with pytest.raises(WaitError) as caught:
            world.nks_cluster(check=check, **CLUSTER)
        assert "No valid host was found" in caught.value.msg and "Instance quota exceeded" in caught.value.msg and "state: absent" in caught.value.msg
        assert caught.value.values["event"]["contents"] == "Instance quota exceeded"
        assert caught.value.values["status_reason"] == "No valid host was found"
        assert caught.value.outcome.writes == [] and caught.value.outcome.clock.slept == []
    outcome = world.nks_cluster(state="absent")
    assert outcome["changed"] and world.clusters == []


def test_update_failed_cluster_without_changes_issues_warning(world):
    world.fail(world.seed(), "UPDATE_FAILED")
    outcome = world.nks_cluster(**CLUSTER)
    assert not outcome["changed"] and outcome["warnings"] == ["cluster/demo is in UPDATE_FAILED: No valid host was found"]


@pytest.mark.parametrize("check", [True, False])
def test_update_failed_cluster_with_changes_fails(world, check):
    world.fail(world.seed(), "UPDATE_FAILED")
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(check=check, **dict(CLUSTER, node_count=3))
    assert "No valid host was found" in caught.value.msg and caught.value.values["event"]["contents"] == "Instance quota exceeded"
    assert caught.value.outcome.writes == []


def test_failed_change_returns_event_of_node_group(world):
    world.seed()
    world.fault(effect="fail_task", task="resize", reason="No capacity", contents="zone kr-pub-a is full")
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(node_count=3)
    assert "No capacity" in caught.value.msg and "zone kr-pub-a is full" in caught.value.msg
    assert caught.value.values["event"]["type"] == "CLUSTER_RESIZE"


def test_failed_deletion_is_reported(world):
    world.seed()
    world.fault(effect="fail_task", task="cluster_delete", reason="Volume is in use")
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(state="absent")
    assert "Volume is in use" in caught.value.msg


# -- a 202 proves nothing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "given", "option"),
    [
        ("resize", {"node_count": 3}, "node_count"),
        ("flavor", {"flavor": "m2.c2m4"}, "flavor"),
        ("userscript", {"user_script": SCRIPT}, "user_script"),
        ("autoscale", {"autoscale": {"enabled": True}}, "autoscale"),
        ("upgrade", {"kubernetes_version": "v1.32.3"}, "kubernetes_version"),
        ("cluster_delete", {"state": "absent"}, "state"),
    ],
)
def test_accepted_change_that_is_not_applied_is_an_error(world, task, given, option):
    world.seed()
    world.fault(effect="drop_task", task=task)
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(**given)
    assert "%s did not change to the requested value" % option in caught.value.msg
    assert caught.value.outcome.clock.now() <= 60 and len(caught.value.outcome.writes) == 1


def test_accepted_creation_that_is_not_applied_fails_within_limit(world):
    world.fault(effect="drop_task", task="cluster_create")
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(**CLUSTER)
    assert "did not appear" in caught.value.msg and caught.value.outcome.clock.now() <= 90 and len(caught.value.outcome.writes) == 1


@pytest.mark.parametrize("settings", [{"missing_polls": 4}, {"list_400_polls": 3}, {"missing_polls": 2, "list_400_polls": 5}], ids=str)
def test_404_and_list_400_right_after_the_create_are_tolerated(world, settings):
    world.set(**settings)
    outcome = world.nks_cluster(**CLUSTER)
    assert outcome["cluster"]["status"] == "CREATE_COMPLETE" and len(outcome.writes) == 1


def test_list_400_during_creation_of_another_cluster_is_retried(world):
    world.set(list_400_polls=3)
    world.nks_cluster(**dict(CLUSTER, name="first", wait=False))
    assert world.nks_cluster(**dict(CLUSTER, name="second"))["changed"]


def test_persistent_list_400_is_an_error_and_creates_nothing(world):
    world.fault(effect="status", path="/v1/clusters$", method="GET", status=400, times=None)
    with pytest.raises(NksError) as caught:
        world.nks_cluster(**CLUSTER)
    assert "list the clusters" in caught.value.msg and caught.value.outcome.writes == []


@pytest.mark.parametrize("stale", [1, 3])
@pytest.mark.parametrize("seconds", [0, 25])
@pytest.mark.parametrize(
    "given", [{"node_count": 3}, {"flavor": "m2.c2m4", "user_script": SCRIPT}, {"kubernetes_version": "v1.32.3"}, {"state": "absent"}], ids=str
)
def test_stale_state_after_request_is_tolerated(world, given, seconds, stale):
    world.seed()
    world.set(stale_polls=stale, task_seconds=float(seconds))
    assert world.nks_cluster(**given)["changed"]
    world.set(stale_polls=0)
    assert not world.nks_cluster(**given)["changed"]


# -- waiting ---------------------------------------------------------------------------------------------------------


def test_wait_interval_is_observed_without_immediate_poll(world):
    world.set(task_seconds=100.0)
    outcome = world.nks_cluster(**dict(CLUSTER, wait_interval=20))
    assert outcome.clock.slept == [20] * 5
    sent = outcome.requests.index(outcome.writes[0])
    # The polls, and at the first and the last of them a look whether someone else has created a cluster of the name too.
    polls = [entry for entry in outcome.requests[sent + 1 :] if not entry["path"].endswith("/events")]
    assert len(polls) == 7
    # The events are for the lines of progress alone: at the first poll and then each minute.
    assert len(outcome.requests) - sent - 1 - len(polls) == 2


def test_wait_timeout_is_reported_and_rerun_resumes(world):
    world.set(task_seconds=100.0)
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(**dict(CLUSTER, wait_timeout=45))
    for text in ("45 s", "cluster/demo", "to be ready", "CREATE_IN_PROGRESS", "run the task again"):
        assert text in caught.value.msg
    assert caught.value.outcome.clock.now() == 45
    outcome = world.nks_cluster(**CLUSTER)
    assert not outcome["changed"] and outcome["cluster"]["status"] == "CREATE_COMPLETE"


def test_wait_timeout_applies_to_each_operation(world):
    world.seed()
    world.set(task_seconds=50.0)
    outcome = world.nks_cluster(wait_timeout=60, node_count=3, user_script=SCRIPT, flavor="m2.c2m4")
    assert outcome.clock.now() > 120 and len(outcome["actions"]) == 3


def test_progress_shows_each_action_and_status_change(world):
    world.seed()
    world.set(task_seconds=100.0)
    outcome = world.nks_cluster(node_count=3)
    assert outcome.lines == [
        "cluster/demo/nodegroup/default-worker: resize",
        "cluster/demo/nodegroup/default-worker: UPDATE_IN_PROGRESS, 10 s, 2 of 3 nodes, CLUSTER_RESIZE: Task has started",
        "cluster/demo/nodegroup/default-worker: UPDATE_IN_PROGRESS, 1 min 10 s, 2 of 3 nodes, CLUSTER_RESIZE: Task has started",
        "cluster/demo/nodegroup/default-worker: UPDATE_COMPLETE, 1 min 40 s, 3 of 3 nodes",
    ]


def test_token_that_expires_during_wait_is_replaced(world):
    clock = HandClock(world.simulator)
    clock.at(10, world.cloud.tokens.clear)
    assert world.nks_cluster(clock=clock, **CLUSTER)["changed"] and len(world.clusters) == 1


@pytest.mark.parametrize("rule", [{"status": 503, "body_type": "html"}, {"status": 500}, {"status": 429, "retry_after": 3}], ids=str)
def test_error_responses_during_wait_are_tolerated(world, rule):
    world.fault(effect="status", method="GET", path="/clusters/[0-9a-f]{8}-", times=9, **rule)
    assert world.nks_cluster(**CLUSTER)["changed"]


# -- reconciliation --------------------------------------------------------------------------------------------------


def test_flavor_script_count_and_autoscaler_are_reconciled_in_order(world):
    world.seed(nodes=1)
    given = dict(CLUSTER, node_count=3, flavor="c2.c4m4", user_script=SCRIPT, autoscale={"enabled": True, "min_node_count": 2, "max_node_count": 4})
    outcome = world.nks_cluster(**given)
    assert outcome.actions == ["change_user_script", "change_flavor", "resize", "set_autoscale"]
    assert {action["resource"] for action in outcome["actions"]} == {"cluster/demo/nodegroup/default-worker"}
    group = world.group()
    assert (len(group.nodes), group.flavor_id, group.labels["user_script_v2"]) == (3, FLAVORS["c2.c4m4"], SCRIPT)
    assert group.autoscaler_on and group.labels["ca_max_node_count"] == "4"
    assert world.nks_cluster(**given).writes == []


def test_omitted_autoscaler_settings_keep_their_values(world):
    world.seed()
    world.group().labels.update(ca_scale_down_util_thresh="33", ca_scale_down_unneeded_time="77", ca_pod_replicas="2")
    world.nks_cluster(autoscale={"enabled": True, "max_node_count": 5})
    labels = world.group().labels
    assert (labels["ca_scale_down_util_thresh"], labels["ca_scale_down_unneeded_time"], labels["ca_pod_replicas"]) == ("33", "77", "2")


def test_a_resize_is_never_sent_while_the_autoscaler_is_on(world):
    world.seed(nodes=3, labels={"ca_enable": "True", "ca_min_node_count": "1", "ca_max_node_count": "5"})
    assert world.nks_cluster(node_count=4).writes == []
    with pytest.raises(BadInput):
        world.nks_cluster(node_count=6)
    outcome = world.nks_cluster(node_count=6, autoscale={"enabled": False})
    assert [entry["path"].rsplit("/", 1)[1] for entry in outcome.writes] == ["autoscale", "resize"] and len(world.group().nodes) == 6


def test_scale_in_warns_that_nks_chooses_nodes(world):
    world.seed(nodes=3)
    outcome = world.nks_cluster(node_count=1)
    assert len(world.group().nodes) == 1 and "chooses" in outcome["warnings"][0]


def test_immutable_changes_fail_before_any_write_and_in_check_mode(world):
    world.seed()
    for check in (True, False):
        with pytest.raises(NksError) as caught:
            world.nks_cluster(check=check, **dict(CLUSTER, keypair="second-key", boot_volume_size=80, node_count=3))
        for text in ("keypair: current 'demo-key', requested 'second-key'", "boot_volume_size: current 50, requested 80"):
            assert text in caught.value.msg
        assert caught.value.outcome.writes == []


def test_immutable_warn_applies_other_changes(world):
    world.seed()
    outcome = world.nks_cluster(**dict(CLUSTER, keypair="second-key", node_count=3, immutable="warn"))
    assert outcome.actions == ["resize"] and "keypair: current 'demo-key', requested 'second-key'" in outcome["warnings"][0]


def test_gateways_are_changed_together(world):
    private = dict(CLUSTER, subnet="private-subnet", ncr_sgw="demo-ncr", obs_sgw="demo-obs")
    private.pop("external_network")
    world.nks_cluster(**private)
    outcome = world.nks_cluster(**dict(private, ncr_sgw="demo-ncr-2"))
    assert outcome.actions == ["update_service_gateways"] and list(outcome["actions"][0]["changes"]) == ["ncr_sgw"]
    assert set(outcome.writes[0]["body"]) == {"ncr_sgw", "obs_sgw"}
    assert world.nks_cluster(**dict(private, ncr_sgw="demo-ncr-2")).writes == []


def test_cni_is_changed_if_service_supports_it(world):
    world.seed().labels["cni_driver"] = "flannel"
    given = {"cni": "calico", "pods_network_cidr": "10.110.0.0/16"}
    outcome = world.nks_cluster(**given)
    assert outcome.actions == ["update_cni"] and world.cluster().labels["pods_network_cidr"] == "10.110.0.0/16"
    assert world.nks_cluster(**given).writes == []
    world.cluster().labels["cni_driver"] = "flannel"
    world.set(cni_removed=True)
    with pytest.raises(ApiError) as caught:
        world.nks_cluster(**given)
    assert caught.value.status == 404 and "change the CNI" in caught.value.msg


def test_upgrade_all_performs_path_that_check_mode_reports(world):
    world.seed(version="v1.30.3", nodegroups=2)
    given = {"kubernetes_version": "v1.32.3", "upgrade": "all", "num_buffer_nodes": 0}
    told = world.nks_cluster(check=True, **given)
    done = world.nks_cluster(**given)
    assert told["actions"] == done["actions"] and told.writes == [] and len(done.writes) == 6
    assert [entry["body"]["version"] for entry in done.writes] == ["v1.31.4"] * 3 + ["v1.32.3"] * 3
    assert ["num_buffer_nodes" in entry["body"] for entry in done.writes] == [False, True, True] * 2
    assert world.cluster().version == "v1.32.3" and {group.version for group in world.cluster().nodegroups.values()} == {"v1.32.3"}
    assert done["cluster"]["labels"]["kube_tag"] == "v1.32.3"
    assert world.nks_cluster(**given).writes == []


def test_upgrade_all_uses_versions_not_available_for_creation(world):
    """The service lists v1.27.3 and v1.28.3 with false, for no new cluster gets them, and upgrades from and to them all the same."""
    world.seed(version="v1.27.3")
    given = {"kubernetes_version": "v1.30.3", "upgrade": "all"}
    told = world.nks_cluster(check=True, **given)
    done = world.nks_cluster(**given)
    assert told["actions"] == done["actions"]
    assert [entry["body"]["version"] for entry in done.writes] == ["v1.28.3"] * 2 + ["v1.29.3"] * 2 + ["v1.30.3"] * 2
    assert world.nks_cluster(**given).writes == []


@pytest.mark.parametrize("supported", [{}, {"v1.32.3": False}])
def test_upgrade_all_upgrades_groups_several_versions_behind(world, supported):
    world.seed(version="v1.31.4", nodegroups=2)
    world.set(supported_versions=dict(world.cloud.settings.supported_versions, **supported))
    cluster = world.cluster()
    # As somebody can leave it who repairs a control plane with the help of the support.
    cluster.version = cluster.master.version = "v1.33.4"
    given = {"kubernetes_version": "v1.33.4", "upgrade": "all"}
    told = world.nks_cluster(check=True, **given)
    done = world.nks_cluster(**given)
    assert told["actions"] == done["actions"]
    assert [entry["body"]["version"] for entry in done.writes] == ["v1.32.3", "v1.33.4"] * 2
    assert {group.version for group in cluster.nodegroups.values()} == {"v1.33.4"}
    assert world.nks_cluster(**given).writes == []


def test_outdated_node_group_can_be_upgraded_stepwise(world):
    world.seed(version="v1.31.4", nodegroups=2)
    cluster = world.cluster()
    cluster.version = cluster.master.version = "v1.33.4"
    for check in (True, False):
        outcome = world.nks_nodegroup(check=check, name="group-1", kubernetes_version="v1.32.3")
        assert outcome["actions"][0]["changes"] == {"kubernetes_version": {"before": "v1.31.4", "after": "v1.32.3"}}
    assert world.group("group-1").version == "v1.32.3"
    # The way in one task.
    assert world.nks_nodegroup(name="default-worker", kubernetes_version="v1.33.4").actions == ["upgrade", "upgrade"]
    for version, text in (("v1.31.4", "downgrade"), ("v1.34.0", "upgrade the control plane first"), ("v1.32.9", "is not the version of the control plane")):
        with pytest.raises(BadInput, match=text):
            world.nks_nodegroup(name="group-1", kubernetes_version=version)


def test_failed_upgrade_resumes_after_manual_repair(world):
    cluster = world.seed(version="v1.30.3", nodegroups=2)
    given = {"kubernetes_version": "v1.32.3", "upgrade": "all"}
    world.fault(effect="fail_task", task="upgrade", skip=2, reason="A disruption budget blocks the drain")
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(**given)
    assert "A disruption budget blocks the drain" in caught.value.msg
    # Somebody repairs it in the console.
    for thing in [cluster] + list(cluster.nodegroups.values()):
        thing.status = "UPDATE_COMPLETE"
    outcome = world.nks_cluster(**given)
    assert [(entry["path"].split("/")[-2] == "default-master", entry["body"]["version"]) for entry in outcome.writes] == [
        (False, "v1.31.4"),
        (True, "v1.32.3"),
        (False, "v1.32.3"),
        (False, "v1.32.3"),
    ]


FAILED_STEPS = {
    "control plane": (0, "default-master"),
    "first group": (1, "default-worker"),
    "second group": (2, "group-1"),
}


@pytest.mark.parametrize("step", list(FAILED_STEPS))
def test_failed_upgrade_resumes_with_failed_step(world, step):
    skip, name = FAILED_STEPS[step]
    world.seed(version="v1.30.3", nodegroups=2)
    world.set(retry_failed=True)
    given = {"kubernetes_version": "v1.31.4", "upgrade": "all"}
    world.fault(effect="fail_task", task="upgrade", skip=skip, reason="A disruption budget blocks the drain")
    with pytest.raises(WaitError):
        world.nks_cluster(**given)
    resource = "cluster/demo" + ("" if name == "default-master" else "/nodegroup/" + name)
    assert world.nks_cluster(check=True, **given)["actions"][0]["resource"] == resource
    outcome = world.nks_cluster(**given)
    assert outcome["actions"][0]["resource"] == resource and len(outcome.writes) == len(outcome["actions"]) == 3 - skip
    assert any("A disruption budget blocks the drain" in warning for warning in outcome["warnings"])
    again = world.nks_cluster(**given)
    assert (again["changed"], again.writes, again["warnings"]) == (False, [], [])


def test_rejected_upgrade_retry_reports_both_errors(world):
    world.seed(version="v1.30.3")
    given = {"kubernetes_version": "v1.31.4", "upgrade": "all"}
    world.fault(effect="fail_task", task="upgrade", reason="A disruption budget blocks the drain")
    with pytest.raises(WaitError):
        world.nks_cluster(**given)
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(**given)
    assert "A disruption budget blocks the drain" in caught.value.msg and 'status is "UPDATE_FAILED" is not supported' in caught.value.msg
    assert caught.value.values["status_code"] == 400 and caught.value.values["status"] == "UPDATE_FAILED"
    assert len(caught.value.outcome.writes) == 1


@pytest.mark.parametrize("given", [{"node_count": 3}, {"flavor": "m2.c2m4"}, {"user_script": SCRIPT, "kubernetes_version": "v1.32.3"}], ids=str)
@pytest.mark.parametrize("failed", [{"node_count": 3}, {"kubernetes_version": "v1.32.3"}], ids=str)
def test_only_failed_upgrade_is_sent_to_failed_cluster(world, failed, given):
    world.seed()
    world.fault(effect="fail_task", task="resize" if "node_count" in failed else "upgrade", reason="No capacity")
    with pytest.raises(WaitError):
        world.nks_cluster(**failed)
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(**given)
    assert caught.value.outcome.writes == []


def test_failed_upgrade_is_not_retried_after_failed_renewal(world):
    cluster = world.seed(version="v1.30.3")
    world.fail(cluster, "UPDATE_COMPLETE", kind="upgrade", group=world.group())
    world.cloud.clock.advance(10)
    world.fail(cluster, "UPDATE_FAILED", kind="certificate")
    cluster.version = cluster.master.version = "v1.31.4"
    with pytest.raises(WaitError) as caught:
        world.nks_cluster(kubernetes_version="v1.31.4", upgrade="all")
    assert caught.value.outcome.writes == []


@pytest.mark.parametrize("mode", ["control_plane", "all", "never"])
def test_version_not_returned_by_service_is_not_compared(world, mode):
    """On a service that lists no versions either (observed on Magnum): a warning, and nothing fails."""
    cluster = world.seed(nodegroups=2)
    cluster.overrides["labels"] = {"kube_tag": None}
    world.fault(effect="status", status=404, method="GET", path="/supports$", times=None)
    outcome = world.nks_cluster(kubernetes_version="v1.33.4", upgrade=mode)
    assert not outcome["changed"] and "does not show its Kubernetes version" in outcome["warnings"][0]
    outcome = world.nks_nodegroup(name="group-1", kubernetes_version="v1.33.4")
    assert not outcome["changed"] and outcome["warnings"][0].startswith("cluster/demo does not show its Kubernetes version")


def test_upgrade_never_only_issues_warning(world):
    world.seed()
    outcome = world.nks_cluster(**dict(CLUSTER, kubernetes_version="v1.32.3", upgrade="never"))
    assert not outcome["changed"] and "v1.32.3" in outcome["warnings"][0] and outcome.writes == []


# -- check mode and secrets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seeded", "given"),
    [
        (False, CLUSTER),
        (False, {"state": "absent"}),
        (True, {"state": "absent"}),
        (True, CLUSTER),
        (True, dict(CLUSTER, node_count=1, flavor="m2.c2m4", user_script=SCRIPT, autoscale={"enabled": True, "max_node_count": 3})),
        (True, dict(CLUSTER, kubernetes_version="v1.32.3")),
        (True, dict(CLUSTER, keypair="second-key", immutable="warn")),
    ],
)
def test_check_mode_reports_result_of_normal_run_without_writes(world, seeded, given):
    if seeded:
        world.seed()
    told = world.nks_cluster(check=True, **given)
    done = world.nks_cluster(**given)
    assert told.writes == []
    for key in ("changed", "actions", "diff", "warnings"):
        assert told[key] == done[key]
    assert done["changed"] is (done.writes != [])


@pytest.mark.parametrize("echo", [True, False])
def test_no_appkey_in_any_result(world, echo):
    world.set(echo_appkeys=echo)
    given = dict(
        CLUSTER,
        boot_volume_key_id="key-1",
        boot_volume_appkey="boot-secret",
        extra_volumes=[{"type": "General SSD", "size": 10, "key_id": "key-2", "appkey": "volume-secret", "mount_path": "/data"}],
        labels={"control_plane_log": json.dumps({"type": "LNCS", "appkey": "log-secret"})},
    )
    results = [world.nks_cluster(check=True, **given).result, world.nks_cluster(**given).result, world.nks_cluster(**given).result]
    assert [result["changed"] for result in results] == [True, True, False]
    for other in (dict(given, boot_volume_appkey="another-secret"), dict(given, extra_volumes=[dict(given["extra_volumes"][0], appkey="another-secret")])):
        if echo:
            with pytest.raises(NksError) as caught:
                world.nks_cluster(**other)
            results.append([caught.value.msg, caught.value.values])
        else:
            results.append(world.nks_cluster(**other).result)
    assert "secret" not in json.dumps(results)
    assert world.cluster().labels["control_plane_log"].count("log-secret") == 1


def test_error_quoting_request_hides_secrets(world):
    given = dict(
        CLUSTER,
        user_script="#!/bin/sh\n# script-secret\n",
        extra_volumes=[{"type": "General SSD", "size": 10, "key_id": "key-2", "appkey": "volume-secret"}],
        # Not of a type that the service takes: it quotes the whole body.
        labels={"broken": None, "control_plane_log": json.dumps({"appkey": "log-secret"})},
    )
    with pytest.raises(ApiError) as caught:
        world.nks_cluster(**given)
    assert "broken" in caught.value.msg
    assert "-secret" not in json.dumps([caught.value.msg, caught.value.values])
