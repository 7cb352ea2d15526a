# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The references among a task's options, resolved, and the checks that the look-ups make possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence, Tuple

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import UUID
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import creation, ranges
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import named

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State
    from ansible_collections.nhncloud.nks.plugins.module_utils._observe.names import (
        Names,
        Resource,
    )
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Options, Task

#: A list that a task reads: its kind, and if it is a list of subnets, kind and reference of the
#: network.
Needed = Tuple[str, str, str]


def needed_lists(given: Options, table: Mapping[str, rows.Row]) -> Iterator[Needed]:
    """The lists that :meth:`References.resolve` reads for the same arguments, as far as the options
    alone show it.
    """
    for row in table.values():
        value = given.get(row.option)
        refs = value if isinstance(value, list) else [value] if value else []
        if row.ref is None or all(wire.is_uuid(ref) for ref in refs):
            continue
        if row.option == "subnet" and given.get("network"):
            yield row.ref, "network", given["network"]
        elif row.option == "external_subnets" and given.get("external_network"):
            yield row.ref, "external_network", given["external_network"]
        elif not row.ref.endswith("subnet"):
            yield row.ref, "", ""
    for item in given.get("extra_security_groups") or []:
        if not all(wire.is_uuid(ref) for ref in item["security_groups"]):
            yield "security_group", "", ""


def prefetch(names: Names, needed: Needed) -> None:
    """Read a list.

    :raises NksError: it cannot be read, or there is no such network.
    """
    kind, network_kind, network = needed
    if not network or wire.is_uuid(network):
        names.resources(kind, network or None)
    else:
        names.resources(kind, names.find(network_kind, network_kind, network)["id"])


class References:
    """Replaces names by UUIDs in a task's options.

    :param task: see :class:`engine.Task`; a name is looked up with its lists.
    :param cluster: the typed cluster, if it exists: subnets are looked up in its network.
    :ivar items: option -> the resource that it refers to by name.
    :ivar names: option -> UUID -> name, for the options that the user set by name; see
        :meth:`operations.Plan.named`.
    :ivar additional: (option, CIDR) of the additional subnets that were looked up.
    """

    def __init__(self, task: Task, cluster: State | None = None) -> None:
        self.task = task
        self.network: str | None = (cluster or {}).get("fixed_network")
        self.items: dict[str, Resource] = {}
        self.names: dict[str, dict[str, str]] = {}
        self.additional: list[tuple[str, str]] = []

    def resolve(self, given: Options, table: Mapping[str, rows.Row]) -> Options:
        """A copy of the options with UUIDs for names.

        :param given: the options that are set.
        :raises NksError: a name with no match, or with several.
        """
        desired = dict(given)
        for option in ("network", "external_network", "flavor", "image", "ncr_sgw", "obs_sgw"):
            if option in table and given.get(option):
                desired[option] = self._one(option, str(table[option].ref), given[option])
        self.network = desired.get("network") or self.network
        self._resolve_networks(given, desired)
        self._check_gateways(given)
        return desired

    def _resolve_networks(self, given: Options, desired: Options) -> None:
        """Resolve subnets, additional networks and security groups.

        :param desired: the copy of the options, which is completed.
        """
        if given.get("subnet"):
            desired["subnet"] = self._one("subnet", "subnet", given["subnet"], self.network)
        if given.get("external_subnets"):
            desired["external_subnets"] = [
                self._member(
                    "external_subnets", "external_subnet", ref, desired.get("external_network")
                )
                for ref in given["external_subnets"]
            ]
        networks = [
            self._member("additional_networks", "network", ref)
            for ref in given.get("additional_networks") or []
        ]
        if given.get("additional_networks") is not None:
            desired["additional_networks"] = networks
        if given.get("additional_subnets") is not None:
            scopes: Sequence[str | None] = networks or [None] * len(given["additional_subnets"])
            desired["additional_subnets"] = [
                self._member("additional_subnets", "subnet", ref, scope)
                for ref, scope in zip(given["additional_subnets"], scopes)
            ]
        if given.get("extra_security_groups") is not None:
            desired["extra_security_groups"] = [
                self._security_groups(item, networks) for item in given["extra_security_groups"]
            ]

    def _check_gateways(self, given: Options) -> None:
        """Check that service gateways that were looked up are in the network of the cluster.

        :raises BadInput: one is not.
        """
        for option in ("ncr_sgw", "obs_sgw"):
            network = self.items.get(option, {}).get("network_id")
            if network and self.network and not UUID.equal(network, self.network):
                raise BadInput(
                    option,
                    given[option],
                    "is not in the network of the cluster",
                    "choose a service gateway of that network",
                )

    def flavors(self, group: State | None, desired: Options) -> dict[str, str]:
        """UUID -> name of the flavors, if the flavor is to be changed: the service does not support
        all changes.

        For a flavor that is set by name they have been read already; one that is set by its UUID
        costs one request.

        :param group: the typed node group; None if it was not read.
        """
        if (
            group is None
            or desired.get("flavor") is None
            or UUID.equal(desired["flavor"], group.get("flavor_id"))
        ):
            return {}
        try:
            return self._names_of("flavor")
        except NksError:
            # The change itself does not need them: without them, the service rejects it.
            return {}

    def complete(self, desired: Options) -> None:
        """Complete and check the options that only a creation needs, with the look-ups that were
        made anyway.

        :raises NksError: the look-ups show that the service would reject the options.
        """
        if desired.get("external_subnets") and not desired.get("external_network"):
            shown = named(desired["external_subnets"], self.names.get("external_subnets", {}))
            raise BadInput(
                "external_subnets", ", ".join(shown), "has no network", "set external_network too"
            )
        if desired.get("external_network") and not desired.get("external_subnets"):
            desired["external_subnets"] = self._external_subnets(desired["external_network"])
        self._check_subnet(desired)
        self._check_nodes(desired)

    def _check_subnet(self, desired: Options) -> None:
        """The rules for the cluster's subnet, if it was looked up.

        :raises NksError: a range overlaps with it, or an option that it requires is not set.
        """
        subnet = self.items.get("subnet", {})
        ranges.check_subnets(
            desired, ([("subnet", subnet["cidr"])] if subnet.get("cidr") else []) + self.additional
        )
        if isinstance(subnet.get("routingtable"), dict):
            if subnet["routingtable"].get("gateway_id"):
                if not desired.get("external_network"):
                    raise BadInput(
                        "external_network",
                        None,
                        "is required because subnet %s is attached to an internet gateway"
                        % subnet["name"],
                        "set it",
                    )
            elif not (desired.get("ncr_sgw") and desired.get("obs_sgw")):
                raise NksError(
                    "ncr_sgw and obs_sgw: both are required because subnet %s is not attached to an internet gateway; set both."
                    % subnet["name"]
                )

    def _check_nodes(self, desired: Options) -> None:
        """The rules for the disk and the flavor of the nodes, if image and flavor were looked up."""
        image = self.items.get("image", {})
        creation.check_disk(image, desired.get("boot_volume_size"))
        creation.check_fit(image, self.items.get("flavor", {}))

    def check_group(self, desired: Options, control_plane: str | None) -> None:
        """Check the options that only the creation of a node group needs.

        :param control_plane: the control plane's version, which a new group always gets (NKS user
            guide, Upgrade); None if it is not known.
        :raises NksError: the service would reject them, or create something else.
        """
        version = desired.get("kubernetes_version")
        if version is not None and control_plane and version != control_plane:
            raise BadInput(
                "kubernetes_version",
                version,
                "is not the control plane's version, which a new node group gets",
                "set it to %s" % control_plane,
            )
        self._check_nodes(desired)

    def _one(self, option: str, kind: str, value: str, scope: str | None = None) -> str:
        """The UUID of the reference that is the value of an option."""
        if wire.is_uuid(value):
            return value
        self.items[option] = self.task.names.find(option, kind, value, scope)
        self.names[option] = self._names_of(kind, scope)
        uuid: str = self.items[option]["id"]
        return uuid

    def _member(
        self,
        option: str,
        kind: str,
        value: str,
        scope: str | None = None,
        among: Sequence[str] | None = None,
    ) -> str:
        """The UUID of one reference in a list."""
        if wire.is_uuid(value):
            return value
        item = self.task.names.find(option, kind, value, scope, among)
        self.names.setdefault(option.partition(".")[0], {}).update(self._names_of(kind, scope))
        if option == "additional_subnets" and isinstance(item.get("cidr"), str):
            self.additional.append((option, item["cidr"]))
        uuid: str = item["id"]
        return uuid

    def _names_of(self, kind: str, scope: str | None = None) -> dict[str, str]:
        """UUID -> name of all resources of a kind; each list is read at most once."""
        return {
            wire.one_spelling(item["id"]): item["name"]
            for item in self.task.names.resources(kind, scope)
            if item["id"] and item["name"]
        }

    def _external_subnets(self, network: str) -> list[str]:
        """All subnets of the external network, which the console selects too."""
        item: Resource = self.items.get("external_network") or next(
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
        # The service lists them in another order each time (observed); the plan must be the same
        # each time.
        return sorted(subnets)

    def _security_groups(self, item: dict[str, Any], networks: Sequence[str]) -> dict[str, Any]:
        """An entry of extra_security_groups, whose subnet is in the cluster's network or an
        additional one.
        """
        among = [network for network in [self.network, *networks] if network]
        scope = among[0] if len(among) == 1 else None
        return {
            "subnet": self._member(
                "extra_security_groups.subnet", "subnet", item["subnet"], scope, among
            ),
            "security_groups": self.security_groups(item),
        }

    def security_groups(self, item: dict[str, Any]) -> list[str]:
        """The UUIDs of an entry's security groups."""
        return [
            self._member("extra_security_groups.security_groups", "security_group", ref)
            for ref in item["security_groups"]
        ]
