#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_fleet
short_description: Manage many NHN Kubernetes Service (NKS) clusters, each with its node groups and access control, in one task
version_added: "1.1.0"
description:
  - Creates, changes and deletes clusters of NHN Kubernetes Service (NKS) as a whole. For each cluster, one document describes the cluster,
    its node groups with their cluster autoscalers, and the IP access control of its Kubernetes API endpoint.
  - The module works on several clusters at the same time, see O(parallel). In each cluster, it makes the changes one after another.
  - Before the first change, it validates all documents, reads all clusters, resolves all names, and plans the changes of every cluster. An invalid
    document, or two documents for the same cluster, end the task. A cluster that cannot be changed as desired fails without any change.
  - A cluster that fails does not stop the others, unless you set O(canary) or O(max_failures). The task fails at the end if any cluster failed,
    and the result contains RV(clusters) and RV(summary) in this case too. Run the task again to complete the rest.
  - In check mode, the module reports all changes, also of a cluster that does not exist yet with its node groups and its access control.
  - Options of a document that you omit keep their current value, and node groups that a document does not name are unchanged.
  - If another operation on a cluster is in progress, the module continues with the other clusters and waits for this one when its turn comes.
    In check mode, it waits first.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.document
  - nhncloud.nks.wait
  - nhncloud.nks.wait.nodes
  - nhncloud.nks.plan
  - nhncloud.nks.attributes
  - nhncloud.nks.attributes.actiongroup_nks
options:
  parallel:
    description:
      - Number of clusters on which the module works at the same time, at least 1. It reads up to 8 resources of each cluster at the same time.
    type: int
    default: 10
  canary:
    description:
      - Number of clusters, from the beginning of O(clusters), that must reach their desired state before the module changes the others. If one
        of them fails, all others are skipped.
    type: int
    default: 0
  max_failures:
    description:
      - Number of failed clusters, at least 1, after which the module does not begin to change further clusters. It skips them, and completes the
        clusters that it has begun. Clusters that fail before the first change count too.
      - If it is not set, the module tries all clusters.
    type: int
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying anything.
    support: full
    details:
      - The RV(actions) are the same as in a normal run, also for clusters and node groups that do not exist yet.
      - Check mode does not predict failures, so O(canary) and O(max_failures) have no effect in it.
notes:
  - The options that M(nhncloud.nks.nks_cluster) and M(nhncloud.nks.nks_nodegroup) require to create a cluster or node group are required
    for those that do not exist yet.
  - The kubeconfig of a cluster is a file on a host and no part of the document, see M(nhncloud.nks.nks_kubeconfig). The role
    P(nhncloud.nks.nks_cluster#role) manages one cluster with its kubeconfig, from the same data.
  - O(wait_timeout), O(wait_interval) and O(wait_for_nodes) apply to each cluster.
  - If the service asks for fewer requests (HTTP status 429 or 503 with C(Retry-After)), all requests of the task wait.
  - The account needs the role ADMIN or NKS ADMIN in the project. All clusters of a task belong to the same project.
seealso:
  - module: nhncloud.nks.nks_fleet_info
  - module: nhncloud.nks.nks_cluster
  - module: nhncloud.nks.nks_nodegroup
  - module: nhncloud.nks.nks_ipacl
  - name: Many clusters
    description: A guide to fleets, from one task to job slicing.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/many-clusters.md
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Create two clusters, one of them with a second node group and access control
  nhncloud.nks.nks_fleet:
    clusters:
      - name: blue
        kubernetes_version: v1.32.3
        keypair: demo-key
        network: demo-vpc
        subnet: demo-subnet
        external_network: public_network
        public_api_endpoint: true
        availability_zone: kr-pub-a
        flavor: m2.c4m8
        image: Ubuntu Server 22.04 LTS Container
        boot_volume_type: General SSD
        boot_volume_size: 50
        node_count: 2
        nodegroups:
          - name: batch
            availability_zone: kr-pub-b
            flavor: m2.c2m4
            image: Ubuntu Server 22.04 LTS Container
            boot_volume_type: General SSD
            boot_volume_size: 50
            autoscale:
              enabled: true
              min_node_count: 1
              max_node_count: 5
        ipacl:
          action: allow
          targets:
            - cidr_address: 203.0.113.0/24
              description: Office
      - name: green
        region: kr1
        kubernetes_version: v1.32.3
        keypair: demo-key
        network: demo-vpc
        subnet: demo-subnet
        external_network: public_network
        availability_zone: kr-pub-b
        flavor: m2.c4m8
        image: Ubuntu Server 22.04 LTS Container
        boot_volume_type: General SSD
        boot_volume_size: 50
  register: fleet

- name: Show the changes of each cluster
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.actions | map(attribute='action') | join(', ') }}"
  loop: "{{ fleet.clusters }}"
  loop_control:
    label: "{{ item.name }}"

- name: Upgrade the first cluster, and the others only if it succeeds
  nhncloud.nks.nks_fleet:
    clusters:
      - name: green
        kubernetes_version: v1.33.4
        upgrade: all
      - name: blue
        kubernetes_version: v1.33.4
        upgrade: all
    canary: 1
    max_failures: 2

- name: Configure all clusters that are described by files in a directory
  nhncloud.nks.nks_fleet:
    clusters: "{{ query('ansible.builtin.file', *paths) | map('ansible.builtin.from_yaml') }}"
  vars:
    paths: "{{ query('ansible.builtin.fileglob', playbook_dir ~ '/clusters/*.yml') | sort }}"

- name: Delete all node groups except the default one
  nhncloud.nks.nks_fleet:
    clusters:
      - name: blue
        nodegroups: []
        purge_nodegroups: true

- name: Delete both clusters
  nhncloud.nks.nks_fleet:
    clusters:
      - name: blue
        state: absent
      - name: green
        state: absent
"""

RETURN = r"""
clusters:
  description:
    - One entry for each document of O(clusters), in the same order.
  returned: success, and if a cluster failed
  type: list
  elements: dict
  contains:
    name:
      description:
        - The O(clusters[].name) of the document.
      type: str
      sample: blue
    region:
      description:
        - Region of the cluster.
      type: str
      sample: kr1
    changed:
      description:
        - Whether the cluster was changed (in check mode, would be changed), also before a failure.
      type: bool
      sample: true
    failed:
      description:
        - Whether the cluster failed.
      type: bool
      sample: false
    skipped:
      description:
        - Whether changes of the cluster were not begun, because of O(canary) or O(max_failures).
      type: bool
      sample: false
    msg:
      description:
        - Why the cluster failed or was skipped. Empty otherwise.
      type: str
      sample: ""
    actions:
      description:
        - The changes of this cluster, as in RV(actions). If the cluster failed, the changes that were made before.
      type: list
      elements: dict
      sample: [{"action": "resize", "resource": "cluster/blue/nodegroup/batch", "changes": {"node_count": {"before": 1, "after": 2}}}]
    cluster:
      description:
        - The cluster, as M(nhncloud.nks.nks_cluster) returns it, see RV(nhncloud.nks.nks_cluster#module:cluster). Empty if the cluster failed.
      type: dict
      sample: {"name": "blue", "uuid": "2b778d83-8b67-45b1-920e-b0c5ad5c2f30", "status": "CREATE_COMPLETE"}
    nodegroups:
      description:
        - The node groups of O(clusters[].nodegroups), except absent ones, as M(nhncloud.nks.nks_nodegroup) returns them, see
          RV(nhncloud.nks.nks_nodegroup#module:nodegroup).
      type: list
      elements: dict
      sample: [{"name": "batch", "uuid": "018b06c5-1293-4081-8242-167a1cb9f262", "node_count": 1}]
    ipacl:
      description:
        - The access control, as M(nhncloud.nks.nks_ipacl) returns it, see RV(nhncloud.nks.nks_ipacl#module:ipacl). Empty if
          O(clusters[].ipacl) is not set.
      type: dict
      sample: {"enable": true, "action": "ALLOW", "ipacl_targets": [{"cidr_address": "203.0.113.0/24", "description": "Office"}]}
    unmanaged:
      description:
        - Node groups of the cluster that the document does not name and that were not deleted. The default node group is never in the list.
      type: list
      elements: dict
      contains:
        resource:
          description:
            - The node group, in the form of RV(actions[].resource).
          type: str
          sample: cluster/blue/nodegroup/old
        name:
          description:
            - Name of the node group.
          type: str
          sample: old
summary:
  description:
    - Numbers of clusters. A cluster that was changed before it failed counts as changed and as failed.
  returned: success, and if a cluster failed
  type: dict
  contains:
    ok:
      description:
        - Clusters that neither failed nor were skipped, changed or not.
      type: int
      sample: 2
    changed:
      description:
        - Clusters that were changed (in check mode, would be changed).
      type: int
      sample: 1
    failed:
      description:
        - Clusters that failed.
      type: int
      sample: 0
    skipped:
      description:
        - Clusters whose changes were not begun.
      type: int
      sample: 0
actions:
  description:
    - The changes of all clusters (in check mode, the changes that would be made), in the order of O(clusters), and of each cluster in the order
      in which they are made. Empty if nothing changes.
  returned: success, and if a cluster failed
  type: list
  elements: dict
  contains:
    action:
      description:
        - Name of the action.
      type: str
      sample: resize
    resource:
      description:
        - Resource that the action changes.
      type: str
      sample: cluster/blue/nodegroup/batch
    changes:
      description:
        - For each option that changes, its value C(before) and C(after). Secrets are masked.
        - References are shown as you set them, by name or by UUID.
      type: dict
      sample:
        node_count:
          before: 1
          after: 2
plan_digest:
  description:
    - Digest of RV(actions) (64 hexadecimal digits), the same in check mode and in a normal run. See O(expect_plan).
    - It is the SHA-256 of the JSON of RV(actions) with sorted keys and without white space.
  returned: success, and if the plan is not the one of O(expect_plan)
  type: str
  sample: 673050216a2f46863d04b21d6585822cb93104f18eaa33d22e5406396ad475ac
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.fleet import JOB


def main() -> None:
    entry.main(JOB)


if __name__ == "__main__":
    main()
