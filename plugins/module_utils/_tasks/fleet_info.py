# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_fleet_info: clusters as documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Optional, Sequence, Tuple

from ansible_collections.nhncloud.nks.plugins.module_utils._client import connection
from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api
from ansible_collections.nhncloud.nks.plugins.module_utils._client.words import spellings
from ansible_collections.nhncloud.nks.plugins.module_utils._common import query
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    ApiError,
    BadInput,
    BadReply,
    NksError,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    Observed,
    ObservedNodegroup,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.names import Names, candidates
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import busy, failed
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import export
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    cluster_resource,
    group_resource,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments, ipacl
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import (
    Job,
    Options,
    Result,
    Task,
)

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State
    from ansible_collections.nhncloud.nks.plugins.module_utils._observe.pool import Pending

#: A list of resources: its kind, and the UUID of the network whose subnets it has; see
#: :meth:`names.Names.resources`.
List = Tuple[str, Optional[str]]


@dataclass
class Region:
    """One region, and what was read there."""

    #: Its code; None if only the endpoint of a region is set.
    code: str | None
    api: Api
    names: Names
    #: The list of clusters, whichever the task selects.
    listed: list[State] = field(default_factory=list)
    #: The lists in which names are found, and whether each of them could be read.
    lists: dict[List, bool] = field(default_factory=dict)


@dataclass
class Found:
    """A cluster that is being read."""

    region: Region
    #: Its entry in the list of clusters.
    item: State
    #: The typed cluster; None if it was deleted after it was listed.
    cluster: State | None = None
    #: The entries of its worker groups in the list, and the groups that were not deleted since.
    listed: list[State] = field(default_factory=list)
    groups: list[ObservedNodegroup] = field(default_factory=list)
    #: Access control as :func:`wire.ipacl` returns it; None if the service does not offer it.
    ipacl: State | None = None
    #: Why it cannot be read.
    error: NksError | None = None

    @property
    def readable(self) -> bool:
        """Whether everything that was read so far could be read."""
        return self.cluster is not None and self.error is None

    def states(self) -> Iterator[tuple[str, State]]:
        """The cluster and its node groups: (name of the resource, typed resource)."""
        if self.cluster is not None:
            yield cluster_resource(self.cluster["name"]), self.cluster
            for group in self.groups:
                yield group_resource(self.cluster["name"], group.state["name"]), group.state


def run(task: Task) -> Result:
    """One task of nks_fleet_info; see the documentation of the module."""
    query.check_early(task.options)
    regions = _regions(task)
    _read_lists_of_clusters(task, regions)
    found = [one for region in regions for one in _selected(task, region)]
    _warn_of_missing(task, regions, found)
    _read_clusters(task, found)
    _read_groups_and_lists(task, regions, found)
    found = _readable(task, found)
    secrets = _secrets(task.options)

    def is_secret(text: str) -> bool:
        return any(spelling in text for spelling in secrets)

    documents: list[dict[str, Any]] = []
    omitted: list[dict[str, str]] = []
    for one in found:
        document, omissions = _export(task, one, is_secret)
        documents.append(document)
        omitted += omissions
    result: Result = query.applied(task.options["query"], "clusters", documents)
    return dict(result, omitted=omitted)


# -- regions ---------------------------------------------------------------------------------------


def _regions(task: Task) -> list[Region]:
    """The regions to read, in the order of the option.

    :raises BadInput: there are several, and an option has the address of a service in one region.
    """
    options = task.options
    codes = list(dict.fromkeys(code.lower() for code in options["regions"] or [] if code))
    for service in connection.SERVICES if len(codes) > 1 else ():
        option = service + "_endpoint"
        if options.get(option):
            raise BadInput(
                option,
                options[option],
                "is the address of one region",
                "omit it, or list only one region in regions",
            )
    if not codes:
        code = options["region"].lower() if options["region"] else None
        return [Region(code, task.api, task.names)]
    apis = [Api(task.transport, task.identity, code) for code in codes]
    return [Region(code, api, Names(api)) for code, api in zip(codes, apis)]


def _of_region(error: NksError, region: Region, several: bool = True) -> NksError:
    """The error with its region.

    :param several: whether there are several regions.
    """
    if several and region.code:
        error.msg = "Region %s: %s" % (region.code, error.msg)
    return error


def _read_lists_of_clusters(task: Task, regions: Sequence[Region]) -> None:
    """Read the list of clusters of each region.

    :raises NksError: one cannot be read.
    """
    with task.reading([region.api.clusters for region in regions]) as answers:
        for region, answer in zip(regions, answers):
            try:
                region.listed = answer.result()
            except NksError as error:
                raise _of_region(error, region, len(regions) > 1) from None


# -- selection -------------------------------------------------------------------------------------


def _selected(task: Task, region: Region) -> Iterator[Found]:
    """The clusters of a region that the task asks for, without those that are being deleted."""
    refs = {wire.one_spelling(ref) for ref in task.options["clusters"] or []}
    seen = set()
    for item in _present(region):
        uuid, name = item.get("uuid"), item.get("name")
        if refs and not refs & {wire.one_spelling(uuid), name}:
            continue
        if not uuid:
            task.warnings.append("Cluster %s is left out: the list shows no uuid for it." % name)
        elif uuid not in seen:
            # A list that changes while its pages are read can show an entry twice.
            seen.add(uuid)
            yield Found(region, item)


def _present(region: Region) -> list[State]:
    """The listed clusters of a region, without those that are being deleted."""
    return [item for item in region.listed if item.get("status") != "DELETE_IN_PROGRESS"]


def _warn_of_missing(task: Task, regions: Sequence[Region], found: Sequence[Found]) -> None:
    """Warn of entries of the option ``clusters`` that match no cluster."""
    known = {wire.one_spelling(one.item.get(key)) for one in found for key in ("uuid", "name")}
    names = [item.get("name") for region in regions for item in _present(region)]
    where = ", ".join(region.code for region in regions if region.code)
    for ref in dict.fromkeys(map(wire.one_spelling, task.options["clusters"] or [])):
        if ref not in known:
            task.warnings.append(
                "clusters: there is no cluster '%s' in %s; %s."
                % (ref, where or "this region", candidates(ref, names))
            )


# -- reads -----------------------------------------------------------------------------------------


def _attempt(found: Found, answer: Pending[Any]) -> Any:
    """An answer about a cluster or a part of it; None if there is none, which is kept as the error
    of the cluster.

    :raises NksError: the token is not accepted, so that no other cluster can be read either.
    """
    try:
        return answer.result()
    except NksError as error:
        if error.values.get("status_code") == 401:
            raise
        found.error = found.error or error
        return None


def _read_clusters(task: Task, found: Sequence[Found]) -> None:
    """Read clusters, the lists of their node groups, and their access control."""
    calls: list[Callable[[], Any]] = []
    for one in found:
        api, uuid = one.region.api, one.item["uuid"]
        calls.append(partial(_read_if_exists, partial(_cluster, api, uuid)))
        calls.append(partial(_worker_groups, api, uuid))
        calls.append(
            partial(_read_if_offered, lambda api=api, uuid=uuid: wire.ipacl(api.ipacl(uuid)))
        )
    with task.reading(calls) as answers:
        each = iter(answers)
        for one, cluster, listed, access in zip(found, each, each, each):
            one.cluster = _attempt(one, cluster)
            if one.readable:
                one.listed = _attempt(one, listed) or []
                one.ipacl = _attempt(one, access)


def _read_groups_and_lists(task: Task, regions: Sequence[Region], found: Sequence[Found]) -> None:
    """Read node groups with the settings of their autoscalers, and the lists in which names of
    resources are found.
    """
    here = [one for one in found if one.readable]
    lists = _missing_lists(task, regions, here)
    groups = [(one, item["uuid"]) for one in here for item in one.listed]
    calls: list[Callable[[], Any]] = [
        partial(region.names.resources, *key) for region, key in lists
    ]
    for one, uuid in groups:
        api, cluster = one.region.api, one.item["uuid"]
        calls.append(partial(_read_if_exists, partial(_group, api, cluster, uuid)))
        calls.append(partial(_read_if_offered, partial(_autoscale, api, cluster, uuid)))
    with task.reading(calls) as answers:
        _take_lists(task, lists, answers)
        each = iter(answers[len(lists) :])
        for (one, _uuid), group, settings in zip(groups, each, each):
            state, autoscale = _attempt(one, group), _attempt(one, settings)
            if state is not None and state["status"] != "DELETE_IN_PROGRESS":
                one.groups.append(ObservedNodegroup(state, autoscale or {}))
    # Few clusters need more: only the node groups show security groups.
    lists = _missing_lists(task, regions, here)
    with task.reading([partial(region.names.resources, *key) for region, key in lists]) as answers:
        _take_lists(task, lists, answers)


def _missing_lists(
    task: Task, regions: Sequence[Region], found: Sequence[Found]
) -> list[tuple[Region, List]]:
    """The lists that the documents need, as far as is known, and that were not read yet."""
    return [
        (region, key)
        for region in regions
        for key in _lists(task, [one for one in found if one.region is region])
        if key not in region.lists
    ]


def _lists(task: Task, found: Sequence[Found]) -> list[List]:
    """The lists that the documents of the clusters of a region need."""
    if task.options["references"] == "uuid":
        return [("subnet", None)] if any(map(_needs_subnets, found)) else []
    if not found:
        return []
    needed: list[List] = [(kind, None) for kind in ("network", "subnet", "flavor", "image")]
    labels = [state["labels"] for one in found for _name, state in one.states()]
    networks = {wire.one_spelling(item.get("external_network_id")) for item in labels}
    for network in sorted(filter(wire.is_uuid, networks)):
        needed.append(("external_subnet", network))
    if len(needed) > 4:
        needed.append(("external_network", None))
    if any(item.get("ncr_sgw") or item.get("obs_sgw") for item in labels):
        needed.append(("service_gateway", None))
    if any(item.get("extra_security_groups") for item in labels):
        needed.append(("security_group", None))
    return needed


def _needs_subnets(found: Found) -> bool:
    """Whether the cluster's own subnet is needed: NKS adds it to the list of allowed networks."""
    return bool(found.ipacl and found.ipacl["enable"] and found.ipacl.get("action") == "ALLOW")


def _take_lists(
    task: Task, lists: Iterable[tuple[Region, List]], answers: Iterable[Pending[Any]]
) -> None:
    """Note which lists could be read; the resources of the others keep their UUIDs.

    :raises NksError: the token is not accepted.
    """
    for (region, key), answer in zip(lists, answers):
        try:
            answer.result()
            region.lists[key] = True
        except NksError as error:
            if error.values.get("status_code") == 401:
                raise
            region.lists[key] = False
            message = _of_region(error, region).msg
            task.warnings.append(
                task.transport.hide(message) + " The documents have UUIDs instead."
            )


def _cluster(api: Api, uuid: str) -> State:
    return wire.identified(api.cluster(uuid), "read cluster %s" % uuid)


def _worker_groups(api: Api, uuid: str) -> list[State]:
    """The entries of the worker groups in the list of node groups.

    :raises BadReply: one has no UUID, so that it cannot be read, and the document would lack it.
    """
    workers = [item for item in api.nodegroups(uuid) if item.get("role", "worker") == "worker"]
    if not all(item.get("uuid") for item in workers):
        raise BadReply("The list of its node groups has an entry without uuid.")
    return workers


def _group(api: Api, cluster: str, uuid: str) -> State:
    return wire.identified(api.nodegroup(cluster, uuid), "read node group %s" % uuid)


def _autoscale(api: Api, cluster: str, uuid: str) -> State:
    return wire.autoscale(api.autoscale(cluster, uuid))


def _read_if_exists(read: Callable[[], State]) -> State | None:
    """What is read; None if it was deleted."""
    try:
        return read()
    except ApiError as error:
        if error.status != 404:
            raise
        return None


def _read_if_offered(read: Callable[[], State]) -> State | None:
    """What is read; None if the service does not offer it to this account or for this cluster."""
    try:
        return read()
    except ApiError as error:
        if error.status not in (400, 403, 404, 405):
            raise
        return None


def _readable(task: Task, found: Sequence[Found]) -> list[Found]:
    """The clusters that were read whole. Those that were deleted are left out; those that cannot be
    read are left out with a warning.

    :raises NksError: none of them can be read.
    """
    unreadable = [one for one in found if one.error is not None]
    whole = [one for one in found if one.readable]
    several = len({id(one.region) for one in found}) > 1
    for one in unreadable:
        if one.error is not None:
            name, uuid = one.item.get("name"), one.item["uuid"]
            one.error.msg = "Cluster %s (%s) cannot be read. %s" % (name, uuid, one.error.msg)
            if not whole:
                # An empty list would mean that none exist.
                raise _of_region(one.error, one.region, several)
            message = _of_region(one.error, one.region, several).msg
            task.warnings.append(task.transport.hide(message) + " It is left out.")
    return whole


# -- documents -------------------------------------------------------------------------------------


def _secrets(options: Options) -> list[str]:
    """The secrets of the connection in every spelling; they are masked wherever they appear."""
    given = [options[name] for name in ("password", "token") if options.get(name)]
    return [spelling for secret in given for spelling in spellings(secret)]


def _export(
    task: Task, found: Found, is_secret: Callable[[str], bool]
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The document of a cluster, and what it lacks."""
    cluster, region = found.cluster or {}, found.region
    for resource, state in found.states():
        if busy(state) or failed(state):
            reason = state.get("status_reason")
            task.warnings.append(
                "%s is in %s%s. Its document shows what NKS shows now."
                % (resource, state["status"], ": %s" % str(reason).rstrip(".") if reason else "")
            )
    by_name = _by_name(task, region)
    subnets = ()
    if _needs_subnets(found) and region.lists.get(("subnet", None)):
        subnets = tuple(ipacl.subnets_of(region.names.resources("subnet"), cluster))
    observed = Observed(
        cluster,
        {group.state["name"]: group for group in found.groups},
        ipacl=found.ipacl,
        subnets=subnets,
    )
    exported = export.export(observed, by_name, is_secret)
    name = _name(task, found, is_secret)
    document: dict[str, Any] = {"name": name}
    if region.code:
        document["region"] = region.code
    omitted = [
        {"cluster": name, "resource": item.resource, "option": item.option, "reason": item.reason}
        for item in exported.omitted
    ]
    if name != cluster["name"]:
        omitted.insert(
            0,
            {
                "cluster": name,
                "resource": cluster_resource(cluster["name"]),
                "option": "name",
                "reason": "The document has the UUID, because the name '%s' does not identify the "
                "cluster." % cluster["name"],
            },
        )
    return dict(document, **exported.document), omitted


def _by_name(task: Task, region: Region) -> export.Refer:
    """The function that gives references the form that they have in documents."""

    def refer(
        kind: str, uuid: str, scope: str | None = None, among: Sequence[str] | None = None
    ) -> str:
        needed = (kind, scope if kind == "external_subnet" else None)
        if task.options["references"] == "uuid" or not region.lists.get(needed):
            return uuid
        return region.names.name_of(kind, uuid, scope, among)

    return refer


def _name(task: Task, found: Found, is_secret: Callable[[str], bool]) -> str:
    """The name of a cluster, or its UUID if the name does not identify it."""
    uuid: str = found.item["uuid"]
    name: str = (found.cluster or {})["name"]
    same = [item for item in found.region.listed if item.get("name") == name]
    if len(same) > 1:
        where = " in region %s" % found.region.code if found.region.code else ""
        warning = "%s: %d clusters%s have this name, so each document has the UUID as name." % (
            cluster_resource(name),
            len(same),
            where,
        )
        if warning not in task.warnings:
            task.warnings.append(warning)
        return uuid
    # "detail" cannot be read by its name, see calls.cluster_path.
    unusable = wire.is_uuid(name) or name.strip() in ("", ".", "..", "detail") or is_secret(name)
    return uuid if unusable else name


JOB = Job(
    "nks_fleet_info",
    dict(
        arguments.auth(),
        clusters={"type": "list", "elements": "str"},
        regions={"type": "list", "elements": "str"},
        references={"type": "str", "choices": ["name", "uuid"], "default": "name"},
        **arguments.query(),
    ),
    run,
    reads_only=True,
    regions=lambda options: options["regions"],
)
