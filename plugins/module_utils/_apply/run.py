# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applies a plan: performs its operations in order and waits for each.

A write is sent again only after the state was read: a request whose answer was lost may have been
applied.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, NoReturn

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    ApiError,
    BadReply,
    NksError,
    NoAnswer,
    PlanOutdated,
    WaitError,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import (
    Watch,
    busy,
    failed,
    mark,
)

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._apply.wait import Waiter
    from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State
    from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
        Operation,
        Plan,
    )

#: What the service returned, or an empty reply for a request whose trace was found.
Reply = Dict[str, Any]

#: How long to look for the trace of a request whose answer was lost: at least so many polls and
#: seconds.
TRACE_POLLS = 3
TRACE_SECONDS = 6.0


class Runner:
    """Performs the operations of one task.

    :param api: see :class:`api.Api`.
    :param waiter: see :class:`wait.Waiter`.
    :param waits: whether to wait for the last operation; for all others the runner always waits,
        because the next one needs them.
    :param cluster: the watch of the cluster; None if the plan creates it.
    """

    def __init__(
        self, api: Api, waiter: Waiter, waits: bool = True, cluster: Watch | None = None
    ) -> None:
        self.api = api
        self.waiter = waiter
        self.waits = waits
        self._cluster = cluster
        #: Watches of node groups, by UUID.
        self.groups: dict[str | None, Watch] = {}
        #: Name -> UUID of the node groups that were created.
        self.created: dict[str, str] = {}
        #: UUIDs of the node groups that were deleted: a list may still show them.
        self._deleted: set[str | None] = set()
        #: The operations that were performed.
        self.done: list[Operation] = []
        #: Watches that the wait for the last operation has just read.
        self.fresh: tuple[Watch, ...] = ()
        #: Whether the created cluster was found by its name, because the answer to the creation was
        #: lost.
        self.adopted = False
        self.warnings: list[str] = []

    @property
    def cluster(self) -> Watch:
        """The watch of the cluster.

        :raises LookupError: it is not created yet.
        """
        if self._cluster is None:
            raise LookupError("The cluster is not created yet.")
        return self._cluster

    def apply(self, plan: Plan) -> State | None:
        """Perform all operations of a plan, in order.

        :returns: the state after the last one, typed; None if it deleted something, was not waited
            for, or there was none.
        :raises PlanOutdated: the state differs from the one that the plan was made from.
        :raises NksError: the first operation that failed; those before it stay performed.
        """
        state = None
        for operation in plan.operations:
            waits = self.waits or operation is not plan.operations[-1]
            self.waiter.limit(self.waiter.timeout)
            bound = self._bound(operation)
            if self.done and bound.creates is None:
                self._require_expected(bound)
            self.waiter.progress("%s: %s" % (bound.resource, bound.name))
            if bound.name == "create":
                state = self._create(bound, waits)
            elif bound.name == "delete":
                self._delete(bound, waits)
                state = None
            else:
                state = self._change(bound, waits)
            self.done.append(operation)
        return state

    def _bound(self, operation: Operation) -> Operation:
        """The operation with the UUID of its node group, if an earlier one has created that."""
        if operation.bind is None or operation.group is None:
            return operation
        return operation.bind(self.created[operation.group])

    def _require_expected(self, operation: Operation) -> None:
        """Require that a later operation is still needed as it was planned. Those before it took
        minutes, and others may work on the cluster too.

        What someone else has already done must not be done again: each node would be replaced a
        second time.

        :raises PlanOutdated: it is not needed any more; no operation is in progress then.
        """
        watch = self._watch_of(operation)
        if watch not in self.fresh:
            watch.read()
        if busy(watch.last) or watch.last is None:
            self._wait_until_idle(watch, self.cluster)
        elif (operation.name == "delete" or not failed(watch.last)) and operation.expected(
            watch.last, self.api, self.cluster.cluster
        ):
            return
        raise PlanOutdated(
            WaitError(
                "%s was changed by someone else between two steps of this task." % watch.name
            ),
            self.done,
        )

    def _wait_until_idle(self, *watches: Watch) -> None:
        """Wait until no operation is in progress on any of the resources."""
        for watch in watches:
            self.waiter.wait_until_idle(watch, watch.last)

    def _watch_of(self, operation: Operation) -> Watch:
        """The watch of the resource that shows the outcome of an operation."""
        if operation.group:
            return self.watch_group(operation.group, operation.resource)
        return self.cluster

    def watch_group(self, group: str, name: str, last: State | None = None) -> Watch:
        """The watch of a node group; one for each, so that the state last seen is known."""
        if group not in self.groups:
            self.groups[group] = Watch(self.api, self.cluster.cluster, group, name, last)
        return self.groups[group]

    # -- the three kinds of operations -------------------------------------------------------------

    def _create(self, operation: Operation, waits: bool) -> State | None:
        return (
            self._create_cluster(operation, waits)
            if operation.group is None
            else self._create_group(operation, waits)
        )

    def _create_cluster(self, operation: Operation, waits: bool) -> State | None:
        name = str(operation.creates)
        reply = self._send(self._request(operation, ""), lambda: self._adopt_cluster(name))
        self._cluster = watch = Watch(self.api, _uuid(reply, operation), None, operation.resource)
        if not waits:
            return None
        state = self.waiter.wait_until_ready(watch, shown=lambda: self.require_only_cluster(name))
        # The service may show the other cluster only now.
        self.require_only_cluster(name, last=True)
        return state

    def _create_group(self, operation: Operation, waits: bool) -> State | None:
        name = str(operation.creates)
        reply = self._send(
            self._request(operation, self.cluster.cluster),
            lambda: self._read_group(name),
            self.cluster,
            rival=lambda: self._read_rival(name),
        )
        uuid = self.created[name] = _uuid(reply, operation)
        watch = self.watch_group(uuid, operation.resource)
        self.fresh = ()
        if not waits:
            return None
        state = self.waiter.wait_until_ready(
            watch, missing=lambda: self.require_no_rival(name, watch)
        )
        if busy(self.cluster.read()):
            # A new group keeps the cluster busy too, and may show changes until that has ended.
            self.waiter.wait_until_idle(self.cluster, self.cluster.last)
            state = watch.read() or state
        other = operation.missing(state, self.api, self.cluster.cluster)
        if other:
            raise WaitError(
                "%s: NKS created it, but shows other values than requested for %s. Check these "
                "options, delete the node group (state: absent), and run the task again."
                % (watch.name, ", ".join(other)),
                status=state["status"],
            )
        return state

    def _delete(self, operation: Operation, waits: bool) -> None:
        watch = self._watch_of(operation)
        before = watch.last
        self.fresh = ()

        def trace() -> Reply | None:
            state = watch.read()
            return {} if state is None or str(state["status"]).startswith("DELETE_IN") else None

        try:
            self._send(self._request(operation, self.cluster.cluster), trace, self.cluster, watch)
        except ApiError as error:
            if error.status != 404:
                raise
            # Someone else has deleted it in the meantime, which is the desired state.
            watch.last = None
            self._deleted.add(operation.group)
            return
        if not waits:
            self._wait_until_noticed(trace)
            return
        self.waiter.wait_until_deleted(watch, before)
        self._deleted.add(operation.group)
        if operation.group:
            self.waiter.wait_until_idle(self.cluster)

    def _change(self, operation: Operation, waits: bool) -> State | None:
        watch = self._watch_of(operation)
        parent = self.cluster if operation.group else None
        before = watch.last or watch.read()
        parent_before = parent.last if parent else None

        def trace() -> Reply | None:
            state = watch.read()
            noticed = (
                busy(state)
                or mark(state) != mark(before)
                or (
                    state is not None
                    and not operation.missing(state, self.api, self.cluster.cluster)
                )
            )
            if not noticed and parent is not None:
                above = parent.read()
                noticed = busy(above) or mark(above) != mark(parent_before)
            return {} if noticed else None

        self._send(self._request(operation, self.cluster.cluster), trace, self.cluster, watch)
        if not waits:
            self._wait_until_noticed(trace)
            return None
        state = self.waiter.wait_until_done(operation, watch, before, parent, parent_before)
        self.fresh = (watch, self.cluster)
        return state

    def _wait_until_noticed(self, trace: Callable[[], Reply | None]) -> None:
        """Give the service a moment to show that it works on a request, if the task does not wait
        for the outcome.

        It may still show the state from before (observed on Magnum), and the next task would plan
        from that.
        """
        with contextlib.suppress(NksError):
            self._find_trace(trace, True, self.waiter.clock.now() + TRACE_SECONDS)

    # -- sending -----------------------------------------------------------------------------------

    def _request(self, operation: Operation, cluster: str) -> Callable[[], Any]:
        """The call that sends an operation.

        :param cluster: the cluster's UUID; empty if the operation creates it.
        """
        send = operation.send
        if send is None:
            raise LookupError("%s is no operation of the service." % operation.name)
        return lambda: send(self.api, cluster)

    def _send(
        self,
        call: Callable[[], Any],
        trace: Callable[[], Reply | None],
        *watches: Watch,
        rival: Callable[[], Reply | None] | None = None,
    ) -> Any:
        """Send a write, again if needed, until it is known whether it was applied.

        :param trace: reads whether the request was applied although it was not answered; returns a
            reply, or None.
        :param watches: the resources on which another operation may prevent this one; none if they
            do not exist yet.
        :param rival: reads what someone else may have created under the same name.
        :returns: what ``call`` or ``trace`` returned; operations differ in what they answer.
        :raises PlanOutdated: another operation prevents this one.
        :raises NksError: the request was rejected, or not answered in all attempts.
        """
        attempt = 0
        deadline = self.waiter.clock.now() + self.waiter.timeout
        while True:
            try:
                return call()
            except (NoAnswer, BadReply) as error:
                attempt += 1
                # Pause first, then look for the trace: the request itself follows immediately.
                again = self.api.transport.pause(attempt, error)
                try:
                    found = self._find_trace(trace, getattr(error, "maybe_done", True), deadline)
                except (NoAnswer, BadReply, ApiError) as trouble:
                    error.msg += (
                        " Could not verify whether the request was applied: %s" % trouble.msg
                    )
                    raise error from None
                if found is not None:
                    return found
                if not again:
                    raise
            except ApiError as error:
                if attempt:
                    found = self._find_trace(trace, False, deadline)
                    if found is not None:
                        return found
                self._handle_rejection(error, deadline, watches, rival)

    def _handle_rejection(
        self,
        error: ApiError,
        deadline: float,
        watches: tuple[Watch, ...],
        rival: Callable[[], Reply | None] | None,
    ) -> NoReturn:
        """Raise what follows from a request that the service rejected.

        "Another operation is in progress" is 400 or 409; only the status of the resources
        distinguishes it from invalid input.

        :raises PlanOutdated: another operation prevents this one.
        :raises ApiError: the given error, in all other cases.
        """
        if error.status not in (400, 409) or self.waiter.clock.now() >= deadline:
            raise error
        if not self._read_whether_changed(watches) and (
            rival is None or self._find_trace(rival, error.status == 409, deadline) is None
        ):
            raise error
        if self.done:
            self._wait_until_idle(*watches)
        raise PlanOutdated(error, self.done) from None

    @staticmethod
    def _read_whether_changed(watches: Iterable[Watch]) -> bool:
        """Read whether another operation is in progress, or has just ended."""
        watches = list(watches)
        before = [mark(watch.last) for watch in watches]
        after = [watch.read() for watch in watches]
        return any(busy(state) for state in after) or [mark(state) for state in after] != before

    def _find_trace(
        self, trace: Callable[[], Reply | None], patiently: bool, deadline: float
    ) -> Reply | None:
        """Poll for the trace of a request without an answer; None if there is none.

        :param patiently: whether to poll for TRACE_SECONDS; otherwise one poll decides.
        :param deadline: when to give up if the state cannot be read.
        :raises NksError: the state could not be read, so the request must not be sent again.
        """
        started, polls = self.waiter.clock.now(), 0
        while True:
            found: Reply | None = None
            trouble: NksError | None = None
            try:
                found = trace()
            except (NoAnswer, BadReply, ApiError) as error:
                trouble = error
            polls += 1
            enough = not patiently or (
                polls >= TRACE_POLLS and self.waiter.clock.now() - started >= TRACE_SECONDS
            )
            if found is not None or (enough and trouble is None):
                return found
            over = (
                polls >= TRACE_POLLS + self.api.transport.max_retries
                or self.waiter.clock.now() >= deadline
            )
            if enough and over and trouble is not None:
                raise trouble
            self.waiter.clock.sleep(min(self.waiter.interval, TRACE_SECONDS / TRACE_POLLS))

    # -- equal names -------------------------------------------------------------------------------

    def _adopt_cluster(self, name: str) -> Reply | None:
        """Read the cluster of a name. None existed when the plan was made, so it is the one that
        this task requested.
        """
        found = next((item for item in self.api.clusters() if item.get("name") == name), None)
        self.adopted = found is not None
        return found

    def require_only_cluster(self, name: str, last: bool = False) -> None:
        """Check whether someone else has created a cluster of the same name at the same time: the
        service accepts both.

        The task of the earlier one continues, in the service's own order: by time of creation and,
        within one second, by UUID.

        :param last: whether this is the last check, so that the task of the earlier cluster has to
            warn.
        :raises NksError: there are several, and that of this task is not the first one, or it is
            not known which one belongs to it.
        """
        created = self.cluster
        try:
            own, others = self._read_clusters_of(name)
        except NksError:
            # The creation is in progress, and its result matters more than this check.
            return
        if not others:
            return
        shown = ", ".join("%s in %s" % (state["uuid"], state["status"]) for state in others)
        same = "%s: someone else has created a cluster of this name at the same time" % created.name
        if self.adopted:
            raise NksError(
                "%s. The answer to the request of this task was lost, so it is not known whether it created %s or %s. Delete the duplicate by "
                "its UUID (state: absent)." % (same, created.cluster, shown)
            )
        if own is None or min(map(_age, others)) < _age(own):
            raise NksError(
                "%s (%s), before that of this task (%s). Delete the later one by its UUID (state: absent, name: %s)."
                % (same, shown, created.cluster, created.cluster)
            )
        if last:
            self.warnings.append(
                "%s (%s), after that of this task (%s). Delete the later one by its UUID (state: absent); until then the name refers to both."
                % (same, shown, created.cluster)
            )

    def _read_clusters_of(self, name: str) -> tuple[State | None, list[State]]:
        """The states of the cluster that this task created and of all others of its name; (None,
        []) if there are no others.
        """
        created = self.cluster
        others = [
            str(item.get("uuid"))
            for item in self.api.clusters()
            if item.get("name") == name
            and not str(item.get("status")).startswith("DELETE_")
            and item.get("uuid") != created.cluster
        ]
        if not others:
            return None, []
        # The list has no dates. A cluster that is not shown yet was created later.
        states = [Watch(self.api, uuid, None, created.name).read() for uuid in others]
        own = Watch(self.api, created.cluster, None, created.name).read()
        return own, [state for state in states if state is not None]

    def require_no_rival(self, name: str, watch: Watch) -> None:
        """Check whether someone else has created a node group of the same name at the same time.

        Names are unique in a cluster, and the service may accept the second creation and drop it
        (observed on Magnum).

        :param watch: that of this task's group, which is not shown.
        :raises PlanOutdated: there is one, so it is the one to compare with.
        """
        found = self._read_rival(name)
        if found is not None and found.get("uuid") != watch.group:
            error = WaitError(
                "%s did not appear, because someone else has created a node group of this name at the same time (%s)."
                % (watch.name, found["uuid"])
            )
            raise PlanOutdated(error, self.done)

    def _read_rival(self, name: str) -> Reply | None:
        """The node group of a name; None if it cannot be read for any reason: then the error that
        led here is reported.
        """
        with contextlib.suppress(NksError):
            return self._read_group(name)
        return None

    def _read_group(self, name: str) -> Reply | None:
        return next(
            (
                item
                for item in self.api.nodegroups(self.cluster.cluster)
                if item.get("name") == name and item.get("uuid") not in self._deleted
            ),
            None,
        )


def _age(state: State) -> tuple[str, str]:
    """The service's own order of clusters: by time of creation, to the second, then by UUID."""
    return str(state.get("created_at") or ""), str(state["uuid"])


def _uuid(reply: Reply, operation: Operation) -> str:
    """The UUID of what was created.

    :raises NksError: the service did not return it.
    """
    uuid = reply.get("uuid")
    if not isinstance(uuid, str) or not uuid:
        request_id = getattr(reply, "request_id", None)
        raise NksError(
            "%s: NKS accepted the creation but did not return a UUID%s. Look for the name in the list before you run the task again."
            % (operation.resource, " (request id %s)" % request_id if request_id else ""),
            request_id=request_id,
        )
    return uuid
