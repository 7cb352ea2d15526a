# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The groups of the inventory, and which names its hosts can have. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Callable, Iterator, Sequence, Tuple

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._observe.listing import (
        Cluster,
        Listing,
        NodeGroup,
    )

TOP_GROUP = "nks"
#: UUIDs of a cluster and of its node group.
Key = Tuple[str, str]
#: A host name from which neither a path (host_vars, fetched files) nor an option nor a host pattern can be made.
HOST_NAME = re.compile(r"\w[\w.-]{0,252}")
#: Names with another meaning for Ansible, and texts that can be the address of something else.
RESERVED_NAMES = ("all", "ungrouped", "localhost")
NUMBERS = re.compile(r"[0-9]+(\.[0-9]+){3}")


def is_host_name(name: str) -> bool:
    """Whether a text that is not the node's address can be the name of a host.

    Names become paths (host_vars, fetched files, the cache of facts), parts of patterns and arguments of commands. The service, and
    anyone who can name its instances, must not be able to choose such texts.
    """
    return (
        bool(HOST_NAME.fullmatch(name))
        and name.lower() not in RESERVED_NAMES
        and not NUMBERS.fullmatch(name)
    )


def distinction(cluster: Cluster) -> str:
    """Region and UUID of a cluster, which distinguish clusters of one name."""
    return ", ".join(filter(None, [cluster["region"], cluster["cluster_uuid"]]))


class Layout:
    """The groups of a listing: one for each cluster and each node group, unless their names are equal.

    :param prefix: of the names of groups, except that of the top group.
    :param safe: replaces characters that the name of a group cannot contain.
    :ivar names: of all groups, in the order in which they are added to the inventory.
    """

    def __init__(self, listing: Listing, prefix: str, safe: Callable[[str], str]) -> None:
        #: Name of a group -> the clusters that it belongs to.
        self._clusters: dict[str, list[Cluster]] = {}
        #: Name of a group -> the node groups that it belongs to, each with its cluster and the name of the cluster's group.
        self._groups: dict[str, list[tuple[str, Cluster, NodeGroup]]] = {}
        names = {TOP_GROUP: None}
        for cluster in listing["clusters"]:
            top = safe("%scluster_%s" % (prefix, cluster["cluster"]))
            names[top] = None
            self._clusters.setdefault(top, []).append(cluster)
            for group in cluster["groups"]:
                both = (cluster["cluster"], group["nodegroup"])
                name = safe("%snodegroup_%s_%s" % (prefix, *both))
                names[name] = None
                self._groups.setdefault(name, []).append((top, cluster, group))
        self.names = list(names)

    def children(self) -> Iterator[tuple[str, str]]:
        """Names of a group and of a group in it."""
        for top in self._clusters:
            yield TOP_GROUP, top
        for name in self._groups:
            # Cluster "a" with group "b-c" and cluster "a-b" with group "c" share a group. If it were a child of both clusters' groups,
            # each cluster's group would contain the other's nodes.
            tops = self._tops(name)
            for top in [TOP_GROUP] if len(tops) > 1 else tops:
                yield top, name

    def homes(self) -> dict[Key, tuple[str, ...]]:
        """Node group -> names of the groups to which its hosts are added."""
        found: dict[Key, tuple[str, ...]] = {}
        for name, owners in self._groups.items():
            shared = len(self._tops(name)) > 1
            for top, cluster, group in owners:
                key = (cluster["cluster_uuid"], group["nodegroup_uuid"])
                found[key] = (top, name) if shared else (name,)
        return found

    def warnings(self) -> Iterator[str]:
        """One sentence for each group that belongs to several clusters or node groups."""
        for name, clusters in self._clusters.items():
            if len(clusters) > 1:
                labels = ["%s (%s)" % (one["cluster"], distinction(one)) for one in clusters]
                yield _shared(name, "clusters", labels)
        for name, owners in self._groups.items():
            labels = [
                "%s of cluster %s" % (one["nodegroup"], in_["cluster"]) for _top, in_, one in owners
            ]
            different = len(set(labels))
            # Node groups of one name in clusters of one name are part of the clusters' warning.
            if different > 1:
                if different < len(labels):
                    labels = [
                        "%s (%s)" % (label, distinction(cluster))
                        for label, (_top, cluster, _group) in zip(labels, owners)
                    ]
                yield _shared(name, "node groups", labels)

    def _tops(self, name: str) -> list[str]:
        """Names of the groups of the clusters to whose node groups a group belongs."""
        return list(dict.fromkeys(top for top, _cluster, _group in self._groups[name]))


def _shared(name: str, kind: str, labels: Sequence[str]) -> str:
    return "Group %s holds the nodes of %d %s: %s." % (name, len(labels), kind, ", ".join(labels))
