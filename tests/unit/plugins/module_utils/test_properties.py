# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Promises that hold for all valid options, over options that are made up: a second run writes nothing, a task gives what it
was asked for or names what cannot be changed, and check mode tells what the real run does.
"""

from __future__ import annotations

import itertools
import json

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import Transport
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.support import CLUSTER, FLAVORS, NODEGROUP
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.values import VALUES

#: Each example is several whole tasks; looking for a smaller one after a failure would take minutes.
EXAMPLES = settings(
    max_examples=15, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)

SCRIPTS = ["", "#!/bin/sh\necho one\n", "#!/usr/bin/env python3\nprint('two')\n"]
VERSIONS = ["v1.30.3", "v1.31.4", "v1.32.3"]
#: What can be set at creation and not be changed: option -> values; the first one is that of a creation without it.
FIXED = {**{option: entry.tried for option, entry in VALUES.items() if entry.tried}, "labels": [{}, {"fip_auto_bind_enable": "true"}]}
GROUP_FIXED = [option for option, entry in VALUES.items() if entry.tried and entry.group]


def meaning(option, value):
    """Equal for values that mean the same."""
    return sorted(value) if option == "external_subnets" else value


@st.composite
def changeable(draw):
    """Valid values of what can be changed later, and a count that goes with the autoscaler's bounds."""
    wanted = {"flavor": draw(st.sampled_from(sorted(FLAVORS))), "node_count": draw(st.integers(1, 4))}
    if draw(st.booleans()):
        wanted["user_script"] = draw(st.sampled_from(SCRIPTS))
    if draw(st.booleans()):
        low = draw(st.integers(1, wanted["node_count"]))
        high = draw(st.integers(wanted["node_count"], 6))
        wanted["autoscale"] = {"enabled": draw(st.booleans()), "min_node_count": low, "max_node_count": high}
        wanted["autoscale"].update(
            draw(st.fixed_dictionaries({}, optional={"scale_down_enabled": st.booleans(), "scale_down_unneeded_time": st.integers(1, 1440)}))
        )
    return wanted


@st.composite
def options(draw, base, fixed, rarely):
    """Options of a task; those that cannot be changed differ only now and then."""
    wanted = dict(base, **draw(changeable()))
    for option in fixed:
        chosen = draw(st.sampled_from(FIXED[option])) if draw(st.integers(0, rarely)) == 0 else FIXED[option][0]
        # What is the service's default may be given or left out.
        if option in base or chosen != FIXED[option][0] or draw(st.booleans()):
            wanted[option] = chosen
    return wanted


@st.composite
def cluster_options(draw, rarely=4):
    return dict(draw(options(CLUSTER, list(FIXED), rarely)), kubernetes_version=draw(st.sampled_from(VERSIONS)), upgrade="all")


def group_options(rarely=4):
    return options(dict(NODEGROUP, availability_zone="kr-pub-a", boot_volume_type="General SSD", boot_volume_size=50), GROUP_FIXED, rarely)


def attempt(run, **wanted):
    """(what the task tells, None) or (None, why it was refused)."""
    try:
        result = run(**wanted).result
    except NksError as error:
        assert error.outcome.writes == [], "refused only after a request was sent: %s" % error.msg
        return None, error.msg
    return {key: result[key] for key in ("changed", "actions", "diff", "warnings")}, None


def fixed_differences(fixed, first, second):
    """Options of the second task that the first one has made otherwise, once and for all."""
    return [
        option
        for option in fixed
        # A label that was not given then is not shown, and so not compared.
        if option in second and option != "labels" and meaning(option, second[option]) != meaning(option, first.get(option, FIXED[option][0]))
    ]


def holds(group, wanted):
    """The node group is as wanted, by the simulator's own state."""
    labels, settled = group.labels, wanted.get("autoscale", {})
    assert group.flavor_id == FLAVORS[wanted["flavor"]]
    if "user_script" in wanted:
        assert labels.get("user_script_v2", "") == wanted["user_script"]
    for option, label in (("enabled", "ca_enable"), ("min_node_count", "ca_min_node_count"), ("max_node_count", "ca_max_node_count")):
        if option in settled:
            assert labels[label].lower() == str(settled[option]).lower()
    # While the autoscaler is on the count is its own.
    if not group.autoscaler_on:
        assert len(group.nodes) == wanted["node_count"]


def twice(run, wanted):
    """Check mode, the real run, and once more."""
    told, done, again = run(check=True, **wanted), run(**wanted), run(**wanted)
    assert told.writes == []
    for key in ("changed", "actions", "diff", "warnings"):
        assert told[key] == done[key]
    assert done["changed"] and len(done.writes) == 1
    assert (again["changed"], again["actions"], again.writes) == (False, [], [])
    assert "volume-secret" not in json.dumps([told.result, done.result, again.result])


def from_one_to_the_other(run, group, fixed, first, second):
    """The second task after the first: what was wanted, or a refusal that names what cannot be changed."""
    run(**first)
    told = attempt(run, check=True, **second)
    done = attempt(run, **second)
    assert told == done
    differing = fixed_differences(fixed, first, second)
    _result, refusal = done
    downgrade = "kubernetes_version" in second and second["kubernetes_version"] < first.get("kubernetes_version", "")
    outside = group_is_autoscaled(first, second) and not in_bounds(first, second)
    if differing or downgrade or outside:
        assert refusal is not None
        assert any(option in refusal for option in differing + ["kubernetes_version"] * downgrade + ["node_count"] * outside)
        holds(group(), first)
        return
    assert refusal is None
    holds(group(), second)
    again = run(**second)
    assert (again["changed"], again["actions"], again.writes) == (False, [], [])


def group_is_autoscaled(first, second):
    return second.get("autoscale", first.get("autoscale", {})).get("enabled", False)


def in_bounds(first, second):
    bounds = second.get("autoscale", first.get("autoscale", {}))
    return bounds["min_node_count"] <= second["node_count"] <= bounds["max_node_count"]


@EXAMPLES
@given(wanted=cluster_options(rarely=1))
def test_cluster_is_created_once_and_then_unchanged(running_world, wanted):
    running_world.reset(task_seconds=5.0)
    twice(running_world.nks_cluster, wanted)
    holds(running_world.group(), wanted)
    assert running_world.cluster().version == wanted["kubernetes_version"]


@EXAMPLES
@given(wanted=group_options(rarely=1))
def test_node_group_is_created_once_and_then_unchanged(running_world, wanted):
    running_world.reset(task_seconds=5.0)
    running_world.seed()
    twice(running_world.nks_nodegroup, wanted)
    holds(running_world.group("extra"), wanted)


@EXAMPLES
@given(first=cluster_options(rarely=20), second=cluster_options(rarely=20))
def test_cluster_update_is_applied_or_rejected_by_option_name(running_world, first, second):
    running_world.reset(task_seconds=5.0)
    from_one_to_the_other(running_world.nks_cluster, running_world.group, list(FIXED), first, second)


@EXAMPLES
@given(first=group_options(rarely=10), second=group_options(rarely=10))
def test_node_group_update_is_applied_or_rejected_by_option_name(running_world, first, second):
    running_world.reset(task_seconds=5.0)
    running_world.seed()
    from_one_to_the_other(running_world.nks_nodegroup, lambda: running_world.group("extra"), GROUP_FIXED, first, second)


class Killed(Exception):
    """The process was killed."""


def killed_at(run, number, wanted):
    """A task that is killed before one of its requests; nothing if it makes fewer."""
    usual, numbers = Transport.request, itertools.count(1)

    def request(transport, *args, **kwargs):
        if next(numbers) == number:
            raise Killed
        return usual(transport, *args, **kwargs)

    Transport.request = request
    try:
        run(**wanted)
    except Killed:
        pass
    finally:
        Transport.request = usual


@EXAMPLES
@given(
    first=group_options(rarely=2),
    second=group_options(rarely=1),
    omitted=st.sets(st.sampled_from(sorted([*NODEGROUP, *GROUP_FIXED]))),
    kills=st.lists(st.integers(1, 45), max_size=3),
)
def test_replaced_node_group_is_as_desired_wherever_the_runs_end(running_world, first, second, omitted, kills):
    """What is not set keeps the values of the old node group. Nothing is left over, and the plan of what the plan has done is empty."""
    running_world.reset(task_seconds=5.0)
    running_world.seed()
    run = running_world.nks_nodegroup
    run(**first)
    second = {option: value for option, value in second.items() if option in ("cluster", "name") or option not in omitted}
    wanted = dict(second, immutable="replace")
    told, refusal = attempt(run, check=True, **wanted)
    if refusal is not None:
        # Only a number of nodes that the autoscaler does not allow.
        assert refusal.startswith("node_count: ")
        return
    for number in kills:
        killed_at(run, number, wanted)
    outcome = run(**wanted)
    if not kills:
        assert told == {key: outcome.result[key] for key in ("changed", "actions", "diff", "warnings")}
    assert sorted(group.name for group in running_world.cluster().nodegroups.values()) == ["default-worker", "extra"]
    # Both what was set and, for the rest, what the old one had: also by the comparison of a task that replaces nothing.
    expected = dict(first, **second)
    if group_is_autoscaled(first, second) and not in_bounds(first, expected):
        return
    holds(running_world.group("extra"), dict(expected, autoscale={**first.get("autoscale", {}), **second.get("autoscale", {})}))
    again = attempt(run, **expected)
    assert again == ({"changed": False, "actions": [], "diff": {"before": {}, "after": {}}, "warnings": []}, None)


@EXAMPLES
@given(wanted=cluster_options(rarely=10), stale=st.integers(0, 2), missing=st.integers(0, 3), seconds=st.sampled_from([0.0, 5.0, 35.0]), other=changeable())
def test_slow_service_does_not_change_the_outcome(running_world, wanted, stale, missing, seconds, other):
    running_world.reset(task_seconds=seconds, stale_polls=stale, missing_polls=missing)
    running_world.nks_cluster(**wanted)
    try:
        running_world.nks_cluster(**other)
    except NksError as error:
        assert "node_count" in error.msg
        return
    running_world.set(stale_polls=0)
    holds(running_world.group(), other)
    assert running_world.nks_cluster(**other).writes == []
