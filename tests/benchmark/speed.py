# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tasks, waits and inventories cost, as ratios measured in one run on one machine: tables on stdout, and in docs/ with a plot.

A task that finds nothing to do is measured against ansible.builtin.ping; the inventory against an empty plugin that adds the same
hosts, against the same requests one after another, and against what other collections do on the same simulator. Seconds differ from
machine to machine and from hour to hour; the ratios are what counts.

    make benchmark PROGRAMS=speed.py
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "tools"), str(ROOT / "tests" / "benchmark"), str(ROOT / "tests" / "unit")]

import envs  # noqa: E402
import fleet  # noqa: E402
import measures  # noqa: E402
import report  # noqa: E402
import requests  # noqa: E402
from bench import Bench  # noqa: E402
from report import Table  # noqa: E402
from targets import Simulator  # noqa: E402

TASKS = 20
PEER_TASKS = 5
LATENCY = 0.05
WORKERS = 16
CLUSTERS, GROUPS, NODES = 100, 5, 10
GROWTH = (10, 100, 1000)
PREFIX = "many"
PACKAGE = "ansible_collections.nhncloud.nks.plugins."
QUERY = "[?starts_with(name, '%s')]" % PREFIX

NO_OP = {"nhncloud.nks.nks_cluster": {"name": "bench", "keypair": "demo-key"}}

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


def tasks(bench: Bench, peers: pathlib.Path) -> Table:
    """Measure tasks with no changes, relative to ping."""
    bench.seed(count=1, name="bench")
    base = bench.play([])

    def each(what: dict, **more: str) -> float:
        return (bench.play([what] * TASKS, **more) - base) / TASKS

    ping = each({"ansible.builtin.ping": {}})
    inside, module = each(NO_OP), each(NO_OP, NHNCLOUD_IN_PROCESS="false")
    read = requests_alone(bench)
    address = bench.simulator.access["NHNCLOUD_AUTH_URL"]
    uri = each({"ansible.builtin.uri": {"url": address, "status_code": [200, 300, 404]}})
    cloud = {"auth_type": "v2password", "region_name": "KR1", "auth": {"auth_url": address}}
    for key in ("username", "password", "tenant_id"):
        cloud["auth"][key] = bench.simulator.access["NHNCLOUD_" + key.upper()]
    more = {"OS_CLIENT_CONFIG_FILE": str(bench.write("clouds.yaml", {"clouds": {"nks": cloud}})), "ANSIBLE_COLLECTIONS_PATH": str(bench.scratch)}
    other = [{"openstack.cloud.coe_cluster": {"cloud": "nks", "name": "nowhere", "state": "absent"}}]
    peer = (bench.play(other * PEER_TASKS, peers, 1, **more) - bench.play([], peers, 1, **more)) / PEER_TASKS
    bench.facts["tasks"] = [
        ("nks_cluster, in-process", inside / ping),
        ("ansible.builtin.ping", 1.0),
        ("ansible.builtin.uri", uri / ping),
        ("nks_cluster, as a module", module / ping),
        ("openstack.cloud.coe_cluster", peer / ping),
    ]
    return Table(
        "Tasks with no changes",
        "%d tasks in one playbook; the time of an empty playbook is subtracted. Each task of the collection makes two requests, for a token and for "
        "the cluster." % TASKS,
        ("task", "seconds", "relative to ping"),
        [
            ("`ansible.builtin.ping`", "%.3f" % ping, "1"),
            ("`nhncloud.nks.nks_cluster`, in-process", "%.3f" % inside, "%.2f" % (inside / ping)),
            ("the same without the time of its requests", "%.3f" % max(inside - read, 0.0), "%.2f" % (max(inside - read, 0.0) / ping)),
            ("`nhncloud.nks.nks_cluster`, as a module", "%.3f" % module, "%.2f" % (module / ping)),
            ("the same without the time of its requests", "%.3f" % (module - read), "%.2f" % ((module - read) / ping)),
            ("`ansible.builtin.uri`, one request", "%.3f" % uri, "%.2f" % (uri / ping)),
            ("`openstack.cloud.coe_cluster`, a token and a list of clusters", "%.3f" % peer, "%.2f" % (peer / ping)),
        ],
    )


def token_and_base(url: str, access: dict[str, str]) -> tuple[str, str]:
    """A token, and the address of the NKS API."""
    login = {"username": access["NHNCLOUD_USERNAME"], "password": access["NHNCLOUD_PASSWORD"]}
    body = {"auth": {"tenantId": access["NHNCLOUD_TENANT_ID"], "passwordCredentials": login}}
    found = requests.post(url + "/tokens", json=body, timeout=60).json()["access"]
    base = next(entry["endpoints"][0]["publicURL"] for entry in found["serviceCatalog"] if entry["type"] in ("container-infra", "kubernetes"))
    return found["token"]["id"], base


def headers(token: str) -> dict[str, str]:
    """What every request to the NKS API bears."""
    return {"X-Auth-Token": token, "Accept": "application/json", "OpenStack-API-Version": "container-infra latest"}


def requests_alone(bench: Bench) -> float:
    """Seconds that the two requests of a task take when nothing else is done."""
    found = []
    for _round in range(TASKS):
        started = time.perf_counter()
        token, base = token_and_base(bench.simulator.access["NHNCLOUD_AUTH_URL"], bench.simulator.access)
        requests.get(base + "/clusters/bench", headers=headers(token), timeout=60).raise_for_status()
        found.append(time.perf_counter() - started)
    return min(found)


def one_after_another(url: str, access: dict[str, str]) -> float:
    """Seconds of the inventory's requests when each waits for the one before it."""
    started = time.perf_counter()
    token, base = token_and_base(url, access)
    with requests.Session() as session:
        session.headers.update(headers(token))
        for cluster in session.get(base + "/clusters", timeout=60).json()["clusters"]:
            if cluster["name"].startswith(PREFIX):
                path = "%s/clusters/%s/nodegroups" % (base, cluster["uuid"])
                for group in session.get(path, timeout=60).json()["nodegroups"]:
                    session.get("%s/%s" % (path, group["uuid"]), timeout=60).raise_for_status()
    return time.perf_counter() - started


def inventory(bench: Bench, peers: pathlib.Path) -> Table:
    """Worker nodes of many clusters at some latency."""
    bench.seed(count=CLUSTERS, nodegroups=GROUPS, nodes=NODES, prefix=PREFIX)
    (bench.plugins / "empty.py").write_text(EMPTY_PLUGIN % (CLUSTERS, GROUPS, NODES))
    bench.env["ANSIBLE_INVENTORY_ENABLED"] = "nhncloud.nks.nks,empty"
    source = bench.write("parallel.nks.yml", {"plugin": "nhncloud.nks.nks", "cluster_query": QUERY})
    cached = {"plugin": "nhncloud.nks.nks", "cluster_query": QUERY, "cache": True, "cache_plugin": "ansible.builtin.jsonfile"}
    kept = bench.write("cached.nks.yml", dict(cached, cache_connection=str(bench.scratch / "cache")))
    nothing = bench.write("empty.yml", {"plugin": "empty"})
    program = bench.bin_folder / "ansible-inventory"
    with bench.replaying() as (replay, env):
        bench.parse("nhncloud.nks.nks", source, env, 1)
        replay.latency, replay.requests = LATENCY, 0
        ours = bench.parse("nhncloud.nks.nks", source, env)
        asked = replay.requests // bench.rounds
        alone = one_after_another(env["NHNCLOUD_AUTH_URL"], bench.simulator.access)
        empty = bench.parse("empty", nothing, env)
        bench.parse("nhncloud.nks.nks", kept, env, 1)
        again = bench.parse("nhncloud.nks.nks", kept, env)
        whole, whole_empty, whole_again = (bench.seconds([program, "-i", path, "--list"], env) for path in (source, nothing, kept))
        sources = {"plugin": "openstack.cloud.openstack", "expand_hostvars": False, "fail_on_errors": True, "only_clouds": ["nks"]}
        clouds = json.loads((bench.scratch / "clouds.yaml").read_text())
        clouds["clouds"]["nks"]["auth"]["auth_url"] = env["NHNCLOUD_AUTH_URL"]
        more = {"OS_CLIENT_CONFIG_FILE": str(bench.write("clouds.yaml", clouds)), "ANSIBLE_COLLECTIONS_PATH": str(bench.scratch)}
        more["ANSIBLE_INVENTORY_ENABLED"] = "openstack.cloud.openstack"
        command = [peers / "ansible-inventory", "-i", bench.write("openstack.yml", sources), "--list"]
        before = replay.requests
        peer = bench.seconds(command, dict(env, **more), 1)
        peer_asked = replay.requests - before
    least = max(asked * LATENCY / WORKERS, empty["seconds"])
    bench.facts["inventory"] = [
        ("minimum with %d workers" % WORKERS, least),
        ("nhncloud.nks.nks", ours["seconds"]),
        ("from the cache", again["seconds"]),
        ("sequential requests", alone),
    ]
    what = "%d clusters, %d node groups each, %d nodes each: %d hosts, %d requests of %d ms, %d workers"
    return Table(
        "Inventory",
        what % (CLUSTERS, GROUPS, NODES, ours["hosts"], asked, LATENCY * 1000, WORKERS) + ". The first rows show the time of the plugin "
        "itself. The last rows show complete runs of `ansible-inventory --list`, which mostly consist of Ansible's startup, merging and printing.",
        ("measurement", "seconds", "ratio"),
        [
            ("the same requests, sequentially, without other work", "%.2f" % alone, "%.1f times as long as the plugin" % (alone / ours["seconds"])),
            ("an empty plugin that adds the same hosts", "%.2f" % empty["seconds"], ""),
            ("requests x latency / workers", "%.2f" % (asked * LATENCY / WORKERS), ""),
            ("`nhncloud.nks.nks`", "%.2f" % ours["seconds"], "%.2f relative to the larger of the two rows above" % (ours["seconds"] / least)),
            (
                "`nhncloud.nks.nks`, from the cache",
                "%.2f" % again["seconds"],
                "%.1f relative to the empty plugin; requests is %s"
                % (again["seconds"] / empty["seconds"], "imported" if again["requests_imported"] else "not imported"),
            ),
            ("complete run, empty plugin", "%.2f" % whole_empty, ""),
            ("complete run, `nhncloud.nks.nks`", "%.2f" % whole, "%.1f relative to the empty plugin" % (whole / whole_empty)),
            ("complete run, from the cache", "%.2f" % whole_again, "%.1f relative to the empty plugin" % (whole_again / whole_empty)),
            (
                "complete run, `openstack.cloud.openstack` (the same instances, %d requests)" % peer_asked,
                "%.2f" % peer,
                "%.1f times as long as `nhncloud.nks.nks`" % (peer / whole),
            ),
        ],
    )


def growth(bench: Bench) -> Table:
    """Time and memory as the account grows; the server takes no time."""
    rows, bench.facts["growth"] = [], []
    for count in GROWTH:
        requests.post(bench.simulator.url + "/_sim/reset", timeout=300).raise_for_status()
        bench.seed(count=count, nodegroups=GROUPS, nodes=NODES, prefix=PREFIX)
        source = bench.write("growth.nks.yml", {"plugin": "nhncloud.nks.nks", "cluster_query": QUERY, "hostname": "{{ nks_cluster }}-{{ nks_address }}"})
        plain = bench.write("plain.nks.yml", {"plugin": "nhncloud.nks.nks", "cluster_query": QUERY})
        with bench.replaying() as (replay, env):
            bench.parse("nhncloud.nks.nks", plain, env, 1)
            replay.requests = 0
            found = bench.parse("nhncloud.nks.nks", plain, env, 1)
            asked = replay.requests
            named = bench.parse("nhncloud.nks.nks", source, env, 1)
        bench.facts["growth"].append((found["hosts"], found["seconds"], found["megabytes"]))
        rows.append(
            (
                "%d" % count,
                "%d" % asked,
                "%d" % found["hosts"],
                "%.2f" % found["seconds"],
                "%.2f" % (1000 * found["seconds"] / found["hosts"]),
                "%.1f" % found["megabytes"],
                "%.1f" % (1000 * found["megabytes"] / found["hosts"]),
                "%.2f" % named["seconds"],
            )
        )
    return Table(
        "Growth",
        "%d node groups in each cluster and %d nodes in each group; the server responds immediately. Memory is the peak that parsing adds to an idle "
        "Ansible process." % (GROUPS, NODES),
        ("clusters", "requests", "hosts", "seconds", "ms per host", "MB", "KB per host", "seconds with a template as `hostname`"),
        rows,
    )


def waits() -> Table:
    """Reads of a wait, counted on a clock that is driven by hand."""
    import conftest

    conftest.pytest_configure()
    from ansible_collections.nhncloud.nks.plugins.module_utils._entry.jobs import JOBS
    from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils import support

    rows = []
    package = support.load_simulator()
    with package.Simulator(clock=package.Clock(frozen=True)) as simulator:
        world = support.World(simulator)
        for minutes, interval in ((10, 10), (10, 60), (20, 10)):
            world.reset(task_seconds=minutes * 60.0)
            outcome = world.run(JOBS["nks_cluster"], dict(support.CLUSTER, wait_interval=interval))
            polls = outcome.reads(r"/clusters/[0-9a-f-]{36}")
            rows.append(("%d min" % minutes, "%d s" % interval, "%d" % len(polls), "%d s" % (outcome.clock.now() - minutes * 60), "%d" % len(outcome.lines)))
    return Table(
        "Waiting for a cluster",
        "The task reads the cluster one interval after the request, and then once in each interval.",
        ("duration of the creation", "`wait_interval`", "reads of the cluster", "end detected after", "progress messages"),
        rows,
    )


TIMED = """
import importlib, sys, time
*bases, name = sys.argv[1:]
for base in bases:
    importlib.import_module(base)
started = time.perf_counter()
try:
    importlib.import_module(name)
except ModuleNotFoundError:
    importlib.import_module(name.rpartition(".")[0])
print(1000 * (time.perf_counter() - started))
"""
#: Files that are used before a task has anything else: the action plugin, and the inventory from the cache.
ALONE = ("action.", "module_utils._observe.reader", "module_utils._client.connection")


def imports(bench: Bench) -> Table:
    """Measure what each import within a function would add to every task if it stood at the top of its file."""
    rows = {}
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        place = ".".join(path.relative_to(ROOT / "plugins").with_suffix("").parts)
        for name in measures.lazy_imports(path):
            if importlib.util.find_spec(name.partition(".")[0]) is None and not name.startswith(PACKAGE):
                continue  # an optional library that is not installed
            found = []
            for number in range(bench.rounds):
                # A new directory for bytecode: Ansible sends source, which Python compiles in each task.
                kept = bench.scratch / "pycache" / str(len(rows)) / str(number)
                bases = [] if place.startswith(ALONE) else [PACKAGE + "module_utils._tasks.engine"]
                command = [str(bench.bin_folder / "python"), "-X", "pycache_prefix=%s" % kept, "-c", TIMED, *bases, PACKAGE + place, name]
                env = dict(bench.env, PYTHONPATH=str(envs.collections()), NHNCLOUD_IN_PROCESS="false")
                done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise SystemExit(done.stderr)
                found.append(float(done.stdout))
            rows[place, name] = ("`%s`" % place, "`%s`" % name.replace(PACKAGE, ""), "%.1f" % min(found))
    return Table(
        "Imports within functions",
        "Milliseconds that each import takes in a process that has imported its file and the engine, without bytecode. A task as a module pays for every "
        "file that it imports, so these files are imported only by the tasks that need them.",
        ("file", "import", "ms"),
        list(rows.values()),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="the shortest of so many runs counts (default: %(default)s)")
    parser.add_argument("--docs", action="store_true", help="also write docs/benchmark.md and its plot")
    given = parser.parse_args()
    bin_folder = pathlib.Path(sys.executable).parent
    peers = envs.peers_env()
    with tempfile.TemporaryDirectory(dir=envs.CACHE) as folder:
        scratch = pathlib.Path(folder)
        with Simulator(bin_folder, scratch) as simulator:
            bench = Bench(simulator, bin_folder, scratch, given.rounds)
            tables = [tasks(bench, peers), *fleet.tables(bench), inventory(bench, peers), growth(bench), waits(), imports(bench)]
    versions = subprocess.run([peers / "pip", "list"], capture_output=True, text=True, check=False).stdout or ""
    core = subprocess.run([bin_folder / "ansible", "--version"], env=bench.env, capture_output=True, text=True, check=True).stdout
    machine = {
        "Processor": "%s, %d cores" % (report.processor(), os.cpu_count() or 0),
        "Python": sys.version.split()[0],
        "ansible-core": re.search(r"core ([\w.]+)", core).group(1),  # type: ignore[union-attr]
        "Peers": ", ".join(map(" ".join, re.findall(r"^(ansible|openstacksdk) +(\S+)", versions, re.MULTILINE))) or "see tests/tools/requirements/peers.txt",
    }
    print(report.markdown(machine, tables))
    if given.docs:
        report.write(ROOT / "docs", machine, tables, bench.facts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
