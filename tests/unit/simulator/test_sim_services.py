# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identity, headers, look-ups, faults and the control API."""

from __future__ import annotations

import datetime
import http.client
import json
import pathlib
import subprocess
import sys

import pytest

requests = pytest.importorskip("requests")

COMPUTE = "compute/v2/0123456789abcdef0123456789abcdef"


# -- identity


def test_token(api):
    access = api.login().json()["access"]
    issued = datetime.datetime.strptime(access["token"]["issued_at"], "%Y-%m-%dT%H:%M:%S.%f")
    expires = datetime.datetime.strptime(access["token"]["expires"], "%Y-%m-%dT%H:%M:%SZ")
    assert datetime.timedelta(hours=11.9) < expires - issued <= datetime.timedelta(hours=12)
    catalogue = {service["type"]: service["endpoints"] for service in access["serviceCatalog"]}
    assert {endpoint["region"] for endpoint in catalogue["compute"]} == {"KR1", "KR2", "KR3", "JP1"}
    assert {endpoint["region"] for endpoint in catalogue["container-infra"]} == {"KR1", "KR2", "KR3"}
    assert catalogue["container-infra"][0]["publicURL"] == f"{api.sim.url}/kr1/kubernetes/v1"
    assert catalogue["compute"][0]["publicURL"] == f"{api.sim.url}/kr1/compute/v2/{api.tenant}"
    assert catalogue["network"][0]["publicURL"] == f"{api.sim.url}/kr1/network"
    assert catalogue["identity"][0]["publicURL"] == api.sim.auth_url


def test_catalog_options(api):
    def types():
        return {service["type"] for service in api.login().json()["access"]["serviceCatalog"]}

    api.control("settings", {"catalogue_kubernetes": ""})
    assert not types() & {"container-infra", "kubernetes"}
    api.control("settings", {"catalogue_kubernetes": "kubernetes", "catalogue_omit": ["image"]})
    assert "kubernetes" in types()
    assert "image" not in types()


@pytest.mark.parametrize(
    "arguments, status",
    [
        ({"password": "wrong"}, 401),
        ({"user": "nobody@example.com"}, 401),
        ({"tenant": "fedcba9876543210fedcba9876543210"}, 401),
    ],
)
def test_invalid_credentials_are_rejected(api, arguments, status):
    reply = api.login(**arguments)
    assert reply.status_code == status
    assert reply.json()["error"]["code"] == status


def test_malformed_login(api, session):
    assert session.post(f"{api.sim.auth_url}/tokens", json={"auth": {}}).status_code == 400
    assert session.post(f"{api.sim.auth_url}/tokens", data="x").status_code == 400


def test_tokens_expire_and_are_revoked(api):
    assert api.get("/clusters").status_code == 200
    assert api.get("/clusters", headers={"X-Auth-Token": None}).status_code == 401
    api.pass_time(12 * 3600 + 1)
    reply = api.get("/clusters")
    assert reply.status_code == 401
    assert set(reply.json()["error"]) == {"code", "title", "message"}
    assert api.lookup(f"{COMPUTE}/flavors").status_code == 401
    assert api.get("/nonsense").status_code == 401
    api.headers["X-Auth-Token"] = api.login().json()["access"]["token"]["id"]
    assert api.get("/clusters").status_code == 200
    api.control("password", {"password": "new-password"})
    assert api.get("/clusters").status_code == 401
    assert api.login().status_code == 401
    reply = api.login(password="new-password")
    assert reply.status_code == 200
    api.headers["X-Auth-Token"] = reply.json()["access"]["token"]["id"]
    api.control("expire-tokens")
    assert api.get("/clusters").status_code == 401


# -- headers and envelopes


def test_microversion(api):
    api.ready_cluster()
    for value in (None, "container-infra 1.1", "container-infra 1.6"):
        headers = {"OpenStack-API-Version": value}
        assert api.get("/clusters", headers=headers).status_code == 200
        for method, path, body in (
            ("GET", "/clusters/demo/nodegroups", None),
            ("GET", "/clusters/demo/nodegroups/default-worker", None),
            ("POST", "/clusters/demo/actions/resize", {}),
            ("POST", "/clusters/demo/nodegroups/default-worker/upgrade", {}),
        ):
            reply = api.call(method, path, body, headers=headers)
            assert reply.status_code == 406
            error = reply.json()["errors"][0]
            assert "status" not in error
            assert {"title", "min_version", "max_version"} <= set(error)
    for value in ("latest", "nks latest", "container-infra", "container-infra 1.99", "container-infra 2.0"):
        assert api.get("/clusters", headers={"OpenStack-API-Version": value}).status_code == 406
    assert api.get("/clusters/demo/nodegroups", headers={"OpenStack-API-Version": "container-infra 1.9"}).status_code == 200


def test_accept_header(api):
    for accept in ("*/*", "text/plain"):
        reply = api.get("/clusters/none", headers={"Accept": accept})
        assert (reply.status_code, reply.content) == (404, b"")
    assert api.get("/clusters", headers={"Accept": "text/html"}).status_code == 406
    assert api.get("/clusters", headers={"Accept": "*/*"}).status_code == 200


def test_trailing_slash_and_unknown_paths(api, refused):
    api.ready_cluster()
    for path in ("/clusters/", "/clusters/demo/", "/clusters/demo/nodegroups/", "/supports/", "/clustertemplates"):
        refused(api.get(path), 404)
    refused(api.call("PUT", "/clusters/demo", {}), 405)
    assert api.get("/clusters/demo/", allow_redirects=False).status_code == 404


def test_invalid_request_bodies_are_rejected(api, refused):
    url = f"{api.sim.url}/kr1/kubernetes/v1/clusters"
    refused(api.session.post(url, data="{", headers={**api.headers, "Content-Type": "application/json"}), 400, "JSON")
    refused(api.session.post(url, data="{}", headers=api.headers), 415, "mimetype")
    refused(api.session.post(url, headers=api.headers), 400, "body")
    refused(api.post("/clusters", [1]), 400, "object")


def test_keep_alive_and_request_ids(api):
    connection = http.client.HTTPConnection(api.sim.host, api.sim.port, timeout=5)
    ids, sockets = set(), set()
    body = json.dumps({"name": "never read by a handler"})
    for method, path, sent in (
        ("GET", "clusters", None),
        ("DELETE", "clusters/none", None),
        ("PUT", "clusters", body),
        ("POST", "nowhere", body),
        ("GET", "clusters", None),
    ):
        connection.request(method, f"/kr1/kubernetes/v1/{path}", sent, api.headers)
        reply = connection.getresponse()
        reply.read()
        ids.add(reply.headers["x-openstack-request-id"])
        sockets.add(connection.sock)
    assert len(ids) == 5
    assert len(sockets) == 1
    assert None not in sockets
    connection.close()
    assert api.lookup(f"{COMPUTE}/flavors").headers["x-openstack-request-id"].startswith("req-")


def test_chunked_request_body(api):
    connection = http.client.HTTPConnection(api.sim.host, api.sim.port, timeout=5)
    text = json.dumps(api.cluster_body()).encode()
    for dummy in range(2):
        connection.request(
            "POST", "/kr1/kubernetes/v1/clusters", iter([text[:50], text[50:]]), {**api.headers, "Content-Type": "application/json"}, encode_chunked=True
        )
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 202
    connection.close()


# -- look-ups


def names(reply, key):
    assert reply.status_code == 200, reply.text
    return [item["name"] for item in reply.json()[key]]


def test_networks(api):
    reply = api.lookup("network/v2.0/networks", params={"router:external": "True"})
    external = reply.json()["networks"]
    assert [item["name"] for item in external] == ["public_network"]
    again = api.lookup("network/v2.0/networks?router:external=true").json()["networks"]
    assert again[0]["subnets"] != external[0]["subnets"]
    assert set(again[0]["subnets"]) == set(external[0]["subnets"])
    assert names(api.lookup("network/v2.0/networks"), "networks") == ["demo-vpc", "other-vpc", "public_network"]
    of_network = api.lookup("network/v2.0/subnets", params={"network_id": external[0]["id"]}).json()["subnets"]
    assert {subnet["id"] for subnet in of_network} == set(external[0]["subnets"])


def test_vpcs(api):
    assert names(api.lookup("network/v2.0/vpcs?name=demo-vpc"), "vpcs") == ["demo-vpc"]
    listed = api.lookup("network/v2.0/vpcs?router:external=True").json()["vpcs"]
    assert [item["name"] for item in listed] == ["public_network"]
    assert "subnets" not in listed[0]
    detail = api.lookup(f"network/v2.0/vpcs/{api.ids['vpcs']['demo-vpc'][0]}").json()["vpc"]
    assert {subnet["name"] for subnet in detail["subnets"]} == {"demo-subnet", "private-subnet", "extra-subnet", "tiny-subnet"}
    assert detail["routingtables"][0]["gateway_id"] == ""
    assert detail["routingtables"][1]["gateway_id"]
    assert api.lookup("network/v2.0/vpcs/none").status_code == 404


def test_subnets_and_routing_tables(api):
    both = api.lookup("network/v2.0/vpcsubnets?name=demo-subnet").json()["vpcsubnets"]
    assert len(both) == 2
    one = api.lookup("network/v2.0/vpcsubnets", params={"name": "demo-subnet", "vpc_id": both[0]["vpc_id"]}).json()
    assert one["vpcsubnets"][0]["routingtable"]["gateway_id"]
    private = api.lookup("network/v2.0/vpcsubnets?name=private-subnet").json()["vpcsubnets"][0]
    assert private["routingtable"]["gateway_id"] == ""
    detail = api.lookup(f"network/v2.0/vpcsubnets/{private['id']}").json()["vpcsubnet"]
    assert detail["name"] == "private-subnet"
    tables = api.lookup("network/v2.0/routingtables").json()["routingtables"]
    assert "gateway_id" not in tables[0]
    detailed = api.lookup("network/v2.0/routingtables?detail=true").json()["routingtables"]
    assert sum(bool(table["gateway_id"]) for table in detailed) == 2
    assert api.lookup(f"network/v2.0/routingtables/{detailed[0]['id']}").json()["routingtable"] == detailed[0]


def test_ports(api):
    address = api.ready_cluster()["node_addresses"][0]
    ports = api.lookup(f"network/v2.0/ports?fixed_ips=ip_address={address}").json()["ports"]
    assert len(ports) == 1
    assert ports[0]["device_id"] in api.node_ids()
    by_device = api.lookup("network/v2.0/ports", params={"device_id": ports[0]["device_id"]}).json()["ports"]
    assert by_device == ports


def test_compute(api, new_api):
    zones = api.lookup(f"{COMPUTE}/os-availability-zone").json()["availabilityZoneInfo"]
    assert [zone["zoneName"] for zone in zones] == ["kr-pub-a", "kr-pub-b"]
    keys = api.lookup(f"{COMPUTE}/os-keypairs").json()["keypairs"]
    assert [key["keypair"]["name"] for key in keys] == ["demo-key", "second-key"]
    assert api.lookup(f"{COMPUTE}/os-keypairs/demo-key").json()["keypair"]["name"] == "demo-key"
    assert api.lookup(f"{COMPUTE}/os-keypairs/other-key").status_code == 404
    flavors = names(api.lookup(f"{COMPUTE}/flavors"), "flavors")
    assert flavors.count("m2.c8m16") == 2
    assert "ram" not in api.lookup(f"{COMPUTE}/flavors").json()["flavors"][0]
    big = api.lookup(f"{COMPUTE}/flavors/detail?minRam=20000").json()["flavors"]
    assert {flavor["name"] for flavor in big} == {"r2.c4m32", "x1.c16m32", "g2.c8m90"}
    assert api.lookup(f"{COMPUTE}/flavors/{big[0]['id']}").json()["flavor"] == big[0]
    assert api.lookup("compute/v2/fedcba9876543210fedcba9876543210/flavors").status_code == 400
    api.region = "jp1"
    assert api.lookup(f"{COMPUTE}/flavors").status_code == 200


def test_servers(api):
    api.ready_cluster()
    servers = f"{COMPUTE}/servers"
    assert names(api.lookup(servers), "servers") == ["bastion", "demo-default-worker-node-0", "demo-default-worker-node-1"]
    assert "addresses" not in api.lookup(servers).json()["servers"][0]
    assert len(api.lookup(f"{servers}/detail?name=node-1").json()["servers"]) == 1
    assert len(api.lookup(f"{servers}/detail?name=d.mo").json()["servers"]) == 2
    assert api.lookup(f"{servers}/detail", params={"name": "("}).status_code == 400
    first = api.lookup(f"{servers}/detail?limit=2").json()
    assert first["servers_links"][0]["rel"] == "next"
    rest = api.session.get(first["servers_links"][0]["href"], headers=api.headers).json()
    assert [server["name"] for server in rest["servers"]] == ["demo-default-worker-node-1"]
    one = api.lookup(f"{servers}/{rest['servers'][0]['id']}").json()["server"]
    assert one["addresses"]["demo-vpc"][0]["OS-EXT-IPS:type"] == "fixed"
    assert len(api.lookup(f"{servers}?status=SHUTOFF").json()["servers"]) == 0


def test_servers_default_limit(api):
    api.control("seed", {"count": 11, "nodes": 10})
    page = api.lookup(f"{COMPUTE}/servers").json()
    assert len(page["servers"]) == 100
    assert "servers_links" in page
    assert len(api.lookup(f"{COMPUTE}/servers?limit=5000").json()["servers"]) == 111


def test_images(api):
    everything = names(api.lookup("image/v2/images"), "images")
    assert "Ubuntu Server 22.04 LTS" in everything
    for query, count in (("nhncloud_product=container", 4), ("nhncloud_allow_nks_cpu_flavor=true", 3), ("nhncloud_allow_nks_gpu_flavor=true", 1)):
        found = api.lookup(f"image/v2/images?{query}&visibility=public").json()["images"]
        assert len(found) == count
        assert 30 in {image["min_disk"] for image in found}
    assert api.lookup("image/v2/images?visibility=private").json()["images"] == []
    page = api.lookup("image/v2/images?limit=2").json()
    assert page["next"].startswith("/v2/images?")
    rest = api.lookup(f"image{page['next']}").json()["images"]
    assert [image["name"] for image in rest] == everything[2:4]
    one = api.lookup(f"image/v2/images/{rest[0]['id']}").json()
    assert one["name"] == rest[0]["name"]


def test_other_lookups(api):
    tenant = api.tenant
    assert names(api.lookup(f"volume/v2/{tenant}/types"), "volume_types") == ["General HDD", "General SSD"]
    groups = names(api.lookup("network/v2.0/security-groups"), "security_groups")
    assert {"default", "web"} <= set(groups)
    assert names(api.lookup("network/v2.0/security-groups?name=web"), "security_groups") == ["web"]
    gateways = api.lookup("network/v2.0/gateways/servicegateways?name=demo-ncr").json()["servicegateways"]
    endpoints = {}
    for path in ("serviceendpoints/", "serviceendpoints"):
        reply = api.lookup(f"network/v2.0/gateways/{path}")
        endpoints = {item["id"]: item["name"] for item in reply.json()["serviceendpoints"]}
    assert endpoints[gateways[0]["service_endpoint_id"]] == "NCR"
    api.ready_cluster()
    assert any("secgroup_kube_minion" in name for name in names(api.lookup("network/v2.0/security-groups"), "security_groups"))


# -- faults


@pytest.mark.parametrize(
    "rule, status, content",
    [
        ({"status": 503, "body_type": "html"}, 503, "<h1>503"),
        ({"status": 502, "body_type": "empty"}, 502, ""),
        ({"status": 429, "retry_after": 2}, 429, "Injected failure"),
        ({"status": 500, "body_type": "text", "body": "oops"}, 500, "oops"),
        ({"status": 400, "body": {"a": 1}}, 400, '{"a": 1}'),
    ],
)
def test_status_faults(api, rule, status, content):
    api.control("faults", {"effect": "status", "method": "GET", "path": "/clusters$", **rule})
    reply = api.get("/clusters")
    assert reply.status_code == status
    assert content in reply.text
    assert reply.headers.get("Retry-After") == (str(rule["retry_after"]) if "retry_after" in rule else None)
    assert api.get("/clusters").status_code == 200
    assert api.sim.request_log[-2]["faults"] == ["status"]


def test_connection_faults(api):
    api.control(
        "faults", [{"effect": "reset_before", "method": "POST", "path": "/clusters$"}, {"effect": "reset_after", "method": "POST", "path": "/clusters$"}]
    )
    with pytest.raises(requests.ConnectionError):
        api.post("/clusters", api.cluster_body())
    assert api.get("/clusters").json()["clusters"] == []
    with pytest.raises(requests.ConnectionError):
        api.post("/clusters", api.cluster_body())
    assert len(api.get("/clusters").json()["clusters"]) == 1


def test_response_faults(api):
    api.control(
        "faults",
        [
            {"effect": "truncate", "path": "/supports"},
            {"effect": "garbage", "path": "/supports"},
            {"effect": "redirect", "path": "/supports", "url": "http://127.0.0.1:9/elsewhere"},
            {"effect": "status", "status": 504, "processed": True, "method": "POST", "path": "clusters"},
        ],
    )
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        api.get("/supports")
    garbage = api.get("/supports")
    assert garbage.status_code == 200
    with pytest.raises(ValueError):
        garbage.json()
    redirect = api.get("/supports", allow_redirects=False)
    assert (redirect.status_code, redirect.headers["Location"]) == (302, "http://127.0.0.1:9/elsewhere")
    assert api.get("/supports").status_code == 200
    assert api.post("/clusters", api.cluster_body()).status_code == 504
    assert len(api.get("/clusters").json()["clusters"]) == 1


def test_times_skip_and_probability(api):
    api.control("faults", {"effect": "status", "status": 503, "path": "/supports", "skip": 1, "times": 2})
    assert [api.get("/supports").status_code for dummy in range(4)] == [200, 503, 503, 200]
    api.control("faults", method="DELETE")
    rule = {"effect": "status", "status": 503, "path": "/supports", "probability": 0.5, "seed": 7}
    runs = []
    for dummy in range(2):
        api.control("faults", rule)
        runs.append([api.get("/supports").status_code for dummy in range(20)])
        api.control("faults", method="DELETE")
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 503}


@pytest.mark.parametrize(
    "rule",
    [
        {"effect": "explode"},
        {"effect": "status"},
        {"effect": "status", "status": 500, "paht": "x"},
        {"effect": "delay"},
        {"effect": "redirect"},
        5,
        {"effect": "reset_before", "path": "("},
    ],
)
def test_invalid_fault_rules_are_rejected(api, rule):
    assert api.session.post(f"{api.sim.url}/_sim/faults", json=rule).status_code == 400


def test_delay_combines_with_another_fault(api):
    api.control("faults", [{"effect": "delay", "seconds": 0.001, "path": "/supports"}, {"effect": "status", "status": 500, "path": "/supports"}])
    assert api.get("/supports").status_code == 500
    assert api.sim.request_log[-1]["faults"] == ["delay", "status"]


# -- the control API


def test_log(api, session):
    start = api.sim.request_log[-1]["seq"]
    api.post("/clusters", api.cluster_body(), params={"x": "1"})
    api.get("/clusters")
    entries = api.control(f"log?since={start}", method="GET")["requests"]
    assert [(entry["method"], entry["path"], entry["status"]) for entry in entries] == [
        ("POST", "/kr1/kubernetes/v1/clusters", 400),
        ("GET", "/kr1/kubernetes/v1/clusters", 200),
    ]
    assert entries[0]["query"] == [["x", "1"]]
    assert entries[0]["body"]["name"] == "demo"
    assert entries[0]["headers"]["openstack-api-version"] == "container-infra latest"
    text = json.dumps(api.control("log", method="GET"))
    assert api.headers["X-Auth-Token"] not in text
    assert "demo-api-password" not in text
    assert entries[0]["headers"]["x-auth-token"] == entries[1]["headers"]["x-auth-token"]
    api.control("log", method="DELETE")
    assert api.sim.request_log == []


@pytest.mark.parametrize("method, path", [("POST", "reset"), ("GET", "log"), ("DELETE", "faults"), ("POST", "shutdown"), ("POST", "seed")])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "attacker.example:8080", "Origin": "http://attacker.example:8080", "Sec-Fetch-Site": "same-origin"},
        {"Host": "127.0.0.1.attacker.example"},
        {"Host": "localhost.attacker.example"},
        {"Host": "attacker@127.0.0.1"},
        {"Host": ""},
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=lambda headers: ", ".join("%s: %s" % item for item in headers.items()),
)
def test_cross_site_control_requests_are_rejected(api, method, path, headers):
    """What a browser sends for a page of somebody else's, with and without DNS rebinding."""
    api.ready_cluster()
    reply = api.session.request(method, f"{api.sim.url}/_sim/{path}", headers={"Content-Type": "text/plain", **headers}, data=b"{}")
    assert (reply.status_code, list(reply.json())) == (403, ["error"])
    assert [cluster["name"] for cluster in api.control("state", method="GET")["clusters"]] == ["demo"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:1", "[::1]:8080", "192.0.2.7:80"])
def test_control_requests_by_ip_or_localhost_are_accepted(api, host):
    for headers in ({"Host": host}, {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}, {"Host": host, "Sec-Fetch-Site": "none"}):
        assert api.session.post(f"{api.sim.url}/_sim/reset", headers=headers).status_code == 200


def test_settings_are_validated(api):
    for wrong in ({"task_second": 1}, {"busy_status": 418}, {"task_seconds": "1"}, {"cni_removed": 1}, 5):
        assert api.session.post(f"{api.sim.url}/_sim/settings", json=wrong).status_code == 400
    assert api.control("settings", {"task_seconds": 5})["task_seconds"] == 5
    api.control("reset")
    assert api.control("settings", method="GET")["task_seconds"] == 2


def test_control_api_changes_cluster_state(api):
    api.ready_cluster()
    api.control(
        "clusters/demo",
        {
            "status": "UPDATE_IN_PROGRESS",
            "labels": {"strict_sg_rules": "True"},
            "fields": {"keypair": "managed-by-nks"},
            "nodes": {"demo-default-worker-node-0": {"status": "SHUTOFF"}},
            "nodegroups": {"default-worker": {"node_count": 4, "labels": {"ca_enable": "true"}}},
        },
    )
    found, group = api.cluster(), api.group()
    assert found["status"] == "UPDATE_IN_PROGRESS"
    assert found["labels"]["strict_sg_rules"] == "True"
    assert found["keypair"] == "managed-by-nks"
    assert group["node_count"] == 4
    assert group["labels"]["ca_enable"] == "true"
    state = api.control("state", method="GET")["clusters"][0]
    assert [node["status"] for node in state["nodegroups"]["default-worker"]["nodes"]].count("SHUTOFF") == 1
    api.control("clusters/demo", {"delete": True})
    assert api.get("/clusters/demo").status_code == 404
    assert api.session.post(f"{api.sim.url}/_sim/clusters/demo", json={"delete": True}).status_code == 400


def test_seed(api):
    uuids = api.control("seed", {"count": 20, "nodegroups": 3, "nodes": 10, "prefix": "many"})["uuids"]
    listed = api.get("/clusters").json()["clusters"]
    assert [item["uuid"] for item in listed] == uuids
    assert {item["node_count"] for item in listed} == {30}
    addresses = [address for uuid_ in uuids for address in api.cluster(uuid_)["node_addresses"]]
    assert len(set(addresses)) == 600
    assert len(api.get(f"/clusters/{uuids[0]}/nodegroups").json()["nodegroups"]) == 3


def test_reset(api):
    api.ready_cluster()
    api.control("faults", {"effect": "status", "status": 500})
    api.control("reset")
    assert api.get("/clusters").json()["clusters"] == []


@pytest.mark.parametrize("command", [["tests/simulator"], ["-m", "tests.simulator"]])
def test_command_line(command, tmp_path):
    root = pathlib.Path(__file__).resolve().parents[3]
    port_file, log_file = tmp_path / "port", tmp_path / "log"
    arguments = [
        sys.executable,
        *command,
        "--port-file",
        str(port_file),
        "--log-file",
        str(log_file),
        "--password",
        "another",
        "--regions",
        "kr2",
        "--task-seconds",
        "0",
    ]
    with subprocess.Popen(arguments, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = [process.stdout.readline().strip() for dummy in range(6)]
            exported = dict(line.removeprefix("export ").split("=", 1) for line in lines[1:])
            assert lines[0].endswith(port_file.read_text().strip())
            assert exported["NHNCLOUD_REGION"] == "kr2"
            reply = requests.post(
                exported["NHNCLOUD_AUTH_URL"] + "/tokens",
                timeout=5,
                json={
                    "auth": {
                        "tenantId": exported["NHNCLOUD_TENANT_ID"],
                        "passwordCredentials": {"username": exported["NHNCLOUD_USERNAME"], "password": exported["NHNCLOUD_PASSWORD"]},
                    }
                },
            )
            assert reply.status_code == 200
            url = lines[0].removeprefix("Ready: ")
            assert requests.post(url + "/_sim/shutdown", timeout=5).status_code == 200
            assert process.wait(10) == 0
        finally:
            process.kill()
    assert json.loads(log_file.read_text().splitlines()[0])["status"] == 200
