# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one task of nks_fleet costs: the drift of many clusters, its memory, and the creation of many clusters.

speed.py writes these tables too. This prints them alone, and ends with 1 if a ratio is above its limit.

    make benchmark PROGRAMS=fleet.py
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "tools"), str(ROOT / "tests" / "benchmark"), str(ROOT / "tests" / "unit")]

import envs  # noqa: E402
import report  # noqa: E402
import requests  # noqa: E402
from bench import Bench  # noqa: E402
from replay import Replay  # noqa: E402
from report import Table  # noqa: E402
from targets import Simulator  # noqa: E402

CLUSTERS, GROUPS, NODES = 100, 3, 2
LATENCY = 0.05
PARALLEL = 10
#: How long the longest chain of requests of a cluster is: the cluster, and what belongs to it.
LEVELS = 2
ROLES = 3
MEMORY = (10, 100, 300)
CREATED = 50
TASK_SECONDS = 3.0
#: What the ratios may be; see :func:`tables`.
MOST_DRIFT, LEAST_ROLE, MOST_CREATION = 1.5, 15.0, 1.2
PREFIX = "fleet"

#: What all node groups of the seed have in common.
NODES_OF_SEED = {
    "flavor": "m2.c2m4",
    "image": "Ubuntu Server 22.04 LTS Container",
    "availability_zone": "kr-pub-a",
    "node_count": NODES,
    "boot_volume_type": "General SSD",
    "boot_volume_size": 50,
}


def document(name: str, groups: list[str], **more: object) -> dict:
    """A whole cluster as the seed makes it, by names."""
    return {
        **NODES_OF_SEED,
        "name": name,
        "keypair": "demo-key",
        "network": "demo-vpc",
        "subnet": "demo-subnet",
        "external_network": "public_network",
        "kubernetes_version": "v1.31.4",
        "nodegroups": [dict(NODES_OF_SEED, name=group) for group in groups],
        **more,
    }


def seeded(bench: Bench, count: int) -> list[dict]:
    """Clusters, and documents of which they are as wanted: with the default node group and GROUPS others."""
    requests.post(bench.simulator.url + "/_sim/reset", timeout=300).raise_for_status()
    bench.seed(count=count, nodegroups=GROUPS + 1, nodes=NODES, prefix=PREFIX, version="v1.31.4")
    groups = ["group-%d" % number for number in range(1, GROUPS + 1)]
    return [document("%s-%d" % (PREFIX, number), groups, ipacl={"state": "absent"}) for number in range(1, count + 1)]


def playbook(bench: Bench, env: dict[str, str], documents: list[dict], count: int) -> float:
    """Seconds of a playbook that has all documents, and a task in check mode for the first of them.

    Without any of them it makes no request: then it is what Ansible takes to start, to read the documents and to load the collection.
    """
    bench.write("documents.json", {"documents": documents})
    options = {"clusters": "{{ documents[:%d] }}" % count, "parallel": PARALLEL}
    task = {"nhncloud.nks.nks_fleet": options, "check_mode": True, "register": "found", "failed_when": "found.changed or found.clusters | length != %d" % count}
    return bench.play([task], vars_files=["documents.json"], env=env)


def perform(bench: Bench, env: dict[str, str], documents: list[dict], **more: object) -> dict:
    """One task in check mode in a process of its own, and nothing else of Ansible: see perform.py."""
    path = bench.write("options.json", dict({"clusters": documents}, **more))
    command = [bench.bin_folder / "python", "-B", ROOT / "tests" / "benchmark" / "perform.py", "nks_fleet", path, "--check"]
    done = subprocess.run([str(word) for word in command], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict = json.loads(done.stdout.splitlines()[-1])
    if found["changed"]:
        raise SystemExit("The clusters are not as the documents want them.")
    return found


def drift(bench: Bench) -> Table:
    """A task that finds no difference in many clusters, and the role in a loop over the same documents."""
    documents = seeded(bench, CLUSTERS)
    with bench.replaying() as (replay, env):
        # The first run fills the server; the difference between two sizes is what each cluster costs.
        playbook(bench, env, documents, CLUSTERS)
        few, more = (counted_requests(bench, replay, env, documents[:count]) for count in (1, 11))
        each = (more - few) // 10
        replay.latency = LATENCY
        base = playbook(bench, env, documents, 0)
        replay.requests = 0
        seconds = playbook(bench, env, documents, CLUSTERS) - base
        asked = replay.requests // bench.rounds
        role = {
            "ansible.builtin.include_role": {"name": "nhncloud.nks.nks_cluster"},
            "loop": "{{ documents[:%d] }}" % ROLES,
            "loop_control": {"loop_var": "nks_cluster_spec", "label": "{{ nks_cluster_spec.name }}"},
        }
        roles = CLUSTERS * (bench.play([role], rounds=1, vars_files=["documents.json"], env=env) - base) / ROLES
        alone = min((perform(bench, env, documents, parallel=PARALLEL) for _round in range(bench.rounds)), key=lambda found: found["seconds"])
    at_once = each / LEVELS
    least = asked * LATENCY / (PARALLEL * at_once)
    bench.facts["fleet"] = {"drift": alone["seconds"] / least, "role": roles / seconds}
    return Table(
        "Drift of a fleet",
        "%d clusters with %d node groups each besides the default one, all in the desired state; `nks_fleet` in check mode, documents with names, %d ms for "
        "each request, `parallel: %d`. Each cluster takes %d requests in %d levels, so it reads %.1f at once. The first row with "
        "`nks_fleet` shows the time of the task itself. In a playbook, Ansible also evaluates the documents and copies the result; the time of the same "
        "playbook with an empty list of clusters is subtracted." % (CLUSTERS, GROUPS, LATENCY * 1000, PARALLEL, each, LEVELS, at_once),
        ("measurement", "figure", "ratio"),
        [
            ("requests of the task", "%d" % asked, ""),
            ("requests x latency / (parallel x requests at once)", "%.2f s" % least, ""),
            (
                "`nks_fleet`",
                "%.2f s, %.2f s of it CPU time" % (alone["seconds"], alone["cpu"]),
                "%.2f relative to the row above (limit %.1f)" % (alone["seconds"] / least, MOST_DRIFT),
            ),
            ("task of `nks_fleet` in a playbook", "%.2f s" % seconds, "%.2f" % (seconds / least)),
            (
                "role `nks_cluster` in a loop, calculated from %d clusters" % ROLES,
                "%.1f s" % roles,
                "%.1f times as long as the task in a playbook (at least %.0f)" % (roles / seconds, LEAST_ROLE),
            ),
        ],
    )


def counted_requests(bench: Bench, replay: Replay, env: dict[str, str], documents: list[dict]) -> int:
    """How many requests a task makes."""
    replay.requests = 0
    perform(bench, env, documents, parallel=PARALLEL)
    return replay.requests


def memory(bench: Bench) -> Table:
    """What a task adds to its process, as the fleet grows; the server takes no time."""
    rows = []
    for count in MEMORY:
        documents = seeded(bench, count)
        with bench.replaying() as (replay, env):
            perform(bench, env, documents)
            replay.requests = 0
            found = perform(bench, env, documents)
            rows.append(
                (
                    "%d" % count,
                    "%d" % replay.requests,
                    "%.2f" % found["seconds"],
                    "%.1f" % (1000 * found["seconds"] / count),
                    "%.1f" % found["megabytes"],
                    "%.0f" % (1024 * found["megabytes"] / count),
                    "%.0f" % (found["bytes"] / 1024 / count),
                )
            )
    return Table(
        "Growth of a fleet",
        "The same task with the default `parallel`; the server responds immediately. Memory is the peak that the task adds to its process.",
        ("clusters", "requests", "seconds", "ms per cluster", "MB", "KB per cluster", "KB of result per cluster"),
        rows,
    )


def creation(bench: Bench) -> Table:
    """Many clusters that do not exist yet, relative to the one that takes longest, alone."""

    def created(documents: list[dict]) -> float:
        requests.post(bench.simulator.url + "/_sim/reset", timeout=300).raise_for_status()
        settings = {"task_seconds": TASK_SECONDS, "quota_clusters": CREATED, "quota_nodegroups": 10}
        requests.post(bench.simulator.url + "/_sim/settings", json=settings, timeout=60).raise_for_status()
        options = {"clusters": documents, "parallel": CREATED, "wait_interval": 1}
        made = {"nhncloud.nks.nks_fleet": options, "register": "found", "failed_when": "found.summary.changed | default(0) != %d" % len(documents)}
        return bench.play([made], rounds=1)

    # From one operation to four of them.
    groups = ["group-%d" % number for number in range(1, 3)]
    access = {"action": "allow", "targets": [{"cidr_address": "203.0.113.0/24"}]}
    documents = [document("%s-%d" % (PREFIX, number), groups[: number % 3]) for number in range(CREATED)]
    documents[-1].update(nodegroups=document("", groups)["nodegroups"], ipacl=access)
    alone, every = created(documents[-1:]), created(documents)
    bench.facts.setdefault("fleet", {})["creation"] = every / alone
    return Table(
        "Creation of a fleet",
        "Each operation takes %g s; `parallel: %d`, `wait_interval: 1`. The clusters need one to three operations, and one cluster four. Complete playbooks."
        % (TASK_SECONDS, CREATED),
        ("measurement", "seconds", "ratio"),
        [
            ("the cluster with four operations, alone", "%.1f" % alone, ""),
            ("%d clusters" % CREATED, "%.1f" % every, "%.2f (limit %.1f)" % (every / alone, MOST_CREATION)),
        ],
    )


def tables(bench: Bench) -> list[Table]:
    """All tables; the simulator is as new afterwards."""
    found = [drift(bench), memory(bench), creation(bench)]
    requests.post(bench.simulator.url + "/_sim/reset", timeout=300).raise_for_status()
    return found


def complaints(facts: dict) -> list[str]:
    """What is not within its limit."""
    fleet = facts["fleet"]
    judged = [
        ("drift", fleet["drift"] <= MOST_DRIFT),
        ("role", fleet["role"] >= LEAST_ROLE),
        ("creation", fleet["creation"] <= MOST_CREATION),
    ]
    return ["The ratio '%s' is %.2f, which is not within its limit." % (name, fleet[name]) for name, good in judged if not good]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="the shortest of so many runs counts (default: %(default)s)")
    given = parser.parse_args()
    bin_folder = pathlib.Path(sys.executable).parent
    with tempfile.TemporaryDirectory(dir=envs.CACHE) as folder, Simulator(bin_folder, pathlib.Path(folder)) as simulator:
        bench = Bench(simulator, bin_folder, pathlib.Path(folder), given.rounds)
        print(report.markdown({"Processor": report.processor()}, tables(bench)))
    found = complaints(bench.facts)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
