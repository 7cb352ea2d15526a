# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of the cluster autoscaler: as options of a module, and inside of the option ``autoscale``."""

from __future__ import annotations

import textwrap


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  enabled:
    description:
      - Whether the cluster autoscaler is on for this node group.
    type: bool
    required: true
    aliases:
      - ca_enable
  min_node_count:
    description:
      - Smallest number of nodes.
    type: int
    aliases:
      - ca_min_node_count
  max_node_count:
    description:
      - Largest number of nodes.
    type: int
    aliases:
      - ca_max_node_count
  scale_down_enabled:
    description:
      - Whether nodes are removed, too.
    type: bool
    aliases:
      - ca_scale_down_enable
  scale_down_unneeded_time:
    description:
      - Minutes that a node must have been unneeded before it is removed, 1 to 1440.
    type: int
    aliases:
      - ca_scale_down_unneeded_time
  scale_down_utilization_threshold:
    description:
      - Utilization in percent, 1 to 100, below which a node counts as unneeded.
    type: int
    aliases:
      - ca_scale_down_util_thresh
  scale_down_delay_after_add:
    description:
      - Minutes without removals after a node was added, 10 to 1440.
    type: int
    aliases:
      - ca_scale_down_delay_after_add
"""


_OPTION = r"""
options:
  autoscale:
    description:
      - Settings of the cluster autoscaler. What is not given keeps its present value; at the creation the service fills in its defaults.
      - While the autoscaler is on it decides the number of nodes. A O(node_count) inside of its bounds is satisfied by whatever count
        there is, one outside of them fails, and the group is never resized by this module.
    type: dict
    suboptions:
"""

# The same settings inside of the option "autoscale": "nhncloud.nks.autoscale.suboptions".
ModuleDocFragment.SUBOPTIONS = _OPTION + textwrap.indent(ModuleDocFragment.DOCUMENTATION.split("options:\n")[1], " " * 4)
