# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no sanity test notices: metadata that forgets a module, or names one that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
RUNTIME = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
ACTION = "nks_cluster"


def test_there_are_modules() -> None:
    """An empty listing would let every other test here pass."""
    assert ACTION in MODULES


def test_action_group_is_exactly_the_modules() -> None:
    assert sorted(RUNTIME["action_groups"]["nks"]) == MODULES


def test_every_other_module_is_routed_to_the_one_action_plugin() -> None:
    """Not with a redirect: that would make each task an nks_cluster to module_defaults."""
    assert "action" not in RUNTIME["plugin_routing"]
    assert RUNTIME["plugin_routing"]["modules"] == {name: {"action_plugin": "nhncloud.nks." + ACTION} for name in MODULES if name != ACTION}


def test_there_is_one_action_plugin() -> None:
    assert [path.stem for path in (ROOT / "plugins" / "action").glob("*.py") if path.stem != "__init__"] == [ACTION]


@pytest.mark.parametrize("module", MODULES)
def test_core_resolves_each_module_as_itself_with_the_action_plugin(module: str) -> None:
    """What task execution asks of ansible-core: defaults by the module's own name, execution by the action plugin."""
    loader = pytest.importorskip("ansible.plugins.loader")
    context = loader.module_loader.find_plugin_with_context("nhncloud.nks." + module)
    assert context.resolved_fqcn == "nhncloud.nks." + module
    handler = context.action_plugin or "nhncloud.nks." + module
    assert loader.action_loader.find_plugin_with_context(handler).plugin_resolved_path.endswith("plugins/action/%s.py" % ACTION)


def test_galaxy_and_licence() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert (galaxy["namespace"], galaxy["name"], galaxy["license"]) == ("nhncloud", "nks", ["GPL-3.0-or-later"])
    assert (ROOT / "COPYING").read_bytes() == (ROOT / "LICENSES" / "GPL-3.0-or-later.txt").read_bytes()
