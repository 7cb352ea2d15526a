# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The information modules: what there is, typed; nothing is changed."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._observe import names
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import engine, groups, info


@pytest.fixture(autouse=True)
def nothing_is_written(world):
    yield
    assert [entry for entry in world.cloud.log if entry["method"] != "GET" and not entry["path"].endswith("/tokens")] == []


def ids(items):
    return {item["name"]: item["id"] for item in items}


# -- nks_cluster_info ------------------------------------------------------------------------------------------------


def clusters(world, check=False, **given):
    return world.run(info.CLUSTERS, given, check)


def test_no_clusters(world):
    outcome = clusters(world)
    assert (outcome["changed"], outcome["clusters"]) == (False, [])
    assert clusters(world, name="nowhere")["clusters"] == []
    assert clusters(world, name="3f2504e0-4f89-41d3-9a0c-0305e82c3301")["clusters"] == []
    assert clusters(world, name="nowhere", query="[].name")["result"] == []


def test_clusters(world):
    world.seed("demo", nodes=3)
    world.seed("demo-2")
    found = clusters(world, check=True)["clusters"]
    assert [item["name"] for item in found] == ["demo", "demo-2"]
    # Each is read by itself: the list shows neither addresses nor dates.
    assert all(item["fixed_network"] and item["created_at"] and item["node_addresses"] for item in found)
    by_name = clusters(world, name="demo")["clusters"]
    assert [item["uuid"] for item in by_name] == [world.cluster("demo").uuid]
    assert clusters(world, name=by_name[0]["uuid"])["clusters"][0]["name"] == "demo"
    short = clusters(world, details=False)
    assert [item["name"] for item in short["clusters"]] == ["demo", "demo-2"]
    assert short.reads("/clusters/.*") == [] and "fixed_network" not in short["clusters"][0]


def test_cluster_values_are_typed(world):
    world.seed(nodes=3, labels={"strict_sg_rules": "TRUE", "etcd_volume_size": "20", "control_plane_log": '{"enable": true}'})
    cluster = clusters(world, name="demo")["clusters"][0]
    assert (cluster["node_count"], cluster["master_count"], cluster["create_timeout"]) == (3, 3, 60)
    assert cluster["floating_ip_enabled"] is False
    assert len(cluster["node_addresses"]) == 3
    labels = cluster["labels"]
    assert labels["strict_sg_rules"] is True and labels["cert_manager_api"] is True and labels["api_ep_ipacl_enable"] is False
    assert (labels["pods_network_subnet"], labels["term_of_validity"], labels["etcd_volume_size"]) == (24, 5, 20)
    assert len(labels["external_subnet_id_list"]) == 5
    assert (labels["additional_network_id_list"], labels["upgradable_kube_versions"]) == ([], ["v1.32.3"])
    assert labels["control_plane_log"] == {"enable": True}
    assert labels["kube_tag"] == "v1.31.4"


def test_cluster_deleted_between_list_and_read_is_skipped(world):
    world.seed("demo")
    world.seed("demo-2")
    world.fault(effect="status", status=404, path="/clusters/%s$" % world.cluster("demo").uuid)
    assert [item["name"] for item in clusters(world)["clusters"]] == ["demo-2"]


@pytest.mark.parametrize("status", [400, 403, 500, 503])
def test_unreadable_cluster_is_reported_and_others_are_returned(world, status):
    world.seed("demo")
    bad = world.seed("demo-2")
    world.seed("demo-3")
    world.fault(effect="status", status=status, times=None, path="/clusters/%s$" % bad.uuid)
    outcome = clusters(world, max_retries=0, query="[].name")
    assert outcome["result"] == ["demo", "demo-3"]
    (warning,) = outcome["warnings"]
    assert warning.startswith("Cluster demo-2 (%s) cannot be read. Could not read cluster " % bad.uuid)
    assert warning.endswith(" It is left out.") and "HTTP %d" % status in warning
    # If it is the one that is asked for, that is an error.
    with pytest.raises(NksError):
        clusters(world, max_retries=0, name=bad.uuid)


def test_error_if_no_cluster_is_readable(world):
    first = world.seed("demo")
    world.seed("demo-2")
    world.fault(effect="status", status=403, times=None, path="/clusters/[^/]+$")
    with pytest.raises(NksError) as caught:
        clusters(world)
    assert caught.value.msg.startswith("Cluster demo (%s) cannot be read. Could not read cluster demo: " % first.uuid)
    assert caught.value.values["status_code"] == 403


def test_token_rejected_during_read_is_an_error(world):
    world.seed("demo")
    bad = world.seed("demo-2")
    world.fault(effect="status", status=401, times=None, path="/clusters/%s$" % bad.uuid)
    with pytest.raises(NksError, match="The token was not accepted"):
        clusters(world)


@pytest.mark.parametrize("job, given, key", [(info.CLUSTERS, {}, "clusters"), (info.NODEGROUPS, {"cluster": "demo"}, "nodegroups")])
@pytest.mark.parametrize("uuid", [None, "", ".."])
def test_entry_without_valid_uuid_is_reported(world, job, given, key, uuid):
    world.seed()
    body = {key: [{"name": "odd", "uuid": uuid}, {"name": "demo", "uuid": world.cluster().uuid}]}
    if key == "nodegroups":
        body[key][1] = {"name": "default-worker", "uuid": world.group().uuid}
    world.fault(effect="status", status=200, path="/%s$" % key, body=body, body_type="json")
    outcome = world.run(job, given)
    assert [item["name"] for item in outcome[key]] == [body[key][1]["name"]]
    assert len(outcome["warnings"]) == 1 and " odd " in outcome["warnings"][0]


def test_two_clusters_with_same_name(world):
    first, second = world.seed("demo"), world.seed("demo")
    with pytest.raises(NksError) as caught:
        clusters(world, name="demo")
    assert first.uuid in caught.value.msg and second.uuid in caught.value.msg
    assert len(clusters(world, query="[?name == 'demo']")["result"]) == 2


def test_a_query(world):
    world.seed("demo", nodes=3)
    world.seed("demo-2")
    outcome = clusters(world, query="[?node_count > `2`].{name: name, version: labels.kube_tag}")
    assert outcome["result"] == [{"name": "demo", "version": "v1.31.4"}]
    # The list itself is there as well.
    assert len(outcome["clusters"]) == 2
    assert "result" not in clusters(world).result


@pytest.mark.parametrize("job, given", [(info.CLUSTERS, {}), (info.VERSIONS, {}), (info.RESOURCES, {"kind": "flavor"}), (info.EVENTS, {"cluster": "demo"})])
def test_invalid_query_fails_before_any_request(world, job, given):
    """Found out before any request."""
    with pytest.raises(NksError) as caught:
        world.run(job, dict(given, query="[?name"))
    assert caught.value.msg.startswith("query: ") and caught.value.outcome.requests == []


def test_query_that_does_not_fit_result_fails(world):
    world.seed()
    with pytest.raises(NksError, match="query: .* does not fit the result"):
        clusters(world, query="[].abs(name)")


def test_busy_and_failed_clusters_are_read_without_waiting(world):
    cluster = world.seed()
    world.busy(cluster, "resize", 100.0)
    assert clusters(world)["clusters"][0]["status"] == "UPDATE_IN_PROGRESS"
    cluster.task, cluster.status = None, "CREATE_FAILED"
    outcome = clusters(world, name="demo")
    assert outcome["clusters"][0]["status"] == "CREATE_FAILED" and outcome.clock.slept == []


def test_secrets_in_response_are_hidden(world):
    world.seed(labels={"boot_volume_key_id": "k", "boot_volume_appkey": "S3CRET", "control_plane_log": '{"enable": true, "lncs_appkey": "S3CRET"}'})
    world.group().labels["extra_volumes"] = '[{"volume_type": "General SSD", "volume_size": 10, "volume_appkey": "S3CRET"}]'
    assert "S3CRET" not in str(clusters(world).result)
    found = world.run(info.NODEGROUPS, {"cluster": "demo", "query": "[].labels"})
    assert "S3CRET" not in str(found.result) and found["nodegroups"][0]["labels"]["boot_volume_key_id"] == "k"


# -- nks_nodegroup_info ----------------------------------------------------------------------------------------------


def nodegroups(world, **given):
    return world.run(info.NODEGROUPS, dict({"cluster": "demo"}, **given))


def test_nodegroups(world):
    world.seed(nodegroups=3)
    found = nodegroups(world)["nodegroups"]
    assert [item["name"] for item in found] == ["default-worker", "group-1", "group-2"]
    group = found[1]
    assert (group["node_count"], group["min_node_count"], group["max_node_count"], group["is_default"]) == (2, 1, None, False)
    assert (group["labels"]["ca_enable"], group["labels"]["ca_max_node_count"], group["labels"]["boot_volume_size"]) == (False, 10, 50)
    assert len(group["labels"]["node_list"]) == len(group["node_addresses"]) == 2
    assert group["labels"]["extra_volumes"] == [] and group["labels"]["mba_scale_in"]["enable"] is False
    assert group["labels"]["requested_node_count"] == 2
    for reference in (group["name"], group["uuid"]):
        assert [item["uuid"] for item in nodegroups(world, name=reference)["nodegroups"]] == [group["uuid"]]
    assert nodegroups(world, query="length(@)")["result"] == 3


def test_unreadable_nodegroup_is_reported_and_others_are_returned(world):
    world.seed(nodegroups=3)
    bad = world.group("group-1")
    world.fault(effect="status", status=403, times=None, path="/nodegroups/%s$" % bad.uuid)
    outcome = nodegroups(world)
    assert [item["name"] for item in outcome["nodegroups"]] == ["default-worker", "group-2"]
    (warning,) = outcome["warnings"]
    assert warning.startswith("cluster/demo: node group group-1 (%s) cannot be read. Could not read node group " % bad.uuid)
    world.fault(effect="status", status=403, path="/nodegroups/group-1$")
    with pytest.raises(NksError):
        nodegroups(world, name="group-1")


def test_missing_nodegroup_or_cluster(world):
    world.seed()
    assert nodegroups(world, name="nobody", query="[].name").result["result"] == []
    assert nodegroups(world, name="nobody")["nodegroups"] == []
    with pytest.raises(NksError, match="cluster: there is no cluster 'nowhere'"):
        nodegroups(world, cluster="nowhere")


# -- nks_event_info --------------------------------------------------------------------------------------------------


def events(world, **given):
    return world.run(info.EVENTS, dict({"cluster": "demo"}, **given))


def test_events(world):
    cluster = world.seed()
    world.fail(cluster, "UPDATE_FAILED", contents="Quota", group=world.group())
    found = events(world)["events"]
    assert [(item["type"], item["state"]) for item in found] == [("CLUSTER_CREATE", "SUCCESS"), ("CLUSTER_RESIZE", "FAIL")]
    assert all(isinstance(item["id"], int) for item in found)
    assert (found[1]["contents"], found[1]["resource_name"], found[1]["cluster_uuid"]) == ("Quota", "default-worker", cluster.uuid)
    # By name one more request, for these paths take a UUID only.
    by_uuid = events(world, cluster=cluster.uuid)
    assert by_uuid["events"] == found and by_uuid.reads("/clusters/[^/]*") == []
    assert events(world, query="[?state == 'FAIL'].contents")["result"] == ["Quota"]


def test_one_event(world):
    cluster = world.seed()
    world.fail(cluster, "UPDATE_FAILED")
    wanted = cluster.events[1]
    for reference in ("demo", cluster.uuid):
        found = events(world, cluster=reference, uuid=wanted.uuid)["events"]
        assert [(item["uuid"], item["id"]) for item in found] == [(wanted.uuid, wanted.id)]
    assert events(world, uuid="3f2504e0-4f89-41d3-9a0c-0305e82c3301")["events"] == []


def test_events_in_pages(world):
    cluster = world.seed()
    for _turn in range(5):
        world.fail(cluster, "UPDATE_FAILED")
    world.set(page_max=2)
    assert [item["uuid"] for item in events(world)["events"]] == [event.uuid for event in cluster.events]


def test_events_of_missing_cluster(world):
    world.seed()
    with pytest.raises(NksError, match="cluster: there is no cluster 'nowhere' in this region and project; there are: demo"):
        events(world, cluster="nowhere")


# -- nks_version_info ------------------------------------------------------------------------------------------------


def versions(world, **given):
    return world.run(info.VERSIONS, given)


def test_versions_are_sorted_numerically(world):
    world.set(supported_versions={"v1.9.11": False, "v1.31.4": True, "v1.30.12": True, "v1.30.3": False, "v1.100.0": True})
    found = versions(world)["kubernetes_versions"]
    assert [item["version"] for item in found] == ["v1.9.11", "v1.30.3", "v1.30.12", "v1.31.4", "v1.100.0"]
    assert [item["available"] for item in found] == [False, False, True, True, True]
    assert versions(world, query="[?available].version | [-1]")["result"] == "v1.100.0"


@pytest.mark.parametrize("names_of", ["current", "guide"])
def test_event_types_in_both_formats(world, names_of):
    world.set(event_names=names_of)
    flat = versions(world)["event_types"]
    world.set(event_types_shape="nested")
    assert versions(world)["event_types"] == flat
    assert flat["CLUSTER_CREATE"] and flat["NODEGROUP_CREATE"] and all(isinstance(text, str) for text in flat.values())
    assert ("NODEGROUP_NODE_ACTION_STOP_NODE" in flat) is (names_of == "current")


def test_versions_with_string_values(world):
    """The guide's table says that the values are texts, its example that they are booleans."""
    world.fault(effect="status", status=200, path="/supports$", body={"supported_k8s": {"v1.31.4": "True", "v1.30.3": "false"}}, body_type="json")
    outcome = versions(world)
    assert outcome["kubernetes_versions"] == [{"version": "v1.30.3", "available": False}, {"version": "v1.31.4", "available": True}]
    assert outcome["event_types"] == {}


# -- nks_resource_info -----------------------------------------------------------------------------------------------


def resources(world, kind, **given):
    return world.run(info.RESOURCES, dict({"kind": kind}, **given))


FOUND = {
    "network": {"demo-vpc": "a1000000-0101-4000-8000-000000000001", "other-vpc": "a1000000-0101-4000-8000-000000000002"},
    "external_network": {"public_network": "e1000000-0001-4000-8000-000000000001"},
    "availability_zone": {"kr-pub-a": "kr-pub-a", "kr-pub-b": "kr-pub-b"},
    "keypair": {"demo-key": "demo-key", "second-key": "second-key"},
    "image": {
        "Ubuntu Server 22.04 LTS Container": "1a000000-0001-4000-8000-000000000001",
        "Ubuntu Server 24.04 LTS Container": "1a000000-0001-4000-8000-000000000002",
        "Rocky Linux 9.4 Container": "1a000000-0001-4000-8000-000000000003",
        "Ubuntu Server 22.04 LTS GPU Container": "1a000000-0001-4000-8000-000000000005",
    },
    "volume_type": {"General HDD": "d1000000-0001-4000-8000-000000000001", "General SSD": "d1000000-0001-4000-8000-000000000002"},
    "service_gateway": {
        name: "a5000000-0101-4000-8000-%012d" % number
        for number, name in enumerate(("demo-ncr", "demo-obs", "demo-ncr-2", "demo-obs-2", "other-ncr", "other-obs"), 1)
    },
    "instance": {"bastion": "5e000000-0101-4000-8000-000000000001"},
}


def test_every_resource_kind_is_tested():
    assert set(FOUND) | {"subnet", "flavor", "security_group"} == set(names.KINDS)


@pytest.mark.parametrize("kind", sorted(FOUND))
def test_resources(world, kind):
    outcome = resources(world, kind)
    assert outcome["changed"] is False and ids(outcome["resources"]) == FOUND[kind]
    name, uuid = list(FOUND[kind].items())[-1]
    assert ids(resources(world, kind, name=name)["resources"]) == {name: uuid}
    assert ids(resources(world, kind, name=uuid)["resources"]) == {name: uuid}
    assert resources(world, kind, name="nothing")["resources"] == []
    assert sorted(resources(world, kind, query="[].id")["result"]) == sorted(FOUND[kind].values())


def test_subnets(world):
    found = resources(world, "subnet", name="demo-subnet")["resources"]
    # One of each network; the query tells them apart.
    assert sorted(item["cidr"] for item in found) == ["10.0.0.0/16", "10.0.0.0/24"]
    assert resources(world, "subnet", query="[?cidr == '10.1.0.0/24'].name")["result"] == ["private-subnet"]


def test_flavors(world):
    found = resources(world, "flavor")["resources"]
    assert len(found) == 11 and found[0]["ram"] == 4096
    assert len(resources(world, "flavor", name="m2.c8m16")["resources"]) == 2


def test_security_groups(world):
    found = [item["name"] for item in resources(world, "security_group")["resources"]]
    assert {"default", "web", "db"} <= set(found) and len(found) == 10


@pytest.mark.parametrize("kind, setting", [("image", "image_page_max"), ("instance", "server_page_max")])
def test_resources_in_pages(world, kind, setting):
    world.seed(nodes=3)
    whole = ids(resources(world, kind)["resources"])
    world.set(**{setting: 1})
    assert ids(resources(world, kind)["resources"]) == whole and len(whole) > 2


# -- concurrent reads ------------------------------------------------------------------------------------------------


def uuid_of(number):
    return "10000000-0000-4000-8000-%012d" % number


class Overlapping:
    """An API whose reads of single clusters and node groups wait for each other, so that one read at a time never ends.

    :param count: how many there are; each read answers once so many of them have begun.
    """

    def __init__(self, count):
        self.begun = threading.Barrier(count, timeout=30)
        self.listed = [{"uuid": uuid_of(number), "name": "item-%d" % number, "role": "worker"} for number in range(count)]

    def clusters(self):
        return self.listed

    def nodegroups(self, _cluster):
        return self.listed

    def cluster(self, ref):
        self.begun.wait()
        return next(dict(item, status="CREATE_COMPLETE") for item in self.listed if item["uuid"] == ref)

    def nodegroup(self, _cluster, ref):
        return self.cluster(ref)


class Reversed(Overlapping):
    """An API in which each cluster is answered only after all that follow it in the list.

    :param refused: numbers of the clusters that cannot be read.
    """

    def __init__(self, count, refused=()):
        super().__init__(count)
        self.refused = refused
        self.answered = [threading.Event() for _number in range(count)]

    def cluster(self, ref):
        number = next(number for number, item in enumerate(self.listed) if item["uuid"] == ref)
        assert all(later.wait(30) for later in self.answered[number + 1 :])
        self.answered[number].set()
        if number in self.refused:
            raise ApiError("read cluster item-%d" % number, 403, "", "")
        return dict(self.listed[number], status="CREATE_COMPLETE")


def task_on(api, **options):
    task = engine.Task(dict({"name": None, "details": True, "query": None}, **options))
    task.api = api
    return task


@pytest.mark.parametrize("count", [2, 8])
def test_clusters_are_read_concurrently(count):
    found = info.clusters(task_on(Overlapping(count)))["clusters"]
    assert [item["name"] for item in found] == ["item-%d" % number for number in range(count)]


def test_more_clusters_than_concurrent_readers():
    api = Overlapping(2 * engine.READERS)
    api.begun = threading.Barrier(engine.READERS, timeout=30)
    assert [item["uuid"] for item in info.clusters(task_on(api))["clusters"]] == [item["uuid"] for item in api.listed]


def test_node_groups_are_read_concurrently():
    api = Overlapping(3)
    watch = Watch(api, uuid_of(9), None, "cluster/demo", {"uuid": uuid_of(9), "name": "demo", "status": "CREATE_COMPLETE"})
    assert [group.group for group in groups.worker_groups(task_on(api), watch)] == [item["uuid"] for item in api.listed]


def test_results_and_warnings_follow_list_order():
    task = task_on(Reversed(5, refused=(1, 3)))
    assert [item["name"] for item in info.clusters(task)["clusters"]] == ["item-0", "item-2", "item-4"]
    assert [warning.split(" (")[0] for warning in task.warnings] == ["Cluster item-1", "Cluster item-3"]


def test_error_of_first_list_entry_is_reported():
    with pytest.raises(ApiError, match="read cluster item-0:"):
        info.clusters(task_on(Reversed(3, refused=(0, 1, 2))))
