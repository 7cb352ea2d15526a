# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulator for all tests of this folder, as new before each of them, with a clock driven by hand."""

from __future__ import annotations

import importlib.util
import pathlib
import sys

import pytest

SIMULATOR = pathlib.Path(__file__).resolve().parents[2] / "simulator"


def load_simulator():
    """The simulator's package, wherever the checkout is and however the tests were started."""
    if "nks_simulator" not in sys.modules:
        spec = importlib.util.spec_from_file_location("nks_simulator", SIMULATOR / "__init__.py", submodule_search_locations=[str(SIMULATOR)])
        module = importlib.util.module_from_spec(spec)
        sys.modules["nks_simulator"] = module
        spec.loader.exec_module(module)
    return sys.modules["nks_simulator"]


class Api:
    """A plain client: builds requests as the API guide has them and decides nothing."""

    def __init__(self, simulator, session, *, tenant="0123456789abcdef0123456789abcdef", user="demo@example.com", password="demo-api-password", region="kr1"):
        self.sim = simulator
        self.session = session
        self.tenant = tenant
        self.region = region
        self.headers = {"Accept": "application/json", "OpenStack-API-Version": "container-infra latest"}
        reply = self.login(tenant, user, password)
        assert reply.status_code == 200, reply.text
        self.headers["X-Auth-Token"] = reply.json()["access"]["token"]["id"]
        self.ids = session.get(f"{simulator.url}/_sim/ids", params={"tenant_id": tenant, "region": region}).json()

    def login(self, tenant="0123456789abcdef0123456789abcdef", user="demo@example.com", password="demo-api-password"):
        return self.session.post(
            f"{self.sim.auth_url}/tokens", json={"auth": {"tenantId": tenant, "passwordCredentials": {"username": user, "password": password}}}
        )

    def call(self, method, path, body=None, **options):
        headers = {name: value for name, value in {**self.headers, **options.pop("headers", {})}.items() if value is not None}
        headers.setdefault("Accept", "*/*")
        return self.session.request(method, f"{self.sim.url}/{self.region}/kubernetes/v1{path}", json=body, headers=headers, **options)

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, body, **options):
        return self.call("POST", path, body, **options)

    def lookup(self, path, **options):
        return self.session.get(f"{self.sim.url}/{self.region}/{path}", headers=self.headers, **options)

    def control(self, path, body=None, method="POST"):
        reply = self.session.request(method, f"{self.sim.url}/_sim/{path}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def pass_time(self, seconds=10):
        self.control("clock", {"advance": seconds})

    # Bodies of the guide's examples with the seeded UUIDs

    def cluster_body(self, name="demo", *, labels=(), without=(), **fields):
        all_labels = {
            "availability_zone": self.ids["zones"][0],
            "node_image": self.ids["images"]["Ubuntu Server 22.04 LTS Container"][0],
            "boot_volume_type": "General SSD",
            "boot_volume_size": "50",
            "cert_manager_api": "True",
            "ca_enable": "false",
            "kube_tag": "v1.31.4",
            "master_lb_floating_ip_enabled": "True",
            "external_network_id": self.ids["vpcs"]["public_network"][0],
            "external_subnet_id_list": ":".join(self.ids["subnets"][f"public_subnet_{n}"][0] for n in (1, 2, 3)),
        }
        all_labels.update(labels)
        body = {
            "name": name,
            "keypair": "demo-key",
            "cluster_template_id": "iaas_console",
            "node_count": 2,
            "flavor_id": self.ids["flavors"]["m2.c4m8"][0],
            "fixed_network": self.ids["vpcs"]["demo-vpc"][0],
            "fixed_subnet": self.ids["subnets"]["demo-subnet"][0],
            "labels": all_labels,
        }
        body.update(fields)
        for key in without:
            body["labels"].pop(key, None)
            body.pop(key, None)
        return body

    def private_body(self, name="private", **labels):
        return self.cluster_body(
            name,
            fixed_subnet=self.ids["subnets"]["private-subnet"][0],
            without=("external_network_id", "external_subnet_id_list"),
            labels={
                "master_lb_floating_ip_enabled": "False",
                "ncr_sgw": self.ids["service_gateways"]["demo-ncr"][0],
                "obs_sgw": self.ids["service_gateways"]["demo-obs"][0],
                **labels,
            },
        )

    def group_body(self, name="added", *, labels=(), without=(), **fields):
        all_labels = {"availability_zone": self.ids["zones"][1], "boot_volume_type": "General HDD", "boot_volume_size": "30", "ca_enable": "false"}
        all_labels.update(labels)
        body = {
            "name": name,
            "node_count": 1,
            "flavor_id": self.ids["flavors"]["m2.c2m4"][0],
            "image_id": self.ids["images"]["Ubuntu Server 22.04 LTS Container"][0],
            "labels": all_labels,
        }
        body.update(fields)
        for key in without:
            body["labels"].pop(key, None)
            body.pop(key, None)
        return body

    # Steps that other tests stand on

    def ready_cluster(self, name="demo", body=None):
        reply = self.post("/clusters", body or self.cluster_body(name))
        assert reply.status_code == 202, reply.text
        self.pass_time()
        found = self.get(f"/clusters/{reply.json()['uuid']}").json()
        assert found["status"] == "CREATE_COMPLETE", found
        return found

    def ready_group(self, cluster="demo", name="added", **fields):
        reply = self.post(f"/clusters/{cluster}/nodegroups", self.group_body(name, **fields))
        assert reply.status_code == 202, reply.text
        self.pass_time()
        return self.group(cluster, name)

    def group(self, cluster="demo", name="default-worker"):
        reply = self.get(f"/clusters/{cluster}/nodegroups/{name}")
        assert reply.status_code == 200, reply.text
        return reply.json()

    def node_ids(self, cluster="demo", name="default-worker"):
        return self.group(cluster, name)["labels"]["node_list"].split(":")

    def cluster(self, reference="demo"):
        reply = self.get(f"/clusters/{reference}")
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.fixture(scope="session")
def running_simulator():
    pytest.importorskip("flask")
    pytest.importorskip("requests")
    package = load_simulator()
    with package.Simulator(clock=package.Clock(frozen=True)) as simulator:
        yield simulator


@pytest.fixture
def sim(running_simulator):
    running_simulator.cloud.reset()
    return running_simulator


@pytest.fixture(scope="session")
def session():
    requests = pytest.importorskip("requests")
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


@pytest.fixture
def api(sim, session):
    return Api(sim, session)


@pytest.fixture
def new_api(sim, session):
    def make(**options):
        return Api(sim, session, **options)

    return make


@pytest.fixture
def refused():
    """Checks a refusal: status, the envelope, and a word of the reason."""

    def check(reply, status, word=""):
        assert reply.status_code == status, reply.text
        error = reply.json()["errors"][0]
        assert error["status"] == status
        assert error["request_id"] == ""
        assert error["code"] == ("client" if status < 500 else "server")
        assert error["title"] == error["detail"].split(".")[0]
        assert word in error["detail"], error["detail"]
        assert reply.headers["x-openstack-request-id"].startswith("req-")
        return error

    return check
