# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``wire``: the service's strings as typed values and back, and nothing of its answers is a traceback."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadReply
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

many = settings(max_examples=60, deadline=None)
UUID = "5801ef8a-3760-4858-b467-fc4c1201241d"

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
junk = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3), max_leaves=6)
labels = st.dictionaries(st.sampled_from(sorted(wire.LABELS)) | st.text(max_size=12), junk, max_size=5)
known_keys = [
    *sorted(wire.FIELDS),
    "labels",
    "status",
    "status_reason",
    "name",
    "uuid",
    "node_addresses",
    "api_address",
    "faults",
    "enable",
    "action",
    "ipacl_targets",
]
replies = st.dictionaries(st.sampled_from(known_keys) | st.text(max_size=12), junk | labels, max_size=6)

BOOLS = sorted(label for label, kind in wire.LABELS.items() if kind == "bool")
INTS = sorted(label for label, kind in wire.LABELS.items() if kind == "int")
LISTS = sorted(label for label, kind in wire.LABELS.items() if kind == "colon_list")
JSONS = sorted(label for label, kind in wire.LABELS.items() if kind == "json")


def in_any_case(text):
    return st.tuples(*[st.sampled_from([letter.lower(), letter.upper()]) for letter in text]).map("".join)


class TestLabels:
    def test_all_known_typed_labels_have_a_type(self):
        assert set(BOOLS) >= {"ca_enable", "ca_scale_down_enable", "cert_manager_api", "master_lb_floating_ip_enabled", "strict_sg_rules"}
        assert set(BOOLS) >= {"api_ep_ipacl_enable", "service_user_enabled"}
        assert set(INTS) >= {"boot_volume_size", "pods_network_subnet", "term_of_validity", "requested_node_count", "ca_pod_replicas"}
        assert set(INTS) >= {label for label in wire.AUTOSCALE if not label.endswith("enable")}
        assert set(LISTS) >= {"external_subnet_id_list", "additional_network_id_list", "additional_subnet_id_list", "node_list"}
        assert set(JSONS) >= {"extra_volumes", "extra_security_groups", "k8s_args", "mba_scale_in", "mba_scale_out", "upgradable_kube_versions"}

    @many
    @given(st.sampled_from(BOOLS), st.booleans(), st.data(), st.sampled_from(["%s", " %s", "%s\n"]))
    def test_boolean_is_read_from_text_or_native_value(self, label, value, data, form):
        text = form % data.draw(in_any_case(str(value)))
        assert wire.labels({label: text})[label] is value
        assert wire.labels({label: value})[label] is value

    @many
    @given(st.sampled_from(INTS), st.integers(-(10**12), 10**12), st.sampled_from(["%d", " %d ", "%d\n"]))
    def test_integer_is_read_from_text_or_native_value(self, label, value, form):
        for given_value in (form % value, value, float(value)):
            found = wire.labels({label: given_value})[label]
            assert found == value
            assert isinstance(found, int)

    @many
    @given(st.sampled_from(LISTS), st.lists(st.uuids().map(str), max_size=5))
    def test_colon_list_is_read_from_text_or_native_value(self, label, value):
        assert wire.labels({label: ":".join(value)})[label] == value
        assert wire.labels({label: value})[label] == value
        assert wire.labels({label: ":" + ":".join(value) + ":"})[label] == value

    @many
    @given(st.sampled_from(JSONS), st.dictionaries(st.text(), st.integers() | st.text()) | st.lists(st.text() | st.integers()))
    def test_json_label_is_read_from_text_or_native_value(self, label, value):
        assert wire.labels({label: json.dumps(value)})[label] == value
        assert wire.labels({label: value})[label] == value

    @pytest.mark.parametrize("form", [json.dumps, lambda value: value], ids=["text", "real"])
    @pytest.mark.parametrize(
        "label, value, typed",
        [
            (
                "extra_volumes",
                [{"volume_type": "General HDD", "volume_size": "10", "volume_mount_path": "/1"}],
                [{"volume_type": "General HDD", "volume_size": 10, "volume_mount_path": "/1"}],
            ),
            ("extra_volumes", [{"volume_size": 10.0}, {"volume_size": "X"}], [{"volume_size": 10}, {"volume_size": "X"}]),
            (
                "mba_scale_out",
                {"enable": "True", "max_node_count": "5", "delay": 10.0, "rules": [{"metric": "GROUP_CPU_USAGE", "threshold": "70", "duration": "5"}]},
                {"enable": True, "max_node_count": 5, "delay": 10, "rules": [{"metric": "GROUP_CPU_USAGE", "threshold": 70, "duration": 5}]},
            ),
            ("mba_scale_in", {"enable": "false", "min_node_count": "1"}, {"enable": False, "min_node_count": 1}),
            (
                "control_plane_log",
                {"enable": "true", "upload_interval": "10", "obs_store_as": "1"},
                {"enable": True, "upload_interval": 10, "obs_store_as": "1"},
            ),
            ("k8s_args", {"kubelet": {"max-pods": 110.0, "name": "5"}}, {"kubelet": {"max-pods": 110, "name": "5"}}),
            # Values of Kubernetes labels are texts.
            ("k8s_node_labels", {"delay": "5", "enable": "true"}, {"delay": "5", "enable": "true"}),
        ],
    )
    def test_members_of_json_labels_are_typed(self, label, value, typed, form):
        found = wire.labels({label: form(value)})[label]
        # Equal as text, so that 10 is no 10.0 and True no 1.
        assert json.dumps(found) == json.dumps(typed)

    @pytest.mark.parametrize("label", sorted(wire.LABELS))
    def test_empty_text_is_read_as_empty(self, label):
        assert wire.labels({label: ""})[label] == ([] if label in LISTS else None)

    @pytest.mark.parametrize("label", sorted(set(wire.LABELS) - set(LISTS)))
    @pytest.mark.parametrize("odd", ["maybe", "1.5x", "{broken", "[" * 100000, "9" * 10000 + "x"])
    def test_unparsable_value_is_kept_unchanged(self, label, odd):
        assert wire.labels({label: odd})[label] == odd

    def test_other_labels_stay_text(self):
        given_labels = {"kube_tag": "v1.31.4", "station_id": "5", "something": "true", "cni_driver": ""}
        assert wire.labels(given_labels) == given_labels

    @many
    @given(st.sampled_from(["bool", "int", "colon_list", None]), st.data())
    def test_written_value_is_read_back(self, kind, data):
        values = {"bool": st.booleans(), "int": st.integers(), "colon_list": st.lists(st.uuids().map(str)), None: st.text(min_size=1)}
        value = data.draw(values[kind])
        written = wire.write(kind, value)
        assert isinstance(written, str)
        assert wire.read(kind, written) == value

    @pytest.mark.parametrize(
        "kind, value, text", [("bool", True, "True"), ("bool", False, "False"), ("int", 0, "0"), ("colon_list", ["a", "b"], "a:b"), (None, "x", "x")]
    )
    def test_labels_are_written_in_the_documented_format(self, kind, value, text):
        assert wire.write(kind, value) == text

    @pytest.mark.parametrize("value, text", [({"b": 1, "a": [True]}, '{"a": [true], "b": 1}'), (["x"], '["x"]'), ("{}", "{}"), (5, 5), (True, True), ("", "")])
    def test_custom_labels_are_written_as_json_or_unchanged(self, value, text):
        assert wire.write_any(value) == text


class TestResources:
    def test_real_cluster_response_is_typed(self):
        reply = {
            "uuid": UUID,
            "name": "demo",
            "status": "CREATE_COMPLETE",
            "status_reason": "Deploy completed successfully",
            "node_count": 3,
            "master_count": "3",
            "create_timeout": 60,
            "floating_ip_enabled": "True",
            "node_addresses": ["10.0.0.5", "10.0.0.6"],
            "coe_version": "v1.31.4",
            "labels": {
                "strict_sg_rules": "False",
                "ca_enable": "false",
                "pods_network_subnet": "24",
                "upgradable_kube_versions": '["v1.34.3"]',
                "kube_tag": "v1.33.4",
            },
        }
        before = json.dumps(reply)
        typed = wire.resource(reply)
        assert typed["master_count"] == 3
        assert typed["floating_ip_enabled"] is True
        assert typed["node_addresses"] == ["10.0.0.5", "10.0.0.6"]
        assert typed["labels"] == {
            "strict_sg_rules": False,
            "ca_enable": False,
            "pods_network_subnet": 24,
            "upgradable_kube_versions": ["v1.34.3"],
            "kube_tag": "v1.33.4",
        }
        assert json.dumps(reply) == before

    def test_missing_fields_are_not_added(self):
        assert wire.resource({"uuid": UUID, "max_node_count": None}) == {"uuid": UUID, "max_node_count": None}

    @pytest.mark.parametrize("odd", [None, "text", [], 5])
    def test_invalid_labels_become_an_empty_dict(self, odd):
        assert wire.resource({"labels": odd})["labels"] == {}
        assert wire.autoscale_of(wire.resource({"labels": odd})) == {}
        assert wire.autoscale_of({}) == {}

    @pytest.mark.parametrize("odd", ["10.0.0.5, 10.0.0.6", ["10.0.0.5", "", None, "10.0.0.6"]])
    def test_addresses_are_a_list(self, odd):
        assert wire.resource({"node_addresses": odd})["node_addresses"] == ["10.0.0.5", "10.0.0.6"]

    @pytest.mark.parametrize("reply", [{}, {"uuid": UUID}, {"status": "CREATE_COMPLETE"}, {"uuid": "", "status": "X"}, {"uuid": UUID, "status": None}])
    def test_response_without_uuid_or_status_is_rejected(self, reply):
        with pytest.raises(BadReply, match=r"^Could not read cluster demo: the answer has no uuid or no status\.$"):
            wire.identified(reply, "read cluster demo")

    @many
    @given(replies)
    def test_random_response_never_causes_a_traceback(self, reply):
        typed = wire.resource(reply)
        assert set(typed) == set(reply)
        assert isinstance(typed.get("labels", {}), dict)
        assert typed.get("status") is None or isinstance(typed["status"], str)
        for function in (wire.autoscale, wire.ipacl, wire.event, wire.versions, wire.event_types, wire.masked, wire.labels):
            function(reply)
        wire.autoscale_of(typed)
        try:
            wire.identified(reply, "read")
        except BadReply:
            pass

    @many
    @given(junk)
    def test_random_labels_and_values_never_cause_a_traceback(self, value):
        for kind in ("bool", "int", "colon_list", "json", None):
            wire.read(kind, value)
        wire.labels(value)
        wire.masked(value)
        wire.version_key(value)
        wire.write_any(value)
        for key in ("supported_k8s", "supported_event_type"):
            wire.versions({key: value})
            wire.event_types({key: value})
        wire.ipacl({"enable": value, "action": value, "ipacl_targets": value})


class TestOtherResponses:
    @pytest.mark.parametrize("true", [True, "true", "True", "TRUE"])
    def test_autoscaler_booleans_may_be_text_or_native(self, true):
        assert wire.autoscale({"ca_enable": true, "ca_max_node_count": "10", "ca_min_node_count": 0, "ca_image": "x"}) == {
            "ca_enable": True,
            "ca_max_node_count": 10,
            "ca_min_node_count": 0,
            "ca_image": "x",
        }

    def test_autoscaler_is_read_from_node_group_labels(self):
        group = wire.resource({"labels": {"ca_enable": "false", "ca_max_node_count": "0", "kube_tag": "v1"}})
        assert wire.autoscale_of(group) == {"ca_enable": False, "ca_max_node_count": 0}

    @pytest.mark.parametrize(
        "enable, expected", [("true", True), ("True", True), (True, True), ("false", False), (False, False), (None, False), ("x", False), (1, False)]
    )
    def test_access_control_is_on_only_if_enable_is_true(self, enable, expected):
        found = wire.ipacl({"cluster_uuid": UUID, "enable": enable, "action": "allow", "ipacl_targets": [{"cidr_address": "10.0.0.1"}, "x", None]})
        assert found == {"cluster_uuid": UUID, "enable": expected, "action": "ALLOW", "ipacl_targets": [{"cidr_address": "10.0.0.1"}]}

    def test_disabled_access_control_has_no_targets(self):
        assert wire.ipacl({"cluster_uuid": UUID, "enable": "false"}) == {"cluster_uuid": UUID, "enable": False, "ipacl_targets": []}

    @pytest.mark.parametrize("number", [3683, "3683", 3683.0])
    def test_event_id_is_an_integer(self, number):
        assert wire.event({"id": number, "contents": None}) == {"id": 3683, "contents": None}

    def test_versions_are_sorted(self):
        supported = {"v1.10.0": True, "v1.9.3": "False", "v1.31.4": "true", "v1.27.13": False, "v1.27.3": True}
        assert wire.versions({"supported_k8s": supported}) == [
            {"version": "v1.9.3", "available": False},
            {"version": "v1.10.0", "available": True},
            {"version": "v1.27.3", "available": True},
            {"version": "v1.27.13", "available": False},
            {"version": "v1.31.4", "available": True},
        ]

    @many
    @given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40)), max_size=8))
    def test_version_keys_sort_numerically(self, numbers):
        assert sorted(["v%d.%d.%d" % triple for triple in numbers], key=wire.version_key) == ["v%d.%d.%d" % triple for triple in sorted(numbers)]

    def test_event_types_are_flattened_from_both_formats(self):
        flat = {"CLUSTER_CREATE": "Create a cluster", "NODEGROUP_CREATE": "Node group creation"}
        nested = {"cluster_events": {"CLUSTER_CREATE": "Create a cluster"}, "nodegroup_events": {"NODEGROUP_CREATE": "Node group creation"}}
        assert wire.event_types({"supported_event_type": flat}) == flat
        assert wire.event_types({"supported_event_type": nested}) == flat
        assert wire.event_types({}) == {}


class TestMasking:
    def test_appkeys_are_masked_at_any_depth(self):
        value = {
            "labels": {
                "boot_volume_appkey": "s3cr3t",
                "extra_volumes": [{"volume_appkey": "s3cr3t", "volume_key_id": "shown"}],
                "control_plane_log": {"lncs_appkey": "s3cr3t", "type": "lncs"},
                "empty": {"volume_appkey": ""},
            },
        }
        assert wire.masked(value) == {
            "labels": {
                "boot_volume_appkey": "********",
                "extra_volumes": [{"volume_appkey": "********", "volume_key_id": "shown"}],
                "control_plane_log": {"lncs_appkey": "********", "type": "lncs"},
                "empty": {"volume_appkey": ""},
            },
        }
        assert value["labels"]["boot_volume_appkey"] == "s3cr3t"

    @pytest.mark.parametrize(
        "text",
        [
            '{"type": "lncs", "lncs_appkey": "s3cr3t", "sgw": "shown"}',
            "[{'volume_appkey': 's3cr3t', 'x': 'shown'}]",
            '"{\\"lncs_appkey\\": \\"s3cr3t\\", \\"x\\": \\"shown\\"}"',
            '[{"x": "shown", "volume_appKey":"s3cr3t',
        ],
    )
    def test_appkeys_in_unparsed_json_text_are_masked(self, text):
        masked = wire.masked({"some_label": text})["some_label"]
        assert "s3cr3t" not in masked
        assert "shown" in masked
        assert "********" in masked

    @many
    @given(junk)
    def test_other_values_are_not_masked(self, value):
        assert repr(wire.masked(value)) == repr(value) or "appkey" in repr(value).lower()


def test_masked_change_of_an_appkey_keeps_its_form():
    change = {"boot_volume_appkey": {"before": None, "after": "abcdef123456"}, "node_count": {"before": 1, "after": 2}}
    assert wire.masked(change) == {"boot_volume_appkey": {"before": None, "after": wire.HIDDEN}, "node_count": {"before": 1, "after": 2}}
    assert wire.masked({"appkey": {"before": {"x": "secret"}, "after": ["secret"]}}) == {"appkey": {"before": wire.HIDDEN, "after": wire.HIDDEN}}
