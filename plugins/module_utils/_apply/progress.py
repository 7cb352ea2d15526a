# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress messages of a wait: one at each change, and one each minute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.nhncloud.nks.plugins.module_utils._apply.failures import newest_event
from ansible_collections.nhncloud.nks.plugins.module_utils._common.clock import Clock
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch, busy

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State

#: A wait reports at least this often that it continues (seconds).
REPORT_SECONDS = 60.0
#: Longest part of an event's contents in a message (characters).
MAX_CONTENTS = 100


class Progress:
    """The messages of one wait.

    :param report: called with each message; None if there is no output for them.
    :param clock: see :mod:`clock`.
    """

    def __init__(self, report: Callable[[str], None] | None, clock: Clock) -> None:
        self._report = report
        self._clock = clock
        self._started = clock.now()
        self._shown: Any = None
        self._when = self._started

    @property
    def reported(self) -> bool:
        """Whether anything has been reported yet."""
        return self._shown is not None

    def update(self, watch: Watch, trouble: Exception | None = None, note: str = "") -> None:
        """Report the state last seen, if it differs from what was reported or a minute has passed.

        :param trouble: why the state could not be read this time.
        :param note: what else is known about the wait.
        """
        if self._report is None:
            return
        now = self._clock.now()
        status = (
            watch.last["status"]
            if watch.last
            else "deleted"
            if self.reported
            else "not visible yet"
        )
        shown = (watch.name, status, nodes(watch.last), note)
        if shown == self._shown and now - self._when < REPORT_SECONDS:
            return
        self._shown, self._when = shown, now
        # A service that does not answer a read would not list its events either.
        event = running_event(watch) if trouble is None and busy(watch.last) else ""
        parts = ["%s: %s" % shown[:2], duration(now - self._started), *shown[2:], event]
        self._report(", ".join(part for part in parts if part))


def duration(seconds: float) -> str:
    """Seconds as text: "1 min 20 s"."""
    minutes, rest = divmod(int(seconds), 60)
    return "%d min %d s" % (minutes, rest) if minutes else "%d s" % rest


def nodes(state: State | None) -> str:
    """ "1 of 3 nodes", or "3 nodes, 2 requested", if the service shows both numbers; for a cluster
    only while some are missing.

    Nodes that exist have addresses. The requested number of a node group is in its label
    ``requested_node_count`` (observed), that of a cluster in ``node_count``.
    """
    state = state or {}
    requested = (state.get("labels") or {}).get("requested_node_count")
    addresses, count = state.get("node_addresses"), state.get("node_count")
    done = len(addresses) if isinstance(addresses, list) else count
    if isinstance(requested, int) and isinstance(done, int):
        # More than requested: nodes that are being removed, or buffer nodes of an upgrade.
        form = "%d of %d nodes" if done <= requested else "%d nodes, %d requested"
        return form % (done, requested)
    if isinstance(addresses, list) and isinstance(count, int) and len(addresses) < count:
        return "%d of %d nodes" % (len(addresses), count)
    return ""


def running_event(watch: Watch) -> str:
    """The running event and its progress: "CLUSTER_CREATE: Creating nodes"; empty if the service
    shows none.
    """
    try:
        # A progress message is not worth a second attempt.
        events = [
            event
            for event in watch.api.events(watch.cluster, safe=False)
            if event.get("state") == "IN_PROGRESS"
        ]
    except NksError:
        return ""
    event = newest_event(events, (watch.last or {}).get("uuid") if watch.group else None)
    if event is None:
        return ""
    contents = " ".join(wire.masked(str(event.get("contents") or "")).split())[:MAX_CONTENTS]
    return str(event.get("type")) + (": " + contents if contents else "")
