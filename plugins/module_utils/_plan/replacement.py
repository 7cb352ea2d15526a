# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The replacement of a node group by one with options that cannot be changed after creation. Pure
functions, as in :mod:`plan`.

A temporary node group takes over the workload while the old one is deleted and created again under
its name: create the temporary one, delete the old one, create the new one, delete the temporary
one. Each run plans what is left of these steps from the node groups that it finds.

A node group is only deleted as a temporary one if it was created for the replacement. The service
has no mark for that, so these facts have to show it:

- It equals the desired node group in every option that cannot be changed.
- While the old node group exists: the temporary one was created after it. Once the old one is
  deleted: the task history has that deletion after the creation of the temporary one.
- The task history has no other change of the temporary one: it is not in use for anything else.

"docs/node-images.md" explains this to users.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any, Callable, Iterable, Mapping

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    ClusterSpec,
    Observed,
    ObservedNodegroup,
    Options,
    Policy,
    State,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import UNKNOWN, Volumes
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import creation, fixed, rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Operation,
    Plan,
    deletion,
    group_resource,
)

SUFFIX = "-tmp"
#: Characters of a name (NKS user guide, Create a Cluster).
MAX_NAME = 32
#: Node groups of a cluster if the quota was not raised (NHN Cloud resource policy). The API does not
#: show the quota.
DEFAULT_QUOTA = 3
#: Addresses of a pod network that are not for nodes (NKS user guide, Create a Cluster).
RESERVED_NODES = 3

#: Entries of the task history of a node group that are no sign of its use: its creation and deletion,
#: and what the service does by itself (NKS API guide, supported event types).
NO_USE = (
    "NODEGROUP_CREATE",
    "NODEGROUP_DELETE",
    "AUTO_HEALING",
    "ALL_NODES_NOT_READY",
    "K8S_API_NOT_WORKING",
)
NO_USE_ENDS = ("_SCALE_OUT", "_SCALE_IN")


def temporary_name(name: str, replacement_name: str | None = None) -> str:
    """The name of the temporary node group.

    :param name: the name of the node group that is replaced.
    :param replacement_name: the option of this name; None if it is not set.
    """
    return replacement_name or name[: MAX_NAME - len(SUFFIX)] + SUFFIX


def check_request(options: Options) -> None:
    """Check what needs only the options of a task with ``immutable: replace``.

    :param options: the module's options.
    :raises BadInput: the node group cannot be replaced.
    """
    if options.get("wait") is False:
        raise BadInput(
            "immutable",
            "replace",
            "is not possible with wait set to false, because each step needs the one before it",
            "set wait to true",
        )
    if not wire.is_uuid(options["name"]):
        check_names(options["name"], options.get("replacement_name"))


def check_names(name: str, replacement_name: str | None) -> None:
    """Check the names of a node group that may be replaced and of the temporary one.

    :raises BadInput: the node group is the default one, or the temporary one cannot have its name.
    """
    if name == wire.DEFAULT_GROUP:
        raise BadInput(
            "immutable",
            "replace",
            "is not possible for node group %s, which can only be deleted together with the "
            "cluster" % name,
            "set it to fail or warn",
        )
    temporary = temporary_name(name, replacement_name)
    if temporary == name:
        raise _name_refused(temporary, "is the name of the node group itself", "set another name")
    if temporary in (wire.DEFAULT_GROUP, wire.CONTROL_PLANE):
        raise _name_refused(
            temporary, "is the name of a node group that NKS creates itself", "set another name"
        )
    if replacement_name:
        creation.check_name("replacement_name", replacement_name)


def _name_refused(name: str, problem: str, remedy: str) -> BadInput:
    return BadInput("replacement_name", name, problem, remedy)


def in_use(history: Iterable[State], found: State) -> bool:
    """Whether the task history shows that a node group was changed after its creation.

    :param history: entries of the task history, typed.
    :param found: the typed node group with the name of the temporary one.
    """
    return any(
        entry.get("resource_uuid") == found["uuid"]
        and entry.get("type") not in NO_USE
        and not str(entry.get("type")).endswith(NO_USE_ENDS)
        for entry in history
    )


def was_begun(history: Iterable[State], temporary: State, name: str) -> bool:
    """Whether the task history shows that a node group was deleted in favor of the temporary one:
    after that was created, and without any other change of it.

    :param history: entries of the task history, typed.
    :param temporary: the typed node group with the name of the temporary one.
    :param name: the name of the node group that was deleted.
    """
    history = list(history)
    if in_use(history, temporary):
        return False
    entries = sorted(history, key=lambda item: (str(item.get("created_at")), _number(item)))
    created = False
    for entry in entries:
        if entry.get("type") == "NODEGROUP_CREATE":
            created = created or entry.get("resource_uuid") == temporary["uuid"]
        elif (
            created
            and entry.get("type") == "NODEGROUP_DELETE"
            and entry.get("resource_name") == name
            and entry.get("state") != "FAIL"
        ):
            return True
    return False


def _number(entry: State) -> int:
    number = entry.get("id")
    return number if isinstance(number, int) else -1


class Replacement:
    """One node group that may have to be replaced, and what is there of a replacement.

    :param desired: the document: its other node groups are never temporary ones.
    :param name: the name of the node group.
    :param options: its options that are set, with UUIDs for references.
    :param observed: with the node groups of both names, if they exist.
    """

    def __init__(
        self, desired: ClusterSpec, name: str, options: Options, observed: Observed, policy: Policy
    ) -> None:
        self.cluster = desired.name
        self.name = name
        self.options = options
        self.observed = observed
        self.policy = policy
        self.resource = group_resource(desired.name, name)
        self.temporary = temporary_name(name, policy.replacement_name)
        self.temporary_resource = group_resource(desired.name, self.temporary)
        self.others = [spec.name for spec in desired.nodegroups if spec.name != name]
        self.old = observed.nodegroups.get(name)
        self.found = observed.nodegroups.get(self.temporary)
        #: Whether the old node group was deleted in favor of the temporary one.
        self.begun = (
            self.found is not None
            and self.temporary not in self.others
            and was_begun(observed.history, self.found.state, name)
        )

    def plan(self) -> Plan | None:
        """The steps of the replacement that are left; None if the node group is created or changed
        as usual.

        :raises NksError: the node group has to be replaced, and this is not possible.
        """
        if self.old is None:
            return self._plan_after_deletion()
        differing = fixed.differences(
            self.options, rows.NODEGROUP, (None, self.old.state), self.observed.names
        )
        # The last creation of a replacement may have failed; the node group cannot be used then.
        unusable = self.begun and self.old.state["status"] == "CREATE_FAILED"
        if not differing and not unusable:
            return None
        self._check_names()
        source = self.found if unusable and self.found is not None else self.old
        values = self._values(source)
        if self.found is not None:
            self._require_own(values, self.old.state, self.found.state)
        before = {"state": ("present", "absent")}
        before.update({option: (current, None) for option, current, _desired in differing})
        old = replace(deletion(self.resource, self.old.state["uuid"]), changes=before)
        if unusable and self.found is not None:
            spare = deletion(self.temporary_resource, self.found.state["uuid"])
            new = self._create(self.name, values)
            steps = [old, new, spare] if _usable(self.found.state) else [old, spare, new]
            return Plan(steps)
        first, last, warnings = self._temporary_steps(values, differing)
        return Plan([*first, old, self._create(self.name, values), last], warnings)

    def plan_leftover(self) -> Plan:
        """The deletion of a temporary node group that is no longer needed; a warning if it is not
        certain to be one.
        """
        if self.found is None or not self.begun:
            return Plan()
        values = dict(self.options)
        if self.old is not None:
            values = {**_kept(self.old.state), **_set(self.options)}
        differing = self._differences_of_temporary(values, self.found.state)
        if self.old is None or differing:
            return Plan(
                warnings=[
                    "%s seems to be left over from an earlier replacement of %s, but it differs in "
                    "%s, so it is not deleted. If you do not need it, delete it (state: absent)."
                    % (self.temporary_resource, self.resource, ", ".join(differing))
                ]
            )
        return Plan([deletion(self.temporary_resource, self.found.state["uuid"])])

    # -- steps -------------------------------------------------------------------------------------

    def _plan_after_deletion(self) -> Plan | None:
        """The steps if the old node group is deleted already: the values of options that are not
        set come from the temporary one.
        """
        if self.found is None or not self.begun:
            return None
        if self._differences_of_temporary(self.options, self.found.state):
            return None
        self._check_names()
        new = self._create(self.name, self._values(self.found))
        spare = deletion(self.temporary_resource, self.found.state["uuid"])
        # A node group whose creation failed has no workload, and the service accepts nothing but its
        # deletion.
        return Plan([spare, new] if self.found.state["status"] == "CREATE_FAILED" else [new, spare])

    def _temporary_steps(
        self, values: Options, differing: Iterable[fixed.Difference]
    ) -> tuple[list[Operation], Operation, list[str]]:
        """What happens to the temporary node group before and after the old one is replaced, and
        warnings.

        :param values: the options of the new node group.
        :param differing: the differences that are the reason.
        """
        found = None if self.found is None else self.found.state
        if found is not None and _usable(found):
            return [], deletion(self.temporary_resource, found["uuid"]), []
        # One whose creation failed is deleted and created again: nothing else can be done with it.
        first = [] if found is None else [deletion(self.temporary_resource, found["uuid"])]
        warnings = self._check_capacity(values)
        create = self._create(self.temporary, values)
        outcome = tuple((option, self._shown(option)) for option, _before, _after in differing)
        # The old node group is only deleted if the temporary one got what was requested.
        created = replace(create, outcome=outcome)
        last = replace(
            deletion(self.temporary_resource),
            send=None,
            group=self.temporary,
            bind=lambda uuid: deletion(self.temporary_resource, uuid),
        )
        return [*first, created], last, warnings

    def _create(self, name: str, values: Options) -> Operation:
        (create,) = creation.create_nodegroup(self.cluster, {**values, "name": name}).operations
        return create

    def _shown(self, option: str) -> Callable[[State], bool]:
        """The function of a state that is true if an option has the desired value."""

        def holds(state: State) -> bool:
            found = fixed.differences(self.options, rows.NODEGROUP, (None, state), {})
            return all(differing != option for differing, _before, _after in found)

        return holds

    # -- conditions --------------------------------------------------------------------------------

    def _check_names(self) -> None:
        """Check that the name of the temporary node group is free for it.

        :raises BadInput: it is not, or the node group cannot be replaced.
        """
        check_names(self.name, self.policy.replacement_name)
        if self.temporary in self.others:
            raise _name_refused(
                self.temporary,
                "is another node group that you manage together with %s" % self.name,
                "set another name for its replacement",
            )
        if self.policy.replacement_name is None:
            for other in self.others:
                if temporary_name(other) == self.temporary:
                    raise _name_refused(
                        self.temporary,
                        "would be the temporary node group of both %s and %s" % (self.name, other),
                        "set another name",
                    )

    def _require_own(self, values: Options, old: State, found: State) -> None:
        """Require that an existing node group with the temporary name was created for the
        replacement, because it will be deleted.

        :param values: the options of the new node group.
        :raises BadInput: it was not, as far as the service shows it.
        """
        differing = self._differences_of_temporary(values, found)
        remedy = (
            "set replacement_name to a name that is not in use, or delete node group %s "
            "(state: absent) if you do not need it" % self.temporary
        )
        if differing:
            raise _name_refused(
                self.temporary,
                "is an existing node group that differs in %s from the one that is to replace %s"
                % (", ".join(differing), self.resource),
                remedy,
            )
        if in_use(self.observed.history, found):
            raise _name_refused(
                self.temporary,
                "is an existing node group that was changed after its creation, so it is in use",
                remedy,
            )
        dates = [state.get("created_at") for state in (found, old)]
        if not self.begun and all(isinstance(date, str) for date in dates) and dates[0] < dates[1]:
            raise _name_refused(
                self.temporary,
                "is an existing node group that was created before %s, so not to replace it"
                % self.resource,
                remedy,
            )

    def _differences_of_temporary(self, values: Options, found: State) -> list[str]:
        """The options that cannot be changed and in which the temporary node group differs.

        :param values: option -> desired value.
        """
        # Other labels than those that are set can change later.
        compared = dict(values, labels=self.options.get("labels"))
        differing = fixed.differences(compared, rows.NODEGROUP, (None, found), {})
        return [option for option, _before, _after in differing]

    def _check_capacity(self, values: Options) -> list[str]:
        """Check that the temporary node group fits into the cluster, as far as the service shows
        it.

        :returns: a warning if the default quota does not allow it: the API does not show the quota.
        :raises NksError: it does not fit.
        """
        capacity = self.observed.capacity
        if capacity is None:
            return []
        count = values.get("node_count") or 1
        counts = {
            name: nodes for name, nodes in capacity.node_counts.items() if name != self.temporary
        }
        most = _most_nodes(self.observed.cluster or {})
        if most is not None and sum(counts.values()) + count > most:
            raise NksError(
                "%s cannot be replaced: together with the %d nodes of %s the cluster would have %d "
                "nodes, and its pod network allows %d. Remove nodes first."
                % (self.resource, count, self.temporary, sum(counts.values()) + count, most)
            )
        own = (self.observed.cluster or {}).get("fixed_subnet")
        for subnet in [own, *(values.get("additional_subnets") or [])]:
            free = capacity.addresses.get(wire.one_spelling(subnet))
            if free is not None and free < count:
                raise NksError(
                    "%s cannot be replaced: the %d nodes of %s need as many addresses, and subnet "
                    "%s has %d free addresses. Remove nodes or other resources from the subnet "
                    "first." % (self.resource, count, self.temporary, subnet, free)
                )
        if len(counts) < DEFAULT_QUOTA:
            return []
        return [
            "%s would be node group number %d of the cluster, and the default quota is %d. If your "
            "quota is not larger, NKS rejects this first step and nothing changes."
            % (self.temporary_resource, len(counts) + 1, DEFAULT_QUOTA)
        ]

    # -- values ------------------------------------------------------------------------------------

    def _values(self, source: ObservedNodegroup) -> Options:
        """The options of the new node group: those that are set, and those of an existing node
        group for all others.

        :param source: the node group whose values are kept.
        :raises NksError: a value is needed that the service does not show.
        """
        values = completed(self.options, source)
        missing = [
            row.option
            for row in rows.NODEGROUP.values()
            if row.required and values.get(row.option) in (None, "")
        ]
        if missing:
            raise NksError(
                "%s cannot be replaced: NKS does not show its %s. Set %s in the task."
                % (self.resource, ", ".join(missing), "it" if len(missing) == 1 else "them")
            )
        unknown = "is needed to create the node group again, and NKS does not show it"
        if values.get("boot_volume_key_id") and not values.get("boot_volume_appkey"):
            raise BadInput("boot_volume_appkey", None, unknown, "set it")
        for volume in values.get("extra_volumes") or []:
            if volume.get("key_id") and not volume.get("appkey"):
                raise BadInput(
                    "extra_volumes.appkey",
                    None,
                    unknown,
                    "set extra_volumes with the appkey of each encrypted volume",
                )
        rules.check_pairs(values)
        return values


def completed(options: Options, source: ObservedNodegroup) -> dict[str, Any]:
    """The options of a node group that is to be like an existing one in everything that is not set.

    :param options: the options that are set.
    :param source: the existing node group.
    :raises BadInput: the settings of the autoscaler contradict each other.
    """
    kept, given = _kept(source.state), _set(options)
    values = {**kept, **given}
    if "extra_volumes" in kept and "extra_volumes" in given:
        kind = rows.NODEGROUP["extra_volumes"].kind
        if isinstance(kind, Volumes):
            values["extra_volumes"] = kind.completed(given["extra_volumes"], kept["extra_volumes"])
    settings = _autoscale(given.get("autoscale") or {}, source.autoscale)
    if settings:
        values["autoscale"] = settings
    values["node_count"] = _node_count(values, given, kept, source.autoscale)
    labels = {**_kept_labels(source.state), **(given.get("labels") or {})}
    if labels:
        values["labels"] = labels
    return values


def _set(options: Options) -> dict[str, Any]:
    """The options of a creation that are set."""
    return {
        option: value
        for option, value in options.items()
        if value is not None and (option in rows.NODEGROUP or option in rows.COMMON)
    }


def _kept(state: State) -> dict[str, Any]:
    """The values of a node group that a creation sends; without empty ones, which are like missing
    ones.
    """
    shown = {row.option: row.observed(None, state) for row in rows.NODEGROUP.values() if row.sent}
    return {
        option: value
        for option, value in shown.items()
        if value is not UNKNOWN and value not in (None, "", [])
    }


def _autoscale(given: Options, current: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the autoscaler: those that are set, and the current ones.

    :param current: the current settings by the API's names.
    :raises BadInput: they contradict each other.
    """
    before = {
        row.option: current[str(row.group)]
        for row in rows.AUTOSCALE.values()
        if isinstance(current.get(str(row.group)), int)
    }
    settings = {**before, **{key: value for key, value in given.items() if value is not None}}
    if given:
        rules.check_autoscale_change(given, before, settings, "autoscale.")
    return settings if "enabled" in settings else {}


def _node_count(values: Options, given: Options, kept: Options, current: Mapping[str, Any]) -> int:
    """The number of nodes of the new node group: the desired or the current one. If the autoscaler
    is on, it has decided the current one.

    :raises BadInput: the desired number is outside of the autoscaler's limits.
    """
    count = kept.get("node_count")
    count = count if isinstance(count, int) and count > 0 else 1
    wanted: int = given.get("node_count") or count
    settings = values.get("autoscale") or {}
    if settings.get("enabled") is not True:
        return wanted
    low = settings.get("min_node_count") or creation.DEFAULT_MIN_NODES
    high = settings.get("max_node_count") or max(creation.DEFAULT_MAX_NODES, count)
    if "node_count" in given and not low <= wanted <= high:
        # The error of any other creation.
        return wanted
    if current.get("ca_enable") is True and low <= count <= high:
        return count
    return min(max(wanted, low), high)


def _kept_labels(state: State) -> dict[str, Any]:
    """The labels of a creation that have no option, in the form of the option ``labels``."""
    shown = state.get("labels") or {}
    owned = rows.owned_labels()
    kept = {}
    for label in rows.GROUP_LABELS:
        value = shown.get(label)
        if label in owned or value in (None, "", {}, []):
            continue
        if label.startswith("mba_") and isinstance(value, dict):
            # The service fills in policies that were never set (observed).
            if value.get("enable") is not True and not value.get("rules"):
                continue
        kept[label] = wire.write("bool", value) if isinstance(value, bool) else value
    return {label: str(value) if isinstance(value, int) else value for label, value in kept.items()}


def _most_nodes(cluster: State) -> int | None:
    """The largest number of nodes that the pod network of a cluster allows (NKS user guide, Create
    a Cluster); None if the service does not show the network.
    """
    labels = cluster.get("labels") or {}
    size = labels.get("pods_network_subnet")
    try:
        network = ipaddress.ip_network(str(labels.get("pods_network_cidr")), strict=False)
    except ValueError:
        return None
    if not isinstance(size, int) or not network.prefixlen < size <= network.max_prefixlen:
        return None
    return int(2 ** (size - network.prefixlen)) - RESERVED_NODES


def _usable(state: State) -> bool:
    """Whether a node group can take over the workload."""
    return str(state["status"]).endswith("_COMPLETE")
