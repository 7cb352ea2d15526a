# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A way to become another user that stays the same one, so that no password is needed."""

from __future__ import annotations

from ansible.plugins.become import BecomeBase

DOCUMENTATION = r"""
name: nks_same
short_description: Become nobody else
description:
  - Runs the command as it is.
author: nhncloud.nks contributors (@nhncloud-nks)
options:
  become_user:
    description:
      - Not used.
    default: root
    vars:
      - name: ansible_become_user
"""


class BecomeModule(BecomeBase):
    """Runs the command as it is."""

    name = "nks_same"

    def build_become_command(self, cmd, shell):
        """The command, unchanged."""
        super().build_become_command(cmd, shell)
        return self._build_success_command(cmd, shell) if cmd else cmd
