# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan consists of: operations with their changes, what is reported of them, and whether it
is the plan that was approved.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Mapping, Sequence, Tuple

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api

#: The value of an option before and after, free of secrets.
Change = Tuple[Any, Any]
#: option -> UUID -> name, for options that the user set by name.
Names = Mapping[str, Mapping[str, str]]
#: An operation as :meth:`Operation.report` returns it.
Action = Dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One step of a plan: what is reported of it, the request, and how to see that it is done."""

    #: One of the documented names of actions.
    name: str
    #: "cluster/NAME", "cluster/NAME/nodegroup/NAME" or "file/PATH".
    resource: str
    changes: Mapping[str, Change]
    #: Sends the request, for the UUID of the cluster; None for an operation without a request.
    send: Callable[[Api, str], Any] | None = None
    #: The node group that shows the outcome; None for the cluster itself.
    group: str | None = None
    #: Options with a function of the typed resource that is true once the change has taken effect.
    outcome: tuple[tuple[str, Callable[[State], bool]], ...] = ()
    #: Reads what the resource itself does not show. ``outcome`` and ``start`` get it as ``detail``
    #: of the state.
    detail: Callable[[Api, str], Any] | None = None
    #: True as long as the resource has the values of ``changes`` before; None if that is not known.
    start: Callable[[State], bool] | None = None
    #: The name of what is created; None for other operations.
    creates: str | None = None
    #: The same operation for the UUID of a node group that an earlier operation of the plan creates
    #: under the name ``group``; None if ``group`` is known.
    bind: Callable[[str], Operation] | None = None

    def missing(self, state: State, api: Api, cluster: str) -> list[str]:
        """The options whose desired value the service does not show.

        :param state: the typed resource, just read.
        :param cluster: UUID of the cluster.
        """
        whole = self._whole(state, api, cluster)
        return [option for option, holds in self.outcome if not holds(whole)]

    def expected(self, state: State, api: Api, cluster: str) -> bool:
        """Whether the change is still missing and its resource has not changed since the operation
        was planned.
        """
        whole = self._whole(state, api, cluster)
        missing = not self.outcome or any(not holds(whole) for _option, holds in self.outcome)
        return missing and (self.start is None or self.start(whole))

    def _whole(self, state: State, api: Api, cluster: str) -> State:
        return state if self.detail is None else dict(state, detail=self.detail(api, cluster))

    def report(self) -> Action:
        """The operation in the form of ``actions`` in the result."""
        changes = {
            option: {"before": before, "after": after}
            for option, (before, after) in self.changes.items()
        }
        return {"action": self.name, "resource": self.resource, "changes": changes}


def deletion(resource: str, group: str | None = None) -> Operation:
    """The operation that deletes a cluster, or one of its node groups.

    :param group: UUID of the node group.
    """

    def send(api: Api, ref: str) -> Any:
        return api.delete_nodegroup(ref, group) if group else api.delete_cluster(ref)

    return Operation("delete", resource, {"state": ("present", "absent")}, send, group)


class Plan:
    """The operations to perform, in order, and the warnings that come with them."""

    def __init__(self, operations: Iterable[Operation] = (), warnings: Iterable[str] = ()) -> None:
        self.operations = list(operations)
        self.warnings = list(warnings)

    @property
    def changed(self) -> bool:
        """Whether there is any operation to perform."""
        return bool(self.operations)

    def report(self) -> list[Action]:
        """``actions`` of the result."""
        return [operation.report() for operation in self.operations]

    def named(self, names: Names) -> Plan:
        """The same plan, reported with names instead of UUIDs."""
        operations = []
        for operation in self.operations:
            changes = {
                option: named_pair(before, after, names.get(option))
                for option, (before, after) in operation.changes.items()
            }
            operations.append(replace(operation, changes=changes))
        return Plan(operations, self.warnings)

    def diff(self) -> dict[str, Any]:
        """Ansible's diff: the options of each resource that change, with the first value before and
        the last one after.
        """
        before: dict[str, dict[str, Any]] = {}
        after: dict[str, dict[str, Any]] = {}
        for operation in self.operations:
            for option, (old, new) in operation.changes.items():
                before.setdefault(operation.resource, {}).setdefault(option, old)
                after.setdefault(operation.resource, {})[option] = new
        return {"before": before, "after": after}


def digest(actions: Sequence[Action]) -> str:
    """The digest of a plan: SHA-256, as 64 hexadecimal digits in lower case, of the canonical JSON of
    ``actions`` (keys sorted, no white space, ASCII).

    It depends on nothing else, so check mode and a normal run have the same one. A plan without
    operations has a digest too.

    :param actions: as the result shows them, without secrets.
    """
    text = json.dumps(actions, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def require_approved(
    actions: Sequence[Action], current: str, expected: str | None, performed: int = 0
) -> None:
    """Require that a plan is the one that was approved.

    :param actions: the actions of the whole plan, for the failed result.
    :param current: their digest.
    :param expected: the digest of the approved plan; None if any plan is accepted.
    :param performed: how many of the actions, from the first one, were performed before the state
        turned out to be another one.
    :raises NksError: another plan was approved; the values are ``actions`` and ``plan_digest``.
    """
    if expected is None or current == expected.lower():
        return
    found = "the current plan has the digest %s" % current
    if not actions:
        found = (
            "nothing is left to do, so the current plan is empty and has the digest %s" % current
        )
    outcome = "no changes were made"
    if performed:
        found = "the state changed during the task, and " + found
        outcome = "of these actions, only the first %s performed" % (
            "one was" if performed == 1 else "%d were" % performed
        )
    raise NksError(
        "expect_plan: %s instead of the expected %s; %s. Run the task in check mode again, review "
        "actions, and set expect_plan to the new plan_digest." % (found, expected, outcome),
        actions=list(actions),
        plan_digest=current,
    )


def named(value: Any, names: Mapping[str, str], beside: bool = False) -> Any:
    """A value of an option with names for its UUIDs.

    :param names: UUID -> name.
    :param beside: whether the UUID is shown next to each name.
    """
    if isinstance(value, list):
        return [named(item, names, beside) for item in value]
    if isinstance(value, dict):
        return {key: named(item, names, beside) for key, item in value.items()}
    name = names.get(value) if isinstance(value, str) else None
    if not name:
        return value
    return "%s (%s)" % (name, value) if beside else name


def named_pair(before: Any, after: Any, names: Mapping[str, str] | None) -> Change:
    """Both values of a change with names for their UUIDs; with the UUIDs too, if two resources have
    the same name.
    """
    if not names:
        return before, after
    pair = named(before, names), named(after, names)
    if before == after or pair[0] != pair[1]:
        return pair
    return named(before, names, True), named(after, names, True)


def cluster_resource(cluster: str) -> str:
    """The name of a cluster in operations and messages."""
    return "cluster/%s" % cluster


def group_resource(cluster: str, group: str) -> str:
    """The name of a node group in operations and messages."""
    return "cluster/%s/nodegroup/%s" % (cluster, group)
