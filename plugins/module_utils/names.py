# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A name -> its UUID, over the look-up APIs.

A UUID is used as it is, without a request. Lists are read whole and matched here: the services filter by name in different
ways (Nova by regular expression), and the candidates are needed for the message when nothing matches.
"""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils import wire
from ansible_collections.nhncloud.nks.plugins.module_utils.errors import NksError

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
                % (option, what, value, " in network %s" % self._network(scope) if scope else "", candidates(value, [item["name"] for item in items]))
            )
        return found[0]

    def resolve(self, option, kind, value, scope=None, among=None):
        """The UUID of a reference; see :meth:`find`."""
        return value if wire.is_uuid(value) else self.find(option, kind, value, scope, among)["id"]

    def _network(self, uuid):
        """How a message calls a network: by its name where that was read."""
        known = self._lists.get(("network", None), []) + self._lists.get(("external_network", None), [])
        return next((item["name"] for item in known if item["id"] == uuid and item["name"]), uuid)

    def no_cluster(self, option, ref):
        """The error for a cluster that has to be there and is not."""
        names = [str(item.get("name")) for item in self.api.clusters()]
        return NksError("%s: there is no cluster '%s' in this region and project; %s." % (option, ref, candidates(ref, names)))

    def nodes(self, option, group, refs):
        """Instances of a node group by UUID, name or address; in the order given.

        :param group: the typed node group.
        :returns: list of UUIDs.
        :raises NksError: one is not in the group, or is given twice.
        """
        listed = (group.get("labels") or {}).get("node_list") or []
        if listed and all(wire.is_uuid(ref) for ref in refs):
            known = {uuid.lower(): uuid for uuid in listed}
            choices = dict(known)
        else:
            choices = {}
            for node in self.instances(group):
                for key in [node["uuid"].lower(), node["name"]] + node["addresses"]:
                    choices.setdefault(key, node["uuid"])
            known = choices
        found = []
        for ref in refs:
            uuid = choices.get(str(ref)) or choices.get(str(ref).lower())
            if uuid is None:
                raise NksError("%s: there is no node '%s' in node group %s; %s." % (option, ref, group.get("name"), candidates(str(ref), list(known))))
            if uuid in found:
                raise NksError("%s: node '%s' is given twice; name each node once." % (option, ref))
            found.append(uuid)
        return found

    def instances(self, group):
        """The instances of a node group: list of ``{uuid, name, address, addresses, status}``, by name.

        By the group's ``node_list`` where the service shows it, else by address: the two lists are not in one order, so
        they are never zipped.
        """
        listed = {uuid.lower() for uuid in (group.get("labels") or {}).get("node_list") or []}
        node_addresses = group.get("node_addresses") or []
        nodes = []
        for server in self.resources("instance"):
            addresses = addresses_of(server)
            here = [address for address in addresses if address in node_addresses]
            if str(server["id"]).lower() in listed or (not listed and here):
                nodes.append(
                    {
                        "uuid": str(server["id"]),
                        "name": str(server["name"]),
                        "address": (here or addresses or [None])[0],
                        "addresses": addresses,
                        "status": server.get("status"),
                    }
                )
        return sorted(nodes, key=lambda node: node["name"])

    # -- one list per kind -------------------------------------------------------------------------------------------

    def _list_network(self, _scope):
        return [item for item in self.api.vpcs() if not item.get("router:external")]

    def _list_external_network(self, _scope):
        return self.api.external_networks()

    def _list_subnet(self, scope):
        return [item for item in self.api.vpc_subnets(scope) if not scope or item.get("vpc_id") in (None, scope)]

    def _list_external_subnet(self, scope):
        return self.api.subnets(scope)

    def _list_availability_zone(self, _scope):
        return [dict(item, id=item.get("zoneName"), name=item.get("zoneName")) for item in self.api.availability_zones()]

    def _list_keypair(self, _scope):
        pairs = [item.get("keypair") if isinstance(item.get("keypair"), dict) else item for item in self.api.keypairs()]
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


def addresses_of(server):
    """All addresses of an instance, fixed ones first."""
    found = []
    networks = server.get("addresses")
    for entries in networks.values() if isinstance(networks, dict) else ():
        found += [entry for entry in entries if isinstance(entry, dict) and entry.get("addr")] if isinstance(entries, list) else []
    found.sort(key=lambda entry: entry.get("OS-EXT-IPS:type") == "floating")
    return [str(entry["addr"]) for entry in found]


def _named(item):
    return dict(item, **{key: wire.text(item.get(key)) for key in ("id", "name")})
