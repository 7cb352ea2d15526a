#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_autoscale_info
short_description: Get the settings of the cluster autoscaler of NHN Kubernetes Service (NKS) node groups
version_added: "0.1.0"
description:
  - Returns the settings of the cluster autoscaler of one node group.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.query
  - nhncloud.nks.attributes.info
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
    default: default-worker
seealso:
  - module: nhncloud.nks.nks_autoscale
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Get the settings of the cluster autoscaler of the default node group
  nhncloud.nks.nks_autoscale_info:
    cluster: demo
  register: scaling

- name: Check whether the cluster autoscaler is on
  nhncloud.nks.nks_autoscale_info:
    cluster: demo
    nodegroup: default-worker
    query: ca_enable
  register: enabled
"""

RETURN = r"""
autoscale:
  description:
    - The settings, with the field names of the API and typed values.
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
result:
  description:
    - Result of the expression in O(query).
  returned: when O(query) is set
  type: raw
  sample: true
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.autoscale import INFO


def main() -> None:
    entry.main(INFO)


if __name__ == "__main__":
    main()
