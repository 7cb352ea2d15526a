# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entry point in Ansible's own worker: no interpreter start, no transfer of a module, one
import of requests per playbook.

One plugin for all modules of the collection; meta/runtime.yml routes the others here. It runs a
task itself if its connection is local and it uses neither become nor async; in all other cases the
module runs, with the same result.

Imports within functions: with NHNCLOUD_IN_PROCESS=false the plugin runs nothing itself, so it does
not load the engine.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Collection, Iterator, Mapping

from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleValueOmittedError
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

try:
    # Since ansible-core 2.22: Ansible hides them in everything that it prints.
    from ansible.module_utils.secrets import register_secrets
except ImportError:

    def register_secrets(secrets: Collection[str]) -> None:
        """Do nothing: the result has no secrets when Ansible gets it."""


if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Job

COLLECTION = "nhncloud.nks"
#: How the arguments of a module of this collection are written; see
#: ansible.module_utils.common.json.
PROFILE = "legacy"
#: How often a task looks whether Ansible's main process still exists (seconds).
ATTACHED_INTERVAL = 0.5


def jobs() -> dict[str, Job]:
    """Module name -> job. The first call loads the whole engine, and requests."""
    from ansible_collections.nhncloud.nks.plugins.module_utils._entry.jobs import JOBS

    return JOBS


def is_on(value: Any) -> bool:
    """Whether a switch is on: it is, unless its value is false. An empty value means that it is not
    set.

    :raises TypeError: the value is no boolean.
    """
    return True if value is None or not str(value).strip() else bool(boolean(value))


try:
    LOAD = is_on(os.environ.get("NHNCLOUD_IN_PROCESS"))
except TypeError:
    # Each task reports what is wrong with the value.
    LOAD = False
if LOAD:
    # Ansible loads this file in its main process, so the engine is loaded in all workers that it
    # forks.
    jobs()


# Ansible has no type information, so its classes and what they return are Any.
class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the engine in the worker, or runs the module."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run one task; see ActionBase.run."""
        from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput

        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        name = self._task.action.rpartition(".")[2]
        environment = self._task_environment()
        try:
            if not self._in_process(task_vars, environment):
                module = "%s.%s" % (COLLECTION, name)
                result.update(
                    self._execute_module(
                        module_name=module, task_vars=task_vars, wrap_async=self._task.async_val
                    )
                )
                return result
            progress = self._progress(task_vars, environment)
        except BadInput as error:
            return dict(result, failed=True, msg=error.msg)
        with _attached(), _as_process(environment, self._loader.get_basedir()):
            result.update(self._perform(jobs()[name], task_vars, progress))
        return result

    def _in_process(self, task_vars: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
        """Whether to run the task in this worker.

        :raises BadInput: the switch is no boolean.
        """
        return (
            self._connection.transport == "local"
            and self._connection.become is None
            and not self._task.async_val
            and self._switch(task_vars, "nks_in_process", environment, "NHNCLOUD_IN_PROCESS")
            and self._has_requests()
        )

    @staticmethod
    def _has_requests() -> bool:
        """Whether Ansible's own Python has the library that the engine needs; the task's
        interpreter may have it even if this one does not.
        """
        from ansible_collections.nhncloud.nks.plugins.module_utils._client import transport

        return transport.REQUESTS_ERROR is None

    def _switch(
        self,
        task_vars: Mapping[str, Any],
        variable: str,
        environment: Mapping[str, str],
        name: str,
    ) -> bool:
        """A switch that is on unless a variable, the keyword environment or the environment, in
        this order, turns it off.

        :raises BadInput: the value is no boolean.
        """
        from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput

        try:
            value = self._templar.template(task_vars[variable]) if variable in task_vars else None
        except AnsibleValueOmittedError:
            value = None
        source = variable
        if value is None or not str(value).strip():
            value, source = environment.get(name, os.environ.get(name)), name
        try:
            return is_on(value)
        except TypeError:
            raise BadInput(source, value, "is not a boolean", "set it to true or false") from None

    def _task_environment(self) -> dict[str, str]:
        """The keyword environment as texts."""
        given: dict[Any, Any] = {}
        self._compute_environment_string(given)
        return {str(key): str(value) for key, value in given.items()}

    def _perform(
        self, job: Job, task_vars: Mapping[str, Any], progress: Callable[[str], None] | None
    ) -> dict[str, Any]:
        """Validate the options and run the engine, as a module would do it."""
        from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
        from ansible_collections.nhncloud.nks.plugins.module_utils._entry import inputs
        from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import engine

        # Converted to JSON and back, as the arguments and the result of a module are: plain values
        # without Ansible's tags.
        encoder, decoder = (
            of(PROFILE, Direction.CONTROLLER_TO_MODULE)
            for of in (get_module_encoder, get_module_decoder)
        )
        options = json.loads(json.dumps(dict(self._task.args), cls=encoder), cls=decoder)
        secrets = inputs.secrets(job.arguments, options)
        register_secrets(secrets)
        try:
            options = inputs.shaped(job.arguments, options)
            # As in a module, its warnings and deprecations become those of the task.
            checked = ModuleArgumentSpecValidator(job.arguments, **job.constraints).validate(
                options
            )
            options = checked.validated_parameters
            if checked.error_messages:
                result = {"failed": True, "msg": self._refusal(job, checked)}
            else:
                result = engine.perform(
                    job,
                    options,
                    check_mode=self._task.check_mode,
                    diff_mode=self._task.diff,
                    progress=progress,
                    hide=lambda tree: inputs.hidden(tree, secrets),
                )
        except NksError as error:
            result = dict(error.values, failed=True, msg=error.msg)
        if self._shows_invocation(task_vars):
            result["invocation"] = {"module_args": inputs.shown(job.arguments, options)}
        safe: dict[str, Any] = inputs.hidden(json.loads(json.dumps(result)), secrets)
        return safe

    @staticmethod
    def _refusal(job: Job, checked: Any) -> str:
        """The message of a module for options that are not valid."""
        message: str = checked.errors.msg
        if isinstance(checked.errors[0], UnsupportedError):
            message = "Unsupported parameters for (%s.%s) module: %s" % (
                COLLECTION,
                job.name,
                message,
            )
        return message

    @staticmethod
    def _shows_invocation(task_vars: Mapping[str, Any]) -> bool:
        """Whether a module's result would include its arguments: always up to ansible-core 2.20,
        later if it is configured.
        """
        try:
            return bool(C.config.get_config_value("INJECT_INVOCATION", variables=task_vars))
        except AnsibleError:
            return True

    def _progress(
        self, task_vars: Mapping[str, Any], environment: Mapping[str, str]
    ) -> Callable[[str], None] | None:
        """The function that prints progress messages; None if they are turned off or the task has
        no_log.

        They are written to the standard error, because Ansible's callback may write JSON to the
        standard output.

        :raises BadInput: the switch is no boolean.
        """
        if (
            not self._switch(task_vars, "nks_progress", environment, "NHNCLOUD_PROGRESS")
            or self._task.no_log
        ):
            return None
        host = task_vars.get("inventory_hostname", "")

        def report(line: str) -> None:
            Display().display("nks: [%s] %s" % (host, line), stderr=True)

        return report


@contextmanager
def _attached() -> Iterator[None]:
    """End this worker if Ansible's main process ends, for the time of a task.

    Ansible ends its workers in the same way when it is interrupted. But a main process that was
    killed (SIGKILL, no memory left) cannot, and its workers are in sessions of their own: the task
    would go on for hours, unseen, next to the same task of the user's next run.
    """
    parent, done = os.getppid(), threading.Event()

    def watch() -> None:
        while not done.wait(ATTACHED_INTERVAL):
            if os.getppid() != parent:
                os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()


@contextmanager
def _as_process(environment: Mapping[str, str], directory: str) -> Iterator[None]:
    """Set the environment and the working directory that the process of a module would have, for
    the time of a task.

    Ansible starts a module on a local connection in the directory of the playbook, so relative
    paths begin there.
    """
    before = {key: os.environ.get(key) for key in environment}
    place: str | None = None
    try:
        place = os.getcwd()
    except OSError:
        # It has been removed.
        pass
    os.environ.update(environment)
    os.chdir(directory)
    try:
        yield
    finally:
        if place is not None:
            os.chdir(place)
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
