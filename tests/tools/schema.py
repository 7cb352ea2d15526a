# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the JSON schema of the document that describes a whole cluster: the data of the role's variable nks_cluster_spec.

Editors that know the schema complete the names of options and mark mistakes while you write.
"""

from __future__ import annotations

import json
import re
from typing import Any

import envs

TARGET = envs.ROOT / "schemas" / "nks_cluster_spec.json"
URL = "https://raw.githubusercontent.com/nhncloud-nks/nhncloud.nks/main/schemas/nks_cluster_spec.json"
TYPES = {"str": "string", "path": "string", "int": "integer", "float": "number", "bool": "boolean", "dict": "object", "list": "array"}


def plain(description: list[str]) -> str:
    """Return a description without Ansible's markup, which editors show as it is."""
    text = " ".join(description)
    text = re.sub(r"\b(?:O|RV)\((?:[\w.]+#module:)?([^()]*)\)", r"\1", text)
    return re.sub(r"\b[CVEBI]\(([^()]*)\)", r"\1", text)


def value(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one option of a role's argument specs."""
    kind = entry.get("type", "str")
    # A file's mode ("raw") is a number or a text.
    schema: dict[str, Any] = {"type": TYPES[kind]} if kind in TYPES else {}
    if kind == "list":
        inner: dict[str, Any] = {key: entry[key] for key in ("options", "choices") if key in entry}
        schema["items"] = value(dict(inner, type=entry.get("elements", "str")))
    elif entry.get("choices"):
        schema["enum"] = entry["choices"]
    if kind == "dict" and entry.get("options"):
        schema.update(fields(entry["options"]))
    if entry.get("default") is not None:
        schema["default"] = entry["default"]
    if entry.get("description"):
        schema["description"] = plain(entry["description"])
    return schema


def fields(options: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of an object with these options, and no others."""
    schema: dict[str, Any] = {"properties": {name: value(entry) for name, entry in options.items()}, "additionalProperties": False}
    required = [name for name, entry in options.items() if entry.get("required")]
    if required:
        schema["required"] = required
    return schema


def text(spec: dict[str, Any]) -> str:
    """Return the text of the file.

    :param spec: the entry of ``nks_cluster_spec`` in the role's argument specs.
    """
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": URL, "title": "A cluster of NHN Kubernetes Service"}
    return json.dumps({**head, **value(spec)}, indent=2) + "\n"
