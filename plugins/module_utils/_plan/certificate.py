# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The renewal of a cluster's certificate. Pure functions, as in :mod:`plan`."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import Operation, Plan

#: The first minor version whose certificate can be renewed, and CNIs with which it cannot.
FIRST_MINOR = (1, 24)
UNSUPPORTED_CNIS = ("calico-ebpf", "flannel")


def days_left(cluster: State, now: datetime) -> int | None:
    """Whole days until the certificate expires; None if the service does not show it.

    :param now: a datetime in UTC.
    """
    ends = _ends(cluster)
    return None if ends is None else (ends - now).days


def _ends(cluster: State) -> datetime | None:
    """When the certificate expires; None if the service does not show it."""
    try:
        ends = datetime.fromisoformat(
            str(label(cluster, "certificate_expiry")).replace("Z", "+00:00")
        )
    except ValueError:
        return None
    return ends if ends.tzinfo else ends.replace(tzinfo=timezone.utc)


def _check_renewable(resource: str, cluster: State) -> None:
    """Reject what the service rejects (NKS user guide, Renew Certificate: Kubernetes 1.24 or newer
    with Calico-VXLAN or Cilium).

    :raises NksError: the cluster shows that its certificate cannot be renewed.
    """
    version, cni = label(cluster, "kube_tag"), label(cluster, "cni_driver")
    if version and wire.version_key(version)[0][:2] < FIRST_MINOR:
        reason, remedy = (
            "Kubernetes v1.24 or newer is needed, and it has %s" % version,
            "Upgrade it first with nks_cluster.",
        )
    elif str(cni).lower() in UNSUPPORTED_CNIS:
        reason, remedy = (
            "its CNI is %s" % cni,
            "A cluster with this CNI has to be replaced before its certificate expires.",
        )
    else:
        return
    raise NksError("%s: the certificate cannot be renewed: %s. %s" % (resource, reason, remedy))


def renewal(resource: str, cluster: State, years: int) -> Plan:
    """The plan that renews the certificate (NKS API guide, Renew Cluster Certificate).

    :raises NksError: the cluster shows that its certificate cannot be renewed.
    """
    _check_renewable(resource, cluster)
    before = label(cluster, "certificate_expiry") or None
    changes = {
        "expiry": (before, "%d years from now" % years if years > 1 else "1 year from now"),
        "term_of_validity": (label(cluster, "term_of_validity"), years),
    }

    def renewed(state: State) -> bool:
        now, then = _ends(state), _ends(cluster)
        if now is None or now != then:
            return True
        # After two renewals within one second the certificate expires at the same time.
        return bool(state.get("updated_at") != cluster.get("updated_at"))

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


def label(cluster: State, name: str) -> Any:
    """The value of a label; None if the service does not show it."""
    return (cluster.get("labels") or {}).get(name)
