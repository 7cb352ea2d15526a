# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the programs that measure have in common: one simulator, playbooks by their tasks, and their seconds."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import sys
import time
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "tools"), str(ROOT / "tests" / "benchmark"), str(ROOT / "tests" / "unit")]

import envs  # noqa: E402
import requests  # noqa: E402
from replay import Replay  # noqa: E402
from targets import Simulator  # noqa: E402

PLAY = {"hosts": "localhost", "gather_facts": False, "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}}


class Bench:
    """One machine, one simulator, one folder for what is written meanwhile.

    :ivar facts: what the plot is drawn from.
    :ivar plugins: directory of inventory plugins that only the benchmark has.
    """

    def __init__(self, simulator: Simulator, bin_folder: pathlib.Path, scratch: pathlib.Path, rounds: int) -> None:
        self.simulator = simulator
        self.bin_folder = bin_folder
        self.scratch = scratch
        self.rounds = rounds
        self.facts: dict = {}
        self.plugins = scratch / "plugins"
        self.plugins.mkdir()
        self.env = envs.environment(
            bin_folder,
            **simulator.access,
            ANSIBLE_COLLECTIONS_PATH=str(envs.collections()),
            ANSIBLE_INVENTORY_PLUGINS=str(self.plugins),
        )

    # -- what everything is measured with

    def seconds(self, command: list, env: dict[str, str], rounds: int | None = None) -> float:
        """The shortest of some runs: what the machine does besides only ever adds."""
        found = []
        for _round in range(rounds or self.rounds):
            started = time.perf_counter()
            done = subprocess.run([str(word) for word in command], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            found.append(time.perf_counter() - started)
            if done.returncode:
                raise SystemExit("%s\nended with status %d: %s" % (done.stderr, done.returncode, command))
        return min(found)

    def write(self, name: str, content: object) -> pathlib.Path:
        """A file of the scratch folder; JSON is YAML."""
        path = self.scratch / name
        path.write_text(json.dumps(content))
        return path

    def play(
        self,
        tasks: list[dict],
        program: pathlib.Path | None = None,
        rounds: int | None = None,
        vars_files: Sequence[str] = (),
        env: dict[str, str] | None = None,
        **more: str,
    ) -> float:
        """Seconds of a playbook.

        :param vars_files: files of the scratch folder.
        """
        path = self.write("tasks.yml", [dict(PLAY, tasks=tasks, vars_files=list(vars_files))])
        return self.seconds([(program or self.bin_folder) / "ansible-playbook", path], dict(env or self.env, **more), rounds)

    def seed(self, **body: object) -> None:
        """Ready clusters, without a request of the collection's."""
        requests.post(self.simulator.url + "/_sim/seed", json=body, timeout=300).raise_for_status()

    @contextlib.contextmanager
    def replaying(self):
        """A server that takes no time, and the environment that leads to it."""
        with Replay(self.simulator.url) as replay:
            yield replay, dict(self.env, NHNCLOUD_AUTH_URL=self.simulator.access["NHNCLOUD_AUTH_URL"].replace(self.simulator.url, replay.url))

    def parse(self, name: str, source: pathlib.Path, env: dict[str, str], rounds: int | None = None) -> dict:
        """What parsing one source takes; of some runs the one with the fewest seconds."""
        command = [self.bin_folder / "python", "-B", ROOT / "tests" / "benchmark" / "parse.py", name, source]
        found = []
        for _round in range(rounds or self.rounds):
            done = subprocess.run([str(word) for word in command], env=env, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr)
            found.append(json.loads(done.stdout.splitlines()[-1]))
        return min(found, key=lambda result: result["seconds"])
