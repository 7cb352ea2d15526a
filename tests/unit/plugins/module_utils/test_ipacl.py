# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_ipacl and nks_ipacl_info: who may connect to the API endpoint of a cluster."""

from __future__ import annotations

import copy
import sys

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import ipacl

#: The subnet of the seeded cluster, which the service adds to a list under ALLOW.
SUBNET = "10.0.0.0/16"
OFFICE = {"cidr_address": "203.0.113.0/24", "description": "Office"}
BUILD = {"cidr_address": "198.51.100.7", "description": "Build server"}


def run(world, check=False, **given):
    return world.run(ipacl.JOB, dict({"cluster": "demo"}, **given), check)


def refusal(world, check=False, **given):
    """The text with which a task fails, having written nothing."""
    with pytest.raises(NksError) as caught:
        run(world, check, **given)
    assert caught.value.outcome.writes == []
    return caught.value.msg


def enforced(world, action, *targets):
    """The service's own state, as someone else has set it."""
    world.seed()
    own = [{"cidr_address": SUBNET, "description": "default subnet"}] if action == "ALLOW" else []
    world.cluster().ipacl = {"enable": True, "action": action, "targets": copy.deepcopy(list(targets)) + own}


def targets(*addresses):
    return [{"cidr_address": address} for address in addresses]


def sent(outcome):
    """The body of the task's one write."""
    assert outcome.wrote == ["POST /clusters/*/api_ep_ipacl"]
    return outcome.writes[0]["body"]


def unchanged(outcome):
    """Nothing to do and nothing done."""
    return (outcome["changed"], outcome["actions"], outcome.writes, outcome["diff"]) == (False, [], [], {"before": {}, "after": {}})


# -- enforcing -------------------------------------------------------------------------------------------------------


def test_enforces_allow(world):
    world.seed()
    outcome = run(world, action="allow", targets=[OFFICE, BUILD])
    body = sent(outcome)
    assert (body["enable"], body["action"]) == ("true", "ALLOW")
    assert body["ipacl_targets"] == [BUILD, OFFICE]
    assert outcome["actions"] == [
        {
            "action": "set_ipacl",
            "resource": "cluster/demo",
            "changes": {
                "state": {"before": "absent", "after": "present"},
                "action": {"before": None, "after": "allow"},
                "targets": {"before": [], "after": [BUILD, OFFICE]},
            },
        }
    ]
    result = outcome["ipacl"]
    assert (result["enable"], result["action"]) == (True, "ALLOW")
    # The result is what the service has, with its own entry.
    assert sorted(item["cidr_address"] for item in result["ipacl_targets"]) == sorted([SUBNET, "198.51.100.7", "203.0.113.0/24"])


def test_enforces_deny(world):
    world.seed()
    body = sent(run(world, action="deny", targets=[dict(cidr="192.0.2.1/32")]))
    assert body == {"enable": "true", "action": "DENY", "ipacl_targets": [{"cidr_address": "192.0.2.1"}]}
    assert world.cluster().ipacl["targets"] == [{"cidr_address": "192.0.2.1"}]


@pytest.mark.parametrize("action", ["allow", "deny"])
@pytest.mark.parametrize("normalise", [True, False])
def test_ipacl_is_idempotent(world, action, normalise):
    world.set(ipacl_normalise=normalise)
    world.seed()
    given = {"action": action, "targets": [OFFICE, {"cidr_address": "198.51.100.77/24"}, {"cidr_address": "192.0.2.5/32", "description": "One"}]}
    assert run(world, **given)["changed"] is True
    assert unchanged(run(world, **given))


@pytest.mark.parametrize("check", [True, False])
def test_present_requires_action_and_targets(world, check):
    world.seed()
    assert refusal(world, check, targets=[OFFICE]).startswith("action: it is needed")
    assert refusal(world, check, action="allow").startswith("targets: it is needed")
    assert refusal(world, check, action="allow", targets=[]).startswith("targets: '[]' is empty")
    assert refusal(world, check, action="allow", targets=[], purge=False).startswith("targets: '[]' is empty")


# -- the comparison --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "present, given",
    [
        ("10.10.22.3/24", "10.10.22.0/24"),
        ("10.10.22.0/24", "10.10.22.99/24"),
        ("198.51.100.7/32", "198.51.100.7"),
        ("198.51.100.7", "198.51.100.7/32"),
        ("198.51.100.0/255.255.255.0", "198.51.100.0/24"),
        (" 198.51.100.7 ", "198.51.100.7"),
    ],
)
def test_equivalent_network_notations_are_not_a_change(world, present, given):
    enforced(world, "DENY", {"cidr_address": present})
    assert unchanged(run(world, action="deny", targets=targets(given)))


def test_target_order_is_not_a_change(world):
    several = targets("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
    enforced(world, "DENY", *several)
    for _turn in range(4):
        # Each answer of the service comes in another order.
        assert unchanged(run(world, action="deny", targets=several[::-1]))


def test_subnet_added_by_nks_is_not_a_change(world):
    enforced(world, "ALLOW", OFFICE)
    assert unchanged(run(world, action="allow", targets=[OFFICE]))
    # Neither is it one to name it, with whatever description.
    assert unchanged(run(world, action="allow", targets=[OFFICE, {"cidr_address": "10.0.0.77/16", "description": "Mine"}]))
    # A change sends and shows only what was asked for.
    outcome = run(world, action="allow", targets=[OFFICE, BUILD])
    assert sent(outcome)["ipacl_targets"] == [BUILD, OFFICE]
    assert outcome["actions"][0]["changes"] == {"targets": {"before": [OFFICE], "after": [BUILD, OFFICE]}}


def test_list_with_only_cluster_subnet_is_sent(world):
    """It must not be sent as an empty list."""
    world.seed()
    given = {"action": "allow", "targets": targets(SUBNET)}
    assert sent(run(world, **given))["ipacl_targets"] == targets(SUBNET)
    assert unchanged(run(world, **given))
    assert unchanged(run(world, action="allow"))
    assert unchanged(run(world, state="absent", targets=[OFFICE]))


def test_part_of_cluster_subnet_is_a_change(world):
    enforced(world, "ALLOW", OFFICE)
    assert run(world, action="allow", targets=[OFFICE, {"cidr_address": "10.0.0.0/24"}])["changed"] is True


def test_descriptions(world):
    enforced(world, "DENY", OFFICE, BUILD)
    # Not given: whatever it is called.
    assert unchanged(run(world, action="deny", targets=targets("203.0.113.0/24", "198.51.100.7")))
    outcome = run(world, action="deny", targets=[dict(OFFICE, description="Head office"), {"cidr_address": "198.51.100.7"}])
    assert sent(outcome)["ipacl_targets"] == [BUILD, dict(OFFICE, description="Head office")]
    assert outcome["actions"][0]["changes"] == {"targets": {"before": [BUILD, OFFICE], "after": [BUILD, dict(OFFICE, description="Head office")]}}
    # An empty one takes it away.
    outcome = run(world, action="deny", targets=[dict(OFFICE, description=""), BUILD])
    assert sent(outcome)["ipacl_targets"] == [BUILD, {"cidr_address": "203.0.113.0/24"}]
    assert unchanged(run(world, action="deny", targets=[dict(OFFICE, description=""), BUILD]))


def test_duplicate_network_in_targets(world):
    world.seed()
    twice = [{"cidr_address": "198.51.100.1/24", "description": "A"}, {"cidr_address": "198.51.100.2/24", "description": "B"}]
    assert "listed twice with different descriptions" in refusal(world, action="deny", targets=twice)
    twice[1]["description"] = "A"
    assert sent(run(world, action="deny", targets=twice))["ipacl_targets"] == [{"cidr_address": "198.51.100.0/24", "description": "A"}]


def test_duplicate_network_in_response(world):
    """Which of the two descriptions counts must not hang on the order of the answer."""
    twice = [{"cidr_address": "198.51.100.1/24", "description": "A"}, {"cidr_address": "198.51.100.2/24", "description": "B"}]
    enforced(world, "DENY", *twice)
    outcomes = [run(world, check=True, action="deny", targets=[{"cidr_address": "198.51.100.0/24", "description": "B"}])["actions"] for _turn in range(2)]
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("enable", ["true", "True", "TRUE", True])
@pytest.mark.parametrize("action", ["ALLOW", "allow", "Allow"])
def test_response_format_variants(world, monkeypatch, enable, action):
    world.seed()
    answer = {"cluster_uuid": "x", "enable": enable, "action": action, "ipacl_targets": [dict(BUILD), {"cidr_address": SUBNET}, dict(OFFICE)]}
    monkeypatch.setattr(sys.modules["nks_simulator.wireform"], "ipacl", lambda cloud, cluster: answer)
    outcome = run(world, action="allow", targets=[OFFICE, BUILD])
    assert unchanged(outcome) and (outcome["ipacl"]["enable"], outcome["ipacl"]["action"]) == (True, "ALLOW")


@pytest.mark.parametrize("answer", [{"enable": "false"}, {"enable": "False"}, {"enable": False}, {"enable": "false", "ipacl_targets": None}, {}])
def test_disabled_response_variants(world, monkeypatch, answer):
    world.seed()
    monkeypatch.setattr(sys.modules["nks_simulator.wireform"], "ipacl", lambda cloud, cluster: answer)
    outcome = run(world, state="absent")
    assert unchanged(outcome) and outcome["ipacl"]["enable"] is False and outcome["ipacl"]["ipacl_targets"] == []
    assert unchanged(run(world, state="absent", targets=[OFFICE]))


# -- switching, purging, removing ------------------------------------------------------------------------------------


def test_action_change(world):
    enforced(world, "ALLOW", OFFICE)
    outcome = run(world, action="deny", targets=[OFFICE])
    assert sent(outcome) == {"enable": "true", "action": "DENY", "ipacl_targets": [OFFICE]}
    assert outcome["actions"][0]["changes"] == {"action": {"before": "allow", "after": "deny"}}
    assert unchanged(run(world, action="deny"))


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("present, action", [("ALLOW", "deny"), ("DENY", "allow")])
def test_action_change_requires_targets(world, present, action, check):
    """The list of those who may connect must not become the list of those who may not."""
    enforced(world, present, OFFICE)
    for purge in (True, False):
        text = refusal(world, check, action=action, purge=purge)
        assert text.startswith("action: '%s' would turn the current list for %s into its opposite" % (action, present.lower()))
        assert "targets" in text
    assert unchanged(run(world, action=present.lower()))


@pytest.mark.parametrize("check", [True, False])
def test_absent_targets_with_other_action_are_rejected(world, check):
    enforced(world, "ALLOW", OFFICE, BUILD)
    text = refusal(world, check, state="absent", action="deny", targets=[OFFICE])
    assert text == "action: 'deny' does not match the current list, which is for allow; set it to allow, or leave it out."
    assert unchanged(run(world, check, state="absent", action="deny", targets=[]))
    # Without targets there is no list that could be meant wrongly.
    assert sent(run(world, state="absent", action="deny")) == {"enable": "false"}


def test_omitted_action_is_unchanged(world):
    enforced(world, "DENY", OFFICE)
    assert sent(run(world, targets=[BUILD])) == {"enable": "true", "action": "DENY", "ipacl_targets": [BUILD]}
    assert unchanged(run(world))


def test_purge(world):
    enforced(world, "ALLOW", OFFICE)
    outcome = run(world, action="allow", targets=[BUILD], purge=False)
    assert sent(outcome)["ipacl_targets"] == [BUILD, OFFICE]
    assert unchanged(run(world, action="allow", targets=[BUILD], purge=False))
    assert unchanged(run(world, targets=[OFFICE], purge=False))
    assert unchanged(run(world, targets=[], purge=False))
    outcome = run(world, action="allow", targets=[BUILD])
    assert sent(outcome)["ipacl_targets"] == [BUILD]


def test_purge_false_enables_access_control(world):
    world.seed()
    assert sent(run(world, action="allow", targets=[BUILD], purge=False))["ipacl_targets"] == [BUILD]


def test_purge_false_with_other_action_is_rejected(world):
    enforced(world, "ALLOW", OFFICE)
    assert refusal(world, action="deny", targets=[BUILD], purge=False).startswith("purge: ")


def test_absent_removes_targets(world):
    enforced(world, "ALLOW", OFFICE, BUILD)
    outcome = run(world, state="absent", targets=targets("198.51.100.7/32", "192.0.2.0/24"))
    assert sent(outcome) == {"enable": "true", "action": "ALLOW", "ipacl_targets": [OFFICE]}
    assert outcome["actions"][0]["changes"] == {"targets": {"before": [BUILD, OFFICE], "after": [OFFICE]}}
    assert unchanged(run(world, state="absent", targets=targets("198.51.100.7")))
    assert unchanged(run(world, state="absent", targets=[]))
    # Who is meant is clear without the description.
    assert unchanged(run(world, state="absent", targets=[dict(BUILD, description="Another")]))


@pytest.mark.parametrize("action", ["ALLOW", "DENY"])
@pytest.mark.parametrize("check", [True, False])
def test_removing_last_target_is_rejected(world, action, check):
    """An open or a shut endpoint is never an accident; the subnet under ALLOW does not count as a target."""
    enforced(world, action, OFFICE, BUILD)
    text = refusal(world, check, state="absent", targets=[OFFICE, BUILD, {"cidr_address": SUBNET}])
    assert text.startswith("targets: ") and action.lower() in text
    assert refusal(world, check, action=action.lower(), targets=[]).startswith("targets: '[]' is empty")


@pytest.mark.parametrize("action", ["ALLOW", "DENY"])
def test_absent_disables_access_control(world, action):
    enforced(world, action, OFFICE)
    outcome = run(world, state="absent")
    assert sent(outcome) == {"enable": "false"}
    assert outcome["actions"][0]["changes"] == {
        "state": {"before": "present", "after": "absent"},
        "action": {"before": action.lower(), "after": None},
        "targets": {"before": [OFFICE], "after": []},
    }
    assert outcome["ipacl"]["enable"] is False
    assert unchanged(run(world, state="absent"))


@pytest.mark.parametrize("state", ["present", "absent"])
def test_check_mode(world, state):
    enforced(world, "ALLOW", OFFICE, BUILD)
    given = {"state": state, "targets": [OFFICE]}
    before = copy.deepcopy(world.cluster().ipacl)
    checked = run(world, check=True, **given)
    assert checked.writes == [] and world.cluster().ipacl == before and checked["ipacl"]["enable"] is True
    real = run(world, **given)
    assert [checked[key] for key in ("changed", "actions", "diff")] == [real[key] for key in ("changed", "actions", "diff")]
    assert real["changed"] is True and real["diff"]["after"] == {"cluster/demo": {"targets": [OFFICE] if state == "present" else [BUILD]}}


# -- keep ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given, shut_out",
    [
        # ALLOW lets in who is listed, and the cluster's own subnet.
        ({"action": "allow", "targets": [OFFICE], "keep": ["203.0.113.10"]}, None),
        ({"action": "allow", "targets": [OFFICE], "keep": ["203.0.113.128/25"]}, None),
        ({"action": "allow", "targets": [OFFICE], "keep": ["10.0.3.4"]}, None),
        ({"action": "allow", "targets": [OFFICE], "keep": ["203.0.113.10", "198.51.100.7"]}, "198.51.100.7"),
        ({"action": "allow", "targets": [OFFICE], "keep": ["203.0.112.0/23"]}, "203.0.112.0/23"),
        ({"action": "allow", "targets": targets("203.0.112.0/24", "203.0.113.0/24"), "keep": ["203.0.112.0/23"]}, None),
        ({"action": "allow", "targets": [OFFICE], "keep": ["2001:db8::1"]}, "2001:db8::1"),
        # DENY shuts out who is listed.
        ({"action": "deny", "targets": [OFFICE], "keep": ["198.51.100.7", "2001:db8::1", "10.0.3.4"]}, None),
        ({"action": "deny", "targets": [OFFICE], "keep": ["203.0.113.10"]}, "203.0.113.10"),
        ({"action": "deny", "targets": [OFFICE], "keep": ["203.0.112.0/23"]}, "203.0.112.0/23"),
        # The resulting list counts, not what is given.
        ({"action": "allow", "targets": [BUILD], "purge": False, "keep": ["198.51.100.7"]}, None),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_keep(world, given, shut_out, check):
    world.seed()
    if shut_out:
        text = refusal(world, check, **given)
        assert text.startswith("keep: ") and shut_out in text and "No changes were made" in text
        assert all(kept == shut_out or kept not in text for kept in given["keep"])
    else:
        assert run(world, check, **given)["changed"] is True


def test_keep_is_checked_against_resulting_list(world):
    enforced(world, "ALLOW", OFFICE, BUILD)
    # Named by neither, but left in by purge: false.
    assert run(world, check=True, targets=targets("192.0.2.0/24"), purge=False, keep=["203.0.113.9"])["changed"] is True
    assert refusal(world, targets=targets("192.0.2.0/24"), keep=["203.0.113.9"]).startswith("keep: ")
    assert refusal(world, state="absent", targets=[OFFICE], keep=["203.0.113.9"]).startswith("keep: ")
    assert run(world, state="absent", targets=[BUILD], keep=["203.0.113.9"])["changed"] is True
    # Nothing to change, so it blocks nobody.
    assert unchanged(run(world, targets=[OFFICE], keep=["198.51.100.7"]))
    # Disabled, everyone can connect.
    assert run(world, state="absent", keep=["198.51.100.7"])["changed"] is True


def test_keep_with_ipv6_targets():
    """The rules of the list hold for both families, whatever the service takes today."""
    from ansible_collections.nhncloud.nks.plugins.module_utils._plan import ipacl as rules

    listed = {rules.network("targets", "2001:db8::/32"): ""}
    inside, outside, four = (rules.network("keep", text) for text in ("2001:db8::7", "2001:db9::7", "203.0.113.1"))
    allow, deny = rules.Control("ALLOW", listed), rules.Control("DENY", listed)
    assert [allow.allows(address, []) for address in (inside, outside, four)] == [True, False, False]
    assert [deny.allows(address, []) for address in (inside, outside, four)] == [False, True, True]


# -- refused before anything is sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [True, False])
def test_more_than_100_targets_are_rejected(world, check):
    world.seed()
    many = targets(*("192.0.2.%d" % number for number in range(100)))
    assert run(world, check, action="deny", targets=many)["changed"] is True
    world.cluster().ipacl = {"enable": False}
    assert refusal(world, check, action="deny", targets=many + targets("198.51.100.1")) == "targets: '101 networks' is too many; use at most 100."


def test_more_than_100_targets_after_adding_are_rejected(world):
    enforced(world, "DENY", *targets(*("192.0.2.%d" % number for number in range(60))))
    more = targets(*("198.51.100.%d" % number for number in range(41)))
    assert refusal(world, targets=more, purge=False).startswith("targets: '101 networks' is too many")
    assert run(world, targets=more[1:], purge=False)["changed"] is True


@pytest.mark.parametrize("overlap", ["10.0.0.0/16", "10.0.5.6", "10.0.0.0/8", "0.0.0.0/0"])
@pytest.mark.parametrize("check", [True, False])
def test_deny_overlapping_cluster_subnet_is_rejected(world, overlap, check):
    world.seed()
    text = refusal(world, check, action="deny", targets=targets("192.0.2.1", overlap))
    assert text.startswith("targets: ") and "subnet" in text
    assert run(world, check, action="allow", targets=targets("192.0.2.1", overlap))["changed"] is True


@pytest.mark.parametrize("address", ["nonsense", "10.0.0.0/33", "300.1.1.1", "", "203.0.113.0/24/24"])
def test_invalid_address_is_rejected_before_any_request(world, address):
    """Known before the first request."""
    world.seed()
    for given in ({"targets": targets(address)}, {"targets": [OFFICE], "keep": [address]}, {"targets": targets(address), "state": "absent"}):
        with pytest.raises(NksError) as caught:
            run(world, **dict({"action": "allow"}, **given))
        assert "is neither an address nor a network" in caught.value.msg
        assert caught.value.msg.startswith("keep: " if "keep" in given else "targets.cidr_address: ")
        assert caught.value.outcome.requests == []


def test_missing_cluster_is_reported(world):
    assert refusal(world, cluster="nowhere", state="absent").startswith("cluster: there is no cluster 'nowhere'")


# -- waiting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 202])
def test_task_waits_until_list_is_applied(world, status):
    world.set(stale_polls=6, action_status=status)
    world.seed()
    outcome = run(world, action="allow", targets=[OFFICE])
    assert outcome["ipacl"]["action"] == "ALLOW" and world.cluster().status == "UPDATE_COMPLETE"


def test_dropped_change_fails(world):
    world.seed()
    world.fault(effect="drop_task", task="ipacl")
    with pytest.raises(NksError, match="did not change to the requested value"):
        run(world, action="allow", targets=[OFFICE])


def test_failed_cluster_warns_without_changes_and_fails_with_changes(world):
    enforced(world, "ALLOW", OFFICE)
    world.fail(world.cluster(), "UPDATE_FAILED")
    outcome = run(world, targets=[OFFICE])
    assert outcome["changed"] is False and any("UPDATE_FAILED" in text for text in outcome["warnings"])
    assert "No valid host was found" in refusal(world, targets=[BUILD])


# -- nks_ipacl_info --------------------------------------------------------------------------------------------------


def test_info(world):
    enforced(world, "ALLOW", OFFICE)
    outcome = world.run(ipacl.INFO, {"cluster": "demo", "query": "sort(ipacl_targets[].cidr_address)"})
    assert (outcome["changed"], outcome.writes) == (False, [])
    assert (outcome["ipacl"]["enable"], outcome["ipacl"]["action"]) == (True, "ALLOW")
    assert outcome["result"] == [SUBNET, "203.0.113.0/24"]
    world.cluster().ipacl = {"enable": False}
    outcome = world.run(ipacl.INFO, {"cluster": world.cluster().uuid})
    assert outcome["ipacl"] == {"cluster_uuid": world.cluster().uuid, "enable": False, "ipacl_targets": []}
    assert "result" not in outcome.result


def test_rejected_request_is_reported_with_cluster_name(world):
    world.seed()
    world.fault(effect="status", status=403, method="POST|PATCH", path="/api_ep_ipacl$")
    with pytest.raises(NksError) as caught:
        run(world, cluster=world.cluster().uuid, action="deny", targets=[OFFICE])
    assert caught.value.msg.startswith("Could not set the IP access control of cluster demo: ") and world.cluster().uuid not in caught.value.msg
