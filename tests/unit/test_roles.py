# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role takes exactly the options of the modules that it calls, and passes each of them on."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments, cluster, ipacl, kubeconfig, nodegroup
from ansible_collections.nhncloud.nks.tests.unit import test_generated as generated

pytest.importorskip("ansible.plugins.loader", reason="a role runs on the controller")

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles" / "nks_cluster"
SPEC = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
CLUSTER = SPEC["nks_cluster_spec"]["options"]
OWN = {"nodegroups", "ipacl", "kubeconfig", "region", "purge_nodegroups"}
WAITING = {"wait_timeout", "wait_interval"}
# Module: its argument spec, and the options that the role has for it.
MODULES = {
    "nks_cluster": (cluster.JOB.arguments, {name: entry for name, entry in CLUSTER.items() if name not in OWN}),
    "nks_nodegroup": (nodegroup.JOB.arguments, CLUSTER["nodegroups"]["options"]),
    "nks_ipacl": (ipacl.JOB.arguments, CLUSTER["ipacl"]["options"]),
    "nks_kubeconfig": (kubeconfig.JOB.arguments, CLUSTER["kubeconfig"]["options"]),
}


def decided(module):
    """The options of a module that the role sets itself; the program that writes the argument specs has them."""
    return generated.tool("role").ROLE_DECIDES[module]


def meaning(options):
    """Options without their texts and without what is as if it were not there."""
    keys = ("type", "elements", "choices", "required", "default", "no_log")
    found = {}
    for name, entry in options.items():
        found[name] = {key: entry[key] for key in keys if entry.get(key) is not None and (entry[key] is not False or key == "default")}
        found[name].setdefault("type", "str")
        if entry.get("options"):
            found[name]["options"] = meaning(entry["options"])
    return found


def tasks(name):
    """The tasks of a file of the role."""
    return yaml.safe_load((ROLE / "tasks" / name).read_text(encoding="utf-8"))


def arguments_of(module, file):
    """What the only task of a module gives it."""
    found = [task["nhncloud.nks." + module] for task in tasks(file) if "nhncloud.nks." + module in task]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("module", MODULES)
def test_role_options_match_the_module(module) -> None:
    theirs, ours = MODULES[module]
    wanted = meaning({name: entry for name, entry in theirs.items() if name not in arguments.auth() and name not in decided(module)})
    if module == "nks_kubeconfig":
        wanted["dest"]["required"] = True
    assert meaning(ours) == wanted


def test_role_options_match_the_document() -> None:
    own = {"kubeconfig", "wait_for_nodes", *WAITING}
    document = arguments.document()
    # Its default is the role's own variable.
    del document["purge_nodegroups"]["default"]
    assert meaning(document) == meaning({name: entry for name, entry in CLUSTER.items() if name not in own})


def test_document_accepts_aliases_and_rejects_other_options() -> None:
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    validator = ArgumentSpecValidator({"clusters": {"type": "list", "elements": "dict", "options": arguments.document()}})
    aliased = {"name": "demo", "kube_tag": "v1.31.4", "nodegroups": [{"name": "extra", "autoscale": {"ca_enable": True}}]}
    aliased["ipacl"] = {"action": "allow", "targets": [{"cidr": "192.0.2.1"}]}
    checked = validator.validate({"clusters": [aliased]})
    assert not checked.error_messages
    document = checked.validated_parameters["clusters"][0]
    assert document["kubernetes_version"] == "v1.31.4" and document["nodegroups"][0]["autoscale"]["enabled"] is True
    assert document["ipacl"]["targets"][0]["cidr_address"] == "192.0.2.1"
    assert (document["state"], document["purge_nodegroups"], document["region"]) == ("present", False, None)
    for wrong in ({"cluster": "demo"}, {"nodegroups": [{"name": "extra", "cluster": "demo"}]}, {"wait": True}, {"password": "secret"}):
        assert validator.validate({"clusters": [dict({"name": "demo"}, **wrong)]}).error_messages, wrong


def test_waiting_options_are_passed_to_the_task_of_the_cluster() -> None:
    passed = arguments_of("nks_fleet", "present.yml")
    assert passed.pop("clusters") == "{{ [nks_cluster_document] }}"
    assert passed == {name: "{{ nks_cluster_spec.%s | default(omit) }}" % name for name in WAITING | {"wait_for_nodes"}}
    # The document has no such options.
    own = WAITING | {"wait_for_nodes", "kubeconfig"}
    assert all("'%s'" % name in (ROLE / "tasks" / "main.yml").read_text(encoding="utf-8") for name in own)


def test_each_option_of_the_kubeconfig_is_passed_to_the_module() -> None:
    ours = CLUSTER["kubeconfig"]["options"]
    wanted = {name: "{{ nks_cluster_spec.kubeconfig.%s%s }}" % (name, "" if entry.get("required") else " | default(omit)") for name, entry in ours.items()}
    wanted.update({name: "{{ nks_cluster_spec.%s | default(omit) }}" % name for name in WAITING})
    wanted["region"] = "{{ nks_cluster_built.region | default(omit, true) }}"
    wanted["cluster"] = "{{ nks_cluster_built.cluster.uuid | default(nks_cluster_spec.name) }}"
    assert arguments_of("nks_kubeconfig", "present.yml") == wanted


def test_absent_uses_the_same_identifiers_as_present() -> None:
    """The file and the entries in it are those which the same data made; all else has no meaning there."""
    present = arguments_of("nks_kubeconfig", "present.yml")
    absent = arguments_of("nks_kubeconfig", "absent.yml")
    assert absent.pop("state") == "absent"
    assert absent.pop("cluster") == "{{ nks_cluster_spec.name }}"
    assert absent.items() <= present.items()
    assert {"dest", "merge", "context"} <= set(absent)


def test_defaults_match_the_argument_specs() -> None:
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    assert defaults == {name: entry["default"] for name, entry in SPEC.items() if "default" in entry}
