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
  - The targets are compared as a set of networks with their descriptions; order and host bits are no difference.
    The subnet of the cluster, which the service adds by itself with O(action=allow), is no difference, either.
  - A change that would remove the last target while access control is enforced is refused. Whoever wants to open the endpoint disables it.
  - The NKS API itself is another endpoint and is not affected, so a lockout can be undone with this module.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.wait
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
      - With V(present) access control is enforced with these targets.
      - With V(absent) and O(targets), these targets are removed. Without O(targets), access control is disabled.
    type: str
    choices:
      - present
      - absent
    default: present
  action:
    description:
      - Whether the targets are the only ones that may connect (V(allow)), or the only ones that may not (V(deny)).
      - Needed when access control is not enforced yet. Otherwise it keeps its present value.
      - To change it, set O(targets) too. The list for the one action is never used for the other one.
      - With O(state=absent) and O(targets), the task fails if the current list is for the other action.
      - With V(deny) no target may overlap the cluster's own subnet.
    type: str
    choices:
      - allow
      - deny
  targets:
    description:
      - Addresses and networks, 1 to 100 of them.
      - Needed when access control is not enforced yet, and to change O(action). Otherwise the list keeps its present targets.
    type: list
    elements: dict
    suboptions:
      cidr_address:
        description:
          - An address, or a network in CIDR form.
        type: str
        required: true
        aliases:
          - cidr
      description:
        description:
          - A text for people. If it is not set, the present description is kept.
        type: str
  purge:
    description:
      - With V(true) the list of targets is exactly O(targets).
      - With V(false) it has at least O(targets), and others are left in it. A list for the other O(action) is then refused.
    type: bool
    default: true
  keep:
    description:
      - Addresses and networks that must stay able to connect. A change that would shut one of them out fails before anything is sent.
    type: list
    elements: str
seealso:
  - module: nhncloud.nks.nks_ipacl_info
  - name: Closing the API endpoint
    description: A guide to who may connect.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/closing-the-api-endpoint.md
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# The credentials are in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Let only the office connect, and make sure that this is where Ansible runs
  nhncloud.nks.nks_ipacl:
    cluster: demo
    action: allow
    targets:
      - cidr: 203.0.113.0/24
        description: Office
    keep:
      - 203.0.113.10

- name: Add an address to the list
  nhncloud.nks.nks_ipacl:
    cluster: demo
    action: allow
    purge: false
    targets:
      - cidr: 198.51.100.7
        description: Build server

- name: Remove it again
  nhncloud.nks.nks_ipacl:
    cluster: demo
    state: absent
    targets:
      - cidr: 198.51.100.7

- name: Let everyone connect
  nhncloud.nks.nks_ipacl:
    cluster: demo
    state: absent
"""

RETURN = r"""
ipacl:
  description:
    - The access control as it is at the end of the task, in the API's own names, each value in its own type.
    - In check mode, the access control as it is.
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
        - What happens to the targets, V(ALLOW) or V(DENY). Not there while it is not enforced.
      type: str
      sample: ALLOW
    ipacl_targets:
      description:
        - The targets, with what the service has added itself. Empty while it is not enforced.
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
            - Description, where there is one.
          type: str
          sample: Office
actions:
  description:
    - What was done (in check mode, what would be done), in this order. Empty when nothing changes.
  returned: success
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
        - What it was done to.
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
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as door
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.ipacl import JOB


def main():
    door.main(JOB)


if __name__ == "__main__":
    main()
