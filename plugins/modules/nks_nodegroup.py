#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_nodegroup
short_description: Manage node groups of NHN Kubernetes Service (NKS) clusters
version_added: "0.1.0"
description:
  - Creates, changes and deletes worker node groups of clusters of NHN Kubernetes Service (NKS).
  - On an existing node group, the module compares each option that you set with the current value. If they differ, it changes O(node_count),
    O(flavor), O(user_script), O(autoscale) and O(kubernetes_version). Other options cannot be changed after creation, see O(immutable).
    With O(immutable=replace) the node group is replaced if one of them differs. Options that you omit keep their current value.
  - References such as O(flavor) and O(image) are names or UUIDs. A UUID is used as it is. If no resource, or more than one, has
    the name, the task fails and lists the candidates.
  - If another operation on the cluster or node group is in progress, the module waits for it to finish before comparing, regardless of who
    started it.
  - If node group creation failed (C(CREATE_FAILED)), the node group can only be deleted. For other C(*_FAILED) statuses, the module issues a
    warning if no change is required, and otherwise fails with the reason reported by NKS. Only a failed step of an upgrade or of a
    replacement is sent again.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.wait
  - nhncloud.nks.wait.nodes
  - nhncloud.nks.plan
  - nhncloud.nks.attributes
  - nhncloud.nks.attributes.actiongroup_nks
  - nhncloud.nks.options.nodegroup
  - nhncloud.nks.options.version
  - nhncloud.nks.options.group_reconcile
options:
  cluster:
    description:
      - Name or UUID of the cluster.
    type: str
    required: true
  name:
    description:
      - Name of the node group, or UUID of an existing one. The default node group of a cluster is V(default-worker).
      - A new name has 1 to 32 of the characters a-z, 0-9 and C(-), begins with a letter and does not end in C(-).
    type: str
    required: true
  state:
    description:
      - With V(present), the module creates the node group, or changes it if it differs. The cluster must exist.
      - With V(absent), the module deletes the node group with its nodes. Nothing changes if the node group or its cluster does not exist.
    type: str
    choices:
      - present
      - absent
    default: present
  nodes_to_remove:
    description:
      - UUIDs, names or IP addresses of the nodes to remove when O(node_count) decreases. Otherwise the option is ignored.
      - The task fails if you list more nodes than have to be removed, or a node that is not in the node group. If you list fewer nodes, NKS
        chooses the others and the module issues a warning.
    type: list
    elements: str
notes:
  - O(flavor), O(image), O(availability_zone), O(boot_volume_type) and O(boot_volume_size) are required when the node group is created.
    You can omit them for an existing node group.
  - The account needs the role ADMIN or NKS ADMIN in the project.
seealso:
  - module: nhncloud.nks.nks_nodegroup_info
  - module: nhncloud.nks.nks_cluster
  - name: NKS API guide
    description: The documentation of the API that this module uses.
    link: https://docs.nhncloud.com/en/Container/NKS/en/public-api/
  - name: Node groups and autoscaling
    description: A guide to scaling, replacing, starting and stopping nodes.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/node-groups-and-autoscaling.md
  - name: New images for nodes
    description: A guide to the replacement of a node group.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/node-images.md
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Add a node group to a cluster
  nhncloud.nks.nks_nodegroup:
    cluster: demo
    name: batch
    availability_zone: kr-pub-b
    flavor: m2.c2m4
    image: Ubuntu Server 22.04 LTS Container
    boot_volume_type: General SSD
    boot_volume_size: 50
    node_count: 2

- name: Scale the node group to three nodes
  nhncloud.nks.nks_nodegroup:
    cluster: demo
    name: batch
    node_count: 3

- name: Scale up, and wait until all nodes are ready
  nhncloud.nks.nks_nodegroup:
    cluster: demo
    name: batch
    node_count: 5
    wait_for_nodes: true

- name: Remove one node by its name
  nhncloud.nks.nks_nodegroup:
    cluster: demo
    name: batch
    node_count: 2
    nodes_to_remove:
      - demo-batch-node-2

- name: Upgrade the node group to the version of the control plane
  nhncloud.nks.nks_nodegroup:
    cluster: demo
    name: batch
    kubernetes_version: v1.32.3
    num_buffer_nodes: 0
    num_max_unavailable_nodes: 1

- name: Set the cluster autoscaler to 1 to 5 nodes, and remove nodes that are unneeded for 30 minutes
  nhncloud.nks.nks_nodegroup:
    cluster: demo
    name: batch
    autoscale:
      enabled: true
      min_node_count: 1
      max_node_count: 5
      scale_down_unneeded_time: 30

- name: Replace all nodes of the node group by nodes with a new image
  nhncloud.nks.nks_nodegroup:
    cluster: demo
    name: batch
    image: Ubuntu Server 24.04 LTS Container
    immutable: replace

- name: Delete the node group
  nhncloud.nks.nks_nodegroup:
    cluster: demo
    name: batch
    state: absent
"""

RETURN = r"""
nodegroup:
  description:
    - The node group at the end of the task, with the field names of the API and typed values.
    - With O(state=absent), the node group before its deletion. Empty if it does not exist.
    - With O(immutable=replace), the node group that has replaced the old one.
    - In check mode, the current state of the node group.
  returned: success
  type: dict
  contains:
    uuid:
      description:
        - UUID of the node group.
      type: str
      sample: 018b06c5-1293-4081-8242-167a1cb9f262
    name:
      description:
        - Name of the node group.
      type: str
      sample: batch
    cluster_id:
      description:
        - UUID of the cluster.
      type: str
      sample: 2b778d83-8b67-45b1-920e-b0c5ad5c2f30
    status:
      description:
        - Status of the node group's last task, such as V(CREATE_COMPLETE), V(UPDATE_IN_PROGRESS) or V(UPDATE_FAILED).
      type: str
      sample: UPDATE_COMPLETE
    status_reason:
      description:
        - Reason of the status.
      type: str
      sample: Deploy completed successfully
    node_count:
      description:
        - Number of nodes.
      type: int
      sample: 2
    node_addresses:
      description:
        - IP addresses of the nodes.
      type: list
      elements: str
      sample: ["10.0.0.21", "10.0.0.22"]
    flavor_id:
      description:
        - UUID of the flavor.
      type: str
      sample: 6ef27f21-c774-4c0e-84ff-7dd4a762571f
    image_id:
      description:
        - UUID of the base image.
      type: str
      sample: f462a2a5-ba24-46d6-b7a1-9a9febcd3cfc
    role:
      description:
        - Role of the node group.
      type: str
      sample: worker
    is_default:
      description:
        - Value that NKS returns. It is V(false) for node group C(default-worker), too.
      type: bool
      sample: false
    min_node_count:
      description:
        - Lower limit of NKS. The limit of the autoscaler is the label C(ca_min_node_count).
      type: int
      sample: 1
    max_node_count:
      description:
        - Upper limit of NKS. The limit of the autoscaler is the label C(ca_max_node_count).
      type: int
      sample: 10
    project_id:
      description:
        - ID of the project (tenant).
      type: str
      sample: 1ffeaca9bbf94ab1aa9cffdec29a258a
    stack_id:
      description:
        - UUID of the stack of the node group.
      type: str
      sample: f04c157a-78e3-4bfc-a83e-fbe7c01ab616
    created_at:
      description:
        - Time of the creation, UTC.
      type: str
      sample: "2026-10-07T08:10:02+00:00"
    updated_at:
      description:
        - Time of the last change, UTC.
      type: str
      sample: "2026-10-07T08:15:40+00:00"
    labels:
      description:
        - All labels of the node group that NKS returns, with typed values, including labels that are not listed here. Appkeys are masked.
      type: dict
      contains:
        kube_tag:
          description:
            - Kubernetes version of the nodes.
          type: str
          sample: v1.32.3
        availability_zone:
          description:
            - Availability zone of the nodes.
          type: str
          sample: kr-pub-a
        boot_volume_type:
          description:
            - Type of the boot volumes.
          type: str
          sample: General SSD
        boot_volume_size:
          description:
            - Size of the boot volumes in GB.
          type: int
          sample: 50
        node_list:
          description:
            - UUIDs of the instances of the nodes, in another order than RV(ignore:node_addresses).
          type: list
          elements: str
          sample: ["bdaa560c-7a30-4249-9438-2df27fa1e9d8", "68ff49ee-4111-4212-8e9e-88835cb0ebaa"]
        ca_enable:
          description:
            - Whether the cluster autoscaler is on.
          type: bool
          sample: false
        ca_min_node_count:
          description:
            - The autoscaler's smallest number of nodes.
          type: int
          sample: 1
        ca_max_node_count:
          description:
            - The autoscaler's largest number of nodes.
          type: int
          sample: 10
        ca_scale_down_enable:
          description:
            - Whether the autoscaler also removes nodes.
          type: bool
          sample: true
        ca_scale_down_unneeded_time:
          description:
            - Minutes that a node must have been unneeded.
          type: int
          sample: 10
        ca_scale_down_util_thresh:
          description:
            - Utilization in percent below which a node counts as unneeded.
          type: int
          sample: 50
        ca_scale_down_delay_after_add:
          description:
            - Minutes without removals after a node was added.
          type: int
          sample: 10
        extra_volumes:
          description:
            - Additional block storage, with the field names of the API.
          type: list
          elements: dict
          sample: []
        extra_security_groups:
          description:
            - Additional security groups, with the field names of the API.
          type: list
          elements: dict
          sample: []
        user_script_v2:
          description:
            - The user script.
          type: str
          sample: "#!/bin/bash\necho hello\n"
actions:
  description:
    - The changes, in this order (in check mode, the changes that would be made). Empty if nothing changes.
  returned: success, and if the plan is not the one of O(expect_plan)
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
      sample: cluster/demo/nodegroup/default-worker
    changes:
      description:
        - For each option that changes, its value C(before) and C(after). Secrets are masked.
        - References are shown as you set them, by name or by UUID.
      type: dict
      sample:
        node_count:
          before: 2
          after: 3
plan_digest:
  description:
    - Digest of RV(actions) (64 hexadecimal digits), the same in check mode and in a normal run. See O(expect_plan).
    - It is the SHA-256 of the JSON of RV(actions) with sorted keys and without white space.
  returned: success, and if the plan is not the one of O(expect_plan)
  type: str
  sample: ce12422c99620b87d3b574405d8035e4cef0d089414fb7742d262c5ba38f9fac
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.nodegroup import JOB


def main() -> None:
    entry.main(JOB)


if __name__ == "__main__":
    main()
