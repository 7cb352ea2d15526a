# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/awx/setup.yml with the real awx.awx: what it makes is what the files say, and a second run changes nothing."""

from __future__ import annotations

import json
import os
import subprocess

import controller
import demo
import pytest
from private_data import DOCS, document

PASSWORD = "the-api-password-1234"
ACCESS = {"region": "kr1", "tenant_id": "0" * 32, "username": "me@example.com", "password": PASSWORD}
MORE = {
    "nks_project_url": "https://git.example.com/ops/nks.git",
    "nks_execution_environment_image": "registry.example.com/nks-ee:1",
    "nks_credential_more": {"domain": "gov-nhncloudservice.com"},
}


@pytest.fixture
def server():
    """An empty controller."""
    with controller.Controller() as server:
        yield server


@pytest.fixture
def set_up(bin_folder, server):
    """Runs the playbook; returns how many tasks changed something."""

    def run(*arguments, variables=None, password=PASSWORD):
        env = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=os.environ["AWX_COLLECTION"], CONTROLLER_HOST=server.url, CONTROLLER_OAUTH_TOKEN=controller.TOKEN)
        env.update({"NHNCLOUD_" + name.upper(): value for name, value in dict(ACCESS, password=password).items()})
        command = [bin_folder / "ansible-playbook", DOCS / "setup.yml", "-vv", "--diff", "--extra-vars", json.dumps(variables or MORE), *arguments]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert password not in done.stdout + done.stderr
        (changed,) = demo.changes(done.stdout)
        return changed

    return run


def test_setup_creates_everything_and_is_idempotent(server, set_up):
    assert set_up() == 8
    (kind,) = server.named("credential_types").values()
    assert kind["inputs"] == document("credential-type/inputs.yml")
    assert kind["injectors"] == document("credential-type/injectors.yml")
    (credential,) = server.named("credentials").values()
    assert credential["inputs"] == dict(ACCESS, domain="gov-nhncloudservice.com")
    source = server.named("inventory_sources")["NKS nodes"]
    wanted = document("inventory-source.yml")["nks_inventory_source"]
    assert json.loads(source["source_vars"]) == wanted.pop("source_vars")
    assert {name: source[name] for name in wanted} == wanted
    assert (source["source"], source["credential"]) == ("scm", credential["id"])
    templates = document("job-templates.yml")["nks_job_templates"]
    made = server.named("job_templates")
    assert set(made) == {template["name"] for template in templates}
    for template in templates:
        ident = made[template["name"]]["id"]
        assert server.surveys.get(ident) == template.get("survey")
        assert made[template["name"]]["survey_enabled"] is ("survey" in template)
        assert server.members[ident] == [credential["id"]]
        assert made[template["name"]]["playbook"] == template["playbook"]
        inventory = "NKS clusters" if template.get("inventory") == "clusters" else "NKS nodes"
        assert made[template["name"]]["inventory"] == server.named("inventories")[inventory]["id"]
    clusters = server.named("inventory_sources")["NKS clusters"]
    expected = document("inventory-source.yml")["nks_cluster_source"]
    assert {name: clusters[name] for name in expected} == expected and "credential" not in clusters
    sliced = {template["name"]: (template["job_slice_count"], template["forks"]) for template in templates if "job_slice_count" in template}
    assert {name: (item["job_slice_count"], item["forks"]) for name, item in made.items() if "job_slice_count" in item} == sliced == {"NKS fleet": (2, 10)}

    server.changes.clear()
    assert set_up(password="another-password-5678") == 0, "AWX does not tell the password, so it counts as the same"
    assert server.changes == []

    source["update_on_launch"] = False
    del server.surveys[made["NKS kubeconfig"]["id"]]
    assert set_up("-e", "nks_update_secrets=true", password="another-password-5678") == 3
    assert source["update_on_launch"] is True
    assert server.surveys[made["NKS kubeconfig"]["id"]]
    assert credential["inputs"]["password"] == "another-password-5678"


def test_setup_uses_existing_credential_and_environment(server, set_up):
    """A machine credential for the job templates, and the organization's own execution environment."""
    kind = server.add("credential_types", {"name": "Machine", "kind": "ssh", "inputs": {"fields": []}, "injectors": {}})
    machine = server.add("credentials", {"name": "nodes", "credential_type": kind["id"], "inputs": {}})
    few = {"nks_project_url": MORE["nks_project_url"], "nks_machine_credential": "nodes"}
    assert set_up(variables=few) == 7
    assert server.named("execution_environments") == {}
    assert len(server.members) == len(server.named("job_templates"))
    assert all(machine["id"] in members for members in server.members.values())
