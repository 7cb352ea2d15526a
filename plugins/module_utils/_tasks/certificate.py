# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_certificate: the cluster's certificate, renewed when it is due."""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._apply import failures
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    ClusterSpec,
    Observed,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import failed
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import certificate, plan
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Job

DEAD = (
    "The certificate of %s was renewed: every kubeconfig fetched before has stopped working. Fetch it anew with nks_kubeconfig, "
    "and restart pods that hold the old CA."
)


def run(task):
    """One task of nks_certificate; see the documentation of the module."""
    options = task.options
    if not 1 <= options["term_of_validity"] <= 5:
        raise BadInput(
            "term_of_validity",
            options["term_of_validity"],
            "is out of range",
            "give 1 to 5 (years)",
        )
    watch = task.planned_cluster()
    if watch is None:
        # A new certificate is not due.
        desired = ClusterSpec(
            options["cluster"],
            certificate=options["term_of_validity"] if options["force"] else None,
        )
        todo = plan.plan(desired, Observed({"name": options["cluster"]}))
        return {
            "certificate": {"expiry": None, "days_left": None, "term_of_validity": None},
            "plan": todo,
        }
    task.usable(watch)
    cluster = watch.last
    days = certificate.days_left(cluster, task.clock.utc())
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
        task.warnings.append(
            "%s does not show when its certificate ends; set force to renew it all the same."
            % watch.name
        )
    todo = plan.plan(
        ClusterSpec(cluster["name"], certificate=options["term_of_validity"] if due else None),
        Observed(cluster),
    )
    _runner, state = task.carry_out(todo, watch)
    if todo.operations and not task.check_mode:
        task.warnings.append(DEAD % watch.name)
        cluster = state or watch.read() or cluster
    return {
        "certificate": {
            "expiry": certificate.label(cluster, "certificate_expiry") or None,
            "days_left": certificate.days_left(cluster, task.clock.utc()),
            "term_of_validity": certificate.label(cluster, "term_of_validity"),
        },
        "plan": todo,
    }


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
