# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the versions that several files mention, and reports what is missing for a release."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import envs
from envs import ROOT


def _read(name: str) -> str:
    return (ROOT / name).read_text()


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def version() -> str:
    """Return the version in galaxy.yml."""
    return re.findall(r"^version: (\S+)$", _read("galaxy.yml"), re.MULTILINE)[0]


def released() -> list[str]:
    """Return the versions that the changelog has, oldest first."""
    return sorted(re.findall(r"^  (\d+\.\d+\.\d+):$", _read("changelogs/changelog.yaml"), re.MULTILINE), key=_number)


def _ansible() -> Iterator[tuple[bool, str]]:
    cores = list(envs.CORES)
    section = re.search(r"^### Ansible version compatibility\n(.*?)^#", _read("README.md"), re.MULTILINE | re.DOTALL)
    said = re.findall(r"\d+\.\d+", section.group(1) if section else "")
    yield said == cores, "README.md names ansible-core %s, and the tests run on %s" % (", ".join(said), ", ".join(cores))
    floor = re.findall(r"^requires_ansible: '>=(\d+\.\d+)\.0'$", _read("meta/runtime.yml"), re.MULTILINE)
    yield floor == cores[:1], "meta/runtime.yml requires ansible-core %s, and the oldest that is tested is %s" % (", ".join(floor), cores[0])
    for core in [*cores, *envs.COMING]:
        pins = re.findall(r"^ansible-core==(\d+\.\d+)\.\S+$", (envs.REQUIREMENTS / ("ansible-%s.txt" % core)).read_text(), re.MULTILINE)
        yield pins == [core], "tests/tools/requirements/ansible-%s.txt pins ansible-core %s" % (core, ", ".join(pins))
    newest = re.findall(r"^ansible-core==\S+$", _read("tests/tools/requirements/ansible-%s.txt" % cores[-1]), re.MULTILINE)
    pins = re.findall(r"^ansible-core==[^\s\\]+", _read("tests/tools/requirements/publish.txt"), re.MULTILINE)
    yield pins == newest, "tests/tools/requirements/publish.txt has %s, and the newest that is tested is %s" % (", ".join(pins), ", ".join(newest))
    workflow = re.findall(r"^\s+core: \[(.*)\]$", _read(".github/workflows/ci.yml"), re.MULTILINE)
    said = re.findall(r"\d+\.\d+", "".join(workflow))
    yield (
        said == [*cores, *envs.COMING],
        "the workflow ci.yml runs ansible-core %s, and the matrix has %s" % (", ".join(said), ", ".join([*cores, *envs.COMING])),
    )
    pythons = envs.listed(envs.CONTROLLERS)
    for name in ("README.md", "CONTRIBUTING.md", "Makefile"):
        # The text and the messages list the Pythons in the same form.
        said = re.findall(r"Python (3\.\d+(?:, 3\.\d+)* or 3\.\d+)", _read(name))
        yield set(said) == {pythons}, "%s requires Python %s, and the tests use %s" % (name, "; ".join(said) or "none", pythons)
    said = re.findall(r"\d+\.\d+", "".join(re.findall(r"^\s+python: \[(.*)\]$", _read(".github/workflows/ci.yml"), re.MULTILINE)))
    yield sorted(said) == sorted(envs.CONTROLLERS), "the workflow ci.yml runs make test on Python %s, and the tests use %s" % (", ".join(said), pythons)
    managed = re.findall(r"managed host with Python (\d+\.\d+) or newer", _read("README.md"))
    yield managed == [envs.MANAGED[0]], "README.md requires Python %s on managed hosts, and the tests %s" % (", ".join(managed), envs.MANAGED[0])


def _versions(strict: bool) -> Iterator[tuple[bool, str]]:
    known = released()
    newest = known[-1] if known else "none"
    yield newest == version(), "galaxy.yml has version %s, and the newest in changelogs/changelog.yaml is %s" % (version(), newest)
    heading = re.findall(r"^## v(\S+)$", _read("CHANGELOG.md").replace("\\", ""), re.MULTILINE)
    yield heading == known[::-1], "CHANGELOG.md lists %s, and changelogs/changelog.yaml of %s" % (", ".join(heading), ", ".join(known[::-1]))
    for name in envs.tree_files():
        if re.match(r"plugins/.*\.py$|roles/.*/argument_specs\.yml$", name):
            for added in re.findall(r"^\s*version_added: [\"']?([\d.]+)", _read(name), re.MULTILINE):
                # New features can belong to a later version, but not to one that was skipped.
                right = added in known or (not strict and _number(added) > _number(version()))
                yield right, "%s has something added in %s; released are %s" % (name, added, ", ".join(known))
        elif name == "README.md" or (name.startswith("docs/") and name.endswith(".md")):
            for said in re.findall(r"nhncloud[.-]nks[:= -]+v?(\d+\.\d+\.\d+)", _read(name)):
                yield said == version(), "%s names version %s, and galaxy.yml %s" % (name, said, version())


def _ready() -> Iterator[tuple[bool, str]]:
    left = [name for name in envs.tree_files() if re.match(r"changelogs/fragments/[^.]", name)]
    yield not left, "no fragment waits for a release (make changelog)%s" % "".join("; there is " + name for name in left)
    done = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False)
    changed = done.stdout.splitlines()
    yield done.returncode == 0 and not changed, "everything is committed%s" % "".join("; not " + line[3:] for line in changed)


def check(strict: bool) -> Iterator[tuple[bool, str]]:
    """Yield for each condition whether it is met, and its text; a release must meet more of them."""
    yield from _ansible()
    yield from _versions(strict)
    if strict:
        yield from _ready()
