# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option of all information modules."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  query:
    description:
      - A JMESPath expression. The module applies it to the list or settings that it returns, and returns the outcome as RV(result).
      - See U(https://jmespath.org/) for the language.
    type: str
requirements:
  - jmespath (for O(query))
"""
