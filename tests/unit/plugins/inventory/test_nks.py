# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin, loaded as Ansible loads it, over a cloud made of dictionaries."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pathlib
import subprocess
import sys
import threading

import pytest
import requests
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader
from ansible.template import Templar, is_trusted_as_template
from hypothesis import given, settings

from ansible_collections.nhncloud.nks.plugins.module_utils._client import identity
from ansible_collections.nhncloud.nks.plugins.module_utils._client import transport as transport_module
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, BadReply, NksError, NoAnswer
from ansible_collections.nhncloud.nks.plugins.module_utils._observe import reader as reader_module
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.fleets import FleetApi, fleets

PASSWORD = "s3cret-of-the-api"
EVIL = "{{ lookup('ansible.builtin.pipe', 'touch %s') }}"


class Cloud:
    """Clusters by region; records every call and may answer any of them with an error."""

    def __init__(self):
        self.regions = {"kr1": [], "kr2": []}
        self.groups = {}
        self.servers = {"kr1": [], "kr2": []}
        self.networks = [{"id": "n1", "name": "vpc"}, {"id": "n2", "name": "other-vpc"}]
        self.homes = {}
        self.calls = []
        self.errors = {}
        self.before = lambda call: None
        self.options = None
        self.logins = 0

    def add(self, name, *groups, region="kr1", uuid=None, **fields):
        """A cluster with node groups; returns its UUID."""
        uuid = uuid or "cluster-%s-%s" % (region, name)
        self.regions[region].append(dict({"uuid": uuid, "name": name, "status": "CREATE_COMPLETE", "labels": {"kube_tag": "v1.32.3"}}, **fields))
        self.groups[uuid] = list(groups)
        return uuid

    def call(self, *call):
        """What every operation does first."""
        self.calls.append(call)
        self.before(call)
        for length in range(len(call), 0, -1):
            if call[:length] in self.errors:
                raise self.errors[call[:length]]


def group(name, *addresses, **fields):
    """A node group as Get a Node Group shows it."""
    labels = {"kube_tag": "v1.31.4", "availability_zone": "kr-pub-a", "ca_enable": "True"}
    labels.update(fields.pop("labels", {}))
    return dict(
        {
            "uuid": "group-" + name,
            "name": name,
            "role": "worker",
            "status": "UPDATE_COMPLETE",
            "flavor_id": "flavor",
            "image_id": "image",
            "labels": labels,
            "node_addresses": list(addresses),
        },
        **fields,
    )


def server(uuid, name, address, status="ACTIVE", network="vpc"):
    """An instance as the compute service shows it."""
    return {"id": uuid, "name": name, "status": status, "addresses": {network: [{"addr": address, "OS-EXT-IPS:type": "fixed"}]}}


class FakeApi:
    """The few operations that the plugin uses."""

    def __init__(self, cloud, region):
        self.cloud = cloud
        self.region = region

    def clusters(self):
        self.cloud.call("clusters", self.region)
        return self.cloud.regions[self.region]

    def nodegroups(self, ref):
        self.cloud.call("nodegroups", ref)
        return [{key: value for key, value in item.items() if key not in ("labels", "node_addresses")} for item in self.cloud.groups[ref]]

    def nodegroup(self, ref, uuid):
        self.cloud.call("nodegroup", ref, uuid)
        return next(item for item in self.cloud.groups[ref] if item.get("uuid") == uuid)

    def cluster(self, ref):
        self.cloud.call("cluster", ref)
        return {"uuid": ref, "status": "CREATE_COMPLETE", "fixed_network": self.cloud.homes.get(ref, "n1")}

    def vpcs(self):
        self.cloud.call("vpcs", self.region)
        return self.cloud.networks

    def servers(self):
        self.cloud.call("servers", self.region)
        return self.cloud.servers[self.region]


class FakeTransport:
    """Keeps what it was made with."""

    made = []

    def __init__(self, clock, **settings):
        self.warnings = []
        self.settings = settings
        self.made.append(self)

    def hide(self, text):
        return text.replace(PASSWORD, "********")

    def close(self):
        self.settings["closed"] = True


class Display:
    """Collects warnings."""

    def __init__(self):
        self.warnings = []

    def warning(self, msg):
        self.warnings.append(msg)

    def vvv(self, msg):
        pass


class Run:
    """One reading of a source."""

    def __init__(self, plugin, inventory):
        self.warnings = plugin.display.warnings
        self.inventory = inventory
        self.hosts = {name: host.vars for name, host in inventory.hosts.items()}
        self.groups = {name: sorted(host.name for host in item.hosts) for name, item in inventory.groups.items() if name.startswith("nks")}
        self.children = {name: sorted(child.name for child in item.child_groups) for name, item in inventory.groups.items() if name.startswith("nks")}

    def below(self, name):
        """Names of all hosts in a group and below it."""
        return sorted(host.name for host in self.inventory.groups[name].get_hosts())

    def plain(self):
        """Everything, to compare two runs."""
        return json.dumps([self.hosts, self.groups, self.children], sort_keys=True)


@pytest.fixture
def cloud(monkeypatch):
    """A cloud in place of the network, and credentials in the environment as a credential type of AWX sets them."""
    made = Cloud()
    FakeTransport.made = []

    class Identity:
        def __init__(self, transport, options):
            made.options = options

        def token(self):
            made.logins += 1
            made.call("login")

        def endpoint(self, name, region):
            made.before(("endpoint", region))

    monkeypatch.setattr(reader_module, "Api", lambda transport, account, region: FakeApi(made, region))
    monkeypatch.setattr(identity, "Identity", Identity)
    monkeypatch.setattr(transport_module, "Transport", FakeTransport)
    for name in ("TOKEN", "AUTH_URL", "DOMAIN", "KUBERNETES_ENDPOINT", "COMPUTE_ENDPOINT", "CA_CERT", "TOKEN_CACHE"):
        monkeypatch.delenv("NHNCLOUD_" + name, raising=False)
    for name, value in (("REGION", "KR1"), ("TENANT_ID", "t" * 32), ("USERNAME", "ops@example.com"), ("PASSWORD", PASSWORD)):
        monkeypatch.setenv("NHNCLOUD_" + name, value)
    return made


@pytest.fixture
def read(cloud, tmp_path):
    """A function that reads a source with the given options and returns a Run."""

    def function(options="", cache=True, name="demo.nks.yml"):
        path = tmp_path / name
        path.write_text("plugin: nhncloud.nks.nks\n" + options + "\n")
        plugin = inventory_loader.get("nhncloud.nks.nks")
        plugin.display = Display()
        inventory = InventoryData()
        inventory.current_source = str(path)
        assert plugin.verify_file(str(path))
        plugin.parse(inventory, DataLoader(), str(path), cache=cache)
        if plugin.get_option("cache"):
            plugin.update_cache_if_changed()
        inventory.reconcile_inventory()
        return Run(plugin, inventory)

    return function


@pytest.mark.parametrize(
    ("name", "ours"),
    [("nks.yml", True), ("nks.yaml", True), ("a.nks.yml", True), ("a.b.nks.yaml", True), ("xnks.yml", False), ("nks.json", False), ("demo.yml", False)],
)
def test_file_names(tmp_path, name, ours):
    path = tmp_path / name
    path.write_text("plugin: nhncloud.nks.nks\n")
    assert inventory_loader.get("nhncloud.nks.nks").verify_file(str(path)) is ours


def test_missing_file_is_not_accepted(tmp_path):
    assert not inventory_loader.get("nhncloud.nks.nks").verify_file(str(tmp_path / "nks.yml"))


# -- groups, hosts, variables -------------------------------------------------------------------------------------------


def test_hosts_and_groups(cloud, read):
    uuid = cloud.add("demo", group("default-worker", "10.0.0.10", "10.0.0.9"), group("batch", "10.0.0.11"), group("empty"))
    run = read()
    assert run.children["nks"] == ["nks_cluster_demo"]
    assert run.children["nks_cluster_demo"] == ["nks_nodegroup_demo_batch", "nks_nodegroup_demo_default_worker", "nks_nodegroup_demo_empty"]
    assert run.groups["nks_nodegroup_demo_default_worker"] == ["10.0.0.10", "10.0.0.9"]
    assert run.groups["nks_nodegroup_demo_batch"] == ["10.0.0.11"]
    assert run.groups["nks_nodegroup_demo_empty"] == []
    found = {key: value for key, value in run.hosts["10.0.0.9"].items() if not key.startswith("inventory_")}
    assert found == {
        "ansible_host": "10.0.0.9",
        "nks_address": "10.0.0.9",
        "nks_cluster": "demo",
        "nks_cluster_uuid": uuid,
        "nks_nodegroup": "default-worker",
        "nks_nodegroup_uuid": "group-default-worker",
        "nks_region": "kr1",
        "nks_kubernetes_version": "v1.31.4",
        "nks_flavor_id": "flavor",
        "nks_image_id": "image",
        "nks_availability_zone": "kr-pub-a",
        "nks_role": "worker",
        "nks_status": "UPDATE_COMPLETE",
        "nks_autoscale_enabled": True,
    }
    assert run.warnings == []


def test_number_of_requests_is_minimal(cloud, read):
    first = cloud.add("one", group("a", "10.0.0.1"), group("b", "10.0.0.2"))
    second = cloud.add("two", group("c", "10.1.0.1"), region="kr2")
    read("regions: [KR1, kr2, kr1]")
    assert sorted(cloud.calls) == sorted(
        [
            ("login",),
            ("clusters", "kr1"),
            ("clusters", "kr2"),
            ("nodegroups", first),
            ("nodegroups", second),
            ("nodegroup", first, "group-a"),
            ("nodegroup", first, "group-b"),
            ("nodegroup", second, "group-c"),
        ]
    )
    cloud.calls.clear()
    read("regions: [kr1, kr2]\nresolve_nodes: true")
    assert sorted(call for call in cloud.calls if call[0] == "servers") == [("servers", "kr1"), ("servers", "kr2")]
    # The networks are read only for node groups that do not list the UUIDs of their nodes, each once.
    assert sorted(call for call in cloud.calls if call[0] in ("cluster", "vpcs")) == [("cluster", first), ("cluster", second), ("vpcs", "kr1"), ("vpcs", "kr2")]
    cloud.calls.clear()
    for items in cloud.groups.values():
        for item in items:
            item["labels"]["node_list"] = "u"
    read("regions: [kr1, kr2]\nresolve_nodes: true")
    assert [call for call in cloud.calls if call[0] in ("cluster", "vpcs")] == []


def test_order_does_not_depend_on_the_service(cloud, read):
    cloud.add("b", group("y", "10.0.0.10", "10.0.0.9"), group("x", "10.0.0.2"))
    cloud.add("a", group("z", "10.0.0.1"))
    run = read()
    assert list(run.hosts) == ["10.0.0.1", "10.0.0.2", "10.0.0.9", "10.0.0.10"]


def test_control_plane_nodes_are_not_hosts(cloud, read):
    uuid = cloud.add("demo", group("default-worker", "10.0.0.1"), group("default-master", "10.0.0.2", role="master"))
    run = read()
    assert list(run.hosts) == ["10.0.0.1"]
    assert ("nodegroup", uuid, "group-default-master") not in cloud.calls


def test_cluster_being_created_has_a_group(cloud, read):
    cloud.add("new", status="CREATE_IN_PROGRESS")
    run = read()
    assert run.groups["nks_cluster_new"] == []
    assert run.children["nks"] == ["nks_cluster_new"]


@pytest.mark.parametrize("addresses", [None, "", [], [None], [None, 7, {"a": 1}]])
def test_a_group_without_usable_addresses(cloud, read, addresses):
    cloud.add("demo", group("default-worker", node_addresses=addresses))
    run = read()
    assert run.hosts == {}
    assert run.groups["nks_nodegroup_demo_default_worker"] == []
    assert len(run.warnings) == (7 in (addresses or []))


#: Each would do something to the controller, or be taken for something else, if it became an address or the name of a host.
HOSTILE = [
    "-oProxyCommand=touch /tmp/proof",
    "--help",
    "localhost",
    "LOCALHOST",
    "all",
    "ungrouped",
    "127.0.0.1",
    "::1",
    "0.0.0.0",
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".hidden",
    "10.0.0.1\n10.0.0.2",
    "10.0.0.1 ansible_connection=local",
    "node name",
    "tab\there",
    "10.0.0.[1:9]",
    "a,b",
    "a:b",
    "!a",
    "*",
    "~a.*",
    "@file",
    "a;b",
    "$(touch /tmp/proof)",
    "ops@10.0.0.1",
    "\x1b]0;title\x07",
    "n" * 300,
]


@pytest.mark.parametrize("value", [*HOSTILE, "", " ", "10.0.0.300", "node.example.com", "fe80::1%eth0"])
def test_invalid_address_omits_only_its_node(cloud, read, value):
    cloud.add("demo", group("default-worker", "10.0.0.1", value), group("batch", "10.0.0.3"))
    run = read()
    assert sorted(run.hosts) == ["10.0.0.1", "10.0.0.3"]
    (warning,) = run.warnings
    assert warning.startswith("Cluster demo (kr1), node group default-worker: left out values that are not a usable IP address of a node (")
    assert warning.isprintable() and len(warning) < 200
    with pytest.raises(AnsibleParserError, match="node group default-worker: left out values that are not a usable IP address of a node"):
        read("strict_clusters: true")


def test_ipv6_addresses_are_normalized(cloud, read):
    cloud.add("demo", group("default-worker", "2001:DB8:0::1", "2001:db8::1", labels={"node_list": "u1"}))
    cloud.servers["kr1"] = [server("u1", "node-1", "2001:DB8::0001")]
    run = read("resolve_nodes: true")
    assert list(run.hosts) == ["2001:db8::1"]
    assert (run.hosts["2001:db8::1"]["ansible_host"], run.hosts["2001:db8::1"]["nks_node_name"]) == ("2001:db8::1", "node-1")


@pytest.mark.parametrize("value", [*HOSTILE, "10.0.0.2"])
@pytest.mark.parametrize("how", ["name", "uuid", "template"])
def test_invalid_host_name_falls_back_to_address(cloud, read, value, how):
    uuid = value if how == "uuid" else "u1"
    cloud.add("demo", group("default-worker", "10.0.0.1", labels={"node_list": [uuid], "availability_zone": value}))
    cloud.servers["kr1"] = [server(uuid, value, "10.0.0.1")]
    run = read("hostname: %s" % ("'{{ nks_availability_zone }}'" if how == "template" else how))
    assert list(run.hosts) == ["10.0.0.1"]
    assert run.hosts["10.0.0.1"]["ansible_host"] == "10.0.0.1"
    (warning,) = run.warnings
    assert warning.startswith("Cluster demo, node group default-worker: hostname produces invalid host names ('")
    assert warning.endswith("' for 10.0.0.1); these nodes are named by their addresses.") and warning.isprintable() and len(warning) < 250


@pytest.mark.parametrize("value", ["nks", "nks_cluster_demo", "nks_nodegroup_demo_default_worker"])
def test_group_name_is_rejected_as_host_name(cloud, read, value):
    """Ansible would make the group a member of what the host is to be put into."""
    cloud.add("demo", group("default-worker", "10.0.0.1", labels={"node_list": ["u1"]}))
    cloud.servers["kr1"] = [server("u1", value, "10.0.0.1")]
    run = read("hostname: name\ngroups: {nks_mine: true}")
    assert (list(run.hosts), run.groups["nks_mine"], run.children["nks_mine"]) == (["10.0.0.1"], ["10.0.0.1"], [])
    assert "hostname produces invalid host names ('%s' for 10.0.0.1)" % value in run.warnings[0]


@pytest.mark.parametrize("value", ["node-1", "Node_1.example.com", "7", "노드-1", "demo-default-worker-node-0"])
def test_valid_host_names_are_used(cloud, read, value):
    cloud.add("demo", group("default-worker", "10.0.0.1", labels={"node_list": ["u1"]}))
    cloud.servers["kr1"] = [server("u1", value, "10.0.0.1")]
    run = read("hostname: name")
    assert (list(run.hosts), run.warnings) == ([value], [])


@pytest.mark.parametrize("value", ["all", "-x", "../..", "x\ny", "a[1:3]", "\x1b[2J", EVIL])
def test_group_names_contain_only_letters_digits_and_underscores(cloud, read, value):
    cloud.add(value, group(value, "10.0.0.1"))
    run = read("keyed_groups: [{key: nks_cluster, prefix: nks_of}]")
    names = [name for name in run.groups if name != "nks"]
    assert len(names) == 3 and all(name.startswith(("nks_cluster_", "nks_nodegroup_", "nks_of_")) for name in names)
    assert all(name.replace("_", "a").isalnum() for name in names)


def test_names_with_control_characters_give_printable_warnings(cloud, read):
    cloud.add("\x1b[2Jx", group("y\r", "10.0.0.1", "-v"), {})
    cloud.add("\x1b[2Jx", group("y\r", "10.0.0.2"), uuid="other")
    run = read("clusters: ['\\e[2Jx', '\\e[3Jy']".replace("'", '"'))
    assert len(run.warnings) == 4 and all(warning.isprintable() for warning in run.warnings)


def test_missing_fields_are_filled_from_list(cloud, read, monkeypatch):
    cloud.add("demo", group("default-worker", "10.0.0.1"))
    short = {"uuid": "group-default-worker", "status": "UPDATE_COMPLETE", "name": None, "node_addresses": ["10.0.0.1"], "labels": {"node_image": "other"}}
    monkeypatch.setattr(FakeApi, "nodegroup", lambda self, ref, uuid: short)
    found = read().hosts["10.0.0.1"]
    assert (found["nks_nodegroup"], found["nks_flavor_id"], found["nks_role"]) == ("default-worker", "flavor", "worker")
    assert found["nks_kubernetes_version"] is None
    assert found["nks_autoscale_enabled"] is False


def test_group_prefix(cloud, read):
    cloud.add("demo", group("default-worker", "10.0.0.1"))
    run = read("group_prefix: prod-")
    assert run.inventory.groups["prod_nodegroup_demo_default_worker"].get_hosts()[0].name == "10.0.0.1"
    assert run.children["nks"] == ["prod_cluster_demo"]


def test_clusters_with_same_name(cloud, read):
    cloud.add("demo", group("default-worker", "10.0.0.1"), uuid="u1")
    cloud.add("demo", group("default-worker", "10.1.0.1", uuid="g2"), region="kr2", uuid="u2")
    run = read("regions: [kr1, kr2]")
    assert run.groups["nks_nodegroup_demo_default_worker"] == ["10.0.0.1", "10.1.0.1"]
    assert run.children["nks_cluster_demo"] == ["nks_nodegroup_demo_default_worker"]
    assert (run.hosts["10.0.0.1"]["nks_region"], run.hosts["10.1.0.1"]["nks_region"]) == ("kr1", "kr2")
    assert run.warnings == ["Group nks_cluster_demo holds the nodes of 2 clusters: demo (kr1, u1), demo (kr2, u2)."]


def test_groups_that_share_a_name_do_not_mix_their_clusters(cloud, read):
    cloud.add("a", group("b-c", "10.0.0.1"))
    cloud.add("a-b", group("c", "10.0.0.2"))
    run = read()
    assert run.below("nks_cluster_a") == ["10.0.0.1"]
    assert run.below("nks_cluster_a_b") == ["10.0.0.2"]
    assert run.groups["nks_nodegroup_a_b_c"] == ["10.0.0.1", "10.0.0.2"]
    assert run.warnings == ["Group nks_nodegroup_a_b_c holds the nodes of 2 node groups: b-c of cluster a, c of cluster a-b."]


def test_groups_with_same_name_in_one_cluster_are_counted(cloud, read):
    cloud.add("demo", group("a-b", "10.0.0.1"), group("a.b", "10.0.0.2"), group("a_b", "10.0.0.3"), group("c", "10.0.0.4"))
    run = read()
    assert run.groups["nks_nodegroup_demo_a_b"] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert run.children["nks_cluster_demo"] == ["nks_nodegroup_demo_a_b", "nks_nodegroup_demo_c"]
    assert run.warnings == ["Group nks_nodegroup_demo_a_b holds the nodes of 3 node groups: a-b of cluster demo, a.b of cluster demo, a_b of cluster demo."]


def test_groups_with_same_name_in_clusters_with_same_name_are_counted(cloud, read):
    cloud.add("a", group("b-c", "10.0.0.1"), uuid="u1")
    cloud.add("a", group("b-c", "10.0.0.2", uuid="g2"), uuid="u2")
    cloud.add("a-b", group("c", "10.0.0.3"), uuid="u3")
    run = read()
    assert run.groups["nks_nodegroup_a_b_c"] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert run.below("nks_cluster_a") == ["10.0.0.1", "10.0.0.2"]
    assert run.warnings == [
        "Group nks_cluster_a holds the nodes of 2 clusters: a (kr1, u1), a (kr1, u2).",
        "Group nks_nodegroup_a_b_c holds the nodes of 3 node groups: b-c of cluster a (kr1, u1), b-c of cluster a (kr1, u2), c of cluster a-b (kr1, u3).",
    ]


def test_duplicate_list_entries_are_ignored(cloud, read):
    """Entries move between the pages of a list that changes while it is read."""
    uuid = cloud.add("demo", group("default-worker", "10.0.0.1"))
    cloud.regions["kr1"].append(dict(cloud.regions["kr1"][0]))
    cloud.groups[uuid].append(dict(cloud.groups[uuid][0]))
    run = read()
    assert (list(run.hosts), run.warnings) == (["10.0.0.1"], [])


# -- host names and instances ----------------------------------------------------------------------------------------------


def test_names_of_instances(cloud, read):
    # The two lists of the group are in different orders.
    cloud.add("demo", group("default-worker", "10.0.0.1", "10.0.0.2", labels={"node_list": "U2:u1"}))
    cloud.servers["kr1"] = [server("u1", "node-1", "10.0.0.1"), server("u2", "node-2", "10.0.0.2", "SHUTOFF"), server("u3", "other", "10.0.0.2")]
    run = read("hostname: name")
    assert {name: found["ansible_host"] for name, found in run.hosts.items()} == {"node-1": "10.0.0.1", "node-2": "10.0.0.2"}
    assert (run.hosts["node-2"]["nks_node_uuid"], run.hosts["node-2"]["nks_node_status"]) == ("u2", "SHUTOFF")
    assert run.hosts["node-2"]["nks_node_name"] == "node-2"
    assert sorted(read("hostname: uuid").hosts) == ["u1", "u2"]
    assert sorted(read("resolve_nodes: true").hosts) == ["10.0.0.1", "10.0.0.2"]


def test_instances_are_found_by_address_without_node_list(cloud, read):
    cloud.add("demo", group("default-worker", "10.0.0.1", "10.0.0.2", "10.0.0.3"))
    cloud.servers["kr1"] = [
        server("u1", "demo-default-worker-node-0", "10.0.0.1"),
        server("u2", "web-default-worker-node-0", "10.0.0.1", network="other-vpc"),
        server("u3", "any", "10.0.0.2"),
        server("u4", "x", "10.0.0.3"),
        server("u5", "y", "10.0.0.3"),
    ]
    run = read("resolve_nodes: true")
    assert [run.hosts["10.0.0.%d" % number]["nks_node_uuid"] for number in (1, 2, 3)] == ["u1", "u3", None]
    assert run.warnings == ["Cluster demo, node group default-worker: the compute service shows no instance for 1 of 3 nodes (10.0.0.3)."]


def test_equal_addresses_in_two_networks(cloud, read):
    """Without node_list, an address is looked for in the cluster's own network only."""
    cloud.homes[cloud.add("a", group("w", "10.0.0.1", "10.0.0.2"))] = "n1"
    cloud.homes[cloud.add("a-w", group("x", "10.0.0.1"))] = "n2"
    cloud.servers["kr1"] = [
        server("u1", "a-w-node-0", "10.0.0.1"),
        server("u2", "a-w-x-node-0", "10.0.0.1", network="other-vpc"),
        server("u3", "a-w-node-1", "10.0.0.2", network="other-vpc"),
    ]
    run = read("resolve_nodes: true\nhostname: '{{ nks_cluster }}-{{ nks_address }}'")
    assert {name: found["nks_node_uuid"] for name, found in run.hosts.items()} == {"a-10.0.0.1": "u1", "a-10.0.0.2": None, "a-w-10.0.0.1": "u2"}


@pytest.mark.parametrize("call", ["vpcs", "cluster"])
def test_instance_is_not_guessed_if_network_is_unreadable(cloud, read, call):
    uuid = cloud.add("demo", group("default-worker", "10.0.0.1"))
    cloud.servers["kr1"] = [server("u1", "node-1", "10.0.0.1")]
    cloud.errors[call, "kr1" if call == "vpcs" else uuid] = refused(doing="read the network")
    run = read("resolve_nodes: true")
    assert run.hosts["10.0.0.1"]["nks_node_uuid"] is None
    assert run.warnings[0].startswith("Cluster demo (kr1) is not listed completely. Could not read the network: Not today")


def test_shared_names_and_addresses_never_match_wrong_instance(cloud):
    options = {"clusters": [], "nodegroups": [], "cluster_query": None, "resolve_nodes": True, "workers": 1, "strict_clusters": False}

    @settings(max_examples=60, deadline=None)
    @given(fleets())
    def check(fleet):
        read = reader_module.Reader({"kr1": FleetApi(fleet)}, options, StoppedClock()).read()
        given_groups = {item["uuid"]: item for _cluster, item in fleet.each()}
        for found in read["clusters"]:
            cluster = fleet.cluster(found["cluster_uuid"])
            for item in found["groups"]:
                known = "node_list" in given_groups[item["nodegroup_uuid"]]["labels"] or fleet.certain(cluster)
                for node in item["nodes"]:
                    if node["uuid"] is not None:
                        assert fleet.owners[node["uuid"]] == item["nodegroup_uuid"]
                        assert fleet.address(node["uuid"], cluster) == node["address"]
                        assert known
                assert len(item["nodes"]) == len(fleet.listed[item["nodegroup_uuid"]])

    check()


class StoppedClock:
    def stop(self):
        pass


def test_node_without_instance_uses_address_as_host_name(cloud, read):
    cloud.add("demo", group("default-worker", "10.0.0.1", "10.0.0.2", labels={"node_list": "u1:u2"}))
    cloud.servers["kr1"] = [server("u1", "node-1", "10.0.0.1")]
    run = read("hostname: name")
    assert sorted(run.hosts) == ["10.0.0.2", "node-1"]
    assert run.hosts["10.0.0.2"]["nks_node_name"] is None
    assert len(run.warnings) == 1
    assert "1 of 2 nodes (10.0.0.2); their addresses are their host names" in run.warnings[0]


def test_hostname_template(cloud, read):
    cloud.add("demo", group("default-worker", "10.0.0.1"))
    assert list(read("hostname: \"{{ nks_cluster }}-{{ nks_address | replace('.', '-') }}\"").hosts) == ["demo-10-0-0-1"]
    run = read("hostname: \"{{ '' }}\"")
    assert list(run.hosts) == ["10.0.0.1"]
    assert "hostname produces no name for 1 of 1 nodes" in run.warnings[0]


@pytest.mark.parametrize(("template", "said"), [("nks_addres", "'nks_addres' is undefined"), ("nks_node_name", "need resolve_nodes: true")])
def test_hostname_template_that_fails(cloud, read, template, said):
    cloud.add("demo", group("default-worker", "10.0.0.1"))
    with pytest.raises(AnsibleParserError, match="hostname: .* node 10.0.0.1.*" + said):
        read('hostname: "{{ %s }}"' % template)


def test_duplicate_host_name_is_rejected(cloud, read):
    cloud.add("one", group("a", "10.0.0.1"))
    cloud.add("two", group("b", "10.0.0.1"), region="kr2")
    with pytest.raises(AnsibleParserError) as error:
        read("regions: [kr1, kr2]")
    for part in ("host '10.0.0.1'", "node group a of cluster one (kr1", "node group b of cluster two (kr2", "Set hostname to"):
        assert part in str(error.value)
    assert sorted(read('regions: [kr1, kr2]\nhostname: "{{ nks_cluster }}-{{ nks_address }}"').hosts) == ["one-10.0.0.1", "two-10.0.0.1"]


def test_an_address_listed_twice_is_one_host(cloud, read):
    cloud.add("demo", group("default-worker", "10.0.0.1", "10.0.0.1"))
    assert list(read().hosts) == ["10.0.0.1"]


# -- choice of clusters and groups ------------------------------------------------------------------------------------------


def test_clusters_by_name_and_uuid(cloud, read):
    cloud.add("one", group("a", "10.0.0.1"))
    cloud.add("two", group("a", "10.0.0.2"), uuid="AbC")
    skipped = cloud.add("three", group("a", "10.0.0.3"))
    run = read("clusters: [one, abc, none]")
    assert sorted(run.hosts) == ["10.0.0.1", "10.0.0.2"]
    assert ("nodegroups", skipped) not in cloud.calls
    assert run.warnings == ["clusters: there is no cluster 'none' in kr1."]
    with pytest.raises(AnsibleParserError, match="no cluster 'none'"):
        read("clusters: [one, none]\nstrict_clusters: true")


def test_a_named_cluster_need_not_be_in_every_region(cloud, read):
    cloud.add("one", group("a", "10.0.0.1"), region="kr2")
    run = read("regions: [kr1, kr2]\nclusters: [one]\nstrict_clusters: true")
    assert list(run.hosts) == ["10.0.0.1"]


@pytest.mark.parametrize(
    ("expression", "hosts"),
    [
        ("[?name=='one']", ["10.0.0.1"]),
        ("[?starts_with(name, 't')].name", ["10.0.0.2"]),
        ("[].uuid", ["10.0.0.1", "10.0.0.2"]),
        ("[?node_count > `2`] | [0]", ["10.0.0.2"]),
        ("[?labels.strict_sg_rules]", ["10.0.0.2"]),
        ("[?region=='kr2']", []),
        ("[?name=='none'] | [0]", []),
    ],
)
def test_cluster_query(cloud, read, expression, hosts):
    cloud.add("one", group("a", "10.0.0.1"), node_count=1, labels={"strict_sg_rules": "False"})
    cloud.add("two", group("a", "10.0.0.2"), node_count=5, labels={"strict_sg_rules": "true"})
    assert sorted(read('cluster_query: "%s"' % expression).hosts) == hosts


def test_cluster_query_and_clusters_are_combined(cloud, read):
    cloud.add("one", group("a", "10.0.0.1"))
    cloud.add("two", group("a", "10.0.0.2"))
    run = read("clusters: [one]\ncluster_query: \"[?name=='two']\"")
    assert (run.hosts, run.warnings) == ({}, [])


def test_nodegroups(cloud, read):
    uuid = cloud.add("one", group("a", "10.0.0.1"), group("b", "10.0.0.2"))
    run = read("nodegroups: [a, zzz]")
    assert list(run.hosts) == ["10.0.0.1"]
    assert ("nodegroup", uuid, "group-b") not in cloud.calls
    assert run.warnings == ["nodegroups: none of the clusters has a node group 'zzz'."]


# -- options -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("workers: 0", "workers: 0 "),
        ("hostname: ip", "hostname: 'ip' is not known; set it to address"),
        ("regions: [seoul]", "region: 'seoul' is not the code of a region"),
        ("regions: [kr1, kr2]\nkubernetes_endpoint: https://a.example", "kubernetes_endpoint: .* one region"),
        ("regions: [kr1, kr2]\ncompute_endpoint: https://a.example", "compute_endpoint: .* one region"),
        ("regions: [kr1, kr2]\nnetwork_endpoint: https://a.example", "network_endpoint: .* one region"),
        ('cluster_query: "[?"', r"cluster_query: '\[\?' is not a JMESPath expression"),
        ('cluster_query: "[].node_count"', "cluster_query: .* does not return clusters"),
        ("auth_url: example.com", "auth_url: 'example.com' is not a URL"),
        ("request_timeout: 0", "request_timeout: "),
        ("password: ''", "not set: password"),
        ('password: "{{ nowhere }}-%s"' % PASSWORD, "password: the template cannot be rendered"),
        ("password: {a: %s}" % PASSWORD, "password: it is not a string"),
        ("token: [%s]" % PASSWORD, "token: it is not a string"),
    ],
)
def test_bad_options(cloud, read, options, said):
    cloud.add("one", node_count=1)
    with pytest.raises(AnsibleError, match=said) as error:
        read(options)
    assert PASSWORD not in str(error.value)
    assert "\n" not in str(error.value)
    assert [call for call in cloud.calls if call[0] not in ("login", "clusters")] == []


def test_unknown_option_issues_warning(cloud, read):
    assert any("there is no option 'cluster'" in warning for warning in read("cluster: [demo]").warnings)


def test_options_from_the_environment(cloud, read, monkeypatch):
    for name, value in (("REQUEST_TIMEOUT", "7.5"), ("MAX_RETRIES", "2"), ("VALIDATE_CERTS", "False"), ("CA_CERT", ""), ("TOKEN_CACHE", "")):
        monkeypatch.setenv("NHNCLOUD_" + name, value)
    read("workers: 3")
    settings = FakeTransport.made[0].settings
    assert settings == {"timeout": 7.5, "max_retries": 2, "verify": False, "pool_size": 3, "closed": True}
    assert cloud.options["token_cache"] is None
    assert (cloud.options["password"], type(cloud.options["password"])) == (PASSWORD, str)


def test_control_characters_are_escaped_in_warnings_and_errors(cloud, read):
    uuid = cloud.add("de\x1b]0;owned\x07mo", group("default-worker", "10.0.0.1"))
    cloud.errors["nodegroups", uuid] = ApiError("list", 500, "broken\x1b[2K\u202e\nagain", "")
    warnings = read().warnings
    assert len(warnings) == 1 and warnings[0].isprintable()
    assert "Cluster de\\x1b]0;owned\\x07mo" in warnings[0] and "broken\\x1b[2K\\u202e again" in warnings[0]
    with pytest.raises(AnsibleParserError, match=r"broken\\x1b\[2K\\u202e again"):
        read("strict_clusters: true")


def test_credentials_of_the_file_and_of_the_environment_are_not_mixed(cloud, read, monkeypatch):
    monkeypatch.setenv("NHNCLOUD_TOKEN", "token-of-another-project")
    monkeypatch.setenv("NHNCLOUD_TENANT_ID", "another")
    monkeypatch.delenv("NHNCLOUD_USERNAME")
    monkeypatch.delenv("NHNCLOUD_PASSWORD")
    with pytest.raises(AnsibleParserError, match=r"^tenant_id: 'mine' is set by the task, but the token comes from the environment"):
        read("tenant_id: mine")
    assert cloud.options is None
    read("username: me\npassword: mine\ntenant_id: mine")
    assert [cloud.options[name] for name in ("token", "username", "password", "tenant_id")] == [None, "me", "mine", "mine"]
    read("token: mine\ntenant_id: mine")
    assert [cloud.options[name] for name in ("token", "username", "password", "tenant_id")] == ["mine", None, None, "mine"]


def test_empty_environment_variable_is_ignored(cloud, read, monkeypatch):
    for name in ("VALIDATE_CERTS", "REQUEST_TIMEOUT", "MAX_RETRIES", "DOMAIN", "AUTH_URL", "TOKEN"):
        monkeypatch.setenv("NHNCLOUD_" + name, "")
    read("workers: 3")
    settings = FakeTransport.made[0].settings
    assert settings == {"timeout": 30.0, "max_retries": 5, "verify": True, "pool_size": 3, "closed": True}
    assert (cloud.options["domain"], cloud.options["token"]) == (None, None)
    assert os.environ["NHNCLOUD_VALIDATE_CERTS"] == ""


def test_a_ca_file_is_used(cloud, read, tmp_path):
    (tmp_path / "ca.pem").write_bytes(pathlib.Path(requests.certs.where()).read_bytes())
    read("ca_cert: %s" % (tmp_path / "ca.pem"))
    assert FakeTransport.made[0].settings["verify"] == str(tmp_path / "ca.pem")


def test_connection_options_may_be_templates(cloud, read, monkeypatch):
    monkeypatch.setenv("ELSEWHERE", "other-password")
    read("username: me\npassword: \"{{ lookup('ansible.builtin.env', 'ELSEWHERE') }}\"")
    assert cloud.options["password"] == "other-password"
    read('username: me\npassword: "half{{way{#"')
    assert cloud.options["password"] == "half{{way{#"
    # What stands in the environment is no template of the user's.
    monkeypatch.setenv("NHNCLOUD_PASSWORD", "{{ 1 + 1 }}")
    read()
    assert cloud.options["password"] == "{{ 1 + 1 }}"


def test_endpoint_without_region_is_sufficient(cloud, read, monkeypatch):
    monkeypatch.delenv("NHNCLOUD_REGION")
    cloud.regions[None] = cloud.regions["kr1"]
    cloud.add("demo", group("default-worker", "10.0.0.1"))
    run = read("kubernetes_endpoint: https://nks.example.com")
    assert run.hosts["10.0.0.1"]["nks_region"] is None


# -- what goes wrong -------------------------------------------------------------------------------------------------------


def refused(status=403, doing="list the node groups of cluster x"):
    return ApiError(doing, status, "Not today", "req-1")


@pytest.mark.parametrize("error", [refused(), refused(404), NoAnswer("Could not read it: no answer."), BadReply("Could not read it: it is junk.")])
def test_one_unreadable_cluster(cloud, read, error):
    bad = cloud.add("bad", group("a", "10.0.0.1"))
    cloud.add("good", group("a", "10.0.0.2"))
    cloud.errors["nodegroups", bad] = error
    run = read()
    assert list(run.hosts) == ["10.0.0.2"]
    assert run.groups["nks_cluster_bad"] == []
    assert run.warnings == ["Cluster bad (kr1) is not listed completely. " + error.msg]
    with pytest.raises(AnsibleParserError, match="Cluster bad"):
        read("strict_clusters: true")


def test_one_unreadable_node_group(cloud, read):
    bad = cloud.add("demo", group("a", "10.0.0.1"), group("b", "10.0.0.2"))
    cloud.errors["nodegroup", bad, "group-a"] = refused(doing="read node group a")
    run = read()
    assert list(run.hosts) == ["10.0.0.2"]
    assert run.groups["nks_nodegroup_demo_a"] == []
    assert len(run.warnings) == 1
    assert "Could not read node group a: Not today (HTTP 403, request id req-1)" in run.warnings[0]


@pytest.mark.parametrize("junk", [{}, {"uuid": "u"}, {"name": "n"}, {"uuid": "", "name": ""}])
def test_invalid_list_entries_are_skipped(cloud, read, junk):
    cloud.add("demo", junk, group("a", "10.0.0.1"))
    cloud.regions["kr1"].append(junk)
    run = read()
    assert list(run.hosts) == ["10.0.0.1"]
    assert len(run.warnings) == 2
    with pytest.raises(AnsibleParserError, match="without uuid or name"):
        read("strict_clusters: true")


@pytest.mark.parametrize("reply", [{}, {"uuid": "u"}, {"uuid": None, "status": []}])
def test_invalid_node_group_response_is_reported(cloud, read, monkeypatch, reply):
    cloud.add("demo", group("a", "10.0.0.1"))
    monkeypatch.setattr(FakeApi, "nodegroup", lambda self, ref, uuid: reply)
    run = read()
    assert run.hosts == {}
    assert "Cluster demo (kr1) is not listed completely" in run.warnings[0]


@pytest.mark.parametrize("call", [("login",), ("clusters", "kr2"), ("servers", "kr1")])
def test_failure_of_essential_request_is_an_error(cloud, read, call):
    cloud.add("demo", group("a", "10.0.0.1"))
    cloud.errors[call] = NoAnswer("Could not do it with %s: no answer." % PASSWORD)
    with pytest.raises(AnsibleParserError, match="Could not do it") as error:
        read("regions: [kr1, kr2]\nresolve_nodes: true")
    assert PASSWORD not in str(error.value)
    assert error.value.__cause__ is None
    assert FakeTransport.made[0].settings["closed"]


def test_rejected_token_is_an_error(cloud, read):
    bad = cloud.add("demo", group("a", "10.0.0.1"))
    cloud.errors["nodegroups", bad] = refused(401)
    with pytest.raises(AnsibleParserError, match="The token was not accepted"):
        read()


@pytest.mark.parametrize("call", [("clusters", "kr2"), ("servers", "kr2")])
def test_error_names_region_if_there_are_several(cloud, read, call):
    cloud.errors[call] = NoAnswer("Could not do it: no answer.")
    with pytest.raises(AnsibleParserError, match="Region kr2: Could not do it: no answer"):
        read("regions: [kr1, kr2]\nresolve_nodes: true")
    cloud.errors[call] = NoAnswer("Could not do it: no answer.")
    with pytest.raises(AnsibleParserError, match="^Could not do it"):
        read("regions: [kr2]\nresolve_nodes: true")


def test_rejected_token_error_names_region(cloud, read):
    cloud.errors["nodegroups", cloud.add("demo", region="kr2")] = refused(401)
    with pytest.raises(AnsibleParserError, match="Region kr2: .*The token was not accepted"):
        read("regions: [kr1, kr2]")


def test_error_wakes_threads_waiting_to_retry(cloud, read, monkeypatch):
    """Otherwise this test would take ten minutes."""
    cloud.add("demo", group("a", "10.0.0.1"))
    asleep = threading.Event()

    def before(call):
        if call[0] == "nodegroups":
            asleep.set()
            FakeTransport.clock.sleep(600)
        if call == ("clusters", "kr2"):
            assert asleep.wait(30)
            raise NksError("Could not list the clusters.")

    monkeypatch.setattr(
        FakeTransport, "__init__", lambda self, clock, **settings: setattr(FakeTransport, "clock", clock) or setattr(self, "settings", settings)
    )
    monkeypatch.setattr(FakeTransport, "warnings", [], raising=False)
    monkeypatch.setattr(FakeTransport, "clock", None, raising=False)
    cloud.before = before
    with pytest.raises(AnsibleParserError, match="Could not list the clusters"):
        read("regions: [kr1, kr2]")


# -- in parallel ---------------------------------------------------------------------------------------------------------


def test_regions_do_not_wait_for_each_other(cloud, read):
    """The clusters of the first region are listed only after a node group of the second has been read."""
    cloud.add("slow", group("a", "10.0.0.1"))
    cloud.add("fast", group("b", "10.1.0.1"), region="kr2")
    seen = threading.Event()

    def before(call):
        if call == ("clusters", "kr1"):
            assert seen.wait(30)
        if call[0] == "nodegroup" and call[2] == "group-b":
            seen.set()

    cloud.before = before
    assert sorted(read("regions: [kr1, kr2]").hosts) == ["10.0.0.1", "10.1.0.1"]


def test_workers_option_sets_number_of_concurrent_requests(cloud, read):
    cloud.add("demo", *[group("g%d" % number, "10.0.0.%d" % number) for number in range(8)])
    together = threading.Barrier(4)
    threads = set()

    def before(call):
        if call[0] == "nodegroup":
            threads.add(threading.current_thread().name)
            together.wait(30)

    cloud.before = before
    assert len(read("workers: 4").hosts) == 8
    assert len(threads) == 4


@contextlib.contextmanager
def failing(monkeypatch, cloud, order):
    """Let calls fail, each once the failure of the one before it in this order has been handled."""
    handled = {call: threading.Event() for call in order}
    previous = dict(zip(order[1:], order))
    begun = threading.Barrier(len(order))
    handle = reader_module.Reader._handle

    def wait(call):
        if call in handled:
            # A request that has not begun when another one fails may never be made.
            begun.wait(30)
        if call in previous:
            assert handled[previous[call]].wait(30)

    def handle_one(self, pending, *arguments):
        try:
            handle(self, pending, *arguments)
        finally:
            with contextlib.suppress(NoAnswer):
                pending.result()
            if pending._error is not None:
                handled[pending._error.call].set()

    for call in order:
        cloud.errors[call] = NoAnswer("Could not do %s." % " ".join(call))
        cloud.errors[call].call = call
    cloud.before = wait
    with monkeypatch.context() as patched:
        patched.setattr(reader_module.Reader, "_handle", handle_one)
        try:
            yield
        finally:
            for event in handled.values():
                event.set()


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
@pytest.mark.parametrize("what", ["nodegroups", "nodegroup"])
def test_warnings_and_errors_of_clusters_do_not_depend_on_timing(cloud, read, monkeypatch, order, what):
    calls = []
    for name, region in (("b", "kr1"), ("a", "kr1"), ("d", "kr2"), ("c", "kr2")):
        uuid = cloud.add(name, group("w", uuid="w-" + name), region=region)
        calls.append((what, uuid, "w-" + name)[: 3 if what == "nodegroup" else 2])
    with failing(monkeypatch, cloud, [calls[number] for number in order]):
        warnings = read("regions: [kr1, kr2]").warnings
    assert [warning.rpartition("Could not do ")[2] for warning in warnings] == [" ".join(call) + "." for call in calls]
    strict = failing(monkeypatch, cloud, [calls[number] for number in order])
    with strict, pytest.raises(AnsibleParserError, match=r"Cluster b \(kr1\) is not listed completely"):
        read("regions: [kr1, kr2]\nstrict_clusters: true")


LISTS = [("clusters", "kr1"), ("servers", "kr1"), ("clusters", "kr2"), ("servers", "kr2")]


@pytest.mark.parametrize("order", list(itertools.permutations(LISTS))[::3])
def test_the_error_of_several_regions_does_not_depend_on_timing(cloud, read, monkeypatch, order):
    with failing(monkeypatch, cloud, order), pytest.raises(AnsibleParserError, match="^Region kr1: Could not do clusters kr1"):
        read("regions: [kr1, kr2]\nresolve_nodes: true")


def test_error_does_not_wait_for_later_requests(cloud, read):
    cloud.add("demo", group("a", "10.0.0.1"))
    release, hanging, ended = threading.Event(), threading.Event(), threading.Event()

    def before(call):
        if call[0] == "nodegroups":
            hanging.set()
            release.wait(30)
            ended.set()
        elif call == ("clusters", "kr2"):
            assert hanging.wait(30)

    cloud.before = before
    cloud.errors["clusters", "kr2"] = NoAnswer("Could not do it.")
    try:
        with pytest.raises(AnsibleParserError, match="Region kr2: Could not do it"):
            read("regions: [kr1, kr2]")
        assert not ended.is_set()
    finally:
        release.set()


@pytest.mark.parametrize("first", ["a", "b"])
def test_unreadable_networks_are_reported_for_first_cluster(cloud, read, first):
    """The request is made for the cluster whose node group is read first, which depends on timing."""
    uuids = {name: cloud.add(name, group("w", "10.0.0.1", uuid="w-" + name)) for name in ("a", "b")}
    begun = threading.Event()

    def before(call):
        if call == ("vpcs", "kr1"):
            begun.set()
        elif call[0] == "nodegroup" and call[1] != uuids[first]:
            assert begun.wait(30)

    cloud.before = before
    cloud.errors["vpcs", "kr1"] = refused(doing="list the networks")
    options = 'resolve_nodes: true\nhostname: "{{ nks_cluster }}-{{ nks_address }}"\n'
    warnings = [warning for warning in read(options).warnings if "networks" in warning]
    assert len(warnings) == 1 and warnings[0].startswith("Cluster a (kr1) is not listed completely. Could not list the networks: Not today")
    with pytest.raises(AnsibleParserError, match=r"Cluster a \(kr1\) is not listed completely"):
        read(options + "strict_clusters: true")


def test_no_threads_remain_after_parsing(cloud, read):
    cloud.add("demo", *[group("g%d" % number, "10.0.0.%d" % number) for number in range(8)])
    before = set(threading.enumerate())
    read("workers: 4")
    # Threads that earlier tests abandoned can end in between.
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interruption_does_not_wait_for_requests_that_hang(cloud, read, monkeypatch, error):
    """The list of the second region interrupts the caller's thread, which goes through it, once both node groups hang."""
    listed = threading.Event()
    cloud.add("demo", group("a", "10.0.0.1"), group("b", "10.0.0.2"))
    hanging, release, ended = threading.Barrier(3), threading.Event(), threading.Semaphore(0)

    class Interrupting(list):
        def __iter__(self):
            hanging.wait(30)
            raise error

    def before(call):
        if call[0] == "nodegroup":
            hanging.wait(30)
            release.wait(30)
            ended.release()
        elif call == ("clusters", "kr2"):
            assert listed.wait(30)
        elif call[0] == "nodegroups":
            listed.set()

    cloud.regions["kr2"] = Interrupting()
    cloud.before = before
    try:
        with pytest.raises(error):
            read("regions: [kr1, kr2]")
        assert not ended.acquire(blocking=False)
        assert FakeTransport.made[0].settings["closed"]
    finally:
        release.set()
    assert ended.acquire(timeout=30) and ended.acquire(timeout=30)


# -- nothing of the service is run as a template ------------------------------------------------------------------------------


def test_templates_in_service_data_are_not_evaluated(cloud, read, tmp_path):
    proof = tmp_path / "proof"
    evil = EVIL % proof
    header = "#jinja2: variable_start_string:'[%%', variable_end_string:'%%]'\n[%% lookup('ansible.builtin.pipe', 'touch %s') %%]" % proof
    cloud.add(evil, group(evil, "10.0.0.1", labels={"kube_tag": evil, "availability_zone": header, "node_list": "u1"}), uuid="u")
    cloud.servers["kr1"] = [server("u1", evil, "10.0.0.1", header)]
    run = read(
        "resolve_nodes: true\n"
        'hostname: "{{ nks_address }}-{{ nks_node_name | length }}"\n'
        "compose: {copy: nks_cluster, nested: '[{\"a\": nks_availability_zone}, nks_address]'}\n"
        "keyed_groups: [{key: nks_kubernetes_version, prefix: nks_version}]\n"
        "groups: {nks_evil: nks_cluster is search('lookup')}"
    )
    name = "10.0.0.1-%d" % len(evil)
    assert run.groups["nks_evil"] == [name]
    found = run.hosts[name]
    for value in (found["nks_cluster"], found["copy"], found["nks_kubernetes_version"], found["nks_node_status"], found["nested"][0]["a"]):
        assert value in (evil, header)
        assert not is_trusted_as_template(value)
    rendered = Templar(loader=DataLoader(), variables=dict(found)).template(dict(found))
    assert rendered["nks_cluster"] == evil
    assert rendered["nks_availability_zone"] == header
    assert not proof.exists()


def test_plain_values_are_marked_as_trusted(cloud, read):
    """ansible-inventory wraps each string that is not marked as trusted."""
    cloud.add("demo", group("default-worker", "10.0.0.1", labels={"node_list": "u1"}))
    cloud.servers["kr1"] = [server("u1", "node-1", "10.0.0.1")]
    run = read("resolve_nodes: true\ncompose: {text: nks_cluster ~ '/' ~ nks_nodegroup, nested: '[{\"a\": nks_region ~ \"x\"}]'}")
    found = run.hosts["10.0.0.1"]
    strings = [value for key, value in found.items() if isinstance(value, str) and not key.startswith("inventory_")] + [found["nested"][0]["a"]]
    assert found["text"] == "demo/default-worker"
    assert len(strings) == 18
    assert [value for value in strings if not is_trusted_as_template(value)] == []


def test_constructed(cloud, read):
    cloud.add("demo", group("default-worker", "10.0.0.1"), group("batch", "10.0.0.2", labels={"availability_zone": "kr-pub-b"}))
    run = read(
        "compose: {ansible_host: nks_address ~ '.example', short: inventory_hostname | last}\n"
        "groups: {nks_of_b: nks_availability_zone == 'kr-pub-b'}\n"
        "keyed_groups: [{key: short, prefix: nks_end}]"
    )
    assert run.hosts["10.0.0.1"]["ansible_host"] == "10.0.0.1.example"
    assert run.groups["nks_of_b"] == ["10.0.0.2"]
    assert (run.groups["nks_end_1"], run.groups["nks_end_2"]) == (["10.0.0.1"], ["10.0.0.2"])
    assert read("compose: {a: nowhere}").warnings == []
    with pytest.raises(AnsibleError, match="nowhere"):
        read("compose: {a: nowhere}\nstrict: true")


# -- cache ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cached(tmp_path):
    """Options that keep the data in files."""
    return "cache: true\ncache_plugin: ansible.builtin.jsonfile\ncache_connection: %s\n" % (tmp_path / "cache")


def kept(tmp_path):
    return sorted((tmp_path / "cache").glob("*"))


FULL = "resolve_nodes: true\nregions: [kr1, kr2]\nclusters: [demo, web, none]\nnodegroups: [default-worker, zzz]\n"


def test_a_cached_run_makes_no_request(cloud, read, cached, tmp_path, monkeypatch):
    cloud.add("demo", group("default-worker", "10.0.0.1", labels={"node_list": "u1"}))
    cloud.add("web", group("default-worker", "10.1.0.1"), region="kr2")
    cloud.servers["kr1"] = [server("u1", "node-1", "10.0.0.1")]
    first = read(cached + FULL)
    calls = list(cloud.calls)
    # Not even the file that imports requests is needed.
    monkeypatch.setitem(sys.modules, transport_module.__name__, None)
    second = read(cached + FULL)
    assert cloud.calls == calls
    assert second.plain() == first.plain()
    assert second.warnings == first.warnings
    assert len(first.warnings) == 3
    # What is applied after reading may change.
    third = read(cached + FULL + "hostname: name\ngroup_prefix: nks_x_\ncompose: {a: nks_region}")
    assert cloud.calls == calls
    assert third.groups["nks_x_cluster_demo"] == []
    assert third.hosts["node-1"]["a"] == "kr1"


def test_plugin_is_loaded_without_requests():
    """A run from the cache works where requests is missing, and does not pay for its import."""
    program = "import sys, ansible_collections.nhncloud.nks.plugins.inventory.nks; sys.exit('requests' in sys.modules)"
    place = next(folder.parent for folder in pathlib.Path(reader_module.__file__).parents if folder.name == "ansible_collections")
    environment = dict(os.environ, PYTHONPATH=str(place))
    done = subprocess.run([sys.executable, "-B", "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_cache_contains_no_secrets(cloud, read, cached, tmp_path):
    cloud.add("demo", group("default-worker", "10.0.0.1", labels={"boot_volume_appkey": "appkey-1", "user_script_v2": "script-1"}))
    read(cached + "token: token-1")
    (path,) = kept(tmp_path)
    content = path.read_text() + path.name
    assert "10.0.0.1" in content
    assert [secret for secret in (PASSWORD, "token-1", "appkey-1", "script-1") if secret in content] == []


@pytest.mark.parametrize(
    "change",
    [
        "tenant_id: another",
        "username: another\npassword: another",
        "token: another",
        "regions: [kr2]",
        "auth_url: https://a.example",
        "kubernetes_endpoint: https://a.example",
        "network_endpoint: https://a.example",
        "clusters: [demo]",
        "cluster_query: '[]'",
        "nodegroups: [default-worker]",
        "hostname: uuid",
    ],
)
def test_options_that_affect_data_have_separate_cache_entries(cloud, read, cached, tmp_path, change):
    cloud.add("demo", group("default-worker", "10.0.0.1"))
    read(cached)
    cloud.calls.clear()
    read(cached + change)
    assert ("login",) in cloud.calls
    assert len(kept(tmp_path)) == 2


def test_flush(cloud, read, cached):
    cloud.add("demo", group("default-worker", "10.0.0.1"))
    read(cached)
    cloud.add("web", group("default-worker", "10.0.0.2"))
    assert list(read(cached).hosts) == ["10.0.0.1"]
    assert sorted(read(cached, cache=False).hosts) == ["10.0.0.1", "10.0.0.2"]
    assert sorted(read(cached).hosts) == ["10.0.0.1", "10.0.0.2"]


def damage(content, *path):
    """Leave out one key of the cached data, or turn one value into another type."""
    for key in path[:-2]:
        content = content[key]
    if path[-1] is None:
        del content[path[-2]]
    else:
        content[path[-2]] = path[-1]


@pytest.mark.parametrize(
    "path",
    [
        ("form", 0),
        ("form", None),
        ("form", "1"),
        ("missing", [1]),
        ("clusters", {}),
        ("clusters", 0, "cluster", 1),
        ("clusters", 0, "groups", "x"),
        ("clusters", 0, "groups", 0, "status", None),
        ("clusters", 0, "groups", 0, "flavor_id", {}),
        ("clusters", 0, "groups", 0, "nodes", [7]),
        ("clusters", 0, "groups", 0, "nodes", 0, "address", 7),
        ("clusters", 0, "groups", 0, "nodes", 0, "address", "-oProxyCommand=touch /tmp/proof"),
        ("clusters", 0, "groups", 0, "nodes", 0, "address", "localhost"),
        ("clusters", 0, "groups", 0, "nodes", 0, "address", "2001:DB8::1"),
        ("clusters", 0, "groups", 0, "nodes", 0, "uuid", None),
        ("clusters", 0, "more", 1),
    ],
)
def test_damaged_cache_is_ignored_and_replaced(cloud, read, cached, tmp_path, path):
    cloud.add("demo", group("default-worker", "10.0.0.1"))
    whole = read(cached).plain()
    (entry,) = kept(tmp_path)
    # Ansible wraps what it keeps: an object with one key, which holds JSON as text.
    ((key, content),) = json.loads(entry.read_text()).items()
    content = json.loads(content)
    damage(content, *path)
    entry.write_text(json.dumps({key: json.dumps(content)}))
    cloud.calls.clear()
    run = read(cached)
    assert (run.plain(), run.warnings) == (whole, [])
    assert ("clusters", "kr1") in cloud.calls
    cloud.calls.clear()
    assert read(cached).plain() == whole
    assert cloud.calls == []


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "7", '"text"', "\udcff"])
def test_invalid_cache_file_is_ignored(cloud, read, cached, tmp_path, content):
    cloud.add("demo", group("default-worker", "10.0.0.1"))
    whole = read(cached).plain()
    (entry,) = kept(tmp_path)
    entry.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert read(cached).plain() == whole


@pytest.mark.parametrize("value", HOSTILE)
def test_malicious_name_in_cache_is_not_used_as_host_name(cloud, read, cached, tmp_path, value):
    cloud.add("demo", group("default-worker", "10.0.0.1", labels={"node_list": ["u1"]}))
    cloud.servers["kr1"] = [server("u1", "node-1", "10.0.0.1")]
    read(cached + "hostname: name")
    (entry,) = kept(tmp_path)
    ((key, content),) = json.loads(entry.read_text()).items()
    content = json.loads(content)
    content["clusters"][0]["groups"][0]["nodes"][0]["name"] = value
    entry.write_text(json.dumps({key: json.dumps(content)}))
    run = read(cached + "hostname: name")
    assert list(run.hosts) == ["10.0.0.1"] and len(run.warnings) == 1
    assert run.hosts["10.0.0.1"]["ansible_host"] == "10.0.0.1"


def test_incomplete_result_is_not_cached(cloud, read, cached, tmp_path):
    bad = cloud.add("bad", group("a", "10.0.0.1"))
    cloud.errors["nodegroups", bad] = refused()
    assert read(cached).hosts == {}
    assert not kept(tmp_path)
    cloud.errors.clear()
    assert list(read(cached).hosts) == ["10.0.0.1"]
    assert len(kept(tmp_path)) == 1


def test_strict_clusters_applies_to_cached_data(cloud, read, cached):
    read(cached + "clusters: [none]")
    with pytest.raises(AnsibleParserError, match="no cluster 'none'"):
        read(cached + "clusters: [none]\nstrict_clusters: true")


@pytest.mark.parametrize("name", ["ca_cert", "token_cache"])
@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("file", "source/file"),
        ("./a/../file", "source/file"),
        ("~/file", "home/file"),
        ("$NKS_TEST_PLACE/file", "source/place/file"),
        ('\'{{ "fi" ~ "le" }}\'', "source/file"),
        ('\'{{ lookup("ansible.builtin.env", "HOME") }}/file\'', "home/file"),
        ("'{{CWD}}/file'", "elsewhere/file"),
    ],
)
def test_relative_path_is_relative_to_inventory_source(read, cloud, monkeypatch, tmp_path, name, written, place):
    for directory in ("source", "source/place", "home", "elsewhere"):
        (tmp_path / directory).mkdir()
    # ca_cert must be a file with certificates, and a token cache with other contents is not used.
    (tmp_path / place).write_bytes(pathlib.Path(requests.certs.where()).read_bytes() if name == "ca_cert" else b"")
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NKS_TEST_PLACE", "place")
    read("%s: %s" % (name, written), name="source/demo.nks.yml")
    assert os.path.realpath(cloud.options[name]) == str(tmp_path / place)
