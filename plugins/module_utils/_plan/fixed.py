# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Differences in options that cannot be changed after creation. Pure functions, as in :mod:`plan`."""

from __future__ import annotations

from typing import Any, Mapping, Tuple

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import Options, State
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import LABELS, UNKNOWN
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Names,
    named_pair,
)

#: An option, its current value and the desired one, free of secrets.
Difference = Tuple[str, Any, Any]


def differences(
    options: Options,
    table: Mapping[str, rows.Row],
    holders: tuple[State | None, State | None],
    names: Names,
) -> list[Difference]:
    """The options that cannot be changed after creation and differ.

    :param options: option -> desired value.
    :param holders: the typed cluster and the typed node group; None for one that the options do not
        describe.
    :param names: see :meth:`operations.Plan.named`.
    """
    cluster, group = holders
    found: list[Difference] = []
    for option, row in table.items():
        if row.change or options.get(option) is None:
            continue
        current = row.observed(cluster, group)
        if not row.equal(options[option], current):
            shown = named_pair(row.show(current), row.show(options[option]), names.get(option))
            found.append((option, *shown))
    labels = [holder["labels"] for holder in (group, cluster) if holder and holder.get("labels")]
    for label, value in LABELS.write(options.get("labels") or {}).items():
        current = next((shown[label] for shown in labels if label in shown), UNKNOWN)
        if current is not UNKNOWN and not LABELS.same(value, current):
            found.append(
                (
                    "labels.%s" % label,
                    wire.masked({label: current})[label],
                    wire.masked({label: value})[label],
                )
            )
    return found


def reject(found: list[Difference], immutable: str, resource: str) -> list[str]:
    """One message about all differences, as a warning or as a failure.

    :param immutable: ``warn`` for a warning.
    :returns: the warnings.
    :raises NksError: for all other values; names each option, its current value and the requested
        one.
    """
    if not found:
        return []
    text = "%s: cannot be changed after creation: %s" % (
        resource,
        "; ".join(
            "%s: current %s, requested %s" % (option, _brief(before), _brief(after))
            for option, before, after in found
        ),
    )
    if immutable == "warn":
        return [text + ". Not changed because immutable is set to 'warn'."]
    raise NksError("%s. Use the current value, omit the option, %s." % (text, _remedy(resource)))


def _remedy(resource: str) -> str:
    """What else can be done about the differences of a cluster or node group."""
    if "/nodegroup/" not in resource:
        return "set immutable to warn, or delete and re-create the cluster"
    if resource.endswith("/" + wire.DEFAULT_GROUP):
        return "or set immutable to warn"
    return "or set immutable to warn, or to replace to replace the node group"


def _brief(value: Any) -> str:
    """A value in a message: numbers without quotation marks, lists without those of their items."""
    if isinstance(value, list):
        return "[%s]" % ", ".join(str(item) for item in value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return "none" if value in (None, "") else "'%s'" % (value,)
