# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs behind make: which interpreter they use, and what they report when there is none."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Answers what envs.py asks of an interpreter: whether it has modules.
STAND_IN = """\
#!/bin/sh
exit %d
"""


@pytest.fixture
def envs(monkeypatch, tmp_path):
    """The module, on a machine on which no interpreter is installed yet."""
    spec = importlib.util.spec_from_file_location("envs_of_test", ROOT / "tests" / "tools" / "envs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.there = []
    monkeypatch.setattr(module, "_homes", lambda: [tmp_path / "pyenv"])
    monkeypatch.setattr(module, "_installed", lambda: module.there)
    # Neither the interpreter of the test nor those of the machine, and no environment of the checkout.
    monkeypatch.setattr(module, "sys", SimpleNamespace(version_info=(3, 7, 0), executable=str(tmp_path / "none" / "python")))
    monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return module


def install(folder, version, status=0):
    """Put a stand-in for an interpreter into a directory; the status is that of every import. Return it as uv lists it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ("python" + version)
    path.write_text(STAND_IN % status)
    path.chmod(0o755)
    major, minor = map(int, version.split("."))
    return {"path": str(path), "implementation": "cpython", "variant": "default", "version_parts": {"major": major, "minor": minor, "patch": 1}}


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
def test_supported_interpreter_is_chosen(envs, tmp_path, there, taken, cores):
    """README.md promises each of them, alone too; the cores are the oldest and the newest that support it."""
    envs.there = [install(tmp_path / "bin", version) for version in there]
    assert envs.controller() == (taken, str(tmp_path / "bin" / ("python" + taken)))
    assert (envs.oldest_core(), envs.NEWEST_CORE[taken]) == cores
    assert all(taken in envs.CORES[core] for core in cores)


def test_first_interpreter_listed_by_uv_is_used_by_real_path(envs, tmp_path):
    real = install(tmp_path / "pyenv" / "versions" / "3.14.2" / "bin", "3.14")
    link = dict(real, path=str(tmp_path / "bin" / "python3"))
    os.symlink(real["path"], link["path"])
    envs.there = [
        dict(real, path="/nowhere/pypy", implementation="pypy"),
        dict(real, path="/nowhere/python3.14t", variant="freethreaded"),
        link,
        install(tmp_path / "other", "3.14"),
    ]
    assert envs.controller() == ("3.14", real["path"])


def test_pyenv_interpreters_are_searched_first_without_shims(envs, monkeypatch, tmp_path):
    install(tmp_path / "pyenv" / "versions" / "3.14.2" / "bin", "3.14")
    monkeypatch.setenv("PATH", "%s:%s" % (tmp_path / "pyenv" / "shims", tmp_path / "bin"))
    assert envs._search_path().split(":")[:2] == [str(tmp_path / "pyenv" / "versions" / "3.14.2" / "bin"), str(tmp_path / "bin")]
    assert "shims" not in envs._search_path()


def test_interpreter_that_can_create_environments_is_preferred(envs, tmp_path):
    envs.there = [install(tmp_path / "bin", "3.13", status=1), install(tmp_path / "bin", "3.14")]
    assert envs.controller() == ("3.14", envs.there[1]["path"])


@pytest.mark.parametrize("there", [[], ["3.10"], ["3.15"]])
def test_missing_interpreter_lists_the_supported_versions(envs, tmp_path, there):
    envs.there = [install(tmp_path / "bin", version) for version in there]
    with pytest.raises(envs.SetupError, match=r"^Python 3\.11, 3\.12, 3\.13 or 3\.14 is needed and none was found"):
        envs.controller()


def test_python_without_pip_is_reported_with_the_remedy(envs, tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "python").write_text(STAND_IN % 1)
    (tmp_path / "none" / "python").chmod(0o755)
    with pytest.raises(envs.SetupError, match=r"ensurepip and pip are missing: install them \(Debian: apt-get install python3-venv\)"):
        envs.uv()


def test_pip_settings_are_passed_to_uv(envs, monkeypatch):
    monkeypatch.setattr(
        envs,
        "_pip_settings",
        lambda: {"index-url": "https://one", "extra-index-url": "https://two", "cert": "/ca.pem", "proxy": "http://proxy", "timeout": "7"},
    )
    for name in list(os.environ):
        if name.startswith("UV_") or name in ("SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.delenv(name)
    found = envs._uv_variables()
    assert found["UV_DEFAULT_INDEX"] == "https://one" and found["UV_INDEX"] == "https://two" and found["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert (found["SSL_CERT_FILE"], found["HTTP_PROXY"], found["HTTPS_PROXY"], found["UV_HTTP_TIMEOUT"]) == ("/ca.pem", "http://proxy", "http://proxy", "7")


def test_controller_pythons_have_a_core_and_are_managed_pythons(envs):
    assert set(envs.CONTROLLERS) == set(envs.NEWEST_CORE) == {version for versions in envs.CORES.values() for version in versions}
    assert set(envs.CONTROLLERS) <= set(envs.MANAGED)
