# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the documentation of options from the table of options, plugins/module_utils/_model/rows.py.

The text of a row is the string below it in the class of its table. Python drops such strings when it compiles the file, so they cost
a running module nothing.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import envs

ROWS = envs.ROOT / "plugins" / "module_utils" / "_model" / "rows.py"
TARGET = envs.ROOT / "plugins" / "doc_fragments" / "options.py"
HEADER = """\
%s

# Written by "make generate" from plugins/module_utils/_model/rows.py. Change the texts there.

\"\"\"Options of clusters, node groups and the cluster autoscaler.\"\"\"

from __future__ import annotations


class ModuleDocFragment:
""" % "\n".join(Path(__file__).read_text().splitlines()[:3])


def texts() -> dict[str, dict[str, list[str]]]:
    """Return the paragraphs below each row, by class and option."""
    found: dict[str, dict[str, list[str]]] = {}
    for node in ast.parse(ROWS.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for assignment, text in zip(node.body, node.body[1:]):
            if not isinstance(assignment, ast.Assign) or not isinstance(text, ast.Expr):
                continue
            (target,) = assignment.targets
            if isinstance(target, ast.Name) and isinstance(text.value, ast.Constant):
                paragraphs = inspect.cleandoc(str(text.value.value)).split("\n\n")
                found.setdefault(node.name, {})[target.id] = [" ".join(part.split()) for part in paragraphs]
    return found


def documented(rows: Mapping[str, Any], owner: str, nested: bool = False) -> dict[str, dict[str, Any]]:
    """Return rows as ``options`` of a documentation.

    :param rows: option -> row.
    :param owner: name of the class of the rows.
    :param nested: whether they are options of an option, which states whether it can be changed.
    """
    words = texts()[owner]
    found = {}
    for name, row in rows.items():
        description = list(words[name])
        if not nested and not row.change and row.fixed:
            description.append(row.fixed)
        entry: dict[str, Any] = {"description": description}
        spec = row.argument(required=nested and row.required)
        entry.update((key, spec[key]) for key in ("type", "elements", "required", "default", "choices", "aliases") if key in spec)
        if spec.get("options"):
            entry["suboptions"] = documented(row.kind.rows, row.kind.owner, nested=True)
        if row.added:
            entry["version_added"] = row.added
        found[name] = entry
    return found


def _yaml(options: dict[str, Any]) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Indents lists, as yamllint wants them."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

        def ignore_aliases(self, data: object) -> bool:
            return True

    text = yaml.dump({"options": json.loads(json.dumps(options))}, Dumper=Dumper, sort_keys=False, width=110, allow_unicode=True)
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def block(name: str, comment: str, options: dict[str, Any]) -> str:
    """Return one documentation as an attribute of the class of a fragment.

    :param comment: what these options are.
    """
    lines = ('# %s\n%s = r"""\n%s"""\n' % (comment, name, _yaml(options))).splitlines(keepends=True)
    # YAML of a fragment begins in the first column; only the names are indented.
    return "".join(line if number > 1 else textwrap.indent(line, "    ") for number, line in enumerate(lines))


def text() -> str:
    """Return the text of the file; the collection must be importable."""
    from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows

    nodegroup = documented(rows.NODEGROUP, "NodegroupOptions")
    common = documented(rows.COMMON, "CommonOptions")
    version = {"kubernetes_version": nodegroup.pop("kubernetes_version")}
    parts = {
        "CLUSTER": ("Those that only clusters have", documented(rows.table(rows.ClusterOptions), "ClusterOptions")),
        "NODEGROUP": ("Those of node groups; of nks_cluster they are about the first node group", {**nodegroup, **common}),
        "VERSION": ("The version of a node group", version),
        "AUTOSCALE": ("The cluster autoscaler, as options of a module", documented(rows.AUTOSCALE, "AutoscaleOptions", nested=True)),
        "RECONCILE": ("Differences and rolling changes", documented(rows.RECONCILE, "ReconcileOptions")),
    }
    return HEADER + "\n".join(block(name, comment, options) for name, (comment, options) in parts.items())
