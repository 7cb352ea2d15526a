# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the checkout importable as ``ansible_collections.nhncloud.nks`` when pytest runs in it directly.

Below ``…/ansible_collections/nhncloud/nks``, where ansible-test works, there is nothing to do: it brings its own loader.
"""

from __future__ import annotations

import os
from pathlib import Path

try:
    import hypothesis
except ImportError:
    hypothesis = None

if hypothesis is not None:
    # Everybody sees the same examples, so that a failure belongs to the change in hand; HYPOTHESIS_PROFILE=search looks for new ones.
    hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
    hypothesis.settings.register_profile("search", deadline=None)
    hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

ROOT = Path(__file__).resolve().parents[2]


def _link() -> Path:
    """Return a folder in which the checkout lies where Ansible looks for a collection."""
    top = ROOT / ".cache" / "collections"
    link = top / "ansible_collections" / "nhncloud" / "nks"
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink() and link.resolve() != ROOT:
        link.unlink()
    if not link.is_symlink():
        link.symlink_to(ROOT, target_is_directory=True)
    return top


def pytest_configure() -> None:
    """Install Ansible's own loader, so that imports work as they do in a playbook."""
    if ROOT.parts[-3:] == ("ansible_collections", "nhncloud", "nks"):
        return
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([str(_link())])
