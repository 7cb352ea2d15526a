#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_ipacl_info
short_description: Get IP access control of the API endpoint of NHN Kubernetes Service (NKS) clusters
version_added: "0.1.0"
description:
  - Returns IP access control of the Kubernetes API endpoint of a cluster.
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
seealso:
  - module: nhncloud.nks.nks_ipacl
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Get IP access control
  nhncloud.nks.nks_ipacl_info:
    cluster: demo
  register: access

- name: Get the networks in the list of targets
  nhncloud.nks.nks_ipacl_info:
    cluster: demo
    query: ipacl_targets[].cidr_address
  register: networks
"""

RETURN = r"""
ipacl:
  description:
    - The access control, with the field names of the API and typed values.
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
result:
  description:
    - Result of the expression in O(query).
  returned: when O(query) is set
  type: raw
  sample: ["203.0.113.0/24"]
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.ipacl import INFO


def main() -> None:
    entry.main(INFO)


if __name__ == "__main__":
    main()
