# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the worker nodes of all clusters of a project, in all regions concurrently, for the inventory."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Optional, Tuple, TypeVar

# None of these imports requests: a run from the cache works without it.
from ansible_collections.nhncloud.nks.plugins.module_utils._client import connection, identity
from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api
from ansible_collections.nhncloud.nks.plugins.module_utils._common.clock import Clock
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe import nodes
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.listing import (
    CACHE_FORM,
    Cluster,
    Listing,
    Node,
    NodeGroup,
    Options,
    quoted,
    some,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.pool import Pending, Pool

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State

Answer = TypeVar("Answer")
#: The code of a region; None if there is only the region of an endpoint that is set.
Region = Optional[str]
#: Orders requests, whichever is answered first: what is read (below), the region, and positions in the lists of the service.
Rank = Tuple[int, ...]
REGION, CLUSTER, NODEGROUP, NETWORK = range(4)
#: Options that are the address of a service in one region.
ENDPOINTS = ("kubernetes_endpoint", "compute_endpoint", "network_endpoint")


def prepare(options: Options) -> None:
    """Check the options that decide what is read, and normalize them in place.

    :raises NksError: a value is invalid.
    """
    for name in ("regions", "clusters", "nodegroups"):
        items = [str(item).strip() for item in options[name] or [] if item not in ("", None)]
        options[name] = list(dict.fromkeys(items))
    options["regions"] = list(dict.fromkeys(region.lower() for region in options["regions"]))
    connection.check(options, options["regions"])
    for name in ENDPOINTS:
        if options[name] and len(options["regions"]) > 1:
            raise BadInput(
                name,
                options[name],
                "is the address of one region",
                "omit it, or list only one region in regions",
            )
    if not options["regions"]:
        options["regions"] = [options["region"].lower() if options["region"] else None]
    if options["workers"] < 1:
        raise BadInput(
            "workers",
            options["workers"],
            "is not a number of parallel requests",
            "set it to 1 or more",
        )


def read_listing(options: Options, warn: Callable[[str], None]) -> tuple[Listing, bool]:
    """Log in and read everything.

    :param options: see :func:`prepare`.
    :param warn: called with each warning.
    :returns: the listing, and whether it is complete.
    :raises NksError: see :meth:`Reader.read`; or the login fails, or a region does not exist.
    """
    # Not at the top: it needs requests, without which a run from the cache works.
    from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import Transport

    if options["cluster_query"]:
        # Not at the top: jmespath takes 5 ms, and a run from the cache or without this option needs none of it.
        from ansible_collections.nhncloud.nks.plugins.module_utils._common import query

        query.check(options["cluster_query"], "cluster_query")
    clock = StoppableClock()
    transport = Transport(
        clock,
        timeout=options["request_timeout"],
        max_retries=options["max_retries"],
        verify=(options["ca_cert"] or True) if options["validate_certs"] else False,
        pool_size=options["workers"],
    )
    try:
        account = identity.Identity(transport, options)
        # Not in the threads: a failed login, or a region that does not exist, is reported once and ends everything.
        account.token()
        for region in options["regions"]:
            account.endpoint("kubernetes", region)
        apis = {region: Api(transport, account, region) for region in options["regions"]}
        reader = Reader(apis, options, clock)
        listing = reader.read()
    except NksError as error:
        error.msg = transport.hide(error.msg)
        raise
    finally:
        transport.close()
        for warning in transport.warnings:
            warn(warning)
    for problem in reader.problems:
        warn(transport.hide(problem))
    return listing, not reader.problems


class StoppableClock(Clock):
    """A clock that wakes all sleepers, so that threads between two attempts end when their answers are no longer needed."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End all sleep, current and future."""
        self._stopped.set()

    def sleep(self, seconds: float) -> None:
        """Wait for so many seconds.

        :raises NksError: the clock was stopped.
        """
        if self._stopped.wait(max(0.0, seconds)):
            raise NksError("Stopped.")


@dataclass
class Found:
    """A cluster that is being read, and what has been read of it so far."""

    name: str
    uuid: str
    region: Region
    #: Of its region and of the cluster in the region's list.
    position: tuple[int, int]
    groups: list[dict[str, Any]] = field(default_factory=list)
    #: Whether its network is needed to find the instances of its nodes, and the network's UUID.
    needs_network: bool = False
    network: str | None = None

    def __str__(self) -> str:
        return "%s (%s)" % (self.name, self.region or self.uuid)


class Reader:
    """Reads all regions concurrently; each request is made as soon as the answer that it depends on has arrived.

    The result does not depend on which answer comes first. Problems are sorted by the ranks of their requests. If several
    requests fail, the error is that of the lowest rank: once one has failed, only requests with a lower rank are waited for.

    :param apis: region -> its operations.
    :param options: see :func:`prepare`.
    :param clock: the clock by which the transport sleeps between attempts.
    """

    def __init__(self, apis: dict[Region, Api], options: Options, clock: StoppableClock) -> None:
        self._apis = apis
        self._options = options
        self._clock = clock
        self._pool = Pool(options["workers"])
        #: The ranks of the requests that have not been handled, and the failure with the lowest rank.
        self._open: set[Rank] = set()
        self._failure: tuple[Rank, NksError] | None = None
        self._problems: list[tuple[Rank, str]] = []
        #: Entries of the option clusters that have not been found yet, by their text in lower case.
        self._missing: dict[str, str] = {ref.lower(): ref for ref in options["clusters"]}
        self._clusters: list[Found] = []
        self._instances: dict[Region, nodes.Instances] = {}
        #: Only of regions with node groups that do not list the UUIDs of their nodes.
        self._networks: dict[Region, list[State]] = {}
        self._network_errors: dict[Region, NksError] = {}

    @property
    def problems(self) -> list[str]:
        """One sentence for each part that could not be read."""
        return [text for _rank, text in sorted(self._problems, key=lambda problem: problem[0])]

    def read(self) -> Listing:
        """Everything.

        :raises NksError: a list that everything else depends on cannot be read, or anything if strict_clusters is set.
        """
        try:
            for number, (region, api) in enumerate(self._apis.items()):
                self._ask((REGION, number, 0), api.clusters, self._got_clusters, region)
                if self._options["resolve_nodes"]:
                    self._ask((REGION, number, 1), api.servers, self._got_instances, region)
            self._pool.run()
            self._add_network_problems()
        except BaseException:
            # Requests that are under way are abandoned: neither an error nor an interruption waits for them.
            self._clock.stop()
            self._pool.close()
            raise
        self._clock.stop()
        # Ansible forks its workers later, which is safe only without threads. These have nothing left to do and end immediately.
        self._pool.close(wait=True)
        return self._listing()

    # -- requests ----------------------------------------------------------------------------------------------------

    def _ask(
        self, rank: Rank, call: Callable[[], Answer], then: Callable[..., None], *about: Any
    ) -> None:
        """Make a request in a thread, and have ``then(pending, rank, *about)`` handle the answer."""
        if not self._is_moot(rank):
            self._open.add(rank)
            skippable = partial(self._call_unless_moot, rank, call)
            self._pool.ask(skippable, self._handle, rank, then, about)

    def _call_unless_moot(self, rank: Rank, call: Callable[[], Answer]) -> Answer | None:
        """Make a request, in a thread; after a failure with a lower rank nobody needs the answer."""
        return None if self._is_moot(rank) else call()

    def _is_moot(self, rank: Rank) -> bool:
        """Whether a request with a lower rank has failed."""
        return self._failure is not None and self._failure[0] < rank

    def _handle(
        self,
        pending: Pending[Any],
        rank: Rank,
        then: Callable[..., None],
        about: tuple[Any, ...],
    ) -> None:
        """Handle an answer.

        :raises NksError: a request failed, and none with a lower rank is open.
        """
        self._open.discard(rank)
        if not self._is_moot(rank):
            try:
                then(pending, rank, *about)
            except NksError as error:
                self._failure = (rank, error)
        if self._failure is not None and all(map(self._is_moot, self._open)):
            raise self._failure[1]

    # -- answers -----------------------------------------------------------------------------------------------------

    def _got_clusters(self, pending: Pending[list[State]], rank: Rank, region: Region) -> None:
        items: dict[str, State] = {}
        for reply in self._require(pending.result, region):
            item = dict(wire.resource(reply), region=region)
            if item.get("uuid") and item.get("name"):
                # A list that changes while its pages are read can show an entry twice.
                items.setdefault(item["uuid"], item)
            else:
                self._add_problem(
                    rank,
                    "Region %s: the list of clusters has an entry without uuid or name, which was left out."
                    % region,
                )
        for number, item in enumerate(self._selected(list(items.values()))):
            cluster = Found(item["name"], item["uuid"], region, (rank[1], number))
            self._clusters.append(cluster)
            call = partial(self._apis[region].nodegroups, cluster.uuid)
            self._ask((CLUSTER, *cluster.position), call, self._got_groups, cluster)

    def _got_instances(self, pending: Pending[list[State]], _rank: Rank, region: Region) -> None:
        self._instances[region] = nodes.Instances(self._require(pending.result, region))

    def _got_groups(self, pending: Pending[list[State]], rank: Rank, cluster: Found) -> None:
        requested = {ref.lower() for ref in self._options["nodegroups"]}
        seen = set()
        for number, reply in enumerate(self._attempt(pending.result, rank, cluster) or []):
            item = wire.resource(reply)
            uuid, name = item.get("uuid"), item.get("name")
            if not uuid or not name:
                self._add_problem(
                    rank,
                    "Cluster %s: the list of its node groups has an entry without uuid or name, which was left out."
                    % cluster,
                )
            elif (
                uuid not in seen
                and item.get("role") in (None, "worker")
                and (not requested or requested & {uuid.lower(), name.lower()})
            ):
                call = partial(self._apis[cluster.region].nodegroup, cluster.uuid, uuid)
                group_rank = (NODEGROUP, *cluster.position, number)
                self._ask(group_rank, call, self._got_group, cluster, item)
            seen.add(uuid)

    def _got_group(self, pending: Pending[State], rank: Rank, cluster: Found, item: State) -> None:
        reply = self._attempt(partial(_identified, pending, "read a node group"), rank, cluster)
        # Fields that the reply lacks keep their values of the list.
        known = {key: value for key, value in (reply or {}).items() if value is not None}
        # A node group that could not be read is listed without hosts.
        known.update((key, item[key]) for key in ("name", "uuid"))
        group = dict(item, **known)
        group["node_addresses"], rest = nodes.addresses(group)
        raw = pending.result().get("node_addresses") if reply else None
        if isinstance(raw, list):
            # The typed list has no blank values any more. None is a node that has no address yet.
            rest += [value for value in raw if value == ""]
        if rest:
            self._add_problem(
                rank,
                "Cluster %s, node group %s: left out values that are not a usable IP address of a node (%s)."
                % (cluster, group["name"], some([quoted(value) for value in rest])),
            )
        cluster.groups.append(group)
        if self._options["resolve_nodes"] and group["node_addresses"] and not nodes.listed(group):
            self._ask_network(cluster)

    def _ask_network(self, cluster: Found) -> None:
        """Read the UUID of a cluster's network and the names of its region's networks, each once."""
        region, number = cluster.region, cluster.position[0]
        if region not in self._networks:
            self._networks[region] = []
            self._ask((NETWORK, number, 0), self._apis[region].vpcs, self._got_networks, region)
        if not cluster.needs_network:
            cluster.needs_network = True
            call = partial(self._apis[region].cluster, cluster.uuid)
            self._ask((NETWORK, number, 1, cluster.position[1]), call, self._got_network, cluster)

    def _got_networks(self, pending: Pending[list[State]], _rank: Rank, region: Region) -> None:
        try:
            self._networks[region] = pending.result()
        except NksError as error:
            if _is_unauthorized(error):
                raise self._of_region(error, region) from None
            # Which clusters need the networks is known at the end.
            self._network_errors[region] = error

    def _got_network(self, pending: Pending[State], rank: Rank, cluster: Found) -> None:
        reply = self._attempt(partial(_identified, pending, "read a cluster"), rank, cluster)
        cluster.network = (reply or {}).get("fixed_network")

    # -- errors and problems -----------------------------------------------------------------------------------------

    def _require(self, get: Callable[[], Answer], region: Region) -> Answer:
        """An answer that everything else of a region depends on.

        :raises NksError: there is none.
        """
        try:
            return get()
        except NksError as error:
            raise self._of_region(error, region) from None

    def _of_region(self, error: NksError, region: Region) -> NksError:
        """The error with its region, if there are several."""
        if len(self._apis) > 1:
            error.msg = "Region %s: %s" % (region, error.msg)
        return error

    def _attempt(self, get: Callable[[], Answer], rank: Rank, cluster: Found) -> Answer | None:
        """An answer about one cluster or its node group; None if it cannot be read, which is a problem.

        :raises NksError: the token is not accepted, so no other cluster can be read either; or strict_clusters is set.
        """
        try:
            return get()
        except NksError as error:
            if _is_unauthorized(error):
                raise self._of_region(error, cluster.region) from None
            self._add_incomplete(rank, cluster, error)
            return None

    def _add_network_problems(self) -> None:
        """The networks of a region are a problem of the first cluster there that needs them.

        :raises NksError: there is such a problem, and strict_clusters is set.
        """
        for region in self._apis:
            if region in self._network_errors:
                needing = (one for one in self._clusters if one.needs_network)
                first = min(
                    (one for one in needing if one.region == region), key=lambda one: one.position
                )
                rank = (NETWORK, first.position[0], 0)
                self._add_incomplete(rank, first, self._network_errors[region])

    def _add_incomplete(self, rank: Rank, cluster: Found, error: NksError) -> None:
        text = "Cluster %s is not listed completely. %s" % (cluster, error.msg)
        self._add_problem(rank, text)

    def _add_problem(self, rank: Rank, text: str) -> None:
        """Keep a problem, which becomes a warning.

        :raises NksError: strict_clusters is set.
        """
        if self._options["strict_clusters"]:
            raise NksError(text)
        self._problems.append((rank, text))

    # -- selection of clusters ---------------------------------------------------------------------------------------

    def _selected(self, items: list[State]) -> list[State]:
        """The requested clusters of one region's list."""
        refs = {ref.lower() for ref in self._options["clusters"]}
        chosen = []
        for item in items:
            hits = refs & {item["uuid"].lower(), item["name"].lower()}
            for hit in hits:
                self._missing.pop(hit, None)
            if hits or not refs:
                chosen.append(item)
        if not self._options["cluster_query"]:
            return chosen
        picked = self._queried(items)
        return [item for item in chosen if item["uuid"] in picked]

    def _queried(self, items: list[State]) -> set[str]:
        """UUIDs of the clusters that cluster_query returns.

        :raises BadInput: it returns something else.
        """
        from ansible_collections.nhncloud.nks.plugins.module_utils._common import query

        expression = self._options["cluster_query"]
        found = query.search(expression, items, "cluster_query")
        entries = found if isinstance(found, list) else [] if found is None else [found]
        uuids = {item["uuid"] for item in items}
        picked: set[str] = set()
        for entry in entries:
            ref = entry.get("uuid") or entry.get("name") if isinstance(entry, dict) else entry
            if not isinstance(ref, str) or not ref:
                raise BadInput(
                    "cluster_query",
                    expression,
                    "does not return clusters",
                    "use an expression that does, such as [?status=='CREATE_COMPLETE']",
                )
            picked.update(
                [ref] if ref in uuids else [item["uuid"] for item in items if item["name"] == ref]
            )
        return picked

    # -- result ------------------------------------------------------------------------------------------------------

    def _listing(self) -> Listing:
        """What was read, in an order that does not depend on which answer came first."""
        clusters = [
            Cluster(
                cluster=cluster.name,
                cluster_uuid=cluster.uuid,
                region=cluster.region,
                groups=self._groups(cluster),
            )
            for cluster in self._clusters
        ]
        order = list(self._apis)
        clusters.sort(
            key=lambda cluster: (
                order.index(cluster["region"]),
                natural(cluster["cluster"]),
                cluster["cluster_uuid"],
            )
        )
        return Listing(form=CACHE_FORM, missing=list(self._missing.values()), clusters=clusters)

    def _groups(self, cluster: Found) -> list[NodeGroup]:
        groups = [_node_group(group, self._nodes(cluster, group)) for group in cluster.groups]
        groups.sort(key=lambda group: (natural(group["nodegroup"]), group["nodegroup_uuid"]))
        return groups

    def _nodes(self, cluster: Found, group: State) -> list[Node]:
        """The nodes of a group, each with its instance if that is certain; see ``nodes`` for the rules."""
        listed = [
            Node(address=address, name=None, uuid=None, status=None)
            for address in sorted(group["node_addresses"], key=natural)
        ]
        if self._options["resolve_nodes"]:
            networks = self._networks.get(cluster.region, [])
            network = nodes.network_name(networks, cluster.network)
            found = self._instances[cluster.region].by_address(group, network)
            for node in listed:
                if node["address"] in found:
                    instance = found[node["address"]]
                    node["name"] = instance["name"]
                    node["uuid"] = instance["uuid"]
                    node["status"] = instance["status"]
        return listed


def _node_group(group: State, members: list[Node]) -> NodeGroup:
    """A node group in the form of the listing.

    :param group: typed.
    """
    labels = group.get("labels") or {}
    return NodeGroup(
        nodegroup=group["name"],
        nodegroup_uuid=group["uuid"],
        kubernetes_version=wire.text(labels.get("kube_tag")),
        flavor_id=wire.text(group.get("flavor_id")),
        image_id=wire.text(group.get("image_id") or labels.get("node_image")),
        availability_zone=wire.text(labels.get("availability_zone")),
        role=wire.text(group.get("role")) or "worker",
        status=wire.text(group.get("status")),
        autoscale_enabled=labels.get("ca_enable") is True,
        nodes=members,
    )


def _identified(pending: Pending[State], doing: str) -> State:
    """The answer as a typed cluster or node group.

    :raises NksError: what the request raised, or the answer is not one.
    """
    found: State = wire.identified(pending.result(), doing)
    return found


def _is_unauthorized(error: NksError) -> bool:
    """Whether the service has not accepted the token, a new one included."""
    return bool(error.values.get("status_code") == 401)


def natural(value: str) -> list[Any]:
    """A key that sorts the numbers in a text by their value: 10.0.0.9 before 10.0.0.10."""
    parts: list[Any] = list(re.split(r"([0-9]+)", value))
    # By length and then by digits, which is by value, without Python's limit on the length of a number.
    parts[1::2] = [(len(digits.lstrip("0")), digits.lstrip("0")) for digits in parts[1::2]]
    return parts
