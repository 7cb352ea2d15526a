# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that writes the results of a playbook to the standard output, as JSON and nothing else."""

from __future__ import annotations

import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: nks_json
short_description: Results as JSON
description:
  - Writes the results of all tasks to the standard output when the playbook ends.
author: nhncloud.nks contributors (@nhncloud-nks)
type: stdout
options: {}
"""


class CallbackModule(CallbackBase):
    """Keeps the results, and writes them at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "nks_json"

    def __init__(self):
        super().__init__()
        self.results = []

    def v2_runner_on_ok(self, result):
        """A task that did well."""
        self.results.append(json.loads(self._dump_results(result.result if hasattr(result, "result") else result._result)))

    def v2_runner_on_failed(self, result, ignore_errors=False):
        """A task that failed."""
        self.v2_runner_on_ok(result)

    def v2_playbook_on_stats(self, stats):
        """The end."""
        self._display.display(json.dumps(self.results))
