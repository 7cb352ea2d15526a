# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every file that is made from the table of options is what "make generate" writes."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("ansible.plugins.loader", reason="the documentation of modules is read on the controller")

ROOT = Path(__file__).resolve().parents[2]


def tool(name: str):
    """A program of tests/tools, which import each other by their bare names."""
    folder = str(ROOT / "tests" / "tools")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)


def test_option_documentation_matches_the_rows() -> None:
    fragments = tool("fragments")
    assert fragments.TARGET.read_text(encoding="utf-8") == fragments.text()


@pytest.mark.parametrize("name", ["argument_specs.yml", "present.yml", "nks_cluster_spec.json", "document.py"])
def test_generated_files_match_the_documentation(name: str) -> None:
    texts = {path.name: (path, text) for path, text in tool("generate").texts().items()}
    path, text = texts[name]
    assert path.read_text(encoding="utf-8") == text


def test_every_row_is_documented() -> None:
    from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows

    texts = tool("fragments").texts()
    for owner in ("ClusterOptions", "NodegroupOptions", "CommonOptions", "ReconcileOptions", "AutoscaleOptions", "VolumeOptions", "SecurityGroupOptions"):
        assert set(texts[owner]) == set(rows.table(getattr(rows, owner)))
        assert all(text and text[0][0].isupper() and text[-1][-1] in ".)" for text in texts[owner].values())


def test_schema_accepts_an_example_and_rejects_invalid_options() -> None:
    import jsonschema

    schema = json.loads((ROOT / "schemas" / "nks_cluster_spec.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    document = {"name": "demo", "node_count": 2, "nodegroups": [{"name": "batch", "autoscale": {"enabled": True}}]}
    assert not list(validator.iter_errors(document))
    assert list(validator.iter_errors(dict(document, node_cuont=2)))
    assert list(validator.iter_errors({"name": "demo", "node_count": "two"}))


def test_schema_has_every_cluster_option() -> None:
    from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows

    schema = json.loads((ROOT / "schemas" / "nks_cluster_spec.json").read_text(encoding="utf-8"))
    assert {*rows.CLUSTER, *rows.COMMON, *rows.RECONCILE, "nodegroups", "ipacl", "kubeconfig"} <= set(schema["properties"])
    assert {*rows.NODEGROUP, *rows.COMMON} <= set(schema["properties"]["nodegroups"]["items"]["properties"])
    assert schema["additionalProperties"] is False and schema["required"] == ["name"]
