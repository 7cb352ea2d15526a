# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs and inventory updates from docs/awx, as AWX runs them, against the simulator."""

from __future__ import annotations

import base64
import json
import re
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
import yaml
from private_data import document

SOURCE = document("inventory-source.yml")["nks_inventory_source"]
ANSWERS = {
    question["variable"]: question["default"]
    for template in document("job-templates.yml")["nks_job_templates"]
    if template["playbook"] == "build.yml"
    for question in template["survey"]["spec"]
    if "default" in question
}
# What the survey has no default for, by the names of the simulator.
ANSWERS.update(
    cluster_name="awx",
    kubernetes_version="v1.31.4",
    network="demo-vpc",
    subnet="demo-subnet",
    keypair="demo-key",
    image="Ubuntu Server 22.04 LTS Container",
)
# Survey answers are all that a person gives; these two are for the test's sake.
FAST = {"wait_interval": 0.1}
NOTHING = {"_meta": {"hostvars": {}}, "all": {"children": []}}
WRONG = "no-such-password-4711"
APPKEY = "app-key-0815"


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """The container's home folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()


@pytest.fixture
def seeded(cloud):
    """Two clusters of two node groups with two nodes each, and nothing else."""
    cloud.call("POST", "reset")
    cloud.call("POST", "seed", {"count": 2, "prefix": "awx", "nodegroups": 2, "nodes": 2})
    cloud.forget()


def reasons(output):
    """The sentences in which a failed update says why, each once. Ansible tells that of every plugin which tried the file."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    return set(re.findall(r"Failed to parse inventory with '\S+' plugin: ([^\r\n]*)", plain))


def inventory_of(hosts):
    """The inventory that AWX gives a job, with these hosts."""
    return {"_meta": {"hostvars": {host: {} for host in hosts}}, "all": {"children": ["clusters"]}, "clusters": {"hosts": list(hosts)}}


def write_documents(run, **documents):
    """Write documents into the project, by the names of their clusters."""
    for name, content in documents.items():
        (run.folder / "project" / "clusters" / ("%s.yml" % name)).write_text(json.dumps(content))


# Jobs


def test_cluster_lifecycle(cloud, new_run, tmp_path):
    """Build, build again, upgrade (first as a check), fetch the kubeconfig, take down; each as a job of its template."""
    cloud.call("POST", "reset")

    def job(playbook, *arguments, ends=("successful", 0), **variables):
        run = new_run(cloud.credential)
        kept = run.folder / "tokens"
        run.env["NHNCLOUD_TOKEN_CACHE"] = str(kept)
        run.job(playbook, dict(FAST, **variables), NOTHING, *arguments)
        assert (run.status, run.rc) == ends, run.output
        tokens = [entry["token"] for entry in json.loads(kept.read_text()).values()]
        assert tokens
        assert run.holds(cloud.credential["password"], *tokens) == []
        assert bool(run.stats["failures"]) is (ends != ("successful", 0)) and not run.stats["dark"]
        return run

    answers = dict(ANSWERS, kubeconfig_path=str(tmp_path / "of-the-job"))
    built = job("build.yml", "--diff", "-vvv", **answers)
    assert built.stats["changed"] == {"localhost": 3}
    assert [event["event_data"]["task"] for event in built.events if event["event"] == "runner_on_ok"][0] == "Create the cluster"
    kubeconfig = yaml.safe_load((tmp_path / "of-the-job").read_text())
    key = kubeconfig["users"][0]["user"]["client-key-data"]
    # In its own form, in PEM, and as JSON has PEM.
    pem = base64.b64decode(key).decode()
    secrets = [key, pem, json.dumps(pem)[1:-1], pem.splitlines()[1]]
    assert built.holds(*secrets) == []

    assert job("build.yml", **answers).stats["changed"] == {}

    wanted = {"cluster_name": "awx", "kubernetes_version": "v1.32.3", "num_buffer_nodes": 1, "num_max_unavailable_nodes": 1}
    told = job("upgrade.yml", "--check", "--diff", **wanted)
    assert told.stats["changed"] == {"localhost": 1}
    assert all(cluster["labels"]["kube_tag"] == "v1.31.4" for cluster in cloud.call("GET", "state")["clusters"])
    done = job("upgrade.yml", **wanted)
    shown = [
        [
            event["event_data"]["res"]["actions"]
            for event in run.events
            if event["event_data"].get("task") == "Upgrade the control plane and node groups" and event["event"] == "runner_on_ok"
        ]
        for run in (told, done)
    ]
    assert shown[0] == shown[1]
    assert [action["action"] for action in shown[0][0]] == ["upgrade"] * 3
    assert job("upgrade.yml", **wanted).stats["changed"] == {}

    target = tmp_path / "on-the-host"
    where = {"cluster_name": "awx", "kubeconfig_host": "localhost", "kubeconfig_path": str(target)}
    fetched = job("kubeconfig.yml", "--diff", "-vvv", **where)
    assert fetched.stats["changed"] == {"localhost": 1}
    assert fetched.holds(*secrets) == []
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert yaml.safe_load(target.read_text())["users"][0]["user"]["client-key-data"] == key
    assert job("kubeconfig.yml", **where).stats["changed"] == {}

    gone = {"cluster_name": "awx"}
    assert job("teardown.yml", kubeconfig_path=answers["kubeconfig_path"], **gone).stats["changed"] == {"localhost": 2}
    assert cloud.call("GET", "state")["clusters"] == []
    again = job("teardown.yml", ends=("failed", 2), kubeconfig_path=answers["kubeconfig_path"], **gone)
    assert again.stats["changed"] == {} and "No cluster is named awx, so nothing was deleted." in again.output


# Survey answers of each playbook of the project for the cluster of the test, and the hosts that would change.
CHECKS = {
    "build.yml": (dict(ANSWERS, node_count=3, kubernetes_version="v1.32.3", boot_volume_size=50), True),
    "upgrade.yml": ({"cluster_name": "awx", "kubernetes_version": "v1.33.4", "num_buffer_nodes": 0, "num_max_unavailable_nodes": 1}, True),
    "kubeconfig.yml": ({"cluster_name": "awx", "kubeconfig_host": "localhost"}, True),
    "teardown.yml": ({"cluster_name": "awx"}, True),
    "fleet.yml": ({}, True),
    "slices.yml": ({}, True),
    "drift.yml": ({}, False),
}
# The inventories of the job templates that do not run on localhost.
INVENTORIES = {"slices.yml": inventory_of(["awx"])}


def files_below(folder):
    """The files of a folder, with what is in them."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_playbook_has_a_check_mode_case():
    assert set(CHECKS) == {template["playbook"] for template in document("job-templates.yml")["nks_job_templates"]}


@pytest.mark.parametrize("playbook", CHECKS)
def test_check_job_changes_nothing(cloud, new_run, tmp_path, playbook):
    """It ends with success, reports what the job would change, changes nothing, and leaves nothing behind."""
    cloud.call("POST", "reset")
    cloud.call("POST", "seed", {"name": "awx", "nodes": 2, "version": "v1.32.3"})
    cloud.forget()
    place = tmp_path / "place"
    place.mkdir()
    answers, changes = CHECKS[playbook]
    run = new_run(cloud.credential)
    write_documents(run, awx={"name": "awx", "node_count": 3})
    inventory = INVENTORIES.get(playbook, NOTHING)
    run.job(playbook, dict(FAST, kubeconfig_path=str(place / "kubeconfig"), **answers), inventory, "--check", "--diff", "-vvv")
    if playbook == "drift.yml":
        # The clusters differ from their documents, and this is what the job reports.
        assert (run.status, run.rc) == ("failed", 2) and "clusters differ: " in run.output, run.output
    else:
        assert (run.status, run.rc) == ("successful", 0), run.output
    assert bool(run.stats["changed"]) is changes, run.output
    assert not [request for request in cloud.requests() if request["method"] != "GET" and not request["path"].endswith("/tokens")]
    assert files_below(place) == {}
    assert "client-key-data" not in run.output and run.holds("PRIVATE KEY") == []


def test_kubeconfig_checked_again_reports_no_change(cloud, new_run, tmp_path, monkeypatch):
    """The check compares with what the job wrote to the host, and its own copy of the file is removed in every case."""
    cloud.call("POST", "reset")
    cloud.call("POST", "seed", {"name": "awx"})
    answers = {"cluster_name": "awx", "kubeconfig_host": "localhost", "kubeconfig_path": str(tmp_path / "kubeconfig")}
    changed = []
    # Below the usual place: Ansible opens a socket there, whose path must not be long.
    with tempfile.TemporaryDirectory() as temporary:
        monkeypatch.setenv("TMPDIR", temporary)
        for arguments in (["--check"], [], ["--check"]):
            run = new_run(cloud.credential).job("kubeconfig.yml", answers, NOTHING, *arguments)
            assert (run.status, run.rc) == ("successful", 0), run.output
            changed.append(run.stats["changed"])
            assert files_below(Path(temporary)) == {}
    assert changed == [{"localhost": 1}, {"localhost": 1}, {}]


def test_sliced_job_configures_the_clusters_of_each_slice(cloud, new_run):
    """AWX gives each slice every n-th host. A failure concerns only its own slice, and the slice's forks share a token."""
    cloud.call("POST", "reset")
    (template,) = [template for template in document("job-templates.yml")["nks_job_templates"] if "job_slice_count" in template]
    count = template["job_slice_count"]
    whole = document("project/clusters/demo.yml")
    documents = {"one": dict(whole, name="one"), "two": dict(whole, name="two"), "three": dict(whole, name="three", flavor="no-such-flavor")}

    def job(number, forks=template["forks"]):
        hosts = list(documents)[number::count]
        run = new_run(cloud.credential)
        write_documents(run, **documents)
        cloud.forget()
        run.job(template["playbook"], FAST, inventory_of(hosts), "--forks", str(forks))
        assert sorted(run.stats["processed"]) == sorted(hosts)
        logins = [request for request in cloud.requests() if request["path"].endswith("/tokens")]
        assert 1 <= len(logins) <= min(forks, len(hosts))
        assert run.holds(cloud.credential["password"]) == []
        return run

    outcomes = [job(number) for number in range(count)]
    assert [outcome.status for outcome in outcomes] == ["failed", "successful"]
    assert outcomes[0].stats["failures"] == {"three": 1} and "no-such-flavor" in outcomes[0].output
    assert [outcome.stats["changed"] for outcome in outcomes] == [{"one": 1}, {"two": 1}]
    assert sorted(cluster["name"] for cluster in cloud.call("GET", "state")["clusters"]) == ["one", "two"]

    documents["three"] = dict(whole, name="three")
    outcomes = [job(number, forks=1) for number in range(count)]
    assert [(outcome.status, outcome.stats["changed"]) for outcome in outcomes] == [("successful", {"three": 1}), ("successful", {})]


def test_appkey_is_not_shown(cloud, new_run, seeded):
    run = new_run(cloud.credential)
    cluster = cloud.call("GET", "state")["clusters"][0]["name"]
    task = {
        "cluster": cluster,
        "name": "secret",
        "flavor": "m2.c4m8",
        "image": ANSWERS["image"],
        "availability_zone": "kr-pub-a",
        "boot_volume_type": "General SSD",
        "boot_volume_size": 50,
        "boot_volume_key_id": "key-1",
        "boot_volume_appkey": "{{ appkey }}",
        "wait_interval": 0.1,
    }
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    play["tasks"] = [{"name": "Have a node group", "nhncloud.nks.nks_nodegroup": task}]
    (run.folder / "project" / "encrypted.yml").write_text(json.dumps([play]))
    run.job("encrypted.yml", {"appkey": APPKEY}, NOTHING, "--diff", "-vvv")
    assert (run.status, run.stats["changed"]) == ("successful", {"localhost": 1}), run.output
    assert any(APPKEY in json.dumps(request["body"]) for request in cloud.requests())
    assert run.holds(APPKEY, cloud.credential["password"]) == []


def test_job_with_a_wrong_password_fails(cloud, new_run):
    run = new_run(dict(cloud.credential, password=WRONG)).job("build.yml", dict(ANSWERS, **FAST), NOTHING, "-vvv")
    assert (run.status, run.rc) == ("failed", 2)
    assert run.stats["failures"] == {"localhost": 1}
    (failure,) = [event["event_data"]["res"] for event in run.events if event["event"] == "runner_on_failed"]
    assert failure["status_code"] == 401
    assert failure["msg"].startswith("Could not get a token for %s: " % cloud.credential["username"])
    assert run.holds(WRONG) == []


def test_job_without_a_credential_fails(new_run):
    run = new_run({}).job("build.yml", dict(ANSWERS, **FAST), NOTHING)
    assert (run.status, run.rc) == ("failed", 2)
    assert "Missing credentials: " in run.output


def test_job_runs_on_nodes_of_an_inventory_update(cloud, new_run, seeded):
    """What an update hands to AWX is an inventory that a job can take."""
    update = new_run(cloud.credential).update(SOURCE)
    run = new_run(cloud.credential)
    play = {"hosts": "nks", "gather_facts": False, "tasks": [{"name": "Look", "ansible.builtin.debug": {"var": "nks_cluster"}}]}
    (run.folder / "project" / "nodes.yml").write_text(json.dumps([play]))
    run.job("nodes.yml", {}, update.inventory)
    assert (run.status, sorted(run.stats["ok"])) == ("successful", sorted(update.inventory["_meta"]["hostvars"])), run.output


# Inventory updates


def test_update_returns_plain_values(cloud, new_run, seeded):
    run = new_run(cloud.credential).update(SOURCE, {}, "-vvv")
    assert (run.status, run.rc) == ("successful", 0), run.output
    assert run.holds(cloud.credential["password"]) == []
    hosts = run.inventory["_meta"]["hostvars"]
    assert len(hosts) == 8
    assert "__ansible" not in (run.artifacts / "output.json").read_text()
    for name, variables in hosts.items():
        assert variables["nks_node_name"] == name
        assert {type(value) for value in variables.values()} <= {str, bool}
    assert sorted(run.inventory["nks"]["children"]) == sorted(group for group in run.inventory if group.startswith("nks_cluster_"))
    groups = [group for group in run.inventory if group.startswith("nks_nodegroup_")]
    assert len(groups) == 4
    assert sorted(host for group in groups for host in run.inventory[group]["hosts"]) == sorted(hosts)


def test_update_limited_to_one_group(cloud, new_run, seeded):
    run = new_run(cloud.credential).update(SOURCE)
    group = min(group for group in run.inventory if group.startswith("nks_nodegroup_"))
    limited = new_run(cloud.credential).update(SOURCE, {}, "--limit", group)
    assert (limited.status, sorted(limited.inventory["_meta"]["hostvars"])) == ("successful", sorted(run.inventory[group]["hosts"])), limited.output


def test_update_without_clusters_succeeds(cloud, new_run):
    """The job that builds the first cluster updates the inventory before."""
    cloud.call("POST", "reset")
    run = new_run(cloud.credential).update(SOURCE)
    assert (run.status, run.inventory["_meta"]["hostvars"]) == ("successful", {}), run.output


def test_each_update_sends_requests_without_a_cache(cloud, new_run, seeded):
    for dummy in range(2):
        cloud.forget()
        assert new_run(cloud.credential).update(SOURCE).status == "successful"
        assert cloud.requests()


def test_cached_update_sends_no_requests(cloud, new_run, seeded, tmp_path):
    cache = document("inventory-source.yml")["nks_inventory_cache"]
    cache["ANSIBLE_INVENTORY_CACHE_CONNECTION"] = str(tmp_path / "cache")
    inventories = []
    for dummy in range(2):
        cloud.forget()
        # In its container each update is in the same place, and the place is a part of what a cache is found by.
        shutil.rmtree(tmp_path / "runner", ignore_errors=True)
        run = new_run(cloud.credential, "runner").update(SOURCE, cache)
        assert run.status == "successful", run.output
        inventories.append(run.inventory)
        asked = cloud.requests()
        assert bool(asked) is (len(inventories) == 1)
    assert inventories[0] == inventories[1]
    kept = [path.read_text() for path in Path(tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept and not any(cloud.credential["password"] in text for text in kept)


def test_update_with_a_wrong_password_fails(cloud, new_run, seeded):
    run = new_run(dict(cloud.credential, password=WRONG)).update(SOURCE, {}, "-vvv")
    assert (run.status, run.rc) == ("failed", 1)
    (sentence,) = reasons(run.output)
    assert re.match(r"Could not get a token for %s: .*\(HTTP 401, " % cloud.credential["username"], sentence)
    assert run.holds(WRONG) == []
    assert not (run.artifacts / "output.json").exists()


def test_update_with_a_token(cloud, new_run, seeded):
    given = {name: cloud.credential[name] for name in ("region", "tenant_id")}
    given.update(token=cloud.token(), kubernetes_endpoint=cloud.url + "/kr1/kubernetes/v1", compute_endpoint=cloud.url + "/kr1/compute/v2")
    run = new_run(given).update(SOURCE, {}, "-vvv")
    assert (run.status, len(run.inventory["_meta"]["hostvars"])) == ("successful", 8), run.output
    assert run.holds(given["token"]) == []


def test_update_without_a_credential_fails(new_run):
    run = new_run({}).update(SOURCE)
    assert (run.status, run.rc) == ("failed", 1)
    (sentence,) = reasons(run.output)
    assert sentence.startswith("Missing credentials: ")
