# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``identity``: tokens, where the services are, and the file that keeps tokens."""

from __future__ import annotations

import json
import os
import re
import stat
import threading
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.nhncloud.nks.plugins.module_utils._client.connection import SERVICES, FromEnvironment, check, identity_url, settle
from ansible_collections.nhncloud.nks.plugins.module_utils._client.identity import Identity
from ansible_collections.nhncloud.nks.plugins.module_utils._client.token_cache import EXPIRY_MARGIN, parse_time
from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import Transport
from ansible_collections.nhncloud.nks.plugins.module_utils._common.clock import Clock
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, BadInput, BadReply, NksError
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.stubs import START, FakeClock, StubServer, answer

TENANT = "0123456789abcdef0123456789abcdef"
OPTIONS = {"region": "KR1", "tenant_id": TENANT, "username": "demo@example.com", "password": "demo-api-password"}
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def entry(kind, **urls):
    return {
        "type": kind,
        "name": "x",
        "endpoints_links": [],
        "endpoints": [{"region": region.upper(), "publicURL": url, "id": "1"} for region, url in urls.items()],
    }


CATALOG = [
    entry("identity", kr1="https://identity/v2.0", kr2="https://identity/v2.0", jp1="https://identity/v2.0"),
    entry("compute", kr1="https://kr1-compute/v2/" + TENANT, kr2="https://kr2-compute/v2/" + TENANT, jp1="https://jp1-compute/v2/" + TENANT),
    entry("network", kr1="https://kr1-network"),
    entry("image", kr1="https://kr1-image/"),
    entry("volumev2", kr1="https://kr1-volume/v2/" + TENANT),
]
NKS = entry("container-infra", kr1="https://kr1-nks/v1", kr2="https://kr2-nks")


def issued(token="issued-1", expires="2026-10-07T15:00:00Z", catalog="documented"):
    """An answer of the identity service in its documented form."""
    catalog = CATALOG + [NKS] if catalog == "documented" else catalog
    return {
        "access": {
            "token": {"id": token, "expires": expires, "issued_at": "2026-10-07T03:00:00.123456", "tenant": {"id": TENANT}},
            "serviceCatalog": catalog,
            "user": {"id": "u", "roles": []},
            "metadata": {},
        }
    }


class FakeReply:
    """An answer, or the error in its place."""

    status = 200
    request_id = ""

    def __init__(self, data):
        self.data = data

    def given(self):
        if isinstance(self.data, ApiError):
            raise self.data
        return self


class FakeTransport:
    """Takes logins and gives out a numbered token for each; or what it is told to."""

    def __init__(self, *answers):
        self.clock = FakeClock()
        self.warnings = []
        self.secrets = []
        self.logins = []
        self.answers = list(answers)
        self.lock = threading.Lock()

    def keep_secret(self, *values):
        self.secrets += [value for value in values if value]

    def request(self, method, url, doing, body=None, safe=None, secrets=()):
        with self.lock:
            self.logins.append((method, url, doing, body, safe, list(secrets)))
            found = self.answers.pop(0) if self.answers else issued("issued-%d" % len(self.logins))
        return FakeReply(found).given()


def made(transport=None, **options):
    transport = transport or FakeTransport()
    return Identity(transport, dict(OPTIONS, **options)), transport


class TestLogin:
    def test_login_request_matches_documentation(self):
        server = StubServer()
        server.add(answer(200, issued("secret-token")))
        transport = Transport(FakeClock())
        assert Identity(transport, dict(OPTIONS, auth_url=server.url + "/identity/v2.0")).token() == "secret-token"
        server.stop()
        sent = server.requests[0]
        assert (sent.method, sent.target) == ("POST", "/identity/v2.0/tokens")
        assert sent.body == {"auth": {"tenantId": TENANT, "passwordCredentials": {"username": "demo@example.com", "password": "demo-api-password"}}}
        assert sent.headers["content-type"] == "application/json"
        assert "x-auth-token" not in sent.headers
        assert transport.hide("secret-token demo-api-password") == "******** ********"

    def test_login_can_be_retried_and_hides_password(self):
        identity, transport = made()
        identity.token()
        dummy_method, url, doing, dummy_body, safe, secrets = transport.logins[0]
        assert url == "https://api-identity-infrastructure.nhncloudservice.com/v2.0/tokens"
        assert safe is True
        assert secrets == ["demo-api-password"]
        assert "password" not in doing
        assert set(transport.secrets) == {"demo-api-password", "issued-1"}

    def test_task_logs_in_only_once(self):
        identity, transport = made()
        assert {identity.token() for _number in range(5)} == {"issued-1"}
        identity.endpoint("kubernetes")
        assert len(transport.logins) == 1

    def test_wrong_credentials_error_includes_remedy(self):
        identity, dummy = made(FakeTransport(ApiError("get a token for demo@example.com", 401, "Could not find user: demo@example.com", "")))
        with pytest.raises(ApiError) as caught:
            identity.token()
        assert caught.value.msg == (
            "Could not get a token for demo@example.com: Could not find user: demo@example.com (HTTP 401). Check username, tenant_id and auth_url. "
            "Use the API password, not the console password."
        )

    @pytest.mark.parametrize(
        "reply",
        [
            None,
            [],
            "text",
            {},
            {"access": None},
            {"access": []},
            {"access": {"token": None}},
            {"access": {"token": {"id": None}}},
            {"access": {"token": {"id": ""}}},
            {"access": {"token": {"id": 5}}},
            {"access": {"token": {"id": "two\nlines"}}},
            {"access": {"token": {"id": "\ud1a0\ud070"}}},
        ],
    )
    def test_response_without_token_is_rejected(self, reply):
        identity, dummy = made(FakeTransport(reply))
        with pytest.raises(BadReply, match=r"has no token \(HTTP 200\). Check that auth_url is the identity service"):
            identity.token()

    @quick
    @given(
        st.recursive(
            st.none() | st.booleans() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "endpoints", "region", "publicURL"]), inner),
        )
    )
    def test_malformed_catalog_is_tolerated(self, catalog):
        identity, dummy = made(FakeTransport(issued(catalog=catalog)))
        assert identity.endpoint("kubernetes") == "https://kr1-api-kubernetes-infrastructure.nhncloudservice.com/v1"

    def test_parallel_threads_log_in_once(self):
        identity, transport = made()
        found = []
        threads = [threading.Thread(target=lambda: found.append(identity.token())) for _number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == ["issued-1"] * 16
        assert len(transport.logins) == 1

    def test_rejected_token_is_renewed_only_once(self):
        identity, transport = made()
        old = identity.token()
        assert [identity.renew(old) for _number in range(4)] == ["issued-2"] * 4
        assert len(transport.logins) == 2

    def test_token_option_needs_no_login(self):
        identity, transport = made(token="given")
        assert identity.token() == "given"
        assert identity.endpoint("kubernetes") == "https://kr1-api-kubernetes-infrastructure.nhncloudservice.com/v1"
        assert transport.logins == []
        assert "given" in transport.secrets

    def test_expired_token_option_is_reported(self):
        identity, dummy = made(token="given")
        with pytest.raises(NksError, match=r"option token \(NHNCLOUD_TOKEN\) was not accepted: it has expired.*Set a new token, or username") as caught:
            identity.renew("given")
        assert caught.value.values == {"status_code": 401}
        assert "given" not in caught.value.msg.replace("token given with", "")


class TestEndpoints:
    @pytest.mark.parametrize("region", ["kr1", "KR1", "Kr1"])
    def test_endpoint_precedence_is_option_catalog_pattern(self, region):
        assert made(region=region, kubernetes_endpoint="https://mine")[0].endpoint("kubernetes") == "https://mine/v1"
        assert made(region=region)[0].endpoint("kubernetes") == "https://kr1-nks/v1"
        assert made(FakeTransport(issued(catalog=[])), region=region)[0].endpoint("kubernetes") == (
            "https://kr1-api-kubernetes-infrastructure.nhncloudservice.com/v1"
        )

    def test_endpoint_option_needs_no_login(self):
        identity, transport = made(kubernetes_endpoint="https://mine/v1", region=None)
        assert identity.endpoint("kubernetes") == "https://mine/v1"
        assert transport.logins == []

    @pytest.mark.parametrize(
        "catalog, url",
        [
            ([NKS, entry("kubernetes", kr1="https://second")], "https://kr1-nks/v1"),
            ([entry("kubernetes", kr1="https://second"), NKS], "https://kr1-nks/v1"),
            ([entry("kubernetes", kr1="https://second")], "https://second/v1"),
            ([entry("container-infra", kr2="https://kr2"), entry("kubernetes", kr1="https://second")], "https://second/v1"),
            (CATALOG, "https://kr1-api-kubernetes-infrastructure.nhncloudservice.com/v1"),
            ([entry("container-infra", kr1="")], "https://kr1-api-kubernetes-infrastructure.nhncloudservice.com/v1"),
            ([entry("container-infra", kr1="kr1-nks/v1")], "https://kr1-api-kubernetes-infrastructure.nhncloudservice.com/v1"),
        ],
    )
    def test_catalog_entry_is_selected_by_preferred_type(self, catalog, url):
        assert made(FakeTransport(issued(catalog=catalog)))[0].endpoint("kubernetes") == url

    @pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
    def test_catalog_url_can_omit_version(self, suffix):
        catalog = [entry("container-infra", kr1="https://nks" + suffix)]
        assert made(FakeTransport(issued(catalog=catalog)))[0].endpoint("kubernetes") == "https://nks/v1"

    def test_catalog_endpoints_of_every_service(self):
        identity, dummy = made()
        assert {name: identity.endpoint(name) for name in SERVICES} == {
            "kubernetes": "https://kr1-nks/v1",
            "compute": "https://kr1-compute/v2/" + TENANT,
            "network": "https://kr1-network/v2.0",
            "image": "https://kr1-image/v2",
            "volume": "https://kr1-volume/v2/" + TENANT,
        }

    @pytest.mark.parametrize("domain", ["nhncloudservice.com", "gov-nhncloudservice.com", None])
    def test_host_pattern_covers_every_service_and_domain(self, domain):
        identity, dummy = made(token="given", domain=domain, region="KR2")
        base = "https://kr2-api-%%s-infrastructure.%s" % (domain or "nhncloudservice.com")
        assert {name: identity.endpoint(name) for name in SERVICES} == {
            "kubernetes": base % "kubernetes" + "/v1",
            "compute": base % "instance" + "/v2/" + TENANT,
            "network": base % "network" + "/v2.0",
            "image": base % "image" + "/v2",
            "volume": base % "block-storage" + "/v2/" + TENANT,
        }

    @pytest.mark.parametrize(
        "auth_url, domain",
        [
            (None, "nhncloudservice.com"),
            ("", "nhncloudservice.com"),
            ("https://api-identity-infrastructure.nhncloudservice.com/v2.0", "nhncloudservice.com"),
            ("https://API-identity-infrastructure.gov-nhncloudservice.com/v2.0", "gov-nhncloudservice.com"),
            ("https://api-identity-infrastructure.gov-nhncloudservice.com.:443", "gov-nhncloudservice.com"),
        ],
    )
    def test_host_pattern_uses_domain_of_auth_url(self, auth_url, domain):
        for options in ({"token": "given"}, {}):
            identity, dummy = made(FakeTransport(issued(catalog=[])), auth_url=auth_url, **options)
            assert identity.endpoint("kubernetes") == "https://kr1-api-kubernetes-infrastructure.%s/v1" % domain

    @pytest.mark.parametrize(
        "auth_url",
        [
            "https://identity.other-cloud.example/v2.0",
            "https://api-identity-infrastructure./v2.0",
            "https://api-identity-infrastructure.nhncloudservice.com@other.example/v2.0",
            "http://127.0.0.1:5000/identity/v2.0",
        ],
    )
    @pytest.mark.parametrize("name", sorted(SERVICES))
    @pytest.mark.parametrize("token, why", [(None, "the service catalog of the token does not have it"), ("given", "the service catalog is not read")])
    def test_token_of_another_cloud_is_not_sent_to_public_cloud(self, auth_url, name, token, why):
        identity, dummy = made(FakeTransport(issued(catalog=[])), auth_url=auth_url, token=token)
        with pytest.raises(BadInput, match=r"^domain: it is required to find the %s service, because .*%s; set domain .* or %s_endpoint" % (name, why, name)):
            identity.endpoint(name)
        assert made(FakeTransport(issued(catalog=[])), auth_url=auth_url, token=token, domain="other.example")[0].endpoint(name).startswith("https://kr1-api-")
        assert made(auth_url=auth_url, token=token, **{name + "_endpoint": "https://mine"})[0].endpoint(name).startswith("https://mine/")

    def test_region_argument_takes_precedence(self):
        assert made()[0].endpoint("kubernetes", "kr2") == "https://kr2-nks/v1"

    def test_region_without_service_error_lists_valid_regions(self):
        with pytest.raises(BadInput, match=r"^region: 'jp1' is not a region of the kubernetes service; use one of kr1, kr2\.$"):
            made(region="jp1")[0].endpoint("kubernetes")

    def test_unknown_region_error_lists_catalog_regions_without_nks(self):
        with pytest.raises(BadInput, match=r"^region: 'kr9' is not a region of this cloud; use one of jp1, kr1, kr2\.$"):
            made(FakeTransport(issued(catalog=CATALOG)), region="kr9")[0].endpoint("kubernetes")

    def test_missing_region_error_includes_remedy(self):
        with pytest.raises(BadInput, match=r"^region: it is required to find the compute service; set it to kr1, kr2 or kr3, or set compute_endpoint\.$"):
            made(region=None, kubernetes_endpoint="https://mine")[0].endpoint("compute")

    @quick
    @given(
        st.sampled_from(sorted(SERVICES)),
        st.sampled_from(["https://host", "https://host:9511", "http://127.0.0.1:1/kr1/service", "https://v1.host/a/b"]),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    )
    @example("kubernetes", "https://host", True, True, True)
    def test_endpoint_option_can_omit_version_tenant_and_slash(self, name, base, version, tenant, slash):
        service = SERVICES[name]
        url = base + ("/" + service.version if version else "") + ("/" + TENANT if version and tenant else "") + ("/" if slash else "")
        identity, dummy = made(**{name + "_endpoint": url})
        assert identity.endpoint(name) == base + "/" + service.version + ("/" + TENANT if service.tenant else "")

    def test_other_tenant_in_endpoint_option_is_kept(self):
        other = "f" * 32
        assert made(compute_endpoint="https://host/v2/" + other)[0].endpoint("compute") == "https://host/v2/" + other

    def test_gateway_path_is_not_treated_as_tenant(self):
        assert made(kubernetes_endpoint="https://host/v2/nks")[0].endpoint("kubernetes") == "https://host/v2/nks/v1"

    def test_missing_tenant_id_is_reported_for_service_that_needs_it(self):
        with pytest.raises(BadInput, match=r"^tenant_id: it is required to use the compute service; set it in addition to token \(NHNCLOUD_TENANT_ID\)"):
            made(token="given", tenant_id=None)[0].endpoint("compute")


class TestIdentityUrl:
    @pytest.mark.parametrize(
        "given_url, url",
        [
            (None, "https://api-identity-infrastructure.nhncloudservice.com/v2.0"),
            ("https://host", "https://host/v2.0"),
            ("https://host/", "https://host/v2.0"),
            ("https://host/v2.0", "https://host/v2.0"),
            ("https://host/v2.0/", "https://host/v2.0"),
            ("https://host/identity/v2.0/tokens", "https://host/identity/v2.0"),
            ("https://host:5000/identity", "https://host:5000/identity/v2.0"),
        ],
    )
    def test_auth_url_can_omit_version(self, given_url, url):
        assert identity_url({"auth_url": given_url}) == url

    def test_identity_url_of_government_cloud(self):
        assert identity_url({"domain": "gov-nhncloudservice.com"}) == "https://api-identity-infrastructure.gov-nhncloudservice.com/v2.0"

    @pytest.mark.parametrize("url", ["https://host/v3", "https://host/v3/", "https://host/identity/v3/auth/tokens", "https://host/v1"])
    def test_unsupported_identity_version_is_rejected(self, url):
        with pytest.raises(BadInput, match=r"^auth_url: .* unsupported version of the identity API; set it to a URL that ends with /v2\.0\.$"):
            check(dict(OPTIONS, auth_url=url))


class TestCheck:
    def test_complete_options_are_accepted(self):
        check(OPTIONS)
        check({"token": "gAAAAAB-_=.~", "region": "kr1"})
        check(dict(OPTIONS, region=None, kubernetes_endpoint="https://host"))
        check(dict(OPTIONS, region=None), regions=["kr1", "KR2"])

    @pytest.mark.parametrize("missing", [["username"], ["password"], ["tenant_id"], ["username", "password"], ["username", "password", "tenant_id"]])
    def test_missing_credentials_error_names_options_and_variables(self, missing, monkeypatch):
        for name in ("USERNAME", "PASSWORD", "TOKEN"):
            monkeypatch.delenv("NHNCLOUD_" + name, raising=False)
        with pytest.raises(NksError) as caught:
            check({name: value for name, value in OPTIONS.items() if name not in missing})
        assert caught.value.msg == "Missing credentials: set token, or username, password and tenant_id; not set: %s (environment: %s)." % (
            ", ".join(missing),
            ", ".join("NHNCLOUD_" + name.upper() for name in missing),
        )

    def test_all_missing_options_are_reported_together(self):
        with pytest.raises(NksError, match=r"not set: username, password, tenant_id, region \(environment: NHNCLOUD_USERNAME, .*, NHNCLOUD_REGION\)\.$"):
            check({})
        with pytest.raises(NksError, match=r"not set: username, password, tenant_id \("):
            check({"kubernetes_endpoint": "https://mine"})

    @pytest.mark.parametrize(
        "option, value, remedy",
        [
            ("region", "", "set it to kr1, kr2 or kr3"),
            ("region", "korea", "kr1, kr2 or kr3"),
            ("region", "kr1/../x", "kr1, kr2 or kr3"),
            ("region", "kr1.evil.example", "kr1, kr2 or kr3"),
            ("region", "kr1\n", "kr1, kr2 or kr3"),
            ("auth_url", "api-identity", "use the form https://"),
            ("kubernetes_endpoint", "ftp://host", "use the form https://"),
            ("network_endpoint", "https://", "use the form https://"),
            ("image_endpoint", "https://[host", "use the form https://"),
            ("volume_endpoint", "https://host/a b", "use the form https://"),
            ("compute_endpoint", "https://host/v2\n", "use the form https://"),
            ("request_timeout", 0, "above 0"),
            ("request_timeout", -1.5, "above 0"),
            ("request_timeout", float("inf"), "86400 at most"),
            ("request_timeout", float("-inf"), "above 0"),
            ("request_timeout", float("nan"), "above 0"),
            ("request_timeout", 1e300, "86400 at most"),
            ("max_retries", -1, "set it to 0 for no retries"),
            ("ca_cert", "/nowhere/ca.pem", "PEM"),
        ],
    )
    def test_invalid_option_error_includes_option_value_and_remedy(self, option, value, remedy):
        with pytest.raises(BadInput) as caught:
            check(dict(OPTIONS, **{option: value}))
        assert caught.value.msg.startswith(option + ": ")
        assert not value or str(value).replace("\n", "\\n") in caught.value.msg
        assert remedy in caught.value.msg

    def test_ca_file_without_certificates_is_rejected_before_requests(self, tmp_path):
        junk = tmp_path / "ca.pem"
        for content in (b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\x00\xff"):
            junk.write_bytes(content)
            with pytest.raises(BadInput, match=r"^ca_cert: '.*ca.pem' cannot be used \(.*\); specify a file with CA certificates in PEM form\.$"):
                check(dict(OPTIONS, ca_cert=str(junk)))
            check(dict(OPTIONS, ca_cert=str(junk), validate_certs=False))

    @pytest.mark.parametrize("url", ["https://" + "a" * 300000 + " b", "https://h/" + "v1/" * 100000 + " ", "https://h" + "/v1" * 100000])
    def test_long_url_is_parsed_in_linear_time(self, url):
        for name in ("auth_url", "kubernetes_endpoint"):
            try:
                check(dict(OPTIONS, **{name: url}))
            except BadInput:
                continue
            made(**{name: url})[0].endpoint("kubernetes")

    @pytest.mark.parametrize("token", ["with space", "line\n", "\ud1a0\ud070", "nul\0"])
    def test_token_invalid_in_header_is_rejected_without_being_shown(self, token):
        with pytest.raises(BadInput, match=r"^token: it contains a space, a line break") as caught:
            check({"token": token, "region": "kr1"})
        assert token not in caught.value.msg

    def test_invalid_region_in_list_is_rejected(self):
        with pytest.raises(BadInput, match=r"region: 'here'"):
            check(OPTIONS, regions=["kr1", "here"])


#: The set of credentials in a task and in the environment -> those that are used; None where the task fails.
SETS = [
    ({}, {"token": "T"}, {"token": "T"}),
    ({}, {"username": "U", "password": "P", "tenant_id": "I"}, {"username": "U", "password": "P", "tenant_id": "I"}),
    ({"username": "u", "password": "p", "tenant_id": "i"}, {"token": "T", "tenant_id": "I"}, {"username": "u", "password": "p", "tenant_id": "i"}),
    ({"username": "u", "password": "p"}, {"token": "T", "tenant_id": "I"}, {"username": "u", "password": "p", "tenant_id": "I"}),
    ({"token": "t"}, {"username": "U", "password": "P", "tenant_id": "I"}, {"token": "t", "tenant_id": "I"}),
    ({"token": "t", "tenant_id": "i"}, {"token": "T", "tenant_id": "I"}, {"token": "t", "tenant_id": "i"}),
    ({"username": "u"}, {"username": "U", "password": "P", "tenant_id": "I", "token": "T"}, {"username": "u", "tenant_id": "I"}),
    ({"password": "p"}, {"username": "U", "password": "P", "tenant_id": "I"}, {"password": "p", "tenant_id": "I"}),
    # The same values are no less the task's.
    ({"username": "U", "password": "P"}, {"username": "U", "password": "P", "token": "T"}, {"username": "U", "password": "P"}),
    # Another project with the environment's account is what the account is for; a token is good for one project.
    ({"tenant_id": "i"}, {"username": "U", "password": "P", "tenant_id": "I"}, {"username": "U", "password": "P", "tenant_id": "i"}),
    ({"tenant_id": "i"}, {"token": "T"}, None),
    ({"tenant_id": "i"}, {"token": "T", "tenant_id": "I"}, None),
    ({"tenant_id": "i"}, {"token": "T", "username": "U", "password": "P"}, None),
    ({"tenant_id": "I"}, {"token": "T", "tenant_id": "I"}, {"token": "T", "tenant_id": "I"}),
    # Nothing is what an unused field of a form is.
    ({"token": "", "username": None}, {"password": "P"}, {"password": "P"}),
    ({"token": "", "tenant_id": ""}, {"token": "T"}, {}),
]


class TestSettle:
    @pytest.mark.parametrize("task, environment, used", SETS)
    def test_credentials_are_used_as_a_set(self, monkeypatch, task, environment, used):
        for name in ("username", "password", "tenant_id", "token"):
            monkeypatch.setenv("NHNCLOUD_" + name.upper(), environment.get(name, ""))
        # As Ansible does it: the options, then whatever they lack from the environment.
        options = dict({name: FromEnvironment(value) for name, value in environment.items() if name not in task}, **task)
        options = dict(dict.fromkeys(("username", "password", "tenant_id", "token")), **options)
        if used is None:
            with pytest.raises(BadInput, match=r"^tenant_id: 'i' is set by the task, but the token comes from the environment \(NHNCLOUD_TOKEN\)"):
                settle(options)
        else:
            settle(options)
            assert {name: value for name, value in options.items() if value} == used
        assert {type(value) for value in options.values()} <= {str, type(None)}

    def test_task_credentials_are_not_completed_from_environment(self, monkeypatch):
        for name, value in (("USERNAME", "other"), ("PASSWORD", "its-password"), ("TOKEN", "")):
            monkeypatch.setenv("NHNCLOUD_" + name, value)
        options = {"username": "me", "password": FromEnvironment("its-password"), "tenant_id": TENANT, "region": "kr1"}
        settle(options)
        with pytest.raises(NksError) as caught:
            check(options)
        assert caught.value.msg == (
            "Missing credentials: set token, or username, password and tenant_id; not set: password (environment: NHNCLOUD_PASSWORD). "
            "Because username is set, NHNCLOUD_PASSWORD of the environment is not used: credentials of both are never mixed."
        )

    def test_connection_options_can_mix_task_and_environment(self):
        options = {"username": "u", "auth_url": FromEnvironment("https://a"), "region": FromEnvironment("kr1"), "domain": FromEnvironment("d"), "x": 1}
        settle(options)
        assert options == {"username": "u", "auth_url": "https://a", "region": "kr1", "domain": "d", "x": 1}


class TestTimes:
    @pytest.mark.parametrize(
        "text, moment",
        [
            ("2026-10-07T15:31:21Z", datetime(2026, 10, 7, 15, 31, 21, tzinfo=timezone.utc)),
            ("2026-10-07T03:32:28.123456", datetime(2026, 10, 7, 3, 32, 28, 123456, tzinfo=timezone.utc)),
            ("2026-10-07T03:32:28", datetime(2026, 10, 7, 3, 32, 28, tzinfo=timezone.utc)),
            ("2026-10-07T12:32:28+09:00", datetime(2026, 10, 7, 3, 32, 28, tzinfo=timezone.utc)),
        ],
    )
    def test_service_time_formats_are_converted_to_utc(self, text, moment):
        assert parse_time(text) == moment

    @pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01T00:00:00Z", "Z"])
    def test_invalid_time_raises_value_error(self, text):
        with pytest.raises(ValueError):
            parse_time(text)


class TestCache:
    @pytest.fixture
    def path(self, tmp_path):
        return str(tmp_path / "tokens.json")

    def test_second_task_uses_cached_token_and_catalog(self, path):
        made(token_cache=path)[0].token()
        identity, transport = made(token_cache=path)
        assert identity.token() == "issued-1"
        assert identity.endpoint("kubernetes") == "https://kr1-nks/v1"
        assert transport.logins == []
        assert "issued-1" in transport.secrets

    @pytest.mark.parametrize("there", [True, False])
    def test_cache_file_is_readable_by_owner_only(self, path, there):
        if there:
            with open(path, "w", encoding="utf-8") as stream:
                stream.write("{}")
            os.chmod(path, 0o600)
        former = os.umask(0)
        try:
            made(token_cache=path)[0].token()
        finally:
            os.umask(former)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600

    @pytest.mark.parametrize("kind", ["mode", "group", "link", "directory", "owner"])
    def test_untrusted_cache_file_is_neither_used_nor_changed(self, path, kind):
        """Its token might be one of theirs, its catalogue lead to their hosts, and what is written be read by them."""
        made(FakeTransport(issued("theirs", catalog=[entry("container-infra", kr1="https://evil/v1")])), token_cache=path)[0].token()
        directory = os.path.dirname(path)
        if kind == "link":
            os.rename(path, path + ".target")
            os.symlink(path + ".target", path)
        elif kind == "owner":
            if os.geteuid() != 0:
                pytest.skip("only root can give files away")
            os.chown(path, 12345, -1)
        elif kind == "directory":
            os.chmod(directory, 0o777)
        else:
            os.chmod(path, 0o666 if kind == "mode" else 0o640)
        with open(path, encoding="utf-8") as stream:
            before = stream.read(), os.stat(path).st_mode, os.stat(path).st_uid
        for dummy in range(2):
            identity, transport = made(token_cache=path)
            assert (identity.token(), identity.endpoint("kubernetes")) == ("issued-1", "https://kr1-nks/v1")
            assert len(transport.logins) == 1
            assert len(transport.warnings) == 1 and transport.warnings[0].startswith("token_cache is not used: '%s' " % path)
            assert transport.warnings[0].endswith(("0600.", "0700.", "that you own.", "the file itself.")), transport.warnings
        with open(path, encoding="utf-8") as stream:
            assert (stream.read(), os.stat(path).st_mode, os.stat(path).st_uid) == before

    def test_cache_entries_are_separate_per_certificate_verification(self, path, tmp_path):
        ways = [{}, {"validate_certs": False}, {"ca_cert": str(tmp_path / "a.pem")}, {"ca_cert": str(tmp_path / "b.pem")}]
        for number, way in enumerate(ways):
            assert made(FakeTransport(issued("token-%d" % number)), token_cache=path, **way)[0].token() == "token-%d" % number
        for number, way in enumerate(ways):
            identity, transport = made(token_cache=path, **way)
            assert (identity.token(), transport.logins) == ("token-%d" % number, [])
        # Nothing is verified, so it does not matter with what; and what is the default may be given.
        for way in ({"validate_certs": False, "ca_cert": str(tmp_path / "a.pem")}, {"validate_certs": True}):
            assert made(token_cache=path, **way)[1].logins == []

    def test_cache_contains_neither_password_nor_user_name(self, path):
        made(token_cache=path)[0].token()
        with open(path, encoding="utf-8") as stream:
            content = stream.read()
        assert "demo-api-password" not in content
        assert "demo@example.com" not in content

    def test_cache_file_is_replaced_without_leftover_files(self, path, tmp_path):
        made(token_cache=path)[0].token()
        first = os.stat(path).st_ino
        identity, dummy = made(token_cache=path)
        identity.renew(identity.token())
        assert os.stat(path).st_ino != first
        assert os.listdir(str(tmp_path)) == ["tokens.json"]

    @pytest.mark.parametrize(
        "other", [{"tenant_id": "f" * 32}, {"username": "other@example.com"}, {"auth_url": "https://elsewhere/v2.0"}, {"domain": "gov-nhncloudservice.com"}]
    )
    def test_tokens_are_cached_per_url_tenant_and_user(self, path, other):
        made(token_cache=path)[0].token()
        transport = FakeTransport(issued("other-token"))
        assert made(transport, token_cache=path, **other)[0].token() == "other-token"
        identity, transport = made(token_cache=path)
        assert identity.token() == "issued-1"
        assert transport.logins == []

    @pytest.mark.parametrize("left, logins", [(121, 0), (119, 1), (0, 1), (-5, 1)])
    def test_cached_token_is_renewed_shortly_before_expiry(self, path, left, logins):
        expires = (START + timedelta(seconds=left)).strftime("%Y-%m-%dT%H:%M:%SZ")
        made(FakeTransport(issued("old", expires=expires)), token_cache=path)[0].token()
        identity, transport = made(token_cache=path)
        assert identity.token() == ("issued-1" if logins else "old")
        assert len(transport.logins) == logins

    def test_expired_entries_are_removed(self, path):
        made(FakeTransport(issued("old", expires="2026-10-07T02:00:00Z")), token_cache=path, username="gone")[0].token()
        made(token_cache=path)[0].token()
        with open(path, encoding="utf-8") as stream:
            assert len(json.load(stream)) == 1

    def test_rejected_token_is_replaced_in_cache(self, path):
        made(token_cache=path)[0].token()
        identity, transport = made(FakeTransport(issued("fresh")), token_cache=path)
        assert identity.renew(identity.token()) == "fresh"
        assert made(token_cache=path)[0].token() == "fresh"
        assert len(transport.logins) == 1

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b"null", b"5", b"\xff\xfe", b"[" * 100000, b'{"a": 1}', b'{"a": {"token": "x"}}'],
    )
    def test_damaged_cache_file_is_ignored_and_recreated(self, path, content):
        with open(path, "wb") as stream:
            stream.write(content)
        os.chmod(path, 0o600)
        identity, transport = made(token_cache=path)
        assert identity.token() == "issued-1"
        assert transport.warnings == []
        assert made(token_cache=path)[1].logins == []
        with open(path, encoding="utf-8") as stream:
            assert len(json.load(stream)) == 1

    @quick
    @given(
        st.fixed_dictionaries(
            {},
            optional={
                "token": st.none() | st.integers() | st.text(),
                "expires": st.none()
                | st.integers()
                | st.text()
                | st.sampled_from(["2030-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]),
                "catalog": st.none() | st.lists(st.none() | st.text()) | st.just(CATALOG),
            },
        )
        | st.none()
        | st.lists(st.integers())
    )
    def test_malformed_cache_entry_is_tolerated(self, path, found):
        identity, transport = made(token_cache=path)
        with open(path, "w", encoding="utf-8") as stream:
            json.dump({identity._cache.key: found}, stream)
        os.chmod(path, 0o600)
        assert identity.token() == (found["token"] if not transport.logins else "issued-1")

    @pytest.mark.parametrize("where", ["missing/tokens.json", "folder"])
    def test_unwritable_cache_path_issues_warning(self, tmp_path, where):
        (tmp_path / "folder").mkdir()
        identity, transport = made(token_cache=str(tmp_path / where))
        assert identity.token() == "issued-1"
        assert len(transport.warnings) == 1
        assert re.match("(The token was not kept in token_cache|token_cache is not used): '%s" % tmp_path, transport.warnings[0])

    def test_token_option_is_never_cached(self, path):
        made(token="given", token_cache=path)[0].token()
        assert not os.path.exists(path)

    def test_tilde_in_cache_path_is_expanded(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        made(token_cache="~/tokens")[0].token()
        assert (tmp_path / "tokens").exists()

    def test_user_name_that_is_not_utf_8_can_be_cached(self, path):
        assert made(token_cache=path, username="caf\udce9")[0].token() == "issued-1"

    def test_parallel_tasks_never_read_partial_file_or_lose_entries(self, path):
        failures = []

        class Ours(FakeTransport):
            """Waits for the lock in real time: its clock is the machine's, but for what has expired."""

            def __init__(self):
                super().__init__()
                utc, self.clock = self.clock.utc, Clock()
                self.clock.utc = utc

        def task(number):
            for turn in range(5):
                identity, transport = made(Ours(), token_cache=path, username="user-%d-%d" % (number, turn))
                if not identity.token().startswith("issued-") or transport.warnings:
                    failures.append(transport.warnings)

        threads = [threading.Thread(target=task, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        with open(path, encoding="utf-8") as stream:
            assert len(json.load(stream)) == 40


def test_expiry_margin_covers_a_slow_request():
    assert timedelta(minutes=1) <= EXPIRY_MARGIN
