# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Polling with a given clock: busy, ready, failed, gone.

A 202 proves nothing: the service may drop a change in silence, show the status from before the request for a while, or
answer 404 for what it has just made (observed on Magnum). So the end of a wait is judged by three things: a status that is
not busy, some evidence that the service took the request up, and the wanted value itself.
"""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, BadReply, NksError, NoAnswer, WaitError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import busy, failed, mark, ready

#: How long the service may show the state from before a request: at least so many polls and so many seconds.
SETTLE_POLLS = 5
SETTLE_SECONDS = 10.0
#: How long something new may be answered with 404 (seconds).
MISSING_SECONDS = 60.0
#: Polls that must show the wanted value where nothing else shows that the service took the request up.
QUIET_POLLS = 3
#: A wait says at least this often that it goes on (seconds).
PROGRESS_SECONDS = 60.0
#: Words of a failure, in lower case, and what to do about it.
REMEDIES = (
    (("quota", "limit exceeded"), "Ask for a larger quota in the console, or remove what is not needed."),
    (("no capacity", "no valid host"), "Choose another flavor or availability zone, or try again later."),
    (("disruption budget", "disruptionbudget", "drain"), "Check which PodDisruptionBudget or pod keeps a node from being drained, then run the task again."),
)
#: So much of an event's contents fits into a line of progress (letters).
MAX_CONTENTS = 100


class Waiter:
    """Waits for resources.

    :param clock: see :mod:`clock`.
    :param interval: seconds between two polls.
    :param timeout: seconds for one operation.
    :param progress: called with one line for a person, at each change and each minute.
    :param limit: called with the seconds for which requests may be repeated from then on.
    """

    def __init__(self, clock, interval=10.0, timeout=3600, progress=None, limit=None):
        self.clock = clock
        self.interval = interval
        self.timeout = timeout
        self.tells = progress is not None
        self.progress = progress or (lambda line: None)
        self.limit = limit or (lambda seconds: None)

    def poll(self, watch, until, aim, pause_first=False, parent=None):
        """Call ``until`` between pauses until it answers something other than None.

        :param watch: whose last status is told.
        :param aim: what is being waited for, for messages ("to be ready").
        :param parent: a watch that is told of instead, while only its resource is busy.
        :raises WaitError: the time is over.
        """
        started = self.clock.now()
        told = [None, started]
        self.limit(self.timeout)
        if pause_first:
            self.clock.sleep(min(self.interval, self.timeout))
        while True:
            trouble = None
            try:
                answer = until()
                if answer is not None:
                    if told[0] is not None:
                        self._tell(watch, self.clock.now() - started, told)
                    # What comes after the wait has time of its own.
                    self.limit(self.timeout)
                    return answer
            except (NoAnswer, BadReply) as error:
                # A bad moment of the cloud is no reason to lose an hour's wait; the time limit ends it.
                trouble = error
            except ApiError as error:
                if error.status < 500:
                    raise
                trouble = error
            elapsed = self.clock.now() - started
            waits_for_parent = parent is not None and busy(parent.last) and not busy(watch.last)
            self._tell(parent if waits_for_parent else watch, elapsed, told, trouble)
            if elapsed >= self.timeout:
                status = watch.last["status"] if watch.last else "nothing"
                raise WaitError(
                    "Waited %g s for %s %s; its last status was %s.%s Nothing is lost: run the task again and it goes on from "
                    "there, or set a longer wait_timeout." % (self.timeout, watch.name, aim, status, " " + trouble.msg if trouble else ""),
                    status=status,
                )
            self.clock.sleep(min(self.interval, self.timeout - elapsed))

    def _tell(self, watch, elapsed, told, trouble=None):
        """A line of progress, if there is something new to say or a minute has passed.

        :param told: [what was told last, when]; brought up to date.
        """
        if not self.tells:
            return
        shown = (watch.name, watch.last["status"] if watch.last else "gone" if told[0] else "not there yet", nodes(watch.last))
        if shown != told[0] or self.clock.now() - told[1] >= PROGRESS_SECONDS:
            told[:] = [shown, self.clock.now()]
            # The service that does not answer a read would not tell its events either.
            event = running_event(watch) if trouble is None and busy(watch.last) else ""
            self.progress(", ".join(filter(None, ["%s: %s" % shown[:2], duration(elapsed), shown[2], event])))

    def until_idle(self, watch, first=None):
        """Wait while an operation is under way, whoever started it.

        :param first: a state that was just read, so that an idle resource costs no request.
        :returns: the state, or None when the resource is gone.
        """
        if first is not None and not busy(first):
            return first

        def look():
            state = watch.read()
            return None if busy(state) else (state,)

        return self.poll(watch, look, "to become idle", pause_first=first is not None)[0]

    def until_gone(self, watch, before):
        """Wait for 404 after a DELETE.

        :param before: the state from before it.
        :raises WaitError: the deletion failed, or was dropped.
        """
        seen = _Evidence(self.clock)

        def look():
            seen.polls += 1
            state = watch.read()
            if state is None:
                return True
            seen.look(state, before)
            if failed(state) and seen.any:
                raise failure(watch, state)
            if not seen.any and seen.over():
                raise dropped(watch, "delete", ["state"])
            return None

        self.poll(watch, look, "to be gone", pause_first=True)

    def until_shown(self, watch):
        """Wait a moment for what is known to be there and answered with 404.

        :returns: the state; None where it does not appear, so that it is gone.
        """
        started = self.clock.now()

        def look():
            state = watch.read()
            return (state,) if state is not None or self.clock.now() - started >= min(MISSING_SECONDS, self.timeout) else None

        return self.poll(watch, look, "to be shown")[0]

    def until_there(self, watch, missing=None, shown=None):
        """Wait for something new to be ready; a 404 is tolerated for a moment.

        :param missing: called at each look that does not show it yet.
        :param shown: called at the first look that shows it.
        :raises WaitError: it failed, or vanished.
        """
        started = self.clock.now()
        was_there = []

        def look():
            state = watch.read()
            if state is None:
                if missing is not None and not was_there:
                    missing()
                if was_there or self.clock.now() - started > min(MISSING_SECONDS, self.timeout):
                    raise WaitError(
                        "%s %s while waiting for it to be ready."
                        % (watch.name, "was deleted by someone else" if was_there else "did not appear although the service accepted it")
                    )
                return None
            if shown is not None and not was_there:
                shown()
            was_there.append(True)
            if failed(state):
                raise failure(watch, state)
            return state if ready(state) else None

        return self.poll(watch, look, "to be ready", pause_first=True)

    def until_done(self, action, watch, before, parent=None, parent_before=None):
        """Wait for a change that the service accepted.

        :param action: see :class:`plan.Action`; its outcome is looked for.
        :param watch: the resource that shows the outcome.
        :param before: its state from before the request.
        :param parent: the cluster, where the resource is a node group: an operation on a group makes the cluster busy too.
        :raises WaitError: the operation failed, or was dropped.
        """
        seen = _Evidence(self.clock)

        def look():
            seen.polls += 1
            state = watch.read()
            if state is None:
                raise WaitError("%s was deleted by someone else while it was being changed (%s)." % (watch.name, action.name))
            seen.look(state, before)
            if busy(state):
                return None
            if failed(state) and seen.any:
                raise failure(watch, state)
            if parent is not None:
                above = parent.read()
                seen.look(above, parent_before)
                if busy(above):
                    return None
                if failed(above) and mark(above) != mark(parent_before):
                    raise failure(parent, above)
            missing = action.missing(state, watch.api, watch.cluster)
            seen.count(missing)
            if not missing:
                return state if seen.any or seen.quiet >= QUIET_POLLS else None
            # Once the service has been at work, one more poll is allowed for the value; before, the time to settle.
            if seen.unmet > 1 if seen.busy else seen.over():
                raise dropped(watch, action.name, missing)
            return None

        return self.poll(watch, look, "to finish %s" % action.name, pause_first=True, parent=parent)


class _Evidence:
    """Whether the service took a request up."""

    def __init__(self, clock):
        self.clock = clock
        self.started = clock.now()
        self.any = False
        self.busy = False
        self.polls = 0
        self.quiet = 0
        self.unmet = 0

    def look(self, state, before):
        """A busy or a changed resource is evidence."""
        self.busy = self.busy or busy(state)
        self.any = self.busy or self.any or (state is not None and mark(state) != mark(before))
        if busy(state):
            self.quiet = self.unmet = 0

    def count(self, missing):
        """How often in a row the value was there, or was not although nothing is under way."""
        self.quiet = 0 if missing else self.quiet + 1
        self.unmet = self.unmet + 1 if missing else 0

    def over(self):
        """Whether the service has had its time to show anything."""
        return self.polls >= SETTLE_POLLS and self.clock.now() - self.started >= SETTLE_SECONDS


def failure(watch, state):
    """Why a resource is in a failed status: its reason, and the contents of its last failed event."""
    event = last_failed_event(watch, state)
    faults = state.get("faults")
    # What became of its node groups, where the cluster itself only says that they failed (observed on Magnum).
    facts = [state.get("status_reason") or ""] + (list(faults.values()) if isinstance(faults, dict) else [])
    facts = _once(facts)
    shown = facts[0] if facts else "no reason given"
    if facts[1:]:
        shown += " (%s)" % "; ".join(facts[1:])
    if event and event.get("type"):
        more = _once(facts + [event.get("contents")])[len(facts) :]
        shown += ". Last failed event: %s%s" % (event["type"], " (%s)" % more[0] if more else "")
    remedy = _remedy(" ".join(facts + [str(event.get("contents") or "") if event else ""]), event)
    return WaitError(
        "%s is in %s: %s.%s" % (watch.name, state["status"], shown, " " + remedy if remedy else ""),
        status=state["status"],
        status_reason=state.get("status_reason"),
        event=event,
    )


def _once(texts):
    """Each of some texts that says something that none before it says, without its full stop."""
    found = []
    for text in texts:
        text = " ".join(str(text or "").split()).rstrip(".")
        if text and not any(text.lower() in other.lower() for other in found):
            found.append(text)
    return found


def _remedy(text, event):
    """What to do about a failed operation, where its words tell that (NKS user guide; observed); an empty text otherwise."""
    lower = text.lower()
    if "CERTIFICATE" in str((event or {}).get("type")):
        return "Renew the certificate again with nks_certificate; until then the service accepts no other change."
    for words, remedy in REMEDIES:
        if any(word in lower for word in words):
            return remedy
    return ""


def last_failed_event(watch, state):
    """The newest failed event of the resource, or of the cluster; None where the history cannot be read."""
    try:
        events = [event for event in watch.api.events(watch.cluster) if event.get("state") == "FAIL"]
    except NksError:
        # The failure itself must be told, whatever becomes of its history.
        return None
    return newest_event(events, watch.group and state.get("uuid"))


def newest_event(events, resource=None):
    """The newest of some events, None where there are none.

    :param resource: UUID of a node group, whose own events come first: the history of a cluster is that of its node groups too.
    """
    own = [event for event in events if resource and event.get("resource_uuid") == resource]
    newest = sorted(map(wire.event, own or events), key=lambda event: (str(event.get("created_at")), _number(event.get("id"))))
    return newest[-1] if newest else None


def _number(value):
    return value if isinstance(value, int) else -1


def dropped(watch, what, missing):
    """The service said yes and did nothing."""
    return WaitError(
        "%s: the service accepted '%s' but did not do it (%s is not as wanted). Look at its status and events, then run the task again."
        % (watch.name, what, ", ".join(missing)),
        status=watch.last["status"] if watch.last else None,
    )


def duration(seconds):
    """Seconds for a person: "1 min 20 s"."""
    minutes, seconds = divmod(int(seconds), 60)
    return "%d min %d s" % (minutes, seconds) if minutes else "%d s" % seconds


def nodes(state):
    """ "1 of 3 nodes", or "3 nodes, 2 requested", where the service tells both; for a cluster only while some are missing.

    Nodes that are there have addresses; what is wanted of a node group stands in its label ``requested_node_count`` (observed), of a
    cluster in ``node_count``.
    """
    state = state or {}
    wanted = (state.get("labels") or {}).get("requested_node_count")
    addresses, count = state.get("node_addresses"), state.get("node_count")
    done = len(addresses) if isinstance(addresses, list) else count
    if isinstance(wanted, int) and isinstance(done, int):
        # More than requested: nodes that go, or buffer nodes of an upgrade.
        return "%d of %d nodes" % (done, wanted) if done <= wanted else "%d nodes, %d requested" % (done, wanted)
    return "%d of %d nodes" % (done, count) if isinstance(addresses, list) and isinstance(count, int) and done < count else ""


def running_event(watch):
    """The event that is under way and how far it is: "CLUSTER_CREATE" or "CLUSTER_CREATE: Creating nodes"; empty where none is told."""
    try:
        # A line of progress is not worth a second attempt.
        events = [event for event in watch.api.events(watch.cluster, safe=False) if event.get("state") == "IN_PROGRESS"]
    except NksError:
        return ""
    event = newest_event(events, watch.group and (watch.last or {}).get("uuid"))
    if event is None:
        return ""
    contents = " ".join(wire.masked(str(event.get("contents") or "")).split())[:MAX_CONTENTS]
    return str(event.get("type")) + (": " + contents if contents else "")
