# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes every file that is generated from the table of options: ``make generate``.

The order matters: the role's argument specs and the documentation of documents come from the documentation of the modules, which comes
from the rows. A unit test fails if a committed file is not what this writes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import document
import envs
import fragments
import role
import schema


def texts() -> dict[Path, str]:
    """Return the content of all files but the fragments; Ansible must know the collection."""
    return {
        document.TARGET: document.text(),
        role.TARGET: role.text(),
        role.TASKS: role.tasks(),
        schema.TARGET: schema.text(role.role_options()["argument_specs"]["main"]["options"]["nks_cluster_spec"]),
    }


def write() -> None:
    """Write the files; runs in an environment with Ansible."""
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([str(envs.collections())])
    # First, because the documentation contains it.
    fragments.TARGET.write_text(fragments.text())
    for path, text in texts().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def main(arguments: Iterable[str]) -> int:
    """Write the files with the Python of the environment that has Ansible."""
    if "--here" in arguments:
        write()
        return 0
    bin_folder = envs.controller_env()[0]
    command = [str(bin_folder / "python"), "-B", str(Path(__file__).resolve()), "--here"]
    return subprocess.run(command, env=envs.environment(bin_folder), check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except envs.SetupError as error:
        sys.exit(str(error))
