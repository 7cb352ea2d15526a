# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries a plan's actions out and waits for each.

A write is repeated only after a look at the state: an answer that was lost may belong to a request that was carried out.
"""

from __future__ import annotations

import contextlib

from ansible_collections.nhncloud.nks.plugins.module_utils import wire
from ansible_collections.nhncloud.nks.plugins.module_utils.errors import ApiError, BadReply, NksError, NoAnswer, Overtaken, WaitError
from ansible_collections.nhncloud.nks.plugins.module_utils.watch import Watch, busy, failed, mark

#: How long to look for the trace of a request whose answer was lost: at least so many looks and seconds.
LOOKS = 3
LOOK_SECONDS = 6.0


class Runner:
    """Runs the actions of one task.

    :param api: see :class:`api.Api`.
    :param waiter: see :class:`wait.Waiter`.
    :param wait: whether the last action is waited for; those before it always are, for the next one needs them done.
    :param cluster: the watch of the cluster; None where it is about to be created.
    """

    def __init__(self, api, waiter, waits=True, cluster=None):
        self.api = api
        self.waiter = waiter
        self.waits = waits
        self.cluster = cluster
        self.groups = {}
        #: The actions that were carried out.
        self.done = []
        #: Watches that the wait for the last action has just read.
        self.fresh = ()
        #: Whether what was created was found by its name, since the answer to the creation was lost.
        self.adopted = False
        self.warnings = []

    def carry_out(self, plan):
        """All actions, in order.

        :returns: the state after the last one, typed; None where it is gone, was not waited for, or nothing was done.
        :raises Overtaken: the state is no longer the one that was planned from.
        :raises NksError: the first action that went wrong; what was done before it stays done.
        """
        state = None
        for action in plan.actions:
            waits = self.waits or action is not plan.actions[-1]
            self.waiter.limit(self.waiter.timeout)
            if self.done:
                self._expect(action)
            self.waiter.progress("%s: %s" % (action.resource, action.name))
            if action.name == "create":
                state = self._create(action, waits)
            elif action.name == "delete":
                self._delete(action, waits)
            else:
                state = self._change(action, waits)
            self.done.append(action)
        return state

    def _expect(self, action):
        """Look whether a later action is still to be done as it was planned. Those before it took minutes, and others may work on the cluster too.

        What somebody else has done must not be done twice: each node would be replaced a second time.

        :raises Overtaken: it is not; nothing is under way any more.
        """
        watch = self._watch(action)
        if watch not in self.fresh:
            watch.read()
        if busy(watch.last) or watch.last is None:
            self._rest(watch, self.cluster)
        elif not failed(watch.last) and action.expected(watch.last, self.api, self.cluster.cluster):
            return
        raise Overtaken(WaitError("%s was changed by someone else between two steps of this task." % watch.name), self.done)

    def _rest(self, *watches):
        """Wait until nothing is under way on any of the resources."""
        for watch in watches:
            self.waiter.until_idle(watch, watch.last)

    def _watch(self, action):
        """The watch of the resource that shows what becomes of an action."""
        return self.watch_group(action.group, action.resource) if action.group else self.cluster

    def watch_group(self, group, name, last=None):
        """The watch of a node group; one for each, so that what was last seen is known."""
        if group not in self.groups:
            self.groups[group] = Watch(self.api, self.cluster.cluster, group, name, last)
        return self.groups[group]

    # -- the three kinds of actions ----------------------------------------------------------------------------------

    def _create(self, action, waits):
        body = action.call[1][0]
        if action.group is None:
            reply = self._send(lambda: self.api.create_cluster(body, _secrets(body)), lambda: self._find_cluster(body["name"]))
            self.cluster = watch = Watch(self.api, _uuid(reply, action), None, action.resource)
            if not waits:
                return None
            state = self.waiter.until_there(watch, shown=lambda: self.only_one(body["name"]))
            # The other one may have been shown only since.
            self.only_one(body["name"], last=True)
            return state
        reply = self._send(
            lambda: self.api.create_nodegroup(self.cluster.cluster, body, _secrets(body)),
            lambda: self._find_group(body["name"]),
            self.cluster,
            rival=lambda: self._rival(body["name"]),
        )
        watch = self.watch_group(_uuid(reply, action), action.resource)
        if not waits:
            return None
        state = self.waiter.until_there(watch, missing=lambda: self.not_ours(body["name"], watch))
        if busy(self.cluster.read()):
            # A new group keeps the cluster busy too, and may be seen to change until that is over.
            self.waiter.until_idle(self.cluster, self.cluster.last)
            state = watch.read() or state
        return state

    def _delete(self, action, waits):
        watch = self._watch(action)
        before = watch.last
        method, args, _keywords = action.call

        def trace():
            state = watch.read()
            return {} if state is None or str(state["status"]).startswith("DELETE_IN") else None

        try:
            self._send(lambda: getattr(self.api, method)(self.cluster.cluster, *args), trace, self.cluster, watch)
        except ApiError as error:
            if error.status != 404:
                raise
            # Someone else was quicker: gone is gone.
            watch.last = None
            return
        if not waits:
            self._noticed(trace)
            return
        self.waiter.until_gone(watch, before)
        if action.group:
            self.waiter.until_idle(self.cluster)

    def _change(self, action, waits):
        watch = self._watch(action)
        parent = self.cluster if action.group else None
        before = watch.last or watch.read()
        parent_before = parent.last if parent else None
        method, args, keywords = action.call

        def trace():
            state = watch.read()
            taken_up = busy(state) or mark(state) != mark(before) or (state is not None and not action.missing(state, self.api, self.cluster.cluster))
            if not taken_up and parent is not None:
                above = parent.read()
                taken_up = busy(above) or mark(above) != mark(parent_before)
            return {} if taken_up else None

        self._send(lambda: getattr(self.api, method)(self.cluster.cluster, *args, **keywords), trace, self.cluster, watch)
        if not waits:
            self._noticed(trace)
            return None
        state = self.waiter.until_done(action, watch, before, parent, parent_before)
        self.fresh = (watch, self.cluster)
        return state

    def _noticed(self, trace):
        """Give the service a moment to show that it has taken up a request that is not waited for.

        It may still show the state from before (observed on Magnum), and the next task would plan from that.
        """
        with contextlib.suppress(NksError):
            self._look(trace, True, self.waiter.clock.now() + LOOK_SECONDS)

    # -- sending -----------------------------------------------------------------------------------------------------

    def _send(self, call, trace, *watches, rival=None):
        """Send a write until it is known what became of it.

        :param trace: looks whether the request was carried out after all; answers a reply, or None.
        :param watches: the resources whose other operation may be in the way; none where there is none yet.
        :param rival: finds what somebody else may have created under the same name.
        :raises Overtaken: another operation is in the way.
        :raises NksError: refused, or no answer in all attempts.
        """
        attempt = 0
        deadline = self.waiter.clock.now() + self.waiter.timeout
        while True:
            try:
                return call()
            except (NoAnswer, BadReply) as error:
                attempt += 1
                # First the pause, then the look: what comes next is the request itself.
                again = self.api.transport.pause(attempt, error)
                try:
                    found = self._look(trace, getattr(error, "maybe_done", True), deadline)
                except (NoAnswer, BadReply, ApiError) as trouble:
                    error.msg += " Whether it was carried out could not be seen: %s" % trouble.msg
                    raise error from None
                if found is not None:
                    return found
                if not again:
                    raise
            except ApiError as error:
                if attempt:
                    found = self._look(trace, False, deadline)
                    if found is not None:
                        return found
                # "Another operation is under way" is 400 or 409; only the status itself tells it from bad input.
                if error.status not in (400, 409) or self.waiter.clock.now() >= deadline:
                    raise
                if not self._overtaken(watches) and (rival is None or self._look(rival, error.status == 409, deadline) is None):
                    raise
                if self.done:
                    self._rest(*watches)
                raise Overtaken(error, self.done) from None

    @staticmethod
    def _overtaken(watches):
        """Whether another operation is under way, or was and has just ended."""
        before = [mark(watch.last) for watch in watches]
        after = [watch.read() for watch in watches]
        return any(busy(state) for state in after) or [mark(state) for state in after] != before

    def _look(self, trace, patiently, deadline):
        """What became of a request without an answer; None where there is no trace of it.

        :param deadline: when to give up if it cannot be looked for.
        :raises NksError: it could not be looked for, so the request must not be sent again.
        """
        started, looks = self.waiter.clock.now(), 0
        while True:
            found, trouble = None, None
            try:
                found = trace()
            except (NoAnswer, BadReply, ApiError) as error:
                trouble = error
            looks += 1
            enough = not patiently or (looks >= LOOKS and self.waiter.clock.now() - started >= LOOK_SECONDS)
            if found is not None or (enough and trouble is None):
                return found
            if enough and (looks >= LOOKS + self.api.transport.max_retries or self.waiter.clock.now() >= deadline):
                raise trouble
            self.waiter.clock.sleep(min(self.waiter.interval, LOOK_SECONDS / LOOKS))

    def _find_cluster(self, name):
        """A cluster of that name. There was none when the plan was made, so it is the one that was asked for."""
        found = next((item for item in self.api.clusters() if item.get("name") == name), None)
        self.adopted = found is not None
        return found

    def only_one(self, name, last=False):
        """See whether someone else has created a cluster of the same name at the same moment: the service takes both.

        The earlier one goes on, by the service's own order: when they were made, and where that is the same second, by UUID.

        :param last: whether this is the last look, so that the earlier one has to warn.
        :raises NksError: there are several, and that of this task is not the first one, or nobody knows which one it is.
        """
        made = self.cluster
        try:
            listed = [item for item in self.api.clusters() if item.get("name") == name and not str(item.get("status")).startswith("DELETE_")]
            uuids = [str(item.get("uuid")) for item in listed if item.get("uuid") != made.cluster]
            # The list has no dates. What is not shown yet was made later.
            states = [Watch(self.api, uuid, None, made.name).read() for uuid in uuids + [made.cluster]] if uuids else []
        except NksError:
            # The creation is under way, and must not be lost for this.
            return
        others = [state for state in states[:-1] if state is not None]
        if not others:
            return
        told = ", ".join("%s in %s" % (uuid, status) for uuid, status in [(state["uuid"], state["status"]) for state in others])
        if self.adopted:
            raise NksError(
                "%s: someone else has created a cluster of this name at the same time, and the answer to the creation of this task was lost, so that "
                "nobody knows whether its own is %s or %s. Delete the one that is too many by its UUID (state: absent)." % (made.name, made.cluster, told)
            )
        if states[-1] is None or min(map(_age, others)) < _age(states[-1]):
            raise NksError(
                "%s: someone else has created a cluster of this name at the same time (%s), before that of this task (%s). "
                "Delete the later one by its UUID (state: absent, name: %s)." % (made.name, told, made.cluster, made.cluster)
            )
        if last:
            self.warnings.append(
                "%s: someone else has created a cluster of this name at the same time (%s), after that of this task (%s). "
                "Delete the later one by its UUID (state: absent); until then the name stands for both." % (made.name, told, made.cluster)
            )

    def not_ours(self, name, watch):
        """See whether a node group of that name is there that someone else has created at the same moment.

        Names are unique in a cluster, and the service may accept the second creation and drop it (observed on Magnum).

        :param watch: that of ours, which is not shown.
        :raises Overtaken: there is one, so it is to be compared.
        """
        found = self._rival(name)
        if found is not None and found.get("uuid") != watch.group:
            error = WaitError(
                "%s did not appear, since someone else has created a node group of this name at the same time (%s)." % (watch.name, found["uuid"])
            )
            raise Overtaken(error, self.done)

    def _rival(self, name):
        """A node group of that name; None where none can be seen, for whatever reason: what went wrong before is then told."""
        with contextlib.suppress(NksError):
            return self._find_group(name)
        return None

    def _find_group(self, name):
        return next((item for item in self.api.nodegroups(self.cluster.cluster) if item.get("name") == name), None)


def _age(state):
    """The service's own order of clusters: when they were made, to the second, then by UUID."""
    return str(state.get("created_at") or ""), str(state["uuid"])


def _uuid(reply, action):
    uuid = reply.get("uuid")
    if not isinstance(uuid, str) or not uuid:
        request_id = getattr(reply, "request_id", None)
        raise NksError(
            "%s: the service accepted the creation but did not say under which UUID%s. Look for it by name before running the task again."
            % (action.resource, " (request id %s)" % request_id if request_id else ""),
            request_id=request_id,
        )
    return uuid


def _secrets(body):
    """Texts of a creation that the service may quote in a refusal and that must not be shown."""
    script = body["labels"].get("user_script_v2")
    return ([script] if script else []) + wire.appkeys(body["labels"])
