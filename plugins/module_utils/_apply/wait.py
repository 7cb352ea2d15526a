# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The poll loop, and what it waits for: idle, ready, done, deleted, and nodes that are ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Sequence, TypeVar

from ansible_collections.nhncloud.nks.plugins.module_utils._apply.failures import dropped, failure
from ansible_collections.nhncloud.nks.plugins.module_utils._apply.progress import Progress
from ansible_collections.nhncloud.nks.plugins.module_utils._apply.settle import Settle
from ansible_collections.nhncloud.nks.plugins.module_utils._common.clock import Clock
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    ApiError,
    BadReply,
    NksError,
    NoAnswer,
    WaitError,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import (
    Watch,
    busy,
    failed,
    mark,
    ready,
)

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State
    from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import Operation

Answer = TypeVar("Answer")

#: How long the service may answer 404 for a new resource (seconds).
MISSING_SECONDS = 60.0
#: What to do about a wait that took too long: for an operation, and for nodes.
RESUME = (
    "The operation may still be running: run the task again to resume waiting, or set a longer "
    "wait_timeout."
)
CHECK_NODES = (
    "Check the nodes and run the task again to resume waiting, set a longer wait_timeout, or set "
    "wait_for_nodes to false."
)


class Waiter:
    """Waits for resources.

    :param clock: see :mod:`clock`.
    :param interval: seconds between two polls.
    :param timeout: seconds for one operation.
    :param progress: called with a message for each change and each minute.
    :param limit: called with the seconds for which requests may be repeated from then on.
    """

    def __init__(
        self,
        clock: Clock,
        interval: float = 10.0,
        timeout: float = 3600,
        progress: Callable[[str], None] | None = None,
        limit: Callable[[float], None] | None = None,
    ) -> None:
        self.clock = clock
        self.interval = interval
        self.timeout = timeout
        self._report = progress
        self.progress: Callable[[str], None] = progress or (lambda line: None)
        self.limit: Callable[[float], None] = limit or (lambda seconds: None)

    def poll(
        self,
        watch: Watch,
        until: Callable[[], Answer | None],
        aim: str,
        pause_first: bool = False,
        parent: Watch | None = None,
        note: Callable[[], str] | None = None,
        remedy: str = RESUME,
    ) -> Answer:
        """Call ``until`` between pauses until it returns something other than None.

        :param watch: the resource whose status is reported.
        :param aim: what the wait is for, for messages ("to be ready").
        :param parent: the resource to report instead, while only that one is busy.
        :param note: returns what else to report of the wait, as of the last poll.
        :param remedy: what to do if the time is over.
        :raises WaitError: the time is over.
        """
        started = self.clock.now()
        progress = Progress(self._report, self.clock)
        noted: Callable[[], str] = note or (lambda: "")
        self.limit(self.timeout)
        if pause_first:
            self.clock.sleep(min(self.interval, self.timeout))
        while True:
            trouble: NksError | None = None
            try:
                answer = until()
                if answer is not None:
                    if progress.reported:
                        progress.update(watch, note=noted())
                    # The requests after the wait have their own time limit.
                    self.limit(self.timeout)
                    return answer
            except (NoAnswer, BadReply) as error:
                # One failed request must not end a wait of an hour; the time limit does.
                trouble = error
            except ApiError as error:
                if error.status < 500:
                    raise
                trouble = error
            elapsed = self.clock.now() - started
            only_parent_busy = parent is not None and busy(parent.last) and not busy(watch.last)
            progress.update(
                parent if parent is not None and only_parent_busy else watch, trouble, noted()
            )
            if elapsed >= self.timeout:
                raise self._timed_out(watch, aim, trouble, noted(), remedy)
            self.clock.sleep(min(self.interval, self.timeout - elapsed))

    def _timed_out(
        self, watch: Watch, aim: str, trouble: NksError | None, note: str, remedy: str
    ) -> WaitError:
        status = watch.last["status"] if watch.last else "nothing"
        return WaitError(
            "Timed out after %g s waiting for %s %s; its last status was %s.%s%s %s"
            % (
                self.timeout,
                watch.name,
                aim,
                status,
                " What is missing: %s." % note if note else "",
                " " + trouble.msg if trouble else "",
                remedy,
            ),
            status=status,
        )

    def wait_until_idle(self, watch: Watch, first: State | None = None) -> State | None:
        """Wait while an operation is in progress, regardless of who started it.

        :param first: a state that was just read, so that an idle resource costs no request.
        :returns: the state, or None if the resource was deleted.
        :raises WaitError: the time is over.
        """
        if first is not None and not busy(first):
            return first

        def check() -> tuple[State | None] | None:
            state = watch.read()
            return None if busy(state) else (state,)

        return self.poll(watch, check, "to become idle", pause_first=first is not None)[0]

    def wait_until_deleted(self, watch: Watch, before: State | None) -> None:
        """Wait for 404 after a DELETE.

        :param before: the state from before it.
        :raises WaitError: the deletion failed, or was dropped.
        """
        settle = Settle(self.clock, before)

        def check() -> bool | None:
            state = watch.read()
            settle.see(state)
            if state is None:
                return True
            if failed(state) and settle.evidence:
                raise failure(watch, state)
            if not settle.evidence and settle.expired:
                raise dropped(watch, "delete", ["state"])
            return None

        self.poll(watch, check, "to be deleted", pause_first=True)

    def wait_until_shown(self, watch: Watch) -> State | None:
        """Wait a moment for a new resource for which the service still answers 404.

        :returns: the state; None if it does not appear.
        """
        started = self.clock.now()

        def check() -> tuple[State | None] | None:
            state = watch.read()
            over = self.clock.now() - started >= min(MISSING_SECONDS, self.timeout)
            return (state,) if state is not None or over else None

        return self.poll(watch, check, "to be shown")[0]

    def wait_until_ready(
        self,
        watch: Watch,
        missing: Callable[[], Any] | None = None,
        shown: Callable[[], Any] | None = None,
    ) -> State:
        """Wait for a new resource to be ready; a 404 is tolerated for a moment.

        :param missing: called at each poll before it is shown.
        :param shown: called at the first poll that shows it.
        :raises WaitError: it failed, or vanished.
        """
        started = self.clock.now()
        seen: list[bool] = []

        def check() -> State | None:
            state = watch.read()
            if state is None:
                if missing is not None and not seen:
                    missing()
                if seen or self.clock.now() - started > min(MISSING_SECONDS, self.timeout):
                    what = (
                        "was deleted by someone else"
                        if seen
                        else "did not appear although NKS accepted it"
                    )
                    raise WaitError(
                        "%s %s while the task waited for it to be ready." % (watch.name, what)
                    )
                return None
            if shown is not None and not seen:
                shown()
            seen.append(True)
            if failed(state):
                raise failure(watch, state)
            return state if ready(state) else None

        return self.poll(watch, check, "to be ready", pause_first=True)

    def wait_until_done(
        self,
        operation: Operation,
        watch: Watch,
        before: State | None,
        parent: Watch | None = None,
        parent_before: State | None = None,
    ) -> State:
        """Wait for a change that the service accepted.

        :param operation: its outcome is checked.
        :param watch: the resource that shows the outcome.
        :param before: its state from before the request.
        :param parent: the cluster, if the resource is a node group: an operation on a group makes
            the cluster busy too.
        :raises WaitError: the operation failed, or was dropped.
        """
        settle = Settle(self.clock, before, parent_before)

        def check() -> State | None:
            state = watch.read()
            if state is None:
                raise WaitError(
                    "%s was deleted by someone else while it was being changed (%s)."
                    % (watch.name, operation.name)
                )
            settle.see(state)
            if busy(state):
                return None
            if failed(state) and settle.evidence:
                raise failure(watch, state)
            if parent is not None:
                above = parent.read()
                settle.see_parent(above)
                if busy(above):
                    return None
                if above is not None and failed(above) and mark(above) != mark(parent_before):
                    raise failure(parent, above)
            missing = operation.missing(state, watch.api, watch.cluster)
            performed = settle.judge(missing)
            if performed is False:
                raise dropped(watch, operation.name, missing)
            return state if performed else None

        return self.poll(
            watch, check, "to finish %s" % operation.name, pause_first=True, parent=parent
        )

    def wait_until_nodes_ready(
        self,
        watch: Watch,
        groups: Sequence[Watch],
        running: Callable[[Watch], Sequence[str] | None],
        after: Any = None,
        fresh: bool = False,
    ) -> None:
        """Wait until the service shows that all nodes of some node groups are ready.

        :param watch: the watch of the cluster, which shows the health of all nodes.
        :param groups: watches of the node groups.
        :param running: returns the names of a node group's nodes that were not stopped; None if
            they are not known.
        :param after: see :func:`health.unusable`.
        :param fresh: whether all states were just read and no operation has changed the nodes, so
            that ready nodes cost no request.
        :raises WaitError: the time is over, or a resource was deleted.
        """
        # Most tasks do not wait for nodes; see engine for imports within functions.
        from ansible_collections.nhncloud.nks.plugins.module_utils._model import health

        missing: list[str] = []

        def judge() -> bool | None:
            problem = health.unusable(watch.state, after)
            if busy(watch.last):
                problem = "another operation is in progress"
            missing[:] = [problem] if problem else []
            for group in [] if problem else groups:
                found = health.unready(watch.state, group.state)
                # Only if nodes seem to be missing, it matters which of them were stopped.
                found = found and health.unready(watch.state, group.state, running(group))
                missing.extend([found] if found else [])
            return None if missing else True

        def check() -> bool | None:
            for one in (watch, *groups):
                if one.read() is None:
                    raise WaitError(
                        "%s was deleted by someone else while the task waited for its nodes."
                        % one.name
                    )
            return judge()

        if fresh and judge():
            return
        self.poll(
            watch,
            check,
            "to have all nodes ready",
            pause_first=True,
            note=lambda: "; ".join(missing) or "all nodes are ready",
            remedy=CHECK_NODES,
        )
