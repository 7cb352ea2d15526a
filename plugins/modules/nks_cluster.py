#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_cluster
short_description: Manage NHN Kubernetes Service (NKS) clusters
version_added: "0.1.0"
description:
  - Creates, changes and deletes clusters of NHN Kubernetes Service (NKS).
  - NKS creates a cluster together with its default node group, C(default-worker). The options of nodes,
    such as O(flavor), O(image), O(node_count), O(user_script) and O(autoscale), apply to this node group.
    Manage additional node groups with M(nhncloud.nks.nks_nodegroup).
  - On an existing cluster, the module compares each option that you set with the current value. If they differ, it changes O(node_count),
    O(flavor), O(user_script), O(autoscale), O(kubernetes_version), O(ncr_sgw) and O(obs_sgw), and O(cni) (with O(pods_network_cidr) and
    O(pods_network_subnet)). Other options cannot be changed after creation, see O(immutable). Options that you omit keep their current value.
  - References such as O(network) and O(flavor) are names or UUIDs. A UUID is used as it is. If no resource, or more than one, has
    the name, the task fails and lists the candidates.
  - If another operation on the cluster is in progress (such as C(CREATE_IN_PROGRESS)), the module waits for it to finish before comparing,
    regardless of who started it.
  - If cluster creation failed (C(CREATE_FAILED)), the cluster can only be deleted. For other C(*_FAILED) statuses, the module issues a warning
    if no change is required, and otherwise fails with the reason reported by NKS. Only a failed step of an upgrade is sent again.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.wait
  - nhncloud.nks.wait.nodes
  - nhncloud.nks.plan
  - nhncloud.nks.attributes
  - nhncloud.nks.attributes.actiongroup_nks
  - nhncloud.nks.options.cluster
  - nhncloud.nks.options.nodegroup
  - nhncloud.nks.options.reconcile
options:
  name:
    description:
      - Name of the cluster, or UUID of an existing one.
      - A new name has 1 to 32 of the characters a-z, 0-9 and C(-), begins with a letter and does not end in C(-).
      - If several clusters have the same name, the task fails. Set the UUID instead.
    type: str
    required: true
  state:
    description:
      - With V(present), the module creates the cluster, or changes it if it differs.
      - With V(absent), the module deletes the cluster with all its node groups. Nothing changes if the cluster does not exist.
    type: str
    choices:
      - present
      - absent
    default: present
  upgrade:
    description:
      - Scope of an upgrade of O(kubernetes_version).
      - With V(control_plane), the module upgrades the control plane by one step, to the same or the next minor version. The task fails before any
        step if more steps are needed, or if a node group is older than the control plane.
      - With V(all), the module also upgrades the node groups, including those that an earlier run did not upgrade. It upgrades one minor version
        at a time. In check mode, RV(actions) lists every step.
      - With V(never), a different version results only in a warning.
    type: str
    choices:
      - control_plane
      - all
      - never
    default: control_plane
notes:
  - O(keypair), O(flavor), O(image), O(availability_zone), O(boot_volume_type), O(boot_volume_size), O(network), O(subnet) and
    O(kubernetes_version) are required when the cluster is created. You can omit them for an existing cluster.
  - The account needs the role ADMIN or NKS ADMIN in the project.
seealso:
  - module: nhncloud.nks.nks_cluster_info
  - module: nhncloud.nks.nks_nodegroup
  - module: nhncloud.nks.nks_kubeconfig
  - name: NKS API guide
    description: The documentation of the API that this module uses.
    link: https://docs.nhncloud.com/en/Container/NKS/en/public-api/
  - name: First cluster
    description: A guide from the installation to the first change.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/first-cluster.md
  - name: Upgrades
    description: A guide to upgrades, in one task or step by step.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/upgrades.md
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Create a cluster by names and wait until it is ready
  nhncloud.nks.nks_cluster:
    name: demo
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
  register: created

- name: Show the Kubernetes API endpoint
  ansible.builtin.debug:
    msg: "{{ created.cluster.api_address | default('in check mode there is no cluster yet') }}"

- name: Show what an upgrade would do
  nhncloud.nks.nks_cluster:
    name: demo
    kubernetes_version: v1.33.4
    upgrade: all
  check_mode: true
  register: preview

- name: Perform exactly this upgrade, and wait until all nodes are ready
  nhncloud.nks.nks_cluster:
    name: demo
    kubernetes_version: v1.33.4
    upgrade: all
    wait_for_nodes: true
    expect_plan: "{{ preview.plan_digest }}"

- name: Create a cluster without internet access, with service gateways and extra volumes, without waiting
  nhncloud.nks.nks_cluster:
    name: internal
    kubernetes_version: v1.32.3
    keypair: demo-key
    network: demo-vpc
    subnet: private-subnet
    ncr_sgw: demo-ncr
    obs_sgw: demo-obs
    availability_zone: kr-pub-a
    flavor: m2.c4m8
    image: Ubuntu Server 22.04 LTS Container
    boot_volume_type: General SSD
    boot_volume_size: 50
    extra_volumes:
      - type: General HDD
        size: 100
        mount_path: /data
    extra_security_groups:
      - subnet: private-subnet
        security_groups:
          - web
          - db
    wait: false

- name: Scale the default node group to three nodes
  nhncloud.nks.nks_cluster:
    name: demo
    node_count: 3

- name: Replace the nodes one by one with larger ones, without buffer nodes
  nhncloud.nks.nks_cluster:
    name: demo
    flavor: r2.c4m32
    num_buffer_nodes: 0
    num_max_unavailable_nodes: 1

- name: Set the user script of new nodes
  nhncloud.nks.nks_cluster:
    name: demo
    user_script: |
      #!/bin/bash
      sysctl -w vm.max_map_count=262144

- name: Set the cluster autoscaler to 2 to 5 nodes
  nhncloud.nks.nks_cluster:
    name: demo
    autoscale:
      enabled: true
      min_node_count: 2
      max_node_count: 5

- name: Upgrade the control plane and all node groups
  nhncloud.nks.nks_cluster:
    name: demo
    kubernetes_version: v1.33.4
    upgrade: all

- name: Delete a cluster
  nhncloud.nks.nks_cluster:
    name: demo
    state: absent
"""

RETURN = r"""
cluster:
  description:
    - The cluster at the end of the task, with the field names of the API and typed values.
    - With O(state=absent), the cluster before its deletion. Empty if it does not exist.
    - In check mode, the current state of the cluster.
  returned: success
  type: dict
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
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.cluster import JOB


def main() -> None:
    entry.main(JOB)


if __name__ == "__main__":
    main()
