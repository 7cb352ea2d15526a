# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The worker nodes of a project as plain data: its form, which cached data is accepted, and how messages name what is in it."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Callable, Dict, Mapping, Sequence, TypedDict

from ansible_collections.nhncloud.nks.plugins.module_utils._client import connection
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    NksError,
    in_sentence,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._observe import nodes

#: The options of an inventory source, by name; their types are those of the plugin's documentation.
Options = Dict[str, Any]


class Node(TypedDict):
    """A worker node; with only its address if its instance was not read or is not certain."""

    address: str
    name: str | None
    uuid: str | None
    status: str | None


class NodeGroup(TypedDict):
    """A node group with its nodes."""

    nodegroup: str
    nodegroup_uuid: str
    kubernetes_version: str | None
    flavor_id: str | None
    image_id: str | None
    availability_zone: str | None
    role: str | None
    status: str | None
    autoscale_enabled: bool
    nodes: list[Node]


class Cluster(TypedDict):
    """A cluster with its node groups. Without a region, the endpoint was set instead."""

    cluster: str
    cluster_uuid: str
    region: str | None
    groups: list[NodeGroup]


class Listing(TypedDict):
    """Everything that is read, and kept in the cache."""

    form: int
    #: The entries of the option clusters that are in none of the regions.
    missing: list[str]
    clusters: list[Cluster]


#: Increase it when the meaning of the data changes; older data in a cache is then ignored.
CACHE_FORM = 2
TEXT = (str, type(None))
#: The same forms for a check at run time: a type, a list of one form, or a dict of forms.
NODE = {"address": str, "name": TEXT, "uuid": TEXT, "status": TEXT}
GROUP = {
    "nodegroup": str,
    "nodegroup_uuid": str,
    "kubernetes_version": TEXT,
    "flavor_id": TEXT,
    "image_id": TEXT,
    "availability_zone": TEXT,
    "role": TEXT,
    "status": TEXT,
    "autoscale_enabled": bool,
    "nodes": [NODE],
}
CLUSTER = {"cluster": str, "cluster_uuid": str, "region": TEXT, "groups": [GROUP]}
LISTING = {"form": int, "missing": [str], "clusters": [CLUSTER]}

#: The options that decide what is read, besides the URL of the identity service.
DECIDING = (
    "tenant_id",
    "username",
    "token",
    "domain",
    "kubernetes_endpoint",
    "compute_endpoint",
    "network_endpoint",
    "regions",
    "clusters",
    "cluster_query",
    "nodegroups",
    "resolve_nodes",
)
#: A warning contains at most so many names, and so many characters of a name.
MAX_NAMED = 5
MAX_SHOWN = 60


# -- cache -----------------------------------------------------------------------------------------------------------


def cache_key(options: Options) -> str:
    """A digest of everything that decides what is read: sources that differ in any of it do not share a cache entry.

    :raises NksError: ``auth_url`` is invalid.
    """
    parts = [connection.identity_url(options), *(options[name] for name in DECIDING)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def accepted(value: Any) -> Listing | None:
    """A value from a cache, which may be damaged or changed by someone else, as a listing; None if it is not a usable one."""
    if not fits(value, LISTING) or value["form"] != CACHE_FORM:
        return None
    found: Listing = value
    return found if _has_node_addresses(found) else None


def fits(value: Any, form: Any) -> bool:
    """Whether a value has the given form: a type, a list of one form, or a dict of forms."""
    if isinstance(form, dict):
        return (
            isinstance(value, dict)
            and value.keys() == form.keys()
            and all(fits(value[key], form[key]) for key in form)
        )
    if isinstance(form, list):
        return isinstance(value, list) and all(fits(item, form[0]) for item in value)
    return isinstance(value, form)


def _has_node_addresses(listing: Listing) -> bool:
    """Whether a node can have each of the addresses; anyone who can write the cache file must not be able to choose others."""
    return all(
        nodes.address(node["address"]) == node["address"]
        for cluster in listing["clusters"]
        for group in cluster["groups"]
        for node in group["nodes"]
    )


# -- messages --------------------------------------------------------------------------------------------------------


def report_missing(listing: Listing, options: Options, warn: Callable[[str], None]) -> None:
    """Report clusters and node groups that the options name and that were not found.

    :raises NksError: a cluster is missing, and strict_clusters is set.
    """
    regions = " or ".join(region or "the service" for region in options["regions"])
    for name in listing["missing"]:
        message = "clusters: there is no cluster '%s' in %s." % (name, regions)
        if options["strict_clusters"]:
            raise NksError(message)
        warn(message)
    if not options["nodegroups"]:
        return
    found = {
        text.lower()
        for cluster in listing["clusters"]
        for group in cluster["groups"]
        for text in (group["nodegroup"], group["nodegroup_uuid"])
    }
    for name in options["nodegroups"]:
        if name.lower() not in found:
            warn("nodegroups: none of the clusters has a node group '%s'." % name)


def quoted(value: Any) -> str:
    """A value of a reply, of any type, for a message."""
    text = in_sentence(value)
    return "'%s'" % (text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "...")


def some(texts: Sequence[str]) -> str:
    """The first of several texts, and how many more there are."""
    more = " and %d more" % (len(texts) - MAX_NAMED) if len(texts) > MAX_NAMED else ""
    return ", ".join(texts[:MAX_NAMED]) + more


def host_variables(cluster: Mapping[str, Any], group: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that all nodes of a group have in common."""
    found = {"nks_" + key: cluster[key] for key in CLUSTER if key != "groups"}
    found.update(("nks_" + key, group[key]) for key in GROUP if key != "nodes")
    return found
