#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_autoscale
short_description: Manage the cluster autoscaler of NHN Kubernetes Service (NKS) node groups
version_added: "0.1.0"
description:
  - Turns the cluster autoscaler of one node group on or off and sets its limits.
  - The module reads the current settings, replaces those that you set, and sends the full set. Settings that you omit keep their current value.
  - The autoscaler cannot be turned on while nodes of the node group are stopped, or while a policy of the metric-based autoscaler is on.
  - You can also manage these settings with the option O(nhncloud.nks.nks_nodegroup#module:autoscale) of M(nhncloud.nks.nks_nodegroup).
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.wait
  - nhncloud.nks.plan
  - nhncloud.nks.attributes
  - nhncloud.nks.attributes.actiongroup_nks
  - nhncloud.nks.options.autoscale
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
    default: default-worker
seealso:
  - module: nhncloud.nks.nks_autoscale_info
  - module: nhncloud.nks.nks_nodegroup
  - name: Node groups and autoscaling
    description: A guide to scaling, replacing, starting and stopping nodes.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/node-groups-and-autoscaling.md
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Set the cluster autoscaler of the default node group to 1 to 5 nodes
  nhncloud.nks.nks_autoscale:
    cluster: demo
    enabled: true
    min_node_count: 1
    max_node_count: 5

- name: Remove nodes with a utilization below 30 percent for 20 minutes
  nhncloud.nks.nks_autoscale:
    cluster: demo
    enabled: true
    scale_down_enabled: true
    scale_down_utilization_threshold: 30
    scale_down_unneeded_time: 20

- name: Turn off the cluster autoscaler and keep its limits
  nhncloud.nks.nks_autoscale:
    cluster: demo
    enabled: false
"""

RETURN = r"""
autoscale:
  description:
    - The settings at the end of the task, with the field names of the API and typed values.
    - In check mode, the current settings.
  returned: success
  type: dict
  contains:
    ca_enable:
      description:
        - Whether the cluster autoscaler is on.
      type: bool
      sample: true
    ca_min_node_count:
      description:
        - Smallest number of nodes.
      type: int
      sample: 2
    ca_max_node_count:
      description:
        - Largest number of nodes.
      type: int
      sample: 5
    ca_scale_down_enable:
      description:
        - Whether the autoscaler also removes nodes.
      type: bool
      sample: true
    ca_scale_down_unneeded_time:
      description:
        - Minutes that a node must have been unneeded before it is removed.
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
      sample: set_autoscale
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
        max_node_count:
          before: 3
          after: 5
plan_digest:
  description:
    - Digest of RV(actions) (64 hexadecimal digits), the same in check mode and in a normal run. See O(expect_plan).
    - It is the SHA-256 of the JSON of RV(actions) with sorted keys and without white space.
  returned: success, and if the plan is not the one of O(expect_plan)
  type: str
  sample: 03cbc485b751cb651817cceb3e50f52cf266efa29511963dfc7fd92c2e1198d9
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.autoscale import JOB


def main() -> None:
    entry.main(JOB)


if __name__ == "__main__":
    main()
