# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The approval of a plan, for all modules that change something."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  expect_plan:
    description:
      - Digest of the plan that was approved, RV(plan_digest) of the same task in check mode. If the plan has another digest, the task fails
        before it changes anything, in check mode too, and the failed result contains RV(actions) and RV(plan_digest) of the current plan.
      - An empty plan has a digest too. If someone else has made the changes in the meantime, nothing is left to do, and the task fails as well.
      - If the state changes during the task, what it has done together with what is left to do must be the approved plan. Otherwise it stops.
      - If it is not set, the task applies any plan.
    type: str
"""
