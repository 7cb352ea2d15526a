# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``api``: every operation as the API guide has it, lists to their end, one new token for a refused one."""

from __future__ import annotations

import importlib.util
import pathlib
import re
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._client import calls
from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api
from ansible_collections.nhncloud.nks.plugins.module_utils._client.identity import Identity
from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import Transport
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, BadReply, NksError, NoAnswer
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.stubs import FakeClock, StubServer, answer

SIMULATOR = pathlib.Path(__file__).resolve().parents[3] / "simulator"
UUID = "5801ef8a-3760-4858-b467-fc4c1201241d"
GROUP = "018b06c5-1293-4081-8242-167a1cb9f262"
NODES = ["593e4aee-697f-4808-aa5b-d3c8703795ff", "ce2e2d2a-ddf5-41da-a338-72e7f5237088"]
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class FakeIdentity:
    """Endpoints of one server, and tokens with numbers."""

    def __init__(self, url, fixed=False):
        self.url = url
        self.fixed = fixed
        self.number = 1
        self.renewed = []

    def token(self):
        return "token-%d" % self.number

    def renew(self, refused):
        if self.fixed:
            raise NksError("The token has expired.", status_code=401)
        self.renewed.append(refused)
        self.number += 1
        return self.token()

    def endpoint(self, name, region=None):
        return "%s/%s%s" % (self.url, region + "/" if region else "", name)


@pytest.fixture(scope="module")
def running():
    server = StubServer()
    yield server
    server.stop()


@pytest.fixture
def stub(running):
    running.clear()
    return running


@pytest.fixture
def transport():
    made = Transport(FakeClock(), max_retries=3)
    yield made
    made.close()


@pytest.fixture
def api(stub, transport):
    return Api(transport, FakeIdentity(stub.url))


C = "/clusters/" + UUID
G = C + "/nodegroups/" + GROUP
# What each operation of the guide sends: method of Api, arguments, verb, path, body.
OPERATIONS = [
    ("clusters", (), {}, "GET", "/clusters", None),
    ("cluster", (UUID,), {}, "GET", C, None),
    ("events", (UUID,), {}, "GET", C + "/events", None),
    ("event", (UUID, GROUP), {}, "GET", C + "/events/" + GROUP, None),
    ("create_cluster", ({"name": "test-k8s", "node_count": 1, "labels": {}},), {}, "POST", "/clusters", {"name": "test-k8s", "node_count": 1, "labels": {}}),
    ("delete_cluster", (UUID,), {}, "DELETE", C, None),
    ("resize", (UUID, "default-worker", 3), {}, "POST", C + "/actions/resize", {"nodegroup": "default-worker", "node_count": 3}),
    ("resize", (UUID, GROUP, 0, []), {}, "POST", C + "/actions/resize", {"nodegroup": GROUP, "node_count": 0}),
    ("resize", (UUID, GROUP, 1, NODES), {}, "POST", C + "/actions/resize", {"nodegroup": GROUP, "node_count": 1, "nodes_to_remove": NODES}),
    ("kubeconfig", (UUID,), {}, "GET", C + "/config", None),
    ("update_cni", (UUID, "calico", "10.200.0.0/16"), {}, "POST", C + "/actions/cni_update", {"cni": "calico", "pod_cidr": "10.200.0.0/16"}),
    (
        "update_cni",
        (UUID, "calico", "10.200.0.0/16", 24),
        {"num_buffer_nodes": 0, "num_max_unavailable_nodes": 1},
        "POST",
        C + "/actions/cni_update",
        {"cni": "calico", "pod_cidr": "10.200.0.0/16", "pod_subnet": "24", "num_buffer_nodes": 0, "num_max_unavailable_nodes": 1},
    ),
    ("ipacl", (UUID,), {}, "GET", C + "/api_ep_ipacl", None),
    (
        "set_ipacl",
        (UUID, "true", "ALLOW", [{"cidr_address": "192.168.0.5"}, {"cidr_address": "10.10.22.0/24", "description": "Your Friends"}]),
        {},
        "POST",
        C + "/api_ep_ipacl",
        {
            "enable": "true",
            "action": "ALLOW",
            "ipacl_targets": [{"cidr_address": "192.168.0.5"}, {"cidr_address": "10.10.22.0/24", "description": "Your Friends"}],
        },
    ),
    ("set_ipacl", (UUID, "false"), {}, "POST", C + "/api_ep_ipacl", {"enable": "false"}),
    ("renew_certificate", (UUID, 5), {}, "PATCH", "/certificates/" + UUID, {"term_of_validity": 5}),
    ("update_service_gateways", (UUID, NODES[0], NODES[1]), {}, "POST", C + "/actions/update_sgw", {"ncr_sgw": NODES[0], "obs_sgw": NODES[1]}),
    ("nodegroups", (UUID,), {}, "GET", C + "/nodegroups", None),
    ("nodegroup", (UUID, GROUP), {}, "GET", G, None),
    ("create_nodegroup", (UUID, {"name": "added", "node_count": 0}), {}, "POST", C + "/nodegroups", {"name": "added", "node_count": 0}),
    ("delete_nodegroup", (UUID, GROUP), {}, "DELETE", G, None),
    ("stop_nodes", (UUID, GROUP, NODES), {}, "POST", G + "/stop_node", {"node_list": ":".join(NODES)}),
    ("start_nodes", (UUID, GROUP, NODES[:1]), {}, "POST", G + "/start_node", {"node_list": NODES[0]}),
    ("autoscale", (UUID, GROUP), {}, "GET", G + "/autoscale", None),
    (
        "set_autoscale",
        (UUID, GROUP, {"ca_enable": False, "ca_min_node_count": 0}),
        {},
        "POST",
        G + "/autoscale",
        {"ca_enable": False, "ca_min_node_count": 0},
    ),
    ("upgrade", (UUID, "default-master", "v1.31.4"), {}, "POST", C + "/nodegroups/default-master/upgrade", {"version": "v1.31.4"}),
    (
        "upgrade",
        (UUID, GROUP, "v1.31.4"),
        {"num_buffer_nodes": 0, "num_max_unavailable_nodes": 2},
        "POST",
        G + "/upgrade",
        {"version": "v1.31.4", "num_buffer_nodes": 0, "num_max_unavailable_nodes": 2},
    ),
    ("set_user_script", (UUID, GROUP, ""), {}, "POST", G + "/userscript", {"contents": ""}),
    ("set_user_script", (UUID, GROUP, "#!/bin/sh\n"), {}, "POST", G + "/userscript", {"contents": "#!/bin/sh\n"}),
    ("set_flavor", (UUID, GROUP, NODES[0]), {}, "PATCH", G, {"type": "flavor_id", "flavor_id": NODES[0]}),
    (
        "set_flavor",
        (UUID, GROUP, NODES[0]),
        {"num_buffer_nodes": 0, "num_max_unavailable_nodes": 1},
        "PATCH",
        G,
        {"type": "flavor_id", "flavor_id": NODES[0], "num_buffer_nodes": 0, "num_max_unavailable_nodes": 1},
    ),
    ("supports", (), {}, "GET", "/supports", None),
]
#: The guide's 25 operations; "-" stands for a UUID or name.
GUIDE = {
    ("GET", "/clusters"),
    ("GET", "/clusters/-"),
    ("GET", "/clusters/-/events"),
    ("GET", "/clusters/-/events/-"),
    ("POST", "/clusters"),
    ("DELETE", "/clusters/-"),
    ("POST", "/clusters/-/actions/resize"),
    ("GET", "/clusters/-/config"),
    ("POST", "/clusters/-/actions/cni_update"),
    ("POST", "/clusters/-/api_ep_ipacl"),
    ("GET", "/clusters/-/api_ep_ipacl"),
    ("PATCH", "/certificates/-"),
    ("POST", "/clusters/-/actions/update_sgw"),
    ("GET", "/clusters/-/nodegroups"),
    ("GET", "/clusters/-/nodegroups/-"),
    ("POST", "/clusters/-/nodegroups"),
    ("DELETE", "/clusters/-/nodegroups/-"),
    ("POST", "/clusters/-/nodegroups/-/stop_node"),
    ("POST", "/clusters/-/nodegroups/-/start_node"),
    ("GET", "/clusters/-/nodegroups/-/autoscale"),
    ("POST", "/clusters/-/nodegroups/-/autoscale"),
    ("POST", "/clusters/-/nodegroups/-/upgrade"),
    ("POST", "/clusters/-/nodegroups/-/userscript"),
    ("PATCH", "/clusters/-/nodegroups/-"),
    ("GET", "/supports"),
}


def operation(verb, path):
    """A request as the guide writes it."""
    path = re.sub(r"^/(clusters|certificates)/[^/]+", r"/\1/-", path)
    return verb, re.sub(r"/(nodegroups|events)/[^/]+", r"/\1/-", path)


class TestOperations:
    @pytest.mark.parametrize("method, args, options, verb, path, body", OPERATIONS, ids=[row[0] for row in OPERATIONS])
    def test_operation_request_matches_api_guide(self, stub, api, method, args, options, verb, path, body):
        key = {"clusters": "clusters", "events": "events", "nodegroups": "nodegroups"}.get(method)
        reply = {key: [{"uuid": UUID}]} if key else {"uuid": UUID}
        stub.add(answer(204) if verb == "DELETE" else answer(202 if body is not None else 200, reply))
        found = getattr(api, method)(*args, **options)
        assert found == (None if verb == "DELETE" else reply[key] if key else reply)
        (sent,) = stub.requests
        assert (sent.method, sent.target) == (verb, "/kubernetes" + path)
        assert sent.body == body
        assert sent.headers["x-auth-token"] == "token-1"
        assert sent.headers["openstack-api-version"] == "container-infra latest"
        assert sent.headers["accept"] == "application/json"
        assert sent.headers["content-type"] == "application/json"

    def test_all_25_api_guide_operations_are_covered(self):
        assert len(GUIDE) == 25
        assert {operation(row[3], row[4]) for row in OPERATIONS} == GUIDE

    @pytest.mark.parametrize("method, args, options, verb, path, body", OPERATIONS, ids=[row[0] for row in OPERATIONS])
    @pytest.mark.parametrize("reply", [[], "text", 5, None])
    def test_unexpected_response_type_is_reported(self, stub, api, method, args, options, verb, path, body, reply):
        if verb == "DELETE":
            return
        stub.default = answer(200, reply, body=b"null" if reply is None else None)
        with pytest.raises(BadReply, match=r"^Could not .*: the answer has no (object|list).*\(HTTP 200, request id req-1\)") as caught:
            getattr(api, method)(*args, **options)
        assert caught.value.values == {"status_code": 200, "request_id": "req-1"}

    @pytest.mark.parametrize("method, args, options, verb, path, body", OPERATIONS, ids=[row[0] for row in OPERATIONS])
    def test_rejected_request_error_names_operation(self, stub, api, method, args, options, verb, path, body):
        stub.default = answer(409, {"errors": [{"detail": "Busy."}]})
        with pytest.raises(ApiError, match=r"^Could not [a-z]+ .*: Busy \(HTTP 409, request id req-1\)\.$"):
            getattr(api, method)(*args, **options)

    @pytest.mark.parametrize("method, args, options, verb, path, body", OPERATIONS, ids=[row[0] for row in OPERATIONS])
    def test_reads_are_retried_and_writes_are_not(self, stub, api, method, args, options, verb, path, body):
        stub.default = answer(503)
        with pytest.raises(NoAnswer):
            getattr(api, method)(*args, **options)
        assert len(stub.requests) == (4 if verb == "GET" else 1)

    @pytest.mark.parametrize(
        "ref, quoted",
        [("a/b", "a%2Fb"), ("a b", "a%20b"), ("a?b#c", "a%3Fb%23c"), ("../x", "..%2Fx"), ("\ud55c", "%ED%95%9C"), ("%2e", "%252e"), ("caf\udce9", "caf%3F")],
    )
    def test_reference_is_quoted_as_one_path_segment(self, stub, api, ref, quoted):
        stub.default = answer(200, {"uuid": UUID})
        api.cluster(ref)
        api.nodegroup(UUID, ref)
        api.renew_certificate(ref, 1)
        assert [sent.target for sent in stub.requests] == [
            "/kubernetes/clusters/" + quoted,
            "/kubernetes" + C + "/nodegroups/" + quoted,
            "/kubernetes/certificates/" + quoted,
        ]

    @pytest.mark.parametrize("ref", ["", ".", ".."])
    def test_reference_that_changes_the_path_is_rejected(self, stub, api, ref):
        for call in (lambda: api.delete_nodegroup(UUID, ref), lambda: api.delete_cluster(ref), lambda: api.event(UUID, ref), lambda: api.cluster(ref)):
            with pytest.raises(NksError, match="neither a name nor a UUID"):
                call()
        assert stub.requests == []

    @quick
    @given(st.text())
    def test_any_reference_stays_in_its_path_segment(self, stub, api, ref):
        stub.clear()
        stub.default = answer(200, {"uuid": UUID})
        try:
            api.nodegroup(UUID, ref)
        except NksError:
            assert ref in ("", ".", "..")
            return
        assert re.fullmatch("/kubernetes%s/nodegroups/[^/?#]+" % C, stub.requests[0].target)

    def test_user_script_is_not_shown_in_errors(self, stub, api):
        stub.add(answer(400, {"errors": [{"detail": "Invalid input '#!/bin/sh\\nexport PW=hunter2\\n'."}]}))
        with pytest.raises(ApiError) as caught:
            api.set_user_script(UUID, GROUP, "#!/bin/sh\nexport PW=hunter2\n")
        assert "hunter2" not in caught.value.msg

    def test_region_uses_its_own_endpoint(self, stub, transport):
        stub.default = answer(200, {"clusters": []})
        Api(transport, FakeIdentity(stub.url), region="kr2").clusters()
        assert stub.requests[0].path == "/kr2/kubernetes/clusters"


LOOKUPS = [
    ("vpcs", (), "/network/vpcs", "vpcs", []),
    ("external_networks", (), "/network/networks", "networks", [("router:external", "True")]),
    ("subnets", (), "/network/subnets", "subnets", []),
    ("subnets", (UUID,), "/network/subnets", "subnets", [("network_id", UUID)]),
    ("vpc_subnets", (), "/network/vpcsubnets", "vpcsubnets", []),
    ("vpc_subnets", (UUID,), "/network/vpcsubnets", "vpcsubnets", [("vpc_id", UUID)]),
    ("security_groups", (), "/network/security-groups", "security_groups", []),
    ("service_gateways", (), "/network/gateways/servicegateways", "servicegateways", []),
    ("service_endpoints", (), "/network/gateways/serviceendpoints/", "serviceendpoints", []),
    ("availability_zones", (), "/compute/os-availability-zone", "availabilityZoneInfo", []),
    ("keypairs", (), "/compute/os-keypairs", "keypairs", []),
    ("flavors", (), "/compute/flavors/detail", "flavors", []),
    ("servers", (), "/compute/servers/detail", "servers", [("limit", "1000")]),
    (
        "images",
        ({"nhncloud_product": "container", "visibility": "public"},),
        "/image/images",
        "images",
        [("nhncloud_product", "container"), ("visibility", "public")],
    ),
    ("volume_types", (), "/volume/types", "volume_types", []),
]


class TestLookups:
    @pytest.mark.parametrize("method, args, path, key, query", LOOKUPS)
    def test_lookup_request_matches_api_guide(self, stub, api, method, args, path, key, query):
        stub.add(answer(200, {key: [{"id": "1"}]}))
        assert getattr(api, method)(*args) == [{"id": "1"}]
        (sent,) = stub.requests
        assert (sent.method, sent.path, sent.query, sent.body) == ("GET", path, query, None)
        assert sent.headers["x-auth-token"] == "token-1"
        assert sent.headers["accept"] == "application/json"
        assert "openstack-api-version" not in sent.headers


def pages(key, *sizes, **more):
    """Pages of a list, each but the last with ``next``; items are numbered through."""
    made, number = [], 0
    for position, size in enumerate(sizes):
        items = [{"uuid": "%d" % item} for item in range(number, number + size)]
        number += size
        page = dict({key: items}, **more)
        if position < len(sizes) - 1:
            page["next"] = "http://internal.example:9511/v1/%s?limit=2&marker=%d&sort_dir=asc" % (key, number - 1)
        made.append(answer(200, page))
    return made


class TestPaging:
    @pytest.mark.parametrize("sizes", [(2,), (2, 1), (2, 2, 0), (0,), (1, 1, 1, 1)])
    def test_all_pages_are_read(self, stub, api, sizes):
        stub.add(*pages("clusters", *sizes))
        assert [item["uuid"] for item in api.clusters()] == [str(number) for number in range(sum(sizes))]
        assert len(stub.requests) == len(sizes)

    def test_only_marker_of_next_link_is_used(self, stub, api):
        other = StubServer()
        stub.add(
            answer(200, {"clusters": [{"uuid": "a"}], "next": other.url + "/elsewhere?limit=1&marker=a%2Fb&secret=1"}),
            answer(200, {"clusters": []}),
        )
        assert api.clusters() == [{"uuid": "a"}]
        other.stop()
        assert other.requests == []
        assert [(sent.path, sent.query) for sent in stub.requests] == [("/kubernetes/clusters", []), ("/kubernetes/clusters", [("marker", "a/b")])]

    def test_filters_are_sent_with_every_page(self, stub, api):
        stub.add(answer(200, {"images": [{"id": "a"}], "next": "/v2/images?limit=1&marker=a"}), answer(200, {"images": [{"id": "b"}]}))
        assert [item["id"] for item in api.images({"visibility": "public"})] == ["a", "b"]
        assert stub.requests[1].query == [("visibility", "public"), ("marker", "a")]

    def test_compute_pagination_links_are_supported(self, stub, api):
        links = [{"rel": "self", "href": "x"}, {"rel": "next", "href": "http://x/servers/detail?marker=a&limit=1"}]
        stub.add(answer(200, {"servers": [{"id": "a"}], "servers_links": links}), answer(200, {"servers": [{"id": "b"}]}))
        assert [item["id"] for item in api.servers()] == ["a", "b"]
        assert stub.requests[1].query == [("limit", "1000"), ("marker", "a")]

    @pytest.mark.parametrize("following", [None, 5, [], {}, "", "no query", "http://[", "http://x/?limit=2", "http://x/?marker="])
    def test_next_link_without_marker_ends_list(self, stub, api, following):
        stub.add(answer(200, {"clusters": [{"uuid": "a"}], "next": following, "clusters_links": following}))
        assert api.clusters() == [{"uuid": "a"}]

    def test_ignored_marker_returns_each_item_once(self, stub, api):
        stub.default = answer(200, {"clusters": [{"uuid": "a"}], "next": "http://x/?marker=a"})
        assert api.clusters() == [{"uuid": "a"}]
        assert len(stub.requests) == 2

    def test_endless_list_is_rejected(self, stub, api, monkeypatch):
        monkeypatch.setattr(calls, "MAX_PAGES", 20)
        stub.default = lambda sent: answer(200, {"clusters": [], "next": "http://x/?marker=%d" % len(stub.requests)})
        with pytest.raises(BadReply, match="list the clusters: the list does not end"):
            api.clusters()
        assert len(stub.requests) == 20

    @pytest.mark.parametrize("body", [{}, {"clusters": None}, {"clusters": {}}, {"clusters": [1]}, {"clusters": [None]}, {"nodegroups": []}])
    def test_response_without_expected_list_is_reported(self, stub, api, body):
        stub.default = answer(200, body)
        with pytest.raises(BadReply, match="has no list under 'clusters'"):
            api.clusters()

    def test_failed_page_is_retried_without_restarting_list(self, stub, api):
        first, second = pages("clusters", 1, 1)
        stub.add(first, answer(502), second)
        assert len(api.clusters()) == 2
        assert [sent.query for sent in stub.requests] == [[], [("marker", "0")], [("marker", "0")]]

    def test_list_400_during_cluster_creation_is_retried(self, stub, api, transport):
        stub.add(answer(400, {"errors": [{"detail": "node_count"}]}), answer(400), *pages("clusters", 1))
        assert len(api.clusters()) == 1
        assert len(transport.clock.sleeps) == 2

    def test_list_400_retries_are_limited(self, stub, api):
        stub.default = answer(400, {"errors": [{"detail": "Invalid node_count."}]})
        with pytest.raises(ApiError, match="Could not list the clusters: Invalid node_count"):
            api.clusters()
        assert len(stub.requests) == 4

    def test_cluster_400_for_node_count_is_retried(self, stub, api, transport):
        stub.add(answer(400, {"errors": [{"detail": "Invalid node_count."}]}), answer(200, {"uuid": UUID}))
        assert api.cluster(UUID) == {"uuid": UUID}
        assert len(transport.clock.sleeps) == 1

    def test_other_cluster_400_is_not_retried(self, stub, api, transport):
        stub.add(answer(400, {"errors": [{"detail": "Invalid name."}]}))
        with pytest.raises(ApiError, match="Invalid name"):
            api.cluster("x")
        assert transport.clock.sleeps == []


class TestTokens:
    @pytest.mark.parametrize("call", [lambda api: api.cluster(UUID), lambda api: api.create_cluster({"name": "x"}), lambda api: api.delete_cluster(UUID)])
    def test_rejected_token_is_renewed_once_for_reads_and_writes(self, stub, api, call):
        stub.add(answer(401, {"error": {"code": 401}}), answer(202, {"uuid": UUID}))
        call(api)
        assert [sent.headers["x-auth-token"] for sent in stub.requests] == ["token-1", "token-2"]
        assert stub.requests[0].raw == stub.requests[1].raw
        assert api.identity.renewed == ["token-1"]

    def test_second_token_rejection_is_reported(self, stub, api):
        stub.default = answer(401, {"error": {"code": 401, "message": "No."}})
        with pytest.raises(ApiError, match=r"Could not read cluster .*: No \(HTTP 401.*it has expired, or a change of the API password has revoked it"):
            api.cluster(UUID)
        assert len(stub.requests) == 2

    def test_expired_fixed_token_is_reported(self, stub, transport):
        stub.default = answer(401)
        with pytest.raises(NksError, match="The token has expired"):
            Api(transport, FakeIdentity(stub.url, fixed=True)).cluster(UUID)
        assert len(stub.requests) == 1

    def test_token_expiring_between_pages_loses_no_page(self, stub, api):
        first, second = pages("clusters", 1, 1)
        stub.add(first, answer(401), second)
        assert [item["uuid"] for item in api.clusters()] == ["0", "1"]


# -- against the simulator, which refuses what the service refuses ---------------------------------------------------


def load_simulator():
    if "nks_simulator" not in sys.modules:
        spec = importlib.util.spec_from_file_location("nks_simulator", str(SIMULATOR / "__init__.py"), submodule_search_locations=[str(SIMULATOR)])
        module = importlib.util.module_from_spec(spec)
        sys.modules["nks_simulator"] = module
        spec.loader.exec_module(module)
    return sys.modules["nks_simulator"]


@pytest.fixture
def cloud():
    pytest.importorskip("flask")
    with load_simulator().Simulator(task_seconds=0) as simulator:
        yield simulator


@pytest.fixture
def account(cloud):
    transport = Transport(FakeClock(), max_retries=4)
    options = {name[len("NHNCLOUD_") :].lower(): value for name, value in cloud.environment.items()}
    yield Api(transport, Identity(transport, options))
    transport.close()


def one(items, name):
    (found,) = [item for item in items if item["name"] == name]
    return found["id"]


def cluster_body(api, name, private=False, **labels):
    """The guide's example, with the names of the simulated cloud."""
    network = one(api.vpcs(), "demo-vpc")
    subnets = {item["name"]: item["id"] for item in api.vpc_subnets(network)}
    (external,) = api.external_networks()
    body = {
        "cluster_template_id": "iaas_console",
        "name": name,
        "keypair": "demo-key",
        "node_count": 2,
        "flavor_id": one(api.flavors(), "m2.c2m4"),
        "fixed_network": network,
        "fixed_subnet": subnets["private-subnet" if private else "demo-subnet"],
        "labels": {
            "availability_zone": api.availability_zones()[0]["zoneName"],
            "node_image": one(api.images({"nhncloud_allow_nks_cpu_flavor": "true", "visibility": "public"}), "Ubuntu Server 24.04 LTS Container"),
            "boot_volume_type": api.volume_types()[0]["name"],
            "boot_volume_size": "30",
            "cert_manager_api": "True",
            "ca_enable": "False",
            "kube_tag": "v1.31.4",
            "master_lb_floating_ip_enabled": "False",
        },
    }
    if private:
        gateways = api.service_gateways()
        body["labels"].update(ncr_sgw=one(gateways, "demo-ncr"), obs_sgw=one(gateways, "demo-obs"))
    else:
        body["labels"].update(external_network_id=external["id"], external_subnet_id_list=":".join(external["subnets"]))
    body["labels"].update(labels)
    return body


class TestWithSimulator:
    def test_every_operation_takes_effect(self, cloud, account):
        api = account
        uuid = api.create_cluster(cluster_body(api, "demo"))["uuid"]
        assert [item["name"] for item in api.clusters()] == ["demo"]
        assert api.cluster("demo")["uuid"] == uuid
        (event,) = api.events(uuid)
        assert api.event(uuid, event["uuid"])["type"] == "CLUSTER_CREATE"
        assert "apiVersion" in api.kubeconfig(uuid)["config"]
        assert api.supports()["supported_k8s"]["v1.31.4"] is True

        example = cluster_body(api, "x")
        names = ("availability_zone", "boot_volume_type", "boot_volume_size", "ca_enable")
        group = {"name": "added", "node_count": 1, "flavor_id": example["flavor_id"], "image_id": example["labels"]["node_image"]}
        group["labels"] = {name: example["labels"][name] for name in names}
        added = api.create_nodegroup(uuid, group)["uuid"]
        assert {item["name"] for item in api.nodegroups(uuid)} == {"default-worker", "added"}

        api.resize(uuid, "added", 3)
        nodes = api.nodegroup(uuid, added)["labels"]["node_list"].split(":")
        assert len(nodes) == 3
        api.resize(uuid, added, 2, nodes[:1])
        assert set(api.nodegroup(uuid, "added")["labels"]["node_list"].split(":")) == set(nodes[1:])
        api.stop_nodes(uuid, added, nodes[2:])
        assert {item["status"] for item in api.servers() if item["id"] == nodes[2]} == {"SHUTOFF"}
        api.start_nodes(uuid, added, nodes[2:])
        assert {item["status"] for item in api.servers() if item["id"] == nodes[2]} == {"ACTIVE"}

        api.set_autoscale(uuid, added, {"ca_enable": True, "ca_min_node_count": 1, "ca_max_node_count": 4})
        assert api.autoscale(uuid, added)["ca_max_node_count"] == 4
        api.set_autoscale(uuid, added, {"ca_enable": False})
        assert api.autoscale(uuid, added)["ca_enable"] is False
        api.set_user_script(uuid, added, "#!/bin/sh\n")
        assert api.nodegroup(uuid, added)["labels"]["user_script_v2"] == "#!/bin/sh\n"
        flavor = one(api.flavors(), "m2.c4m8")
        api.set_flavor(uuid, added, flavor, num_buffer_nodes=0)
        assert api.nodegroup(uuid, added)["flavor_id"] == flavor

        api.set_ipacl(uuid, "true", "DENY", [{"cidr_address": "203.0.113.0/24", "description": "d"}])
        assert api.ipacl(uuid)["ipacl_targets"] == [{"cidr_address": "203.0.113.0/24", "description": "d"}]
        api.set_ipacl(uuid, "false")
        assert str(api.ipacl(uuid)["enable"]).lower() == "false"
        api.renew_certificate(uuid, 3)
        assert api.cluster(uuid)["labels"]["term_of_validity"] == "3"
        for target in ("default-master", "default-worker", "added"):
            api.upgrade(uuid, target, "v1.32.3", num_buffer_nodes=0, num_max_unavailable_nodes=1)
        assert api.cluster(uuid)["labels"]["kube_tag"] == "v1.32.3"
        api.delete_nodegroup(uuid, added)
        assert [item["name"] for item in api.nodegroups(uuid)] == ["default-worker"]

        private = api.create_cluster(cluster_body(api, "private", private=True))["uuid"]
        gateways = api.service_gateways()
        api.update_service_gateways(private, one(gateways, "demo-ncr-2"), one(gateways, "demo-obs-2"))
        assert api.cluster(private)["labels"]["ncr_sgw"] == one(gateways, "demo-ncr-2")
        assert {item["name"] for item in api.service_endpoints()} >= {"OBS", "NCR"}

        # From here on the service could refuse for its own rules; what matters is the request's form.
        (found,) = [item for item in cloud.state.all_clusters() if item.uuid == uuid]
        found.labels["cni_driver"] = "flannel"
        api.update_cni(uuid, "calico", "10.200.0.0/16", 24, num_buffer_nodes=0)
        assert api.cluster(uuid)["labels"]["cni_driver"] == "calico"
        api.delete_cluster(uuid)
        with pytest.raises(ApiError) as caught:
            api.cluster(uuid)
        assert caught.value.status == 404

        marked = re.compile("/kr1/kubernetes/v1")
        accepted = {
            operation(entry["method"], marked.sub("", entry["path"])) for entry in cloud.request_log if marked.match(entry["path"]) and entry["status"] < 300
        }
        assert accepted == GUIDE
        assert {entry["status"] for entry in cloud.request_log} <= {200, 202, 204, 404}

    def test_long_lists_are_complete(self, cloud, account):
        cloud.state.settings.update({"page_max": 2, "image_page_max": 1, "server_page_max": 3, "quota_clusters": 9})
        for number in range(5):
            account.create_cluster(cluster_body(account, "c%d" % number))
        assert sorted(item["name"] for item in account.clusters()) == ["c%d" % number for number in range(5)]
        assert len(account.servers()) == 11
        assert len(account.images({"visibility": "public"})) == 5

    def test_revoked_token_causes_one_new_login(self, cloud, account):
        account.clusters()
        cloud.state.tokens.clear()
        uuid = account.create_cluster(cluster_body(account, "demo"))["uuid"]
        cloud.state.tokens.clear()
        account.delete_cluster(uuid)
        assert [entry["path"] for entry in cloud.request_log].count("/identity/v2.0/tokens") == 3
        assert [entry["status"] for entry in cloud.request_log].count(401) == 2

    @pytest.mark.parametrize("fault", ["truncate", "garbage", "reset_before", "reset_after"])
    def test_reads_retry_after_broken_responses(self, cloud, account, fault):
        cloud.state.faults.add({"effect": fault, "method": "GET", "path": "/clusters$", "times": 3})
        assert account.clusters() == []
