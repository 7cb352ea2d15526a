# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The references among a task's options, resolved, and what the look-ups told besides."""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import UUID
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import named


class References:
    """Replaces names by UUIDs in a task's wanted options.

    :param task: see :class:`engine.Task`; its look-ups are used where there is a name.
    :param cluster: the typed cluster where there is one: its network is where subnets are looked for.
    :ivar names: option -> UUID -> name, for the options that the user gave by name; see :meth:`operations.Plan.named`.
    """

    def __init__(self, task, cluster=None):
        self.task = task
        self.network = (cluster or {}).get("fixed_network")
        self.items = {}
        self.names = {}
        self.additional = []

    def resolve(self, given, table):
        """A copy of the options with UUIDs for names.

        :param given: the options that the user gave.
        :raises NksError: a name with no match, or with several.
        """
        wanted = dict(given)
        for option in ("network", "external_network", "flavor", "image", "ncr_sgw", "obs_sgw"):
            if option in table and given.get(option):
                wanted[option] = self._one(option, table[option].ref, given[option])
        self.network = wanted.get("network") or self.network
        if given.get("subnet"):
            wanted["subnet"] = self._one("subnet", "subnet", given["subnet"], self.network)
        if given.get("external_subnets"):
            wanted["external_subnets"] = [
                self._member(
                    "external_subnets", "external_subnet", ref, wanted.get("external_network")
                )
                for ref in given["external_subnets"]
            ]
        networks = [
            self._member("additional_networks", "network", ref)
            for ref in given.get("additional_networks") or []
        ]
        if given.get("additional_networks") is not None:
            wanted["additional_networks"] = networks
        if given.get("additional_subnets") is not None:
            scopes = networks or [None] * len(given["additional_subnets"])
            wanted["additional_subnets"] = [
                self._member("additional_subnets", "subnet", ref, scope)
                for ref, scope in zip(given["additional_subnets"], scopes)
            ]
        if given.get("extra_security_groups") is not None:
            wanted["extra_security_groups"] = [
                self._security_groups(item, networks) for item in given["extra_security_groups"]
            ]
        for option in ("ncr_sgw", "obs_sgw"):
            network = self.items.get(option, {}).get("network_id")
            if network and self.network and not UUID.equal(network, self.network):
                raise BadInput(
                    option,
                    given[option],
                    "is not in the network of the cluster",
                    "choose a service gateway of that network",
                )
        return wanted

    def flavors(self, group, wanted):
        """UUID -> name of the flavors, where the flavor is to be changed: some changes the service never makes.

        For a flavor that was given by name they have been read already; one that was given by its UUID costs one request.

        :param group: the typed node group; None where it was not read.
        """
        if (
            group is None
            or wanted.get("flavor") is None
            or UUID.equal(wanted["flavor"], group.get("flavor_id"))
        ):
            return {}
        try:
            return self._names_of("flavor")
        except NksError:
            # Not needed for the change itself: without it the service is the one to refuse.
            return {}

    def complete(self, wanted):
        """Fill in and check what only a creation needs, from the look-ups that were made anyway.

        :raises NksError: the look-ups show that the service would refuse.
        """
        from ansible_collections.nhncloud.nks.plugins.module_utils._plan import ranges

        if wanted.get("external_subnets") and not wanted.get("external_network"):
            shown = named(wanted["external_subnets"], self.names.get("external_subnets", {}))
            raise BadInput(
                "external_subnets", ", ".join(shown), "has no network", "set external_network too"
            )
        if wanted.get("external_network") and not wanted.get("external_subnets"):
            wanted["external_subnets"] = self._external_subnets(wanted["external_network"])
        subnet = self.items.get("subnet", {})
        ranges.check_subnets(
            wanted, ([("subnet", subnet["cidr"])] if subnet.get("cidr") else []) + self.additional
        )
        if isinstance(subnet.get("routingtable"), dict):
            if subnet["routingtable"].get("gateway_id"):
                if not wanted.get("external_network"):
                    raise BadInput(
                        "external_network",
                        None,
                        "is needed, for subnet %s is attached to an internet gateway"
                        % subnet["name"],
                        "set it",
                    )
            elif not (wanted.get("ncr_sgw") and wanted.get("obs_sgw")):
                raise NksError(
                    "ncr_sgw and obs_sgw: both are needed, for subnet %s is not attached to an internet gateway; set both."
                    % subnet["name"]
                )
        self._check_nodes(wanted)

    def _check_nodes(self, wanted):
        """The rules for the nodes themselves."""
        from ansible_collections.nhncloud.nks.plugins.module_utils._plan import creation

        image = self.items.get("image", {})
        creation.check_disk(image, wanted.get("boot_volume_size"))
        creation.check_fit(image, self.items.get("flavor", {}))

    def complete_group(self, wanted, control_plane):
        """Check what only the creation of a node group needs.

        :param control_plane: the control plane's version, which a new group always gets (NKS user guide, Upgrade).
        :raises NksError: the service would refuse, or do something else.
        """
        version = wanted.get("kubernetes_version")
        if version is not None and control_plane and version != control_plane:
            raise BadInput(
                "kubernetes_version",
                version,
                "is not the control plane's version, which a new node group gets",
                "give %s" % control_plane,
            )
        self._check_nodes(wanted)

    def _one(self, option, kind, value, scope=None):
        if wire.is_uuid(value):
            return value
        self.items[option] = self.task.names.find(option, kind, value, scope)
        self.names[option] = self._names_of(kind, scope)
        return self.items[option]["id"]

    def _member(self, option, kind, value, scope=None, among=None):
        """The UUID of one reference in a list."""
        if wire.is_uuid(value):
            return value
        item = self.task.names.find(option, kind, value, scope, among)
        self.names.setdefault(option.partition(".")[0], {}).update(self._names_of(kind, scope))
        if option == "additional_subnets" and isinstance(item.get("cidr"), str):
            self.additional.append((option, item["cidr"]))
        return item["id"]

    def _names_of(self, kind, scope=None):
        """UUID -> name of all resources of a kind; each list is read at most once."""
        return {
            wire.one_spelling(item["id"]): item["name"]
            for item in self.task.names.resources(kind, scope)
            if item["id"] and item["name"]
        }

    def _external_subnets(self, network):
        """All subnets of the external network, as the console takes them."""
        item = self.items.get("external_network") or next(
            (
                item
                for item in self.task.names.resources("external_network")
                if item["id"] == network
            ),
            {},
        )
        subnets = item.get("subnets")
        if not isinstance(subnets, list) or not subnets:
            subnets = [
                subnet["id"] for subnet in self.task.names.resources("external_subnet", network)
            ]
        subnets = [subnet for subnet in subnets if isinstance(subnet, str)]
        if not subnets:
            raise BadInput(
                "external_network",
                item.get("name") or network,
                "has no subnets that can be seen",
                "set external_subnets",
            )
        # The service lists them in another order each time (observed); the plan is to be the same each time.
        return sorted(subnets)

    def _security_groups(self, item, networks):
        """A subnet of the cluster's own or an additional network, and its security groups."""
        among = [network for network in [self.network] + networks if network]
        scope = among[0] if len(among) == 1 else None
        return {
            "subnet": self._member(
                "extra_security_groups.subnet", "subnet", item["subnet"], scope, among
            ),
            "security_groups": self.security_groups(item),
        }

    def security_groups(self, item):
        """The UUIDs of an entry's security groups."""
        return [
            self._member("extra_security_groups.security_groups", "security_group", ref)
            for ref in item["security_groups"]
        ]
