# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters against the API guide: what is accepted, what comes back, what is refused."""

from __future__ import annotations

import base64
import datetime
import json
import uuid

import pytest

from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.values import VALUES

yaml = pytest.importorskip("yaml")


def test_create_get_list_delete(api):
    reply = api.post("/clusters", api.cluster_body())
    assert reply.status_code == 202
    assert list(reply.json()) == ["uuid"]
    uuid_ = reply.json()["uuid"]
    half = api.get(f"/clusters/{uuid_}").json()
    assert (half["status"], half["api_address"], half["node_addresses"]) == ("CREATE_IN_PROGRESS", None, [])
    api.pass_time()
    found = api.cluster("demo")
    assert found["uuid"] == uuid_
    assert found["status"] == "CREATE_COMPLETE"
    assert found["node_count"] == 2
    assert len(found["node_addresses"]) == 2
    assert found["api_address"].startswith("https://")
    assert found["cluster_template_id"] != "iaas_console"
    assert found["project_id"] == api.tenant
    listed = api.get("/clusters").json()
    assert [item["uuid"] for item in listed["clusters"]] == [uuid_]
    assert "next" not in listed
    for reduced in ("api_address", "node_addresses", "fixed_network", "fixed_subnet", "created_at", "updated_at"):
        assert reduced not in listed["clusters"][0]
    assert api.call("DELETE", f"/clusters/{uuid_}").status_code == 204
    assert api.cluster(uuid_)["status"] == "DELETE_IN_PROGRESS"
    again = api.call("DELETE", f"/clusters/{uuid_}")
    assert (again.status_code, again.content) == (204, b"")
    api.pass_time()
    assert api.get(f"/clusters/{uuid_}").status_code == 404
    assert api.call("DELETE", f"/clusters/{uuid_}").status_code == 404


def test_zero_task_seconds_finish_before_next_request(api):
    api.control("settings", {"task_seconds": 0})
    api.post("/clusters", api.cluster_body())
    assert api.cluster()["status"] == "CREATE_COMPLETE"


def test_labels_are_strings_with_defaults(api):
    found = api.ready_cluster(body=api.cluster_body(labels={"ca_enable": False, "boot_volume_size": 50, "strict_sg_rules": "true", "my_label": 7}))
    labels = found["labels"]
    assert all(isinstance(value, str) for value in labels.values())
    assert labels["pods_network_cidr"] == "10.100.0.0/16"
    assert labels["pods_network_subnet"] == "24"
    assert labels["service_cluster_ip_range"] == "10.254.0.0/16"
    assert labels["cni_driver"] == "calico"
    assert labels["strict_sg_rules"] == "true"
    assert labels["my_label"] == "7"
    assert labels["api_ep_ipacl_enable"] == "false"
    assert json.loads(labels["upgradable_kube_versions"]) == ["v1.32.3"]
    for name in labels:
        assert not name.startswith(("ca_", "boot_volume_", "extra_", "mba_", "user_script", "node_list"))
    group = api.group()["labels"]
    assert all(isinstance(value, str) for value in group.values())
    assert group["ca_enable"] == "False"
    assert group["boot_volume_size"] == "50"
    assert group["ca_scale_down_delay_after_add"] == "10"
    assert group["extra_volumes"] == "[]"
    assert group["requested_node_count"] == "2"
    assert group["my_label"] == "7"


def test_list_order_varies_between_reads(api):
    api.ready_cluster()
    readings = {api.cluster()["labels"]["external_subnet_id_list"] for dummy in range(4)}
    assert len(readings) > 1
    assert len({frozenset(reading.split(":")) for reading in readings}) == 1


def test_certificate_validity_counts_365_days_per_year(api):
    labels = api.ready_cluster()["labels"]
    assert labels["term_of_validity"] == "5"
    expiry = datetime.datetime.fromisoformat(labels["certificate_expiry"])
    created = datetime.datetime.fromisoformat(api.cluster()["created_at"])
    assert expiry - created == datetime.timedelta(days=5 * 365)


@pytest.mark.parametrize(
    "field",
    [
        "keypair",
        "name",
        "cluster_template_id",
        "node_count",
        "labels",
        "flavor_id",
        "fixed_network",
        "fixed_subnet",
        "availability_zone",
        "node_image",
        "boot_volume_type",
        "boot_volume_size",
        "cert_manager_api",
        "ca_enable",
        "kube_tag",
        "master_lb_floating_ip_enabled",
    ],
)
def test_missing_required_field_is_rejected(api, refused, field):
    body = api.cluster_body()
    holder = body if field in body else body["labels"]
    del holder[field]
    refused(api.post("/clusters", body), 400, field)
    assert api.get("/clusters").json()["clusters"] == []


NOWHERE = "99999999-9999-4999-8999-999999999999"


@pytest.mark.parametrize(
    "fields, status, word",
    [
        ({"name": "Demo"}, 400, "name"),
        ({"name": "1demo"}, 400, "name"),
        ({"name": "demo-"}, 400, "name"),
        ({"name": "demo_x"}, 400, "name"),
        ({"name": "a" * 33}, 400, "name"),
        ({"name": "abcdefab-1234-1234-1234-abcdefabcdef"}, 400, "name"),
        ({"name": 5}, 400, "name"),
        ({"cluster_template_id": NOWHERE}, 400, "template"),
        ({"keypair": "other-key"}, 404, "keypair"),
        ({"flavor_id": "m2.c4m8"}, 400, "uuid"),
        ({"flavor_id": NOWHERE}, 400, "flavor"),
        ({"fixed_network": "demo-vpc"}, 400, "uuid"),
        ({"fixed_network": NOWHERE}, 400, "network"),
        ({"fixed_subnet": NOWHERE}, 400, "subnet"),
        ({"node_count": "many"}, 400, "node_count"),
        ({"node_count": True}, 400, "node_count"),
        ({"node_count": 11}, 403, "Resource limit"),
        ({"labels": []}, 400, "labels"),
        ({"colour": "red"}, 400, "Unknown attribute"),
    ],
)
def test_invalid_fields_are_rejected(api, refused, fields, status, word):
    refused(api.post("/clusters", {**api.cluster_body(), **fields}), status, word)


@pytest.mark.parametrize(
    "labels, word",
    [
        ({"availability_zone": "kr2-pub-a"}, "availability zone"),
        ({"node_image": "Ubuntu"}, "uuid"),
        ({"node_image": NOWHERE}, "image"),
        ({"boot_volume_type": "d1000000-0001-4000-8000-000000000001"}, "volume type"),
        ({"boot_volume_size": "19"}, "minimum disk"),
        ({"boot_volume_size": "big"}, "boot_volume_size"),
        ({"boot_volume_key_id": "key"}, "together"),
        ({"cert_manager_api": "true"}, "cert_manager_api"),
        ({"kube_tag": "v1.28.3"}, "tag"),
        ({"kube_tag": "v1.31.4+nhn.1"}, "tag"),
        ({"ca_enable": "yes"}, "ca_enable"),
        ({"master_lb_floating_ip_enabled": "yes"}, "master_lb"),
        ({"external_subnet_id_list": NOWHERE}, "subnet"),
        ({"external_network_id": NOWHERE}, "network"),
        ({"pods_network_cidr": "10.0.0.0/16"}, "overlaps"),
        ({"pods_network_cidr": "169.254.0.0/20"}, "overlaps"),
        ({"pods_network_cidr": "198.18.4.0/22"}, "overlaps"),
        ({"pods_network_cidr": "10.100.0.1/16"}, "CIDR"),
        ({"service_cluster_ip_range": "10.100.0.0/20"}, "overlaps"),
        ({"service_cluster_ip_range": "10.254.0.0"}, "CIDR"),
        ({"pods_network_subnet": "29"}, "pods_network_subnet"),
        ({"pods_network_cidr": "10.100.0.0/22", "pods_network_subnet": "23"}, "at least 2"),
        ({"user_script_v2": "#!" + "x" * 65536}, "too long"),
        ({"extra_volumes": "[]"}, "array"),
        ({"extra_volumes": [{"volume_type": "General HDD", "volume_size": 10}] * 4}, "Too many"),
        ({"extra_volumes": [{"volume_type": "General HDD", "volume_size": "10"}]}, "integer"),
        ({"extra_volumes": [{"volume_type": "Floppy", "volume_size": 10}]}, "volume type"),
        ({"extra_volumes": [{"size": 10}]}, "Unknown"),
        ({"extra_volumes": [{"volume_type": "General HDD", "volume_size": 1, "volume_key_id": "k"}]}, "together"),
        ({"additional_network_id_list": ":" + NOWHERE, "additional_subnet_id_list": ":" + NOWHERE}, "uuid"),
        ({"additional_network_id_list": NOWHERE}, "network"),
        ({"some": {"a": 1}}, "labels.some"),
        ({"some": None}, "labels.some"),
        ({"ca_enable": "true", "ca_min_node_count": "5", "ca_max_node_count": "4"}, "greater"),
        ({"ca_enable": "true", "ca_max_node_count": "11"}, "ca_max_node_count"),
        ({"ca_enable": "true", "ca_scale_down_delay_after_add": "9"}, "delay"),
        ({"ca_enable": "true", "ca_scale_down_util_thresh": "0"}, "thresh"),
        ({"ca_enable": "true", "ca_scale_down_unneeded_time": "1441"}, "unneeded"),
    ],
)
def test_invalid_labels_are_rejected(api, refused, labels, word):
    refused(api.post("/clusters", api.cluster_body(labels=labels)), 400, word)


@pytest.mark.parametrize("option", sorted(option for option, entry in VALUES.items() if entry.rejected))
def test_values_rejected_by_collection_are_rejected(api, refused, option):
    """That the collection rejects the same values is a test of its rules."""
    path, rejected = VALUES[option].path, VALUES[option].rejected
    head, _dot, label = path.partition(".")
    body = api.cluster_body(labels={label: rejected.wire}) if label else api.cluster_body(**{head: rejected.wire})
    refused(api.post("/clusters", body), 400, rejected.word or label or head)


@pytest.mark.parametrize(
    "option",
    sorted(option for option, entry in VALUES.items() if entry.path.startswith("labels.") and not entry.group and entry.value in entry.tried[:1]),
)
def test_omitted_label_is_returned_with_default(api, option):
    entry = VALUES[option]
    assert api.ready_cluster()["labels"][entry.path[len("labels.") :]] == entry.wire


def test_api_guide_example_is_accepted(api):
    """Autoscaler off with a delay below the range, an empty user script and a label of no table."""
    security_groups = ",".join(api.ids["security_groups"][name][0] for name in ("web", "db"))
    found = api.ready_cluster(
        body=api.cluster_body(
            create_timeout=60,
            node_count="1",
            labels={
                "ca_max_node_count": "10",
                "ca_min_node_count": "1",
                "ca_scale_down_delay_after_add": "3",
                "ca_scale_down_enable": "true",
                "ca_scale_down_unneeded_time": "3",
                "ca_scale_down_util_thresh": "50",
                "clusterautoscale": "nodegroupfeature",
                "user_script_v2": "",
                "strict_sg_rules": "True",
                "extra_security_groups": [{"target_subnet": api.ids["subnets"]["demo-subnet"][0], "security_group_ids": security_groups}],
                "extra_volumes": [{"volume_type": "General HDD", "volume_size": 100}],
            },
        )
    )
    labels = api.group()["labels"]
    assert json.loads(labels["extra_volumes"]) == [{"volume_type": "General HDD", "volume_size": 100}]
    assert json.loads(labels["extra_security_groups"])[0]["security_group_ids"] == security_groups
    assert found["node_count"] == 1


def test_zero_autoscaler_limits_are_accepted_when_disabled(api):
    api.ready_cluster(body=api.cluster_body(labels={"ca_min_node_count": "0", "ca_max_node_count": 0}))
    assert api.group()["labels"]["ca_max_node_count"] == "0"


def test_appkeys_are_returned_unless_echo_is_disabled(api):
    api.ready_cluster(body=api.cluster_body(labels={"boot_volume_key_id": "k", "boot_volume_appkey": "a"}))
    assert api.group()["labels"]["boot_volume_appkey"] == "a"
    api.control("settings", {"echo_appkeys": False})
    assert "boot_volume_appkey" not in api.group()["labels"]


def test_subnet_must_be_in_the_network(api, refused):
    other = api.ids["subnets"]["demo-subnet"][1]
    refused(api.post("/clusters", api.cluster_body(fixed_subnet=other)), 400, "does not belong")


def test_subnet_prefix_longer_than_24_is_rejected(api, refused):
    body = api.cluster_body(fixed_subnet=api.ids["subnets"]["tiny-subnet"][0])
    refused(api.post("/clusters", body), 400, "prefix")


def test_image_must_support_nks(api, refused):
    image = api.ids["images"]["Ubuntu Server 22.04 LTS"][0]
    refused(api.post("/clusters", api.cluster_body(labels={"node_image": image})), 400, "cannot be used")


def test_missing_external_labels_return_empty_400(api):
    reply = api.post("/clusters", api.cluster_body(without=["external_network_id"]))
    assert (reply.status_code, reply.content) == (400, b"")
    reply = api.post("/clusters", api.cluster_body(without=["external_subnet_id_list"]))
    assert (reply.status_code, reply.content) == (400, b"")


def test_external_network_must_be_external(api, refused):
    body = api.cluster_body(labels={"external_network_id": api.ids["vpcs"]["demo-vpc"][0]})
    refused(api.post("/clusters", body), 400, "internet gateway")


def test_private_cluster_needs_both_gateways(api, refused):
    for missing in ("ncr_sgw", "obs_sgw"):
        body = api.private_body()
        del body["labels"][missing]
        refused(api.post("/clusters", body), 400, "both ncr_sgw and obs_sgw")
    assert api.post("/clusters", api.private_body()).status_code == 202


def test_public_endpoint_needs_external_labels(api, refused):
    body = api.private_body(master_lb_floating_ip_enabled="True")
    refused(api.post("/clusters", body), 400, "master_lb_floating_ip_enabled")


def test_gateways_must_match_type_and_vpc(api, refused):
    gateways = api.ids["service_gateways"]
    refused(api.post("/clusters", api.private_body(ncr_sgw=gateways["demo-obs"][0])), 400, "NCR type")
    refused(api.post("/clusters", api.private_body(ncr_sgw=gateways["other-ncr"][0])), 400, "not in network")
    refused(api.post("/clusters", api.private_body(ncr_sgw="demo-ncr")), 400, "uuid")


def test_additional_networks(api, refused):
    vpc, subnet = api.ids["vpcs"]["demo-vpc"][0], api.ids["subnets"]["extra-subnet"][0]
    api.ready_cluster(body=api.cluster_body(labels={"additional_network_id_list": vpc, "additional_subnet_id_list": subnet}))
    assert api.group()["labels"]["additional_subnet_id_list"] == subnet
    other = api.ids["subnets"]["demo-subnet"][1]
    refused(
        api.post("/clusters", api.cluster_body("two", labels={"additional_network_id_list": f"{vpc}:{vpc}", "additional_subnet_id_list": subnet})),
        400,
        "length",
    )
    refused(
        api.post(
            "/clusters", api.cluster_body("two", labels={"additional_network_id_list": api.ids["vpcs"]["other-vpc"][0], "additional_subnet_id_list": other})
        ),
        400,
        "overlaps",
    )


def test_security_groups(api, refused):
    groups = [ids[0] for ids in api.ids["security_groups"].values()]
    subnet = api.ids["subnets"]["demo-subnet"][0]

    def body(ids, target=subnet):
        return api.cluster_body(labels={"extra_security_groups": [{"target_subnet": target, "security_group_ids": ids}]})

    refused(api.post("/clusters", body(",".join(groups[:9]))), 400, "At most 8")
    refused(api.post("/clusters", body(":".join(groups[:2]))), 400, "uuid")
    refused(api.post("/clusters", body(NOWHERE)), 400, "security group")
    refused(api.post("/clusters", body(groups[0], api.ids["subnets"]["extra-subnet"][0])), 400, "not a subnet of")
    assert api.post("/clusters", body(",".join(groups[:8]))).status_code == 202


def test_invalid_label_type_error_quotes_request_body(api, refused):
    error = refused(api.post("/clusters", api.cluster_body(labels={"user_script_v2": "#!secret", "x": {}})), 400)
    assert "#!secret" in error["detail"]


def test_bridge_network_overlap_is_rejected_before_v1_24(api, refused):
    api.control("settings", {"supported_versions": {"v1.23.3": True, "v1.24.3": True}})
    labels = {"kube_tag": "v1.23.3", "pods_network_cidr": "172.17.0.0/16"}
    refused(api.post("/clusters", api.cluster_body(labels=labels)), 400, "bridge")
    assert api.post("/clusters", api.cluster_body(labels={**labels, "kube_tag": "v1.24.3"})).status_code == 202


def test_cluster_quota(api, refused):
    for number in range(3):
        assert api.post("/clusters", api.cluster_body(f"demo-{number}")).status_code == 202
    refused(api.post("/clusters", api.cluster_body("one-more")), 403, "Resource limit")
    api.control("settings", {"quota_clusters": 4})
    assert api.post("/clusters", api.cluster_body("one-more")).status_code == 202


def test_duplicate_cluster_name_is_ambiguous(api, refused):
    first, second = api.ready_cluster(), api.ready_cluster()
    assert first["uuid"] != second["uuid"]
    refused(api.get("/clusters/demo"), 409, "Multiple")
    refused(api.get("/clusters/demo/nodegroups"), 409, "Multiple")
    refused(api.call("DELETE", "/clusters/demo"), 409, "Multiple")
    refused(api.post("/clusters/demo/actions/resize", {"nodegroup": "default-worker", "node_count": 1}), 409)
    assert api.cluster(first["uuid"])["name"] == "demo"


def test_events(api, refused):
    found = api.ready_cluster()
    events = api.get(f"/clusters/{found['uuid']}/events").json()["events"]
    assert [(event["type"], event["state"], event["contents"]) for event in events] == [("CLUSTER_CREATE", "SUCCESS", None)]
    assert events[0]["resource_uuid"] == found["uuid"]
    assert events[0]["resource_type"] == "cluster"
    one = api.get(f"/clusters/{found['uuid']}/events/{events[0]['uuid']}").json()
    assert one == events[0]
    refused(api.get("/clusters/demo/events"), 400, "uuid")
    refused(api.get(f"/clusters/demo/events/{one['uuid']}"), 400, "uuid")
    refused(api.get(f"/clusters/{found['uuid']}/events/{uuid.uuid4()}"), 404)
    refused(api.get(f"/clusters/{uuid.uuid4()}/events"), 404)


def test_event_in_progress_has_contents(api):
    uuid_ = api.post("/clusters", api.cluster_body()).json()["uuid"]
    event = api.get(f"/clusters/{uuid_}/events").json()["events"][0]
    assert event["state"] == "IN_PROGRESS"
    assert event["contents"]


def test_kubeconfig(api, refused):
    x509 = pytest.importorskip("cryptography.x509")
    uuid_ = api.post("/clusters", api.cluster_body()).json()["uuid"]
    refused(api.get(f"/clusters/{uuid_}/config"), 400, "not ready")
    api.pass_time()
    reply = api.get("/clusters/demo/config")
    config = yaml.safe_load(reply.json()["config"])
    assert config["clusters"][0]["cluster"]["server"] == api.cluster()["api_address"]
    user = config["users"][0]["user"]
    certificate = x509.load_pem_x509_certificate(base64.b64decode(user["client-certificate-data"]))
    authority = x509.load_pem_x509_certificate(base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]))
    certificate.verify_directly_issued_by(authority)
    expiry = datetime.datetime.fromisoformat(api.cluster()["labels"]["certificate_expiry"])
    assert certificate.not_valid_after_utc == expiry
    assert api.get("/clusters/demo/config").json() == reply.json()


def test_certificate_renewal(api, refused):
    pytest.importorskip("cryptography")
    api.ready_cluster()
    before, expiry = api.get("/clusters/demo/config").json(), api.cluster()["labels"]["certificate_expiry"]
    serial = api.control("clusters/demo/certificate", method="GET")["serial"]
    for wrong in (0, 6, "5", True, 2.5, None):
        refused(api.call("PATCH", "/certificates/demo", {"term_of_validity": wrong}), 400)
    refused(api.call("PATCH", "/certificates/demo", {}), 400, "term_of_validity")
    reply = api.call("PATCH", "/certificates/demo", {"term_of_validity": 1})
    assert reply.json() == {"uuid": api.cluster()["uuid"]}
    assert api.cluster()["status"] == "UPDATE_IN_PROGRESS"
    api.pass_time()
    labels = api.cluster()["labels"]
    assert (api.cluster()["status"], labels["term_of_validity"]) == ("UPDATE_COMPLETE", "1")
    assert labels["certificate_expiry"] < expiry
    assert api.get("/clusters/demo/config").json() != before
    assert api.control("clusters/demo/certificate", method="GET")["serial"] != serial


def test_certificate_renewal_requires_calico_vxlan(api, refused):
    api.ready_cluster(body=api.cluster_body(labels={"cni_driver": "calico-ebpf"}))
    refused(api.call("PATCH", "/certificates/demo", {"term_of_validity": 5}), 400, "Calico-VXLAN")


def test_failed_renewal_rejects_other_writes_and_can_be_retried(api, refused):
    api.ready_cluster()
    api.control("faults", {"effect": "fail_task", "task": "certificate", "reason": "No luck", "contents": "step 3"})
    api.call("PATCH", "/certificates/demo", {"term_of_validity": 5})
    api.pass_time()
    found = api.cluster()
    assert (found["status"], found["status_reason"]) == ("UPDATE_FAILED", "No luck")
    event = api.get(f"/clusters/{found['uuid']}/events").json()["events"][-1]
    assert (event["type"], event["state"], event["contents"]) == ("CLUSTER_ROTATE_CERTIFICATE", "FAIL", "step 3")
    refused(api.post("/clusters/demo/actions/resize", {"nodegroup": "default-worker", "node_count": 3}), 400, "UPDATE_FAILED")
    refused(api.post("/clusters/demo/nodegroups", api.group_body()), 400, "UPDATE_FAILED")
    refused(api.post("/clusters/demo/api_ep_ipacl", {"enable": "false"}), 400, "UPDATE_FAILED")
    api.call("PATCH", "/certificates/demo", {"term_of_validity": 5})
    api.pass_time()
    assert api.cluster()["status"] == "UPDATE_COMPLETE"


def test_failed_creation_can_be_read_and_deleted(api, refused):
    api.control("faults", {"effect": "fail_task", "task": "CLUSTER_CREATE", "reason": "default-worker failed"})
    api.post("/clusters", api.cluster_body())
    api.pass_time()
    found = api.cluster()
    assert found["status"] == "CREATE_FAILED"
    assert found["faults"]["default-worker"] == "default-worker failed"
    refused(api.post("/clusters/demo/nodegroups", api.group_body()), 409, "api_address")
    refused(api.call("PATCH", "/certificates/demo", {"term_of_validity": 5}), 400, "CREATE_FAILED")
    dropped = api.post("/clusters/demo/actions/resize", {"nodegroup": "default-worker", "node_count": 5})
    assert dropped.status_code == 202
    api.pass_time()
    assert api.cluster()["status"] == "CREATE_FAILED"
    assert api.group()["node_count"] == 2
    assert api.call("DELETE", "/clusters/demo").status_code == 204
    api.pass_time()
    assert api.get("/clusters/demo").status_code == 404


def test_failed_deletion_can_be_retried(api):
    api.ready_cluster()
    api.control("faults", {"effect": "fail_task", "task": "cluster_delete"})
    api.call("DELETE", "/clusters/demo")
    api.pass_time()
    assert api.cluster()["status"] == "DELETE_FAILED"
    api.call("DELETE", "/clusters/demo")
    api.pass_time()
    assert api.get("/clusters/demo").status_code == 404


def test_ipacl(api, refused):
    uuid_ = api.ready_cluster()["uuid"]
    assert api.get("/clusters/demo/api_ep_ipacl").json() == {"cluster_uuid": uuid_, "enable": "false"}
    reply = api.post(
        "/clusters/demo/api_ep_ipacl",
        {
            "enable": "True",
            "action": "ALLOW",
            "ipacl_targets": [{"cidr_address": "192.168.0.5"}, {"cidr_address": "10.10.22.3/24", "description": "Your Friends"}],
        },
    )
    assert reply.json() == {"uuid": uuid_}
    api.pass_time()
    found = api.get("/clusters/demo/api_ep_ipacl").json()
    assert (found["enable"], found["action"]) == ("true", "ALLOW")
    assert {target["cidr_address"] for target in found["ipacl_targets"]} == {"192.168.0.5", "10.10.22.3/24", "10.0.0.0/16"}
    again = api.get("/clusters/demo/api_ep_ipacl").json()
    assert again["ipacl_targets"] != found["ipacl_targets"]
    assert api.cluster()["labels"]["api_ep_ipacl_enable"] == "true"
    api.post("/clusters/demo/api_ep_ipacl", {"enable": "false", "action": "what", "ipacl_targets": 5})
    api.pass_time()
    assert api.get("/clusters/demo/api_ep_ipacl").json() == {"cluster_uuid": uuid_, "enable": "false"}


@pytest.mark.parametrize(
    "body, word",
    [
        ({}, "enable"),
        ({"enable": True}, "enable"),
        ({"enable": "true", "ipacl_targets": [{"cidr_address": "1.1.1.1"}]}, "action"),
        ({"enable": "true", "action": "allow", "ipacl_targets": [{"cidr_address": "1.1.1.1"}]}, "action"),
        ({"enable": "true", "action": "ALLOW"}, "ipacl_targets"),
        ({"enable": "true", "action": "ALLOW", "ipacl_targets": []}, "1 to 100"),
        ({"enable": "true", "action": "ALLOW", "ipacl_targets": [{"cidr_address": "1.1.1.1"}] * 101}, "1 to 100"),
        ({"enable": "true", "action": "ALLOW", "ipacl_targets": [{"cidr_address": "1.1.1.300"}]}, "address"),
        ({"enable": "true", "action": "ALLOW", "ipacl_targets": [{"description": "x"}]}, "cidr_address"),
        ({"enable": "true", "action": "ALLOW", "ipacl_targets": [{"cidr_address": "1.1.1.1", "descripion": ""}]}, "Unknown"),
        ({"enable": "true", "action": "DENY", "ipacl_targets": [{"cidr_address": "10.0.3.0/24"}]}, "overlaps"),
        ({"enable": "true", "Endpoint stage ID": "DENY"}, "Unknown"),
    ],
)
def test_invalid_ipacl_is_rejected(api, refused, body, word):
    api.ready_cluster()
    refused(api.post("/clusters/demo/api_ep_ipacl", body), 400, word)


def test_ipacl_deny_does_not_add_subnet(api):
    api.ready_cluster()
    api.post("/clusters/demo/api_ep_ipacl", {"enable": "true", "action": "DENY", "ipacl_targets": [{"cidr_address": "1.1.1.1"}]})
    api.pass_time()
    assert api.get("/clusters/demo/api_ep_ipacl").json()["ipacl_targets"] == [{"cidr_address": "1.1.1.1"}]


def test_update_sgw(api, refused):
    gateways = {name: ids[0] for name, ids in api.ids["service_gateways"].items()}
    new = {"ncr_sgw": gateways["demo-ncr-2"], "obs_sgw": gateways["demo-obs-2"]}
    api.ready_cluster()
    refused(api.post("/clusters/demo/actions/update_sgw", new), 400, "without service gateways")
    api.ready_cluster(body=api.private_body())
    path = "/clusters/private/actions/update_sgw"
    refused(api.post(path, {"ncr_sgw": new["ncr_sgw"]}), 400, "obs_sgw")
    refused(api.post(path, {"ncr_sgw": new["obs_sgw"], "obs_sgw": new["ncr_sgw"]}), 400, "type")
    refused(api.post(path, {**new, "ncr_sgw": gateways["other-ncr"]}), 400, "not in network")
    assert api.post(path, new).json() == {"uuid": api.cluster("private")["uuid"]}
    api.pass_time()
    labels = api.cluster("private")["labels"]
    assert {name: labels[name] for name in new} == new


def test_cni_update(api, refused):
    api.ready_cluster()
    body = {"cni": "calico", "pod_cidr": "10.200.0.0/16"}
    path = "/clusters/demo/actions/cni_update"
    refused(api.post(path, body), 400, "from calico")
    api.control("clusters/demo", {"labels": {"cni_driver": "flannel"}})
    refused(api.post(path, {"cni": "calico"}), 400, "pod_cidr")
    refused(api.post(path, {**body, "cni": "calico-ebpf"}), 400, "CNI")
    refused(api.post(path, {**body, "pod_cidr": "10.100.0.0/16"}), 400, "overlaps")
    refused(api.post(path, {**body, "pod_subnet": 17}), 400, "pod_subnet")
    refused(api.post(path, {**body, "num_buffer_nodes": 9}), 400, "num_buffer_nodes")
    api.post(path, {**body, "pod_subnet": 25})
    api.pass_time()
    labels = api.cluster()["labels"]
    assert (labels["cni_driver"], labels["pods_network_cidr"], labels["pods_network_subnet"]) == ("calico", "10.200.0.0/16", "25")
    api.control("settings", {"cni_removed": True})
    refused(api.post(path, body), 404)


def test_supports(api):
    found = api.get("/supports").json()
    assert found["supported_k8s"]["v1.31.4"] is True
    assert found["supported_k8s"]["v1.27.3"] is False
    assert "NODEGROUP_NODE_ACTION_STOP_NODE" in found["supported_event_type"]
    api.control("settings", {"event_types_shape": "nested", "event_names": "guide"})
    nested = api.get("/supports").json()["supported_event_type"]
    assert "NODEGROUP_NODE_ACTION_NODE_STOP" in nested["nodegroup_events"]
    assert "CLUSTER_CREATE" in nested["cluster_events"]


def test_busy_cluster_rejects_writes(api, refused):
    api.ready_cluster(body=api.cluster_body())
    nodes = api.node_ids()
    api.post("/clusters/demo/actions/resize", {"nodegroup": "default-worker", "node_count": 3})
    group = "/clusters/demo/nodegroups/default-worker"
    writes = [
        ("POST", "/clusters/demo/actions/resize", {"nodegroup": "default-worker", "node_count": 4}),
        ("POST", "/clusters/demo/nodegroups", api.group_body()),
        ("POST", "/clusters/demo/api_ep_ipacl", {"enable": "false"}),
        ("PATCH", "/certificates/demo", {"term_of_validity": 5}),
        ("POST", f"{group}/stop_node", {"node_list": nodes[0]}),
        ("POST", f"{group}/autoscale", {"ca_enable": False}),
        ("POST", f"{group}/userscript", {"contents": "#!x"}),
        ("PATCH", group, {"type": "flavor_id", "flavor_id": api.ids["flavors"]["m2.c2m4"][0]}),
        ("POST", "/clusters/demo/nodegroups/default-master/upgrade", {"version": "v1.32.3"}),
        ("DELETE", "/clusters/demo", None),
    ]
    for status in (400, 409):
        api.control("settings", {"busy_status": status})
        for method, path, body in writes:
            refused(api.call(method, path, body), status, "operation in progress")
    api.control("settings", {"delete_while_busy": True})
    assert api.call("DELETE", "/clusters/demo").status_code == 204


def test_resize_during_creation_is_dropped(api, refused):
    api.post("/clusters", api.cluster_body())
    reply = api.post("/clusters/demo/actions/resize", {"nodegroup": "default-worker", "node_count": 5})
    assert reply.status_code == 202
    refused(api.post("/clusters/demo/nodegroups", api.group_body()), 409, "api_address")
    api.pass_time()
    assert (api.cluster()["status"], api.cluster()["node_count"]) == ("CREATE_COMPLETE", 2)


def test_tenants_and_regions_are_isolated(api, new_api, refused):
    api.ready_cluster()
    other = new_api(tenant="fedcba9876543210fedcba9876543210", user="other@example.com", password="other-api-password")
    elsewhere = new_api(region="kr2")
    for stranger in (other, elsewhere):
        assert stranger.get("/clusters").json()["clusters"] == []
        refused(stranger.get("/clusters/demo"), 404)
    refused(elsewhere.post("/clusters", api.cluster_body()), 400)
    assert elsewhere.post("/clusters", elsewhere.cluster_body()).status_code == 202


def test_nks_is_unavailable_in_jp1(api):
    api.region = "jp1"
    assert api.get("/clusters").status_code == 404


def test_stale_and_missing_polls(api):
    api.control("settings", {"missing_polls": 2, "stale_polls": 2, "task_seconds": 0})
    uuid_ = api.post("/clusters", api.cluster_body()).json()["uuid"]
    assert [api.get(f"/clusters/{uuid_}").status_code for dummy in range(3)] == [404, 404, 200]
    api.post("/clusters/demo/actions/resize", {"nodegroup": "default-worker", "node_count": 3})
    seen = [(api.cluster()["status"], api.cluster()["node_count"]), (api.cluster()["status"], api.cluster()["node_count"])]
    assert seen == [("CREATE_COMPLETE", 2), ("UPDATE_COMPLETE", 3)]
    api.call("DELETE", f"/clusters/{uuid_}")
    assert [api.get(f"/clusters/{uuid_}").status_code for dummy in range(3)] == [200, 200, 404]


def test_list_returns_400_during_cluster_creation(api, refused):
    api.control("settings", {"list_400_polls": 1})
    api.post("/clusters", api.cluster_body())
    refused(api.get("/clusters"), 400, "node_count")
    assert api.get("/clusters").status_code == 200


def test_paging(api, refused):
    uuids = api.control("seed", {"count": 5})["uuids"]
    api.control("settings", {"page_max": 2})
    pages, marker = [], None
    while True:
        page = api.get("/clusters", params={"limit": 4, **({"marker": marker} if marker else {})}).json()
        pages.append([item["uuid"] for item in page["clusters"]])
        if "next" not in page:
            break
        assert page["next"].startswith("http")
        marker = page["next"].split("marker=")[1].split("&")[0]
    assert pages == [uuids[:2], uuids[2:4], uuids[4:]]
    exact = api.get("/clusters", params={"marker": uuids[2]}).json()
    assert "next" in exact
    assert api.get("/clusters", params={"marker": uuids[4]}).json() == {"clusters": []}
    down = api.get("/clusters", params={"sort_dir": "desc", "limit": "1"}).json()["clusters"]
    assert down[0]["uuid"] == uuids[4]
    for wrong in ({"limit": "0"}, {"limit": "-1"}, {"limit": "x"}, {"name": "bench-1"}, {"marker": "bench-1"}, {"sort_dir": "up"}):
        refused(api.get("/clusters", params=wrong), 400)
    refused(api.get("/clusters", params={"marker": str(uuid.uuid4())}), 404)
    refused(api.get(f"/clusters/{uuids[0]}", params={"detail": "1"}), 400, "Unknown argument")


def test_new_cluster_is_visible_only_after_delay(api, refused):
    api.control("settings", {"shown_after": 5.0})
    uuid = api.post("/clusters", api.cluster_body()).json()["uuid"]
    refused(api.call("GET", f"/clusters/{uuid}"), 404, "could not be found")
    assert api.get("/clusters").json()["clusters"] == []
    api.pass_time(6)
    assert api.cluster()["uuid"] == uuid and len(api.get("/clusters").json()["clusters"]) == 1


def test_retry_failed_setting_accepts_failed_task_again(api, refused):
    api.control("settings", {"retry_failed": True})
    api.ready_cluster()
    api.control("faults", {"effect": "fail_task", "task": "resize"})
    body = {"nodegroup": "default-worker", "node_count": 3}
    api.post("/clusters/demo/actions/resize", body)
    api.pass_time()
    assert api.cluster()["status"] == "UPDATE_FAILED"
    refused(api.post("/clusters/demo/api_ep_ipacl", {"enable": "false"}), 400, "UPDATE_FAILED")
    assert api.post("/clusters/demo/actions/resize", body).status_code == 202
    api.pass_time()
    assert api.cluster()["status"] == "UPDATE_COMPLETE"


def test_duplicate_node_group_can_be_silently_dropped(api):
    api.ready_cluster()
    api.control("settings", {"duplicate_group": "drop"})
    first = api.post("/clusters/demo/nodegroups", api.group_body()).json()["uuid"]
    answer = api.post("/clusters/demo/nodegroups", api.group_body())
    assert answer.status_code == 202 and answer.json()["uuid"] != first
    assert api.get(f"/clusters/demo/nodegroups/{answer.json()['uuid']}").status_code == 404


def test_image_must_match_flavor_type(api, refused):
    gpu = {"flavor_id": api.ids["flavors"]["g2.c8m90"][0]}
    labels = {"node_image": api.ids["images"]["Ubuntu Server 22.04 LTS GPU Container"][0], "boot_volume_size": "30"}
    refused(api.post("/clusters", api.cluster_body(labels=labels)), 400, "cannot be used with flavor")
    refused(api.post("/clusters", api.cluster_body(**gpu)), 400, "cannot be used with flavor")
    assert api.post("/clusters", api.cluster_body(labels=labels, **gpu)).status_code == 202
