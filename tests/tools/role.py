# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the options of the role nks_cluster (meta/argument_specs.yml) from the documentation of the modules that it calls.

Names, types, choices and texts stand once, in the modules; tests/unit/test_roles.py fails where the file is not what this writes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import envs

TARGET = envs.ROOT / "roles" / "nks_cluster" / "meta" / "argument_specs.yml"
TASKS = envs.ROOT / "roles" / "nks_cluster" / "tasks" / "present.yml"
CLUSTER = 'cluster: "{{ nks_cluster_built.cluster.uuid | default(nks_cluster_spec.name) }}"'
# The license lines are those of this file.
HEADER = """\
%s

# Written by "make generate" from the documentation of the modules. Change the texts there, and what is the role's own in
# tests/tools/role.py.
---
""" % "\n".join(Path(__file__).read_text().splitlines()[:3])

# What the role does not take from a module: where its value comes from instead.
# expect_plan approves the plan of one task, and the role runs several, so it has none.
ROLE_DECIDES = {
    "nks_cluster": {"wait", "expect_plan"},  # each step needs what the one before has made
    "nks_nodegroup": {"cluster", "wait", "expect_plan", "wait_timeout", "wait_interval", "wait_for_nodes"},  # the last three are those of the cluster
    "nks_ipacl": {"cluster", "wait", "expect_plan", "wait_timeout", "wait_interval"},
    "nks_kubeconfig": {"cluster", "wait", "expect_plan", "wait_timeout", "wait_interval", "return_content"},  # a secret is no result of a role
}

SHORT = "Manage an NHN Kubernetes Service (NKS) cluster, its node groups, access control and kubeconfig"
TEXTS = [
    "Configures one cluster from a single variable, O(nks_cluster_spec). This includes the cluster with its default node group, additional node"
    " groups, their cluster autoscalers, IP access control of its Kubernetes API endpoint, and its kubeconfig, in this order.",
    "With C(state=absent), the role removes the kubeconfig and then deletes the cluster and all its node groups.",
    "The options have the names, types and defaults of the modules M(nhncloud.nks.nks_cluster), M(nhncloud.nks.nks_nodegroup),"
    " M(nhncloud.nks.nks_ipacl) and M(nhncloud.nks.nks_kubeconfig); see their documentation. Aliases"
    " of these options are not accepted. Options that you omit keep their current value.",
    "Region and credentials come from the environment (E(NHNCLOUD_REGION) and so on) or from C(module_defaults) for the group"
    " C(nhncloud.nks.nks), see the documentation of the modules.",
    "The role sets the fact C(nks_cluster_result) with the keys C(changed), C(cluster), C(nodegroups), C(ipacl), C(kubeconfig)"
    " and C(actions); see the README of the role.",
    "The cluster, its node groups and its access control are one document of M(nhncloud.nks.nks_fleet). Check mode reports all changes, also for a"
    " cluster that does not exist yet.",
]
SPEC = [
    "Desired state of the cluster. The keys are the options of M(nhncloud.nks.nks_cluster), and C(nodegroups), C(ipacl) and C(kubeconfig).",
    "O(nks_cluster_spec.wait_timeout) and O(nks_cluster_spec.wait_interval) apply to every task of the role, O(nks_cluster_spec.wait_for_nodes)"
    " to the default node group and all node groups in O(nks_cluster_spec.nodegroups).",
]
NODEGROUPS = [
    "Additional node groups, each with the options of M(nhncloud.nks.nks_nodegroup).",
    "Node groups with C(state=absent) are deleted. Node groups that are not in the list are unchanged, see O(nks_cluster_purge_nodegroups).",
]
IPACL = [
    "IP access control of the Kubernetes API endpoint, with the options of M(nhncloud.nks.nks_ipacl). If it is not set, access control is unchanged.",
]
KUBECONFIG = [
    "The kubeconfig file, with the options of M(nhncloud.nks.nks_kubeconfig). If it is not set, no file is written.",
]
REGION = ["Region of the cluster. If it is not set, the region of the connection is used."]
PURGE = [
    "Whether the role deletes node groups that O(nks_cluster_spec.nodegroups) does not list, after all others have reached the desired state.",
    "The default node group C(default-worker) is never deleted. Without O(nks_cluster_spec.nodegroups), no node group is deleted.",
]
PURGE_SPEC = ["The same as O(nks_cluster_purge_nodegroups), which is the default."]


def role_options() -> dict:
    """Return the content of the file; Ansible must be importable and know the collection."""
    spec: dict = {"type": "dict", "required": True, "description": SPEC, "options": _module("nks_cluster")}
    spec["options"].update(
        nodegroups={"type": "list", "elements": "dict", "description": NODEGROUPS, "options": _module("nks_nodegroup")},
        ipacl={"type": "dict", "description": IPACL, "options": _module("nks_ipacl")},
        kubeconfig={"type": "dict", "description": KUBECONFIG, "options": _module("nks_kubeconfig")},
        region={"type": "str", "description": REGION},
        # The default is the role's own variable.
        purge_nodegroups={"type": "bool", "description": PURGE_SPEC},
    )
    # Without return_content there must be a file.
    spec["options"]["kubeconfig"]["options"]["dest"].update(required=True, description=["Path of the file. Its directory must exist."])
    return {
        "argument_specs": {
            "main": {
                "short_description": SHORT,
                "version_added": "1.0.0",
                "author": ["nhncloud.nks contributors (@nhncloud-nks)"],
                "description": TEXTS,
                "options": {
                    "nks_cluster_spec": spec,
                    "nks_cluster_purge_nodegroups": {"type": "bool", "default": False, "description": PURGE},
                },
            }
        }
    }


def _module(name: str) -> dict:
    """Return the options of a module that the role takes."""
    documented = documentation(name)
    # The connection comes from the environment or module_defaults; its options are all that this module has besides "query".
    connection = set(documentation("nks_version_info")) - {"query"}
    left_out = ROLE_DECIDES[name] | connection
    return _options(name, {option: entry for option, entry in documented.items() if option not in left_out})


def documentation(name: str) -> dict:
    """Return the options of a module with those of its fragments, as ansible-doc shows them."""
    from ansible.plugins.loader import fragment_loader
    from ansible.utils.plugin_docs import get_docstring

    path = envs.ROOT / "plugins" / "modules" / (name + ".py")
    return get_docstring(str(path), fragment_loader, collection_name="nhncloud.nks", plugin_type="module")[0]["options"]


def _options(module: str, options: dict) -> dict:
    """Return options in the form of a role's argument specs. Aliases have no place there."""
    found = {}
    for name, entry in options.items():
        new = {key: entry[key] for key in ("type", "elements", "choices", "required") if entry.get(key)}
        if entry.get("default") is not None:
            new["default"] = entry["default"]
        if "appkey" in name:
            new["no_log"] = True
        new["description"] = _first_sentence(module, entry["description"])
        if entry.get("suboptions"):
            new["options"] = _options(module, entry["suboptions"])
        found[name] = new
    return found


def _first_sentence(module: str, description: str | list[str]) -> list[str]:
    """Return the first sentence of a description, whose references to options say that they are the module's.

    The whole is in the documentation of the module: ansible-core prints all of a role's argument specs where one argument is wrong.
    """
    text = description if isinstance(description, str) else description[0]
    sentence = re.match(r".*?\.(?= [A-Z]|$)", text, re.DOTALL)
    return [re.sub(r"\b(O|RV)\((?!nhncloud\.)", r"\g<1>(nhncloud.nks.%s#module:" % module, sentence.group(0) if sentence else text)]


def text() -> str:
    """Return the text of the file."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Indents lists, as ansible-lint wants them, and writes no anchors."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

        def ignore_aliases(self, data: object) -> bool:
            return True

    # Through JSON, which leaves behind the marks that Ansible puts on what it reads.
    return HEADER + yaml.dump(json.loads(json.dumps(role_options())), Dumper=Dumper, sort_keys=False, width=110, allow_unicode=True)


def tasks() -> str:
    """Return the text of the tasks that create and change a cluster, with every option of the kubeconfig passed on by itself.

    Only options that the user has set are passed on, so that the module's own defaults and the play's module_defaults hold.
    """
    specs = role_options()["argument_specs"]["main"]["options"]["nks_cluster_spec"]["options"]
    # The region that the task before has used, also if module_defaults set it.
    lines = [CLUSTER, 'region: "{{ nks_cluster_built.region | default(omit, true) }}"']
    for name, entry in specs["kubeconfig"]["options"].items():
        lines.append('%s: "{{ nks_cluster_spec.kubeconfig.%s%s }}"' % (name, name, "" if entry.get("required") else " | default(omit)"))
    lines += ['%s: "{{ nks_cluster_spec.%s | default(omit) }}"' % (name, name) for name in ("wait_timeout", "wait_interval")]
    block = "  nhncloud.nks.nks_kubeconfig:\n%s" % "".join("    %s\n" % line for line in lines)
    written, count = re.subn(r"^  nhncloud\.nks\.nks_kubeconfig:\n(?:    .*\n)+", lambda _found: block, TASKS.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1
    return written
