# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options about differences that cannot be reconciled, and about changes that replace one node after the other."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  immutable:
    description:
      - What happens when a given option differs from the present value and cannot be changed after creation.
      - With V(fail) the task fails before anything is changed, in check mode too, and names the option, the present value and the wanted one.
      - With V(warn) the difference is left and becomes a warning.
    type: str
    choices:
      - fail
      - warn
    default: fail
  num_buffer_nodes:
    description:
      - Number of nodes added for the time of an upgrade of a node group, a change of the flavor or of the CNI.
        They are charged for. 0 is a value.
      - If it is not set, the service uses 1.
    type: int
  num_max_unavailable_nodes:
    description:
      - Number of nodes that may be unavailable at the same time during an upgrade of a node group, a change of the flavor or of the CNI.
      - If it is not set, the service uses 1.
    type: int
"""
