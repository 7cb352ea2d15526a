# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection options and answers that no service should give, as a playbook meets them: in Ansible's own process and as a module.

One playbook holds all cases and is run in both ways. A case whose way leads to a server of its own has an address of that server.
"""

from __future__ import annotations

import gzip
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

#: What the service writes in place of a sentence, and how it is shown.
CONTROL, SEEN = "No.\x1b[2K\x1b]0;owned\x07 \u202e \x9b1m appkey=zd5Y1nRb2RmEb8nK", "No.\\x1b[2K\\x1b]0;owned\\x07 \\u202e \\x9b1m appkey=********"
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"

#: What the server of this file answers, by the first part of the path.
ANSWERS = {
    "nowhere": answer(200, {"access": {"token": {"id": "issued-by-another-cloud"}, "serviceCatalog": []}}),
    "a length that is none": {"raw": OK + b"Content-Length: \xb2\r\n\r\n{}"},
    "deep": answer(200, body=b'{"clusters": ' + b"[" * 900 + b"]" * 900 + b"}"),
    "deeper than a module can read": answer(200, body=b'{"clusters": ' + b"[" * 250 + b"]" * 250 + b"}"),
    "half a pair": answer(200, body=b'{"clusters": [{"uuid": "u", "name": "\\ud800", "status": "CREATE_COMPLETE"}]}'),
    "no number": answer(200, body=b'{"clusters": [{"uuid": "u", "name": "n", "status": "CREATE_COMPLETE", "node_count": NaN}]}'),
    "a bomb": answer(200, body=gzip.compress(b" " * (70 * 2**20)), headers={"Content-Encoding": "gzip"}),
    "control characters": answer(400, {"errors": [{"detail": CONTROL}]}),
    "an error page": answer(502, body=b"<script>" * 50000),
    "a fine answer": answer(200, {"clusters": [{"uuid": "u", "name": CONTROL, "status": "CREATE_COMPLETE", "status_reason": CONTROL}]}),
}
#: What its failure says.
BAD = {
    "a length that is none": "the answer of HOST has a Content-Length that is not a number (HTTP 200)",
    "deep": "the answer is not JSON (HTTP 200, request id req-1)",
    "deeper than a module can read": "the answer is not JSON (HTTP 200, request id req-1)",
    "half a pair": "the answer is not JSON (HTTP 200, request id req-1)",
    "no number": "the answer is not JSON (HTTP 200, request id req-1)",
    "a bomb": "the answer of HOST is larger than 67108864 bytes, so it was not read to its end (HTTP 200, request id req-1)",
    "control characters": SEEN + " (HTTP 400, request id req-1)",
    "an error page": "the service answered HTTP 502, request id req-1. Try again later",
}
#: Options and environment that cannot be right -> how the failure begins, after the name of the option.
WRONG = {
    "infinite time": ({"request_timeout": "inf"}, {}, "request_timeout: inf is not a time limit; set it to seconds above 0"),
    "no time": ({}, {"NHNCLOUD_REQUEST_TIMEOUT": "nan"}, "request_timeout: nan is not a time limit; set it to seconds above 0"),
    "time before": ({"request_timeout": -1}, {}, "request_timeout: -1.0 is not a time limit; set it to seconds above 0"),
    "retries below zero": ({"max_retries": -1}, {}, "max_retries: -1 is below zero; set it to 0 for no retries."),
    "a proxy": (
        {"auth_url": "https://nks.invalid/v2.0"},
        {"HTTPS_PROXY": "http://proxy:port"},
        "the proxy 'http://proxy:port' of the environment (HTTPS_PROXY) is not a URL",
    ),
    "a CA file": ({"ca_cert": "/dev/null"}, {}, "ca_cert: '/dev/null' cannot be used ("),
    "a comparison": ({"query": "[?name > `1`]"}, {}, "query: '[?name > `1`]' does not fit the result ('>' not supported"),
    "a step of zero": ({"query": "[::0]"}, {}, "query: '[::0]' does not fit the result ("),
    "an expression as a result": ({"query": "&name"}, {}, "query: '&name' does not fit the result (it gives an expression and not data); see jmespath.org."),
    "a deep expression": ({"query": "(" * 280 + "name" + ")" * 280}, {}, "query: it is nested too deeply for JMESPath; use a simpler one."),
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
    for name, (options, environment, dummy) in WRONG.items():
        found[name] = (options, environment)
    for name in ANSWERS:
        found.setdefault(name, ({"token": "issued-token", "details": False, "kubernetes_endpoint": "%s/%s" % (url, name.replace(" ", "-"))}, {}))
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
    server.default = lambda asked: ANSWERS[asked.path.split("/")[1].replace("-", " ")]
    items = []
    for name, (options, environment) in cases(issued, simulator.simulator.url + "/kr1/kubernetes", server.url).items():
        items.append({"name": name, "options": dict({"max_retries": 0}, **options), "environment": environment})
    tasks = [
        {
            "name": "Try",
            "nhncloud.nks.nks_cluster_info": "{{ item.options }}",
            "environment": "{{ item.environment }}",
            "loop": items,
            "loop_control": {"label": "{{ item.name }}"},
            "register": "done",
            "ignore_errors": True,
        },
        {"name": "Write", "ansible.builtin.copy": {"content": "{{ done.results | to_json }}", "dest": "{{ playbook_dir }}/results.json"}},
    ]
    play = {"hosts": "localhost", "gather_facts": False, "vars": {"ansible_inject_invocation": True}, "tasks": tasks}
    (folder / "playbook.yml").write_text(json.dumps([play]), encoding="utf-8")
    way = str(request.param == "in process").lower()
    code, text = program(simulator, folder, ["playbook", "playbook.yml"], NHNCLOUD_IN_PROCESS=way, NHNCLOUD_TOKEN_CACHE="")
    server.stop()
    assert code == 0, text[-3000:]
    assert "Traceback" not in text and PASSWORD not in text
    assert "\x1b" not in text and "\u202e" not in text and "\x9b" not in text
    found = json.loads((folder / "results.json").read_text().replace(server.url.partition("//")[2], "HOST"))
    assert len(found) == len(items)
    return {result["item"]["name"]: result for result in found}


def test_complete_credentials_are_used_from_one_source(results):
    for name in ("account of the task", "token of the task", "account of the environment", "project of both"):
        assert not results[name].get("failed"), results[name]["msg"]
        assert [cluster["name"] for cluster in results[name]["clusters"]] == ["demo"]


def test_credentials_are_never_mixed(results):
    assert results["half an account"]["msg"] == (
        "Missing credentials: set token, or username, password and tenant_id; not set: password (environment: NHNCLOUD_PASSWORD). "
        "Because username is set, NHNCLOUD_PASSWORD of the environment is not used: credentials of both are never mixed."
    )
    assert results["project of the task"]["msg"] == (
        "tenant_id: 'ffffffffffffffffffffffffffffffff' is set by the task, but the token comes from the environment (NHNCLOUD_TOKEN) and is valid "
        "for one project only; set token, or username and password, in the task too, omit tenant_id, or unset NHNCLOUD_TOKEN."
    )
    # What is not used is not shown as if it were.
    invocation = results["token of the task"]["invocation"]["module_args"]
    assert (invocation["username"], invocation["password"]) == (None, None)


def test_all_missing_credentials_are_reported_together(results):
    assert results["nothing"]["msg"] == (
        "Missing credentials: set token, or username, password and tenant_id; not set: username, password, tenant_id, region "
        "(environment: NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD, NHNCLOUD_TENANT_ID, NHNCLOUD_REGION)."
    )


def test_token_is_not_sent_to_another_cloud(results):
    for name in ("another cloud", "token of another cloud"):
        assert results[name]["msg"].startswith("domain: it is required to find the kubernetes service, because auth_url is not ")
        assert "or kubernetes_endpoint to the URL of the service." in results[name]["msg"]


@pytest.mark.parametrize("name", list(BAD))
def test_invalid_response_is_reported_in_one_sentence(results, name):
    assert results[name]["msg"] == "Could not list the clusters: %s." % BAD[name]


def test_service_text_is_returned_unchanged_except_appkeys(results):
    (cluster,) = results["a fine answer"]["clusters"]
    assert cluster["status_reason"] == CONTROL.replace("zd5Y1nRb2RmEb8nK", "********")


@pytest.mark.parametrize("name", list(WRONG))
def test_invalid_option_is_reported_in_one_sentence(results, name):
    assert WRONG[name][2] in results[name]["msg"] and "\n" not in results[name]["msg"]
