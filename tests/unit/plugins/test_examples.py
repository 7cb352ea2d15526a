# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of every module's documentation, run as it stands against the simulator.

Each is run in check mode first and then for real, and must tell the same both times. Only the connection comes from the
environment, and the pause between two polls from module_defaults.
"""

from __future__ import annotations

import ast
import json
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import urllib.request

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("nks_*.py"))
INFO = [name for name in MODULES if name.endswith("_info")]

#: What has to be there before a module's examples; the others begin with nothing.
SEEDS = {
    "nks_autoscale": {"nodes": 2},
    "nks_certificate": {},
    "nks_ipacl": {},
    "nks_kubeconfig": {},
    "nks_node": {"nodes": 3},
    "nks_nodegroup": {},
    "info": {"nodegroups": 2, "nodes": 2},
}
#: The files that a module's examples read, below the directory of the playbook.
FILES = {"nks_fleet": {"clusters/blue.yml": "name: blue\nnode_count: 3\n", "clusters/green.yml": "name: green\nnode_count: 2\n"}}


def examples(module):
    """The tasks of a module's EXAMPLES."""
    tree = ast.parse((ROOT / "plugins" / "modules" / (module + ".py")).read_text(encoding="utf-8"))
    text = next(node.value.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "EXAMPLES")
    return yaml.safe_load(text)


def documents():
    """README and the guides."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(path):
    """The YAML of a document's code blocks that are tasks or plays."""
    texts = re.findall(r"^( *)```ya?ml\n(.*?)^ *```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    found = [yaml.safe_load(textwrap.dedent(text)) for _indent, text in texts]
    return [block for block in found if isinstance(block, list) and all(isinstance(item, dict) for item in block)]


def collections_path():
    """Where Ansible finds this checkout."""
    if ROOT.parts[-3:] == ("ansible_collections", "nhncloud", "nks"):
        return str(ROOT.parents[2])
    # Made by tests/unit/conftest.py.
    return str(ROOT / ".cache" / "collections")


def ours(task):
    """The name of the collection's module that a task calls; None for another module."""
    return next((key for key in task if key.startswith("nhncloud.nks.")), None)


def played(tasks):
    """The tasks, each in check mode, then for real, then compared."""
    steps, registered = [], {}
    for number, task in enumerate(tasks):
        if ours(task) is None:
            # Whatever shows a result must be able to show that of check mode too.
            steps += [dict(task, vars=dict(task.get("vars", {}), **registered)), task]
            continue
        checked, real = "checked_%d" % number, task.get("register", "real_%d" % number)
        registered[real] = "{{ %s }}" % checked
        steps.append(dict(task, name="%s (check mode)" % task["name"], register=checked, check_mode=True, diff=True))
        steps.append(dict(task, register=real, diff=True))
        steps.append(
            {
                "name": "%s (compare)" % task["name"],
                "ansible.builtin.assert": {
                    "that": ["%s.changed == %s.changed" % (checked, real)]
                    + ["(%s.%s | default([])) == (%s.%s | default([]))" % (checked, key, real, key) for key in ("actions", "diff")],
                    "quiet": True,
                },
            }
        )
    return steps


@pytest.fixture(scope="module")
def simulator():
    pytest.importorskip("flask")
    pytest.importorskip("requests")
    from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils import support

    package = support.load_simulator()
    with package.Simulator(task_seconds=0.05) as running:
        yield running


def seed(simulator, **body):
    """A cluster that is ready at once."""
    reply = urllib.request.Request(simulator.url + "/_sim/seed", json.dumps(dict({"name": "demo"}, **body)).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(reply, timeout=30) as answer:
        assert answer.status == 200


def write_files(folder, texts):
    """Write files below a directory.

    :param texts: relative path -> content.
    """
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def play(simulator, folder, tasks, *flags):
    """Run tasks in one ansible-playbook.

    :returns: what it printed.
    """
    done = start(simulator, folder, tasks, *flags)
    text = done.communicate(timeout=300)[0]
    assert done.returncode == 0, text
    assert "[WARNING]: Deprecation" not in text and "[DEPRECATION WARNING]" not in text, text
    return text


def start(simulator, folder, tasks, *flags):
    """Start an ansible-playbook with the tasks."""
    return start_play(simulator, folder, {"name": "Examples", "hosts": "localhost", "gather_facts": False, "tasks": tasks}, *flags)


def called(tasks):
    """The modules of the collection that tasks call, also tasks in blocks."""
    inner = [task for outer in tasks for part in ("block", "rescue", "always") for task in outer.get(part, [])]
    return ({ours(task) for task in tasks} | (called(inner) if inner else set())) - {None}


def start_play(simulator, folder, play_of, *flags):
    """Start an ansible-playbook with a play."""
    (folder / ".kube").mkdir(parents=True)
    # For the modules that wait.
    defaults = {name: {"wait_interval": 0.05} for name in called(play_of["tasks"]) if not name.endswith("_info")}
    (folder / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")
    # JSON is YAML, and keeps Jinja2 as it stands.
    (folder / "playbook.yml").write_text(json.dumps([dict(play_of, module_defaults=defaults)]), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "NHNCLOUD_"))}
    environment.update(simulator.environment)
    environment.update(
        {
            "ANSIBLE_COLLECTIONS_PATH": collections_path(),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_LOCAL_TEMP": str(folder / "ansible"),
            "ANSIBLE_REMOTE_TMP": str(folder / "ansible"),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
        }
    )
    return subprocess.Popen(
        [sys.executable, "-m", "ansible", "playbook", "-v", str(folder / "playbook.yml"), *flags],
        cwd=str(folder),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


@pytest.mark.parametrize("module", MODULES)
def test_examples_are_complete(module):
    """Each has a name, calls modules by their full names, and the first comment of the text tells where the credentials are."""
    tasks = examples(module)
    assert [task for task in tasks if ours(task) == "nhncloud.nks." + module]
    for task in tasks:
        assert task.get("name"), task
        assert [key for key in task if re.fullmatch(r"[a-z]+\.[a-z]+\.[a-z_]+", key)], task
        assert not {"region", "tenant_id", "username", "password", "token"} & set(task.get(ours(task)) or {}), task


@pytest.mark.parametrize("module", [name for name in MODULES if name not in INFO])
def test_examples_run(simulator, tmp_path, module):
    simulator.cloud.reset()
    if module in SEEDS:
        seed(simulator, **SEEDS[module])
    tasks = examples(module)
    write_files(tmp_path, FILES.get(module, {}))
    text = play(simulator, tmp_path, played(tasks))
    for task in tasks:
        assert "TASK [%s]" % task["name"] in text
    # An example that changes nothing would show nothing.
    assert re.search(r"changed=[1-9]", text), text


def test_info_module_examples_run(simulator, tmp_path):
    simulator.cloud.reset()
    seed(simulator, **SEEDS["info"])
    tasks = [task for module in INFO for task in examples(module)]
    text = play(simulator, tmp_path, played(tasks))
    # The only changes are files with results.
    written = len([task for task in tasks if "ansible.builtin.copy" in task])
    assert re.search(r"changed=%d " % written, text) and [task["name"] for task in tasks if "TASK [%s]" % task["name"] not in text] == []


#: What the guides call what the reader has, and what the simulator has.
NAMES = {
    "my-key": "demo-key",
    "my-vpc": "demo-vpc",
    "my-subnet": "demo-subnet",
    "the full name of an image for NKS nodes": "Ubuntu Server 22.04 LTS Container",
}


@pytest.mark.parametrize("flags", [["--check"], ["--check", "--diff"]], ids=" ".join)
def test_first_playbook_passes_check_mode_without_a_cluster(simulator, tmp_path, flags):
    simulator.cloud.reset()
    tasks = blocks(ROOT / "README.md")[0][0]["tasks"]
    for task in tasks:
        task[ours(task)] = {option: NAMES.get(value, value) for option, value in task[ours(task)].items()}
    text = play(simulator, tmp_path, tasks, *flags)
    assert re.search(r"ok=2 +changed=2 ", text) and "there is no cluster 'demo'" in text, text
    assert not (tmp_path / "demo.kubeconfig").exists()


def test_step_by_step_upgrades_pass_in_check_mode_and_run(simulator, tmp_path):
    simulator.cloud.reset()
    seed(simulator, nodegroups=2, version="v1.32.3")
    tasks = next(
        block for block in blocks(ROOT / "docs" / "upgrades.md") if [ours(task) for task in block] == ["nhncloud.nks.nks_cluster", "nhncloud.nks.nks_nodegroup"]
    )
    tasks[1][ours(tasks[1])]["name"] = "group-1"
    for number, flags in enumerate((["--check"], [])):
        assert re.search(r"ok=2 +changed=2 ", play(simulator, tmp_path / str(number), tasks, *flags))


def test_two_concurrent_playbooks_perform_each_step_once(simulator, tmp_path):
    """Real processes and real time: in whatever order they come, none fails and no step is taken twice."""
    simulator.cloud.reset()
    seed(simulator, nodegroups=2, version="v1.31.4", nodes=2)
    with simulator.cloud.lock:
        simulator.cloud.settings.update({"task_seconds": 0.3})
    tasks = [
        {"name": "Upgrade", "nhncloud.nks.nks_cluster": {"name": "demo", "kubernetes_version": "v1.33.4", "upgrade": "all"}},
        {"name": "Replace the nodes", "nhncloud.nks.nks_nodegroup": {"cluster": "demo", "name": "group-1", "user_script": "#!/bin/sh\n", "flavor": "m2.c4m8"}},
    ]
    running = [start(simulator, tmp_path / str(number), tasks) for number in range(2)]
    texts = [done.communicate(timeout=300)[0] for done in running]
    assert [done.returncode for done in running] == [0, 0], "".join(texts)
    with simulator.cloud.lock:
        begun = [event.type for cluster in simulator.cloud.all_clusters() for event in cluster.events]
    assert (begun.count("NODEGROUP_UPGRADE"), begun.count("NODEGROUP_UPDATE_FLAVOR"), begun.count("NODEGROUP_USERSCRIPT_UPDATE")) == (6, 1, 1)


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.stem)
def test_guide_tasks_use_existing_options(path):
    """What the guides' tasks call are modules, and options of theirs."""
    from ansible_collections.nhncloud.nks.plugins.module_utils._entry.jobs import JOBS

    for block in blocks(path):
        for task in [task for item in block for task in item.get("tasks", [item])]:
            name = ours(task)
            if name is None:
                continue
            arguments = JOBS[name.rpartition(".")[2]].arguments
            known = set(arguments).union(*(entry.get("aliases", ()) for entry in arguments.values()))
            assert set(task[name] or {}) <= known, (task, set(task[name]) - known)


#: What the playbooks of README and guides leave to the reader.
PLACEHOLDERS = {
    "the full name of a newer image for NKS nodes": "Ubuntu Server 24.04 LTS Container",
    "my-key": "demo-key",
    "my-vpc": "demo-vpc",
    "my-subnet": "demo-subnet",
    "the full name of an image for NKS nodes": "Ubuntu Server 22.04 LTS Container",
}


def with_names_of_json(text):
    """JSON with the names that the simulator has."""
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace('"%s"' % placeholder, '"%s"' % value)
    return text


@pytest.mark.parametrize("name", ["README.md", "docs/first-cluster.md"])
def test_guide_playbooks_run(simulator, tmp_path, name):
    simulator.cloud.reset()
    plays = [item for block in blocks(ROOT / name) for item in block if "hosts" in item]
    assert len(plays) == 1 and set(plays[0]) == {"name", "hosts", "gather_facts", "tasks"}
    tasks = json.loads(with_names_of_json(json.dumps(plays[0]["tasks"])))
    assert re.search(r"changed=[1-9]", play(simulator, tmp_path, tasks))


#: What is there before the tasks of a guide: the node group of which they speak, as the guide itself makes it.
BATCH = {
    "name": "Create the node group of the guides",
    "nhncloud.nks.nks_nodegroup": {
        "cluster": "demo",
        "name": "batch",
        "availability_zone": "kr-pub-b",
        "flavor": "m2.c4m8",
        "image": PLACEHOLDERS["the full name of an image for NKS nodes"],
        "boot_volume_type": "General SSD",
        "boot_volume_size": 100,
        "node_count": 3,
    },
}


#: Guides in which a block of tasks needs what the block before has done.
IN_SUCCESSION = {"closing-the-api-endpoint"}


def guide_tasks(path):
    """The tasks of each block of a guide that call modules of the collection and are no playbook, with names of the simulator."""
    text = with_names_of_json(json.dumps([[task for task in block if ours(task)] for block in blocks(path)]))
    return [tasks for tasks in json.loads(text) if tasks]


#: Its tasks are about clusters that the tasks before create, so they have a test of their own.
MANY_CLUSTERS = ROOT / "docs" / "many-clusters.md"
GUIDES = [pytest.param(path, id=path.stem) for path in documents() if guide_tasks(path) and path != MANY_CLUSTERS]


@pytest.mark.parametrize("path", GUIDES)
def test_guide_tasks_run_in_check_mode(simulator, tmp_path, path):
    """Each block of tasks as --check runs it: nothing of what its tasks before would change has been done."""
    simulator.cloud.reset()
    seed(simulator, nodes=2, version="v1.32.3")
    steps, real = [BATCH], []
    for tasks in guide_tasks(path):
        steps += [dict(task, check_mode=True) for task in tasks]
        real += tasks if path.stem in IN_SUCCESSION else []
        steps += tasks if path.stem in IN_SUCCESSION else []
    mark = len(simulator.request_log)
    text = play(simulator, tmp_path, steps)
    writes = [entry["path"] for entry in simulator.request_log[mark:] if entry["method"] != "GET" and not entry["path"].endswith("/tokens")]
    assert len(writes) == len([BATCH, *real]), writes
    for task in steps:
        assert "TASK [%s]" % task["name"] in text


def with_names(text):
    """A guide's text with the names that the simulator has."""
    for placeholder, value in PLACEHOLDERS.items():
        text = re.sub(r"(?<=: )%s$" % re.escape(placeholder), value, text, flags=re.MULTILINE)
    return text


def guide_files(path):
    """The files in a guide's code blocks, which begin with their names."""
    return {
        name: with_names(text) for name, text in re.findall(r"^```yaml\n# ([\w/]+\.yml)\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    }


def clusters_of(simulator):
    """The node groups of each cluster, by its name."""
    with simulator.cloud.lock:
        return {cluster.name: sorted(group.name for group in cluster.nodegroups.values()) for cluster in simulator.cloud.all_clusters()}


def test_many_clusters_guide_runs(simulator, tmp_path):
    """All tasks of the guide, one after another, each in check mode first."""
    simulator.cloud.reset()
    files = guide_files(MANY_CLUSTERS)
    assert set(files) == {"clusters/blue.yml", "clusters/green.yml", "inventory/clusters.yml"}
    write_files(tmp_path, files)
    module = ours(BATCH)
    old = {"name": "Create a node group that no document names", module: dict(BATCH[module], cluster="blue", name="old", node_count=1)}
    steps = []
    tasks = json.loads(with_names_of_json(json.dumps([task for block in blocks(MANY_CLUSTERS) for task in block if "hosts" not in task])))
    for task in tasks:
        if "block" in task:
            # Its second cluster cannot be changed as the task says, so the task fails.
            failed = "fleet.clusters | map(attribute='failed') | list == [false, true]"
            steps.append({"name": "Expect a failure", "block": [task], "rescue": [{"name": "Verify it", "ansible.builtin.assert": {"that": failed}}]})
        else:
            steps += [old] if "purge" in json.dumps(task) else []
            steps += played([task])
    text = play(simulator, tmp_path, steps)
    for name in [task["name"] for task in tasks if "block" not in task] + ["Report the failures", "Report the numbers"]:
        assert "TASK [%s]" % name in text
    assert "green: " in text and "keypair" in text
    assert clusters_of(simulator) == {"blue": ["batch", "default-worker"]}


def test_one_host_for_each_cluster(simulator, tmp_path):
    """The guide's playbook in two slices at the same time, each with its part of the hosts, as a controller starts them."""
    simulator.cloud.reset()
    (guide_play,) = [item for block in blocks(MANY_CLUSTERS) for item in block if "hosts" in item]
    files = guide_files(MANY_CLUSTERS)
    hosts = sorted(yaml.safe_load(files["inventory/clusters.yml"])["clusters"]["hosts"])
    assert hosts == sorted(pathlib.Path(name).stem for name in files if name.startswith("clusters/"))
    for number, expected in enumerate((1, 0)):
        slices = []
        for host in hosts:
            folder = tmp_path / ("%s-%d" % (host, number))
            write_files(folder, dict(files, **{"inventory/clusters.yml": json.dumps({"clusters": {"hosts": {host: None}}})}))
            slices.append(start_play(simulator, folder, guide_play, "-i", str(folder / "inventory" / "clusters.yml")))
        texts = [done.communicate(timeout=300)[0] for done in slices]
        assert [done.returncode for done in slices] == [0, 0], "".join(texts)
        for host, text in zip(hosts, texts):
            assert re.findall(r"^(\w+) +: ok=1 +changed=(\d)", text, re.MULTILINE) == [(host, str(expected))], text
    assert clusters_of(simulator) == {"blue": ["batch", "default-worker"], "green": ["default-worker"]}


def test_forks_share_a_token(simulator, tmp_path):
    """All hosts in one run: the clusters that exist are unchanged, a failure concerns one host, and no host logs in after the first ones."""
    simulator.cloud.reset()
    names = ["one", "two", "three", "four", "five"]
    for name in names[:-1]:
        seed(simulator, name=name)
    (guide_play,) = [item for block in blocks(MANY_CLUSTERS) for item in block if "hosts" in item]
    write_files(tmp_path, {"clusters/%s.yml" % name: "name: %s\nnode_count: 1\n" % name for name in names})
    write_files(tmp_path, {"inventory/clusters.yml": json.dumps({"clusters": {"hosts": dict.fromkeys(names)}})})
    (tmp_path / "private").mkdir(mode=0o700)
    guide_play["vars"] = {"ansible_python_interpreter": sys.executable}
    guide_play["tasks"][0][ours(guide_play["tasks"][0])]["token_cache"] = str(tmp_path / "private" / "tokens")
    mark = len(simulator.request_log)
    done = start_play(simulator, tmp_path, guide_play, "-i", str(tmp_path / "inventory" / "clusters.yml"), "--forks", "2")
    text = done.communicate(timeout=300)[0]
    # The last cluster does not exist, and its document has nothing from which to create it.
    recap = dict(re.findall(r"^(\w+) +: (ok=\d .*?failed=\d)", text, re.MULTILINE))
    assert done.returncode == 2 and sorted(name for name, numbers in recap.items() if "failed=1" in numbers) == ["five"], text
    logins = [entry for entry in simulator.request_log[mark:] if entry["path"].endswith("/tokens")]
    assert 1 <= len(logins) <= 2
