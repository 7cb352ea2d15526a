#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_nodegroup_info
short_description: Get information about node groups of NHN Kubernetes Service (NKS) clusters
version_added: "0.1.0"
description:
  - Returns the worker node groups of a cluster, or one of them.
  - The module changes nothing and does not wait. It returns node groups in any status.
  - NKS does not list the control plane as a node group.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.query
  - nhncloud.nks.attributes.info
  - nhncloud.nks.attributes.actiongroup_nks
options:
  cluster:
    description:
      - Name or UUID of the cluster. The task fails if it does not exist.
    type: str
    required: true
  name:
    description:
      - Name or UUID of one node group. If it does not exist, RV(nodegroups) is empty.
      - If it is not set, all node groups are returned. If a node group cannot be read, the module omits it and issues a warning. If
        none of them can be read, the task fails.
    type: str
seealso:
  - module: nhncloud.nks.nks_nodegroup
  - module: nhncloud.nks.nks_cluster_info
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Get all node groups of a cluster
  nhncloud.nks.nks_nodegroup_info:
    cluster: demo
  register: all_groups

- name: Get one node group
  nhncloud.nks.nks_nodegroup_info:
    cluster: demo
    name: default-worker
  register: default_group

- name: Get the addresses of all worker nodes
  nhncloud.nks.nks_nodegroup_info:
    cluster: demo
    query: "[].node_addresses[]"
  register: addresses
"""

RETURN = r"""
nodegroups:
  description:
    - The node groups, with the field names of the API and typed values. Empty if there are none.
  returned: success
  type: list
  elements: dict
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
result:
  description:
    - Result of the expression in O(query).
  returned: when O(query) is set
  type: raw
  sample: ["10.0.0.21", "10.0.0.22"]
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.info import NODEGROUPS


def main() -> None:
    entry.main(NODEGROUPS)


if __name__ == "__main__":
    main()
