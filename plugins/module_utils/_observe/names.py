# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A name -> its UUID, over the look-up APIs.

A UUID is used as it is, without a request. Lists are read whole and matched here: the services filter by name in different
ways (Nova by regular expression), and the candidates are needed for the message when nothing matches.
"""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe import nodes

#: Marks of an image made for NKS nodes: today's (since 2024-11-14) and the older one, which the service still knows.
NKS_IMAGES = ({"nhncloud_allow_nks_cpu_flavor": "true"}, {"nhncloud_product": "container"})
MAX_CANDIDATES = 12
#: Longest name that is shown whole among them (letters).
MAX_CANDIDATE = 200
#: What users can ask for; see :meth:`Names.resources`.
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
    """Look-ups for one task; each list is read at most once.

    :param api: see :class:`api.Api`.
    """

    def __init__(self, api):
        self.api = api
        self._lists = {}
        self._instances = None

    def resources(self, kind, scope=None):
        """All resources of a kind, each at least with ``id`` and ``name``.

        :param kind: one of KINDS, or external_subnet.
        :param scope: the network's UUID, for the two kinds of subnets.
        """
        key = (kind, scope)
        if key not in self._lists:
            self._lists[key] = [_named(item) for item in getattr(self, "_list_" + kind)(scope)]
        return self._lists[key]

    def find(self, option, kind, value, scope=None, among=None):
        """The one resource of that name or UUID.

        :param option: the option that holds the reference, for the message.
        :param among: for subnets: UUIDs of the networks that come into question, where there are several.
        :raises NksError: no match, or several; names the option, the value and the candidates.
        """
        items = self.resources(kind, scope)
        if among:
            items = [item for item in items if item.get("vpc_id") in among]
        found = [item for item in items if value in (item["id"], item["name"])]
        what = kind.replace("_", " ")
        if len(found) > 1:
            raise NksError(
                "%s: '%s' is the name of %d %ss (%s); give the UUID of one of them."
                % (option, value, len(found), what, ", ".join(str(item["id"]) for item in found)),
            )
        if not found:
            raise NksError(
                "%s: there is no %s '%s'%s; %s."
                % (
                    option,
                    what,
                    value,
                    " in network %s" % self._network_name(scope) if scope else "",
                    candidates(value, [item["name"] for item in items]),
                )
            )
        return found[0]

    def resolve(self, option, kind, value, scope=None, among=None):
        """The UUID of a reference; see :meth:`find`."""
        return value if wire.is_uuid(value) else self.find(option, kind, value, scope, among)["id"]

    def _network_name(self, uuid):
        """How a message calls a network: by its name where that was read."""
        known = self._lists.get(("network", None), []) + self._lists.get(
            ("external_network", None), []
        )
        return next((item["name"] for item in known if item["id"] == uuid and item["name"]), uuid)

    def no_cluster(self, option, ref):
        """The error for a cluster that has to be there and is not."""
        names = [str(item.get("name")) for item in self.api.clusters()]
        return NksError(
            "%s: there is no cluster '%s' in this region and project; %s."
            % (option, ref, candidates(ref, names))
        )

    # -- nodes -------------------------------------------------------------------------------------------------------

    def nodes(self, option, group, refs, cluster=None, unclear=()):
        """Instances of a node group by UUID, name or address; in the order given.

        :param group: the typed node group.
        :param cluster: the typed cluster, as for :meth:`instances`.
        :param unclear: as :meth:`with_stopped` gives it.
        :returns: list of UUIDs.
        :raises NksError: one is not in the group, may not be, is given twice, or could be several.
        """
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
        found = []
        for ref in map(str, refs):
            hits = _referred(levels, ref)
            if not hits:
                raise _no_node(option, group, ref, shown, unclear)
            if len(hits) > 1:
                raise NksError(
                    "%s: '%s' may be any of %d nodes of node group %s (%s); give the UUID of one of them."
                    % (option, ref, len(hits), group.get("name"), ", ".join(hits))
                )
            if hits[0] in found:
                raise NksError("%s: node '%s' is given twice; name each node once." % (option, ref))
            found.append(hits[0])
        return found

    def instances(self, group, cluster=None):
        """The instances of a node group: list of ``{uuid, name, address, addresses, status}``, by name; see ``nodes`` for the rules.

        :param cluster: the typed cluster, read whole; without it, only the group's ``node_list`` counts.
        """
        network = None if nodes.listed(group) else self._network(cluster)
        here = {
            one["uuid"]: address for address, one in self._all.by_address(group, network).items()
        }
        found = []
        for one in self._all.of(group, network):
            addresses = [address for _network, address in one["places"]]
            found.append(
                {
                    "uuid": one["uuid"],
                    "name": str(one["name"]),
                    "address": here.get(one["uuid"]) or (addresses or [None])[0],
                    "addresses": addresses,
                    "status": one["status"],
                }
            )
        return sorted(found, key=lambda node: node["name"])

    def with_stopped(self, group, cluster):
        """The node group with its stopped nodes in ``node_list``, where they may not stay (it is not documented).

        What has dropped out is known by its name, by the cluster's network, and by no other node group of the project being able to own
        it. What is left in doubt is in nobody's list, so nothing acts on it.

        :param group: the typed node group.
        :param cluster: the typed cluster, read whole.
        :returns: (a copy of the group; list of (instance, why it may not be a node of the group), see :class:`nodes.Instances`).
        """
        network = None if nodes.listed(group) else self._network(cluster)
        members = self._all.of(group, network)
        # In the compute service's own letters, large or small.
        uuids = [
            (self._all.get(uuid) or {"uuid": uuid})["uuid"] for uuid in nodes.listed(group)
        ] or [one["uuid"] for one in members]
        found = nodes.suspects(self._all, members, cluster.get("name"), group.get("name"))
        if found:
            found = nodes.suspects(
                self._all, members, cluster.get("name"), group.get("name"), self._network(cluster)
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
    def _all(self):
        """The project's instances."""
        if self._instances is None:
            self._instances = nodes.Instances(self.resources("instance"))
        return self._instances

    def _network(self, cluster):
        """The name of a cluster's network, None where it is not known."""
        uuid = (cluster or {}).get("fixed_network")
        try:
            return nodes.network_name(self.resources("network"), uuid) if uuid else None
        except NksError as error:
            # An account may use NKS without looking at networks, and a service may have no network service beside it.
            if error.values.get("status_code") not in (403, 404) and not isinstance(
                error, BadInput
            ):
                raise
            return None

    def _judge(self, found, group, cluster):
        """Suspects -> (those that are nodes of the group, list of (instance, reason) for those in doubt)."""
        sure, unclear = [], []
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

    def _others(self, found, group, cluster):
        """Other node groups of the project that give such names: (instance, what to call the group, see :func:`nodes.may_own`)."""
        for other in self.api.clusters():
            name, uuid = wire.text(other.get("name")), other.get("uuid")
            if not uuid or not any(one["name"].startswith("%s-" % name) for one in found):
                continue
            try:
                listed = self.api.nodegroups(uuid)
            except NksError:
                # Which names it gives cannot be known, so it may be any that begin with the cluster's.
                for one in found if nodes.key(uuid) != nodes.key(cluster.get("uuid")) else ():
                    if one["name"].startswith("%s-" % name):
                        yield one, "cluster %s (%s), which cannot be read" % (name, uuid), True
                continue
            for item in listed:
                if nodes.key(item.get("uuid")) == nodes.key(group.get("uuid")):
                    continue
                called = "node group %s of cluster %s (%s)" % (item.get("name"), name, uuid)
                for one in found:
                    if nodes.could_name(name, item.get("name"), one["name"]):
                        yield one, called, self._may_own(uuid, item, one)

    def _may_own(self, cluster, item, one):
        try:
            group = wire.resource(self.api.nodegroup(cluster, item.get("uuid")))
            belongs = nodes.may_own(self._all, group, one)
            if belongs:
                # Only now is it worth a look at the network.
                belongs = nodes.may_own(
                    self._all, group, one, self._network(self.api.cluster(cluster))
                )
            return belongs
        except NksError:
            return True

    # -- one list per kind -------------------------------------------------------------------------------------------

    def _list_network(self, _scope):
        return [item for item in self.api.vpcs() if not item.get("router:external")]

    def _list_external_network(self, _scope):
        return self.api.external_networks()

    def _list_subnet(self, scope):
        return [
            item
            for item in self.api.vpc_subnets(scope)
            if not scope or item.get("vpc_id") in (None, scope)
        ]

    def _list_external_subnet(self, scope):
        return self.api.subnets(scope)

    def _list_availability_zone(self, _scope):
        return [
            dict(item, id=item.get("zoneName"), name=item.get("zoneName"))
            for item in self.api.availability_zones()
        ]

    def _list_keypair(self, _scope):
        pairs = [
            item.get("keypair") if isinstance(item.get("keypair"), dict) else item
            for item in self.api.keypairs()
        ]
        return [dict(item, id=item.get("name")) for item in pairs]

    def _list_image(self, _scope):
        images = {}
        for mark in NKS_IMAGES:
            for item in self.api.images(dict(mark, visibility="public")):
                images.setdefault(str(item.get("id")), item)
        return list(images.values())

    def _list_volume_type(self, _scope):
        return self.api.volume_types()

    def _list_flavor(self, _scope):
        return self.api.flavors()

    def _list_instance(self, _scope):
        return self.api.servers()

    def _list_security_group(self, _scope):
        return self.api.security_groups()

    def _list_service_gateway(self, _scope):
        return self.api.service_gateways()


def candidates(value, names):
    """What else there is: the closest names first, not too many of them."""
    import difflib

    names = sorted({" ".join(str(name).split())[:MAX_CANDIDATE] for name in names if name})
    if not names:
        return "there is none at all"
    close = difflib.get_close_matches(str(value), names, n=MAX_CANDIDATES, cutoff=0.4)
    shown = (close + [name for name in names if name not in close])[:MAX_CANDIDATES]
    more = len(names) - len(shown)
    return "there are: %s%s" % (", ".join(shown), " and %d more" % more if more else "")


def _references(members):
    """What may name a node -> UUIDs, what names it best first: UUID, name, its address, its addresses in further networks."""
    levels = [{}, {}, {}, {}]
    for node in members:
        for level, texts in zip(
            levels,
            ([nodes.key(node["uuid"])], [node["name"]], [node["address"]], node["addresses"]),
        ):
            for text in dict.fromkeys(texts):
                level.setdefault(text, []).append(node["uuid"])
    return levels


def _referred(levels, ref):
    """The UUIDs of the nodes that a reference may mean, on the best level where there are any."""
    for level in levels:
        for text in (ref, ref.lower(), nodes.key(ref)):
            if text in level:
                return level[text]
    return []


def _no_node(option, group, ref, shown, unclear):
    """The error for a reference to no node of a group."""
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


def _named(item):
    return dict(item, **{key: wire.text(item.get(key)) for key in ("id", "name")})
