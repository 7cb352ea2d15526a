# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode of a play whose earlier tasks would create what later ones refer to: predicted with a warning, and never a request that writes."""

from __future__ import annotations

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._entry.jobs import JOBS
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import CLUSTER, NODEGROUP

UNKNOWN = "00000000-0000-4000-8000-000000000000"
TARGETS = [{"cidr_address": "203.0.113.0/24"}]
CREATED = {key: value for key, value in NODEGROUP.items() if key != "cluster"}

#: (module, options besides the cluster, actions that are predicted)
TASKS = [
    ("nks_nodegroup", CREATED, ["create"]),
    ("nks_nodegroup", {"name": "default-worker", "node_count": 3}, []),
    ("nks_nodegroup", {"name": "extra", "node_count": 3}, []),
    ("nks_nodegroup", {"name": "extra", "state": "absent"}, []),
    ("nks_autoscale", {"enabled": True, "max_node_count": 4}, ["set_autoscale"]),
    ("nks_autoscale", {"nodegroup": "extra", "enabled": False}, []),
    ("nks_ipacl", {"action": "allow", "targets": TARGETS, "keep": ["203.0.113.7", "192.168.0.4"]}, ["set_ipacl"]),
    ("nks_ipacl", {"state": "absent"}, []),
    ("nks_certificate", {}, []),
    ("nks_certificate", {"force": True}, ["renew_certificate"]),
    ("nks_node", {"nodegroup": "extra", "nodes": ["demo-extra-node-0"], "state": "stopped"}, ["stop_nodes"]),
    ("nks_node", {"nodegroup": "extra", "nodes": ["demo-extra-node-0"], "state": "started"}, []),
    ("nks_nodegroup_info", {}, None),
    ("nks_nodegroup_info", {"name": "extra"}, None),
    ("nks_autoscale_info", {"nodegroup": "extra"}, None),
    ("nks_ipacl_info", {}, None),
    ("nks_event_info", {}, None),
]
GROUP_TASKS = [
    ("nks_nodegroup", {"name": "extra", "node_count": 3}, []),
    ("nks_autoscale", {"nodegroup": "extra", "enabled": True}, ["set_autoscale"]),
    ("nks_node", {"nodegroup": "extra", "nodes": ["demo-extra-node-0"], "state": "stopped"}, ["stop_nodes"]),
    ("nks_autoscale_info", {"nodegroup": "extra"}, None),
]


def names(tasks):
    return ["%s %s" % (module, options) for module, options, _actions in tasks]


def check(world, module, **options):
    return world.run(JOBS[module], options, check=True)


@pytest.mark.parametrize(("module", "options", "actions"), TASKS, ids=names(TASKS))
def test_missing_cluster_is_tolerated_in_check_mode(world, module, options, actions):
    world.seed("other")
    outcome = check(world, module, cluster="demo", **options)
    assert outcome.writes == [] and outcome["changed"] is bool(actions)
    if actions is not None:
        assert outcome.actions == actions
        assert all(item["resource"].startswith("cluster/demo") for item in outcome["actions"])
    if options.get("state") == "absent" and module == "nks_nodegroup":
        # What does not exist is absent.
        assert outcome["warnings"] == []
        return
    # A misspelt name is seen all the same.
    assert "there is no cluster 'demo'" in outcome["warnings"][0] and "there are: other" in outcome["warnings"][0]


@pytest.mark.parametrize(("module", "options", "actions"), GROUP_TASKS, ids=names(GROUP_TASKS))
def test_missing_node_group_is_tolerated_in_check_mode(world, module, options, actions):
    world.seed()
    outcome = check(world, module, cluster="demo", **options)
    assert outcome.writes == [] and outcome["changed"] is bool(actions)
    if actions is not None:
        assert outcome.actions == actions
    assert "no node group 'extra'" in outcome["warnings"][0]


@pytest.mark.parametrize(("module", "options", "actions"), TASKS, ids=names(TASKS))
def test_missing_cluster_is_an_error_without_check_mode(world, module, options, actions):
    if options.get("state") == "absent" and module == "nks_nodegroup":
        assert world.run(JOBS[module], dict(options, cluster="demo"))["changed"] is False
        return
    with pytest.raises(NksError) as caught:
        world.run(JOBS[module], dict(options, cluster="demo"))
    assert "there is no cluster 'demo'" in caught.value.msg and caught.value.outcome.writes == []


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("nks_nodegroup", dict(CREATED, cluster=UNKNOWN)),
        ("nks_kubeconfig", {"cluster": UNKNOWN, "return_content": True}),
        ("nks_autoscale", {"cluster": UNKNOWN, "enabled": True}),
        ("nks_autoscale", {"cluster": "demo", "nodegroup": UNKNOWN, "enabled": True}),
        ("nks_ipacl_info", {"cluster": UNKNOWN}),
        ("nks_certificate", {"cluster": "Demo"}),
        ("nks_nodegroup", dict(CREATED, cluster="demo", name=UNKNOWN)),
        ("nks_node", {"cluster": "demo", "nodegroup": "extra", "nodes": [UNKNOWN], "state": "stopped"}),
    ],
    ids=str,
)
def test_unknown_uuid_or_invalid_name_fails_in_check_mode(world, module, options):
    """A UUID is known only of what exists, and a name that the service does not accept is that of nothing."""
    with pytest.raises(NksError):
        check(world, module, **options)


def test_predicted_node_group_creation_is_validated(world):
    group = dict(NODEGROUP, extra_security_groups=[{"subnet": "demo-subnet", "security_groups": ["default"]}])
    made = check(world, "nks_nodegroup", **group)["actions"][0]
    assert made["resource"] == "cluster/demo/nodegroup/extra" and made["changes"]["node_count"] == {"before": None, "after": 2}
    for wrong in (
        {"flavor": "m2.c2m5"},
        {"image": "no image"},
        {"flavor": None},
        {"extra_security_groups": [{"subnet": "x", "security_groups": ["no group"]}]},
    ):
        with pytest.raises(NksError):
            check(world, "nks_nodegroup", **{key: value for key, value in dict(group, **wrong).items() if value is not None})


def test_ipacl_lockout_is_rejected_before_the_cluster_exists(world):
    with pytest.raises(NksError) as caught:
        check(world, "nks_ipacl", cluster="demo", action="allow", targets=TARGETS, keep=["198.51.100.1"])
    assert "198.51.100.1" in caught.value.msg


def test_first_readme_playbook_passes_in_check_mode(world, tmp_path):
    assert check(world, "nks_cluster", **CLUSTER).actions == ["create"]
    outcome = check(world, "nks_kubeconfig", cluster="demo", dest=str(tmp_path / "demo.kubeconfig"))
    assert outcome.actions == ["write"] and outcome["path"] == str(tmp_path / "demo.kubeconfig") and outcome["context"] == "demo"
    assert outcome["diff"]["after"]["file/%s" % outcome["path"]]["kubeconfig"]["context"] == "demo"
    assert (outcome["server"], outcome["certificate_expiry"]) == (None, None) and list(tmp_path.iterdir()) == []


def test_kubeconfig_content_is_not_predicted(world):
    outcome = check(world, "nks_kubeconfig", cluster="demo", return_content=True, context="here")
    assert outcome["context"] == "here" and "kubeconfig" not in outcome.result and outcome["changed"] is False


# -- upgrades step by step ----------------------------------------------------------------------------------------------


def test_step_by_step_upgrades_pass_in_check_mode(world):
    world.seed(nodegroups=2)
    first = world.nks_cluster(check=True, kubernetes_version="v1.32.3")
    second = world.nks_nodegroup(check=True, name="group-1", kubernetes_version="v1.32.3")
    assert first.actions == second.actions == ["upgrade"] and second["actions"][0]["changes"]["kubernetes_version"] == {"before": "v1.31.4", "after": "v1.32.3"}
    assert "an earlier task may upgrade it to v1.32.3" in second["warnings"][0]
    # A new group gets the version that the control plane will have.
    assert world.nks_nodegroup(check=True, **dict(NODEGROUP, kubernetes_version="v1.32.3")).actions == ["create"]


@pytest.mark.parametrize(("check_mode", "version"), [(False, "v1.32.3"), (True, "v1.33.4"), (True, "v1.30.3")])
def test_unreachable_version_is_an_error(world, check_mode, version):
    world.seed(nodegroups=2)
    with pytest.raises(NksError) as caught:
        world.nks_nodegroup(check=check_mode, name="group-1", kubernetes_version=version)
    assert version in caught.value.msg and caught.value.outcome.writes == []
