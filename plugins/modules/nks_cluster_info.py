#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_cluster_info
short_description: Get information about NHN Kubernetes Service (NKS) clusters
version_added: "0.1.0"
description:
  - Returns the clusters of a project in a region, or one of them.
  - The module changes nothing and does not wait. It returns clusters in any status.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.query
  - nhncloud.nks.attributes.info
  - nhncloud.nks.attributes.actiongroup_nks
options:
  name:
    description:
      - Name or UUID of one cluster. If it does not exist, RV(clusters) is empty.
      - If it is not set, all clusters are returned.
    type: str
  details:
    description:
      - Whether the module reads each cluster separately. The list request does not return RV(clusters[].api_address), RV(clusters[].node_addresses),
        RV(clusters[].fixed_network), RV(clusters[].fixed_subnet) and the times.
      - If a cluster cannot be read, the module omits it and issues a warning. If none of them can be read, the task fails.
      - With V(false) the module returns the list as it is, with one request for all clusters.
    type: bool
    default: true
seealso:
  - module: nhncloud.nks.nks_cluster
  - module: nhncloud.nks.nks_nodegroup_info
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Get all clusters
  nhncloud.nks.nks_cluster_info:
  register: all_clusters

- name: Get one cluster
  nhncloud.nks.nks_cluster_info:
    name: demo
  register: demo

- name: Get the names of the clusters that are not in a failed status
  nhncloud.nks.nks_cluster_info:
    details: false
    query: "[?!contains(status, 'FAILED')].name"
  register: usable
"""

RETURN = r"""
clusters:
  description:
    - The clusters, with the field names of the API and typed values. Empty if there are none.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description:
        - UUID of the cluster.
      type: str
      sample: 2b778d83-8b67-45b1-920e-b0c5ad5c2f30
    name:
      description:
        - Name of the cluster.
      type: str
      sample: demo
    status:
      description:
        - Status of the cluster's last task, such as V(CREATE_COMPLETE), V(UPDATE_IN_PROGRESS) or V(UPDATE_FAILED).
      type: str
      sample: CREATE_COMPLETE
    status_reason:
      description:
        - Reason of the status.
      type: str
      sample: Deploy completed successfully
    api_address:
      description:
        - URL of the Kubernetes API endpoint.
      type: str
      sample: https://2b778d83-nks-kr1.container.nhncloud.com:6443
    node_count:
      description:
        - Number of worker nodes of all node groups.
      type: int
      sample: 2
    node_addresses:
      description:
        - IP addresses of the worker nodes.
      type: list
      elements: str
      sample: ["10.0.0.11", "10.0.0.12"]
    flavor_id:
      description:
        - UUID of the flavor of the default node group.
      type: str
      sample: 6ef27f21-c774-4c0e-84ff-7dd4a762571f
    keypair:
      description:
        - Name of the key pair.
      type: str
      sample: demo-key
    fixed_network:
      description:
        - UUID of the network (VPC).
      type: str
      sample: eb212079-b6ec-430c-ba57-14280a457bcb
    fixed_subnet:
      description:
        - UUID of the subnet.
      type: str
      sample: 4fdf5b80-3d35-43f5-a5c1-010a3b6c8e90
    project_id:
      description:
        - ID of the project (tenant).
      type: str
      sample: 1ffeaca9bbf94ab1aa9cffdec29a258a
    stack_id:
      description:
        - UUID of the stack of the control plane.
      type: str
      sample: 7f497472-9729-4b89-9124-1c097335b856
    created_at:
      description:
        - Time of the creation, UTC.
      type: str
      sample: "2026-10-07T07:43:17+00:00"
    updated_at:
      description:
        - Time of the last change, UTC.
      type: str
      sample: "2026-10-07T08:05:51+00:00"
    labels:
      description:
        - All labels of the cluster that NKS returns, with typed values, including labels that are not listed here.
        - Settings of the default node group are in the labels of node group C(default-worker), see M(nhncloud.nks.nks_nodegroup_info).
      type: dict
      contains:
        kube_tag:
          description:
            - Kubernetes version of the control plane.
          type: str
          sample: v1.32.3
        upgradable_kube_versions:
          description:
            - Versions to which the control plane can be upgraded in one step.
          type: list
          elements: str
          sample: ["v1.33.4"]
        availability_zone:
          description:
            - Availability zone of the default node group.
          type: str
          sample: kr-pub-a
        node_image:
          description:
            - UUID of the base image of the default node group.
          type: str
          sample: f462a2a5-ba24-46d6-b7a1-9a9febcd3cfc
        external_network_id:
          description:
            - UUID of the external network.
          type: str
          sample: 751b8227-7b45-440a-9349-dbf829d0aba5
        external_subnet_id_list:
          description:
            - UUIDs of subnets of the external network.
          type: list
          elements: str
          sample: ["59ddc195-76b1-431d-9693-f09880747dc6"]
        master_lb_floating_ip_enabled:
          description:
            - Whether the Kubernetes API endpoint has a public address.
          type: bool
          sample: true
        strict_sg_rules:
          description:
            - Whether the security groups of the nodes have only the rules that are required.
          type: bool
          sample: false
        cni_driver:
          description:
            - CNI of the cluster.
          type: str
          sample: calico
        pods_network_cidr:
          description:
            - Network of the pods.
          type: str
          sample: 10.100.0.0/16
        pods_network_subnet:
          description:
            - Prefix length of the pod subnet of one node.
          type: int
          sample: 24
        service_cluster_ip_range:
          description:
            - Network of the services.
          type: str
          sample: 10.254.0.0/16
        ncr_sgw:
          description:
            - UUID of the service gateway for NHN Container Registry.
          type: str
          sample: 48f4ff38-d14b-4f34-a40c-705524e6a755
        obs_sgw:
          description:
            - UUID of the service gateway for Object Storage.
          type: str
          sample: 23c550cb-6a5b-4eaa-903a-711c13316d91
        api_ep_ipacl_enable:
          description:
            - Whether the Kubernetes API endpoint is under IP access control.
          type: bool
          sample: false
        certificate_expiry:
          description:
            - Time when the cluster's certificate expires.
          type: str
          sample: "2031-10-06T07:43:17+00:00"
        term_of_validity:
          description:
            - Validity of the cluster's certificate, in years.
          type: int
          sample: 5
result:
  description:
    - Result of the expression in O(query).
  returned: when O(query) is set
  type: raw
  sample: ["demo"]
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.info import CLUSTERS


def main() -> None:
    entry.main(CLUSTERS)


if __name__ == "__main__":
    main()
