# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan that creates a cluster or node group, and the rules that matter only then. Pure
functions, as in :mod:`plan`.
"""

from __future__ import annotations

import re
from typing import Mapping

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import Options, State
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import LABELS, SCRIPT
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import ranges, rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Change,
    Operation,
    Plan,
    cluster_resource,
    group_resource,
)

NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
#: Limits of the autoscaler that are not set.
DEFAULT_MIN_NODES = 1
DEFAULT_MAX_NODES = 10


def create_cluster(desired: Options) -> Plan:
    """The plan that creates a cluster.

    :param desired: option -> value, with UUIDs for references; only options that are set.
    :raises NksError: an option is missing, or the service would reject its value.
    """
    check_creation(desired, rows.CLUSTER)
    body: State = {
        "name": desired["name"],
        "cluster_template_id": "iaas_console",
        "labels": {"cert_manager_api": "True"},
    }
    values = dict({"node_count": 1, "public_api_endpoint": False}, **desired)
    _fill(body, values, rows.CLUSTER)
    changes = _created(values, rows.CLUSTER)
    return Plan(
        [
            Operation(
                "create",
                cluster_resource(desired["name"]),
                changes,
                lambda api, _ref: api.create_cluster(body, _secrets(body)),
                creates=desired["name"],
            )
        ]
    )


def create_nodegroup(cluster: str, desired: Options) -> Plan:
    """The plan that creates a node group.

    :param cluster: the cluster's name, for messages.
    :param desired: option -> value, with UUIDs for references; only options that are set.
    :raises NksError: an option is missing, or the service would reject its value.
    """
    check_creation(desired, rows.NODEGROUP, nodegroup=True)
    body: State = {"name": desired["name"], "labels": {}}
    values = dict({"node_count": 1}, **desired)
    _fill(body, values, rows.NODEGROUP, nodegroup=True)
    changes = _created(values, rows.NODEGROUP)
    return Plan(
        [
            Operation(
                "create",
                group_resource(cluster, desired["name"]),
                changes,
                lambda api, ref: api.create_nodegroup(ref, body, _secrets(body)),
                group=desired["name"],
                creates=desired["name"],
            )
        ]
    )


def _secrets(body: State) -> list[str]:
    """Texts of a creation that the service may quote in an error and that must not be shown."""
    scripts = [body["labels"].get(label) for label in ("user_script_v2", "user_script")]
    return [script for script in scripts if script] + wire.appkeys(body["labels"])


def _fill(
    body: State, values: Options, table: Mapping[str, rows.Row], nodegroup: bool = False
) -> None:
    """Write the options, the settings of the autoscaler and the additional labels into the body of
    a creation.
    """
    for row in table.values():
        if values.get(row.option) is not None and (row.sent or not nodegroup):
            if row.kind is SCRIPT and not values[row.option]:
                continue
            row.put(body, values[row.option], nodegroup)
    settings = values.get("autoscale") or {"enabled": False}
    for setting in rows.AUTOSCALE.values():
        if settings.get(setting.option) is not None:
            body["labels"][str(setting.group)] = setting.kind.write(settings[setting.option])
    body["labels"].update(LABELS.write(values.get("labels") or {}))


def _created(values: Options, table: Mapping[str, rows.Row]) -> dict[str, Change]:
    """The changes that the creation reports."""
    changes: dict[str, Change] = {"state": ("absent", "present")}
    for row in table.values():
        if values.get(row.option) is not None:
            changes[row.option] = (None, row.show(values[row.option]))
    for option in ("autoscale", "labels"):
        if values.get(option):
            changes[option] = (
                None,
                wire.masked(
                    {key: value for key, value in values[option].items() if value is not None}
                ),
            )
    return changes


def check_name(option: str, name: str) -> None:
    """Check the name of a resource that is created.

    :raises BadInput: NKS does not accept it.
    """
    if wire.is_uuid(name):
        raise BadInput(
            option,
            name,
            "has the form of a UUID, but no resource has this UUID",
            "set a name to create a new resource",
        )
    if not NAME.fullmatch(name):
        raise BadInput(
            option,
            name,
            "is not a name that NKS accepts",
            "use 1 to 32 of a-z, 0-9 and '-', beginning with a letter and not ending in '-'",
        )


def check_creation(
    options: Options, table: Mapping[str, rows.Row], nodegroup: bool = False
) -> None:
    """Check the rules that matter only when something is created.

    :param options: option -> value, only options that are set.
    :param table: rows of :mod:`rows`.
    :raises NksError: an option is missing, or the service would reject its value.
    """
    missing = [
        row.option
        for row in table.values()
        if row.required
        and options.get(row.option) in (None, "")
        and not (nodegroup and row.option not in _group_options())
    ]
    if missing:
        raise NksError(
            "%s '%s' does not exist. To create it, also set: %s."
            % ("Node group" if nodegroup else "Cluster", options.get("name"), ", ".join(missing))
        )
    check_name("name", options["name"])
    if options.get("public_api_endpoint") and not options.get("external_network"):
        raise BadInput(
            "public_api_endpoint",
            True,
            "needs a network with an internet gateway",
            "set external_network too",
        )
    if not nodegroup:
        ranges.check_cidrs(options, creating=True)
    settings = options.get("autoscale") or {}
    if settings.get("enabled"):
        _check_autoscaler(options, settings)


def _check_autoscaler(options: Options, settings: Options) -> None:
    """Check the options of a new node group with the autoscaler.

    :param settings: the settings of the autoscaler.
    :raises BadInput: the metric-based autoscaler is on too, or ``node_count`` is outside of the
        limits.
    """
    policies = wire.metric_policies(
        {"labels": wire.labels(LABELS.write(options.get("labels") or {}))}
    )
    if policies:
        raise BadInput(
            "labels",
            policies[0],
            "cannot be on together with the cluster autoscaler",
            "turn one of them off",
        )
    low = settings.get("min_node_count") or DEFAULT_MIN_NODES
    high = settings.get("max_node_count") or DEFAULT_MAX_NODES
    count = options.get("node_count") or 1
    if not low <= count <= high:
        raise BadInput(
            "node_count",
            count,
            "is outside the autoscaler limits (%d to %d)" % (low, high),
            "choose a count within the limits, or change the limits",
        )


def check_disk(image: State, boot_volume_size: int | None) -> None:
    """Check that the boot volume is large enough for the image, if its minimum was looked up.

    :param image: the image as the image service shows it, or an empty dict.
    :raises BadInput: it is too small.
    """
    least = wire.read("int", image.get("min_disk"))
    if isinstance(least, int) and boot_volume_size is not None and boot_volume_size < least:
        raise BadInput(
            "boot_volume_size",
            boot_volume_size,
            "is too small for image %s" % image.get("name"),
            "use %d GB or more" % least,
        )


def check_fit(image: State, flavor: State) -> None:
    """Check that the image is made for nodes of the flavor, if both were looked up (NKS API guide,
    List Images: one mark for each kind of flavors).

    :param image: the image as the image service shows it, or an empty dict.
    :param flavor: the flavor as the compute service shows it, or an empty dict.
    :raises BadInput: it is not.
    """
    marks = {
        kind: str(image.get("nhncloud_allow_nks_%s_flavor" % kind)).lower() == "true"
        for kind in ("cpu", "gpu")
    }
    if not flavor.get("name") or not any(marks.values()):
        # Older images have no mark.
        return
    kind = "gpu" if rules.GPU_FLAVOR.fullmatch(rules.flavor_type(flavor["name"])) else "cpu"
    if not marks[kind]:
        raise BadInput(
            "image",
            image.get("name"),
            "is not made for nodes of flavor %s" % flavor["name"],
            "choose an image for %s flavors" % kind.upper(),
        )


def _group_options() -> set[str]:
    """The options that a node group requires."""
    return {row.option for row in rows.NODEGROUP.values() if row.required}
