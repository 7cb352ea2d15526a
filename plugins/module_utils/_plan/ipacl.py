# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IP access control of the API endpoint: present + wanted -> plan. Pure functions.

Source: NKS API guide, Enforce IP Access Control to Cluster API Endpoints; NKS user guide, the same (1 to 100 targets; with
ALLOW the service adds the cluster's own subnet by itself; DENY must not overlap it).
"""

from __future__ import annotations

import ipaddress

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Operation,
    Plan,
    cluster_resource,
)

MAX_TARGETS = 100


def network(option, text):
    """An address or a network as a network; bits behind the prefix are dropped.

    :raises BadInput: it is neither.
    """
    try:
        return ipaddress.ip_network(str(text).strip(), strict=False)
    except ValueError:
        raise BadInput(
            option,
            text,
            "is neither an address nor a network",
            "write it like 203.0.113.7 or 203.0.113.0/24",
        ) from None


def given_targets(targets):
    """The option ``targets`` as network -> description (None where not given).

    :raises BadInput: not an address, or two descriptions for one network.
    """
    found = {}
    for item in targets or []:
        key = network("targets.cidr_address", item["cidr_address"])
        if key in found and found[key] != item.get("description"):
            raise BadInput(
                "targets",
                item["cidr_address"],
                "is given twice with different descriptions",
                "name each network once",
            )
        found[key] = item.get("description")
    return found


def present_targets(ipacl):
    """The service's list as network -> description; what is not a network there is left out.

    Two entries can mean one network (10.0.0.1/24 and 10.0.0.2/24); which description counts must not hang on their order.
    """
    found = {}
    for item in ipacl["ipacl_targets"]:
        try:
            key = ipaddress.ip_network(str(item.get("cidr_address")).strip(), strict=False)
        except ValueError:
            continue
        found[key] = max(found.get(key, ""), str(item.get("description") or ""))
    return found


class Control:
    """A state of the access control in comparable form.

    :param action: ALLOW or DENY; None where it is not enforced.
    :param targets: network -> description.
    :param subnets: the cluster's own subnets as networks. The service adds them by itself under ALLOW, so there they are
        neither compared nor shown.
    """

    def __init__(self, action=None, targets=None, subnets=()):
        self.action = action
        self.every = dict(targets or {})
        self.targets = {
            key: text for key, text in self.every.items() if action != "ALLOW" or key not in subnets
        }

    @classmethod
    def present(cls, ipacl, subnets):
        """What the service has; parameters as above."""
        return (
            cls(ipacl.get("action"), present_targets(ipacl), subnets) if ipacl["enable"] else cls()
        )

    def same(self, other):
        """Whether two states mean the same."""
        return self.action == other.action and self.targets == other.targets

    def shown(self):
        """The targets as the option has them, sorted."""
        return _listed(self.targets)

    def sent(self):
        """The targets to send. A list of nothing but the cluster's subnet is sent as it is: it must not be empty."""
        return _listed(self.targets or self.every)

    def lets_in(self, address, subnets):
        """Whether every address of the network may connect."""
        if self.action == "ALLOW":
            allowed = [
                key for key in list(self.targets) + list(subnets) if key.version == address.version
            ]
            # Two halves of a network let all of it in.
            return any(address.subnet_of(key) for key in ipaddress.collapse_addresses(allowed))
        return not any(
            address.version == key.version and address.overlaps(key) for key in self.targets
        )


def _listed(targets):
    return [
        _target(key, targets[key]) for key in sorted(targets, key=lambda key: (key.version, key))
    ]


def _target(key, description):
    single = key.num_addresses == 1
    item = {"cidr_address": str(key.network_address) if single else str(key)}
    return dict(item, description=description) if description else item


def wanted(desired, present, subnets):
    """The state that the options ask for.

    :param desired: see :class:`documents.AccessSpec`.
    :param present: the present :class:`Control`.
    :param subnets: the cluster's subnets as networks.
    :raises NksError: a state that the service does not take, or that nobody can want.
    """
    targets = given_targets(desired.targets)
    if desired.state == "absent":
        if desired.targets is None:
            return Control()
        if targets and desired.action and present.action not in (None, desired.action.upper()):
            # To stop blocking a network is not to stop allowing it.
            raise BadInput(
                "action",
                desired.action,
                "does not match the current list, which is for %s" % present.action.lower(),
                "set it to %s, or leave it out" % present.action.lower(),
            )
        return _without(targets, present, subnets)
    action = desired.action.upper() if desired.action else present.action
    if action is None:
        raise BadInput(
            "action", None, "is needed to enforce the access control", "set it to allow or deny"
        )
    if desired.targets is None:
        if action == present.action:
            return present
        if present.action is None:
            raise BadInput(
                "targets", None, "is needed to enforce the access control", "name the networks"
            )
        # The same networks under the other action mean the opposite: the office alone would be blocked, and everybody else let in.
        raise BadInput(
            "action",
            desired.action,
            "would turn the current list for %s into its opposite" % present.action.lower(),
            "set targets to the whole list for %s, or leave action out" % desired.action,
        )
    for key, description in targets.items():
        if description is None:
            # Not given means: whatever it is called.
            targets[key] = present.targets.get(key, "")
    if not desired.purge and present.action is not None:
        if present.action != action:
            raise BadInput(
                "purge",
                False,
                "would turn the list for %s into one for %s" % (present.action, action),
                "set purge to true and give the whole list",
            )
        targets = {**present.targets, **targets}
    if action == "DENY" and any(
        key.version == subnet.version and key.overlaps(subnet)
        for key in targets
        for subnet in subnets
    ):
        raise BadInput(
            "targets",
            None,
            "overlaps the cluster's own subnet under deny, which the service refuses",
            "leave that range out",
        )
    if not targets:
        raise BadInput(
            "targets",
            "[]",
            "is empty",
            "name 1 to %d networks, or set state to absent to turn the access control off"
            % MAX_TARGETS,
        )
    if len(targets) > MAX_TARGETS:
        raise BadInput(
            "targets", "%d networks" % len(targets), "is too many", "give at most %d" % MAX_TARGETS
        )
    return Control(action, targets, subnets)


def _without(targets, present, subnets):
    """The present list without some of its networks."""
    rest = {key: text for key, text in present.targets.items() if key not in targets}
    if rest == present.targets:
        return present
    if not rest:
        raise NksError(
            "targets: without them the list would be empty while the access control is enforced (%s). Leave one in, or leave "
            "targets out to turn the access control off." % present.action.lower()
        )
    return Control(present.action, rest, subnets)


def plan_access(cluster, desired, reply, subnets):
    """The plan for the access control of a cluster.

    :param cluster: the cluster's name.
    :param desired: see :class:`documents.AccessSpec`.
    :param reply: the present access control, as :func:`wire.ipacl` gives it; None if there is none.
    :param subnets: the cluster's own subnets as networks.
    :raises NksError: a state that the service does not take, or that nobody can want.
    """
    present = Control.present(reply, subnets) if reply else Control()
    return _change(cluster, present, wanted(desired, present, subnets), desired.keep, subnets)


def _change(cluster, present, after, keep, subnets):
    """The plan from one state to another.

    :param cluster: the cluster's name.
    :param keep: addresses that must stay able to connect, as given.
    :raises NksError: an address of ``keep`` would be shut out.
    """
    kept = [(text, network("keep", text)) for text in keep or []]
    if after.same(present):
        return Plan()
    shut_out = [text for text, address in kept if not after.lets_in(address, subnets)]
    if shut_out:
        raise NksError(
            "keep: the wanted list would shut out %s, so nothing was changed. Put %s the targets."
            % (", ".join(shut_out), "it into" if after.action == "ALLOW" else "it out of")
        )
    changes = {}
    if (present.action is None) != (after.action is None):
        changes["state"] = ("absent", "present") if after.action else ("present", "absent")
    if present.action != after.action:
        changes["action"] = tuple(
            state.action.lower() if state.action else None for state in (present, after)
        )
    if present.targets != after.targets:
        changes["targets"] = (present.shown(), after.shown())
    arguments = ("true", after.action, after.sent()) if after.action else ("false",)

    def arrived(state):
        return Control.present(state["detail"], subnets).same(after)

    return Plan(
        [
            Operation(
                "set_ipacl",
                cluster_resource(cluster),
                changes,
                lambda api, ref: api.set_ipacl(ref, *arguments),
                outcome=(("targets", arrived),),
                detail=lambda api, ref: wire.ipacl(api.ipacl(ref)),
            )
        ]
    )
