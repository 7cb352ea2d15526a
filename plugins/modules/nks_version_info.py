#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_version_info
short_description: Get the Kubernetes versions that NHN Kubernetes Service (NKS) supports
version_added: "0.1.0"
description:
  - Returns the Kubernetes versions that NKS supports, in version order, and whether you can create a cluster with them.
  - Also returns the types of events in the task history.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.query
  - nhncloud.nks.attributes.info
  - nhncloud.nks.attributes.actiongroup_nks
notes:
  - O(query) is applied to RV(kubernetes_versions).
seealso:
  - module: nhncloud.nks.nks_cluster
  - module: nhncloud.nks.nks_event_info
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Get all versions
  nhncloud.nks.nks_version_info:
  register: versions

- name: Get the newest version with which a cluster can be created
  nhncloud.nks.nks_version_info:
    query: "[?available].version | [-1]"
  register: newest
"""

RETURN = r"""
kubernetes_versions:
  description:
    - The versions, in version order.
  returned: success
  type: list
  elements: dict
  contains:
    version:
      description:
        - Version in the form that NKS uses.
      type: str
      sample: v1.32.3
    available:
      description:
        - Whether a cluster can be created with it.
      type: bool
      sample: true
event_types:
  description:
    - Types of events in the task history, with the descriptions that NKS returns.
  returned: success
  type: dict
  sample:
    CLUSTER_CREATE: Create a cluster
    NODEGROUP_UPGRADE: Upgrade a node group
result:
  description:
    - Result of the expression in O(query).
  returned: when O(query) is set
  type: raw
  sample: v1.33.4
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.info import VERSIONS


def main() -> None:
    entry.main(VERSIONS)


if __name__ == "__main__":
    main()
