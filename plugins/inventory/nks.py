# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nks
short_description: Worker nodes of NHN Kubernetes Service (NKS) as inventory
version_added: 0.1.0
author:
  - nhncloud.nks contributors (@nhncloud-nks)
description:
  - Lists the worker nodes of all NKS clusters of a project, in one region or several, grouped by cluster and node group.
  - The inventory source is a YAML file whose name is V(nks.yml) or V(nks.yaml), or ends in V(.nks.yml) or V(.nks.yaml).
  - The groups are C(nks), below it C(nks_cluster_CLUSTER) for each cluster, and below that C(nks_nodegroup_CLUSTER_NODEGROUP) for each
    worker node group. Characters that a group name cannot hold become underscores. Clusters and node groups without nodes have their
    groups, too.
  - Each address of a worker node is one host. What the service shows there and is no IP address that a node can have is left out
    with a warning, see O(strict_clusters).
  - The hosts have the variables C(ansible_host), C(nks_address), C(nks_cluster), C(nks_cluster_uuid),
    C(nks_nodegroup), C(nks_nodegroup_uuid), C(nks_region), C(nks_kubernetes_version), C(nks_flavor_id), C(nks_image_id),
    C(nks_availability_zone), C(nks_role), C(nks_status) (of the node group) and C(nks_autoscale_enabled).
    With O(resolve_nodes) there are also C(nks_node_name), C(nks_node_uuid) and C(nks_node_status).
  - One list of clusters is read for each region, one list of node groups for each cluster, and each node group by itself; with
    O(resolve_nodes) also one list of instances for each region. These requests run in parallel, O(workers) of them at a time.
  - With O(resolve_nodes), an instance is a node if the node group lists its UUID. If the node group lists none, it is the instance that
    has the address in the network of the cluster, for which the cluster and the networks of its region are read, too.
  - What cannot be read at all (no token, no list of clusters, no list of instances that was asked for) is an error. What concerns a
    single cluster is a warning, see O(strict_clusters).
options:
  plugin:
    description: Marks the file as a source for this plugin.
    type: str
    required: true
    choices: [nhncloud.nks.nks]
  regions:
    description:
      - Codes of the regions to list, in any case. If it is set, O(region) is not used.
      - With more than one region, O(kubernetes_endpoint), O(compute_endpoint) and O(network_endpoint) cannot be set, as each is the
        address of one region.
    type: list
    elements: str
    default: []
  clusters:
    description:
      - Names or UUIDs of the clusters to list. If it is empty, all clusters are listed.
      - A name that several clusters bear, in one region or in several, takes all of them.
      - A cluster that is in none of the regions is a warning, see O(strict_clusters).
    type: list
    elements: str
    default: []
  cluster_query:
    description:
      - A JMESPath expression that is applied to each region's list of clusters. What it gives is listed; clusters themselves,
        or their UUIDs or names.
      - The clusters have the fields of the operation List Clusters, in their types (booleans, numbers), and C(region).
      - If O(clusters) is set, too, a cluster has to be chosen by both.
      - Needs the Python library C(jmespath).
    type: str
  nodegroups:
    description:
      - Names or UUIDs of the node groups to list, in any cluster. If it is empty, all worker node groups are listed.
    type: list
    elements: str
    default: []
  hostname:
    description:
      - What becomes the name of a host.
      - V(address) is the node's address, V(name) the name and V(uuid) the UUID of its instance.
        Any other value has to be a Jinja2 template over the host's variables, such as V({{ nks_cluster }}-{{ nks_address }}).
      - A node without such a name, for instance one that the compute service does not know, gets its address as its name, and that
        is warned of.
      - The same is true of a name that is not made of letters, digits, V(_), V(.) and V(-), does not begin with a letter, a digit or
        V(_), or is V(all), V(ungrouped), V(localhost), the name of a group or an IP address other than the node's own. Names come from
        the service, and Ansible makes paths, host patterns and arguments of them.
      - Two nodes that would get one name are an error. Clusters in different networks may have nodes of the same address.
    type: str
    default: address
  resolve_nodes:
    description:
      - Whether names, UUIDs and states of the nodes' instances are read from the compute service.
      - Implied when O(hostname) is V(name) or V(uuid).
    type: bool
    default: false
  group_prefix:
    description: What stands before C(cluster_) and C(nodegroup_) in the names of groups. The name of the group C(nks) is always the same.
    type: str
    default: nks_
  workers:
    description: How many requests run in parallel, at most.
    type: int
    default: 16
  strict_clusters:
    description:
      - Whether a cluster or node group that cannot be read, an address that is none, and a cluster of O(clusters) that does not exist,
        is an error.
        Otherwise it is a warning, and the rest is listed.
      - An inventory from which something is missing because it could not be read is not kept in the cache.
    type: bool
    default: false
extends_documentation_fragment:
  - nhncloud.nks.auth.plugin
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
requirements:
  - jmespath (for the option cluster_query)
seealso:
  - module: nhncloud.nks.nks_nodegroup_info
  - name: Inventory
    description: A guide to groups, names of hosts and the cache.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/inventory.md
notes:
  - Clusters of one name, and names that are equal once they are made safe, share a group. That is warned of.
  - The connection options may be templates, for instance V({{ lookup('ansible.builtin.file', '/run/secrets/nks'\) }}), and encrypted with
    Ansible Vault.
  - Names and labels that the service shows are never run as templates, and what looks like a template is not marked as safe.
  - The cache holds the clusters, node groups and nodes, and neither token nor password. It is kept by account, regions and whatever else
    decides what is read. A run from the cache makes no request at all.
"""

EXAMPLES = r"""
# Every worker node of the project. The file is named, for instance, demo.nks.yml; the credentials are in the environment:
# NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME and NHNCLOUD_PASSWORD.
# AWX and its kin: exactly this file, and a credential type that sets these variables.
---
plugin: nhncloud.nks.nks

# Several regions, instance names as host names, groups by availability zone and by Kubernetes version, and further variables.
---
plugin: nhncloud.nks.nks
regions: [kr1, kr2]
tenant_id: 0123456789abcdef0123456789abcdef
username: ops@example.com
password: "{{ lookup('ansible.builtin.env', 'NKS_API_PASSWORD') }}"
hostname: name
keyed_groups:
  - key: nks_availability_zone
    prefix: zone
  - key: nks_kubernetes_version
    prefix: kubernetes
groups:
  stopped: nks_node_status == 'SHUTOFF'
compose:
  ansible_user: "'ubuntu'"
  node_label: nks_cluster ~ '/' ~ nks_nodegroup

# Only some clusters and node groups; the same addresses may be in use in several of these clusters.
---
plugin: nhncloud.nks.nks
region: kr1
cluster_query: "[?starts_with(name, 'prod-') && status != 'DELETE_IN_PROGRESS']"
nodegroups: [default-worker, batch]
hostname: "{{ nks_cluster }}-{{ nks_address }}"
strict_clusters: true

# Kept for ten minutes. To read anew before that: ansible-playbook --flush-cache
---
plugin: nhncloud.nks.nks
region: kr1
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/nks-inventory
cache_timeout: 600

# Nodes that are reached through a bastion.
---
plugin: nhncloud.nks.nks
region: kr1
compose:
  ansible_user: "'ubuntu'"
  ansible_ssh_common_args: "'-o ProxyJump=ubuntu@bastion.example.com'"
"""

import hashlib
import json
import os
import queue
import re
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.template import trust_as_template
from ansible.utils.vars import combine_vars

# Neither these nor what they import needs requests: a run from the cache works without it.
from ansible_collections.nhncloud.nks.plugins.module_utils._client import connection, identity
from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api
from ansible_collections.nhncloud.nks.plugins.module_utils._common.clock import Clock
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    BadInput,
    NksError,
    in_sentence,
    visible,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe import nodes

TOP_GROUP = "nks"
FILE_NAMES = ("nks.yml", "nks.yaml")
SECRETS = ["password", "token"]
PATHS = ["ca_cert", "token_cache"]
#: Options that may be templates or encrypted.
CONNECTION = ["region", "tenant_id", "username", "auth_url", "domain"] + SECRETS + PATHS
CONNECTION += [service + "_endpoint" for service in connection.SERVICES]
#: The value of hostname -> the field of a node that it stands for.
HOST_NAMES = {"address": "address", "name": "name", "uuid": "uuid"}
#: A name of a host from which neither a path (host_vars, fetched files) nor an option nor a pattern of hosts can be made.
HOST_NAME = re.compile(r"\w[\w.-]{0,252}")
#: Names that mean something else to Ansible, and what may be the address of something else.
RESERVED_NAMES = ("all", "ungrouped", "localhost")
NUMBERS = re.compile(r"[0-9]+(\.[0-9]+){3}")
#: No warning needs more names than these, and no more letters of a name.
MAX_NAMED = 5
MAX_SHOWN = 60

#: What is kept in the cache. The number goes up when the meaning of what is below it changes.
CACHE_FORM = 2
TEXT = (str, type(None))
NODE = {"address": str, "name": TEXT, "uuid": TEXT, "status": TEXT}
#: Field of a node group -> type; all but "nodes" become host variables.
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
DATA = {"form": int, "missing": [str], "clusters": [CLUSTER]}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The plugin: options in, groups and hosts out. What is between, requests and their answers, is in :class:`Reader`."""

    NAME = "nhncloud.nks.nks"

    def verify_file(self, path):
        """Whether the file's name says that it is one of ours."""
        name = os.path.basename(path)
        ours = name in FILE_NAMES or name.endswith(tuple("." + ending for ending in FILE_NAMES))
        return ours and super().verify_file(path)

    def parse(self, inventory, loader, path, cache=True):
        """Fill the inventory from one source file."""
        if not isinstance(self.display, PlainDisplay):
            self.display = PlainDisplay(self.display)
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        for name in config:
            if name != "plugin" and name not in self.option_definitions:
                self._warn("%s: there is no option '%s'." % (path, name))
        try:
            options = self._settings(config, os.path.dirname(os.path.abspath(path)))
            data = self._data(path, options, cache)
            placed = self._placed(data, options)
        except NksError as error:
            raise AnsibleParserError(visible(error.msg)) from None
        self._fill(data, placed, options)

    def _warn(self, text):
        """A warning; what the service shows may hold control characters."""
        self.display.warning(visible(text))

    # -- options -----------------------------------------------------------------------------------------------------

    def set_options(self, task_keys=None, var_options=None, direct=None):
        """As Ansible does it, but for its error about an option of a wrong type, which would show the password."""
        for name in SECRETS:
            if isinstance((direct or {}).get(name), (Mapping, list)):
                raise AnsibleParserError("%s: it is not a text; put it into quotes." % name)
        with no_empty_variables():
            super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def _settings(self, config, directory):
        """The options in the form in which they are used.

        :param config: the content of the file.
        :param directory: where the file is; its relative paths start there.
        :raises NksError: one cannot be right.
        """
        options = self.get_options()
        for name in PATHS:
            # Ansible makes the working directory of a path that is set to nothing.
            if not config.get(name) and not os.environ.get("NHNCLOUD_" + name.upper()):
                options[name] = None
        for name in CONNECTION:
            if name in PATHS and options[name] is not None and config.get(name):
                # Ansible has put the current directory before a relative path, and before a template.
                text = config[name]
                if isinstance(text, str) and "{{CWD}}" in text:
                    # Ansible's own word, which is no template.
                    text = text.replace("{{CWD}}", os.getcwd())
                text = os.path.expanduser(os.path.expandvars(self._rendered(name, text) or ""))
                options[name] = os.path.normpath(os.path.join(directory, text)) if text else None
            elif name in config:
                options[name] = self._rendered(name, options[name])
            elif options[name] is not None:
                # From the environment, where a password may be anything: Ansible trusts these texts, and only the file's are templates.
                options[name] = connection.FromEnvironment(options[name])
        connection.settle(options)
        for name in ("regions", "clusters", "nodegroups"):
            options[name] = list(
                dict.fromkeys(
                    str(item).strip() for item in options[name] or [] if item not in ("", None)
                )
            )
        options["regions"] = list(dict.fromkeys(region.lower() for region in options["regions"]))
        connection.check(options, options["regions"])
        for name in ("kubernetes_endpoint", "compute_endpoint", "network_endpoint"):
            if options[name] and len(options["regions"]) > 1:
                raise BadInput(
                    name,
                    options[name],
                    "is the address of one region",
                    "leave it out, or list only one region in regions",
                )
        if not options["regions"]:
            options["regions"] = [options["region"].lower() if options["region"] else None]
        if options["workers"] < 1:
            raise BadInput(
                "workers",
                options["workers"],
                "is not a number of parallel requests",
                "give 1 or more",
            )
        if options["hostname"] not in HOST_NAMES and "{{" not in options["hostname"]:
            raise BadInput(
                "hostname",
                options["hostname"],
                "is not known",
                "set it to address, name, uuid or a Jinja2 template such as '{{ nks_cluster }}-{{ nks_address }}'",
            )
        options["resolve_nodes"] = options["resolve_nodes"] or options["hostname"] in (
            "name",
            "uuid",
        )
        return options

    def _rendered(self, name, value):
        """A connection option as plain text: decrypted, and rendered where the file holds a template.

        Only what has both braces is taken for a template, so that a password may hold one of them.
        """
        if value is None or (isinstance(value, str) and not re.search(r"{{.*}}", value, re.DOTALL)):
            return value if value is None else str(value)
        try:
            value = self.templar.template(value)
        except AnsibleError:
            # The reason would quote the template, and so perhaps a password that only looks like one.
            raise NksError(
                "%s: the template cannot be rendered; see that what it names is there." % name
            ) from None
        return None if value is None else str(value)

    # -- data, read or cached ----------------------------------------------------------------------------------------

    def _data(self, path, options, cache):
        """What :data:`DATA` describes, from the cache where there is one."""
        key = None
        if options["cache"]:
            key = "%s_%s" % (self.get_cache_key(path), account_key(options))
        if key and cache:
            try:
                data = self._cache[key]
            except Exception:
                # Nothing kept, too old, or damaged: each cache plugin fails in its own way then, and reading anew mends all of it.
                data = None
            if fits(data, DATA) and data["form"] == CACHE_FORM and usable(data):
                self._tell_missing(data, options)
                return data
        data, complete = self._read(options)
        self._tell_missing(data, options)
        if key and complete:
            self._cache[key] = data
        return data

    def _read(self, options):
        """The data from the service, and whether nothing is missing that should be in it."""
        from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import (
            Transport,
        )
        from ansible_collections.nhncloud.nks.plugins.module_utils._common import query

        if options["cluster_query"]:
            query.check(options["cluster_query"], "cluster_query")
        clock = StoppableClock()
        transport = Transport(
            clock,
            timeout=options["request_timeout"],
            max_retries=options["max_retries"],
            verify=options["ca_cert"]
            if options["validate_certs"] and options["ca_cert"]
            else options["validate_certs"],
            pool_size=options["workers"],
        )
        try:
            who = identity.Identity(transport, options)
            # Here and not in the threads: a refused login, or a region that does not exist, is told once and stops everything.
            who.token()
            for region in options["regions"]:
                who.endpoint("kubernetes", region)
            reader = Reader(
                {region: Api(transport, who, region) for region in options["regions"]},
                options,
                clock,
            )
            data = reader.read()
        except NksError as error:
            error.msg = transport.hide(error.msg)
            raise
        finally:
            transport.close()
            for warning in transport.warnings:
                self._warn(warning)
        for problem in reader.problems:
            self._warn(transport.hide(problem))
        return data, not reader.problems

    def _tell_missing(self, data, options):
        """Named clusters and node groups that are not there."""
        for name in data["missing"]:
            message = "clusters: there is no cluster '%s' in %s." % (
                name,
                " or ".join(region or "the service" for region in options["regions"]),
            )
            if options["strict_clusters"]:
                raise NksError(message)
            self._warn(message)
        there = {
            text.lower()
            for cluster in data["clusters"]
            for group in cluster["groups"]
            for text in (group["nodegroup"], group["nodegroup_uuid"])
        }
        for name in options["nodegroups"]:
            if name.lower() not in there:
                self._warn("nodegroups: none of the clusters has a node group '%s'." % name)

    # -- hosts and groups --------------------------------------------------------------------------------------------

    def _placed(self, data, options):
        """Each node with its host name and variables: list of (name, cluster, group, variables). Changes nothing yet.

        :raises NksError: two nodes would get one name.
        """
        placed, taken = [], {}
        # Where Ansible is given a name to put into a group, it looks among the groups first.
        groups = {
            TOP_GROUP,
            *self.inventory.groups,
            *(self._group_name(options, cluster) for cluster in data["clusters"]),
        }
        groups.update(
            self._group_name(options, cluster, group)
            for cluster in data["clusters"]
            for group in cluster["groups"]
        )
        for cluster in data["clusters"]:
            for group in cluster["groups"]:
                # Made once for all nodes of the group.
                shared = {
                    "nks_" + key: trusted(cluster[key])
                    for key in ("cluster", "cluster_uuid", "region")
                }
                shared.update(
                    ("nks_" + key, trusted(group[key])) for key in GROUP if key != "nodes"
                )
                unnamed, refused = [], []
                for node in group["nodes"]:
                    address = trusted(node["address"])
                    variables = dict(shared, ansible_host=address, nks_address=address)
                    if options["resolve_nodes"]:
                        variables.update(
                            ("nks_node_" + key, trusted(node[key]))
                            for key in ("name", "uuid", "status")
                        )
                    name = self._host_name(options, node, variables)
                    if not name or (options["resolve_nodes"] and node["uuid"] is None):
                        unnamed.append(node["address"])
                    elif name != node["address"] and (name in groups or not is_host_name(name)):
                        refused.append("%s for %s" % (quoted(name), node["address"]))
                        name = None
                    name = name or node["address"]
                    if name in taken:
                        raise NksError(
                            "Two nodes would both be host '%s': %s, and %s. Set hostname to name or uuid, or to a template that tells them "
                            "apart, such as '{{ nks_cluster }}-{{ nks_nodegroup }}-{{ nks_address }}'."
                            % (name, taken[name], described(cluster, group, node))
                        )
                    taken[name] = described(cluster, group, node)
                    placed.append((name, cluster, group, variables))
                if unnamed:
                    self._tell_unnamed(options, cluster, group, unnamed)
                if refused:
                    self._warn(
                        "Cluster %s, node group %s: hostname gives invalid host names (%s); these nodes are named by their addresses."
                        % (cluster["cluster"], group["nodegroup"], some(refused))
                    )
        return placed

    def _host_name(self, options, node, variables):
        """The name that hostname asks for; empty where the node has none."""
        hostname = options["hostname"]
        if hostname in HOST_NAMES:
            return node[HOST_NAMES[hostname]]
        # The template comes from the user's own file. Values that look like templates are data to it, see trusted().
        self.templar.available_variables = (
            combine_vars(variables, self._vars) if options["use_extra_vars"] else variables
        )
        try:
            name = self.templar.template(hostname)
        except AnsibleError as error:
            hint = (
                ""
                if options["resolve_nodes"] or "nks_node_" not in hostname
                else " The variables nks_node_... need resolve_nodes: true."
            )
            raise NksError(
                "hostname: the template cannot be rendered for node %s: %s%s"
                % (node["address"], sentence(error), hint)
            ) from None
        return "" if name is None else str(name).strip()

    def _tell_unnamed(self, options, cluster, group, addresses):
        what = (
            "the compute service shows no instance for"
            if options["resolve_nodes"]
            else "hostname gives no name for"
        )
        consequence = (
            "" if options["hostname"] == "address" else "; their addresses are their host names"
        )
        self._warn(
            "Cluster %s, node group %s: %s %d of %d nodes (%s)%s."
            % (
                cluster["cluster"],
                group["nodegroup"],
                what,
                len(addresses),
                len(group["nodes"]),
                some(addresses),
                consequence,
            )
        )

    def _fill(self, data, placed, options):
        """Groups and hosts, and what the user composes of them."""
        inventory = self.inventory
        inventory.add_group(TOP_GROUP)
        homes = self._add_groups(data, options)
        # Most inventories have none of these, and each of them costs more per host than all the rest.
        composes = bool(options["compose"] or options["groups"] or options["keyed_groups"])
        for name, cluster, group, variables in placed:
            for home in homes[cluster["cluster_uuid"], group["nodegroup_uuid"]]:
                inventory.add_host(name, group=home)
            # In one step: fourteen calls of set_variable take four times as long as all the rest that a host needs.
            inventory.hosts[name].vars.update(variables)
            if composes:
                host, strict = inventory.hosts[name], options["strict"]
                self._set_composite_vars(options["compose"], host.get_vars(), name, strict=strict)
                known = host.get_vars()
                self._add_host_to_composed_groups(
                    options["groups"], known, name, strict=strict, fetch_hostvars=False
                )
                self._add_host_to_keyed_groups(
                    options["keyed_groups"], known, name, strict=strict, fetch_hostvars=False
                )

    def _group_name(self, options, cluster, group=None):
        """The name of a cluster's group, or of its node group's."""
        if group is None:
            return self._sanitize_group_name(
                "%scluster_%s" % (options["group_prefix"], cluster["cluster"])
            )
        return self._sanitize_group_name(
            "%snodegroup_%s_%s" % (options["group_prefix"], cluster["cluster"], group["nodegroup"])
        )

    def _add_groups(self, data, options):
        """Make all groups; answers which of them the hosts of a node group are added to, by the UUIDs of cluster and node group."""
        inventory = self.inventory
        holders, parents, members = {}, {}, {}
        for cluster in data["clusters"]:
            top = inventory.add_group(self._group_name(options, cluster))
            inventory.add_child(TOP_GROUP, top)
            holders.setdefault(top, []).append(cluster)
            for group in cluster["groups"]:
                name = inventory.add_group(self._group_name(options, cluster, group))
                parents.setdefault(name, []).append((top, cluster, group))
                members[cluster["cluster_uuid"], group["nodegroup_uuid"]] = (top, name)
        for top, clusters in holders.items():
            if len(clusters) > 1:
                listed = ", ".join(
                    "%s (%s)" % (cluster["cluster"], where(cluster)) for cluster in clusters
                )
                self._warn(
                    "Group %s holds the nodes of %d clusters: %s." % (top, len(clusters), listed)
                )
        homes = {}
        for name, owners in parents.items():
            # Cluster "a" with group "b-c" and cluster "a-b" with group "c" share a group name. Were it a child of both clusters'
            # groups, each cluster's group would hold the other's nodes.
            tops = list(dict.fromkeys(top for top, _cluster, _group in owners))
            shared = len(tops) > 1
            for top in [TOP_GROUP] if shared else tops:
                inventory.add_child(top, name)
            labels = [
                "%s of cluster %s" % (group["nodegroup"], cluster["cluster"])
                for _top, cluster, group in owners
            ]
            # Groups of one name in clusters of one name are shown with the clusters' UUIDs.
            if len(set(labels)) > 1:
                if len(set(labels)) < len(labels):
                    labels = [
                        "%s (%s)" % (label, where(cluster))
                        for label, (_top, cluster, _group) in zip(labels, owners)
                    ]
                self._warn(
                    "Group %s holds the nodes of %d node groups: %s."
                    % (name, len(labels), ", ".join(labels))
                )
            homes[name] = shared
        return {
            key: (top, name) if homes[name] else (name,) for key, (top, name) in members.items()
        }

    def _compose(self, template, variables, *args, **kwargs):
        """As Ansible does it, but what comes of it is, like all other values, a plain string to ansible-inventory."""
        return trusted(super()._compose(template, variables, *args, **kwargs))


class PlainDisplay:
    """Ansible's display, with warnings that hold no control characters: the service's words and names stand in them."""

    def __init__(self, display):
        self._display = display

    def __getattr__(self, name):
        return getattr(self._display, name)

    def warning(self, message):
        """One warning."""
        self._display.warning(visible(message))


@contextmanager
def no_empty_variables():
    """Our variables of the environment that are empty are not set, as modules have it: a credential of AWX leaves its unused fields empty.

    To Ansible an empty NHNCLOUD_VALIDATE_CERTS is false, and certificates would no longer be verified.
    """
    empty = [
        name for name, value in os.environ.items() if name.startswith("NHNCLOUD_") and not value
    ]
    for name in empty:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update((name, "") for name in empty)


class StoppableClock(Clock):
    """A clock that wakes all sleepers, so that threads between two attempts do not hold up an error or a Ctrl-C."""

    def __init__(self):
        self._stopped = threading.Event()

    def stop(self):
        """End all sleep, present and future."""
        self._stopped.set()

    def sleep(self, seconds):
        """Wait for so many seconds.

        :raises NksError: the clock was stopped.
        """
        if self._stopped.wait(max(0.0, seconds)):
            raise NksError("Stopped.")


class Reader:
    """Reads all regions at once: what follows from an answer is asked as soon as the answer is there.

    The threads only make requests. Answers are looked at in the thread of the caller, one after another.

    :param apis: region -> its :class:`api.Api`.
    :param options: the plugin's options.
    :param clock: the one by which the transport sleeps.
    """

    def __init__(self, apis, options, clock):
        self.apis = apis
        self.options = options
        self.clock = clock
        #: One sentence for each thing that could not be read.
        self.problems = []
        self._clusters = []
        self._groups = {}
        self._instances = {}
        #: What is read only for node groups that show no UUIDs of their nodes: a region's networks, a cluster's network.
        self._networks = {}
        self._homes = {}
        self._missing = {ref.lower(): ref for ref in options["clusters"]}
        self._done = queue.SimpleQueue()
        self._pending = 0
        self._pool = None

    def read(self):
        """Everything, in the form of :data:`DATA`.

        :raises NksError: a list that all the rest depends on cannot be read, or any with strict_clusters.
        """
        self._pool = ThreadPoolExecutor(self.options["workers"], thread_name_prefix="nks")
        try:
            for region, api in self.apis.items():
                self._ask(api.clusters, self._got_clusters, region)
                if self.options["resolve_nodes"]:
                    self._ask(api.servers, self._got_instances, region)
            while self._pending:
                future, then, about = self._done.get()
                self._pending -= 1
                then(future, *about)
        finally:
            self.clock.stop()
            self._pool.shutdown(wait=True, cancel_futures=True)
        return self._result()

    def _ask(self, call, then, *about, args=()):
        """Make a request in a thread, and have ``then`` look at the answer."""
        self._pending += 1
        future = self._pool.submit(call, *args)
        future.add_done_callback(lambda done: self._done.put((done, then, about)))

    # -- answers -----------------------------------------------------------------------------------------------------

    def _got_clusters(self, future, region):
        items = {}
        for reply in self._needed(future, region):
            item = dict(wire.resource(reply), region=region)
            if item.get("uuid") and item.get("name"):
                # A list that changes while its pages are read may show an entry twice.
                items.setdefault(item["uuid"], item)
            else:
                self._problem(
                    "Region %s: the list of clusters has an entry without uuid or name, which was left out."
                    % region
                )
        for item in self._selected(list(items.values())):
            self._clusters.append(item)
            self._ask(self.apis[region].nodegroups, self._got_groups, item, args=[item["uuid"]])

    def _got_instances(self, future, region):
        self._instances[region] = nodes.Instances(self._needed(future, region))

    def _got_groups(self, future, cluster):
        wanted = {ref.lower() for ref in self.options["nodegroups"]}
        seen = set()
        for reply in self._answer(future, cluster) or []:
            item = wire.resource(reply)
            if not item.get("uuid") or not item.get("name"):
                self._problem(
                    "Cluster %s (%s): the list of its node groups has an entry without uuid or name, which was left out."
                    % named(cluster)
                )
            elif item["uuid"] in seen:
                continue
            elif item.get("role") in (None, "worker") and (
                not wanted or wanted & {item["uuid"].lower(), item["name"].lower()}
            ):
                self._ask(
                    self.apis[cluster["region"]].nodegroup,
                    self._got_group,
                    cluster,
                    item,
                    args=[cluster["uuid"], item["uuid"]],
                )
            seen.add(item.get("uuid"))

    def _got_group(self, future, cluster, listed):
        reply = self._answer(future, cluster)
        # What the list shows stays true where the reply is silent.
        known = {key: value for key, value in (reply or {}).items() if value is not None}
        # One that could not be read keeps its place in the inventory, without hosts.
        known.update((key, listed[key]) for key in ("name", "uuid"))
        group = dict(listed, **known)
        group["node_addresses"], rest = nodes.addresses(group)
        if reply and isinstance(future.result().get("node_addresses"), list):
            # Blank ones are no longer in the typed list. None is a node that has no address yet.
            rest += [value for value in future.result()["node_addresses"] if value == ""]
        if rest:
            self._problem(
                "Cluster %s (%s), node group %s: left out values that are not a usable IP address of a node (%s)."
                % (named(cluster) + (group["name"], some([quoted(value) for value in rest])))
            )
        self._groups.setdefault(cluster["uuid"], []).append(group)
        if self.options["resolve_nodes"] and group["node_addresses"] and not nodes.listed(group):
            self._ask_network(cluster)

    def _ask_network(self, cluster):
        """Read in which network a cluster is, and what the networks of its region are called, each once."""
        region = cluster["region"]
        if region not in self._networks:
            self._networks[region] = []
            self._ask(self.apis[region].vpcs, self._got_networks, cluster)
        if cluster["uuid"] not in self._homes:
            self._homes[cluster["uuid"]] = None
            self._ask(self.apis[region].cluster, self._got_home, cluster, args=[cluster["uuid"]])

    def _got_networks(self, future, cluster):
        self._networks[cluster["region"]] = self._answer(future, cluster) or []

    def _got_home(self, future, cluster):
        self._homes[cluster["uuid"]] = (self._answer(future, cluster) or {}).get("fixed_network")

    def _needed(self, future, region):
        """The reply of a request that all the rest of a region depends on.

        :raises NksError: there is none.
        """
        try:
            return future.result()
        except NksError as error:
            if len(self.apis) > 1:
                error.msg = "Region %s: %s" % (region, error.msg)
            raise

    def _answer(self, future, cluster):
        """The reply about one cluster or its node group, typed; None where it cannot be read.

        :raises NksError: no other cluster can be read either.
        """
        try:
            reply = future.result()
            return wire.identified(reply, "read a node group") if isinstance(reply, dict) else reply
        except NksError as error:
            if error.values.get("status_code") == 401:
                return self._needed(future, cluster["region"])
            self._problem(
                "Cluster %s (%s) is not listed whole. %s" % (named(cluster) + (error.msg,))
            )
            return None

    def _problem(self, text):
        if self.options["strict_clusters"]:
            raise NksError(text)
        self.problems.append(text)

    # -- choice ------------------------------------------------------------------------------------------------------

    def _selected(self, items):
        """The clusters that are wanted of one region's list."""
        refs = {ref.lower() for ref in self.options["clusters"]}
        if refs:
            chosen = []
            for item in items:
                hits = refs & {item["uuid"].lower(), item["name"].lower()}
                for hit in hits:
                    self._missing.pop(hit, None)
                if hits:
                    chosen.append(item)
        else:
            chosen = items
        if not self.options["cluster_query"]:
            return chosen
        picked = self._queried(items)
        return [item for item in chosen if item["uuid"] in picked]

    def _queried(self, items):
        """UUIDs of the clusters that cluster_query gives.

        :raises BadInput: it gives something else than clusters.
        """
        from ansible_collections.nhncloud.nks.plugins.module_utils._common import query

        expression = self.options["cluster_query"]
        found = query.search(expression, items, "cluster_query")
        uuids = {item["uuid"] for item in items}
        picked = set()
        for entry in found if isinstance(found, list) else [] if found is None else [found]:
            ref = entry.get("uuid") or entry.get("name") if isinstance(entry, dict) else entry
            if not isinstance(ref, str) or not ref:
                raise BadInput(
                    "cluster_query",
                    expression,
                    "gives something else than clusters",
                    "let it give clusters, such as [?status=='CREATE_COMPLETE']",
                )
            picked.update(
                [ref] if ref in uuids else [item["uuid"] for item in items if item["name"] == ref]
            )
        return picked

    # -- result ------------------------------------------------------------------------------------------------------

    def _result(self):
        """What was read, in an order that does not depend on which answer was the first."""
        resolved = self.options["resolve_nodes"]
        clusters = []
        for cluster in self._clusters:
            groups = []
            for group in self._groups.get(cluster["uuid"], []):
                labels = group.get("labels") or {}
                groups.append(
                    {
                        "nodegroup": group["name"],
                        "nodegroup_uuid": group["uuid"],
                        "kubernetes_version": text(labels.get("kube_tag")),
                        "flavor_id": text(group.get("flavor_id")),
                        "image_id": text(group.get("image_id") or labels.get("node_image")),
                        "availability_zone": text(labels.get("availability_zone")),
                        "role": text(group.get("role")) or "worker",
                        "status": text(group.get("status")),
                        "autoscale_enabled": labels.get("ca_enable") is True,
                        "nodes": self._nodes(cluster, group) if resolved else unresolved(group),
                    }
                )
            groups.sort(key=lambda group: (natural(group["nodegroup"]), group["nodegroup_uuid"]))
            clusters.append(
                {
                    "cluster": cluster["name"],
                    "cluster_uuid": cluster["uuid"],
                    "region": cluster["region"],
                    "groups": groups,
                }
            )
        order = list(self.apis)
        clusters.sort(
            key=lambda cluster: (
                order.index(cluster["region"]),
                natural(cluster["cluster"]),
                cluster["cluster_uuid"],
            )
        )
        return {"form": CACHE_FORM, "missing": list(self._missing.values()), "clusters": clusters}

    def _nodes(self, cluster, group):
        """The nodes of a group, each with its instance where it is certain; see ``nodes`` for the rules."""
        region = cluster["region"]
        network = nodes.network_name(
            self._networks.get(region, ()), self._homes.get(cluster["uuid"])
        )
        found = self._instances[region].by_address(group, network)
        resolved = unresolved(group)
        for node in resolved:
            if node["address"] in found:
                node.update(
                    (key, found[node["address"]][key]) for key in ("name", "uuid", "status")
                )
        return resolved


def unresolved(group):
    """The nodes of a group by their addresses alone."""
    return [
        {"address": address, "name": None, "uuid": None, "status": None}
        for address in sorted(group["node_addresses"], key=natural)
    ]


def natural(value):
    """Sorts numbers in a text by their value: 10.0.0.9 before 10.0.0.10."""
    parts = re.split(r"([0-9]+)", value)
    # By length and then by digits, which is by value, without the bound that Python has on reading numbers.
    parts[1::2] = [(len(digits.lstrip("0")), digits.lstrip("0")) for digits in parts[1::2]]
    return parts


def text(value):
    """A field of a reply as text; no value stays none."""
    return value if value is None or isinstance(value, str) else str(value)


def named(cluster):
    """A cluster's name and region, for a message."""
    return cluster["name"], cluster["region"] or cluster["uuid"]


def where(cluster):
    """What tells clusters of one name apart."""
    return ", ".join(filter(None, [cluster["region"], cluster["cluster_uuid"]]))


def described(cluster, group, node):
    """One node, for a message."""
    return "%s of node group %s of cluster %s (%s)" % (
        node["address"],
        group["nodegroup"],
        cluster["cluster"],
        where(cluster),
    )


def is_host_name(name):
    """Whether a text can be the name of a host that is no address.

    Names become paths (host_vars, fetched files, the cache of facts), parts of patterns and arguments of commands. Whatever else
    a user makes of them, the service and who may name its instances must not be able to choose such things.
    """
    return (
        bool(HOST_NAME.fullmatch(name))
        and name.lower() not in RESERVED_NAMES
        and not NUMBERS.fullmatch(name)
    )


def quoted(value):
    """A value of the service in a message."""
    text = in_sentence(value)
    return "'%s'" % (text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "...")


def some(texts):
    """The first few of many texts."""
    return ", ".join(texts[:MAX_NAMED]) + (
        " and %d more" % (len(texts) - MAX_NAMED) if len(texts) > MAX_NAMED else ""
    )


def sentence(error):
    """The first line of an error of Ansible's, with a full stop."""
    return str(error).strip().splitlines()[0].rstrip(".") + "."


def fits(value, form):
    """Whether a value, perhaps of a damaged cache, has the given form: a type, a list of one form, or a dict of forms."""
    if isinstance(form, dict):
        return (
            isinstance(value, dict)
            and value.keys() == form.keys()
            and all(fits(value[key], form[key]) for key in form)
        )
    if isinstance(form, list):
        return isinstance(value, list) and all(fits(item, form[0]) for item in value)
    return isinstance(value, form)


def usable(data):
    """Whether the addresses in cached data are ones that a node can have: whoever may write the file must not choose more than that."""
    return all(
        nodes.address(node["address"]) == node["address"]
        for cluster in data["clusters"]
        for group in cluster["groups"]
        for node in group["nodes"]
    )


def account_key(options):
    """What decides what is read, as a digest: two sources that differ in any of it do not share a cache entry."""
    parts = [connection.identity_url(options)]
    parts += [
        options[name]
        for name in (
            "tenant_id",
            "username",
            "token",
            "domain",
            "kubernetes_endpoint",
            "compute_endpoint",
            "network_endpoint",
        )
    ]
    parts += [
        options[name]
        for name in ("regions", "clusters", "cluster_query", "nodegroups", "resolve_nodes")
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def trusted(value):
    """A value in the form in which ansible-inventory prints it as a plain string.

    Ansible marks each string that is not trusted as a template, and others take the mark for a value of another kind. To trust a
    string changes nothing if there is nothing in it to run. What could be run (braces, or the header that gives other signs their
    meaning) stays as it is, and Ansible never runs that.
    """
    if isinstance(value, str):
        return value if "{" in value or "#jinja2" in value.lower() else trust_as_template(value)
    if isinstance(value, list):
        return [trusted(item) for item in value]
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    return value
