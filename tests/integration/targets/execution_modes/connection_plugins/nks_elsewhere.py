# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection that is not local to all who ask, and needs no server."""

from __future__ import annotations

from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = r"""
name: nks_elsewhere
short_description: As local, under another name
description:
  - As P(ansible.builtin.local#connection), under another name.
author: nhncloud.nks contributors (@nhncloud-nks)
options: {}
"""


class Connection(LocalConnection):
    """As local, under another name."""

    transport = "nks_elsewhere"
