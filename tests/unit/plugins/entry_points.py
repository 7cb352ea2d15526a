# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both ways to run a task, in the process of the test: no playbook, no interpreter and no server, so that thousands of tasks take seconds."""

from __future__ import annotations

import contextlib
import io
import json
import types

from ansible.module_utils import _internal, basic
from ansible.module_utils.common import warnings
from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
from ansible.utils.display import Display

from ansible_collections.nhncloud.nks.plugins.action import nks_cluster as action
from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry


def encoded(options):
    """Options as Ansible writes them for a module."""
    return json.loads(json.dumps(options, cls=get_module_encoder("legacy", Direction.CONTROLLER_TO_MODULE)))


def as_module(job, options, monkeypatch, check=False):
    """The result of a module; its warnings and deprecations as texts."""
    internal = {"check_mode": check, "diff": False, "no_log": True, "inject_invocation": True, "module_name": "nhncloud.nks." + job.name}
    arguments = dict(encoded(options), **{"_ansible_" + name: value for name, value in internal.items() if name in basic.PASS_VARS})
    stdout = io.StringIO()
    with monkeypatch.context() as patch, contextlib.redirect_stdout(stdout):
        # As in a module's own process, where there is no Display.
        patch.setattr(_internal, "is_controller", False)
        patch.setattr(warnings, "_global_warnings", {})
        patch.setattr(warnings, "_global_deprecations", {})
        patch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        patch.setattr(basic, "_ANSIBLE_PROFILE", "legacy")
        with contextlib.suppress(SystemExit):
            entry.main(job)
    result = json.loads(stdout.getvalue(), cls=get_module_decoder("legacy", Direction.MODULE_TO_CONTROLLER))
    # Ansible takes such keys out: from ansible-core 2.22 on a module sends its secrets along.
    result = {name: value for name, value in result.items() if not name.startswith("_ansible_")}
    for name in ("warnings", "deprecations"):
        result[name] = [getattr(item, "event", item).msg if hasattr(item, "event") else item for item in result.get(name, [])]
    return result


class Shell:
    """What an action plugin asks of a shell before it does anything."""

    tmpdir = "/nowhere"

    @staticmethod
    def env_prefix(**environment):
        """The environment, which a shell would set."""
        return str(environment)


class Templar:
    """Templates are of no concern here."""

    @staticmethod
    def template(value, **_options):
        """The value as it is."""
        return value


def plugin(job, options, check=False, directory="/", environment=(), **task):
    """An action plugin for a task on a local connection."""
    attributes = {"action": "nhncloud.nks." + job.name, "args": options, "async_val": 0, "check_mode": check, "diff": False, "no_log": False}
    return action.ActionModule(
        types.SimpleNamespace(**{**attributes, "environment": list(environment), **task}),
        types.SimpleNamespace(transport="local", become=None, _shell=Shell()),
        types.SimpleNamespace(),
        types.SimpleNamespace(get_basedir=lambda: str(directory)),
        Templar(),
    )


def in_process(job, options, monkeypatch, check=False, variables=None, **task):
    """The result of an action plugin; its warnings and deprecations as texts."""
    told = {"warnings": [], "deprecations": []}
    with monkeypatch.context() as patch:
        patch.setattr(_internal, "is_controller", True)
        patch.setattr(Display, "warning", lambda _self, msg, **_more: told["warnings"].append(msg))
        patch.setattr(Display, "deprecated", lambda _self, msg, **_more: told["deprecations"].append(msg))
        # A worker does one task; what it registers would be hidden in the output of all tests after it.
        patch.setattr(action, "register_secrets", lambda _secrets: None)
        patch.setattr(action, "jobs", lambda: {job.name: job})
        variables = dict({"ansible_inject_invocation": True}, **(variables or {}))
        result = plugin(job, options, check, **task).run(task_vars=variables)
    for name, texts in told.items():
        result[name] = texts + result.get(name, [])
    return result
