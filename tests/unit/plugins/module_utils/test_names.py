# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``names``: a name becomes one UUID, or a sentence that says what there is instead."""

from __future__ import annotations

import types
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe import names as room
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.names import Names, candidates
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import find_cluster
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.references import References


def number(count):
    return "00000000-0000-4000-8000-%012d" % count


class FakeApi:
    """Lists as the services have them; every call is remembered."""

    def __init__(self, **lists):
        self.lists = lists
        self.calls = []

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*args):
            self.calls.append((name,) + args)
            found = self.lists.get(name, [])
            found = found(*args) if callable(found) else found
            if isinstance(found, Exception):
                raise found
            return found

        return call


FLAVORS = [{"id": number(1), "name": "m2.c4m8"}, {"id": number(2), "name": "m2.c8m16"}, {"id": number(3), "name": "m2.c8m16"}]


class TestReferences:
    def test_name_is_resolved_to_uuid_with_one_list_request(self):
        api = FakeApi(flavors=FLAVORS)
        names = Names(api)
        for dummy_time in range(2):
            assert names.find("flavor", "flavor", "m2.c4m8")["id"] == number(1)
        assert api.calls == [("flavors",)]

    @given(st.uuids(), st.sampled_from([str, lambda value: str(value).upper(), lambda value: value.hex]))
    @settings(max_examples=50, deadline=None)
    def test_uuid_is_used_unchanged_without_request(self, value, form):
        api = FakeApi()
        references = References(types.SimpleNamespace(names=Names(api)))
        member = {"external_subnets": [form(value)]}
        assert references.resolve(dict(member, flavor=form(value)), rows.CLUSTER) == dict(member, flavor=form(value))
        assert api.calls == []

    @pytest.mark.parametrize("value", ["", "demo", number(1) + "0", number(1)[:-1], number(1) + "\n", "g" + number(1)[1:], "u" + number(1)])
    def test_malformed_uuid_is_not_a_uuid(self, value):
        assert not wire.is_uuid(value)

    def test_ambiguous_name_error_lists_uuids(self):
        with pytest.raises(NksError) as caught:
            Names(FakeApi(flavors=FLAVORS)).find("flavor", "flavor", "m2.c8m16")
        assert caught.value.msg == "flavor: 'm2.c8m16' is the name of 2 flavors (%s, %s); specify the UUID of one of them." % (number(2), number(3))

    def test_unknown_name_error_lists_closest_matches_first(self):
        api = FakeApi(flavors=[*FLAVORS, {"id": number(4), "name": "a1.c1m1"}])
        with pytest.raises(NksError) as caught:
            Names(api).find("flavor", "flavor", "m2.c4m80")
        assert caught.value.msg == "flavor: there is no flavor 'm2.c4m80'; there are: m2.c4m8, m2.c8m16, a1.c1m1."

    def test_empty_list_is_reported(self):
        with pytest.raises(NksError, match=r"^network: there is no network 'x'; none exist\.$"):
            Names(FakeApi()).find("network", "network", "x")

    def test_too_many_candidates_are_counted(self):
        text = candidates("x", ["name-%02d" % position for position in range(50)])
        assert text.count("name-") == room.MAX_CANDIDATES
        assert text.endswith(" and 38 more")

    @settings(max_examples=100, deadline=None)
    @given(st.text(max_size=10), st.lists(st.none() | st.text(max_size=10) | st.integers(), max_size=20))
    def test_candidates_never_fail(self, value, listed):
        assert candidates(value, listed)

    def test_items_without_id_or_name_cause_no_traceback(self):
        names = Names(FakeApi(flavors=[{}, {"id": None}, {"name": 5}]))
        with pytest.raises(NksError, match="there is no flavor 'x'; there are: 5"):
            names.find("flavor", "flavor", "x")


class TestKinds:
    @pytest.mark.parametrize(
        "kind, method, item, expected",
        [
            ("network", "vpcs", {"id": "1", "name": "x", "router:external": False}, "1"),
            ("external_network", "external_networks", {"id": "1", "name": "x"}, "1"),
            ("subnet", "vpc_subnets", {"id": "1", "name": "x", "vpc_id": "v"}, "1"),
            ("external_subnet", "subnets", {"id": "1", "name": "x"}, "1"),
            ("availability_zone", "availability_zones", {"zoneName": "x"}, "x"),
            ("keypair", "keypairs", {"keypair": {"name": "x", "fingerprint": "f"}}, "x"),
            ("keypair", "keypairs", {"name": "x"}, "x"),
            ("volume_type", "volume_types", {"id": "1", "name": "x"}, "1"),
            ("flavor", "flavors", {"id": "1", "name": "x"}, "1"),
            ("instance", "servers", {"id": "1", "name": "x"}, "1"),
            ("security_group", "security_groups", {"id": "1", "name": "x"}, "1"),
            ("service_gateway", "service_gateways", {"id": "1", "name": "x"}, "1"),
        ],
    )
    def test_each_kind_reads_the_right_list(self, kind, method, item, expected):
        api = FakeApi(**{method: [item]})
        found = Names(api).resources(kind)
        assert [(one["id"], one["name"]) for one in found] == [(expected, "x")]
        assert [call[0] for call in api.calls] == [method]

    def test_external_network_is_not_listed_as_network(self):
        api = FakeApi(
            vpcs=[
                {"id": "1", "name": "mine", "router:external": False},
                {"id": "2", "name": "public_network", "router:external": True},
                {"id": "3", "name": "old"},
            ]
        )
        assert [item["name"] for item in Names(api).resources("network")] == ["mine", "old"]

    def test_images_with_either_property_are_found_once(self):
        def images(filters):
            assert filters["visibility"] == "public"
            new, old = {"id": "1", "name": "both"}, {"id": "2", "name": "old"}
            return [new] if filters.get("nhncloud_allow_nks_cpu_flavor") == "true" else [new, old] if filters.get("nhncloud_product") == "container" else None

        api = FakeApi(images=images)
        assert [item["name"] for item in Names(api).resources("image")] == ["both", "old"]
        assert len(api.calls) == 2

    def test_subnet_is_searched_in_its_network(self):
        subnets = {"v1": [{"id": "1", "name": "demo", "vpc_id": "v1"}], "v2": [{"id": "2", "name": "demo", "vpc_id": "v2"}]}
        api = FakeApi(vpc_subnets=lambda scope=None: subnets[scope] if scope else subnets["v1"] + subnets["v2"])
        names = Names(api)
        assert names.find("subnet", "subnet", "demo", "v1")["id"] == "1"
        assert names.find("subnet", "subnet", "demo", "v2")["id"] == "2"
        with pytest.raises(NksError, match="2 subnets"):
            names.find("subnet", "subnet", "demo")
        assert names.find("subnet", "subnet", "demo", None, ["v2", "v3"])["id"] == "2"
        with pytest.raises(NksError, match="subnet: there is no subnet 'other' in network v1; there are: demo"):
            names.find("subnet", "subnet", "other", "v1")

    def test_unfiltered_subnet_list_is_filtered_locally(self):
        api = FakeApi(vpc_subnets=[{"id": "1", "name": "demo", "vpc_id": "v1"}, {"id": "2", "name": "demo", "vpc_id": "v2"}])
        assert Names(api).find("subnet", "subnet", "demo", "v2")["id"] == "2"


class TestClusters:
    def test_cluster_lookup_by_name_takes_one_request(self):
        api = FakeApi(cluster={"uuid": number(1), "name": "demo"})
        assert find_cluster(api, "demo")["uuid"] == number(1)
        assert api.calls == [("cluster", "demo")]

    def test_missing_cluster_is_none(self):
        assert find_cluster(FakeApi(cluster=ApiError("read", 404, "", "")), "demo") is None

    def test_ambiguous_cluster_name_fails_with_uuids(self):
        listed = [{"uuid": number(count), "name": name, "status": "CREATE_COMPLETE"} for count, name in ((1, "demo"), (2, "other"), (3, "demo"))]
        with pytest.raises(NksError) as caught:
            find_cluster(FakeApi(cluster=ApiError("read", 409, "", ""), clusters=listed), "demo")
        assert caught.value.msg == "cluster: 'demo' is the name of 2 clusters (%s CREATE_COMPLETE, %s CREATE_COMPLETE); specify the UUID of one of them." % (
            number(1),
            number(3),
        )

    def test_other_conflict_error_is_raised_unchanged(self):
        with pytest.raises(ApiError, match="Busy"):
            find_cluster(FakeApi(cluster=ApiError("read cluster demo", 409, "Busy.", ""), clusters=[]), "demo")

    @pytest.mark.parametrize("status", [400, 403, 500])
    def test_other_api_errors_are_raised(self, status):
        with pytest.raises(ApiError):
            find_cluster(FakeApi(cluster=ApiError("read", status, "", "")), "demo")

    def test_unknown_cluster_error_lists_existing_clusters(self):
        api = FakeApi(clusters=[{"name": "demo"}, {"name": "prod"}, {}])
        error = Names(api).no_cluster("cluster", "demos")
        assert error.msg.startswith("cluster: there is no cluster 'demos' in this region and project; there are: demo, ")


def server(count, name, *addresses, **more):
    return dict({"id": number(count), "name": name, "status": "ACTIVE", "addresses": {"vpc": [{"addr": address} for address in addresses]}}, **more)


SERVERS = [server(9, "bastion", "10.0.0.9"), server(2, "w-node-1", "10.0.0.2"), server(1, "w-node-0", "10.0.0.1"), server(3, "w-node-2", "10.0.0.3")]
#: As the service shows it: two lists that are in no common order.
GROUP = {"name": "w", "labels": {"node_list": [number(3), number(1), number(2)]}, "node_addresses": ["10.0.0.1", "10.0.0.2", "10.0.0.3"]}


class TestNodes:
    @pytest.mark.parametrize("refs", [[number(2)], ["w-node-1"], ["10.0.0.2"], [number(2).upper()], [number(2).replace("-", "")], ["W-NODE-1"]])
    def test_node_is_found_by_uuid_name_or_address(self, refs):
        assert Names(FakeApi(servers=SERVERS)).nodes("nodes", GROUP, refs) == [number(2)]

    def test_node_order_is_kept_with_mixed_references(self):
        assert Names(FakeApi(servers=SERVERS)).nodes("nodes", GROUP, ["10.0.0.3", number(1), "w-node-1"]) == [number(3), number(1), number(2)]

    def test_uuids_of_the_group_need_no_request(self):
        api = FakeApi()
        assert Names(api).nodes("nodes", GROUP, [number(2), number(3)]) == [number(2), number(3)]
        assert api.calls == []

    @pytest.mark.parametrize("refs", [["bastion"], ["10.0.0.9"], [number(9)], ["w-node"]])
    def test_unrelated_instance_is_not_a_node(self, refs):
        with pytest.raises(NksError, match=r"^nodes: there is no node '.*' in node group w; there are: "):
            Names(FakeApi(servers=SERVERS)).nodes("nodes", GROUP, refs)

    @pytest.mark.parametrize("refs", [[number(1), number(1)], ["w-node-0", "10.0.0.1"], [number(1), "w-node-0"]])
    def test_node_listed_twice_is_rejected(self, refs):
        with pytest.raises(NksError, match="is listed twice"):
            Names(FakeApi(servers=SERVERS)).nodes("nodes", GROUP, refs)

    def test_node_list_and_addresses_are_not_paired_by_position(self):
        nodes = Names(FakeApi(servers=SERVERS)).instances(GROUP)
        assert [(node["uuid"], node["name"], node["address"]) for node in nodes] == [
            (number(1), "w-node-0", "10.0.0.1"),
            (number(2), "w-node-1", "10.0.0.2"),
            (number(3), "w-node-2", "10.0.0.3"),
        ]

    def test_nodes_without_node_list_are_found_by_network_address(self):
        group = {"name": "w", "labels": {}, "node_addresses": ["10.0.0.1", "10.0.0.3"]}
        cluster = {"fixed_network": number(20)}
        # Networks may use the same addresses.
        elsewhere = {"id": number(4), "name": "w-node-0", "addresses": {"other": [{"addr": "10.0.0.1"}, {"addr": "10.0.0.2"}]}}
        api = FakeApi(servers=[elsewhere, *SERVERS], vpcs=[{"id": number(20), "name": "vpc"}, {"id": number(21), "name": "other"}])
        assert [node["uuid"] for node in Names(api).instances(group, cluster)] == [number(1), number(3)]
        assert Names(api).nodes("nodes", group, [number(3)], cluster) == [number(3)]
        assert Names(api).nodes("nodes", group, ["w-node-0"], cluster) == [number(1)]

    @pytest.mark.parametrize("vpcs", [[], ApiError("list the networks", 403, "", ""), [{"id": number(20), "name": "vpc"}, {"id": number(21), "name": "vpc"}]])
    def test_nodes_are_not_found_by_address_in_unknown_network(self, vpcs):
        group = {"name": "w", "labels": {}, "node_addresses": ["10.0.0.1"]}
        names = Names(FakeApi(servers=SERVERS, vpcs=vpcs))
        assert names.instances(group, {"fixed_network": number(20)}) == []
        with pytest.raises(NksError, match="its addresses lead to no instance in the cluster's network"):
            names.nodes("nodes", group, ["w-node-0"], {"fixed_network": number(20)})

    def test_stopped_node_without_address_is_listed(self):
        servers = [server(1, "w-node-0", status="SHUTOFF")]
        (node,) = Names(FakeApi(servers=servers)).instances(GROUP)
        assert (node["uuid"], node["address"], node["status"]) == (number(1), None, "SHUTOFF")

    def test_address_listed_in_group_is_preferred(self):
        servers = [server(1, "w-node-0", "192.168.0.1", "10.0.0.1")]
        assert Names(FakeApi(servers=servers)).instances(GROUP)[0]["address"] == "10.0.0.1"

    @settings(max_examples=60, deadline=None)
    @given(st.permutations(range(1, 8)), st.permutations(range(1, 8)))
    def test_list_order_does_not_affect_node_lookup(self, listed, addressed):
        servers = [server(count, "n-%d" % count, "10.0.0.%d" % count) for count in range(1, 8)]
        group = {"name": "w", "labels": {"node_list": [number(count) for count in listed]}, "node_addresses": ["10.0.0.%d" % count for count in addressed]}
        names = Names(FakeApi(servers=servers))
        for count in range(1, 8):
            assert names.nodes("nodes", group, ["n-%d" % count]) == names.nodes("nodes", group, ["10.0.0.%d" % count]) == [number(count)]


def test_number_helper_returns_uuids():
    assert str(uuid.UUID(number(7))) == number(7)
