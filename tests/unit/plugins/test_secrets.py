# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that comes out, of every module and the inventory plugin, is searched for every secret that went in or was answered.

Two playbooks at -vvvv (one for each execution mode) and one inventory run as programs; the engine is asked directly about a service that quotes
what it was sent. The simulator's own log is the one place where secrets may be.
"""

from __future__ import annotations

import base64
import html
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from urllib.parse import quote, quote_plus

import pytest

pytest.importorskip("flask")
pytest.importorskip("requests")
pytest.importorskip("cryptography")

import yaml

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import (
    autoscale,
    certificate,
    cluster,
    fleet,
    fleet_info,
    info,
    ipacl,
    kubeconfig,
    node,
    nodegroup,
)
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils import support

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("nks_*.py"))
#: With what JSON, YAML, Python, HTML and URLs write in another way.
PASSWORD = "pa55'w\"ord\\<&> söcret%"
APPKEYS = {"boot": 'boot-appkey-äöü"1', "volume": "volume-appkey'2", "log": "log-appkey-3"}
SCRIPT = "#!/bin/bash\nexport API_KEY='script-\"secret\"'\necho done-with-it-all\n"


def spellings(secret):
    """A secret in the ways in which programs write it."""
    texts = [secret] + [line for line in secret.splitlines() if len(line) > 12]
    for text in texts:
        once = [text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1], yaml.safe_dump(text).strip(" \n'\"")]
        once += [quote(text), quote_plus(text), html.escape(text), base64.b64encode(text.encode()).decode().rstrip("="), text.encode().hex()]
        for spelling in once:
            yield spelling
            yield json.dumps(spelling)[1:-1]


def found(secrets, outputs):
    """Where which secret is: list of (name of the output, name of the secret)."""
    shapes = {name: {spelling for spelling in spellings(secret) if len(spelling) > 7} for name, secret in secrets.items()}
    return sorted({(place, name) for place, text in outputs.items() for name, forms in shapes.items() if any(form in text for form in forms)})


def test_search_finds_known_secrets():
    secrets = {"password": PASSWORD, "script": SCRIPT}
    for text in (json.dumps({"a": [PASSWORD]}), repr([PASSWORD]), json.dumps(json.dumps(PASSWORD)), html.escape(PASSWORD), "x=%s&y" % quote_plus(PASSWORD)):
        assert found(secrets, {"here": text}) == [("here", "password")]
    assert found(secrets, {"here": "--- export API_KEY='script-\"secret\"' ---", "there": "nothing"}) == [("here", "script")]


# -- the engine, and a service that quotes -----------------------------------------------------------------------------


@pytest.fixture
def world():
    package = support.load_simulator()
    with package.Simulator(clock=package.Clock(frozen=True), password=PASSWORD) as simulator:
        made = support.World(simulator)
        made.reset()
        yield made


SECRETIVE = {
    "boot_volume_key_id": "key-1",
    "boot_volume_appkey": APPKEYS["boot"],
    "extra_volumes": [{"type": "General SSD", "size": 10, "key_id": "key-2", "appkey": APPKEYS["volume"], "mount_path": "/data"}],
    "user_script": SCRIPT,
}
LOG = {"labels": {"control_plane_log": json.dumps({"type": "LNCS", "appkey": APPKEYS["log"]})}}
GROUP = {"cluster": "demo", "nodegroup": "group-1"}
#: A document with a secret in each place that has one.
DOCUMENT = dict(
    support.CLUSTER,
    name="whole",
    nodegroups=[dict({key: value for key, value in support.NODEGROUP.items() if key != "cluster"}, **SECRETIVE)],
    **SECRETIVE,
    **LOG,
)
#: All modules, in an order in which each finds what it needs.
TASKS = [
    (cluster.JOB, dict(support.CLUSTER, name="new", **SECRETIVE, **LOG)),
    (cluster.JOB, dict(support.CLUSTER, node_count=3, user_script=SCRIPT)),
    (nodegroup.JOB, dict(support.NODEGROUP, **SECRETIVE)),
    (nodegroup.JOB, dict(support.NODEGROUP, **dict(SECRETIVE, boot_volume_appkey="another-" + APPKEYS["boot"]))),
    (nodegroup.JOB, {"cluster": "demo", "name": "group-1", "user_script": SCRIPT, "node_count": 1}),
    (fleet.JOB, {"clusters": [DOCUMENT]}),
    (fleet.JOB, {"clusters": [{"name": "demo", "user_script": SCRIPT + "true\n"}]}),
    (fleet.JOB, {"clusters": [dict(DOCUMENT, boot_volume_appkey="another-" + APPKEYS["boot"])]}),
    (autoscale.JOB, dict(GROUP, enabled=True, min_node_count=1, max_node_count=3)),
    (autoscale.INFO, GROUP),
    (autoscale.JOB, dict(GROUP, enabled=False)),
    (node.JOB, {"cluster": "demo", "nodegroup": "default-worker", "nodes": ["demo-default-worker-node-0"], "state": "stopped"}),
    (ipacl.JOB, {"cluster": "demo", "action": "allow", "targets": [{"cidr_address": "203.0.113.0/24"}]}),
    (ipacl.INFO, {"cluster": "demo"}),
    (certificate.JOB, {"cluster": "demo", "force": True}),
    (kubeconfig.JOB, {"cluster": "demo", "dest": "config"}),
    (info.CLUSTERS, {}),
    (fleet_info.JOB, {}),
    (info.NODEGROUPS, {"cluster": "demo"}),
    (info.EVENTS, {"cluster": "demo"}),
    (info.VERSIONS, {}),
    (info.RESOURCES, {"kind": "instance"}),
    (nodegroup.JOB, {"cluster": "demo", "name": "extra", "state": "absent"}),
    (cluster.JOB, {"name": "new", "state": "absent"}),
    (cluster.JOB, {"name": "whole", "state": "absent"}),
]


def leaves(tree):
    """All texts in decoded JSON, also of JSON in texts."""
    if isinstance(tree, (dict, list)):
        return [text for item in (tree.values() if isinstance(tree, dict) else tree) for text in leaves(item)]
    try:
        inner = json.loads(tree)
    except (TypeError, ValueError):
        inner = None
    return [tree] + (leaves(inner) if isinstance(inner, (dict, list)) else [])


#: How a service may quote what it was sent: function of the body and of the token.
QUOTES = {
    "as it is": lambda body, token: "Invalid input for field/attribute body. Value: '%s'. Token %s." % (body, token),
    "decoded": lambda body, token: "Invalid input for field/attribute body. Value: '%s'. Token %s." % (json.loads(body) if body else "", token),
    "in parts": lambda body, token: "; ".join(str(value) for value in leaves(json.loads(body) if body else "")) + " " + token,
    "HTML": lambda body, token: "<html><title>400</title><p>%s</p><pre>%s</pre></html>" % (html.escape(body), token),
}


def quoting(world, how, pattern):
    """From now on requests whose method and path match are refused with a quotation of them."""
    usual, module = world.simulator.server.answer, sys.modules["nks_simulator.server"]

    def answer(environ, body):
        if not re.search(pattern, "%s %s" % (environ["REQUEST_METHOD"], environ["PATH_INFO"])):
            return usual(environ, body)
        text = QUOTES[how](body.decode(), environ.get("HTTP_X_AUTH_TOKEN", ""))
        if how != "HTML":
            text = json.dumps({"errors": [{"detail": text, "title": text, "status": 400}]})
        return module.Reply("400 Bad Request", [("x-openstack-request-id", "req-quoting")], text.encode())

    world.simulator.server.answer = answer


def performed(world, job, given, check, tmp_path):
    """One task: all that it gives, as one text; and the tokens that there are."""
    if job is kubeconfig.JOB:
        given = dict(given, dest=str(tmp_path / "config"))
    limits = {} if job.reads_only else {"wait_timeout": 300}
    options = dict(given, password=PASSWORD, token_cache=str(tmp_path / "tokens"), **limits)
    lines = []
    try:
        outcome = world.run(job, options, check, clock=support.HandClock(world.simulator))
        given_out, lines, failed = outcome.result, outcome.lines, False
    except NksError as error:
        given_out, lines, failed = [error.msg, error.values, str(error), repr(error)], error.outcome.lines, True
    return "%s\n%s\n%r" % (json.dumps(given_out, ensure_ascii=False, default=str), "\n".join(lines), given_out), failed


def secrets_of(world):
    """Every secret of this world."""
    secrets = {"password": PASSWORD, "script": SCRIPT, **{name + " appkey": key for name, key in APPKEYS.items()}}
    for number, token in enumerate(world.cloud.tokens):
        secrets["token %d" % number] = token
    for item in world.clusters:
        if item.certificate_text:
            user = yaml.safe_load(item.certificate_text)["users"][0]["user"]
            secrets["client key of " + item.name] = user["client-key-data"]
            secrets["part of the client key of " + item.name] = user["client-key-data"][200:260]
            secrets["client key of %s as PEM" % item.name] = base64.b64decode(user["client-key-data"]).decode()
    return secrets


def test_every_module_is_covered():
    assert sorted({job.name for job, _given in TASKS}) == MODULES


@pytest.mark.parametrize("echo", [True, False])
def test_no_secret_in_any_module_result(world, tmp_path, echo):
    world.set(echo_appkeys=echo)
    world.seed(nodegroups=2)
    outputs = {}
    for number, (job, given) in enumerate(TASKS):
        for check in (True, False):
            outputs["%d %s check=%s" % (number, job.name, check)], failed = performed(world, job, given, check, tmp_path)
            # Only another appkey is refused, where the service shows the present one.
            assert failed is (echo and "another-" in json.dumps(given)), outputs
    secrets = secrets_of(world)
    assert len(secrets) >= 9
    # A user script is the user's own text, which is shown unless he sets no_log (see the playbooks below).
    secrets.pop("script")
    assert found(secrets, outputs) == []


@pytest.mark.parametrize("how", list(QUOTES))
@pytest.mark.parametrize("pattern", ["^(POST|PATCH|DELETE) .*/kubernetes/", "^GET .*/kubernetes/", "^GET .*/(network|compute|image|volume)/", "/tokens$"])
def test_no_secret_in_errors_if_the_service_quotes_it(world, tmp_path, how, pattern):
    world.seed(nodegroups=2)
    quoting(world, how, pattern)
    outputs, failures = {}, {}
    for number, (job, given) in enumerate(TASKS):
        if pattern.startswith("/tokens"):
            (tmp_path / "tokens").unlink(missing_ok=True)
        text, failed = performed(world, job, dict(given, max_retries=0), False, tmp_path)
        (failures if failed else outputs)["%d %s" % (number, job.name)] = text
    assert len(failures) >= 1 and all("req-quoting" in text for text in failures.values()), failures
    secrets = secrets_of(world)
    assert found(secrets, failures) == []
    # As in the test before this one.
    secrets.pop("script")
    assert found(secrets, outputs) == []


def test_no_secret_in_network_errors(world, tmp_path):
    world.seed(nodegroups=2)
    outputs = {}
    for number, rule in enumerate(
        [{"effect": "reset_before"}, {"effect": "garbage"}, {"effect": "truncate"}, {"effect": "redirect", "url": "http://other.example/%s" % quote(PASSWORD)}]
    ):
        for job, given in TASKS:
            world.cloud.faults.clear()
            world.fault(times=None, path="/(kubernetes|compute)/", **rule)
            outputs["%d %s" % (number, job.name)], failed = performed(world, job, dict(given, max_retries=0), False, tmp_path)
            # A 404 in whatever form says that it is gone.
            assert failed or given.get("state") == "absent"
    assert found(secrets_of(world), outputs) == []


# -- both execution modes and the inventory, as programs -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulator():
    package = support.load_simulator()
    with package.Simulator(task_seconds=0.05, password=PASSWORD) as running:
        yield support.World(running)


def program(world, folder, arguments, **environment):
    """Run one of Ansible's programs.

    :returns: what it printed.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "NHNCLOUD_"))}
    kept.update(world.simulator.environment)
    # Not below the folder: Ansible opens a socket in it, and the path of a socket must be short.
    temporary = tempfile.mkdtemp(prefix="nks-")
    collections = str(ROOT.parents[2]) if ROOT.parts[-3:] == ("ansible_collections", "nhncloud", "nks") else str(ROOT / ".cache" / "collections")
    kept.update(
        {
            "ANSIBLE_COLLECTIONS_PATH": collections,
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_INJECT_INVOCATION": "true",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_LOCAL_TEMP": str(folder / "ansible" / "local"),
            "ANSIBLE_REMOTE_TMP": str(folder / "ansible" / "remote"),
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "TMPDIR": temporary,
            "NHNCLOUD_TOKEN_CACHE": str(folder / "tokens"),
        }
    )
    kept.update(environment)
    (folder / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ansible"] + arguments,
        cwd=str(folder),
        env=kept,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=400,
        check=False,
    )
    # What is left in it is looked through with the rest.
    (folder / "tmp").mkdir(exist_ok=True)
    shutil.move(temporary, str(folder / "tmp"))
    return done.returncode, done.stdout


def left(folder, *known):
    """The content of all files that a program has left behind, but for those that are meant to hold secrets."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in known]
    return {str(path.relative_to(folder)): path.read_bytes().decode("utf-8", "replace") + path.name for path in files}


def playbook(folder):
    """All modules in success and in failure, each shown at its most talkative; the secrets come from a file of variables."""
    secret = dict({key + "_appkey": value for key, value in APPKEYS.items()}, script=SCRIPT, wrong="wrong-" + PASSWORD)
    (folder / "secrets.json").write_text(json.dumps(secret), encoding="utf-8")
    group = {name: value for name, value in support.NODEGROUP.items() if name != "name"}
    volumes = [{"type": "General HDD", "size": 10, "key_id": "key-2", "appkey": "{{ volume_appkey }}"}]
    pool = dict(group, name="pool", boot_volume_key_id="key-1", boot_volume_appkey="{{ boot_appkey }}", extra_volumes=volumes)
    demo = {"cluster": "demo"}
    tasks = [
        ("nks_nodegroup", pool),
        ("nks_nodegroup", dict(pool, boot_volume_appkey="{{ log_appkey }}-of-another")),
        ("nks_nodegroup", dict(pool, name="quoted", user_script="{{ script }}"), {"no_log": True}),
        ("nks_nodegroup", dict(pool, name="quoted")),
        ("nks_nodegroup", dict(pool, nmae="pool")),
        ("nks_nodegroup", dict(pool, node_count="many")),
        ("nks_nodegroup_info", demo),
        ("nks_fleet", {"clusters": [{"name": "demo", "nodegroups": [{name: value for name, value in pool.items() if name != "cluster"}]}]}),
        (
            "nks_fleet",
            {"clusters": [{"name": "demo", "boot_volume_appkey": "{{ log_appkey }}", "nodegroups": [{"name": "pool", "appkey": "{{ boot_appkey }}"}]}]},
        ),
        ("nks_fleet_info", {}),
        # From here on the service shows the script, to whoever asks for the node group.
        ("nks_nodegroup", dict(pool, user_script="{{ script }}"), {"no_log": True}),
        ("nks_nodegroup", {"cluster": "demo", "name": "pool", "state": "absent"}, {"no_log": True}),
        ("nks_cluster", {"name": "demo", "node_count": 3}),
        ("nks_cluster", {"name": "nowhere", "labels": {"control_plane_log": '{"appkey": "{{ log_appkey }}"}'}}),
        ("nks_cluster", {"name": "nowhere", "labels": {"control_plane_log": {"appkey": "{{ log_appkey }}"}}, "lables": {}}),
        ("nks_cluster_info", {}),
        ("nks_cluster_info", {"username": support.USER, "password": "{{ wrong }}", "token_cache": "{{ playbook_dir }}/none"}),
        ("nks_cluster_info", {"token": "wrong-token-{{ log_appkey }}"}),
        ("nks_autoscale", dict(demo, enabled=True, min_node_count=1, max_node_count=4)),
        ("nks_autoscale_info", demo),
        ("nks_autoscale", dict(demo, enabled=False)),
        ("nks_node", dict(demo, nodegroup="default-worker", nodes=["demo-default-worker-node-0"], state="stopped")),
        ("nks_ipacl", dict(demo, action="allow", targets=[{"cidr": "203.0.113.0/24"}])),
        ("nks_ipacl_info", demo),
        ("nks_certificate", dict(demo, force=True)),
        ("nks_kubeconfig", dict(demo, dest="{{ playbook_dir }}/kubeconfig")),
        ("nks_kubeconfig", dict(demo, dest="{{ playbook_dir }}/kubeconfig", merge=True, context="again", backup=True)),
        ("nks_kubeconfig", dict(demo, return_content=True), {"no_log": True}),
        ("nks_event_info", demo),
        ("nks_version_info", {}),
        ("nks_resource_info", {"kind": "keypair"}),
        ("nks_resource_info", {"kind": "nothing"}),
    ]
    steps = []
    for number, (module, given, *more) in enumerate(tasks):
        given = dict(given) if module.endswith("_info") else dict(given, wait_interval=0.05)
        step = {"name": str(number), "nhncloud.nks." + module: given, "register": "result", "diff": True, "ignore_errors": True}
        steps.append(dict(step, **(more[0] if more else {})))
        if not more:
            steps.append({"name": "Show %d" % number, "ansible.builtin.debug": {"var": "result"}})
    play = {"hosts": "localhost", "gather_facts": False, "vars_files": ["secrets.json"], "vars": {"ansible_inject_invocation": True}, "tasks": steps}
    (folder / "playbook.yml").write_text(json.dumps([play]), encoding="utf-8")
    return tasks


@pytest.mark.parametrize("in_process", ["true", "false"])
def test_no_secret_in_playbook_output(simulator, tmp_path, in_process):
    world = simulator
    answer = world.simulator.server.answer
    world.reset(task_seconds=0.05)
    world.seed()
    usual, module = answer, sys.modules["nks_simulator.server"]

    def quoted(environ, body):
        # A node group called "quoted" is refused with all that was sent.
        if environ["REQUEST_METHOD"] == "POST" and b'"quoted"' in body:
            detail = "Not good: %s with %s" % (json.loads(body), environ["HTTP_X_AUTH_TOKEN"])
            return module.Reply("400 Bad Request", [], json.dumps({"errors": [{"detail": detail}]}).encode())
        return usual(environ, body)

    world.simulator.server.answer = quoted
    tasks = playbook(tmp_path)
    try:
        code, text = program(world, tmp_path, ["playbook", "-vvvv", "playbook.yml"], NHNCLOUD_IN_PROCESS=in_process)
    finally:
        world.simulator.server.answer = answer
    assert code == 0, text[-3000:]
    # All have been run, some failed as they should, and there was something to see.
    assert re.search(r"ok=%d .*failed=0 .*ignored=11" % (2 * len(tasks) - sum(len(task) > 2 for task in tasks)), text), text[-600:]
    for sign in ("module_args", "Not good: ", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "censored", "********"):
        assert sign in text, sign
    assert sorted({name for name in MODULES if '"module_args"' in text and "nhncloud.nks." + name in (tmp_path / "playbook.yml").read_text()}) == MODULES
    secrets = secrets_of(world)
    secrets["wrong password"] = "wrong-" + PASSWORD
    outputs = dict(left(tmp_path, "secrets.json", "playbook.yml", "tokens", "kubeconfig", *[path.name for path in tmp_path.glob("kubeconfig*")]), output=text)
    assert found(secrets, outputs) == []
    # The files that hold secrets are nobody else's to read, and hold no more than they must.
    for path in [tmp_path / "tokens", *tmp_path.glob("kubeconfig*")]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    cached = (tmp_path / "tokens").read_text()
    assert {name for _place, name in found(secrets, {"tokens": cached})} <= {name for name in secrets if name.startswith("token")}


def test_no_secret_in_inventory_output_and_cache(simulator, tmp_path):
    world = simulator
    world.reset(task_seconds=0.05)
    world.seed(labels={"user_script_v2": SCRIPT, "boot_volume_appkey": APPKEYS["boot"], "control_plane_log": LOG["labels"]["control_plane_log"]})
    lines = ["plugin: nhncloud.nks.nks", "resolve_nodes: true", "cache: true", "cache_plugin: ansible.builtin.jsonfile", "cache_connection: cache"]
    (tmp_path / "demo.nks.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, text = program(world, tmp_path, ["inventory", "-vvvv", "-i", "demo.nks.yml", "--list"])
    assert code == 0 and "nks_cluster_demo" in text, text
    assert list((tmp_path / "cache").iterdir())
    # And once more where the service refuses, which quotes the token and the password.
    world.cloud.tokens.clear()
    token = world.cloud.issue_token(support.TENANT, support.USER).id
    world.fault(effect="status", status=403, path="/clusters$", times=None, body="Not for %s with %s" % (token, PASSWORD))
    arguments = ["inventory", "-vvvv", "-i", "demo.nks.yml", "--list", "--flush-cache"]
    code, refused = program(world, tmp_path, arguments, NHNCLOUD_TOKEN_CACHE=str(tmp_path / "others"))
    assert "Not for" in refused, refused
    outputs = dict(left(tmp_path, "tokens", "others"), output=text, refused=refused)
    # A token that this program has never had is not known to be one.
    secrets = {name: value for name, value in secrets_of(world).items() if value != token}
    assert found(secrets, outputs) == []
