# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why an operation failed: the resource's own reason, and the newest failed event of its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError, WaitError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State

#: Words of a failure, in lower case, and what to do about it.
REMEDIES = (
    (
        ("quota", "limit exceeded"),
        "Ask for a larger quota in the console, or remove what is not needed.",
    ),
    (
        ("no capacity", "no valid host"),
        "Choose another flavor or availability zone, or try again later.",
    ),
    (
        ("disruption budget", "disruptionbudget", "drain"),
        "Check which PodDisruptionBudget or pod keeps a node from being drained, then run the task again.",
    ),
)
CERTIFICATE = (
    "Renew the certificate again with nks_certificate; until then NKS accepts no other change."
)


def failure(watch: Watch, state: State) -> WaitError:
    """Why a resource is in a failed status: each fact once, with the remedy if one is known."""
    event = last_failed_event(watch, state) or {}
    faults = state.get("faults")
    # The reasons of its node groups, if the cluster itself only reports that they failed (observed
    # on Magnum).
    own = list(faults.values()) if isinstance(faults, dict) else []
    facts = _distinct([state.get("status_reason"), *own])
    shown = facts[0] if facts else "no reason given"
    if facts[1:]:
        shown += " (%s)" % "; ".join(facts[1:])
    if event.get("type"):
        more = _distinct([*facts, event.get("contents")])[len(facts) :]
        shown += ". Last failed event: %s%s" % (event["type"], " (%s)" % more[0] if more else "")
    remedy = _remedy(" ".join([*facts, str(event.get("contents") or "")]), event)
    return WaitError(
        "%s is in %s: %s.%s" % (watch.name, state["status"], shown, " " + remedy if remedy else ""),
        status=state["status"],
        status_reason=state.get("status_reason"),
        event=event or None,
    )


def _distinct(texts: Iterable[Any]) -> list[str]:
    """The texts that are not part of an earlier one, without the period at their end."""
    found: list[str] = []
    for item in texts:
        text = " ".join(str(item or "").split()).rstrip(".")
        if text and not any(text.lower() in other.lower() for other in found):
            found.append(text)
    return found


def _remedy(text: str, event: dict[str, Any]) -> str:
    """What to do about a failed operation, if its text shows that (NKS user guide; observed); an
    empty text otherwise.
    """
    if "CERTIFICATE" in str(event.get("type")):
        return CERTIFICATE
    lower = text.lower()
    return next((remedy for words, remedy in REMEDIES if any(word in lower for word in words)), "")


def last_failed_event(watch: Watch, state: State) -> dict[str, Any] | None:
    """The newest failed event of the resource, or of the cluster; None if the history cannot be
    read.
    """
    try:
        events = [
            event for event in watch.api.events(watch.cluster) if event.get("state") == "FAIL"
        ]
    except NksError:
        # The failure itself must be reported, whether or not its history can be read.
        return None
    return newest_event(events, state.get("uuid") if watch.group else None)


def newest_event(
    events: list[dict[str, Any]], resource: str | None = None
) -> dict[str, Any] | None:
    """The newest of some events, None if there are none.

    :param resource: UUID of a node group, whose own events come first: the history of a cluster
        includes its node groups'.
    """
    own = [event for event in events if resource and event.get("resource_uuid") == resource]
    typed = [wire.event(event) for event in own or events]
    newest = sorted(
        typed, key=lambda event: (str(event.get("created_at")), _number(event.get("id")))
    )
    return newest[-1] if newest else None


def dropped(watch: Watch, operation: str, missing: Iterable[str]) -> WaitError:
    """The service accepted a request and did not perform it."""
    options = ", ".join(missing)
    return WaitError(
        "%s: NKS accepted '%s' but %s did not change to the requested value. Check the status and the events, then run the task again."
        % (watch.name, operation, options),
        status=watch.last["status"] if watch.last else None,
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) else -1
