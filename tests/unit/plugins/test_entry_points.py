# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both ways to run a task make the same of any options, and show no secret of them, whatever is wrong with them."""

from __future__ import annotations

import datetime
import importlib
import json
import os
import pathlib
import subprocess
import sys
import threading

import pytest
from ansible.errors import AnsibleValueOmittedError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

pytest.importorskip("requests")

from ansible_collections.nhncloud.nks.plugins.action import nks_cluster as action
from ansible_collections.nhncloud.nks.plugins.module_utils._client import words
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._entry import inputs
from ansible_collections.nhncloud.nks.plugins.module_utils._entry.jobs import JOBS
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import engine
from ansible_collections.nhncloud.nks.tests.unit.plugins import entry_points
from ansible_collections.nhncloud.nks.tests.unit.plugins.entry_points import as_module, in_process

#: With what JSON, YAML, Python and URLs write in another way.
PASSWORD = "pa55'w\"ord\\<&> söcret%"
APPKEY = "boot-appkey-äöü\"1'"
VOLUME_APPKEY = "volume-appkey'2\\"
LABEL_APPKEY = 'label-appkey-"3%'
#: In the place of a secret, where something is wrong with the form.
MISPLACED = "misplaced 'secret\" of-mine"
ACCESS = {"username": "me@example.com", "password": PASSWORD, "tenant_id": "0123456789abcdef0123456789abcdef", "region": "kr1"}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("NHNCLOUD_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def echo(monkeypatch):
    """An engine that fails with all that it was given, as a service may that quotes what it was sent."""

    def perform(job, options, **_more):
        raise NksError("Not good: %s" % json.dumps(options), api_error=repr(options), given=options)

    monkeypatch.setattr(engine, "perform", perform)


def both(job, options, monkeypatch):
    """The results of both ways, which have to be the same."""
    first, second = as_module(job, options, monkeypatch), in_process(job, options, monkeypatch)
    assert first == second
    return first


# -- secrets and wrong forms -------------------------------------------------------------------------------------------


def secretive(entry):
    """Whether an option is a secret or has suboptions that are."""
    return bool(entry.get("no_log")) or any(map(secretive, (entry.get("options") or {}).values()))


def wrong(secret):
    """Values of every type that JSON has, and of every form in which a user may write a dictionary or a list of them."""
    yield from (None, "", " ", "on", True, False, 0, 7, -1.5, [], {}, [[]], [None], [True], [""], [7], [{}], {"": ""}, {"a": None})
    yield from (secret, [secret], [[secret]], {"a": secret}, {"a": {"b": [secret]}}, [{"a": secret}])
    yield from with_appkeys(secret)


def with_appkeys(secret):
    """Values in which the name of a secret is beside it, so that it is one wherever it is."""
    keyed = {"appkey": secret}
    yield from (keyed, [keyed], [[keyed]], {"a": keyed}, [keyed, "appkey=" + secret], [keyed, None], [dict(keyed, size="big")], [{"appkey": [secret]}])
    yield from (json.dumps(keyed), json.dumps([keyed]), str(keyed), str([keyed]), "appkey: " + secret, "type=a size=1 appkey='%s'" % secret)
    yield from ({"a": json.dumps(keyed)}, {"a": "{'appkey': '%s'" % secret}, {"a": "appkey=" + secret}, ["appkey=%s,%s" % (secret, secret)])


def long_texts(secret):
    """What no option has, for whatever reads it."""
    return "{" * 3000 + json.dumps(secret), "=" * 3000, "x" * 50000, "9" * 5000, "1e999999999"


def values(entry):
    """Wrong values for an option; where it is not the place of a secret, with a text that is known as one."""
    if entry.get("type") == "dict" and not entry.get("options"):
        return [*wrong(PASSWORD), *with_appkeys(MISPLACED)]
    return wrong(MISPLACED if secretive(entry) else PASSWORD)


def mistakes(spec, names):
    """Options of which one, or one suboption, has a wrong value."""
    for name in names:
        entry = spec[name]
        for value in [*values(entry), *long_texts(MISPLACED if secretive(entry) else PASSWORD)]:
            yield {name: value}
        for inner, inner_entry in (entry.get("options") or {}).items():
            for value in values(inner_entry):
                yield {name: [{inner: value}] if entry.get("type") == "list" else {inner: value}}


def own_options():
    """Module -> the options that no module before it has in the same form."""
    seen, own = set(), {}
    for name in sorted(JOBS):
        entries = {option: (option, repr(entry)) for option, entry in JOBS[name].arguments.items()}
        own[name] = [option for option, key in entries.items() if key not in seen]
        seen |= set(entries.values())
    return own


def given_secrets(spec):
    """Options with a secret in each place that has one."""
    given = {"password": PASSWORD}
    if "boot_volume_appkey" in spec:
        given["boot_volume_appkey"] = APPKEY
    if "extra_volumes" in spec:
        given["extra_volumes"] = [{"type": "General SSD", "size": 10, "appkey": VOLUME_APPKEY}]
    if "labels" in spec:
        given["labels"] = {"control_plane_log": json.dumps({"appkey": LABEL_APPKEY}), "own": {"deep": [{"Appkey": LABEL_APPKEY}]}}
    return given


#: All spellings of the secrets; a shorter text is found by chance.
FORMS = {form for secret in (PASSWORD, APPKEY, VOLUME_APPKEY, LABEL_APPKEY, MISPLACED) for form in words.spellings(secret) if len(form) > 7}


@pytest.mark.parametrize(("name", "options"), own_options().items())
def test_invalid_value_never_reveals_a_secret(echo, monkeypatch, name, options):
    job = JOBS[name]
    given = dict(given_secrets(job.arguments), **{option: "demo" for option, entry in job.arguments.items() if entry.get("required")})
    leaks = []
    for mistake in mistakes(job.arguments, options):
        result = json.dumps(both(job, dict(given, **mistake), monkeypatch), ensure_ascii=False)
        leaks += [(mistake, form) for form in FORMS if form in result]
    assert leaks == []


def test_every_option_is_checked():
    found = own_options()
    assert {option for names in found.values() for option in names} == {option for job in JOBS.values() for option in job.arguments}
    assert sum(1 for name, options in found.items() for _mistake in mistakes(JOBS[name].arguments, options)) > 4000


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("nks_cluster", {"autoscale": True}, "autoscale: 'True' is not a dictionary; set autoscale to a dictionary with the keys enabled (required), "),
        ("nks_cluster", {"autoscale": "on"}, "autoscale: 'on' is not a dictionary; "),
        ("nks_cluster", {"autoscale": ""}, "autoscale: '' is not a dictionary; "),
        ("nks_cluster", {"autoscale": [{"enabled": True}]}, "autoscale: it is not a dictionary; "),
        (
            "nks_cluster",
            {"extra_volumes": ""},
            "extra_volumes: it is not a list of dictionaries; "
            "set extra_volumes to a list of dictionaries with the keys type (required), size (required), key_id, appkey, mount_path.",
        ),
        ("nks_cluster", {"extra_volumes": [{"type": "a", "size": 1}, None]}, "extra_volumes[1]: it is not a dictionary; set extra_volumes to a list of dict"),
        ("nks_cluster", {"extra_volumes": {"type": "a"}}, "extra_volumes: it is not a list of dictionaries; "),
        (
            "nks_cluster",
            {"extra_volumes": [{"type": "a", "size": 1, "appkey": ["b"]}]},
            "extra_volumes[0].appkey: it is not a string; put the value in quotation",
        ),
        ("nks_cluster", {"labels": "none"}, "labels: it is not a dictionary; set labels to a dictionary of names and values."),
        (
            "nks_ipacl",
            {"targets": ["203.0.113.0/24"]},
            "targets[0]: '203.0.113.0/24' is not a dictionary; set targets to a list of dictionaries with the keys cidr_address (required), description.",
        ),
        ("nks_ipacl", {"targets": "203.0.113.0/24"}, "targets: '203.0.113.0/24' is not a list of dictionaries; "),
        ("nks_ipacl", {"targets": "x" * 1000}, "targets: it is not a list of dictionaries; "),
        ("nks_ipacl", {"password": {"hunter2-of-mine": None}}, "password: it is not a string; put the value in quotation marks."),
        ("nks_ipacl", {"token": True}, "token: it is not a string; put the value in quotation marks."),
        ("nks_ipacl", {"max_retries": "1e999999999"}, "max_retries: '1e999999999' is too large a number; set a smaller one."),
        ("nks_ipacl", {"max_retries": "9" * 5000}, "max_retries: it is too large a number; set a smaller one."),
    ],
)
def test_invalid_option_value_is_rejected_in_one_sentence(echo, monkeypatch, name, options, message):
    result = both(JOBS[name], dict(ACCESS, **options), monkeypatch)
    assert result["failed"] and result["msg"].startswith(message)
    assert PASSWORD not in json.dumps(result, ensure_ascii=False) and "hunter2" not in json.dumps(result)


def test_dictionary_option_accepts_text(echo, monkeypatch):
    options = {"name": "demo", "autoscale": "enabled=true max_node_count=3", "extra_volumes": ["type=SSD size=10 appkey='%s'" % "appkey of mine"]}
    options["labels"] = '{"control_plane_log": {"appkey": "appkey-of-the-log"}}'
    given = both(JOBS["nks_cluster"], options, monkeypatch)["given"]
    assert given["autoscale"]["enabled"] is True and given["autoscale"]["max_node_count"] == 3
    assert given["extra_volumes"] == [{"type": "SSD", "size": 10, "key_id": None, "appkey": inputs.WHOLE, "mount_path": None}]
    assert given["labels"] == {"control_plane_log": {"appkey": inputs.WHOLE}}


def test_secret_from_the_environment_is_hidden(echo, monkeypatch):
    monkeypatch.setenv("NHNCLOUD_PASSWORD", PASSWORD)
    # A credential that is not used in the end, but for which the service may be asked in another task.
    monkeypatch.setenv("NHNCLOUD_TOKEN", "token-of-the-environment")
    for more in ({}, {"targets": ["203.0.113.0/24"]}, {"token": "token-of-the-task"}):
        options = dict(cluster="token-of-the-environment and %s" % PASSWORD, **more)
        text = json.dumps(both(JOBS["nks_ipacl"], options, monkeypatch), ensure_ascii=False)
        assert not [form for form in words.spellings(PASSWORD) if form in text]
        assert "token-of-the" not in text


def test_values_of_misspelled_options_are_hidden(echo, monkeypatch):
    """A password and an appkey under names that do not exist."""
    options = dict(ACCESS, name="demo", pasword="hunter2-of-mine", extra_volumes=[{"type": "a", "size": 1, "apkey": "hunter3-of-mine"}])
    result = both(JOBS["nks_cluster"], options, monkeypatch)
    assert "Unsupported parameters for (nhncloud.nks.nks_cluster) module: extra_volumes.apkey, pasword." in result["msg"]
    assert "hunter" not in json.dumps(result)
    assert result["invocation"]["module_args"]["pasword"] == result["invocation"]["module_args"]["extra_volumes"][0]["apkey"] == inputs.WHOLE


@pytest.mark.parametrize("password", ["on", "NO", "*", "PARAMETER"])
def test_short_secret_does_not_change_result_keys(echo, monkeypatch, password):
    result = both(JOBS["nks_ipacl"], {"password": password, "cluster": password}, monkeypatch)
    assert {"invocation", "failed", "msg"} <= set(result)
    assert "hidden-of-mine" not in json.dumps(inputs.hidden({"hidden-of-mine": [1]}, {"hidden-of-mine"}))


def test_deep_and_numeric_values_are_hidden():
    deep = "secret-1"
    for _level in range(5000):
        deep = [deep]
    result = inputs.hidden({"a": deep, "b": (12345, 3.5, True, None), "c": "1"}, {"secret-1", "234"})
    assert result["b"] == [inputs.WHOLE, 3.5, True, None] and result["c"] == "1"
    for _level in range(5000):
        result["a"] = result["a"][0]
    assert result["a"] == inputs.WHOLE
    nested = {"appkey": "deep-appkey"}
    for _level in range(5000):
        nested = {"a": nested}
    spec = JOBS["nks_cluster"].arguments
    assert "deep-appkey" in inputs.secrets(spec, {"labels": nested})
    assert inputs.shown(spec, {"labels": nested}) == {"labels": inputs.WHOLE}


# -- all that both return for odd options ------------------------------------------------------------------------------

VOLUME = {"type": "General SSD", "size": "10"}
#: (module, options, part of the message or None, warnings)
ODD = [
    ("nks_cluster", {}, "missing required arguments: name", []),
    ("nks_cluster", {"name": None}, None, []),
    ("nks_cluster", {"name": ""}, None, []),
    ("nks_cluster", {"name": "a", "nmae": 1, "lables": {}}, "Unsupported parameters for (nhncloud.nks.nks_cluster) module: lables, nmae.", []),
    ("nks_cluster", {"name": "a", "flavor": "x", "flavor_id": "y"}, None, ["Both option flavor and its alias flavor_id are set."]),
    ("nks_cluster", {"name": "a", "flavor": "x", "flavor_id": "y", "kube_tag": "v1", "kubernetes_version": "v2", "state": "gone"}, "value of state", None),
    ("nks_cluster", {"name": "a", "flavor_id": "y"}, None, []),
    (
        "nks_ipacl",
        {"cluster": "a", "targets": [{"cidr": "10.0.0.0/8"}, {"cidr": "10.0.0.0/8", "cidr_address": "10.0.0.0/9"}]},
        None,
        ["Both option targets[1].cidr_address and its alias targets[1].cidr are set."],
    ),
    ("nks_cluster", {"name": "a", "node_count": "many"}, "node_count", []),
    ("nks_cluster", {"name": "a", "node_count": "3", "boot_volume_size": 50.0}, None, []),
    ("nks_cluster", {"name": "a", "node_count": 3.5}, "node_count", []),
    ("nks_cluster", {"name": "a", "node_count": ""}, "node_count", []),
    ("nks_cluster", {"name": "a", "node_count": True}, None, []),
    ("nks_cluster", {"name": "a", "node_count": {"a": 1}}, "node_count", []),
    ("nks_cluster", {"name": "a", "strict_sg_rules": "yes", "public_api_endpoint": 0}, None, []),
    ("nks_cluster", {"name": "a", "strict_sg_rules": "perhaps"}, "strict_sg_rules", []),
    ("nks_cluster", {"name": "a", "state": "gone"}, "value of state must be one of: present, absent, got: gone", []),
    ("nks_cluster", {"name": "a", "cni": ["calico"]}, "value of cni must be one of", []),
    ("nks_cluster", {"name": "a", "state": None}, "value of state must be one of", []),
    ("nks_cluster", {"name": "a", "extra_volumes": [dict(VOLUME, colour="red")]}, "Unsupported parameters for", []),
    ("nks_cluster", {"name": "a", "extra_volumes": [VOLUME, {"size": 1}]}, "missing required arguments: type found in extra_volumes", []),
    ("nks_cluster", {"name": "a", "extra_volumes": [dict(VOLUME, size="big")]}, "size", []),
    ("nks_cluster", {"name": "a", "external_subnets": "a,b", "additional_networks": 7}, None, []),
    ("nks_cluster", {"name": "a", "external_subnets": {"a": "b"}}, "external_subnets", []),
    ("nks_cluster", {"name": ["a", 1], "keypair": {"b": None}}, None, []),
    ("nks_cluster", {"name": 1.10, "kubernetes_version": 1, "labels": {1: 2, "a": {True: None}}}, None, []),
    ("nks_cluster", {"name": datetime.date(2026, 1, 2), "keypair": datetime.datetime(2026, 1, 2, 3, 4, 5), "availability_zone": ("a", "b")}, None, []),
    ("nks_cluster", {"name": "클러스터 ☃ é", "user_script": "#!/bin/sh\r\n\techo '\x1b[31m'\0\n", "labels": {"é": "☃"}}, None, []),
    ("nks_cluster", {"name": "a", "user_script": "ä" * 300000}, None, []),
    ("nks_cluster", {"name": "a", "wait_timeout": "1e3", "request_timeout": "0x10"}, "request_timeout", []),
    ("nks_kubeconfig", {"cluster": "a", "mode": 0o600, "dest": "~/x/$NKS_TEST/y", "token_cache": "$NKS_TEST"}, None, []),
    ("nks_kubeconfig", {"cluster": "a", "mode": ["0600"], "dest": ["a"]}, None, []),
    ("nks_resource_info", {"kind": "nothing"}, "value of kind must be one of", []),
    ("nks_node", {"cluster": "a", "nodegroup": "b", "nodes": [1, None, ["b"]], "state": "started"}, None, []),
]


@pytest.mark.parametrize(("name", "options", "message", "warnings"), ODD)
def test_both_execution_modes_agree_on_unusual_options(echo, monkeypatch, name, options, message, warnings):
    monkeypatch.setenv("NKS_TEST", "of test")
    result = both(JOBS[name], dict(ACCESS, **options), monkeypatch)
    assert result["failed"]
    assert result["msg"].startswith("Not good: ") if message is None else message in result["msg"]
    assert warnings is None or result["warnings"] == warnings
    assert result["deprecations"] == []
    assert not [form for form in words.spellings(PASSWORD) if form in json.dumps(result)]


#: What a module may have and none of this collection has at present: constraints between options, and what goes one day.
STRICT = engine.Job(
    "nks_cluster",
    {
        "a": {"type": "str", "removed_in_version": "9.0.0", "removed_from_collection": "nhncloud.nks"},
        "b": {"type": "str", "aliases": ["bee"], "deprecated_aliases": [{"name": "bee", "version": "9.0.0", "collection_name": "nhncloud.nks"}]},
        "c": {"type": "str", "choices": ["x", "y"]},
        "password": {"type": "str", "no_log": True, "aliases": ["api_password"]},
    },
    lambda task: {},
    mutually_exclusive=[("a", "b")],
    required_together=[("b", "c")],
    required_one_of=[("a", "b")],
    required_if=[("c", "x", ("password",))],
    required_by={"a": "c"},
)


@pytest.mark.parametrize(
    ("options", "message", "deprecations"),
    [
        ({"a": "1", "b": "2"}, "parameters are mutually exclusive: a|b", 1),
        ({"b": "2"}, "parameters are required together: b, c", 0),
        ({"password": "y"}, "one of the following is required: a, b", 0),
        ({"b": "1", "c": "x"}, "c is x but all of the following are missing: password", 0),
        ({"a": "1"}, "missing parameter(s) required by 'a': c", 1),
        ({"bee": "1", "c": "x", "api_password": PASSWORD}, "Not good: ", 1),
        ({"bee": "1", "b": "2", "c": "z", "password": PASSWORD, "api_password": MISPLACED}, "value of c must be one of", 1),
    ],
)
def test_constraints_and_deprecations_match_in_both_modes(echo, monkeypatch, options, message, deprecations):
    result = both(STRICT, options, monkeypatch)
    assert message in result["msg"] and len(result["deprecations"]) == deprecations
    assert not [form for form in FORMS if form in json.dumps(result)]
    if "bee" in options and "b" in options:
        assert result["warnings"] == ["Both option b and its alias bee are set.", "Both option password and its alias api_password are set."]


@pytest.mark.parametrize(
    "template",
    [
        "{{ range(3) | list }}",
        "{{ 'a,b'.split(',') }}",
        "{{ {'a': 1}.items() | list }}",
        "{{ [1, 2] | map('string') }}",
        "{{ [{'type': 'SSD', 'size': '10', 'appkey': volume_appkey}] }}",
        "{{ [{'type': 'SSD', 'size': 10, 'appkey': volume_appkey}] | to_json }}",
        "{{ {'enabled': true, 'max_node_count': '3'} }}",
        "{{ {'enabled': true} | to_nice_yaml }}",
        "{{ now() }}",
        "{{ 'é' | b64encode }}",
        "{{ 'secret' | password_hash('sha512') if false else none }}",
        "{{ ['a', 'b'] | union(['c']) | list }}",
        "{{ '10' | int }}",
        "{{ 0.1 + 0.2 }}",
        "{{ volume_appkey }} and more",
        "{{ true }}",
        "{% if true %}\nyes\n{% endif %}",
    ],
)
@pytest.mark.parametrize("option", ["name", "password", "node_count", "wait", "labels", "autoscale", "extra_volumes", "external_subnets", "user_script"])
def test_template_results_match_in_both_modes(echo, monkeypatch, template, option):
    templar = Templar(loader=DataLoader(), variables={"volume_appkey": VOLUME_APPKEY})
    options = dict(ACCESS, name="demo", extra_volumes=[dict(VOLUME, appkey=VOLUME_APPKEY)])
    options[option] = templar.template(trust_as_template(template))
    result = both(JOBS["nks_cluster"], options, monkeypatch)
    if option == "extra_volumes" or "volume_appkey" not in template:
        assert not [form for form in FORMS if form in json.dumps(result, ensure_ascii=False)]


# -- where a task is done, and what it prints --------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"dest": "here"}, {"dest": "./a/../here"}, {"dest": "$NKS_TEST"}, {"dest": "~/here"}, {"dest": "{directory}/here"}])
def test_relative_path_starts_at_the_playbook_directory(monkeypatch, tmp_path, options):
    playbooks, home, elsewhere = tmp_path / "playbooks", tmp_path / "home", tmp_path / "elsewhere"
    for folder in (playbooks, playbooks / "a", home, elsewhere):
        folder.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("NHNCLOUD_TOKEN_CACHE", "tokens")

    def perform(_job, options, **_more):
        return {"path": options["dest"], "absolute": [os.path.realpath(options[name]) for name in ("dest", "token_cache", "ca_cert")]}

    monkeypatch.setattr(engine, "perform", perform)
    options = {"cluster": "demo", "ca_cert": "certs/ca.pem", "dest": options["dest"].format(directory=playbooks)}
    # From the keyword environment, as an option is expanded within a module.
    environment = [{"HOME": str(home), "NKS_TEST": "here"}]
    result = in_process(JOBS["nks_kubeconfig"], options, monkeypatch, directory=playbooks, environment=environment)
    place = home if options["dest"].startswith("~") else playbooks
    assert result["absolute"] == [str(place / "here"), str(playbooks / "tokens"), str(playbooks / "certs" / "ca.pem")]
    # And nothing of it stays.
    assert os.getcwd() == str(elsewhere) and "NKS_TEST" not in os.environ
    with monkeypatch.context() as patch:
        for name, value in environment[0].items():
            patch.setenv(name, value)
        patch.chdir(playbooks)
        module = as_module(JOBS["nks_kubeconfig"], options, monkeypatch)
    assert module["absolute"] == result["absolute"] and module["path"] == result["path"]
    assert module["invocation"] == result["invocation"]


def test_task_runs_if_the_current_directory_was_removed(echo, monkeypatch, tmp_path):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert in_process(JOBS["nks_kubeconfig"], {"cluster": "a", "dest": "b"}, monkeypatch, directory=tmp_path)["msg"].startswith("Not good")


@pytest.fixture
def progressing(monkeypatch):
    """An engine that shows one line of progress, and says whether it could."""

    def perform(_job, _options, progress=None, **_more):
        if progress is not None:
            progress("cluster/demo: CREATE_IN_PROGRESS")
        return {"progress": progress is not None}

    monkeypatch.setattr(engine, "perform", perform)


def test_progress_is_not_written_to_stdout(progressing, monkeypatch, capsys):
    assert in_process(JOBS["nks_version_info"], {}, monkeypatch, variables={"inventory_hostname": "here"})["progress"]
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err == "nks: [here] cluster/demo: CREATE_IN_PROGRESS\n"


OFF, ON = (False, "false", "no", "off", "0", 0, " False "), (True, "true", "yes", 1, "on", None, "", " ")


@pytest.mark.parametrize("value", OFF + ON)
@pytest.mark.parametrize(("variable", "name"), [("nks_progress", "NHNCLOUD_PROGRESS"), ("nks_in_process", "NHNCLOUD_IN_PROCESS")])
@pytest.mark.parametrize("source", ["variable", "keyword", "environment", "variable before", "keyword before"])
def test_switch_is_off_only_if_set_to_false(progressing, monkeypatch, variable, name, value, source):
    monkeypatch.setattr(action.ActionModule, "_execute_module", lambda *_given, **_more: {"module": True})
    variables, environment = {}, []
    if source.startswith("variable"):
        variables[variable] = value
    elif source.startswith("keyword"):
        environment.append({name: "" if value is None else str(value)})
    elif value is not None:
        monkeypatch.setenv(name, str(value))
    off = value in OFF and value is not None
    if source.endswith("before"):
        # The source that comes after is asked only where this one is not set; the keyword replaces the variable even where it is empty.
        monkeypatch.setenv(name, "true" if off else "false")
        off = off or (source == "variable before" and (value is None or not str(value).strip()))
    result = in_process(JOBS["nks_version_info"], {}, monkeypatch, variables=variables, environment=environment)
    assert (result.get("module", False) if variable == "nks_in_process" else not result["progress"]) is off


@pytest.mark.parametrize(
    ("variables", "environment", "exported", "message"),
    [
        ({"nks_progress": "perhaps"}, {}, {}, "nks_progress: 'perhaps' is not a boolean; set it to true or false."),
        ({"nks_in_process": ["no"]}, {}, {}, "nks_in_process: '['no']' is not a boolean; set it to true or false."),
        ({}, {"NHNCLOUD_PROGRESS": "2"}, {}, "NHNCLOUD_PROGRESS: '2' is not a boolean; set it to true or false."),
        ({}, {}, {"NHNCLOUD_IN_PROCESS": "nein"}, "NHNCLOUD_IN_PROCESS: 'nein' is not a boolean; set it to true or false."),
    ],
)
def test_switch_that_is_not_boolean_is_reported(progressing, monkeypatch, variables, environment, exported, message):
    for name, value in exported.items():
        monkeypatch.setenv(name, value)
    result = in_process(JOBS["nks_version_info"], {}, monkeypatch, variables=variables, environment=[environment])
    assert result["failed"] and result["msg"] == message
    # Loading the plugin is not what fails.
    with monkeypatch.context():
        importlib.reload(action)


def test_omitted_variable_counts_as_unset(progressing, monkeypatch):
    def template(_value, **_options):
        raise AnsibleValueOmittedError()

    monkeypatch.setattr(entry_points.Templar, "template", staticmethod(template))
    assert in_process(JOBS["nks_version_info"], {}, monkeypatch, variables={"nks_progress": "{{ omit }}", "nks_in_process": "{{ omit }}"})["progress"]


def test_no_log_task_prints_no_progress(progressing, monkeypatch, capsys):
    assert not in_process(JOBS["nks_version_info"], {}, monkeypatch, no_log=True)["progress"]
    assert capsys.readouterr().err == ""


#: The main process forks a worker in a session of its own, as Ansible does, whose task would take a minute.
WORKER = """
import os, threading
from ansible_collections.nhncloud.nks.plugins.action import nks_cluster
if os.fork():
    os.wait()
else:
    os.setsid()
    with nks_cluster._attached():
        print("begun", flush=True)
        threading.Event().wait(60)
    print("done", flush=True)
"""


def test_task_ends_if_the_main_process_is_killed():
    """Otherwise it would go on unseen, next to the same task of the next run."""
    env = dict(os.environ, PYTHONPATH=str(pathlib.Path(action.__file__).parents[5]), NHNCLOUD_IN_PROCESS="false")
    with subprocess.Popen([sys.executable, "-B", "-c", WORKER], env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        process.kill()
        # The worker has the other end of the pipe, so this waits for its end.
        assert process.communicate(timeout=30)[0] == ""


def test_worker_goes_on_after_a_task(monkeypatch):
    parents, ended = iter([1, 2]), []
    monkeypatch.setattr(os, "getppid", lambda: next(parents, 2))
    monkeypatch.setattr(os, "_exit", ended.append)
    before = set(threading.enumerate())
    with action._attached():
        (watch,) = set(threading.enumerate()) - before
    watch.join(30)
    assert not watch.is_alive() and not ended
