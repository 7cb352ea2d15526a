# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_autoscale and nks_autoscale_info: read, merge, write the full set."""

from __future__ import annotations

import json
import sys

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import autoscale

#: What a node group has when nothing was ever set (NKS user guide), as the service writes it back.
DEFAULTS = {
    "ca_enable": False,
    "ca_min_node_count": 1,
    "ca_max_node_count": 10,
    "ca_scale_down_enable": True,
    "ca_scale_down_unneeded_time": 10,
    "ca_scale_down_util_thresh": 50,
    "ca_scale_down_delay_after_add": 10,
    "ca_pod_replicas": 1,
}
RESOURCE = "cluster/demo/nodegroup/default-worker"


def run(world, check=False, **given):
    return world.run(autoscale.JOB, dict({"cluster": "demo"}, **given), check)


def refusal(world, check=False, **given):
    """The text with which a task fails, having written nothing."""
    with pytest.raises(NksError) as caught:
        run(world, check, **given)
    assert caught.value.outcome.writes == []
    return caught.value.msg


def sent(outcome):
    """The body of the task's one write."""
    assert outcome.wrote == ["POST /clusters/*/nodegroups/*/autoscale"]
    return outcome.writes[0]["body"]


def shown(world, group="default-worker"):
    """What the service has, typed by its own rules."""
    labels = world.group(group).labels
    return {key: labels[key].lower() == "true" if isinstance(value, bool) else int(labels[key]) for key, value in DEFAULTS.items()}


# -- read, merge, write ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("omitted", ["default", "keep"])
def test_update_sends_all_settings_and_keeps_omitted_ones(world, omitted):
    """Whether the service keeps omitted settings or resets them is not known, so none may be omitted."""
    world.set(autoscale_omitted=omitted)
    world.seed(labels={"ca_scale_down_unneeded_time": "77", "ca_scale_down_util_thresh": "33", "ca_pod_replicas": "4"})
    outcome = run(world, enabled=True, min_node_count=2, max_node_count=5)
    wanted = dict(
        DEFAULTS,
        ca_enable=True,
        ca_min_node_count=2,
        ca_max_node_count=5,
        ca_scale_down_unneeded_time=77,
        ca_scale_down_util_thresh=33,
        ca_pod_replicas=4,
    )
    assert sent(outcome) == wanted
    assert shown(world) == wanted
    assert outcome["changed"] is True
    assert {key: outcome["autoscale"][key] for key in wanted} == wanted


def test_each_option_sets_its_api_field(world):
    world.seed()
    outcome = run(
        world,
        enabled=True,
        min_node_count=2,
        max_node_count=3,
        scale_down_enabled=False,
        scale_down_unneeded_time=21,
        scale_down_utilization_threshold=22,
        scale_down_delay_after_add=23,
    )
    wanted = {
        "ca_enable": True,
        "ca_min_node_count": 2,
        "ca_max_node_count": 3,
        "ca_scale_down_enable": False,
        "ca_scale_down_unneeded_time": 21,
        "ca_scale_down_util_thresh": 22,
        "ca_scale_down_delay_after_add": 23,
        "ca_pod_replicas": 1,
    }
    assert sent(outcome) == wanted == shown(world)


def test_api_names_are_aliases(world):
    world.seed()
    outcome = run(
        world,
        ca_enable=True,
        ca_min_node_count=2,
        ca_max_node_count=3,
        ca_scale_down_enable=False,
        ca_scale_down_unneeded_time=21,
        ca_scale_down_util_thresh=22,
        ca_scale_down_delay_after_add=23,
    )
    assert outcome["actions"][0]["changes"] == {
        "enabled": {"before": False, "after": True},
        "min_node_count": {"before": 1, "after": 2},
        "max_node_count": {"before": 10, "after": 3},
        "scale_down_enabled": {"before": True, "after": False},
        "scale_down_unneeded_time": {"before": 10, "after": 21},
        "scale_down_utilization_threshold": {"before": 50, "after": 22},
        "scale_down_delay_after_add": {"before": 10, "after": 23},
    }
    assert run(world, enabled=True, min_node_count=2, scale_down_utilization_threshold=22)["changed"] is False


@pytest.mark.parametrize("enabled", [True, False])
def test_requested_enabled_value_is_always_sent(world, enabled):
    """A change of the limits must not turn the autoscaler on or off by the way (a known mistake of other clients)."""
    world.seed(labels={"ca_enable": str(enabled)})
    outcome = run(world, enabled=enabled, max_node_count=4)
    assert sent(outcome)["ca_enable"] is enabled
    assert outcome["actions"] == [{"action": "set_autoscale", "resource": RESOURCE, "changes": {"max_node_count": {"before": 10, "after": 4}}}]
    assert shown(world)["ca_enable"] is enabled


def test_disabling_keeps_the_limits(world):
    world.seed(labels={"ca_enable": "True", "ca_min_node_count": "2", "ca_max_node_count": "6", "ca_scale_down_enable": "False"})
    assert sent(run(world, enabled=False)) == dict(DEFAULTS, ca_min_node_count=2, ca_max_node_count=6, ca_scale_down_enable=False)


def test_node_group_is_found_by_name_and_by_uuid(world):
    world.seed(nodegroups=2)
    group = world.group("group-1")
    outcome = run(world, nodegroup="group-1", enabled=True)
    assert outcome["actions"][0]["resource"] == "cluster/demo/nodegroup/group-1"
    assert shown(world, "group-1")["ca_enable"] is True and shown(world)["ca_enable"] is False
    assert run(world, cluster=world.cluster().uuid, nodegroup=group.uuid, enabled=True)["changed"] is False
    outcome = run(world, cluster=world.cluster().uuid, nodegroup=group.uuid, enabled=False)
    assert outcome["actions"][0]["resource"] == "cluster/demo/nodegroup/group-1"


# -- no write where nothing changes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [{}, {"ca_enable": "True"}, {"ca_enable": "true"}, {"ca_enable": "FALSE"}])
def test_second_run_writes_nothing(world, labels):
    world.seed(labels=labels)
    given = {"enabled": True, "min_node_count": 1, "max_node_count": 4, "scale_down_unneeded_time": 15}
    assert run(world, **given)["changed"] is True
    again = run(world, **given)
    assert (again["changed"], again["actions"], again.writes) == (False, [], [])
    assert again["diff"] == {"before": {}, "after": {}}
    assert again["autoscale"]["ca_scale_down_unneeded_time"] == 15


def test_current_defaults_are_not_a_change(world):
    world.seed()
    assert run(world, enabled=False, min_node_count=1, max_node_count=10, scale_down_utilization_threshold=50).writes == []


def test_zero_counts_are_accepted_only_while_disabled(world):
    """With the autoscaler off the service takes and shows zeros as the counts."""
    world.seed(labels={"ca_min_node_count": "0", "ca_max_node_count": "0"})
    assert run(world, enabled=False).writes == []
    assert run(world, enabled=False, min_node_count=0, max_node_count=0).writes == []
    assert sent(run(world, enabled=False, scale_down_enabled=False))["ca_min_node_count"] == 0
    # They cannot be meant once it is on.
    text = refusal(world, enabled=True)
    assert text == "min_node_count: 0 is the current value, which is too small when the autoscaler is on; set min_node_count to 1 or more."
    assert refusal(world, enabled=True, max_node_count=3).startswith("min_node_count: 0")
    assert sent(run(world, enabled=True, min_node_count=1, max_node_count=3))["ca_max_node_count"] == 3


def test_check_mode(world):
    world.seed(labels={"ca_enable": "true"})
    given = {"enabled": False, "scale_down_delay_after_add": 30}
    before = shown(world)
    checked = run(world, check=True, **given)
    assert checked.writes == [] and shown(world) == before
    # What is there, not what would be.
    assert checked["autoscale"]["ca_enable"] is True
    real = run(world, **given)
    assert [checked[key] for key in ("changed", "actions", "diff")] == [real[key] for key in ("changed", "actions", "diff")]
    assert real["diff"] == {
        "before": {RESOURCE: {"enabled": True, "scale_down_delay_after_add": 10}},
        "after": {RESOURCE: {"enabled": False, "scale_down_delay_after_add": 30}},
    }


# -- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option, low, high",
    [
        ("scale_down_unneeded_time", 0, 1441),
        ("scale_down_utilization_threshold", 0, 101),
        ("scale_down_delay_after_add", 9, 1441),
    ],
)
@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("check", [True, False])
def test_times_and_threshold_out_of_range_are_rejected(world, option, low, high, enabled, check):
    world.seed()
    for value in (low, high):
        assert refusal(world, check, enabled=enabled, **{option: value}).startswith("%s: %d is out of range" % (option, value))
    for value in (low + 1, high - 1):
        assert run(world, check=True, enabled=enabled, **{option: value}).writes == []


@pytest.mark.parametrize("option", ["min_node_count", "max_node_count"])
@pytest.mark.parametrize("check", [True, False])
def test_too_small_counts_are_rejected(world, option, check):
    world.seed()
    assert refusal(world, check, enabled=True, **{option: 0}).startswith("%s: 0 is too small" % option)
    assert refusal(world, check, enabled=False, **{option: -1}).startswith("%s: -1 is too small" % option)


def test_max_node_count_rejected_by_the_service_is_reported(world):
    """The number of nodes is a quota, so the service is the judge of it."""
    world.seed()
    with pytest.raises(NksError) as caught:
        run(world, enabled=True, max_node_count=11)
    assert "ca_max_node_count" in caught.value.msg and caught.value.values["status_code"] == 400
    assert shown(world) == DEFAULTS


@pytest.mark.parametrize("check", [True, False])
def test_omitted_settings_are_sent_unchanged_even_if_out_of_range(world, check):
    """A delay below the documented range, which a creation takes, must not stop a task that does not name it."""
    world.seed()
    present = {"ca_enable": "True", "ca_scale_down_delay_after_add": "3", "ca_scale_down_unneeded_time": "0", "ca_max_node_count": "12"}
    world.group().labels.update(present)
    for given, label in (({"enabled": False}, "ca_enable"), ({"enabled": True, "min_node_count": 2}, "ca_min_node_count")):
        outcome = run(world, check, **given)
        assert outcome["changed"] is True
        if not check:
            body = sent(outcome)
            assert (body["ca_scale_down_delay_after_add"], body["ca_scale_down_unneeded_time"], body["ca_max_node_count"]) == (3, 0, 12)
            assert str(shown(world)[label]).lower() == str(body[label]).lower()
            assert run(world, **given)["changed"] is False
    # What is given is held to the range as before.
    assert refusal(world, check, enabled=True, scale_down_delay_after_add=4).startswith("scale_down_delay_after_add: 4 is out of range")


@pytest.mark.parametrize("check", [True, False])
def test_minimum_above_maximum_is_rejected(world, check):
    world.seed(labels={"ca_min_node_count": "3", "ca_max_node_count": "6"})
    assert refusal(world, check, enabled=True, min_node_count=5, max_node_count=4).startswith("min_node_count: 5 is more than max_node_count (4)")
    # Also where one of the two is the current value.
    assert refusal(world, check, enabled=True, min_node_count=7).startswith("min_node_count: 7 is more than max_node_count (6)")
    assert refusal(world, check, enabled=True, max_node_count=2).startswith("min_node_count: 3 is more than max_node_count (2)")
    assert refusal(world, check, enabled=False, max_node_count=2).startswith("min_node_count: 3 is more than max_node_count (2)")


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("check", [True, False])
def test_enabling_with_a_stopped_node_is_rejected(world, check, listed):
    """It cannot be turned on while a node is stopped; everything else can be changed."""
    world.set(stopped_nodes_listed=listed)
    world.seed()
    node = world.group().nodes[1]
    node.status = "SHUTOFF"
    text = refusal(world, check, enabled=True)
    assert node.name in text and world.group().nodes[0].name not in text and "nks_node" in text
    assert run(world, check, enabled=False, max_node_count=3)["changed"] is True


@pytest.mark.parametrize("check", [True, False])
def test_enabling_with_metric_based_autoscaler_on_is_rejected(world, check):
    """The two kinds exclude each other; turning this one off, or changing its limits, is none of the other's business."""
    world.seed(labels={"mba_scale_out": json.dumps({"enable": True, "rules": [{"metric": "GROUP_CPU_USAGE", "threshold": 70, "duration": 5}]})})
    text = refusal(world, check, enabled=True)
    assert text.startswith(RESOURCE + ": the cluster autoscaler cannot be turned on while the metric-based autoscaler is on (mba_scale_out)")
    assert "console" in text
    assert run(world, check, enabled=False, max_node_count=3)["changed"] is True


def test_stopped_nodes_of_another_group_are_ignored(world):
    world.seed(nodegroups=2)
    world.group("group-1").nodes[0].status = "SHUTOFF"
    assert run(world, enabled=True)["changed"] is True


def test_unknown_cluster_or_node_group_is_rejected(world):
    world.seed()
    assert refusal(world, cluster="nowhere", enabled=True) == "cluster: there is no cluster 'nowhere' in this region and project; there are: demo."
    assert refusal(world, nodegroup="nobody", enabled=True) == "nodegroup: cluster/demo has no node group 'nobody'; there are: default-worker."
    assert refusal(world, nodegroup="default-master", enabled=True).startswith("nodegroup: 'default-master' is the control plane")


def test_failed_cluster_warns_or_rejects_changes(world):
    cluster = world.seed()
    world.fail(cluster, "UPDATE_FAILED", group=world.group())
    again = run(world, enabled=False)
    assert again["changed"] is False and any("UPDATE_FAILED" in text for text in again["warnings"])
    assert "No valid host was found" in refusal(world, enabled=True)


# -- waiting ---------------------------------------------------------------------------------------------------------


def test_waits_until_the_new_setting_is_shown(world):
    """The service shows the state from before the request for a while."""
    world.set(stale_polls=4)
    world.seed()
    outcome = run(world, enabled=True, max_node_count=7)
    assert outcome["autoscale"]["ca_max_node_count"] == 7 and world.cluster().status == "UPDATE_COMPLETE"


def test_change_dropped_by_the_service_is_an_error(world):
    world.seed()
    world.fault(effect="drop_task", task="autoscale")
    with pytest.raises(NksError) as caught:
        run(world, enabled=True)
    assert "did not change to the requested value" in caught.value.msg and RESOURCE in caught.value.msg


def test_failed_change_is_reported_with_its_event(world):
    world.seed()
    world.fault(effect="fail_task", task="autoscale", reason="The autoscaler did not start", contents="Image pull failed")
    with pytest.raises(NksError) as caught:
        run(world, enabled=True)
    assert "The autoscaler did not start" in caught.value.msg and "Image pull failed" in caught.value.msg
    assert caught.value.values["event"]["type"] == "NODEGROUP_SET_CLUSTER_AUTOSCALER"


def test_waits_for_a_running_operation(world):
    cluster = world.seed()
    world.busy(cluster, "resize", 100.0)
    outcome = run(world, enabled=True)
    assert outcome["changed"] is True and outcome.clock.seconds > 100
    world.busy(cluster, "resize", 100.0)
    with pytest.raises(NksError) as caught:
        run(world, enabled=False, wait=False)
    assert "UPDATE_IN_PROGRESS" in caught.value.msg and caught.value.outcome.writes == []


def test_no_wait_returns_immediately(world):
    world.seed()
    outcome = run(world, enabled=True, wait=False)
    assert outcome["changed"] is True and outcome.clock.slept == [] and world.cluster().busy


# -- nks_autoscale_info ----------------------------------------------------------------------------------------------


def test_info(world):
    world.seed(nodegroups=2, labels={"ca_enable": "True", "ca_max_node_count": "7"})
    outcome = world.run(autoscale.INFO, {"cluster": "demo"})
    assert outcome["changed"] is False and outcome.writes == [] and "result" not in outcome.result
    assert {key: outcome["autoscale"][key] for key in DEFAULTS} == dict(DEFAULTS, ca_enable=True, ca_max_node_count=7)
    outcome = world.run(autoscale.INFO, {"cluster": "demo", "nodegroup": "group-1", "query": "ca_max_node_count"}, check=True)
    assert outcome["result"] == 7


def test_info_converts_text_values(world, monkeypatch):
    """Whatever form the values come in."""
    world.seed()
    values = {"ca_enable": "TRUE", "ca_max_node_count": "7", "ca_scale_down_util_thresh": " 50 ", "ca_image": "x"}
    monkeypatch.setattr(sys.modules["nks_simulator.wireform"], "autoscale", lambda group: values)
    assert world.run(autoscale.INFO, {"cluster": "demo"})["autoscale"] == {
        "ca_enable": True,
        "ca_max_node_count": 7,
        "ca_scale_down_util_thresh": 50,
        "ca_image": "x",
    }


def test_info_of_unknown_cluster_or_node_group_fails(world):
    world.seed()
    with pytest.raises(NksError, match="has no node group 'nobody'; there are: default-worker"):
        world.run(autoscale.INFO, {"cluster": "demo", "nodegroup": "nobody"})
    with pytest.raises(NksError, match="there is no cluster 'nowhere'"):
        world.run(autoscale.INFO, {"cluster": "nowhere"})


def test_info_does_not_wait_for_a_busy_cluster(world):
    """Reading needs no idle cluster."""
    cluster = world.seed()
    world.busy(cluster, "resize", 100.0)
    assert world.run(autoscale.INFO, {"cluster": "demo"}).clock.slept == []
