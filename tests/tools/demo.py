# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Demonstrates the collection against the simulated cloud: real ansible-playbook, real HTTP, no credentials.

Each step prints its command, so that you can repeat it. Everything is written below ``.cache``, and the
demonstration fails if a second run would change anything or if anything is left in the cloud or on the machine.

``demo.py TARBALL`` does the same with a tarball of the collection, installed into an empty directory, in an environment with only
the requirements that the README lists.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import envs
import release
from envs import CACHE, ROOT, SetupError, say
from targets import Simulator

PLAYBOOK = "playbooks/demo.yml"
TEARDOWN = "playbooks/teardown.yml"
INVENTORY = "playbooks/inventory/demo.nks.yml"
EXPORT = "playbooks/export.yml"
DRIFT = "playbooks/drift.yml"
FLEET = "playbooks/fleet.yml"
WANTED_NODES = 3  # not the playbook's default


class DemoError(Exception):
    """The demonstration did not have the expected result."""


class Stage:
    """Runs numbered steps and prints their command lines."""

    def __init__(self, env: dict[str, str], bin_folder: Path, cwd: Path) -> None:
        self.env = env
        self.bin_folder = bin_folder
        self.cwd = cwd
        self.number = 0

    def step(self, title: str, *command: str, status: int = 0) -> str:
        """Print and run one command that has to end with this status; return its output."""
        self.number += 1
        say("\n===== %d. %s" % (self.number, title))
        say("$ " + shlex.join(command))
        started = time.monotonic()
        output = []
        with subprocess.Popen(
            [str(self.bin_folder / command[0]), *command[1:]],
            cwd=self.cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout
            for line in process.stdout:
                output.append(line)
                print(line, end="", flush=True)
        say("(%.1f s)" % (time.monotonic() - started))
        if process.returncode != status:
            raise DemoError("step %d (%s) ended with status %d" % (self.number, title, process.returncode))
        return "".join(output)


def changes(output: str) -> list[int]:
    """Return the number of changes of each host, from a playbook's recap."""
    return [int(number) for number in re.findall(r"^\S+\s+: ok=\d+\s+changed=(\d+)", output, re.MULTILINE)]


def expect(truth: bool, text: str) -> None:
    """Report a result, or stop."""
    if not truth:
        raise DemoError("not true: " + text)
    say("----- Shown: %s" % text)


def install(tarball: Path, bin_folder: Path, scratch: Path) -> Path:
    """Install the tarball, check what ansible-doc shows of it, and return the directory of collections."""
    collections = scratch / "collections"
    place = collections / "ansible_collections" / "nhncloud" / "nks"
    stage = Stage(envs.environment(bin_folder, ANSIBLE_COLLECTIONS_PATH=str(collections)), bin_folder, scratch)
    stage.step("Install the collection", "ansible-galaxy", "collection", "install", "--offline", str(tarball), "-p", str(collections))
    output = stage.step("List the installed collection", "ansible-galaxy", "collection", "list")
    expect("nhncloud.nks %s" % release.version() in re.sub(" +", " ", output), "it is nhncloud.nks %s" % release.version())
    for kind, folder in (("module", "modules"), ("inventory", "inventory")):
        there = sorted(path.stem for path in (ROOT / "plugins" / folder).glob("*.py"))
        output = stage.step("Show their documentation", "ansible-doc", "--type", kind, *("nhncloud.nks." + name for name in there))
        documented = re.findall(r"^> (?:MODULE|INVENTORY) nhncloud\.nks\.(\w+) \(%s/" % re.escape(str(place)), output, re.MULTILINE)
        expect(sorted(documented) == there, "all of %s have documentation: %s" % (folder, ", ".join(there)))
    return collections


def play(bin_folder: Path, scratch: Path, tarball: Path | None = None) -> None:
    """Run all steps."""
    kubeconfig = scratch / "kubeconfig"
    simulator = Simulator(envs.controller_env()[0], scratch)
    collections = install(tarball, bin_folder, scratch) if tarball else envs.collections()
    playbook, teardown, export, drift, fleet = ("nhncloud.nks.%s" % Path(name).stem if tarball else name for name in (PLAYBOOK, TEARDOWN, EXPORT, DRIFT, FLEET))
    inventory = str(collections / "ansible_collections" / "nhncloud" / "nks" / INVENTORY) if tarball else INVENTORY
    say("\n===== Start a simulated cloud on a free port of this machine")
    say("$ " + shlex.join(os.path.relpath(word, ROOT) if word.startswith(str(ROOT)) else word for word in simulator.command()))
    with simulator:
        access = simulator.access
        extra = ["-e", "kubeconfig_path=%s" % kubeconfig, "-e", "wait_interval=0.2"]
        say("\n===== The environment of every command below (for the real cloud: your own values, no NHNCLOUD_AUTH_URL)")
        shown = dict(access, ANSIBLE_COLLECTIONS_PATH=os.path.relpath(collections, ROOT))
        for name, value in shown.items():
            say("export %s=%s" % (name, shlex.quote(value)))
        env = envs.environment(bin_folder, **dict(access, ANSIBLE_COLLECTIONS_PATH=str(collections), ANSIBLE_HOST_PATTERN_MISMATCH="error"))
        stage = Stage(env, bin_folder, scratch if tarball else ROOT)

        output = stage.step("Create a cluster, a node group and a kubeconfig", "ansible-playbook", playbook, *extra)
        expect(sum(changes(output)) > 0, "the playbook created them")
        expect(kubeconfig.is_file() and kubeconfig.stat().st_mode & 0o777 == 0o600, "the kubeconfig is a file that only its owner can read")

        output = stage.step("List its worker nodes as an inventory", "ansible-inventory", "-i", inventory, "--graph")
        hosts = re.findall(r"^[\s|]*\|--([^@\s]\S*)$", output, re.MULTILINE)
        expect("@nks_cluster_" in output and "@nks_nodegroup_" in output and bool(hosts), "%d nodes, by cluster and node group" % len(set(hosts)))

        output = stage.step("Run the same playbook again", "ansible-playbook", playbook, *extra)
        expect(bool(changes(output)) and not any(changes(output)), "the second run reports changed=0")

        output = stage.step(
            "Show in check mode what another number of nodes would change",
            "ansible-playbook",
            playbook,
            *extra,
            *("--check", "--diff", "-e", "node_count=%d" % WANTED_NODES),
        )
        expect(sum(changes(output)) > 0 and "node_count" in output, "check mode reports the change and its diff")

        output = stage.step("Run the playbook again: check mode has changed nothing", "ansible-playbook", playbook, *extra)
        expect(bool(changes(output)) and not any(changes(output)), "check mode changed nothing")

        # The files of the demonstration stay below .cache.
        documents = ["-e", "fleet_dir=%s" % (scratch / "clusters")]
        report = scratch / "drift"
        output = stage.step("Write the cluster as a document", "ansible-playbook", export, *documents)
        document = (scratch / "clusters" / "demo.yml").read_text()
        say(document)
        expect("name: demo" in document and "name: batch" in document, "the document describes the cluster and its node group")

        change = "cluster=demo name=batch node_count=2 wait_interval=0.2"
        stage.step("Change the cluster without its document", "ansible", "localhost", "-m", "nhncloud.nks.nks_nodegroup", "-a", change)
        output = stage.step("Report the drift", "ansible-playbook", drift, *documents, "-e", "drift_report=%s" % report, status=2)
        written = report.with_suffix(".md").read_text()
        say(written)
        expect("node_count 2 to 1" in written, "the report shows the difference, and the playbook fails because of it")

        output = stage.step("Apply the document", "ansible-playbook", fleet, *documents, "-e", "wait_interval=0.2")
        expect(sum(changes(output)) == 1 and "resize cluster/demo/nodegroup/batch" in output, "the playbook repaired the drift")
        output = stage.step("Report the drift again", "ansible-playbook", drift, *documents, "-e", "drift_report=%s" % report)
        expect("as documented" in output, "nothing differs")

        output = stage.step("Delete everything", "ansible-playbook", teardown, "-e", "cluster_name=demo", *extra)
        expect(sum(changes(output)) > 0 and not kubeconfig.exists(), "the playbook deleted everything, including the kubeconfig")

        output = stage.step("List the clusters that are left", "ansible", "localhost", "-m", "nhncloud.nks.nks_cluster_info")
        expect(bool(re.search(r'"?clusters"?: \[\]', output)), "no cluster is left")
        process = simulator.process
    expect(process is not None and process.poll() is not None, "the simulator has ended")


def main() -> int:
    """Make the environment, run the steps, and clean up."""
    started = time.monotonic()
    scratch = CACHE / ("demo-installed" if sys.argv[1:] else "demo")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        tarball = Path(sys.argv[1]).resolve() if sys.argv[1:] else None
        bin_folder, version, core = envs.installed_env() if tarball else envs.controller_env()
        say("ansible-core %s on Python %s, in %s" % (core, version, os.path.relpath(bin_folder.parent, ROOT)))
        play(bin_folder, scratch, tarball)
    except (DemoError, SetupError, RuntimeError) as error:
        say("\nThe demonstration failed: %s" % error)
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    say("\nThe demonstration is over (%.0f s): everything was created, listed, kept unchanged, exported, repaired and deleted." % (time.monotonic() - started))
    return 0


if __name__ == "__main__":
    sys.exit(main())
