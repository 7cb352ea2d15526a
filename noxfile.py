# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the sessions of antsibull-nox.toml known to nox.

``make lint`` runs them all, and the parts of ``make test`` run them one by one, in an environment for nox. If nox and
antsibull-nox are installed, you can also run ``nox -Re SESSION``.
"""

from __future__ import annotations

import os
import sys

import antsibull_nox
import nox

sys.path.insert(0, "tests/tools")
import envs

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.envdir = os.environ.get("NOX_ENVDIR", ".cache/nox/by-hand")

# Exact versions of everything that a session installs, the same for pip and uv.
os.environ["PIP_CONSTRAINT"] = os.environ["UV_CONSTRAINT"] = " ".join(
    os.path.relpath(path)
    for path in envs.lint_requirements("%d.%d" % sys.version_info[:2], sessions=True)
)

antsibull_nox.load_antsibull_nox_toml()
