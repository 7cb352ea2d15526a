# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs sessions of antsibull-nox.toml: ``sessions.py [SESSION...]``, or all default sessions.

They check a copy of the tree; with ``--fix``, those that can do so change the files of the checkout.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import envs

PLACE = envs.CACHE / "nox"  # an environment for each session
Execute = Callable[[list, dict[str, str], Path], tuple[int, str]]
_lock = threading.Lock()


def _forget_old_environments() -> None:
    """Remove the environments if they contain other versions; nox would use them anyway, or ask the registry every time."""
    version, python = envs.controller()
    texts = [path.read_text() for path in envs.lint_requirements(version, sessions=True)]
    key = hashlib.sha256("\n".join([str(envs.ROOT), python, *texts]).encode()).hexdigest()
    kept = PLACE / "key"
    if not kept.exists() or kept.read_text() != key:
        shutil.rmtree(PLACE, ignore_errors=True)
        PLACE.mkdir(parents=True)
        kept.write_text(key)


def run(names: list[str], tree: Path, execute: Execute, *, fix: bool = False, arguments: tuple[str | Path, ...] = ()) -> tuple[int, str]:
    """Run the sessions in the tree; return the status of nox and its output. The arguments go to the sessions' tools."""
    bin_folder = envs.lint_env()
    with _lock:
        _forget_old_environments()
    folders = [PLACE / name for name in names] if names else [path for path in PLACE.iterdir() if path.is_dir()]
    for folder in folders:
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
    env = envs.installing(envs.environment(bin_folder))
    # With CI set it changes nothing; on GitHub it would fold its output.
    env.update(CI="false" if fix else "true", NOX_ENVDIR=str(PLACE), UV_COMPILE_BYTECODE="1")
    env.pop("GITHUB_ACTION", None)
    # Sessions make copies below .cache, which the checkout's git ignores, so tools would find no file there.
    env["GIT_CEILING_DIRECTORIES"] = str(envs.CACHE)
    command = [bin_folder / "nox", "-R", *(["-e", *names] if names else []), *(["--", *arguments] if arguments else [])]
    status, output = execute(command, env, tree)
    if not re.search(r"^nox > Command .*\binstall\b.* failed", output, re.MULTILINE):
        for name in re.findall(r"^nox > Running session (\S+)", output, re.MULTILINE):
            if (PLACE / name).is_dir():
                (PLACE / name / "complete").touch()
    return status, output


def _show(command: list, env: dict[str, str], cwd: Path) -> tuple[int, str]:
    lines = []
    with subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            print(line, end="", flush=True)
    return process.returncode, "".join(lines)


def main() -> int:
    """Run those named on the command line."""
    names = [word for word in sys.argv[1:] if word != "--fix"]
    fix = "--fix" in sys.argv
    return run(names, envs.ROOT if fix else envs.copy_tree("lint"), _show, fix=fix)[0]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except envs.SetupError as error:
        sys.exit(str(error))
