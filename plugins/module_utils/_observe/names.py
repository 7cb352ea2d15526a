# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of resources -> their UUIDs, from the lists of the other services.

A UUID is used as it is, without a request. Lists are read whole and matched here: the services
filter by name in different ways (Nova by regular expression), and the message for a name without a
match lists the candidates.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Iterator, List, Sequence, Tuple

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe import nodes
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.pool import Pending

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State
    from ansible_collections.nhncloud.nks.plugins.module_utils._observe.nodes import (
        Instance,
        Instances,
    )

#: A resource of another service, as its list shows it, with ``id`` and ``name`` as texts.
Resource = Dict[str, Any]
#: A node of a node group as a task shows it; see :meth:`Names.instances`.
Node = Dict[str, Any]
#: A stopped instance, and why it is not certain to be a node of a group.
Unclear = Tuple[nodes.Instance, str]
#: What refers to a node -> UUIDs of the nodes that it may mean; the best references first.
Levels = List[Dict[str, List[str]]]

#: Properties of an image made for NKS nodes: the current one (since 2024-11-14) and the older one,
#: which the service still knows.
NKS_IMAGES = ({"nhncloud_allow_nks_cpu_flavor": "true"}, {"nhncloud_product": "container"})
#: Most candidates that a message lists.
MAX_CANDIDATES = 12
#: Longest name that is shown whole among them (characters).
MAX_CANDIDATE = 200
#: Kinds that users can list; see :meth:`Names.resources`.
KINDS = [
    "network",
    "external_network",
    "subnet",
    "availability_zone",
    "keypair",
    "image",
    "volume_type",
    "flavor",
    "instance",
    "security_group",
    "service_gateway",
]


class Names:
    """Look-ups for one task, or for several at once; each list is read at most once.

    :param api: see :class:`api.Api`.
    """

    def __init__(self, api: Api) -> None:
        self.api = api
        self._lists: dict[tuple[str, str | None], list[Resource]] = {}
        self._lock = threading.Lock()
        self._reading: dict[tuple[str, str | None], Pending[list[Resource]]] = {}
        self._instances: Instances | None = None
        self._readers: dict[str, Callable[[str | None], Iterable[Resource]]] = {
            "network": self._read_networks,
            "external_network": lambda _scope: self.api.external_networks(),
            "subnet": self._read_subnets,
            "external_subnet": self._read_external_subnets,
            "availability_zone": self._read_availability_zones,
            "keypair": self._read_keypairs,
            "image": self._read_images,
            "volume_type": lambda _scope: self.api.volume_types(),
            "flavor": lambda _scope: self.api.flavors(),
            "instance": lambda _scope: self.api.servers(),
            "security_group": lambda _scope: self.api.security_groups(),
            "service_gateway": lambda _scope: self.api.service_gateways(),
        }

    def resources(self, kind: str, scope: str | None = None) -> list[Resource]:
        """All resources of a kind, each at least with ``id`` and ``name``.

        :param kind: one of KINDS, or external_subnet.
        :param scope: the network's UUID, for the two kinds of subnets.
        """
        key = (kind, scope)
        with self._lock:
            if key in self._lists:
                return self._lists[key]
            # Of several threads that need a list, one reads it. If that fails, it fails for all
            # that wait: otherwise each of them would try as often, one after another.
            pending = self._reading.get(key)
            if pending is None:
                mine = self._reading[key] = Pending(partial(self._read, kind, scope))
            else:
                mine = None
        if mine is None:
            return pending.result()
        mine.run()
        with self._lock:
            del self._reading[key]
        return mine.result()

    def _read(self, kind: str, scope: str | None) -> list[Resource]:
        found = [_named(item) for item in self._readers[kind](scope)]
        with self._lock:
            self._lists[kind, scope] = found
        return found

    def renewed(self) -> Names:
        """The look-ups for the state after a change: what tasks do not change is not read again."""
        names = Names(self.api)
        with self._lock:
            names._lists.update(
                (key, found) for key, found in self._lists.items() if key[0] != "instance"
            )
        return names

    def find(
        self,
        option: str,
        kind: str,
        value: str,
        scope: str | None = None,
        among: Sequence[str] | None = None,
    ) -> Resource:
        """The one resource of a name or UUID.

        :param option: the option that holds the reference, for the message.
        :param among: for subnets: UUIDs of the networks that are searched, if there are several.
        :raises NksError: no match, or several; names the option, the value and the candidates.
        """
        items = self.resources(kind, scope)
        if among:
            items = [item for item in items if item.get("vpc_id") in among]
        found = [item for item in items if value in (item["id"], item["name"])]
        what = kind.replace("_", " ")
        if len(found) > 1:
            raise NksError(
                "%s: '%s' is the name of %d %ss (%s); specify the UUID of one of them."
                % (option, value, len(found), what, ", ".join(str(item["id"]) for item in found)),
            )
        if not found:
            raise NksError(
                "%s: there is no %s '%s'%s; %s."
                % (
                    option,
                    what,
                    value,
                    " in network %s" % self._network_shown(scope) if scope else "",
                    candidates(value, [item["name"] for item in items]),
                )
            )
        return found[0]

    def name_of(
        self, kind: str, uuid: str, scope: str | None = None, among: Sequence[str] | None = None
    ) -> str:
        """The name by which :meth:`find` finds exactly this resource, otherwise its UUID: no name,
        a name that several have, or one that is not taken for a name.

        :param scope: the parameters are those of :meth:`find`, but all subnets of networks are read
            with one list.
        """
        if kind == "subnet":
            items = [
                item
                for item in self.resources(kind)
                if not scope or item.get("vpc_id") in (None, scope)
            ]
        else:
            items = self.resources(kind, scope)
        if among:
            items = [item for item in items if item.get("vpc_id") in among]
        name = next((item["name"] for item in items if wire.one_spelling(item["id"]) == uuid), None)
        # A name with braces would be evaluated as a template once it is in a file of variables.
        if not name or wire.is_uuid(name) or "{" in name:
            return uuid
        hits = [item for item in items if name in (item["id"], item["name"])]
        return name if len(hits) == 1 else uuid

    def _network_shown(self, uuid: str) -> str:
        """A network as a message shows it: its name if that was read, otherwise its UUID."""
        known = self._lists.get(("network", None), []) + self._lists.get(
            ("external_network", None), []
        )
        return next(
            (str(item["name"]) for item in known if item["id"] == uuid and item["name"]), uuid
        )

    def no_cluster(self, option: str, ref: str) -> NksError:
        """The error for a cluster that does not exist, but must."""
        names = [str(item.get("name")) for item in self.api.clusters()]
        return NksError(
            "%s: there is no cluster '%s' in this region and project; %s."
            % (option, ref, candidates(ref, names))
        )

    # -- nodes -------------------------------------------------------------------------------------

    def nodes(
        self,
        option: str,
        group: State,
        refs: Iterable[str],
        cluster: State | None = None,
        unclear: Iterable[Unclear] = (),
    ) -> list[str]:
        """Instances of a node group by UUID, name or address, in the order of the references.

        :param group: the typed node group.
        :param cluster: the typed cluster, as for :meth:`instances`.
        :param unclear: as :meth:`with_stopped` gives it.
        :returns: list of UUIDs.
        :raises NksError: one is not in the group or is not certain to be, is listed twice, or
            matches several nodes.
        """
        refs = [str(ref) for ref in refs]
        uuids = nodes.listed(group)
        if uuids and all(wire.is_uuid(ref) for ref in refs):
            levels = [{nodes.key(uuid): [uuid] for uuid in uuids}]
            shown = uuids
        else:
            members = self.instances(group, cluster)
            levels = _references(members)
            shown = [
                text
                for node in members
                for text in [node["uuid"], node["name"]] + node["addresses"]
            ]
        found: list[str] = []
        for ref in refs:
            hits = _referred(levels, ref)
            if not hits:
                raise _no_node(option, group, ref, shown, unclear)
            if len(hits) > 1:
                raise NksError(
                    "%s: '%s' matches %d nodes of node group %s (%s); specify the UUID of one of them."
                    % (option, ref, len(hits), group.get("name"), ", ".join(hits))
                )
            if hits[0] in found:
                raise NksError(
                    "%s: node '%s' is listed twice; list each node once." % (option, ref)
                )
            found.append(hits[0])
        return found

    def instances(self, group: State, cluster: State | None = None) -> list[Node]:
        """The instances of a node group: list of ``{uuid, name, address, addresses, status}``,
        sorted by name; see ``nodes`` for the rules.

        :param cluster: the typed cluster, read whole; without it, only the group's ``node_list``
            counts.
        """
        network = None if nodes.listed(group) else self._network_of(cluster)
        here = {
            one["uuid"]: address for address, one in self._all.by_address(group, network).items()
        }
        found: list[Node] = []
        for one in self._all.of(group, network):
            addresses = [address for _network, address in one["places"]]
            found.append(
                {
                    "uuid": one["uuid"],
                    "name": str(one["name"]),
                    "address": here.get(one["uuid"]) or next(iter(addresses), None),
                    "addresses": addresses,
                    "status": one["status"],
                }
            )
        return sorted(found, key=lambda node: node["name"])

    def with_stopped(self, group: State, cluster: State) -> tuple[State, list[Unclear]]:
        """The node group with its stopped nodes in ``node_list``, from which the service may remove
        them (it is not documented).

        A stopped node that is missing there is recognized by its name and by the cluster's network,
        if no other node group of the project can own it. An instance that is not certain to be a
        node is not added, so nothing acts on it.

        :param group: the typed node group.
        :param cluster: the typed cluster, read whole.
        :returns: (a copy of the group; the instances that are not certain to be its nodes).
        """
        network = None if nodes.listed(group) else self._network_of(cluster)
        members = self._all.of(group, network)
        # In the spelling of the compute service, upper or lower case.
        uuids = [
            one["uuid"] if (one := self._all.get(uuid)) else uuid for uuid in nodes.listed(group)
        ] or [one["uuid"] for one in members]
        found = nodes.suspects(self._all, members, cluster.get("name"), group.get("name"))
        if found:
            found = nodes.suspects(
                self._all,
                members,
                cluster.get("name"),
                group.get("name"),
                self._network_of(cluster),
            )
        dropped, unclear = self._judge(found, group, cluster)
        whole = dict(
            group,
            labels=dict(
                group.get("labels") or {}, node_list=uuids + [one["uuid"] for one in dropped]
            ),
        )
        return whole, unclear

    @property
    def _all(self) -> Instances:
        """The project's instances; the first access reads them."""
        if self._instances is None:
            self._instances = nodes.Instances(self.resources("instance"))
        return self._instances

    def _network_of(self, cluster: State | None) -> str | None:
        """The name of a cluster's network; None if it is not known."""
        uuid = (cluster or {}).get("fixed_network")
        try:
            if not uuid:
                return None
            name: str | None = nodes.network_name(self.resources("network"), uuid)
            return name
        except NksError as error:
            # An account may use NKS without the right to list networks, and a region may have no
            # network service.
            if error.values.get("status_code") not in (403, 404) and not isinstance(
                error, BadInput
            ):
                raise
            return None

    def _judge(
        self, found: list[Instance], group: State, cluster: State
    ) -> tuple[list[Instance], list[Unclear]]:
        """Suspects -> (those that are nodes of the group, those that are not certain to be)."""
        sure: list[Instance] = []
        unclear: list[Unclear] = []
        others = list(self._others(found, group, cluster)) if found else []
        for one in found:
            same = [other["uuid"] for other in found if other["name"] == one["name"]]
            reasons = (
                ["%d stopped instances have that name (%s)" % (len(same), ", ".join(same))]
                if len(same) > 1
                else []
            )
            for suspect, owner, belongs in others:
                if suspect is not one or belongs is False:
                    continue
                if belongs is None:
                    break
                reasons.append("it may be a node of %s" % owner)
            else:
                if reasons:
                    unclear.append((one, " and ".join(reasons)))
                else:
                    sure.append(one)
        return sure, unclear

    def _others(
        self, found: list[Instance], group: State, cluster: State
    ) -> Iterator[tuple[Instance, str, bool | None]]:
        """Other node groups of the project whose nodes get such names: (instance, the group's name
        in messages, see :func:`nodes.may_own`).
        """
        for other in self.api.clusters():
            name, uuid = wire.text(other.get("name")), other.get("uuid")
            if not uuid or not any(str(one["name"]).startswith("%s-" % name) for one in found):
                continue
            try:
                listed = self.api.nodegroups(uuid)
            except NksError:
                # The names of its node groups are not known, so any name that begins with the
                # cluster's may be one of its nodes.
                for one in found if nodes.key(uuid) != nodes.key(cluster.get("uuid")) else ():
                    if str(one["name"]).startswith("%s-" % name):
                        yield one, "cluster %s (%s), which cannot be read" % (name, uuid), True
                continue
            for item in listed:
                if nodes.key(item.get("uuid")) == nodes.key(group.get("uuid")):
                    continue
                called = "node group %s of cluster %s (%s)" % (item.get("name"), name, uuid)
                for one in found:
                    if nodes.could_name(name, item.get("name"), one["name"]):
                        yield one, called, self._may_own(uuid, item, one)

    def _may_own(self, cluster: str, item: State, one: Instance) -> bool | None:
        """Whether an instance may be a node of another node group; see :func:`nodes.may_own`."""
        try:
            group = wire.resource(self.api.nodegroup(cluster, str(item.get("uuid"))))
            belongs: bool | None = nodes.may_own(self._all, group, one)
            if belongs:
                # Only now are the requests for the network worth their time.
                belongs = nodes.may_own(
                    self._all, group, one, self._network_of(self.api.cluster(cluster))
                )
            return belongs
        except NksError:
            return True

    # -- one list per kind -------------------------------------------------------------------------

    def _read_external_subnets(self, scope: str | None) -> Iterable[Resource]:
        return self.api.subnets(scope)

    def _read_networks(self, _scope: str | None) -> list[Resource]:
        return [item for item in self.api.vpcs() if not item.get("router:external")]

    def _read_subnets(self, scope: str | None) -> list[Resource]:
        return [
            item
            for item in self.api.vpc_subnets(scope)
            if not scope or item.get("vpc_id") in (None, scope)
        ]

    def _read_availability_zones(self, _scope: str | None) -> list[Resource]:
        return [
            dict(item, id=item.get("zoneName"), name=item.get("zoneName"))
            for item in self.api.availability_zones()
        ]

    def _read_keypairs(self, _scope: str | None) -> list[Resource]:
        pairs = [
            item["keypair"] if isinstance(item.get("keypair"), dict) else item
            for item in self.api.keypairs()
        ]
        return [dict(item, id=item.get("name")) for item in pairs]

    def _read_images(self, _scope: str | None) -> list[Resource]:
        images: dict[str, Resource] = {}
        for mark in NKS_IMAGES:
            for item in self.api.images(dict(mark, visibility="public")):
                images.setdefault(str(item.get("id")), item)
        return list(images.values())


def candidates(value: Any, names: Iterable[Any]) -> str:
    """The names that exist, for a message: the closest ones first, at most MAX_CANDIDATES."""
    # Only this error path needs it, and it takes some milliseconds to import.
    import difflib

    names = sorted({" ".join(str(name).split())[:MAX_CANDIDATE] for name in names if name})
    if not names:
        return "none exist"
    close = difflib.get_close_matches(str(value), names, n=MAX_CANDIDATES, cutoff=0.4)
    shown = (close + [name for name in names if name not in close])[:MAX_CANDIDATES]
    more = len(names) - len(shown)
    return "there are: %s%s" % (", ".join(shown), " and %d more" % more if more else "")


def _references(members: Iterable[Node]) -> Levels:
    """What can refer to a node, best first: its UUID, its name, its address, its addresses in
    additional networks.
    """
    levels: Levels = [{}, {}, {}, {}]
    for node in members:
        for level, texts in zip(
            levels,
            ([nodes.key(node["uuid"])], [node["name"]], [node["address"]], node["addresses"]),
        ):
            for text in dict.fromkeys(texts):
                level.setdefault(text, []).append(node["uuid"])
    return levels


def _referred(levels: Levels, ref: str) -> list[str]:
    """The UUIDs of the nodes that a reference matches, on the best level with a match."""
    for level in levels:
        for text in (ref, ref.lower(), nodes.key(ref)):
            if text in level:
                return level[text]
    return []


def _no_node(
    option: str, group: State, ref: str, shown: Iterable[str], unclear: Iterable[Unclear]
) -> NksError:
    """The error for a reference that matches no node of a group."""
    shown = list(shown)
    for one, reason in unclear:
        if nodes.key(ref) == nodes.key(one["uuid"]) or ref in [one["name"]] + [
            address for _network, address in one["places"]
        ]:
            return NksError(
                "%s: the stopped instance %s (%s) is not in node_list of node group %s, and %s. It is not changed; start or stop it in the console."
                % (option, one["name"], one["uuid"], group.get("name"), reason)
            )
    if not shown and nodes.addresses(group)[0]:
        return NksError(
            "%s: it is not certain which instances are the nodes of node group %s: the service does not show its node_list, and its "
            "addresses lead to no instance in the cluster's network." % (option, group.get("name"))
        )
    return NksError(
        "%s: there is no node '%s' in node group %s; %s."
        % (option, ref, group.get("name"), candidates(ref, shown))
    )


def _named(item: Resource) -> Resource:
    """A resource with its UUID and name as texts."""
    return dict(item, **{key: wire.text(item.get(key)) for key in ("id", "name")})
