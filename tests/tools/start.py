# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a program of this directory with the best Python on the machine: ``start.py PROGRAM [ARGUMENT...]``."""

from __future__ import annotations

import os
import sys

import envs


def main() -> None:
    """Replace this process with the program."""
    try:
        python = envs.controller()[1]
    except envs.SetupError as error:
        sys.exit(str(error))
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), sys.argv[1] + ".py")
    os.execv(python, [python, "-B", program, *sys.argv[2:]])


if __name__ == "__main__":
    main()
