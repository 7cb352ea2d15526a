# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the documentation of the document that describes a whole cluster, an element of the option ``clusters`` of nks_fleet.

Names, types and choices come from the argument spec of the document, and texts from the documentation of nks_cluster, nks_nodegroup and
nks_ipacl. What only a document has is described here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import envs
import fragments
import role

TARGET = envs.ROOT / "plugins" / "doc_fragments" / "document.py"
HEADER = """\
%s

# Written by "make generate" from the documentation of the modules. Change the texts there, and what only a document has in
# tests/tools/document.py.

\"\"\"The document that describes a whole cluster, as an element of the option clusters.\"\"\"

from __future__ import annotations


class ModuleDocFragment:
""" % "\n".join(Path(__file__).read_text().splitlines()[:3])

#: The option that contains the documents.
LIST = "clusters"
#: The part of a document -> the module that has its options; "" is the document itself.
PARTS = {"": "nks_cluster", "nodegroups": "nks_nodegroup", "ipacl": "nks_ipacl"}
#: Options that are first in the documentation; ``name`` and ``state`` are what every document begins with.
FIRST = ("name", "state", "region")
#: Options that do not describe the cluster, and so are last.
LAST = ("nodegroups", "ipacl", "purge_nodegroups", "upgrade", "immutable", "num_buffer_nodes", "num_max_unavailable_nodes")
#: The version in which nks_fleet was added: no option is older, and those of this version need not say so.
ADDED = "1.1.0"

CLUSTERS = [
    "Documents, each of which describes one cluster completely. A document has the options of M(nhncloud.nks.nks_cluster), the region of the"
    " cluster, its node groups and its access control. M(nhncloud.nks.nks_fleet_info) returns existing clusters in this form.",
    "Options that you omit keep their current value.",
    "Two documents for one cluster are an error, also if one of them has the name of the cluster and the other one its UUID.",
]
#: Texts that a document has in place of, or besides, those of the modules, by the path of the option.
TEXTS = {
    "region": [
        "Region of the cluster. If it is not set, the region of the task is used, see O(region).",
    ],
    "nodegroups": [
        "Additional node groups, with the options of M(nhncloud.nks.nks_nodegroup). Node groups that are not in the list are unchanged, see"
        " O(clusters[].purge_nodegroups).",
        "The default node group C(default-worker) has the options of the cluster. You can also list it here, for options that only node groups have."
        " An option that has different values in both places is an error.",
    ],
    "nodegroups.state": [
        "With V(present), the module creates the node group, or changes it if it differs.",
        "With V(absent), the module deletes the node group with its nodes. Nothing changes if the node group does not exist.",
    ],
    "nodegroups.kubernetes_version": [
        "Kubernetes version in the form that NKS uses, for example V(v1.32.3).",
        "A new node group always gets the version of the control plane; the task fails if another one is set.",
        "On an existing node group, another version is an upgrade to the version of the control plane, after the control plane has been upgraded to"
        " O(clusters[].kubernetes_version). A node group that is several minor versions behind is upgraded one minor version at a time, and can also"
        " be upgraded to one of the versions in between. A node group with stopped nodes cannot be upgraded.",
    ],
    "ipacl": [
        "IP access control of the Kubernetes API endpoint, with the options of M(nhncloud.nks.nks_ipacl). If it is not set, access control is unchanged.",
    ],
    "purge_nodegroups": [
        "Whether node groups that O(clusters[].nodegroups) does not list are deleted, after all others have reached the desired state. With V(false),"
        " they are unchanged and returned as C(unmanaged), see RV(clusters[].unmanaged).",
        "The default node group C(default-worker) is never deleted. Without O(clusters[].nodegroups), no node group is deleted.",
    ],
}


def text() -> str:
    """Return the text of the file; Ansible must be importable and know the collection."""
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments

    options = {
        LIST: {
            "description": CLUSTERS,
            "type": "list",
            "elements": "dict",
            "required": True,
            "suboptions": _part("", arguments.document()),
        }
    }
    return HEADER + fragments.block("DOCUMENTATION", "The list of documents", options)


def _part(part: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a part of the document, with the texts of its module."""
    documented = role.documentation(PARTS[part])
    path = "%s[]." % LIST
    if part:
        path += part + ("[]." if part == "nodegroups" else ".")
    found = _options(spec, documented, part, path, set(spec))
    names = [name for name in FIRST if name in found]
    names += [name for name in found if name not in (*FIRST, *LAST)]
    return {name: found[name] for name in [*names, *(name for name in LAST if name in found)]}


def _options(spec: Mapping[str, Any], documented: Mapping[str, Any], part: str, path: str, siblings: set[str]) -> dict[str, Any]:
    """Return options as ``suboptions`` of a documentation.

    :param documented: the same options in the documentation of the module.
    :param path: what the names of the part's options have before them in references.
    :param siblings: the names of the part's options.
    """
    found = {}
    for name, entry in spec.items():
        own = TEXTS.get("%s.%s" % (part, name) if part else name)
        source = documented.get(name, {})
        description = own or [_resolved(text, PARTS[part], path, siblings) for text in _paragraphs(source["description"])]
        new: dict[str, Any] = {"description": description}
        new.update((key, entry[key]) for key in ("type", "elements", "required", "default", "choices", "aliases") if entry.get(key) is not None)
        if source.get("version_added") not in (None, ADDED):
            new["version_added"] = source["version_added"]
        if name in PARTS:
            new["suboptions"] = _part(name, entry["options"])
        elif entry.get("options"):
            new["suboptions"] = _options(entry["options"], source["suboptions"], part, path, siblings)
        found[name] = new
    return found


def _paragraphs(description: str | list[str]) -> list[str]:
    return [description] if isinstance(description, str) else description


def _resolved(text: str, module: str, path: str, siblings: set[str]) -> str:
    """Return a text whose references to options are right within the document.

    An option of the same part is one of the document, and nks_fleet has the options of the connection and of waiting itself. All others
    are those of the module that the text comes from.
    """
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.fleet import JOB

    def replaced(match: re.Match[str]) -> str:
        kind, what = match.groups()
        name = re.split(r"[.=\[]", what)[0]
        if what.startswith(("nhncloud.", "ignore:")):
            return match.group()
        if kind == "O" and name in siblings:
            return "O(%s%s)" % (path, what)
        if (kind == "O" and name in JOB.arguments) or (kind == "RV" and name in ("actions", "plan_digest")):
            return match.group()
        return "%s(nhncloud.nks.%s#module:%s)" % (kind, module, what)

    return re.sub(r"\b(O|RV)\(([^()]*)\)", replaced, text)
