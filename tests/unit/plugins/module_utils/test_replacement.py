# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``immutable: replace`` of nks_nodegroup against the simulator: what is kept, what is deleted, and every point of interruption."""

from __future__ import annotations

import itertools
import json
import re
import sys

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import Transport
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, BadInput, NksError, WaitError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    ClusterSpec,
    NodegroupSpec,
    Observed,
    ObservedNodegroup,
    Policy,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import plan, replacement
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import FLAVORS, NODEGROUP, TENANT, HandClock, Turns

NEW = "Ubuntu Server 24.04 LTS Container"
OLD_IMAGE, NEW_IMAGE = ("1a000000-0001-4000-8000-%012d" % number for number in (1, 2))
SCRIPT = "#!/bin/bash\necho ready\n"
GROUP, TEMPORARY = "cluster/demo/nodegroup/extra", "cluster/demo/nodegroup/extra-tmp"
#: A node group with a value for everything that a replacement has to keep.
FULL = dict(
    NODEGROUP,
    user_script=SCRIPT,
    boot_volume_key_id="key-1",
    boot_volume_appkey="boot-secret",
    additional_networks=["other-vpc"],
    additional_subnets=["demo-subnet"],
    extra_security_groups=[{"subnet": "a2000000-0101-4000-8000-000000000005", "security_groups": ["web", "db"]}],
    extra_volumes=[
        {"type": "General SSD", "size": 10, "key_id": "key-2", "appkey": "volume-secret", "mount_path": "/data"},
        {"type": "General HDD", "size": 20},
    ],
    autoscale={"enabled": False, "min_node_count": 2, "max_node_count": 5, "scale_down_unneeded_time": 33},
    labels={"fip_auto_bind_enable": "true", "k8s_node_labels": {"tier": "web"}, "mba_scale_out": json.dumps({"enable": False, "delay": 7})},
)
REPLACE = {"name": "extra", "image": NEW, "immutable": "replace"}
STEPS = [("create", TEMPORARY), ("delete", GROUP), ("create", GROUP), ("delete", TEMPORARY)]


@pytest.fixture
def old(world):
    """The node group that is replaced."""
    world.seed()
    world.nks_nodegroup(**NODEGROUP)
    return world.group("extra")


def groups(world):
    return sorted(group.name for group in world.cluster().nodegroups.values())


def steps(outcome):
    return [(action["action"], action["resource"]) for action in outcome["actions"]]


def made(world):
    """How often the cloud has begun to create and delete each node group beside the default one."""
    events = [(event.type.rpartition("_")[2].lower(), event.resource_name) for event in world.cluster().events if event.resource_type == "nodegroup"]
    return {item: events.count(item) for item in events}


def refused(world, *texts, **given):
    """A task that fails before any write, in check mode too and with the same words."""
    messages = []
    for check in (True, False):
        with pytest.raises(NksError) as caught:
            world.nks_nodegroup(check=check, **dict(REPLACE, **given))
        assert caught.value.outcome.writes == []
        messages.append(caught.value.msg)
    assert messages[0] == messages[1]
    for text in texts:
        assert text in messages[0], messages[0]
    return caught.value


def finished(world, uuid, given=None):
    """The node group is replaced, nothing is left over, and the same task once more changes nothing."""
    given = given or REPLACE
    assert groups(world) == ["default-worker", "extra"]
    group = world.group("extra")
    assert group.image_id == NEW_IMAGE and group.uuid != uuid and len(group.nodes) == 2
    assert (world.cluster().status, group.status) == ("UPDATE_COMPLETE", "CREATE_COMPLETE")
    again = world.nks_nodegroup(**given)
    assert (again["changed"], again["actions"], again.writes, again["warnings"]) == (False, [], [], [])
    return True


# -- the four steps ------------------------------------------------------------------------------------------------------


def test_group_is_replaced_in_four_steps(world, old):
    outcome = world.nks_nodegroup(**REPLACE)
    assert outcome["changed"] and steps(outcome) == STEPS
    assert outcome.wrote == ["POST /clusters/*/nodegroups", "DELETE /clusters/*/nodegroups/*"] * 2
    assert [entry["body"]["name"] for entry in outcome.writes if entry["method"] == "POST"] == ["extra-tmp", "extra"]
    assert outcome["nodegroup"]["uuid"] == world.group("extra").uuid and outcome["nodegroup"]["image_id"] == NEW_IMAGE
    assert outcome["nodegroup"]["status"] == "CREATE_COMPLETE" and len(outcome["nodegroup"]["node_addresses"]) == 2
    # The workload always has nodes: the old group is deleted only once the other one is there, and so on.
    assert made(world) == {("create", "extra"): 2, ("delete", "extra"): 1, ("create", "extra-tmp"): 1, ("delete", "extra-tmp"): 1}
    assert finished(world, old.uuid)


def test_actions_show_the_options_by_name(world, old):
    outcome = world.nks_nodegroup(check=True, **REPLACE)
    first, second, third, fourth = (action["changes"] for action in outcome["actions"])
    assert first == third and first["state"] == {"before": "absent", "after": "present"} and first["image"] == {"before": None, "after": NEW}
    assert second == {"state": {"before": "present", "after": "absent"}, "image": {"before": "Ubuntu Server 22.04 LTS Container", "after": None}}
    assert fourth == {"state": {"before": "present", "after": "absent"}}
    assert outcome["diff"]["before"][GROUP]["image"] == "Ubuntu Server 22.04 LTS Container" and outcome["diff"]["after"][GROUP]["image"] == NEW
    assert outcome["nodegroup"]["uuid"] == old.uuid


@pytest.mark.parametrize("stage", range(5))
def test_check_mode_reports_same_changes_without_writes(world, old, stage):
    """At each stage of an interrupted replacement."""
    interrupted_before_write(world, stage, REPLACE)
    told = world.nks_nodegroup(check=True, **REPLACE)
    done = world.nks_nodegroup(**REPLACE)
    assert told.writes == []
    for key in ("changed", "actions", "diff", "warnings"):
        assert told[key] == done[key]
    assert len(done.writes) == len(done["actions"])


@pytest.mark.parametrize("name", ["extra", "a-name-with-just-thirty-letters", "a-name-with-exactly-32-characters"[:32]])
def test_temporary_name_fits(world, name):
    world.seed()
    world.nks_nodegroup(**dict(NODEGROUP, name=name))
    outcome = world.nks_nodegroup(**dict(REPLACE, name=name))
    temporary = outcome["actions"][0]["resource"].rpartition("/")[2]
    assert temporary == name[:28] + "-tmp" and len(temporary) <= 32
    assert groups(world) == sorted(["default-worker", name])


def test_replacement_name_is_used(world, old):
    outcome = world.nks_nodegroup(**dict(REPLACE, replacement_name="spare"))
    assert outcome["actions"][0]["resource"] == "cluster/demo/nodegroup/spare" and finished(world, old.uuid)


# -- which differences replace a group ---------------------------------------------------------------------------------


def test_changeable_options_are_changed_as_usual(world, old):
    outcome = world.nks_nodegroup(name="extra", immutable="replace", flavor="m2.c4m8", node_count=3, user_script=SCRIPT)
    assert outcome.actions == ["change_user_script", "change_flavor", "resize"]
    assert world.group("extra").uuid == old.uuid


def test_changeable_options_go_along_with_a_replacement(world, old):
    given = dict(REPLACE, flavor="m2.c4m8", node_count=3, user_script=SCRIPT, autoscale={"enabled": True, "min_node_count": 1, "max_node_count": 4})
    outcome = world.nks_nodegroup(**given)
    group = world.group("extra")
    assert steps(outcome) == STEPS and (group.flavor_id, len(group.nodes), group.autoscaler_on) == (FLAVORS["m2.c4m8"], 3, True)
    assert group.labels["user_script_v2"] == SCRIPT and world.nks_nodegroup(**given).writes == []


@pytest.mark.parametrize(
    "given",
    [
        {"availability_zone": "kr-pub-a"},
        {"boot_volume_type": "General SSD"},
        {"boot_volume_size": 60},
        {"boot_volume_key_id": "key-9"},
        {"additional_networks": [], "additional_subnets": []},
        {"extra_security_groups": [{"subnet": "a2000000-0101-4000-8000-000000000005", "security_groups": ["web"]}]},
        {"extra_volumes": [{"type": "General SSD", "size": 30}]},
        {"labels": {"fip_auto_bind_enable": "false"}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_each_fixed_option_replaces_the_group(world, given):
    world.seed()
    world.nks_nodegroup(**FULL)
    if "additional_networks" in given:
        given = dict(given, extra_security_groups=[])
    given = dict(given, name="extra", immutable="replace")
    assert steps(world.nks_nodegroup(**given)) == STEPS
    assert world.nks_nodegroup(**given).writes == [] and groups(world) == ["default-worker", "extra"]


def test_flavor_that_cannot_be_changed_is_possible_with_a_replacement(world, old):
    with pytest.raises(BadInput, match="flavor: 'u2.c4m8' cannot replace m2.c2m4"):
        world.nks_nodegroup(name="extra", immutable="replace", flavor="u2.c4m8")
    assert steps(world.nks_nodegroup(**dict(REPLACE, flavor="u2.c4m8"))) == STEPS


# -- what is kept --------------------------------------------------------------------------------------------------------

OWN_LABELS = re.compile("ca_|mba_|fip_|k8s_node_labels|boot_volume_|extra_|additional_|user_script|availability_zone")


def settings(group):
    """What a node group was created with, apart from its image and its name."""
    labels = {name: value for name, value in group.labels.items() if OWN_LABELS.match(name)}
    for name in ("extra_volumes", "extra_security_groups"):
        labels[name] = sorted(json.dumps(item, sort_keys=True) for item in json.loads(labels[name]))
    return dict(labels, flavor=group.flavor_id, count=len(group.nodes))


@pytest.mark.parametrize("stage", range(5))
def test_omitted_options_keep_the_old_values(world, stage):
    """Also if the rest is done by another run, from what it finds."""
    world.seed()
    world.nks_nodegroup(**FULL)
    before = settings(world.group("extra"))
    interrupted_before_write(world, stage, REPLACE)
    world.nks_nodegroup(**REPLACE)
    after = settings(world.group("extra"))
    for label in ("fip_auto_bind_enable", "k8s_node_labels"):
        assert json.loads(str(before.pop(label)).lower()) == json.loads(str(after.pop(label)).lower())
    # A policy that is off and has no rules means nothing, so it is not kept.
    assert json.loads(before.pop("mba_scale_out")).pop("delay") == 7 and after.pop("mba_scale_out")
    # The spelling of booleans does not matter.
    assert {name: str(value).lower() for name, value in after.items()} == {name: str(value).lower() for name, value in before.items()}


def test_old_script_and_metric_policies_are_kept(world, old):
    policy = json.dumps({"enable": True, "rules": [{"metric": "GROUP_CPU_USAGE", "threshold": 70, "duration": 5}]})
    old.labels.update(user_script="#!/bin/sh\necho old\n", mba_scale_out=policy)
    world.nks_nodegroup(**REPLACE)
    group = world.group("extra")
    assert group.labels["user_script"] == "#!/bin/sh\necho old\n" and group.metric_autoscaler_on
    assert json.loads(group.labels["mba_scale_out"])["rules"] == json.loads(policy)["rules"]


def test_labels_of_the_service_are_not_sent_back(world, old):
    outcome = world.nks_nodegroup(**REPLACE)
    for entry in outcome.writes:
        if entry["method"] == "POST":
            assert not {"node_list", "kube_tag", "requested_node_count", "server_group_meta", "external_network_id"} & set(entry["body"]["labels"])


def test_current_count_of_the_autoscaler_is_kept(world):
    """The autoscaler is on and has decided another number than the task sets: fewer nodes could not take over the workload."""
    world.seed()
    given = dict(NODEGROUP, node_count=2, autoscale={"enabled": True, "min_node_count": 1, "max_node_count": 6})
    world.nks_nodegroup(**given)
    with world.cloud.lock:
        world.cloud.add_nodes(world.cluster(), world.group("extra"), 3, 0.0)
    given.update(image=NEW, immutable="replace")
    outcome = world.nks_nodegroup(**given)
    assert [entry["body"]["node_count"] for entry in outcome.writes if entry["method"] == "POST"] == [5, 5]
    assert len(world.group("extra").nodes) == 5 and world.nks_nodegroup(**given).writes == []


@pytest.mark.parametrize(
    "given, expected",
    [
        ({"autoscale": {"enabled": True, "min_node_count": 1, "max_node_count": 3}}, 3),
        ({"autoscale": {"enabled": True, "min_node_count": 7, "max_node_count": 9}}, 7),
        ({"autoscale": {"enabled": True, "min_node_count": 1, "max_node_count": 3}, "node_count": 2}, 2),
        ({"autoscale": {"enabled": False}}, 5),
        ({"autoscale": {"enabled": False}, "node_count": 4}, 4),
    ],
    ids=str,
)
def test_node_count_fits_new_limits_of_the_autoscaler(world, given, expected):
    world.seed()
    world.nks_nodegroup(**dict(NODEGROUP, node_count=5, autoscale={"enabled": True, "min_node_count": 1, "max_node_count": 6}))
    world.nks_nodegroup(**dict(REPLACE, **given))
    assert len(world.group("extra").nodes) == expected


def test_node_count_outside_the_limits_is_rejected(world, old):
    autoscale = {"enabled": True, "min_node_count": 1, "max_node_count": 3}
    refused(world, "node_count: 5 is outside the autoscaler limits (1 to 3)", node_count=5, autoscale=autoscale)


def test_omitted_parts_of_volumes_are_kept(world):
    world.seed()
    world.nks_nodegroup(**FULL)
    before = json.loads(world.group("extra").labels["extra_volumes"])
    world.nks_nodegroup(**dict(REPLACE, extra_volumes=[{"type": "General HDD", "size": 20}, {"type": "General SSD", "size": 10}]))
    after = json.loads(world.group("extra").labels["extra_volumes"])
    assert sorted(map(str, after)) == sorted(map(str, before))


def test_hidden_appkeys_must_be_set(world):
    world.seed()
    world.nks_nodegroup(**FULL)
    world.set(echo_appkeys=False)
    refused(world, "boot_volume_appkey: it is needed to create the node group again, and NKS does not show it; set it.")
    error = refused(world, "extra_volumes.appkey: it is needed", "set extra_volumes with the appkey", boot_volume_appkey="boot-secret")
    assert "secret" not in error.msg
    given = dict(REPLACE, boot_volume_appkey="boot-secret", extra_volumes=FULL["extra_volumes"])
    outcome = world.nks_nodegroup(**given)
    labels = world.group("extra").labels
    assert labels["boot_volume_appkey"] == "boot-secret" and "volume-secret" in labels["extra_volumes"]
    assert "secret" not in json.dumps([outcome.result, outcome.lines]) and world.nks_nodegroup(**given).writes == []


def test_required_value_that_is_not_shown_must_be_set(world, old):
    old.labels["boot_volume_type"] = ""
    refused(world, GROUP + " cannot be replaced: NKS does not show its boot_volume_type. Set it in the task.")


def test_kept_volume_must_be_large_enough_for_the_new_image(world):
    world.seed()
    world.nks_nodegroup(**dict(NODEGROUP, boot_volume_size=20))
    refused(world, "boot_volume_size: 20 is too small for image %s; use 30 GB or more." % NEW)


def test_number_of_networks_and_kept_subnets_must_match(world):
    world.seed()
    world.nks_nodegroup(**FULL)
    networks = ["a1000000-0101-4000-8000-000000000002", "a1000000-0101-4000-8000-000000000001"]
    refused(world, "additional_subnets: '1 subnets' does not match 2 additional_networks", additional_networks=networks)


def test_new_group_has_the_version_of_the_control_plane(world, old):
    cluster = world.cluster()
    cluster.version = cluster.master.version = world.group().version = "v1.32.3"
    refused(world, "kubernetes_version: 'v1.31.4' is not the control plane's version", kubernetes_version="v1.31.4")
    world.nks_nodegroup(**dict(REPLACE, kubernetes_version="v1.32.3"))
    assert world.group("extra").version == "v1.32.3" and finished(world, old.uuid)


# -- what cannot be replaced ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["name", "uuid"])
def test_default_group_cannot_be_replaced(world, by):
    world.seed()
    error = refused(world, "immutable: 'replace' is not possible for node group default-worker", name="default-worker" if by == "name" else world.group().uuid)
    assert isinstance(error, BadInput) and (by == "uuid" or error.outcome.requests == [])


def test_replacement_needs_to_wait(world, old):
    error = refused(world, "immutable: 'replace' is not possible with wait set to false", "set wait to true", wait=False)
    assert isinstance(error, BadInput) and error.outcome.requests == []
    # The option has no meaning for a deletion.
    assert world.nks_nodegroup(state="absent", immutable="replace", wait=False)["changed"]


def test_uuid_cannot_name_a_group_that_is_replaced(world, old):
    refused(world, "name: '%s' identifies the node group by its UUID" % old.uuid, "set the name extra", name=old.uuid)
    assert world.nks_nodegroup(name=old.uuid, node_count=2, immutable="replace").writes == []


@pytest.mark.parametrize("name", ["extra", "default-worker", "default-master", "Upper", "a-", "a" * 33, "10000000-0000-4000-8000-000000000001"])
def test_invalid_replacement_name_is_rejected_before_requests(world, old, name):
    assert refused(world, "replacement_name: '%s'" % name, replacement_name=name).outcome.requests == []


def test_default_temporary_name_must_differ(world, old):
    name = "b" * 28 + "-tmp"
    refused(world, "replacement_name: '%s' is the name of the node group itself; set another name." % name, name=name)


# -- node groups of others -----------------------------------------------------------------------------------------------


def test_other_group_of_that_name_is_never_deleted(world, old):
    """It differs in one option only."""
    world.nks_nodegroup(**dict(NODEGROUP, name="extra-tmp", image=NEW, boot_volume_size=50))
    spare = world.group("extra-tmp")
    for image in (NEW, "Rocky Linux 9.4 Container"):
        refused(world, "replacement_name: 'extra-tmp' is an existing node group that differs in ", "boot_volume_size", "state: absent", image=image)
    assert world.group("extra-tmp") is spare
    # Nor if there is nothing to replace.
    outcome = world.nks_nodegroup(name="extra", immutable="replace", node_count=3)
    assert outcome.actions == ["resize"] and outcome["warnings"] == [] and world.group("extra-tmp") is spare


@pytest.mark.parametrize("first", ["extra", "extra-tmp"])
def test_own_group_with_equal_options_is_never_deleted(world, first):
    """Two node groups of the user, equal in everything: neither is left over from a replacement, whichever was made first."""
    world.seed()
    for name in (first, {"extra": "extra-tmp", "extra-tmp": "extra"}[first]):
        world.nks_nodegroup(**dict(NODEGROUP, name=name))
    for check in (True, False):
        outcome = world.nks_nodegroup(check=check, **dict(NODEGROUP, immutable="replace"))
        assert (outcome["changed"], outcome.writes, outcome["warnings"]) == (False, [], [])
    assert groups(world) == ["default-worker", "extra", "extra-tmp"]


def test_own_group_is_not_deleted_after_a_first_creation(world):
    """The node group is new, and another one has the temporary name and the same options."""
    world.seed()
    world.nks_nodegroup(**dict(NODEGROUP, name="extra-tmp"))
    for dummy in range(2):
        outcome = world.nks_nodegroup(**dict(NODEGROUP, immutable="replace"))
        assert groups(world) == ["default-worker", "extra", "extra-tmp"] and outcome["warnings"] == []
    assert outcome.writes == []


def test_older_group_with_equal_options_is_not_used(world):
    world.seed()
    world.nks_nodegroup(**dict(NODEGROUP, name="extra-tmp", image=NEW))
    world.nks_nodegroup(**NODEGROUP)
    refused(world, "replacement_name: 'extra-tmp' is an existing node group that was created before %s" % GROUP)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_temporary_group_that_is_in_use_is_not_deleted(world, old, stage):
    """Someone works with it: here it gets a third node."""
    interrupted_before_write(world, stage, REPLACE)
    world.nks_nodegroup(name="extra-tmp", node_count=3)
    spare = world.group("extra-tmp")
    if stage == 1:
        refused(world, "replacement_name: 'extra-tmp' is an existing node group that was changed after its creation, so it is in use")
    else:
        outcome = world.nks_nodegroup(**dict(NODEGROUP, image=NEW, immutable="replace"))
        assert outcome.actions == (["create"] if stage == 2 else [])
    assert world.group("extra-tmp") is spare


def test_own_group_is_kept_if_the_other_one_is_created_again(world, old):
    """Two node groups of the user with equal options, one of which was deleted and created again."""
    world.nks_nodegroup(**dict(NODEGROUP, name="extra-tmp", node_count=1))
    world.nks_nodegroup(name="extra-tmp", node_count=2)
    world.nks_nodegroup(state="absent")
    for actions in (["create"], []):
        assert world.nks_nodegroup(**dict(NODEGROUP, immutable="replace")).actions == actions
    assert groups(world) == ["default-worker", "extra", "extra-tmp"]


def test_group_created_after_a_finished_replacement_is_not_deleted(world, old):
    world.nks_nodegroup(**REPLACE)
    world.nks_nodegroup(**dict(NODEGROUP, name="extra-tmp", image=NEW))
    assert world.nks_nodegroup(**REPLACE).writes == [] and world.group("extra-tmp") is not None


def test_leftover_that_differs_by_now_is_reported(world, old):
    """The task asks for another image than the one with which the replacement was begun."""
    interrupted_before_write(world, 2, REPLACE)
    assert groups(world) == ["default-worker", "extra-tmp"]
    given = dict(NODEGROUP, image="Rocky Linux 9.4 Container", immutable="replace")
    for actions in (["create"], []):
        outcome = world.nks_nodegroup(**given)
        assert outcome.actions == actions
        assert outcome["warnings"] == [
            "%s seems to be left over from an earlier replacement of %s, but it differs in image, so it is not deleted. If you do not need it, "
            "delete it (state: absent)." % (TEMPORARY, GROUP)
        ]


def test_history_of_others_is_no_evidence():
    def entry(number, kind, name, uuid, state="SUCCESS"):
        return {"id": number, "created_at": "2026-10-07T08:10:0%d+00:00" % number, "type": kind, "resource_name": name, "resource_uuid": uuid, "state": state}

    temporary = {"uuid": "T"}
    created, deleted = entry(3, "NODEGROUP_CREATE", "extra-tmp", "T"), entry(5, "NODEGROUP_DELETE", "extra", "A")
    assert replacement.was_begun([deleted, created], temporary, "extra")
    for history in (
        [],
        [created],
        [deleted],
        [created, entry(2, "NODEGROUP_DELETE", "extra", "A")],
        [created, entry(5, "NODEGROUP_DELETE", "extra", "A", "FAIL")],
        [created, entry(5, "NODEGROUP_DELETE", "other", "A")],
        [created, entry(5, "NODEGROUP_RESIZE", "extra", "A")],
        [entry(3, "NODEGROUP_CREATE", "extra-tmp", "former"), deleted],
    ):
        assert not replacement.was_begun(history, temporary, "extra")
    # What the service does by itself is no use of the node group, what a user does is.
    for kind, begun in (("NODEGROUP_SCALE_OUT", True), ("AUTO_HEALING", True), ("CLUSTER_RESIZE", False), ("NODEGROUP_UPGRADE", False)):
        for moment in (4, 9):
            assert replacement.was_begun([created, deleted, entry(moment, kind, "extra-tmp", "T")], temporary, "extra") is begun
            assert replacement.was_begun([created, deleted, entry(moment, kind, "other", "B")], temporary, "extra")
    # Two entries of one second, in any order of the list.
    same = dict(deleted, created_at=created["created_at"])
    assert replacement.was_begun([same, created], temporary, "extra")


# -- documents with several node groups ----------------------------------------------------------------------------------


def observed(world, *names):
    with world.simulator.app.test_request_context():
        form = sys.modules["nks_simulator.wireform"]
        cluster = world.cluster()
        states = {name: wire.identified(form.nodegroup_full(world.cloud, cluster, world.group(name), ""), "") for name in names}
        history = [wire.event(form.event(cluster, item)) for item in cluster.events]
    found = {name: ObservedNodegroup(state, wire.autoscale_of(state)) for name, state in states.items()}
    return Observed({"name": "demo", "labels": {}}, found, history=history)


def planned(world, specs, *names, **policy):
    document = ClusterSpec("demo", nodegroups=tuple(NodegroupSpec(name, options=options) for name, options in specs.items()))
    return plan.plan(document, observed(world, *names), Policy("replace", **policy))


def test_other_group_of_the_document_is_never_temporary(world, old):
    specs = {"extra": {"image": NEW_IMAGE}, "extra-tmp": {"image": NEW_IMAGE}}
    with pytest.raises(BadInput, match="replacement_name: 'extra-tmp' is another node group that you manage together with extra"):
        planned(world, specs, "extra")
    # Even if everything else looks like an interrupted replacement.
    interrupted_before_write(world, 3, REPLACE)
    names = ["extra", "extra-tmp"]
    assert [operation.resource for operation in planned(world, {"extra": {"image": NEW_IMAGE}}, *names).operations] == [TEMPORARY]
    assert planned(world, specs, *names).operations == [] and planned(world, specs, *names).warnings == []


def test_two_groups_of_the_document_need_two_temporary_names(world):
    world.seed()
    names = ["a-name-with-just-28-letters-%s" % end for end in "ab"]
    for name in names:
        world.nks_nodegroup(**dict(NODEGROUP, name=name))
    with pytest.raises(BadInput, match="replacement_name: 'a-name-with-just-28-letters--tmp' would be the temporary node group of both"):
        planned(world, {name: {"image": NEW_IMAGE} for name in names}, *names)
    assert len(planned(world, {name: {"image": NEW_IMAGE} for name in names[:1]}, *names).operations) == 4


# -- limits --------------------------------------------------------------------------------------------------------------


def test_full_pod_network_is_rejected(world, old):
    """2^(pod subnet - prefix) - 3 nodes: here 5, and 4 are there."""
    world.cluster().labels.update(pods_network_cidr="10.100.0.0/21", pods_network_subnet="24")
    refused(world, GROUP + " cannot be replaced: together with the 2 nodes of extra-tmp the cluster would have 6 nodes, and its pod network allows 5.")
    world.cluster().labels.update(pods_network_cidr="10.100.0.0/20")
    assert steps(world.nks_nodegroup(**REPLACE)) == STEPS


def test_full_subnet_is_rejected(world, old):
    subnet = world.cloud.projects[TENANT, "kr1"].subnet(world.cluster().fixed_subnet)
    subnet["available_ip_count"] = 1
    refused(world, "subnet %s has 1 free addresses" % subnet["id"])
    # A run that is resumed needs no more addresses than there are.
    subnet["available_ip_count"] = 2
    interrupted_before_write(world, 1, REPLACE)
    subnet["available_ip_count"] = 0
    world.nks_nodegroup(**REPLACE)
    assert finished(world, old.uuid)


def test_subnets_that_cannot_be_listed_are_not_checked(world, old):
    world.fault(effect="status", status=403, path="/vpcsubnets", times=None)
    assert steps(world.nks_nodegroup(**REPLACE)) == STEPS


def test_quota_of_node_groups_stops_before_anything_changes(world, old):
    """The API does not show the quota: the task warns, and the first request, which NKS rejects, is for the temporary node group."""
    world.nks_nodegroup(**dict(NODEGROUP, name="third"))
    text = "%s would be node group number 4 of the cluster, and the default quota is 3." % TEMPORARY
    assert text in world.nks_nodegroup(check=True, **REPLACE)["warnings"][0]
    with pytest.raises(ApiError, match="quota") as caught:
        world.nks_nodegroup(**REPLACE)
    assert len(caught.value.outcome.writes) == 1 and text in caught.value.values["warnings"][0]
    assert world.group("extra") is old and groups(world) == ["default-worker", "extra", "third"]
    world.set(quota_nodegroups=4)
    assert steps(world.nks_nodegroup(**REPLACE)) == STEPS and groups(world) == ["default-worker", "extra", "third"]


# -- interruptions -------------------------------------------------------------------------------------------------------


class Stopped(Exception):
    """The process was killed."""


def stopped_at(world, count, after, given):
    """A task that is killed at a request, before it is sent or before its answer is read.

    :param count: which request, from 1.
    :returns: whether there were so many.
    """
    usual, numbers = Transport.request, itertools.count(1)

    def request(transport, *args, **kwargs):
        last = next(numbers) == count
        if last and not after:
            raise Stopped
        try:
            return usual(transport, *args, **kwargs)
        finally:
            # Also after an error, such as the 404 of a node group that is not there.
            if last:
                raise Stopped

    Transport.request = request
    try:
        world.nks_nodegroup(**given)
        return False
    except Stopped:
        return True
    finally:
        Transport.request = usual


def interrupted_before_write(world, count, given):
    """A task that is killed when it wants to send its request number count + 1 that changes something."""
    usual, seen = Transport.request, []

    def request(transport, *args, **kwargs):
        method, url = args[0], args[1]
        if method in ("POST", "DELETE") and not url.endswith("/tokens"):
            if len(seen) == count:
                raise Stopped
            seen.append(url)
        return usual(transport, *args, **kwargs)

    Transport.request = request
    try:
        world.nks_nodegroup(**given)
    except Stopped:
        pass
    finally:
        Transport.request = usual
    assert len(seen) == min(count, 4)


LEFT = {
    0: STEPS,
    1: STEPS[1:],
    2: STEPS[2:],
    3: STEPS[3:],
    4: [],
}


@pytest.mark.parametrize("stage", LEFT)
def test_run_resumes_after_each_step(world, old, stage):
    interrupted_before_write(world, stage, REPLACE)
    outcome = world.nks_nodegroup(**REPLACE)
    assert steps(outcome) == LEFT[stage] and outcome["nodegroup"]["uuid"] == world.group("extra").uuid
    assert finished(world, old.uuid)
    assert made(world) == {("create", "extra"): 2, ("delete", "extra"): 1, ("create", "extra-tmp"): 1, ("delete", "extra-tmp"): 1}


@pytest.mark.parametrize("after", [False, True])
def test_run_killed_at_any_request_is_resumed(world, after):
    """Every request of a whole replacement, reads and polls too."""
    count, more = 0, True
    while more:
        count += 1
        world.reset()
        world.seed()
        world.nks_nodegroup(**NODEGROUP)
        uuid = world.group("extra").uuid
        more = stopped_at(world, count, after, REPLACE)
        world.nks_nodegroup(**REPLACE)
        assert finished(world, uuid)
        assert made(world) == {("create", "extra"): 2, ("delete", "extra"): 1, ("create", "extra-tmp"): 1, ("delete", "extra-tmp"): 1}
    assert count > 30


@pytest.mark.parametrize("stage", range(4))
def test_run_resumes_with_only_the_name_and_the_new_image(world, stage):
    """A second run that is interrupted again and again reaches the end too."""
    world.seed()
    world.nks_nodegroup(**FULL)
    uuid = world.group("extra").uuid
    for dummy in range(stage + 1):
        interrupted_before_write_once(world, REPLACE)
    world.nks_nodegroup(**REPLACE)
    assert finished(world, uuid)


def interrupted_before_write_once(world, given):
    """One request that changes something is sent, and the process is killed."""
    usual = Transport.request

    def request(transport, *args, **kwargs):
        answer = usual(transport, *args, **kwargs)
        if args[0] in ("POST", "DELETE") and not args[1].endswith("/tokens"):
            raise Stopped
        return answer

    Transport.request = request
    try:
        with pytest.raises(Stopped):
            world.nks_nodegroup(**given)
    finally:
        Transport.request = usual


WRITES = [("POST", "/nodegroups$", 0), ("DELETE", "/nodegroups/", 0), ("POST", "/nodegroups$", 1), ("DELETE", "/nodegroups/", 1)]


@pytest.mark.parametrize("effect", ["reset_before", "reset_after", "truncate"])
@pytest.mark.parametrize("method, path, skip", WRITES)
def test_lost_answers_do_not_repeat_a_step(world, old, method, path, skip, effect):
    world.fault(effect=effect, method=method, path=path, skip=skip)
    outcome = world.nks_nodegroup(**REPLACE)
    assert steps(outcome) == STEPS and finished(world, old.uuid)
    assert made(world) == {("create", "extra"): 2, ("delete", "extra"): 1, ("create", "extra-tmp"): 1, ("delete", "extra-tmp"): 1}


SLOW = [{"stale_polls": 2}, {"missing_polls": 3}, {"shown_after": 12.0}, {"busy_status": 409}, {"duplicate_group": "drop"}]


@pytest.mark.parametrize("slow", SLOW, ids=str)
def test_slow_service_does_not_change_the_outcome(world, old, slow):
    world.set(**slow)
    outcome = world.nks_nodegroup(**REPLACE)
    assert steps(outcome) == STEPS
    world.set(stale_polls=0)
    assert finished(world, old.uuid)


# -- steps that fail -----------------------------------------------------------------------------------------------------


def fails_at(world, kind, skip, given=None):
    world.fault(effect="fail_task", task=kind, skip=skip, reason="No valid host was found", contents="zone is full")
    with pytest.raises(WaitError) as caught:
        world.nks_nodegroup(**(given or REPLACE))
    assert "No valid host was found" in caught.value.msg
    return caught.value


def test_failed_temporary_group_is_deleted_and_created_again(world, old):
    fails_at(world, "nodegroup_create", 0)
    assert world.group("extra") is old and world.group("extra-tmp").status == "CREATE_FAILED"
    told = world.nks_nodegroup(check=True, **REPLACE)
    outcome = world.nks_nodegroup(**REPLACE)
    assert steps(outcome) == [("delete", TEMPORARY), *STEPS] and told["actions"] == outcome["actions"]
    assert finished(world, old.uuid)


def test_failed_deletion_is_sent_again(world, old):
    fails_at(world, "nodegroup_delete", 0)
    assert world.group("extra").status == "DELETE_FAILED"
    assert steps(world.nks_nodegroup(**REPLACE)) == STEPS[1:] and finished(world, old.uuid)


@pytest.mark.parametrize("given", [NODEGROUP, FULL], ids=["plain", "full"])
def test_failed_creation_is_repeated_with_the_values_of_the_temporary_group(world, given):
    world.seed()
    world.nks_nodegroup(**given)
    uuid, before = world.group("extra").uuid, settings(world.group("extra"))
    fails_at(world, "nodegroup_create", 1)
    assert world.group("extra").status == "CREATE_FAILED"
    told = world.nks_nodegroup(check=True, **REPLACE)
    outcome = world.nks_nodegroup(**REPLACE)
    assert steps(outcome) == STEPS[1:] and told["actions"] == outcome["actions"] and finished(world, uuid)
    after = settings(world.group("extra"))
    assert after["extra_volumes"] == before["extra_volumes"] and after["count"] == before["count"]


def test_failed_deletion_of_the_temporary_group_is_sent_again(world, old):
    fails_at(world, "nodegroup_delete", 1)
    assert world.group("extra-tmp").status == "DELETE_FAILED" and world.group("extra").image_id == NEW_IMAGE
    assert steps(world.nks_nodegroup(**REPLACE)) == STEPS[3:] and finished(world, old.uuid)


def test_failed_creation_of_another_group_is_not_repaired(world, old):
    """Without a replacement that was begun, a failed creation is reported as always."""
    world.fault(effect="fail_task", task="nodegroup_create", reason="No valid host")
    with pytest.raises(WaitError):
        world.nks_nodegroup(**dict(NODEGROUP, name="third"))
    error = refused(world, "No valid host", "Creation failed: delete it (state: absent)", name="third")
    assert error.values["status"] == "CREATE_FAILED"


def test_old_group_is_kept_if_the_temporary_one_is_not_as_requested(world, old):
    """The service stores another image than the one requested: a second attempt would not help either."""
    nks = sys.modules["nks_simulator.nks"]
    usual = nks.new_nodegroup
    nks.new_nodegroup = lambda *args, **kwargs: usual(*args, **dict(kwargs, image_id=OLD_IMAGE))
    try:
        with pytest.raises(WaitError, match="extra-tmp: NKS created it, but shows other values than requested for image"):
            world.nks_nodegroup(**REPLACE)
    finally:
        nks.new_nodegroup = usual
    assert world.group("extra") is old and len(old.nodes) == 2
    refused(world, "replacement_name: 'extra-tmp' is an existing node group that differs in image")


@pytest.mark.parametrize("which", ["extra", "cluster"])
def test_replacement_does_not_start_in_a_failed_status(world, old, which):
    world.fail(world.cluster(), "UPDATE_FAILED", group=old if which == "extra" else None)
    refused(world, "No valid host was found")


# -- others at the same time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["extra", "extra-tmp"])
def test_running_operation_is_waited_for(world, old, kind):
    """Whoever creates or deletes the node groups just now."""
    if kind == "extra-tmp":
        interrupted_before_write_once(world, REPLACE)
        assert world.group("extra-tmp").status == "CREATE_IN_PROGRESS"
    else:
        interrupted_before_write(world, 1, REPLACE)
        world.nks_nodegroup(state="absent", wait=False)
        assert world.group("extra").status == "DELETE_IN_PROGRESS"
    outcome = world.nks_nodegroup(**REPLACE)
    assert steps(outcome) == (STEPS[1:] if kind == "extra-tmp" else STEPS[2:])
    assert finished(world, old.uuid)


@pytest.mark.parametrize("seconds", [5, 40, 75, 110])
def test_operation_of_others_between_two_steps_is_waited_for(world, old, seconds):
    clock = HandClock(world.simulator)

    def other():
        if not world.cluster().busy:
            world.busy(world.cluster(), "ipacl", seconds=25)
        else:
            clock.at(clock.now() + 10, other)

    clock.at(seconds, other)
    outcome = world.nks_nodegroup(clock=clock, **REPLACE)
    assert steps(outcome) == STEPS and finished(world, old.uuid)


def test_old_group_deleted_by_others_meanwhile_is_no_failure(world, old):
    """Someone deletes it while the temporary one is created: its values come from that one."""
    clock = HandClock(world.simulator)
    clock.at(28, lambda: world.cluster().nodegroups.pop(old.uuid))
    with world.cloud.lock:
        world.set(task_seconds=25.0)
    clock.at(28, lambda: world.cloud.add_event(world.cluster(), old, "NODEGROUP_DELETE", world.cloud.clock.now()))
    outcome = world.nks_nodegroup(clock=clock, **REPLACE)
    assert steps(outcome) == [STEPS[0], *STEPS[2:]] and groups(world) == ["default-worker", "extra"]


@pytest.mark.parametrize("seed", range(12))
def test_two_identical_replacements_at_the_same_time(world, old, seed):
    """Each step is done once, whoever does it; both tasks end with the new node group. As always, both can report a deletion."""
    outcomes = Turns(world, seed).run(*[lambda clock: world.nks_nodegroup(clock=clock, **REPLACE)] * 2)
    assert [outcome for outcome in outcomes if isinstance(outcome, NksError)] == []
    assert made(world) == {("create", "extra"): 2, ("delete", "extra"): 1, ("create", "extra-tmp"): 1, ("delete", "extra-tmp"): 1}
    told = steps(outcomes[0]) + steps(outcomes[1])
    assert set(told) == set(STEPS) and [told.count(step) for step in STEPS if step[0] == "create"] == [1, 1]
    assert {outcome["nodegroup"]["uuid"] for outcome in outcomes} == {world.group("extra").uuid}
    assert finished(world, old.uuid)
