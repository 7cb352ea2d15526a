# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_certificate: the cluster's certificate, renewed when it is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.nhncloud.nks.plugins.module_utils._apply import failures
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import (
    ClusterSpec,
    Observed,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import failed
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import certificate, plan
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import (
    Job,
    Options,
    Result,
    Task,
)

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State
    from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch

RENEWED = (
    "The certificate of %s was renewed: kubeconfigs from before no longer work. Get the kubeconfig again with nks_kubeconfig, "
    "and restart pods that use the old CA."
)


def run(task: Task) -> Result:
    """One task of nks_certificate; see the documentation of the module."""
    options = task.options
    if not 1 <= options["term_of_validity"] <= 5:
        raise BadInput(
            "term_of_validity",
            options["term_of_validity"],
            "is out of range",
            "set it to 1 to 5 (years)",
        )
    watch = task.require_or_predict_cluster()
    if watch is None:
        return _predicted(options)
    task.require_created(watch)
    due = _is_due(task, watch)
    cluster = watch.state
    todo = plan.plan(
        ClusterSpec(cluster["name"], certificate=options["term_of_validity"] if due else None),
        Observed(cluster),
    )
    _runner, state = task.apply(todo, watch)
    if todo.operations and not task.check_mode:
        task.warnings.append(RENEWED % watch.name)
        cluster = state or watch.read() or cluster
    return {"certificate": _shown(task, cluster), "plan": todo}


def _predicted(options: Options) -> Result:
    """The result of check mode for a cluster that does not exist yet: its new certificate is
    renewed only with force.
    """
    desired = ClusterSpec(
        options["cluster"],
        certificate=options["term_of_validity"] if options["force"] else None,
    )
    return {
        "certificate": {"expiry": None, "days_left": None, "term_of_validity": None},
        "plan": plan.plan(desired, Observed({"name": options["cluster"]})),
    }


def _is_due(task: Task, watch: Watch) -> bool:
    """Whether the certificate is to be renewed.

    :raises WaitError: it is, but the cluster is in a failed status that a renewal does not repair.
    """
    options, cluster = task.options, watch.state
    days = certificate.days_left(cluster, task.clock.utc())
    event = failures.last_failed_event(watch, cluster) if failed(cluster) else None
    # Another renewal repairs a failed one; after any other failure the cluster is not changed (NKS
    # user guide).
    repairs = event is not None and "CERTIFICATE" in str(event.get("type"))
    expires = days is not None and days < options["renew_before_days"]
    due: bool = options["force"] or expires or repairs
    if due and event is not None and not repairs:
        raise task.failure(watch)
    if options["renew_before_days"] >= 365 * options["term_of_validity"]:
        task.warnings.append(
            "renew_before_days: %d days are no less than the term of a new certificate (%d years), so every run renews it."
            % (options["renew_before_days"], options["term_of_validity"])
        )
    if days is None and not due:
        task.warnings.append(
            "%s does not show when its certificate expires, so it was not renewed; set force to renew it."
            % watch.name
        )
    return due


def _shown(task: Task, cluster: State) -> Result:
    """The certificate as the result has it."""
    return {
        "expiry": certificate.label(cluster, "certificate_expiry") or None,
        "days_left": certificate.days_left(cluster, task.clock.utc()),
        "term_of_validity": certificate.label(cluster, "term_of_validity"),
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
        **arguments.approval(),
    ),
    run,
)
