# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints figures about the shape of the code: ``make measures``. They show a trend; none of them is a goal.

Only the standard library is used, and only files that belong to the tree are read.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import NamedTuple

import envs

LONG_LINE = 100  # columns
LONG_FILE = 450  # lines


class Function(NamedTuple):
    """A function or method."""

    place: str
    lines: int
    typed: bool


def functions(path: Path, name: str) -> list[Function]:
    """Return all functions of a file. One is typed if every parameter (but self and cls) and its result are annotated."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, *filter(None, (node.args.vararg, node.args.kwarg))]
        open_ones = [argument for argument in arguments if argument.annotation is None and argument.arg not in ("self", "cls")]
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        found.append(Function("%s:%d %s" % (name, node.lineno, node.name), lines, not open_ones and node.returns is not None))
    return found


def lazy_imports(path: Path) -> list[str]:
    """Return the names of what a file imports inside of functions, one for each import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = [node for outer in ast.walk(tree) if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)) for node in ast.walk(outer)]
    found: dict[int, str] = {}
    for node in inside:
        if isinstance(node, ast.Import):
            found[id(node)] = node.names[0].name
        elif isinstance(node, ast.ImportFrom):
            found[id(node)] = "%s.%s" % (node.module, node.names[0].name)
    return list(found.values())


def example_files() -> list[str]:
    """Return the files that the example of CONTRIBUTING.md touches."""
    text = (envs.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    changes = re.findall(r"^```diff\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return sorted(set(re.findall(r"^\+\+\+ b/(\S+)$", "".join(changes), re.MULTILINE)))


def report() -> list[tuple[str, str]]:
    """Return pairs of a measure and its figure."""
    names = [name for name in envs.tree_files() if name.endswith(".py")]
    plugins = [name for name in names if name.startswith("plugins/")]
    tools = [name for name in names if name.startswith("tests/tools/")]
    texts = {name: (envs.ROOT / name).read_text(encoding="utf-8").splitlines() for name in plugins + tools}
    every = [function for name in plugins for function in functions(envs.ROOT / name, name)]
    plugin_lines = [line for name in plugins for line in texts[name]]
    long_lines = sum(len(line) > LONG_LINE for line in plugin_lines)
    long_files = ["%s (%d)" % (name, len(texts[name])) for name in plugins if len(texts[name]) > LONG_FILE]
    longest = max(every, key=lambda function: function.lines)
    example = example_files()
    return [
        ("lines of plugins", str(len(plugin_lines))),
        ("lines of tests/tools", str(sum(len(texts[name]) for name in tools))),
        ("functions of plugins", str(len(every))),
        ("functions of plugins without types", str(sum(not function.typed for function in every))),
        ("lines of plugins over %d columns" % LONG_LINE, "%d (%.1f %%)" % (long_lines, 100.0 * long_lines / len(plugin_lines))),
        ("files of plugins over %d lines" % LONG_FILE, "%d: %s" % (len(long_files), ", ".join(long_files) or "none")),
        ("lazy imports of plugins", str(sum(len(lazy_imports(envs.ROOT / name)) for name in plugins))),
        ("longest function of plugins", "%d lines (%s)" % (longest.lines, longest.place)),
        ("files touched by the example option", "%d: %s" % (len(example), ", ".join(example))),
    ]


def main() -> int:
    """Print the table."""
    for measure, figure in report():
        print("%-42s %s" % (measure, figure))
    return 0


if __name__ == "__main__":
    sys.exit(main())
