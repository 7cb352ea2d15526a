# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts every Python file into its format, and the imports into their order."""

from __future__ import annotations

import subprocess
import sys

import envs


def main() -> int:
    """Run ruff over the tree."""
    files = [name for name in envs.tree_files() if name.endswith(".py")]
    bin_folder = envs.lint_env()
    env = envs.environment(bin_folder)
    subprocess.run([bin_folder / "ruff", "check", "--select", "I", "--fix", "--quiet", "--exit-zero", *files], env=env, cwd=envs.ROOT, check=False)
    return subprocess.run([bin_folder / "ruff", "format", *files], env=env, cwd=envs.ROOT, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except envs.SetupError as error:
        sys.exit(str(error))
