# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_certificate: the cluster's certificate, renewed when it is due."""

from __future__ import annotations

from datetime import datetime, timezone

from ansible_collections.nhncloud.nks.plugins.module_utils._apply import failures
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import failed
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import Operation, Plan, cluster_resource
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Job

#: The first minor version with which a certificate can be renewed, and CNIs with which it cannot.
FIRST_MINOR = (1, 24)
UNSUPPORTED_CNIS = ("calico-ebpf", "flannel")
DEAD = (
    "The certificate of %s was renewed: every kubeconfig fetched before has stopped working. Fetch it anew with nks_kubeconfig, "
    "and restart pods that hold the old CA."
)


def run(task):
    """One task of nks_certificate; see the documentation of the module."""
    options = task.options
    if not 1 <= options["term_of_validity"] <= 5:
        raise BadInput("term_of_validity", options["term_of_validity"], "is out of range", "give 1 to 5 (years)")
    watch = task.planned_cluster()
    if watch is None:
        # A new certificate is not due.
        todo = make_plan(cluster_resource(options["cluster"]), {}, options["term_of_validity"]) if options["force"] else Plan()
        return {"certificate": {"expiry": None, "days_left": None, "term_of_validity": None}, "plan": todo}
    task.usable(watch)
    cluster = watch.last
    days = days_left(cluster, task.clock.utc())
    event = failures.last_failed_event(watch, cluster) if failed(cluster) else None
    # A failed renewal is repaired by another one; after any other failure the cluster is left alone (NKS user guide).
    repairs = event is not None and "CERTIFICATE" in str(event.get("type"))
    due = options["force"] or (days is not None and days < options["renew_before_days"]) or repairs
    if due and event is not None and not repairs:
        raise task.failure(watch)
    if options["renew_before_days"] >= 365 * options["term_of_validity"]:
        task.warnings.append(
            "renew_before_days: %d days are no less than the term of a new certificate (%d years), so every run renews it."
            % (options["renew_before_days"], options["term_of_validity"])
        )
    if days is None and not due:
        task.warnings.append("%s does not show when its certificate ends; set force to renew it all the same." % watch.name)
    if due:
        check_renewable(watch.name, cluster)
    todo = make_plan(watch.name, cluster, options["term_of_validity"]) if due else Plan()
    _runner, state = task.carry_out(todo, watch)
    if todo.operations and not task.check_mode:
        task.warnings.append(DEAD % watch.name)
        cluster = state or watch.read() or cluster
    return {
        "certificate": {
            "expiry": _label(cluster, "certificate_expiry") or None,
            "days_left": days_left(cluster, task.clock.utc()),
            "term_of_validity": _label(cluster, "term_of_validity"),
        },
        "plan": todo,
    }


def days_left(cluster, now):
    """Whole days until the certificate ends; None where the service does not tell.

    :param now: a datetime in UTC.
    """
    ends = _ends(cluster)
    return None if ends is None else (ends - now).days


def _ends(cluster):
    """When the certificate ends, as a datetime; None where the service does not tell."""
    try:
        ends = datetime.fromisoformat(str(_label(cluster, "certificate_expiry")).replace("Z", "+00:00"))
    except ValueError:
        return None
    return ends if ends.tzinfo else ends.replace(tzinfo=timezone.utc)


def check_renewable(resource, cluster):
    """Refuse what the service refuses (NKS user guide, Renew Certificate: Kubernetes 1.24 or newer with Calico-VXLAN or Cilium).

    :raises NksError: the cluster shows that its certificate cannot be renewed.
    """
    version, cni = _label(cluster, "kube_tag"), _label(cluster, "cni_driver")
    if version and wire.version_key(version)[0][:2] < FIRST_MINOR:
        reason, remedy = "Kubernetes v1.24 or newer is needed, and it has %s" % version, "Upgrade it first with nks_cluster."
    elif str(cni).lower() in UNSUPPORTED_CNIS:
        reason, remedy = "its CNI is %s" % cni, "A cluster with this CNI has to be replaced before its certificate expires."
    else:
        return
    raise NksError("%s: the certificate cannot be renewed: %s. %s" % (resource, reason, remedy))


def make_plan(resource, cluster, years):
    """The renewal (NKS API guide, Renew Cluster Certificate)."""
    before = _label(cluster, "certificate_expiry") or None
    changes = {
        "expiry": (before, "%d years from now" % years if years > 1 else "1 year from now"),
        "term_of_validity": (_label(cluster, "term_of_validity"), years),
    }

    def renewed(state):
        after, was = _ends(state), _ends(cluster)
        # Two renewals within one second end in the same one.
        return after is None or after != was or state.get("updated_at") != cluster.get("updated_at")

    return Plan(
        [
            Operation(
                "renew_certificate",
                resource,
                changes,
                lambda api, ref: api.renew_certificate(ref, years),
                outcome=(("expiry", renewed),),
            )
        ]
    )


def _label(cluster, name):
    return (cluster.get("labels") or {}).get(name)


JOB = Job(
    "nks_certificate",
    dict(
        arguments.auth(),
        cluster={"type": "str", "required": True},
        term_of_validity={"type": "int", "default": 5},
        renew_before_days={"type": "int", "default": 30},
        force={"type": "bool", "default": False},
        **arguments.wait(),
    ),
    run,
)
