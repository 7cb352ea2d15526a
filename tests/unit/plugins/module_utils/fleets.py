# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generated projects whose clusters, node groups, instances, addresses and networks have names and numbers in common."""

from __future__ import annotations

import random

from hypothesis import strategies as st

NETWORKS = ("vpc", "vpc", "other-vpc", "third-vpc")
#: "a" with "b-c", "a-b" with "c" and so on give their nodes the same names.
CLUSTERS = ("a", "a", "a-b", "a-b-c", "b", "a-default-w")
GROUPS = ("default-worker", "b-c", "c", "b", "c-c", "w")
ADDRESSES = 12


class Fleet:
    """Clusters with node groups, and the instances of one project.

    :ivar clusters: replies of Get a Cluster.
    :ivar groups: UUID of a cluster -> replies of Get a Node Group.
    :ivar servers: reply of List Instances with Details.
    :ivar owners: UUID of an instance -> UUID of its node group, None for what belongs to the user alone.
    :ivar listed: UUID of a node group -> UUIDs of the nodes in its lists, whether or not they are shown.
    :ivar dropped: the same, for stopped nodes that are in no list.
    """

    def __init__(self, seed, dropping=True):
        dice = random.Random(seed)
        self._dice = dice
        self._number = 0
        self.networks = [{"id": self._uuid(), "name": name} for name in dice.sample(NETWORKS, dice.randint(1, 3))]
        self._free = {item["id"]: dice.sample(range(1, ADDRESSES * 8), ADDRESSES * 7) for item in self.networks}
        self.clusters, self.groups, self.servers = [], {}, []
        self.owners, self.listed, self.dropped = {}, {}, {}
        for name in dice.sample(CLUSTERS, dice.randint(1, 4)):
            network = dice.choice(self.networks)
            cluster = {"uuid": self._uuid(), "name": name, "status": "CREATE_COMPLETE", "fixed_network": network["id"], "labels": {}}
            self.clusters.append(cluster)
            self.groups[cluster["uuid"]] = []
            names = set()
            for group in dice.sample(GROUPS, dice.randint(1, 3)):
                self._add(cluster, network, group, names, dropping)
        for number in range(dice.randint(0, 3)):
            # The user's own, running, and with such a name.
            self._server("a-b-c-node-%d" % number, dice.choice(self.networks), "ACTIVE", None)
        dice.shuffle(self.servers)

    def _uuid(self):
        self._number += 1
        return "00000000-0000-4000-8000-%012d" % self._number

    def _server(self, name, network, status, owner):
        uuid = self._uuid()
        address = "10.0.0.%d" % self._free[network["id"]].pop()
        places = {network["name"]: [{"addr": address, "OS-EXT-IPS:type": "fixed"}]}
        further = self._dice.choice(self.networks)
        if further["name"] != network["name"] and self._dice.random() < 0.4:
            places[further["name"]] = [{"addr": "10.0.0.%d" % self._free[further["id"]].pop(), "OS-EXT-IPS:type": "fixed"}]
        self.servers.append({"id": uuid, "name": name, "status": status, "addresses": places})
        self.owners[uuid] = owner
        return uuid, address

    def _add(self, cluster, network, name, names, dropping):
        dice = self._dice
        group = {"uuid": self._uuid(), "name": name, "role": "worker", "status": "CREATE_COMPLETE", "labels": {}, "node_addresses": []}
        nodes, dropped = [], []
        older = dice.random() < 0.2 and name == "default-worker"
        for number in range(dice.randint(1, 3)):
            node = "%s-%s-node-%d" % (cluster["name"], "default-w-x1y2" if older else name, number)
            if node in names:
                # Kubernetes would not take it into the cluster.
                continue
            names.add(node)
            status = dice.choice(["ACTIVE", "ACTIVE", "SHUTOFF"])
            uuid, address = self._server(node, network, status, group["uuid"])
            if status == "SHUTOFF" and dropping and nodes:
                dropped.append(uuid)
            else:
                nodes.append(uuid)
                group["node_addresses"].append(address)
        self.listed[group["uuid"]], self.dropped[group["uuid"]] = list(nodes), dropped
        dice.shuffle(nodes)
        dice.shuffle(group["node_addresses"])
        if dice.random() < 0.7:
            group["labels"]["node_list"] = ":".join(nodes)
        self.groups[cluster["uuid"]].append(group)

    def each(self):
        """All pairs of a cluster and one of its node groups."""
        return [(cluster, group) for cluster in self.clusters for group in self.groups[cluster["uuid"]]]

    def certain(self, cluster):
        """Whether the name of the cluster's network is that of one network only."""
        name = next(item["name"] for item in self.networks if item["id"] == cluster["fixed_network"])
        return [item["name"] for item in self.networks].count(name) == 1

    def address(self, uuid, cluster):
        """The address of an instance in the cluster's network."""
        name = next(item["name"] for item in self.networks if item["id"] == cluster["fixed_network"])
        return next(server["addresses"][name][0]["addr"] for server in self.servers if server["id"] == uuid)

    # -- as Api has it

    def list_clusters(self):
        return [{key: item[key] for key in ("uuid", "name", "status")} for item in self.clusters]

    def cluster(self, uuid):
        return next(item for item in self.clusters if item["uuid"] == uuid)

    def nodegroups(self, uuid):
        return [{key: item[key] for key in ("uuid", "name", "role", "status")} for item in self.groups[uuid]]

    def nodegroup(self, cluster, uuid):
        return next(item for item in self.groups[cluster] if item["uuid"] == uuid)

    def vpcs(self):
        return self.networks


class FleetApi:
    """The operations that tell which instance is which node."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.clusters = fleet.list_clusters
        self.cluster, self.nodegroups, self.nodegroup, self.vpcs = fleet.cluster, fleet.nodegroups, fleet.nodegroup, fleet.vpcs

    def servers(self):
        return self.fleet.servers


def fleets(**kwargs):
    """Fleets for hypothesis."""
    return st.builds(lambda seed: Fleet(seed, **kwargs), st.integers(0, 2**32))
