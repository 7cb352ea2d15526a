# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet that is built at a cloud where a fifth of all requests goes wrong.

One playbook with one task of nks_fleet is run by ansible-playbook against the simulator, each a process of its own. One of the clusters
can never succeed, all tokens are revoked in the middle, and the play is killed in the middle. It is run again as its users would do it.
At the end all other clusters must be as the documents want them, without a second of anything, the failed one must be named with its
reason, and a last run without faults must change nothing. Prints a table; exit code 1 if anything is not as it should be.

    python tests/benchmark/soak_fleet.py --seed 1 --clusters 30
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "tools"), str(ROOT / "tests" / "benchmark")]

import envs  # noqa: E402
import requests  # noqa: E402
import soak  # noqa: E402
from bench import PLAY  # noqa: E402
from targets import Simulator  # noqa: E402

TASK_SECONDS = 1.0
PARALLEL = 10
#: Seconds after which a run has hung.
LONGEST = 900
REASON = "No valid host was found"
ACCESS = {"action": "allow", "targets": [{"cidr_address": "203.0.113.0/24", "description": "office"}, {"cidr_address": "198.51.100.7"}]}
NODES = {
    "flavor": "m2.c2m4",
    "image": "Ubuntu Server 22.04 LTS Container",
    "availability_zone": "kr-pub-a",
    "boot_volume_type": "General SSD",
    "boot_volume_size": 50,
}


def document(number: int) -> dict:
    """A cluster with two or three node groups besides the default one, an autoscaler and access control."""
    autoscale = {"enabled": True, "min_node_count": 1, "max_node_count": 4}
    groups = [dict(NODES, name="batch", node_count=1 + number % 3), dict(NODES, name="web", node_count=2, autoscale=autoscale)]
    if number % 4 == 0:
        groups.append(dict(NODES, name="spare", node_count=1, flavor="m2.c4m8"))
    return {
        **NODES,
        "name": "soak-%d" % number,
        "node_count": 2,
        "keypair": "demo-key",
        "network": "demo-vpc",
        "subnet": "demo-subnet",
        "external_network": "public_network",
        "kubernetes_version": "v1.31.4",
        "nodegroups": groups,
        "ipacl": ACCESS,
    }


class Soak:
    """The run and what it counts.

    :ivar complaints: what is not as it should be.
    """

    def __init__(self, simulator: Simulator, bin_folder: pathlib.Path, scratch: pathlib.Path, documents: list[dict], never: str) -> None:
        self.simulator = simulator
        self.never = never
        self.documents = documents
        self.complaints: list[str] = []
        self.result = scratch / "result.json"
        self.log = scratch / "play.log"
        self.env = envs.environment(bin_folder, **simulator.access, ANSIBLE_COLLECTIONS_PATH=str(envs.collections()))
        options = {"clusters": "{{ documents }}", "parallel": PARALLEL, "wait_interval": 0.5}
        tasks = [
            {"nhncloud.nks.nks_fleet": options, "register": "found", "ignore_errors": True},
            {"ansible.builtin.copy": {"content": "{{ found | to_json }}", "dest": str(self.result), "mode": "0600"}},
        ]
        playbook = scratch / "fleet.yml"
        playbook.write_text(json.dumps([dict(PLAY, vars=dict(PLAY["vars"], documents=documents), tasks=tasks)]))  # type: ignore[call-overload]
        self.command = [str(bin_folder / "ansible-playbook"), str(playbook)]

    # -- the simulator

    def control(self, method: str, path: str, body: object = None) -> dict:
        """One request of the simulator's control API."""
        reply = requests.request(method, self.simulator.url + "/_sim/" + path, json=body, timeout=60)
        reply.raise_for_status()
        found: dict = reply.json()
        return found

    def ready(self) -> int:
        """How many clusters have been created."""
        return sum(cluster["status"].endswith("_COMPLETE") for cluster in self.control("GET", "state")["clusters"])

    # -- the play

    def start(self) -> subprocess.Popen:
        """Start the play."""
        self.result.unlink(missing_ok=True)
        with self.log.open("wb") as log:
            return subprocess.Popen(self.command, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def kill_when(self, play: subprocess.Popen, revoke: int, kill: int) -> None:
        """Revoke all tokens, and kill the play, once so many clusters have been created.

        Only Ansible's main process gets the signal, as from ``kill -9``. Its worker is in a session of its own, and must end by itself.
        """
        limit, revoked = time.monotonic() + LONGEST, False
        while time.monotonic() < limit:
            ready = self.ready()
            if play.poll() is not None:
                break
            if ready >= revoke and not revoked:
                revoked = bool(self.control("POST", "expire-tokens"))
            if ready >= kill:
                play.kill()
                play.wait()
                if not revoked:
                    self.complaints.append("no tokens were revoked")
                return
            time.sleep(0.05)
        self.complaints.append("the play could not be killed in the middle:\n%s" % self.log.read_text(errors="replace")[-2000:])
        self.end(play)

    def end(self, play: subprocess.Popen) -> dict:
        """Wait for the end of the play; the result of the task."""
        try:
            play.wait(LONGEST)
        except subprocess.TimeoutExpired:
            play.kill()
            play.wait()
        if not self.result.exists():
            raise SystemExit("The play ended without a result:\n%s" % self.log.read_text(errors="replace")[-5000:])
        found: dict = json.loads(self.result.read_text())
        if "clusters" not in found:
            return {"clusters": [], **found}
        return found

    # -- what must be true

    def failed(self, found: dict) -> list[str]:
        """The names of the clusters that have failed; all of them if the task did not get that far."""
        return [entry["name"] for entry in found["clusters"] if entry["failed"]] or ([] if found["clusters"] else ["all"])

    def check(self) -> None:
        """The state behind the client's back: one of everything, with the wanted values, and each made once."""
        found = collections.defaultdict(list)
        for cluster in self.control("GET", "state")["clusters"]:
            found[cluster["name"]].append(cluster)
        for name in set(found) ^ {wanted["name"] for wanted in self.documents}:
            self.complaints.append("%s: there are %d" % (name, len(found[name])))
        for wanted in self.documents:
            for cluster in found[wanted["name"]][1:]:
                self.complaints.append("%s: there is a second one, %s" % (wanted["name"], cluster["uuid"]))
            if wanted["name"] != self.never:
                for cluster in found[wanted["name"]]:
                    self.complaints += ["%s: %s" % (wanted["name"], text) for text in differences(wanted, cluster)]

    def check_failed(self, found: dict) -> None:
        """The one that cannot succeed is named with its reason, and it is the only one."""
        if self.failed(found) != [self.never] or self.never not in found["msg"] or REASON not in found["msg"]:
            self.complaints.append("failed are %s: %s" % (self.failed(found), found.get("msg")))
        for entry in found["clusters"]:
            if entry["failed"] and REASON not in entry["msg"]:
                self.complaints.append("%s failed for another reason: %s" % (entry["name"], entry["msg"]))


def differences(wanted: dict, cluster: dict) -> list[str]:
    """What of a cluster is not as its document wants it, or was made more than once."""
    groups = {"default-worker": wanted, **{group["name"]: group for group in wanted["nodegroups"]}}
    there = {name: group for name, group in cluster["nodegroups"].items() if name != "default-master"}
    found = [] if cluster["status"].endswith("_COMPLETE") else ["is in %s" % cluster["status"]]
    if set(there) != set(groups):
        return [*found, "has the node groups %s" % sorted(there)]
    for name, group in groups.items():
        if there[name]["node_count"] != group["node_count"]:
            found.append("%s has %d nodes" % (name, there[name]["node_count"]))
        if (there[name]["labels"].get("ca_enable") or "false").lower() != str("autoscale" in group).lower():
            found.append("the autoscaler of %s is %s" % (name, there[name]["labels"].get("ca_enable")))
    targets = {target["cidr_address"].partition("/")[0] for target in cluster["ipacl"].get("targets", [])}
    if cluster["ipacl"]["enable"] is not True or not targets >= {"203.0.113.0", "198.51.100.7"}:
        found.append("has the access control %s" % cluster["ipacl"])
    begun = collections.Counter((event["type"], event["resource_name"]) for event in cluster["events"])
    return found + ["%s of %s was begun %d times" % (*what, count) for what, count in begun.items() if count > 1]


def main() -> int:
    """Run the soak."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clusters", type=int, default=30)
    parser.add_argument("--rate", type=float, default=0.2, help="share of requests that go wrong (default: %(default)s)")
    given = parser.parse_args()
    bin_folder = pathlib.Path(sys.executable).parent
    documents = [document(number) for number in range(given.clusters)]
    never = documents[given.seed % given.clusters]["name"]
    with tempfile.TemporaryDirectory(dir=envs.CACHE) as folder, Simulator(bin_folder, pathlib.Path(folder), TASK_SECONDS) as simulator:
        fleet = Soak(simulator, bin_folder, pathlib.Path(folder), documents, never)
        fleet.control("POST", "settings", {"quota_clusters": given.clusters + 5, "quota_nodegroups": 10, "quota_nodes": 100})
        broken = {"effect": "fail_task", "task": "cluster_create", "cluster": "^%s$" % never, "reason": REASON, "times": None}
        fleet.control("POST", "faults", [broken, *soak.fault_rules(given.rate, given.seed)])
        started = time.monotonic()
        fleet.kill_when(fleet.start(), given.clusters // 4, given.clusters // 2)
        there, runs = fleet.ready(), 1
        while True:
            runs += 1
            found = fleet.end(fleet.start())
            if fleet.failed(found) == [never] or runs == soak.MAX_RUNS:
                break
        seconds = time.monotonic() - started
        fleet.check_failed(found)
        log = fleet.control("GET", "log")["requests"]
        fleet.control("DELETE", "faults")
        fleet.check()
        found = fleet.end(fleet.start())
        fleet.check_failed(found)
        if found.get("changed"):
            fleet.complaints.append("the last run changed %s" % found["actions"])
        later = fleet.control("GET", "log?since=%d" % log[-1]["seq"])["requests"]
        for entry in later:
            if entry["method"] != "GET" and not entry["path"].endswith("/tokens"):
                fleet.complaints.append("the last run sent %s %s" % (entry["method"], entry["path"]))
        fleet.check()
    disturbed = sum(1 for entry in log if entry["faults"])
    refused = sum(entry["status"] == 401 for entry in log)
    rows = [
        ("clusters", "%d with %d node groups" % (given.clusters, sum(1 + len(wanted["nodegroups"]) for wanted in documents))),
        ("clusters that were ready when the play was killed", there),
        ("runs until all but one had succeeded", runs),
        ("seconds", "%.0f" % seconds),
        ("requests", len(log)),
        ("requests that went wrong", "%d (%.0f %%)" % (disturbed, 100.0 * disturbed / len(log))),
        ("requests with a revoked token", refused),
        ("requests of a last run that changed nothing", len(later)),
    ]
    soak.print_table(rows, fleet.complaints)
    return 1 if fleet.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
