# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to a cluster after its creation: service gateways, CNI, upgrades."""

from __future__ import annotations

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError

GATEWAYS = {name: "a5000000-0101-4000-8000-%012d" % number for number, name in enumerate(("demo-ncr", "demo-obs", "demo-ncr-2", "demo-obs-2"), 1)}


def refusal(world, check=False, **given):
    """The text with which nks_cluster fails, having written nothing."""
    with pytest.raises(NksError) as caught:
        world.nks_cluster(check=check, **given)
    assert caught.value.outcome.writes == []
    return caught.value.msg


def same(checked, real):
    """Check mode told what the real run did, and wrote nothing."""
    assert checked.writes == []
    for key in ("changed", "actions", "diff"):
        assert checked[key] == real[key]
    return True


def unchanged(outcome):
    return (outcome["changed"], outcome["actions"], outcome.writes) == (False, [], [])


# -- service gateways ------------------------------------------------------------------------------------------------


def with_gateways(world):
    return world.seed(labels={"ncr_sgw": GATEWAYS["demo-ncr"], "obs_sgw": GATEWAYS["demo-obs"]})


@pytest.mark.parametrize(
    "given, ncr, obs",
    [
        ({"ncr_sgw": "demo-ncr-2"}, "demo-ncr-2", "demo-obs"),
        ({"obs_sgw": "demo-obs-2"}, "demo-ncr", "demo-obs-2"),
        ({"ncr_sgw": "demo-ncr-2", "obs_sgw": GATEWAYS["demo-obs-2"]}, "demo-ncr-2", "demo-obs-2"),
        ({"ncr_sgw": "demo-ncr-2", "obs_sgw": "demo-obs"}, "demo-ncr-2", "demo-obs"),
    ],
)
def test_both_gateways_are_sent(world, given, ncr, obs):
    cluster = with_gateways(world)
    checked = world.nks_cluster(check=True, **given)
    outcome = world.nks_cluster(**given)
    assert same(checked, outcome)
    assert outcome.wrote == ["POST /clusters/*/actions/update_sgw"]
    assert outcome.writes[0]["body"] == {"ncr_sgw": GATEWAYS[ncr], "obs_sgw": GATEWAYS[obs]}
    assert outcome.actions == ["update_service_gateways"] and outcome["actions"][0]["resource"] == "cluster/demo"
    # Only what differs is a change.
    differing = {option: name for option, name, old in (("ncr_sgw", ncr, "demo-ncr"), ("obs_sgw", obs, "demo-obs")) if name != old}
    # In the user's own words: names where there was a name.
    told = {option: GATEWAYS if given[option] in GATEWAYS.values() else {name: name for name in GATEWAYS} for option in differing}
    assert outcome["actions"][0]["changes"] == {
        option: {"before": told[option][{"ncr_sgw": "demo-ncr", "obs_sgw": "demo-obs"}[option]], "after": told[option][name]}
        for option, name in differing.items()
    }
    assert (cluster.labels["ncr_sgw"], cluster.labels["obs_sgw"]) == (GATEWAYS[ncr], GATEWAYS[obs])
    assert unchanged(world.nks_cluster(**given))


def test_matching_gateways_are_not_a_change(world):
    with_gateways(world)
    assert unchanged(world.nks_cluster(ncr_sgw="demo-ncr", obs_sgw=GATEWAYS["demo-obs"].upper()))


@pytest.mark.parametrize("labels", [{}, {"ncr_sgw": "", "obs_sgw": ""}])
@pytest.mark.parametrize("check", [True, False])
def test_gateways_cannot_be_added_after_creation(world, labels, check):
    world.seed(labels=labels)
    text = refusal(world, check, ncr_sgw="demo-ncr", obs_sgw="demo-obs")
    assert "ncr_sgw" in text and "obs_sgw" in text and "created with them" in text


@pytest.mark.parametrize("check", [True, False])
def test_gateway_update_requires_both_gateways(world, check):
    world.seed(labels={"ncr_sgw": GATEWAYS["demo-ncr"]})
    text = refusal(world, check, ncr_sgw="demo-ncr-2")
    assert text.startswith("obs_sgw: ") and "both" in text


def test_unknown_gateway_is_rejected(world):
    with_gateways(world)
    assert refusal(world, ncr_sgw="nothing").startswith("ncr_sgw: there is no service gateway 'nothing'; there are: ")


# -- CNI -------------------------------------------------------------------------------------------------------------

CNI = {"cni": "calico", "pods_network_cidr": "10.110.0.0/16", "pods_network_subnet": 25}


def with_flannel(world):
    return world.seed(labels={"cni_driver": "flannel"})


def test_cni_change_from_flannel_to_calico(world):
    cluster = with_flannel(world)
    given = dict(CNI, num_buffer_nodes=0, num_max_unavailable_nodes=2)
    checked = world.nks_cluster(check=True, **given)
    outcome = world.nks_cluster(**given)
    assert same(checked, outcome)
    assert outcome.wrote == ["POST /clusters/*/actions/cni_update"]
    body = dict(outcome.writes[0]["body"])
    assert int(body.pop("pod_subnet")) == 25
    assert body == {"cni": "calico", "pod_cidr": "10.110.0.0/16", "num_buffer_nodes": 0, "num_max_unavailable_nodes": 2}
    assert outcome["actions"][0]["changes"] == {
        "cni": {"before": "flannel", "after": "calico"},
        "pods_network_cidr": {"before": "10.100.0.0/16", "after": "10.110.0.0/16"},
        "pods_network_subnet": {"before": 24, "after": 25},
    }
    assert (outcome.actions, cluster.labels["cni_driver"], cluster.labels["pods_network_cidr"]) == (["update_cni"], "calico", "10.110.0.0/16")
    assert unchanged(world.nks_cluster(**given))


@pytest.mark.parametrize("check", [True, False])
def test_cni_change_requires_pod_network(world, check):
    with_flannel(world)
    assert refusal(world, check, cni="calico").startswith("pods_network_cidr: it is needed to change the CNI")
    assert refusal(world, check, cni="calico", pods_network_subnet=25).startswith("pods_network_cidr: it is needed to change the CNI")


@pytest.mark.parametrize("present", ["flannel", "calico"])
@pytest.mark.parametrize("check", [True, False])
def test_cni_change_to_calico_ebpf_is_rejected(world, present, check):
    world.seed(labels={"cni_driver": present})
    text = refusal(world, check, cni="calico-ebpf", pods_network_cidr="10.110.0.0/16")
    assert "cni is '%s' and cannot be changed to 'calico-ebpf'" % present in text


@pytest.mark.parametrize("check", [True, False])
def test_pod_network_cannot_change_without_cni(world, check):
    world.seed()
    text = refusal(world, check, pods_network_cidr="10.110.0.0/16", cni="calico")
    assert "pods_network_cidr: current '10.100.0.0/16', requested '10.110.0.0/16'" in text and "cannot be changed after creation" in text


def test_removed_cni_operation_is_reported(world):
    """It was removed in 2025; then the refusal is told as it is."""
    with_flannel(world)
    world.set(cni_removed=True)
    with pytest.raises(NksError) as caught:
        world.nks_cluster(**CNI)
    assert caught.value.values["status_code"] == 404 and caught.value.outcome.wrote == ["POST /clusters/*/actions/cni_update"]
    assert caught.value.msg.startswith("Could not change the CNI of cluster ") and "could not be found" in caught.value.msg


# -- upgrades --------------------------------------------------------------------------------------------------------


def standing(world):
    """The versions: control plane first, then the groups in their order."""
    cluster = world.cluster()
    return [cluster.version] + [group.version for group in cluster.nodegroups.values()]


def steps(outcome):
    """The upgrades told: (resource without the cluster, before, after)."""
    assert set(outcome.actions) <= {"upgrade"}
    return [
        (
            action["resource"].replace("cluster/demo/nodegroup/", "").replace("cluster/demo", "control plane"),
            action["changes"]["kubernetes_version"]["before"],
            action["changes"]["kubernetes_version"]["after"],
        )
        for action in outcome["actions"]
    ]


def upgrades(world, outcome):
    """The upgrades sent: (group's name, body)."""
    names = {group.uuid: group.name for group in world.cluster().nodegroups.values()}
    assert all(entry["path"].endswith("/upgrade") for entry in outcome.writes)
    return [(names.get(entry["path"].split("/")[-2], entry["path"].split("/")[-2]), entry["body"]) for entry in outcome.writes]


WHOLE_WAY = [
    ("control plane", "v1.31.4", "v1.32.3"),
    ("default-worker", "v1.31.4", "v1.32.3"),
    ("group-1", "v1.31.4", "v1.32.3"),
    ("group-2", "v1.31.4", "v1.32.3"),
    ("control plane", "v1.32.3", "v1.33.4"),
    ("default-worker", "v1.32.3", "v1.33.4"),
    ("group-1", "v1.32.3", "v1.33.4"),
    ("group-2", "v1.32.3", "v1.33.4"),
]


def test_control_plane_is_upgraded_one_minor_version(world):
    world.seed(nodegroups=2)
    given = {"kubernetes_version": "v1.32.3"}
    checked = world.nks_cluster(check=True, **given)
    outcome = world.nks_cluster(**given)
    assert same(checked, outcome)
    assert steps(outcome) == [("control plane", "v1.31.4", "v1.32.3")]
    assert upgrades(world, outcome) == [("default-master", {"version": "v1.32.3"})]
    assert standing(world) == ["v1.32.3", "v1.31.4", "v1.31.4"]
    assert outcome["cluster"]["labels"]["kube_tag"] == "v1.32.3"
    # The groups behind are none of its business.
    assert unchanged(world.nks_cluster(**given))


@pytest.mark.parametrize("check", [True, False])
def test_control_plane_upgrade_of_two_versions_is_rejected(world, check):
    world.seed()
    text = refusal(world, check, kubernetes_version="v1.33.4")
    assert "2 steps" in text and "v1.32.3, v1.33.4" in text and "upgrade to all" in text


@pytest.mark.parametrize("check", [True, False])
def test_control_plane_upgrade_with_outdated_groups_is_rejected(world, check):
    cluster = world.seed(nodegroups=2)
    cluster.version = cluster.master.version = "v1.32.3"
    world.group("group-1").version = "v1.32.3"
    text = refusal(world, check, kubernetes_version="v1.33.4")
    assert "default-worker (v1.31.4)" in text and "group-1" not in text and "nks_nodegroup" in text


def test_full_upgrade_path(world):
    world.seed(nodegroups=3)
    given = {"kubernetes_version": "v1.33.4", "upgrade": "all"}
    checked = world.nks_cluster(check=True, **given)
    outcome = world.nks_cluster(**given)
    assert same(checked, outcome) and steps(outcome) == WHOLE_WAY
    assert [(name.replace("default-master", "control plane"), body["version"]) for name, body in upgrades(world, outcome)] == [
        (name, after) for name, _before, after in WHOLE_WAY
    ]
    assert standing(world) == ["v1.33.4"] * 4 and world.cluster().status == "UPDATE_COMPLETE"
    assert outcome["diff"]["before"]["cluster/demo"] == {"kubernetes_version": "v1.31.4"}
    assert outcome["diff"]["after"]["cluster/demo"] == {"kubernetes_version": "v1.33.4"}
    assert unchanged(world.nks_cluster(**given))


def test_upgrade_all_includes_outdated_groups(world):
    """Left by a former run, or by upgrade: control_plane."""
    cluster = world.seed(nodegroups=3)
    cluster.version = cluster.master.version = world.group("group-1").version = "v1.32.3"
    given = {"kubernetes_version": "v1.32.3", "upgrade": "all"}
    outcome = world.nks_cluster(**given)
    assert steps(outcome) == [("default-worker", "v1.31.4", "v1.32.3"), ("group-2", "v1.31.4", "v1.32.3")]
    assert standing(world) == ["v1.32.3"] * 4
    assert unchanged(world.nks_cluster(**given))


@pytest.mark.parametrize("done", range(8))
def test_upgrade_resumes_after_failed_step(world, done):
    """A step fails; whoever heals the cluster runs the task again, and it does just the rest."""
    world.seed(nodegroups=3)
    given = {"kubernetes_version": "v1.33.4", "upgrade": "all"}
    world.fault(effect="fail_task", task="upgrade", skip=done, reason="A node did not drain", contents="PodDisruptionBudget web")
    with pytest.raises(NksError) as caught:
        world.nks_cluster(**given)
    assert "A node did not drain" in caught.value.msg and "PodDisruptionBudget web" in caught.value.msg
    # The step that failed is tried again. Where the service does not accept that, nothing can be done until the cluster is healed.
    with pytest.raises(NksError) as caught:
        world.nks_cluster(**given)
    assert "A node did not drain" in caught.value.msg and [entry["status"] for entry in caught.value.outcome.writes] == [400]
    for thing in [world.cluster(), *world.cluster().groups_with_master()]:
        thing.status, thing.status_reason = "UPDATE_COMPLETE", None
    checked = world.nks_cluster(check=True, **given)
    outcome = world.nks_cluster(**given)
    assert same(checked, outcome) and steps(outcome) == WHOLE_WAY[done:]
    assert len(outcome.writes) == len(WHOLE_WAY) - done
    assert standing(world) == ["v1.33.4"] * 4
    assert unchanged(world.nks_cluster(**given))


@pytest.mark.parametrize("done", [0, 1, 4, 7])
def test_upgrade_resumes_after_rejected_request(world, done):
    world.seed(nodegroups=3)
    given = {"kubernetes_version": "v1.33.4", "upgrade": "all"}
    world.fault(effect="status", status=403, method="POST", path="/upgrade$", skip=done)
    with pytest.raises(NksError) as caught:
        world.nks_cluster(**given)
    assert caught.value.values["status_code"] == 403
    outcome = world.nks_cluster(**given)
    assert steps(outcome) == WHOLE_WAY[done:] and standing(world) == ["v1.33.4"] * 4


@pytest.mark.parametrize("done", [0, 3, 4])
def test_upgrade_resumes_after_timeout(world, monkeypatch, done):
    """The step that took too long is waited for and not sent again."""
    world.seed(nodegroups=3)
    given = {"kubernetes_version": "v1.33.4", "upgrade": "all", "wait_interval": 20}
    begun, begin = [], world.cloud.begin

    def begin_slowly(*args, **options):
        begun.append(args[1])
        world.set(task_seconds=200.0 if len(begun) == done + 1 else 25.0)
        return begin(*args, **options)

    monkeypatch.setattr(world.cloud, "begin", begin_slowly)
    with pytest.raises(NksError) as caught:
        world.nks_cluster(wait_timeout=100, **given)
    assert "Timed out after 100 s" in caught.value.msg and len(begun) == done + 1
    outcome = world.nks_cluster(**given)
    assert steps(outcome) == WHOLE_WAY[done + 1 :] and begun == ["upgrade"] * 8
    assert standing(world) == ["v1.33.4"] * 4


@pytest.mark.parametrize("buffer, unavailable", [(0, 1), (2, None), (None, 2), (0, None), (None, None)])
def test_buffer_and_unavailable_nodes(world, buffer, unavailable):
    """0 buffer nodes is a value. The control plane's nodes are the service's own."""
    world.seed(nodegroups=2)
    knobs = {"num_buffer_nodes": buffer, "num_max_unavailable_nodes": unavailable}
    given = {key: value for key, value in knobs.items() if value is not None}
    outcome = world.nks_cluster(kubernetes_version="v1.32.3", upgrade="all", **given)
    assert upgrades(world, outcome) == [
        ("default-master", {"version": "v1.32.3"}),
        ("default-worker", dict(given, version="v1.32.3")),
        ("group-1", dict(given, version="v1.32.3")),
    ]


@pytest.mark.parametrize("option, value", [("num_buffer_nodes", -1), ("num_max_unavailable_nodes", 0)])
def test_too_few_buffer_or_unavailable_nodes_are_rejected(world, option, value):
    world.seed()
    assert refusal(world, kubernetes_version="v1.32.3", upgrade="all", **{option: value}).startswith("%s: %d is too small" % (option, value))


@pytest.mark.parametrize("count", [3, 5])
def test_changes_at_node_quota_leave_room_for_buffer_node(world, count):
    world.seed(nodes=4)
    world.set(quota_nodes=max(4, count))
    given = {"node_count": count, "flavor": "r2.c4m32", "kubernetes_version": "v1.32.3", "upgrade": "all", "num_buffer_nodes": 1}
    checked = world.nks_cluster(check=True, **given)
    outcome = world.nks_cluster(**given)
    assert same(checked, outcome) and len(world.group().nodes) == count


@pytest.mark.parametrize("check", [True, False])
def test_flavor_change_rejects_too_many_unavailable_nodes(world, check):
    """Refused before the script is changed, not when the flavor's turn comes."""
    world.seed()
    message = refusal(world, check=check, user_script="#!/bin/sh\n", flavor="m2.c2m4", num_max_unavailable_nodes=3)
    assert message.startswith("num_max_unavailable_nodes: 3 is more than the 2 nodes of cluster/demo/nodegroup/default-worker; use 2 or less")


@pytest.mark.parametrize("check", [True, False])
def test_upgrade_rejects_too_many_unavailable_nodes(world, check):
    """Refused before the control plane is upgraded, not when the group's turn comes."""
    world.seed(nodegroups=2)
    message = refusal(world, check=check, kubernetes_version="v1.32.3", upgrade="all", num_max_unavailable_nodes=3)
    assert message.startswith("num_max_unavailable_nodes: 3 is more than the 2 nodes of cluster/demo/nodegroup/default-worker; use 2 or less")


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("check", [True, False])
def test_upgrade_with_stopped_node_is_rejected_before_first_step(world, check, listed):
    """Refused before the first step, not in the middle of the way."""
    world.set(stopped_nodes_listed=listed)
    world.seed(nodegroups=3)
    node = world.group("group-2").nodes[1]
    node.status = "SHUTOFF"
    text = refusal(world, check, kubernetes_version="v1.33.4", upgrade="all")
    assert node.name in text and "group-2" in text and "nks_node" in text
    # The control plane's own step needs no started nodes of others.
    assert world.nks_cluster(check=check, kubernetes_version="v1.32.3")["changed"] is True


def test_stopped_node_of_up_to_date_group_is_ignored(world):
    cluster = world.seed(nodegroups=2)
    cluster.version = cluster.master.version = world.group("group-1").version = "v1.32.3"
    world.group("group-1").nodes[0].status = "SHUTOFF"
    assert steps(world.nks_cluster(kubernetes_version="v1.32.3", upgrade="all")) == [("default-worker", "v1.31.4", "v1.32.3")]


@pytest.mark.parametrize("check", [True, False])
def test_missing_intermediate_version_is_rejected(world, check):
    world.seed()
    world.set(supported_versions={"v1.31.4": True, "v1.33.4": True})
    text = refusal(world, check, kubernetes_version="v1.33.4", upgrade="all")
    assert text.startswith("kubernetes_version: 'v1.33.4' cannot be reached from v1.31.4")


def test_intermediate_version_may_be_unavailable_for_creation(world):
    """False in the list of versions is about new clusters; the service upgrades to that version all the same."""
    world.seed(version="v1.30.3")
    world.set(supported_versions={"v1.30.3": False, "v1.31.4": True, "v1.32.3": False, "v1.33.4": True})
    given = {"kubernetes_version": "v1.33.4", "upgrade": "all"}
    checked = world.nks_cluster(check=True, **given)
    outcome = world.nks_cluster(**given)
    assert same(checked, outcome)
    assert [after for name, _before, after in steps(outcome) if name == "control plane"] == ["v1.31.4", "v1.32.3", "v1.33.4"]
    assert standing(world) == ["v1.33.4"] * 2


def test_upgrade_path_uses_newest_patch_version(world):
    world.seed()
    world.set(supported_versions={"v1.31.4": True, "v1.32.3": True, "v1.32.10": True, "v1.32.9": True, "v1.33.4": True})
    outcome = world.nks_cluster(kubernetes_version="v1.33.4", upgrade="all")
    assert [after for name, _before, after in steps(outcome) if name == "control plane"] == ["v1.32.10", "v1.33.4"]
    assert standing(world) == ["v1.33.4"] * 2


@pytest.mark.parametrize("mode", ["control_plane", "all"])
@pytest.mark.parametrize("check", [True, False])
def test_invalid_versions_are_rejected(world, mode, check):
    world.seed()
    text = refusal(world, check, kubernetes_version="v1.30.3", upgrade=mode)
    assert text.startswith("kubernetes_version: 'v1.30.3' is below v1.31.4") and "downgrade" in text
    text = refusal(world, check, kubernetes_version="v1.35.0", upgrade=mode)
    assert text.startswith("kubernetes_version: 'v1.35.0' is not a version that NKS supports") and "v1.33.4" in text
    text = refusal(world, check, kubernetes_version="1.32", upgrade=mode)
    assert text.startswith("kubernetes_version: '1.32' is not a version in the form that NKS uses")


def test_versions_are_compared_as_numbers(world):
    world.seed(version="v1.9.3")
    world.set(supported_versions={"v1.9.3": False, "v1.10.1": True})
    assert steps(world.nks_cluster(kubernetes_version="v1.10.1")) == [("control plane", "v1.9.3", "v1.10.1")]


@pytest.mark.parametrize("version", ["v1.33.4", "v1.30.3", "v1.99.0"])
def test_upgrade_set_to_never_only_warns(world, version):
    world.seed()
    outcome = world.nks_cluster(kubernetes_version=version, upgrade="never")
    assert unchanged(outcome) and any("v1.31.4" in text and version in text and "never" in text for text in outcome["warnings"])
    # Which costs no look at node groups and versions.
    assert outcome.reads("/supports") == [] and outcome.reads(".*/nodegroups") == []
    assert world.nks_cluster(kubernetes_version="v1.31.4", upgrade="never")["warnings"] == []


def test_upgrade_succeeds_with_autoscaler_enabled(world):
    """The service pauses it meanwhile."""
    world.seed(labels={"ca_enable": "True"})
    world.nks_cluster(kubernetes_version="v1.32.3", upgrade="all")
    assert standing(world) == ["v1.32.3"] * 2


def test_upgrade_with_other_changes(world):
    """In one order, the same in check mode; the second run finds nothing."""
    with_gateways(world)
    given = {"kubernetes_version": "v1.32.3", "upgrade": "all", "node_count": 3, "ncr_sgw": "demo-ncr-2", "user_script": "#!/bin/sh\n", "flavor": "r2.c4m32"}
    checked = world.nks_cluster(check=True, **given)
    outcome = world.nks_cluster(**given)
    assert same(checked, outcome)
    assert outcome.actions == ["change_user_script", "update_service_gateways", "upgrade", "upgrade", "change_flavor", "resize"]
    assert unchanged(world.nks_cluster(**given))


def test_each_upgrade_step_waits_for_previous_one(world):
    world.set(stale_polls=3, busy_status=409)
    world.seed(nodegroups=2)
    outcome = world.nks_cluster(kubernetes_version="v1.33.4", upgrade="all")
    # None was sent twice, for none met a busy cluster.
    assert [entry["status"] for entry in outcome.writes] == [202] * 6 and standing(world) == ["v1.33.4"] * 3


def test_wait_false_skips_waiting_only_for_last_step(world):
    world.seed(nodegroups=2)
    outcome = world.nks_cluster(kubernetes_version="v1.32.3", upgrade="all", wait=False)
    assert len(outcome.writes) == 3 and world.cluster().busy and world.group("group-1").version == "v1.31.4"
    assert outcome.clock.seconds < 120


# -- nks_nodegroup ---------------------------------------------------------------------------------------------------


def behind(world):
    cluster = world.seed(nodegroups=2)
    cluster.version = cluster.master.version = "v1.32.3"
    return cluster


def test_node_group_upgrade(world):
    behind(world)
    given = {"name": "group-1", "kubernetes_version": "v1.32.3", "num_buffer_nodes": 0, "num_max_unavailable_nodes": 2}
    checked = world.nks_nodegroup(check=True, **given)
    outcome = world.nks_nodegroup(**given)
    assert same(checked, outcome) and steps(outcome) == [("group-1", "v1.31.4", "v1.32.3")]
    assert upgrades(world, outcome) == [("group-1", {"version": "v1.32.3", "num_buffer_nodes": 0, "num_max_unavailable_nodes": 2})]
    assert standing(world) == ["v1.32.3", "v1.31.4", "v1.32.3"]
    assert outcome["nodegroup"]["labels"]["kube_tag"] == "v1.32.3"
    assert unchanged(world.nks_nodegroup(**given))


@pytest.mark.parametrize(
    "version, text",
    [
        ("v1.33.4", "kubernetes_version: 'v1.33.4' is not the version of the control plane (v1.32.3)"),
        ("v1.30.3", "kubernetes_version: 'v1.30.3' is below v1.31.4"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_invalid_node_group_version_is_rejected(world, version, text, check):
    behind(world)
    with pytest.raises(NksError) as caught:
        world.nks_nodegroup(check=check, name="group-1", kubernetes_version=version)
    assert caught.value.msg.startswith(text) and caught.value.outcome.writes == []


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("check", [True, False])
def test_stopped_node_blocks_node_group_upgrade(world, check, listed):
    world.set(stopped_nodes_listed=listed)
    behind(world)
    node = world.group("group-1").nodes[0]
    node.status = "SHUTOFF"
    with pytest.raises(NksError) as caught:
        world.nks_nodegroup(check=check, name="group-1", kubernetes_version="v1.32.3")
    assert node.name in caught.value.msg and caught.value.outcome.writes == []
    # Where the version is right already, they are no matter.
    world.group("group-1").version = "v1.32.3"
    assert unchanged(world.nks_nodegroup(check=check, name="group-1", kubernetes_version="v1.32.3"))


def test_failed_node_group_upgrade_reports_event(world):
    behind(world)
    world.fault(effect="fail_task", task="upgrade", reason="A node did not drain", contents="PodDisruptionBudget web")
    with pytest.raises(NksError) as caught:
        world.nks_nodegroup(name="group-1", kubernetes_version="v1.32.3")
    assert "A node did not drain" in caught.value.msg and "PodDisruptionBudget web" in caught.value.msg
    assert caught.value.values["event"]["type"] == "NODEGROUP_UPGRADE"
