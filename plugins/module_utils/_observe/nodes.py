# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which instance is which node: one answer for the modules and the inventory. Pure; ``names`` and ``reader`` make the requests.

The rules, in this order ("docs/service-facts.md", Nodes and instances):

1. The UUIDs in the label ``node_list`` of a node group are its nodes.
2. Without that label, an instance is a node if it has one of the group's addresses in the cluster's network. Networks of a project may
   use the same addresses, so an address alone proves nothing.
3. An instance with another name, address or network is never treated as a node. A name alone proves nothing either: node group ``eu-web``
   of cluster ``prod`` and node group ``web`` of cluster ``prod-eu`` give their nodes the same names. See :func:`suspects` and
   :meth:`names.Names.with_stopped` for stopped nodes that ``node_list`` may no longer contain.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Iterable, Sequence, Tuple, TypedDict

from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State

#: A network's name and an address in it.
Place = Tuple[str, str]


class Instance(TypedDict):
    """An instance of the compute service; see :func:`places`."""

    uuid: str
    name: str | None
    status: str | None
    places: list[Place]


#: A place of an instance as a candidate: the network's name, the address there, and the instance.
Candidate = Tuple[str, str, Instance]

#: An IPv4 address of one machine, in its only spelling: no 0.0.0.0/8, loopback, link-local, multicast or reserved one, and no leading zeros,
#: with which "010.0.0.1" is 8.0.0.1 to ssh. A pattern, because every host of an inventory is checked and ipaddress takes four times as long.
IPV4 = re.compile(
    r"(?!127\.|169\.254\.)(?:[1-9]|[1-9][0-9]|1[0-9]{2}|2[01][0-9]|22[0-3])(?:\.(?:[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])){3}"
)


def address(value: Any) -> str | None:
    """The text of an IP address that a node can have, or None.

    Programs that connect to a node put its address on a command line, so nothing else may get there: no option (``-oProxyCommand=``), no
    name (``localhost``), no address of the controller itself (loopback, unspecified) and no address of more than one machine.

    :param value: any value of a reply or of a cache.
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


def key(uuid: Any) -> str:
    """A UUID in the form in which UUIDs are compared.

    :param uuid: a value of a reply, a name, or None; only a UUID equals another one.
    """
    return str(uuid).replace("-", "").lower()


def listed(group: State) -> list[str]:
    """The UUIDs in ``node_list`` of a typed node group, each once."""
    uuids = (group.get("labels") or {}).get("node_list")
    return (
        list({key(uuid): str(uuid) for uuid in uuids}.values()) if isinstance(uuids, list) else []
    )


def addresses(group: State) -> tuple[list[str], list[Any]]:
    """The usable addresses of a typed node group, each once, and the other values in its list, of any type."""
    usable: dict[str, None] = {}
    rest = []
    values = group.get("node_addresses")
    for value in values if isinstance(values, list) else ():
        found = address(value)
        if found is None:
            rest.append(value)
        else:
            usable[found] = None
    return list(usable), rest


def places(server: State) -> list[Place]:
    """The networks of an instance with its address in each, fixed addresses first (Instance guide, List Instances)."""
    found: list[Place] = []
    floating: list[Place] = []
    networks = server.get("addresses")
    for network, entries in networks.items() if isinstance(networks, dict) else ():
        for entry in entries if isinstance(entries, list) else ():
            text = entry.get("addr") if isinstance(entry, dict) else None
            if isinstance(text, str) and text:
                # Only IPv6 addresses have more than one spelling.
                place = (network, (address(text) or text) if ":" in text else text)
                (floating if entry.get("OS-EXT-IPS:type") == "floating" else found).append(place)
    return found + floating if floating else found


def network_name(networks: Sequence[State], uuid: str | None) -> str | None:
    """The name under which instances list their addresses in a network; None if it is unknown or if several networks have it.

    :param networks: the project's networks, each with ``id`` and ``name`` (VPC guide, List VPCs).
    """
    found = [item.get("name") for item in networks if uuid and key(item.get("id")) == key(uuid)]
    if (
        len(found) != 1
        or not found[0]
        or sum(item.get("name") == found[0] for item in networks) != 1
    ):
        return None
    return str(found[0])


class Instances:
    """The instances of one project in one region.

    :param servers: the reply of List Instances with Details. Entries without a UUID are ignored.
    :ivar all: every instance, in the order of the reply.
    """

    def __init__(self, servers: Iterable[State]) -> None:
        self.all: list[Instance] = [
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
        self._by_place: dict[Place, list[Instance]] | None = None

    def get(self, uuid: str) -> Instance | None:
        """The instance with this UUID, or None."""
        return self._by_uuid.get(key(uuid))

    def of(self, group: State, network: str | None = None) -> list[Instance]:
        """The instances that are nodes of a group.

        :param group: the typed node group.
        :param network: the name of its cluster's network, needed if the group has no ``node_list``; see :func:`network_name`.
        """
        uuids = listed(group)
        if uuids:
            return [one for one in map(self.get, uuids) if one is not None]
        if network is None:
            return []
        by_place = self._places()
        found = [by_place.get((network, text), []) for text in addresses(group)[0]]
        # By UUID, so that an instance with two of the addresses is listed once.
        return list({ones[0]["uuid"]: ones[0] for ones in found if len(ones) == 1}.values())

    def _places(self) -> dict[Place, list[Instance]]:
        """Place -> the instances there; built when it is needed first."""
        if self._by_place is None:
            self._by_place = {}
            for one in self.all:
                for place in one["places"]:
                    self._by_place.setdefault(place, []).append(one)
        return self._by_place

    def by_address(self, group: State, network: str | None = None) -> dict[str, Instance]:
        """Address of a group -> the instance that has it. An address is omitted if its instance is not certain.

        The orders of ``node_list`` and ``node_addresses`` are unrelated. A node in additional networks may have an address there that
        is the address of another node in the cluster's network.

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
            network = _common_network(pairs, texts)
            if network is not None:
                found = _certain([pair for pair in pairs if pair[0] == network])
        return found


def _common_network(pairs: Sequence[Candidate], texts: set[str]) -> str | None:
    """The network that has all of a group's addresses, which is the cluster's; None unless there is exactly one."""
    held: dict[str, set[str]] = {}
    for name, text, _one in pairs:
        held.setdefault(name, set()).add(text)
    whole = [name for name, there in held.items() if there == texts]
    return whole[0] if len(whole) == 1 else None


def _certain(pairs: Sequence[Candidate]) -> dict[str, Instance]:
    """Address -> instance, for addresses of one instance and instances with one address."""
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


def could_name(cluster: str | None, group: str | None, name: str | None) -> bool:
    """Whether a node group gives its nodes such names: {cluster}-{nodegroup}-node-{n}.

    Older clusters name the nodes of their first group {cluster}-default-w-{random}-node-{n}.

    :param cluster: the cluster's name.
    :param group: the node group's name.
    """
    kinds = [re.escape(str(group))] + ([r"default-w-[^-]+"] if group == wire.DEFAULT_GROUP else [])
    return bool(
        re.fullmatch(r"%s-(%s)-node-[0-9]+" % (re.escape(str(cluster)), "|".join(kinds)), str(name))
    )


def suspects(
    instances: Instances,
    members: Sequence[Instance],
    cluster: str | None,
    group: str | None,
    network: str | None = None,
) -> list[Instance]:
    """Stopped instances that may be nodes of a group although its ``node_list`` does not contain them (NKS does not document this).

    :param members: the instances that certainly are nodes of the group.
    :param cluster: the cluster's name.
    :param group: the node group's name.
    :param network: the name of the cluster's network, None if it is unknown.
    """
    known = {one["uuid"] for one in members}
    # A Kubernetes cluster has no two nodes with the same name.
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


def may_own(
    instances: Instances, group: State, suspect: Instance, network: str | None = None
) -> bool | None:
    """Whether a stopped instance may be a node of another node group that gives its nodes such names, too.

    :param group: the other node group, typed.
    :param network: the name of its cluster's network, None if it is unknown.
    :returns: True if it may be one, False if it cannot be one, None if it certainly is one.
    """
    members = instances.of(group, network)
    if any(one["uuid"] == suspect["uuid"] for one in members):
        return None
    if network is not None and all(name != network for name, _text in suspect["places"]):
        return False
    # A Kubernetes cluster has no two nodes with the same name.
    return all(one["name"] != suspect["name"] for one in members)
