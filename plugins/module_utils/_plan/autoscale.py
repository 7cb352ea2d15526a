# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of the cluster autoscaler. Pure functions, as in :mod:`plan`."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import Options, State
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import Change, Operation

#: Settings of the autoscaler by their names in the API, typed.
Settings = Mapping[str, Any]


def merged_autoscale(desired: Options, current: Settings) -> dict[str, Any]:
    """The full set to send: the desired settings, and the current value of all others (NKS API
    guide, Change Autoscaler Configuration).

    :param desired: option -> value or None.
    :param current: the current settings.
    """
    # A value that is neither a number nor a boolean could not be read, so it is not sent back.
    merged = {
        label: value
        for label, value in current.items()
        if label in wire.AUTOSCALE and isinstance(value, int)
    }
    merged.update(_sent(desired))
    return merged


def check_metric_policies(resource: str, group: State, refused: str, otherwise: str = "") -> None:
    """Reject what the service rejects while the metric-based autoscaler is on (NKS user guide,
    Metric-based Autoscaler).

    :param group: the typed node group.
    :param refused: what cannot be done, as a part of the sentence.
    :param otherwise: another remedy, as a part of the sentence.
    :raises NksError: one of its policies is on.
    """
    policies = wire.metric_policies(group)
    if policies:
        raise NksError(
            "%s: %s while the metric-based autoscaler is on (%s). Turn it off first in the NHN "
            "Cloud console%s." % (resource, refused, ", ".join(policies), otherwise)
        )


def autoscale_change(
    resource: str, group: State, desired: Options, current: Settings, whole: bool
) -> Operation | None:
    """The change of the autoscaler; None if nothing differs.

    :param group: the typed node group; ``stopped`` has the names of its stopped nodes if the
        autoscaler is to be turned on.
    :param desired: option -> value or None.
    :param current: the current settings.
    :param whole: whether ``changes`` has one entry ``autoscale`` (as the option of that name) or
        one for each setting.
    :raises NksError: the merged settings contradict each other, or nodes are stopped (NKS user
        guide, node stop).
    """
    differing = _differing(desired, current)
    if not differing:
        return None
    if desired.get("enabled"):
        _check_turning_on(resource, group, current)
    merged = merged_autoscale(desired, current)
    rules.check_autoscale_change(
        desired,
        {row.option: current.get(str(row.group)) for row in rows.AUTOSCALE.values()},
        {row.option: merged.get(str(row.group)) for row in rows.AUTOSCALE.values()},
        "autoscale." if whole else "",
    )
    uuid, sent = group["uuid"], _sent(desired)
    return Operation(
        "set_autoscale",
        resource,
        _together(differing) if whole else differing,
        lambda api, ref: api.set_autoscale(ref, uuid, merged),
        uuid,
        (
            (
                "autoscale",
                lambda state: all(
                    state["detail"].get(label) == value for label, value in sent.items()
                ),
            ),
        ),
        detail=lambda api, ref: wire.autoscale(api.autoscale(ref, uuid)),
        # The request has all settings, so it would undo a change of any other one.
        start=lambda state: all(
            state["detail"].get(row.group) == current.get(str(row.group))
            for row in rows.AUTOSCALE.values()
        ),
    )


def _sent(desired: Options) -> dict[str, Any]:
    """The desired settings by their names in the API."""
    return {
        str(row.group): desired[row.option]
        for row in rows.AUTOSCALE.values()
        if desired.get(row.option) is not None
    }


def _differing(desired: Options, current: Settings) -> dict[str, Change]:
    """option -> (current value, desired value) of the settings that differ."""
    differing = {}
    for row in rows.AUTOSCALE.values():
        value, before = desired.get(row.option), current.get(str(row.group))
        if value is not None and before != value:
            differing[row.option] = (before, value)
    return differing


def _together(differing: Mapping[str, Change]) -> dict[str, Change]:
    """The changes of settings as one change of the option ``autoscale``."""
    before = {option: pair[0] for option, pair in differing.items()}
    after = {option: pair[1] for option, pair in differing.items()}
    return {"autoscale": (before, after)}


def _check_turning_on(resource: str, group: State, current: Settings) -> None:
    """Reject the autoscaler on a node group for which the service rejects it.

    :raises NksError: nodes are stopped, or a policy of the metric-based autoscaler is on.
    """
    if current.get("ca_enable") is not True:
        check_metric_policies(resource, group, "the cluster autoscaler cannot be turned on")
    if group.get("stopped"):
        raise NksError(
            "%s: the autoscaler cannot be turned on while nodes are stopped (%s). Start them first "
            "with nks_node." % (resource, ", ".join(group["stopped"]))
        )
