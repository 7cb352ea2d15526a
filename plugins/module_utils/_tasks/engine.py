# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task from options to result. Both doors, the modules and the action plugin, lead here.

The engine knows neither AnsibleModule nor stdout: it takes plain options, a check-mode flag, a clock and a progress
callback, and returns a plain result or raises :class:`errors.NksError`.

Ansible sends a module's rooms as source, and a process that imports one compiles it anew, in every task. So the rooms that
only some tasks need (names, waits, changes, creations, upgrades, errors' words) are imported where they are needed, here and in
the rooms above; the action plugin loads them all once for a whole playbook.
"""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._client import identity
from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api
from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import Transport
from ansible_collections.nhncloud.nks.plugins.module_utils._common.clock import Clock
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    ApiError,
    NksError,
    Overtaken,
    WaitError,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import (
    Watch,
    busy,
    failed,
    find_cluster,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Plan,
    cluster_resource,
)

WAIT_TIMEOUT = 3600
DELETE_TIMEOUT = 1800
#: How often, and how long at most, to look for something new with wait: false (seconds).
SHOWN_INTERVAL = 2.0
SHOWN_TIMEOUT = 10.0
#: The type of an upgrade's entry in the history (NKS API guide, supported event types).
UPGRADE = "NODEGROUP_UPGRADE"


class Job:
    """What a module is made of.

    :param name: the module's name without its collection.
    :param arguments: its argument spec.
    :param run: function of a :class:`Task`, which returns the result's own keys.
    :param reads_only: whether it never changes anything.
    :param offline: function of the options: whether the task makes no request, so that it needs no credentials.
    :param constraints: required_if, mutually_exclusive and so on, as Ansible names them.
    """

    def __init__(self, name, arguments, run, reads_only=False, offline=None, **constraints):
        self.name = name
        self.arguments = arguments
        self.run = run
        self.reads_only = reads_only
        self.offline = offline or (lambda options: False)
        self.constraints = constraints


class Task:
    """One task's options and the rooms it works with; requests are made only when something is asked for.

    :param options: validated options.
    :param check_mode: nothing may be changed.
    """

    def __init__(self, options, check_mode=False, clock=None, progress=None):
        self.options = options
        self.check_mode = check_mode
        self.clock = clock or Clock()
        self.progress = (lambda line: progress(self.transport.hide(line))) if progress else None
        self.warnings = []
        verify = options.get("validate_certs", True)
        if verify and options.get("ca_cert"):
            verify = options["ca_cert"]
        self.transport = Transport(
            self.clock,
            timeout=options.get("request_timeout", 30.0),
            max_retries=options.get("max_retries", 5),
            verify=verify,
        )
        self.api = Api(self.transport, identity.Identity(self.transport, options))
        self._names = None

    @property
    def names(self):
        """The look-ups; see :class:`names.Names`."""
        from ansible_collections.nhncloud.nks.plugins.module_utils._observe.names import Names

        self._names = self._names or Names(self.api)
        return self._names

    @property
    def timeout(self):
        """Seconds for one operation."""
        given = self.options.get("wait_timeout")
        return (
            given
            if given is not None
            else DELETE_TIMEOUT
            if self.options.get("state") == "absent"
            else WAIT_TIMEOUT
        )

    def told(self):
        """The warnings, each as it may be shown."""
        return [self.transport.hide(warning) for warning in self.warnings + self.transport.warnings]

    def carry_on(self, job):
        """Run the job; where someone else's operation came between its look and one of its requests, look and plan again.

        :returns: what the job returns; its plan has what was really done, over all attempts.
        :raises NksError: as the job does.
        """
        deadline = self.clock.now() + self.timeout
        done, warnings = [], []
        while True:
            self.transport.limit(self.timeout)
            try:
                result = job.run(self)
                break
            except Overtaken as overtaken:
                if overtaken.done:
                    # Each operation has time of its own.
                    deadline = self.clock.now() + self.timeout
                    done += overtaken.done
                    warnings += self.warnings
                elif self.clock.now() >= deadline:
                    raise overtaken.refusal from None
            self._names = None
            self.warnings = []
        if done:
            result["plan"] = Plan(done + result["plan"].operations)
            self.warnings = list(dict.fromkeys(warnings + self.warnings))
        return result

    def given(self, table):
        """The options of a table, and ``autoscale`` and ``labels``, that the user gave."""
        names = [row.option for row in table.values()] + ["name", "autoscale", "labels"]
        return {name: self.options[name] for name in names if self.options.get(name) is not None}

    def waiter(self):
        """A waiter with the task's limits."""
        return self._waiter(self.options.get("wait_interval") or 10.0, self.timeout)

    def _waiter(self, interval, timeout):
        from ansible_collections.nhncloud.nks.plugins.module_utils._apply.wait import Waiter

        return Waiter(self.clock, interval, timeout, self.progress, self.transport.limit)

    def cluster(self, ref):
        """The watch of a cluster by name or UUID, with its state just read; None where there is none."""
        reply = find_cluster(self.api, ref)
        if reply is None:
            return None
        state = wire.identified(reply, "read cluster %s" % ref)
        return Watch(
            self.api, state["uuid"], None, cluster_resource(state.get("name") or ref), state
        )

    def idle(self, watch, again=False):
        """Wait while an operation is under way on the watched resource, whoever started it.

        :param again: whether something was read before that is out of date after such a wait, so that the task has to begin again.
        :returns: the state, or None where it is gone by now.
        :raises WaitError: it is busy and the task does not wait.
        :raises Overtaken: with ``again``, there was something to wait for.
        """
        if busy(watch.last) and not self.options.get("wait", True):
            raise WaitError(
                "%s is in %s, so it cannot be compared yet. Run the task again later, or let it wait (wait: true)."
                % (watch.name, watch.last["status"]),
                status=watch.last["status"],
            )
        if not busy(watch.last):
            return watch.last
        status, state = watch.last["status"], self.waiter().wait_until_idle(watch, watch.last)
        if again:
            raise Overtaken(
                WaitError(
                    "%s was busy each time it was read, at last in %s. Run the task again later."
                    % (watch.name, status),
                    status=status,
                )
            )
        return state

    def gone(self):
        """Make sure that a 404 means that the cluster is gone, and not that its address is wrong.

        :raises NksError: the service does not list clusters there either.
        """
        self.api.clusters()

    def needed_cluster(self, idle=True):
        """The cluster that the option ``cluster`` refers to.

        :param idle: whether to wait while an operation is under way on it.
        :raises NksError: there is none.
        """
        ref = self.options["cluster"]
        watch = self.cluster(ref)
        if watch is None or (idle and self.idle(watch) is None):
            raise self.names.no_cluster("cluster", ref)
        return watch

    def planned_cluster(self, idle=True):
        """As :meth:`needed_cluster`, but in check mode None, with a warning, where an earlier task of the play may create the cluster."""
        ref = self.options["cluster"]
        watch = self.cluster(ref)
        if watch is not None and not (idle and self.idle(watch) is None):
            return watch
        self.predict(ref, self.names.no_cluster("cluster", ref))
        return None

    def predict(self, ref, missing):
        """In check mode, warn that something does not exist yet; an earlier task of the play may create what has a name.

        :param ref: the reference to it. A UUID is known only of what exists.
        :param missing: the error that says that it does not exist.
        :raises NksError: that error, without check mode.
        """
        from ansible_collections.nhncloud.nks.plugins.module_utils._plan import creation

        if not self.check_mode or not creation.NAME.fullmatch(ref) or wire.is_uuid(ref):
            raise missing
        self.warnings.append(
            missing.msg
            + " In check mode this is not an error, since an earlier task may create it: the result is a prediction."
        )

    def usable(self, watch):
        """Refuse what was never made.

        :raises WaitError: the resource is in CREATE_FAILED.
        """
        if watch.last["status"] == "CREATE_FAILED":
            error = self.failure(watch)
            error.msg += " It was never made: delete it (state: absent) and create it anew."
            raise error

    def shown(self, watch):
        """The state of something new that is not waited for; None where the service does not show it in a moment's time.

        The service may accept a creation and show it a little later, not in the list either (observed on Magnum). A task
        that came in between would make a second one.
        """
        return self._waiter(
            min(self.options.get("wait_interval") or SHOWN_INTERVAL, SHOWN_INTERVAL), SHOWN_TIMEOUT
        ).wait_until_shown(watch)

    @staticmethod
    def failure(watch):
        """Why a watched resource is in a failed status; see :func:`failures.failure`."""
        from ansible_collections.nhncloud.nks.plugins.module_utils._apply import failures

        return failures.failure(watch, watch.last)

    def carry_out(self, plan, cluster=None, watches=()):
        """Do what the plan says, unless this is check mode; warn or fail where a resource is in a failed status.

        :param cluster: the watch of the cluster.
        :param watches: watches of its node groups.
        :returns: (the runner, or None where nothing was to be done; the state after the last action, or None).
        """
        broken = [
            watch for watch in [cluster] + list(watches) if watch is not None and failed(watch.last)
        ]
        again = bool(broken) and self._failed_step(plan, broken, cluster)
        for watch in broken:
            if not plan.operations or again:
                self.warnings.append(
                    "%s is in %s: %s"
                    % (
                        watch.name,
                        watch.last["status"],
                        watch.last.get("status_reason") or "no reason given",
                    )
                )
            elif any(
                action.name not in ("delete", "renew_certificate") for action in plan.operations
            ):
                raise self.failure(watch)
        self.warnings += plan.warnings
        if self.check_mode or not plan.operations:
            return None, None
        from ansible_collections.nhncloud.nks.plugins.module_utils._apply.run import Runner

        runner = Runner(self.api, self.waiter(), self.options.get("wait", True), cluster)
        runner.warnings = self.warnings
        for watch in watches:
            runner.groups[watch.group] = watch
        try:
            return runner, runner.apply(plan)
        except ApiError as refusal:
            if not again or runner.done or refusal.status not in (400, 409):
                raise
            error = self.failure(broken[0])
            error.msg += " To try the step that failed again was refused: %s" % refusal.msg
            error.values.update(refusal.values)
            raise error from None

    @staticmethod
    def _failed_step(plan, broken, cluster):
        """Whether the plan begins with the very step of an upgrade whose failure left the resources in UPDATE_FAILED.

        It is sent again, for the service to decide: which requests NKS accepts in this status is documented for a failed renewal of the
        certificate only (nothing but another renewal), and half an upgrade is no state to stay in. See "docs/service-facts.md".

        :param broken: watches of what is in a failed status.
        """
        from ansible_collections.nhncloud.nks.plugins.module_utils._apply import failures

        action = plan.operations[0] if plan.operations else None
        if (
            action is None
            or action.name != "upgrade"
            or any(watch.last["status"] != "UPDATE_FAILED" for watch in broken)
        ):
            return False
        event = failures.last_failed_event(cluster, cluster.last) or {}
        own = (action.group,) if action.group else (cluster.cluster, wire.CONTROL_PLANE)
        return event.get("type") == UPGRADE and (
            event.get("resource_uuid") in own or event.get("resource_name") in own
        )


def perform(job, options, check_mode=False, diff_mode=False, clock=None, progress=None):
    """One task from options to result.

    :param job: see :class:`Job`.
    :param options: options as Ansible validated them; those that are not used are taken out, see :func:`identity.settle`.
    :returns: the result, free of secrets that the service showed; the caller masks those of the options.
    :raises NksError: with everything that the failed result should hold.
    """
    identity.settle(options)
    options = rows.normalized(options)
    if not job.offline(options):
        identity.check(options)
    rules.check_options(options)
    task = Task(options, check_mode, clock, progress)
    try:
        result = task.carry_on(job)
    except NksError as error:
        error.values = wire.masked(error.values)
        error.values.setdefault("warnings", task.told())
        error.msg = task.transport.hide(error.msg)
        raise
    finally:
        task.transport.close()
    plan = result.pop("plan", None)
    if plan is not None:
        result["changed"] = plan.changed
        result["actions"] = plan.report()
        if diff_mode:
            result["diff"] = plan.diff()
    result.setdefault("changed", False)
    result = wire.masked(result)
    result["warnings"] = task.told()
    return result
