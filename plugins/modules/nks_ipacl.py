#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_ipacl
short_description: Manage IP access control of the API endpoint of NHN Kubernetes Service (NKS) clusters
version_added: "0.1.0"
description:
  - Enforces, changes and disables IP access control of the Kubernetes API endpoint of a cluster.
  - The targets are compared as a set of networks with their descriptions. The comparison ignores order and host bits.
    It also ignores the subnet of the cluster, which NKS adds automatically with O(action=allow).
  - The task fails if it would remove the last target while access control is enforced. To allow access from everywhere, disable access control
    with O(state=absent).
  - The NKS API is a different endpoint and is not affected. If you are locked out, you can restore access with this module.
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
  state:
    description:
      - With V(present), access control is enforced with the O(targets).
      - With V(absent) and O(targets), the module removes these targets. Without O(targets), it disables access control.
    type: str
    choices:
      - present
      - absent
    default: present
  action:
    description:
      - Whether only the targets are allowed (V(allow)), or only the targets are blocked (V(deny)).
      - Required if access control is not enforced yet. Otherwise it keeps its current value.
      - To change it, set O(targets) too. The module never uses the current list for the other action.
      - With O(state=absent) and O(targets), the task fails if the current list is for the other action.
      - With V(deny), the targets must not overlap the subnet of the cluster.
    type: str
    choices:
      - allow
      - deny
  targets:
    description:
      - List of 1 to 100 addresses and networks.
      - Required if access control is not enforced yet, and to change O(action). Otherwise the current targets are unchanged.
    type: list
    elements: dict
    suboptions:
      cidr_address:
        description:
          - An address, or a network in CIDR notation.
        type: str
        required: true
        aliases:
          - cidr
      description:
        description:
          - Description of the target. If it is not set, the current description is unchanged.
        type: str
  purge:
    description:
      - With V(true), the list contains exactly the O(targets).
      - With V(false), the module adds the O(targets) and keeps other targets. The task then fails if the current list is for the other O(action).
    type: bool
    default: true
  keep:
    description:
      - Addresses and networks that must not be blocked. If a change would block one of them, the task fails before it changes anything.
    type: list
    elements: str
seealso:
  - module: nhncloud.nks.nks_ipacl_info
  - name: Restricting access to the Kubernetes API endpoint
    description: A guide to allowed and blocked clients.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/closing-the-api-endpoint.md
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Allow only the office, and make sure that the address of the controller is not blocked
  nhncloud.nks.nks_ipacl:
    cluster: demo
    action: allow
    targets:
      - cidr: 203.0.113.0/24
        description: Office
    keep:
      - 203.0.113.10

- name: Allow an additional address
  nhncloud.nks.nks_ipacl:
    cluster: demo
    action: allow
    purge: false
    targets:
      - cidr: 198.51.100.7
        description: Build server

- name: Remove the address
  nhncloud.nks.nks_ipacl:
    cluster: demo
    state: absent
    targets:
      - cidr: 198.51.100.7

- name: Disable access control
  nhncloud.nks.nks_ipacl:
    cluster: demo
    state: absent
"""

RETURN = r"""
ipacl:
  description:
    - The access control at the end of the task, with the field names of the API and typed values.
    - In check mode, the current settings.
  returned: success
  type: dict
  contains:
    cluster_uuid:
      description:
        - UUID of the cluster.
      type: str
      sample: 2b778d83-8b67-45b1-920e-b0c5ad5c2f30
    enable:
      description:
        - Whether IP access control is enforced.
      type: bool
      sample: true
    action:
      description:
        - Action for the targets, V(ALLOW) or V(DENY). Omitted while access control is not enforced.
      type: str
      sample: ALLOW
    ipacl_targets:
      description:
        - The targets, including the subnet that NKS adds. Empty while access control is not enforced.
      type: list
      elements: dict
      contains:
        cidr_address:
          description:
            - Address or network.
          type: str
          sample: 203.0.113.0/24
        description:
          description:
            - Description, if there is one.
          type: str
          sample: Office
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
      sample: set_ipacl
    resource:
      description:
        - Resource that the action changes.
      type: str
      sample: cluster/demo
    changes:
      description:
        - For each option that changes, its value C(before) and C(after). Secrets are masked.
      type: dict
      sample:
        state:
          before: absent
          after: present
        action:
          before: null
          after: allow
plan_digest:
  description:
    - Digest of RV(actions) (64 hexadecimal digits), the same in check mode and in a normal run. See O(expect_plan).
    - It is the SHA-256 of the JSON of RV(actions) with sorted keys and without white space.
  returned: success, and if the plan is not the one of O(expect_plan)
  type: str
  sample: 48bc3e7762438c1144552312f986958bde4d940ee34b8e0138afc603e4fb301b
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.ipacl import JOB


def main() -> None:
    entry.main(JOB)


if __name__ == "__main__":
    main()
