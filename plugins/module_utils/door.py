# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's door to the engine: AnsibleModule in, result out."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.nhncloud.nks.plugins.module_utils import engine, wire
from ansible_collections.nhncloud.nks.plugins.module_utils.errors import NksError


class Module(AnsibleModule):
    """AnsibleModule, but for one thing: it would add owner, mode and so on of any result's ``path`` on its own."""

    def add_path_info(self, kwargs):
        """Leave the result as the engine made it, so that it is the same through both doors."""
        return kwargs

    def exit_json(self, **kwargs):
        """With what only the values themselves show to be secret: appkeys in further labels."""
        self.no_log_values.update(wire.appkeys(self.params.get("labels")))
        super().exit_json(**kwargs)

    def fail_json(self, msg, **kwargs):
        """As above, for a mistake in the options too."""
        self.no_log_values.update(wire.appkeys(self.params.get("labels")))
        super().fail_json(msg, **kwargs)


def main(job):
    """Run a module.

    :param job: see :class:`engine.Job`.
    """
    module = Module(argument_spec=job.arguments, supports_check_mode=True, **job.constraints)
    try:
        result = engine.perform(job, module.params, check_mode=module.check_mode, diff_mode=module._diff)
    except NksError as error:
        result = dict(error.values, msg=error.msg, failed=True)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
