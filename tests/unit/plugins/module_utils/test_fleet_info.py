# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nks_fleet_info: clusters as documents that change nothing, and that create the same clusters again after they were deleted."""

from __future__ import annotations

import copy
import json
import pathlib

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import cluster as cluster_task
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import fleet, fleet_info, ipacl, nodegroup
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import CLUSTER, FLAVORS, NODEGROUP, PASSWORD, TENANT, UUID
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.test_properties import EXAMPLES, cluster_options, group_options

ROOT = pathlib.Path(__file__).resolve().parents[4]
ACCESS = {"action": "allow", "targets": [{"cidr_address": "203.0.113.0/24", "description": "office"}]}
WIDE = "a2000000-0101-4000-8000-000000000001"
GROUP = {option: value for option, value in NODEGROUP.items() if option != "cluster"}
#: What the service never shows whole.
APPKEY = "volume-secret"
WHOLE = dict(
    CLUSTER,
    public_api_endpoint=True,
    external_subnets=["public_subnet_4", "public_subnet_2"],
    additional_networks=["other-vpc"],
    additional_subnets=["storage-subnet"],
    extra_security_groups=[{"subnet": "storage-subnet", "security_groups": ["web", "db"]}],
    extra_volumes=[{"type": "General SSD", "size": 10, "mount_path": "/data"}, {"type": "General HDD", "size": 20}],
    user_script="#!/bin/sh\necho '{{ hello }}'\n",
    autoscale={"enabled": True, "min_node_count": 1, "max_node_count": 4, "scale_down_unneeded_time": 30},
    labels={"fip_auto_bind_enable": "true"},
    nodegroups=[GROUP, dict(GROUP, name="batch", flavor="c2.c4m4", node_count=1)],
    ipacl=ACCESS,
)


def fleet_of(world, *documents, check=False):
    return world.run(fleet.JOB, {"clusters": list(documents)}, check=check)


def exported(world, **given):
    outcome = world.run(fleet_info.JOB, given)
    assert outcome.writes == [] and outcome["changed"] is False
    return outcome


def documents(world, **given):
    return exported(world, **given)["clusters"]


def only(world, **given):
    (found,) = documents(world, **given)
    return found


def lacking(outcome):
    return [(item["resource"], item["option"]) for item in outcome["omitted"]]


def parts(document):
    """The tasks of nks_cluster, nks_nodegroup and nks_ipacl that a document stands for."""
    own = {name: value for name, value in document.items() if name not in ("nodegroups", "ipacl")}
    above = {"cluster": document["name"], **{name: document[name] for name in ("region",) if name in document}}
    yield cluster_task.JOB, own
    for group in document["nodegroups"]:
        yield nodegroup.JOB, dict(group, **above)
    if "ipacl" in document:
        yield ipacl.JOB, dict(document["ipacl"], **above)


def assert_unchanged(world, document):
    """The document is no change: neither for its modules, nor for nks_fleet."""
    for job, options in [*parts(document), (fleet.JOB, {"clusters": [document]})]:
        outcome = world.run(job, options)
        assert (outcome["changed"], outcome["actions"], outcome["warnings"], outcome.writes) == (False, [], [], []), job.name
    assert outcome["clusters"][0]["unmanaged"] == []


def delete(world, name="demo"):
    world.nks_cluster(name=name, state="absent", wait_interval=1)


def with_appkeys(document):
    """The document as its owner completes it: with the appkeys, which are in ``omitted``."""
    document = copy.deepcopy(document)
    for resource in (document, *document["nodegroups"]):
        if "boot_volume_key_id" in resource:
            resource["boot_volume_appkey"] = APPKEY
        for volume in resource.get("extra_volumes", []):
            if "key_id" in volume:
                volume["appkey"] = APPKEY
    return document


def assert_reproduced(world, document, by_modules=False, **given):
    """After the cluster was deleted, the document creates one with the same document."""
    delete(world, document["name"])
    assert documents(world) == []
    for job, options in parts(with_appkeys(document)) if by_modules else [(fleet.JOB, {"clusters": [with_appkeys(document)]})]:
        world.run(job, options)
    assert only(world, **given) == document


# -- what is exported --------------------------------------------------------------------------------------------------


def test_no_clusters(world):
    outcome = exported(world)
    assert (outcome["clusters"], outcome["omitted"], outcome["warnings"]) == ([], [], [])
    assert len(outcome.requests) == 2


def test_document_of_a_whole_cluster(world):
    fleet_of(world, WHOLE)
    outcome = exported(world)
    (found,) = outcome["clusters"]
    assert (outcome["omitted"], outcome["warnings"]) == ([], [])
    shown = dict(service_cluster_ip_range="10.254.0.0/16", pods_network_cidr="10.100.0.0/16", pods_network_subnet=24, cni="calico", strict_sg_rules=False)
    defaults = dict(scale_down_enabled=True, scale_down_utilization_threshold=50, scale_down_delay_after_add=10)
    expected = dict(WHOLE, region="kr1", **shown)
    expected.update(
        external_subnets=sorted(WHOLE["external_subnets"]),
        extra_security_groups=[{"subnet": "storage-subnet", "security_groups": ["db", "web"]}],
        extra_volumes=WHOLE["extra_volumes"][::-1],
        autoscale=dict(WHOLE["autoscale"], **defaults),
        labels={"fip_auto_bind_enable": "True"},
        nodegroups=[
            # In the simulator, node groups show the labels of their cluster.
            dict(group, autoscale={"enabled": False}, labels={"fip_auto_bind_enable": "True"})
            for group in reversed(WHOLE["nodegroups"])
        ],
        ipacl=dict(ACCESS, state="present"),
    )
    # Options with defaults of the service may be added.
    assert {option: found.get(option) for option in expected} == expected
    assert_unchanged(world, found)
    assert_reproduced(world, found)
    assert_reproduced(world, found, by_modules=True)


def test_document_fits_the_json_schema(world):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "schemas" / "nks_cluster_spec.json").read_text(encoding="utf-8"))
    fleet_of(world, WHOLE)
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(only(world))] == []


def test_references_as_uuids(world):
    fleet_of(world, WHOLE)
    outcome = exported(world, references="uuid")
    (found,) = outcome["clusters"]
    names = {"demo-vpc", "demo-subnet", "public_network", "storage-subnet", "web", "m2.c4m8", "c2.c4m4", "Ubuntu Server 22.04 LTS Container"}
    assert not [name for name in names if '"%s"' % name in json.dumps(found)]
    assert found["flavor"] == FLAVORS["m2.c4m8"] and len(found["external_subnets"]) == 2
    # The subnets are read for the access control: the service allows the cluster's own subnet by itself.
    assert [entry["path"].rpartition("/")[2] for entry in outcome.requests if "kubernetes" not in entry["path"]] == ["tokens", "vpcsubnets"]
    assert found["ipacl"]["targets"] == ACCESS["targets"]
    assert_unchanged(world, found)
    assert_reproduced(world, found, references="uuid")


def test_cluster_without_an_internet_gateway(world):
    private = dict(CLUSTER, subnet="private-subnet", ncr_sgw="demo-ncr", obs_sgw="demo-obs")
    del private["external_network"]
    fleet_of(world, private)
    found = only(world)
    assert (found["ncr_sgw"], found["obs_sgw"], found["subnet"]) == ("demo-ncr", "demo-obs", "private-subnet")
    assert "external_network" not in found and "external_subnets" not in found
    assert_unchanged(world, found)
    assert_reproduced(world, found)


def test_encrypted_volumes_need_their_appkeys_to_be_created_again(world):
    encrypted = {"boot_volume_key_id": "key", "boot_volume_appkey": APPKEY}
    encrypted["extra_volumes"] = [{"type": "General SSD", "size": 10, "key_id": "key-2", "appkey": APPKEY}]
    for shown in (True, False):
        world.reset(echo_appkeys=shown)
        fleet_of(world, dict(CLUSTER, nodegroups=[dict(GROUP, **encrypted)], **encrypted))
        outcome = exported(world)
        (found,) = outcome["clusters"]
        assert APPKEY not in json.dumps(outcome.result)
        resources = ["cluster/demo", "cluster/demo/nodegroup/extra"]
        assert sorted(lacking(outcome)) == sorted((resource, option) for resource in resources for option in ("boot_volume_appkey", "extra_volumes.appkey"))
        assert {item["cluster"] for item in outcome["omitted"]} == {"demo"}
        assert set(outcome["omitted"][0]) == {"cluster", "resource", "option", "reason"}
        assert_unchanged(world, found)
        assert_reproduced(world, found)


def test_outdated_node_groups(world):
    fleet_of(world, dict(CLUSTER, kubernetes_version="v1.30.3", nodegroups=[GROUP]))
    world.nks_cluster(kubernetes_version="v1.31.4", wait_interval=1)
    outcome = exported(world)
    (found,) = outcome["clusters"]
    assert lacking(outcome) == [("cluster/demo/nodegroup/default-worker", "kubernetes_version"), ("cluster/demo/nodegroup/extra", "kubernetes_version")]
    assert found["kubernetes_version"] == "v1.31.4"
    assert_unchanged(world, found)
    assert_reproduced(world, found)


def test_stopped_nodes_count_as_nodes(world):
    fleet_of(world, CLUSTER)
    for listed in (True, False):
        world.set(stopped_nodes_listed=listed)
        world.group().nodes[0].status = "SHUTOFF"
        found = only(world)
        assert found["node_count"] == 2
        assert_unchanged(world, found)


def test_document_does_not_depend_on_the_order_of_answers(world):
    fleet_of(world, WHOLE)
    first = json.dumps(exported(world).result)
    for _time in range(3):
        assert json.dumps(exported(world).result) == first


def test_a_query(world):
    world.seed("demo")
    world.seed("second")
    outcome = exported(world, query="[].{name: name, version: kubernetes_version}")
    assert outcome["result"] == [{"name": name, "version": "v1.31.4"} for name in ("demo", "second")]
    assert len(outcome["clusters"]) == 2
    with pytest.raises(NksError) as caught:
        exported(world, query="[?name")
    assert caught.value.msg.startswith("query: ") and caught.value.outcome.requests == []


# -- clusters made by other programs -----------------------------------------------------------------------------------


def test_cluster_as_the_console_and_the_guide_make_it(world):
    """The API guide's own example, and replies of the public cloud: zeros and 3 minutes for an autoscaler that is off, any case."""
    cluster = world.seed(
        labels={
            "ca_enable": "False",
            "ca_min_node_count": "0",
            "ca_max_node_count": "0",
            "ca_scale_down_delay_after_add": "3",
            "ca_scale_down_unneeded_time": "3",
            "master_lb_floating_ip_enabled": "true",
            "strict_sg_rules": "TRUE",
            "clusterautoscale": "nodegroupfeature",
            "user_script_v2": "",
            "cert_manager_api": "true",
        }
    )
    labels = world.group().labels
    # Of replies, not of the simulator.
    cluster.labels.update({"os_distro": "CentOS", "flavor_type": "core", "upgradable_platform_version": ""})
    labels.update({"login_username": "centos", "ca_image": "k8s.gcr.io/autoscaling/cluster-autoscaler:v1.19.0", "boot_volume_size": "0050"})
    outcome = exported(world)
    (found,) = outcome["clusters"]
    assert lacking(outcome) == [("cluster/demo", "autoscale.scale_down_delay_after_add")]
    assert found["autoscale"] == {"enabled": False, "scale_down_unneeded_time": 3}
    assert (found["public_api_endpoint"], found["strict_sg_rules"], found["boot_volume_size"]) == (True, True, 50)
    assert "labels" not in found and "user_script" not in found
    assert_unchanged(world, found)
    assert_reproduced(world, found)


@pytest.mark.parametrize(
    "labels, option",
    [
        ({"cni_driver": "flannel"}, "cni"),
        ({"user_script_v2": "ZWNobyBoZWxsbw=="}, "user_script"),
        ({"availability_zone": ""}, "availability_zone"),
        ({"my_label": "mine"}, "labels.my_label"),
        ({"control_plane_log": '{"enable": true, "lncs_appkey": "S3CRET-0123"}'}, "labels.control_plane_log"),
        ({"pods_network_cidr": "10.100.0.0/25"}, "pods_network_cidr"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_odd_values_are_noted_and_change_nothing(world, labels, option):
    cluster = world.seed()
    cluster.labels.update({label: value for label, value in labels.items() if not label.startswith("user_script")})
    world.group().labels.update(labels)
    outcome = exported(world)
    assert ("cluster/demo", option) in lacking(outcome)
    assert "S3CRET" not in str(outcome.result)
    assert_unchanged(world, outcome["clusters"][0])


def test_missing_labels_change_nothing(world):
    cluster = world.seed()
    for label in ("strict_sg_rules", "pods_network_cidr", "pods_network_subnet", "service_cluster_ip_range", "cni_driver"):
        del cluster.labels[label]
    outcome = exported(world)
    assert {option for _resource, option in lacking(outcome)} == {
        "strict_sg_rules",
        "pods_network_cidr",
        "pods_network_subnet",
        "service_cluster_ip_range",
        "cni",
    }
    assert_unchanged(world, outcome["clusters"][0])


def test_password_in_a_script_is_not_shown(world):
    world.seed()
    world.group().labels["user_script_v2"] = "#!/bin/sh\nlogin %s\n" % PASSWORD
    outcome = exported(world)
    assert PASSWORD not in str(outcome.result) and lacking(outcome) == [("cluster/demo", "user_script")]
    assert_unchanged(world, outcome["clusters"][0])


# -- which clusters ----------------------------------------------------------------------------------------------------


def test_selected_clusters(world):
    uuids = {name: world.seed(name).uuid for name in ("demo", "second", "third")}
    outcome = exported(world, clusters=["third", uuids["demo"].upper().replace("-", "")])
    # In the order of the service.
    assert [found["name"] for found in outcome["clusters"]] == ["demo", "third"]
    assert outcome["warnings"] == [] and not outcome.reads("/clusters/%s.*" % uuids["second"])
    assert [found["name"] for found in documents(world)] == ["demo", "second", "third"]


def test_cluster_that_does_not_exist_is_a_warning(world):
    world.seed()
    outcome = exported(world, clusters=["dmeo", "demo"])
    assert [found["name"] for found in outcome["clusters"]] == ["demo"]
    assert outcome["warnings"] == ["clusters: there is no cluster 'dmeo' in kr1; there are: demo."]
    assert exported(world, clusters=["dmeo"])["clusters"] == []


def test_clusters_that_are_being_deleted_are_left_out(world):
    world.seed("demo")
    doomed = world.seed("second")
    world.busy(doomed, "cluster_delete", 1000.0, prefix="DELETE", whole=True)
    assert [found["name"] for found in documents(world)] == ["demo"]
    assert "there is no cluster 'second' in kr1; there are: demo." in exported(world, clusters=["second"])["warnings"][0]


def test_cluster_deleted_while_it_is_read_is_left_out(world):
    world.seed("demo")
    gone = world.seed("second")
    world.fault(effect="status", status=404, path="/clusters/%s$" % gone.uuid)
    outcome = exported(world)
    assert [found["name"] for found in outcome["clusters"]] == ["demo"] and outcome["warnings"] == []


def test_node_group_deleted_while_it_is_read_is_left_out(world):
    world.seed(nodegroups=2)
    world.fault(effect="status", status=404, path="/nodegroups/%s$" % world.group("group-1").uuid)
    assert only(world)["nodegroups"] == []
    world.group("group-1").status = "DELETE_IN_PROGRESS"
    outcome = exported(world)
    assert outcome["clusters"][0]["nodegroups"] == [] and outcome["warnings"] == []


def test_busy_and_failed_clusters_are_exported_with_a_warning(world):
    cluster = world.seed(nodegroups=2)
    before = only(world)
    world.busy(cluster, "resize", 100.0)
    outcome = exported(world)
    assert outcome["clusters"] == [before] and outcome.clock.slept == []
    assert outcome["warnings"] == ["cluster/demo is in UPDATE_IN_PROGRESS. Its document shows what NKS shows now."]
    cluster.task = None
    world.fail(cluster, "UPDATE_FAILED", group=world.group("group-1"))
    outcome = exported(world)
    assert outcome["clusters"] == [before]
    assert outcome["warnings"] == [
        "%s is in UPDATE_FAILED: No valid host was found. Its document shows what NKS shows now." % resource
        for resource in ("cluster/demo", "cluster/demo/nodegroup/group-1")
    ]


def test_cluster_that_is_being_created_is_exported(world):
    world.set(task_seconds=1000.0)
    world.nks_cluster(wait=False, **CLUSTER)
    outcome = exported(world)
    assert [warning.partition(".")[0] for warning in outcome["warnings"]] == [
        "cluster/demo is in CREATE_IN_PROGRESS",
        "cluster/demo/nodegroup/default-worker is in CREATE_IN_PROGRESS",
    ]
    assert outcome["clusters"][0]["node_count"] == 2


# -- names -------------------------------------------------------------------------------------------------------------


def test_clusters_with_one_name_have_their_uuids(world):
    uuids = [world.seed("demo").uuid, world.seed("demo").uuid]
    world.seed("other")
    outcome = exported(world)
    assert [found["name"] for found in outcome["clusters"]] == [*uuids, "other"]
    assert outcome["warnings"] == ["cluster/demo: 2 clusters in region kr1 have this name, so each document has the UUID as name."]
    assert [(item["cluster"], item["option"]) for item in outcome["omitted"]] == [(uuid, "name") for uuid in uuids]
    for found in outcome["clusters"]:
        assert_unchanged(world, found)
    assert not fleet_of(world, *outcome["clusters"])["changed"]


@pytest.mark.parametrize("name", ["detail", "3f2504e04f8941d39a0c0305e82c3301", ".", PASSWORD])
def test_cluster_whose_name_is_no_name_has_its_uuid(world, name):
    uuid = world.seed(name).uuid
    outcome = exported(world)
    assert outcome["clusters"][0]["name"] == uuid and outcome["warnings"] == []
    assert_unchanged(world, outcome["clusters"][0])


def test_ambiguous_names_of_resources_are_uuids(world):
    found = world.cloud.projects[TENANT, "kr1"].found
    fleet_of(world, dict(WHOLE, flavor="f1000000-0001-4000-8000-00000000000a", nodegroups=[]))
    for items in (found.security_groups, found.images):
        items.append(dict(items[1] if items is found.security_groups else items[0], id="99999999-0000-4000-8000-000000000001"))
    document = only(world)
    # The simulator has two flavors of this name, in any case.
    assert document["flavor"] == "f1000000-0001-4000-8000-00000000000a"
    assert UUID.fullmatch(document["image"])
    groups = document["extra_security_groups"][0]["security_groups"]
    assert [bool(UUID.fullmatch(group)) for group in groups] == [True, False]
    # Another network has a subnet of this name, which does not matter.
    assert document["subnet"] == "demo-subnet"
    assert_unchanged(world, document)


def test_subnet_of_security_groups_is_unambiguous_in_all_networks_of_the_group(world):
    entry = {"subnet": WIDE, "security_groups": ["web"]}
    networks = {"additional_networks": ["other-vpc"], "additional_subnets": ["storage-subnet"]}
    alone = dict(GROUP, name="alone", extra_security_groups=[entry])
    fleet_of(world, dict(CLUSTER, nodegroups=[alone, dict(alone, name="both", **networks)]))
    document = only(world)
    assert [group["extra_security_groups"][0]["subnet"] for group in document["nodegroups"]] == ["demo-subnet", WIDE]
    assert_unchanged(world, document)
    assert_reproduced(world, document)


def test_names_that_are_not_taken_for_names_are_uuids(world):
    found = world.cloud.projects[TENANT, "kr1"].found
    world.seed()
    vpc, subnet = found.vpcs[0], found.subnets[0]
    for name in ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "", "{{ lookup('pipe', 'id') }}"):
        vpc["name"] = subnet["name"] = name
        document = only(world)
        assert (document["network"], document["subnet"]) == (vpc["id"], subnet["id"])
        assert_unchanged(world, document)


@pytest.mark.parametrize("status", [403, 404])
def test_resources_that_cannot_be_listed_have_their_uuids(world, status):
    fleet_of(world, dict(WHOLE, subnet="demo-subnet"))
    names = only(world)
    pattern = "/(security-groups|flavors/detail|images|networks)$"
    world.fault(effect="status", status=status, times=None, path=pattern)
    outcome = exported(world, max_retries=0)
    (document,) = outcome["clusters"]
    assert len(outcome["warnings"]) == 4 and all(text.endswith(" The documents have UUIDs instead.") for text in outcome["warnings"])
    assert all(UUID.fullmatch(document[option]) for option in ("flavor", "image", "external_network"))
    assert all(UUID.fullmatch(group) for group in document["extra_security_groups"][0]["security_groups"])
    assert [document[option] for option in ("network", "subnet", "external_subnets")] == [names[option] for option in ("network", "subnet", "external_subnets")]
    assert_unchanged(world, document)


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["%s$", "%s/nodegroups$", "%s/nodegroups/[^/]+$", "%s/nodegroups/[^/]+/autoscale$", "%s/api_ep_ipacl$"])
def test_unreadable_cluster_is_reported_and_others_are_returned(world, path):
    world.seed("demo")
    bad = world.seed("second")
    world.fault(effect="status", status=500, times=None, path="/clusters/" + path % bad.uuid)
    outcome = exported(world, max_retries=0)
    assert [found["name"] for found in outcome["clusters"]] == ["demo"]
    (warning,) = outcome["warnings"]
    assert warning.startswith("Cluster second (%s) cannot be read. Could not " % bad.uuid) and warning.endswith(" It is left out.")
    # If it is the only one, that is an error.
    with pytest.raises(NksError) as caught:
        exported(world, max_retries=0, clusters=["second"])
    assert caught.value.values["status_code"] == 500


def test_node_group_without_uuid_makes_the_cluster_unreadable(world):
    """Its document would lack the node group."""
    cluster = world.seed()
    world.fault(effect="status", status=200, path="/nodegroups$", body={"nodegroups": [{"name": "odd"}]}, body_type="json")
    with pytest.raises(NksError) as caught:
        exported(world)
    assert caught.value.msg == "Cluster demo (%s) cannot be read. The list of its node groups has an entry without uuid." % cluster.uuid


def test_rejected_token_is_an_error(world):
    world.seed("demo")
    bad = world.seed("second")
    world.fault(effect="status", status=401, times=None, path="/clusters/%s/api_ep_ipacl$" % bad.uuid)
    with pytest.raises(NksError, match="The token was not accepted"):
        exported(world)


@pytest.mark.parametrize("part, option", [("api_ep_ipacl", "ipacl"), ("autoscale", "autoscale")])
@pytest.mark.parametrize("status", [403, 404])
def test_part_that_the_service_does_not_offer_is_left_out(world, part, option, status):
    world.seed()
    world.fault(effect="status", status=status, times=None, path="/%s$" % part)
    outcome = exported(world)
    assert lacking(outcome) == [("cluster/demo", option)] and outcome["warnings"] == []
    (found,) = outcome["clusters"]
    assert option not in found and found["nodegroups"] == []
    assert_unchanged(world, found)


# -- regions -----------------------------------------------------------------------------------------------------------


def seed_in(world, region, name):
    with world.cloud.lock, world.simulator.app.app_context():
        world.control.seed_clusters(world.cloud, {"name": name, "region": region, "version": "v1.31.4"})


def test_several_regions(world):
    world.seed("demo")
    for region, name in (("kr2", "demo"), ("kr2", "second"), ("kr3", "third")):
        seed_in(world, region, name)
    assert [found["region"] for found in documents(world)] == ["kr1"]
    outcome = exported(world, regions=["KR2", "kr1", "kr2"], region=None)
    assert [(found["region"], found["name"]) for found in outcome["clusters"]] == [("kr2", "demo"), ("kr2", "second"), ("kr1", "demo")]
    # One name in two regions is no ambiguity.
    assert outcome["warnings"] == [] and outcome["omitted"] == []
    assert {found["network"] for found in outcome["clusters"]} == {"demo-vpc"}
    # Each list of names is read once in a region.
    lists = [entry["path"] for entry in outcome.requests if "/kubernetes/" not in entry["path"] and not entry["path"].endswith("/images")]
    assert len(lists) == len(set(lists)) == 1 + 2 * 5
    for found in outcome["clusters"]:
        assert_unchanged(world, found)
    assert not fleet_of(world, *outcome["clusters"])["changed"]
    by_name = exported(world, regions=["kr1", "kr2", "kr3"], clusters=["demo", "third", "nowhere"])
    assert [found["region"] for found in by_name["clusters"]] == ["kr1", "kr2", "kr3"]
    assert by_name["warnings"] == ["clusters: there is no cluster 'nowhere' in kr1, kr2, kr3; there are: demo, second, third."]


def test_errors_name_their_region(world):
    world.seed("demo")
    seed_in(world, "kr2", "second")
    uuid = next(iter(world.cloud.projects[TENANT, "kr2"].clusters))
    world.fault(effect="status", status=500, times=None, path="/kr2/kubernetes/v1/clusters/%s$" % uuid)
    outcome = exported(world, regions=["kr1", "kr2"], max_retries=0)
    assert outcome["warnings"][0].startswith("Region kr2: Cluster second (%s) cannot be read." % uuid)
    world.fault(effect="status", status=403, times=None, path="/kr2/kubernetes/v1/clusters$")
    with pytest.raises(NksError) as caught:
        exported(world, regions=["kr1", "kr2"], max_retries=0)
    assert caught.value.msg.startswith("Region kr2: Could not list the clusters")


@pytest.mark.parametrize("service", ["kubernetes", "compute", "network", "image"])
def test_several_regions_reject_the_endpoint_of_one(world, service):
    option = service + "_endpoint"
    with pytest.raises(NksError, match="^%s: .* is the address of one region; omit it, or list only one region in regions" % option) as caught:
        exported(world, regions=["kr1", "kr2"], **{option: "https://example.com/"})
    assert caught.value.outcome.requests == []


def test_invalid_region_fails_before_any_request(world):
    with pytest.raises(NksError, match="^region: 'here' is not the code of a region") as caught:
        exported(world, regions=["kr1", "here"])
    assert caught.value.outcome.requests == []


def test_region_of_an_endpoint_alone_is_not_known(world):
    world.seed()
    base = world.simulator.auth_url.replace("/identity/v2.0", "/kr1")
    endpoints = {"kubernetes_endpoint": base + "/kubernetes", "compute_endpoint": base + "/compute", "network_endpoint": base + "/network"}
    endpoints["image_endpoint"] = base + "/image"
    assert "region" not in only(world, region=None, **endpoints)


# -- many clusters -----------------------------------------------------------------------------------------------------


def test_requests_of_many_clusters(world):
    for number in range(5):
        world.seed("c%d" % number, nodegroups=3)
    outcome = exported(world)
    assert [found["name"] for found in outcome["clusters"]] == ["c%d" % number for number in range(5)]
    assert all(len(found["nodegroups"]) == 2 for found in outcome["clusters"])
    kubernetes = [entry for entry in outcome.requests if "/kubernetes/" in entry["path"]]
    # The list, and for each cluster: the cluster, its list, its access control, and two for each node group.
    assert len(kubernetes) == 1 + 5 * (3 + 3 * 2)


# -- any cluster -------------------------------------------------------------------------------------------------------

ACCESSES = st.one_of(
    st.just({"state": "absent"}),
    st.builds(
        lambda action, targets: {"action": action, "targets": targets},
        st.sampled_from(["allow", "deny"]),
        st.lists(
            st.builds(
                lambda address, text: dict({"cidr_address": address}, **({"description": text} if text else {})),
                st.sampled_from(["203.0.113.7", "203.0.113.0/28", "198.51.100.5/25", "192.0.2.1"]),
                st.sampled_from(["", "Office"]),
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda target: target["cidr_address"],
        ),
    ),
)


@st.composite
def whole_documents(draw):
    """Documents of clusters that can be created, with node groups and access control."""
    document = draw(cluster_options(rarely=1))
    if draw(st.integers(0, 3)) == 0:
        document.update(boot_volume_key_id="key", boot_volume_appkey=APPKEY)
    groups = draw(st.lists(group_options(rarely=1), max_size=2))
    document["nodegroups"] = [
        {option: value for option, value in dict(group, name=name).items() if option != "cluster"} for name, group in zip(("extra", "batch"), groups)
    ]
    if draw(st.booleans()):
        entry = {"subnet": "demo-subnet", "security_groups": draw(st.lists(st.sampled_from(["web", "db", "default"]), min_size=1, unique=True))}
        document["extra_security_groups"] = [entry]
    document["ipacl"] = draw(ACCESSES)
    # Both are sets of several, whose upgrade this is not about.
    document.pop("upgrade")
    return document


@EXAMPLES
@given(document=whole_documents(), references=st.sampled_from(["name", "name", "uuid"]), by_modules=st.booleans(), echo=st.booleans(), normalise=st.booleans())
def test_any_cluster_exported_is_unchanged_and_can_be_created_again(running_world, document, references, by_modules, echo, normalise):
    world = running_world
    world.reset(task_seconds=0.0, echo_appkeys=echo, ipacl_normalise=normalise)
    fleet_of(world, document)
    outcome = exported(world, references=references)
    (found,) = outcome["clusters"]
    assert outcome["warnings"] == [] and APPKEY not in json.dumps(outcome.result)
    assert {option for _resource, option in lacking(outcome)} <= {"boot_volume_appkey", "extra_volumes.appkey"}
    if references == "name":
        # Whatever was set and is shown is there again, in the same words.
        for option in ("keypair", "flavor", "image", "network", "subnet", "external_network", "kubernetes_version", "node_count", "boot_volume_size"):
            assert found[option] == document[option], option
        assert [group["name"] for group in found["nodegroups"]] == sorted(group["name"] for group in document["nodegroups"])
    assert_unchanged(world, found)
    assert_reproduced(world, found, by_modules, references=references)


#: The service shows all members of a policy.
POLICY = {"enable": False, "max_node_count": 10, "rules_operator": "OR", "delay": 10, "adjustment_count": 1, "rules": []}
LABELS = {
    "additional_network_id_list": ["", "a1000000-0101-4000-8000-000000000002", "x"],
    "additional_subnet_id_list": ["", "a2000000-0101-4000-8000-000000000006"],
    "boot_volume_size": ["50", "0050", "", "big"],
    "ca_enable": ["true", "FALSE", "False"],
    "ca_max_node_count": ["0", "1", "4", "10"],
    "ca_min_node_count": ["0", "1", "3"],
    "ca_scale_down_delay_after_add": ["3", "10", "15"],
    "ca_scale_down_enable": ["True", "false"],
    "cni_driver": ["calico", "calico-ebpf", "flannel"],
    "control_plane_log": ["", '{"enable": true, "type": "obs"}', '{"enable": true, "lncs_appkey": "S3CRET-0123"}'],
    "extra_volumes": ["[]", '[{"volume_type": "General HDD", "volume_size": "5"}, {"volume_type": "General HDD", "volume_size": 7}]', "[{}]"],
    "extra_security_groups": ["[]", '[{"target_subnet": "%s", "security_group_ids": "a4000000-0101-4000-8000-000000000002"}]' % WIDE, "[null]"],
    "k8s_node_labels": ["{}", '{"tier": "web"}'],
    "mba_scale_out": [json.dumps(dict(POLICY, enable=True, rules=[{"metric": "GROUP_CPU_USAGE", "threshold": 80}])), json.dumps(POLICY)],
    "my_label": ["1"],
    "pods_network_cidr": ["10.100.0.0/16", "10.100.0.0/25"],
    "strict_sg_rules": ["TRUE", "false", ""],
    "user_script_v2": ["", "#!/bin/sh\n{{ x }}\n", "plain"],
}


@EXAMPLES
@given(
    labels=st.fixed_dictionaries({}, optional={label: st.sampled_from(values) for label, values in LABELS.items()}),
    without=st.sets(st.sampled_from(["cni_driver", "pods_network_cidr", "strict_sg_rules", "external_network_id"]), max_size=2),
    nodes=st.integers(1, 5),
    references=st.sampled_from(["name", "uuid"]),
)
def test_any_cluster_of_other_programs_exported_is_unchanged(running_world, labels, without, nodes, references):
    world = running_world
    world.reset(task_seconds=0.0)
    cluster = world.seed(nodegroups=2, nodes=nodes)
    for group in world.cluster().nodegroups.values():
        group.labels.update(labels)
        group.labels.setdefault("ca_enable", "false")
    cluster.labels.update({label: value for label, value in labels.items() if label.startswith(("cni", "pods", "strict", "control"))})
    for label in without:
        cluster.labels.pop(label, None)
    outcome = exported(world, references=references)
    assert "S3CRET" not in str(outcome.result)
    (found,) = outcome["clusters"]
    assert_unchanged(world, found)
    delete(world)
    try:
        fleet_of(world, found)
    except NksError as error:
        # What the service does not create, or creates only with what the document lacks.
        assert {option.partition(".")[0] for _resource, option in lacking(outcome)} & {"boot_volume_size"} or "autoscaler" in error.msg
        return
    again = only(world, references=references)
    for before, after in zip([found, *found["nodegroups"]], [again, *again["nodegroups"]]):
        assert {option: after.get(option) for option in before if option != "nodegroups"} == {
            option: value for option, value in before.items() if option != "nodegroups"
        }
