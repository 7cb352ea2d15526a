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
  - The group C(nks) contains a group C(nks_cluster_CLUSTER) for each cluster, which contains a group C(nks_nodegroup_CLUSTER_NODEGROUP)
    for each worker node group. Characters that a group name cannot contain become underscores. Clusters and node groups without nodes
    have groups, too.
  - Each address of a worker node is one host. A value that is not an IP address that a node can have is left out with a warning, see
    O(strict_clusters).
  - The hosts have the variables C(ansible_host), C(nks_address), C(nks_cluster), C(nks_cluster_uuid),
    C(nks_nodegroup), C(nks_nodegroup_uuid), C(nks_region), C(nks_kubernetes_version), C(nks_flavor_id), C(nks_image_id),
    C(nks_availability_zone), C(nks_role), C(nks_status) (of the node group) and C(nks_autoscale_enabled).
    With O(resolve_nodes) there are also C(nks_node_name), C(nks_node_uuid) and C(nks_node_status).
  - The plugin reads the list of clusters of each region, the list of node groups of each cluster, and each node group; with
    O(resolve_nodes) also the list of instances of each region. These requests run in parallel, up to O(workers) at a time.
  - With O(resolve_nodes), an instance is a node if the node group lists its UUID. If the node group lists no UUIDs, the node is the
    instance that has the address in the network of the cluster. The plugin then also reads the cluster and the networks of its region.
  - A failed login, list of clusters or list of instances is an error. If something of a single cluster cannot be read, the plugin issues
    a warning, see O(strict_clusters).
options:
  plugin:
    description: Marks the file as a source for this plugin.
    type: str
    required: true
    choices: [nhncloud.nks.nks]
  regions:
    description:
      - Codes of the regions to list, in upper or lower case. If it is set, O(region) is not used.
      - With more than one region, O(kubernetes_endpoint), O(compute_endpoint) and O(network_endpoint) cannot be set, because each is the
        address of one region.
    type: list
    elements: str
    default: []
  clusters:
    description:
      - Names or UUIDs of the clusters to list. If it is empty, all clusters are listed.
      - If several clusters have the same name, in one region or in several, all of them are listed.
      - If a cluster is in none of the regions, the plugin issues a warning, see O(strict_clusters).
    type: list
    elements: str
    default: []
  cluster_query:
    description:
      - A JMESPath expression that is applied to each region's list of clusters. It returns the clusters to list, or their UUIDs or names.
      - The clusters have the fields of the operation List Clusters, with booleans and numbers as such, and C(region).
      - If O(clusters) is also set, only clusters that both options select are listed.
      - Requires the Python library C(jmespath).
    type: str
  nodegroups:
    description:
      - Names or UUIDs of the node groups to list, in any cluster. If it is empty, all worker node groups are listed.
    type: list
    elements: str
    default: []
  hostname:
    description:
      - The source of host names.
      - V(address) is the node's address, V(name) the name and V(uuid) the UUID of its instance.
        Any other value must be a Jinja2 template over the host's variables, such as V({{ nks_cluster }}-{{ nks_address }}).
      - If a node has no such name, for instance because the compute service does not know it, its address becomes its name, and the
        plugin issues a warning.
      - The same applies to invalid names. A valid name consists of letters, digits, V(_), V(.) and V(-), begins with a letter, a digit or
        V(_), and is not V(all), V(ungrouped), V(localhost), the name of a group or an IP address other than the node's own. Names come from
        the service, and Ansible uses them in paths, host patterns and arguments.
      - It is an error if two nodes get the same name. Clusters in different networks can have nodes with the same address.
    type: str
    default: address
  resolve_nodes:
    description:
      - Whether to read names, UUIDs and statuses of the nodes' instances from the compute service.
      - Implied when O(hostname) is V(name) or V(uuid).
    type: bool
    default: false
  group_prefix:
    description: The prefix of C(cluster_) and C(nodegroup_) in the names of groups. It does not change the name of the group C(nks).
    type: str
    default: nks_
  workers:
    description: The maximum number of requests that run in parallel.
    type: int
    default: 16
  strict_clusters:
    description:
      - Whether the plugin fails if a cluster or node group cannot be read, if an address is invalid, or if a cluster of O(clusters) does
        not exist. Otherwise it issues a warning and lists the rest.
      - An inventory that is incomplete because something could not be read is not cached.
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
    description: A guide to groups, host names and the cache.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/inventory.md
notes:
  - Clusters with the same name share a group, as do names that are equal once their characters are replaced. The plugin issues a warning.
  - The connection options may be templates, for instance V({{ lookup('ansible.builtin.file', '/run/secrets/nks'\) }}), and encrypted with
    Ansible Vault.
  - Names and labels that come from the service are never run as templates, and values that look like templates are not marked as safe.
  - The cache contains the clusters, node groups and nodes, but no token and no password. Its entries are separate for each account, each
    selection of regions, and all other options that decide what is read. A run from the cache makes no requests.
"""

EXAMPLES = r"""
# Every worker node of the project. The file is named, for instance, demo.nks.yml; the credentials are in the environment:
# NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME and NHNCLOUD_PASSWORD.
# For AWX and automation controller: exactly this file, and a credential type that sets these variables.
---
plugin: nhncloud.nks.nks

# Several regions, instance names as host names, groups by availability zone and by Kubernetes version, and additional variables.
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

# Only some clusters and node groups; several of these clusters can use the same addresses.
---
plugin: nhncloud.nks.nks
region: kr1
cluster_query: "[?starts_with(name, 'prod-') && status != 'DELETE_IN_PROGRESS']"
nodegroups: [default-worker, batch]
hostname: "{{ nks_cluster }}-{{ nks_address }}"
strict_clusters: true

# Cached for ten minutes. To read again before that: ansible-playbook --flush-cache
---
plugin: nhncloud.nks.nks
region: kr1
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/nks-inventory
cache_timeout: 600

# Nodes behind a bastion host.
---
plugin: nhncloud.nks.nks
region: kr1
compose:
  ansible_user: "'ubuntu'"
  ansible_ssh_common_args: "'-o ProxyJump=ubuntu@bastion.example.com'"
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.template import trust_as_template
from ansible.utils.vars import combine_vars

from ansible_collections.nhncloud.nks.plugins.module_utils._client import connection
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    BadInput,
    NksError,
    visible,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._observe import (
    layout,
    listing,
    reader,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.listing import (
    Cluster,
    Listing,
    Node,
    NodeGroup,
    Options,
)

FILE_NAMES = ("nks.yml", "nks.yaml")
SECRETS = ["password", "token"]
PATHS = ["ca_cert", "token_cache"]
#: Options that may be templates or encrypted.
CONNECTION = ["region", "tenant_id", "username", "auth_url", "domain"] + SECRETS + PATHS
CONNECTION += [service + "_endpoint" for service in connection.SERVICES]
#: The values of hostname that are no template -> the name that they select.
HOST_NAMES: dict[str, Callable[[Node], str | None]] = {
    "address": lambda node: node["address"],
    "name": lambda node: node["name"],
    "uuid": lambda node: node["uuid"],
}


class Host(NamedTuple):
    """A host before it is added to the inventory."""

    name: str
    cluster: Cluster
    group: NodeGroup
    node: Node
    variables: dict[str, Any]


# Ansible has no type information, so its classes are Any to mypy.
class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]
    """The options of a source, and its hosts and groups; :mod:`reader` reads the cloud."""

    NAME = "nhncloud.nks.nks"
    #: Ansible's; any because Ansible has no type information.
    display: Any

    def verify_file(self, path: str) -> bool:
        """Whether the name of the file is that of a source of this plugin."""
        name = os.path.basename(path)
        ours = name in FILE_NAMES or name.endswith(tuple("." + ending for ending in FILE_NAMES))
        return ours and bool(super().verify_file(path))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
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
            found = self._listing(path, options, cache)
            groups = layout.Layout(found, options["group_prefix"], self._sanitize_group_name)
            hosts = self._hosts(found, groups, options)
        except NksError as error:
            raise AnsibleParserError(visible(error.msg)) from None
        self._fill(groups, hosts, options)

    def _warn(self, text: str) -> None:
        self.display.warning(visible(text))

    # -- options -----------------------------------------------------------------------------------------------------

    def set_options(
        self, task_keys: Any = None, var_options: Any = None, direct: dict[str, Any] | None = None
    ) -> None:
        """As in Ansible, except that its error about an option of a wrong type would show the password."""
        for name in SECRETS:
            if isinstance((direct or {}).get(name), (Mapping, list)):
                raise AnsibleParserError("%s: it is not a string; put it in quotes." % name)
        with no_empty_variables():
            super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def _settings(self, config: dict[str, Any], directory: str) -> Options:
        """The options in the form in which they are used.

        :param config: the content of the file.
        :param directory: the directory of the file; its relative paths start there.
        :raises NksError: a value is invalid.
        """
        options: Options = self.get_options()
        for name in PATHS:
            # If a path is set to nothing, Ansible returns the working directory.
            if not config.get(name) and not os.environ.get("NHNCLOUD_" + name.upper()):
                options[name] = None
        for name in CONNECTION:
            if name in PATHS and options[name] is not None and config.get(name):
                options[name] = self._path(name, config[name], directory)
            elif name in config:
                options[name] = self._rendered(name, options[name])
            elif options[name] is not None:
                # A password in the environment can be anything. Ansible trusts these texts, but only those of the file are templates.
                options[name] = connection.FromEnvironment(options[name])
        connection.settle(options)
        reader.prepare(options)
        hostname = options["hostname"]
        if hostname not in HOST_NAMES and "{{" not in hostname:
            remedy = "set it to address, name, uuid or a Jinja2 template such as '{{ nks_cluster }}-{{ nks_address }}'"
            raise BadInput("hostname", hostname, "is not known", remedy)
        options["resolve_nodes"] = options["resolve_nodes"] or hostname in ("name", "uuid")
        return options

    def _path(self, name: str, value: Any, directory: str) -> str | None:
        """A path of the file, which Ansible has put below the current directory, even if it is a template.

        :raises NksError: see :meth:`_rendered`.
        """
        if isinstance(value, str) and "{{CWD}}" in value:
            # Ansible's own placeholder, not a template.
            value = value.replace("{{CWD}}", os.getcwd())
        text = os.path.expanduser(os.path.expandvars(self._rendered(name, value) or ""))
        return os.path.normpath(os.path.join(directory, text)) if text else None

    def _rendered(self, name: str, value: Any) -> str | None:
        """A connection option as plain text: decrypted, and rendered if the file has a template.

        Only a value with both braces counts as a template, so that a password can contain one of them.

        :raises NksError: the template cannot be rendered.
        """
        if value is None or (isinstance(value, str) and not re.search(r"{{.*}}", value, re.DOTALL)):
            return value if value is None else str(value)
        try:
            value = self.templar.template(value)
        except AnsibleError:
            # The reason would quote the template, and so perhaps a password that only looks like one.
            raise NksError(
                "%s: the template cannot be rendered; check that everything it refers to exists."
                % name
            ) from None
        return None if value is None else str(value)

    # -- listing, read or cached -------------------------------------------------------------------------------------

    def _listing(self, path: str, options: Options, cache: bool) -> Listing:
        """The nodes to list, from the cache if they are there.

        :raises NksError: see :func:`reader.read_listing`.
        """
        key = None
        if options["cache"]:
            key = "%s_%s" % (self.get_cache_key(path), listing.cache_key(options))
        found = self._cached(key) if key and cache else None
        complete = False
        if found is None:
            found, complete = reader.read_listing(options, self._warn)
        listing.report_missing(found, options, self._warn)
        if key and complete:
            self._cache[key] = found
        return found

    def _cached(self, key: str) -> Listing | None:
        try:
            return listing.accepted(self._cache[key])
        except Exception:
            # Missing, expired or damaged: each cache plugin raises its own errors, and reading again solves all of it.
            return None

    # -- hosts -------------------------------------------------------------------------------------------------------

    def _hosts(self, found: Listing, groups: layout.Layout, options: Options) -> list[Host]:
        """The hosts with their names and variables. Changes nothing yet.

        :raises NksError: two nodes would get the same name, or hostname cannot be rendered.
        """
        hosts: dict[str, Host] = {}
        # If a host is to be added to a group, and a group has the host's name, Ansible adds that group.
        reserved = {*groups.names, *self.inventory.groups}
        for cluster in found["clusters"]:
            for group in cluster["groups"]:
                self._add_hosts(hosts, cluster, group, reserved, options)
        return list(hosts.values())

    def _add_hosts(
        self,
        hosts: dict[str, Host],
        cluster: Cluster,
        group: NodeGroup,
        reserved: set[str],
        options: Options,
    ) -> None:
        """Add the hosts of a node group to those of the others.

        :raises NksError: see :meth:`_hosts`.
        """
        # Once for all nodes of the group, because these calls are most of the work.
        shared = trusted(listing.host_variables(cluster, group))
        unnamed, refused = [], []
        for node in group["nodes"]:
            address = node["address"]
            variables = node_variables(shared, node, options)
            name = self._host_name(options, node, variables)
            if not name or (options["resolve_nodes"] and node["uuid"] is None):
                unnamed.append(address)
            elif name != address and (name in reserved or not layout.is_host_name(name)):
                refused.append("%s for %s" % (listing.quoted(name), address))
                name = None
            host = Host(name or address, cluster, group, node, variables)
            if hosts.setdefault(host.name, host) is not host:
                raise NksError(
                    "Two nodes would both be host '%s': %s, and %s. Set hostname to name or uuid, or to a template that distinguishes "
                    "them, such as '{{ nks_cluster }}-{{ nks_nodegroup }}-{{ nks_address }}'."
                    % (host.name, described(hosts[host.name]), described(host))
                )
        if unnamed:
            self._warn_unnamed(options, cluster, group, unnamed)
        if refused:
            self._warn(
                "Cluster %s, node group %s: hostname produces invalid host names (%s); these nodes are named by their addresses."
                % (cluster["cluster"], group["nodegroup"], listing.some(refused))
            )

    def _host_name(self, options: Options, node: Node, variables: dict[str, Any]) -> str | None:
        """The name that hostname requests; empty if the node has none.

        :raises NksError: hostname cannot be rendered.
        """
        hostname = options["hostname"]
        if hostname in HOST_NAMES:
            return HOST_NAMES[hostname](node)
        # The template comes from the user's own file. Values that look like templates are data to it, see trusted().
        self.templar.available_variables = (
            combine_vars(variables, self._vars) if options["use_extra_vars"] else variables
        )
        try:
            name = self.templar.template(hostname)
        except AnsibleError as error:
            hint = " The variables nks_node_... need resolve_nodes: true."
            if options["resolve_nodes"] or "nks_node_" not in hostname:
                hint = ""
            raise NksError(
                "hostname: the template cannot be rendered for node %s: %s%s"
                % (node["address"], sentence(error), hint)
            ) from None
        return "" if name is None else str(name).strip()

    def _warn_unnamed(
        self, options: Options, cluster: Cluster, group: NodeGroup, addresses: list[str]
    ) -> None:
        reason, consequence = "hostname produces no name for", ""
        if options["resolve_nodes"]:
            reason = "the compute service shows no instance for"
        if options["hostname"] != "address":
            consequence = "; their addresses are their host names"
        self._warn(
            "Cluster %s, node group %s: %s %d of %d nodes (%s)%s."
            % (
                cluster["cluster"],
                group["nodegroup"],
                reason,
                len(addresses),
                len(group["nodes"]),
                listing.some(addresses),
                consequence,
            )
        )

    def _fill(self, groups: layout.Layout, hosts: list[Host], options: Options) -> None:
        """Add groups and hosts, and the variables and groups that the user composes."""
        inventory = self.inventory
        for name in groups.names:
            inventory.add_group(name)
        for parent, child in groups.children():
            inventory.add_child(parent, child)
        for warning in groups.warnings():
            self._warn(warning)
        homes = groups.homes()
        # Most inventories have none of these, and each of them costs more per host than everything else.
        composes = bool(options["compose"] or options["groups"] or options["keyed_groups"])
        for name, cluster, group, _node, variables in hosts:
            for home in homes[cluster["cluster_uuid"], group["nodegroup_uuid"]]:
                inventory.add_host(name, group=home)
            # In one step: fourteen calls of set_variable take four times as long as everything else that a host needs.
            inventory.hosts[name].vars.update(variables)
            if composes:
                self._compose_host(name, options)

    def _compose_host(self, name: str, options: Options) -> None:
        host, strict = self.inventory.hosts[name], options["strict"]
        self._set_composite_vars(options["compose"], host.get_vars(), name, strict=strict)
        variables = host.get_vars()
        for add, groups in (
            (self._add_host_to_composed_groups, options["groups"]),
            (self._add_host_to_keyed_groups, options["keyed_groups"]),
        ):
            add(groups, variables, name, strict=strict, fetch_hostvars=False)

    def _compose(self, template: str, variables: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """As in Ansible, but the result, like all other values, is a plain string to ansible-inventory. A template can have any type."""
        return trusted(super()._compose(template, variables, *args, **kwargs))


class PlainDisplay:
    """Ansible's display, without control characters in warnings: they quote texts and names of the service."""

    def __init__(self, display: Any) -> None:
        self._display = display

    def __getattr__(self, name: str) -> Any:
        return getattr(self._display, name)

    def warning(self, message: str) -> None:
        """Show one warning."""
        self._display.warning(visible(message))


@contextmanager
def no_empty_variables() -> Iterator[None]:
    """Treat empty environment variables of the collection as unset, as modules do: a credential of AWX leaves its unused fields empty.

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


def node_variables(shared: dict[str, Any], node: Node, options: Options) -> dict[str, Any]:
    """The variables of a host; ``shared`` are those of its node group."""
    address = trusted(node["address"])
    variables = dict(shared, ansible_host=address, nks_address=address)
    if options["resolve_nodes"]:
        variables["nks_node_name"] = trusted(node["name"])
        variables["nks_node_uuid"] = trusted(node["uuid"])
        variables["nks_node_status"] = trusted(node["status"])
    return variables


def described(host: Host) -> str:
    """The node of a host, for a message."""
    return "%s of node group %s of cluster %s (%s)" % (
        host.node["address"],
        host.group["nodegroup"],
        host.cluster["cluster"],
        layout.distinction(host.cluster),
    )


def sentence(error: AnsibleError) -> str:
    """The first line of an error of Ansible, with a period."""
    return str(error).strip().splitlines()[0].rstrip(".") + "."


def trusted(value: Any) -> Any:
    """A value, of any type, in the form in which ansible-inventory prints it as a plain string.

    Ansible marks each string that is not trusted as a template, and other programs take the mark for a value of another type. Trusting
    a string that has nothing to run changes nothing. A string that Ansible could run (with braces, or with the header that gives
    other characters their meaning) stays as it is, and Ansible never runs it.
    """
    if isinstance(value, str):
        return value if "{" in value or "#jinja2" in value.lower() else trust_as_template(value)
    if isinstance(value, list):
        return [trusted(item) for item in value]
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    return value
