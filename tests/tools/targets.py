# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs integration targets against the simulator, as ``ansible-test integration`` does.

The same targets run with ansible-test. It is not used here because it needs an SSH client on every machine, passes no
environment variable on (so only one entry point could be tested), and needs a simulator that is already running.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import envs


class Outcome(NamedTuple):
    """The result of one target."""

    target: str
    passed: int
    failed: int
    seconds: float
    output: str


class Simulator:
    """The simulator as a separate process on a free loopback port; a context manager."""

    def __init__(self, bin_folder: Path, scratch: Path, task_seconds: float = 0.3) -> None:
        self.python = bin_folder / "python"
        self.scratch = scratch
        self.task_seconds = task_seconds
        self.url = ""
        self.process: subprocess.Popen | None = None
        self.log = scratch / "simulator.log"
        self.access: dict[str, str] = {}  # the variables that users export

    def command(self) -> list[str]:
        """Return the command line that starts it."""
        return [
            str(self.python),
            str(envs.ROOT / "tests" / "simulator"),
            *("--port", "0"),
            *("--port-file", str(self.scratch / "port")),
            *("--task-seconds", str(self.task_seconds)),
            *("--parent-pid", str(os.getpid())),
        ]

    def __enter__(self) -> Simulator:
        self.scratch.mkdir(parents=True, exist_ok=True)
        port_file = self.scratch / "port"
        port_file.unlink(missing_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=envs.environment(self.python.parent)
            )
        limit = time.monotonic() + 60
        while time.monotonic() < limit and self.process.poll() is None:
            port = port_file.read_text().strip() if port_file.exists() else ""
            self.access = dict(re.findall(r"^export (\w+)=(\S+)$", self.log.read_text(), re.MULTILINE))
            if port and "NHNCLOUD_REGION" in self.access:
                self.url = "http://127.0.0.1:%s" % port
                return self
            time.sleep(0.05)
        self.stop()
        raise RuntimeError("The simulator did not start:\n%s" % self.log.read_text(errors="replace"))

    def stop(self) -> None:
        """End the process, first with SIGTERM."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __exit__(self, *args: object) -> None:
        self.stop()


def find_targets(tree: Path) -> list[str]:
    """Return the names of the targets that can be run alone."""
    found = []
    for folder in sorted((tree / "tests" / "integration" / "targets").glob("*")):
        aliases = folder / "aliases"
        words = set(re.sub(r"#.*", "", aliases.read_text()).split()) if aliases.exists() else set()
        if folder.is_dir() and not words & {"hidden", "disabled", "unsupported"}:
            found.append(folder.name)
    return found


def _count(output: str) -> tuple[int, int]:
    """Return how many tasks succeeded and failed, from the recap of each playbook run."""
    good = bad = 0
    for line in re.findall(r"^\S+\s+: (ok=.*)$", output, re.MULTILINE):
        numbers = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}
        good += numbers.get("ok", 0)
        bad += numbers.get("failed", 0) + numbers.get("unreachable", 0)
    return good, bad


def run_target(tree: Path, target: str, *, bin_folder: Path, managed_python: Path, in_process: bool, limit: float = 900) -> Outcome:
    """Run one target of the copy ``tree`` with its own simulator; every error counts as a failure of this target."""
    started = time.monotonic()
    try:
        return _run_target(tree, target, bin_folder, managed_python, in_process, limit)
    except (OSError, RuntimeError) as error:
        return Outcome(target, 0, 1, time.monotonic() - started, "%s\n" % error)


def _run_target(tree: Path, target: str, bin_folder: Path, managed_python: Path, in_process: bool, limit: float) -> Outcome:
    integration = tree / "tests" / "integration"
    scratch = envs.CACHE / "tmp" / ("%s-%s" % (tree.parents[2].name, target))
    shutil.rmtree(scratch, ignore_errors=True)
    output_dir = scratch / "output"
    output_dir.mkdir(parents=True)
    folder = integration / "targets" / target
    started = time.monotonic()

    inventory = integration / "inventory"
    inventory.write_text('[testgroup]\ntesthost ansible_connection="local" ansible_python_interpreter="%s"\n' % managed_python)
    with Simulator(bin_folder, scratch) as simulator:
        config = integration / "integration_config.yml"
        access = {name[len("NHNCLOUD_") :].lower(): value for name, value in simulator.access.items()}
        # JSON is YAML. The second variable is made for module_defaults.
        config.write_text(json.dumps({"nks_simulator_url": simulator.url, "nks_simulator_access": access}, indent=4) + "\n")
        env = envs.environment(
            bin_folder,
            ANSIBLE_COLLECTIONS_PATH=str(tree.parents[2]),
            ANSIBLE_ROLES_PATH=str(integration / "targets"),
            ANSIBLE_DEPRECATION_WARNINGS="true",
            ANSIBLE_RETRY_FILES_ENABLED="false",
            ANSIBLE_FORCE_HANDLERS="true",
            ANSIBLE_HOST_PATTERN_MISMATCH="error",
            NHNCLOUD_IN_PROCESS="true" if in_process else "false",
            OUTPUT_DIR=str(output_dir),
            INVENTORY_PATH=str(inventory),
        )
        script = folder / "runme.sh"
        if script.exists():
            command = [str(script), "-e", "@%s" % config]
            cwd = folder
            env["ANSIBLE_PLAYBOOK_DIR"] = str(folder)
        else:
            playbook = integration / ("%s-playbook.yml" % target)
            aliases = (folder / "aliases").read_text() if (folder / "aliases").exists() else ""
            play = {
                "hosts": "testhost",
                "gather_facts": "gather_facts/no" not in aliases,
                "vars_files": [config.name],
                "vars": {"output_dir": str(output_dir)},
                "roles": [target],
            }
            playbook.write_text(json.dumps([play], indent=4))
            command = [str(bin_folder / "ansible-playbook"), "-i", str(inventory), playbook.name, "-v"]
            cwd = integration
        status, output = run_group(command, cwd, env, limit)
        log = simulator.log.read_text(errors="replace")
        if simulator.process and simulator.process.poll() is not None:
            status, output = status or 1, output + "\nThe simulator ended before the target did.\n"
    good, bad = _count(output)
    if status == 0 and good == 0:
        output += "\nThe target reports success, but no task ran.\n"
    if not script.exists() and "TASK [%s : " % target not in output:
        # Roles that it depends on can have run anyway.
        status, output = status or 1, output + "\nThe target has no task of its own.\n"
    if "[DEPRECATION WARNING]" in output:
        status, output = status or 1, output + "\nThe target caused a deprecation warning.\n"
    if "Traceback (most recent call last)" in log:
        status, output = status or 1, output + "\nThe simulator failed:\n" + "\n".join(log.splitlines()[-60:]) + "\n"
    failed = 0 if status == 0 and good and not bad else max(bad, 1)
    if not failed:
        shutil.rmtree(scratch, ignore_errors=True)
    return Outcome(target, good, failed, time.monotonic() - started, output)


def run_group(command: list[str], cwd: Path, env: dict[str, str], limit: float) -> tuple[int, str]:
    """Run a command in a new process group, and end the whole group if it takes too long."""
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        try:
            output = process.communicate(timeout=limit)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output = process.communicate()[0] + "\nStopped: it took more than %d seconds.\n" % limit
            return 1, output
    return process.returncode, output


def main() -> int:
    """Run the targets named on the command line (default: all) through both entry points."""
    bin_folder, dummy_version, core = envs.controller_env()
    failed = 0
    for in_process in (True, False):
        tree = envs.copy_tree("targets-%s" % ("in-process" if in_process else "module"))
        for target in sys.argv[1:] or find_targets(tree):
            outcome = run_target(tree, target, bin_folder=bin_folder, managed_python=bin_folder / "python", in_process=in_process)
            if outcome.failed:
                print(outcome.output)
            print("%s in_process=%s core=%s: %d ok, %d failed, %.0f s" % (target, in_process, core, *outcome[1:4]), flush=True)
            failed += outcome.failed
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
