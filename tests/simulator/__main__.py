# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the simulator: `python tests/simulator` or `python -m tests.simulator`."""

from __future__ import annotations

import os
import sys

if __package__:
    from .cli import main
else:
    # Started by its path: Python has put this folder itself on the path, where a module such as `state` would be
    # importable under two names. The folder above makes it a package again.
    _here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.getcwd()) != _here]
    sys.path.insert(0, os.path.dirname(_here))
    from simulator.cli import main

if __name__ == "__main__":
    sys.exit(main())
