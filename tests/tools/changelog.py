# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the changelog: makes the release of galaxy.yml's version from the fragments, or writes an existing release again."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import envs


def main() -> int:
    """Run antsibull-changelog in a copy of the tree (in the checkout it would first copy all caches), and copy its files back."""
    bin_folder = envs.lint_env()
    tree = envs.copy_tree("changelog")
    version = re.findall(r"^version: (\S+)$", (tree / "galaxy.yml").read_text(), re.MULTILINE)[0]
    releases = tree / "changelogs" / "changelog.yaml"
    known = releases.exists() and re.search(r"^  %s:$" % re.escape(version), releases.read_text(), re.MULTILINE)
    command = ["generate", "--reload-plugins"] if known else ["release", "--version", version]
    env = envs.environment(bin_folder)
    status = subprocess.run([bin_folder / "antsibull-changelog", *command], cwd=tree, env=env, check=False).returncode
    if status == 0:
        for name in ("CHANGELOG.md", "changelogs/changelog.yaml"):
            shutil.copyfile(tree / name, envs.ROOT / name)
        for fragment in (envs.ROOT / "changelogs" / "fragments").glob("*.y*ml"):
            if not (tree / "changelogs" / "fragments" / fragment.name).exists():
                fragment.unlink()
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except envs.SetupError as error:
        sys.exit(str(error))
