# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The export of a cluster to its document, as a pure function: the inverse of the plan, whatever the service shows."""

from __future__ import annotations

import copy
import ipaddress
import json
from dataclasses import replace

import pytest

pytest.importorskip("hypothesis")

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import AccessSpec, ClusterSpec, NodegroupSpec, Observed, ObservedNodegroup, Policy
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import export, rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.plan import NEEDS_GROUP, plan
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments

A, B, C, D = ("%s0000000-0000-4000-8000-000000000001" % digit for digit in "abcd")
SUBNET = ipaddress.ip_network("10.0.0.0/16")

GROUP = {
    "uuid": C,
    "name": "default-worker",
    "status": "CREATE_COMPLETE",
    "role": "worker",
    "node_count": 2,
    "flavor_id": A,
    "image_id": B,
    "labels": {
        "availability_zone": "kr-pub-a",
        "boot_volume_size": "50",
        "boot_volume_type": "General SSD",
        "ca_enable": "false",
        "ca_max_node_count": "0",
        "ca_min_node_count": "0",
        "ca_pod_replicas": "1",
        "extra_volumes": "[]",
        "extra_security_groups": "[]",
        "kube_tag": "v1.31.4",
        "mba_scale_in": '{"enable": false, "rules": [], "delay": 10}',
        "node_image": B,
        "node_list": "%s:%s" % (A, B),
    },
}
CLUSTER = {
    "uuid": D,
    "name": "demo",
    "status": "CREATE_COMPLETE",
    "keypair": "demo-key",
    "flavor_id": B,
    "fixed_network": A,
    "fixed_subnet": B,
    "labels": {
        "cni_driver": "calico",
        "external_network_id": A,
        "external_subnet_id_list": "%s:%s" % (B, A),
        "kube_tag": "v1.31.4",
        "master_lb_floating_ip_enabled": "True",
        "pods_network_cidr": "10.100.0.0/16",
        "pods_network_subnet": "24",
        "service_cluster_ip_range": "10.254.0.0/16",
        "strict_sg_rules": "False",
        "k8s_args": "{}",
    },
}
AUTOSCALE = {
    "ca_enable": False,
    "ca_min_node_count": 1,
    "ca_max_node_count": 10,
    "ca_scale_down_enable": True,
    "ca_scale_down_unneeded_time": 10,
    "ca_scale_down_util_thresh": 50,
    "ca_scale_down_delay_after_add": 10,
    "ca_pod_replicas": 1,
}
OFF = {"enable": "false"}


def changed(reply, fields=None, labels=None):
    """A copy of a reply with other fields and labels; None removes one."""
    reply = copy.deepcopy(reply)
    for holder, values in ((reply, fields), (reply["labels"], labels)):
        for key, value in (values or {}).items():
            if value is None:
                holder.pop(key, None)
            else:
                holder[key] = value
    return reply


#: No access control was read if it is None, so that the default needs another value.
MISSING = object()


def observed(cluster=None, groups=((GROUP, AUTOSCALE),), access=MISSING, subnets=(SUBNET,)):
    access = OFF if access is MISSING else access
    typed = [(wire.identified(group, "read"), None if setting is None else wire.autoscale(setting)) for group, setting in groups]
    return Observed(
        wire.identified(cluster or CLUSTER, "read"),
        {group["name"]: ObservedNodegroup(group, setting or {}) for group, setting in typed},
        ipacl=None if access is None else wire.ipacl(access),
        subnets=tuple(subnets),
    )


def by_uuid(_kind, uuid, _scope=None, _among=None):
    return uuid


def exported(state=None, is_secret=lambda text: False, refer=by_uuid):
    return export.export(state or observed(), refer, is_secret)


def document(state=None, **kwargs):
    return exported(state, **kwargs).document


def lacking(found):
    """option -> reason, of the omissions."""
    return {item.option: item.reason for item in found.omitted}


def parsed(found):
    """The document as a module has it after Ansible has validated it."""
    whole = dict(copy.deepcopy(found), name="demo")
    # As it comes out of a file.
    whole = json.loads(json.dumps(whole))
    checked = ArgumentSpecValidator({"clusters": {"type": "list", "elements": "dict", "options": arguments.document()}}).validate({"clusters": [whole]})
    assert not checked.error_messages, checked.error_messages
    return checked.validated_parameters["clusters"][0]


def given_options(options, table):
    names = [*table, *rows.COMMON]
    return {name: options[name] for name in names if options.get(name) is not None}


def planned(found, state):
    """The plan of a document, as nks_cluster, nks_nodegroup and nks_ipacl make it of their parts."""
    whole = rows.normalized(parsed(found))
    rules.check_options(whole)
    groups = [rows.normalized(group) for group in whole["nodegroups"]]
    for group in groups:
        rules.check_options(group)
    # Without the option, the tasks take the settings of the autoscaler from the labels.
    own = {group["name"]: group for group in groups}
    seen = {
        name: group if own.get(name, whole)["autoscale"] else replace(group, autoscale=wire.autoscale_of(group.state))
        for name, group in state.nodegroups.items()
    }
    access = whole["ipacl"]
    desired = ClusterSpec(
        state.cluster["name"],
        options=given_options(whole, rows.CLUSTER),
        nodegroups=tuple(NodegroupSpec(group["name"], options=given_options(group, rows.NODEGROUP)) for group in groups),
        ipacl=AccessSpec(access["state"], access["action"], access["targets"], access["purge"]) if access else None,
    )
    return plan(desired, replace(state, nodegroups=seen), Policy())


def assert_unchanged(found, state):
    todo = planned(found, state)
    assert (todo.report(), todo.warnings) == ([], [])


# -- what a usual cluster has ------------------------------------------------------------------------------------------


def test_options_of_a_usual_cluster():
    state = observed()
    found = exported(state)
    assert found.omitted == []
    assert found.document == {
        "keypair": "demo-key",
        "network": A,
        "subnet": B,
        "external_network": A,
        "external_subnets": [A, B],
        "kubernetes_version": "v1.31.4",
        "public_api_endpoint": True,
        "strict_sg_rules": False,
        "service_cluster_ip_range": "10.254.0.0/16",
        "pods_network_cidr": "10.100.0.0/16",
        "pods_network_subnet": 24,
        "cni": "calico",
        # Of the node group: the cluster shows the one that it was created with.
        "flavor": A,
        "image": B,
        "availability_zone": "kr-pub-a",
        "node_count": 2,
        "boot_volume_type": "General SSD",
        "boot_volume_size": 50,
        "autoscale": {"enabled": False},
        "nodegroups": [],
        "ipacl": {"state": "absent"},
    }
    assert_unchanged(found.document, state)


def test_order_of_the_keys_is_that_of_the_documentation():
    order = list(arguments.document())
    keys = list(document())
    assert keys == sorted(keys, key=lambda key: order.index(key) if key not in ("nodegroups", "ipacl") else len(order))


def test_node_groups_are_sorted_and_have_no_version():
    other = [(dict(GROUP, name=name, uuid=uuid), AUTOSCALE) for name, uuid in (("zeta", A), ("batch", B))]
    state = observed(groups=[(GROUP, AUTOSCALE), *other])
    found = document(state)
    assert [group["name"] for group in found["nodegroups"]] == ["batch", "zeta"]
    assert found["nodegroups"][0] == {
        "name": "batch",
        "flavor": A,
        "image": B,
        "availability_zone": "kr-pub-a",
        "node_count": 2,
        "boot_volume_type": "General SSD",
        "boot_volume_size": 50,
        "autoscale": {"enabled": False},
    }
    assert_unchanged(found, state)


def test_node_group_with_a_name_like_a_uuid_has_its_uuid_as_name():
    state = observed(groups=[(GROUP, AUTOSCALE), (dict(GROUP, name=A.replace("-", ""), uuid=B), AUTOSCALE)])
    assert [group["name"] for group in document(state)["nodegroups"]] == [B]


@pytest.mark.parametrize("name", ["default-worker", "batch"])
def test_outdated_node_group_is_noted(name):
    outdated = changed(GROUP, {"name": name}, {"kube_tag": "v1.30.3"})
    state = observed(groups=[(outdated, AUTOSCALE)] + ([] if name == "default-worker" else [(GROUP, AUTOSCALE)]))
    found = exported(state)
    (item,) = found.omitted
    assert (item.resource, item.option) == ("cluster/demo/nodegroup/" + name, "kubernetes_version")
    assert "v1.30.3" in item.reason and "v1.31.4" in item.reason
    assert found.document["kubernetes_version"] == "v1.31.4"
    assert_unchanged(found.document, state)


# -- number of nodes and the autoscaler --------------------------------------------------------------------------------


@pytest.mark.parametrize("count, shown", [(2, 2), (1, 2), (7, 4), (3, 3)])
def test_number_of_nodes_is_within_the_limits_of_the_autoscaler(count, shown):
    on = dict(AUTOSCALE, ca_enable=True, ca_min_node_count=2, ca_max_node_count=4)
    state = observed(groups=[(dict(GROUP, node_count=count), on)])
    found = document(state)
    assert found["node_count"] == shown
    assert found["autoscale"] == {
        "enabled": True,
        "min_node_count": 2,
        "max_node_count": 4,
        "scale_down_enabled": True,
        "scale_down_unneeded_time": 10,
        "scale_down_utilization_threshold": 50,
        "scale_down_delay_after_add": 10,
    }
    assert_unchanged(found, state)


@pytest.mark.parametrize(
    "setting, shown",
    [
        ({}, {}),
        ({"ca_min_node_count": 0, "ca_max_node_count": 0}, {}),
        ({"ca_max_node_count": 5, "ca_scale_down_enable": False}, {"max_node_count": 5, "scale_down_enabled": False}),
        # The API guide's own example has this delay, which the user guide does not allow.
        ({"ca_scale_down_delay_after_add": 3}, {}),
    ],
)
def test_settings_of_an_autoscaler_that_is_off(setting, shown):
    state = observed(groups=[(GROUP, dict(AUTOSCALE, **setting))])
    found = exported(state)
    assert found.document["autoscale"] == dict({"enabled": False}, **shown)
    assert list(lacking(found)) == (["autoscale.scale_down_delay_after_add"] if "ca_scale_down_delay_after_add" in setting else [])
    assert_unchanged(found.document, state)


def test_autoscaler_that_cannot_be_read_is_left_out():
    state = observed(groups=[(changed(GROUP, {"node_count": 9}, {"ca_enable": "True", "ca_min_node_count": "1", "ca_max_node_count": "3"}), None)])
    found = exported(state)
    assert "autoscale" not in found.document and lacking(found) == {"autoscale": export.NOT_SHOWN}
    # Its limits are in the labels too.
    assert found.document["node_count"] == 3


def test_metric_policies():
    policy = {"enable": "True", "max_node_count": "10", "rules": [{"metric": "GROUP_CPU_USAGE", "threshold": 80, "duration": 5}]}
    state = observed(groups=[(changed(GROUP, labels={"mba_scale_out": json.dumps(policy)}), AUTOSCALE)])
    found = document(state)
    assert found["labels"] == {"mba_scale_out": {"enable": True, "max_node_count": 10, "rules": policy["rules"]}}
    assert_unchanged(found, state)


# -- volumes, networks, security groups --------------------------------------------------------------------------------

VOLUMES = [
    {"volume_type": "General SSD", "volume_size": "20", "volume_key_id": "key", "volume_appkey": "S3CRET", "volume_mount_path": "/data"},
    {"volume_type": "General HDD", "volume_size": 10, "volume_key_id": "", "volume_unknown": "x"},
]


def test_volumes_have_no_appkey_and_a_fixed_order():
    for volumes in (VOLUMES, VOLUMES[::-1]):
        state = observed(groups=[(changed(GROUP, labels={"extra_volumes": json.dumps(volumes)}), AUTOSCALE)])
        found = exported(state)
        assert found.document["extra_volumes"] == [
            {"type": "General HDD", "size": 10},
            {"type": "General SSD", "size": 20, "key_id": "key", "mount_path": "/data"},
        ]
        assert lacking(found) == {"extra_volumes.appkey": export.NEVER_SHOWN}
        assert_unchanged(found.document, state)


@pytest.mark.parametrize("appkey", ["S3CRET", None])
def test_boot_volume_appkey_is_noted_for_encrypted_volumes(appkey):
    state = observed(groups=[(changed(GROUP, labels={"boot_volume_key_id": "key", "boot_volume_appkey": appkey}), AUTOSCALE)])
    found = exported(state)
    assert found.document["boot_volume_key_id"] == "key" and "S3CRET" not in str(found)
    assert lacking(found) == {"boot_volume_appkey": export.NEVER_SHOWN}
    assert_unchanged(found.document, state)


def test_security_groups_of_one_subnet_are_one_entry():
    shown = [{"target_subnet": B, "security_group_ids": "%s,%s" % (C, A)}, {"target_subnet": A, "security_group_ids": D}]
    shown.append({"target_subnet": B.upper(), "security_group_ids": D})
    state = observed(groups=[(changed(GROUP, labels={"extra_security_groups": json.dumps(shown)}), AUTOSCALE)])
    found = document(state)
    assert found["extra_security_groups"] == [{"subnet": A, "security_groups": [D]}, {"subnet": B, "security_groups": [A, C, D]}]
    assert_unchanged(found, state)


@pytest.mark.parametrize("subnets", ["", None, C, "%s:%s:%s" % (A, B, C)])
def test_additional_networks_without_their_subnets_are_left_out(subnets):
    labels = {"additional_network_id_list": "%s:%s" % (A, B), "additional_subnet_id_list": subnets}
    state = observed(groups=[(changed(GROUP, labels=labels), AUTOSCALE)])
    found = exported(state)
    assert "additional_networks" not in found.document and "additional_subnets" not in found.document
    assert "additional_networks" in lacking(found)
    assert_unchanged(found.document, state)


# -- references --------------------------------------------------------------------------------------------------------


def test_references_and_where_each_is_looked_up():
    groups = json.dumps([{"target_subnet": B, "security_group_ids": A}])
    labels = {"additional_network_id_list": "%s:%s" % (B, C), "additional_subnet_id_list": "%s:%s" % (C, D), "extra_security_groups": groups}
    group = changed(GROUP, labels=labels)
    cluster = changed(CLUSTER, labels={"ncr_sgw": A, "obs_sgw": B})
    asked = []

    def refer(kind, uuid, scope=None, among=None):
        asked.append((kind, uuid, scope, among))
        return "%s %s" % (kind, uuid[0])

    found = document(observed(cluster, [(group, AUTOSCALE), (dict(group, name="other"), AUTOSCALE)]), refer=refer)
    assert [found[option] for option in ("network", "subnet", "external_network", "flavor", "image", "ncr_sgw", "obs_sgw")] == [
        "network a",
        "subnet b",
        "external_network a",
        "flavor a",
        "image b",
        "service_gateway a",
        "service_gateway b",
    ]
    assert found["external_subnets"] == ["external_subnet a", "external_subnet b"]
    assert found["additional_subnets"] == found["nodegroups"][0]["additional_subnets"] == ["subnet c", "subnet d"]
    assert found["extra_security_groups"] == [{"subnet": "subnet b", "security_groups": ["security_group a"]}]
    scopes = {(kind, scope, tuple(among or ())) for kind, _uuid, scope, among in asked if scope or among}
    # A subnet with security groups is in the cluster's network or in an additional one.
    assert scopes == {("subnet", A, ()), ("external_subnet", A, ()), ("subnet", B, ()), ("subnet", C, ()), ("subnet", None, (A, B, C))}


def test_external_subnets_are_sorted_and_keep_their_uuids_without_their_network():
    turned = {A: "zeta", B: "alpha"}
    assert document(refer=lambda kind, uuid, *rest: turned.get(uuid, uuid))["external_subnets"] == ["alpha", "zeta"]
    found = document(observed(changed(CLUSTER, labels={"external_network_id": None})), refer=lambda kind, *rest: kind)
    assert found["external_subnets"] == [A, B] and "external_network" not in found


# -- values that options cannot have -----------------------------------------------------------------------------------

ODD = [
    ("cluster", "cni_driver", "flannel", "cni", "'flannel'"),
    ("cluster", "pods_network_cidr", "10.100.0.0/25", "pods_network_cidr", "too small a network"),
    ("cluster", "pods_network_cidr", "pods", "pods_network_cidr", "is not a network"),
    ("cluster", "pods_network_subnet", "many", "pods_network_subnet", "'many'"),
    ("cluster", "master_lb_floating_ip_enabled", "perhaps", "public_api_endpoint", "'perhaps'"),
    ("cluster", "kube_tag", "1.31", "kubernetes_version", "is not a version"),
    ("cluster", "external_subnet_id_list", "public", "external_subnets", "does not accept"),
    ("group", "user_script_v2", "ZWNobyBoZWxsbw==", "user_script", "does not begin with '#!'"),
    ("group", "user_script_v2", "#!/bin/sh\nAPPKEY=0123456789abcdef\n", "user_script", "looks like a secret"),
    ("group", "boot_volume_size", "big", "boot_volume_size", "'big'"),
    ("group", "extra_volumes", '[{"volume_type": "General SSD"}]', "extra_volumes", "does not accept"),
    ("group", "extra_volumes", '[{"volume_type": "General SSD", "volume_size": 4096}]', "extra_volumes", "out of range"),
    ("group", "extra_security_groups", '[{"target_subnet": "%s", "security_group_ids": ""}]' % A, "extra_security_groups", "0 security groups"),
    ("group", "availability_zone", "", "availability_zone", "does not show"),
]


@pytest.mark.parametrize("holder, label, value, option, reason", ODD, ids=["%s-%s" % (case[3], case[4].split()[-1].strip("'")) for case in ODD])
def test_value_that_the_option_cannot_have_is_left_out(holder, label, value, option, reason):
    cluster = changed(CLUSTER, labels={label: value}) if holder == "cluster" else CLUSTER
    group = changed(GROUP, labels={label: value}) if holder == "group" else GROUP
    state = observed(cluster, [(group, AUTOSCALE), (dict(group, name="other", uuid=A), AUTOSCALE)])
    found = exported(state)
    assert option not in found.document
    resources = {item.resource for item in found.omitted if item.option == option and reason in item.reason}
    assert resources == ({"cluster/demo"} if holder == "cluster" else {"cluster/demo", "cluster/demo/nodegroup/other"})
    if option != "kubernetes_version":
        assert set(lacking(found)) == {option}
    assert_unchanged(found.document, state)


def test_secret_of_the_connection_is_never_part_of_a_document():
    script = "#!/bin/sh\ncurl -u me:pa55word example.com\n"
    group = changed(GROUP, labels={"user_script_v2": script, "user_script": "pa55word"})
    access = {"enable": "true", "action": "ALLOW", "ipacl_targets": [{"cidr_address": "192.0.2.1", "description": "pa55word"}]}
    found = exported(observed(groups=[(group, AUTOSCALE)], access=access), is_secret=lambda text: "pa55word" in text)
    assert "pa55word" not in str(found)
    assert set(lacking(found)) == {"user_script", "labels.user_script", "ipacl.targets.description"}
    assert found.document["ipacl"]["targets"] == [{"cidr_address": "192.0.2.1"}]


def test_cluster_without_the_default_node_group():
    state = observed(groups=[(dict(GROUP, name="other"), AUTOSCALE)])
    found = exported(state)
    assert not set(NEEDS_GROUP) & set(found.document)
    reasons = lacking(found)
    assert set(reasons) == {"flavor", "image", "availability_zone", "boot_volume_type", "boot_volume_size"}
    assert set(reasons.values()) == {"The cluster has no node group default-worker."}
    assert_unchanged(found.document, state)


def test_settings_that_only_the_other_resource_shows():
    """Older clusters have labels of the node group on the cluster, and the image only as a label."""
    moved = {"availability_zone": "", "boot_volume_size": None, "boot_volume_type": None, "strict_sg_rules": "True"}
    group = changed(GROUP, {"image_id": None}, moved)
    cluster = changed(CLUSTER, labels={"availability_zone": "kr-pub-b", "boot_volume_size": "30", "boot_volume_type": "General HDD", "strict_sg_rules": None})
    state = observed(cluster, [(group, AUTOSCALE), (dict(group, name="other", uuid=A), AUTOSCALE)])
    found = exported(state)
    assert [found.document[option] for option in ("image", "availability_zone", "boot_volume_size", "strict_sg_rules")] == [B, "kr-pub-b", 30, True]
    (other,) = found.document["nodegroups"]
    assert other["image"] == B
    assert {item.option for item in found.omitted if item.resource.endswith("/other")} == {"availability_zone", "boot_volume_size", "boot_volume_type"}
    assert_unchanged(found.document, state)


def test_flavor_of_the_cluster_is_not_taken_for_that_of_its_nodes():
    """The cluster keeps the flavor of its creation, and the plan would change the flavor."""
    state = observed(groups=[(changed(GROUP, {"flavor_id": None}), AUTOSCALE)])
    found = exported(state)
    assert "flavor" not in found.document and lacking(found) == {"flavor": export.NOT_SHOWN}
    assert_unchanged(found.document, state)


def test_cluster_that_shows_nothing():
    bare = {"uuid": A, "status": "CREATE_COMPLETE"}
    state = observed(bare, [(dict(bare, name="default-worker"), {}), (dict(bare, name="other", uuid=B), {})], access=None)
    found = exported(state)
    assert found.document == {"nodegroups": [{"name": "other"}]}
    required = {row.option for row in rows.CLUSTER.values() if row.required}
    assert required <= {item.option for item in found.omitted if "/nodegroup/" not in item.resource}
    assert {item.option for item in found.omitted if item.resource.endswith("/other")} == {
        "autoscale",
        "node_count",
        *(row.option for row in rows.NODEGROUP.values() if row.required),
    }
    assert_unchanged(found.document, state)


# -- labels ------------------------------------------------------------------------------------------------------------


def test_labels_that_the_service_fills_in_are_left_out():
    filled = dict.fromkeys(export.FILLED_IN, "x")
    state = observed(changed(CLUSTER, labels=filled), [(changed(GROUP, labels=filled), AUTOSCALE)])
    assert "labels" not in document(state) and exported(state).omitted == []


def test_labels_without_an_option():
    cluster = {"skm": '{"key_id": "k"}', "fip_auto_bind_enable": "true", "control_plane_log": '{"enable": false}', "mine": "1"}
    group = {"fip_auto_bind_enable": "TRUE", "fip_selector": "a=b", "ca_pod_replicas": "3", "k8s_node_labels": '{"zone": "1.10"}', "skm": "x", "mine": "1"}
    state = observed(changed(CLUSTER, labels=cluster), [(changed(GROUP, labels=group), AUTOSCALE), (changed(GROUP, {"name": "other"}, group), AUTOSCALE)])
    found = exported(state)
    shared = {"fip_auto_bind_enable": "True", "fip_selector": "a=b", "ca_pod_replicas": "3", "k8s_node_labels": {"zone": "1.10"}}
    # The service accepts settings of the control plane only for a cluster.
    assert found.document["labels"] == dict(shared, skm="x")
    assert found.document["nodegroups"][0]["labels"] == shared
    # Of the cluster, not of each node group that shows it too.
    assert [(item.resource, item.option) for item in found.omitted] == [("cluster/demo", "labels.mine")]
    assert_unchanged(found.document, state)


@pytest.mark.parametrize(
    "log",
    [
        '{"enable": true, "lncs_appkey": "S3CRET"}',
        "lncs_appkey: S3CRET-0123",
        '{"enable": true, "lncs_appkey": "S3CRET',
        # No result shows such a text with asterisks, but it is JSON with an appkey.
        '"{\\"lncs_app\\\\u006bey\\": \\"S3CRET\\"}"',
    ],
)
def test_labels_with_an_appkey_are_left_out(log):
    found = exported(observed(changed(CLUSTER, labels={"control_plane_log": log})))
    assert "labels" not in found.document and list(lacking(found)) == ["labels.control_plane_log"]
    assert "S3CRET" not in str(found)


def test_no_label_is_both_a_setting_and_filled_in():
    assert not set(rows.owned_labels()) & export.FILLED_IN
    assert not export.FILLED_IN & {*rows.GROUP_LABELS, *rows.CLUSTER_LABELS}


# -- access control ----------------------------------------------------------------------------------------------------


def access(action, *targets):
    return {"enable": "True", "action": action, "ipacl_targets": [dict(zip(("cidr_address", "description"), target)) for target in targets]}


@pytest.mark.parametrize(
    "shown, expected, lack",
    [
        (OFF, {"state": "absent"}, []),
        (
            access("ALLOW", ("203.0.113.9/24", "office"), ("10.0.0.0/16", "default subnet"), ("192.0.2.1",)),
            {
                "state": "present",
                "action": "allow",
                "targets": [{"cidr_address": "192.0.2.1"}, {"cidr_address": "203.0.113.0/24", "description": "office"}],
            },
            [],
        ),
        # Of an allowed subnet of the cluster alone nothing would be left, and the list must not be empty.
        (
            access("allow", ("10.0.0.0/16", "default subnet")),
            {"state": "present", "action": "allow", "targets": [{"cidr_address": "10.0.0.0/16", "description": "default subnet"}]},
            [],
        ),
        (access("DENY", ("192.0.2.0/24",)), {"state": "present", "action": "deny", "targets": [{"cidr_address": "192.0.2.0/24"}]}, []),
        # The service rejects these two, but may have accepted them before the rule.
        (access("DENY", ("10.0.9.0/24",)), {"state": "present", "action": "deny"}, ["ipacl.targets"]),
        (access("ALLOW", *[("192.0.2.%d" % number,) for number in range(101)]), {"state": "present", "action": "allow"}, ["ipacl.targets"]),
        (access("DENY", ("nowhere",)), {"state": "present", "action": "deny"}, ["ipacl.targets"]),
        (access("MAYBE", ("192.0.2.0/24",)), None, ["ipacl"]),
        ({"enable": "true"}, None, ["ipacl"]),
        (None, None, ["ipacl"]),
    ],
)
def test_access_control(shown, expected, lack):
    state = observed(access=shown)
    found = exported(state)
    assert found.document.get("ipacl") == expected and list(lacking(found)) == lack
    assert_unchanged(found.document, state)


# -- whatever the service shows ----------------------------------------------------------------------------------------

ANYTHING = [None, "", " ", "x", "0", "-1", "7", "True", "false", "[]", "{}", "[1]", '{"a": 1}', "null", 5, 0, True, False, [], {}, [[]], "a:b", A, A.upper()]
LABELS = {
    **{label: [value] for label, value in CLUSTER["labels"].items()},
    **{label: [value] for label, value in GROUP["labels"].items()},
    "additional_network_id_list": [A, "%s:%s" % (A, B)],
    "additional_subnet_id_list": [B, "%s:%s" % (C, D)],
    "boot_volume_key_id": ["key"],
    "boot_volume_appkey": ["S3CRET"],
    "control_plane_log": ['{"enable": true}', '{"enable": true, "lncs_appkey": "S3CRET"}'],
    "etcd_volume_size": ["10"],
    "extra_volumes": [json.dumps(VOLUMES), json.dumps(VOLUMES * 2), "[{}]", '[{"volume_type": 5, "volume_size": "x"}]'],
    "extra_security_groups": [
        json.dumps([{"target_subnet": A, "security_group_ids": "%s,%s" % (B, C)}]),
        "[{}]",
        '[{"target_subnet": null, "security_group_ids": null}]',
    ],
    "fip_auto_bind_enable": ["True", "perhaps"],
    "ca_enable": ["false", "True"],
    "ca_min_node_count": ["0", "1", "5"],
    "ca_max_node_count": ["0", "3", "10"],
    "k8s_node_labels": ['{"a": "1.0"}', '{"a": [NaN]}'],
    "kube_tag": ["v1.31.4", "v1.30.3", "1.31.4"],
    "mba_scale_out": ['{"enable": "true", "rules": [{"threshold": 10.0}]}'],
    "mine": ["1"],
    "ncr_sgw": [A],
    "obs_sgw": [B],
    "pods_network_cidr": ["10.100.0.0/16", "10.100.0.9/16", "10.254.0.0/20", "fd00::/64", "169.254.0.0/24"],
    "pods_network_subnet": ["24", "16", "30"],
    "user_script": ["echo old"],
    "user_script_v2": ["#!/bin/sh\n", "#!/bin/sh\n" + "x" * 70000, "hello"],
}
FIELDS = {"keypair": ["k"], "flavor_id": [A, B], "image_id": [A, B], "fixed_network": [A], "fixed_subnet": [B], "node_count": [1, 5, "3"]}
SETTINGS = {"ca_enable": [True, False, "True"], "ca_min_node_count": [1, 3, 0], "ca_max_node_count": [2, 10, 0], "ca_scale_down_delay_after_add": [3, 10]}


def some_of(values):
    """Some of the keys, each with one of its values or, less often, with anything at all."""
    return st.fixed_dictionaries({}, optional={key: st.sampled_from(usual * 6 + ANYTHING) for key, usual in values.items()})


def replies(labels, name, uuid):
    return st.builds(lambda fields, found: dict(fields, uuid=uuid, name=name, status="CREATE_COMPLETE", labels=found), some_of(FIELDS), labels)


clusters = replies(some_of(LABELS), "demo", D)
groups = st.tuples(replies(some_of(LABELS), "default-worker", C), st.one_of(st.none(), some_of({**{key: [10] for key in AUTOSCALE}, **SETTINGS})))
ADDRESSES = st.sampled_from(["10.0.0.0/16", "192.0.2.7/24", "192.0.2.9/24", "fd00::1", "x", None])
accesses = st.one_of(
    st.just(OFF),
    st.none(),
    st.builds(
        lambda action, targets: access(action, *targets),
        st.sampled_from(["ALLOW", "deny", None, 5]),
        st.lists(st.tuples(ADDRESSES, st.sampled_from(["", "a", None, 5])), max_size=4),
    ),
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(cluster=clusters, first=st.one_of(st.none(), groups, groups, groups), other=st.one_of(st.none(), groups), shown=accesses)
def test_document_of_whatever_is_shown_is_valid_and_changes_nothing(cluster, first, other, shown):
    found_groups = [] if first is None else [first]
    if other is not None:
        found_groups.append((dict(other[0], name="other", uuid=B), other[1]))
    state = observed(cluster, found_groups, shown)
    found = exported(copy.deepcopy(state))
    assert "S3CRET" not in str(found)
    # A result shows it as it is.
    assert wire.masked(found.document) == found.document
    if first is None:
        assert not set(NEEDS_GROUP) & set(found.document)
    assert_unchanged(found.document, state)
    # Neither empty values nor anything twice.
    assert all(value not in ("", [], {}, None) for key, value in found.document.items() if key != "nodegroups")
    keys = [(item.resource, item.option) for item in found.omitted]
    assert len(keys) == len(set(keys)) and all(item.reason.endswith(".") for item in found.omitted)
    assert not [item.option for item in found.omitted if "/nodegroup/" not in item.resource and item.option in found.document]


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(cluster=clusters, group=groups, data=st.data())
def test_order_of_what_is_shown_does_not_matter(cluster, group, data):
    state = observed(cluster, [group])

    def turned(reply):
        reply = copy.deepcopy(reply)
        keys = data.draw(st.permutations(list(reply["labels"])))
        reply["labels"] = {key: reply["labels"][key] for key in keys}
        subnets = reply["labels"].get("external_subnet_id_list")
        if isinstance(subnets, str):
            reply["labels"]["external_subnet_id_list"] = ":".join(reversed(subnets.split(":")))
        return reply

    again = observed(turned(cluster), [(turned(group[0]), group[1])])
    assert json.dumps(document(state)) == json.dumps(document(again))
    assert exported(state).omitted == exported(again).omitted
