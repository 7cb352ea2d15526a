# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the programs of tests/benchmark in an environment of their own; the documentation may quote only figures that they print."""

from __future__ import annotations

import subprocess
import sys

import envs
from envs import ROOT, SetupError, say

PROGRAMS = ("soak.py", "soak_fleet.py", "speed.py --docs")


def main() -> int:
    """Run all programs, or those on the command line."""
    try:
        bin_folder, version, core = envs.benchmark_env()
    except SetupError as error:
        sys.exit(str(error))
    say("ansible-core %s on Python %s" % (core, version))
    worst = 0
    for program in sys.argv[1:] or PROGRAMS:
        say("\n===== %s" % program)
        name, *options = program.split()
        command = [str(bin_folder / "python"), "-B", str(ROOT / "tests" / "benchmark" / name), *options]
        worst = max(worst, subprocess.run(command, env=envs.environment(bin_folder), cwd=ROOT, check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
