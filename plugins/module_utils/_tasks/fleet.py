# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_fleet: many clusters from their documents, in one task."""

from __future__ import annotations

import math
import threading
import traceback
from functools import partial
from typing import Callable, Sequence

from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.names import Names
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.pool import Pending, Pool
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import Operation, Plan
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments, document
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import (
    READERS,
    Deferred,
    Job,
    Options,
    Result,
    Task,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.references import prefetch


class Member:
    """One cluster of the fleet.

    :param task: the task of the whole fleet.
    :param options: the document, checked.
    :param names: the look-ups of its region.
    """

    def __init__(self, task: Task, options: Options, names: Names) -> None:
        self._fleet = task
        self.options = options
        self.names = names
        self.name: str = options["name"]
        self.region: str | None = options["region"]
        #: The UUID of the cluster, once it is known.
        self.uuid: str | None = None
        self.warnings: list[str] = []
        #: The plan, once it is known; it is not while another operation is in progress.
        self.plan: Plan | None = None
        self.result: Result = {}
        self.error: NksError | None = None
        #: Why no operation of the plan was begun; empty if one was, or there is none.
        self.skipped = ""
        #: The operations that were performed.
        self.operations: list[Operation] = []
        #: See :class:`engine.Task`; an operation that ended before the preview counts too.
        self._disturbed = False

    def preview(self, defer: bool) -> None:
        """Observe the cluster and plan, without changing anything.

        :param defer: whether a cluster on which another operation is in progress is left for later.
        """
        self._run(True, defer, None)
        if self.error is None and self.result:
            self.plan = self.result.pop("plan")

    def apply(self) -> None:
        """Perform what the plan says. The state is observed again: others may have changed it since
        then, and the turn of this cluster may come much later.
        """
        self.names = self.names.renewed()
        expected = None
        if self._fleet.options.get("expect_plan") and self.plan is not None:
            # The whole plan was approved, so the part of this cluster has to be as it was then.
            expected = self._fleet.digest(self.plan)
        self._run(False, False, expected)
        if self.error is None:
            self.plan = self.result.pop("plan")
            self.operations = self.plan.operations

    @property
    def todo(self) -> bool:
        """Whether there is, or may be, an operation to perform, or to wait for."""
        waits: bool = self._fleet.options.get("wait_for_nodes") or False
        return self.error is None and (self.plan is None or self.plan.changed or waits)

    def _run(self, check_mode: bool, defer: bool, expected: str | None) -> None:
        """One task on the document; a failure becomes ``error``, whatever it is: it must not end
        the tasks on other clusters.

        :param expected: the digest of the only plan to apply; None for any.
        """
        options = {**self.options, "expect_plan": expected}
        task = self._fleet.member(options, self.names, check_mode)
        task.defers, task.disturbed = defer, self._disturbed
        try:
            self.result = task.run(document.JOB)
            self.uuid = self.result["cluster"].get("uuid")
        except Deferred as busy:
            self.result = {}
            self.uuid = busy.values["cluster"]
        except NksError as error:
            self.error = error
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.error = NksError(
                "Unexpected error: %r. Report it together with the exception." % error,
                exception="\n".join(map(task.transport.hide, traceback.format_exc().splitlines())),
            )
        if self.error is not None:
            self.operations = task.performed
        self._disturbed = task.disturbed
        self.warnings = list(dict.fromkeys(self.warnings + task.warnings))

    def reported(self, check_mode: bool) -> list[Operation]:
        """The operations that were performed; in check mode, those that would be."""
        if check_mode and self.error is None and self.plan is not None:
            return self.plan.operations
        return self.operations

    def entry(self, check_mode: bool) -> Result:
        """The entry of the result."""
        operations = self.reported(check_mode)
        return {
            **document.EMPTY,
            **(self.result if self.error is None else {}),
            "name": self.name,
            "region": self.region,
            "changed": bool(operations),
            "failed": self.error is not None,
            "skipped": bool(self.skipped),
            "msg": self._fleet.transport.hide(self.error.msg) if self.error else self.skipped,
            "actions": Plan(operations).report(),
        }


class Rollout:
    """Begins clusters, some at a time, until too many have failed.

    :param limit: once so many have failed, no further cluster is begun; None for no limit.
    :param failures: how many have failed before the first is begun.
    """

    def __init__(self, limit: int | None, failures: int) -> None:
        self._limit = limit
        self._failures = failures
        self._lock = threading.Lock()

    def begin(self, member: Member) -> None:
        """Apply the plan of one cluster, unless the rollout has stopped."""
        with self._lock:
            stopped = self._limit is not None and self._failures >= self._limit
        if stopped:
            member.skipped = "Not begun, because %d clusters have failed (max_failures: %d)." % (
                self._failures,
                self._limit or 0,
            )
            return
        member.apply()
        if member.error is not None:
            with self._lock:
                self._failures += 1


def run(task: Task) -> Result:
    """One task of nks_fleet: all documents are checked, then all clusters are observed and planned,
    and only then the first one is changed.
    """
    options = task.options
    # Each cluster has a time limit of its own. Logins and lists are needed as long as any of them
    # takes, so that they have none but the number of attempts.
    task.transport.limit(math.inf)
    _check_numbers(options)
    members = _members(task)
    pool, lists = Pool(options["parallel"]), Pool(READERS)
    try:
        _prefetch(lists, members)
        # A cluster that is busy is planned when its turn comes, unless the whole plan is needed now.
        defer = not task.check_mode and not options.get("expect_plan")
        _each(pool, [partial(member.preview, defer) for member in members])
        _check_different(members)
        if options.get("expect_plan"):
            plans = [member.plan for member in members if member.plan is not None]
            task.require_approved(
                Plan(operation for part in plans for operation in part.operations)
            )
        if not task.check_mode:
            _roll_out(options, pool, members)
    finally:
        pool.close()
        lists.close()
    return _result(task, members)


def _check_numbers(options: Options) -> None:
    """Check the options of the fleet itself.

    :raises BadInput: one is out of range.
    """
    for option, least in (("parallel", 1), ("canary", 0), ("max_failures", 1)):
        value = options.get(option)
        if value is not None and value < least:
            raise BadInput(option, value, "is out of range", "set it to %d or more" % least)


def _members(task: Task) -> list[Member]:
    """The clusters of the fleet, in the order of their documents.

    :raises NksError: documents are invalid; names each of them.
    """
    names: dict[str, Names] = {}
    found: dict[tuple[str, str], int] = {}
    members, errors = [], []
    for number, given in enumerate(task.options["clusters"]):
        region = given.get("region") or task.options.get("region")
        try:
            checked = dict(document.checked(given), region=region)
            code = str(region).lower()
            key = (code, checked["name"])
            if key in found:
                raise BadInput(
                    "name",
                    checked["name"],
                    "is in clusters[%d] too, in the same region" % found[key],
                    "describe each cluster once",
                )
            found[key] = number
        except NksError as error:
            errors.append("clusters[%d] (%s): %s" % (number, given.get("name"), error.msg))
            continue
        if code not in names:
            names[code] = Names(Api(task.transport, task.identity, region))
        members.append(Member(task, checked, names[code]))
    if errors:
        raise NksError(" ".join(errors))
    return members


def _prefetch(pool: Pool, members: Sequence[Member]) -> None:
    """Begin to read the lists in which the clusters' references are looked up, all at the same
    time. Each is read once a region; a cluster that needs one that fails reports it.
    """
    calls = {
        (id(member.names), needed): partial(prefetch, member.names, needed)
        for member in members
        for needed in document.needed_lists(member.options)
    }
    for call in calls.values():
        pool.submit(call)


def _each(pool: Pool, calls: Sequence[Callable[[], None]]) -> None:
    """Make calls, as many at a time as the pool has threads, and wait for all of them."""
    pending: list[Pending[None]] = [pool.submit(call) for call in calls]
    for item in pending:
        item.result()


def _check_different(members: Sequence[Member]) -> None:
    """Check that no two documents are about one cluster, by its name and by its UUID.

    :raises BadInput: two are.
    """
    found: dict[str | None, Member] = {}
    for member in members:
        if member.uuid in found:
            raise BadInput(
                "clusters",
                member.name,
                "is the same cluster as '%s' in this list" % found[member.uuid].name,
                "describe each cluster once",
            )
        if member.uuid:
            found[member.uuid] = member


def _roll_out(options: Options, pool: Pool, members: Sequence[Member]) -> None:
    """Change the clusters: first the canaries, then, if they succeed, the others."""
    rollout = Rollout(
        options.get("max_failures"), sum(member.error is not None for member in members)
    )
    first, others = members[: options["canary"]], members[options["canary"] :]
    _each(pool, [partial(rollout.begin, member) for member in first if member.todo])
    failed = [member.name for member in first if member.error is not None or member.skipped]
    if failed:
        for member in others:
            if member.todo:
                member.skipped = (
                    "Not begun, because canary clusters did not succeed: %s." % ", ".join(failed)
                )
        return
    _each(pool, [partial(rollout.begin, member) for member in others if member.todo])


def _result(task: Task, members: Sequence[Member]) -> Result:
    """The result of the whole task.

    :raises NksError: clusters have failed; the error has the same values, and names each.
    """
    for member in members:
        task.warnings += member.warnings
    entries = [member.entry(task.check_mode) for member in members]
    summary = {
        "ok": sum(not (entry["failed"] or entry["skipped"]) for entry in entries),
        "changed": sum(entry["changed"] for entry in entries),
        "failed": sum(entry["failed"] for entry in entries),
        "skipped": sum(entry["skipped"] for entry in entries),
    }
    plan = Plan(operation for member in members for operation in member.reported(task.check_mode))
    result: Result = {"clusters": entries, "summary": summary, "plan": plan}
    failed = [member for member in members if member.error is not None]
    if not failed:
        return result
    raise _failure(failed, len(members), result)


def _failure(failed: Sequence[Member], count: int, result: Result) -> NksError:
    """The failure of the task: one sentence for each cluster, and the values of the result."""
    plan = result.pop("plan")
    reasons = " ".join(
        "%s: %s" % (member.name, member.error.msg) for member in failed if member.error
    )
    if count == 1 and failed[0].error:
        message = failed[0].error.msg
    else:
        message = "%d of %d clusters failed. %s" % (len(failed), count, reasons)
    error = NksError(
        message,
        changed=plan.changed,
        actions=plan.report(),
        **result,
    )
    for member in failed:
        # The values of the first failure that has any, as for a single cluster.
        for key, value in (member.error.values if member.error else {}).items():
            # The digest of one cluster's plan is not that of the whole plan.
            if key != "plan_digest":
                error.values.setdefault(key, value)
    return error


def _regions(options: Options) -> list[str] | None:
    """The regions of the documents; that of the task for those without one."""
    found = [document.get("region") or options.get("region") for document in options["clusters"]]
    return list(dict.fromkeys(found)) or None


JOB = Job(
    "nks_fleet",
    dict(
        arguments.auth(),
        clusters={
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": arguments.document(),
        },
        parallel={"type": "int", "default": 10},
        canary={"type": "int", "default": 0},
        max_failures={"type": "int"},
        **arguments.wait(),
        **arguments.wait_for_nodes(),
        **arguments.approval(),
    ),
    run,
    regions=_regions,
)
