# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs each row of docs/requests.md and holds what is asked against what is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.nhncloud.nks.plugins.module_utils._entry.jobs import JOBS
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.pool import Pool
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils import support

ROOT = Path(__file__).resolve().parents[3]
ROWS = re.findall(r"^\| `(nks_\w+: \{.*?\})` \| (`.*?`) \|", (ROOT / "docs" / "requests.md").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def world():
    package = support.load_simulator()
    with package.Simulator(clock=package.Clock(frozen=True)) as simulator:
        made = support.World(simulator)
        made.reset()
        for name in ("demo", "closed"):
            made.seed(name)
        made.run(JOBS["nks_nodegroup"], support.NODEGROUP)
        made.run(JOBS["nks_ipacl"], {"cluster": "closed", "action": "allow", "targets": [{"cidr_address": "203.0.113.0/24"}]})
        yield made


def asked(requests):
    """Paths behind each service's version and tenant, UUIDs left out."""
    paths = [entry["path"].partition("?")[0] for entry in requests]
    return [support.UUID.sub("*", re.sub(r"^.*?/(v1|v2\.0|v2/[0-9a-f]{32}|v2)/", "", path)) for path in paths]


def test_every_module_has_a_row():
    assert {task.partition(":")[0] for task, _reads in ROWS} == set(JOBS)


@pytest.mark.parametrize("task, reads", ROWS, ids=[task for task, _reads in ROWS])
def test_task_sends_exactly_the_documented_requests(world, task, reads, monkeypatch):
    # Concurrent reads, in the order in which they are begun.
    monkeypatch.setattr(Pool, "submit", support.submit_at_once)
    ((module, options),) = yaml.safe_load(task).items()
    outcome = world.run(JOBS[module], options)
    assert not outcome["changed"]
    token, *others = outcome.requests
    assert (token["method"], token["path"].rpartition("/")[2]) == ("POST", "tokens")
    assert {entry["method"] for entry in others} == {"GET"}
    assert asked(others) == re.findall(r"`(.*?)`", reads)


def test_no_login_with_a_given_or_cached_token(world, tmp_path):
    options = {"name": "demo", "keypair": "demo-key"}
    cached = dict(options, token_cache=str(tmp_path / "tokens"))
    assert asked(world.run(JOBS["nks_cluster"], cached).requests) == ["tokens", "clusters/demo"]
    assert asked(world.run(JOBS["nks_cluster"], cached).requests) == ["clusters/demo"]
    with world.cloud.lock:
        token = next(iter(world.cloud.tokens))
    given = dict(options, token=token, kubernetes_endpoint=world.simulator.auth_url.replace("/identity/v2.0", "/kr1/kubernetes"))
    assert asked(world.run(JOBS["nks_cluster"], given).requests) == ["clusters/demo"]
