# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules support, as ``attributes`` of their documentation."""

from __future__ import annotations


class ModuleDocFragment:
    # Modules that change something
    DOCUMENTATION = r"""
options: {}
attributes:
  async:
    description: Supports being used with the C(async) keyword.
    support: full
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying anything.
    support: full
    details:
      - The RV(actions) are the same as in a normal run.
      - If a cluster or node group that the task refers to by name does not exist yet, an earlier task of the play may create it. In check
        mode the module then issues a warning and predicts the result as far as possible. A UUID that does not exist is an error.
  diff_mode:
    description: Returns details on what has changed (or in check mode, would change) when in diff mode.
    support: full
    details:
      - Secrets are masked.
  idempotent:
    description: When run twice in a row with the same options, the second run changes nothing.
    support: full
  platform:
    description: Target OS/families that can be operated against.
    support: full
    platforms: posix
"""

    # Modules that only read
    INFO = r"""
options: {}
attributes:
  async:
    description: Supports being used with the C(async) keyword.
    support: full
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying anything.
    support: full
    details:
      - This module never changes anything. In check mode, if a cluster or node group that the task refers to by name does not exist yet, the
        module issues a warning instead of failing.
  diff_mode:
    description: Returns details on what has changed (or in check mode, would change) when in diff mode.
    support: N/A
    details:
      - This module never changes anything.
  idempotent:
    description: When run twice in a row with the same options, the second run changes nothing.
    support: full
    details:
      - This module never changes anything.
  platform:
    description: Target OS/families that can be operated against.
    support: full
    platforms: posix
"""

    # Modules in the action group
    ACTIONGROUP_NKS = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/nhncloud.nks.nks) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - nhncloud.nks.nks
"""
