# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which instance is which node, over generated projects whose clusters have names and addresses in common; and what an address is."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe import nodes
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.names import Names
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.fleets import FleetApi, fleets

# -- addresses -------------------------------------------------------------------------------------------------------

NO_ADDRESSES = [
    None,
    7,
    0x0A000001,
    True,
    [],
    {},
    b"\x0a\x00\x00\x01",
    "",
    " ",
    " 10.0.0.1",
    "10.0.0.1\n",
    "10.0.0.1 -v",
    "10.0.0.1,10.0.0.2",
    "10.0.0.1/24",
    "10.0.0.1:22",
    "10.1",
    "010.0.0.1",
    "0x0a000001",
    "167772161",
    "１０.0.0.1",
    "-oProxyCommand=touch /tmp/proof",
    "--",
    "localhost",
    "all",
    "node.example.com",
    "ops@10.0.0.1",
    "../../etc",
    "/etc/passwd",
    "10.0.0.[1:9]",
    "{{ 1 }}",
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "2001:db8::1%-oProxyCommand=x",
    "ff02::1",
]


@pytest.mark.parametrize("value", NO_ADDRESSES, ids=repr)
def test_invalid_node_address_returns_none(value):
    assert nodes.address(value) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [("10.0.0.1", "10.0.0.1"), ("203.0.113.9", "203.0.113.9"), ("2001:DB8::0:1", "2001:db8::1"), ("fd00::7", "fd00::7"), ("1.0.0.0", "1.0.0.0")],
)
def test_valid_node_address_is_normalized(value, text):
    assert nodes.address(value) == text


@given(st.text(max_size=20) | st.ip_addresses().map(str) | st.from_regex(r"[-0-9a-f.:%]{1,20}", fullmatch=True))
@settings(max_examples=300, deadline=None)
def test_returned_address_is_always_normalized(value):
    found = nodes.address(value)
    if found is not None:
        assert str(ipaddress.ip_address(found)) == found == nodes.address(found)
        assert not ipaddress.ip_address(found).is_loopback


@given(st.integers(0, 2**32 - 1) | st.sampled_from([first << 24 | rest for first in range(256) for rest in (0, 1, 0xFEA9FE, 0xFFFFFF)]))
@settings(max_examples=500, deadline=None)
def test_special_purpose_ipv4_addresses_return_none(value):
    one = ipaddress.IPv4Address(value)
    special = one.is_loopback or one.is_multicast or one.is_link_local or one.is_reserved or one in ipaddress.IPv4Network("0.0.0.0/8")
    assert nodes.address(str(one)) == (None if special else str(one))


def test_group_addresses_are_split_into_valid_and_invalid():
    assert nodes.addresses({"node_addresses": ["10.0.0.2", "", "10.0.0.1", "10.0.0.2", "-v", None]}) == (["10.0.0.2", "10.0.0.1"], ["", "-v", None])
    assert nodes.addresses({}) == nodes.addresses({"node_addresses": "10.0.0.1"}) == ([], [])


# -- instances -------------------------------------------------------------------------------------------------------


def test_fixed_addresses_come_before_floating_ones():
    entries = [{"addr": "133.1.1.1", "OS-EXT-IPS:type": "floating"}, {"addr": "10.0.0.1", "OS-EXT-IPS:type": "fixed"}]
    assert nodes.places({"addresses": {"vpc": entries}}) == [("vpc", "10.0.0.1"), ("vpc", "133.1.1.1")]


@pytest.mark.parametrize(
    "odd", [{}, {"addresses": None}, {"addresses": []}, {"addresses": {"vpc": None}}, {"addresses": {"vpc": [None, {}, {"addr": ""}, {"addr": 7}]}}]
)
def test_invalid_instance_addresses_are_ignored(odd):
    assert nodes.places(odd) == []


@pytest.mark.parametrize("networks", [[], [{}], [{"id": "N"}], [{"id": "N", "name": ""}], [{"id": "N", "name": "a"}, {"id": "M", "name": "a"}]])
def test_ambiguous_or_missing_network_name_returns_none(networks):
    assert nodes.network_name(networks, "N") is None
    assert nodes.network_name([{"id": "N", "name": "a"}, {"id": "M", "name": "b"}], "n") == "a"
    assert nodes.network_name([{"id": None, "name": "a"}], None) is None


@pytest.mark.parametrize(
    ("cluster", "group", "name", "fits"),
    [
        ("prod", "eu-web", "prod-eu-web-node-0", True),
        ("prod-eu", "web", "prod-eu-web-node-0", True),
        ("prod", "web", "prod-eu-web-node-0", False),
        ("prod", "web", "prod-web-node-", False),
        ("prod", "web", "prod-web-node-0-node-1", False),
        ("prod", "web", "prod-web-node-0\n", False),
        ("p.od", "web", "prod-web-node-0", False),
        ("demo", "default-worker", "demo-default-w-3f5ovusqlqv5-node-1", True),
        ("demo", "extra", "demo-default-w-3f5ovusqlqv5-node-1", False),
        ("demo", "default-worker", None, False),
    ],
)
def test_instance_name_is_matched_to_its_node_group(cluster, group, name, fits):
    assert nodes.could_name(cluster, group, name) is fits


PROPERTY = settings(max_examples=150, deadline=None)


@PROPERTY
@given(fleets())
def test_group_nodes_are_complete_and_its_own(fleet):
    names = Names(FleetApi(fleet))
    for cluster, group in fleet.each():
        found = names.instances(wire.resource(group), cluster)
        known = "node_list" in group["labels"] or fleet.certain(cluster)
        assert {node["uuid"] for node in found} == (set(fleet.listed[group["uuid"]]) if known else set())
        for node in found:
            assert node["address"] == fleet.address(node["uuid"], cluster)
        if "node_list" not in group["labels"]:
            # Without the cluster's network an address decides nothing.
            assert names.instances(wire.resource(group)) == []


@PROPERTY
@given(fleets())
def test_address_is_mapped_to_its_instance(fleet):
    instances = nodes.Instances(fleet.servers)
    for cluster, group in fleet.each():
        network = nodes.network_name(fleet.networks, cluster["fixed_network"])
        for known in (network, None):
            for address, one in instances.by_address(wire.resource(group), known).items():
                assert fleet.owners[one["uuid"]] == group["uuid"]
                assert address == fleet.address(one["uuid"], cluster)
        if network is not None:
            assert set(instances.by_address(wire.resource(group), network)) == set(group["node_addresses"])


@PROPERTY
@given(fleets())
def test_instance_of_uncertain_cluster_is_never_changed(fleet):
    api = FleetApi(fleet)
    for cluster, group in fleet.each():
        names = Names(api)
        whole, unclear = names.with_stopped(wire.resource(group), cluster)
        found = whole["labels"]["node_list"]
        assert len(set(found)) == len(found)
        assert {fleet.owners[uuid] for uuid in found} <= {group["uuid"]}
        assert {node["uuid"] for node in names.instances(whole)} == set(found)
        doubtful = {one["uuid"] for one, _reason in unclear}
        if "node_list" in group["labels"] or fleet.certain(cluster):
            # Every node of its own is known or in doubt, none is forgotten.
            assert set(fleet.listed[group["uuid"]]) <= set(found)
            assert set(fleet.dropped[group["uuid"]]) <= set(found) | doubtful
        for server in fleet.servers:
            for ref in (server["id"], server["name"]):
                try:
                    (uuid,) = names.nodes("nodes", whole, [ref], unclear=unclear)
                except NksError as error:
                    if ref in doubtful:
                        assert "It is not changed" in error.msg
                else:
                    assert fleet.owners[uuid] == group["uuid"]
                    assert ref in (uuid, next(item["name"] for item in fleet.servers if item["id"] == uuid))


@PROPERTY
@given(fleets(dropping=False))
def test_no_instances_are_added_if_stopped_nodes_stay_listed(fleet):
    for cluster, group in fleet.each():
        if "node_list" in group["labels"]:
            whole, _unclear = Names(FleetApi(fleet)).with_stopped(wire.resource(group), cluster)
            assert sorted(whole["labels"]["node_list"]) == sorted(fleet.listed[group["uuid"]])


# -- single cases ------------------------------------------------------------------------------------------------------


def number(count):
    return "00000000-0000-4000-8000-%012d" % count


def server(count, name, status="ACTIVE", **networks):
    places = networks or {"vpc": "10.0.0.%d" % count}
    return {"id": number(count), "name": name, "status": status, "addresses": {name: [{"addr": text}] for name, text in places.items()}}


class Project:
    """Cluster "prod" with node group "eu-web", and cluster "prod-eu" with node group "web"."""

    def __init__(self, servers, ours, theirs, network="n1", errors=()):
        self.all = servers
        self.group = {"uuid": "g1", "name": "eu-web", "labels": {"node_list": ours}, "node_addresses": []}
        self.other = {"uuid": "g2", "name": "web", "labels": {"node_list": ":".join(theirs)}, "node_addresses": []}
        self.network = network
        self.errors = errors
        self.calls = []

    def ask(self, call):
        self.calls.append(call)
        if call in self.errors:
            raise NksError("Not today.")

    def servers(self):
        return self.all

    def vpcs(self):
        self.ask("vpcs")
        return [{"id": "n1", "name": "vpc"}, {"id": "n2", "name": "other"}]

    def clusters(self):
        self.ask("clusters")
        return [{"uuid": "c1", "name": "prod"}, {"uuid": "c2", "name": "prod-eu"}, {"uuid": "c3", "name": "far"}]

    def cluster(self, uuid):
        self.ask("cluster")
        return {"uuid": uuid, "name": "prod-eu", "fixed_network": self.network}

    def nodegroups(self, uuid):
        self.ask("nodegroups")
        return [{"uuid": "g1", "name": "eu-web"}] if uuid == "c1" else [{"uuid": "g2", "name": "web"}, {"uuid": "g3", "name": "db"}]

    def nodegroup(self, uuid, group):
        self.ask("nodegroup")
        return self.other

    def judged(self):
        """Names.with_stopped for "eu-web": (UUIDs of its nodes, reasons)."""
        whole, unclear = Names(self).with_stopped(self.group, {"uuid": "c1", "name": "prod", "fixed_network": "n1"})
        return whole["labels"]["node_list"], [reason for _one, reason in unclear]


NODE = "prod-eu-web-node-%d"


def test_stopped_node_listed_by_another_cluster_belongs_to_it():
    project = Project([server(1, NODE % 0), server(2, NODE % 1, "SHUTOFF")], [number(1)], [number(2)])
    assert project.judged() == ([number(1)], [])


def test_stopped_instance_named_like_a_listed_node_is_not_added():
    project = Project([server(1, NODE % 0), server(2, NODE % 0, "SHUTOFF")], [number(1)], [])
    assert project.judged() == ([number(1)], [])
    assert project.calls == []


def test_stopped_instance_is_ours_if_other_cluster_lists_its_name():
    project = Project([server(1, NODE % 1), server(2, NODE % 0, "SHUTOFF"), server(3, NODE % 0)], [number(1)], [number(3)])
    assert project.judged() == ([number(1), number(2)], [])


def test_stopped_instance_with_two_possible_owners_is_not_used():
    project = Project([server(1, NODE % 1), server(2, NODE % 0, "SHUTOFF"), server(3, NODE % 2)], [number(1)], [number(3)])
    found, reasons = project.judged()
    assert (found, reasons) == ([number(1)], ["it may be a node of node group web of cluster prod-eu (c2)"])


@pytest.mark.parametrize("call", ["clusters", "nodegroups", "nodegroup", "cluster"])
def test_read_error_does_not_prove_ownership(call):
    project = Project([server(1, NODE % 1), server(2, NODE % 0, "SHUTOFF")], [number(1)], [number(3)], errors=[call])
    if call == "clusters":
        with pytest.raises(NksError, match="Not today"):
            project.judged()
    else:
        found, reasons = project.judged()
        assert found == [number(1)]
        assert "of cluster prod-eu (c2)" in reasons[0] or "cluster prod-eu (c2), which cannot be read" in reasons[0]


def test_two_stopped_instances_with_one_name_are_not_used():
    project = Project([server(1, NODE % 1), server(2, NODE % 0, "SHUTOFF"), server(3, NODE % 0, "SHUTOFF")], [number(1)], [])
    found, reasons = project.judged()
    assert found == [number(1)]
    assert all("2 stopped instances have that name (%s, %s)" % (number(2), number(3)) in reason for reason in reasons) and len(reasons) == 2


def test_network_decides_the_owner_of_a_stopped_instance():
    ours = server(2, NODE % 0, "SHUTOFF")
    theirs = server(3, NODE % 0, "SHUTOFF", other="10.0.0.2")
    project = Project([server(1, NODE % 1), ours, theirs], [number(1)], [], network="n2")
    assert project.judged() == ([number(1), number(2)], [])
    project = Project([server(1, NODE % 1), theirs], [number(1)], [], network="n2")
    assert project.judged() == ([number(1)], [])
    # Whose name and network are not known may be anybody's.
    project = Project([server(1, NODE % 1), ours], [number(1)], [], network=None)
    assert len(project.judged()[1]) == 1


def test_ambiguous_node_reference_lists_the_candidates():
    """An address in a further network may be that of another node in the cluster's."""
    servers = [server(1, "a", vpc="10.0.0.1", other="10.0.0.3"), server(2, "b", vpc="10.0.0.2", other="10.0.0.3"), server(3, "c", vpc="10.0.0.3")]
    servers.append(server(4, "c", vpc="10.0.0.4", other="10.0.0.9"))
    servers[0]["addresses"]["other"].append({"addr": "10.0.0.9"})
    group = {"name": "w", "labels": {"node_list": [number(count) for count in (1, 2, 3, 4)]}, "node_addresses": ["10.0.0.%d" % count for count in (4, 3, 2, 1)]}
    project = Project(servers, [], [])
    assert Names(project).nodes("nodes", group, ["10.0.0.3"]) == [number(3)]
    assert [node["address"] for node in Names(project).instances(group)] == ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]
    for ref, some in (("c", (3, 4)), ("10.0.0.9", (1, 4))):
        with pytest.raises(NksError) as caught:
            Names(project).nodes("nodes", group, [ref])
        text = "nodes: '%s' matches 2 nodes of node group w (%s); specify the UUID of one of them."
        assert sorted(caught.value.msg.replace(",", "").split()) == sorted((text % (ref, ", ".join(map(number, some)))).replace(",", "").split())


def test_missing_node_list_and_network_is_reported():
    group = {"name": "w", "labels": {}, "node_addresses": ["10.0.0.1"]}
    with pytest.raises(NksError, match="nodes: it is not certain which instances are the nodes of node group w: .* its addresses lead to no instance"):
        Names(Project([server(1, "w-node-0")], [], [])).nodes("nodes", group, ["w-node-0"], {"fixed_network": "elsewhere"})


@PROPERTY
@given(fleets())
def test_generated_fleets_contain_duplicate_names(fleet):
    """The generator does make what the properties are about."""
    names = [item["name"] for item in fleet.servers]
    assume(len(set(names)) < len(names))
    owners = {}
    for item in fleet.servers:
        owners.setdefault(item["name"], set()).add(fleet.owners[item["id"]])
    assert max(len(one) for one in owners.values()) > 1
