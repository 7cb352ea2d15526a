# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_kubeconfig as a task: file, service and result together. The texts themselves are the matter of test_kubeconfig."""

from __future__ import annotations

import base64
import errno
import json
import os
import pathlib
import re
import stat
import subprocess
import sys

import pytest
import yaml

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import kubeconfig as task
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils import support

pytest.importorskip("cryptography")

ROOT = pathlib.Path(__file__).resolve().parents[4]

OTHER = """# My clusters
apiVersion: v1
kind: Config
clusters:
- name: home
  cluster: {server: "https://192.0.2.9:6443"}
contexts:
- name: home
  context: {cluster: home, user: me}
users:
- name: me
  user: {token: another-secret}
current-context: home
"""


def run(world, check=False, **given):
    given = {key: str(value) if isinstance(value, os.PathLike) else value for key, value in given.items()}
    return world.run(task.JOB, dict({"cluster": "demo"}, **given), check)


def refusal(world, check=False, **given):
    """The error with which a task fails, having written nothing to the service."""
    with pytest.raises(NksError) as caught:
        run(world, check, **given)
    assert caught.value.outcome.writes == []
    return caught.value


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def secrets(text):
    """Key material of a kubeconfig: base64 of some length."""
    found = re.findall(r"(?:-data|token): ([A-Za-z0-9+/=-]{12,})", text)
    assert found
    return found


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def cluster(world):
    return world.seed()


@pytest.fixture
def dest(tmp_path):
    return tmp_path / "config"


# -- a file of its own -----------------------------------------------------------------------------------------------


def test_writes_kubeconfig_file(world, cluster, dest):
    outcome = run(world, dest=dest)
    assert (outcome["changed"], outcome.actions, outcome.writes) == (True, ["write"], [])
    assert outcome["actions"][0]["resource"] == "file/%s" % dest
    config = read(dest)
    assert [config[section][0]["name"] for section in ("clusters", "contexts", "users")] == ["demo"] * 3
    assert config["contexts"][0]["context"] == {"cluster": "demo", "user": "demo"} and config["current-context"] == "demo"
    assert config["clusters"][0]["cluster"]["server"] == cluster.api_address == outcome["server"]
    assert mode(dest) == 0o600
    assert (outcome["path"], outcome["context"]) == (str(dest), "demo")
    assert outcome["certificate_expiry"].startswith(world.nks_cluster()["cluster"]["labels"]["certificate_expiry"][:10])
    assert "kubeconfig" not in outcome.result and "backup_file" not in outcome.result


def test_write_is_idempotent(world, cluster, dest):
    run(world, dest=dest)
    before = dest.stat()
    again = run(world, dest=dest, backup=True)
    assert (again["changed"], again["actions"], again["diff"]) == (False, [], {"before": {}, "after": {}})
    after = dest.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert os.listdir(str(dest.parent)) == ["config"]


def test_different_formatting_is_not_a_change(world, cluster, dest):
    run(world, dest=dest)
    dest.write_text("# mine\n" + json.dumps(read(dest)), encoding="utf-8")
    assert run(world, dest=dest)["changed"] is False


def test_renewed_certificate_is_a_change(world, cluster, dest):
    first = run(world, dest=dest)
    old = dest.read_text(encoding="utf-8")
    world.cloud.clock.advance(86400)
    cluster.certificate_from = world.cloud.clock.now()
    cluster.certificate_generation += 1
    cluster.certificate_text = None
    outcome = run(world, dest=dest, backup=True)
    assert outcome["changed"] is True and outcome["certificate_expiry"] > first["certificate_expiry"]
    assert dest.read_text(encoding="utf-8") != old
    with open(outcome["backup_file"], encoding="utf-8") as backup:
        assert backup.read() == old
    assert run(world, dest=dest)["changed"] is False


FOREIGN = {
    "a text": "hello",
    "a list": "[1, 2]",
    "another manifest": "kind: Pod\n",
    "comments": "#!/bin/sh\n# to do\n",
    "damaged": OTHER + "users: [",
    "not UTF-8": b"\xff\xfe\x00",
    "another cluster": OTHER,
    "another cluster of one name": OTHER.replace("me", "home"),
    "this cluster and another": OTHER.replace("clusters:", "clusters:\n- name: demo\n  cluster: {server: 'https://192.0.2.1'}"),
}


@pytest.mark.parametrize(
    "text", ["", "{}", "---\n", "kind: Config\n", OTHER.replace("home", "demo").replace("name: me", "name: demo").replace("user: me", "user: demo")]
)
def test_file_without_foreign_entries_is_replaced(world, cluster, dest, text):
    dest.write_text(text, encoding="utf-8")
    assert run(world, dest=dest)["changed"] is True
    assert [item["name"] for item in read(dest)["clusters"]] == ["demo"]
    assert run(world, dest=dest)["changed"] is False


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_foreign_file_is_replaced_or_deleted_only_with_force(world, cluster, dest, content, state, check):
    content = content.encode() if isinstance(content, str) else content
    dest.write_bytes(content)
    error = refusal(world, check, dest=dest, state=state)
    assert all(word in error.msg for word in (str(dest), "merge", "force")), error.msg
    assert "another-secret" not in error.msg
    assert (dest.read_bytes(), os.listdir(str(dest.parent))) == (content, ["config"])
    # With force it is. The former file can be kept.
    checked = run(world, check=True, dest=dest, state=state, force=True)
    assert dest.read_bytes() == content
    outcome = run(world, dest=dest, state=state, force=True, backup=True)
    assert outcome["changed"] is True and outcome["actions"] == checked["actions"]
    with open(outcome["backup_file"], "rb") as backup:
        assert backup.read() == content
    assert dest.exists() == (state == "present")


def test_foreign_file_is_reported_before_any_request(world, cluster, dest):
    world.busy(cluster, seconds=3000)
    dest.write_text(OTHER, encoding="utf-8")
    for given in ({}, {"cluster": cluster.uuid}, {"state": "absent"}, {"cluster": cluster.uuid, "state": "absent"}):
        assert refusal(world, dest=dest, **given).outcome.requests == []


def test_file_of_another_cluster_is_unchanged(world, cluster, dest):
    """Its form alone does not tell whose it is."""
    world.seed("second")
    run(world, cluster="second", dest=dest)
    before = dest.read_text(encoding="utf-8")
    for given in ({}, {"state": "absent"}, {"cluster": cluster.uuid}, {"cluster": cluster.uuid, "state": "absent"}):
        assert "clusters/second, contexts/second, users/second" in refusal(world, dest=dest, **given).msg
    assert dest.read_text(encoding="utf-8") == before


def test_merged_file_with_other_entries_is_unchanged(world, cluster, dest):
    dest.write_text(OTHER, encoding="utf-8")
    run(world, dest=dest, merge=True)
    before = dest.read_text(encoding="utf-8")
    for given in ({}, {"state": "absent"}):
        assert "(clusters/home, contexts/home, users/me)" in refusal(world, dest=dest, **given).msg
    assert dest.read_text(encoding="utf-8") == before


def test_file_with_user_added_context_is_not_replaced(world, cluster, dest):
    run(world, dest=dest)
    config = read(dest)
    config["contexts"].append({"name": "demo-shop", "context": {"cluster": "demo", "user": "demo", "namespace": "shop"}})
    dest.write_text(yaml.safe_dump(config), encoding="utf-8")
    assert "contexts/demo-shop" in refusal(world, dest=dest).msg


def test_mode_change_does_not_rewrite_file(world, cluster, dest):
    run(world, dest=dest)
    os.chmod(str(dest), 0o644)
    inode = dest.stat().st_ino
    checked = run(world, check=True, dest=dest)
    assert mode(dest) == 0o644
    outcome = run(world, dest=dest, backup=True)
    assert (
        outcome["actions"]
        == checked["actions"]
        == [{"action": "write", "resource": "file/%s" % dest, "changes": {"mode": {"before": "0644", "after": "0600"}}}]
    )
    # The content was right, so the file is neither written nor saved.
    assert mode(dest) == 0o600 and dest.stat().st_ino == inode and "backup_file" not in outcome.result
    assert run(world, dest=dest, mode="0640")["changed"] is True and mode(dest) == 0o640
    assert run(world, dest=dest, mode="u=rw,g=r,o=")["changed"] is False


def test_context(world, cluster, dest):
    outcome = run(world, dest=dest, context="production")
    assert outcome["context"] == "production" and read(dest)["current-context"] == "production"
    assert run(world, dest=dest, context="production")["changed"] is False
    # It leads to this cluster, whatever the name, but without a request nobody knows.
    assert "contexts/production" in refusal(world, dest=dest, state="absent").msg
    assert run(world, dest=dest)["changed"] is True
    # By UUID the context is called after the cluster all the same.
    assert run(world, cluster=cluster.uuid, dest=dest)["changed"] is False


def test_check_mode(world, cluster, dest):
    checked = run(world, check=True, dest=dest)
    assert not dest.exists() and checked.writes == []
    real = run(world, dest=dest)
    for key in ("changed", "actions", "diff", "server", "context", "path", "certificate_expiry"):
        assert checked[key] == real[key]


# -- without a file --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [True, False])
def test_content(world, cluster, check):
    outcome = run(world, check, return_content=True)
    assert (outcome["changed"], outcome["actions"], outcome["path"]) == (False, [], None)
    config = yaml.safe_load(outcome["kubeconfig"])
    assert config["current-context"] == "demo" and base64.b64decode(config["users"][0]["user"]["client-key-data"])


def test_content_and_file(world, cluster, dest):
    dest.write_text(OTHER, encoding="utf-8")
    outcome = run(world, dest=dest, return_content=True, merge=True)
    # Of this cluster only, whatever else is in the file.
    assert "another-secret" not in outcome["kubeconfig"] and "another-secret" in dest.read_text(encoding="utf-8")


def test_missing_dest_is_rejected(world, cluster):
    error = refusal(world)
    assert error.msg.startswith("dest: it is missing") and error.outcome.requests == []
    error = refusal(world, state="absent", return_content=True)
    assert error.msg.startswith("dest: it is missing") and error.outcome.requests == []


# -- merging ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("current", [True, False])
def test_merge(world, cluster, dest, current):
    dest.write_text(OTHER, encoding="utf-8")
    os.chmod(str(dest), 0o600)
    given = {"dest": dest, "merge": True, "set_current_context": current}
    checked = run(world, check=True, **given)
    assert dest.read_text(encoding="utf-8") == OTHER
    outcome = run(world, **given)
    assert outcome["changed"] is True and [checked[key] for key in ("actions", "diff")] == [outcome[key] for key in ("actions", "diff")]
    config = read(dest)
    for section in ("clusters", "contexts", "users"):
        assert config[section][0] == yaml.safe_load(OTHER)[section][0]
        assert [item["name"] for item in config[section][1:]] == ["demo"]
    assert config["current-context"] == ("demo" if current else "home")
    assert dest.read_text(encoding="utf-8").startswith("# My clusters\n")
    assert run(world, **given)["changed"] is False


def test_merge_two_clusters_and_remove_one(world, cluster, dest):
    world.seed("second")
    for name in ("demo", "second"):
        run(world, cluster=name, dest=dest, merge=True)
    config = read(dest)
    assert [item["name"] for item in config["users"]] == ["demo", "second"] and config["current-context"] == "second"
    # Their users have one name in the service's own files.
    assert config["users"][0]["user"] != config["users"][1]["user"]
    outcome = run(world, cluster="demo", dest=dest, merge=True, state="absent")
    assert outcome["changed"] is True and [item["name"] for item in read(dest)["contexts"]] == ["second"]
    assert read(dest)["current-context"] == "second"
    assert run(world, cluster="demo", dest=dest, merge=True, state="absent")["changed"] is False


@pytest.mark.parametrize("text", ["hello", "[1]", "kind: Pod\n", "a: [\n"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_merge_into_invalid_kubeconfig_is_rejected(world, cluster, dest, text, state):
    dest.write_text(text, encoding="utf-8")
    error = refusal(world, dest=dest, merge=True, state=state)
    assert str(dest) in error.msg and "is not a kubeconfig" in error.msg
    # Found out before the service is asked.
    assert error.outcome.requests == [] and dest.read_text(encoding="utf-8") == text


# -- absent ----------------------------------------------------------------------------------------------------------


def test_absent(world, cluster, dest):
    run(world, dest=dest)
    old = dest.read_text(encoding="utf-8")
    checked = run(world, check=True, dest=dest, state="absent")
    assert dest.exists()
    outcome = run(world, dest=dest, state="absent", backup=True)
    assert not dest.exists() and outcome.requests == []
    assert (
        outcome["actions"]
        == checked["actions"]
        == [{"action": "remove", "resource": "file/%s" % dest, "changes": {"state": {"before": "present", "after": "absent"}}}]
    )
    assert outcome["diff"] == checked["diff"]
    with open(outcome["backup_file"], encoding="utf-8") as backup:
        assert backup.read() == old
    again = run(world, dest=dest, state="absent")
    assert (again["changed"], again["actions"], again.requests) == (False, [], [])


def test_absent_works_after_cluster_is_deleted(world, dest):
    """Taking a deleted cluster's entries out must not need the cluster."""
    dest.write_text(OTHER.replace("home", "demo"), encoding="utf-8")
    outcome = run(world, dest=dest, merge=True, state="absent")
    assert outcome["changed"] is True and outcome.requests == []
    assert not read(dest).get("contexts")
    dest.write_text(OTHER, encoding="utf-8")
    uuid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    assert "set context" in refusal(world, cluster=uuid, dest=dest, merge=True, state="absent").msg
    assert run(world, cluster=uuid, dest=dest, merge=True, state="absent", context="home").requests == []
    assert not read(dest).get("contexts")


def test_absent_by_uuid(world, cluster, dest):
    run(world, dest=dest, merge=True)
    outcome = run(world, cluster=cluster.uuid, dest=dest, merge=True, state="absent")
    assert outcome["changed"] is True and outcome["context"] == "demo" and not read(dest).get("contexts")


def test_absent_of_missing_file(world, dest):
    for merge in (True, False):
        outcome = run(world, dest=dest, merge=merge, state="absent")
        assert (outcome["changed"], outcome.requests) == (False, [])


def test_absent_needs_credentials_only_to_resolve_uuid(world, dest):
    nothing = {"username": None, "password": None, "tenant_id": None, "region": None, "token_cache": str(dest) + ".tokens"}
    run(world, cluster=world.seed().uuid, dest=dest)
    for given in ({"cluster": "demo", "merge": True, "context": "x"}, {"cluster": "demo"}, {"cluster": "demo"}):
        assert run(world, dest=dest, state="absent", **dict(given, **nothing)).requests == []
    assert not dest.exists()
    # The name of a cluster that is given by its UUID is known to the service alone.
    uuid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    dest.write_text(OTHER, encoding="utf-8")
    with pytest.raises(NksError, match="Missing credentials"):
        run(world, cluster=uuid, dest=dest, merge=True, state="absent", **nothing)
    run(world, cluster=uuid, dest=dest, merge=True, state="absent", context="home", **nothing)
    assert read(dest)["contexts"] == []
    run(world, cluster=uuid, dest=dest, state="absent", force=True, **nothing)
    assert not dest.exists()


# -- others who write the file too -----------------------------------------------------------------------------------

#: Tasks in a process of their own, which begins on a line of its standard input.
PROCESS = """
import json, sys
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import engine
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import kubeconfig
print("ready", flush=True)
sys.stdin.readline()
for options in json.loads(sys.argv[1]):
    result = engine.perform(kubeconfig.JOB, options)
    assert result["changed"] and len(result["actions"]) == 1, result
"""


def test_concurrent_merges_lose_no_entries(world, cluster, dest):
    """As eight hosts with one dest; each merges three contexts and removes one of them."""
    dest.write_text(OTHER, encoding="utf-8")
    folder = str(ROOT.parents[2]) if ROOT.parts[-3:] == ("ansible_collections", "nhncloud", "nks") else str(ROOT / ".cache" / "collections")
    code = "import sys; sys.path.insert(0, %r)\n%s" % (folder, PROCESS)
    processes = []
    for number in range(8):
        steps = [("present", "a"), ("present", "b"), ("absent", "a"), ("present", "c")]
        tasks = [{"cluster": "demo", "dest": str(dest), "merge": True, "state": state, "context": "%s-%d" % (name, number)} for state, name in steps]
        given = json.dumps([world.options(task.JOB, options) for options in tasks])
        processes.append(
            subprocess.Popen([sys.executable, "-c", code, given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.communicate()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        dummy, errors = process.communicate()
        assert process.returncode == 0, errors
    expected = ["home"] + ["%s-%d" % (name, number) for name in "bc" for number in range(8)]
    assert sorted(item["name"] for item in read(dest)["contexts"]) == sorted(expected)
    assert os.listdir(str(dest.parent)) == ["config"]


def test_entries_added_during_cluster_wait_are_kept(world, cluster, dest):
    later = OTHER.replace("current-context", "- name: later\n  user: {token: another-secret}\ncurrent-context")
    dest.write_text(OTHER, encoding="utf-8")
    world.busy(cluster, seconds=60.0)
    clock = support.HandClock(world.simulator)
    clock.at(30, lambda: dest.write_text(later, encoding="utf-8"))
    outcome = world.run(task.JOB, {"cluster": "demo", "dest": str(dest), "merge": True}, clock=clock)
    assert [item["name"] for item in read(dest)["users"]] == ["me", "later", "demo"]
    # The plan is that of what was written: the other user is not told as a change of ours.
    assert "later" not in json.dumps([outcome["actions"], outcome["diff"]])


def test_file_created_during_cluster_wait_is_not_replaced(world, cluster, dest):
    world.busy(cluster, seconds=60.0)
    clock = support.HandClock(world.simulator)
    clock.at(30, lambda: dest.write_text(OTHER, encoding="utf-8"))
    with pytest.raises(NksError, match="contexts/home"):
        world.run(task.JOB, {"cluster": "demo", "dest": str(dest)}, clock=clock)
    assert dest.read_text(encoding="utf-8") == OTHER


def lock_of(path):
    return path.parent / (path.name + ".lock")


@pytest.mark.parametrize("given", [{"merge": True}, {"merge": True, "state": "absent", "context": "home"}, {"force": True}, {"state": "absent", "force": True}])
def test_task_waits_for_kubectl_lock(world, cluster, dest, given):
    """Somebody holds it, has emptied the file already and writes more before it is released."""
    dest.write_text("" if given == {"merge": True} else OTHER, encoding="utf-8")
    lock_of(dest).touch(mode=0)
    clock = support.HandClock(world.simulator)

    def release():
        assert lock_of(dest).exists()
        dest.write_text(OTHER + "x: written-meanwhile\n", encoding="utf-8")
        lock_of(dest).unlink()

    clock.at(5, release)
    outcome = world.run(task.JOB, dict({"cluster": "demo", "dest": str(dest)}, **given), clock=clock)
    assert outcome["changed"] is True and 5 <= clock.seconds < 10
    assert os.listdir(str(dest.parent)) == ([] if given == {"state": "absent", "force": True} else ["config"])
    if given.get("merge"):
        assert read(dest)["x"] == "written-meanwhile"
        assert [item["name"] for item in read(dest)["contexts"]] == ([] if given.get("state") else ["home", "demo"])


def test_identical_merge_by_another_task_is_not_a_change(world, cluster, dest):
    run(world, dest=dest, merge=True)
    done = dest.read_text(encoding="utf-8")
    dest.write_text(OTHER, encoding="utf-8")
    lock_of(dest).touch()
    clock = support.HandClock(world.simulator)
    clock.at(3, lambda: (dest.write_text(done, encoding="utf-8"), lock_of(dest).unlink()))
    outcome = world.run(task.JOB, {"cluster": "demo", "dest": str(dest), "merge": True, "backup": True}, clock=clock)
    assert (outcome["changed"], outcome["actions"], outcome["diff"]) == (False, [], {"before": {}, "after": {}})
    assert "backup_file" not in outcome.result and os.listdir(str(dest.parent)) == ["config"]


def test_stale_lock_is_reported(world, cluster, dest):
    dest.write_text(OTHER, encoding="utf-8")
    lock_of(dest).touch()
    error = refusal(world, dest=dest, merge=True)
    assert error.msg.startswith("dest: '%s' is locked: %s was created at 20" % (dest, lock_of(dest))) and error.msg.endswith("delete %s." % lock_of(dest))
    assert dest.read_text(encoding="utf-8") == OTHER and lock_of(dest).exists()
    # What needs no lock is not held up by it.
    assert run(world, check=True, dest=dest, merge=True)["changed"] is True
    lock_of(dest).unlink()
    assert run(world, dest=dest, merge=True)["changed"] is True
    lock_of(dest).touch()
    assert run(world, dest=dest, merge=True)["changed"] is False


def test_wait_for_contended_lock_is_limited(world, cluster, dest):
    dest.write_text(OTHER, encoding="utf-8")
    clock = support.HandClock(world.simulator)

    def another_turn():
        lock_of(dest).touch()
        os.utime(str(lock_of(dest)), ns=(0, int(clock.seconds * 1e9)))
        clock.at(clock.seconds + 10, another_turn)

    another_turn()
    with pytest.raises(NksError, match="has been locked by other processes in turn for 300 s"):
        world.run(task.JOB, {"cluster": "demo", "dest": str(dest), "merge": True}, clock=clock)


def test_symlink_and_its_target_are_both_locked(world, cluster, dest):
    link = dest.parent / "link"
    dest.write_text(OTHER, encoding="utf-8")
    link.symlink_to(dest)
    for lock in (lock_of(dest), lock_of(link)):
        lock.touch()
        assert str(lock) in refusal(world, dest=link, merge=True).msg
        assert not lock_of(dest if lock == lock_of(link) else link).exists()
        lock.unlink()
    assert run(world, dest=link, merge=True)["changed"] is True and link.is_symlink()
    assert sorted(os.listdir(str(dest.parent))) == ["config", "link"]


def test_lock_is_released_on_interrupt(world, cluster, dest, monkeypatch):
    dest.write_text(OTHER, encoding="utf-8")
    monkeypatch.setattr(os, "replace", lambda *paths: (dummy for dummy in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        run(world, dest=dest, merge=True)
    assert os.listdir(str(dest.parent)) == ["config"] and dest.read_text(encoding="utf-8") == OTHER


def test_temporary_files_of_killed_task_are_removed(world, cluster, dest):
    """There are keys in them. It does not matter whether there is anything else to do."""
    run(world, dest=dest)
    for given in ({}, {"state": "absent"}, {"state": "absent"}):
        (dest.parent / ".nks_killed.tmp").write_text("client-key-data: abc", encoding="utf-8")
        run(world, check=True, dest=dest, **given)
        assert (dest.parent / ".nks_killed.tmp").exists()
        run(world, dest=dest, **given)
        assert not (dest.parent / ".nks_killed.tmp").exists()


def test_unreplaceable_file_requires_unsafe_writes(world, cluster, dest, monkeypatch):
    """As one that is mounted into a container: its mount point cannot be renamed over."""
    dest.write_text(OTHER, encoding="utf-8")
    inode = dest.stat().st_ino

    def busy(*paths):
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(os, "replace", busy)
    error = refusal(world, dest=dest, merge=True)
    assert "Device or resource busy" in error.msg and "set unsafe_writes=true" in error.msg
    assert dest.read_text(encoding="utf-8") == OTHER
    outcome = run(world, dest=dest, merge=True, unsafe_writes=True, backup=True)
    assert outcome["changed"] is True and dest.stat().st_ino == inode and mode(dest) == 0o600
    assert [item["name"] for item in read(dest)["contexts"]] == ["home", "demo"]
    assert run(world, dest=dest, merge=True)["changed"] is False
    assert sorted(os.listdir(str(dest.parent))) == ["config", os.path.basename(outcome["backup_file"])]
    assert run(world, dest=dest, merge=True, unsafe_writes=True, state="absent")["changed"] is True
    assert [item["name"] for item in read(dest)["contexts"]] == ["home"]


# -- what the service may answer -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"config": None},
        {"config": ""},
        {"config": "S3CRET: ["},
        {"config": "S3CRET"},
        {"config": {"S3CRET": 1}},
        {"config": "kind: Config\nclusters: []\n"},
    ],
)
def test_invalid_kubeconfig_response_is_rejected(world, cluster, dest, answer):
    dest.write_text(OTHER, encoding="utf-8")
    world.fault(effect="status", status=200, path="/config$", body=answer, body_type="json")
    error = refusal(world, dest=dest, merge=True)
    assert "cluster/demo" in error.msg and "S3CRET" not in error.msg + str(error.values)
    assert dest.read_text(encoding="utf-8") == OTHER


def test_kubeconfig_not_ready_yet_is_reported(world, cluster, dest):
    cluster.api_address = None
    error = refusal(world, dest=dest)
    assert "not ready yet" in error.msg and error.values["status_code"] == 400 and not dest.exists()


def test_failed_cluster_creation_is_reported(world, cluster, dest):
    world.fail(cluster, "CREATE_FAILED", kind="cluster_create")
    assert "Creation failed: delete it" in refusal(world, dest=dest).msg and not dest.exists()


def test_task_waits_for_cluster_creation(world, dest):
    world.nks_cluster(wait=False, **support.CLUSTER)
    outcome = run(world, dest=dest)
    assert outcome["changed"] is True and outcome.clock.seconds > 0


def test_missing_cluster_is_reported(world, cluster, dest):
    assert refusal(world, cluster="nowhere", dest=dest).msg.startswith("cluster: there is no cluster 'nowhere'")


# -- files that cannot be written ------------------------------------------------------------------------------------


def test_invalid_file_options_fail_before_any_request(world, cluster, tmp_path):
    for given in ({"dest": tmp_path / "nowhere" / "config"}, {"dest": tmp_path}, {"dest": tmp_path / "config", "mode": "rubbish"}):
        error = refusal(world, **given)
        assert error.outcome.requests == [], given
        assert os.listdir(str(tmp_path)) == []


# -- secrets ---------------------------------------------------------------------------------------------------------


def test_output_contains_no_key_material(world, cluster, dest):
    dest.write_text(OTHER, encoding="utf-8")
    outcomes = [run(world, check, dest=dest, merge=merge, force=True) for merge in (True, False) for check in (True, False)]
    outcomes.append(run(world, dest=dest, merge=True, state="absent"))
    hidden = secrets(run(world, return_content=True)["kubeconfig"]) + ["another-secret"]
    for outcome in outcomes:
        told = json.dumps([outcome.result, outcome.lines])
        assert outcome["changed"] is True and [text for text in hidden if text in told] == []
    # The diff is of use all the same.
    assert "demo" in json.dumps(outcomes[0]["diff"])
