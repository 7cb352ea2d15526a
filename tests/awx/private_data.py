# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run as AWX has ansible-runner do it: the private data directory, what AWX writes into it, and what comes out.

The credential is rendered by AWX's own code, from docs/awx; everything else is what AWX does around ansible-runner. There is no container,
so what is ``/runner`` in one is the directory itself.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ansible_runner
import yaml
from awx_plugins.interfaces._temporary_private_api import ManagedCredentialType
from awx_plugins.interfaces._temporary_private_credential_api import Credential
from awx_plugins.interfaces._temporary_private_inject_api import inject_credential

DOCS = Path(__file__).resolve().parents[2] / "docs" / "awx"
CONTAINER = "/runner"
#: What AWX sets for every run, by its default settings.
EVERY_RUN = {
    "ANSIBLE_FORCE_COLOR": "True",
    "ANSIBLE_HOST_KEY_CHECKING": "False",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
}
EVERY_JOB = {
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
    "AWX_HOST": "https://awx.example.com",
    "INVENTORY_ID": "2",
    "MAX_EVENT_RES": "700000",
    "PROJECT_REVISION": "0123456789abcdef0123456789abcdef01234567",
}
EVERY_UPDATE = {
    "ANSIBLE_HOST_PATTERN_MISMATCH": "error",
    "ANSIBLE_INVENTORY_EXPORT": "True",
    "ANSIBLE_VERBOSE_TO_STDERR": "True",
    "INVENTORY_SOURCE_ID": "3",
}


def document(name: str) -> Any:
    """Return the content of a YAML file of docs/awx."""
    return yaml.safe_load((DOCS / name).read_text())


def credential_type() -> ManagedCredentialType:
    """Return the credential type of docs/awx."""
    inputs, injectors = document("credential-type/inputs.yml"), document("credential-type/injectors.yml")
    return ManagedCredentialType(namespace="nhncloud", name="NHN Cloud", kind="cloud", inputs=inputs, injectors=injectors)


class Run:
    """One job or inventory update, its private data directory and its outcome."""

    def __init__(self, folder: Path, ident: int, collections: Path, credential: Mapping[str, Any]) -> None:
        self.ident = ident
        self.folder = folder
        self.artifacts = self.folder / "artifacts" / str(ident)
        self.safe_env: dict[str, Any] = {}
        self.status = ""
        self.rc: int | None = None
        for name in ("env", "inventory", "cp"):
            (self.folder / name).mkdir(parents=True, mode=0o700)
        shutil.copytree(DOCS / "project", self.folder / "project")
        # Where AWX lays what the project's collections/requirements.yml names
        (self.folder / "requirements_collections").symlink_to(collections, target_is_directory=True)
        self.env: dict[str, Any] = dict(EVERY_RUN, AWX_PRIVATE_DATA_DIR=str(self.folder))
        self.arguments: list[str] = []
        self.credential = credential

    def job(self, playbook: str, variables: Mapping[str, Any], inventory: Mapping[str, Any], *arguments: str) -> Run:
        """Run a playbook of the project as a job template with these answers to its survey does."""
        places = ":".join([CONTAINER + "/requirements_collections", "~/.ansible/collections", "/usr/share/ansible/collections"])
        self.env.update(EVERY_JOB, JOB_ID=str(self.ident), ANSIBLE_SSH_CONTROL_PATH_DIR=CONTAINER + "/cp", ANSIBLE_COLLECTIONS_PATH=places)
        script = "#!/usr/bin/env python3\nprint(%r)\n" % json.dumps(inventory)
        hosts = self._write("inventory/hosts", script, 0o700)
        answers = dict(variables, awx_job_id=self.ident, awx_job_launch_type="manual", awx_user_name="admin")
        self._write("env/extravars", "\n".join("!unsafe %s: %s" % (json.dumps(name), unsafe(value)) for name, value in answers.items()), 0o600)
        self.arguments += arguments
        self._inject()
        self._write("env/cmdline", " ".join(self.arguments), 0o600)
        return self._run(playbook=playbook, inventory=str(hosts))

    def update(self, source: Mapping[str, Any], further: Mapping[str, str] | None = None, *arguments: str) -> Run:
        """Run an inventory update from a file of the project, with source variables."""
        self.env.update(EVERY_UPDATE, INVENTORY_UPDATE_ID=str(self.ident))
        for name, value in dict(source["source_vars"], **(further or {})).items():
            self.env.setdefault(name, value)
        self.arguments += ["ansible-inventory", "--list", "--export", "-i", "%s/project/%s" % (CONTAINER, source["source_path"])]
        self.arguments += ["--output", "%s/artifacts/%d/output.json" % (CONTAINER, self.ident), "--playbook-dir", CONTAINER + "/project"]
        self.arguments += arguments
        self._inject()
        self._write("args", " ".join(self.arguments).replace(CONTAINER + "/", "%s/" % self.folder), 0o600)
        return self._run()

    def _inject(self) -> None:
        inject_credential(credential_type(), Credential(dict(self.credential)), self.env, self.safe_env, self.arguments, str(self.folder))
        for name, value in self.env.items():
            self.env[name] = value.replace(CONTAINER + "/", "%s/" % self.folder)

    def _write(self, name: str, text: str, mode: int) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def _run(self, **more: Any) -> Run:
        self._write("env/settings", json.dumps({"suppress_ansible_output": True}), 0o600)
        outcome = ansible_runner.run(
            private_data_dir=str(self.folder), ident=str(self.ident), envvars=self.env, suppress_env_files=True, fact_cache_type="", quiet=True, **more
        )
        self.status, self.rc = outcome.status, outcome.rc
        return self

    # -- what came out -----------------------------------------------------------------------------------------------

    @property
    def output(self) -> str:
        """What AWX shows as the output, without its colours."""
        return "".join("%s\n" % event["stdout"] for event in self.events if event["stdout"])

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events, in their order."""
        files = (self.artifacts / "job_events").glob("*.json")
        return sorted((json.loads(path.read_text()) for path in files), key=lambda event: event["counter"])

    @property
    def stats(self) -> dict[str, Any]:
        """The numbers of the last event of a playbook."""
        return [event for event in self.events if event["event"] == "playbook_on_stats"][-1]["event_data"]

    @property
    def inventory(self) -> dict[str, Any]:
        """What an inventory update hands to AWX."""
        return json.loads((self.artifacts / "output.json").read_text())

    def holds(self, *secrets: str) -> list[str]:
        """Return the names of the artifacts in which one of these texts is; what AWX keeps of the environment is one of them."""
        texts = {path.relative_to(self.artifacts).as_posix(): path.read_bytes() for path in self.artifacts.rglob("*") if path.is_file()}
        # In this one ansible-runner keeps the environment that it was given, for its owner's eyes only.
        assert stat.S_IMODE((self.artifacts / "command").stat().st_mode) == 0o600
        del texts["command"]
        assert any(name.endswith(".json") for name in texts), "there is nothing to look into"
        texts["the environment that AWX keeps"] = json.dumps(self.safe_env).encode()
        return sorted(name for name, text in texts.items() if any(secret.encode() in text for secret in secrets))


def unsafe(value: Any) -> str:
    """Return a value of an extra variable as AWX writes it: no answer to a survey is a template."""
    return ("!unsafe " if isinstance(value, str) else "") + json.dumps(value)


def environment_of(credential: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return what the credential type makes of a credential, and nothing else."""
    (folder / "env").mkdir(parents=True, exist_ok=True)
    env: dict[str, Any] = {}
    arguments: list[str] = []
    inject_credential(credential_type(), Credential(dict(credential)), env, {}, arguments, str(folder))
    assert arguments == [], "an inventory update gets no extra variables"
    return {name: value.replace(CONTAINER + os.sep, "%s/" % folder) for name, value in env.items()}
