# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties of the reconciling modules beside the two large ones, over generated options and states.

Of two tasks, one after the other, for each: check mode tells what the real run does, and writes nothing; the real run brings
about what was asked for, or refuses with the name of an option and writes nothing; the same once more changes nothing.
Afterwards any legal form of the service's answers gives the same plan.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import re
import sys
from datetime import datetime, timezone

import pytest

pytest.importorskip("hypothesis")
pytest.importorskip("cryptography")

import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import autoscale, certificate, ipacl, kubeconfig, node

generated = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck)
)


def optional(**choices):
    """Options of which any may be left out."""
    return st.fixed_dictionaries({}, optional=choices)


def told(outcome):
    return [outcome[key] for key in ("changed", "actions", "diff")]


def refused(world, job, options, check):
    """The text of a refusal, None where there is none."""
    try:
        return None, world.run(job, options, check)
    except NksError as error:
        assert error.outcome.writes == []
        return error.msg, None


def carried_out(world, job, options, may_refuse):
    """One task in check mode, for real, and again.

    :param may_refuse: pattern of the refusals that these options may meet.
    :returns: the real run's outcome; None where it refused.
    """
    text, checked = refused(world, job, options, True)
    again_text, real = refused(world, job, options, False)
    assert text == again_text
    if text is not None:
        assert re.match(may_refuse, text), text
        return None
    assert checked.writes == []
    assert told(checked) == told(real)
    assert real["changed"] is bool(real["actions"]) and len(real.writes) == len(real["actions"]) * (job is not kubeconfig.JOB)
    again = world.run(job, options)
    assert told(again) == [False, [], {"before": {}, "after": {}}] and again.writes == []
    return real


def plan(world, job, options):
    """What check mode tells: the plan, or the refusal."""
    text, checked = refused(world, job, options, True)
    return text or told(checked)


@contextlib.contextmanager
def answering(name, change, module="wireform"):
    """The simulator's answers of a kind in another form.

    :param change: function of the usual answer.
    """
    place = sys.modules["nks_simulator." + module]
    usual = getattr(place, name)
    setattr(place, name, lambda *args: change(usual(*args)))
    try:
        yield
    finally:
        setattr(place, name, usual)


# -- nks_autoscale ---------------------------------------------------------------------------------------------------

COUNT, MINUTES = st.integers(1, 10), st.integers(1, 1440)
SETTINGS = {
    "min_node_count": ("ca_min_node_count", COUNT),
    "max_node_count": ("ca_max_node_count", COUNT),
    "scale_down_enabled": ("ca_scale_down_enable", st.booleans()),
    "scale_down_unneeded_time": ("ca_scale_down_unneeded_time", MINUTES),
    "scale_down_utilization_threshold": ("ca_scale_down_util_thresh", st.integers(1, 100)),
    "scale_down_delay_after_add": ("ca_scale_down_delay_after_add", st.integers(10, 1440)),
}


def bounded(options):
    return options.get("min_node_count", 1) <= options.get("max_node_count", 10)


autoscale_options = st.builds(
    lambda enabled, rest: dict(rest, enabled=enabled),
    st.booleans(),
    optional(**{option: values for option, (_label, values) in SETTINGS.items()}).filter(bounded),
)


@generated
@given(
    present=autoscale_options,
    first=autoscale_options,
    second=autoscale_options,
    omitted=st.sampled_from(["default", "keep"]),
    case=st.sampled_from(["lower", "upper", "title"]),
)
def test_autoscale(running_world, present, first, second, omitted, case):
    world = running_world
    world.reset(task_seconds=0.0, autoscale_omitted=omitted)
    world.seed(labels=dict({SETTINGS[option][0]: str(value) for option, value in present.items() if option in SETTINGS}, ca_enable=str(present["enabled"])))
    kept = {}
    for options in (first, second):
        options = dict(options, cluster="demo")
        before = dict(world.group().labels)
        outcome = carried_out(world, autoscale.JOB, options, "min_node_count: ")
        after = dict(world.group().labels)
        if outcome is None:
            assert after == before
            continue
        for option, (label, _values) in SETTINGS.items():
            # What is given arrives, what is not keeps its value.
            assert after[label].lower() == str(options.get(option, before[label])).lower(), option
            kept[option] = after[label]
        assert after["ca_enable"].lower() == str(options["enabled"]).lower()
        assert {option for action in outcome["actions"] for option in action["changes"]} == {
            option for option, (label, _values) in list(SETTINGS.items()) + [("enabled", ("ca_enable", None))] if after[label].lower() != before[label].lower()
        }
    expected = plan(world, autoscale.JOB, dict(first, cluster="demo"))

    def texts(reply):
        return {key: getattr(str(value), case)() if isinstance(value, (bool, int)) else value for key, value in reply.items()}

    with answering("autoscale", texts), answering("nodegroup_labels", texts):
        assert plan(world, autoscale.JOB, dict(first, cluster="demo")) == expected


# -- nks_ipacl -------------------------------------------------------------------------------------------------------

SUBNET = ipaddress.ip_network("10.0.0.0/16")
ADDRESSES = ["203.0.113.7", "203.0.113.7/32", "203.0.113.0/24", "203.0.113.9/24", "198.51.100.0/25", "198.51.100.5/25", "192.0.2.1", "10.0.0.0/16", "10.0.9.9"]
TARGET = st.fixed_dictionaries({"cidr_address": st.sampled_from(ADDRESSES)}, optional={"description": st.sampled_from(["", "Office", "Office "])})


def net(text):
    return ipaddress.ip_network(text, strict=False)


ipacl_options = st.fixed_dictionaries(
    {"state": st.sampled_from(["present", "present", "present", "absent"])},
    optional={
        "action": st.sampled_from(["allow", "deny"]),
        "targets": st.lists(TARGET, max_size=4, unique_by=lambda item: net(item["cidr_address"])),
        "purge": st.booleans(),
        "keep": st.lists(st.sampled_from(["203.0.113.8", "10.0.1.1", "192.0.2.0/30"]), max_size=2),
    },
)


def stored(world):
    """What the service has: (action, network -> description), without the subnet that it adds by itself."""
    state = world.cluster().ipacl
    if not state["enable"]:
        return None, {}
    found = {net(item["cidr_address"]): item.get("description", "") for item in state["targets"]}
    if state["action"] == "ALLOW":
        found.pop(SUBNET)
    return state["action"].lower(), found


def asked_for(options, before):
    """What the state has to be afterwards, by the interface alone."""
    action, present = before
    listed = {net(item["cidr_address"]): item.get("description") for item in options.get("targets", [])}
    if options["state"] == "absent":
        if "targets" not in options:
            return None, {}
        return action, {key: text for key, text in present.items() if key not in listed}
    wanted = {key: present.get(key, "") if text is None else text for key, text in listed.items()} if "targets" in options else present
    if not options.get("purge", True):
        wanted = {**present, **wanted}
    action = options.get("action", action)
    return action, {key: text for key, text in wanted.items() if action != "allow" or key != SUBNET}


def other_forms(reply, turn, bits, action):
    """The same list in another legal form."""
    reply = dict(reply)
    if "action" in reply:
        reply["action"] = getattr(reply["action"], action)()
        reply["enable"] = getattr(reply["enable"], action)()
        items = []
        for item in reply["ipacl_targets"][turn:] + reply["ipacl_targets"][:turn]:
            network = net(item["cidr_address"])
            address = "%s/%d" % (network[-1] if bits else network[0], network.prefixlen)
            description = item.get("description")
            items.append(dict({"cidr_address": address}, **({"description": description} if description or bits else {})))
        reply["ipacl_targets"] = items
    return reply


@generated
@given(
    tasks=st.lists(ipacl_options, min_size=2, max_size=3),
    normalise=st.booleans(),
    turn=st.integers(0, 2),
    bits=st.booleans(),
    action=st.sampled_from(["lower", "upper", "title"]),
)
def test_ipacl(running_world, tasks, normalise, turn, bits, action):
    world = running_world
    world.reset(task_seconds=0.0, ipacl_normalise=normalise)
    world.seed()
    for options in tasks:
        options = dict(options, cluster="demo")
        before = stored(world)
        outcome = carried_out(world, ipacl.JOB, options, "(action|targets|purge|keep): ")
        if outcome is None:
            assert stored(world) == before
            continue
        assert stored(world) == asked_for(options, before)
        assert outcome["changed"] is (stored(world) != before)
    expected = [plan(world, ipacl.JOB, dict(options, cluster="demo")) for options in tasks]
    with answering("ipacl", lambda reply: other_forms(reply, turn, bits, action)):
        assert [plan(world, ipacl.JOB, dict(options, cluster="demo")) for options in tasks] == expected


# -- nks_node --------------------------------------------------------------------------------------------------------

node_task = st.tuples(
    st.sampled_from(["started", "stopped"]),
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["uuid", "name", "address"])), min_size=1, max_size=4, unique_by=lambda item: item[0]),
)


@generated
@given(
    stopped=st.sets(st.integers(0, 3), max_size=3),
    first=node_task,
    second=node_task,
    listed=st.booleans(),
    autoscaler=st.sampled_from(["False", "false", "False", "false", "True"]),
    page=st.integers(1, 3),
)
def test_node(running_world, stopped, first, second, listed, autoscaler, page):
    world = running_world
    world.reset(task_seconds=0.0, stopped_nodes_listed=listed)
    world.seed(nodes=4, labels={"ca_enable": autoscaler})
    nodes = world.group().nodes
    for number in stopped:
        nodes[number].status = "SHUTOFF"

    def asked(task):
        state, references = task
        return {"cluster": "demo", "nodegroup": "default-worker", "state": state, "nodes": [getattr(nodes[number], kind) for number, kind in references]}

    for task in (first, second):
        before = [item.status for item in nodes]
        outcome = carried_out(world, node.JOB, asked(task), "nodes: |.*autoscaler is on")
        numbers, status = {number for number, _kind in task[1]}, "SHUTOFF" if task[0] == "stopped" else "ACTIVE"
        wanted = [status if number in numbers else before[number] for number in range(4)]
        if outcome is None:
            assert [item.status for item in nodes] == before
            assert "ACTIVE" not in wanted or autoscaler == "True"
            continue
        assert [item.status for item in nodes] == wanted
        # Those that were so already are not sent.
        sent = [uuid for entry in outcome.writes for uuid in entry["body"]["node_list"].split(":")]
        assert set(sent) == {nodes[number].uuid for number in numbers if before[number] != status} and len(sent) == len(set(sent))
    expected = plan(world, node.JOB, asked(first))

    def shouted(labels):
        return dict(labels, node_list=labels["node_list"].upper(), ca_enable=labels["ca_enable"].upper())

    world.set(server_page_max=page)
    with answering("nodegroup_labels", shouted):
        assert plan(world, node.JOB, asked(first)) == expected
    if listed:
        with answering("nodegroup_labels", lambda labels: {key: value for key, value in labels.items() if key != "node_list"}):
            assert plan(world, node.JOB, asked(first)) == expected


# -- nks_certificate -------------------------------------------------------------------------------------------------


@st.composite
def certificate_options(draw):
    term = draw(st.integers(1, 5))
    options = {"cluster": "demo", "term_of_validity": term}
    if draw(st.booleans()):
        # No more than a new certificate reaches; see test_certificate for the rest.
        options["renew_before_days"] = draw(st.one_of(st.integers(0, 60), st.integers(0, 365 * term - 1)))
    return options


@generated
@given(
    days=st.one_of(st.integers(-5, 70), st.integers(-400, 1824)),
    seconds=st.integers(0, 86399),
    first=certificate_options(),
    second=certificate_options(),
    form=st.sampled_from(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.000000+00:00"]),
    number=st.booleans(),
)
def test_certificate(running_world, days, seconds, first, second, form, number):
    world = running_world
    world.reset(task_seconds=0.0)
    cluster = world.seed()
    cluster.certificate_from = int(world.cloud.clock.now()) + (days - 365 * 5) * 86400 + seconds + 1
    for options in (first, second):
        generation = cluster.certificate_generation
        left = (cluster.certificate_expiry() - world.cloud.clock.now()) / 86400
        due = int(left // 1) < options.get("renew_before_days", 30)
        outcome = carried_out(world, certificate.JOB, options, "never")
        assert outcome["changed"] is due and cluster.certificate_generation == generation + due
        if due:
            assert cluster.certificate_years == options["term_of_validity"]
    expected = plan(world, certificate.JOB, first)
    ends = datetime.fromtimestamp(int(cluster.certificate_expiry()), timezone.utc)
    if number:
        cluster.overrides["labels"] = {"term_of_validity": cluster.certificate_years}
        assert plan(world, certificate.JOB, first) == expected
    else:
        cluster.overrides["labels"] = {"certificate_expiry": ends.strftime(form)}
        assert plan(world, certificate.JOB, first)[0] is expected[0]


# -- nks_kubeconfig --------------------------------------------------------------------------------------------------

OTHERS = """# mine
apiVersion: v1
kind: Config
clusters: [{name: home, cluster: {server: "https://192.0.2.9:6443"}}, {name: demo, cluster: {server: "https://192.0.2.8:6443"}}]
contexts: [{name: home, context: {cluster: home, user: me}}]
users: [{name: me, user: {token: another-secret}}]
current-context: home
"""
kubeconfig_options = st.fixed_dictionaries(
    {"cluster": st.sampled_from(["demo", "demo", "second"])},
    optional={
        "state": st.sampled_from(["present", "present", "absent"]),
        "merge": st.sampled_from([True, True, False]),
        "force": st.booleans(),
        "context": st.sampled_from(["demo", "home", "production", "a: b"]),
        "set_current_context": st.booleans(),
        "mode": st.sampled_from(["0600", "0640", "u=rw,g=r,o="]),
    },
)


def entries(path):
    """What is in a kubeconfig by section and name; nothing where there is none."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as stream:
        config = yaml.safe_load(stream) or {}
    return {(section, item["name"]): item for section in ("clusters", "contexts", "users") for item in config.get(section) or []}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tmp_path_factory.mktemp("kubeconfigs"))


@generated
@given(text=st.sampled_from([None, "", OTHERS, "not a kubeconfig"]), tasks=st.lists(kubeconfig_options, min_size=2, max_size=3), as_json=st.booleans())
def test_kubeconfig(running_world, folder, text, tasks, as_json):
    world, dest = running_world, os.path.join(folder, "config")
    world.reset(task_seconds=0.0)
    for name in ("demo", "second"):
        world.seed(name)
    with contextlib.suppress(FileNotFoundError):
        os.remove(dest)
    if text is not None:
        with open(dest, "w", encoding="utf-8") as stream:
            stream.write(text)
    broken = text == "not a kubeconfig"
    for options in tasks:
        options = dict(options, dest=dest)
        before = None if broken else entries(dest)
        context = options.get("context", options["cluster"])
        outcome = carried_out(world, kubeconfig.JOB, options, ".* is not a kubeconfig|dest: .* has entries besides those of cluster")
        if outcome is None:
            # What is not a kubeconfig is never merged, and what others have in the file is never lost without force.
            assert broken if options.get("merge") else not options.get("force") and (broken or {name for _section, name in before} - {context})
            assert broken or entries(dest) == before
            continue
        if not broken and not options.get("merge") and not options.get("force") and before:
            assert len({name for _section, name in before}) == 1
        after, broken = entries(dest), False
        own = {(section, context) for section in ("clusters", "contexts", "users")}
        if options.get("state") == "absent":
            assert not own & set(after) and (os.path.exists(dest) or not options.get("merge") or text is None or not before)
        else:
            assert own <= set(after) and after["clusters", context]["cluster"]["server"] == outcome["server"] == world.cluster(options["cluster"]).api_address
            assert os.stat(dest).st_mode & 0o777 == (0o600 if options.get("mode", "0600") == "0600" else 0o640)
        if options.get("merge"):
            # Other entries are untouched.
            assert {key: value for key, value in after.items() if key not in own} == {key: value for key, value in (before or {}).items() if key not in own}
        elif options.get("state") != "absent":
            assert set(after) == own
    options = [dict(options, dest=dest) for options in tasks]
    expected = [plan(world, kubeconfig.JOB, item) for item in options]
    if as_json:
        with answering("text", lambda reply: json.dumps(yaml.safe_load(reply)), "kubeconfig"):
            assert [plan(world, kubeconfig.JOB, item) for item in options] == expected
    elif not broken and entries(dest):
        with open(dest, encoding="utf-8") as stream:
            config = yaml.safe_load(stream)
        with open(dest, "w", encoding="utf-8") as stream:
            json.dump(dict(reversed(list(config.items()))), stream)
        assert [plan(world, kubeconfig.JOB, item)[0] for item in options] == [item[0] for item in expected]
