# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The door in Ansible's own worker: no interpreter start, no transfer of a module, one import of requests per playbook.

One plugin for all modules of the collection; meta/runtime.yml routes the others here. It takes a task when its connection
is local and neither become nor async asks otherwise; in every other case the module runs, with the same result.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

try:
    # From ansible-core 2.22 on, where the other is deprecated.
    from ansible.module_utils.secrets import mask_secrets, register_secrets
except ImportError:
    from ansible.module_utils.common.parameters import remove_values
else:

    def remove_values(result, secrets):
        """A result without secrets, hidden as this ansible-core hides them in the result of a module."""
        register_secrets(secrets)
        return _masked(result)

    def _masked(value):
        if isinstance(value, dict):
            return {key: _masked(item) for key, item in value.items()}
        if isinstance(value, list):
            return [_masked(item) for item in value]
        return mask_secrets(value) if isinstance(value, str) else value


COLLECTION = "nhncloud.nks"


def jobs():
    """Module name -> job. The first call loads the whole engine, and requests."""
    from ansible_collections.nhncloud.nks.plugins.module_utils.jobs import JOBS

    return JOBS


if boolean(os.environ.get("NHNCLOUD_IN_PROCESS", True), strict=False):
    # Ansible loads this file in its main process, so the workers that it forks for each task find everything in place.
    jobs()


class ActionModule(ActionBase):
    """Runs the engine in the worker, or hands the task over to the module."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp=None, task_vars=None):
        """One task; see ActionBase.run."""
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        name = self._task.action.rpartition(".")[2]
        if not self._in_process(task_vars):
            module = "%s.%s" % (COLLECTION, name)
            result.update(self._execute_module(module_name=module, task_vars=task_vars, wrap_async=self._task.async_val))
            return result
        with self._environment():
            result.update(self._perform(jobs()[name], task_vars))
        return result

    def _in_process(self, task_vars):
        """Whether this worker is where the task belongs."""
        return (
            self._connection.transport == "local"
            and self._connection.become is None
            and not self._task.async_val
            and self._setting(task_vars, "nks_in_process", "NHNCLOUD_IN_PROCESS")
            and self._has_requests()
        )

    @staticmethod
    def _has_requests():
        """Whether Ansible's own Python has what the engine needs; the task's interpreter may have it where this one has not."""
        from ansible_collections.nhncloud.nks.plugins.module_utils import transport

        return transport.requests is not None

    def _setting(self, task_vars, variable, environment):
        """A switch that is on unless a variable or the environment turns it off."""
        value = self._templar.template(task_vars[variable]) if variable in task_vars else os.environ.get(environment, True)
        return boolean(value)

    @contextmanager
    def _environment(self):
        """The keyword environment: for the time of the task, as a module's process would have it."""
        given = {}
        self._compute_environment_string(given)
        given = {str(key): str(value) for key, value in given.items()}
        before = {key: os.environ.get(key) for key in given}
        os.environ.update(given)
        try:
            yield
        finally:
            for key, value in before.items():
                if value is None:
                    os.environ.pop(key, None)
                else:
                    os.environ[key] = value

    def _perform(self, job, task_vars):
        """Options in, result out, as AnsibleModule would do it."""
        from ansible_collections.nhncloud.nks.plugins.module_utils import engine, wire
        from ansible_collections.nhncloud.nks.plugins.module_utils.errors import NksError

        # Through JSON, as a module's arguments and result go: plain values without the marks that Ansible puts on them.
        given = json.loads(json.dumps(dict(self._task.args), default=str))
        checked = ArgumentSpecValidator(job.arguments, **job.constraints).validate(given)
        options = checked.validated_parameters
        # Appkeys in further labels are known by their names alone.
        secrets = checked._no_log_values.union(wire.appkeys(options.get("labels")))  # pylint: disable=protected-access
        if checked.error_messages:
            message = checked.errors.msg
            if isinstance(checked.errors[0], UnsupportedError):
                message = "Unsupported parameters for (%s.%s) module: %s" % (COLLECTION, job.name, message)
            result = {"failed": True, "msg": message}
        else:
            try:
                result = engine.perform(
                    job,
                    options,
                    check_mode=self._task.check_mode,
                    diff_mode=self._task.diff,
                    progress=self._progress(task_vars),
                )
            except NksError as error:
                result = dict(error.values, failed=True, msg=error.msg)
        if self._shows_invocation(task_vars):
            result["invocation"] = {"module_args": options}
        return remove_values(json.loads(json.dumps(result)), secrets)

    @staticmethod
    def _shows_invocation(task_vars):
        """Whether a module's result would hold its arguments: always up to ansible-core 2.20, later where it is configured."""
        try:
            return C.config.get_config_value("INJECT_INVOCATION", variables=task_vars)
        except AnsibleError:
            return True

    def _progress(self, task_vars):
        """What shows the lines of progress; nothing where they are not wanted or the task is to say nothing."""
        if self._task.no_log or not self._setting(task_vars, "nks_progress", "NHNCLOUD_PROGRESS"):
            return None
        host = task_vars.get("inventory_hostname", "")
        return lambda line: Display().display("nks: [%s] %s" % (host, line))
