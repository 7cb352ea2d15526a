# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection options and answers that no service should give, as a playbook meets them: in Ansible's own process and as a module.

One playbook holds all cases and is run in both ways. A case whose way leads to a server of its own has an address of that server.
"""

from __future__ import annotations

import json

import pytest

pytest.importorskip("flask")
pytest.importorskip("requests")
pytest.importorskip("cryptography")

from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils import support
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.stubs import StubServer, answer
from ansible_collections.nhncloud.nks.tests.unit.plugins.test_secrets import PASSWORD, program

ACCOUNT = {"username": support.USER, "password": PASSWORD, "tenant_id": support.TENANT}
NOBODY = dict.fromkeys(["NHNCLOUD_TOKEN", "NHNCLOUD_USERNAME", "NHNCLOUD_PASSWORD", "NHNCLOUD_TENANT_ID"], "")
OTHER = {"NHNCLOUD_USERNAME": "somebody-else", "NHNCLOUD_PASSWORD": "password-of-somebody-else"}

#: What the server of this file answers, by the first part of the path.
ANSWERS = {
    "nowhere": answer(200, {"access": {"token": {"id": "issued-by-another-cloud"}, "serviceCatalog": []}}),
}


def cases(issued, endpoint, url):
    """Name -> (options of nks_cluster_info, environment).

    :param issued: a token that the simulator takes.
    :param endpoint: of the simulator's NKS.
    :param url: of the server of this file.
    """
    there = {"NHNCLOUD_KUBERNETES_ENDPOINT": endpoint}
    found = {
        "account of the task": (ACCOUNT, {"NHNCLOUD_TOKEN": "token-of-another-project"}),
        "token of the task": ({"token": issued}, dict(OTHER, **there)),
        "account of the environment": ({}, {}),
        "half an account": ({"username": support.USER}, {}),
        "project of the task": ({"tenant_id": "f" * 32}, {"NHNCLOUD_TOKEN": issued}),
        "project of both": ({"tenant_id": support.TENANT}, dict({"NHNCLOUD_TOKEN": issued, "NHNCLOUD_TENANT_ID": support.TENANT}, **there)),
        "nothing": ({}, dict(NOBODY, NHNCLOUD_REGION="")),
        "another cloud": ({"auth_url": url + "/nowhere/v2.0"}, {}),
        "token of another cloud": ({"auth_url": url + "/nowhere/v2.0", "token": "issued-by-another-cloud"}, {}),
    }
    for name in ANSWERS:
        found.setdefault(name, ({"token": "t", "kubernetes_endpoint": "%s/%s" % (url, name)}, {}))
    return found


@pytest.fixture(scope="module")
def simulator():
    package = support.load_simulator()
    with package.Simulator(task_seconds=0.05, password=PASSWORD) as running:
        yield support.World(running)


@pytest.fixture(scope="module", params=["in process", "as module"])
def results(request, simulator, tmp_path_factory):
    """Name of a case -> its result."""
    folder = tmp_path_factory.mktemp("playbook")
    simulator.reset()
    simulator.seed()
    issued = simulator.cloud.issue_token(support.TENANT, support.USER).id
    server = StubServer()
    server.default = lambda asked: ANSWERS[asked.path.split("/")[1]]
    tasks = []
    for name, (options, environment) in cases(issued, simulator.simulator.url + "/kr1/kubernetes", server.url).items():
        task = {"nhncloud.nks.nks_cluster_info": dict({"max_retries": 0}, **options), "environment": environment}
        tasks.append(dict(task, name=name, register="done", ignore_errors=True))
        tasks.append({"name": "Keep it", "ansible.builtin.set_fact": {"kept": "{{ kept | combine({'%s': done}) }}" % name}, "no_log": True})
    tasks.append({"name": "Write", "ansible.builtin.copy": {"content": "{{ kept | to_json }}", "dest": "{{ playbook_dir }}/results.json"}})
    play = {"hosts": "localhost", "gather_facts": False, "vars": {"kept": {}, "ansible_inject_invocation": True}, "tasks": tasks}
    (folder / "playbook.yml").write_text(json.dumps([play]), encoding="utf-8")
    way = str(request.param == "in process").lower()
    code, text = program(simulator, folder, ["playbook", "playbook.yml"], NHNCLOUD_IN_PROCESS=way, NHNCLOUD_TOKEN_CACHE="")
    server.stop()
    assert code == 0, text[-3000:]
    assert "Traceback" not in text and PASSWORD not in text
    results = json.loads((folder / "results.json").read_text())
    assert len(results) == len(tasks) // 2
    results["sent"] = [asked.target for asked in server.requests]
    return results


def test_credentials_of_the_task_are_used_whole(results):
    for name in ("account of the task", "token of the task", "account of the environment", "project of both"):
        assert not results[name].get("failed"), results[name]["msg"]
        assert [cluster["name"] for cluster in results[name]["clusters"]] == ["demo"]


def test_credentials_are_never_mixed(results):
    assert results["half an account"]["msg"] == (
        "Missing credentials: set token, or username, password and tenant_id; not set: password (environment: NHNCLOUD_PASSWORD). "
        "Because username is set, NHNCLOUD_PASSWORD of the environment is not used: credentials of both are never mixed."
    )
    assert results["project of the task"]["msg"] == (
        "tenant_id: 'ffffffffffffffffffffffffffffffff' is set by the task, but the token comes from the environment (NHNCLOUD_TOKEN) and is good "
        "for one project only; set token, or username and password, in the task too, leave out tenant_id, or unset NHNCLOUD_TOKEN."
    )
    # What is not used is not shown as if it were.
    invocation = results["token of the task"]["invocation"]["module_args"]
    assert (invocation["username"], invocation["password"]) == (None, None)


def test_all_that_is_missing_is_told_at_once(results):
    assert results["nothing"]["msg"] == (
        "Missing credentials: set token, or username, password and tenant_id; not set: username, password, tenant_id, region "
        "(environment: NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD, NHNCLOUD_TENANT_ID, NHNCLOUD_REGION)."
    )


def test_a_token_stays_in_its_cloud(results):
    for name in ("another cloud", "token of another cloud"):
        assert results[name]["msg"].startswith("domain: it is needed to find the kubernetes service, because auth_url is not ")
        assert "or kubernetes_endpoint to the URL of the service." in results[name]["msg"]
