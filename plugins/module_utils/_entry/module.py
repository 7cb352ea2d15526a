# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's door to the engine: AnsibleModule in, result out."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._entry import inputs
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import engine


class Module(AnsibleModule):
    """AnsibleModule, which collects secrets before it validates anything, and adds nothing to the result's ``path``."""

    #: The options, and the secrets in them; see :func:`inputs.secrets`.
    params: dict
    secrets = frozenset()

    def _set_internal_properties(self, *args, **kwargs):
        """The last step before the validation, which may fail: from here on the secrets are known."""
        super()._set_internal_properties(*args, **kwargs)
        self.secrets = inputs.secrets(self.argument_spec, self.params)
        # For what Ansible itself writes to the system's log.
        self.no_log_values.update(self.secrets)
        try:
            self.params = inputs.shaped(self.argument_spec, self.params)
        except BadInput as error:
            self.fail_json(error.msg)

    def add_path_info(self, kwargs):
        """Leave the result as the engine made it, so that it is the same through both doors."""
        return kwargs

    def warn(self, warning, **kwargs):
        """A warning without secrets: Ansible does not look for them in it."""
        super().warn(inputs.hidden(warning, self.secrets), **kwargs)

    def exit_json(self, **kwargs):
        """The result without secrets."""
        super().exit_json(**self._safe(kwargs))

    def fail_json(self, msg, **kwargs):
        """As above, of a failure."""
        super().fail_json(**self._safe(dict(kwargs, msg=msg)))

    def _safe(self, result):
        """A result without secrets, with the invocation, which Ansible takes out again where its settings say so."""
        invocation = {"module_args": inputs.shown(self.argument_spec, self.params)}
        # Ansible would look once more, and find a secret such as "NO" in its own marks.
        self.no_log_values.clear()
        return inputs.hidden(dict(result, invocation=invocation), self.secrets)


def main(job):
    """Run a module.

    :param job: see :class:`engine.Job`.
    """
    module = Module(argument_spec=job.arguments, supports_check_mode=True, **job.constraints)
    try:
        result = engine.perform(
            job, module.params, check_mode=module.check_mode, diff_mode=module._diff
        )
    except NksError as error:
        result = dict(error.values, msg=error.msg, failed=True)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
