# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service writes, as it is shown: no control characters in messages, warnings and progress, and no appkey anywhere."""

from __future__ import annotations

import json

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._client import words
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError, visible
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import info

KEY = "zd5Y1nRb2RmEb8nK"
#: Clears the line, sets the title of the window, writes over the line, turns the order of what follows.
CONTROL = "\x1b[2K\x1b]0;owned\x07\rok: \u202e\u2066\x9b31m"
#: An appkey as programs and people write it.
WRITTEN = [
    '{"boot_volume_appkey": "%s"}' % KEY,
    json.dumps(json.dumps({"appkey": KEY})),
    "{'appkey': '%s'}" % KEY,
    "{u'volume_appkey': u'%s'}" % KEY,
    "Encryption failed for appkey=%s, key id 7" % KEY,
    "appKey: %s is not valid" % KEY,
    "The app key: '%s' is unknown" % KEY,
    "--app-key=%s --verbose" % KEY,
    "https://log.example/v2?appkey=%s&x=1" % KEY,
    "boot_volume_appkey:%s;" % KEY,
]


def refused(world, **options):
    with pytest.raises(NksError) as caught:
        world.nks_cluster(**options)
    return caught.value


@pytest.mark.parametrize("text", WRITTEN)
def test_appkey_in_a_reason_or_event_is_masked(world, text):
    cluster = world.seed()
    world.fail(cluster, "UPDATE_FAILED", text, text)
    error = refused(world, node_count=5)
    assert error.values["event"]["contents"] != text
    assert "********" in error.msg and "********" in error.values["status_reason"] and "********" in error.values["event"]["contents"]
    same = world.nks_cluster().result
    assert "********" in same["warnings"][0] and "********" in same["cluster"]["status_reason"]
    events = world.run(info.EVENTS, {"cluster": "demo", "query": "[].contents"}).result
    clusters = world.run(info.CLUSTERS, {}).result
    shown = [error.msg, error.values, same, events, clusters]
    assert KEY not in json.dumps(shown) and "********" in json.dumps(events["result"])


def test_appkey_in_an_api_error_is_masked(world):
    world.seed()
    world.fault(effect="status", status=400, path="/actions/resize$", method="POST", body="Bad log settings: appkey=%s" % KEY)
    error = refused(world, node_count=5)
    assert "appkey=********" in error.msg and "appkey=********" in error.values["api_error"]


@pytest.mark.parametrize("text", ["appkey is missing", "The appkey: none", "app keys 1, 2", "appkey=", "key=abcdefgh", "kappkeys"])
def test_text_about_appkeys_is_not_masked(text):
    assert words.shown(text) == text


def test_control_characters_are_escaped_in_errors_and_warnings(world):
    cluster = world.seed()
    world.fail(cluster, "UPDATE_FAILED", "No capacity" + CONTROL, "Quota" + CONTROL)
    error = refused(world, node_count=5)
    assert error.msg.isprintable() and "No capacity\\x1b[2K\\x1b]0;owned\\x07 ok: \\u202e\\u2066\\x9b31m" in error.msg
    same = world.nks_cluster().result
    assert same["warnings"][0].isprintable() and "\\x1b[2K" in same["warnings"][0]
    # As data they are what the service has: JSON and YAML write them as escapes.
    assert error.values["status_reason"] == same["cluster"]["status_reason"] == "No capacity" + CONTROL
    assert error.values["event"]["contents"] == "Quota" + CONTROL


def test_progress_shows_no_control_characters_or_appkeys(world):
    world.seed()
    add = world.cloud.add_event

    def talkative(*args, **options):
        event = add(*args, **options)
        event.contents = "1 of 3%s appkey=%s" % (CONTROL, KEY)
        return event

    world.cloud.add_event = talkative
    try:
        lines = world.nks_cluster(node_count=5).lines
    finally:
        del world.cloud.add_event
    assert any("1 of 3\\x1b[2K" in line for line in lines), lines
    assert all(line.isprintable() and KEY not in line for line in lines)


@pytest.mark.parametrize(
    "text, seen",
    [
        ("plain \ud55c\uae00 text", "plain \ud55c\uae00 text"),
        ("a\nb\tc\r\nd\u2028e\u00a0f", "a b c  d e f"),
        ("\x00\x1b\x7f\x9b", "\\x00\\x1b\\x7f\\x9b"),
        ("\u202e\u2066\u200e\ufeff", "\\u202e\\u2066\\u200e\\ufeff"),
        ("\ud800\U000e0001", "\\ud800\\U000e0001"),
        ("", ""),
    ],
)
def test_visible_text_is_one_printable_line(text, seen):
    assert visible(text) == seen
