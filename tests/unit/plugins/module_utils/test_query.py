# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``query``: JMESPath over results, and one sentence where it cannot be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._common import query
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError

ITEMS = [{"name": "a", "node_count": 1, "labels": {"ca_enable": True}}, {"name": "b", "node_count": 3, "labels": {}}]


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("[].name", ["a", "b"]),
        ("[?node_count > `2`].name | [0]", "b"),
        ("length(@)", 2),
        ("[].{n: name}", [{"n": "a"}, {"n": "b"}]),
        ("[?labels.ca_enable].name", ["a"]),
        ("[9].name", None),
    ],
)
def test_expression_is_applied_to_the_list(expression, expected):
    assert query.applied(expression, "clusters", ITEMS) == {"clusters": ITEMS, "result": expected}


def test_no_expression_returns_no_result():
    assert query.applied(None, "clusters", ITEMS) == {"clusters": ITEMS}
    query.check_early({"query": None})


@pytest.mark.parametrize("expression", ["", "[", "[?a", "a..b", "{", "a ==", "'", "\x00"])
def test_invalid_expression_is_rejected_before_any_request(expression):
    with pytest.raises(BadInput) as caught:
        query.check_early({"query": expression})
    assert caught.value.msg.startswith("query: '%s' is not a JMESPath expression (" % expression.replace("\x00", "\\x00"))
    assert caught.value.msg.endswith("; see jmespath.org.")
    assert "\n" not in caught.value.msg


@pytest.mark.parametrize("expression", ["nosuch(@)", "length(`5`)", "sort([].labels)", "abs('x')", "join(',', [].node_count)"])
def test_expression_that_does_not_match_the_data_is_reported(expression):
    with pytest.raises(BadInput, match=r"^query: .* does not fit the result \(.*\); see jmespath\.org\.$"):
        query.search(expression, ITEMS)


@pytest.mark.parametrize(
    "expression, reason",
    [
        ("[?name > `1`]", "'>' not supported between"),
        ("[?`1` <= name]", "not supported between"),
        ("[::0]", "slice step cannot be zero"),
        ("&name", "it gives an expression and not data"),
        ("[&name]", "it gives an expression and not data"),
        ("{a: &name}", "it gives an expression and not data"),
        ("max_by([], &to_array(name))", ""),
    ],
)
@pytest.mark.parametrize("option", ["query", "cluster_query"])
def test_unusable_expression_is_reported_in_one_sentence(expression, reason, option):
    with pytest.raises(BadInput) as caught:
        query.search(expression, ITEMS, option)
    assert caught.value.msg.startswith("%s: '%s' does not fit the result (" % (option, expression)), caught.value.msg
    assert reason in caught.value.msg and caught.value.msg.endswith("; see jmespath.org.") and "\n" not in caught.value.msg


@pytest.mark.parametrize(
    "expression",
    ["[" * 5000, "(" * 300 + "a" + ")" * 300, " || ".join(["a"] * 5000), "!" * 1000 + "a", "a" + "[]" * 3000, "a" + "|b" * 9000],
    ids=range(6),
)
def test_deeply_nested_expression_is_rejected_in_one_sentence(expression):
    with pytest.raises(BadInput, match=r"^query: it is (nested too deeply for JMESPath; use a simpler one\.$)|not a JMESPath") as caught:
        query.check(expression)
    assert len(caught.value.msg) < 200


def test_long_flat_expression_is_accepted():
    for operator in (" || ", " && "):
        expression = "[?%s].name" % operator.join("name == 'x%d'" % number for number in range(90))
        assert query.search(expression, ITEMS) == []
    assert query.search(".".join("a" * 5000), ITEMS) is None


def test_message_names_the_given_option():
    with pytest.raises(BadInput, match=r"^cluster_query: "):
        query.check("[", "cluster_query")


def test_missing_jmespath_is_reported_with_the_remedy(monkeypatch):
    monkeypatch.setattr(query, "jmespath", None)
    monkeypatch.setattr(query, "JMESPATH_ERROR", "ImportError: jmespath")
    with pytest.raises(NksError, match=r"^query: .*pip install jmespath") as caught:
        query.check_early({"query": "[]"})
    assert caught.value.values["exception"] == "ImportError: jmespath"
    query.check_early({"query": None})
    assert query.applied(None, "clusters", ITEMS) == {"clusters": ITEMS}


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30) | st.text(alphabet="[]{}().,:*@&|?!<>=`'\"\\abc019- ", max_size=30))
def test_no_expression_causes_a_traceback(expression):
    try:
        json.dumps(query.search(expression, ITEMS))
    except NksError as error:
        assert error.msg.startswith("query: ")
