# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tasks and inventories cost, as ratios measured in one run on one machine: a table on stdout.

A task that finds nothing to do is measured against ansible.builtin.ping, through both doors; the inventory against an empty
plugin that adds the same hosts, and against the same requests one after another. Seconds differ from machine to machine and
from hour to hour; the ratios are what counts.

    python tests/benchmark/speed.py --rounds 3
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tools"))

import envs  # noqa: E402
import requests  # noqa: E402
from targets import Simulator  # noqa: E402

TASKS = 20
LATENCY = 0.05
CLUSTERS, GROUPS, NODES = 100, 5, 10

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - ansible.builtin.ping:
      loop: "{{ range(%(tasks)d) | list }}"
      when: what == "ping"
    - nhncloud.nks.nks_cluster: {name: bench-0, keypair: demo-key}
      loop: "{{ range(%(tasks)d) | list }}"
      when: what == "nks"
"""

EMPTY_PLUGIN = '''
DOCUMENTATION = """
name: empty
short_description: Adds hosts without asking anybody
description: Adds hosts without asking anybody.
options: {}
"""
from ansible.plugins.inventory import BaseInventoryPlugin


class InventoryModule(BaseInventoryPlugin):
    NAME = "empty"

    def verify_file(self, path):
        return path.endswith("empty.yml")

    def parse(self, inventory, loader, path, cache=True):
        for cluster in range(%d):
            for group in range(%d):
                name = inventory.add_group("group_%%d_%%d" %% (cluster, group))
                for node in range(%d):
                    host = "10.%%d.%%d.%%d" %% (cluster, group, node)
                    inventory.add_host(host, name)
                    inventory.set_variable(host, "ansible_host", host)
'''


def seconds(command, env, rounds):
    """The shortest of some runs: what the machine does besides only ever adds."""
    found = []
    for _round in range(rounds):
        started = time.monotonic()
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        found.append(time.monotonic() - started)
    return min(found)


def tasks(bin_folder, env, scratch, rounds):
    """Rows about tasks."""
    playbook = scratch / "tasks.yml"
    playbook.write_text(PLAYBOOK % {"tasks": TASKS})

    def one(what, **more):
        command = [str(bin_folder / "ansible-playbook"), str(playbook), "-e", "what=" + what]
        return seconds(command, dict(env, **more), rounds)

    base = one("nothing")
    ping, inside, module = one("ping") - base, one("nks") - base, one("nks", NHNCLOUD_IN_PROCESS="false") - base
    return [
        ("a task of ansible.builtin.ping", ping / TASKS, ""),
        ("a no-op nks_cluster task, in process", inside / TASKS, "%.2f of a ping" % (inside / ping)),
        ("a no-op nks_cluster task, as a module", module / TASKS, "%.2f of a ping" % (module / ping)),
    ]


def inventory(bin_folder, env, scratch, simulator, rounds):
    """Rows about the inventory."""
    requests.post(
        simulator.url + "/_sim/seed", json={"count": CLUSTERS, "nodegroups": GROUPS, "nodes": NODES, "prefix": "many"}, timeout=120
    ).raise_for_status()
    requests.post(simulator.url + "/_sim/settings", json={"latency": LATENCY}, timeout=10).raise_for_status()
    plugins = scratch / "plugins"
    plugins.mkdir()
    (plugins / "empty.py").write_text(EMPTY_PLUGIN % (CLUSTERS, GROUPS, NODES))
    (scratch / "empty.yml").write_text("plugin: empty\n")
    env = dict(env, ANSIBLE_INVENTORY_PLUGINS=str(plugins), ANSIBLE_INVENTORY_ENABLED="nhncloud.nks.nks,empty")

    def one(name, content=None, runs=rounds):
        if content:
            (scratch / name).write_text(json.dumps(content))
        return seconds([str(bin_folder / "ansible-inventory"), "-i", str(scratch / name), "--list"], env, runs)

    start = one("empty.yml")
    requests.delete(simulator.url + "/_sim/log", timeout=10)
    plugin = {"plugin": "nhncloud.nks.nks", "cluster_query": "[?starts_with(name, 'many')]"}
    parallel = one("parallel.nks.yml", plugin, 1)
    asked = len(requests.get(simulator.url + "/_sim/log", timeout=60).json()["requests"])
    parallel = min(parallel, one("parallel.nks.yml", plugin))
    sequential = one("sequential.nks.yml", dict(plugin, workers=1), 1)
    cached = dict(plugin, cache=True, cache_plugin="ansible.builtin.jsonfile", cache_connection=str(scratch / "cache"))
    one("cached.nks.yml", cached, 1)
    again = one("cached.nks.yml", cached)
    return [
        ("an empty inventory plugin that adds the same %d hosts" % (CLUSTERS * GROUPS * NODES), start, ""),
        ("%d clusters, %d requests of %d ms, 16 workers" % (CLUSTERS, asked, LATENCY * 1000), parallel, "%.1f of the empty plugin" % (parallel / start)),
        ("the same with one worker", sequential, "%.1f times as long" % (sequential / parallel)),
        ("the same from the cache", again, "%.1f of the empty plugin" % (again / start)),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="the shortest of so many runs counts (default: %(default)s)")
    given = parser.parse_args()
    bin_folder = pathlib.Path(sys.executable).parent
    with tempfile.TemporaryDirectory(dir=envs.CACHE) as folder:
        scratch = pathlib.Path(folder)
        with Simulator(bin_folder, scratch) as simulator:
            env = envs.environment(bin_folder, **dict(simulator.access, ANSIBLE_COLLECTIONS_PATH=str(envs.collections())))
            requests.post(simulator.url + "/_sim/seed", json={"count": 1, "name": "bench-0"}, timeout=60).raise_for_status()
            rows = tasks(bin_folder, env, scratch, given.rounds) + inventory(bin_folder, env, scratch, simulator, given.rounds)
    print("Python %s, %d processors\n" % (sys.version.split()[0], os.cpu_count()))
    print("| what | seconds | ratio |\n|---|---|---|")
    for row in rows:
        print("| %s | %.3f | %s |" % row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
