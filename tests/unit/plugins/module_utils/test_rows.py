# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of options: what each option is called, how it is sent, where it is read back and when two values are the same."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._model import kinds, rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import LABELS, UNKNOWN
from ansible_collections.nhncloud.nks.plugins.module_utils._model.rows import AUTOSCALE, CLUSTER, NODEGROUP
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.cluster import JOB as CLUSTER_JOB
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.values import VALUES

many = settings(max_examples=100, deadline=None)
UUIDS = ["6ef27f21-c774-4c0e-84ff-7dd4a762571f", "f462a2a5-ba24-46d6-b7a1-9a9febcd3cfc", "4fdf5b80-3d35-43f5-a5c1-010a3b6c8e90"]

#: option -> (value, where the creation has it, what is sent).
CLUSTER_BODY = {option: (entry.value, entry.path, entry.wire) for option, entry in VALUES.items()}
#: The creation of a node group has these of them, and no version.
GROUP_BODY = {option: (entry.value, entry.group, entry.wire) for option, entry in VALUES.items() if entry.group and option != "kubernetes_version"}


def at(body, path):
    for part in path.split("."):
        body = body[part]
    return body


def row(table, option):
    return table[option]


def kind(name):
    """A kind by its name: "volumes" is that of extra_volumes."""
    return CLUSTER["extra_" + name].kind if "extra_" + name in CLUSTER else getattr(kinds, name.upper())


def equal(name, wanted, present):
    return kind(name).equal(wanted, present)


class TestCreation:
    @pytest.mark.parametrize("option", sorted(CLUSTER_BODY))
    def test_cluster_creation_body_matches_api_guide(self, option):
        value, path, sent = CLUSTER_BODY[option]
        body = {}
        row(CLUSTER, option).put(body, value)
        assert at(body, path) == sent
        assert type(at(body, path)) is type(sent)
        assert len(body) == 1

    @pytest.mark.parametrize("option", sorted(GROUP_BODY))
    def test_node_group_creation_body_matches_api_guide(self, option):
        value, path, sent = GROUP_BODY[option]
        body = {}
        row(NODEGROUP, option).put(body, value, nodegroup=True)
        assert at(body, path) == sent
        assert type(at(body, path)) is type(sent)
        assert len(body) == 1

    @pytest.mark.parametrize(
        "option, value, path, sent",
        [
            ("node_count", 0, "node_count", 0),
            ("strict_sg_rules", True, "labels.strict_sg_rules", "True"),
            ("public_api_endpoint", False, "labels.master_lb_floating_ip_enabled", "False"),
            ("additional_networks", UUIDS[:1], "labels.additional_network_id_list", UUIDS[0]),
            ("user_script", "", "labels.user_script_v2", ""),
        ],
    )
    def test_edge_values_are_sent(self, option, value, path, sent):
        body = {}
        row(CLUSTER, option).put(body, value)
        assert at(body, path) == sent
        assert type(at(body, path)) is type(sent)

    def test_every_field_has_a_creation_test(self):
        assert {field.option for field in CLUSTER.values()} == set(CLUSTER_BODY)
        assert {field.option for field in NODEGROUP.values() if field.sent} == set(GROUP_BODY)

    def test_autoscaler_options_map_to_api_guide_labels(self):
        assert {setting.option: setting.group for setting in AUTOSCALE.values()} == {
            "enabled": "ca_enable",
            "min_node_count": "ca_min_node_count",
            "max_node_count": "ca_max_node_count",
            "scale_down_enabled": "ca_scale_down_enable",
            "scale_down_unneeded_time": "ca_scale_down_unneeded_time",
            "scale_down_utilization_threshold": "ca_scale_down_util_thresh",
            "scale_down_delay_after_add": "ca_scale_down_delay_after_add",
        }

    def test_custom_labels_are_sent_with_objects_as_json(self):
        given_labels = {"a": "x", "n": 5, "b": True, "o": {"k": [1]}, "l": ["x"]}
        assert LABELS.write(given_labels) == {"a": "x", "n": 5, "b": True, "o": '{"k": [1]}', "l": '["x"]'}

    def test_every_label_maps_to_its_option(self):
        owned = rows.owned_labels()
        for table in (CLUSTER_BODY, GROUP_BODY):
            for option, (dummy_value, path, dummy_sent) in table.items():
                if path.startswith("labels."):
                    assert owned[path[len("labels.") :]] == option
        assert owned["ca_scale_down_util_thresh"] == "autoscale.scale_down_utilization_threshold"


class TestReadingBack:
    @pytest.mark.parametrize("option", sorted(CLUSTER_BODY))
    def test_sent_value_is_not_a_change(self, option):
        """For settings of the first node group as well, which stand in that group's labels."""
        field = row(CLUSTER, option)
        value, path, sent = CLUSTER_BODY[option]
        head, dummy, label = path.partition(".")
        reply = {"labels": {label: sent if isinstance(sent, str) else json.dumps(sent)}} if label else {head: sent}
        holder = wire.resource(reply)
        present = field.observed({}, holder) if field.group else field.observed(holder, {})
        assert present is not UNKNOWN
        assert field.equal(value, present)

    def test_default_group_settings_are_read_from_node_group(self):
        cluster = wire.resource({"flavor_id": "old", "node_count": 9, "labels": {"boot_volume_size": "99"}})
        group = wire.resource({"flavor_id": "new", "node_count": 2, "labels": {"boot_volume_size": "30"}})
        assert row(CLUSTER, "flavor").observed(cluster, group) == "new"
        assert row(CLUSTER, "node_count").observed(cluster, group) == 2
        assert row(CLUSTER, "boot_volume_size").observed(cluster, group) == 30
        assert row(CLUSTER, "boot_volume_size").observed(cluster, None) is UNKNOWN

    @pytest.mark.parametrize(
        "labels, image",
        [({}, "shown"), ({"node_image": ""}, "shown"), ({"node_image": "label"}, "label")],
    )
    def test_default_group_image_label_takes_precedence(self, labels, image):
        assert row(CLUSTER, "image").observed({}, wire.resource({"image_id": "shown", "labels": labels})) == image

    def test_node_group_image_ignores_label(self):
        assert row(NODEGROUP, "image").observed(None, wire.resource({"image_id": "shown", "labels": {"node_image": "label"}})) == "shown"

    @pytest.mark.parametrize("option", sorted(set(CLUSTER_BODY) - {"user_script", "ncr_sgw", "obs_sgw"}))
    @pytest.mark.parametrize("holder", [{}, {"labels": {}}, {"labels": None}, None])
    def test_value_missing_from_response_is_unknown(self, option, holder):
        typed = wire.resource(holder) if holder is not None else None
        assert row(CLUSTER, option).observed(typed, typed) is UNKNOWN

    def test_missing_script_and_gateways_are_read_as_empty(self):
        for group in ({"labels": {}}, {"labels": {"user_script_v2": ""}}):
            assert row(CLUSTER, "user_script").observed({}, wire.resource(group)) == ""
        for cluster in ({"labels": {}}, {"labels": {"ncr_sgw": ""}}):
            assert row(CLUSTER, "ncr_sgw").observed(wire.resource(cluster), {}) == ""
        assert row(CLUSTER, "user_script").observed({}, None) is UNKNOWN

    @many
    @given(
        st.sampled_from([*CLUSTER.values(), *NODEGROUP.values()]),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)),
    )
    def test_unexpected_response_value_never_raises(self, field, value):
        for path in (field.cluster, field.group):
            if path:
                head, dummy, label = path.partition(".")
                holder = wire.resource({"labels": {label: value}} if label else {head: value})
                present = field.observed(holder, holder)
                field.equal(CLUSTER_BODY[field.option][0], present)
                field.show(None if present is UNKNOWN else present)

    def test_mixed_type_set_is_shown_in_stable_order(self):
        shown = row(CLUSTER, "external_subnets").show
        assert shown(["b", False, "a"]) == shown([False, "a", "b"]) == [False, "a", "b"]


class TestEqual:
    @pytest.mark.parametrize("kind", ["text", "uuid", "cidr", "script", "integer", "boolean", "uuid_list", "uuid_set", "volumes", "security_groups"])
    def test_unknown_value_is_not_a_change(self, kind):
        assert equal(kind, object(), UNKNOWN)

    @many
    @given(st.lists(st.uuids().map(str), max_size=6, unique=True), st.randoms(use_true_random=False))
    def test_set_comparison_ignores_order(self, items, order):
        shuffled = items[:]
        order.shuffle(shuffled)
        assert equal("uuid_set", items, [item.upper() for item in shuffled])
        assert not equal("uuid_set", items, [*shuffled, "other"])
        assert equal("uuid_list", items, shuffled) is (items == shuffled)

    @pytest.mark.parametrize(
        "wanted, present, same",
        [
            ("10.100.0.0/16", "10.100.0.0/16", True),
            ("10.100.0.0/16", "10.100.5.1/16", True),
            ("10.100.0.0/16", "10.100.0.0/255.255.0.0", True),
            ("10.100.0.1", "10.100.0.1/32", True),
            ("10.100.0.0/16", "10.100.0.0/17", False),
            ("10.100.0.0/16", "odd", False),
            ("10.100.0.0/16", ["odd"], False),
        ],
    )
    def test_cidrs_are_normalized(self, wanted, present, same):
        assert equal("cidr", wanted, present) is same

    @pytest.mark.parametrize(
        "kind, wanted, present, same",
        [
            ("uuid", UUIDS[0], UUIDS[0].upper(), True),
            ("uuid", UUIDS[0], UUIDS[1], False),
            ("text", "kr-pub-a", "kr-pub-a", True),
            ("text", "General SSD", "general ssd", False),
            ("text", "5", 5, True),
            ("integer", 30, 30, True),
            ("integer", 30, 31, False),
            ("integer", 30, "odd", False),
            ("boolean", True, True, True),
            ("boolean", True, False, False),
            ("boolean", False, "odd", False),
            ("script", "#!/bin/sh\n", "#!/bin/sh\n", True),
            ("script", "", "", True),
            ("script", "#!/bin/sh\n", "", False),
        ],
    )
    def test_plain_values(self, kind, wanted, present, same):
        assert equal(kind, wanted, present) is same

    WANTED = [{"type": "General HDD", "size": 100, "key_id": None, "appkey": None, "mount_path": None}]

    @pytest.mark.parametrize(
        "present, same",
        [
            ([{"volume_type": "General HDD", "volume_size": 100}], True),
            ([{"volume_type": "General HDD", "volume_size": "100", "volume_mount_path": "/mnt/chosen", "volume_id": "x", "status": "in-use"}], True),
            ([{"volume_type": "General HDD", "volume_size": 100, "volume_key_id": "", "volume_appkey": None}], True),
            ([{"volume_type": "General SSD", "volume_size": 100}], False),
            ([{"volume_type": "General HDD", "volume_size": 200}], False),
            ([], False),
            ([{"volume_type": "General HDD", "volume_size": 100}] * 2, False),
        ],
    )
    def test_volume_comparison_ignores_nks_defaults(self, present, same):
        assert equal("volumes", self.WANTED, kind("volumes").read(present)) is same

    def test_specified_mount_path_is_compared(self):
        wanted = [dict(self.WANTED[0], mount_path="/data")]
        assert equal("volumes", wanted, [{"type": "General HDD", "size": 100, "mount_path": "/data"}])
        assert not equal("volumes", wanted, [{"type": "General HDD", "size": 100, "mount_path": "/other"}])
        assert equal("volumes", wanted, [{"type": "General HDD", "size": 100}])

    def test_volume_comparison_ignores_order(self):
        first, second = {"type": "General HDD", "size": 1}, {"type": "General HDD", "size": 2}
        assert equal("volumes", [first, second], [second, first])
        assert not equal("volumes", [first, first], [second, first])

    def test_volume_matching_finds_complete_pairing(self):
        """The first one fits both that are there; the second one only the one that would be taken for the first."""
        anywhere, data = {"type": "General HDD", "size": 1, "mount_path": None}, {"type": "General HDD", "size": 1, "mount_path": "/data"}
        present = [{"type": "General HDD", "size": 1, "mount_path": "/data"}, {"type": "General HDD", "size": 1, "mount_path": "/mnt/1"}]
        assert equal("volumes", [anywhere, data], present)
        assert not equal("volumes", [data, data], present)

    def test_returned_appkey_is_compared(self):
        wanted = [dict(self.WANTED[0], appkey="a")]
        assert equal("volumes", wanted, [{"type": "General HDD", "size": 100, "appkey": "a"}])
        assert not equal("volumes", wanted, [{"type": "General HDD", "size": 100, "appkey": "b"}])

    @many
    @given(st.dictionaries(st.uuids().map(str), st.lists(st.uuids().map(str), min_size=1, max_size=4, unique=True), max_size=3), st.integers())
    def test_security_groups_are_compared_as_set_per_subnet(self, wanted, seed):
        option = [{"subnet": subnet, "security_groups": groups} for subnet, groups in wanted.items()]
        order = random.Random(seed)
        present = [{"target_subnet": subnet.upper(), "security_group_ids": ",".join(order.sample(groups, len(groups)))} for subnet, groups in wanted.items()]
        order.shuffle(present)
        assert equal("security_groups", option, kind("security_groups").read(present))
        if present:
            present[0]["security_group_ids"] += ",other"
            assert not equal("security_groups", option, kind("security_groups").read(present))

    @pytest.mark.parametrize("odd", ["text", None, 5, {}])
    @pytest.mark.parametrize("name", ["volumes", "security_groups"])
    def test_non_list_value_is_unknown(self, name, odd):
        assert kind(name).read(odd) is UNKNOWN

    @pytest.mark.parametrize(
        "wanted, present, same",
        [
            (True, "True", True),
            (True, "true", True),
            ("True", "true", True),
            (True, "false", False),
            (10, "10", True),
            ("10", 10, True),
            ("10", "11", False),
            ({"a": [1, True]}, '{"a": [1, true]}', True),
            ('{"a":  1}', '{"a": 1}', True),
            ({"enable": "True"}, {"enable": True}, True),
            ({"Enable": "True"}, {"enable": "true"}, False),
            ({"mode": "Always"}, '{"mode": "always"}', False),
            ('["A"]', '["a"]', False),
            ({"a": 1.0, "b": "2"}, '{"b": 2, "a": 1}', True),
            ({"a": 1}, '{"a": 2}', False),
            (["x"], '["x"]', True),
            ("LNCS", "lncs", False),
            ("LNCS", "LNCS", True),
            ("TRUE", "true", True),
            ("a ", "a", False),
            ("1.10", "1.1", False),
            ("1.10", "1.10", True),
            ("010", "10", False),
            ("", "", True),
            ("x", None, False),
            ("{broken", "{broken", True),
        ],
    )
    def test_custom_labels_are_compared_by_meaning(self, wanted, present, same):
        assert LABELS.same(wanted, present) is same

    @many
    @given(
        st.recursive(
            st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="abc", max_size=2), inner, max_size=3),
        )
    )
    def test_sent_label_is_not_a_change(self, value):
        sent = wire.write_any(value)
        shown = sent if isinstance(sent, str) else str(sent)
        assert LABELS.same(value, shown)


class TestNormalization:
    """Options in the one spelling with which everything else works."""

    ODD = [UUIDS[0].upper(), UUIDS[0].replace("-", ""), UUIDS[0].replace("-", "").upper(), UUIDS[0].replace("-", "", 2)]

    @pytest.mark.parametrize("odd", ODD)
    def test_uuid_references_are_normalized(self, odd):
        single = [field.option for field in CLUSTER.values() if field.kind == "uuid"] + ["cluster", "name", "nodegroup", "uuid"]
        several = [field.option for field in CLUSTER.values() if field.kind in ("uuid_list", "uuid_set")] + ["nodes", "nodes_to_remove"]
        options = dict(dict.fromkeys(single, odd), **{option: [odd, "a-name"] for option in several})
        options["extra_security_groups"] = [{"subnet": odd, "security_groups": [odd, "web"]}]
        assert rows.normalized(options) == dict(
            dict.fromkeys(single, UUIDS[0]),
            extra_security_groups=[{"subnet": UUIDS[0], "security_groups": [UUIDS[0], "web"]}],
            **{option: [UUIDS[0], "a-name"] for option in several},
        )

    def test_other_options_are_not_normalized(self):
        odd = UUIDS[0].upper()
        options = {"password": odd, "token": odd, "keypair": odd, "boot_volume_key_id": odd, "labels": {"a": odd}, "name": "Demo", "nodes": None, "network": ""}
        assert rows.normalized(options) == options

    def test_empty_subnet_lists_are_omitted(self):
        assert rows.normalized({"external_subnets": [], "additional_subnets": []}) == {"external_subnets": None, "additional_subnets": []}


class TestShow:
    def test_sets_are_shown_in_stable_order(self):
        volumes = [{"type": "General SSD", "size": 20}, {"type": "General HDD", "size": 10, "mount_path": None}]
        assert row(CLUSTER, "extra_volumes").show(volumes) == row(CLUSTER, "extra_volumes").show(volumes[::-1])
        groups = [{"subnet": "a", "security_groups": ["z", "b"]}]
        assert row(CLUSTER, "extra_security_groups").show(groups) == [{"subnet": "a", "security_groups": ["b", "z"]}]

    def test_uuid_is_shown_in_canonical_form(self):
        assert row(CLUSTER, "flavor").show(UUIDS[0].upper()) == UUIDS[0]
        assert row(CLUSTER, "additional_networks").show([UUIDS[1].replace("-", ""), "x"]) == [UUIDS[1], "x"]

    def test_secrets_are_not_shown(self):
        assert row(CLUSTER, "boot_volume_appkey").show("s3cr3t") == "********"
        assert row(CLUSTER, "boot_volume_appkey").show("") == ""
        assert row(CLUSTER, "extra_volumes").show([{"type": "x", "appkey": "s3cr3t"}]) == [{"type": "x", "appkey": "********"}]

    def test_unknown_value_is_shown_as_none(self):
        assert row(CLUSTER, "keypair").show(UNKNOWN) is None
        assert row(CLUSTER, "keypair").show("demo-key") == "demo-key"


#: Options of clusters and node groups that have members of their own.
COMMON = {"autoscale": ("dict", []), "labels": ("dict", [])}
CLUSTER_CREATION = {**{option: (entry.type, entry.aliases) for option, entry in VALUES.items()}, **COMMON}
CREATION = {option: expected for option, expected in CLUSTER_CREATION.items() if option in COMMON or VALUES[option].group}
CONNECTION = {
    "region": ("str", None),
    "tenant_id": ("str", None),
    "username": ("str", None),
    "password": ("str", None),
    "token": ("str", None),
    "auth_url": ("str", None),
    "domain": ("str", None),
    "kubernetes_endpoint": ("str", None),
    "compute_endpoint": ("str", None),
    "network_endpoint": ("str", None),
    "image_endpoint": ("str", None),
    "volume_endpoint": ("str", None),
    "validate_certs": ("bool", True),
    "ca_cert": ("path", None),
    "request_timeout": ("float", 30.0),
    "max_retries": ("int", 5),
    "token_cache": ("path", None),
}


class TestArguments:
    @pytest.mark.parametrize("table, expected", [(CLUSTER, CLUSTER_CREATION), (NODEGROUP, CREATION)], ids=["cluster", "node group"])
    def test_creation_options(self, table, expected):
        spec = arguments.creation(table)
        found = {option: (entry["type"], entry.get("aliases", [])) for option, entry in spec.items()}
        assert found == {option: (kind, list(aliases)) for option, (kind, aliases) in expected.items()}
        assert not any("default" in entry or entry.get("required") for entry in spec.values())
        assert all(entry["elements"] for entry in spec.values() if entry["type"] == "list")

    def test_suboptions(self):
        spec = arguments.creation(CLUSTER)
        assert set(spec["extra_volumes"]["options"]) == {"type", "size", "key_id", "appkey", "mount_path"}
        assert set(spec["extra_security_groups"]["options"]) == {"subnet", "security_groups"}
        assert {option: entry["aliases"] for option, entry in spec["autoscale"]["options"].items()} == {
            setting.option: [setting.group] for setting in AUTOSCALE.values()
        }
        assert [option for option, entry in spec["autoscale"]["options"].items() if entry.get("required")] == ["enabled"]
        assert spec["cni"]["choices"] == ["calico", "calico-ebpf"]

    def test_secrets_are_marked_no_log(self):
        spec = arguments.creation(CLUSTER)
        assert spec["boot_volume_appkey"]["no_log"] is True
        assert spec["extra_volumes"]["options"]["appkey"]["no_log"] is True
        assert arguments.auth()["password"]["no_log"] is True
        assert arguments.auth()["token"]["no_log"] is True

    def test_connection_options_and_environment_variables(self):
        spec = arguments.auth()
        assert {option: (entry["type"], entry.get("default")) for option, entry in spec.items()} == CONNECTION
        assert all(entry["fallback"][1] == ["NHNCLOUD_" + option.upper()] for option, entry in spec.items())

    def test_shared_options(self):
        assert {option: entry.get("default") for option, entry in arguments.wait().items()} == {"wait": True, "wait_timeout": None, "wait_interval": 10.0}
        assert arguments.state("present", "absent") == {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
        assert set(arguments.reconciled()) == {"immutable", "num_buffer_nodes", "num_max_unavailable_nodes"}
        assert arguments.reconciled()["immutable"]["choices"] == ["fail", "warn"]
        assert arguments.query() == {"query": {"type": "str"}}

    def test_only_node_groups_can_be_replaced(self):
        spec = arguments.reconciled(rows.GROUP_RECONCILE)
        assert set(spec) == {"immutable", "replacement_name", "num_buffer_nodes", "num_max_unavailable_nodes"}
        assert spec["immutable"] == {"type": "str", "choices": ["fail", "warn", "replace"], "default": "fail"}
        assert "replace" not in CLUSTER_JOB.arguments["immutable"]["choices"] and "replacement_name" not in CLUSTER_JOB.arguments
