#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_resource_info
short_description: Get the resources that NHN Kubernetes Service (NKS) clusters use
version_added: "0.1.0"
description:
  - Returns the names and UUIDs of resources to which options of M(nhncloud.nks.nks_cluster) and M(nhncloud.nks.nks_nodegroup) refer.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.query
  - nhncloud.nks.attributes.info
  - nhncloud.nks.attributes.actiongroup_nks
options:
  kind:
    description:
      - Kind of the resources to list. V(network) does not include the external network. V(image) lists only images for NKS nodes.
    type: str
    required: true
    choices:
      - network
      - external_network
      - subnet
      - availability_zone
      - keypair
      - image
      - volume_type
      - flavor
      - instance
      - security_group
      - service_gateway
  name:
    description:
      - Name or UUID of a resource. If it is set, only resources with this name or UUID are returned.
    type: str
seealso:
  - module: nhncloud.nks.nks_cluster
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Get the images for NKS nodes
  nhncloud.nks.nks_resource_info:
    kind: image
  register: images

- name: Get a network
  nhncloud.nks.nks_resource_info:
    kind: network
    name: demo-vpc
  register: network

- name: Get the names of the flavors with at least 8 GB of memory
  nhncloud.nks.nks_resource_info:
    kind: flavor
    query: "[?ram >= `8192`].name"
  register: flavors
"""

RETURN = r"""
resources:
  description:
    - The resources, with the fields that the service returns. Empty if there are none.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description:
        - UUID. For key pairs and availability zones, which have no UUID, it is the name.
      type: str
      sample: 6ef27f21-c774-4c0e-84ff-7dd4a762571f
    name:
      description:
        - Name.
      type: str
      sample: m2.c4m8
result:
  description:
    - Result of the expression in O(query).
  returned: when O(query) is set
  type: raw
  sample: ["m2.c4m8", "r2.c4m32"]
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.info import RESOURCES


def main() -> None:
    entry.main(RESOURCES)


if __name__ == "__main__":
    main()
