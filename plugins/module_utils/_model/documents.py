# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documents that a plan compares: a cluster as it is desired, and as it was observed.

A module describes the part of a cluster that it manages: nks_ipacl a document that holds only
access control, nks_nodegroup one with a single node group. What a document does not mention is not
changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, Mapping

Options = Mapping[str, Any]
State = Dict[str, Any]

PRESENT = "present"
ABSENT = "absent"


@dataclass(frozen=True)
class Policy:
    """How differences are handled and how nodes are replaced; the options of the same names
    describe the values.
    """

    immutable: str = "fail"
    upgrade: str = "control_plane"
    num_buffer_nodes: int | None = None
    num_max_unavailable_nodes: int | None = None
    #: With ``immutable: replace``, the name of the temporary node group; None for the default.
    replacement_name: str | None = None

    @classmethod
    def of(cls, options: Options) -> Policy:
        """The policy that a module's options describe."""
        names = (
            "immutable",
            "upgrade",
            "num_buffer_nodes",
            "num_max_unavailable_nodes",
            "replacement_name",
        )
        return cls(**{name: options[name] for name in names if options.get(name) is not None})


@dataclass(frozen=True)
class NodesSpec:
    """Nodes that are started or stopped."""

    #: UUIDs of the instances.
    uuids: tuple[str, ...]
    #: started or stopped.
    state: str


@dataclass(frozen=True)
class NodegroupSpec:
    """A node group as it is desired."""

    name: str
    state: str = PRESENT
    #: The options of a node group that are set, with UUIDs for references; None if only the members
    #: below are managed.
    options: Options | None = None
    #: Settings of the autoscaler that are reported one by one (nks_autoscale); as a part of a node
    #: group they are in ``options``.
    autoscale: Options | None = None
    nodes: NodesSpec | None = None
    #: Its own policy; None for that of the document.
    policy: Policy | None = None


@dataclass(frozen=True)
class AccessSpec:
    """IP access control of the API endpoint as it is desired: the options of nks_ipacl."""

    state: str = PRESENT
    action: str | None = None
    targets: list[dict[str, Any]] | None = None
    purge: bool = True
    keep: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClusterSpec:
    """A cluster as it is desired, or the part of it that a task manages."""

    name: str
    state: str = PRESENT
    #: The options of a cluster that are set, with UUIDs for references; None if the cluster itself
    #: is not managed.
    options: Options | None = None
    nodegroups: tuple[NodegroupSpec, ...] = ()
    ipacl: AccessSpec | None = None
    #: Years that a new certificate is valid; None if it is not renewed.
    certificate: int | None = None


@dataclass
class ObservedNodegroup:
    """A node group as the service shows it."""

    #: The typed node group; ``stopped`` has the names of stopped nodes, if they were looked up.
    state: State
    #: The settings of the autoscaler, typed, by the API's names.
    autoscale: Options = field(default_factory=dict)
    #: Its instances, and the function that reads them again; see :meth:`names.Names.instances`.
    instances: list[dict[str, Any]] = field(default_factory=list)
    read_instances: Callable[[Any, str], list[dict[str, Any]]] | None = None


@dataclass(frozen=True)
class Capacity:
    """What a new node group has to fit into, as far as the service shows it."""

    #: Name -> number of nodes of every worker group of the cluster.
    node_counts: Mapping[str, int] = field(default_factory=dict)
    #: UUID of a subnet -> its free addresses.
    addresses: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Observed:
    """A cluster as the service shows it, as far as the document needs it."""

    #: The typed cluster; None if it does not exist.
    cluster: State | None = None
    #: Node groups by name; one that does not exist is missing. The temporary node group of one that
    #: may be replaced is among them.
    nodegroups: dict[str, ObservedNodegroup] = field(default_factory=dict)
    #: All typed worker groups, if there may be an upgrade.
    workers: list[State] = field(default_factory=list)
    #: Versions as :func:`wire.versions` gives them.
    versions: list[dict[str, Any]] = field(default_factory=list)
    #: Access control as :func:`wire.ipacl` gives it, and the cluster's own subnets as networks.
    ipacl: State | None = None
    subnets: tuple[Any, ...] = ()
    #: option -> UUID -> name, for options that the user set by name.
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: UUID -> name of the flavors, if they were looked up.
    flavors: Mapping[str, str] = field(default_factory=dict)
    #: The cluster's task history, if there is a node group with the name of a temporary one.
    history: list[State] = field(default_factory=list)
    #: None if no node group has to be replaced.
    capacity: Capacity | None = None

    @classmethod
    def merged(cls, parts: Iterable[Observed]) -> Observed:
        """What several tasks observed of one cluster, as one document. Of what cannot be united,
        the first part that has it counts.

        :param parts: each with what one part of the document needs.
        """
        whole = cls()
        names: dict[str, dict[str, str]] = {}
        flavors: dict[str, str] = {}
        for part in parts:
            whole.cluster = whole.cluster or part.cluster
            for name, group in part.nodegroups.items():
                known = whole.nodegroups.get(name)
                if known is not None:
                    group = ObservedNodegroup(
                        {**group.state, **known.state}, known.autoscale or group.autoscale
                    )
                whole.nodegroups[name] = group
            whole.workers = whole.workers or part.workers
            whole.versions = whole.versions or part.versions
            whole.ipacl = whole.ipacl or part.ipacl
            whole.subnets = whole.subnets or part.subnets
            whole.history = whole.history or part.history
            whole.capacity = whole.capacity or part.capacity
            flavors.update(part.flavors)
            for option, found in part.names.items():
                names.setdefault(option, {}).update(found)
        whole.names, whole.flavors = names, flavors
        return whole
