# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the tables of packages and files in docs/architecture.md with plugins/module_utils and its imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "plugins" / "module_utils"
PREFIX = "ansible_collections.nhncloud.nks.plugins.module_utils"
DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGES = re.findall(r"^\| `(_\w+)` \|", DOCUMENT, re.MULTILINE)
FILES = re.findall(r"^\| `(_\w+\.\w+)` \|", DOCUMENT, re.MULTILINE)


def imported(path: Path) -> set[str]:
    """The files of module_utils from which a file imports, as "_package.file"."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PREFIX + "."):
            inner = (node.module or "")[len(PREFIX) + 1 :]
            found |= {inner} if "." in inner else {"%s.%s" % (inner, alias.name) for alias in node.names}
    return found


def test_every_package_and_file_is_listed_once() -> None:
    there = {path.relative_to(FOLDER).with_suffix("").as_posix().replace("/", ".") for path in FOLDER.rglob("*.py")}
    assert len(FILES) == len(set(FILES)) and len(PACKAGES) == len(set(PACKAGES))
    assert set(FILES) == there
    assert set(PACKAGES) == {name.partition(".")[0] for name in there}


def test_files_are_listed_in_the_order_of_their_packages() -> None:
    assert list(dict.fromkeys(name.partition(".")[0] for name in FILES)) == PACKAGES


@pytest.mark.parametrize("name", FILES)
def test_each_file_imports_only_from_files_above_it(name: str) -> None:
    path = FOLDER / (name.replace(".", "/") + ".py")
    assert imported(path) <= set(FILES[: FILES.index(name)])
