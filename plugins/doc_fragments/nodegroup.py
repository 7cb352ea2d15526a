# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of a node group's creation, shared by nks_cluster (for the first node group) and nks_nodegroup."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  flavor:
    description:
      - Name or UUID of the nodes' flavor. Needed to create the node group.
      - On an existing node group it is changed node by node; see O(num_buffer_nodes) and O(num_max_unavailable_nodes).
      - The service allows changes among the m2, c2, r2, t2 and x1 types only. Others fail, in check mode too.
    type: str
    aliases:
      - flavor_id
  image:
    description:
      - Name or UUID of the base image. Only images made for NKS nodes are found by name. Needed to create the node group.
      - Cannot be changed after creation.
    type: str
    aliases:
      - node_image
  availability_zone:
    description:
      - Name of the availability zone of the nodes. Needed to create the node group.
      - Cannot be changed after creation.
    type: str
  node_count:
    description:
      - Number of nodes. If it is not set, a node group is created with one node, and the count of an existing one is left alone.
      - While the cluster autoscaler is on, a count inside of its bounds is satisfied by whatever count there is, and one outside of them fails.
      - While a policy of the metric-based autoscaler is on, the service accepts no other count, so the task fails, in check mode too.
      - Quotas of the service limit it (10 by default).
    type: int
  boot_volume_type:
    description:
      - Name of the type of the nodes' boot volumes. Needed to create the node group.
      - Cannot be changed after creation.
    type: str
  boot_volume_size:
    description:
      - Size of the nodes' boot volumes in GB. The image has a minimum. Needed to create the node group.
      - Cannot be changed after creation.
    type: int
  boot_volume_key_id:
    description:
      - ID of the symmetric key in Secure Key Manager by which the boot volumes are encrypted.
      - Cannot be changed after creation.
    type: str
  boot_volume_appkey:
    description:
      - Appkey of Secure Key Manager for O(boot_volume_key_id). It is a secret and is never shown.
      - Cannot be changed after creation. It is compared where the service shows it.
    type: str
  additional_networks:
    description:
      - Names or UUIDs of further networks (VPCs) to which the nodes are attached, in this order.
      - Cannot be changed after creation.
    type: list
    elements: str
    aliases:
      - additional_network_id_list
  additional_subnets:
    description:
      - Names or UUIDs of the subnets in O(additional_networks), one for each, in the same order.
      - Cannot be changed after creation.
    type: list
    elements: str
    aliases:
      - additional_subnet_id_list
  extra_security_groups:
    description:
      - Additional security groups of the nodes.
      - Cannot be changed after creation. The order of a subnet's groups does not matter.
    type: list
    elements: dict
    suboptions:
      subnet:
        description:
          - Name or UUID of the subnet, of the cluster's network or of one of O(additional_networks), to whose ports the groups are applied.
        type: str
        required: true
      security_groups:
        description:
          - Names or UUIDs of 1 to 8 security groups.
        type: list
        elements: str
        required: true
  extra_volumes:
    description:
      - Additional block storage of each node, at most three volumes. Their order does not matter.
      - Cannot be changed after creation.
    type: list
    elements: dict
    suboptions:
      type:
        description:
          - Name of the volume type.
        type: str
        required: true
      size:
        description:
          - Size in GB, 1 to 2048.
        type: int
        required: true
      key_id:
        description:
          - ID of the symmetric key in Secure Key Manager by which the volume is encrypted.
        type: str
      appkey:
        description:
          - Appkey of Secure Key Manager for the key. It is a secret and is never shown.
        type: str
      mount_path:
        description:
          - Absolute path where the volume is mounted.
        type: str
  user_script:
    description:
      - Script that the nodes run as root when they are initialized, at most 64 KB, with C(#!) and the interpreter in its first line.
        An empty text means no script.
      - On an existing node group it is replaced. Only nodes that are created later run the new script.
    type: str
  labels:
    description:
      - Further labels of the API, by name, for what has no option of its own. They are passed as given; a dictionary or list becomes JSON text.
      - Cannot be changed after creation. They are compared where the service shows them, booleans in any case, JSON text by its content, and
        other texts exactly.
      - A label for which there is an option is refused.
    type: dict
"""
