# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entry point of the modules: reads the options with AnsibleModule, runs the engine and prints
the result.
"""

from __future__ import annotations

from typing import Any, Collection, Mapping

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.nhncloud.nks.plugins.module_utils._common import (  # pylint: disable=unused-import
    archive,  # noqa: F401 (the other files are then compiled once)
)
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._entry import inputs
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import engine


# Ansible has no type information, so its classes and what they return are Any.
class Module(AnsibleModule):  # type: ignore[misc]
    """AnsibleModule that collects secrets before it validates anything, and adds nothing to the
    result's ``path``.
    """

    #: The options, and the secrets in them; see :func:`inputs.secrets`.
    params: dict[str, Any]
    secrets: Collection[str] = frozenset()

    def _set_internal_properties(self, *args: Any, **kwargs: Any) -> None:
        """Collect the secrets. This is the last step before the validation, which may fail."""
        super()._set_internal_properties(*args, **kwargs)
        self.secrets = inputs.secrets(self.argument_spec, self.params)
        # For what Ansible itself writes to the system's log.
        self.no_log_values.update(self.secrets)
        try:
            self.params = inputs.shaped(self.argument_spec, self.params)
        except BadInput as error:
            self.fail_json(error.msg)

    def add_path_info(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Keep the result as the engine returned it, so that it is the same for both entry points."""
        return kwargs

    def warn(self, warning: str, **kwargs: Any) -> None:
        """Issue a warning without secrets: Ansible does not remove them from warnings."""
        super().warn(inputs.hidden(warning, self.secrets), **kwargs)

    def exit_json(self, **kwargs: Any) -> None:
        """Print the result without secrets and end the process."""
        super().exit_json(**self._safe(kwargs))

    def fail_json(self, msg: str, **kwargs: Any) -> None:
        """Print a failure without secrets and end the process."""
        super().fail_json(**self._safe(dict(kwargs, msg=msg)))

    def _safe(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """A result without secrets, with the invocation, which Ansible removes again if it is
        configured to.
        """
        invocation = {"module_args": inputs.shown(self.argument_spec, self.params)}
        # Ansible would replace secrets a second time, and find one such as "NO" in its own
        # placeholders.
        self.no_log_values.clear()
        safe: dict[str, Any] = inputs.hidden(dict(result, invocation=invocation), self.secrets)
        return safe


def main(job: engine.Job) -> None:
    """Run a module.

    :param job: see :class:`engine.Job`.
    """
    module = Module(argument_spec=job.arguments, supports_check_mode=True, **job.constraints)
    try:
        result = engine.perform(
            job,
            module.params,
            check_mode=module.check_mode,
            diff_mode=module._diff,
            hide=lambda tree: inputs.hidden(tree, module.secrets),
        )
    except NksError as error:
        result = dict(error.values, msg=error.msg, failed=True)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
