# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rooms ``rules``, ``ranges`` and ``creation``: what the service would refuse is refused here first, naming option, value and remedy."""

from __future__ import annotations

import re

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import kinds, rows
from ansible_collections.nhncloud.nks.plugins.module_utils._model.wire import is_uuid
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.creation import check_creation, check_disk, check_fit, check_name
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.ranges import check_subnets
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.rules import check_options
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.values import VALUES

UUID = "5801ef8a-3760-4858-b467-fc4c1201241d"


def refused(call, *args):
    """The message, which names the option and the remedy."""
    with pytest.raises(BadInput) as caught:
        call(*args)
    assert re.match(r"^[a-z_.]+( and [a-z_]+)?: .+; .+\.$", caught.value.msg), caught.value.msg
    return caught.value.msg


class TestOptionValues:
    """The values of the table; that the service rejects the same ones is a test of the simulator."""

    @pytest.mark.parametrize("option", sorted(option for option, entry in VALUES.items() if entry.rejected))
    def test_value_rejected_by_service_fails_before_any_request(self, option):
        checked = ArgumentSpecValidator(arguments.creation(rows.CLUSTER)).validate({option: VALUES[option].rejected.value})
        if checked.error_messages:
            # By its type or its choices.
            assert option in checked.error_messages[0]
        else:
            assert refused(check_options, checked.validated_parameters).startswith(option)

    @pytest.mark.parametrize("option", sorted(VALUES))
    def test_valid_values_are_accepted(self, option):
        for value in (VALUES[option].value, VALUES[option].other, *VALUES[option].tried):
            check_options({option: value})

    @pytest.mark.parametrize("low, high, value, problem", [(1, None, 0, "0 is too small; "), (None, 9, 10, "10 is too large; ")])
    def test_the_limits_of_a_row_are_checked(self, monkeypatch, low, high, value, problem):
        monkeypatch.setattr(rows.CLUSTER["pods_network_subnet"], "low", low)
        monkeypatch.setattr(rows.CLUSTER["pods_network_subnet"], "high", high)
        assert problem in refused(check_options, {"pods_network_subnet": value})


class TestNames:
    @pytest.mark.parametrize("name", ["a", "demo", "k" * 32, "a-b-c", "a1", "a--b", "k8s-2026", "a" + "-" * 30 + "z"])
    def test_valid_name_is_accepted(self, name):
        check_name("name", name)

    @pytest.mark.parametrize("name", ["", "A", "Demo", "1a", "-a", "a-", "a" * 33, "a_b", "a.b", "a b", "demo\n", "\ud55c\uae00", "a/b"])
    def test_invalid_name_is_rejected(self, name):
        assert refused(check_name, "name", name) == (
            "name: '%s' is not a name that NKS accepts; use 1 to 32 of a-z, 0-9 and '-', beginning with a letter and not ending in '-'."
            % name.replace("\n", "\\n")
        )

    @pytest.mark.parametrize("name", [UUID, UUID.upper(), "a" + UUID[1:]])
    def test_uuid_as_new_name_is_rejected(self, name):
        assert "has the form of a UUID" in refused(check_name, "name", name)

    @pytest.mark.parametrize("option", ["name", "cluster", "nodegroup"])
    @pytest.mark.parametrize("value", ["", " ", "\n", ".", ".."])
    def test_empty_or_dot_reference_is_rejected(self, option, value):
        assert refused(check_options, {option: value}).startswith("%s: '%s' is neither" % (option, value.replace("\n", "\\n")))

    @settings(max_examples=80, deadline=None)
    @given(st.text(alphabet="aZ09-_ \n", max_size=40) | st.text(max_size=40))
    def test_name_rule_matches_guide(self, name):
        allowed = 1 <= len(name) <= 32 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") and name[0].isalpha() and name[-1] != "-"
        allowed = allowed and not is_uuid(name)
        try:
            check_name("name", name)
        except BadInput:
            assert not allowed
        else:
            assert allowed


class TestNumbers:
    @pytest.mark.parametrize(
        "option, least",
        [
            ("node_count", "1"),
            ("boot_volume_size", "1 GB"),
            ("num_buffer_nodes", "0"),
            ("num_max_unavailable_nodes", "1"),
            ("wait_timeout", "1"),
            ("renew_before_days", "0"),
        ],
    )
    def test_minimum_of_each_option(self, option, least):
        low = int(least.split()[0])
        check_options({option: low})
        check_options({option: low + 1000})
        assert refused(check_options, {option: low - 1}) == "%s: %d is too small; use %s or more." % (option, low - 1, least)

    @pytest.mark.parametrize("holder", [None, "items", "settings"])
    @pytest.mark.parametrize(
        "limits, value, problem",
        [
            ({"low": 2}, 1, "is too small; use 2 MB or more"),
            ({"high": 5}, 6, "is too large; use 5 MB or less"),
            ({"low": 2, "high": 5}, 1, "is out of range; use 2 to 5 MB"),
            ({"low": 2, "high": 5}, 6, "is out of range; use 2 to 5 MB"),
            ({"low": 2, "high": 5}, 2, None),
            ({"low": 2, "high": 5}, 5, None),
            ({}, -1, None),
        ],
    )
    def test_range_of_row_is_enforced(self, limits, value, problem, holder):
        class Inner:
            size = rows.Row(kinds.INTEGER, unit="MB", **limits)

        inner = rows.table(Inner)
        outer = {"items": kinds.Items(Inner, inner), "settings": kinds.Settings(Inner, inner)}.get(holder)
        table = {"outer": rows.Row(outer)} if outer else inner
        given = {None: {"size": value}, "items": {"outer": [{"size": 3}, {"size": value}]}, "settings": {"outer": {"size": value}}}[holder]
        if problem is None:
            rules.check_ranges(given, table)
        else:
            assert refused(rules.check_ranges, given, table) == "%ssize: %d %s." % ("outer." if outer else "", value, problem)

    def test_quota_is_not_checked(self):
        check_options({"node_count": 11})

    def test_wait_timeout_is_limited_to_one_year(self):
        check_options({"wait_timeout": 366 * 86400})
        for value in (366 * 86400 + 1, 10**400):
            assert refused(check_options, {"wait_timeout": value}) == "wait_timeout: %d is too large; use 31622400 (a year) or less." % value

    @pytest.mark.parametrize("value", [0, -1, 0.0, float("inf"), float("-inf"), float("nan"), 1e300])
    def test_invalid_wait_interval_is_rejected(self, value):
        check_options({"wait_interval": 0.01})
        assert refused(check_options, {"wait_interval": value}).startswith("wait_interval: %s is out of range; use a number of seconds above 0" % value)

    @pytest.mark.parametrize("value", ["v1.31.4", "v1.9.0"])
    def test_valid_version_format_is_accepted(self, value):
        check_options({"kubernetes_version": value})

    @pytest.mark.parametrize("value", ["1.31.4", "v1.31", "v1.31.4+nhn.1", "latest", "", "v1.31.4\n", "V1.31.4"])
    def test_invalid_version_format_is_rejected(self, value):
        assert "use the form v1.31.4" in refused(check_options, {"kubernetes_version": value})

    def test_omitted_options_are_not_checked(self):
        check_options({})
        check_options(dict.fromkeys(("node_count", "name", "kubernetes_version", "user_script", "extra_volumes", "autoscale", "labels", "wait_interval")))


CIDRS = ("pods_network_cidr", "service_cluster_ip_range")


class TestRanges:
    @pytest.mark.parametrize("option", CIDRS)
    @pytest.mark.parametrize(
        "value, words",
        [
            ("10.20.0.0/25", "too small a network; use a prefix of /24 or shorter"),
            ("10.20.0.0/26", "too small a network"),
            ("10.20.0.0/30", "too small a network"),
            ("10.20.0.1", "too small a network"),
            ("169.254.0.0/24", "overlaps 169.254.0.0/16, the link-local range"),
            ("169.0.0.0/8", "overlaps 169.254.0.0/16"),
            ("198.18.31.0/24", "overlaps 198.18.0.0/19"),
            ("198.0.0.0/8", "overlaps 198.18.0.0/19"),
            ("10.20.1.5/16", "has bits set after its prefix; use 10.20.0.0/16"),
            ("fd00::/16", "is not an IPv4 network"),
            ("10.20.0.0/33", "is not a network"),
            ("somewhere", "is not a network; use the form 10.100.0.0/16"),
            ("10.20.0.0/16\n", "is not a network"),
        ],
    )
    def test_invalid_range_is_rejected(self, option, value, words):
        message = refused(check_options, {option: value})
        assert message.startswith("%s: '%s' " % (option, value.replace("\n", "\\n")))
        assert words in message

    @pytest.mark.parametrize(
        "option, value", [("pods_network_cidr", "10.20.0.0/22"), ("service_cluster_ip_range", "10.20.0.0/24"), ("pods_network_cidr", "198.18.32.0/20")]
    )
    def test_range_at_limits_is_accepted(self, option, value):
        check_options({option: value})

    @pytest.mark.parametrize("version, taken", [("v1.23.3", False), ("v1.9.3", False), ("v1.23.4", True), ("v1.24.3", True), (None, True)])
    def test_bridge_network_is_reserved_only_for_old_versions(self, version, taken):
        options = {"pods_network_cidr": "172.17.0.0/16", "kubernetes_version": version}
        if taken:
            check_options(options)
        else:
            assert "overlaps 172.17.0.0/16, the bridge network" in refused(check_options, options)

    @pytest.mark.parametrize(
        "options, option",
        [
            ({"pods_network_cidr": "10.20.0.0/16", "service_cluster_ip_range": "10.20.4.0/24"}, "pods_network_cidr"),
            ({"service_cluster_ip_range": "10.20.0.0/16", "pods_network_cidr": "10.20.0.0/24"}, "pods_network_cidr"),
        ],
    )
    def test_overlapping_ranges_are_rejected(self, options, option):
        message = refused(check_options, options)
        assert message.startswith(option + ": ")
        assert "overlaps" in message

    @pytest.mark.parametrize(
        "options", [{"pods_network_cidr": "10.254.0.0/16"}, {"service_cluster_ip_range": "10.100.0.0/16"}, {"pods_network_cidr": "10.0.0.0/23"}]
    )
    def test_service_defaults_are_checked_only_on_creation(self, options):
        """A cluster that is there has values of its own for what is not given."""
        check_options(options)
        assert refused(check_creation, complete(**options), rows.CLUSTER).startswith(next(iter(options)) + ": ")
        other = {"pods_network_cidr": "10.20.0.0/16", "service_cluster_ip_range": "10.30.0.0/16", "pods_network_subnet": 25}
        check_creation(complete(**dict(other, **options)), rows.CLUSTER)

    @pytest.mark.parametrize(
        "size, prefix, taken", [(20, 18, True), (20, 19, False), (24, 22, True), (24, 23, False), (28, 24, True), (19, 16, False), (29, 16, False)]
    )
    def test_pods_network_subnet_size_limits(self, size, prefix, taken):
        options = {"pods_network_subnet": size, "pods_network_cidr": "10.0.0.0/%d" % prefix}
        if taken:
            check_options(options)
        else:
            assert refused(check_options, options).startswith("pods_network_subnet: %d" % size)

    def test_default_pods_network_subnet_size_is_checked(self):
        assert "must be at least 2 longer" in refused(check_creation, complete(pods_network_cidr="10.0.0.0/23"), rows.CLUSTER)
        check_options({"pods_network_subnet": 18 + 2})

    @settings(max_examples=80, deadline=None)
    @given(st.dictionaries(st.sampled_from(CIDRS), st.text(alphabet="0123456789./:abf", max_size=20) | st.text(max_size=8)), st.none() | st.integers())
    def test_arbitrary_text_causes_no_traceback(self, options, size):
        try:
            check_options(dict(options, pods_network_subnet=size))
        except BadInput as error:
            assert error.msg


class TestSubnets:
    @pytest.mark.parametrize(
        "cidr, words",
        [
            ("10.100.3.0/24", "pods_network_cidr: '10.100.0.0/16' overlaps subnet (10.100.3.0/24); choose another range."),
            ("10.0.0.0/8", "overlaps subnet (10.0.0.0/8)"),
            ("10.254.0.0/17", "service_cluster_ip_range: '10.254.0.0/16' overlaps subnet"),
            ("10.3.0.0/26", "subnet: '10.3.0.0/26' is too small a network; choose a subnet with a prefix of /24 or shorter."),
            ("169.254.1.0/24", "subnet: '169.254.1.0/24' overlaps 169.254.0.0/16, the link-local range; choose another subnet."),
            ("198.18.0.0/24", "choose another subnet"),
        ],
    )
    def test_incompatible_subnet_is_rejected(self, cidr, words):
        assert words in refused(check_subnets, {}, [("subnet", cidr)])

    @pytest.mark.parametrize("cidr", ["10.0.0.0/16", "192.168.0.0/24", "192.168.0.5/24", "nonsense", "", "fd00::/64"])
    def test_other_subnets_are_accepted(self, cidr):
        check_subnets({}, [("subnet", cidr)])

    def test_specified_ranges_replace_defaults_in_subnet_check(self):
        check_subnets({"pods_network_cidr": "10.20.0.0/16"}, [("subnet", "10.100.0.0/16")])
        assert refused(check_subnets, {"pods_network_cidr": "10.20.0.0/16"}, [("subnet", "10.20.0.0/16")]).startswith("pods_network_cidr: '10.20.0.0/16'")

    def test_additional_subnets_follow_the_same_rules(self):
        message = refused(check_subnets, {}, [("subnet", "10.0.0.0/16"), ("additional_subnets", "10.0.4.0/24")])
        assert message == "additional_subnets: '10.0.4.0/24' overlaps subnet (10.0.0.0/16); choose another subnet."
        check_subnets({}, [("subnet", "10.0.0.0/16"), ("additional_subnets", "10.4.0.0/24"), ("additional_subnets", "fd00::/64")])

    def test_subnet_in_bridge_network_of_old_version_is_rejected(self):
        assert "172.17.0.0/16" in refused(check_subnets, {"kubernetes_version": "v1.23.3"}, [("subnet", "172.17.0.0/24")])


class TestScripts:
    def test_script_is_limited_to_64_kb(self):
        check_options({"user_script": "#!/bin/sh\n".ljust(65536, "#")})
        assert "has 65537 bytes; use at most 65536 (64 KB)" in refused(check_options, {"user_script": "#!/bin/sh\n".ljust(65537, "#")})
        assert "64 KB" in refused(check_options, {"user_script": "#!/bin/sh\n" + "\ud55c" * 21844})

    @pytest.mark.parametrize("script", ["echo hi\n", "\n#!/bin/sh\n", " #!/bin/sh", "\ufeff#!/bin/sh"])
    def test_script_without_interpreter_line_is_rejected(self, script):
        message = refused(check_options, {"user_script": script})
        assert "does not begin with '#!'; set the interpreter" in message
        assert script.strip() not in message

    def test_empty_script_is_accepted(self):
        check_options({"user_script": ""})

    def test_script_that_is_not_utf_8_causes_no_traceback(self):
        check_options({"user_script": "#!/bin/sh\ncaf\udce9"})


class TestVolumesAndGroups:
    @pytest.mark.parametrize("size, taken", [(1, True), (2048, True), (0, False), (2049, False), (-1, False)])
    def test_volume_size_must_be_1_to_2048_gb(self, size, taken):
        options = {"extra_volumes": [{"type": "General HDD", "size": size}]}
        if taken:
            check_options(options)
        else:
            assert refused(check_options, options) == "extra_volumes.size: %d is out of range; use 1 to 2048 GB." % size

    def test_node_group_is_limited_to_3_volumes(self):
        volume = {"type": "General HDD", "size": 10, "mount_path": "/data"}
        check_options({"extra_volumes": [volume] * 3})
        assert "4 volumes' is too many; use at most 3" in refused(check_options, {"extra_volumes": [volume] * 4})

    def test_mount_path_must_be_absolute(self):
        assert "extra_volumes.mount_path: 'data'" in refused(check_options, {"extra_volumes": [{"type": "x", "size": 1, "mount_path": "data"}]})

    @pytest.mark.parametrize("count, taken", [(1, True), (8, True), (9, False), (0, False)])
    def test_subnet_must_have_1_to_8_security_groups(self, count, taken):
        options = {"extra_security_groups": [{"subnet": "demo", "security_groups": ["g%d" % number for number in range(count)]}]}
        if taken:
            check_options(options)
        else:
            assert refused(check_options, options) == "extra_security_groups: 'demo' has %d security groups; set 1 to 8 for a subnet." % count

    def test_security_groups_of_repeated_subnet_are_merged(self):
        def item(numbers):
            return {"subnet": "demo", "security_groups": ["g%d" % number for number in numbers]}

        check_options({"extra_security_groups": [item(range(8)), item(range(8))]})
        assert "9 security groups" in refused(check_options, {"extra_security_groups": [item(range(5)), item(range(5, 9))]})

    def test_number_of_additional_networks_and_subnets_must_match(self):
        check_options({"additional_networks": ["a", "b"], "additional_subnets": ["c", "d"]})
        message = refused(check_options, {"additional_networks": ["a"], "additional_subnets": ["c", "d"]})
        assert message.startswith("additional_subnets: '2 subnets' does not match 1 additional_networks")


class TestAutoscaler:
    @pytest.mark.parametrize(
        "option, low, high",
        [("scale_down_unneeded_time", 1, 1440), ("scale_down_utilization_threshold", 1, 100), ("scale_down_delay_after_add", 10, 1440)],
    )
    def test_autoscaler_setting_range_is_checked(self, option, low, high):
        for value in (low, high):
            check_options({"autoscale": {"enabled": True, option: value}})
        for value in (low - 1, high + 1):
            message = refused(check_options, {"autoscale": {"enabled": True, option: value}})
            assert message == "autoscale.%s: %d is out of range; use %d to %d." % (option, value, low, high)

    @pytest.mark.parametrize("option", ["min_node_count", "max_node_count"])
    def test_minimum_count_is_1_or_0_if_disabled(self, option):
        check_options({"autoscale": {"enabled": True, option: 1}})
        check_options({"autoscale": {"enabled": False, option: 0}})
        assert "use 1 or more" in refused(check_options, {"autoscale": {"enabled": True, option: 0}})
        assert "use 0 or more" in refused(check_options, {"autoscale": {"enabled": False, option: -1}})

    def test_minimum_above_maximum_is_rejected(self):
        check_options({"autoscale": {"enabled": True, "min_node_count": 3, "max_node_count": 3}})
        message = refused(check_options, {"autoscale": {"enabled": True, "min_node_count": 4, "max_node_count": 3}})
        assert message == "autoscale.min_node_count: 4 is more than max_node_count (3); set a minimum that is not above the maximum."

    def test_limits_are_compared_with_current_ones_only_if_specified(self):
        merged = {"enabled": False, "min_node_count": 4, "max_node_count": 3}
        for given_settings in ({"enabled": False}, {"enabled": True, "scale_down_enabled": False}):
            rules.check_autoscale_change(given_settings, merged, merged)
        for option in ("min_node_count", "max_node_count"):
            message = refused(rules.check_autoscale_change, {"enabled": False, option: merged[option]}, merged, merged)
            assert message.startswith("min_node_count: 4 is more than max_node_count (3)")

    def test_option_names_without_prefix(self):
        assert refused(rules.check_autoscale, {"enabled": True, "scale_down_delay_after_add": 3}).startswith("scale_down_delay_after_add: 3")


class TestLabels:
    @pytest.mark.parametrize(
        "label, option", [("kube_tag", "kubernetes_version"), ("ca_enable", "autoscale.enabled"), ("user_script_v2", "user_script"), ("node_image", "image")]
    )
    def test_label_with_dedicated_option_is_rejected(self, label, option):
        assert refused(check_options, {"labels": {label: "x"}}) == "labels: '%s' has an option of its own; use the option %s." % (label, option)

    def test_any_other_label_is_accepted(self):
        check_options({"labels": {"ipip_mode": "Never", "clusterautoscale": "nodegroupfeature"}})


def complete(**options):
    values = {field.option: "x" for field in rows.CLUSTER.values() if field.required}
    return dict(values, name="demo", boot_volume_size=30, **options)


class TestCreation:
    def test_complete_options_are_accepted(self):
        check_creation(complete(), rows.CLUSTER)
        check_creation(complete(), rows.NODEGROUP, nodegroup=True)

    @pytest.mark.parametrize("table, nodegroup", [(rows.CLUSTER, False), (rows.NODEGROUP, True)])
    def test_missing_required_options_are_reported(self, table, nodegroup):
        required = [field.option for field in table.values() if field.required]
        with pytest.raises(NksError) as caught:
            check_creation({"name": "demo"}, table, nodegroup)
        assert caught.value.msg == "%s 'demo' does not exist. To create it, also set: %s." % (
            "Node group" if nodegroup else "Cluster",
            ", ".join(required),
        )
        for option in required:
            with pytest.raises(NksError, match="also set: %s\\.$" % option):
                check_creation(dict(complete(), **{option: None}), table, nodegroup)

    def test_required_options_match_guide(self):
        required = {field.option for field in rows.CLUSTER.values() if field.required}
        assert required == {
            "keypair",
            "availability_zone",
            "image",
            "boot_volume_type",
            "boot_volume_size",
            "kubernetes_version",
            "flavor",
            "network",
            "subnet",
        }
        assert {field.option for field in rows.NODEGROUP.values() if field.required} == {
            "flavor",
            "image",
            "availability_zone",
            "boot_volume_type",
            "boot_volume_size",
        }

    def test_creation_with_invalid_name_is_rejected(self):
        with pytest.raises(BadInput, match="name: 'Demo' is not a name"):
            check_creation(dict(complete(), name="Demo"), rows.CLUSTER)

    def test_public_endpoint_requires_external_network(self):
        assert "public_api_endpoint" in refused(check_creation, complete(public_api_endpoint=True), rows.CLUSTER)
        check_creation(complete(public_api_endpoint=True, external_network="e"), rows.CLUSTER)
        check_creation(complete(public_api_endpoint=False), rows.CLUSTER)

    @pytest.mark.parametrize("count, taken", [(2, True), (4, True), (1, False), (5, False)])
    def test_node_count_must_be_within_autoscaler_limits(self, count, taken):
        options = complete(node_count=count, autoscale={"enabled": True, "min_node_count": 2, "max_node_count": 4})
        if taken:
            check_creation(options, rows.CLUSTER)
        else:
            assert refused(check_creation, options, rows.CLUSTER).startswith("node_count: %d is outside the autoscaler limits (2 to 4)" % count)
        check_creation(complete(node_count=count, autoscale={"enabled": False, "min_node_count": 2, "max_node_count": 4}), rows.CLUSTER)


class TestFlavors:
    RESOURCE = "cluster/demo/nodegroup/pool"

    @pytest.mark.parametrize(
        "before, after",
        [
            ("m2.c2m4", "r2.c4m32"),
            ("x1.c16m32", "t2.c4m4"),
            ("g2.c8m90", "g2.c16m180"),
            ("m9.c1m1", "m2.c2m4"),
            ("m2.c2m4", "z1"),
            (None, "m2.c2m4"),
            ("g2.c8m90", None),
        ],
    )
    def test_supported_or_unknown_flavor_change_is_accepted(self, before, after):
        rules.check_flavor_change(self.RESOURCE, before, after)

    @pytest.mark.parametrize(
        "before, after", [("u2.c2m4", "u2.c4m8"), ("u2.c2m4", "m2.c2m4"), ("m2.c2m4", "u2.c2m4"), ("g2.c8m90", "u2.c2m4"), (None, "u2.c2m4"), ("u2.c2m4", None)]
    )
    def test_flavor_change_from_or_to_u2_is_rejected(self, before, after):
        message = refused(rules.check_flavor_change, self.RESOURCE, before, after)
        assert message.startswith("flavor: ") and (before or "the current flavor") in message and (after or "it") in message
        assert "changes neither the flavor of u2 nodes" in message and self.RESOURCE in message

    @pytest.mark.parametrize("before, after", [("m2.c2m4", "g2.c8m90"), ("g2.c8m90", "c2.c4m4")])
    def test_flavor_change_between_gpu_and_cpu_is_rejected(self, before, after):
        message = refused(rules.check_flavor_change, self.RESOURCE, before, after)
        assert message == (
            "flavor: '%s' cannot replace %s on %s: the service changes flavors only among the types m2, c2, r2, t2, x1; "
            "leave flavor out, or create another node group." % (after, before, self.RESOURCE)
        )

    @pytest.mark.parametrize(
        "marks, flavor, fits",
        [
            ({"cpu": "true"}, "m2.c2m4", True),
            ({"cpu": "true", "gpu": "false"}, "g2.c8m90", False),
            ({"cpu": "false", "gpu": "True"}, "g2.c8m90", True),
            ({"gpu": "true"}, "m2.c2m4", False),
            ({"cpu": "true", "gpu": "true"}, "g2.c8m90", True),
            ({}, "g2.c8m90", True),
            ({"cpu": None, "gpu": "false"}, "g2.c8m90", True),
            ({"cpu": "true"}, None, True),
        ],
    )
    def test_image_must_support_flavor_type(self, marks, flavor, fits):
        image = dict({"nhncloud_allow_nks_%s_flavor" % kind: value for kind, value in marks.items()}, name="Ubuntu")
        item = {"name": flavor} if flavor else {}
        if fits:
            check_fit(image, item)
        else:
            message = refused(check_fit, image, item)
            assert message.startswith("image: 'Ubuntu' is not made for nodes of flavor %s; choose an image for " % flavor)


class TestDisk:
    @pytest.mark.parametrize("least", [30, "30"])
    def test_boot_volume_must_fit_image(self, least):
        image = {"name": "Ubuntu", "min_disk": least}
        check_disk(image, 30)
        assert refused(check_disk, image, 29) == "boot_volume_size: 29 is too small for image Ubuntu; use 30 GB or more."

    @pytest.mark.parametrize("image", [{}, {"min_disk": None}, {"min_disk": "some"}, {"min_disk": ""}])
    def test_image_without_min_disk_is_not_checked(self, image):
        check_disk(image, 1)
        check_disk({"min_disk": 30}, None)
