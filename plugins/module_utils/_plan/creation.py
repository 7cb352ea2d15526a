# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan that makes something new, and the rules that matter only then. Pure functions, as in :mod:`plan`."""

from __future__ import annotations

import re

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.kinds import LABELS, SCRIPT
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import ranges, rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Operation,
    Plan,
    cluster_resource,
    group_resource,
)

NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")


def create_cluster(wanted):
    """The plan that makes a cluster.

    :param wanted: option -> value with references resolved; only what was given.
    :raises NksError: an option is missing or cannot be.
    """
    check_creation(wanted, rows.CLUSTER)
    body = {"name": wanted["name"], "cluster_template_id": "iaas_console", "labels": {}}
    values = dict({"node_count": 1, "public_api_endpoint": False}, **wanted)
    body["labels"]["cert_manager_api"] = "True"
    _fill(body, values, rows.CLUSTER)
    changes = _created(values, rows.CLUSTER)
    return Plan(
        [
            Operation(
                "create",
                cluster_resource(wanted["name"]),
                changes,
                lambda api, _ref: api.create_cluster(body, _secrets(body)),
                creates=wanted["name"],
            )
        ]
    )


def create_nodegroup(cluster, wanted):
    """The plan that makes a node group.

    :param cluster: the cluster's name, for the texts.
    :param wanted: option -> value with references resolved; only what was given.
    """
    check_creation(wanted, rows.NODEGROUP, nodegroup=True)
    body = {"name": wanted["name"], "labels": {}}
    values = dict({"node_count": 1}, **wanted)
    _fill(body, values, rows.NODEGROUP, nodegroup=True)
    changes = _created(values, rows.NODEGROUP)
    return Plan(
        [
            Operation(
                "create",
                group_resource(cluster, wanted["name"]),
                changes,
                lambda api, ref: api.create_nodegroup(ref, body, _secrets(body)),
                group=wanted["name"],
                creates=wanted["name"],
            )
        ]
    )


def _secrets(body):
    """Texts of a creation that the service may quote in a refusal and that must not be shown."""
    script = body["labels"].get("user_script_v2")
    return ([script] if script else []) + wire.appkeys(body["labels"])


def _fill(body, values, table, nodegroup=False):
    """The body of a creation from the table, the autoscaler and the user's own labels."""
    for row in table.values():
        if values.get(row.option) is not None and (row.sent or not nodegroup):
            if row.kind is SCRIPT and not values[row.option]:
                continue
            row.put(body, values[row.option], nodegroup)
    settings = values.get("autoscale") or {"enabled": False}
    for setting in rows.AUTOSCALE.values():
        if settings.get(setting.option) is not None:
            body["labels"][setting.group] = setting.kind.write(settings[setting.option])
    body["labels"].update(LABELS.write(values.get("labels") or {}))


def _created(values, table):
    changes = {"state": ("absent", "present")}
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


def check_name(option, name):
    """A name for something new.

    :raises BadInput: with the rule.
    """
    if wire.is_uuid(name):
        raise BadInput(
            option,
            name,
            "has the form of a UUID, and there is nothing with it",
            "give a name to create something new",
        )
    if not NAME.fullmatch(name):
        raise BadInput(
            option,
            name,
            "is not a name that NKS takes",
            "use 1 to 32 of a-z, 0-9 and '-', beginning with a letter and not ending in '-'",
        )


def check_creation(options, table, nodegroup=False):
    """What only matters when something is created.

    :param options: the options given, by name.
    :param table: rows of :mod:`rows`.
    :raises NksError: an option is missing that the service needs.
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
            "%s '%s' is not there, and to create it these options are missing: %s."
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
        low = settings.get("min_node_count") or 1
        high = settings.get("max_node_count") or 10
        count = options.get("node_count") or 1
        if not low <= count <= high:
            raise BadInput(
                "node_count",
                count,
                "is outside the autoscaler's %d to %d nodes" % (low, high),
                "choose a count between them, or other bounds",
            )


def check_disk(image, boot_volume_size):
    """The boot volume holds the image, where a look-up told its minimum.

    :raises BadInput: it does not.
    """
    least = wire.read("int", image.get("min_disk"))
    if isinstance(least, int) and boot_volume_size is not None and boot_volume_size < least:
        raise BadInput(
            "boot_volume_size",
            boot_volume_size,
            "is too small for image %s" % image.get("name"),
            "give %d (GB) or more" % least,
        )


def check_fit(image, flavor):
    """The image is made for nodes of the flavor, where look-ups told of both (NKS API guide, List Images: one mark for each kind of flavors).

    :param image: the image as the image service shows it, or an empty dict.
    :param flavor: the flavor as the compute service shows it, or an empty dict.
    :raises BadInput: it is not.
    """
    marks = {
        kind: str(image.get("nhncloud_allow_nks_%s_flavor" % kind)).lower() == "true"
        for kind in ("cpu", "gpu")
    }
    if not flavor.get("name") or not any(marks.values()):
        # Without a mark an image is an older one, of which nothing is known.
        return
    kind = "gpu" if rules.GPU_FLAVOR.fullmatch(rules.flavor_type(flavor["name"])) else "cpu"
    if not marks[kind]:
        raise BadInput(
            "image",
            image.get("name"),
            "is not made for nodes of flavor %s" % flavor["name"],
            "choose an image for %s flavors" % kind.upper(),
        )


def _group_options():
    return {row.option for row in rows.NODEGROUP.values() if row.required}
