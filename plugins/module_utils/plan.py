# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Present + wanted -> actions, diff and refusals. Pure functions: no request, no clock.

The plan is the only source of ``changed``, of ``actions``, of the diff and of check mode's answer.
"""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils import fields, wire
from ansible_collections.nhncloud.nks.plugins.module_utils.actions import Action, Plan, cluster_resource, group_resource, named_pair
from ansible_collections.nhncloud.nks.plugins.module_utils.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils.fields import UNKNOWN


def delete(resource, method, *args):
    """The plan that deletes a cluster or a node group."""
    return Plan([Action("delete", resource, {"state": ("present", "absent")}, (method, args, {}), group=args[0] if args else None)])


def fixed_differences(wanted, table, cluster, group, immutable, resource, names=None):
    """Differences in what cannot be changed after creation.

    :param immutable: "fail" or "warn".
    :param names: option -> UUID -> name; see :meth:`actions.Plan.named`.
    :returns: list of warnings.
    :raises NksError: with "fail"; names each option, its present value and the wanted one.
    """
    found = []
    for field in table:
        if field.change or wanted.get(field.option) is None:
            continue
        present = field.present(cluster, group)
        if not fields.equal(field.kind, wanted[field.option], present):
            found.append((field.option, *named_pair(field.show(present), field.show(wanted[field.option]), (names or {}).get(field.option))))
    labels = [holder["labels"] for holder in (group, cluster) if holder and holder.get("labels")]
    for label, value in fields.further_labels(wanted.get("labels") or {}).items():
        present = next((shown[label] for shown in labels if label in shown), UNKNOWN)
        if present is not UNKNOWN and not fields.equal_labels(value, present):
            found.append(("labels.%s" % label, wire.masked({label: present})[label], wire.masked({label: value})[label]))
    return _refuse(found, immutable, resource)


def _refuse(found, immutable, resource):
    """One text for all fixed differences, as a failure or as a warning."""
    if not found:
        return []
    text = "%s: cannot be changed after creation: %s" % (
        resource,
        "; ".join("%s is %s, wanted %s" % (option, _brief(before), _brief(after)) for option, before, after in found),
    )
    if immutable == "warn":
        return [text + ". Left as it is."]
    raise NksError(text + ". Set the present value, leave the option out, set immutable to warn, or delete and create anew.")


def _brief(value):
    if isinstance(value, list):
        return "[%s]" % ", ".join(str(item) for item in value)
    return "none" if value in (None, "") else "'%s'" % (value,)


def cluster_changes(cluster, group, groups, wanted, options):
    """The whole plan for a cluster that is there.

    :param cluster: the typed cluster.
    :param group: the typed node group default-worker; None where no option needs it.
    :param groups: the typed worker groups for an upgrade; see :func:`upgrade.upgrade_cluster`.
    :param wanted: option -> value with references resolved; only what was given.
    :param options: ``immutable``, ``upgrade``, ``versions``, ``autoscale`` (present settings), ``knobs``; ``names`` (option -> UUID -> name)
        and ``flavors`` (UUID -> name) where look-ups told them.
    :raises NksError: a refusal; nothing has been sent.
    """
    resource = cluster_resource(cluster["name"])
    changed_network = _changes().cni(resource, wanted, cluster, options["knobs"]) if wanted.get("cni") is not None else None
    fixed = dict(wanted)
    if changed_network:
        fixed.update(pods_network_cidr=None, pods_network_subnet=None)
    warnings = fixed_differences(fixed, fields.CLUSTER, cluster, group, options["immutable"], resource, options.get("names"))
    first, last = [], []
    if group:
        _check_flavor(group_resource(cluster["name"], group["name"]), group, wanted, options.get("flavors"))
        first, last, more = _changes().group_changes(cluster["name"], group, wanted, options["autoscale"], options["knobs"])
        warnings += more
    upgrades = []
    if wanted.get("kubernetes_version") is not None:
        from ansible_collections.nhncloud.nks.plugins.module_utils import upgrade

        upgrades, more = upgrade.upgrade_cluster(cluster, groups, wanted["kubernetes_version"], options["upgrade"], options["versions"], options["knobs"])
        warnings += more
    gateways = _changes().service_gateways(resource, wanted, cluster) if wanted.get("ncr_sgw") or wanted.get("obs_sgw") else None
    middle = [action for action in (gateways, changed_network) if action]
    return Plan(first + middle + upgrades + last, warnings).named(options.get("names") or {})


def _check_flavor(resource, group, wanted, flavors):
    """Refuse a change of the flavor that the service never makes.

    :param flavors: UUID -> name, as far as they are known.
    """
    before, after = wire.one_spelling(str(group.get("flavor_id"))), wanted.get("flavor")
    if flavors and after is not None and not fields.equal("uuid", after, before):
        from ansible_collections.nhncloud.nks.plugins.module_utils import rules

        rules.check_flavor_change(resource, flavors.get(before), flavors.get(after))


def nodegroup_changes(cluster, group, wanted, options):
    """The whole plan for a node group that is there; parameters as :func:`cluster_changes`.

    :param options: the same without ``upgrade``.
    """
    resource = group_resource(cluster["name"], group["name"])
    warnings = fixed_differences(wanted, fields.NODEGROUP, None, group, options["immutable"], resource, options.get("names"))
    _check_flavor(resource, group, wanted, options.get("flavors"))
    first, last, more = _changes().group_changes(cluster["name"], group, wanted, options["autoscale"], options["knobs"])
    upgrades = []
    if wanted.get("kubernetes_version") is not None:
        from ansible_collections.nhncloud.nks.plugins.module_utils import upgrade

        upgrades = upgrade.upgrade_group(cluster, group, wanted["kubernetes_version"], options["versions"], options["knobs"])
    return Plan(first + upgrades + last, warnings + more).named(options.get("names") or {})


def _changes():
    """The room of what can be changed; a task that gives nothing of it need not load it."""
    from ansible_collections.nhncloud.nks.plugins.module_utils import changes

    return changes


#: Options whose value is read from node group default-worker.
NEEDS_GROUP = [field.option for field in fields.CLUSTER if field.group] + ["autoscale", "labels"]
