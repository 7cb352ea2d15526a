# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no sanity test notices: metadata that forgets a module, or names one that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
RUNTIME = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
ACTION = "nks_cluster"


def test_modules_are_found() -> None:
    """An empty listing would let every other test here pass."""
    assert ACTION in MODULES


def test_action_group_matches_the_modules() -> None:
    assert sorted(RUNTIME["action_groups"]["nks"]) == MODULES


def test_other_modules_are_routed_to_the_action_plugin() -> None:
    """Not with a redirect: that would make each task an nks_cluster to module_defaults."""
    assert "action" not in RUNTIME["plugin_routing"]
    assert RUNTIME["plugin_routing"]["modules"] == {name: {"action_plugin": "nhncloud.nks." + ACTION} for name in MODULES if name != ACTION}


def test_only_one_action_plugin_exists() -> None:
    assert [path.stem for path in (ROOT / "plugins" / "action").glob("*.py") if path.stem != "__init__"] == [ACTION]


@pytest.mark.parametrize("module", MODULES)
def test_ansible_core_runs_each_module_with_the_action_plugin(module: str) -> None:
    """What task execution asks of ansible-core: defaults by the module's own name, execution by the action plugin."""
    loader = pytest.importorskip("ansible.plugins.loader")
    context = loader.module_loader.find_plugin_with_context("nhncloud.nks." + module)
    assert context.resolved_fqcn == "nhncloud.nks." + module
    handler = context.action_plugin or "nhncloud.nks." + module
    assert loader.action_loader.find_plugin_with_context(handler).plugin_resolved_path.endswith("plugins/action/%s.py" % ACTION)


def test_galaxy_and_license() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert (galaxy["namespace"], galaxy["name"], galaxy["license"]) == ("nhncloud", "nks", ["GPL-3.0-or-later"])
    assert (ROOT / "COPYING").read_bytes() == (ROOT / "LICENSES" / "GPL-3.0-or-later.txt").read_bytes()


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps(path: Path) -> list[dict]:
    """The steps of all jobs of a workflow."""
    return [step for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values() for step in job["steps"]]


def test_workflows_are_found() -> None:
    assert {"ci", "docs", "release"} <= {path.stem for path in WORKFLOWS}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    """A tag can be moved to another commit; the comment names the version, for people and for programs that propose a newer one."""
    used = re.findall(r"^\s+(?:- )?uses: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(used) == len([step for step in steps(path) if "uses" in step])
    assert [text for text in used if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", text)] == []


def test_each_action_has_one_version() -> None:
    used = {text for path in WORKFLOWS for text in re.findall(r"uses: (\S+@\S+ # \S+)", path.read_text(encoding="utf-8"))}
    assert len({text.partition("@")[0] for text in used}) == len(used), sorted(used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_packages_are_pinned_by_hash(path: Path) -> None:
    """What a workflow installs by itself (make has its own environments) comes from a requirements file with hashes."""
    commands = [line.strip() for step in steps(path) for line in step.get("run", "").splitlines() if re.search(r"\b(pip|pipx|uv|npm|apt-get)\b", line)]
    for command in commands:
        found = re.fullmatch(r"pip install --require-hashes --only-binary :all: -r (tests/tools/requirements/\S+\.txt)", command)
        assert found, command
        text = re.sub(r"^#.*\n|\\\n", "", (ROOT / found.group(1)).read_text(encoding="utf-8"), flags=re.MULTILINE)
        lines = [line for line in text.splitlines() if line.strip()]
        assert lines
        assert [line for line in lines if not re.fullmatch(r"[\w.-]+==\S+(\s+--hash=sha256:[0-9a-f]{64})+", line)] == []
    assert bool(commands) is (path.stem == "release")


def test_publish_job_installs_nothing_else() -> None:
    """The job with the token: everything that it runs came by commit or by hash, and no artifact of another job is published."""
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))["jobs"]["publish"]
    used = {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step}
    assert used == {"actions/checkout", "actions/setup-python"}
    assert not [step for step in job["steps"] if re.search(r"\b(make|curl|wget|galaxy collection install)\b", step.get("run", ""))]
