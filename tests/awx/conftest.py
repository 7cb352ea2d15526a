# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of docs/awx share: the installed collection, a simulator, and runs as AWX does them."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tools")]

import envs
import private_data
import targets


@pytest.fixture(scope="session")
def bin_folder():
    """The environment's programs."""
    return Path(sys.executable).parent


@pytest.fixture(scope="session")
def collections(bin_folder):
    """A folder with the collection as a project's update installs it: from the tarball."""
    top = envs.CACHE / "work" / "awx"
    shutil.rmtree(top, ignore_errors=True)
    tree = envs.copy_tree("awx")
    env = dict(os.environ, ANSIBLE_GALAXY_COLLECTIONS_PATH_WARNING="false")
    galaxy = [bin_folder / "ansible-galaxy", "collection"]
    envs.run([*galaxy, "build", "--output-path", top / "tarball", "."], env=env, cwd=tree)
    (tarball,) = (top / "tarball").glob("*.tar.gz")
    envs.run([*galaxy, "install", "--offline", "-p", top / "installed", tarball], env=env, cwd=top)
    return top / "installed"


class Cloud:
    """The simulator, with a credential for it."""

    def __init__(self, simulator):
        self.url = simulator.url
        fields = {field["id"] for field in private_data.document("credential-type/inputs.yml")["fields"]}
        access = {name[len("NHNCLOUD_") :].lower(): value for name, value in simulator.access.items()}
        self.credential = {name: value for name, value in access.items() if name in fields}

    def call(self, method, path, data=None):
        """Use the control API; return its answer."""
        answer = requests.request(method, "%s/_sim/%s" % (self.url, path), json=data, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def forget(self):
        """Forget the requests so far."""
        self.call("DELETE", "log")

    def requests(self):
        """The requests since then."""
        return self.call("GET", "log")["requests"]

    def token(self):
        """A token, as the service issues it."""
        names = {"username": self.credential["username"], "password": self.credential["password"]}
        body = {"auth": {"tenantId": self.credential["tenant_id"], "passwordCredentials": names}}
        return requests.post(self.credential["auth_url"] + "/tokens", json=body, timeout=30).json()["access"]["token"]["id"]


@pytest.fixture(scope="module")
def cloud(bin_folder, tmp_path_factory):
    """A simulated cloud for the tests of one file."""
    with targets.Simulator(bin_folder, tmp_path_factory.mktemp("simulator"), task_seconds=0.05) as simulator:
        yield Cloud(simulator)


NUMBERS = itertools.count(41)


@pytest.fixture
def new_run(tmp_path, collections):
    """Makes runs, each with a private data directory of its own unless its name is given."""

    def make(credential, name=None):
        ident = next(NUMBERS)
        return private_data.Run(tmp_path / (name or "awx_%d" % ident), ident, collections, credential)

    return make


@pytest.fixture(scope="session")
def ansible_doc(bin_folder, collections):
    """Gives what ansible-doc tells of a plugin."""

    def tell(kind, name):
        env = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(collections))
        done = subprocess.run([bin_folder / "ansible-doc", "--json", "-t", kind, name], env=env, capture_output=True, text=True, check=True)
        return private_data.json.loads(done.stdout)[name]["doc"]

    return tell
