# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan is made of: actions with their changes, and what is told of them."""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput


class Action:
    """One step: what the user is told of it, the call that does it, and how to see that it is done.

    :param name: one of the documented names of actions.
    :param resource: "cluster/NAME" or "cluster/NAME/nodegroup/NAME".
    :param changes: option -> (before, after), free of secrets.
    :param call: (method of :class:`api.Api`, arguments after the cluster's reference, keyword arguments).
    :param group: the node group that shows the outcome; None for the cluster itself.
    :param outcome: list of (option, function of the typed resource) that hold when the change has arrived.
    :param look: function of (api, cluster's UUID) that reads what the resource itself does not show; what it returns
        stands under ``detail`` of the state that ``outcome`` and ``start`` are asked about.
    :param start: function of the typed resource that holds as long as it is as ``changes`` has it before the action; None where
        nothing is known of that.
    """

    def __init__(self, name, resource, changes, call=None, group=None, outcome=(), look=None, start=None):
        self.name = name
        self.resource = resource
        self.changes = changes
        self.call = call
        self.group = group
        self.outcome = list(outcome)
        self.look = look
        self.start = start

    def missing(self, state, api, cluster):
        """The options whose wanted value the service does not show.

        :param state: the typed resource, just read.
        """
        state = self._whole(state, api, cluster)
        return [option for option, holds in self.outcome if not holds(state)]

    def expected(self, state, api, cluster):
        """Whether the action is still missing, and its resource as it was when the action was planned; parameters as of ``missing``."""
        state = self._whole(state, api, cluster)
        missing = not self.outcome or any(not holds(state) for _option, holds in self.outcome)
        return missing and (self.start is None or self.start(state))

    def _whole(self, state, api, cluster):
        return state if self.look is None else dict(state, detail=self.look(api, cluster))

    def told(self):
        """The action as the result has it."""
        return {
            "action": self.name,
            "resource": self.resource,
            "changes": {option: {"before": before, "after": after} for option, (before, after) in self.changes.items()},
        }


class Plan:
    """What has to be done, in order, and what the user should be told besides."""

    def __init__(self, actions=(), warnings=()):
        self.actions = list(actions)
        self.warnings = list(warnings)

    @property
    def changed(self):
        """Whether there is anything to do."""
        return bool(self.actions)

    def told(self):
        """``actions`` of the result."""
        return [action.told() for action in self.actions]

    def named(self, names):
        """The same plan, told with names.

        :param names: option -> UUID -> name, for the options that the user gave by name.
        """
        for action in self.actions:
            action.changes = {option: named_pair(before, after, names.get(option)) for option, (before, after) in action.changes.items()}
        return self

    def diff(self):
        """Ansible's diff: per resource the options that change; the first value before, the last one after."""
        before, after = {}, {}
        for action in self.actions:
            for option, (old, new) in action.changes.items():
                before.setdefault(action.resource, {}).setdefault(option, old)
                after.setdefault(action.resource, {})[option] = new
        return {"before": before, "after": after}


def named(value, names, beside=False):
    """A value of an option with names for its UUIDs.

    :param names: UUID -> name.
    :param beside: whether each UUID is told beside its name.
    """
    if isinstance(value, list):
        return [named(item, names, beside) for item in value]
    if isinstance(value, dict):
        return {key: named(item, names, beside) for key, item in value.items()}
    name = names.get(value) if isinstance(value, str) else None
    return value if not name else "%s (%s)" % (name, value) if beside else name


def named_pair(before, after, names):
    """Both values of a change with names for their UUIDs; the UUIDs are beside them where two things have one name."""
    if not names:
        return before, after
    pair = named(before, names), named(after, names)
    return pair if before == after or pair[0] != pair[1] else (named(before, names, True), named(after, names, True))


def cluster_resource(cluster):
    """How actions name a cluster."""
    return "cluster/%s" % cluster


def group_resource(cluster, group):
    """How actions name a node group."""
    return "cluster/%s/nodegroup/%s" % (cluster, group)


class Knobs:
    """How rolling changes go: nodes added meanwhile, and nodes that may be missing (NKS API guide, Upgrade a Cluster)."""

    def __init__(self, num_buffer_nodes=None, num_max_unavailable_nodes=None):
        self.call = {"num_buffer_nodes": num_buffer_nodes, "num_max_unavailable_nodes": num_max_unavailable_nodes}
        #: UUID of a node group -> so many nodes it will have left when it is replaced, since it is resized before.
        self.left = {}

    def check(self, resource, group):
        """Refuse beforehand what the service would refuse when the group's turn comes, for an upgrade or a flavor, perhaps after other steps.

        :param group: the typed node group.
        :raises BadInput: more nodes may be missing than there are.
        """
        missing, count = self.call["num_max_unavailable_nodes"], self.left.get(group["uuid"], group.get("node_count"))
        if missing is not None and isinstance(count, int) and missing > max(count, 1):
            raise BadInput("num_max_unavailable_nodes", missing, "is more than the %d nodes of %s" % (count, resource), "give %d or less" % max(count, 1))
