# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nks_fleet: whole clusters from documents, many in one task."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import Transport
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.fleet import JOB
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import CLUSTER, NODEGROUP

GROUP = {option: value for option, value in NODEGROUP.items() if option != "cluster"}
ACCESS = {"action": "allow", "targets": [{"cidr_address": "203.0.113.0/24", "description": "office"}]}


def document(name="demo", **more):
    return dict(CLUSTER, name=name, **more)


def full(name="demo", **more):
    autoscale = {"enabled": True, "min_node_count": 1, "max_node_count": 4}
    groups = [GROUP, dict(GROUP, name="more", node_count=1, autoscale=autoscale)]
    return document(name, **dict({"nodegroups": groups, "ipacl": ACCESS}, **more))


def fleet(world, *documents, check=False, **more):
    return world.run(JOB, dict({"clusters": list(documents)}, **more), check=check)


def failure(world, *documents, **more):
    with pytest.raises(NksError) as caught:
        fleet(world, *documents, **more)
    return caught.value


def test_one_task_creates_a_whole_cluster_and_is_idempotent(world):
    preview = fleet(world, full(), check=True)
    assert not preview.writes
    first = fleet(world, full())
    assert first["actions"] == preview["actions"]
    assert [(item["action"], item["resource"]) for item in first["actions"]] == [
        ("create", "cluster/demo"),
        ("create", "cluster/demo/nodegroup/extra"),
        ("create", "cluster/demo/nodegroup/more"),
        ("set_ipacl", "cluster/demo"),
    ]
    (entry,) = first["clusters"]
    assert entry["changed"] and not entry["failed"] and not entry["skipped"] and entry["msg"] == ""
    assert entry["cluster"]["status"].endswith("_COMPLETE")
    assert [group["name"] for group in entry["nodegroups"]] == ["extra", "more"]
    assert entry["ipacl"]["enable"] is True
    assert first["summary"] == {"ok": 1, "changed": 1, "failed": 0, "skipped": 0}
    second = fleet(world, full())
    assert not second["changed"] and not second.writes and second["actions"] == []
    assert [group["uuid"] for group in second["clusters"][0]["nodegroups"]] == [group["uuid"] for group in entry["nodegroups"]]


def test_many_clusters_in_one_task(world):
    world.set(quota_clusters=5)
    names = ["c%d" % number for number in range(5)]
    outcome = fleet(world, *[full(name) for name in names], parallel=3)
    assert [entry["name"] for entry in outcome["clusters"]] == names
    assert outcome["summary"]["changed"] == 5
    assert sorted(cluster.name for cluster in world.clusters) == names
    assert not fleet(world, *[full(name) for name in names])["changed"]


def test_one_document_is_observed_once(world):
    fleet(world, full())
    again = fleet(world, full())
    # Images have two marks, and each needs a list.
    paths = [entry["path"] for entry in again.requests if not entry["path"].endswith("/images")]
    assert len(again.reads("/clusters/demo")) == 1
    assert len([path for path in paths if path.endswith("/nodegroups")]) == 1
    assert len(paths) == len(set(paths)), sorted(path for path in paths if paths.count(path) > 1)


def test_lists_are_read_at_the_same_time_as_the_cluster(world, monkeypatch):
    """The answer about the cluster comes last of all, and nothing that is needed to resolve names waits for it."""
    fleet(world, full())
    lists = {"vpcs", "vpcsubnets", "networks", "flavors/detail", "images"}
    asked, request, changed = set(), Transport.request, threading.Condition()

    def noted(transport, method, url, *args, **kwargs):
        with changed:
            asked.update(name for name in lists if url.endswith("/" + name))
            changed.notify_all()
            if url.endswith("/clusters/demo"):
                assert changed.wait_for(lambda: asked == lists, 20), asked
        return request(transport, method, url, *args, **kwargs)

    monkeypatch.setattr(Transport, "request", noted)
    assert not fleet(world, full())["changed"]


def test_upgrade_of_the_document_includes_its_node_groups(world):
    fleet(world, full())
    newer = dict(full(), kubernetes_version="v1.32.3")
    newer["nodegroups"] = [dict(group, kubernetes_version="v1.32.3") for group in newer["nodegroups"]]
    preview = fleet(world, newer, check=True)
    assert [(item["action"], item["resource"]) for item in preview["actions"]] == [
        ("upgrade", "cluster/demo"),
        ("upgrade", "cluster/demo/nodegroup/extra"),
        ("upgrade", "cluster/demo/nodegroup/more"),
    ]
    assert fleet(world, newer)["actions"] == preview["actions"]
    assert not fleet(world, newer)["changed"]


def test_upgrade_all_upgrades_each_node_group_once(world):
    fleet(world, full())
    newer = dict(full(), kubernetes_version="v1.32.3", upgrade="all")
    newer["nodegroups"] = [dict(group, kubernetes_version="v1.32.3") for group in newer["nodegroups"]]
    preview = fleet(world, newer, check=True)
    assert sorted(item["resource"] for item in preview["actions"]) == ["cluster/demo"] + [
        "cluster/demo/nodegroup/%s" % name for name in ("default-worker", "extra", "more")
    ]
    assert fleet(world, newer)["actions"] == preview["actions"]


def test_node_groups_that_no_document_names_are_reported(world):
    fleet(world, full())
    less = dict(full(), nodegroups=[GROUP])
    outcome = fleet(world, less)
    assert not outcome["changed"]
    assert outcome["clusters"][0]["unmanaged"] == [{"resource": "cluster/demo/nodegroup/more", "name": "more"}]


def test_purge_deletes_node_groups_that_the_document_does_not_name(world):
    fleet(world, full())
    less = dict(full(), nodegroups=[GROUP], purge_nodegroups=True)
    preview = fleet(world, less, check=True)
    outcome = fleet(world, less)
    assert outcome["actions"] == preview["actions"]
    assert [(item["action"], item["resource"]) for item in outcome["actions"]] == [("delete", "cluster/demo/nodegroup/more")]
    assert outcome["clusters"][0]["unmanaged"] == [] and world.group("more") is None and world.group("extra") is not None
    without = {key: value for key, value in less.items() if key != "nodegroups"}
    assert not fleet(world, without)["changed"] and world.group("extra") is not None


def test_default_group_may_be_listed(world):
    entry = {"name": "default-worker", "node_count": 3, "user_script": "#!/bin/sh\necho"}
    given = {key: value for key, value in CLUSTER.items() if key != "node_count"}
    preview = fleet(world, dict(given, nodegroups=[entry]), check=True)
    outcome = fleet(world, dict(given, nodegroups=[entry]))
    assert outcome["actions"] == preview["actions"] and outcome.actions == ["create"]
    assert len(world.group().nodes) == 3
    assert not fleet(world, dict(given, nodegroups=[entry]))["changed"]
    assert fleet(world, dict(given, nodegroups=[dict(entry, node_count=2)])).actions == ["resize"]
    assert "nodegroups.node_count" in failure(world, dict(CLUSTER, nodegroups=[entry])).msg
    assert "state: absent" in failure(world, dict(CLUSTER, nodegroups=[dict(entry, state="absent")])).msg


def test_deletion(world):
    fleet(world, full(), full("other"))
    preview = fleet(world, {"name": "demo", "state": "absent"}, full("other"), check=True)
    outcome = fleet(world, {"name": "demo", "state": "absent"}, full("other"))
    assert outcome["actions"] == preview["actions"] and outcome.actions == ["delete"]
    assert [cluster.name for cluster in world.clusters] == ["other"]
    assert not fleet(world, {"name": "demo", "state": "absent"})["changed"]


# -- bad input, and failures -------------------------------------------------------------------------


def test_all_invalid_documents_are_reported_before_any_request(world):
    start = len(world.cloud.log)
    error = failure(world, document("one", node_count=0), document("two"), document("two"), dict(document("four"), nodegroups=[GROUP, GROUP]))
    assert len(world.cloud.log) == start
    assert "clusters[0] (one): node_count" in error.msg
    assert "clusters[2] (two): name" in error.msg and "clusters[1] too" in error.msg
    assert "clusters[3] (four): nodegroups" in error.msg


def test_cluster_by_name_and_by_uuid_is_reported(world):
    uuid = fleet(world, document())["clusters"][0]["cluster"]["uuid"]
    assert "same cluster" in failure(world, document(), document(uuid, node_count=3)).msg


def test_refusals_are_found_before_the_first_write(world):
    fleet(world, document("fixed"))
    start = len(world.cloud.log)
    error = failure(world, document("new"), document("fixed", keypair="other-key"), document("wrong", flavor="nothing"), max_failures=1)
    assert not [entry for entry in world.cloud.log[start:] if entry["method"] not in ("GET",) and not entry["path"].endswith("/tokens")]
    assert "2 of 3 clusters failed" in error.msg and "fixed: " in error.msg and "wrong: " in error.msg
    entries = error.values["clusters"]
    assert [(entry["failed"], entry["skipped"]) for entry in entries] == [(False, True), (True, False), (True, False)]
    assert "max_failures" in entries[0]["msg"]
    assert error.values["summary"] == {"ok": 0, "changed": 0, "failed": 2, "skipped": 1}


def test_failed_cluster_does_not_hold_up_others(world):
    fleet(world, document("fixed"))
    error = failure(world, document("fixed", keypair="other-key"), full("demo"))
    assert error.msg.startswith("1 of 2 clusters failed. fixed: ")
    assert error.values["changed"] is True and error.values["clusters"][1]["changed"] is True
    assert [item["action"] for item in error.values["actions"]] == ["create", "create", "create", "set_ipacl"]
    assert not fleet(world, full("demo"))["changed"]


def test_failure_in_the_middle_reports_what_was_done(world):
    world.fault(effect="status", method="POST", path=r".*/nodegroups", status=400, times=None)
    error = failure(world, full())
    (entry,) = error.values["clusters"]
    assert entry["failed"] and entry["changed"] and [item["action"] for item in entry["actions"]] == ["create"]
    world.cloud.faults.clear()
    rest = fleet(world, full())
    assert rest.actions == ["create", "create", "set_ipacl"]


def test_canaries_must_succeed_before_others_begin(world):
    fleet(world, document("fixed"))
    error = failure(world, document("fixed", keypair="other-key"), document("demo"), canary=1)
    assert error.values["clusters"][1]["skipped"] and "canary" in error.values["clusters"][1]["msg"]
    assert [cluster.name for cluster in world.clusters] == ["fixed"]
    outcome = fleet(world, document("fixed", node_count=3), document("demo"), canary=1)
    writes = [entry["path"].rpartition("/")[2] for entry in outcome.writes]
    assert writes == ["resize", "clusters"]


def test_busy_cluster_holds_up_no_other(world):
    fleet(world, document("busy"), document("idle"))
    world.busy(world.cluster("busy"), seconds=500.0)
    outcome = fleet(world, document("busy", node_count=3), document("idle", node_count=3))
    assert outcome["summary"]["changed"] == 2
    assert [entry["path"] for entry in outcome.writes][0].count(world.cluster("idle").uuid)


def test_progress_names_the_cluster(world):
    outcome = fleet(world, document("one"), document("two"))
    assert {line.partition(":")[0] for line in outcome.lines} == {"cluster/one", "cluster/two"}


@pytest.mark.parametrize("option, value", [("parallel", 0), ("canary", -1), ("max_failures", 0)])
def test_numbers_out_of_range_are_rejected(world, option, value):
    assert failure(world, document(), **{option: value}).msg.startswith("%s: %s is out of range" % (option, value))


def test_region_of_each_document_is_enough(world):
    there = document(region="kr2", availability_zone="kr2-pub-a")
    assert fleet(world, there, region=None, check=True)["clusters"][0]["region"] == "kr2"
    assert failure(world, there, document("other"), region=None).msg.startswith("region: it is required")


def test_clusters_of_one_name_in_two_regions(world):
    outcome = fleet(world, document(region="kr1"), document(region="kr2", availability_zone="kr2-pub-a"))
    assert [entry["region"] for entry in outcome["clusters"]] == ["kr1", "kr2"]
    assert outcome["summary"]["changed"] == 2


def test_node_group_of_a_document_is_replaced(world):
    world.set(quota_nodegroups=5)
    fleet(world, full())
    newer = dict(GROUP, availability_zone="kr-pub-a", immutable="replace")
    documents = full(nodegroups=[newer, full()["nodegroups"][1]])
    preview = fleet(world, documents, check=True)
    assert [(item["action"], item["resource"].rpartition("/")[2]) for item in preview["actions"]] == [
        ("create", "extra-tmp"),
        ("delete", "extra"),
        ("create", "extra"),
        ("delete", "extra-tmp"),
    ]
    before = world.group("extra").uuid
    outcome = fleet(world, documents)
    assert outcome["actions"] == preview["actions"]
    entry = outcome["clusters"][0]
    assert [group["name"] for group in entry["nodegroups"]] == ["extra", "more"] and entry["unmanaged"] == []
    assert entry["nodegroups"][0]["uuid"] == world.group("extra").uuid != before
    assert world.group("extra-tmp") is None
    assert not fleet(world, documents)["changed"]


def test_interrupted_replacement_in_a_document_resumes(world):
    world.set(quota_nodegroups=5)
    fleet(world, full())
    documents = full(nodegroups=[dict(GROUP, availability_zone="kr-pub-a", immutable="replace")], purge_nodegroups=False)
    world.fault(effect="status", method="DELETE", path=r".*/nodegroups/.*", status=400, times=1)
    failure(world, documents)
    assert world.group("extra-tmp") is not None
    rest = fleet(world, documents)
    assert rest.actions == ["delete", "create", "delete"]
    assert rest["clusters"][0]["unmanaged"] == [{"resource": "cluster/demo/nodegroup/more", "name": "more"}]
    assert world.group("extra-tmp") is None and not fleet(world, documents)["changed"]


def test_default_group_cannot_be_replaced(world):
    entry = {"name": "default-worker", "immutable": "replace"}
    assert "default-worker" in failure(world, document(nodegroups=[entry])).msg
