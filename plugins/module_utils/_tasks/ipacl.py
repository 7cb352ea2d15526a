# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_ipacl and nks_ipacl_info: the clients that are allowed to connect to the cluster's API
endpoint.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Iterable, Union

from ansible_collections.nhncloud.nks.plugins.module_utils._common import query
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    AccessSpec,
    ClusterSpec,
    Observed,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import ipacl, plan
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import (
    Job,
    Options,
    Result,
    Task,
)

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State
    from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

PRIVATE = [
    ipaddress.IPv4Network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
]


def run(task: Task) -> Result:
    """One task of nks_ipacl; see the documentation of the module."""
    check(task.options)
    watch = task.require_or_predict_cluster()
    if watch is None:
        return _predicted(task)
    task.require_created(watch)
    access, observed = observe(task, watch)
    reply = observed.ipacl
    todo = plan.plan(ClusterSpec(watch.state["name"], ipacl=access), observed)
    task.apply(todo, watch)
    if todo.operations and not task.check_mode:
        reply = wire.ipacl(task.api.ipacl(watch.cluster))
    return {"ipacl": reply, "plan": todo}


def check(options: Options) -> None:
    """Check what the options alone show to be invalid, before the first request.

    :raises BadInput: an address is invalid, or listed twice with different descriptions.
    """
    ipacl.given_targets(options["targets"])
    for address in options["keep"] or []:
        ipacl.network("keep", address)


def observe(task: Task, watch: Watch) -> tuple[AccessSpec, Observed]:
    """Read what the options are compared with.

    :param watch: the watch of the cluster.
    :returns: (the desired access control; the observed document, with what its plan needs).
    """
    reply = wire.ipacl(task.api.ipacl(watch.cluster))
    subnets = own_subnets(task, watch.state) if _needs_subnets(task.options, reply) else []
    desired = _desired(task.options, task.options["keep"])
    return desired, Observed(watch.state, ipacl=reply, subnets=tuple(subnets))


def desired_creation(task: Task, cluster: State) -> tuple[AccessSpec, Observed]:
    """The access control of a cluster that does not exist yet; it is created without one.

    :param cluster: its network and subnet, by the names of a typed cluster.
    """
    subnets = own_subnets(task, cluster)
    return _desired(task.options, task.options["keep"]), Observed(subnets=tuple(subnets))


def _predicted(task: Task) -> Result:
    """The result of check mode for a cluster that does not exist yet: it is created without access
    control, and its subnet is not known.
    """
    options = task.options
    # A private address may be in that subnet, which is always allowed.
    keep = [
        address for address in options["keep"] or [] if not _private(ipacl.network("keep", address))
    ]
    desired = ClusterSpec(options["cluster"], ipacl=_desired(options, keep))
    return {"ipacl": {"enable": False}, "plan": plan.plan(desired, Observed())}


def _desired(options: Options, keep: Iterable[str] | None) -> AccessSpec:
    return AccessSpec(
        options["state"], options["action"], options["targets"], options["purge"], tuple(keep or ())
    )


def info(task: Task) -> Result:
    """One task of nks_ipacl_info."""
    query.check_early(task.options)
    cluster = task.require_or_predict_cluster(idle=False)
    reply = wire.ipacl(task.api.ipacl(cluster.cluster)) if cluster else {"enable": False}
    result: Result = query.applied(task.options["query"], "ipacl", reply)
    return result


def _needs_subnets(options: Options, reply: dict[str, Any]) -> bool:
    """Whether the cluster's own subnets matter: the service adds them to the list, and rejects a
    list without them.
    """
    return bool(reply["enable"]) or options["state"] == "present"


def _private(network: Network) -> bool:
    """Whether a network may be a part of a VPC (RFC 1918)."""
    return isinstance(network, ipaddress.IPv4Network) and any(map(network.subnet_of, PRIVATE))


def own_subnets(task: Task, cluster: State) -> list[Network]:
    """The cluster's own subnet as networks; none if the network service does not show it."""
    return subnets_of(task.names.resources("subnet", cluster.get("fixed_network")), cluster)


def subnets_of(listed: Iterable[State], cluster: State) -> list[Network]:
    """The cluster's own subnet as networks; none if the list does not have it.

    :param listed: subnets as the network service lists them.
    """
    return [
        ipaddress.ip_network(item["cidr"], strict=False)
        for item in listed
        if wire.one_spelling(item["id"]) == wire.one_spelling(cluster.get("fixed_subnet"))
        and isinstance(item.get("cidr"), str)
    ]


JOB = Job(
    "nks_ipacl",
    dict(
        arguments.auth(),
        cluster={"type": "str", "required": True},
        **arguments.wait(),
        **arguments.approval(),
        **arguments.ipacl(),
    ),
    run,
)
INFO = Job(
    "nks_ipacl_info",
    dict(arguments.auth(), cluster={"type": "str", "required": True}, **arguments.query()),
    info,
    reads_only=True,
)
