# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task from options to result. Both entry points, the modules and the action plugin, call
:func:`perform`.

The engine knows neither AnsibleModule nor stdout: it takes plain options, a check-mode flag, a
clock and a progress callback, and returns a plain result or raises :class:`errors.NksError`.

Imports within functions: Ansible transfers a module's files as source, and its process compiles
each file that it imports, in every task. So files that only some tasks need (names, waits, the
runner, creations, upgrades, references, the words of errors) are imported where they are needed,
here and in the files of the tasks, if "make benchmark" shows that it matters: see "Imports within
functions" of docs/benchmark.md. The action plugin loads all of them once for a whole playbook.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    TypeVar,
)

from ansible_collections.nhncloud.nks.plugins.module_utils._apply import failures
from ansible_collections.nhncloud.nks.plugins.module_utils._client import connection, identity
from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api
from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import Transport
from ansible_collections.nhncloud.nks.plugins.module_utils._common.clock import Clock
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    ApiError,
    NksError,
    PlanOutdated,
    WaitError,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model import rows, wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.pool import Pending, Pool
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import (
    Watch,
    busy,
    failed,
    find_cluster,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._plan import rules
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import (
    Operation,
    Plan,
    cluster_resource,
    digest,
    require_approved,
)

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._apply.run import Runner
    from ansible_collections.nhncloud.nks.plugins.module_utils._apply.wait import Waiter
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State
    from ansible_collections.nhncloud.nks.plugins.module_utils._observe.names import Names

Answer = TypeVar("Answer")

#: The options of a task, as Ansible validated them.
Options = Dict[str, Any]
#: The result of a task; ``plan`` is the :class:`operations.Plan` until :func:`perform` reports it.
Result = Dict[str, Any]

#: Seconds for one operation, and for a deletion, if wait_timeout is not set.
WAIT_TIMEOUT = 3600
DELETE_TIMEOUT = 1800
#: How often, and how long at most, to look for a new resource with wait: false (seconds).
SHOWN_INTERVAL = 2.0
SHOWN_TIMEOUT = 10.0
#: How many reads that do not depend on each other a task makes at a time.
READERS = 8
#: The type of an upgrade's entry in the history (NKS API guide, supported event types).
UPGRADE = "NODEGROUP_UPGRADE"


class Deferred(NksError):
    """A resource is busy, and the task does not wait for it now. The value ``cluster`` is the UUID of
    its cluster.
    """


class Job:
    """What a module consists of.

    :param name: the module's name without its collection.
    :param arguments: its argument spec.
    :param run: function of a :class:`Task`, which returns the result's own keys.
    :param reads_only: whether it never changes anything.
    :param offline: function of the options: whether the task makes no request, so that it needs no
        credentials.
    :param regions: function of the options: the regions in which the task works, if it does not use
        the option ``region``.
    :param constraints: required_if, mutually_exclusive and so on, as Ansible names them.
    """

    def __init__(
        self,
        name: str,
        arguments: Mapping[str, Any],
        run: Callable[[Task], Result],
        reads_only: bool = False,
        offline: Callable[[Options], bool] | None = None,
        regions: Callable[[Options], list[str] | None] | None = None,
        **constraints: Any,
    ) -> None:
        self.name = name
        self.arguments = arguments
        self.run = run
        self.reads_only = reads_only
        self.offline: Callable[[Options], bool] = offline or (lambda options: False)
        self.regions: Callable[[Options], list[str] | None] = regions or (lambda options: None)
        self.constraints = constraints


class Task:
    """The options of one task, and what it needs to read and change the cloud. It makes no request
    until one of its methods is called.

    :param options: validated options.
    :param check_mode: whether nothing may be changed.
    :param hide: returns a copy of a part of the result without the secrets among the options.
    """

    def __init__(
        self,
        options: Options,
        check_mode: bool = False,
        clock: Clock | None = None,
        progress: Callable[[str], None] | None = None,
        hide: Callable[[Any], Any] | None = None,
    ) -> None:
        self.options = options
        self.check_mode = check_mode
        self.clock: Clock = clock or Clock()
        self.warnings: list[str] = []
        self._hide: Callable[[Any], Any] = hide or (lambda tree: tree)
        #: The operations that were performed before the plan was outdated, over all attempts.
        self._done: list[Operation] = []
        #: Whether an operation that the current plan does not contain was in progress during the
        #: task.
        self.disturbed = False
        verify = options.get("validate_certs", True)
        if verify and options.get("ca_cert"):
            verify = options["ca_cert"]
        self.transport = Transport(
            self.clock,
            timeout=options.get("request_timeout", 30.0),
            max_retries=options.get("max_retries", 5),
            verify=verify,
            pool_size=READERS * options.get("parallel", 1),
        )
        self.progress = self._without_secrets(progress) if progress else None
        self.identity = identity.Identity(self.transport, options)
        self.api = Api(self.transport, self.identity)
        self._names: Names | None = None
        #: Whether check mode may expect that earlier tasks of the play create what does not exist.
        self.predicts = check_mode
        #: Whether a busy resource ends the task instead of a wait.
        self.defers = False
        #: The operations that were performed, also those before a failure.
        self.performed: list[Operation] = []

    def part(self, options: Options) -> Task:
        """A task with other options that shares the connections, the look-ups and the limits.

        :param options: override those of this task.
        """
        part = copy.copy(self)
        part.options = {**self.options, **options}
        part.warnings = []
        return part

    def member(self, options: Options, names: Names, check_mode: bool) -> Task:
        """A task on one of several clusters, with a time limit of its own.

        :param options: override those of this task; ``region`` is the region of the cluster.
        :param names: the look-ups of that region.
        """
        member = self.part(options)
        member.transport = self.transport.fork()
        member.api = Api(member.transport, self.identity, member.options.get("region"))
        member.performed = []
        member._done = []
        member.check_mode = check_mode
        member.predicts = False
        member._names = names
        return member

    def _without_secrets(self, progress: Callable[[str], None]) -> Callable[[str], None]:
        return lambda line: progress(self.transport.hide(line))

    @property
    def names(self) -> Names:
        """The look-ups; see :class:`names.Names`."""
        from ansible_collections.nhncloud.nks.plugins.module_utils._observe.names import Names

        self._names = self._names or Names(self.api)
        return self._names

    @property
    def timeout(self) -> float:
        """Seconds for one operation."""
        seconds: float | None = self.options.get("wait_timeout")
        if seconds is not None:
            return seconds
        return DELETE_TIMEOUT if self.options.get("state") == "absent" else WAIT_TIMEOUT

    def shown_warnings(self) -> list[str]:
        """The warnings, without secrets."""
        return [self.transport.hide(warning) for warning in self.warnings + self.transport.warnings]

    def run(self, job: Job) -> Result:
        """Run the job; if someone else's operation makes its plan outdated, read the state and plan
        again.

        :returns: what the job returns; its plan has the operations that were performed, over all
            attempts.
        :raises NksError: as the job does.
        """
        deadline = self.clock.now() + self.timeout
        warnings: list[str] = []
        while True:
            self.transport.limit(self.timeout)
            try:
                result = job.run(self)
                break
            except PlanOutdated as outdated:
                self.disturbed = True
                if outdated.done:
                    # Each operation has its own time limit.
                    deadline = self.clock.now() + self.timeout
                    self._done += outdated.done
                    warnings += self.warnings
                elif self.clock.now() >= deadline:
                    raise outdated.refusal from None
            self._names = self._names.renewed() if self._names else None
            self.warnings = []
        if "plan" in result:
            # Not every task that finds nothing to do gets as far as to apply its plan.
            self.require_approved(result["plan"])
            result["plan"] = Plan(self._done + result["plan"].operations)
        if self._done:
            self.warnings = list(dict.fromkeys(warnings + self.warnings))
        return result

    def specified(self, table: Mapping[str, rows.Row]) -> Options:
        """The options of a table, and ``name``, ``autoscale`` and ``labels``, that are set."""
        names = [row.option for row in table.values()] + ["name", "autoscale", "labels"]
        return {name: self.options[name] for name in names if self.options.get(name) is not None}

    def waiter(self) -> Waiter:
        """A waiter with the task's limits."""
        return self._waiter(self.options.get("wait_interval") or 10.0, self.timeout)

    def _waiter(self, interval: float, timeout: float) -> Waiter:
        from ansible_collections.nhncloud.nks.plugins.module_utils._apply.wait import Waiter

        return Waiter(self.clock, interval, timeout, self.progress, self.transport.limit)

    # -- observe -----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def reading(self, calls: Sequence[Callable[[], Answer]]) -> Iterator[list[Pending[Answer]]]:
        """Make reads that do not depend on each other, up to READERS at a time.

        The answers are handled in the order of the calls, so results, warnings and errors do not
        depend on which answer is first. At the end, calls that have not begun are dropped.

        :param calls: functions that only make requests; they run in other threads.
        :returns: for each call, what waits for its answer.
        """
        pool = Pool(READERS)
        try:
            yield [pool.submit(call) for call in calls]
        finally:
            pool.close()

    def read_cluster(self, ref: str) -> Watch | None:
        """Read a cluster by name or UUID; None if it does not exist."""
        reply = find_cluster(self.api, ref)
        if reply is None:
            return None
        state = wire.identified(reply, "read cluster %s" % ref)
        return Watch(
            self.api, state["uuid"], None, cluster_resource(state.get("name") or ref), state
        )

    def require_or_predict_cluster(self, idle: bool = True) -> Watch | None:
        """The cluster that the option ``cluster`` refers to; in check mode None, with a warning, if
        an earlier task may create it.

        :param idle: whether to wait while an operation is in progress on it.
        :raises NksError: it does not exist.
        """
        ref = self.options["cluster"]
        watch = self.read_cluster(ref)
        if watch is not None and not (idle and self.wait_until_idle(watch) is None):
            return watch
        self.predict_or_raise(ref, self.names.no_cluster("cluster", ref))
        return None

    def predict_or_raise(self, ref: str, missing: NksError) -> None:
        """In check mode, warn that something does not exist yet; an earlier task of the play may
        create what has a name.

        :param ref: the reference to it. Only resources that exist have a known UUID.
        :param missing: the error that reports that it does not exist.
        :raises NksError: that error, without check mode.
        """
        from ansible_collections.nhncloud.nks.plugins.module_utils._plan import creation

        if not self.predicts or not creation.NAME.fullmatch(ref) or wire.is_uuid(ref):
            raise missing
        self.warnings.append(
            missing.msg
            + " In check mode this is not an error, since an earlier task may create it: the result is a prediction."
        )

    def require_created(self, watch: Watch) -> None:
        """Fail if the creation of a resource failed: it cannot be used.

        :raises WaitError: the resource is in CREATE_FAILED.
        """
        if watch.state["status"] == "CREATE_FAILED":
            error = self.failure(watch)
            error.msg += " Creation failed: delete it (state: absent) and create it again."
            raise error

    def verify_endpoint(self) -> None:
        """Verify that a 404 means that the cluster does not exist, and not that the endpoint is
        wrong.

        :raises NksError: the service does not list clusters there either.
        """
        self.api.clusters()

    # -- wait --------------------------------------------------------------------------------------

    def wait_until_idle(self, watch: Watch, again: bool = False) -> State | None:
        """Wait while an operation is in progress on a resource, regardless of who started it.

        :param again: whether the task has to start over after such a wait, because what it read
            before is outdated.
        :returns: the state; None if the resource was deleted.
        :raises WaitError: the resource is busy and the task does not wait.
        :raises PlanOutdated: with ``again``, the resource was busy.
        """
        if not busy(watch.last):
            return watch.last
        status = watch.state["status"]
        if self.defers:
            raise Deferred("%s is in %s." % (watch.name, status), cluster=watch.cluster)
        if not self.options.get("wait", True):
            raise WaitError(
                "%s is in %s, so it cannot be compared yet. Run the task again later, or set wait to true."
                % (watch.name, status),
                status=status,
            )
        self.disturbed = True
        state = self.waiter().wait_until_idle(watch, watch.last)
        if again:
            raise PlanOutdated(
                WaitError(
                    "%s was busy each time it was read; its last status was %s. Run the task again later."
                    % (watch.name, status),
                    status=status,
                )
            )
        return state

    def wait_until_shown(self, watch: Watch) -> State | None:
        """Wait a moment for a new resource whose creation the task does not wait for; None if the
        service does not show it in that time.

        The service may accept a creation and show it a little later, also in the list (observed on
        Magnum). Another task would create a second one in that time.
        """
        return self._waiter(
            min(self.options.get("wait_interval") or SHOWN_INTERVAL, SHOWN_INTERVAL), SHOWN_TIMEOUT
        ).wait_until_shown(watch)

    # -- apply -------------------------------------------------------------------------------------

    @staticmethod
    def failure(watch: Watch) -> WaitError:
        """Why a resource is in a failed status; see :func:`failures.failure`."""
        return failures.failure(watch, watch.state)

    def digest(self, plan: Plan) -> str:
        """The digest of a plan; see :func:`operations.digest`."""
        return digest(self._hide(wire.masked(plan.report())))

    def require_approved(self, plan: Plan) -> None:
        """Require that a plan is the one that ``expect_plan`` approves, together with the operations
        that the task performed before it read the state again.

        Tasks that do not call :meth:`apply` call this before they change anything.

        :raises NksError: another plan was approved.
        """
        whole = Plan(self._done + plan.operations)
        require_approved(
            whole.report(), self.digest(whole), self.options.get("expect_plan"), len(self._done)
        )

    def apply(
        self,
        plan: Plan,
        cluster: Watch | None = None,
        watches: Iterable[Watch] = (),
        waits: bool | None = None,
        whole: Plan | None = None,
    ) -> tuple[Runner | None, State | None]:
        """Perform the operations of a plan, unless this is check mode; warn or fail if a resource
        is in a failed status.

        :param cluster: the watch of the cluster; None if the plan creates it.
        :param watches: watches of its node groups.
        :param waits: whether to wait for the last operation; by default as the options say.
        :param whole: the plan that these operations begin; by default they are all of it.
        :returns: (the runner, or None if nothing was to be done; the state after the last
            operation, or None).
        :raises NksError: another plan was approved; nothing has been changed.
        """
        watches = list(watches)
        broken = [
            watch for watch in [cluster, *watches] if watch is not None and failed(watch.last)
        ]
        again = bool(broken) and self._repeats_failed_step(plan, broken, cluster)
        self._warn_or_raise_failed(plan, broken, again)
        self.warnings += plan.warnings
        self.require_approved(whole or plan)
        if self.check_mode or not plan.operations:
            return None, None
        from ansible_collections.nhncloud.nks.plugins.module_utils._apply.run import Runner

        if waits is None:
            waits = self.options.get("wait", True)
        runner = Runner(self.api, self.waiter(), waits, cluster)
        runner.warnings = self.warnings
        runner.groups.update({watch.group: watch for watch in watches})
        try:
            return runner, runner.apply(plan)
        except ApiError as refusal:
            if not again or runner.done or refusal.status not in (400, 409):
                raise
            error = self.failure(broken[0])
            error.msg += " NKS rejected the attempt to repeat the failed step: %s" % refusal.msg
            error.values.update(refusal.values)
            raise error from None
        finally:
            self.performed += runner.done

    def _warn_or_raise_failed(self, plan: Plan, broken: Iterable[Watch], again: bool) -> None:
        """Warn of resources in a failed status, or fail if the plan changes anything that they
        prevent.

        :param again: see :meth:`_repeats_failed_step`.
        :raises WaitError: the reason of the first one.
        """
        first = itertools.takewhile(lambda operation: operation.name == "delete", plan.operations)
        deleted = {operation.group for operation in first}
        broken = list(broken)
        # A failed node group leaves its cluster in UPDATE_FAILED, and its deletion repairs that.
        repaired = any(watch.group is not None and watch.group in deleted for watch in broken)
        for watch in broken:
            if not plan.operations or again:
                self.warnings.append(
                    "%s is in %s: %s"
                    % (
                        watch.name,
                        watch.state["status"],
                        watch.state.get("status_reason") or "no reason given",
                    )
                )
            elif (watch.group is not None and watch.group not in deleted) or (
                not repaired
                and any(
                    operation.name not in ("delete", "renew_certificate")
                    for operation in plan.operations
                )
            ):
                raise self.failure(watch)

    @staticmethod
    def _repeats_failed_step(plan: Plan, broken: Iterable[Watch], cluster: Watch | None) -> bool:
        """Whether the plan begins with the same step of an upgrade whose failure left the resources
        in UPDATE_FAILED.

        It is sent again, and the service decides: which requests NKS accepts in this status is
        documented for a failed renewal of the certificate only (nothing but another renewal), and a
        partial upgrade should not be left as it is. See "docs/service-facts.md".

        :param broken: watches of the resources in a failed status.
        """
        first = plan.operations[0] if plan.operations else None
        if (
            first is None
            or cluster is None
            or first.name != "upgrade"
            or any(watch.state["status"] != "UPDATE_FAILED" for watch in broken)
        ):
            return False
        event = failures.last_failed_event(cluster, cluster.state) or {}
        own = (first.group,) if first.group else (cluster.cluster, wire.CONTROL_PLANE)
        return event.get("type") == UPGRADE and (
            event.get("resource_uuid") in own or event.get("resource_name") in own
        )


def perform(
    job: Job,
    options: Options,
    check_mode: bool = False,
    diff_mode: bool = False,
    clock: Clock | None = None,
    progress: Callable[[str], None] | None = None,
    hide: Callable[[Any], Any] | None = None,
) -> Result:
    """One task from options to result.

    :param job: see :class:`Job`.
    :param options: options as Ansible validated them; those that are not used are removed, see
        :func:`connection.settle`.
    :param hide: see :class:`Task`; the digest of the plan must not depend on secrets.
    :returns: the result, free of secrets that the service showed; the caller masks those of the
        options.
    :raises NksError: with everything that the failed result should contain.
    """
    connection.settle(options)
    options = rows.normalized(options)
    if not job.offline(options):
        connection.check(options, job.regions(options))
    rules.check_options(options)
    task = Task(options, check_mode, clock, progress, hide)
    try:
        result = task.run(job)
    except NksError as error:
        error.values = wire.masked(error.values)
        error.values.setdefault("warnings", task.shown_warnings())
        error.msg = task.transport.hide(error.msg)
        raise
    finally:
        task.transport.close()
    plan = result.pop("plan", None)
    if plan is not None:
        result["changed"] = plan.changed
        result["actions"] = plan.report()
        result["plan_digest"] = task.digest(plan)
        if diff_mode:
            result["diff"] = plan.diff()
    result.setdefault("changed", False)
    shown: Result = wire.masked(result)
    shown["warnings"] = task.shown_warnings()
    return shown
