# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs behind make: which interpreter they take, and what they say when there is none."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Answers what envs.py asks of an interpreter: its version and its real path, and whether it has modules.
STAND_IN = """\
#!/bin/sh
case "$*" in
  *version_info*) echo %(version)s; echo "$0" ;;
  *import*) exit %(status)d ;;
esac
"""


@pytest.fixture
def envs(monkeypatch, tmp_path):
    """The module, on a machine on which no interpreter is installed yet."""
    spec = importlib.util.spec_from_file_location("envs_of_test", ROOT / "tests" / "tools" / "envs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "_homes", lambda: [tmp_path / "pyenv"])
    # Neither the interpreter of the test nor those of the machine.
    monkeypatch.setattr(module, "sys", SimpleNamespace(version_info=(3, 7, 0), executable=str(tmp_path / "none")))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return module


def install(folder, version, name=None, status=0):
    """Put a stand-in for an interpreter into a folder; the status is that of every import."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or "python" + version)
    path.write_text(STAND_IN % {"version": version, "status": status})
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    "there, taken, cores",
    [
        (["3.14"], "3.14", ("2.20", "2.21")),
        (["3.13"], "3.13", ("2.19", "2.21")),
        (["3.12"], "3.12", ("2.19", "2.21")),
        (["3.11"], "3.11", ("2.19", "2.19")),
        (["3.13", "3.14"], "3.13", ("2.19", "2.21")),
        (["3.11", "3.14"], "3.14", ("2.20", "2.21")),
        (["3.8", "3.14", "3.15"], "3.14", ("2.20", "2.21")),
    ],
)
def test_choice_of_the_interpreter(envs, tmp_path, there, taken, cores):
    """README.md promises each of them, alone too; the cores are those that take it, the oldest and the newest."""
    paths = {version: install(tmp_path / "bin", version) for version in there}
    assert envs.controller() == (taken, paths[taken])
    assert (envs.oldest_core(), envs.NEWEST_CORE[taken]) == cores
    assert all(taken in envs.CORES[core] for core in cores)


@pytest.mark.parametrize("place, name", [("bin", "python3"), ("pyenv/versions/3.14.2/bin", "python3.14")])
def test_every_place_of_an_interpreter(envs, tmp_path, place, name):
    path = install(tmp_path / place, "3.14", name)
    assert envs.controller() == ("3.14", path)


def test_one_that_can_make_environments_goes_first(envs, tmp_path):
    install(tmp_path / "bin", "3.13", status=1)
    path = install(tmp_path / "bin", "3.14")
    assert envs.controller() == ("3.14", path)


@pytest.mark.parametrize("there", [[], ["3.10"], ["3.15"]])
def test_no_interpreter_is_one_sentence_with_all_that_are_possible(envs, tmp_path, there):
    for version in there:
        install(tmp_path / "bin", version, "python3")
    with pytest.raises(envs.SetupError, match=r"^Python 3\.11, 3\.12, 3\.13 or 3\.14 is needed and none was found"):
        envs.controller()


def test_every_controller_takes_a_core_and_is_a_python_of_managed_hosts(envs):
    assert set(envs.CONTROLLERS) == set(envs.NEWEST_CORE) == {version for versions in envs.CORES.values() for version in versions}
    assert set(envs.CONTROLLERS) <= set(envs.MANAGED)
