# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_ipacl and nks_ipacl_info: who may connect to the cluster's API endpoint."""

from __future__ import annotations

import ipaddress

from ansible_collections.nhncloud.nks.plugins.module_utils._common import query
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    AccessSpec,
    ClusterSpec,
    Observed,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import ipacl, plan
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Job

PRIVATE = [
    ipaddress.ip_network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
]


def run(task):
    """One task of nks_ipacl; see the documentation of the module."""
    options = task.options
    # Everything that the options alone can show to be wrong comes before the first request.
    ipacl.given_targets(options["targets"])
    for address in options["keep"] or []:
        ipacl.network("keep", address)
    watch = task.planned_cluster()
    if watch is None:
        return _predicted(task)
    task.usable(watch)
    reply = wire.ipacl(task.api.ipacl(watch.cluster))
    subnets = _subnets(task, watch.last) if _needs_subnets(options, reply) else []
    desired = ClusterSpec(watch.last["name"], ipacl=_desired(options, options["keep"]))
    todo = plan.plan(desired, Observed(watch.last, ipacl=reply, subnets=tuple(subnets)))
    task.carry_out(todo, watch)
    if todo.operations and not task.check_mode:
        reply = wire.ipacl(task.api.ipacl(watch.cluster))
    return {"ipacl": reply, "plan": todo}


def _predicted(task):
    """What check mode knows of a cluster that does not exist yet: it is created without access control, and its subnet is not known."""
    options = task.options
    # A private address may be in that subnet, which is always allowed.
    keep = [
        address for address in options["keep"] or [] if not _private(ipacl.network("keep", address))
    ]
    desired = ClusterSpec(options["cluster"], ipacl=_desired(options, keep))
    return {"ipacl": {"enable": False}, "plan": plan.plan(desired, Observed())}


def _desired(options, keep):
    return AccessSpec(
        options["state"], options["action"], options["targets"], options["purge"], tuple(keep or ())
    )


def info(task):
    """One task of nks_ipacl_info."""
    query.check_early(task.options)
    cluster = task.planned_cluster(idle=False)
    reply = wire.ipacl(task.api.ipacl(cluster.cluster)) if cluster else {"enable": False}
    return query.applied(task.options["query"], "ipacl", reply)


def _needs_subnets(options, reply):
    """Whether the cluster's own subnets matter: to tell what the service added, or what it would refuse."""
    return reply["enable"] or options["state"] == "present"


def _private(network):
    """Whether a network may be a part of a VPC (RFC 1918)."""
    return any(network.version == other.version and network.subnet_of(other) for other in PRIVATE)


def _subnets(task, cluster):
    """The cluster's own subnet as networks; none where the network service does not show it."""
    listed = task.names.resources("subnet", cluster.get("fixed_network"))
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
        action={"type": "str", "choices": ["allow", "deny"]},
        targets={
            "type": "list",
            "elements": "dict",
            "options": {
                "cidr_address": {"type": "str", "required": True, "aliases": ["cidr"]},
                "description": {"type": "str"},
            },
        },
        purge={"type": "bool", "default": True},
        keep={"type": "list", "elements": "str"},
        **arguments.state("present", "absent"),
        **arguments.wait(),
    ),
    run,
)
INFO = Job(
    "nks_ipacl_info",
    dict(arguments.auth(), cluster={"type": "str", "required": True}, **arguments.query()),
    info,
    reads_only=True,
)
