#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_node
short_description: Start and stop nodes of NHN Kubernetes Service (NKS) clusters
version_added: "0.1.0"
description:
  - Starts or stops worker nodes of one node group. Nodes that are already in the desired state are not changed.
  - NKS drains a node and removes it from Kubernetes when it is stopped, and adds it again when it is started.
  - At least one node of a node group must keep running. While the cluster autoscaler or the metric-based autoscaler is on, nodes cannot be
    stopped or started.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.wait
  - nhncloud.nks.plan
  - nhncloud.nks.attributes
  - nhncloud.nks.attributes.actiongroup_nks
options:
  cluster:
    description:
      - Name or UUID of the cluster.
    type: str
    required: true
  nodegroup:
    description:
      - Name or UUID of the node group.
    type: str
    required: true
  nodes:
    description:
      - UUIDs, names or IP addresses of the nodes. The task fails if one of them is not in the node group.
      - Nodes of different clusters can have the same name. The task fails if this list contains a stopped instance that may belong to
        another cluster.
    type: list
    elements: str
    required: true
  state:
    description:
      - Desired state of the nodes.
    type: str
    choices:
      - started
      - stopped
    required: true
seealso:
  - module: nhncloud.nks.nks_nodegroup
  - name: Node groups and autoscaling
    description: A guide to scaling, replacing, starting and stopping nodes.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/node-groups-and-autoscaling.md
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Stop a node
  nhncloud.nks.nks_node:
    cluster: demo
    nodegroup: default-worker
    nodes:
      - demo-default-worker-node-1
    state: stopped

- name: Start the node again
  nhncloud.nks.nks_node:
    cluster: demo
    nodegroup: default-worker
    nodes:
      - demo-default-worker-node-1
    state: started
"""

RETURN = r"""
nodes:
  description:
    - The nodes in O(nodes) at the end of the task. In check mode, their current state.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description:
        - UUID of the instance.
      type: str
      sample: bdaa560c-7a30-4249-9438-2df27fa1e9d8
    name:
      description:
        - Name of the instance.
      type: str
      sample: demo-default-worker-node-1
    address:
      description:
        - IP address of the node.
      type: str
      sample: 10.0.0.12
    status:
      description:
        - Status of the instance, such as V(ACTIVE) or V(SHUTOFF).
      type: str
      sample: SHUTOFF
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
      sample: stop_nodes
    resource:
      description:
        - Resource that the action changes.
      type: str
      sample: cluster/demo/nodegroup/default-worker
    changes:
      description:
        - For each option that changes, its value C(before) and C(after). Secrets are masked.
      type: dict
      sample:
        nodes:
          before:
            demo-default-worker-node-1: started
          after:
            demo-default-worker-node-1: stopped
plan_digest:
  description:
    - Digest of RV(actions) (64 hexadecimal digits), the same in check mode and in a normal run. See O(expect_plan).
    - It is the SHA-256 of the JSON of RV(actions) with sorted keys and without white space.
  returned: success, and if the plan is not the one of O(expect_plan)
  type: str
  sample: c777cfe0a2aebfd362d5abb97bfd4089f9c1a7d2a49eb7204317afbf03ab8b7c
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.node import JOB


def main() -> None:
    entry.main(JOB)


if __name__ == "__main__":
    main()
