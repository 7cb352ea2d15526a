#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_event_info
short_description: Get the task history of NHN Kubernetes Service (NKS) clusters
version_added: "0.1.0"
description:
  - Returns the task history of a cluster and its node groups, or one entry of it.
  - To read the history of a deleted cluster, set its UUID. NKS keeps the history for a limited time.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.query
  - nhncloud.nks.attributes.info
  - nhncloud.nks.attributes.actiongroup_nks
options:
  cluster:
    description:
      - Name or UUID of the cluster. The task fails if no cluster has this name.
    type: str
    required: true
  uuid:
    description:
      - UUID of one entry. If it does not exist, RV(events) is empty.
      - If it is not set, all entries are returned.
    type: str
seealso:
  - module: nhncloud.nks.nks_version_info
    description: Returns the types of events.
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Get the task history of a cluster
  nhncloud.nks.nks_event_info:
    cluster: demo
  register: history

- name: Get failed events with their reasons
  nhncloud.nks.nks_event_info:
    cluster: demo
    query: "[?state == 'FAIL'].{task: type, resource: resource_name, reason: contents}"
  register: failures
"""

RETURN = r"""
events:
  description:
    - The entries of the task history. Empty when there are none.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description:
        - ID of the task.
      type: int
      sample: 3683
    uuid:
      description:
        - UUID of the task.
      type: str
      sample: 868f218a-9446-4500-b6b3-8c1a95e3d7c3
    type:
      description:
        - Type of the task.
      type: str
      sample: CLUSTER_CREATE
    state:
      description:
        - State of the task, V(IN_PROGRESS), V(SUCCESS) or V(FAIL).
      type: str
      sample: SUCCESS
    contents:
      description:
        - Progress, or reason of the failure. Empty if the task succeeded.
      type: str
      sample: null
    cluster_uuid:
      description:
        - UUID of the cluster.
      type: str
      sample: 2b778d83-8b67-45b1-920e-b0c5ad5c2f30
    cluster_name:
      description:
        - Name of the cluster.
      type: str
      sample: demo
    resource_uuid:
      description:
        - UUID of the resource of the task.
      type: str
      sample: 2b778d83-8b67-45b1-920e-b0c5ad5c2f30
    resource_name:
      description:
        - Name of the resource of the task.
      type: str
      sample: demo
    resource_type:
      description:
        - V(cluster) or V(nodegroup).
      type: str
      sample: cluster
    project_id:
      description:
        - ID of the project (tenant).
      type: str
      sample: 1ffeaca9bbf94ab1aa9cffdec29a258a
    created_at:
      description:
        - Start of the task, UTC.
      type: str
      sample: "2026-10-07T07:43:17+00:00"
    updated_at:
      description:
        - End of the task, UTC.
      type: str
      sample: "2026-10-07T08:05:51+00:00"
result:
  description:
    - Result of the expression in O(query).
  returned: when O(query) is set
  type: raw
  sample:
    - task: NODEGROUP_UPGRADE
      resource: batch
      reason: The node did not become ready
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.info import EVENTS


def main() -> None:
    entry.main(EVENTS)


if __name__ == "__main__":
    main()
