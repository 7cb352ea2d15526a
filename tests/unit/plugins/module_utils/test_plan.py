# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``plan``: present + wanted -> actions, without any request; and that one state has one plan in whatever form it comes."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import ClusterSpec, NodegroupSpec, Observed, ObservedNodegroup, Policy
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import creation, plan, upgrade
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import Plan, digest, group_resource, named
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.values import NETWORK, SUBNET, SUBNETS, VALUES, A, B, C

GROUP = "50000000-0000-4000-8000-000000000001"


def shown(resource, values):
    """A resource as the service shows it, with values of the table at their paths: all labels are texts.

    :param values: path ("flavor_id", "labels.kube_tag") -> the form on the wire.
    """
    for path, value in values.items():
        head, _dot, label = path.partition(".")
        if label:
            resource["labels"][label] = value if isinstance(value, str) else json.dumps(value)
        else:
            resource[head] = value
    return resource


#: A cluster and its first node group as the public cloud shows them. The cluster keeps some of what its first group was created with.
CLUSTER = shown(
    {
        "uuid": "60000000-0000-4000-8000-000000000001",
        "name": "demo",
        "status": "CREATE_COMPLETE",
        "flavor_id": A,
        "node_count": 2,
        "labels": {
            "additional_network_id_list": "",
            "additional_subnet_id_list": "",
            "availability_zone": "kr-pub-a",
            "cert_manager_api": "True",
            "kube_tag": "v1.31.4",
            "node_image": B,
            "upgradable_kube_versions": '["v1.32.3"]',
            "k8s_args": '{"kubelet": {"maxPods": 110}}',
        },
    },
    {entry.path: entry.wire for entry in VALUES.values() if not entry.group},
)
WORKER = shown(
    {
        "uuid": GROUP,
        "name": "default-worker",
        "status": "CREATE_COMPLETE",
        "labels": {
            "ca_enable": "false",
            "ca_max_node_count": "10",
            "ca_min_node_count": "1",
            "ca_pod_replicas": "1",
            "ca_scale_down_delay_after_add": "10",
            "ca_scale_down_enable": "true",
            "ca_scale_down_unneeded_time": "10",
            "ca_scale_down_util_thresh": "50",
            "node_image": B,
            "node_list": "%s:%s" % (A, B),
            "requested_node_count": "2",
            "fip_auto_bind_enable": "true",
        },
    },
    {entry.group: entry.wire for entry in VALUES.values() if entry.group},
)

#: Option values that mean just the state above; the texts of a playbook in some other spelling.
SAME = {
    **{option: entry.value if entry.same is None else entry.same for option, entry in VALUES.items()},
    "autoscale": {"enabled": False, "min_node_count": 1, "max_node_count": 10, "scale_down_enabled": True, "scale_down_utilization_threshold": 50},
    "labels": {"fip_auto_bind_enable": True, "k8s_args": {"kubelet": {"maxPods": 110}}, "cert_manager_api": "true"},
}

#: For each option that is fixed at creation another value.
OTHER = {option: entry.other for option, entry in VALUES.items() if entry.other is not None}

VERSIONS = [{"version": "v1.%d.3" % number, "available": True} for number in range(28, 36)] + [{"version": "v1.31.4", "available": True}]


def changed(resource, labels=(), **more):
    """A copy with other fields and labels; None takes a label away."""
    copied = json.loads(json.dumps(dict(resource, **more)))
    copied["labels"].update(dict(labels))
    copied["labels"] = {name: value for name, value in copied["labels"].items() if value is not None}
    return copied


class Recorder:
    """An API that answers which method was called, with what besides the UUID of the cluster."""

    def __getattr__(self, method):
        return lambda _ref, *args: (method, args)


def call(operation):
    """The request of an operation: the method of the API, and its arguments."""
    return operation.send(Recorder(), "the cluster")


def body(operation):
    """The body of a creation."""
    sent = []
    recorder = type("Recorder", (), {name: lambda _self, *args: sent.append(args) for name in ("create_cluster", "create_nodegroup")})()
    operation.send(recorder, "the cluster")
    return sent[0][-2]


def for_cluster(wanted, cluster=None, worker=None, groups=(), autoscale=None, upgrade="control_plane", immutable="fail", versions=VERSIONS, rolling=(), **more):
    """The plan for a cluster, from replies as the service sends them."""
    group = wire.resource(worker or WORKER)
    settings = wire.autoscale_of(group) if autoscale is None else wire.autoscale(autoscale)
    typed = wire.resource(cluster or CLUSTER)
    observed = Observed(typed, {"default-worker": ObservedNodegroup(group, settings)}, list(groups), versions, **more)
    return plan.plan(ClusterSpec(typed["name"], options=wanted), observed, Policy(immutable, upgrade, **dict(rolling)))


def for_group(wanted, cluster=None, group=None, immutable="fail", stopped=(), versions=(), rolling=()):
    """The plan for a node group."""
    typed = dict(wire.resource(group or WORKER), stopped=list(stopped))
    above = wire.resource(cluster or CLUSTER)
    observed = Observed(above, {typed["name"]: ObservedNodegroup(typed, wire.autoscale_of(typed))}, versions=list(versions))
    desired = ClusterSpec(above["name"], nodegroups=(NodegroupSpec(typed["name"], options=wanted),))
    return plan.plan(desired, observed, Policy(immutable, **dict(rolling)))


def steps(todo):
    return [action.name for action in todo.operations]


def differences(todo):
    return [(action.name, action.resource, action.changes) for action in todo.operations]


# -- the same state --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", sorted(SAME))
def test_option_matching_current_state_is_not_a_change(option):
    todo = for_cluster({option: SAME[option]})
    assert differences(todo) == [] and todo.warnings == []


def test_matching_values_cover_every_option():
    assert set(SAME) == {field.option for field in rows.CLUSTER.values()} | {"autoscale", "labels"}


def spellings(draw, name, value, label):
    """A legal form of one value of the wire: case, order, strings for numbers, JSON text or not (observed)."""
    kind = (wire.LABELS if label else wire.FIELDS).get(name)
    if name == "external_subnet_id_list":
        items = draw(st.permutations(value.split(":")))
        return ":".join(items)
    if kind == "bool":
        truth = str(value).lower() == "true"
        return draw(st.sampled_from([str(truth), str(truth).lower(), str(truth).upper(), " %s " % truth, truth]))
    if kind == "int":
        return draw(st.sampled_from([int(value), str(value), " %s" % value, float(value)]))
    if kind == "json":
        plain = json.loads(value)
        if name == "extra_security_groups":
            for item in plain:
                item["security_group_ids"] = ",".join(draw(st.permutations(item["security_group_ids"].split(","))))
        if name == "extra_volumes":
            for item in plain:
                item["volume_size"] = draw(st.sampled_from([item["volume_size"], str(item["volume_size"])]))
                item.update(draw(st.sampled_from([{}, {"volume_encryption": ""}])))
                if "volume_mount_path" not in item:
                    # Filled in by the service where none was given.
                    item.update(draw(st.sampled_from([{}, {"volume_mount_path": ""}, {"volume_mount_path": "/mnt/vol"}])))
            plain = draw(st.permutations(plain))
        return draw(st.sampled_from([plain, json.dumps(plain), json.dumps(plain, indent=2), " " + json.dumps(plain, sort_keys=True)]))
    if name in ("flavor_id", "image_id", "fixed_network", "fixed_subnet", "node_image", "external_network_id", "ncr_sgw", "obs_sgw"):
        return draw(st.sampled_from([value, value.upper(), value.replace("-", "")]))
    return value


@st.composite
def legal_forms(draw, resource):
    """The same resource in another legal form, with labels that nobody asked for, in another order."""
    form = {name: spellings(draw, name, value, False) for name, value in resource.items() if name != "labels"}
    labels = {name: spellings(draw, name, value, True) for name, value in resource["labels"].items()}
    labels.update(draw(st.dictionaries(st.sampled_from(["platform_version", "ca_image", "new_label"]), st.sampled_from(["", "1.202608.0", "[]"]))))
    names = list(labels)
    random.Random(draw(st.integers(0, 9))).shuffle(names)
    form["labels"] = {name: labels[name] for name in names}
    return form


EXAMPLES = settings(max_examples=60, deadline=None, database=None, derandomize=True)


@EXAMPLES
@given(cluster=legal_forms(CLUSTER), worker=legal_forms(WORKER))
def test_equivalent_representation_is_not_a_change(cluster, worker):
    todo = for_cluster(SAME, cluster, worker)
    assert differences(todo) == [] and todo.warnings == []


@EXAMPLES
@given(worker=legal_forms(WORKER), cluster=legal_forms(CLUSTER))
def test_equivalent_representations_give_the_same_plan(cluster, worker):
    wanted = {
        "node_count": 4,
        "flavor": C,
        "user_script": "#!/bin/sh\n",
        "autoscale": {"enabled": True, "max_node_count": 5},
        "ncr_sgw": C,
        "kubernetes_version": "v1.32.3",
        "boot_volume_size": 70,
    }
    plain = for_cluster(wanted, immutable="warn")
    todo = for_cluster(wanted, cluster, worker, immutable="warn")
    assert differences(todo) == differences(plain)
    # 4 and 4.0 are equal, but not the same in JSON.
    assert digest(todo.report()) == digest(plain.report())
    assert todo.warnings == plain.warnings
    assert len(plain.operations) == 5


@pytest.mark.parametrize("present", ["", None], ids=["empty", "not there"])
def test_missing_user_script_equals_empty_script(present):
    worker = changed(WORKER, {"user_script_v2": present})
    assert for_cluster({"user_script": ""}, worker=worker).operations == []
    action = for_cluster({"user_script": "#!/bin/sh\n"}, worker=worker).operations[0]
    assert action.changes == {"user_script": ("", "#!/bin/sh\n")}


def test_user_script_removal_is_done_when_label_is_empty():
    action = for_cluster({"user_script": ""}).operations[0]
    assert action.missing(wire.resource(WORKER), None, None) == ["user_script"]
    assert action.missing(wire.resource(changed(WORKER, {"user_script_v2": ""})), None, None) == []


def test_values_not_returned_by_service_are_not_compared():
    cluster = changed(CLUSTER, {"strict_sg_rules": None, "kube_tag": None})
    worker = changed(WORKER, {"extra_volumes": None, "boot_volume_appkey": None})
    wanted = {name: OTHER[name] for name in ("strict_sg_rules", "extra_volumes", "boot_volume_appkey")}
    assert for_cluster(wanted, cluster, worker).operations == []
    todo = for_cluster({"kubernetes_version": "v1.32.3"}, cluster, worker)
    assert todo.operations == [] and "does not show its Kubernetes version" in todo.warnings[0]


def test_first_node_group_settings_are_not_read_from_cluster():
    # The cluster keeps the flavor that it was created with.
    worker = changed(WORKER, flavor_id=C)
    assert for_cluster({"flavor": C}, worker=worker).operations == []
    assert steps(for_cluster({"flavor": A}, worker=worker)) == ["change_flavor"]


def test_total_node_count_of_cluster_is_not_compared():
    assert for_cluster({"node_count": 2}, cluster=changed(CLUSTER, node_count=7)).operations == []


# -- what cannot be changed ------------------------------------------------------------------------------------------


def leaves(value):
    """All plain values inside, as texts."""
    if isinstance(value, dict):
        value = [item for item in value.values() if item is not None]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [str(value)]


def test_changed_values_cover_every_immutable_option():
    assert set(OTHER) == {field.option for field in rows.CLUSTER.values() if not field.change}


@pytest.mark.parametrize("option", sorted(OTHER))
def test_immutable_change_is_rejected_with_current_and_requested_value(option):
    field = rows.CLUSTER[option]
    with pytest.raises(NksError) as caught:
        for_cluster({option: OTHER[option]})
    message = caught.value.msg
    assert "cluster/demo: cannot be changed after creation: %s: current " % option in message
    if field.secret:
        assert "secret" not in message and message.count(wire.HIDDEN) == 2
        return
    for leaf in leaves(SAME[option]) + leaves(OTHER[option]):
        assert (leaf in message) is (leaf != "volume-secret")
    assert "immutable" in message and "delete and re-create the cluster" in message


@pytest.mark.parametrize("option", sorted(OTHER))
def test_immutable_warn_skips_change_with_warning(option):
    todo = for_cluster(dict({"node_count": 3}, **{option: OTHER[option]}), immutable="warn")
    assert steps(todo) == ["resize"]
    assert len(todo.warnings) == 1
    assert "%s: current " % option in todo.warnings[0] and "Not changed" in todo.warnings[0]


@pytest.mark.parametrize("option", sorted(set(OTHER) & {field.option for field in rows.NODEGROUP.values()}))
def test_immutable_change_of_node_group_is_rejected(option):
    with pytest.raises(NksError) as caught:
        for_group({option: OTHER[option]})
    assert "cluster/demo/nodegroup/default-worker" in caught.value.msg and option in caught.value.msg


def test_all_immutable_changes_are_reported_together():
    with pytest.raises(NksError) as caught:
        for_cluster({"keypair": "other-key", "subnet": C, "labels": {"fip_auto_bind_enable": False}})
    for text in ("keypair", "subnet", "labels.fip_auto_bind_enable"):
        assert text in caught.value.msg


def test_custom_label_is_compared_only_if_returned():
    assert for_cluster({"labels": {"not_shown": "x"}}).operations == []
    with pytest.raises(NksError) as caught:
        for_cluster({"labels": {"k8s_args": {"kubelet": {"maxPods": 64}}}})
    assert "labels.k8s_args" in caught.value.msg and "110" in caught.value.msg and "64" in caught.value.msg


def test_an_appkey_inside_a_label_stays_hidden():
    worker = changed(WORKER, {"control_plane_log": json.dumps({"type": "LNCS", "appkey": "log-secret"})})
    for value in ({"type": "LNCS", "appkey": "new-secret"}, json.dumps({"type": "LNCS", "appkey": "new-secret"})):
        with pytest.raises(NksError) as caught:
            for_cluster({"labels": {"control_plane_log": value}}, worker=worker)
        assert "secret" not in caught.value.msg


# -- node count, and the truce with the autoscaler -------------------------------------------------------------------

ON = {"ca_enable": "True", "ca_min_node_count": "2", "ca_max_node_count": "5"}


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("present", [2, 4, 5])
def test_node_count_within_autoscaler_limits_is_not_a_change(present, count):
    worker = changed(WORKER, ON, node_count=present)
    assert for_cluster({"node_count": count}, worker=worker).operations == []
    assert for_group({"node_count": count}, group=worker).operations == []


@pytest.mark.parametrize("count", [1, 6])
def test_node_count_outside_autoscaler_limits_is_rejected(count):
    with pytest.raises(BadInput) as caught:
        for_group({"node_count": count}, group=changed(WORKER, ON, node_count=3))
    assert "node_count: %d" % count in caught.value.msg and "2 to 5" in caught.value.msg


def test_node_count_is_checked_against_limits_of_same_task():
    worker = changed(WORKER, ON, node_count=3)
    with pytest.raises(BadInput):
        for_group({"node_count": 5, "autoscale": {"enabled": True, "max_node_count": 4}}, group=worker)
    todo = for_group({"node_count": 8, "autoscale": {"enabled": True, "max_node_count": 9}}, group=worker)
    assert steps(todo) == ["set_autoscale"]


def test_a_resize_is_never_planned_while_the_autoscaler_stays_on():
    worker = changed(WORKER, ON, node_count=9)
    todo = for_group({"node_count": 3, "autoscale": {"enabled": True, "max_node_count": 4}}, group=worker)
    assert steps(todo) == ["set_autoscale"]


def test_autoscaler_is_disabled_before_resize():
    todo = for_group({"node_count": 7, "autoscale": {"enabled": False}}, group=changed(WORKER, ON, node_count=3))
    assert steps(todo) == ["set_autoscale", "resize"]


def test_autoscaler_is_enabled_after_resize_required_by_limits():
    todo = for_group({"node_count": 4, "autoscale": {"enabled": True, "min_node_count": 3, "max_node_count": 5}})
    assert steps(todo) == ["resize", "set_autoscale"]
    # With the present count inside the bounds there is nothing to resize: it will be the autoscaler's.
    todo = for_group({"node_count": 4, "autoscale": {"enabled": True, "min_node_count": 1, "max_node_count": 5}})
    assert steps(todo) == ["set_autoscale"]


def test_omitted_autoscaler_settings_are_sent_with_current_values():
    present = {"ca_enable": True, "ca_min_node_count": 2, "ca_max_node_count": 5, "ca_scale_down_util_thresh": 30, "clusterautoscale": "nodegroupfeature"}
    action = for_cluster({"autoscale": {"enabled": True, "min_node_count": None, "max_node_count": 6}}, autoscale=present).operations[0]
    settled = {"ca_enable": True, "ca_min_node_count": 2, "ca_max_node_count": 6, "ca_scale_down_util_thresh": 30}
    assert call(action) == ("set_autoscale", (GROUP, settled))
    assert action.changes == {"autoscale": ({"max_node_count": 5}, {"max_node_count": 6})}


def test_autoscaler_limits_conflicting_with_current_are_rejected():
    with pytest.raises(BadInput) as caught:
        for_cluster({"autoscale": {"enabled": True, "min_node_count": 7}}, worker=changed(WORKER, ON))
    assert "autoscale.min_node_count" in caught.value.msg and "max_node_count (5)" in caught.value.msg


def test_the_autoscaler_is_not_turned_on_while_nodes_are_stopped():
    with pytest.raises(NksError) as caught:
        for_group({"autoscale": {"enabled": True}}, stopped=["demo-node-1"])
    assert "demo-node-1" in caught.value.msg and "nks_node" in caught.value.msg


def test_scale_in_without_nodes_to_remove_issues_warning():
    todo = for_group({"node_count": 1}, group=changed(WORKER, node_count=3))
    assert "from 3 to 1" in todo.warnings[0] and "chooses all" in todo.warnings[0] and "nodes_to_remove" in todo.warnings[0]


def test_scale_in_with_too_few_nodes_to_remove_issues_warning():
    todo = for_group({"node_count": 1, "nodes_to_remove": [A]}, group=changed(WORKER, node_count=4))
    assert "chooses 2 of the nodes" in todo.warnings[0]
    assert call(todo.operations[0]) == ("resize", (GROUP, 1, [A]))


def test_scale_in_with_all_nodes_to_remove_issues_no_warning():
    todo = for_group({"node_count": 1, "nodes_to_remove": [A, B]}, group=changed(WORKER, node_count=3))
    assert todo.warnings == [] and todo.operations[0].changes == {"node_count": (3, 1), "nodes_to_remove": (None, [A, B])}


def test_too_many_nodes_to_remove_are_rejected():
    with pytest.raises(BadInput) as caught:
        for_group({"node_count": 2, "nodes_to_remove": [A, B]}, group=changed(WORKER, node_count=3))
    assert "more than the 1 to remove" in caught.value.msg


def test_nodes_to_remove_is_ignored_without_scale_in():
    todo = for_group({"node_count": 4, "nodes_to_remove": [A]}, group=changed(WORKER, node_count=3))
    assert call(todo.operations[0])[1][2] is None and todo.warnings == []


def test_a_group_is_changed_in_the_documented_order():
    wanted = {"autoscale": {"enabled": False}, "user_script": "#!/bin/sh\n", "node_count": 4, "flavor": C, "kubernetes_version": "v1.31.4"}
    todo = for_group(wanted, group=changed(WORKER, dict(ON, kube_tag="v1.30.3")))
    assert steps(todo) == ["set_autoscale", "change_user_script", "upgrade", "change_flavor", "resize"]


@pytest.mark.parametrize(("count", "order"), [(1, ["resize", "upgrade", "change_flavor"]), (5, ["upgrade", "change_flavor", "resize"])])
def test_scale_in_precedes_and_scale_out_follows_rolling_updates(count, order):
    wanted = {"node_count": count, "flavor": C, "kubernetes_version": "v1.31.4"}
    assert steps(for_group(wanted, group=changed(WORKER, {"kube_tag": "v1.30.3"}, node_count=3))) == order


@pytest.mark.parametrize("wanted", [{"flavor": C}, {"kubernetes_version": "v1.31.4"}], ids=str)
@pytest.mark.parametrize(("count", "unavailable", "fits"), [(None, 3, True), (None, 4, False), (2, 2, True), (2, 3, False), (5, 3, True), (5, 4, False)])
def test_max_unavailable_nodes_is_limited_by_node_count_at_step(wanted, count, unavailable, fits):
    """Before it come fewer nodes, after it more."""
    wanted = dict(wanted, node_count=count) if count else wanted
    group = changed(WORKER, {"kube_tag": "v1.30.3"}, node_count=3)
    if fits:
        assert for_group(wanted, group=group, rolling={"num_max_unavailable_nodes": unavailable}).operations
        return
    with pytest.raises(BadInput) as caught:
        for_group(wanted, group=group, rolling={"num_max_unavailable_nodes": unavailable})
    assert "num_max_unavailable_nodes: %d is more than the %d nodes" % (unavailable, 2 if count == 2 else 3) in caught.value.msg


def test_zero_buffer_nodes_is_sent():
    todo = for_group({"flavor": C}, rolling={"num_buffer_nodes": 0, "num_max_unavailable_nodes": 2})
    assert call(todo.operations[0]) == ("set_flavor", (GROUP, C, 0, 2))


# -- gateways and the CNI --------------------------------------------------------------------------------------------


def test_both_gateways_are_sent_if_one_changes():
    action = for_cluster({"ncr_sgw": C}).operations[0]
    assert call(action) == ("update_service_gateways", (C, B)) and action.changes == {"ncr_sgw": (A, C)}


def test_gateways_cannot_be_added_to_cluster_without_them():
    cluster = changed(CLUSTER, {"ncr_sgw": "", "obs_sgw": None})
    with pytest.raises(NksError) as caught:
        for_cluster({"ncr_sgw": A, "obs_sgw": B}, cluster)
    assert "created with them" in caught.value.msg
    assert for_cluster({"ncr_sgw": "", "obs_sgw": ""}, cluster).operations == []


def test_cni_change_to_calico_requires_pod_network():
    cluster = changed(CLUSTER, {"cni_driver": "flannel"})
    todo = for_cluster({"cni": "calico", "pods_network_cidr": "10.101.0.0/16", "pods_network_subnet": 25}, cluster, rolling={"num_buffer_nodes": 0})
    assert call(todo.operations[0]) == ("update_cni", ("calico", "10.101.0.0/16", 25, 0, None))
    with pytest.raises(BadInput):
        for_cluster({"cni": "calico"}, cluster)
    with pytest.raises(NksError):
        for_cluster({"cni": "calico-ebpf"})


# -- upgrades --------------------------------------------------------------------------------------------------------


def standing(version, name="default-worker", stopped=()):
    """A worker group of the cluster, typed."""
    uuid = GROUP if name == "default-worker" else name
    return dict(wire.resource(changed(WORKER, {"kube_tag": version}, uuid=uuid, name=name)), stopped=list(stopped))


def way(at, target, mode="all", groups=None, versions=VERSIONS, upgradable=None):
    """The steps as (who, version) pairs."""
    cluster = changed(CLUSTER, {"kube_tag": at, "upgradable_kube_versions": upgradable})
    groups = [standing(at), standing(at, "extra")] if groups is None else groups
    actions, warnings = upgrade.upgrade_cluster(wire.resource(cluster), groups, target, versions, Policy(upgrade=mode))
    # Each step says where it starts, and it starts where the one before it on the same resource ended.
    at_present = {"cluster/demo": at}
    at_present.update({group_resource("demo", group["name"]): group["labels"].get("kube_tag") for group in groups})
    for action in actions:
        before, after = action.changes["kubernetes_version"]
        assert at_present[action.resource] == before and call(action)[1][1] == after
        at_present[action.resource] = after
    return [call(action)[1][:2] for action in actions], warnings


def test_control_plane_upgrade_by_one_minor_version():
    assert way("v1.31.4", "v1.32.3", "control_plane") == ([("default-master", "v1.32.3")], [])


def test_upgrade_all_includes_node_groups():
    assert way("v1.31.4", "v1.32.3")[0] == [("default-master", "v1.32.3"), (GROUP, "v1.32.3"), ("extra", "v1.32.3")]


def test_upgrade_all_moves_everything_one_minor_version_at_a_time():
    # Of a version that is only passed through the newest patch is taken.
    assert way("v1.29.3", "v1.32.3")[0] == [(who, version) for version in ("v1.30.3", "v1.31.4", "v1.32.3") for who in ("default-master", GROUP, "extra")]


def test_interrupted_upgrade_resumes():
    groups = [standing("v1.30.3"), standing("v1.31.4", "extra")]
    steps_taken, _warnings = way("v1.31.4", "v1.32.3", groups=groups)
    assert steps_taken == [(GROUP, "v1.31.4"), ("default-master", "v1.32.3"), (GROUP, "v1.32.3"), ("extra", "v1.32.3")]


def test_upgrade_all_includes_groups_behind_upgraded_control_plane():
    assert way("v1.32.3", "v1.32.3", groups=[standing("v1.31.4"), standing("v1.32.3", "extra")])[0] == [(GROUP, "v1.32.3")]
    assert way("v1.32.3", "v1.32.3", "control_plane", groups=[standing("v1.31.4")]) == ([], [])


def test_no_upgrade_steps_at_target_version():
    assert way("v1.32.3", "v1.32.3") == ([], [])


def test_control_plane_only_upgrade_is_limited_to_one_minor_version():
    with pytest.raises(NksError) as caught:
        way("v1.29.3", "v1.31.4", "control_plane")
    assert "v1.30.3, v1.31.4" in caught.value.msg and "upgrade to all" in caught.value.msg


def test_control_plane_upgrade_is_rejected_while_groups_are_behind():
    with pytest.raises(NksError) as caught:
        way("v1.31.4", "v1.32.3", "control_plane", groups=[standing("v1.31.4"), standing("v1.30.3", "extra")])
    assert "extra (v1.30.3)" in caught.value.msg and "default-worker" not in caught.value.msg


def test_downgrade_is_rejected():
    with pytest.raises(BadInput) as caught:
        way("v1.31.4", "v1.30.3")
    assert "downgrade" in caught.value.msg


def test_missing_intermediate_version_is_rejected_before_first_step():
    versions = [item for item in VERSIONS if not item["version"].startswith("v1.31")]
    with pytest.raises(BadInput) as caught:
        way("v1.29.3", "v1.32.3", versions=versions)
    assert "no step from v1.30.3" in caught.value.msg


def test_unknown_version_error_lists_supported_versions():
    with pytest.raises(BadInput) as caught:
        way("v1.31.4", "v1.32.9")
    assert "not a version that NKS supports" in caught.value.msg and "v1.32.3" in caught.value.msg


@pytest.mark.parametrize("closed", [{"v1.30.3"}, {"v1.30.3", "v1.31.3", "v1.31.4"}, {item["version"] for item in VERSIONS}])
@pytest.mark.parametrize("upgradable", [None, '["v1.30.3"]'])
def test_upgrade_path_includes_versions_not_available_for_creation(closed, upgradable):
    """Only the newest minor versions can be created; one that is older must still lead somewhere."""
    versions = [dict(item, available=item["version"] not in closed) for item in VERSIONS]
    taken = way("v1.29.3", "v1.32.3", versions=versions, upgradable=upgradable)[0]
    assert [version for who, version in taken if who == "default-master"] == ["v1.30.3", "v1.31.4", "v1.32.3"]


def test_upgrade_path_uses_newest_available_patch_version():
    versions = [dict(item, available=item["version"] != "v1.31.4") for item in VERSIONS]
    assert [version for who, version in way("v1.30.3", "v1.32.3", versions=versions)[0] if who == GROUP] == ["v1.31.3", "v1.32.3"]


def test_outdated_groups_are_upgraded_one_minor_version_at_a_time():
    """The service takes one minor version at a time for a node group too."""
    groups = [standing("v1.29.3"), standing("v1.31.4", "extra")]
    for target, rest in (("v1.31.4", []), ("v1.32.3", [("default-master", "v1.32.3"), (GROUP, "v1.32.3"), ("extra", "v1.32.3")])):
        assert way("v1.31.4", target, groups=groups)[0] == [(GROUP, "v1.30.3"), (GROUP, "v1.31.4")] + rest


def test_outdated_group_upgrade_prefers_its_own_version_list():
    """Also where the list of versions does not have that version any more."""
    group = standing("v1.29.3")
    group["labels"]["upgradable_kube_versions"] = ["v1.30.9"]
    versions = [item for item in VERSIONS if not item["version"].startswith(("v1.30", "v1.31"))]
    assert way("v1.31.4", "v1.31.4", groups=[group], versions=versions)[0] == [(GROUP, "v1.30.9"), (GROUP, "v1.31.4")]
    # Of several it goes before the newest one of the list of versions.
    more = versions + [{"version": "v1.30.12", "available": True}]
    assert way("v1.31.4", "v1.31.4", groups=[group], versions=more)[0] == [(GROUP, "v1.30.9"), (GROUP, "v1.31.4")]
    group["labels"]["upgradable_kube_versions"] = []
    with pytest.raises(BadInput, match="cannot be reached from v1.29.3, which cluster/demo/nodegroup/default-worker has"):
        way("v1.31.4", "v1.31.4", groups=[group], versions=versions)


def test_group_without_version_is_skipped_with_warning():
    silent = standing("v1.31.4", "silent")
    silent["labels"].pop("kube_tag")
    steps_taken, warnings = way("v1.31.4", "v1.32.3", groups=[standing("v1.31.4")] + [silent])
    assert [who for who, _version in steps_taken] == ["default-master", GROUP]
    assert warnings == ["cluster/demo/nodegroup/silent does not show its Kubernetes version, so it is not upgraded."]


def test_group_is_never_downgraded_to_control_plane_version():
    assert way("v1.31.4", "v1.31.4", groups=[standing("v1.32.3")]) == ([], [])
    assert way("v1.31.4", "v1.32.3", groups=[standing("v1.32.3")])[0] == [("default-master", "v1.32.3")]


@pytest.mark.parametrize("groups, needed", [([], False), (["v1.31.4"], False), (["v1.30.3"], False), (["v1.31.4", "v1.29.3"], True), ([None], False)])
def test_when_version_list_is_needed(groups, needed):
    typed = [{"labels": {"kube_tag": version}} for version in groups]
    cluster = {"labels": {"kube_tag": "v1.31.4"}}
    assert upgrade.needs_versions(cluster, "v1.31.4", typed) is needed
    assert upgrade.needs_versions(cluster, "v1.32.3", typed) is True
    assert upgrade.needs_versions({"labels": {}}, "v1.32.3", typed) is False


def test_upgradable_versions_of_cluster_limit_first_step_only():
    assert way("v1.30.3", "v1.32.3", upgradable='["v1.31.4"]')[0][0] == ("default-master", "v1.31.4")
    with pytest.raises(BadInput):
        way("v1.30.3", "v1.31.4", upgradable='["v1.31.3"]')


def test_upgradable_version_is_accepted_while_groups_are_behind():
    versions = [item for item in VERSIONS if not item["version"].startswith("v1.32")]
    taken = way("v1.31.4", "v1.32.7", groups=[standing("v1.30.3")], versions=versions, upgradable='["v1.32.7"]')[0]
    assert taken == [(GROUP, "v1.31.4"), ("default-master", "v1.32.7"), (GROUP, "v1.32.7")]
    # It may offer nothing until they are not.
    assert way("v1.31.4", "v1.32.3", groups=[standing("v1.30.3")], upgradable="[]")[0][0] == (GROUP, "v1.31.4")


def test_upgrade_is_rejected_without_upgradable_versions():
    with pytest.raises(BadInput) as caught:
        way("v1.31.4", "v1.32.3", upgradable="[]")
    assert "no step from v1.31.4" in caught.value.msg


def test_versions_are_compared_numerically():
    versions = [{"version": version, "available": True} for version in ("v1.9.10", "v1.9.2", "v1.10.0")]
    assert way("v1.9.2", "v1.10.0", "control_plane", groups=[standing("v1.9.2")], versions=versions)[0] == [("default-master", "v1.10.0")]


def test_upgrade_with_stopped_nodes_is_rejected_before_first_step():
    with pytest.raises(NksError) as caught:
        way("v1.31.4", "v1.32.3", groups=[standing("v1.31.4"), standing("v1.31.4", "extra", ["demo-extra-node-1"])])
    assert "demo-extra-node-1" in caught.value.msg and "Start them first" in caught.value.msg


def test_upgrade_never_only_issues_warning():
    taken, warnings = way("v1.31.4", "v1.32.3", "never")
    assert taken == [] and "current v1.31.4, requested v1.32.3" in warnings[0]


def test_buffer_nodes_are_for_worker_groups_only():
    cluster = changed(CLUSTER)
    actions, _warnings = upgrade.upgrade_cluster(
        wire.resource(cluster), [standing("v1.31.4")], "v1.32.3", VERSIONS, Policy(upgrade="all", num_buffer_nodes=0, num_max_unavailable_nodes=2)
    )
    assert [call(action)[1][2:] for action in actions] == [(), (0, 2)]


def test_group_upgrade_target_must_match_control_plane():
    behind = changed(WORKER, {"kube_tag": "v1.30.3"})
    assert call(for_group({"kubernetes_version": "v1.31.4"}, group=behind).operations[0])[1][:2] == (GROUP, "v1.31.4")
    for version, text in (("v1.32.3", "upgrade the control plane first"), ("v1.30.9", "is not the version of the control plane"), ("v1.29.3", "downgrade")):
        with pytest.raises(BadInput) as caught:
            for_group({"kubernetes_version": version}, group=behind)
        assert text in caught.value.msg
    with pytest.raises(NksError) as caught:
        for_group({"kubernetes_version": "v1.31.4"}, group=behind, stopped=["node-1"])
    assert "node-1" in caught.value.msg


def test_outdated_group_can_be_upgraded_to_intermediate_version():
    behind = changed(WORKER, {"kube_tag": "v1.29.3", "upgradable_kube_versions": '["v1.30.3"]'})
    assert [call(action)[1][:2] for action in for_group({"kubernetes_version": "v1.30.3"}, group=behind).operations] == [(GROUP, "v1.30.3")]
    assert [call(action)[1][1] for action in for_group({"kubernetes_version": "v1.31.4"}, group=behind).operations] == ["v1.30.3", "v1.31.4"]
    # The same where only the list of versions has it.
    behind = changed(WORKER, {"kube_tag": "v1.29.3", "upgradable_kube_versions": "[]"})
    for target, steps_taken in (("v1.30.3", ["v1.30.3"]), ("v1.31.4", ["v1.30.3", "v1.31.4"])):
        todo = for_group({"kubernetes_version": target}, group=behind, versions=VERSIONS)
        assert [call(action)[1][1] for action in todo.operations] == steps_taken


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(
    start=st.integers(28, 34),
    reach=st.integers(0, 5),
    behind=st.lists(st.integers(0, 3), min_size=1, max_size=3),
    creatable=st.sets(st.integers(24, 40)),
)
def test_every_upgrade_path_follows_rules_and_reaches_target(start, reach, behind, creatable):
    """Played against the rules of the service: one minor version at a time, groups first, never ahead of the control plane."""
    versions = [{"version": "v1.%d.3" % number, "available": number in creatable} for number in range(24, 41)]
    at, target = "v1.%d.3" % start, "v1.%d.3" % (start + reach)
    groups = [standing("v1.%d.3" % (start - less), "g%d" % number) for number, less in enumerate(behind)]
    now = dict({"default-master": start}, **{group["name"]: start - less for group, less in zip(groups, behind)})
    for who, version in way(at, target, groups=groups, versions=versions)[0]:
        goal = int(version.split(".")[1])
        assert goal == now[who] + 1
        if who == "default-master":
            assert set(now.values()) == {now[who]}
        else:
            assert goal <= now["default-master"]
        now[who] = goal
    assert set(now.values()) == {start + reach}


# -- the whole -------------------------------------------------------------------------------------------------------


def test_a_cluster_is_changed_in_the_documented_order():
    wanted = {
        "node_count": 3,
        "flavor": C,
        "user_script": "#!/bin/sh\n",
        "autoscale": {"enabled": True, "min_node_count": 3, "max_node_count": 5},
        "obs_sgw": C,
        "kubernetes_version": "v1.32.3",
    }
    todo = for_cluster(wanted, upgrade="all", groups=[standing("v1.31.4")])
    assert steps(todo) == ["change_user_script", "update_service_gateways", "upgrade", "upgrade", "change_flavor", "resize", "set_autoscale"]


def test_diff_shows_first_and_last_value_of_multi_step_upgrade():
    todo = for_cluster({"kubernetes_version": "v1.33.3"}, upgrade="all", groups=[standing("v1.31.4")])
    group = "cluster/demo/nodegroup/default-worker"
    assert todo.diff() == {
        "before": {"cluster/demo": {"kubernetes_version": "v1.31.4"}, group: {"kubernetes_version": "v1.31.4"}},
        "after": {"cluster/demo": {"kubernetes_version": "v1.33.3"}, group: {"kubernetes_version": "v1.33.3"}},
    }
    assert len(todo.operations) == 4


def test_an_empty_plan_changes_nothing():
    assert (Plan().changed, Plan().report(), Plan().diff()) == (False, [], {"before": {}, "after": {}})


def test_creation_sends_secrets_but_does_not_show_them():
    wanted = {option: SAME[option] for option in SAME if option != "labels"}
    wanted.update(name="new", labels={"control_plane_log": {"appkey": "log-secret"}})
    todo = creation.create_cluster(wanted)
    shown = json.dumps([todo.report(), todo.diff()])
    assert "secret" not in shown and wire.HIDDEN in shown
    sent = body(todo.operations[0])
    assert sent["labels"]["boot_volume_appkey"] == "app-secret"
    assert sent["labels"]["extra_volumes"][0]["volume_appkey"] == "volume-secret"
    assert json.loads(sent["labels"]["control_plane_log"]) == {"appkey": "log-secret"}


def test_creation_request_uses_documented_fields():
    sent = body(creation.create_cluster(dict(SAME, name="new", labels={"k8s_args": {"b": 1}, "x": "y"})).operations[0])
    assert {name: value for name, value in sent.items() if name != "labels"} == {
        "name": "new",
        "cluster_template_id": "iaas_console",
        "keypair": "demo-key",
        "flavor_id": A.upper(),
        "node_count": 2,
        "fixed_network": NETWORK,
        "fixed_subnet": SUBNET,
    }
    labels = sent["labels"]
    for name, value in {
        "cert_manager_api": "True",
        "master_lb_floating_ip_enabled": "True",
        "strict_sg_rules": "False",
        "ca_enable": "False",
        "ca_max_node_count": "10",
        "boot_volume_size": "50",
        "pods_network_subnet": "24",
        "node_image": B,
        "external_subnet_id_list": ":".join(SUBNETS[::-1]),
        "additional_network_id_list": ":".join((A, B)),
        "extra_security_groups": [{"target_subnet": SUBNET, "security_group_ids": B}, {"target_subnet": SUBNET, "security_group_ids": A}],
        "k8s_args": '{"b": 1}',
        "x": "y",
    }.items():
        assert labels[name] == value


def test_node_group_creation_sends_image_id_and_no_version():
    made = creation.create_nodegroup(
        "demo",
        dict(
            {key: SAME[key] for key in ("flavor", "image", "availability_zone", "boot_volume_type", "boot_volume_size")},
            name="new",
            kubernetes_version="v1.31.4",
        ),
    )
    sent = body(made.operations[0])
    assert sent["image_id"] == B and sent["node_count"] == 1 and sent["labels"]["ca_enable"] == "False"
    assert "kube_tag" not in sent["labels"] and "node_image" not in sent["labels"]


def test_all_missing_creation_options_are_reported_together():
    with pytest.raises(NksError) as caught:
        creation.create_cluster({"name": "new", "keypair": "demo-key"})
    for option in ("flavor", "image", "availability_zone", "boot_volume_type", "boot_volume_size", "network", "subnet", "kubernetes_version"):
        assert option in caught.value.msg
    assert "keypair" not in caught.value.msg


# -- names in place of UUIDs -----------------------------------------------------------------------------------------

NAMES = {A: "m2.c2m4", B: "m2.c4m8", C: "r2.c4m32"}


def told_with(names, wanted, immutable="fail", flavors=None):
    return for_cluster(wanted, upgrade="never", immutable=immutable, versions=[], names=names, flavors=flavors or {})


def test_changes_are_shown_with_names_set_by_user():
    todo = told_with({"flavor": NAMES, "ncr_sgw": {A: "ncr-1", C: "ncr-2"}}, {"flavor": C, "ncr_sgw": C, "obs_sgw": C})
    changes = {option: pair for action in todo.operations for option, pair in action.changes.items()}
    # One that was given by its UUID is told by it.
    assert changes == {"flavor": ("m2.c2m4", "r2.c4m32"), "ncr_sgw": ("ncr-1", "ncr-2"), "obs_sgw": (B, C)}
    # What is sent and looked for stays the UUID.
    assert [call(action)[1][:2] for action in todo.operations] == [(C, C), (GROUP, C)]
    assert todo.operations[1].missing(dict(wire.resource(WORKER), flavor_id=C), None, None) == []


def test_immutable_change_is_reported_with_names():
    names = {"image": {B: "Ubuntu 22.04", C: "Rocky"}, "external_subnets": {SUBNETS[0]: "public-1"}}
    with pytest.raises(NksError) as caught:
        told_with(names, {"image": C, "external_subnets": SUBNETS[:1]})
    assert "image: current 'Ubuntu 22.04', requested 'Rocky'" in caught.value.msg
    assert "external_subnets: current [public-1, %s, %s], requested [public-1]" % (SUBNETS[1], SUBNETS[2]) in caught.value.msg
    warning = told_with(names, {"image": C}, immutable="warn").warnings[0]
    assert "image: current 'Ubuntu 22.04', requested 'Rocky'" in warning


def test_resources_with_same_name_are_reported_with_uuids():
    with pytest.raises(NksError) as caught:
        told_with({"subnet": {SUBNET: "demo-subnet", C: "demo-subnet"}}, {"subnet": C})
    assert "subnet: current 'demo-subnet (%s)', requested 'demo-subnet (%s)'" % (SUBNET, C) in caught.value.msg


def test_uuids_in_nested_options_are_shown_as_names():
    assert named([{"subnet": A, "security_groups": [B, "x"]}, None, 5], NAMES) == [{"subnet": "m2.c2m4", "security_groups": ["m2.c4m8", "x"]}, None, 5]


def test_unsupported_flavor_change_is_rejected_if_names_are_known():
    flavors = {A: "m2.c2m4", C: "u2.c2m4"}
    with pytest.raises(BadInput, match="flavor: 'u2.c2m4' cannot replace m2.c2m4 on cluster/demo/nodegroup/default-worker"):
        told_with({}, {"flavor": C}, flavors=flavors)
    assert steps(told_with({}, {"flavor": C}, flavors={})) == ["change_flavor"]
    assert steps(told_with({}, {"flavor": A.upper()}, flavors={A: "u2.c2m4"})) == []
