# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the outcome of an accepted request can be trusted.

A 202 proves nothing: the service may drop a change silently, show the status from before the
request for a while, or answer 404 for a resource that it has just created (observed on Magnum). So
the end of a wait is judged by three things: a status that is not busy, some evidence that the
service started working on the request, and the desired value itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable

from ansible_collections.nhncloud.nks.plugins.module_utils._common.clock import Clock
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import busy, mark

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State

#: How long the service may show the state from before a request: at least so many polls and so many
#: seconds.
SETTLE_POLLS = 5
SETTLE_SECONDS = 10.0
#: Polls that must show the desired value if nothing else shows that the service worked on the
#: request.
QUIET_POLLS = 3


class Settle:
    """What the polls after a request have shown.

    :param clock: see :mod:`clock`.
    :param before: the state from before the request.
    :param parent_before: that of the cluster, if the request is about a node group.
    """

    def __init__(
        self,
        clock: Clock,
        before: State | None,
        parent_before: State | None = None,
    ) -> None:
        self._clock = clock
        self._started = clock.now()
        self._before = mark(before)
        self._parent_before = mark(parent_before)
        self._polls = 0
        self._met = 0
        self._unmet = 0
        self._was_busy = False
        #: Whether anything shows that the service worked on the request.
        self.evidence = False

    def see(self, state: State | None) -> None:
        """Take in a poll of the resource."""
        self._polls += 1
        self._compare(state, self._before)

    def see_parent(self, state: State | None) -> None:
        """Take in a poll of the cluster that the node group belongs to."""
        self._compare(state, self._parent_before)

    def _compare(self, state: State | None, before: tuple[Any, ...] | None) -> None:
        """Note whether a state shows that the service works, or has worked, on the request."""
        self._was_busy = self._was_busy or busy(state)
        changed = state is not None and mark(state) != before
        self.evidence = self.evidence or self._was_busy or changed
        if busy(state):
            self._met = self._unmet = 0

    def judge(self, missing: Iterable[str]) -> bool | None:
        """Whether the request was performed (True), dropped (False), or cannot be judged yet
        (None).

        :param missing: the options whose desired value the service does not show.
        """
        if not list(missing):
            self._met, self._unmet = self._met + 1, 0
            return True if self.evidence or self._met >= QUIET_POLLS else None
        self._met, self._unmet = 0, self._unmet + 1
        # Once the service has been at work, one more poll is allowed for the value; before that,
        # the time to settle.
        over = self._unmet > 1 if self._was_busy else self.expired
        return False if over else None

    @property
    def expired(self) -> bool:
        """Whether the service has had its time to show anything."""
        return self._polls >= SETTLE_POLLS and self._clock.now() - self._started >= SETTLE_SECONDS
