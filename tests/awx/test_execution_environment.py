# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-builder finds out what the collection needs, and takes docs/awx/execution-environment.yml."""

from __future__ import annotations

import subprocess
from importlib import metadata

import envs
import pytest
import yaml
from packaging.requirements import Requirement
from private_data import DOCS, document

#: ansible-core brings it along, so ansible-builder leaves it out.
WITH_ANSIBLE = {"pyyaml"}


def requirements(text):
    """The requirements in a file's lines, by their names."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return {found.name.lower(): found for found in map(Requirement, filter(None, lines))}


@pytest.fixture(scope="module")
def builder(bin_folder):
    """Runs ansible-builder; returns what it printed."""

    def run(*arguments):
        done = subprocess.run([bin_folder / "ansible-builder", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def declared():
    """What the collection says that it needs."""
    return requirements((envs.ROOT / "meta" / "ee-requirements.txt").read_text())


def test_builder_finds_the_requirements_of_the_installed_collection(builder, collections, declared):
    found = yaml.safe_load(builder("introspect", str(collections)))
    assert found["system"] == []
    # Each line ends with the collection that it comes from.
    needed = requirements("\n".join(found["python"]))
    assert needed == {name: requirement for name, requirement in declared.items() if name not in WITH_ANSIBLE}
    assert all(line.endswith("# from collection nhncloud.nks") for line in found["python"])


def test_declared_requirements_match_the_tests(declared):
    assert set(declared) == set(requirements((envs.ROOT / "tests" / "integration" / "requirements.txt").read_text()))
    for requirement in declared.values():
        assert [part.operator for part in requirement.specifier] == [">="], "a floor, and nothing else"
        assert requirement.specifier.contains(metadata.version(requirement.name))


def test_build_context_is_complete(builder, tmp_path):
    builder("create", "-f", str(DOCS / "execution-environment.yml"), "-c", str(tmp_path), "--output-filename", "Containerfile")
    lines = (tmp_path / "Containerfile").read_text().splitlines()
    wanted = document("execution-environment.yml")
    assert 'ARG EE_BASE_IMAGE="%s"' % wanted["images"]["base_image"]["name"] in lines
    (core,) = [line for line in lines if line.startswith("ARG ANSIBLE_INSTALL_REFS=")]
    assert wanted["dependencies"]["ansible_core"]["package_pip"] in core
    stages = [line.split()[-1] for line in lines if line.startswith("FROM ")]
    assert stages == ["base", "galaxy", "builder", "final"]
    galaxy = lines[lines.index("FROM base AS galaxy") : lines.index("FROM base AS builder")]
    (git,) = [number for number, line in enumerate(galaxy) if "git-core" in line]
    (install,) = [number for number, line in enumerate(galaxy) if "collection install" in line]
    assert git < install, "the collection comes by git"
    assert yaml.safe_load((tmp_path / "_build" / "requirements.yml").read_text()) == wanted["dependencies"]["galaxy"]
    assert (tmp_path / "_build" / "bindep.txt").read_text().splitlines() == wanted["dependencies"]["system"]
    assert any("introspect.py introspect" in line for line in lines), "the collection's own requirements are read while it is built"


def test_image_uses_a_supported_and_tested_ansible_core():
    core = Requirement(document("execution-environment.yml")["dependencies"]["ansible_core"]["package_pip"]).specifier
    least = yaml.safe_load((envs.ROOT / "meta" / "runtime.yml").read_text())["requires_ansible"]
    assert least.removesuffix(".0") in [str(part) for part in core]
    tested = [requirements(path.read_text())["ansible-core"] for path in envs.REQUIREMENTS.glob("ansible-*.txt") if path.stem.partition("-")[2] in envs.CORES]
    versions = [next(iter(requirement.specifier)).version for requirement in tested]
    assert len(versions) > 1 and all(core.contains(version) for version in versions)
    series = max(tuple(map(int, version.split(".")[:2])) for version in versions)
    assert not core.contains("%d.%d.0" % (series[0], series[1] + 1)), "a series that is not tested"
