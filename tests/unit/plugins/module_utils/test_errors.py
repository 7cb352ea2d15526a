# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``errors``: how a failure reads to a person, and which values it has."""

from __future__ import annotations

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, BadInput, BadReply, NksError, NoAnswer, WaitError


def test_unknown_values_are_omitted():
    error = NksError("Sentence.", status_code=None, request_id="", api_error="x")
    assert (str(error), error.msg, error.values) == ("Sentence.", "Sentence.", {"request_id": "", "api_error": "x"})


def test_bad_input_names_option_value_and_remedy():
    assert BadInput("region", "kr9", "is not a region", "use kr1").msg == "region: 'kr9' is not a region; use kr1."
    assert BadInput("node_count", 0, "is too small", "give 1 or more").msg == "node_count: 0 is too small; give 1 or more."
    assert BadInput("region", None, "is missing", "set it").msg == "region: it is missing; set it."
    assert BadInput("name", "demo\n", "is odd", "change it").msg == "name: 'demo\\n' is odd; change it."
    assert BadInput("nodes", ("a", "b"), "is odd", "change it").msg == "nodes: '('a', 'b')' is odd; change it."


@pytest.mark.parametrize(
    "status, detail, request_id, msg",
    [
        (500, "It broke.", "req-1", "Could not resize x: It broke (HTTP 500, request id req-1)."),
        (500, "It broke", "", "Could not resize x: It broke (HTTP 500)."),
        (500, "", "", "Could not resize x: the service gave no explanation (HTTP 500)."),
        (404, "Cluster x could not be found.", "", "Could not resize x: Cluster x could not be found (HTTP 404)."),
    ],
)
def test_api_error_is_one_sentence(status, detail, request_id, msg):
    error = ApiError("resize x", status, detail, request_id)
    assert error.msg == str(error) == msg
    assert error.values == {"status_code": status, "request_id": request_id, "api_error": detail}


@pytest.mark.parametrize(
    "doing, status, detail, hint",
    [
        ("read x", 401, "", "it has expired, or a change of the API password has revoked it"),
        ("create cluster x", 403, "Unable to find keypair demo-key", "up to 30 seconds to become visible"),
        ("create cluster x", 403, "Unable to find key pair demo-key", "up to 30 seconds to become visible"),
        ("create cluster x", 403, "Quota exceeded: 3 clusters", "larger quota"),
        ("create cluster x", 403, "Resource limit reached", "larger quota"),
        ("create cluster x", 403, "Policy doesn't allow cluster:create", "ADMIN or NKS ADMIN"),
        ("read x", 406, "Version", "does not support this API version"),
        ("create cluster x", 400, "", "external_network"),
        ("create cluster x", 400, "", "boot_volume_size"),
    ],
)
def test_known_api_error_suggests_a_remedy(doing, status, detail, hint):
    assert hint in ApiError(doing, status, detail, "").msg


@pytest.mark.parametrize(
    "doing, status, detail", [("create cluster x", 400, "Bad flavor"), ("read x", 400, ""), ("get a token for x", 401, ""), ("get a token for x", 403, "")]
)
def test_unknown_api_error_suggests_nothing(doing, status, detail):
    assert ApiError(doing, status, detail, "").msg.endswith("(HTTP %d)." % status)


def test_missing_response_may_mean_the_request_was_processed():
    assert NoAnswer("x").maybe_done is True
    assert NoAnswer("x", maybe_done=False, retry_after=3.0, status_code=429).values == {"status_code": 429}


@pytest.mark.parametrize("kind", [BadInput("o", 1, "p", "r"), ApiError("d", 500, "", ""), NoAnswer("x"), BadReply("x"), WaitError("x")])
def test_all_errors_are_nks_errors_with_a_message(kind):
    assert isinstance(kind, NksError)
    assert kind.msg
