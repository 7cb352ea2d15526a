# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of the IP access control of the API endpoint. Pure functions, as in :mod:`plan`.

Source: NKS API guide, Enforce IP Access Control to Cluster API Endpoints; NKS user guide, the same
(1 to 100 targets; with ALLOW the service adds the cluster's own subnet; DENY must not overlap it).
"""

from __future__ import annotations

import ipaddress
from typing import Any, Collection, Dict, Iterable, Mapping, Sequence, TypeVar

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import AccessSpec, State
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Change,
    Operation,
    Plan,
    cluster_resource,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.ranges import Network, overlap

MAX_TARGETS = 100
#: Network -> description.
Targets = Dict[Network, str]
OneVersion = TypeVar("OneVersion", ipaddress.IPv4Network, ipaddress.IPv6Network)


def network(option: str, text: Any) -> Network:
    """An address or a network as a network; bits after the prefix are dropped.

    :raises BadInput: it is neither.
    """
    try:
        return ipaddress.ip_network(str(text).strip(), strict=False)
    except ValueError:
        raise BadInput(
            option,
            text,
            "is neither an address nor a network",
            "use the form 203.0.113.7 or 203.0.113.0/24",
        ) from None


def given_targets(targets: Iterable[State] | None) -> dict[Network, str | None]:
    """The option ``targets`` as network -> description (None if it is not set).

    :raises BadInput: not an address, or two descriptions for one network.
    """
    found: dict[Network, str | None] = {}
    for item in targets or []:
        key = network("targets.cidr_address", item["cidr_address"])
        if key in found and found[key] != item.get("description"):
            raise BadInput(
                "targets",
                item["cidr_address"],
                "is listed twice with different descriptions",
                "list each network once",
            )
        found[key] = item.get("description")
    return found


def current_targets(ipacl: State) -> Targets:
    """The service's list as network -> description; entries that are not networks are left out.

    Two entries can mean one network (10.0.0.1/24 and 10.0.0.2/24); the description that is compared
    must not depend on their order.
    """
    found: Targets = {}
    for item in ipacl["ipacl_targets"]:
        try:
            key = ipaddress.ip_network(str(item.get("cidr_address")).strip(), strict=False)
        except ValueError:
            continue
        found[key] = max(found.get(key, ""), str(item.get("description") or ""))
    return found


class Control:
    """A state of the access control in comparable form.

    :param action: ALLOW or DENY; None if the access control is not enforced.
    :param targets: network -> description.
    :param subnets: the cluster's own subnets as networks. With ALLOW the service adds them, so then
        they are neither compared nor shown.
    """

    def __init__(
        self,
        action: str | None = None,
        targets: Targets | None = None,
        subnets: Collection[Network] = (),
    ) -> None:
        self.action = action
        self.every = dict(targets or {})
        self.targets = {
            key: text for key, text in self.every.items() if action != "ALLOW" or key not in subnets
        }

    @classmethod
    def observed(cls, ipacl: State, subnets: Collection[Network]) -> Control:
        """The state that the service shows.

        :param ipacl: as :func:`wire.ipacl` returns it.
        """
        if not ipacl["enable"]:
            return cls()
        return cls(ipacl.get("action"), current_targets(ipacl), subnets)

    def same(self, other: Control) -> bool:
        """Whether two states mean the same."""
        return self.action == other.action and self.targets == other.targets

    def shown(self) -> list[dict[str, str]]:
        """The targets in the form of the option, sorted."""
        return _listed(self.targets)

    def sent(self) -> list[dict[str, str]]:
        """The targets to send. A list that holds only the cluster's subnet is sent with it, because
        it must not be empty.
        """
        return _listed(self.targets or self.every)

    def allows(self, address: Network, subnets: Iterable[Network]) -> bool:
        """Whether every address of the network can connect."""
        if self.action == "ALLOW":
            allowed = [*self.targets, *subnets]
            if isinstance(address, ipaddress.IPv4Network):
                return _covered(
                    address, (key for key in allowed if isinstance(key, ipaddress.IPv4Network))
                )
            return _covered(
                address, (key for key in allowed if isinstance(key, ipaddress.IPv6Network))
            )
        return not any(overlap(address, key) for key in self.targets)


def _covered(address: OneVersion, allowed: Iterable[OneVersion]) -> bool:
    """Whether a network is part of others. Two halves of a network cover all of it."""
    return any(address.subnet_of(key) for key in ipaddress.collapse_addresses(allowed))


def _listed(targets: Mapping[Network, str]) -> list[dict[str, str]]:
    ordered = sorted(targets, key=lambda key: (key.version, key))
    return [_target(key, targets[key]) for key in ordered]


def _target(key: Network, description: str) -> dict[str, str]:
    single = key.num_addresses == 1
    item = {"cidr_address": str(key.network_address) if single else str(key)}
    return dict(item, description=description) if description else item


def desired_state(desired: AccessSpec, current: Control, subnets: Collection[Network]) -> Control:
    """The state that the options describe.

    :param subnets: the cluster's subnets as networks.
    :raises NksError: a state that the service does not accept, or that is certainly a mistake.
    """
    targets = given_targets(desired.targets)
    if desired.state == "absent":
        return _removed(desired, current, targets, subnets)
    action = desired.action.upper() if desired.action else current.action
    if action is None:
        raise BadInput(
            "action", None, "is needed to enforce the access control", "set it to allow or deny"
        )
    if desired.targets is None:
        _check_same_action(desired, current, action)
        return current
    # An entry without a description keeps the one that it has.
    described = {
        key: current.targets.get(key, "") if text is None else text for key, text in targets.items()
    }
    if not desired.purge and current.action is not None:
        if current.action != action:
            raise BadInput(
                "purge",
                False,
                "would turn the list for %s into one for %s" % (current.action, action),
                "set purge to true and targets to the whole list",
            )
        described = {**current.targets, **described}
    _check_list(action, described, subnets)
    return Control(action, described, subnets)


def _check_same_action(desired: AccessSpec, current: Control, action: str) -> None:
    """Check that the current list can be kept, because ``targets`` is not set.

    :raises BadInput: there is no list, or it is for the other action.
    """
    if action == current.action:
        return
    if current.action is None:
        raise BadInput(
            "targets", None, "is needed to enforce the access control", "list the networks"
        )
    # The same networks with the other action mean the opposite: the office alone would be blocked,
    # and everybody else allowed.
    raise BadInput(
        "action",
        desired.action,
        "would turn the current list for %s into its opposite" % current.action.lower(),
        "set targets to the whole list for %s, or leave action out" % desired.action,
    )


def _check_list(action: str, targets: Targets, subnets: Iterable[Network]) -> None:
    """Check the rules of the service for the list.

    :raises BadInput: the list is empty or too long, or blocks the cluster's own subnet.
    """
    if action == "DENY" and any(overlap(key, subnet) for key in targets for subnet in subnets):
        raise BadInput(
            "targets",
            None,
            "overlaps the cluster's own subnet under deny, which the service rejects",
            "leave that range out",
        )
    if not targets:
        raise BadInput(
            "targets",
            "[]",
            "is empty",
            "list 1 to %d networks, or set state to absent to turn the access control off"
            % MAX_TARGETS,
        )
    if len(targets) > MAX_TARGETS:
        raise BadInput(
            "targets", "%d networks" % len(targets), "is too many", "use at most %d" % MAX_TARGETS
        )


def _removed(
    desired: AccessSpec,
    current: Control,
    targets: Mapping[Network, str | None],
    subnets: Collection[Network],
) -> Control:
    """The state with ``state: absent``: without some networks, or not enforced.

    :raises NksError: the list is for the other action, or would be empty.
    """
    if desired.targets is None:
        return Control()
    if current.action is None:
        return current
    action = current.action.lower()
    if targets and desired.action and current.action != desired.action.upper():
        # To stop blocking a network is not to stop allowing it.
        raise BadInput(
            "action",
            desired.action,
            "does not match the current list, which is for %s" % action,
            "set it to %s, or leave it out" % action,
        )
    rest = {key: text for key, text in current.targets.items() if key not in targets}
    if rest == current.targets:
        return current
    if not rest:
        raise NksError(
            "targets: without them the list would be empty while the access control is enforced "
            "(%s). Keep one of them, or leave targets out to turn the access control off." % action
        )
    return Control(current.action, rest, subnets)


def plan_access(
    cluster: str, desired: AccessSpec, reply: State | None, subnets: Collection[Network]
) -> Plan:
    """The plan of the access control of a cluster.

    :param cluster: the cluster's name.
    :param reply: the current access control, as :func:`wire.ipacl` returns it; None if there is
        none.
    :param subnets: the cluster's own subnets as networks.
    :raises NksError: a state that the service does not accept, or that is certainly a mistake.
    """
    current = Control.observed(reply, subnets) if reply else Control()
    after = desired_state(desired, current, subnets)
    kept = [(text, network("keep", text)) for text in desired.keep or []]
    if after.same(current):
        return Plan()
    _check_kept(kept, after, subnets)
    enforced = after.action is not None
    arguments: tuple[Any, ...] = ("true", after.action, after.sent()) if enforced else ("false",)

    def holds(state: State) -> bool:
        return Control.observed(state["detail"], subnets).same(after)

    return Plan(
        [
            Operation(
                "set_ipacl",
                cluster_resource(cluster),
                _changes(current, after),
                lambda api, ref: api.set_ipacl(ref, *arguments),
                outcome=(("targets", holds),),
                detail=lambda api, ref: wire.ipacl(api.ipacl(ref)),
            )
        ]
    )


def _check_kept(
    kept: Sequence[tuple[str, Network]], after: Control, subnets: Iterable[Network]
) -> None:
    """Check that the addresses of ``keep`` can still connect.

    :param kept: (address as the user wrote it, the same as a network).
    :raises NksError: an address would be blocked.
    """
    subnets = list(subnets)
    blocked = [text for text, address in kept if not after.allows(address, subnets)]
    if blocked:
        remedy = "Add %s to targets" if after.action == "ALLOW" else "Do not list %s in targets"
        addresses = ", ".join(blocked)
        raise NksError(
            "keep: the requested list would block %s. No changes were made. %s."
            % (addresses, remedy % addresses)
        )


def _changes(current: Control, after: Control) -> dict[str, Change]:
    """The changes that the operation reports."""
    changes: dict[str, Change] = {}
    if (current.action is None) != (after.action is None):
        changes["state"] = ("absent", "present") if after.action else ("present", "absent")
    if current.action != after.action:
        changes["action"] = (
            current.action.lower() if current.action else None,
            after.action.lower() if after.action else None,
        )
    if current.targets != after.targets:
        changes["targets"] = (current.shown(), after.shown())
    return changes
