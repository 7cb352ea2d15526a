# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which instance is which node: one answer for the modules and the inventory. Pure; the requests are in ``names`` and the inventory.

The rules, in this order ("docs/service-facts.md", Nodes and instances):

1. The UUIDs in the label ``node_list`` of a node group are its nodes.
2. Without that label, an instance is a node if it has one of the group's addresses in the cluster's network. Networks of a project may
   use the same addresses, so an address alone decides nothing.
3. An instance of another name, address or network is never taken for a node. Names alone decide nothing either: node group ``eu-web`` of
   cluster ``prod`` and node group ``web`` of cluster ``prod-eu`` give their nodes the same names. See :func:`suspects` and
   :meth:`names.Names.with_stopped` for stopped nodes that ``node_list`` may no longer hold.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter

from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

#: An IPv4 address of one machine, in its only spelling: no 0.0.0.0/8, loopback, link-local, multicast or reserved one, and no leading zeros,
#: with which "010.0.0.1" is 8.0.0.1 to ssh. Every host of an inventory is checked, so this is a pattern: ipaddress takes four times as long.
IPV4 = re.compile(
    r"(?!127\.|169\.254\.)(?:[1-9]|[1-9][0-9]|1[0-9]{2}|2[01][0-9]|22[0-3])(?:\.(?:[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])){3}"
)


def address(value):
    """The text of an IP address that a node can have, or None.

    What connects to a node puts its address on a command line, so nothing else may get there: no option (``-oProxyCommand=``), no
    name (``localhost``), no address of the controller itself (loopback, unspecified) and none that belongs to no single machine.
    """
    if not isinstance(value, str):
        return None
    if IPV4.fullmatch(value):
        return value
    # The part behind "%" may be any text.
    if ":" not in value or "%" in value:
        return None
    try:
        found = ipaddress.IPv6Address(value)
    except ValueError:
        return None
    special = (
        found.is_loopback
        or found.is_unspecified
        or found.is_multicast
        or found.is_link_local
        or found.is_reserved
        or found.ipv4_mapped
    )
    return None if special else str(found)


def key(uuid):
    """A UUID in the form in which it is compared."""
    return str(uuid).replace("-", "").lower()


def listed(group):
    """The UUIDs in ``node_list`` of a typed node group, each once."""
    uuids = (group.get("labels") or {}).get("node_list")
    return (
        list({key(uuid): str(uuid) for uuid in uuids}.values()) if isinstance(uuids, list) else []
    )


def addresses(group):
    """The usable addresses of a typed node group, each once, and what else there is in its list."""
    usable, rest = {}, []
    values = group.get("node_addresses")
    for value in values if isinstance(values, list) else ():
        found = address(value)
        if found is None:
            rest.append(value)
        else:
            usable[found] = None
    return list(usable), rest


def places(server):
    """Where an instance is: pairs of its network's name and its address there, fixed addresses first (Instance guide, List Instances)."""
    found, floating = [], []
    networks = server.get("addresses")
    for network, entries in networks.items() if isinstance(networks, dict) else ():
        for entry in entries if isinstance(entries, list) else ():
            text = entry.get("addr") if isinstance(entry, dict) else None
            if isinstance(text, str) and text:
                # An IPv4 address has one spelling only.
                place = (network, (address(text) or text) if ":" in text else text)
                (floating if entry.get("OS-EXT-IPS:type") == "floating" else found).append(place)
    return found + floating if floating else found


def network_name(networks, uuid):
    """The name under which instances show their addresses in a network; None if it is not known or not the name of one network only.

    :param networks: the project's networks, each with ``id`` and ``name`` (VPC guide, List VPCs).
    """
    found = [item.get("name") for item in networks if uuid and key(item.get("id")) == key(uuid)]
    if (
        len(found) != 1
        or not found[0]
        or sum(item.get("name") == found[0] for item in networks) != 1
    ):
        return None
    return found[0]


class Instances:
    """The instances of one project in one region.

    :param servers: the reply of List Instances with Details. What has no UUID is left out.
    :ivar all: a dict for each, ``{uuid, name, status, places}``; see :func:`places`.
    """

    def __init__(self, servers):
        self.all = [
            {
                "uuid": server["id"],
                "name": wire.text(server.get("name")),
                "status": wire.text(server.get("status")),
                "places": places(server),
            }
            for server in servers
            if isinstance(server.get("id"), str) and server["id"]
        ]
        self._by_uuid = {key(one["uuid"]): one for one in self.all}
        self._by_place = None

    def get(self, uuid):
        """The instance of that UUID, None where there is none."""
        return self._by_uuid.get(key(uuid))

    def of(self, group, network=None):
        """The instances that are nodes of a group.

        :param group: the typed node group.
        :param network: the name of its cluster's network, needed where the group has no ``node_list``; see :func:`network_name`.
        """
        uuids = listed(group)
        if uuids:
            return [one for one in map(self.get, uuids) if one is not None]
        if network is None:
            return []
        if self._by_place is None:
            self._by_place = {}
            for one in self.all:
                for place in one["places"]:
                    self._by_place.setdefault(place, []).append(one)
        found = [self._by_place.get((network, text), ()) for text in addresses(group)[0]]
        # By UUID, so that an instance with two of the addresses is there once.
        return list({ones[0]["uuid"]: ones[0] for ones in found if len(ones) == 1}.values())

    def by_address(self, group, network=None):
        """Address of a group -> the instance that has it; addresses of which that is not certain are left out.

        ``node_list`` and ``node_addresses`` are in no common order. A node in further networks may have an address there that is
        another node's in the cluster's network.

        :param network: as in :meth:`of`.
        """
        texts = set(addresses(group)[0])
        pairs = [
            (name, text, one)
            for one in self.of(group, network)
            for name, text in one["places"]
            if text in texts and network in (None, name)
        ]
        found = _certain(pairs)
        if len(found) < len(pairs):
            # The network in which all of the group's addresses are found is the cluster's.
            there = {}
            for name, text, _one in pairs:
                there.setdefault(name, set()).add(text)
            whole = [name for name, held in there.items() if held == texts]
            if len(whole) == 1:
                found = _certain([pair for pair in pairs if pair[0] == whole[0]])
        return found


def _certain(pairs):
    """Address -> instance, for addresses of one instance and instances of one address."""
    found = {text: one for _name, text, one in pairs}
    if len(found) == len(pairs) == len({one["uuid"] for one in found.values()}):
        return found
    of_address = Counter(text for _name, text, _one in pairs)
    of_instance = Counter(one["uuid"] for _name, _text, one in pairs)
    return {
        text: one
        for _name, text, one in pairs
        if of_address[text] == 1 and of_instance[one["uuid"]] == 1
    }


def could_name(cluster, group, name):
    """Whether a node group gives its nodes such names: {cluster}-{nodegroup}-node-{n}.

    Older clusters name the nodes of their first group {cluster}-default-w-{random}-node-{n}.

    :param cluster: the cluster's name.
    :param group: the node group's name.
    """
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.wire import DEFAULT_GROUP

    kinds = [re.escape(str(group))] + ([r"default-w-[^-]+"] if group == DEFAULT_GROUP else [])
    return bool(
        re.fullmatch(r"%s-(%s)-node-[0-9]+" % (re.escape(str(cluster)), "|".join(kinds)), str(name))
    )


def suspects(instances, members, cluster, group, network=None):
    """Stopped instances that may be nodes of a group although its ``node_list`` does not hold them (whether it does is not documented).

    :param instances: see :class:`Instances`.
    :param members: the instances that certainly are nodes of the group.
    :param cluster: the cluster's name.
    :param group: the node group's name.
    :param network: the name of the cluster's network, None if it is not known.
    """
    known = {one["uuid"] for one in members}
    # Kubernetes takes no two nodes of one name into a cluster.
    taken = {one["name"] for one in members}
    return [
        one
        for one in instances.all
        if one["status"] in wire.STOPPED
        and one["uuid"] not in known
        and one["name"] not in taken
        and could_name(cluster, group, one["name"])
        and (network is None or any(name == network for name, _text in one["places"]))
    ]


def may_own(instances, group, suspect, network=None):
    """Whether a stopped instance may be a node of another node group that gives such names, too.

    :param group: the other node group, typed.
    :param network: the name of its cluster's network, None if it is not known.
    :returns: True if it may, False if it cannot, None if it certainly is one.
    """
    members = instances.of(group, network)
    if any(one["uuid"] == suspect["uuid"] for one in members):
        return None
    if network is not None and all(name != network for name, _text in suspect["places"]):
        return False
    # Kubernetes takes no two nodes of one name into a cluster.
    return all(one["name"] != suspect["name"] for one in members)
