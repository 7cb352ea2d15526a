# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the nodes of a node group are ready, as ``health_status_reason`` of the cluster shows it.
Pure functions of typed replies.

The service collects this from the Kubernetes API at intervals and shows it in one of two forms
("docs/service-facts.md", Health): numbers and a word for each node group (observed), or the
condition Ready of each node by its name (NKS API guide of 2024). ``health_status`` is the age of the
data, not a health.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence

from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State

#: Name -> value of ``health_status_reason``.
Facts = Dict[str, Any]

#: Members for a node group, before its name: a word, and "ready:not ready".
STATUS = "nodegroup.node_status."
NUMBERS = "nodegroup-stats."
#: The end of a member for one node, after its name.
READY = ".Ready"
#: Words for data that is older than the service considers valid (5 minutes).
OUTDATED = ("STALE", "ROTTEN", "STALED_DATA", "ROTTEN_DATA")
#: A word for nodes that are all ready.
NORMAL = "NORMAL"
#: Most names of nodes in one message.
MAX_NAMES = 10


def facts(cluster: State) -> Facts:
    """``health_status_reason`` with one name for each value; empty if the service shows none.

    Whether the dots in the names are a part of them or nesting is not documented.
    """
    found: Facts = {}
    pending: list[tuple[str, Any]] = [("", wire.read("json", cluster.get("health_status_reason")))]
    while pending:
        prefix, value = pending.pop()
        if isinstance(value, Mapping):
            pending += [(prefix + str(key) + ".", item) for key, item in value.items()]
        elif prefix:
            found[prefix[:-1]] = value
    return found


def collected(cluster: State) -> Any:
    """When the data was collected, in the service's own form; None if it does not show that.

    It is only compared for equality: the zone differs from the one that the guide documents.
    """
    return facts(cluster).get("timestamp")


def unusable(cluster: State, after: Any = None) -> str:
    """Why the data says nothing about the nodes; empty if it does.

    :param cluster: the typed cluster.
    :param after: what :func:`collected` returned when the last operation had ended. That data is
        from before its end, so newer data is needed. None if any data counts.
    """
    found, age = facts(cluster), str(cluster.get("health_status") or "")
    shown = ["health_status: %s" % (age or "none")]
    if age.upper() == "UNKNOWN" or not any(
        name.startswith((STATUS, NUMBERS)) or name.endswith(READY) for name in found
    ):
        return "NKS shows no health of the nodes (%s)" % shown[0]
    words = [age, _word(found.get("cluster.api_status"))]
    if any(word in OUTDATED for word in words):
        if "timestamp" in found:
            shown.append("collected %s" % found["timestamp"])
        return "the health that NKS shows is outdated (%s)" % ", ".join(shown)
    broken = [
        "%s: %s" % (name, found[name])
        for name, good in (("api", "OK"), ("cluster.api_status", NORMAL))
        if _word(found.get(name)) not in ("", good)
    ]
    if broken:
        return "NKS cannot reach the Kubernetes API (%s)" % ", ".join(broken)
    if after is not None and found.get("timestamp") == after:
        return "NKS has not collected the health of the nodes again since the operation ended"
    return ""


def unready(cluster: State, group: State, running: Sequence[str] | None = None) -> str:
    """What is missing until all nodes of a node group are ready; empty if they are.

    :param cluster: the typed cluster, whose data is not :func:`unusable`.
    :param group: the typed node group.
    :param running: the names of its nodes without those that were stopped, which are no nodes of
        Kubernetes; None if they are not known, and then every node counts.
    """
    found, name = facts(cluster), str(group["name"])
    count = group.get("node_count")
    expected = count if isinstance(count, int) else 1
    if running is not None:
        expected = min(expected, len(running))
    if not any(key.startswith((STATUS, NUMBERS)) for key in found):
        return _unready_by_name(cluster, found, name, running)
    word, numbers = _word(found.get(STATUS + name)), _numbers(found.get(NUMBERS + name))
    if not word and numbers is None:
        return "node group %s: not shown yet" % name
    if numbers is None:
        return "" if word == NORMAL else "node group %s: %s" % (name, word)
    ready, not_ready = numbers
    if word in ("", NORMAL) and not not_ready and ready >= expected:
        return ""
    return "node group %s: %d of %d nodes are ready%s" % (
        name,
        ready,
        max(expected, ready + not_ready),
        " (%s)" % word if word not in ("", NORMAL) else "",
    )


def _unready_by_name(
    cluster: State, found: Facts, group: str, running: Sequence[str] | None
) -> str:
    """:func:`unready` for the form that shows each node by its name.

    If the names of the group's nodes are not known, every node of the cluster has to be ready.
    """
    shown = {
        key[: -len(READY)]: _word(value) for key, value in found.items() if key.endswith(READY)
    }
    names = list(shown) if running is None else list(running)
    bad = ["%s (%s)" % (name, shown.get(name) or "not shown") for name in sorted(names)]
    bad = [text for text, name in zip(bad, sorted(names)) if shown.get(name) != "TRUE"]
    count = cluster.get("node_count")
    missing = running is None and isinstance(count, int) and len(shown) < count
    if not bad and not missing:
        return ""
    text = "%s: %d of %d nodes are ready" % (
        "node group " + group if running is not None else "all node groups",
        len(names) - len(bad),
        max(len(names), count) if missing else len(names),
    )
    more = ", and %d more" % (len(bad) - MAX_NAMES) if len(bad) > MAX_NAMES else ""
    return text + ("; not ready: %s%s" % (", ".join(bad[:MAX_NAMES]), more) if bad else "")


def _word(value: Any) -> str:
    """A word of the service in upper case; empty if there is none."""
    return "" if value is None else str(value).strip().upper()


def _numbers(value: Any) -> tuple[int, int] | None:
    """(nodes that are ready, nodes that are not) of "2:1"; None for anything else."""
    parts = str(value).split(":") if isinstance(value, str) else []
    numbers = [wire.read("int", part) for part in parts]
    if len(numbers) != 2 or not all(isinstance(number, int) for number in numbers):
        return None
    return numbers[0], numbers[1]
