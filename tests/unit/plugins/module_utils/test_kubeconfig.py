# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``kubeconfig``: other people's entries stay, nothing secret is shown, junk is refused in one sentence."""

from __future__ import annotations

import base64
import copy
import datetime
import hashlib
import json
import re
import time

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._local import kubeconfig, kubeconfig_diff, kubeconfig_edit

# As in the NKS API guide, "Get kubeconfig of a Cluster".
SERVICE = """apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Q0E=
    server: https://96742ac4-kr2-k8s.container.cloud.toast.com:6443
  name: "toast-robot-e2e-1-18"
contexts:
- context:
    cluster: "toast-robot-e2e-1-18"
    user: admin
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: admin
  user:
    client-certificate-data: Q0VSVA==
    client-key-data: U0VDUkVU
"""

MINE = """# my clusters
apiVersion: v1
kind: Config  # by hand
x-unknown: {keep: me}
users:
  # the staging user
  - name: staging   # sic
    user:
        token: abc

contexts:
  - {name: staging, context: {cluster: staging, user: staging}}
  # after the contexts
current-context: staging # for now
clusters:
  - name: staging
    cluster:
      server: https://staging
# the end
"""


def service(**changes):
    config = kubeconfig.parse(SERVICE, "the reply")
    config.update(changes)
    return config


def prod(set_current=True, **user):
    config = kubeconfig.single(service(), "prod", set_current)
    config["users"][0]["user"].update(user)
    return config


def parse(text):
    return kubeconfig.parse(text, "the text")


# --- parse -----------------------------------------------------------------------------------------------------------


def test_parse_reads_nks_kubeconfig():
    assert parse(SERVICE) == yaml.safe_load(SERVICE)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "not a mapping"),
        ("SECRET", "not a mapping"),
        ("- SECRET", "not a mapping"),
        (None, "not a text"),
        (b"SECRET", "not a text"),
        (7, "not a text"),
        ("a: SECRET", "no lists 'clusters', 'contexts' and 'users'"),
        ("kind: SECRET\nclusters: []", "'kind' is not 'Config'"),
        ("clusters: SECRET", "'clusters' is not a list"),
        ("users: {SECRET: 1}", "'users' is not a list"),
        ("users: [SECRET]", "entry 1 of its 'users' has no name"),
        ("users: [{name: a}, {user: {token: SECRET}}]", "entry 2 of its 'users' has no name"),
        ("users: [{name: [SECRET]}]", "entry 1 of its 'users' has no name"),
        ("users: [{name: a, user: SECRET}]", "the 'user' of entry 1 of its 'users' is not a mapping"),
        ("a: 1\nb: 'SECRET", "not valid YAML .line 2"),
        ("a: &SECRET [*SECRET]", "not valid YAML"),
        ("a: *SECRET", "not valid YAML"),
        ("a: !SECRET b", "not valid YAML"),
        ("a: !!bool SECRET", "not valid YAML"),
        ("a: !!int SECRET", "not valid YAML"),
        ("a: !!timestamp SECRET", "not valid YAML"),
        ("a: !!python/object/apply:os.system [SECRET]", "not valid YAML"),
        ("{[SECRET]: {}}: 1", "not valid YAML"),
        ("a: 1\n---\nSECRET: 2", "not valid YAML"),
        ("\0SECRET", "not valid YAML"),
        ("\ud800SECRET", "not valid YAML"),
        ('{"clusters": "\\ud800SECRET"}', "not valid YAML"),
        ("[" * 200000, "too deep"),
        ("[" * 200000 + "]" * 200000, "too deep"),
        ('{"a":' * 200000, "too deep"),
        ('{"a":' * 900 + "1" + "}" * 900, "too deep"),
        ("a: SECRET" * 1500000, "10 MiB"),
        ("clusters: [" + "1," * 300000 + "]", "too large"),
    ],
)
def test_parse_rejects_invalid_kubeconfig_without_quoting_it(text, reason):
    with pytest.raises(NksError, match=r"^/x/config is not a kubeconfig: .*%s.*; .*kubectl config view" % reason) as caught:
        kubeconfig.parse(text, "/x/config")
    assert "SECRET" not in str(caught.value).replace("'", "")
    assert caught.value.__cause__ is None and caught.value.__context__ is None  # they would quote the text


@pytest.mark.parametrize("merge_key", ["", "<<: "])
def test_parse_rejects_alias_bombs_quickly(merge_key):
    text = "a0: &a0 {x: y}\n"
    for level in range(1, 40):
        aliases = ", ".join(["*a%d" % (level - 1)] * 10)
        text += "a%d: &a%d {%s[%s]}\n" % (level, level, merge_key or "x: ", aliases)
    started = time.monotonic()
    with pytest.raises(NksError, match="too large"):
        parse(text)
    assert time.monotonic() - started < 5


@given(st.one_of(st.text(max_size=200), st.text(alphabet="{}[]:-&*!|>'\"#%@`,?<~ \n\tabk01.", max_size=60)))
@settings(max_examples=1000, deadline=None)
def test_parse_of_random_text_raises_only_nks_errors(text):
    for function in (kubeconfig.parse, kubeconfig.parse_existing):
        try:
            assert isinstance(function(text, "x"), dict)
        except NksError:
            pass


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_damaged_kubeconfig_raises_only_nks_errors(data):
    text = MINE if data.draw(st.booleans()) else SERVICE
    at = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 40))
    text = text[:at] + data.draw(st.text(alphabet="{}[]:-&*!|>'\"#, \n\tab01", max_size=6)) + text[at + length :]
    try:
        config = kubeconfig.parse_existing(text, "x")
        merged = kubeconfig_edit.merge(text, prod(), "prod", True)
        assert kubeconfig.server(parse(merged), "prod").startswith("https://96742ac4")
        kubeconfig_diff.describe_change(config, parse(merged), "default")
        kubeconfig_diff.describe_change(config, parse(merged), "staging")
        kubeconfig.single(config, "prod", True)
    except NksError:
        pass


def test_parse_accepts_input_accepted_by_kubectl():
    assert parse("clusters: null") == {"clusters": None}
    assert parse("kind: Config") == {"kind": "Config"}
    assert parse('{\n\t"clusters": [],\n\t"a": "x\\/y"\n}') == {"clusters": [], "a": "x/y"}
    assert parse("\ufeffclusters: []") == {"clusters": []}
    assert parse("users: [{name: 2031-10-06, user: null}]") == {"users": [{"name": "2031-10-06", "user": None}]}
    assert kubeconfig.parse_existing(None, "x") == {}
    assert kubeconfig.parse_existing("# nothing\n", "x") == {}
    with pytest.raises(NksError):
        kubeconfig.parse_existing("[]", "x")


def test_missing_pyyaml_is_reported(monkeypatch):
    kubeconfig.yaml_classes.cache_clear()
    monkeypatch.setattr(kubeconfig, "yaml", None)
    for function in (lambda: parse(SERVICE), lambda: kubeconfig.render({})):
        with pytest.raises(NksError, match=r"^PyYAML is needed on the host that runs nks_kubeconfig"):
            function()


# --- single, render --------------------------------------------------------------------------------------------------


def test_single_names_all_entries_after_context():
    assert kubeconfig.single(service(), "prod", True) == {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": [{"name": "prod", "cluster": parse(SERVICE)["clusters"][0]["cluster"]}],
        "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "prod"}}],
        "users": [{"name": "prod", "user": parse(SERVICE)["users"][0]["user"]}],
        "current-context": "prod",
    }
    assert kubeconfig.single(service(), "prod", False)["current-context"] == ""
    assert kubeconfig.single(service(**{"current-context": ""}), "prod", True)["contexts"][0]["name"] == "prod"


def test_single_uses_current_context_without_modifying_input():
    several = parse(MINE.replace("user: staging}", "user: other, namespace: web, extensions: []}").replace("token: abc", "exec: {command: c}"))
    several["users"].append({"name": "other", "user": {"client-key-data": "a2V5", "token": "", "exec": None}, "more": 1})
    several["contexts"].insert(0, {"name": "no", "context": {"cluster": "staging", "user": "staging"}})
    before = copy.deepcopy(several)
    made = kubeconfig.single(several, "new", True)
    made["users"][0]["user"]["client-key-data"] += "x"
    assert several == before
    assert made["contexts"] == [{"name": "new", "context": {"cluster": "new", "user": "new", "namespace": "web"}}]
    # What has no value is as if it were not there, and other users than the one of the context are of no concern.
    assert made["users"] == [{"name": "new", "user": {"client-key-data": "a2V5x"}}]


@pytest.mark.parametrize(
    "section, body, field, value",
    [
        ("users", "user", "exec", {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh", "args": ["-c", "SECRET"]}),
        ("users", "user", "auth-provider", {"name": "gcp", "config": {"cmd-path": "SECRET"}}),
        ("users", "user", "tokenFile", "/SECRET"),
        ("users", "user", "client-key", "/SECRET"),
        ("users", "user", "client-certificate", "/SECRET"),
        ("users", "user", "token", "SECRET"),
        ("users", "user", "username", "SECRET"),
        ("users", "user", "as", "SECRET"),
        ("users", "user", "Exec", {"command": "SECRET"}),
        ("users", "user", "new\x1b[31m", {"command": "SECRET"}),
        ("users", "user", 7, "SECRET"),
        ("clusters", "cluster", "certificate-authority", "/SECRET"),
        ("clusters", "cluster", "proxy-url", "http://SECRET"),
        ("clusters", "cluster", "insecure-skip-tls-verify", True),
        ("clusters", "cluster", "tls-server-name", "SECRET"),
        ("clusters", "cluster", "extensions", [{"name": "client.authentication.k8s.io/exec", "extension": "SECRET"}]),
        ("contexts", "context", "extensions", [{"name": "SECRET"}]),
    ],
)
def test_single_rejects_unsafe_or_unknown_fields(section, body, field, value):
    config = service()
    config[section][0][body][field] = value
    with pytest.raises(NksError, match=r"^The reply was not used: its %s has '.*'.* Only .* are accepted there" % body) as caught:
        kubeconfig.single(config, "prod", True, "The reply")
    assert repr(str(field)) in caught.value.msg and "SECRET" not in caught.value.msg and "\x1b" not in caught.value.msg


@pytest.mark.parametrize("value", ["file:///etc/passwd", "/SECRET", "https://a\nb", "https://a\x1b[2J", "localhost:6443", 7, ["https://a"], {"https://a": 1}])
def test_single_rejects_invalid_server_url(value):
    config = service()
    config["clusters"][0]["cluster"]["server"] = value
    with pytest.raises(NksError, match="^The reply is not a kubeconfig: .*'server'"):
        kubeconfig.single(config, "prod", True, "The reply")
    del config["clusters"][0]["cluster"]["server"]
    with pytest.raises(NksError, match="^The reply is not a kubeconfig: .*'server'"):
        kubeconfig.single(config, "prod", True, "The reply")


def test_single_rejects_non_string_credentials():
    for value in (7, True, ["a"], {"a": "b"}):
        with pytest.raises(NksError, match="the 'client-key-data' of its user is not a text"):
            kubeconfig.single(prod(**{"client-key-data": value}), "prod", True)


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"contexts": None}, "0 contexts"),
        ({"contexts": [{"name": "a"}, {"name": "b"}]}, "2 contexts and none of them is its 'current-context'"),
        ({"contexts": [{"name": "a"}]}, "the cluster of its context is not in its 'clusters'"),
        ({"clusters": [{"name": "toast-robot-e2e-1-18"}]}, "the cluster of its context is not in its 'clusters'"),
        ({"users": [{"name": "b"}]}, "the user of its context is not in its 'users'"),
    ],
)
def test_single_rejects_incomplete_context(changes, reason):
    with pytest.raises(NksError, match=r"the service returned is not a kubeconfig: .*%s" % reason):
        kubeconfig.single(service(**changes), "prod", True)


@pytest.mark.parametrize("context", ["", " ", "a\nb", "a\0", None, 7])
def test_single_rejects_invalid_context_name(context):
    with pytest.raises(NksError, match=r"^context: "):
        kubeconfig.single(service(), context, True)


def test_render_matches_kubectl_format():
    text = kubeconfig.render(kubeconfig.single(service(), "toast-robot-e2e-1-18", True))
    assert text == SERVICE.replace('"', "").replace("default", "toast-robot-e2e-1-18").replace("admin", "toast-robot-e2e-1-18")


def test_render_uses_no_aliases():
    shared = {"token": "x" * 5000}
    text = kubeconfig.render({"users": [{"name": "a", "user": shared}, {"name": "b", "user": shared}]})
    assert "&" not in text and "*" not in text
    assert max(len(line) for line in text.splitlines()) > 5000


#: What a bare scalar must not look like in order to be a text. YAML 1.1 (https://yaml.org/type/), the core schema of YAML 1.2 (10.3.2),
#: and kubectl's go-yaml (resolve.go: Go's ParseInt with base 0 and a pattern for floats, both without underscores; the words of 1.1).
WORDS = r"y|n|yes|no|on|off|true|false|null|~|<<|=|[-+]?\.?(inf|infinity|nan)"
READINGS = {
    "1.1": WORDS
    + r"|[-+]?0b[01_]+|[-+]?[0-9][0-9_]*|[-+]?0x[0-9a-f_]+|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"
    + r"|[-+]?([0-9][0-9_]*)?\.[0-9._]*(e[-+]?[0-9]+)?|[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?([Tt \t].*)?",
    "1.2": WORDS + r"|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-f]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)(e[-+]?[0-9]+)?",
    "Go": WORDS
    + r"|[-+]?(0b[01_]*|0o?[0-7_]*|0x[0-9a-f_]*|[0-9][0-9_]*)|[-+]?_*(\._*[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)(e[-+]?[0-9_]+)?"
    + r"|[-+]?0x[0-9a-f_.]*p[-+]?[0-9]+",
}
NOT_TEXTS = [re.compile(pattern, re.IGNORECASE) for pattern in READINGS.values()]


def bare(text):
    """The scalars of a YAML text that are written without quotes."""
    return [event.value for event in yaml.parse(text) if isinstance(event, yaml.ScalarEvent) and event.style is None]


def assert_is_a_text_to_all(value):
    for data in ({"token": value}, {"users": [{"name": value}]}, {"x": {value: {value: [value]}}}):
        text = kubeconfig.render(data)
        assert yaml.safe_load(text) == data, text
        assert parse("clusters: []\n" + text) == dict({"clusters": []}, **data), text
        found = [scalar for scalar in bare(text) if any(pattern.fullmatch(scalar) for pattern in NOT_TEXTS)]
        assert found == [], text


LOOK_ALIKES = """
0812 -.5 +.5 .5 5. 0_8 08 010 1e3 1E3 12e03 1e+3 -1e-3 .1e1 1.e1 0o17 0O17 0x1F 0X1f -0x1 0b11 0B1 1_000 _1 1__0 1.5 1.2.3 0 -0 00 1 +1 0x 0b 0o 0x1p-2 1a
1:30 190:20:30 190:20:30.15 2031-10-06 2031-10-06T07:43:17Z 2001-1-1 y Y n N yes Yes no on On off OFF true True false null Null NULL ~
.inf -.Inf +.INF .nan .NaN inf -inf Infinity nan = << - -- --- ... ? : , [ ] { } # & * ! | > ' " % @ ` -a a: a:b #a a# 1, users kind
"""
ODD = ["", " ", "a ", " a", "a b", "a: b", "a #b", "- a", "2031-10-06 07:43:17", "\t", "a\nb", "\n", "\r\n", "\x85", "\u2028", "\ufeff", "\xa0", "\x1b"]


@pytest.mark.parametrize("value", sorted(set(LOOK_ALIKES.split())) + ODD)
def test_ambiguous_strings_are_quoted(value):
    if value.isprintable() or value in "\n\r\t":
        assert_is_a_text_to_all(value)
    else:
        assert yaml.safe_load(kubeconfig.render({"token": value})) == {"token": value}


@given(
    st.text(alphabet="0123456789_.+-eExXoObB", min_size=1, max_size=8)
    | st.text(alphabet="0189:-T. Zz+~<=", min_size=1, max_size=20)
    | st.text(alphabet="yYnNeEsSoOfFtTrRuUlLaAiI.~", min_size=1, max_size=6)
    | st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)
)
@settings(max_examples=600, deadline=None)
def test_rendered_strings_are_strings_to_all_yaml_parsers(value):
    assert_is_a_text_to_all(value)


def test_merge_quotes_number_like_strings():
    for context in ("08", "0812", "1e3", "y", "1:30"):
        merged = kubeconfig_edit.merge(MINE, kubeconfig.single(service(), context, True), context, True)
        assert "'%s'" % context in merged and context not in bare(merged)
        assert kubeconfig_edit.merge(merged, kubeconfig.single(service(), context, True), context, True) is merged
    # Written as a whole, since it is not in block style: other entries' texts are quoted too.
    flow = json.dumps(dict(parse(MINE), users=[{"name": "me", "user": {"token": "0812", "password": "-.5", "username": "0_8"}}]))
    written = kubeconfig_edit.merge(flow, prod(), "prod", True)
    assert parse(written)["users"][0]["user"] == {"token": "0812", "password": "-.5", "username": "0_8"}
    assert not {"0812", "-.5", "0_8"} & set(bare(written))


def test_strings_special_only_in_yaml_1_1_are_preserved():
    written = kubeconfig_edit.merge("{users: [{name: me, user: {password: 1:30, username: =}}]}", prod(), "prod", True)
    assert parse(written)["users"][0]["user"] == {"password": "1:30", "username": "="}


def test_render_accepts_str_subclasses():
    class Tagged(str):
        """As Ansible hands options over."""

    text = kubeconfig_edit.merge(MINE, kubeconfig.single(service(), Tagged("prod"), True), Tagged("prod"), True)
    assert parse(text)["current-context"] == "prod"
    assert "name: prod\n" in kubeconfig.render(kubeconfig.single(service(), Tagged("prod"), True))


# --- merge -----------------------------------------------------------------------------------------------------------

MERGED = """# my clusters
apiVersion: v1
kind: Config  # by hand
x-unknown: {keep: me}
users:
  # the staging user
  - name: staging   # sic
    user:
        token: abc
  - name: prod
    user:
      client-certificate-data: Q0VSVA==
      client-key-data: U0VDUkVU

contexts:
  - {name: staging, context: {cluster: staging, user: staging}}
  - context:
      cluster: prod
      user: prod
    name: prod
  # after the contexts
current-context: prod # for now
clusters:
  - name: staging
    cluster:
      server: https://staging
  - cluster:
      certificate-authority-data: Q0E=
      server: https://96742ac4-kr2-k8s.container.cloud.toast.com:6443
    name: prod
# the end
"""


def test_merge_adds_entries_and_preserves_other_bytes():
    assert kubeconfig_edit.merge(MINE, prod(), "prod", True) == MERGED
    assert kubeconfig_edit.merge(MINE, prod(), "prod", False) == MERGED.replace("t: prod # for", "t: staging # for")


def test_repeated_merge_returns_same_text():
    assert kubeconfig_edit.merge(MERGED, prod(), "prod", True) is MERGED
    other_order = yaml.dump(parse(MERGED), sort_keys=False, default_flow_style=True)
    assert kubeconfig_edit.merge(other_order, prod(), "prod", True) is other_order


def test_merge_replaces_only_changed_values():
    renewed = prod(**{"client-certificate-data": "TkVX"})
    assert kubeconfig_edit.merge(MERGED, renewed, "prod", True) == MERGED.replace("Q0VSVA==", "TkVX")


def test_merge_removes_duplicate_entries():
    double = MERGED.replace("users:\n", "users:\n  - name: prod\n    user: {token: old}\n")
    assert kubeconfig_edit.merge(double, prod(), "prod", True).count("name: prod\n") == 3
    config = parse(kubeconfig_edit.merge(double, prod(), "prod", True))
    assert [user["name"] for user in config["users"]] == ["prod", "staging"]
    assert config["users"][0] == prod()["users"][0]


def test_merge_replaces_entries_with_numeric_names():
    single = kubeconfig.single(service(), "123", True)
    text = kubeconfig_edit.merge(MINE.replace("staging", "123"), single, "123", True)
    assert kubeconfig.equal(parse(text), dict(single, **{"x-unknown": {"keep": "me"}}))
    assert "# the 123 user" in text and "# for now" in text
    assert kubeconfig_edit.merge(text, single, "123", True) is text


@pytest.mark.parametrize("text", [None, "", "\n", "{}", "---\n", "---\n...\n"])
@pytest.mark.parametrize("set_current", [True, False])
def test_merge_into_missing_or_empty_file(text, set_current):
    merged = kubeconfig_edit.merge(text, prod(), "prod", set_current)
    assert parse(merged) == prod(set_current)
    assert kubeconfig_edit.merge(merged, prod(), "prod", set_current) is merged


def test_merge_preserves_comment_only_file():
    assert kubeconfig_edit.merge("# mine", prod(), "prod", True) == "# mine\n" + kubeconfig.render(prod())


@pytest.mark.parametrize("empty", ["", " null", " ~", " []", " [ ]", " [] # none", " # none", " [\n]"])
def test_merge_into_empty_sections(empty):
    text = "# a\nkind: Config\nclusters:%s\ncontexts:%s\ncurrent-context:%s\nusers:%s\n" % (empty, empty, "", empty)
    merged = kubeconfig_edit.merge(text, prod(), "prod", True)
    assert kubeconfig.equal(parse(merged), prod())
    assert merged.startswith("# a\n") == ("\n" not in empty)
    assert merged.count("# none") == empty.count("# none") * 3
    removed = kubeconfig_edit.remove(merged, "prod")
    assert kubeconfig.equal(parse(removed), parse(text))
    assert removed.count("# none") == empty.count("# none") * 3


def test_merge_adds_missing_sections():
    merged = kubeconfig_edit.merge("clusters: # none\n# end", prod(), "prod", True)
    assert kubeconfig.equal(parse(merged), prod())
    assert "# none" in merged and merged.endswith("# end\n")


def same(one, other):
    """Equality for which not-a-number is equal to itself."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


FALLBACKS = {
    "flow style": "# c\n" + yaml.safe_dump(yaml.safe_load(MINE), default_flow_style=True, width=10000),
    "a list in flow style": MINE.replace("- {name: s", "[{name: s").replace("user: staging}}", "user: staging}}]"),
    "JSON": json.dumps(yaml.safe_load(MINE)),
    "JSON with tabs": json.dumps(yaml.safe_load(MINE), indent="\t").replace("https://", "https:\\/\\/"),
    "an anchor": MINE.replace("name: staging  ", "name: &n staging  ").replace("name: staging\n", "name: *n\n"),
    "a dash on its own line": MINE.replace("- name: staging ", "-\n    name: staging "),
    "keys with question marks": MINE.replace("current-context: staging # for now", "? current-context\n: staging"),
    "a key twice": "users: [{name: x}]\n" + MINE,
    "quoted keys": MINE.replace("clusters:\n", '"clusters":\n').replace("users:\n", "'users' :\n"),
    "carriage returns": MINE.replace("\n", "\r\n"),
    "old carriage returns": MINE.replace("\n", "\r"),
    "all indented": "".join("  " + line for line in MINE.splitlines(True)),
    "document marks": "%YAML 1.1\n---\n" + MINE + "...\n",
    "no newline at the end": MINE.rstrip("\n").replace("\n# the end", ""),
    "a literal at the end": MINE.replace("server: https://staging\n# the end", "server: |\n        https://staging"),
    "a kept literal": MINE.replace("server: https://staging\n# the end", "server: |+\n        https://staging\n\n"),
    "merge keys": MINE + "x: &x {a: b}\ny: {<<: *x}\n",
    "a section from a merge key": "x: &x\n  users: [{name: staging, user: {}}]\n<<: *x\n" + MINE.replace("users:", "y:"),
    "a tab": MINE.replace("# sic", "# si\tc"),
    "not a number": MINE.replace("token: abc", "token: .nan"),
    "odd line breaks": MINE.replace("token: abc", 'token: "a\u2028b\x85c"'),
}


@pytest.mark.parametrize("text", FALLBACKS.values(), ids=FALLBACKS.keys())
def test_merge_and_remove_support_any_yaml_style(text):
    merged = kubeconfig_edit.merge(text, prod(), "prod", True)
    before, after = parse(text), parse(merged)
    assert kubeconfig_edit.merge(merged, prod(), "prod", True) is merged
    assert after["current-context"] == "prod"
    for section in ("clusters", "contexts", "users"):
        assert same(after[section][:-1], before[section])
        assert after[section][-1] == prod()[section][0]
    assert after["x-unknown"] == {"keep": "me"}
    removed = parse(kubeconfig_edit.remove(merged, "prod"))
    assert removed.pop("current-context") == ""
    assert before.pop("current-context") == "staging"
    assert same(removed, before)


@pytest.mark.parametrize(
    "style",
    [
        "quoted keys",
        "carriage returns",
        "all indented",
        "document marks",
        "a tab",
        "odd line breaks",
        "an anchor",
        "merge keys",
    ],
)
def test_comments_are_preserved_in_other_yaml_styles(style):
    merged = kubeconfig_edit.merge(FALLBACKS[style], prod(), "prod", True)
    assert merged.startswith(FALLBACKS[style][:20])
    assert merged.count("#") == MINE.count("#")
    assert style != "carriage returns" or merged.count("\n") == merged.count("\r\n")
    assert kubeconfig_edit.remove(merged, "prod").count("#") == MINE.count("#")


def test_incorrect_text_edit_falls_back_to_full_rewrite(monkeypatch):
    monkeypatch.setattr(kubeconfig_edit, "_splice", lambda *args: MINE)
    assert parse(kubeconfig_edit.merge(MINE, prod(), "prod", True)) == parse(MERGED)
    monkeypatch.setattr(kubeconfig_edit, "_splice", lambda *args: "clusters: [")
    assert parse(kubeconfig_edit.merge(MINE, prod(), "prod", True)) == parse(MERGED)


def test_merge_and_remove_reject_invalid_kubeconfig():
    for function in (
        lambda: kubeconfig_edit.merge("- hosts: all", prod(), "prod", True, source="/etc/x"),
        lambda: kubeconfig_edit.remove("- hosts: all", "prod", source="/etc/x"),
    ):
        with pytest.raises(NksError, match=r"^/etc/x is not a kubeconfig"):
            function()


# --- remove ----------------------------------------------------------------------------------------------------------


def test_remove_reverts_merge():
    assert kubeconfig_edit.remove(MERGED, "prod") == MINE.replace("t: staging # for", "t: '' # for")
    assert kubeconfig_edit.remove(kubeconfig_edit.merge(MINE, prod(), "prod", False), "prod") == MINE


@pytest.mark.parametrize("text", [None, "", "# c", MINE])
def test_remove_of_missing_context_returns_same_text(text):
    assert kubeconfig_edit.remove(text, "prod") is text


def test_remove_keeps_entries_used_by_another_context():
    shared = MERGED.replace("{cluster: staging, user: staging}", "{cluster: prod, user: staging}")
    config = parse(kubeconfig_edit.remove(shared, "prod"))
    assert [entry["name"] for entry in config["clusters"]] == ["staging", "prod"]
    assert [entry["name"] for entry in config["users"]] == ["staging"]
    assert [entry["name"] for entry in config["contexts"]] == ["staging"]


def test_remove_last_entries():
    text = kubeconfig_edit.remove(kubeconfig.render(prod()), "prod")
    assert parse(text) == dict(prod(), clusters=[], contexts=[], users=[], **{"current-context": ""})


# --- properties ------------------------------------------------------------------------------------------------------

NAMES = st.one_of(
    st.sampled_from(["prod", "staging", "1e3", "yes", "a b", "#x", "한국", "- x", "a: b"]),
    st.text("ab:-# '\"é", min_size=1, max_size=6).filter(lambda name: name.strip()),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


def entries(body, extra=None):
    fields = st.dictionaries(st.text("abc-", min_size=1, max_size=4), VALUES, max_size=3)
    if extra:
        fields = st.builds(lambda more, fixed: dict(more, **fixed), fields, st.fixed_dictionaries(extra))
    entry = st.fixed_dictionaries({"name": NAMES, body: fields})
    return st.one_of(st.none(), st.lists(entry, max_size=4, unique_by=lambda one: one["name"]))


CONFIGS = st.fixed_dictionaries(
    {
        "clusters": entries("cluster"),
        "contexts": entries("context", {"cluster": NAMES, "user": NAMES}),
        "users": entries("user"),
        "kind": st.just("Config"),
        "current-context": st.one_of(NAMES, st.just("")),
        "x": VALUES,
    }
)


def in_some_style(config, style):
    text = yaml.safe_dump(config, sort_keys=style % 2 == 0, default_flow_style=style > 3, indent=2 + style % 3)
    if style in (1, 2):  # lists indented, as many write them
        lines, section = [], False
        for line in text.splitlines(True):
            section = (section and line[:1] in " -\n") or line.rstrip("\r\n") in ("clusters:", "contexts:", "users:")
            lines.append("  " + line if section and line[:1] in " -" else line)
        indented = "".join(lines)
        try:
            text = indented if yaml.safe_load(indented) == config else text
        except yaml.YAMLError:
            pass
    return "# top\n" + text


@given(CONFIGS)
@settings(max_examples=300, deadline=None)
def test_render_and_parse_round_trip(config):
    assert parse(kubeconfig.render(config)) == config


@given(CONFIGS, NAMES, st.booleans(), st.integers(0, 4))
@settings(max_examples=300, deadline=None)
def test_merge_and_remove_on_generated_files(config, context, set_current, style):
    text = in_some_style(config, style)
    single = kubeconfig.single(service(), context, set_current)
    merged = kubeconfig_edit.merge(text, single, context, set_current)
    assert kubeconfig_edit.merge(merged, single, context, set_current) is merged
    assert style > 3 or merged.startswith("# top\n")  # comments go only where the style allows no other way
    after = parse(merged)
    assert after["x"] == config["x"]
    assert after["current-context"] == (context if set_current else config["current-context"])
    was_there = False
    for section in ("clusters", "contexts", "users"):
        before = config[section] or []
        was_there = was_there or context in [entry["name"] for entry in before]
        assert [entry for entry in after[section] if entry["name"] != context] == [entry for entry in before if entry["name"] != context]
        assert [entry for entry in after[section] if entry["name"] == context] == single[section]
    used = [entry["context"][body] for entry in config["contexts"] or [] for body in ("cluster", "user")]
    if not was_there and context not in used:
        removed = parse(kubeconfig_edit.remove(merged, context))
        if context in (removed["current-context"], config["current-context"]) or set_current:
            assert removed.pop("current-context") == ("" if set_current or config["current-context"] == context else None)
            config = {key: value for key, value in config.items() if key != "current-context"}
        assert kubeconfig.equal(removed, config)


# --- whose entries ---------------------------------------------------------------------------------------------------

URL = "https://96742ac4-kr2-k8s.container.cloud.toast.com:6443"


def test_foreign_entries():
    def foreign(config, context="prod", url=URL):
        return kubeconfig.foreign_entries(config, context, lambda server: server == url)

    assert foreign(prod()) == foreign({}) == foreign({"users": None}) == []
    assert foreign(prod(), url=None) == []  # by its name alone
    assert foreign(prod(), "other") == []  # by where it leads
    assert foreign(prod(), "other", "https://other") == ["clusters/prod", "contexts/prod", "users/prod"]
    assert foreign(parse(MERGED)) == ["clusters/staging", "contexts/staging", "users/staging"]
    # Where a context was added or an entry was taken out, it is not the file that was written.
    more = prod()
    more["contexts"].append({"name": "web", "context": {"cluster": "prod", "user": "prod", "namespace": "web"}})
    assert foreign(more) == ["contexts/web"]
    assert foreign(more, "other") == ["clusters/prod", "contexts/prod", "contexts/web", "users/prod"]
    assert foreign(prod(), None) == [] != foreign(parse(MERGED), None)
    assert foreign({"users": [{"name": 123}]}, "123") == []


# --- equal -----------------------------------------------------------------------------------------------------------


def test_equal_ignores_order_and_defaults():
    config = parse(MERGED)
    turned = {key: config[key][::-1] if isinstance(config[key], list) else config[key] for key in reversed(list(config))}
    assert kubeconfig.equal(config, turned)
    assert kubeconfig.equal({}, {"kind": "Config", "apiVersion": "v1", "users": [], "clusters": None, "preferences": {}})
    for change in ({"x-unknown": 1}, {"users": config["users"][:1]}, {"current-context": "staging"}, {"kind": "x"}):
        assert not kubeconfig.equal(config, dict(config, **change))
    assert not kubeconfig.equal(prod(), prod(**{"client-key-data": "eA=="}))


# --- certificates ----------------------------------------------------------------------------------------------------


def certificate(end, version_1=False):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "admin")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(datetime.datetime(1960, 1, 1))
    return builder.not_valid_after(end).sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def with_certificate(pem):
    return prod(**{"client-certificate-data": base64.b64encode(pem).decode()})


@pytest.mark.parametrize(
    "end",
    ["1999-12-31T23:59:59", "2031-10-06T07:43:17", "2049-12-31T23:59:59", "2050-01-01T00:00:00", "9999-12-31T23:59:59"],
)
def test_certificate_expiry(end):
    pem = certificate(datetime.datetime.strptime(end, "%Y-%m-%dT%H:%M:%S"))
    assert kubeconfig.certificate_expiry(with_certificate(pem), "prod") == end + "+00:00"
    other = certificate(datetime.datetime(2040, 1, 1))
    assert kubeconfig.certificate_expiry(with_certificate(b"Subject: x\n" + pem + other), "prod") == end + "+00:00"


def test_certificate_expiry_of_unreadable_data_is_none():
    assert kubeconfig.certificate_expiry(None, "prod") is None
    assert kubeconfig.certificate_expiry(prod(), "other") is None
    for data in (None, 7, "", "%%%", "é", "QUJD", [], b"x"):
        assert kubeconfig.certificate_expiry(prod(**{"client-certificate-data": data}), "prod") is None
    without = prod()
    del without["users"][0]["user"]["client-certificate-data"]
    assert kubeconfig.certificate_expiry(without, "prod") is None


@pytest.mark.parametrize("part", ["-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\n" * 2 + "-----END CERTIFICATE-----\n", "-----BEGIN "])
def test_certificate_expiry_of_huge_input_is_none(part):
    """The largest that is allowed; in quadratic time this would take days."""
    pem = part * (kubeconfig.MAX_CHARACTERS * 3 // 4 // len(part))
    assert kubeconfig.certificate_expiry(with_certificate(pem.encode()), "prod") is None


def pem_of(der):
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"


DER = x509.load_pem_x509_certificate(certificate(datetime.datetime(2031, 10, 6))).public_bytes(serialization.Encoding.DER)


def test_certificate_expiry_of_damaged_certificates():
    def expiry(der):
        return kubeconfig.certificate_expiry(with_certificate(pem_of(der)), "prod")

    assert expiry(DER) == "2031-10-06T00:00:00+00:00"
    for length in range(len(DER)):
        assert expiry(DER[:length]) is None
    assert expiry(DER.replace(b"311006", b"311306")) is None
    assert expiry(DER.replace(b"311006000000Z", b"3110060000+09")) is None


@given(st.integers(0, len(DER) - 1), st.binary(min_size=1, max_size=4))
@settings(max_examples=500, deadline=None)
def test_certificate_expiry_of_random_damage_never_raises(at, junk):
    expiry = kubeconfig.certificate_expiry(with_certificate(pem_of(DER[:at] + junk + DER[at + len(junk) :])), "prod")
    assert expiry is None or datetime.datetime.strptime(expiry[:19], "%Y-%m-%dT%H:%M:%S")


# --- describe --------------------------------------------------------------------------------------------------------


def test_describe():
    assert kubeconfig_diff.describe(None, "prod") == {}
    assert kubeconfig_diff.describe(parse(MINE), "prod") == {}
    config = with_certificate(certificate(datetime.datetime(2031, 10, 6)))
    config["contexts"][0]["context"]["namespace"] = "web"
    shown = kubeconfig_diff.describe(config, "prod")
    assert shown.pop("client-certificate").startswith("sha256:")
    assert shown == {
        "context": "prod",
        "current": True,
        "cluster": "prod",
        "user": "prod",
        "namespace": "web",
        "server": "https://96742ac4-kr2-k8s.container.cloud.toast.com:6443",
        "certificate_expiry": "2031-10-06T00:00:00+00:00",
        "certificate-authority": "sha256:" + hashlib.sha256(b"Q0E=").hexdigest()[:16],
        "client-key": "(hidden)",
    }
    assert kubeconfig.server(config, "prod") == shown["server"]
    assert kubeconfig.server(config, "other") is None
    assert kubeconfig.server(None, "other") is None


SECRETS = {
    "client-key-data": "client-key",
    "token": "user token",
    "password": "user password",
    "auth-provider": "user auth-provider",
    "exec": "user exec",
    "surprise": "user surprise",
}


@pytest.mark.parametrize("field, name", SECRETS.items())
def test_describe_change_marks_changed_secrets_without_values(field, name):
    before, after = prod(**{field: "SECRET1"}), prod(**{field: {"x": ["SECRET2"]}})
    old, new = kubeconfig_diff.describe_change(before, after, "prod")
    assert old[name] == "(hidden)" and new.pop(name) == "(hidden, changed)"
    assert {key: value for key, value in old.items() if key != name} == new
    assert kubeconfig_diff.describe_change(before, before, "prod") == (old, old)
    assert "SECRET" not in str((old, new))
    old, new = kubeconfig_diff.describe_change(prod(), after, "prod")
    assert new[name] == "(hidden, changed)" if field == "client-key-data" else name not in old and new[name] == "(hidden)"


def test_describe_change_shows_any_change_without_secrets():
    before = prod()
    for section, body, field in (
        ("clusters", "cluster", "server"),
        ("clusters", "cluster", "insecure-skip-tls-verify"),
        ("clusters", "cluster", "certificate-authority-data"),
        ("contexts", "context", "extensions"),
        ("users", "user", "client-certificate-data"),
    ):
        after = copy.deepcopy(before)
        after[section][0][body][field] = "https://me:SECRET@host"
        old, new = kubeconfig_diff.describe_change(before, after, "prod")
        assert old != new and "SECRET" not in str((old, new))
        again = copy.deepcopy(after)
        again[section][0][body][field] = "https://me:SECRET2@host"
        old, new = kubeconfig_diff.describe_change(after, again, "prod")
        assert old != new and "SECRET" not in str((old, new))
    for after in (
        dict(before, x="SECRET"),
        dict(before, users=before["users"] * 2),
        dict(before, **{"current-context": ""}),
    ):
        old, new = kubeconfig_diff.describe_change(before, after, "prod")
        assert old != new and "SECRET" not in str((old, new))
    old, new = kubeconfig_diff.describe_change(parse(MINE), before, "prod")
    assert old["other entries"] == ["clusters/staging", "contexts/staging", "users/staging"]
    assert new["other entries"] == []
    assert kubeconfig_diff.describe_change(None, None, "prod") == ({}, {})


def test_describe_change_of_merge_omits_other_entries():
    old, new = kubeconfig_diff.describe_change(parse(MINE), parse(MERGED), "prod")
    assert old == {} and new["current"] is True and "other entries" not in new
