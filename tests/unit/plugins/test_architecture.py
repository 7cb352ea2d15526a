# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the table of rooms in docs/architecture.md against the files of plugins/module_utils and what they import."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ROOT / "plugins" / "module_utils"
PACKAGE = "ansible_collections.nhncloud.nks.plugins.module_utils"
TOLD = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), re.MULTILINE)


def imported(path: Path) -> set[str]:
    """The rooms from which a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            inner = node.module[len(PACKAGE) + 1 :]
            found |= {inner.split(".")[0]} if inner else {alias.name for alias in node.names}
    return found


def test_every_room_is_told_once() -> None:
    assert len(TOLD) == len(set(TOLD))
    assert set(TOLD) == {path.stem for path in ROOMS.iterdir() if path.stem not in ("__init__", "__pycache__")}


@pytest.mark.parametrize("room", TOLD)
def test_each_room_imports_only_from_those_above_it(room: str) -> None:
    files = [ROOMS / (room + ".py")] if (ROOMS / (room + ".py")).exists() else sorted((ROOMS / room).glob("*.py"))
    assert files
    for path in files:
        assert imported(path) - {room} <= set(TOLD[: TOLD.index(room)]), path.name
