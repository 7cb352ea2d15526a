# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that many modules share, as argument specs. The documentation fragments describe them."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping

from ansible.module_utils.errors import AnsibleFallbackNotFound

from ansible_collections.nhncloud.nks.plugins.module_utils._client.connection import (
    SERVICES,
    FromEnvironment,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows

#: Option -> its entry in an argument spec.
Spec = Dict[str, Dict[str, Any]]

AUTH_TYPES: Spec = {
    "region": {},
    "tenant_id": {},
    "username": {},
    "password": {"no_log": True},
    "token": {"no_log": True},
    "auth_url": {},
    "domain": {},
    "validate_certs": {"type": "bool", "default": True},
    "ca_cert": {"type": "path"},
    "request_timeout": {"type": "float", "default": 30.0},
    "max_retries": {"type": "int", "default": 5},
    "token_cache": {"type": "path", "no_log": False},
}
AUTH_TYPES.update({service + "_endpoint": {} for service in SERVICES})


def from_environment(variable: str) -> FromEnvironment:
    """The value of an environment variable. An empty one does not count: a credential of AWX leaves
    its unused fields empty.

    Whether it is used is decided once all options are known; see :func:`connection.settle`.

    :raises AnsibleFallbackNotFound: it is not set.
    """
    if not os.environ.get(variable):
        raise AnsibleFallbackNotFound
    return FromEnvironment(os.environ[variable])


def auth() -> Spec:
    """The connection options; each falls back to its variable NHNCLOUD_…"""
    return {
        name: dict(
            {"type": "str", "fallback": (from_environment, ["NHNCLOUD_" + name.upper()])}, **entry
        )
        for name, entry in AUTH_TYPES.items()
    }


def wait() -> Spec:
    """The options for waiting; the default of wait_timeout depends on ``state``, so there is none
    here.
    """
    return {
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int"},
        "wait_interval": {"type": "float", "default": 10.0},
    }


def wait_for_nodes() -> Spec:
    """The option of modules that can wait for the nodes themselves."""
    return {"wait_for_nodes": {"type": "bool", "default": False}}


def approval() -> Spec:
    """The digest of the approved plan, of all modules that change something."""
    return {"expect_plan": {"type": "str"}}


def state(*choices: str) -> Spec:
    """The desired state; the first choice is the default."""
    return {"state": {"type": "str", "choices": list(choices), "default": choices[0]}}


def reconciled(table: Mapping[str, rows.Row] = rows.RECONCILE) -> Spec:
    """Options about differences and rolling changes.

    :param table: those of clusters, or :data:`rows.GROUP_RECONCILE`.
    """
    return rows.arguments(table)


def creation(table: Mapping[str, rows.Row]) -> Spec:
    """The options of a creation: a table's rows, the autoscaler and additional labels."""
    return rows.arguments({**table, **rows.COMMON})


def cluster() -> Spec:
    """The options of nks_cluster that describe a cluster: all but those of the connection and of
    waiting.
    """
    return dict(
        name={"type": "str", "required": True},
        upgrade={
            "type": "str",
            "choices": ["control_plane", "all", "never"],
            "default": "control_plane",
        },
        **state("present", "absent"),
        **reconciled(),
        **creation(rows.CLUSTER),
    )


def nodegroup() -> Spec:
    """The options of nks_nodegroup that describe a node group of a cluster."""
    return dict(
        name={"type": "str", "required": True},
        nodes_to_remove={"type": "list", "elements": "str"},
        **state("present", "absent"),
        **reconciled(rows.GROUP_RECONCILE),
        **creation(rows.NODEGROUP),
    )


def ipacl() -> Spec:
    """The options of nks_ipacl that describe the access control of a cluster."""
    return dict(
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
        **state("present", "absent"),
    )


def document() -> Spec:
    """The document of a cluster: the options that describe the cluster itself, its region, its node
    groups, and its access control; see docs/architecture.md.

    The role's variable ``nks_cluster_spec`` has the same options, and a few of its own.
    """
    return dict(
        cluster(),
        region={"type": "str"},
        nodegroups={"type": "list", "elements": "dict", "options": nodegroup()},
        ipacl={"type": "dict", "options": ipacl()},
        purge_nodegroups={"type": "bool", "default": False},
    )


def query() -> Spec:
    """The expression of the information modules."""
    return {"query": {"type": "str"}}
