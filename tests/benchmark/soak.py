# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole life of ten clusters at a cloud where a fifth of all requests goes wrong.

Every task is run as a playbook would run it, and run again where it failed, as its users do. At the end the state must be
what was asked for, without a second of anything, and a last round without faults must find nothing to do. The clock is
driven by hand, so hours of waiting take seconds. Prints a table; exit code 1 if anything is not as it should be.

    python tests/benchmark/soak.py --seed 1 --clusters 10
"""

from __future__ import annotations

import argparse
import collections
import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "unit"))

#: What goes wrong, each with the same chance.
FAULTS: tuple[dict, ...] = (
    {"effect": "reset_before"},
    {"effect": "reset_after"},
    {"effect": "status", "status": 503},
    {"effect": "status", "status": 503, "processed": True},
    {"effect": "status", "status": 429, "retry_after": 1},
    {"effect": "status", "status": 502, "body_type": "html"},
    {"effect": "status", "status": 504, "processed": True, "body_type": "empty"},
    {"effect": "garbage"},
    {"effect": "truncate"},
)
#: A user who runs a failed task again more often than this has reason to complain.
MAX_RUNS = 12


def fault_rules(rate, seed):
    """Rules of the simulator, by which this share of all requests goes wrong."""
    # Each rule sees only what the ones before it let pass.
    rest = 1.0
    for number, fault in enumerate(FAULTS):
        share = rate / len(FAULTS)
        yield dict(fault, probability=share / rest, seed=seed * 100 + number, times=None)
        rest -= share


def print_table(rows, complaints):
    """The figures, and what is not as it should be."""
    print("| what | figure |\n|---|---|")
    for label, value in [*rows, ("complaints", len(complaints))]:
        print("| %s | %s |" % (label, value))
    print("\n".join(complaints))


def life(support, name):
    """The tasks of one cluster's life, in order: (module, options)."""
    ready = dict(support.CLUSTER, name=name)
    group = dict(support.NODEGROUP, cluster=name, name="batch", node_count=1)
    targets = [{"cidr_address": "203.0.113.0/24", "description": "office"}, {"cidr_address": "198.51.100.7"}]
    return [
        ("cluster", ready),
        ("nodegroup", group),
        ("cluster", dict(ready, node_count=4)),
        ("nodegroup", dict(group, node_count=3, user_script="#!/bin/sh\ntrue\n")),
        ("ipacl", {"cluster": name, "action": "allow", "targets": targets}),
        ("nodegroup", dict(group, node_count=2, flavor="m2.c4m8", user_script="#!/bin/sh\ntrue\n")),
        ("autoscale", {"cluster": name, "nodegroup": "batch", "enabled": True, "min_node_count": 1, "max_node_count": 5}),
        ("cluster", {"name": name, "kubernetes_version": "v1.33.4", "upgrade": "all", "node_count": 3}),
        ("certificate", {"cluster": name, "renew_before_days": 4000, "term_of_validity": 5}),
    ]


def end(support, name):
    """What must be true of the cluster after its life, as tasks that find nothing to do."""
    return [
        ("cluster", {"name": name, "kubernetes_version": "v1.33.4", "upgrade": "all", "node_count": 3, "flavor": "m2.c4m8"}),
        ("nodegroup", {"cluster": name, "name": "batch", "flavor": "m2.c4m8", "node_count": 2, "user_script": "#!/bin/sh\ntrue\n"}),
        ("autoscale", {"cluster": name, "nodegroup": "batch", "enabled": True, "min_node_count": 1, "max_node_count": 5}),
        ("ipacl", life(support, name)[4][1]),
    ]


class Soak:
    """The run and what it counts."""

    def __init__(self, world, jobs, errors):
        self.world = world
        self.jobs = jobs
        self.errors = errors
        self.counts = collections.Counter()
        self.complaints = []

    def task(self, module, options):
        """One task, run until it succeeds."""
        for _run in range(MAX_RUNS):
            self.counts["runs"] += 1
            try:
                return self.world.run(self.jobs[module], dict(options, wait_interval=10)).result
            except self.errors.NksError as error:
                self.counts["failed runs"] += 1
                last = error.msg
        self.complaints.append("nks_%s %s did not get through in %d runs: %s" % (module, options, MAX_RUNS, last))
        return None

    def check(self, names):
        """The state behind the client's back: one of everything, all of it ready."""
        found = sorted(cluster.name for cluster in self.world.clusters)
        if found != sorted(names):
            self.complaints.append("clusters: wanted %s, there are %s" % (sorted(names), found))
        for cluster in self.world.clusters:
            groups = sorted(group.name for group in cluster.nodegroups.values() if group.name != "default-master")
            if groups != ["batch", "default-worker"]:
                self.complaints.append("%s has the node groups %s" % (cluster.name, groups))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clusters", type=int, default=10)
    parser.add_argument("--rate", type=float, default=0.2, help="share of requests that go wrong (default: %(default)s)")
    given = parser.parse_args()

    import conftest

    conftest.pytest_configure()
    from ansible_collections.nhncloud.nks.plugins.module_utils._common import errors
    from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import autoscale, certificate, cluster, ipacl, nodegroup
    from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils import support

    jobs = {"cluster": cluster.JOB, "nodegroup": nodegroup.JOB, "autoscale": autoscale.JOB, "ipacl": ipacl.JOB, "certificate": certificate.JOB}
    random.seed(given.seed)
    package = support.load_simulator()
    with package.Simulator(clock=package.Clock(frozen=True)) as simulator:
        world = support.World(simulator)
        world.reset(quota_clusters=given.clusters + 5, quota_nodegroups=5, task_seconds=40.0)
        soak = Soak(world, jobs, errors)
        names = ["soak-%d" % number for number in range(given.clusters)]
        for rule in fault_rules(given.rate, given.seed):
            world.fault(**rule)
        for tasks in zip(*(life(support, name) for name in names)):
            for module, options in tasks:
                soak.task(module, options)
        log = list(world.cloud.log)
        with world.cloud.lock:
            world.cloud.faults.clear()
        soak.check(names)
        for name in names:
            for module, options in end(support, name):
                result = soak.task(module, options)
                if result is not None and result["changed"]:
                    soak.complaints.append("nks_%s found work left on %s: %s" % (module, name, result["actions"]))
        disturbed = sum(1 for entry in log if entry["faults"])
        rows = [
            ("clusters", given.clusters),
            ("tasks", len(names) * len(life(support, "x"))),
            ("runs until all had succeeded", soak.counts["runs"] - len(names) * len(end(support, "x"))),
            ("runs that failed and were repeated", soak.counts["failed runs"]),
            ("requests", len(log)),
            ("requests that went wrong", "%d (%.0f %%)" % (disturbed, 100.0 * disturbed / len(log))),
        ]
        print_table(rows, soak.complaints)
    return 1 if soak.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
