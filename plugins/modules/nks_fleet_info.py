#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_fleet_info
short_description: Export NHN Kubernetes Service (NKS) clusters as documents
version_added: "1.1.0"
description:
  - Returns existing clusters, regardless of how they were created, as documents that describe them completely. The document of a cluster
    has the options of M(nhncloud.nks.nks_cluster), the cluster's C(region), its node groups (C(nodegroups), with the options of
    M(nhncloud.nks.nks_nodegroup)) and its IP access control (C(ipacl), with the options of M(nhncloud.nks.nks_ipacl)).
  - A document changes nothing if you apply it to the cluster that it came from. If the cluster was deleted, the document creates it again.
  - What a document lacks because NKS does not show it, or because it is a secret, is listed in RV(omitted).
  - The module changes nothing and does not wait. A cluster on which an operation is in progress, or whose last operation failed, is returned as
    NKS shows it now, with a warning. Clusters that are being deleted are left out.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.query
  - nhncloud.nks.attributes.info
  - nhncloud.nks.attributes.actiongroup_nks
options:
  clusters:
    description:
      - Names or UUIDs of clusters. If it is not set or empty, all clusters are returned.
      - If a cluster does not exist or cannot be read, the module omits it and issues a warning. If none of them can be read, the task
        fails.
    type: list
    elements: str
  regions:
    description:
      - Codes of the regions to search, for example V([kr1, kr2]). If it is not set or empty, only O(region) is searched.
      - With several regions, the options for endpoints, such as O(network_endpoint), cannot be set.
    type: list
    elements: str
  references:
    description:
      - How documents refer to networks, flavors, images and other resources.
      - With V(name), a reference is a name if exactly one resource has this name, and otherwise a UUID. Resources that the account cannot list
        are referred to by their UUIDs, and the module issues a warning.
      - With V(uuid), all references are UUIDs. The names are not looked up.
    type: str
    choices:
      - name
      - uuid
    default: name
notes:
  - A user script is part of the document. If it contains secrets, set C(no_log) and protect the file to which you write the document.
  - A text of a document, such as a user script, can contain C({{). If you write a document to a file of variables, mark such texts with
    C(!unsafe), or read the file with the C(from_yaml) filter, so that Ansible does not evaluate them as templates.
  - While the cluster autoscaler is on, C(node_count) is the current number of nodes, or the nearest number within the autoscaler's limits. Any
    current number is then accepted.
  - A document has no C(kubernetes_version) of node groups, because a new node group always gets the version of the control plane.
seealso:
  - module: nhncloud.nks.nks_cluster
  - module: nhncloud.nks.nks_nodegroup
  - module: nhncloud.nks.nks_ipacl
  - module: nhncloud.nks.nks_cluster_info
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Export one cluster
  nhncloud.nks.nks_fleet_info:
    clusters:
      - demo
  register: exported

- name: Write its document to a file
  ansible.builtin.copy:
    content: "{{ exported.clusters[0] | to_nice_yaml(sort_keys=false) }}"
    dest: demo.yml
    mode: "0600"

- name: Export all clusters of two regions, with UUIDs for all resources
  nhncloud.nks.nks_fleet_info:
    regions:
      - kr1
      - kr2
    references: uuid
  register: fleet

- name: Get the names of the clusters that are not at a Kubernetes version
  nhncloud.nks.nks_fleet_info:
    query: "[?kubernetes_version != 'v1.32.3'].name"
  register: outdated
"""

RETURN = r"""
clusters:
  description:
    - The documents of the clusters, in the order in which NKS lists them. Only the main keys are listed here; all other keys are options of
      M(nhncloud.nks.nks_cluster). Options that are not set are left out.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description:
        - Name of the cluster. If several clusters of the region have the name, it is the UUID, and the module issues a warning.
      type: str
      sample: demo
    region:
      description:
        - Code of the region. It is missing if the task sets only the endpoint of a region.
      type: str
      sample: kr1
    network:
      description:
        - Network of the nodes, a name or a UUID, as all references.
      type: str
      sample: demo-vpc
    kubernetes_version:
      description:
        - Kubernetes version of the control plane.
      type: str
      sample: v1.32.3
    node_count:
      description:
        - Number of nodes of the default node group.
      type: int
      sample: 2
    autoscale:
      description:
        - Settings of the cluster autoscaler of the default node group. If it is off, settings that have their default values are left out.
      type: dict
      sample: {"enabled": false}
    nodegroups:
      description:
        - The other node groups, sorted by name, with the options of M(nhncloud.nks.nks_nodegroup).
      type: list
      elements: dict
      sample: [{"name": "batch", "flavor": "m2.c4m8", "node_count": 1}]
    ipacl:
      description:
        - IP access control of the Kubernetes API endpoint, with the options of M(nhncloud.nks.nks_ipacl), without the cluster's own subnet, which
          NKS adds itself.
      type: dict
      sample: {"state": "present", "action": "allow", "targets": [{"cidr_address": "203.0.113.0/24", "description": "Office"}]}
omitted:
  description:
    - What the documents lack. Complete them before you create a cluster from its document.
  returned: success
  type: list
  elements: dict
  contains:
    cluster:
      description:
        - The C(name) of the document.
      type: str
      sample: demo
    resource:
      description:
        - The cluster or node group that the option belongs to.
      type: str
      sample: cluster/demo/nodegroup/batch
    option:
      description:
        - The option, with the option that contains it.
      type: str
      sample: extra_volumes.appkey
    reason:
      description:
        - Why the document does not have it.
      type: str
      sample: It is a secret, which is never shown.
result:
  description:
    - Result of the expression in O(query), which is applied to RV(clusters).
  returned: when O(query) is set
  type: raw
  sample: ["demo"]
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.fleet_info import JOB


def main() -> None:
    entry.main(JOB)


if __name__ == "__main__":
    main()
