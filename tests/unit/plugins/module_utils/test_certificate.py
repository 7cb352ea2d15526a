# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_certificate: renewed when it is due, when forced, and when a former renewal failed."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import certificate

DAY = 86400


def run(world, check=False, **given):
    return world.run(certificate.JOB, dict({"cluster": "demo"}, **given), check)


def refusal(world, check=False, **given):
    """The text with which a task fails, having written nothing."""
    with pytest.raises(NksError) as caught:
        run(world, check, **given)
    assert caught.value.outcome.writes == []
    return caught.value.msg


def seeded(world, days, years=5):
    """A cluster whose certificate ends in so many days and an hour."""
    cluster = world.seed()
    cluster.certificate_years = years
    cluster.certificate_from = world.cloud.clock.now() + (days - 365 * years) * DAY + 3600
    return cluster


def moment(seconds):
    return datetime.fromtimestamp(int(seconds), timezone.utc).isoformat()


def renewed(outcome, years):
    """Whether the task sent just the one renewal, and says so."""
    assert outcome.wrote == ["PATCH /certificates/*"]
    assert outcome.writes[0]["body"] == {"term_of_validity": years}
    assert (outcome["changed"], outcome.actions) == (True, ["renew_certificate"])
    assert outcome["actions"][0]["resource"] == "cluster/demo"
    return True


def untouched(outcome):
    return (outcome["changed"], outcome["actions"], outcome.writes) == (False, [], [])


# -- when ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days, before, due", [(29, None, True), (30, None, False), (400, None, False), (59, 60, True), (60, 60, False), (0, 0, False)])
@pytest.mark.parametrize("check", [True, False])
def test_renewal_is_due_if_fewer_days_are_left(world, days, before, due, check):
    seeded(world, days)
    given = {} if before is None else {"renew_before_days": before}
    outcome = run(world, check, **given)
    assert outcome["changed"] is due
    if not due:
        assert untouched(outcome)
        assert outcome["certificate"]["days_left"] == days
        assert outcome["warnings"] == []
    elif not check:
        assert renewed(outcome, 5)
        assert untouched(run(world, **given))


def test_expired_certificate_is_renewed(world):
    seeded(world, -3)
    checked = run(world, check=True, renew_before_days=0)
    assert checked["changed"] is True and checked["certificate"]["days_left"] == -3
    assert renewed(run(world, renew_before_days=0), 5)


def test_different_term_alone_does_not_renew(world):
    seeded(world, 400, years=5)
    outcome = run(world, term_of_validity=2)
    assert untouched(outcome) and outcome["certificate"]["term_of_validity"] == 5


@pytest.mark.parametrize("years", [1, 2, 5])
def test_force(world, years):
    cluster = seeded(world, 1000)
    outcome = run(world, force=True, term_of_validity=years)
    assert renewed(outcome, years)
    assert (cluster.certificate_years, cluster.certificate_generation) == (years, 2)
    # Force is an order, not a state.
    assert renewed(run(world, force=True, term_of_validity=years), years)


@pytest.mark.parametrize("shown", ["", "unknown", None])
def test_missing_expiry(world, shown):
    cluster = seeded(world, 5)
    cluster.overrides["labels"] = {"certificate_expiry": shown}
    outcome = run(world)
    assert untouched(outcome)
    assert outcome["certificate"] == {"expiry": shown or None, "days_left": None, "term_of_validity": 5}
    assert any("does not show when its certificate expires" in text and "force" in text for text in outcome["warnings"])
    assert renewed(run(world, force=True), 5)


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.000000"])
@pytest.mark.parametrize("days", [29, 30])
def test_expiry_formats(world, form, days):
    cluster = seeded(world, days)
    ends = datetime.fromtimestamp(cluster.certificate_expiry(), timezone.utc)
    cluster.overrides["labels"] = {"certificate_expiry": ends.strftime(form), "term_of_validity": 5}
    checked = run(world, check=True)
    assert checked["certificate"]["days_left"] == days
    assert checked["changed"] is (days == 29)


def test_expiry_in_another_time_zone(world):
    cluster = seeded(world, 29)
    ends = datetime.fromtimestamp(cluster.certificate_expiry() + 9 * 3600, timezone.utc)
    cluster.overrides["labels"] = {"certificate_expiry": ends.strftime("%Y-%m-%dT%H:%M:%S+09:00")}
    assert run(world, check=True)["certificate"]["days_left"] == 29


def test_warns_if_the_new_certificate_is_due_immediately(world):
    """Then every run renews, which must not go unsaid."""
    seeded(world, 300)
    outcome = run(world, term_of_validity=1, renew_before_days=365)
    assert renewed(outcome, 1)
    assert any("every run renews" in text for text in outcome["warnings"])
    seeded_again = run(world, term_of_validity=1, renew_before_days=364)
    assert untouched(seeded_again) and seeded_again["warnings"] == []


# -- what it tells ---------------------------------------------------------------------------------------------------


def test_result(world):
    cluster = seeded(world, 10, years=3)
    before = moment(cluster.certificate_expiry())
    outcome = run(world, term_of_validity=2)
    assert outcome["certificate"] == {"expiry": moment(cluster.certificate_expiry()), "days_left": outcome["certificate"]["days_left"], "term_of_validity": 2}
    assert outcome["certificate"]["days_left"] in (729, 730)
    assert outcome["actions"][0]["changes"]["expiry"]["before"] == before
    assert outcome["actions"][0]["changes"]["term_of_validity"] == {"before": 3, "after": 2}


def test_warns_about_invalidated_kubeconfigs(world):
    seeded(world, 10)
    outcome = run(world)
    assert [text for text in outcome["warnings"] if "kubeconfigs from before" in text and "nks_kubeconfig" in text]
    assert run(world)["warnings"] == []


def test_check_mode(world):
    cluster = seeded(world, 10)
    checked = run(world, check=True, term_of_validity=1)
    assert checked.writes == [] and cluster.certificate_generation == 1 and cluster.certificate_years == 5
    assert checked["certificate"]["days_left"] == 10
    real = run(world, term_of_validity=1)
    assert [checked[key] for key in ("changed", "actions", "diff")] == [real[key] for key in ("changed", "actions", "diff")]
    assert list(real["diff"]["after"]) == ["cluster/demo"]


# -- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("years", [0, 6, -1])
def test_term_out_of_range_is_rejected(world, years):
    seeded(world, 10)
    with pytest.raises(NksError) as caught:
        run(world, term_of_validity=years)
    assert caught.value.msg == "term_of_validity: %d is out of range; set it to 1 to 5 (years)." % years
    assert caught.value.outcome.requests == []


def test_negative_renew_before_days_is_rejected(world):
    assert refusal(world, renew_before_days=-1).startswith("renew_before_days: -1 is too small")


def test_unknown_cluster_is_rejected(world):
    assert refusal(world, cluster="nowhere").startswith("cluster: there is no cluster 'nowhere'")


@pytest.mark.parametrize("check", [True, False])
def test_unsupported_cni_or_version_is_rejected(world, check):
    """Renewal is for Kubernetes 1.24 or newer with Calico-VXLAN or Cilium, and check mode says so too."""
    cluster = seeded(world, 10)
    for cni in ("calico-ebpf", "flannel"):
        cluster.labels["cni_driver"] = cni
        assert refusal(world, check) == (
            "cluster/demo: the certificate cannot be renewed: its CNI is %s. A cluster with this CNI has to be replaced before its certificate expires." % cni
        )
        assert untouched(run(world, check, renew_before_days=5))
    cluster.labels["cni_driver"] = "calico"
    cluster.version = "v1.23.3"
    text = refusal(world, check, force=True)
    assert "v1.24 or newer is needed, and it has v1.23.3" in text and "nks_cluster" in text


@pytest.mark.parametrize("cni", ["calico", "cilium", "something new"])
def test_cni_not_excluded_by_the_guide_is_attempted(world, cni):
    cluster = seeded(world, 10)
    cluster.labels["cni_driver"] = cni
    assert run(world, check=True).actions == ["renew_certificate"]


# -- failed clusters -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [10, 1000])
def test_failed_renewal_is_repaired_by_the_next_run(world, days):
    """Also where the certificate is not due: the cluster is of no use until a renewal has ended well."""
    cluster = seeded(world, days)
    world.fault(effect="fail_task", task="certificate", reason="Certificate rotation failed", contents="A node did not answer")
    with pytest.raises(NksError) as caught:
        run(world, force=True)
    assert "Certificate rotation failed" in caught.value.msg and "A node did not answer" in caught.value.msg
    assert caught.value.values["status"] == "UPDATE_FAILED"
    assert cluster.status == "UPDATE_FAILED"
    assert run(world, check=True)["changed"] is True
    assert renewed(run(world), 5)
    assert cluster.status == "UPDATE_COMPLETE"
    assert untouched(run(world))


@pytest.mark.parametrize("status", ["UPDATE_FAILED", "DELETE_FAILED"])
@pytest.mark.parametrize("check", [True, False])
def test_other_failure_does_not_trigger_a_renewal(world, status, check):
    cluster = seeded(world, 1000)
    # A renewal that failed before, and was repaired, is not what is wrong now.
    world.fail(cluster, "UPDATE_FAILED", "Old", "Old", "certificate")
    world.cloud.clock.advance(60)
    world.fail(cluster, status, "Not enough hosts", "Quota", "resize")
    outcome = run(world, check)
    assert untouched(outcome) and any(status in text and "Not enough hosts" in text for text in outcome["warnings"])
    cluster.certificate_from -= 995 * DAY
    for given in ({}, {"force": True}):
        text = refusal(world, check, **given)
        assert "Not enough hosts" in text and "Quota" in text and status in text


def test_failed_creation_is_rejected(world):
    cluster = seeded(world, 1000)
    world.fail(cluster, "CREATE_FAILED", kind="cluster_create")
    assert "Creation failed: delete it" in refusal(world, force=True)


def test_failure_without_history_is_renewed_only_with_force(world):
    """Then the user's order counts; the service has the last word."""
    cluster = seeded(world, 1000)
    cluster.status, cluster.status_reason = "UPDATE_FAILED", "Unknown"
    assert untouched(run(world))
    assert renewed(run(world, force=True), 5)


# -- waiting ---------------------------------------------------------------------------------------------------------


def test_waits_until_the_certificate_is_renewed(world):
    world.set(stale_polls=3)
    cluster = seeded(world, 10)
    outcome = run(world)
    assert outcome["certificate"]["expiry"] == moment(cluster.certificate_expiry()) and cluster.status == "UPDATE_COMPLETE"
    assert outcome["certificate"]["days_left"] > 1800


def test_renewal_dropped_by_the_service_is_an_error(world):
    seeded(world, 10)
    world.fault(effect="drop_task", task="certificate")
    with pytest.raises(NksError, match="did not change to the requested value"):
        run(world)


def test_renewal_with_lost_response_is_not_sent_twice(world):
    """The second one would kill the kubeconfigs of the first."""
    cluster = seeded(world, 10)
    world.fault(effect="reset_after", method="PATCH")
    assert run(world)["changed"] is True
    assert cluster.certificate_generation == 2


def test_no_wait_returns_immediately(world):
    cluster = seeded(world, 10)
    outcome = run(world, wait=False)
    assert outcome["changed"] is True and outcome.clock.slept == [] and cluster.busy


def test_rejection_names_the_cluster_without_uuid(world):
    world.seed()
    world.fault(effect="status", status=403, method="POST|PATCH", path="/certificates/")
    with pytest.raises(NksError) as caught:
        run(world, cluster=world.cluster().uuid, force=True)
    assert caught.value.msg.startswith("Could not renew the certificate of cluster demo: ") and world.cluster().uuid not in caught.value.msg
